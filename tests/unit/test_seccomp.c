/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Profiles to filters, what the filters decide, here and in the kernel, and reading them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/bpf.h"
#include "sys/seccomp.h"

#define KILL     SECCOMP_RET_KILL_THREAD
#define ALLOW    SECCOMP_RET_ALLOW
#define TRAP     SECCOMP_RET_TRAP
#define NOTIFY   SECCOMP_RET_USER_NOTIF
#define ERRNO(n) (SECCOMP_RET_ERRNO | (n))
#define D2       "2\ndenylist\n"
#define A2       "2\nallowlist\n"

static int compile(const char *text, struct att_filter *ret, struct att_err *err)
{
	return att_seccomp_compile_lxc("/p", text, strlen(text), ret, err);
}

static void must_compile(const char *text, struct att_filter *ret)
{
	struct att_err err = ATT_ERR_INIT;

	if (compile(text, ret, &err) != 0)
		fail_msg("%s", err.msg);
}

static const struct {
	const char *text;
	const char *msg; /* after "seccomp profile '/p': " */
} faults[] = {
	{ "", "line 1: unknown version ''" },
	{ "3\ndenylist\n", "line 1: unknown version '3'" },
	{ "x\ndenylist\n", "line 1: unknown version 'x'" },
	{ "-2\ndenylist\n", "line 1: unknown version '-2'" },
	{ "4294967298\ndenylist\n", "line 1: unknown version '4294967298'" },
	{ "2", "line 1: no policy after version '2'" },
	{ "2\n", "line 2: no policy after version '2'" },
	{ "2\nnolist\n", "line 2: unknown policy 'nolist'" },
	{ "2\n\n\nnolist kill\n", "line 4: unknown policy 'nolist'" },
	{ "2x\ndenylist\n", "line 1: unknown policy 'x'" },
	{ "2\ndenylist \n", "line 2: blank at the end of 'denylist '" },
	{ "2\ndenylist # why\n", "line 2: unknown action '#'" },
	{ "2\ndenylist debug\n", "line 2: unsupported policy 'denylist debug'" },
	{ "2\nallowlist errno\n", "line 2: no error number in 'errno'" },
	{ "1\nwhitelist\n", "line 2: version 1 takes only an allowlist, not 'whitelist'" },
	{ "1\ndenylist\n", "line 2: version 1 takes only an allowlist, not 'denylist'" },
	{ "1\nallowlist\nread\n", "line 3: not a system call number 'read'" },
	{ "1\nallowlist\n0\n\n1\n", "line 4: not a system call number ''" },
	{ "1\nallowlist\n4294967296\n", "line 3: not a system call number '4294967296'" },
	{ D2 "# c\n\n[all]\nsync kill\nread foo\n", "line 7: unknown action 'foo'" },
	{ D2 "read\terrno 1\n", "line 3: unknown action '1'" },
	{ D2 " read\n", "line 3: unknown action 'read'" },
	{ D2 "read errno EPERM\n", "line 3: no error number in 'errno EPERM'" },
	{ D2 "read [0,1,==]\n", "line 3: unknown action '[0,1,==]'" },
	{ D2 "read kill [6,1,==]\n", "line 3: bad argument index in '[6,1,=='" },
	{ D2 "read kill [-1,1,==]\n", "line 3: bad argument index in '[-1,1,=='" },
	{ D2 "read kill [0 ,1,==]\n", "line 3: bad argument index in '[0 ,1,=='" },
	{ D2 "read kill [0,x,==]\n", "line 3: bad argument value in '[0,x,=='" },
	{ D2 "read kill [0,-1,==]\n", "line 3: bad argument value in '[0,-1,=='" },
	{ D2 "read kill [0,,==]\n", "line 3: bad argument value in '[0,,=='" },
	{ D2 "read kill [0,0x10000000000000000,==]\n",
	  "line 3: bad argument value in '[0,0x10000000000000000,=='" },
	{ D2 "read kill [0,000000000000000000000001,==]\n",
	  "line 3: bad argument value in '[0,000000000000000000000001,=='" },
	{ D2 "read kill [0,1,=]\n", "line 3: bad argument operator in '[0,1,='" },
	{ D2 "read kill [0,1, ==]\n", "line 3: bad argument operator in '[0,1, =='" },
	{ D2 "read kill [0,1]\n", "line 3: bad argument value in '[0,1'" },
	{ D2 "read kill [0,1,&=,z]\n", "line 3: bad argument mask in '[0,1,&=,z'" },
	{ D2 "read kill [0,1,==] # c\n", "line 3: bad argument index in ' # c'" },
	{ D2 "read kill [0,1,==]\r\n", "line 3: bad argument index in '\\x0d'" },
	{ D2 "[vax]\n", "line 3: unknown section '[vax]'" },
	{ D2 "[all] \n", "line 3: unknown section '[all] '" },
	{ D2 "[All]\n", "line 3: unknown section '[All]'" },
	{ D2 "[x86]\r\n", "line 3: unknown section '[x86]\\x0d'" },
	{ D2 "read allow\n", "line 3: rule repeats the default action for 'read'" },
	{ A2 "read\nwrite kill\n", "line 4: rule repeats the default action for 'write'" },
	{ D2 "read kill [0,1,>][0,9,<]\n", "line 3: bad rule for 'read'" },
	{ D2 "lseek errno 9 [1,5,>][2,4,==]\nlseek errno 9 [1,5,>][3,4,==]\n",
	  "line 4: a second rule on several arguments with < > or != for 'lseek'" },
	{ D2 "lseek errno 9 [1,5,==][2,4,==]\nlseek errno 9 [1,5,==][3,4,!=]\n",
	  "line 4: a second rule on several arguments with < > or != for 'lseek'" },
	{ D2 "read f\033[31m\n", "line 3: unknown action 'f\\x1b[31m'" },
};

