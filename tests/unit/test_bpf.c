/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interpreter, its idea of a valid program, and both against the kernel's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/bpf.h"

#define LD(k)           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, k)
#define LDI(k)          BPF_STMT(BPF_LD | BPF_IMM, k)
#define LDXI(k)         BPF_STMT(BPF_LDX | BPF_IMM, k)
#define OP(op, k)       BPF_STMT(BPF_ALU | (op) | BPF_K, k)
#define OPX(op)         BPF_STMT(BPF_ALU | (op) | BPF_X, 0)
#define JK(op, k, t, f) BPF_JUMP(BPF_JMP | (op) | BPF_K, k, t, f)
#define JX(op, t, f)    BPF_JUMP(BPF_JMP | (op) | BPF_X, 0, t, f)
#define RETK(k)         BPF_STMT(BPF_RET | BPF_K, k)
#define RETA            BPF_STMT(BPF_RET | BPF_A, 0)
#define PROG_MAX        8

struct case_ {
	const char *name;
	struct sock_filter insns[PROG_MAX];
	size_t n;
	uint32_t want;
};

static const struct seccomp_data sample = {
	.nr = 39,
	.arch = 0xc000003e,
	.instruction_pointer = 0x1111222233334444,
	.args = { 0xaaaabbbbccccdddd, 2, 3, 4, 5, 0x6666777788889999 },
};

#define LOW(i)  (uint32_t) offsetof(struct seccomp_data, args[i])
#define HIGH(i) (LOW(i) + 4)

static const struct case_ evals[] = {
	{ "ret constant", { RETK(7) }, 1, 7 },
	{ "nr", { LD(0), RETA }, 2, 39 },
	{ "arch", { LD(4), RETA }, 2, 0xc000003e },
	{ "instruction pointer", { LD(8), RETA }, 2, 0x33334444 },
	{ "argument, low half", { LD(LOW(0)), RETA }, 2, 0xccccdddd },
	{ "argument, high half", { LD(HIGH(0)), RETA }, 2, 0xaaaabbbb },
	{ "last word", { LD(60), RETA }, 2, 0x66667777 },
	{ "length", { BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), RETA }, 2, 64 },
	{ "length into x",
	  { BPF_STMT(BPF_LDX | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0), RETA },
	  3,
	  64 },
	{ "tax, txa",
	  { LDI(5), BPF_STMT(BPF_MISC | BPF_TAX, 0), LDI(9), BPF_STMT(BPF_MISC | BPF_TXA, 0),
	    RETA },
	  5,
	  5 },
	{ "scratch",
	  { LDI(5), BPF_STMT(BPF_ST, 3), LDI(9), BPF_STMT(BPF_LD | BPF_MEM, 3), RETA },
	  5,
	  5 },
	{ "scratch of x",
	  { LDXI(6), BPF_STMT(BPF_STX, 15), LDXI(0), BPF_STMT(BPF_LDX | BPF_MEM, 15),
	    BPF_STMT(BPF_MISC | BPF_TXA, 0), RETA },
	  6,
	  6 },
	{ "add wraps", { LDI(UINT32_MAX), OP(BPF_ADD, 3), RETA }, 3, 2 },
	{ "sub wraps", { LDI(1), OP(BPF_SUB, 3), RETA }, 3, UINT32_MAX - 1 },
	{ "mul wraps", { LDI(0x80000001), OP(BPF_MUL, 2), RETA }, 3, 2 },
	{ "div", { LDI(17), OP(BPF_DIV, 5), RETA }, 3, 3 },
	{ "and", { LDI(0xff), OP(BPF_AND, 0x3c), RETA }, 3, 0x3c },
	{ "or", { LDI(0xf0), OP(BPF_OR, 0x3c), RETA }, 3, 0xfc },
	{ "xor", { LDI(0xf0), OP(BPF_XOR, 0x3c), RETA }, 3, 0xcc },
	{ "lsh", { LDI(3), OP(BPF_LSH, 31), RETA }, 3, 0x80000000 },
	{ "rsh", { LDI(0x80000000), OP(BPF_RSH, 31), RETA }, 3, 1 },
	{ "neg", { LDI(1), BPF_STMT(BPF_ALU | BPF_NEG, 0), RETA }, 3, UINT32_MAX },
	{ "add x", { LDXI(4), LDI(3), OPX(BPF_ADD), RETA }, 4, 7 },
	{ "div by zero in x kills", { LDXI(0), LDI(3), OPX(BPF_DIV), RETK(5) }, 4, 0 },
	{ "shift by x is modulo 32", { LDXI(33), LDI(3), OPX(BPF_LSH), RETA }, 4, 6 },
	{ "jeq taken", { LD(0), JK(BPF_JEQ, 39, 0, 1), RETK(1), RETK(2) }, 4, 1 },
	{ "jeq not taken", { LD(0), JK(BPF_JEQ, 40, 0, 1), RETK(1), RETK(2) }, 4, 2 },
	{ "jgt is strict", { LD(0), JK(BPF_JGT, 39, 0, 1), RETK(1), RETK(2) }, 4, 2 },
	{ "jge is not", { LD(0), JK(BPF_JGE, 39, 0, 1), RETK(1), RETK(2) }, 4, 1 },
	{ "jgt is unsigned", { LD(4), JK(BPF_JGT, 1, 0, 1), RETK(1), RETK(2) }, 4, 1 },
	{ "jset", { LD(0), JK(BPF_JSET, 0x20, 0, 1), RETK(1), RETK(2) }, 4, 1 },
	{ "jset none", { LD(0), JK(BPF_JSET, 0x10, 0, 1), RETK(1), RETK(2) }, 4, 2 },
	{ "jeq x", { LDXI(39), LD(0), JX(BPF_JEQ, 0, 1), RETK(1), RETK(2) }, 5, 1 },
	{ "ja", { BPF_STMT(BPF_JMP | BPF_JA, 1), RETK(1), RETK(2) }, 3, 2 },
};

