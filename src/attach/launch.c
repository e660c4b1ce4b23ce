/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/guardian.h"
#include "attach/launch_error.h"
#include "attach/placement.h"
#include "attach/stdio.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sys/pidfd.h"

#define FROZEN_CHECK_NS (5 * ATT_NS_PER_SEC)
#define SETUP_NS        (25 * ATT_NS_PER_SEC) /* on top: a cold disk under load is no error */
#define LAST_WORD_NS    (1 * ATT_NS_PER_SEC)
#define CANCEL_GRACE_NS (500 * ATT_NS_PER_MS)
#define TRIES           (ATT_CGROUP_BASES + 2)

/* One try: everything that has to be given back when it fails. */
struct attempt {
	struct att_placement place;
	struct att_stdio stdio;
	struct att_guardian guardian;
	struct att_wire_status status;
	char *seen; /* what the entry saw of its cgroups, status.text_len bytes */
	int killed; /* signal that ended the entry or the job before its exec */
};

#define ATTEMPT_INIT \
	{ \
		.place = ATT_PLACEMENT_INIT, .stdio = ATT_STDIO_INIT, \
		.guardian = ATT_GUARDIAN_INIT \
	}

static int reap(pid_t pid)
{
	int status = 0;

	if (pid <= 0)
		return 0;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void attempt_done(struct attempt *a)
{
	att_guardian_done(&a->guardian);
	free(a->seen);
	a->seen = NULL;
	att_stdio_done(&a->stdio);
	att_placement_done(&a->place);
}

/* ---- starting it ---- */

/* The descriptors that go with a plan. */
struct handover {
	int fd[ATT_WIRE_MAX_FDS];
	size_t n;
};

/* Return: its place among them. */
static int32_t add_fd(struct handover *h, int fd)
{
	if (fd < 0)
		return -1;
	h->fd[h->n] = fd;
	return (int32_t)h->n++;
}

static void fill_wire(const struct att_plan *plan, const struct attempt *a,
                      struct att_wire_plan *wire, struct handover *h)
{
	const struct att_placement *p = &a->place;

	*wire = plan->wire;
	wire->caller_pid = getpid();
	for (int i = 0; i < 3; i++)
		wire->stdio_fd[i] = add_fd(h, a->stdio.job_fd[i]);
	wire->init_pidfd = add_fd(h, plan->init_pidfd);
	wire->base_fd = add_fd(h, p->leaf.base_fd);
	wire->script_fd = add_fd(h, plan->script_fd);
	wire->leaf_uid = plan->host_root_uid;
	wire->leaf_gid = plan->host_root_gid;
	wire->n_legacy = p->n_legacy;
	for (int i = 0; i < p->n_legacy; i++)
		wire->legacy_fd[i] = add_fd(h, p->legacy_fd[i]);
	memcpy(wire->leaf_name, p->leaf.name, sizeof(wire->leaf_name));
	if (p->text.len > 0)
		wire->flags |= ATT_WIRE_CHECK_CGROUP;
}

static int add_words(struct att_buf *message, const struct att_strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		int r = att_buf_append(message, words->v[i], strlen(words->v[i]) + 1);

		if (r < 0)
			return r;
	}
	return 0;
}

static struct att_wire_span span_from(const struct att_buf *message, size_t start)
{
	return (struct att_wire_span){ (uint32_t)(start - sizeof(struct att_wire_plan)),
		                       (uint32_t)(message->len - start) };
}

/* The plan's own blob first, since its parts are aligned to its beginning. */
static int write_message(const struct att_plan *plan, const struct attempt *a, struct handover *h,
                         struct att_buf *message, struct att_err *err)
{
	const struct att_buf *text = &a->place.text;
	struct att_wire_plan wire;
	size_t start = 0;

