/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/watchdog.h"

#include <errno.h>
#include <unistd.h>

#include "cli/exitcode.h"
#include "cli/result.h"
#include "cli/say.h"

/* The timer carries the pointer, so that no global is needed. */
static void on_alarm(_unused_ int sig, siginfo_t *info, _unused_ void *context)
{
	const struct att_watchdog *w = NULL;

	/* A SIGALRM that somebody sent has no pointer in it. */
	if (info->si_code != SI_TIMER)
		return;
	w = info->si_value.sival_ptr;
	att_ignore(write(STDERR_FILENO, w->line.data, w->line.len));
	if (w->result.len > 0)
		att_ignore(write(w->status_fd, w->result.data, w->result.len));
	_exit(ATT_EXIT_FAILED);
}

static int prepare_texts(struct att_watchdog *w, const struct att_opts *o, struct att_err *err)
{
	struct att_err timeout = ATT_ERR_INIT;
	struct att_fault fault;

	att_ignore(att_err_set(&timeout, ATT_E_TIMEOUT, ATT_STAGE_RESOLVE,
	                       "the container's monitor or lock does not answer"));
	fault = att_fault_own(&timeout);
	if (att_say_format(&w->line, o, &fault) < 0)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	if (o->status_fd < 0)
		return 0;
	w->status_fd = o->status_fd;
	if (att_result_format(&w->result, o, &(struct att_result_in){ .fault = &fault }) < 0)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	return 0;
}

static int arm(struct att_watchdog *w, int64_t after_ns, struct att_err *err)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGALRM,
		.sigev_value.sival_ptr = w,
	};
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)(after_ns / ATT_NS_PER_SEC),
		.it_value.tv_nsec = (long)(after_ns % ATT_NS_PER_SEC),
	};
	struct sigaction action = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO };
	sigset_t alarm_only;

	if (timer_create(CLOCK_MONOTONIC, &event, &w->timer) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE, errno,
		                   "create a timer");
	sigemptyset(&action.sa_mask);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	att_assert(sigaction(SIGALRM, &action, &w->old_action) == 0);
	att_assert(sigprocmask(SIG_UNBLOCK, &alarm_only, &w->old_mask) == 0);
	w->armed = true;
	att_assert(timer_settime(w->timer, 0, &when, NULL) == 0);
	return 0;
}

int att_watchdog_start(struct att_watchdog *w, const struct att_opts *o, int64_t after_ns,
                       struct att_err *err)
{
	int r = prepare_texts(w, o, err);

	if (r < 0)
		return r;
	return arm(w, after_ns, err);
}

void att_watchdog_stop(struct att_watchdog *w)
{
	int saved = errno;

	if (w->armed) {
		att_ignore(timer_delete(w->timer));
		att_assert(sigprocmask(SIG_SETMASK, &w->old_mask, NULL) == 0);
		att_assert(sigaction(SIGALRM, &w->old_action, NULL) == 0);
		w->armed = false;
	}
	att_buf_done(&w->line);
	att_buf_done(&w->result);
	errno = saved;
}
