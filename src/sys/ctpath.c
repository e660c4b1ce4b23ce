/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/ctpath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum att_ctpath att_ctpath_look(int root_fd, const char *ct_path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	struct stat st;
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, root_fd, ct_path, &how, sizeof(how));

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? ATT_CTPATH_ABSENT
		                                                             : ATT_CTPATH_UNSEEN;
	if (fstat(fd, &st) < 0)
		return ATT_CTPATH_UNSEEN;
	if (S_ISDIR(st.st_mode))
		return ATT_CTPATH_DIR;
	if (!S_ISREG(st.st_mode))
		return ATT_CTPATH_OTHER;
	return st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH) ? ATT_CTPATH_PROGRAM : ATT_CTPATH_FILE;
}
