/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller's terminal while a job has one of its own: every byte goes through as it is, and at the
 * end the terminal is as it was. It is taken only in the foreground; a background process leaves it
 * alone, and looks whether it has come to the foreground when something happens there.
 */
#ifndef ATT_IO_TERMINAL_H
#define ATT_IO_TERMINAL_H

#include <stdbool.h>

#include "sys/tty.h"

struct att_terminal_hooks {
	/*
	 * The terminal has been taken (@mode: how to give it back), or given back (NULL). For
	 * somebody who would do it if this process were killed.
	 */
	void (*on_terminal)(void *data, int fd, const struct att_tty_mode *mode);
	void *data;
};

struct att_terminal {
	int fd;        /* the caller's terminal; -1: it has none */
	bool own;      /* @fd is a description of our own, which does not block */
	int master_fd; /* the job's terminal; borrowed */
	int watch_fd;  /* readable when something happened at the terminal; -1 when not needed */
	bool no_keys; /* what is typed stays for others, signals too; only output goes through as it is */
	bool taken;
	struct att_tty_mode before;
	struct att_terminal_hooks hooks;
};

#define ATT_TERMINAL_INIT \
	{ \
		.fd = -1, .master_fd = -1, .watch_fd = -1 \
	}

/**
 * att_terminal_open() - look at the caller's terminal, and take it if it is ours to take
 * @caller_fd: a terminal, or -1; borrowed
 * @master_fd: the job's; borrowed
 * @no_keys:   its keyboard is left alone
 */
void att_terminal_open(struct att_terminal *t, int caller_fd, int master_fd, bool no_keys,
                       const struct att_terminal_hooks *hooks);

/** att_terminal_look() - take the terminal if it has become ours, let go if it no longer is. */
void att_terminal_look(struct att_terminal *t);

/** att_terminal_watched() - the watch was readable: something happened. */
void att_terminal_watched(struct att_terminal *t);

/** att_terminal_resize() - the job's terminal gets the size of the caller's. */
void att_terminal_resize(const struct att_terminal *t);

/**
 * att_terminal_give_back() - as it was before, if it was taken
 * @flush: drop what was typed and not read: at the end it may be the answers to questions that the
 *         job asked of the terminal, which a shell would take for commands
 */
void att_terminal_give_back(struct att_terminal *t, bool flush);

/** att_terminal_close() - give back and close; idempotent. */
void att_terminal_close(struct att_terminal *t);

#endif
