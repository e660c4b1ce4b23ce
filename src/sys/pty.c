/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"

/* devpts gives its multiplexer this inode number (fs/devpts/inode.c). */
#define PTMX_INODE 2
#define PTMX_MAJOR 5
#define PTMX_MINOR 2

void att_pty_done(struct att_pty *pty)
{
	pty->master_fd = att_fd_close(pty->master_fd);
	pty->slave_fd = att_fd_close(pty->slave_fd);
}

static int pin(int dir_fd, const char *path, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* Asked of the pinned inode, so that what is opened next is what was looked at. */
static bool is_ptmx(int path_fd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(path_fd, &fs) == 0 && fs.f_type == DEVPTS_SUPER_MAGIC &&
	       fstat(path_fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_ino == PTMX_INODE &&
	       st.st_rdev == makedev(PTMX_MAJOR, PTMX_MINOR);
}

static int open_pinned(int path_fd)
{
	char path[32];
	int fd = -1;

	att_ignore(snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd));
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void move_up(int *fd)
{
	int high = 0;

	if (*fd < 0 || *fd > 2)
		return;
	high = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	att_ignore(att_fd_close(*fd));
	*fd = high;
}

/* Return: 0 or -errno. */
static int unlock_and_split(int master_fd, struct att_pty *ret)
{
	_cleanup_(att_pty_done) struct att_pty pty = { .master_fd = master_fd, .slave_fd = -1 };
	int unlocked = 0;

	if (ioctl(pty.master_fd, TIOCSPTLCK, &unlocked) < 0)
		return -errno;
	pty.slave_fd = ioctl(pty.master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pty.slave_fd < 0 || ioctl(pty.master_fd, TIOCGPTN, &pty.number) < 0)
		return -errno;
	move_up(&pty.master_fd);
	move_up(&pty.slave_fd);
	if (pty.master_fd < 0 || pty.slave_fd < 0)
		return -EMFILE;
	*ret = pty;
	pty = (struct att_pty)ATT_PTY_INIT;
	return 0;
}

static int open_checked(int path_fd, struct att_pty *ret, struct att_err *err)
{
	int fd = -1;
	int r = 0;

	if (path_fd < 0 || !is_ptmx(path_fd))
		return ATT_PTY_NONE;
	fd = open_pinned(path_fd);
	if (fd == -ENOSPC)
		return ATT_PTY_FULL;
	r = fd < 0 ? fd : unlock_and_split(fd, ret);
	if (r == 0)
		return 0;
	return att_err_sys(err, r == -ENOMEM ? ATT_E_NO_MEMORY : ATT_E_LIMIT_EXCEEDED,
	                   ATT_STAGE_STDIO, -r, "allocate a terminal in the container");
}

int att_pty_open_in(int devpts_fd, struct att_pty *ret, struct att_err *err)
{
	_cleanup_close_ int fd = pin(devpts_fd, "ptmx", RESOLVE_BENEATH | RESOLVE_NO_XDEV);

	return open_checked(fd, ret, err);
}

int att_pty_open_at(int root_fd, struct att_pty *ret, struct att_err *err)
{
	_cleanup_close_ int fd = pin(root_fd, "dev/pts/ptmx", RESOLVE_IN_ROOT);

	return open_checked(fd, ret, err);
}

int att_pty_open_host(struct att_pty *ret, struct att_err *err)
{
	int fd = open("/dev/ptmx", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r = fd < 0 ? -errno : unlock_and_split(fd, ret);

	if (r == 0)
		return 0;
	return att_err_sys(err,
	                   r == -ENOSPC || r == -EMFILE ? ATT_E_LIMIT_EXCEEDED : ATT_E_UNSUPPORTED,
	                   ATT_STAGE_STDIO, -r, "allocate a terminal of the host");
}
