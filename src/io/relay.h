/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carries bytes between the caller's descriptors and a job's pipes or terminal until the job ends.
 * One loop on poll(2); a side is read only when the other takes more, so a slow reader slows the job
 * and nothing is dropped. The caller's descriptors keep their flags: whoever shares them would
 * notice.
 */
#ifndef ATT_IO_RELAY_H
#define ATT_IO_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "io/escape.h"
#include "io/terminal.h"

/* What the loop cannot know. */
struct att_relay_hooks {
	/* A signal came in for the job. */
	void (*on_signal)(void *data, int sig);
	/* The deadline has passed. Return: the next one, INT64_MAX for none. */
	int64_t (*on_deadline)(void *data);
	/* The job's terminal has been hung up. Return: the deadline for what that does not end. */
	int64_t (*on_hangup)(void *data);
	/* See struct att_terminal_hooks. */
	void (*on_terminal)(void *data, int fd, const struct att_tty_mode *mode);
	void *data;
};

struct att_relay {
	int caller_fd[3]; /* -1: nothing to read, nobody to write to; borrowed */
	int *pipe_fd;     /* three: our ends of the job's pipes; closed, and set to -1, when done */
	int *master_fd;   /* the job's terminal, -1: none; likewise, unless the job is let go */
	uint32_t tty_mask; /* bit i: the job's descriptor i is its terminal */
	bool no_keys;      /* nothing is typed into it */
	uint32_t
		end_mask; /* bit i: put something else in place of caller_fd[i] when it has ended */
	int job_pidfd;
	int signal_fd;       /* a signalfd, or -1; borrowed */
	int64_t deadline_ns; /* INT64_MAX: none */
	struct att_escape_machine escape;
	bool jail; /* give up all that is not needed to carry bytes, until this process ends */
	struct att_relay_hooks hooks;
	bool detached; /* out: the user wants the job to go on without us; *master_fd is open */
};

/**
 * att_relay_run() - carry on until the job has ended and what it wrote is delivered
 * @ret_bytes: out: bytes carried from the caller, to its stdout, to its stderr
 *
 * What a process that outlives the job writes later is not waited for. A caller's side that is
 * closed (EPIPE) closes the job's; that is no error. A caller's terminal that is lost, or a signal
 * to end while there is one, hangs up the job's.
 *
 * Errors: IO_ERROR when a caller's side failed for another reason, after the job has ended;
 * CONFINEMENT_UNAVAILABLE, before any byte is read, and INTERNAL_ERROR: then it may still run.
 * Context: parent; blocks. SIGPIPE is kept away from the caller's dispositions. SIGTSTP from
 * @signal_fd stops this process, as its default does.
 */
int att_relay_run(struct att_relay *relay, uint64_t ret_bytes[3], struct att_err *err) _must_check_;

#endif