	fill_wire(plan, a, &wire, h);
	message->limit = sizeof(wire) + ATT_WIRE_MAX_BLOB;
	if (att_buf_append(message, &wire, sizeof(wire)) < 0 ||
	    att_buf_append(message, plan->blob.data, plan->blob.len) < 0)
		return att_err_nomem(err, ATT_STAGE_LAUNCH);
	start = message->len;
	if (att_buf_append(message, text->data, text->len) < 0)
		return att_err_nomem(err, ATT_STAGE_LAUNCH);
	wire.cgroup_text = span_from(message, start);
	start = message->len;
	if (add_words(message, &plan->argv) < 0 || add_words(message, &plan->envp) < 0)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH,
		                   "plan, arguments and environment are larger than %u bytes",
		                   ATT_WIRE_MAX_BLOB);
	wire.words = span_from(message, start);
	wire.n_argv = (uint32_t)plan->argv.n;
	wire.n_envp = (uint32_t)plan->envp.n;
	wire.blob_len = (uint32_t)(message->len - sizeof(wire));
	memcpy(message->data, &wire, sizeof(wire));
	return 0;
}

/* The first try has the one that was started while the plan was made, if there is one. */
static int start(struct att_plan *plan, struct attempt *a, struct att_err *err)
{
	_cleanup_buf_ struct att_buf message = ATT_BUF_INIT;
	struct handover h = { .n = 0 };
	int r = 0;

	/* A process that was forked since would not be the job's parent. */
	if (plan->guardian.pid > 0 && plan->guardian.owner_pid == getpid()) {
		a->guardian = plan->guardian;
		plan->guardian = (struct att_guardian)ATT_GUARDIAN_INIT;
	} else {
		r = att_guardian_start(&a->guardian, err);
	}
	if (r == 0)
		r = write_message(plan, a, &h, &message, err);
	if (r == 0)
		r = att_guardian_send(&a->guardian, &message, h.fd, h.n, err);
	if (r == 0)
		att_stdio_close_job_side(&a->stdio);
	return r;
}

/* ---- what came of it ---- */

/* Return: 1 there is something to read, 0 it is too late, -1 somebody wants it to stop. */
static int wait_readable(int fd, int cancel_fd, int64_t deadline_ns)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
		              { .fd = cancel_fd, .events = POLLIN } };
	int r = 0;

	do
		r = poll(p, countof(p), att_clock_poll_ms(deadline_ns));
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return 0;
	return p[0].revents ? 1 : -1;
}

/* The launcher answers in one piece; an end of the stream is an answer without words. */
static int read_status(struct attempt *a, struct att_err *err)
{
	ssize_t n = recv(a->guardian.sock, &a->status, sizeof(a->status), MSG_WAITALL);
	int error = n > 0 ? 0 : att_guardian_error(&a->guardian);

	if (n > 0)
		att_guardian_started(&a->guardian);
	if (error != 0)
		return att_err_sys(err, error == ENOMEM ? ATT_E_NO_MEMORY : ATT_E_INTERNAL_ERROR,
		                   ATT_STAGE_LAUNCH, error, "run the launcher");
	if (n == 0)
		a->status = (struct att_wire_status){ .magic = ATT_WIRE_MAGIC,
			                              .stage = ATT_STAGE_LAUNCH };
	else if (n != (ssize_t)sizeof(a->status) || a->status.magic != ATT_WIRE_MAGIC ||
	         a->status.text_len > ATT_WIRE_CGROUP_TEXT)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH,
		                   "the launcher's answer makes no sense");
	if (a->status.text_len == 0)
		return 0;
	a->seen = malloc(a->status.text_len);
	if (!a->seen)
		return att_err_nomem(err, ATT_STAGE_LAUNCH);
	if (recv(a->guardian.sock, a->seen, a->status.text_len, MSG_WAITALL) !=
	    (ssize_t)a->status.text_len)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH,
		                   "the launcher's answer is cut");
	return 0;
}

static bool is_frozen_now(const struct att_plan *plan, struct attempt *a)
{
	const struct att_snapshot *s = &plan->snapshot;

	if (s->cgroup_fd >= 0 && att_cgroup_is_frozen(s->cgroup_fd))
		return true;
	return a->place.own_leaf && att_cgroup_leaf_open(&a->place.leaf) == 0 &&
	       att_cgroup_is_frozen(a->place.leaf.leaf_fd);
}

