/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sys/bpf.h"

/* The kernel lets one process have no more instructions than this in all its filters. */
#define TOTAL_INSNS_MAX 32768u
/* What /proc/PID/status may come to: 65536 groups of eleven characters, and some lines. */
#define STATUS_MAX ((size_t)1 << 20)

void att_filter_done(struct att_filter *f)
{
	free(f->insns);
	*f = (struct att_filter)ATT_FILTER_INIT;
}

int att_filter_set(struct att_filter *f, const struct sock_filter *insns, size_t n,
                   struct att_err *err)
{
	struct sock_filter *copy = NULL;
	bool notify = false;

	if (n == 0)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
		                   "a seccomp program without instructions");
	if (n > BPF_MAXINSNS)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_SECCOMP,
		                   "a seccomp program of more than %d instructions", BPF_MAXINSNS);
	copy = calloc(n, sizeof(*copy));
	if (copy == NULL)
		return att_err_nomem(err, ATT_STAGE_SECCOMP);
	memcpy(copy, insns, n * sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		if (insns[i].code == (BPF_RET | BPF_K) &&
		    (insns[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF)
			notify = true;
	}
	f->insns = copy;
	f->n = (uint16_t)n;
	f->uses_notify = notify;
	f->n_unknown = 0;
	return 0;
}

struct att_filter *att_filters_free(struct att_filter *v, size_t n)
{
	for (size_t i = 0; v != NULL && i < n; i++)
		att_filter_done(&v[i]);
	free(v);
	return NULL;
}

bool att_seccomp_allows(const struct att_filter *f, uint32_t nr)
{
	struct seccomp_data data = { .nr = (int)nr, .arch = seccomp_arch_native() };
	uint32_t action = 0;

	if (!att_bpf_valid(f->insns, f->n) || !att_bpf_eval(f->insns, f->n, &data, &action))
		return false;
	action &= SECCOMP_RET_ACTION_FULL;
	return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG;
}

bool att_seccomp_same(const struct att_filter *a, const struct att_filter *b)
{
	return att_bpf_same(a->insns, a->n, b->insns, b->n);
}

static int internal(int rc, const char *what, struct att_err *err)
{
	if (rc == -ENOMEM)
		return att_err_nomem(err, ATT_STAGE_SECCOMP);
	return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SECCOMP, -rc, "%s", what);
}

/* One more than may be is asked for, so that att_filter_set() sees a program that is too long. */
static int read_program(struct att_filter *f, int fd, struct att_err *err)
{
	_cleanup_free_ struct sock_filter *insns = NULL;
	ssize_t got = 0;

	insns = calloc(BPF_MAXINSNS + 1, sizeof(*insns));
	if (insns == NULL)
		return att_err_nomem(err, ATT_STAGE_SECCOMP);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return internal(-errno, "rewind a seccomp program", err);
	got = att_fd_read_full(fd, insns, (BPF_MAXINSNS + 1) * sizeof(*insns));
	if (got < 0)
		return internal((int)got, "read a seccomp program", err);
	return att_filter_set(f, insns, (size_t)got / sizeof(*insns), err);
}

int att_filter_export(struct att_filter *f, const void *scmp_ctx, struct att_err *err)
{
	_cleanup_close_ int fd = memfd_create("seccomp", MFD_CLOEXEC);
	scmp_filter_ctx ctx = (scmp_filter_ctx)(uintptr_t)scmp_ctx;
	int rc = 0;

	if (fd < 0)
		return internal(-errno, "create a file in memory", err);
	rc = seccomp_export_bpf(ctx, fd);
	if (rc < 0)
		return internal(rc, "export a seccomp program", err);
	return read_program(f, fd, err);
}

/* ---- reading back --------------------------------------------------------------------------- */

/* How far the helper came; what it was doing when it failed. */
enum step {
	STEP_NONE,
	STEP_SEIZE,
	STEP_INTERRUPT,
	STEP_WAIT,
	STEP_READ,
	STEP_DONE,
};

/* What the helper found out. In memory shared with it: it is a copy of us, so it is believed. */
struct findings {
	int32_t step;
	int32_t sys;
	uint32_t n;
	uint32_t n_insns;
	uint16_t len[ATT_SECCOMP_FILTERS_MAX];
	struct sock_filter insns[TOTAL_INSNS_MAX + BPF_MAXINSNS];
};

struct helper {
	struct findings *out;
	pid_t pid;
	int pidfd;
};

