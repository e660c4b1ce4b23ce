/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The relay's jail, seen from outside, and broken into: what a process that was taken over can do. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/inject.h"
#include "harness/ptydrv.h"

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "jail");
}

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "jail");
}

/* ---- what the kernel says of it ---- */

static void read_status(pid_t pid, char text[4096])
{
	char path[48];

	att_ignore(snprintf(path, sizeof(path), "/proc/%d/status", (int)pid));
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, 4096) > 0);
}

static void assert_jailed(pid_t pid)
{
	char text[4096];
	int64_t deadline_ns = att_clock_after_ns(10 * ATT_NS_PER_SEC);
	static const char *const lines[] = {
		"\nCapInh:\t0000000000000000\n",
		"\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n",
		"\nCapAmb:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n",
		"\nSeccomp:\t2\n",
	};

	/* A job with the caller's own descriptors can be heard before its starter has gone on. */
	do
		read_status(pid, text);
	while (!strstr(text, "\nSeccomp:\t2\n") && att_clock_poll_ms(deadline_ns) != 0);
	for (size_t i = 0; i < countof(lines); i++)
		assert_has(text, lines[i]);
}

/* It holds nothing of the container's that has a path, and no directory of the host's. */
static void assert_no_way_out(pid_t pid)
{
	for (int fd = 0; fd < 64; fd++) {
		char path[48];
		char target[256];
		ssize_t n = 0;

		att_ignore(snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd));
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		if (strncmp(target, "/proc", 5) == 0 || strncmp(target, "/sys", 4) == 0 ||
		    strcmp(target, "/") == 0)
			fail_msg("descriptor %d is '%s'", fd, target);
	}
}

/* ---- ways to run ---- */

static const char *const *const ways[] = {
	WORDS("exec", "@", "/probe", "cat"),
	WORDS("exec", "--timeout", "60", "@", "/probe", "cat"),
	WORDS("exec", "-u", "1234", "--cap-drop", "ALL", "@", "/probe", "cat"),
	WORDS("exec", "--io", "direct", "@", "/probe", "cat"),
};

static void start_way(const struct fixture *f, size_t way, struct cmd_job **ret)
{
	const struct cmd how = { .in = CMD_STDIN_PIPE, .timeout_ms = 20000 };

	fixture_start(f, ways[way], &how, ret);
	/* What comes back has been through the jailed relay. */
	assert_zero(cmd_send(*ret, "echo\n", 5));
	assert_zero(cmd_expect(*ret, "echo\n"));
}

static void in_every_mode_the_relay_is_jailed(void **state)
{
	for (size_t i = 0; i < countof(ways); i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		start_way(*state, i, &job);
		assert_jailed(cmd_pid(job));
		assert_no_way_out(cmd_pid(job));
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 0);
		assert_string_equal(r.err, "");
	}
}

static void with_a_terminal_it_is_jailed_too(void **state)
{
	const struct fixture *f = *state;
	const char *const argv[] = { f->program,      "exec",          "-P", box_lxcpath(f->box),
		                     "--detach-keys", "ctrl-p,ctrl-q", "-t", box_name(f->box),
		                     "/probe",        "keys",          NULL };
	const struct ptydrv_cmd how = { .argv = argv, .timeout_ms = 20000 };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(ptydrv_start(&how, &d));
	assert_zero(ptydrv_expect(d, PTYDRV_SCREEN, "ready"));
	assert_zero(ptydrv_type(d, "abc\r"));
	assert_zero(ptydrv_expect(d, PTYDRV_SCREEN, "abc\r\n"));
	assert_jailed(ptydrv_pid(d));
	assert_no_way_out(ptydrv_pid(d));
	assert_zero(ptydrv_resize(d, 30, 90));
	assert_zero(ptydrv_type(d, "\x04"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
}

/* ---- what it can do ---- */

struct call {
	const char *name;
	long nr;
	unsigned long args[6];
};

/* Harmless where they are allowed: each would fail, or do nothing. */
static const struct call calls[] = {
	{ "openat", SYS_openat, { (unsigned long)AT_FDCWD, 0, O_RDONLY, 0, 0, 0 } },
	{ "execve", SYS_execve, { 0, 0, 0, 0, 0, 0 } },
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0, 0, 0, 0 } },
	{ "ptrace", SYS_ptrace, { PTRACE_PEEKTEXT, 1, 0, 0, 0, 0 } },
	{ "setns", SYS_setns, { (unsigned long)-1, 0, 0, 0, 0, 0 } },
	{ "kill", SYS_kill, { 1, 0, 0, 0, 0, 0 } },
	{ "clone", SYS_clone, { (unsigned long)-1, 0, 0, 0, 0, 0 } },
	{ "mount", SYS_mount, { 0, 0, 0, 0, 0, 0 } },
	{ "unlinkat", SYS_unlinkat, { (unsigned long)AT_FDCWD, 0, 0, 0, 0, 0 } },
	{ "pidfd_getfd", SYS_pidfd_getfd, { (unsigned long)-1, 0, 0, 0, 0, 0 } },
	{ "bpf", SYS_bpf, { (unsigned long)-1, 0, 0, 0, 0, 0 } },
	{ "io_uring_setup", SYS_io_uring_setup, { 0, 0, 0, 0, 0, 0 } },
};

