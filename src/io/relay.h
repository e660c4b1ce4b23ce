/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Carries bytes between the caller's descriptors and a job's pipes until the job ends. One loop on
 * poll(2); a side is read only when the other takes more, so a slow reader slows the job and
 * nothing is dropped. The caller's descriptors keep their flags: whoever shares them would notice.
 */
#ifndef ATT_IO_RELAY_H
#define ATT_IO_RELAY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* What the loop cannot know. */
struct att_relay_hooks {
	/* A signal came in for the job. */
	void (*on_signal)(void *data, int sig);
	/* The deadline has passed. Return: the next one, INT64_MAX for none. */
	int64_t (*on_deadline)(void *data);
	void *data;
};

struct att_relay {
	int caller_fd[3]; /* -1: nothing to read, nobody to write to; borrowed */
	int *pipe_fd;     /* three: our ends of the job's pipes; closed, and set to -1, when done */
	uint32_t
		end_mask; /* bit i: put the null device in place of caller_fd[i] when it has ended */
	int job_pidfd;
	int signal_fd;       /* a signalfd, or -1; borrowed */
	int64_t deadline_ns; /* INT64_MAX: none */
	struct att_relay_hooks hooks;
};

/**
 * att_relay_run() - carry on until the job has ended and what it wrote is delivered
 * @ret_bytes: out: bytes carried from the caller, to its stdout, to its stderr
 *
 * What a process that outlives the job writes later is not waited for. A caller's side that is
 * closed (EPIPE) closes the job's; that is no error.
 *
 * Errors: IO_ERROR when a caller's side failed for another reason, after the job has ended;
 * INTERNAL_ERROR.
 * Context: parent; blocks. SIGPIPE is kept away from the caller's dispositions.
 */
int att_relay_run(struct att_relay *relay, uint64_t ret_bytes[3], struct att_err *err) _must_check_;

#endif
