/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a program may leave changed in a terminal, read and compared by the names that stty uses. */
#ifndef ATT_HARNESS_TTYSTATE_H
#define ATT_HARNESS_TTYSTATE_H

#include <sys/ioctl.h>
#include <sys/types.h>
#include <termios.h>

#include "base/defs.h"

struct ttystate {
	struct termios termios;
	struct winsize size;
	pid_t foreground; /* process group; 0: none */
};

/**
 * ttystate_read() - read the state of a terminal
 * @fd: the terminal, or the master of one: then it is that of the other end
 *
 * Return: 0 or -errno.
 */
int ttystate_read(int fd, struct ttystate *ret) _must_check_;

/**
 * ttystate_compare() - what differs
 * @ret_diff: out: owned text, "" when equal; one line for each difference:
 *            "~ lflag echo: was on, is off", "~ size: was 24x80, is 30x90", "~ cc intr: was 3, is 0"
 *
 * Return: number of differences, or -ENOMEM.
 */
int ttystate_compare(const struct ttystate *before, const struct ttystate *after, char **ret_diff)
	_must_check_;

#endif