static void a_profile_that_does_not_parse_names_path_line_and_word(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(faults); i++) {
		struct att_filter f = ATT_FILTER_INIT;
		struct att_err err = ATT_ERR_INIT;
		char want[256];

		snprintf(want, sizeof(want), "seccomp profile '/p': %s", faults[i].msg);
		if (compile(faults[i].text, &f, &err) != -ATT_E_CONFINEMENT_UNAVAILABLE)
			fail_msg("%s: accepted, or %s", faults[i].msg, err.msg);
		assert_int_equal(err.code, ATT_E_CONFINEMENT_UNAVAILABLE);
		assert_int_equal(err.stage, ATT_STAGE_SECCOMP);
		assert_string_equal(err.msg, want);
		assert_null(f.insns);
	}
}

/* Decisions. arch 0: native; cases for an architecture this host does not run are left out. */
struct decision {
	const char *text;
	uint32_t arch;
	const char *call;
	uint64_t args[6];
	uint32_t want;
};

#define HI UINT64_C(0x100000000)

static const struct decision decisions[] = {
	/* policies, their spellings and default actions */
	{ D2, 0, "read", { 0 }, ALLOW },
	{ A2 "read\n", 0, "read", { 0 }, ALLOW },
	{ A2 "read\n", 0, "write", { 0 }, KILL },
	{ "2\nblacklist\nread\n", 0, "read", { 0 }, KILL },
	{ "2\nblacklist\nread\n", 0, "write", { 0 }, ALLOW },
	{ "2\nwhitelist\nread\n", 0, "write", { 0 }, KILL },
	{ "2\nallowlistX\nread\n", 0, "write", { 0 }, KILL },
	{ "2\ndenylist errno 5\nread kill\n", 0, "write", { 0 }, ERRNO(5) },
	{ "2\nallowlist errno 38\nread\n", 0, "write", { 0 }, ERRNO(38) },
	{ "2\nallowlist trap\nread\n", 0, "write", { 0 }, TRAP },
	{ "2\nallowlist notify\nread\n", 0, "write", { 0 }, NOTIFY },
	{ "2\nallowlist kill\nread\n", 0, "write", { 0 }, KILL },
	{ "2\nallowlist allow\nread errno 3\n", 0, "write", { 0 }, ALLOW },
	{ "2\n\n \nallowlist\nread\n", 0, "write", { 0 }, KILL },
	{ " 2 denylist\nread errno 4\n", 0, "read", { 0 }, ERRNO(4) },
	{ "2\ndenylist\r\nread errno 4\r\n", 0, "read", { 0 }, ERRNO(4) },
	/* actions */
	{ D2 "read\n", 0, "read", { 0 }, KILL },
	{ D2 "read kill\n", 0, "read", { 0 }, KILL },
	{ D2 "read trap\n", 0, "read", { 0 }, TRAP },
	{ D2 "read notify\n", 0, "read", { 0 }, NOTIFY },
	{ D2 "read errno 0\n", 0, "read", { 0 }, ERRNO(0) },
	{ D2 "read errno 13\n", 0, "read", { 0 }, ERRNO(13) },
	{ D2 "read errno13\n", 0, "read", { 0 }, ERRNO(13) },
	{ D2 "read   errno   13  # why\n", 0, "read", { 0 }, ERRNO(13) },
	{ D2 "read errno 0x13\n", 0, "read", { 0 }, ERRNO(0) },
	{ D2 "read errno -1\n", 0, "read", { 0 }, UINT32_MAX },
	{ D2 "read killed\n", 0, "read", { 0 }, KILL },
	{ D2 "read # errno 13\n", 0, "read", { 0 }, KILL },
	{ D2 "read ", 0, "read", { 0 }, KILL },
	{ "2\nallowlist\nread errno 7\n", 0, "read", { 0 }, ERRNO(7) },
	/* comments, blank lines and what is not known */
	{ D2 "#read\n\n   \nsync\n", 0, "read", { 0 }, ALLOW },
	{ D2 "no_such_call errno 1\nread errno 2\n", 0, "read", { 0 }, ERRNO(2) },
	{ D2 "read\r\n", 0, "read", { 0 }, ALLOW },
	{ D2 "read[0,1,==]\n", 0, "read", { 1 }, ALLOW },
	{ D2 "read errno 2\nread errno 2\n", 0, "read", { 0 }, ERRNO(2) },
	/* operators, in both spellings, on all 64 bits */
	{ D2 "read errno 1 [1,5,==]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,==]\n", 0, "read", { 5, 6 }, ALLOW },
	{ D2 "read errno 1 [1,5,==]\n", 0, "read", { 0, HI + 5 }, ALLOW },
	{ D2 "read errno 1 [1,5,SCMP_CMP_EQ]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,0x100000005,==]\n", 0, "read", { 0, HI + 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,010,==]\n", 0, "read", { 0, 8 }, ERRNO(1) },
	{ D2 "read errno 1 [0x1, +5,==\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,==9,junk]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,!=]\n", 0, "read", { 0, 5 }, ALLOW },
	{ D2 "read errno 1 [1,5,!=]\n", 0, "read", { 0, HI + 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,SCMP_CMP_NE]\n", 0, "read", { 0, 6 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,<]\n", 0, "read", { 0, 4 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,<]\n", 0, "read", { 0, 5 }, ALLOW },
	{ D2 "read errno 1 [1,5,<]\n", 0, "read", { 0, HI }, ALLOW },
	{ D2 "read errno 1 [1,5,SCMP_CMP_LT]\n", 0, "read", { 0, 4 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,<=]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,<=]\n", 0, "read", { 0, 6 }, ALLOW },
	{ D2 "read errno 1 [1,5,SCMP_CMP_LE]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,>]\n", 0, "read", { 0, 6 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,>]\n", 0, "read", { 0, 5 }, ALLOW },
	{ D2 "read errno 1 [1,5,>]\n", 0, "read", { 0, HI }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,SCMP_CMP_GT]\n", 0, "read", { 0, 6 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,>=]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,5,>=]\n", 0, "read", { 0, 4 }, ALLOW },
	{ D2 "read errno 1 [1,5,SCMP_CMP_GE]\n", 0, "read", { 0, 5 }, ERRNO(1) },
	{ D2 "read errno 1 [1,0x9400,&=,0xff00]\n", 0, "read", { 0, 0x94ab }, ERRNO(1) },
	{ D2 "read errno 1 [1,0x9400,&=,0xff00]\n", 0, "read", { 0, 0x95ab }, ALLOW },
	{ D2 "read errno 1 [1,0x9400,SCMP_CMP_MASKED_EQ,65280]\n",
	  0,
	  "read",
	  { 0, HI + 0x19400 },
	  ERRNO(1) },
	{ D2 "read errno 1 [1,0,&=]\n", 0, "read", { 0, 77 }, ERRNO(1) },
	{ D2 "read errno 1 [0,1,==][2,3,>]\n", 0, "read", { 1, 0, 4 }, ERRNO(1) },
	{ D2 "read errno 1 [0,1,==][2,3,>]\n", 0, "read", { 1, 0, 3 }, ALLOW },
	{ D2 "read errno 1 [0,1,==][2,3,>]\n", 0, "read", { 2, 0, 4 }, ALLOW },
	{ D2 "read errno 1 [0,1,==][2,3,==]\nread errno 2 [0,1,==][2,4,&=,4]\n",
	  0,
	  "read",
	  { 1, 0, 7 },
	  ERRNO(2) },
	{ D2 "read errno 1 [0,1,==][2,3,>]\nwrite errno 2 [0,1,==][2,3,>]\nread errno 3 [1,9,>]\n",
	  0,
	  "read",
	  { 0, 10 },
	  ERRNO(3) },
	{ D2 "read errno 1 [5,9,==]\n", 0, "read", { 0, 0, 0, 0, 0, 9 }, ERRNO(1) },
	/* the macro */
	{ D2 "reject_force_umount  # [comment\n", 0, "read", { 0 }, UINT32_MAX },
	{ D2 "reject_force_umount\n", 0, "umount2", { 0, MNT_FORCE }, ERRNO(EACCES) },
	{ D2 "reject_force_umount\n", 0, "umount2", { 0, MNT_FORCE | MNT_DETACH }, ERRNO(EACCES) },
	{ D2 "reject_force_umount\n", 0, "umount2", { 0, MNT_DETACH }, ALLOW },
	/* sections */
	{ D2 "read errno 1\n[vax", 0, "read", { 0 }, UINT32_MAX },
	{ D2 "[s390x]\nread errno 1\n", 0, "read", { 0 }, ALLOW },
	{ D2 "[S390X]\nread errno 1\n[ALL]\nsync errno 2\n", 0, "sync", { 0 }, ERRNO(2) },
	{ D2 "[s390x]\nread foo\n", 0, "read", { 0 }, ALLOW },
	{ D2 "[loongarch64]\nread errno 1\n", 0, "read", { 0 }, ALLOW },
#if defined(__x86_64__)
	{ D2 "[arm64]\nread errno 1\n", 0, "read", { 0 }, ALLOW },
	{ D2 "[aarch64]\nread errno 1\n", 0, "read", { 0 }, ALLOW },
	{ D2 "[arm]\nread errno 1\n", 0, "read", { 0 }, ALLOW },
	{ D2 "[x86_64]\nread errno 1\n", 0, "read", { 0 }, ERRNO(1) },
	{ D2 "[x86]\nread errno 1\n", 0, "read", { 0 }, ERRNO(1) },
	{ D2 "[X32]\nread errno 1\n", 0, "read", { 0 }, ERRNO(1) },
	/* every live rule is for all architectures */
	{ D2 "read errno 1\n", AUDIT_ARCH_I386, "read", { 0 }, ERRNO(1) },
	{ D2 "[x86_64]\nread errno 1\n", AUDIT_ARCH_I386, "read", { 0 }, ERRNO(1) },
	{ D2 "[x86]\nchown32 errno 1\n", AUDIT_ARCH_I386, "chown32", { 0 }, ERRNO(1) },
	{ D2 "[x86_64]\nchown32 errno 1\n", AUDIT_ARCH_I386, "chown32", { 0 }, ERRNO(1) },
	{ D2 "[x86]\nchown32 errno 1\n", 0, "chown", { 0 }, ALLOW },
	{ D2 "reject_force_umount\n", AUDIT_ARCH_I386, "umount2", { 0, MNT_FORCE }, ERRNO(EACCES) },
	{ A2 "read\n", AUDIT_ARCH_I386, "write", { 0 }, KILL },
	{ D2 "read errno 1\n", SCMP_ARCH_X32, "read", { 0 }, ERRNO(1) },
	{ D2 "read errno 1\n", SCMP_ARCH_X32, "write", { 0 }, ALLOW },
	{ D2 "read errno 1\n", AUDIT_ARCH_AARCH64, "write", { 0 }, KILL },
	/* version 1 */
	{ "1\nallowlist\n0\n", 0, "read", { 0 }, ALLOW },
	{ "1\nallowlist\n0\n", 0, "write", { 0 }, KILL },
	{ "1\nallowlist\n0\n", AUDIT_ARCH_I386, "read", { 0 }, KILL },
	{ "1\n# allowlist\n0\n+1 # write\n", 0, "write", { 0 }, ALLOW },
	{ "1\nallowlist", 0, "read", { 0 }, KILL },
#endif
};

static uint32_t decide(const struct att_filter *f, const struct decision *d)
{
	uint32_t arch = d->arch == 0 ? seccomp_arch_native() : d->arch;
	struct seccomp_data data = { .arch = arch == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arch };
	uint32_t action = UINT32_MAX;

	data.nr = seccomp_syscall_resolve_name_arch(arch, d->call);
	memcpy(data.args, d->args, sizeof(data.args));
	if (!att_bpf_eval(f->insns, f->n, &data, &action))
		fail_msg("the program does not run");
	return action;
}

/* want UINT32_MAX: the text must not compile. */
static void decides_as_the_profile_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(decisions); i++) {
		const struct decision *d = &decisions[i];
		struct att_filter f = ATT_FILTER_INIT;
		struct att_err err = ATT_ERR_INIT;
		int r = compile(d->text, &f, &err);
		uint32_t action = r == 0 ? decide(&f, d) : UINT32_MAX;

		if (action != d->want)
			fail_msg("case %zu, '%s': %s is %#x, not %#x; %s", i, d->text, d->call,
			         action, d->want, err.msg);
		if (r == 0)
			assert_true(att_bpf_valid(f.insns, f.n));
		att_filter_done(&f);
	}
}