static void evaluates_each_instruction(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(evals); i++) {
		uint32_t action = 0xdead;

		if (!att_bpf_valid(evals[i].insns, evals[i].n) ||
		    !att_bpf_eval(evals[i].insns, evals[i].n, &sample, &action) ||
		    action != evals[i].want)
			fail_msg("%s: %#x instead of %#x", evals[i].name, action, evals[i].want);
	}
}

static const struct case_ invalids[] = {
	{ "no final return", { LDI(1) }, 1, 0 },
	{ "unaligned load", { LD(2), RETA }, 2, 0 },
	{ "load beyond the data", { LD(64), RETA }, 2, 0 },
	{ "ancillary load", { LD(0xfffff000), RETA }, 2, 0 },
	{ "half word load", { BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RETA }, 2, 0 },
	{ "indirect load", { LDXI(0), BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RETA }, 3, 0 },
	{ "msh", { BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), RETA }, 2, 0 },
	{ "modulo", { LDI(7), OP(BPF_MOD, 2), RETA }, 3, 0 },
	{ "division by constant zero", { LDI(7), OP(BPF_DIV, 0), RETA }, 3, 0 },
	{ "shift by 32", { LDI(7), OP(BPF_LSH, 32), RETA }, 3, 0 },
	{ "ja to the end", { BPF_STMT(BPF_JMP | BPF_JA, 1), RETK(1) }, 2, 0 },
	{ "ja wraps", { BPF_STMT(BPF_JMP | BPF_JA, UINT32_MAX), RETK(1) }, 2, 0 },
	{ "branch to the end", { JK(BPF_JEQ, 0, 1, 0), RETK(1) }, 2, 0 },
	{ "other branch to the end", { JK(BPF_JEQ, 0, 0, 1), RETK(1) }, 2, 0 },
	{ "scratch cell 16", { BPF_STMT(BPF_ST, 16), RETK(1) }, 2, 0 },
	{ "unwritten scratch", { BPF_STMT(BPF_LD | BPF_MEM, 0), RETA }, 2, 0 },
	{ "scratch written on one way only",
	  { LD(0), JK(BPF_JEQ, 39, 0, 1), BPF_STMT(BPF_ST, 1), BPF_STMT(BPF_LD | BPF_MEM, 1),
	    RETA },
	  5,
	  0 },
	{ "ret x", { BPF_STMT(BPF_RET | BPF_X, 0) }, 1, 0 },
	{ "no such code", { BPF_STMT(0xffff, 0), RETK(1) }, 2, 0 },
	{ "high byte of a code", { BPF_STMT(0x100 | BPF_LD | BPF_IMM, 0), RETK(1) }, 2, 0 },
	{ "neg of x", { BPF_STMT(BPF_ALU | BPF_NEG | BPF_X, 0), RETK(1) }, 2, 0 },
};