/*
 * Ends a job that has not become the command. Inside a request that a file server of the container's
 * has taken and not answered, a process does not even die of KILL: such a one is left to the
 * guardian. Return: has it ended? Then it is reaped, and @ret_signal is what ended it.
 */
static bool end_job(struct attempt *a, int *ret_signal)
{
	pid_t pid = a->status.job_pid;
	_cleanup_close_ int fd = pid > 0 ? att_pidfd_open(pid) : -1;

	if (pid > 0)
		att_ignore(kill(pid, SIGKILL));
	if (fd >= 0 && wait_readable(fd, -1, att_clock_after_ns(LAST_WORD_NS)) <= 0)
		return false;
	*ret_signal = reap(pid);
	return true;
}

/* Ends what hangs: the entry and the job by their cgroup, then there is a last word to be read. */
static int give_up(const struct att_plan *plan, struct attempt *a, int ready, struct att_err *err)
{
	bool frozen = is_frozen_now(plan, a);
	bool ended = false;
	int unused = 0;

	if (a->place.own_leaf && att_cgroup_leaf_open(&a->place.leaf) == 0)
		att_ignore(att_cgroup_leaf_kill(&a->place.leaf));
	if (wait_readable(a->guardian.sock, -1, att_clock_after_ns(LAST_WORD_NS)) > 0 &&
	    read_status(a, err) == 0) {
		att_ignore(reap(a->status.entry_pid));
		/* It may have got through after all. */
		ended = end_job(a, &unused);
	}
	if (!ended)
		att_guardian_leave(&a->guardian);
	if (ready < 0)
		return att_err_set(err, ATT_E_TIMEOUT, ATT_STAGE_LAUNCH,
		                   "interrupted while the job was being started");
	if (frozen)
		return att_err_set(err, ATT_E_CONTAINER_FROZEN, ATT_STAGE_LAUNCH,
		                   "it was frozen while the job was being started");
	return att_err_set(err, ATT_E_TIMEOUT, ATT_STAGE_LAUNCH,
	                   "the job could not be started in time");
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

static int await(const struct att_plan *plan, struct attempt *a, struct att_err *err)
{
	int64_t look_ns = att_clock_after_ns(FROZEN_CHECK_NS);
	int64_t end_ns = att_clock_after_ns(FROZEN_CHECK_NS + SETUP_NS);
	int ready = 0;
	int r = 0;

	if (plan->timeout_ns > 0)
		end_ns = earlier(end_ns, att_clock_after_ns(plan->timeout_ns));
	ready = wait_readable(a->guardian.sock, plan->cancel_fd, earlier(look_ns, end_ns));
	if (ready == 0 && !is_frozen_now(plan, a))
		ready = wait_readable(a->guardian.sock, plan->cancel_fd, end_ns);
	/* Mostly it is there in a moment, and then what was to stop us is the job's to get. */
	if (ready < 0 &&
	    wait_readable(a->guardian.sock, -1, att_clock_after_ns(CANCEL_GRACE_NS)) > 0)
		ready = 1;
	if (ready <= 0)
		return give_up(plan, a, ready, err);
	r = read_status(a, err);
	if (r < 0)
		return r;
	a->killed = reap(a->status.entry_pid);
	if (a->status.stage != 0 && a->status.job_pid > 0) {
		int killed = 0;

		/* It has ended, unless somebody made it or the entry process say otherwise. */
		if (!end_job(a, &killed))
			return give_up(plan, a, 0, err);
		a->killed = a->killed ? a->killed : killed;
	}
	return 0;
}

/* ---- once more, differently ---- */

struct choices {
	unsigned base;  /* which base cgroup */
	bool corrected; /* the cgroup root was learnt from the entry */
	uint32_t null_mask;
};

/*
 * Three things cannot be known beforehand: whether a cgroup can be joined, whether the guess for the
 * container's cgroup root is right, and whether its null device is one. Each is tried, never
 * weakened.
 */
static int try_differently(struct att_plan *plan, const struct attempt *a, struct choices *c,
                           struct att_err *err)
{
	int sys = a->status.sys;
	int r = 0;

	if (a->status.stage == ATT_STAGE_CGROUP && a->status.text_len > 0 && !c->corrected) {
		c->corrected = true;
		r = att_placement_correct(plan, &a->place, a->seen, a->status.text_len, err);
		return r < 0 ? r : 1;
	}
	if (a->status.stage == ATT_STAGE_CGROUP && a->status.entry_pid == 0 &&
	    (sys == EBUSY || sys == EOPNOTSUPP || sys == ENOENT || sys == ENODEV) &&
	    c->base + 1 < ATT_CGROUP_BASES) {
		c->base++;
		return 1;
	}
	if (a->status.stage == ATT_STAGE_STDIO && c->null_mask != 0 && !plan->detach) {
		c->null_mask = 0;
		return 1;
	}
	return att_launch_error(plan, &a->status, a->killed, err);
}

/* Return: 0 the command runs, 1 try once more, negative error. */
static int try_once(struct att_plan *plan, struct attempt *a, struct choices *c,
                    struct att_err *err)
{
	int r = att_placement_make(plan, c->base, &a->place, err);

	plan->wire.null_mask = c->null_mask;
	if (r == 0)
		r = att_stdio_make(plan, c->null_mask, &a->stdio, err);
	if (r == 0)
		r = start(plan, a, err);
	if (r == 0)
		r = await(plan, a, err);
	if (r < 0 || a->status.stage == 0)
		return r;
	return try_differently(plan, a, c, err);
}

/* ---- the job ---- */

/* Takes over from the attempt what the job needs until its end. */
static void adopt(const struct att_plan *plan, struct attempt *a, struct att_job *job)
{
	memcpy(job->id, plan->id, sizeof(job->id));
	job->host_pid = a->status.job_pid;
	/* The guardian's to remove. */
	a->place.own_leaf = false;
	a->place.used = true;
	job->guardian = a->guardian;
	a->guardian = (struct att_guardian)ATT_GUARDIAN_INIT;
	job->detached = plan->detach;
	for (int i = 0; i < 3; i++) {
		job->pipe_fd[i] = take_fd(&a->stdio.pipe_fd[i]);
		job->caller_fd[i] = plan->stdio_fd[i];
	}
	job->pty = a->stdio.pty;
	a->stdio.pty = (struct att_pty)ATT_PTY_INIT;
	job->host_pty = a->stdio.host_pty;
	job->tty_mask = plan->wire.tty_mask;
	job->no_keys = plan->terminal.no_keys;
	job->may_leave = plan->may_leave;
	job->timeout_ns = plan->timeout_ns;
	job->kill_after_ns = plan->kill_after_ns;
	job->stop_signal = plan->stop_signal;
}

/*
 * The write to the label's file may have been taken and come to nothing. A profile may rename itself
 * at the exec, so all that is certain is that it must not be the caller's any more; a job that has
 * ended has none to read.
 */
static bool has_callers_label(const struct att_plan *plan, const struct att_job *job)
{
	struct att_err ignored = ATT_ERR_INIT;
	struct att_label label;
	char path[32];
	_cleanup_close_ int fd = -1;

	att_ignore(snprintf(path, sizeof(path), "/proc/%d", job->host_pid));
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && att_lsm_read(fd, &label, &ignored) == 0 &&
	       label.lsm == plan->snapshot.self.label.lsm &&
	       strcmp(label.text, plan->snapshot.self.label.text) == 0;
}

/*
 * The last look from outside, at what a step inside could have been made to believe. A job that has
 * ended already still shows what it was.
 */
static int verify(const struct att_plan *plan, const struct att_job *job, struct att_err *err)
{
	char path[48];
	char text[4096];
	struct att_proc_status st;
	const char *what = NULL;

	att_ignore(snprintf(path, sizeof(path), "/proc/%d/status", job->host_pid));

	ssize_t n = att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text));

	if (n < 0 || !att_proc_parse_status(text, (size_t)n, &st))
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_VERIFY, "read '%s'", path);
	if (st.cap_bnd & ~plan->caps.bounding)
		what = "capability bounding set";
	else if (plan->no_new_privs && !st.no_new_privs)
		what = "no_new_privs";
	/* 3: a filter has killed it already (SECCOMP_MODE_DEAD, since Linux 5.17). */
	else if (st.seccomp_filters >= 0 && plan->snapshot.self.status.seccomp_filters >= 0 &&
	         (uint32_t)st.seccomp_filters <
	                 (uint32_t)plan->snapshot.self.status.seccomp_filters + plan->n_filters)
		what = "number of seccomp filters";
	else if (plan->n_filters > 0 && st.seccomp != 2 && st.seccomp != 3)
		what = "seccomp filter";
	else if (plan->wire.lsm != ATT_WIRE_LSM_NONE && has_callers_label(plan, job))
		what = "security label";
	if (!what)
		return 0;
	return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_VERIFY,
	                   "the job's %s is not what was planned", what);
}

