/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "cli/cli.h"
#include "cli/exitcode.h"
#include "cli/pidfile.h"
#include "cli/render.h"
#include "cli/result.h"

/* Signals that are the job's, not ours, once it runs. */
static const int forwarded[] = { SIGTERM, SIGHUP,   SIGINT,  SIGQUIT, SIGUSR1,
	                         SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP };

struct run {
	const struct att_cli *cli;
	const struct att_opts *o;
	struct attache_container *ct;
	struct attache_plan *plan;
	struct attache_job *job;
	struct attache_result result;
	struct att_pidfile pid_file;
	sigset_t old_mask;
	bool masked;
	bool started;
	int signal_fd;
	int cancel_fd;
	int log_fd;
};

static int raise_io(struct att_trouble *t, int sys, const char *what, const char *path)
{
	char name[160];

	return att_err_sys(&t->own, ATT_E_IO_ERROR, ATT_STAGE_REQUEST, sys, "%s '%s'", what,
	                   att_escape(name, sizeof(name), path, strlen(path)));
}

/* ---- signals ------------------------------------------------------------------------------ */

/* Somebody who runs us under nohup wants a hangup to reach nobody. */
static bool is_ignored_hangup(int sig)
{
	struct sigaction action;

	return sig == SIGHUP && sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* What would end us by default also ends the starting of a job, when it takes long. */
static int watch_fatal_signals(struct run *x, struct att_trouble *t)
{
	static const int fatal[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < countof(fatal); i++)
		if (!is_ignored_hangup(fatal[i]))
			sigaddset(&set, fatal[i]);
	x->cancel_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (x->cancel_fd < 0)
		return att_err_sys(&t->own, ATT_E_INTERNAL_ERROR, ATT_STAGE_REQUEST, errno,
		                   "make a signal descriptor");
	return 0;
}

/*
 * From here on signals wait for the job. Until now their default action ended the program, which
 * is right while there is nothing to clean up.
 */
static int hold_signals(struct run *x, struct att_trouble *t)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < countof(forwarded); i++)
		if (!is_ignored_hangup(forwarded[i]))
			sigaddset(&set, forwarded[i]);
	att_assert(sigprocmask(SIG_BLOCK, &set, &x->old_mask) == 0);
	x->masked = true;
	x->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (x->signal_fd < 0)
		return att_err_sys(&t->own, ATT_E_INTERNAL_ERROR, ATT_STAGE_REQUEST, errno,
		                   "make a signal descriptor");
	return 0;
}

/* A fatal signal that came before there was a job ends us as it would have then. */
static void release_signals(struct run *x)
{
	if (x->masked && !x->started)
		att_assert(sigprocmask(SIG_SETMASK, &x->old_mask, NULL) == 0);
	x->masked = false;
}

/* A reader that goes away is an error to report; the library gives the job the default again. */
static void ignore_broken_pipes(void)
{
	struct sigaction action = { .sa_handler = SIG_IGN };

	sigemptyset(&action.sa_mask);
	att_assert(sigaction(SIGPIPE, &action, NULL) == 0);
}

/* Who starts us ignoring SIGCHLD would have the kernel reap the job, and its status be lost. */
static void keep_children(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigemptyset(&action.sa_mask);
	att_assert(sigaction(SIGCHLD, &action, NULL) == 0);
}

/* ---- the steps of a run --------------------------------------------------------------------- */

static int open_log(struct run *x, struct att_trouble *t)
{
	const char *path = x->o->log;

	if (!path || att_opts_has(x->o, ATT_OPT_DRY_RUN))
		return 0;
	x->log_fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	return x->log_fd >= 0 ? 0 : raise_io(t, errno, "--log: open", path);
}

static int caller_fd(const struct run *x, int fd)
{
	return x->cli->closed_fds & (1u << fd) ? -1 : fd;
}

/* As ssh has it: somebody types, and somebody looks. */
static bool wants_terminal(const struct run *x)
{
	if (att_opts_has(x->o, ATT_OPT_NO_TTY))
		return false;
	if (att_opts_has(x->o, ATT_OPT_TTY))
		return true;
	if (att_opts_has(x->o, ATT_OPT_NO_STDIN) || (x->o->io & ATTACHE_EXEC_DIRECT_IO))
		return false;
	return isatty(caller_fd(x, STDIN_FILENO)) && isatty(caller_fd(x, STDOUT_FILENO));
}