static void text_needs_no_terminator_and_ends_at_a_nul_line_by_line(void **state)
{
	static const char text[] = D2 "read errno 1\0 foo [\nsync errno 2\n";
	struct att_filter a = ATT_FILTER_INIT;
	struct att_filter b = ATT_FILTER_INIT;
	struct att_err err = ATT_ERR_INIT;
	char *bytes = malloc(sizeof(text) - 1);

	(void)state;
	assert_non_null(bytes);
	memcpy(bytes, text, sizeof(text) - 1);
	assert_int_equal(att_seccomp_compile_lxc("/p", bytes, sizeof(text) - 1, &a, &err), 0);
	must_compile(D2 "read errno 1\nsync errno 2\n", &b);
	assert_true(att_seccomp_same(&a, &b));
	assert_int_equal(a.n, b.n);
	assert_memory_equal(a.insns, b.insns, a.n * sizeof(*a.insns));
	free(bytes);
	att_filter_done(&a);
	att_filter_done(&b);
}

static void counts_unknown_names_and_tells_of_notify(void **state)
{
	struct att_filter f = ATT_FILTER_INIT;

	(void)state;
	must_compile(D2 "read errno 1\nno_such_call\nnor_this errno 3\n[s390x]\nnot_counted\n", &f);
	assert_int_equal(f.n_unknown, 2);
	assert_false(f.uses_notify);
	att_filter_done(&f);
	must_compile(D2 "mknod notify [1,8192,SCMP_CMP_MASKED_EQ,61440]\n", &f);
	assert_int_equal(f.n_unknown, 0);
#if defined(__x86_64__)
	assert_true(f.uses_notify);
#endif
	att_filter_done(&f);
	must_compile("2\nallowlist notify\nread\n", &f);
	assert_true(f.uses_notify);
	att_filter_done(&f);
	att_filter_done(&f);
	assert_null(f.insns);
	assert_false(f.uses_notify);
}