static int take_over(struct att_plan *plan, struct attempt *a, struct att_job *ret,
                     struct att_err *err)
{
	_cleanup_(att_job_done) struct att_job job = ATT_JOB_INIT;
	int r = 0;

	adopt(plan, a, &job);
	job.pidfd = att_pidfd_open(job.host_pid);
	if (job.pidfd < 0) {
		att_ignore(kill(job.host_pid, SIGKILL));
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH, -job.pidfd,
		                   "open the job");
	}
	r = verify(plan, &job, err);
	if (r < 0) {
		job.detached = false;
		return r;
	}
	/*
	 * It outlives everybody who could remove a cgroup of its own: the guardian, when it is let
	 * go, moves it to the base.
	 */
	if (job.detached)
		att_job_let_go(&job);
	*ret = job;
	job = (struct att_job)ATT_JOB_INIT;
	return 0;
}

/*
 * A caller without descriptors 0, 1 or 2 would get ours there, where the child's go. Return: how many
 * were filled, or -errno.
 */
static int fill_low_descriptors(int ret_fd[3])
{
	int n = 0;

	for (;;) {
		int fd = fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0 && fcntl(2, F_GETFD) >= 0
		                 ? 3
		                 : open("/dev/null", O_RDWR | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		if (fd > 2)
			return n;
		ret_fd[n++] = fd;
	}
}

static int launch(struct att_plan *plan, struct att_job *ret, struct att_err *err)
{
	uint32_t null_mask = plan->wire.null_mask;
	struct choices c = { .null_mask = null_mask };
	int64_t wall_ns = att_clock_wall_ns();
	int64_t now_ns = att_clock_now_ns();

	for (int i = 0; i < TRIES; i++) {
		_cleanup_(attempt_done) struct attempt a = ATTEMPT_INIT;
		int r = try_once(plan, &a, &c, err);

		if (r == 0)
			r = take_over(plan, &a, ret, err);
		if (r == 0) {
			ret->started_wall_ns = wall_ns;
			ret->started_ns = now_ns;
		}
		plan->wire.null_mask = null_mask;
		if (r <= 0)
			return r;
	}
	return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP,
	                   "no cgroup of the container can be joined");
}

int att_launch(struct att_plan *plan, struct att_job *ret, struct att_err *err)
{
	int low[3] = { -1, -1, -1 };
	int n = fill_low_descriptors(low);
	int r = 0;

	if (n < 0)
		r = att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, -n,
		                "open '/dev/null'");
	if (r == 0)
		r = att_plan_renew_id(plan, err);
	if (r == 0)
		r = launch(plan, ret, err);
	for (int i = 0; i < n; i++)
		att_ignore(att_fd_close(low[i]));
	/* What failed may be no more than that the container went away under it. */
	if (r < 0 && att_plan_is_gone(plan))
		return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_LAUNCH,
		                   "the container has ended meanwhile");
	return r;
}
