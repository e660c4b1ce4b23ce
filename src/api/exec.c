/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans and jobs: where the engine and the relay, which do not know each other, meet. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "api/api.h"
#include "attach/launch.h"
#include "base/clock.h"
#include "base/keys.h"
#include "io/relay.h"

#define KNOWN_FLAGS \
	(ATTACHE_EXEC_NO_NEW_PRIVS | ATTACHE_EXEC_DETACH | ATTACHE_EXEC_DIRECT_IO | \
	 ATTACHE_EXEC_NO_STDIN | ATTACHE_EXEC_ENV_CALLER | ATTACHE_EXEC_ENV_INIT | \
	 ATTACHE_EXEC_HAS_UMASK | ATTACHE_EXEC_HAS_NICE | ATTACHE_EXEC_HAS_OOM | \
	 ATTACHE_EXEC_SHELL | ATTACHE_EXEC_TERMINAL | ATTACHE_EXEC_LOGIN | ATTACHE_EXEC_MAY_LEAVE)

/* Sizes of the first versions of the option structs. */
#define EXEC_OPTS_FIRST_SIZE  offsetof(struct attache_exec_opts, rows)
#define RELAY_OPTS_FIRST_SIZE offsetof(struct attache_relay_opts, escape)

/* ---- plan ---- */

static int check_opts(const struct attache_exec_opts *o, struct att_err *err)
{
	if (o->flags & ~KNOWN_FLAGS)
		return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_REQUEST,
		                   "an unknown exec flag");
	if (o->unconfine & ~ATTACHE_UNCONFINE_ALL)
		return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_REQUEST,
		                   "an unknown part of the confinement");
	if (o->timeout_ns < 0 || o->kill_after_ns < 0)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a negative time");
	if (o->stop_signal < 0 || o->stop_signal > SIGRTMAX)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "no signal has number %d", o->stop_signal);
	return 0;
}

static struct att_request to_request(const struct attache_exec_opts *o)
{
	uint64_t f = o->flags;
	uint32_t u = o->unconfine;

	return (struct att_request){
		.no_new_privs = (f & ATTACHE_EXEC_NO_NEW_PRIVS) != 0,
		.detach = (f & ATTACHE_EXEC_DETACH) != 0,
		.direct_io = (f & ATTACHE_EXEC_DIRECT_IO) != 0,
		.no_stdin = (f & ATTACHE_EXEC_NO_STDIN) != 0,
		.shell = (f & ATTACHE_EXEC_SHELL) != 0,
		.terminal = (f & ATTACHE_EXEC_TERMINAL) != 0,
		.login = (f & ATTACHE_EXEC_LOGIN) != 0,
		.may_leave = (f & ATTACHE_EXEC_MAY_LEAVE) != 0,
		.env_caller = (f & ATTACHE_EXEC_ENV_CALLER) != 0,
		.env_init = (f & ATTACHE_EXEC_ENV_INIT) != 0,
		.has_umask = (f & ATTACHE_EXEC_HAS_UMASK) != 0,
		.has_nice = (f & ATTACHE_EXEC_HAS_NICE) != 0,
		.has_oom = (f & ATTACHE_EXEC_HAS_OOM) != 0,
		.argv = o->argv,
		.user = o->user,
		.groups = o->groups,
		.workdir = o->workdir,
		.env = o->env,
		.env_files = o->env_files,
		.script = o->script,
		.cap_drop = o->cap_drop,
		.cap_add = o->cap_add,
		.rlimits = o->rlimits,
		.namespaces = o->namespaces,
		.cpu_affinity = o->cpu_affinity,
		.io_priority = o->io_priority,
		.free_caps = (u & ATTACHE_UNCONFINE_CAPS) != 0,
		.free_seccomp = (u & ATTACHE_UNCONFINE_SECCOMP) != 0,
		.free_lsm = (u & ATTACHE_UNCONFINE_LSM) != 0,
		.free_nnp = (u & ATTACHE_UNCONFINE_NNP) != 0,
		.free_cgroup = (u & ATTACHE_UNCONFINE_CGROUP) != 0,
		.umask = o->umask,
		.nice = o->nice,
		.oom_score_adj = o->oom_score_adj,
		.timeout_ns = o->timeout_ns,
		.kill_after_ns = o->kill_after_ns,
		.stop_signal = o->stop_signal,
		.stdio_fd = { o->stdin_fd, o->stdout_fd, o->stderr_fd },
		.cancel_fd = o->cancel_fd,
		.rows = o->rows,
		.cols = o->cols,
		.term = o->term,
	};
}