static void helper_done(struct helper *h)
{
	if (h->pid > 0) {
		att_ignore(kill(h->pid, SIGKILL));
		while (waitpid(h->pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	}
	att_fd_close_p(&h->pidfd);
	if (h->out != NULL)
		att_ignore(munmap(h->out, sizeof(*h->out)));
}

/* Context: helper. */
static bool fail_step(struct findings *out, enum step step, int sys)
{
	out->step = (int32_t)step;
	out->sys = sys;
	return false;
}

/*
 * Oldest first. A second thread of the process may add filters while this one is stopped: those
 * come last, so the ones already read stay what they are.
 *
 * Context: helper.
 */
static bool read_filters(struct findings *out, pid_t pid)
{
	for (;;) {
		bool full = out->n == ATT_SECCOMP_FILTERS_MAX || out->n_insns > TOTAL_INSNS_MAX;
		struct sock_filter *to = full ? NULL : &out->insns[out->n_insns];
		long len = syscall(SYS_ptrace, PTRACE_SECCOMP_GET_FILTER, pid, (long)out->n, to);

		if (len < 0 && errno == ENOENT)
			return true;
		if (len <= 0 || len > BPF_MAXINSNS)
			return fail_step(out, STEP_READ, len < 0 ? errno : EPROTO);
		if (full)
			return fail_step(out, STEP_READ, E2BIG);
		out->len[out->n++] = (uint16_t)len;
		out->n_insns += (uint32_t)len;
	}
}

/*
 * Waits for whichever stop comes first; all of them will do. Return: the signal that the process
 * was about to take and must be given, 0 if it stopped for us or for job control, or -errno.
 *
 * Context: helper.
 */
static int wait_stop(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, __WALL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!WIFSTOPPED(status))
		return -ESRCH;
	return status >> 16 == 0 ? WSTOPSIG(status) : 0;
}

/* Context: helper. */
static bool trace(struct findings *out, pid_t pid)
{
	bool ok = false;
	int sig = 0;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return fail_step(out, STEP_SEIZE, errno);
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return fail_step(out, STEP_INTERRUPT, errno);
	sig = wait_stop(pid);
	if (sig < 0)
		return fail_step(out, STEP_WAIT, -sig);
	ok = read_filters(out, pid);
	/* Fails only for a process that was killed meanwhile, and then there is nobody to release. */
	att_ignore(ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)sig));
	if (ok)
		out->step = STEP_DONE;
	return ok;
}

/* Context: helper. It must not outlive its parent, or it would keep hold of the process. */
_noreturn_ static void helper_main(struct findings *out, pid_t pid, pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
		att_ignore(trace(out, pid));
	_exit(0);
}

static int start_failed(int sys, struct att_err *err)
{
	enum att_code code = sys == ENOMEM ? ATT_E_NO_MEMORY : ATT_E_INTERNAL_ERROR;

	if (sys == EAGAIN)
		code = ATT_E_LIMIT_EXCEEDED;
	return att_err_sys(err, code, ATT_STAGE_SECCOMP, sys,
	                   "start a helper to read seccomp filters");
}

/*
 * No exit signal, so that the caller sees no SIGCHLD; all signals blocked, so that no handler of
 * the caller's runs in the copy.
 */
static int helper_start(struct helper *h, pid_t pid, struct att_err *err)
{
	struct clone_args args = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&h->pidfd };
	pid_t parent = getpid();
	sigset_t all;
	sigset_t old;
	long child = 0;
	int sys = 0;

	h->out = mmap(NULL, sizeof(*h->out), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	              0);
	if (h->out == MAP_FAILED) {
		h->out = NULL;
		return start_failed(errno, err);
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	child = syscall(SYS_clone3, &args, sizeof(args));
	if (child == 0)
		helper_main(h->out, pid, parent);
	sys = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (child < 0)
		return start_failed(sys, err);
	h->pid = (pid_t)child;
	return 0;
}

static int helper_wait(struct helper *h, pid_t pid, int64_t deadline_ns, struct att_err *err)
{
	struct pollfd p = { .fd = h->pidfd, .events = POLLIN };
	int r = 0;

	do {
		r = poll(&p, 1, att_clock_poll_ms(deadline_ns));
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SECCOMP, errno,
		                   "wait for the reader of seccomp filters");
	if (r == 0)
		return att_err_set(
			err, ATT_E_TIMEOUT, ATT_STAGE_SECCOMP,
			"read the seccomp filters of process %d: it did not stop in time",
			(int)pid);
	return 0;
}

/* The host's /proc/PID/status. Return: 0 and text to free, or -errno. */
static int read_status(pid_t pid, char **ret)
{
	_cleanup_free_ char *text = malloc(STATUS_MAX);
	char path[32];
	ssize_t n = 0;

	if (text == NULL)
		return -ENOMEM;
	att_ignore(snprintf(path, sizeof(path), "/proc/%d/status", (int)pid));
	n = att_fd_read_file_at(AT_FDCWD, path, text, STATUS_MAX);
	if (n < 0)
		return (int)n;
	*ret = take_ptr(&text);
	return 0;
}

/* The number in the line that starts with @key, which begins with the line feed before it. */
static bool status_number(const char *status, const char *key, uint64_t *ret)
{
	const char *s = strstr(status, key);

	if (s == NULL)
		return false;
	*ret = strtoull(s + strlen(key), NULL, 10);
	return true;
}

