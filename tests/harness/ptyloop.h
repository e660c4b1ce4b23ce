/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a driver (harness/ptydrv.h), and its loop: the terminal, the pipes and the messages
 * of the shell, whichever is ready first.
 */
#ifndef ATT_HARNESS_PTYLOOP_H
#define ATT_HARNESS_PTYLOOP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/defs.h"
#include "harness/ptydrv.h"

#define PTYLOOP_STREAMS 3

struct ptyloop_stream {
	int fd;        /* -1: none. The terminal's stays open behind its end, for its state */
	bool is_there; /* the program has it, or had */
	bool ended;
	struct att_buf text;
	size_t mark; /* end of the last text found */
};

struct ptyloop_pending {
	const char *bytes; /* borrowed */
	size_t n;
};

struct ptydrv {
	struct ptyloop_stream streams[PTYLOOP_STREAMS];
	/*
	 * The other end of the terminal, until the program ends: a terminal that nobody has open is
	 * at its end, and a program may well open its own later.
	 */
	int tty_fd;
	int in_fd;
	int sock_fd;
	pid_t shell_pid;
	pid_t pid;
	struct ptyloop_pending typed;
	struct ptyloop_pending fed;
	bool paused;
	uint64_t stutter; /* state of the generator; 0: none */
	int64_t resume_ns;
	struct ttystate before;
	bool replied;
	int reply;
	bool started;
	int n_stops; /* not waited for yet */
	int stop_signal;
	int n_continues;
	bool ended;
	int status;
	int64_t started_ns;
	int64_t ended_ns;
	int64_t deadline_ns;
	char *shown; /* owned */
};

/**
 * ptyloop_turn() - handle what is ready, or wait for something to be
 *
 * Return: 0; -ETIMEDOUT when @deadline_ns has passed; another -errno.
 */
int ptyloop_turn(struct ptydrv *d, int64_t deadline_ns) _must_check_;

/** ptyloop_read_message() - wait for a message of the shell and take it. Return: 0 or -errno. */
int ptyloop_read_message(struct ptydrv *d) _must_check_;

#endif