int attache_plan_new(struct attache_container *c, const struct attache_exec_opts *opts,
                     struct attache_plan **ret, struct attache_error **err)
{
	struct attache_exec_opts o = ATTACHE_EXEC_OPTS_INIT;
	struct att_err e = ATT_ERR_INIT;
	struct att_request req;
	struct attache_plan *p = calloc(1, sizeof(*p));
	int r = api_copy_opts(&o, sizeof(o), opts, EXEC_OPTS_FIRST_SIZE, &e);

	if (r == 0 && !p)
		r = att_err_nomem(&e, ATT_STAGE_PLAN);
	if (r == 0)
		r = check_opts(&o, &e);
	if (r == 0) {
		req = to_request(&o);
		r = att_plan_make(&c->ct, &req, &p->plan, &e);
	}
	if (r < 0) {
		free(p);
		return api_fail(&e, err);
	}
	p->plan.guardian = c->guardian;
	c->guardian = (struct att_guardian)ATT_GUARDIAN_INIT;
	*ret = p;
	return 0;
}

const char *attache_plan_json(struct attache_plan *plan)
{
	if (!plan->json)
		plan->json = api_plan_json(&plan->plan);
	return plan->json;
}

const char *attache_plan_warning(const struct attache_plan *plan, size_t i)
{
	return i < plan->plan.warnings.n ? plan->plan.warnings.v[i] : NULL;
}

const char *attache_plan_hint(const struct attache_plan *plan, size_t i)
{
	return i < plan->plan.hints.n ? plan->plan.hints.v[i] : NULL;
}

void attache_plan_free(struct attache_plan *plan)
{
	if (!plan)
		return;
	att_plan_done(&plan->plan);
	free(plan->json);
	free(plan);
}

/* ---- job ---- */

int attache_job_start(struct attache_plan *plan, struct attache_job **ret,
                      struct attache_error **err)
{
	struct att_err e = ATT_ERR_INIT;
	struct attache_job *j = calloc(1, sizeof(*j));
	int r = j ? att_launch(&plan->plan, &j->job, &e) : att_err_nomem(&e, ATT_STAGE_LAUNCH);

	if (r < 0) {
		free(j);
		return api_fail(&e, err);
	}
	*ret = j;
	return 0;
}

pid_t attache_job_pid(const struct attache_job *job)
{
	return job->job.host_pid;
}

const char *attache_job_warning(const struct attache_job *job, size_t i)
{
	return i == 0 && job->job.host_pty
	               ? "the container has no terminal left: this one is the host's, and "
	                 "programs inside do not find its name"
	               : NULL;
}

const char *attache_job_id(const struct attache_job *job)
{
	return job->job.id;
}

int attache_job_signal(struct attache_job *job, int sig, struct attache_error **err)
{
	struct att_err e = ATT_ERR_INIT;
	int r = 0;

	if (sig < 1 || sig > SIGRTMAX)
		r = att_err_set(&e, ATT_E_INVALID_ARGUMENT, ATT_STAGE_RELAY,
		                "no signal has number %d", sig);
	else
		r = att_job_signal(&job->job, sig, &e);
	return r < 0 ? api_fail(&e, err) : 0;
}

void attache_job_free(struct attache_job *job)
{
	if (!job)
		return;
	att_job_done(&job->job);
	free(job);
}

/* ---- relay ---- */

static void on_signal(void *data, int sig)
{
	struct attache_job *j = data;
	struct att_err ignored = ATT_ERR_INIT;

	/* One that comes too late finds nobody, which is what it wanted. */
	att_ignore(att_job_signal(&j->job, sig, &ignored));
}

static int64_t on_deadline(void *data)
{
	struct attache_job *j = data;

	if (j->timed_out || j->hung_up) {
		att_job_kill_tree(&j->job);
		return INT64_MAX;
	}
	j->timed_out = true;
	j->kill_at_ns = att_clock_after_ns(j->job.kill_after_ns);
	att_job_stop_tree(&j->job);
	return j->kill_at_ns;
}

static int64_t on_hangup(void *data)
{
	struct attache_job *j = data;

	j->hung_up = true;
	return att_clock_after_ns(j->job.kill_after_ns);
}

static void on_terminal(void *data, int fd, const struct att_tty_mode *mode)
{
	struct attache_job *j = data;

	att_job_note_terminal(&j->job, fd, mode);
}

static void fill_result(const struct attache_job *j, const uint64_t bytes[3],
                        struct attache_result *ret)
{
	struct attache_result res = ATTACHE_RESULT_INIT;
	size_t size = ret->size < sizeof(res) ? ret->size : sizeof(res);
	bool exited = j->job.wait_code == CLD_EXITED;