static char *repeat(const char *head, const char *fmt, size_t n)
{
	size_t cap = strlen(head) + n * 48 + 1;
	char *text = malloc(cap);
	size_t len = 0;

	assert_non_null(text);
	len = (size_t)snprintf(text, cap, "%s", head);
	for (size_t i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		len += (size_t)snprintf(text + len, cap - len, fmt, (unsigned int)i,
		                        (unsigned int)i);
#pragma GCC diagnostic pop
	}
	return text;
}

static void expect_limit(const char *text, size_t len, const char *msg)
{
	struct att_filter f = ATT_FILTER_INIT;
	struct att_err err = ATT_ERR_INIT;

	assert_int_equal(att_seccomp_compile_lxc("/p", text, len, &f, &err), -ATT_E_LIMIT_EXCEEDED);
	assert_int_equal(err.code, ATT_E_LIMIT_EXCEEDED);
	assert_int_equal(err.stage, ATT_STAGE_SECCOMP);
	assert_string_equal(err.msg, msg);
	assert_null(f.insns);
}

static void what_is_too_long_is_refused(void **state)
{
	struct att_filter f = ATT_FILTER_INIT;
	char *text = repeat(D2, "no_such_call_%u\n", ATT_SECCOMP_RULES_MAX);

	(void)state;
	must_compile(text, &f);
	assert_int_equal(f.n_unknown, ATT_SECCOMP_RULES_MAX);
	att_filter_done(&f);
	free(text);
	text = repeat(D2, "no_such_call_%u\n", ATT_SECCOMP_RULES_MAX + 1);
	expect_limit(text, strlen(text), "seccomp profile '/p': more than 4096 rules");
	free(text);
	text = repeat(D2, "read errno %u [1,%u,==]\n", 2100);
	expect_limit(text, strlen(text),
	             "seccomp profile '/p': a seccomp program of more than 4096 instructions");
	free(text);
	text = calloc(1, ATT_SECCOMP_TEXT_MAX + 1);
	assert_non_null(text);
	memset(text, '\n', ATT_SECCOMP_TEXT_MAX + 1);
	memcpy(text, "2\ndenylist", strlen("2\ndenylist"));
	expect_limit(text, ATT_SECCOMP_TEXT_MAX + 1,
	             "seccomp profile '/p': more than 1048576 bytes");
	assert_int_equal(att_seccomp_compile_lxc("/p", text, ATT_SECCOMP_TEXT_MAX, &f,
	                                         &(struct att_err)ATT_ERR_INIT),
	                 0);
	att_filter_done(&f);
	free(text);
}

