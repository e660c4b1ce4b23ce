/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The conversation with a container's monitor, with a bound on its time. liblxc has one of its own,
 * which waits without a bound, asks one thing after the other and needs the container's whole
 * configuration parsed under a lock first; here several questions are under way at once and nothing
 * else is needed. Numbers and answers are those that liblxc promises not to change: a monitor may
 * be older than the library beside it. One that does not know a question is left to liblxc.
 */
#ifndef ATT_CT_MONITOR_H
#define ATT_CT_MONITOR_H

#include "base/err.h"

/* What can be asked. */
#define ATT_MONITOR_STATE       0x1u
#define ATT_MONITOR_INIT_PIDFD  0x2u
#define ATT_MONITOR_PROFILE     0x4u
#define ATT_MONITOR_ENVIRONMENT 0x8u
#define ATT_MONITOR_RUNTIME_ENV 0x10u
#define ATT_MONITOR_ALL         0x1fu
#define ATT_MONITOR_DEVPTS      0x20u /* not a part of ALL */
#define ATT_MONITOR_QUESTIONS   6

struct att_monitor_answers {
	const char *state;         /* static: "RUNNING" if not asked; "STOPPED": nobody listens */
	int init_pidfd;            /* owned; -1 when it was not told */
	int devpts_fd;             /* owned; its devpts, -1 when it has none or does not tell */
	char *seccomp_profile;     /* owned; lxc.seccomp.profile, NULL when not set */
	char *environment;         /* owned; lxc.environment, "K=V" lines */
	char *runtime_environment; /* owned; lxc.environment.runtime, since liblxc 7 */

	int pending_fd[ATT_MONITOR_QUESTIONS]; /* of answers that are still under way; else -1 */
	int64_t deadline_ns;                   /* for those */
};

#define ATT_MONITOR_ANSWERS_INIT \
	{ \
		.state = "STOPPED", .init_pidfd = -1, .devpts_fd = -1, .pending_fd = { \
			-1, \
			-1, \
			-1, \
			-1, \
			-1, \
			-1 \
		} \
	}

/**
 * att_monitor_ask() - ask a container's monitor several things at once
 * @what: ATT_MONITOR_*
 *
 * A monitor serves its socket from when the container runs until its init has ended, so that whoever
 * got a living init from it need not ask for the state.
 *
 * That nobody listens is known at once. The monitor answers one question after the other, the pidfd
 * first: whoever asks can do something else before att_monitor_read().
 *
 * Errors: TIMEOUT when it does not answer before @deadline_ns, PERMISSION_DENIED when whoever
 * listens is not root or the caller, IO_ERROR, NO_MEMORY.
 * Source: liblxc, commands.h ("semantics for current commands are fixed").
 */
int att_monitor_ask(const char *lxcpath, const char *name, unsigned what, int64_t deadline_ns,
                    struct att_monitor_answers *ret, struct att_err *err) _must_check_;

/** att_monitor_read() - wait for some of what was asked. Errors: TIMEOUT, NO_MEMORY. */
int att_monitor_read(struct att_monitor_answers *a, unsigned what, struct att_err *err)
	_must_check_;

/** att_monitor_answers_done() - idempotent. */
void att_monitor_answers_done(struct att_monitor_answers *a);

/**
 * att_monitor_wait_lock() - wait until nobody holds the lock on a container's configuration
 *
 * Errors: TIMEOUT.
 */
int att_monitor_wait_lock(const char *lxcpath, const char *name, int64_t deadline_ns,
                          struct att_err *err) _must_check_;

#endif