	res.state = exited ? ATTACHE_STATE_EXITED : ATTACHE_STATE_SIGNALED;
	res.exit_code = exited ? j->job.wait_status : -1;
	res.signal = exited ? 0 : j->job.wait_status;
	if (j->timed_out)
		res.state = ATTACHE_STATE_TIMEOUT;
	if (j->left) {
		res.state = ATTACHE_STATE_LEFT;
		res.exit_code = -1;
		res.signal = 0;
	}
	res.started_at_ns = j->job.started_wall_ns;
	res.duration_ns = att_clock_now_ns() - j->job.started_ns;
	res.stdin_bytes = bytes[0];
	res.stdout_bytes = bytes[1];
	res.stderr_bytes = bytes[2];
	res.size = ret->size;
	memcpy(ret, &res, size);
}

/* The time counts from the start, not from when somebody came to relay. */
static int64_t first_deadline(const struct att_job *job)
{
	int64_t at = INT64_MAX;

	if (job->timeout_ns == 0 || __builtin_add_overflow(job->started_ns, job->timeout_ns, &at))
		return INT64_MAX;
	return at;
}

static int read_keys(const struct attache_relay_opts *o, struct att_escape_machine *ret,
                     struct att_err *err)
{
	char shown[64];
	const char *word = o->escape;

	if (word && !att_keys_parse_escape(word, &ret->escape_char))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "'%s' is no escape character ('~', '^]', 'none')",
		                   att_escape(shown, sizeof(shown), word, strlen(word)));
	word = o->detach_keys;
	if (word && !att_keys_parse_sequence(word, ret->keys, &ret->n_keys))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "'%s' are no detach keys ('ctrl-p,ctrl-q')",
		                   att_escape(shown, sizeof(shown), word, strlen(word)));
	return 0;
}

static int check_relay(const struct attache_job *job, const struct attache_result *ret,
                       struct att_err *err)
{
	if (ret->size < sizeof(struct attache_result))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a result struct is smaller than its first version");
	if (job->job.detached)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_RELAY,
		                   "a detached job has nothing to relay");
	return 0;
}

/* How it ended; or that it has not, because the user left it. */
static int finish(struct attache_job *j, const struct att_relay *relay, struct att_err *err)
{
	if (relay->detached) {
		int r = att_job_leave(&j->job, err);

		j->left = r == 0;
		return r;
	}
	att_ignore(att_job_reap(&j->job, true));
	/* The command may be gone and what it forked not: that has the rest of the grace, then no more. */
	if (j->timed_out)
		att_job_end_tree(&j->job, j->kill_at_ns);
	return 0;
}

int attache_job_relay(struct attache_job *job, const struct attache_relay_opts *opts,
                      struct attache_result *ret, struct attache_error **err)
{
	struct attache_relay_opts o = ATTACHE_RELAY_OPTS_INIT;
	struct att_err e = ATT_ERR_INIT;
	uint64_t bytes[3] = { 0, 0, 0 };
	int r = opts ? api_copy_opts(&o, sizeof(o), opts, RELAY_OPTS_FIRST_SIZE, &e) : 0;
	int ended = 0;
	struct att_relay relay = {
		.caller_fd = { job->job.caller_fd[0], job->job.caller_fd[1],
		               job->job.caller_fd[2] },
		.pipe_fd = job->job.pipe_fd,
		.master_fd = &job->job.pty.master_fd,
		.tty_mask = job->job.tty_mask,
		.no_keys = job->job.no_keys,
		/* A terminal is somebody's to look at, and shows by itself that it ended. */
		.end_mask =
			o.end_flags & (ATTACHE_END_STDIN | ATTACHE_END_STDOUT) & ~job->job.tty_mask,
		.job_pidfd = job->job.pidfd,
		.signal_fd = o.signal_fd,
		.deadline_ns = first_deadline(&job->job),
		.escape = ATT_ESCAPE_MACHINE_INIT,
		.jail = (o.flags & ATTACHE_RELAY_JAIL) != 0,
		.hooks = { on_signal, on_deadline, on_hangup, on_terminal, job },
	};

	if (r == 0 && (o.flags & ~ATTACHE_RELAY_JAIL))
		r = att_err_set(&e, ATT_E_UNSUPPORTED, ATT_STAGE_REQUEST, "an unknown relay flag");
	if (r == 0)
		r = check_relay(job, ret, &e);
	if (r == 0)
		r = read_keys(&o, &relay.escape, &e);
	if (r < 0)
		return api_fail(&e, err);
	r = att_relay_run(&relay, bytes, &e);
	if (r < 0 && e.code != ATT_E_IO_ERROR)
		return api_fail(&e, err);
	ended = finish(job, &relay, &e);
	if (ended < 0)
		return api_fail(&e, err);
	fill_result(job, bytes, ret);
	return r < 0 ? api_fail(&e, err) : 0;
}
