/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/fault.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/child.h"
#include "harness/faultview.h"

#define MAX_TRACEES 32
#define MAX_NR      512
#define CALL_STOP   (SIGTRAP | 0x80)
#define OPTIONS \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL)

struct tracee {
	pid_t pid; /* 0: free */
	int role;  /* -1: it has stopped, but who made it has not said so yet */
	int born;
	bool counts; /* its calls are the launch's */
	bool fails;  /* the call that it is in is the one */
	long nr;
	unsigned short seen[MAX_NR];
};

struct tracer {
	const char *const *argv;
	const struct fault_call *call;
	int error;
	struct fault_result *result;
	int fds[4]; /* what attache gets as 0, 1, 2 and 3 */
	int born[_FAULT_ROLE_MAX];
	pid_t first;
	struct tracee *v; /* MAX_TRACEES of them */
};

const char *fault_role_name(int role)
{
	static const char *const names[] = { "attache", "guardian", "entry", "job" };

	return role >= 0 && role < _FAULT_ROLE_MAX ? names[role] : "?";
}

bool fault_can_fail(const struct fault_call *call)
{
	static const long never[] = {
		SYS_exit,          SYS_exit_group,   SYS_getpid,
		SYS_getppid,       SYS_gettid,       SYS_getuid,
		SYS_geteuid,       SYS_getgid,       SYS_getegid,
		SYS_umask,         SYS_brk,          SYS_munmap,
		SYS_clock_gettime, SYS_rt_sigreturn, SYS_restart_syscall,
	};

	for (size_t i = 0; i < countof(never); i++)
		if (never[i] == call->nr)
			return false;
	if (call->nr == SYS_fcntl && (call->args[1] == F_GETFD || call->args[1] == F_GETFL))
		return false;
	return call->role != FAULT_ATTACHE ||
	       (call->nr != SYS_rt_sigaction && call->nr != SYS_rt_sigprocmask);
}

/* ---- what differs between the machines ---------------------------------------------------- */

static int get_regs(pid_t pid, struct user_regs_struct *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

static int set_regs(pid_t pid, struct user_regs_struct *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

#if defined(__x86_64__)
static int skip_call(pid_t pid)
{
	struct user_regs_struct r;
	int e = get_regs(pid, &r);

	r.orig_rax = (unsigned long long)-1;
	return e < 0 ? e : set_regs(pid, &r);
}

static int set_result(pid_t pid, long value)
{
	struct user_regs_struct r;
	int e = get_regs(pid, &r);

	r.rax = (unsigned long long)value;
	return e < 0 ? e : set_regs(pid, &r);
}
#elif defined(__aarch64__)
static int skip_call(pid_t pid)
{
	int nr = -1;
	struct iovec iov = { &nr, sizeof(nr) };

	return ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov) < 0 ? -errno : 0;
}

static int set_result(pid_t pid, long value)
{
	struct user_regs_struct r;
	int e = get_regs(pid, &r);

	r.regs[0] = (unsigned long long)value;
	return e < 0 ? e : set_regs(pid, &r);
}
#else
#	error "attache knows x86-64 and arm64"
#endif

/* ---- calls -------------------------------------------------------------------------------- */

/* Which argument is a path, or -1. */
static int path_argument(long nr)
{
	switch (nr) {
	case SYS_execve:
	case SYS_chdir:
#ifdef SYS_readlink
	case SYS_readlink:
#endif
		return 0;
	case SYS_openat:
	case SYS_openat2:
	case SYS_newfstatat:
	case SYS_readlinkat:
	case SYS_mkdirat:
	case SYS_unlinkat:
	case SYS_fchownat:
	case SYS_faccessat:
		return 1;
	default:
		return -1;
	}
}

bool fault_names_a_path(const struct fault_call *call)
{
	return call->about[0] != '\0' && path_argument(call->nr) >= 0;
}

static void describe(pid_t pid, const struct __ptrace_syscall_info *info, struct fault_call *c)
{
	const uint64_t *a = (const uint64_t *)info->entry.args;
	int i = path_argument((long)info->entry.nr);
	struct iovec here = { c->about, sizeof(c->about) - 1 };
	struct iovec there = { i < 0 ? NULL : (void *)(uintptr_t)a[i], sizeof(c->about) - 1 };

	memset(c->about, 0, sizeof(c->about));
	c->args[0] = a[0];
	c->args[1] = a[1];
	/* A path may end right before memory that is not there. */
	for (size_t room = sizeof(c->about) - 1; i >= 0 && room > 0; room /= 2) {
		there.iov_len = room;
		if (process_vm_readv(pid, &here, 1, &there, 1, 0) > 0)
			return;
	}
	snprintf(c->about, sizeof(c->about), "%llx, %llx, %llx", (unsigned long long)a[0],
	         (unsigned long long)a[1], (unsigned long long)a[2]);
}

/*
 * Where the launch begins and ends in a process. Before attache looks at its descriptors, the C
 * library sets itself up, and ends the process itself if it cannot; once it is jailed, and once the
 * guardian has said what came of it, the job runs.
 */
static void note_bounds(struct tracee *t, bool is_entry)
{
	if (t->role == FAULT_ATTACHE && is_entry && t->nr == SYS_fcntl && t->seen[SYS_fcntl] == 0 &&
	    t->seen[SYS_seccomp] == 0)
		t->counts = true;
	if (is_entry)
		return;
	if ((t->role == FAULT_ATTACHE && t->nr == SYS_seccomp) ||
	    (t->role == FAULT_GUARDIAN && t->nr == SYS_write))
		t->counts = false;
}

static bool is_call(const struct tracer *t, const struct tracee *e, int nth)
{
	const struct fault_call *c = t->call;

	return c != NULL && !t->result->hit && c->role == e->role && c->born == e->born &&
	       c->nr == e->nr && c->nth == nth;
}

static int on_entry(struct tracer *t, struct tracee *e, const struct __ptrace_syscall_info *info)
{
	struct fault_result *r = t->result;
	int nth = 0;

	e->nr = (long)info->entry.nr;
	note_bounds(e, true);
	/* A call that a signal interrupted goes on under this number, as often as it likes. */
	if (!e->counts || e->nr < 0 || e->nr >= MAX_NR || e->nr == SYS_restart_syscall)
		return 0;
	nth = e->seen[e->nr]++;
	if (r->n_calls < FAULT_MAX_CALLS) {
		struct fault_call *c = &r->calls[r->n_calls++];

		*c = (struct fault_call){
			.role = e->role, .born = e->born, .nr = e->nr, .nth = nth
		};
		describe(e->pid, info, c);
	}
	e->fails = is_call(t, e, nth);
	r->hit = r->hit || e->fails;
	return e->fails && e->nr != SYS_close ? skip_call(e->pid) : 0;
}

static int on_exit_of_call(struct tracer *t, struct tracee *e)
{
	bool fails = e->fails;

	e->fails = false;
	note_bounds(e, false);
	return fails ? set_result(e->pid, -t->error) : 0;
}

static int on_call(struct tracer *t, struct tracee *e)
{
	struct __ptrace_syscall_info info;

	memset(&info, 0, sizeof(info));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, e->pid, sizeof(info), &info) < 0)
		return -errno;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		return on_entry(t, e, &info);
	return info.op == PTRACE_SYSCALL_INFO_EXIT ? on_exit_of_call(t, e) : 0;
}

