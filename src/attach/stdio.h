/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The job's descriptors 0, 1 and 2: a terminal, pipes of our own, the caller's, or the container's
 * null device.
 */
#ifndef ATT_ATTACH_STDIO_H
#define ATT_ATTACH_STDIO_H

#include "attach/plan.h"
#include "sys/pty.h"

struct att_stdio {
	int job_fd[3];      /* what becomes the job's 0, 1, 2; above 2, or the same number */
	int pipe_fd[3];     /* our ends; -1 where there is no pipe */
	bool owned[3];      /* job_fd is ours to close */
	struct att_pty pty; /* the job's terminal, if it has one; we keep both sides */
	bool host_pty;      /* it is not of the container's devpts */
};

#define ATT_STDIO_INIT \
	{ \
		{ -1, -1, -1 }, { -1, -1, -1 }, { false, false, false }, ATT_PTY_INIT, false \
	}

/**
 * att_stdio_make() - pipes and duplicates for a launch
 * @null_mask: descriptors that will be the container's null device and need nothing here
 *
 * Our pipes, and the job's side of its terminal, are given to the job's user, so that it can open
 * /dev/stdout or its terminal again; nothing of the caller's changes its owner or mode.
 *
 * Errors: LIMIT_EXCEEDED, PERMISSION_DENIED, UNSUPPORTED.
 */
int att_stdio_make(const struct att_plan *plan, uint32_t null_mask, struct att_stdio *ret,
                   struct att_err *err) _must_check_;

/** att_stdio_close_job_side() - once the job has its own copies. */
void att_stdio_close_job_side(struct att_stdio *s);

/** att_stdio_done() - idempotent. */
void att_stdio_done(struct att_stdio *s);

#endif