/* A detached job has nobody to relay for it: it gets the log, or nothing, directly. */
static void choose_stdio(const struct run *x, struct attache_exec_opts *exec)
{
	if (att_opts_has(x->o, ATT_OPT_DETACH)) {
		exec->flags |= ATTACHE_EXEC_DIRECT_IO | ATTACHE_EXEC_NO_STDIN;
		exec->stdin_fd = -1;
		exec->stdout_fd = x->log_fd;
		exec->stderr_fd = x->log_fd;
		return;
	}
	exec->stdin_fd = caller_fd(x, STDIN_FILENO);
	exec->stdout_fd = caller_fd(x, STDOUT_FILENO);
	exec->stderr_fd = caller_fd(x, STDERR_FILENO);
	if (wants_terminal(x))
		exec->flags |= ATTACHE_EXEC_TERMINAL;
	if ((exec->flags & ATTACHE_EXEC_TERMINAL) && x->o->detach_keys)
		exec->flags |= ATTACHE_EXEC_MAY_LEAVE;
}

static int make_plan(struct run *x, struct att_trouble *t)
{
	struct attache_exec_opts exec = x->o->exec;
	const char *text = NULL;
	int r = watch_fatal_signals(x, t);

	if (r < 0)
		return r;
	choose_stdio(x, &exec);
	exec.cancel_fd = x->cancel_fd;
	r = attache_plan_new(x->ct, &exec, &x->plan, &t->api);
	if (r < 0)
		return r;
	for (size_t i = 0; (text = attache_plan_warning(x->plan, i)); i++)
		att_say_warning(x->o, text);
	for (size_t i = 0; (text = attache_plan_hint(x->plan, i)); i++)
		att_say_hint(x->o, text);
	if (x->o->verbose > 1) {
		text = attache_plan_json(x->plan);
		att_say_step(x->o, "plan: %s", text ? text : "(out of memory)");
	}
	return 0;
}

static int print_plan(struct run *x, struct att_trouble *t)
{
	struct att_look look = att_look_at(STDOUT_FILENO, x->o);
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	int r = att_render_json_text(&out, &look, attache_plan_json(x->plan), &t->own);

	return r < 0 ? r : att_render_out(&out, x->cli->closed_fds, &t->own);
}

static int start(struct run *x, struct att_trouble *t)
{
	const char *text = NULL;
	int r = hold_signals(x, t);

	if (r < 0)
		return r;

	r = att_pidfile_open(&x->pid_file, x->o->pid_file, &t->own);
	if (r < 0)
		return r;

	r = attache_job_start(x->plan, &x->job, &t->api);
	if (r < 0)
		return r;
	x->started = true;
	for (size_t i = 0; (text = attache_job_warning(x->job, i)); i++)
		att_say_warning(x->o, text);
	att_say_step(x->o, "job %s runs as process %d", attache_job_id(x->job),
	             (int)attache_job_pid(x->job));

	r = att_pidfile_publish(&x->pid_file, attache_job_pid(x->job), &t->own);
	/* Not even a detached job may go on that its starter cannot find again. */
	if (r < 0)
		att_ignore(attache_job_signal(x->job, SIGKILL, NULL));
	return r;
}

static int print_id(struct run *x, struct att_trouble *t)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	int r = 0;

	if (att_buf_printf(&out, "%s\n", attache_job_id(x->job)) < 0)
		return att_err_nomem(&t->own, ATT_STAGE_RELAY);

	r = att_render_out(&out, x->cli->closed_fds, &t->own);
	if (r < 0)
		return att_err_wrap(&t->own, "job %s runs, but its id is lost",
		                    attache_job_id(x->job));
	return 0;
}

static const char *how_it_ended(const struct attache_result *ended, char *dst, size_t cap)
{
	const char *name = att_signal_name(ended->signal);

	if (ended->state == ATTACHE_STATE_TIMEOUT)
		att_ignore(snprintf(dst, cap, "stopped by --timeout"));
	else if (ended->state == ATTACHE_STATE_LEFT)
		att_ignore(snprintf(dst, cap, "was left running"));
	else if (ended->state == ATTACHE_STATE_SIGNALED)
		att_ignore(snprintf(dst, cap, "died of signal %s", name ? name : "?"));
	else
		att_ignore(snprintf(dst, cap, "exited with %d", ended->exit_code));
	return dst;
}

static int relay(struct run *x, struct att_trouble *t)
{
	struct attache_relay_opts opts = ATTACHE_RELAY_OPTS_INIT;
	char how[64];
	int r = 0;

	opts.signal_fd = x->signal_fd;
	opts.end_flags = ATTACHE_END_STDIN;
	if (x->o->status_fd != STDOUT_FILENO)
		opts.end_flags |= ATTACHE_END_STDOUT;
	opts.escape = x->o->escape;
	opts.detach_keys = x->o->detach_keys;
	opts.flags = ATTACHE_RELAY_JAIL;
	r = attache_job_relay(x->job, &opts, &x->result, &t->api);
	if (x->result.state != 0)
		att_say_step(x->o, "job %s %s after %.3f s", attache_job_id(x->job),
		             how_it_ended(&x->result, how, sizeof(how)),
		             (double)x->result.duration_ns / (double)ATT_NS_PER_SEC);
	if (x->result.state == ATTACHE_STATE_LEFT)
		att_say_left(x->o, attache_job_id(x->job), attache_job_pid(x->job));
	return r;
}