/* Is the job gone with it? Its process, and all that it forked, are in the container. */
static void assert_alone(const struct fixture *f)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f, WORDS("exec", "@", "sh", "-c", "ps | grep -c '[p]robe cat'"), NULL, &r);
	assert_string_equal(r.out, "0\n");
}

static void whatever_it_calls_beyond_its_work_kills_it(void **state)
{
	for (size_t i = 0; i < countof(calls); i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		long said = 0;

		start_way(*state, 0, &job);
		/* It dies when it is let go, if not before. */
		assert_true(inject_call(cmd_pid(job), calls[i].nr, calls[i].args, &said) >= 0);
		assert_zero(cmd_wait(job, &r));
		if (r.signal != SIGSYS)
			fail_msg("%s did not kill it: the kernel said %ld", calls[i].name, said);
		assert_killed(&r, SIGSYS);
		assert_alone(*state);
	}
}

/* The same calls in a process that is in no jail: they are refused or done, and it lives on. */
static void the_same_calls_do_not_kill_another_process(void **state)
{
	const struct fixture *f = *state;
	const char *const argv[] = { f->probe, "cat", NULL };

	for (size_t i = 0; i < countof(calls); i++) {
		const struct cmd how = { .argv = argv, .in = CMD_STDIN_PIPE, .timeout_ms = 20000 };
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		long said = 0;

		assert_zero(cmd_start(&how, &job));
		assert_zero(cmd_send(job, "echo\n", 5));
		assert_zero(cmd_expect(job, "echo\n"));
		assert_num(inject_call(cmd_pid(job), calls[i].nr, calls[i].args, &said), 0);
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 0);
	}
}

/* One of its own calls, made by the same means, does no harm: it is the call that kills. */
static void its_own_calls_do_not_kill_it(void **state)
{
	static const unsigned long none[6] = { (unsigned long)-1, 0, 0, 0, 0, 0 };
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	long said = 0;

	start_way(*state, 0, &job);
	assert_num(inject_call(cmd_pid(job), SYS_read, none, &said), 0);
	assert_num(said, -EBADF);
	assert_zero(cmd_send(job, "more\n", 5));
	assert_zero(cmd_expect(job, "more\n"));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(in_every_mode_the_relay_is_jailed),
		fixture_test(with_a_terminal_it_is_jailed_too),
		fixture_test(whatever_it_calls_beyond_its_work_kills_it),
		fixture_test(the_same_calls_do_not_kill_another_process),
		fixture_test(its_own_calls_do_not_kill_it),
	};
	const struct CMUnitTest idmapped[] = {
		fixture_test(in_every_mode_the_relay_is_jailed),
		fixture_test(with_a_terminal_it_is_jailed_too),
	};
	int r = cmocka_run_group_tests_name("jail", tests, open_privileged, fixture_close);

	return r + cmocka_run_group_tests_name("jail, idmapped", idmapped, open_idmapped,
	                                       fixture_close);
}