static void same_follows_decisions_not_spelling(void **state)
{
	struct att_filter a = ATT_FILTER_INIT;
	struct att_filter b = ATT_FILTER_INIT;
	struct att_filter c = ATT_FILTER_INIT;
	struct att_filter none = ATT_FILTER_INIT;
	struct att_err err = ATT_ERR_INIT;
	struct sock_filter longer[200];

	(void)state;
	must_compile(D2 "read errno 1 [0,3,==]\nsync errno 2\nsethostname errno 3\n", &a);
	must_compile("2\nblacklist\nsethostname errno 3\nread errno 1 [0,3,SCMP_CMP_EQ]\n"
	             "no_such_call\nsync errno 2\n",
	             &b);
	must_compile(D2 "sethostname errno 3\nread errno 1 [0,4,==]\nsync errno 2\n", &c);
	assert_true(att_seccomp_same(&a, &a));
	assert_true(att_seccomp_same(&a, &b));
	assert_true(att_seccomp_same(&b, &a));
	assert_false(att_seccomp_same(&a, &c));
	assert_false(att_seccomp_same(&a, &none));
	assert_false(att_seccomp_same(&none, &none));
	/* Other instructions, the same decisions: the last one cannot be reached. */
	memcpy(longer, a.insns, a.n * sizeof(*longer));
	longer[a.n] = a.insns[a.n - 1];
	att_filter_done(&b);
	assert_int_equal(att_filter_set(&b, longer, a.n + 1u, &err), 0);
	assert_true(att_seccomp_same(&a, &b));
	assert_false(att_seccomp_same(&b, &c));
	att_filter_done(&a);
	att_filter_done(&b);
	att_filter_done(&c);
}

static void allows_asks_for_the_native_call_without_arguments(void **state)
{
	static const struct sock_filter log = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_LOG);
	static const struct sock_filter bad = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	struct att_filter f = ATT_FILTER_INIT;
	struct att_err err = ATT_ERR_INIT;

	(void)state;
	must_compile(D2 "setsid errno 1\nclone3 notify\nread kill [0,0,==]\nwrite kill [0,1,==]\n",
	             &f);
	assert_false(att_seccomp_allows(&f, SYS_setsid));
	assert_false(att_seccomp_allows(&f, SYS_clone3));
	assert_false(att_seccomp_allows(&f, SYS_read));
	assert_true(att_seccomp_allows(&f, SYS_write));
	assert_true(att_seccomp_allows(&f, SYS_execve));
	att_filter_done(&f);
	assert_int_equal(att_filter_set(&f, &log, 1, &err), 0);
	assert_true(att_seccomp_allows(&f, SYS_execve));
	att_filter_done(&f);
	assert_int_equal(att_filter_set(&f, &bad, 1, &err), 0);
	assert_false(att_seccomp_allows(&f, SYS_execve));
	att_filter_done(&f);
	assert_int_equal(att_filter_set(&f, &bad, 0, &err), -ATT_E_CONFINEMENT_UNAVAILABLE);
	assert_false(att_seccomp_allows(&f, SYS_execve));
}

/* ---- in the kernel -------------------------------------------------------------------------- */

