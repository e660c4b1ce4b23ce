/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define NUMBER_MAX 16 /* bytes of a pid and its newline */

static int raise_io(struct att_err *err, int sys, const char *path)
{
	char name[160];

	return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_REQUEST, sys, "--pid-file: write '%s'",
	                   att_escape(name, sizeof(name), path, strlen(path)));
}

/* A rename over a device node or a link would destroy it. */
static int check_name(const char *path, struct att_err *err)
{
	struct stat st;
	char name[160];

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : raise_io(err, errno, path);
	if (S_ISREG(st.st_mode))
		return 0;
	return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
	                   "--pid-file: '%s' is there and not a regular file",
	                   att_escape(name, sizeof(name), path, strlen(path)));
}

int att_pidfile_open(struct att_pidfile *f, const char *path, struct att_err *err)
{
	int r = 0;

	if (!path)
		return 0;

	r = check_name(path, err);
	if (r < 0)
		return r;
	if (asprintf(&f->temp, "%s.XXXXXX", path) < 0) {
		f->temp = NULL;
		return att_err_nomem(err, ATT_STAGE_REQUEST);
	}
	f->fd = mkostemp(f->temp, O_CLOEXEC);
	if (f->fd < 0) {
		r = raise_io(err, errno, path);
		att_free_p(&f->temp);
		return r;
	}
	f->path = path;
	if (fchmod(f->fd, 0644) < 0)
		return raise_io(err, errno, path);
	r = posix_fallocate(f->fd, 0, NUMBER_MAX);
	return r == 0 ? 0 : raise_io(err, r, path);
}

int att_pidfile_publish(struct att_pidfile *f, pid_t host_pid, struct att_err *err)
{
	char text[NUMBER_MAX];
	int len = 0;
	int r = 0;

	if (!f->path)
		return 0;
	len = snprintf(text, sizeof(text), "%d\n", (int)host_pid);
	att_assert(len > 0 && len < NUMBER_MAX);

	r = att_fd_write_full(f->fd, text, (size_t)len);
	if (r < 0)
		return raise_io(err, -r, f->path);
	if (ftruncate(f->fd, len) < 0 || rename(f->temp, f->path) < 0)
		return raise_io(err, errno, f->path);
	att_free_p(&f->temp);
	return 0;
}

void att_pidfile_done(struct att_pidfile *f)
{
	if (f->temp)
		att_ignore(unlink(f->temp));
	att_free_p(&f->temp);
	f->fd = att_fd_close(f->fd);
	f->path = NULL;
}
