/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The kernel's own struct; <termios.h> has another one of the same name. */
#include <asm/termbits.h>

#include "base/fd.h"

_Static_assert(sizeof(struct termios2) <= ATT_TTY_MODE_BYTES, "the kernel's modes fit");

static struct termios2 unpack(const struct att_tty_mode *mode)
{
	struct termios2 t;

	memcpy(&t, mode->bytes, sizeof(t));
	return t;
}

static void pack(struct att_tty_mode *mode, const struct termios2 *t)
{
	memset(mode, 0, sizeof(*mode));
	memcpy(mode->bytes, t, sizeof(*t));
}

bool att_tty_is_terminal(int fd)
{
	struct termios2 t;
	unsigned number = 0;

	if (fd < 0 || ioctl(fd, TCGETS2, &t) < 0)
		return false;
	/* Only a master side has a number to tell; opened again, it would be another terminal. */
	return ioctl(fd, TIOCGPTN, &number) < 0;
}

int att_tty_get_mode(int fd, struct att_tty_mode *ret)
{
	struct termios2 t;

	if (ioctl(fd, TCGETS2, &t) < 0)
		return -errno;
	pack(ret, &t);
	return 0;
}

int att_tty_set_mode(int fd, const struct att_tty_mode *mode, bool flush)
{
	struct termios2 t = unpack(mode);

	return ioctl(fd, flush ? TCSETSF2 : TCSETSW2, &t) < 0 ? -errno : 0;
}

void att_tty_make_raw(struct att_tty_mode *mode)
{
	struct termios2 t = unpack(mode);

	t.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL |
	                         IXON);
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	t.c_cflag |= CS8;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	pack(mode, &t);
}

void att_tty_make_output_raw(struct att_tty_mode *mode)
{
	struct termios2 t = unpack(mode);

	t.c_oflag &= ~(tcflag_t)OPOST;
	pack(mode, &t);
}

bool att_tty_mode_equal(const struct att_tty_mode *a, const struct att_tty_mode *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(struct termios2)) == 0;
}

int att_tty_eof_char(int fd)
{
	struct termios2 t;

	if (ioctl(fd, TCGETS2, &t) < 0 || t.c_cc[VEOF] == 0)
		return -1;
	return t.c_cc[VEOF];
}

int att_tty_get_size(int fd, struct att_tty_size *ret)
{
	struct winsize w;

	if (ioctl(fd, TIOCGWINSZ, &w) < 0)
		return -errno;
	*ret = (struct att_tty_size){ w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel };
	return 0;
}

int att_tty_set_size(int fd, const struct att_tty_size *size)
{
	const struct winsize w = { size->rows, size->cols, size->x_pixels, size->y_pixels };

	return ioctl(fd, TIOCSWINSZ, &w) < 0 ? -errno : 0;
}

bool att_tty_is_ours(int fd)
{
	pid_t foreground = tcgetpgrp(fd);

	/* EIO is a terminal that has hung up: a read will tell. */
	return foreground < 0 || foreground == getpgrp();
}

int att_tty_reopen(int fd, int flags)
{
	char path[32];
	int own = -1;
	int high = -1;

	att_ignore(snprintf(path, sizeof(path), "/proc/self/fd/%d", fd));
	own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return -errno;
	if (own > 2)
		return own;
	high = fcntl(own, F_DUPFD_CLOEXEC, 3);
	att_ignore(att_fd_close(own));
	return high < 0 ? -errno : high;
}