/* In a child. Return: false when no filter can be installed here. */
static bool install(const struct att_filter *f)
{
	struct sock_fprog prog = { .len = f->n, .filter = f->insns };

	/* cmocka's own handler would go on with the tests in this process. */
	signal(SIGSYS, SIG_DFL);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static bool fails_with(long r, int want)
{
	return r == -1 && errno == want;
}

/* In a child. Return: number of the first decision that was not as wanted, 0 none, 77 can't. */
static int obey(const struct att_filter *f)
{
	if (!install(f))
		return 77;
	if (!fails_with(syscall(SYS_sethostname, "x", 1), 71))
		return 1;
	if (!fails_with(syscall(SYS_umount2, "/nowhere", MNT_FORCE), EACCES))
		return 2;
	if (fails_with(syscall(SYS_umount2, "/nowhere", 0), EACCES))
		return 3;
	if (syscall(SYS_sync) != 0)
		return 4;
	/* Nobody listens: not let through, and not waited for. */
	if (!fails_with(syscall(SYS_getpriority, 0, 0), ENOSYS))
		return 5;
	if (!fails_with(syscall(SYS_lseek, -1, HI + 7, 0), 72))
		return 6;
	if (!fails_with(syscall(SYS_lseek, -1, 7, 0), EBADF))
		return 7;
	if (!fails_with(syscall(SYS_lseek, -1, 99, 0x10), 73))
		return 8;
	return 0;
}

static const char obeyed[] = D2 "reject_force_umount\n"
				"sethostname errno 71\n"
				"sync errno 0\n"
				"getpriority notify\n"
				"lseek errno 72 [1,0x100000007,==]\n"
				"lseek errno 73 [2,0x10,&=,0x10]\n"
				"setdomainname kill\n"
				"getppid trap\n";

static void the_kernel_obeys_a_compiled_filter(void **state)
{
	struct att_filter f = ATT_FILTER_INIT;
	pid_t pid = -1;
	int r = 0;

	(void)state;
	must_compile(obeyed, &f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(obey(&f));
	r = wait_for(pid);
	att_filter_done(&f);
	if (r == 77)
		skip();
	assert_int_equal(r, 0);
}

static int die_of(long nr)
{
	struct att_filter f = ATT_FILTER_INIT;
	pid_t pid = -1;

	must_compile(obeyed, &f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (!install(&f))
			_exit(77);
		syscall(nr, "x", 1);
		_exit(1);
	}
	att_filter_done(&f);
	return wait_for(pid);
}

static void kill_and_trap_end_the_caller(void **state)
{
	int r = die_of(SYS_setdomainname);

	(void)state;
	if (r == 77)
		skip();
	assert_int_equal(r, 1000 + SIGSYS);
	assert_int_equal(die_of(SYS_getppid), 1000 + SIGSYS);
}

/* ---- reading back --------------------------------------------------------------------------- */

/* What a tracee and the test tell each other. */
struct shared {
	volatile uint32_t n_sent;
	volatile uint32_t n_signals;
	volatile uint32_t n_ticks;
	volatile uint32_t ready;
};

static int64_t soon(void)
{
	return att_clock_after_ns(5 * ATT_NS_PER_SEC);
}

static struct shared *share(void)
{
	struct shared *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(s != MAP_FAILED);
	return s;
}

/* A condition that another process brings about; polled, because there is nothing to wait on. */
#define until(cond) \
	do { \
		int64_t deadline_ = soon(); \
		while (!(cond) && att_clock_now_ns() < deadline_) \
			poll(NULL, 0, 1); \
		if (!(cond)) \
			fail_msg("not within five seconds: %s", #cond); \
	} while (0)

static char state_of(pid_t pid)
{
	char path[32];
	char text[256] = "";
	FILE *f = NULL;
	const char *s = NULL;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(text, sizeof(text), f) == NULL)
		text[0] = '\0';
	fclose(f);
	s = strrchr(text, ')');
	return s == NULL || strlen(s) < 3 ? '\0' : s[2];
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(wait_for(pid), 1000 + SIGKILL);
}

/* A child that installs filters and sleeps. */
static pid_t start_under(const struct att_filter *v, size_t n)
{
	struct shared *s = share();
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (size_t i = 0; i < n; i++) {
			if (!install(&v[i]))
				_exit(77);
		}
		s->ready = 1;
		for (;;)
			pause();
	}
	until(s->ready == 1 && state_of(pid) == 'S');
	munmap(s, sizeof(*s));
	return pid;
}

/* Reading back needs CAP_SYS_ADMIN in the initial user namespace; without it there is no test. */
static int needs_privilege(void **state)
{
	struct att_filter *v = NULL;
	struct att_err err = ATT_ERR_INIT;
	size_t n = 0;
	pid_t pid = start_under(NULL, 0);
	int r = att_seccomp_read_back(pid, &v, &n, soon(), &err);

	end(pid);
	*state = r == 0 ? NULL : *state;
	return r == 0 ? 0 : 1;
}

#define SKIP_UNPRIVILEGED(state) \
	do { \
		if (needs_privilege(state) != 0) { \
			print_message("needs CAP_SYS_ADMIN on the host\n"); \
			skip(); \
		} \
	} while (0)

static void assert_read(pid_t pid, const struct att_filter *want, size_t n_want)
{
	struct att_filter *v = NULL;
	struct att_err err = ATT_ERR_INIT;
	size_t n = 99;

	if (att_seccomp_read_back(pid, &v, &n, soon(), &err) != 0)
		fail_msg("%s", err.msg);
	assert_int_equal(n, n_want);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].n, want[i].n);
		assert_memory_equal(v[i].insns, want[i].insns, v[i].n * sizeof(*v[i].insns));
		assert_int_equal(v[i].uses_notify, want[i].uses_notify);
	}
	assert_null(att_filters_free(v, n));
}

static void expect_read_error(pid_t pid, int64_t deadline_ns, int code, const char *part)
{
	struct att_filter *v = NULL;
	struct att_err err = ATT_ERR_INIT;
	size_t n = 99;

	assert_int_equal(att_seccomp_read_back(pid, &v, &n, deadline_ns, &err), -code);
	assert_int_equal(err.code, code);
	assert_int_equal(err.stage, ATT_STAGE_SECCOMP);
	if (strstr(err.msg, part) == NULL)
		fail_msg("'%s' is not in '%s'", part, err.msg);
	assert_null(v);
	assert_int_equal(n, 99);
}

