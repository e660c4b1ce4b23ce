/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ends the program with a Timeout error when a call does not return. liblxc talks to a container's
 * monitor without a deadline of its own in places the library cannot reach; only a signal gets out
 * of there. Everything the handler says is made beforehand, because it may only write and exit.
 */
#ifndef ATT_CLI_WATCHDOG_H
#define ATT_CLI_WATCHDOG_H

#include <signal.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/opts.h"

struct att_watchdog {
	struct att_buf line;   /* the error line */
	struct att_buf result; /* the result object; empty without --status-fd */
	int status_fd;
	bool armed;
	timer_t timer;
	struct sigaction old_action;
	sigset_t old_mask;
};

#define ATT_WATCHDOG_INIT \
	{ \
		.status_fd = -1 \
	}
#define _cleanup_watchdog_ _cleanup_(att_watchdog_stop)

/**
 * att_watchdog_start() - from now on, end the program after @after_ns
 * @w: in-out: set to ATT_WATCHDOG_INIT; stays where it is until it is stopped
 *
 * Takes over SIGALRM until att_watchdog_stop().
 *
 * Errors: NoMemory, InternalError (no timer).
 */
int att_watchdog_start(struct att_watchdog *w, const struct att_opts *o, int64_t after_ns,
                       struct att_err *err) _must_check_;

/** att_watchdog_stop() - disarm, and give SIGALRM back; idempotent. */
void att_watchdog_stop(struct att_watchdog *w);

#endif
