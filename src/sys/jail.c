/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For the request numbers alone. */
#include <asm/termbits.h>

#if defined(__x86_64__)
#	define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#	define ARCH AUDIT_ARCH_AARCH64
#else
#	error "attache knows x86-64 and arm64"
#endif

#define PROGRAM_CAP 192
#define LEAF_CALLS  4 /* compared one by one */

/* Whatever their arguments are. */
static const unsigned plain_calls[] = {
	/* bytes */
	SYS_read,
	SYS_write,
	SYS_readv,
	SYS_writev,
	SYS_pread64,
	SYS_splice,
	SYS_sendto,
	SYS_sendmsg,
	SYS_close,
	SYS_dup3,
	SYS_ppoll,
	SYS_epoll_create1,
	SYS_epoll_ctl,
	SYS_epoll_pwait,
	/* signals and children of its own */
	SYS_rt_sigprocmask,
	SYS_rt_sigpending,
	SYS_rt_sigtimedwait,
	SYS_rt_sigreturn,
	SYS_waitid,
	SYS_wait4,
	SYS_restart_syscall,
	SYS_timer_settime,
	SYS_timer_delete,
	/* memory */
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	/* what it is, and the time */
	SYS_getpid,
	SYS_gettid,
	SYS_getpgid,
	SYS_getuid,
	SYS_geteuid,
	SYS_clock_gettime,
	SYS_clock_nanosleep,
	SYS_futex,
	/* the end */
	SYS_exit,
	SYS_exit_group,
#if defined(__x86_64__)
	SYS_poll,
	SYS_dup2,
	SYS_epoll_wait,
	SYS_getpgrp,
	SYS_time,
	SYS_gettimeofday,
#endif
};

static const unsigned ioctls[] = {
	TCGETS, TCGETS2, TCSETSW2, TCSETSF2, TIOCGWINSZ, TIOCSWINSZ, TIOCGPGRP, FIONREAD, TIOCGPTN,
};

static const unsigned fcntls[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_SETPIPE_SZ };

struct program {
	struct sock_filter code[PROGRAM_CAP];
	unsigned short n;
	unsigned short allowed_at[countof(plain_calls)]; /* jumps to the end, where it says so */
	size_t n_allowed;
};

static void emit(struct program *p, struct sock_filter f)
{
	att_assert(p->n < PROGRAM_CAP);
	p->code[p->n++] = f;
}

static void load(struct program *p, size_t offset)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

/* Of the words that the kernel has for each argument, the lower one: both are little-endian here. */
static void load_arg(struct program *p, size_t n)
{
	load(p, offsetof(struct seccomp_data, args) + n * sizeof(uint64_t));
}

static void end_with(struct program *p, uint32_t action)
{
	emit(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void allow_if(struct program *p, uint32_t value)
{
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	end_with(p, SECCOMP_RET_ALLOW);
}

/* What follows, up to end_call(), is for this call alone. Return: where to say how long that is. */
static unsigned short begin_call(struct program *p, unsigned nr)
{
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 0));
	return p->n;
}

static void end_call(struct program *p, unsigned short begun)
{
	end_with(p, SECCOMP_RET_KILL_PROCESS);
	att_assert(p->n - begun < 256);
	p->code[begun - 1].jf = (unsigned char)(p->n - begun);
}

static void allow_values(struct program *p, unsigned nr, size_t arg, const unsigned *v, size_t n)
{
	unsigned short begun = begin_call(p, nr);

	load_arg(p, arg);
	for (size_t i = 0; i < n; i++)
		allow_if(p, v[i]);
	end_call(p, begun);
}

static void allow_without_exec(struct program *p, unsigned nr)
{
	unsigned short begun = begin_call(p, nr);

	load_arg(p, 2);
	emit(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_EXEC));
	allow_if(p, 0);
	end_call(p, begun);
}

static void sort(unsigned *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && v[k - 1] > v[k]; k--) {
			unsigned lower = v[k];

			v[k] = v[k - 1];
			v[k - 1] = lower;
		}
}

/*
 * The kernel runs a new filter once for every call there is, to know which need not be asked about:
 * a list would be walked a thousand times from its beginning.
 */
static void allow_sorted(struct program *p, const unsigned *v, size_t n)
{
	unsigned short branch = 0;

	if (n <= LEAF_CALLS) {
		for (size_t i = 0; i < n; i++) {
			p->allowed_at[p->n_allowed++] = p->n;
			emit(p,
			     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v[i], 0, 0));
		}
		end_with(p, SECCOMP_RET_KILL_PROCESS);
		return;
	}
	branch = p->n;
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, v[n / 2], 0, 0));
	allow_sorted(p, v, n / 2);
	att_assert(p->n - branch - 1 < 256);
	p->code[branch].jt = (unsigned char)(p->n - branch - 1);
	allow_sorted(p, v + n / 2, n - n / 2);
}

static void allow_plain(struct program *p)
{
	unsigned v[countof(plain_calls)];

	memcpy(v, plain_calls, sizeof(v));
	sort(v, countof(v));
	allow_sorted(p, v, countof(v));
	for (size_t i = 0; i < p->n_allowed; i++) {
		unsigned short at = p->allowed_at[i];

		att_assert(p->n - at - 1 < 256);
		p->code[at].jt = (unsigned char)(p->n - at - 1);
	}
	end_with(p, SECCOMP_RET_ALLOW);
}

static void write_program(struct program *p)
{
	const unsigned self = (unsigned)getpid();

	load(p, offsetof(struct seccomp_data, arch));
	emit(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0));
	end_with(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	allow_values(p, SYS_ioctl, 1, ioctls, countof(ioctls));
	allow_values(p, SYS_fcntl, 1, fcntls, countof(fcntls));
	allow_without_exec(p, SYS_mmap);
	allow_without_exec(p, SYS_mprotect);
	/* To stop itself, and to abort. */
	allow_values(p, SYS_tgkill, 0, &self, 1);
	allow_plain(p);
}

static int drop_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

int att_jail_enter(struct att_err *err)
{
	struct program p = { .n = 0 };
	struct sock_fprog prog;
	int r = drop_caps();

	write_program(&p);
	prog = (struct sock_fprog){ p.n, p.code };
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_RELAY, -r,
	                   "confine the relay");
}
