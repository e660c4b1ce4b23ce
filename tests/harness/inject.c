/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/inject.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/defs.h"

/* What differs between the machines. */
#if defined(__x86_64__)
typedef struct user_regs_struct regs_t;

static void set_call(regs_t *r, long nr, const unsigned long a[6])
{
	/* It waits behind its own "syscall", which can be run once more. */
	r->rip -= 2;
	r->rax = (unsigned long)nr;
	r->orig_rax = (unsigned long)-1;
	r->rdi = a[0];
	r->rsi = a[1];
	r->rdx = a[2];
	r->r10 = a[3];
	r->r8 = a[4];
	r->r9 = a[5];
}

static long result_of(const regs_t *r)
{
	return (long)r->rax;
}
#elif defined(__aarch64__)
typedef struct user_regs_struct regs_t;

static void set_call(regs_t *r, long nr, const unsigned long a[6])
{
	r->pc -= 4;
	for (int i = 0; i < 6; i++)
		r->regs[i] = a[i];
	r->regs[8] = (unsigned long)nr;
}

static long result_of(const regs_t *r)
{
	return (long)r->regs[0];
}
#else
#	error "attache knows x86-64 and arm64"
#endif

static int get_regs(pid_t pid, regs_t *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

static int set_regs(pid_t pid, regs_t *r)
{
	struct iovec iov = { r, sizeof(*r) };

	return ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

/* Waits for a stop without taking an end away from whoever waits for it. Return: 0, INJECT_DIED. */
static int wait_stop(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	while (waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT) < 0)
		if (errno != EINTR)
			return -errno;
	if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
		return INJECT_DIED;
	return waitpid(pid, NULL, __WALL) == pid ? 0 : -errno;
}

static int step_to(pid_t pid, enum __ptrace_request how)
{
	if (ptrace(how, pid, NULL, NULL) < 0)
		return -errno;
	return wait_stop(pid);
}

static int call_stopped(pid_t pid, long nr, const unsigned long args[6], long *ret)
{
	regs_t before;
	regs_t now;
	int r = get_regs(pid, &before);

	if (r < 0)
		return r;
	now = before;
	set_call(&now, nr, args);
	r = set_regs(pid, &now);
	/* In and out again. */
	for (int i = 0; i < 2 && r == 0; i++)
		r = step_to(pid, PTRACE_SYSCALL);
	if (r == 0)
		r = get_regs(pid, &now);
	if (r != 0)
		return r;
	*ret = result_of(&now);
	return set_regs(pid, &before);
}

int inject_call(pid_t pid, long nr, const unsigned long args[6], long *ret)
{
	int r = 0;

	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0)
		return -errno;
	r = step_to(pid, PTRACE_INTERRUPT);
	if (r == 0)
		r = call_stopped(pid, nr, args, ret);
	if (r != INJECT_DIED)
		att_ignore(ptrace(PTRACE_DETACH, pid, NULL, NULL));
	return r;
}