/* ---- processes ---------------------------------------------------------------------------- */

static struct tracee *find(struct tracer *t, pid_t pid)
{
	for (size_t i = 0; i < MAX_TRACEES; i++)
		if (t->v[i].pid == pid)
			return &t->v[i];
	return NULL;
}

static struct tracee *add(struct tracer *t, pid_t pid)
{
	struct tracee *e = find(t, 0);

	if (e != NULL)
		*e = (struct tracee){ .pid = pid, .role = -1 };
	return e;
}

static void set_role(struct tracer *t, struct tracee *e, int role)
{
	e->role = role < _FAULT_ROLE_MAX ? role : _FAULT_ROLE_MAX - 1;
	e->born = t->born[e->role]++;
	e->counts = role != FAULT_ATTACHE;
}

static void go_on(const struct tracee *e, int sig)
{
	/* ESRCH: it has been killed meanwhile, which the next wait says. */
	att_ignore(ptrace(PTRACE_SYSCALL, e->pid, 0, (long)sig));
}

/* Its first stop and its maker's may come in any order; it waits for the later one. */
static void on_birth(struct tracer *t, const struct tracee *maker)
{
	unsigned long pid = 0;
	struct tracee *e = NULL;
	bool waits = false;

	if (ptrace(PTRACE_GETEVENTMSG, maker->pid, NULL, &pid) < 0)
		return;
	e = find(t, (pid_t)pid);
	waits = e != NULL;
	if (e == NULL)
		e = add(t, (pid_t)pid);
	if (e == NULL)
		return;
	set_role(t, e, maker->role + 1);
	if (waits)
		go_on(e, 0);
}

/* The command: it is looked at, and then nobody's but attache's. Return: has it been let go? */
static bool on_exec(struct tracer *t, struct tracee *e)
{
	if (e->role != FAULT_JOB)
		return false;
	t->result->started = true;
	fault_view(e->pid, t->result->view, sizeof(t->result->view));
	att_ignore(ptrace(PTRACE_DETACH, e->pid, NULL, NULL));
	e->pid = 0;
	return true;
}