/* The kernel's EPERM for a zombie and for a process that is gone by now. */
static bool is_dead(const char *status, int r)
{
	if (status == NULL)
		return r == -ENOENT || r == -ESRCH;
	return strstr(status, "\nState:\tZ") != NULL || strstr(status, "\nState:\tX") != NULL;
}

static int unavailable(pid_t pid, int sys, const char *why, struct att_err *err)
{
	int r = att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
	                    "read the seccomp filters of process %d: %s", (int)pid, why);

	err->sys = sys;
	return r;
}

static int trace_failed(pid_t pid, int sys, struct att_err *err)
{
	_cleanup_free_ char *status = NULL;
	uint64_t tracer = 0;
	int r = sys == EPERM ? read_status(pid, &status) : -ENODATA;

	if (sys == ESRCH || is_dead(status, r))
		return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_SECCOMP,
		                   "read the seccomp filters of process %d: it has ended",
		                   (int)pid);
	if (status != NULL && status_number(status, "\nTracerPid:", &tracer) && tracer != 0)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
		                   "read the seccomp filters of process %d: "
		                   "it is traced by process %llu already",
		                   (int)pid, (unsigned long long)tracer);
	return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_SECCOMP, sys,
	                   "trace process %d to read its seccomp filters", (int)pid);
}

/* Does its status say that a process is under no filter? */
static bool has_no_filter(pid_t pid)
{
	_cleanup_free_ char *status = NULL;
	uint64_t mode = 0;

	if (read_status(pid, &status) < 0 || status == NULL)
		return false;
	return status_number(status, "\nSeccomp:", &mode) && mode == 0;
}

/*
 * A kernel without CONFIG_CHECKPOINT_RESTORE says EINVAL too, as for a process without filters:
 * only its status tells the two apart. Return: 0 when it has none.
 */
static int read_failed(pid_t pid, int sys, struct att_err *err)
{
	if (sys == EINVAL && has_no_filter(pid))
		return 0;
	if (sys == EINVAL || sys == EIO)
		return unavailable(pid, sys, "the kernel has no CONFIG_CHECKPOINT_RESTORE", err);
	if (sys == EACCES)
		return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_SECCOMP, sys,
		                   "read the seccomp filters of process %d without CAP_SYS_ADMIN",
		                   (int)pid);
	if (sys == EMEDIUMTYPE)
		return unavailable(pid, sys, "one is not classic BPF", err);
	if (sys == E2BIG)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_SECCOMP,
		                   "read the seccomp filters of process %d: more than %u", (int)pid,
		                   ATT_SECCOMP_FILTERS_MAX);
	if (sys == ESRCH)
		return trace_failed(pid, sys, err);
	return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SECCOMP, sys,
	                   "read the seccomp filters of process %d", (int)pid);
}

/* Return: 0 when there is something to take, also if that is no filter at all. */
static int check_findings(const struct findings *out, pid_t pid, struct att_err *err)
{
	switch ((enum step)out->step) {
	case STEP_DONE:
		return 0;
	case STEP_SEIZE:
	case STEP_INTERRUPT:
	case STEP_WAIT:
		return trace_failed(pid, out->sys, err);
	case STEP_READ:
		return read_failed(pid, out->sys, err);
	case STEP_NONE:
		break;
	}
	return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SECCOMP,
	                   "the reader of the seccomp filters of process %d ended early", (int)pid);
}

/* Turns the kernel's order, oldest first, around. */
static int take_findings(const struct findings *out, struct att_filter **ret, size_t *ret_n,
                         struct att_err *err)
{
	const struct sock_filter *insns = out->insns;
	struct att_filter *v = NULL;
	int r = 0;

	if (out->n > 0) {
		v = calloc(out->n, sizeof(*v));
		if (v == NULL)
			return att_err_nomem(err, ATT_STAGE_SECCOMP);
	}
	for (uint32_t i = 0; i < out->n; i++) {
		r = att_filter_set(&v[out->n - 1 - i], insns, out->len[i], err);
		if (r < 0) {
			att_filters_free(v, out->n);
			return r;
		}
		insns += out->len[i];
	}
	*ret = v;
	*ret_n = out->n;
	return 0;
}

int att_seccomp_read_back(pid_t host_pid, struct att_filter **ret, size_t *ret_n,
                          int64_t deadline_ns, struct att_err *err)
{
	_cleanup_(helper_done) struct helper h = { .pidfd = -1 };
	int r = 0;

	/* Asked first: a process must not be stopped for what is known to fail. */
	if (prctl(PR_GET_SECCOMP) != 0)
		return unavailable(host_pid, EACCES, "attache is under a seccomp filter itself",
		                   err);
	r = helper_start(&h, host_pid, err);
	if (r < 0)
		return r;
	r = helper_wait(&h, host_pid, deadline_ns, err);
	if (r < 0)
		return r;
	att_assert(h.out != NULL);
	r = check_findings(h.out, host_pid, err);
	if (r < 0)
		return r;
	return take_findings(h.out, ret, ret_n, err);
}