static void reads_every_filter_newest_first(void **state)
{
	struct att_filter v[3] = { ATT_FILTER_INIT };
	struct att_filter newest_first[3];
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	must_compile(D2 "sethostname errno 1\n", &v[0]);
	must_compile(D2 "setdomainname errno 2\nreject_force_umount\n", &v[1]);
	must_compile(D2 "swapon notify\n", &v[2]);
	for (size_t i = 0; i < 3; i++)
		newest_first[i] = v[2 - i];
	pid = start_under(v, 3);
	assert_read(pid, newest_first, 3);
	assert_read(pid, newest_first, 3);
	until(state_of(pid) == 'S');
	end(pid);
	for (size_t i = 0; i < 3; i++)
		att_filter_done(&v[i]);
}

static void a_process_without_a_filter_has_none(void **state)
{
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	pid = start_under(NULL, 0);
	assert_read(pid, NULL, 0);
	end(pid);
}

static void too_many_filters_are_a_limit(void **state)
{
	static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct att_filter v[ATT_SECCOMP_FILTERS_MAX + 1];
	struct att_err err = ATT_ERR_INIT;
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	for (size_t i = 0; i < countof(v); i++)
		assert_int_equal(att_filter_set(&v[i], &allow, 1, &err), 0);
	pid = start_under(v, ATT_SECCOMP_FILTERS_MAX);
	assert_read(pid, v, ATT_SECCOMP_FILTERS_MAX);
	end(pid);
	pid = start_under(v, ATT_SECCOMP_FILTERS_MAX + 1);
	expect_read_error(pid, soon(), ATT_E_LIMIT_EXCEEDED, "more than 256");
	until(state_of(pid) == 'S');
	end(pid);
	for (size_t i = 0; i < countof(v); i++)
		att_filter_done(&v[i]);
}

static void a_process_that_has_ended_is_gone(void **state)
{
	pid_t pid = -1;
	siginfo_t info;

	SKIP_UNPRIVILEGED(state);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	expect_read_error(pid, soon(), ATT_E_CONTAINER_GONE, "it has ended");
	assert_int_equal(wait_for(pid), 0);
	expect_read_error(pid, soon(), ATT_E_CONTAINER_GONE, "it has ended");
}

static void a_traced_process_names_its_tracer(void **state)
{
	char part[64];
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	pid = start_under(NULL, 0);
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	snprintf(part, sizeof(part), "it is traced by process %d already", (int)getpid());
	expect_read_error(pid, soon(), ATT_E_CONFINEMENT_UNAVAILABLE, part);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, NULL, __WALL), pid);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	assert_read(pid, NULL, 0);
	end(pid);
}

static void a_filtered_caller_is_told_so(void **state)
{
	struct att_filter f = ATT_FILTER_INIT;
	pid_t target = -1;
	pid_t pid = -1;
	int r = 0;

	(void)state;
	must_compile(D2 "sethostname errno 1\n", &f);
	target = start_under(NULL, 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct att_filter *v = NULL;
		struct att_err err = ATT_ERR_INIT;
		size_t n = 0;

		if (!install(&f))
			_exit(77);
		r = att_seccomp_read_back(target, &v, &n, soon(), &err);
		_exit(r == -ATT_E_CONFINEMENT_UNAVAILABLE &&
		                      strstr(err.msg, "attache is under a seccomp filter itself")
		              ? 0
		              : 1);
	}
	r = wait_for(pid);
	end(target);
	att_filter_done(&f);
	if (r == 77)
		skip();
	assert_int_equal(r, 0);
}

static struct shared *counted;

static void count_signal(int sig)
{
	(void)sig;
	counted->n_signals++;
}

/* Takes signals and counts them, busily, so that stops of every kind happen. */
_Noreturn static void count_signals(void)
{
	struct sigaction sa = { .sa_handler = count_signal };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	counted->ready = 1;
	for (;;)
		counted->n_ticks++;
}