static void refuses_what_seccomp_refuses(void **state)
{
	static struct sock_filter much[BPF_MAXINSNS + 1];
	uint32_t action = 0;

	(void)state;
	for (size_t i = 0; i < countof(invalids); i++) {
		if (att_bpf_valid(invalids[i].insns, invalids[i].n))
			fail_msg("'%s' is held to be valid", invalids[i].name);
	}
	for (size_t i = 0; i < countof(much); i++)
		much[i] = (struct sock_filter)RETK(1);
	assert_true(att_bpf_valid(much, BPF_MAXINSNS));
	assert_false(att_bpf_valid(much, BPF_MAXINSNS + 1));
	assert_false(att_bpf_eval(much, BPF_MAXINSNS + 1, &sample, &action));
	assert_false(att_bpf_valid(NULL, 0));
	assert_false(att_bpf_eval(NULL, 0, &sample, &action));
}

static void a_run_that_meets_something_invalid_fails(void **state)
{
	uint32_t action = 77;

	(void)state;
	for (size_t i = 0; i < countof(invalids); i++) {
		/* The sample takes the way that is in order. */
		if (strcmp(invalids[i].name, "scratch written on one way only") == 0)
			continue;
		if (att_bpf_eval(invalids[i].insns, invalids[i].n, &sample, &action))
			fail_msg("'%s' ran", invalids[i].name);
	}
	assert_int_equal(action, 77);
}

static void reports_what_a_run_looked_at(void **state)
{
	static const struct sock_filter p[] = { LD(0),      JK(BPF_JEQ, 39, 0, 2),
		                                LD(LOW(1)), RETA,
		                                LD(4),      RETA };
	struct seccomp_data data = sample;
	struct att_bpf_run run;

	(void)state;
	assert_true(att_bpf_run(p, countof(p), &data, &run));
	assert_int_equal(run.words, 1u << 0 | 1u << (LOW(1) / 4));
	assert_int_equal(run.steps, 4);
	assert_int_equal(run.action, 2);
	data.nr = 40;
	assert_true(att_bpf_run(p, countof(p), &data, &run));
	assert_int_equal(run.words, 1u << 0 | 1u << 1);
}

/* xorshift: the same programs in every run. */
static uint32_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 16);
}

/* Mostly valid instructions, so that whole programs are valid often enough to matter. */
static struct sock_filter random_insn(uint64_t *seed)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_X,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_NEG,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_JMP | BPF_JGT | BPF_K,
		BPF_ALU | BPF_SUB | BPF_K,
		BPF_ALU | BPF_OR | BPF_K,
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_XOR | BPF_X,
		BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JGE | BPF_X,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_RET | BPF_A,
		BPF_ALU | BPF_MOD | BPF_K,
	};
	uint32_t r = next(seed);
	struct sock_filter i = { .code = codes[r % countof(codes)], .k = next(seed) };

	if (r % 97 == 0)
		i.code = (uint16_t)next(seed);
	if (BPF_CLASS(i.code) == BPF_LD && BPF_MODE(i.code) == BPF_ABS)
		i.k = i.k % 80 == 79 ? i.k : i.k % 16 * 4;
	else if (BPF_CLASS(i.code) == BPF_JMP || BPF_OP(i.code) == BPF_LSH || i.k % 3 != 0)
		i.k = i.k % (r % 5 == 0 ? 40 : 4);
	i.jt = (uint8_t)(next(seed) % 4);
	i.jf = (uint8_t)(next(seed) % 4);
	return i;
}

