/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/memfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "base/fd.h"

#ifndef MFD_EXEC
#	define MFD_EXEC 0x0010u
#endif

int att_memfile_open(const char *name, const char *bytes, size_t len, enum att_stage stage,
                     int *ret_fd, struct att_err *err)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	_cleanup_close_ int fd = memfd_create(name, flags | MFD_EXEC);
	int r = 0;

	/* Before Linux 6.3 there is no such flag, and every memory file can be run. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0)
		return att_err_sys(err, errno == EACCES ? ATT_E_UNSUPPORTED : ATT_E_INTERNAL_ERROR,
		                   stage, errno,
		                   "make a memory file that can be run (vm.memfd_noexec?)");
	r = att_fd_write_full(fd, bytes, len);
	if (r < 0)
		return att_err_sys(err, ATT_E_NO_MEMORY, stage, -r, "fill a memory file");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, stage, errno, "seal a memory file");
	*ret_fd = take_fd(&fd);
	return 0;
}