static int run(struct run *x, struct att_trouble *t)
{
	int r = att_cli_open(x->cli, &x->ct, t);

	if (r < 0)
		return r;
	att_say_step(x->o, "container '%s', init is process %d", attache_container_name(x->ct),
	             (int)attache_container_init_pid(x->ct));

	r = open_log(x, t);
	if (r < 0)
		return r;

	r = make_plan(x, t);
	if (r < 0)
		return r;
	if (att_opts_has(x->o, ATT_OPT_DRY_RUN))
		return print_plan(x, t);

	r = start(x, t);
	if (r < 0)
		return r;
	if (att_opts_has(x->o, ATT_OPT_DETACH))
		return print_id(x, t);
	/* Whoever faces the job's bytes shall hold no more of the container than it needs. */
	attache_plan_free(x->plan);
	x->plan = NULL;
	if (x->o->status_fd >= 0)
		att_result_prepare();
	return relay(x, t);
}

/* ---- the end ------------------------------------------------------------------------------ */

static int ended_code(const struct attache_result *ended)
{
	if (ended->state == ATTACHE_STATE_TIMEOUT)
		return ATT_EXIT_TIMEOUT;
	if (ended->state == ATTACHE_STATE_LEFT)
		return ATT_EXIT_OK;
	if (ended->state == ATTACHE_STATE_SIGNALED)
		return ATT_EXIT_SIGNAL_BASE + ended->signal;
	return ended->exit_code;
}

/* Return: 0, or the exit code of a result that could not be delivered. */
static int deliver_result(const struct run *x, const struct att_fault *fault)
{
	const struct att_result_in in = {
		.container = x->ct ? attache_container_name(x->ct) : NULL,
		.id = x->job ? attache_job_id(x->job) : NULL,
		.ended = x->result.state != 0 ? &x->result : NULL,
		.fault = fault,
	};
	_cleanup_buf_ struct att_buf line = ATT_BUF_INIT;
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;
	int r = 0;

	if (x->o->status_fd < 0)
		return 0;
	if (att_result_format(&line, x->o, &in) < 0) {
		att_ignore(att_err_nomem(&t.own, ATT_STAGE_RELAY));
		return att_cli_fail(x->cli, &t);
	}
	r = att_say_write(x->o->status_fd, line.data, line.len);
	if (r == 0)
		return 0;
	att_ignore(att_err_sys(&t.own, ATT_E_IO_ERROR, ATT_STAGE_RELAY, -r,
	                       "--status-fd: write to '%d'", x->o->status_fd));
	return att_cli_fail(x->cli, &t);
}

/* The command's own failure counts more than ours; our failure is never taken for success. */
static int report(const struct run *x, const struct att_trouble *t)
{
	struct att_fault fault = { 0 };
	int code = x->result.state != 0 ? ended_code(&x->result) : ATT_EXIT_OK;
	int undelivered = 0;

	if (t) {
		int failed = att_cli_fail(x->cli, t);

		fault = att_trouble_fault(t);
		code = code != ATT_EXIT_OK ? code : failed;
	}
	undelivered = deliver_result(x, t ? &fault : NULL);
	return code != ATT_EXIT_OK ? code : undelivered;
}

static void run_done(struct run *x)
{
	attache_job_free(x->job);
	attache_plan_free(x->plan);
	attache_container_free(x->ct);
	att_pidfile_done(&x->pid_file);
	x->signal_fd = att_fd_close(x->signal_fd);
	x->cancel_fd = att_fd_close(x->cancel_fd);
	x->log_fd = att_fd_close(x->log_fd);
	release_signals(x);
}

int att_cmd_exec(const struct att_cli *cli)
{
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;
	_cleanup_(run_done) struct run x = {
		.cli = cli,
		.o = cli->opts,
		.result = ATTACHE_RESULT_INIT,
		.pid_file = ATT_PIDFILE_INIT,
		.signal_fd = -1,
		.cancel_fd = -1,
		.log_fd = -1,
	};
	int r = 0;

	ignore_broken_pipes();
	keep_children();
	r = run(&x, &t);
	return report(&x, r < 0 ? &t : NULL);
}