/* The last instructions make any result an errno of its own. */
#define TAIL 3
static size_t random_program(uint64_t *seed, struct sock_filter *p, size_t max)
{
	static const struct sock_filter tail[TAIL] = { OP(BPF_AND, 0x7ff),
		                                       OP(BPF_OR, SECCOMP_RET_ERRNO), RETA };
	size_t n = 2 + next(seed) % (max - TAIL - 2);

	for (size_t i = 0; i < n; i++) {
		do {
			p[i] = random_insn(seed);
		} while (p[i].code == (BPF_RET | BPF_A));
	}
	memcpy(&p[n], tail, sizeof(tail));
	return n + TAIL;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Does the kernel take this program? Without installing it: where no descriptor can be had for the
 * listener, the program has been checked and the call still fails.
 */
static int kernel_valid(const struct sock_filter *p, size_t n)
{
	struct sock_fprog prog = { .len = (unsigned short)n,
		                   .filter = (struct sock_filter *)(uintptr_t)p };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
	            &prog) >= 0)
		return -1;
	return errno == EMFILE ? 1 : errno == EINVAL ? 0 : -1;
}

/* Exit status of the child: 0 the kernel and we agree, 1 not, 77 it cannot be asked here. */
static int compare_validity(void)
{
	struct rlimit none = { 0, 0 };
	struct sock_filter p[20];
	uint64_t seed = 0x123456789abcdef;
	unsigned int n_valid = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setrlimit(RLIMIT_NOFILE, &none) != 0)
		return 77;
	for (size_t i = 0; i < countof(evals); i++) {
		if (kernel_valid(evals[i].insns, evals[i].n) != 1)
			return i == 0 ? 77 : 1;
	}
	for (size_t i = 0; i < countof(invalids); i++) {
		if (kernel_valid(invalids[i].insns, invalids[i].n) != 0)
			return 1;
	}
	for (int i = 0; i < 20000; i++) {
		size_t n = random_program(&seed, p, countof(p));
		bool ours = att_bpf_valid(p, n);

		if (kernel_valid(p, n) != (ours ? 1 : 0))
			return 1;
		n_valid += ours;
	}
	return n_valid > 500 && n_valid < 19500 ? 0 : 2;
}

static void agrees_with_the_kernel_on_validity(void **state)
{
	pid_t pid = fork();
	int status = 0;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(compare_validity());
	status = wait_for(pid);
	if (status == 77)
		skip();
	assert_int_equal(status, 0);
}

#define GATE 3 /* instructions before the program under test */

/*
 * A whole filter around a random program: only getppid() is subject to it. The instruction pointer
 * is the one input that is not known beforehand, so an argument takes its place.
 */
static size_t gate(struct sock_filter *p, const struct sock_filter *body, size_t n)
{
	static const struct sock_filter head[GATE] = { LD(0), JK(BPF_JEQ, SYS_getppid, 1, 0),
		                                       RETK(SECCOMP_RET_ALLOW) };

	memcpy(p, head, sizeof(head));
	memcpy(&p[GATE], body, n * sizeof(*body));
	for (size_t i = GATE; i < n + GATE; i++) {
		if (p[i].code == (BPF_LD | BPF_W | BPF_ABS) && (p[i].k == 8 || p[i].k == 12))
			p[i].k = 16;
	}
	return n + GATE;
}

static const struct seccomp_data asked = {
	.nr = SYS_getppid,
#if defined(__x86_64__)
	.arch = AUDIT_ARCH_X86_64,
#elif defined(__aarch64__)
	.arch = AUDIT_ARCH_AARCH64,
#endif
	.args = { 1, 2, 0xffffffff12345678, 4, 5, 6 },
};

/* In a child: makes the call under the filter. 0 it had the result of @action, 1 not, 77 can't. */
static int obey(struct sock_filter *p, size_t n, uint32_t action)
{
	struct sock_fprog prog = { .len = (unsigned short)n, .filter = p };
	int data = (int)(action & SECCOMP_RET_DATA);
	int want = data > 4095 ? 4095 : data;
	long r = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return 77;
	errno = 0;
	r = syscall(SYS_getppid, asked.args[0], asked.args[1], asked.args[2], asked.args[3],
	            asked.args[4], asked.args[5]);
	return r == (want == 0 ? 0 : -1) && errno == want ? 0 : 1;
}

