/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocates a pseudoterminal out of a devpts file system that may be a hostile container's. What is
 * opened is checked to be the multiplexer of a devpts before it is opened for use, no link is
 * followed, and the slave comes from the master itself, never from a path.
 */
#ifndef ATT_SYS_PTY_H
#define ATT_SYS_PTY_H

#include "base/err.h"

struct att_pty {
	int master_fd; /* does not block */
	int slave_fd;
	int number; /* N of /dev/pts/N there */
};

#define ATT_PTY_INIT \
	{ \
		.master_fd = -1, .slave_fd = -1, .number = -1 \
	}

/* Positive outcomes: there is no devpts; it has no terminal left. */
#define ATT_PTY_NONE 1
#define ATT_PTY_FULL 2

/** att_pty_done() - close both sides; idempotent. */
void att_pty_done(struct att_pty *pty);

/**
 * att_pty_open_in() - a terminal of this devpts
 * @devpts_fd: its root directory
 *
 * Return: 0, ATT_PTY_NONE, ATT_PTY_FULL. Errors: LIMIT_EXCEEDED, NO_MEMORY.
 */
int att_pty_open_in(int devpts_fd, struct att_pty *ret, struct att_err *err) _must_check_;

/**
 * att_pty_open_at() - a terminal of the devpts that a container has at /dev/pts
 * @root_fd: the container's root directory
 *
 * Return: as att_pty_open_in().
 */
int att_pty_open_at(int root_fd, struct att_pty *ret, struct att_err *err) _must_check_;

/** att_pty_open_host() - a terminal of the host's devpts. Errors: LIMIT_EXCEEDED, UNSUPPORTED. */
int att_pty_open_host(struct att_pty *ret, struct att_err *err) _must_check_;

#endif
