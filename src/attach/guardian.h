/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher's first process as the library sees it: started with nothing but a socket, so that it
 * can be started before there is a plan, and execs on another processor while the plan is made. It
 * knows nothing of a container until the plan comes, and ends when the socket does.
 */
#ifndef ATT_ATTACH_GUARDIAN_H
#define ATT_ATTACH_GUARDIAN_H

#include <sys/types.h>

#include "attach/wire.h"
#include "base/buf.h"
#include "base/err.h"

/* What the child stands on until its exec. */
struct att_guardian_start;

struct att_guardian {
	pid_t pid; /* 0 when there is none */
	pid_t owner_pid;
	int pid_fd; /* pidfd */
	int sock;   /* our end */
	struct att_guardian_start *start;
};

#define ATT_GUARDIAN_INIT \
	{ \
		.pid_fd = -1, .sock = -1 \
	}

/**
 * att_guardian_start() - start the launcher, which then waits for a plan
 *
 * Errors: LIMIT_EXCEEDED, NO_MEMORY, UNSUPPORTED, INTERNAL_ERROR.
 * Context: parent; does not wait for the exec.
 */
int att_guardian_start(struct att_guardian *ret, struct att_err *err) _must_check_;

/**
 * att_guardian_send() - hand the plan over, with its descriptors
 * @message: struct att_wire_plan and its blob
 * @fds:     ATT_WIRE_MAX_FDS at most; they stay ours
 *
 * A launcher that has died is no error here: it will not answer, which says more.
 *
 * Errors: LIMIT_EXCEEDED.
 * Context: parent; blocks until the launcher has taken what does not fit into the socket.
 */
int att_guardian_send(const struct att_guardian *g, const struct att_buf *message, const int *fds,
                      size_t n_fds, struct att_err *err) _must_check_;

/**
 * att_guardian_error() - why it could not be run
 *
 * Return: errno, or 0. Context: after its end of the socket was closed, or it was reaped.
 */
int att_guardian_error(const struct att_guardian *g);

/** att_guardian_started() - it has answered: what its child stood on is not needed any more. */
void att_guardian_started(struct att_guardian *g);

/**
 * att_guardian_leave() - let it clean up behind what does not end, whenever that ends
 *
 * It takes the end of the socket, in att_guardian_done(), for ours, and ends by itself. It is reaped
 * when this process has ended.
 */
void att_guardian_leave(struct att_guardian *g);

/** att_guardian_done() - end and reap it; idempotent. */
void att_guardian_done(struct att_guardian *g);

#endif