static void agrees_with_the_kernel_on_decisions(void **state)
{
	struct sock_filter body[20];
	struct sock_filter p[40];
	uint64_t seed = 0xfeedfacecafef00d;

	(void)state;
	for (unsigned int n_run = 0; n_run < 300;) {
		size_t n = random_program(&seed, body, countof(body));
		uint32_t action = 0;
		bool killed = false;
		pid_t pid = -1;
		int status = 0;

		if (!att_bpf_valid(body, n))
			continue;
		n = gate(p, body, n);
		assert_true(att_bpf_eval(p, n, &asked, &action));
		killed = (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_KILL_THREAD;
		/* Jumps into the tail can make any other action; these two are easy to see. */
		if (!killed && (action & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO)
			continue;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			_exit(obey(p, n, action));
		status = wait_for(pid);
		if (status == 77)
			skip();
		assert_int_equal(status, killed ? 128 + SIGSYS : 0);
		n_run++;
	}
}

static void a_valid_program_always_returns(void **state)
{
	struct sock_filter p[20];
	uint64_t seed = 0x5eed5eed5eed5eed;
	unsigned int n_valid = 0;

	(void)state;
	for (int i = 0; i < 50000; i++) {
		size_t n = random_program(&seed, p, countof(p));
		uint32_t action = 0;

		if (!att_bpf_valid(p, n))
			continue;
		n_valid++;
		if (!att_bpf_eval(p, n, &sample, &action))
			fail_msg("program %d is valid and does not run", i);
	}
	assert_true(n_valid > 1000);
}

#define NR_IS(nr) LD(0), JK(BPF_JEQ, nr, 0, 1)
#define ALLOW     RETK(SECCOMP_RET_ALLOW)
#define EPERM_    RETK(SECCOMP_RET_ERRNO | 1)

/* Pairs of programs; want: 1 alike, 0 not. */
struct pair {
	const char *name;
	struct sock_filter a[PROG_MAX];
	size_t n_a;
	struct sock_filter b[PROG_MAX];
	size_t n_b;
	bool want;
};

static const struct pair pairs[] = {
	{ "the same", { NR_IS(5), EPERM_, ALLOW }, 4, { NR_IS(5), EPERM_, ALLOW }, 4, true },
	{ "turned around",
	  { NR_IS(5), EPERM_, ALLOW },
	  4,
	  { LD(0), JK(BPF_JEQ, 5, 1, 0), ALLOW, EPERM_ },
	  4,
	  true },
	{ "another number", { NR_IS(5), EPERM_, ALLOW }, 4, { NR_IS(6), EPERM_, ALLOW }, 4, false },
	{ "a number beyond the range",
	  { LD(0), JK(BPF_JEQ, 0x12345, 0, 1), EPERM_, ALLOW },
	  4,
	  { ALLOW },
	  1,
	  false },
	{ "another errno",
	  { NR_IS(5), EPERM_, ALLOW },
	  4,
	  { NR_IS(5), RETK(SECCOMP_RET_ERRNO | 2), ALLOW },
	  4,
	  false },
	{ "only on one architecture",
	  { LD(4), JK(BPF_JEQ, AUDIT_ARCH_I386, 0, 1), EPERM_, ALLOW },
	  4,
	  { ALLOW },
	  1,
	  false },
	{ "only on no known architecture",
	  { LD(4), JK(BPF_JEQ, 0x777, 0, 1), EPERM_, ALLOW },
	  4,
	  { ALLOW },
	  1,
	  false },
	{ "only x32",
	  { LD(0), JK(BPF_JGE, 0x40000000, 0, 1), EPERM_, ALLOW },
	  4,
	  { ALLOW },
	  1,
	  false },
	{ "one argument value",
	  { NR_IS(5), LD(LOW(1)), JK(BPF_JEQ, 0x9876, 0, 1), EPERM_, ALLOW },
	  6,
	  { ALLOW },
	  1,
	  false },
	{ "the high half of an argument",
	  { LD(LOW(1)), JK(BPF_JEQ, 1, 0, 3), LD(HIGH(1)), JK(BPF_JEQ, 7, 0, 1), EPERM_, ALLOW },
	  6,
	  { LD(LOW(1)), JK(BPF_JEQ, 1, 0, 3), LD(HIGH(1)), JK(BPF_JEQ, 8, 0, 1), EPERM_, ALLOW },
	  6,
	  false },
	{ "> and >=",
	  { LD(LOW(0)), JK(BPF_JGT, 10, 0, 1), EPERM_, ALLOW },
	  4,
	  { LD(LOW(0)), JK(BPF_JGE, 10, 0, 1), EPERM_, ALLOW },
	  4,
	  false },
	{ "> 10 and >= 11",
	  { LD(LOW(0)), JK(BPF_JGT, 10, 0, 1), EPERM_, ALLOW },
	  4,
	  { LD(LOW(0)), JK(BPF_JGE, 11, 0, 1), EPERM_, ALLOW },
	  4,
	  true },
	{ "a mask one bit wider",
	  { LD(LOW(1)), OP(BPF_AND, 0xff00), JK(BPF_JEQ, 0x9400, 0, 1), EPERM_, ALLOW },
	  5,
	  { LD(LOW(1)), OP(BPF_AND, 0x1ff00), JK(BPF_JEQ, 0x9400, 0, 1), EPERM_, ALLOW },
	  5,
	  false },
	{ "jset and a mask",
	  { LD(LOW(1)), JK(BPF_JSET, 1, 0, 1), EPERM_, ALLOW },
	  4,
	  { LD(LOW(1)), OP(BPF_AND, 1), JK(BPF_JEQ, 0, 1, 0), EPERM_, ALLOW },
	  5,
	  true },
	{ "two arguments at once",
	  { LD(LOW(0)), JK(BPF_JEQ, 40, 0, 3), LD(LOW(1)), JK(BPF_JEQ, 3, 0, 1), EPERM_, ALLOW },
	  6,
	  { LD(LOW(1)), JK(BPF_JEQ, 3, 0, 3), LD(LOW(0)), JK(BPF_JEQ, 41, 0, 1), EPERM_, ALLOW },
	  6,
	  false },
	{ "two arguments, asked in the other order",
	  { LD(LOW(0)), JK(BPF_JEQ, 40, 0, 3), LD(LOW(1)), JK(BPF_JEQ, 3, 0, 1), EPERM_, ALLOW },
	  6,
	  { LD(LOW(1)), JK(BPF_JEQ, 3, 0, 3), LD(LOW(0)), JK(BPF_JEQ, 40, 0, 1), EPERM_, ALLOW },
	  6,
	  true },
	{ "against a register",
	  { LDXI(77), LD(LOW(2)), JX(BPF_JEQ, 0, 1), EPERM_, ALLOW },
	  5,
	  { LD(LOW(2)), JK(BPF_JEQ, 78, 0, 1), EPERM_, ALLOW },
	  4,
	  false },
	{ "the instruction pointer",
	  { LD(8), JK(BPF_JEQ, 99, 0, 1), EPERM_, ALLOW },
	  4,
	  { ALLOW },
	  1,
	  false },
	{ "an invalid one", { LD(3), ALLOW }, 2, { LD(3), ALLOW }, 2, false },
};

static void tells_apart_what_decides_differently(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(pairs); i++) {
		const struct pair *p = &pairs[i];

		if (att_bpf_same(p->a, p->n_a, p->b, p->n_b) != p->want ||
		    att_bpf_same(p->b, p->n_b, p->a, p->n_a) != p->want)
			fail_msg("'%s': not %s", p->name, p->want ? "alike" : "different");
	}
}

/* Every argument word compared with many values, so that the tree of inputs is beyond any bound. */
static void too_complex_to_compare_counts_as_different(void **state)
{
	static struct sock_filter a[BPF_MAXINSNS];
	size_t n = 0;

	(void)state;
	for (uint32_t word = 4; word < 16; word++) {
		a[n++] = (struct sock_filter)LD(word * 4);
		for (uint32_t v = 0; v < 50; v++)
			a[n++] = (struct sock_filter)JK(BPF_JEQ, v * 1000, 0, 0);
	}
	a[n++] = (struct sock_filter)ALLOW;
	a[n++] = (struct sock_filter)ALLOW;
	assert_true(att_bpf_same(a, n, a, n));
	assert_false(att_bpf_same(a, n, a, n - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evaluates_each_instruction),
		cmocka_unit_test(refuses_what_seccomp_refuses),
		cmocka_unit_test(a_run_that_meets_something_invalid_fails),
		cmocka_unit_test(reports_what_a_run_looked_at),
		cmocka_unit_test(a_valid_program_always_returns),
		cmocka_unit_test(agrees_with_the_kernel_on_validity),
		cmocka_unit_test(agrees_with_the_kernel_on_decisions),
		cmocka_unit_test(tells_apart_what_decides_differently),
		cmocka_unit_test(too_complex_to_compare_counts_as_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