static void on_stop(struct tracer *t, pid_t pid, int status)
{
	struct tracee *e = find(t, pid);
	int event = status >> 16;
	int sig = WSTOPSIG(status);

	if (e == NULL || e->role < 0) {
		if (e == NULL)
			att_ignore(add(t, pid) != NULL);
		return;
	}
	if (sig == CALL_STOP) {
		att_ignore(on_call(t, e));
		go_on(e, 0);
	} else if (event == PTRACE_EVENT_EXEC) {
		if (!on_exec(t, e))
			go_on(e, 0);
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		att_ignore(ptrace(PTRACE_LISTEN, pid, NULL, NULL));
	} else if (event != 0) {
		if (event != PTRACE_EVENT_STOP)
			on_birth(t, e);
		go_on(e, 0);
	} else {
		go_on(e, sig);
	}
}

static void on_end(struct tracer *t, pid_t pid, int status)
{
	struct tracee *e = find(t, pid);

	if (e != NULL)
		e->pid = 0;
	if (pid != t->first)
		return;
	t->result->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	t->result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* ---- a run -------------------------------------------------------------------------------- */

_noreturn_ static void become_attache(const struct tracer *t, int gate)
{
	static const unsigned long default_action[4];
	char c = 0;

	if (read(gate, &c, 1) != 1)
		_exit(127);
	for (int i = 0; i < 4; i++)
		if (dup2(t->fds[i], i) < 0)
			_exit(127);
	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, 8);
	if (syscall(SYS_close_range, 4u, ~0u, 0u) == 0)
		execv(t->argv[0], (char *const *)(uintptr_t)t->argv);
	_exit(127);
}

/* It waits at the gate until it is traced. */
static int start(struct tracer *t)
{
	int gate[2];
	int r = 0;

	if (pipe2(gate, O_CLOEXEC) < 0)
		return errno;
	t->first = fork();
	if (t->first == 0)
		become_attache(t, gate[0]);
	if (t->first < 0 || ptrace(PTRACE_SEIZE, t->first, NULL, OPTIONS) < 0)
		return errno;
	set_role(t, add(t, t->first), FAULT_ATTACHE);
	/* Its next stop is at the end of the exec, since nobody has asked for its calls before. */
	r = write(gate[1], "", 1) == 1 ? 0 : EIO;
	close(gate[0]);
	close(gate[1]);
	return r;
}

/* In a process of its own: whoever traces has to wait for all that it traces. */
static int trace(void *data)
{
	struct tracer *t = data;
	int status = 0;
	int r = start(t);

	while (r == 0) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return errno == ECHILD ? 0 : errno;
		if (WIFSTOPPED(status))
			on_stop(t, pid, status);
		else
			on_end(t, pid, status);
	}
	return r;
}

static void read_back(int fd, char *text, size_t cap)
{
	ssize_t n = pread(fd, text, cap - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
}

int fault_run(const char *const *argv, const struct fault_call *call, int error, int timeout_ms,
              struct fault_result *result)
{
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC);
	_cleanup_close_ int err = memfd_create("err", MFD_CLOEXEC);
	_cleanup_close_ int status = memfd_create("status", MFD_CLOEXEC);
	_cleanup_free_ struct tracee *v = calloc(MAX_TRACEES, sizeof(*v));
	struct tracer t = { .argv = argv, .call = call, .error = error, .result = result, .v = v };
	int lifted[4] = { null, out, err, status };
	int r = v == NULL ? -ENOMEM : 0;

	memset(result, 0, sizeof(*result));
	result->code = -1;
	/* Above the places that they are going to take. */
	for (int i = 0; i < 4; i++) {
		t.fds[i] = fcntl(lifted[i], F_DUPFD_CLOEXEC, 10);
		r = t.fds[i] < 0 ? -errno : r;
	}
	if (r == 0)
		r = child_run(trace, &t, timeout_ms);
	result->hung = r == CHILD_HANG;
	for (int i = 0; i < 4; i++)
		att_ignore(att_fd_close(t.fds[i]));
	read_back(out, result->out, sizeof(result->out));
	read_back(err, result->err, sizeof(result->err));
	read_back(status, result->status, sizeof(result->status));
	if (r > 0 && r < CHILD_SIGNAL)
		return -r;
	return r < 0 ? r : 0;
}

struct fault_result *fault_result_new(void)
{
	void *p = mmap(NULL, sizeof(struct fault_result), PROT_READ | PROT_WRITE,
	               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

struct fault_result *fault_result_free(struct fault_result *result)
{
	if (result != NULL)
		munmap(result, sizeof(*result));
	return NULL;
}