/* Sends one after the other until told to stop, but never far ahead of the one who counts. */
_Noreturn static void send_signals(pid_t pid)
{
	union sigval v = { .sival_int = 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (counted->ready == 1) {
		if (counted->n_sent - counted->n_signals > 16)
			continue;
		if (sigqueue(pid, SIGRTMIN + 1, v) != 0)
			_exit(1);
		counted->n_sent++;
	}
	_exit(0);
}

/*
 * The moment in which a signal would get lost is short, between seizing and interrupting: only a
 * stream of them meets it. The kernel delivers each real-time signal that was sent, once.
 */
static void loses_no_signal(void **state)
{
	pid_t pid = -1;
	pid_t sender = -1;

	SKIP_UNPRIVILEGED(state);
	counted = share();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		count_signals();
	until(counted->ready == 1);
	sender = fork();
	assert_true(sender >= 0);
	if (sender == 0)
		send_signals(pid);
	until(counted->n_signals > 0);
	for (int i = 0; i < 250; i++)
		assert_read(pid, NULL, 0);
	counted->ready = 2;
	assert_int_equal(wait_for(sender), 0);
	until(counted->n_signals == counted->n_sent);
	end(pid);
	munmap(counted, sizeof(*counted));
}

static void delivers_the_signal_that_it_caught(void **state)
{
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	for (int i = 0; i < 20; i++) {
		struct att_filter *v = NULL;
		struct att_err err = ATT_ERR_INIT;
		size_t n = 0;

		pid = start_under(NULL, 0);
		assert_int_equal(kill(pid, SIGTERM), 0);
		if (att_seccomp_read_back(pid, &v, &n, soon(), &err) < 0)
			assert_int_equal(err.code, ATT_E_CONTAINER_GONE);
		assert_int_equal(wait_for(pid), 1000 + SIGTERM);
	}
}

static void a_stopped_process_stays_stopped_and_can_go_on(void **state)
{
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	pid = start_under(NULL, 0);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	until(state_of(pid) == 'T');
	assert_read(pid, NULL, 0);
	until(state_of(pid) == 'T');
	assert_int_equal(kill(pid, SIGCONT), 0);
	until(state_of(pid) == 'S');
	end(pid);
}

static void job_control_signals_still_stop(void **state)
{
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	for (int i = 0; i < 20; i++) {
		pid = start_under(NULL, 0);
		assert_int_equal(kill(pid, SIGSTOP), 0);
		assert_read(pid, NULL, 0);
		until(state_of(pid) == 'T');
		assert_int_equal(kill(pid, SIGCONT), 0);
		until(state_of(pid) == 'S');
		end(pid);
	}
}

/*
 * A process that waits for its vfork child takes no stop. When it is free again it must run, not
 * stop for a tracer that has given up.
 */
static void a_process_that_does_not_stop_is_left_running(void **state)
{
	struct shared *s = NULL;
	int64_t before = 0;
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	s = share();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pid_t child = -1;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		child = vfork();

		if (child == 0) {
			s->ready = 1;
			while (s->ready != 2)
				poll(NULL, 0, 1);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		for (;;) {
			s->n_ticks++;
			poll(NULL, 0, 1);
		}
	}
	until(s->ready == 1 && state_of(pid) == 'D');
	before = att_clock_now_ns();
	expect_read_error(pid, att_clock_after_ns(50 * ATT_NS_PER_MS), ATT_E_TIMEOUT,
	                  "did not stop in time");
	assert_true(att_clock_now_ns() - before < ATT_NS_PER_SEC);
	s->ready = 2;
	until(s->n_ticks > 3);
	assert_read(pid, NULL, 0);
	end(pid);
	munmap(s, sizeof(*s));
}

static void a_deadline_that_has_passed_is_a_timeout_or_done(void **state)
{
	struct att_filter *v = NULL;
	struct att_err err = ATT_ERR_INIT;
	size_t n = 0;
	pid_t pid = -1;
	int r = 0;

	SKIP_UNPRIVILEGED(state);
	pid = start_under(NULL, 0);
	for (int i = 0; i < 20; i++) {
		r = att_seccomp_read_back(pid, &v, &n, 0, &err);
		assert_true(r == 0 || r == -ATT_E_TIMEOUT);
		until(state_of(pid) == 'S');
	}
	end(pid);
}

static void leaves_no_child_no_sigchld_and_the_signal_mask(void **state)
{
	sigset_t chld;
	sigset_t before;
	sigset_t after;
	sigset_t pending;
	pid_t pid = -1;

	SKIP_UNPRIVILEGED(state);
	pid = start_under(NULL, 0);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	while (sigtimedwait(&chld, NULL, &(struct timespec){ 0 }) > 0)
		;
	sigprocmask(SIG_BLOCK, NULL, &before);
	for (int i = 0; i < 20; i++)
		assert_read(pid, NULL, 0);
	sigprocmask(SIG_BLOCK, NULL, &after);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		assert_int_equal(sigismember(&before, sig), sigismember(&after, sig));
	sigpending(&pending);
	assert_false(sigismember(&pending, SIGCHLD));
	end(pid);
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	sigtimedwait(&chld, NULL, &(struct timespec){ 0 });
	sigprocmask(SIG_UNBLOCK, &chld, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_profile_that_does_not_parse_names_path_line_and_word),
		cmocka_unit_test(decides_as_the_profile_says),
		cmocka_unit_test(text_needs_no_terminator_and_ends_at_a_nul_line_by_line),
		cmocka_unit_test(counts_unknown_names_and_tells_of_notify),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(same_follows_decisions_not_spelling),
		cmocka_unit_test(allows_asks_for_the_native_call_without_arguments),
		cmocka_unit_test(the_kernel_obeys_a_compiled_filter),
		cmocka_unit_test(kill_and_trap_end_the_caller),
		cmocka_unit_test(reads_every_filter_newest_first),
		cmocka_unit_test(a_process_without_a_filter_has_none),
		cmocka_unit_test(too_many_filters_are_a_limit),
		cmocka_unit_test(a_process_that_has_ended_is_gone),
		cmocka_unit_test(a_traced_process_names_its_tracer),
		cmocka_unit_test(a_filtered_caller_is_told_so),
		cmocka_unit_test(loses_no_signal),
		cmocka_unit_test(delivers_the_signal_that_it_caught),
		cmocka_unit_test(a_stopped_process_stays_stopped_and_can_go_on),
		cmocka_unit_test(job_control_signals_still_stop),
		cmocka_unit_test(a_process_that_does_not_stop_is_left_running),
		cmocka_unit_test(a_deadline_that_has_passed_is_a_timeout_or_done),
		cmocka_unit_test(leaves_no_child_no_sigchld_and_the_signal_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
