/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The relay's jail, tried from inside by a process of its own for each call. */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/jail.h"

/* Return: the signal that ended it, or its exit status negated. */
static int run(int (*call)(void), bool jailed)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct att_err err = ATT_ERR_INIT;

		if (jailed && att_jail_enter(&err) < 0)
			_exit(99);
		_exit(call());
	}
	assert_num(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

/* ---- what would be worth something to whoever took the process over ---- */

static int try_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC) < 0;
}

static int try_openat2(void)
{
	return syscall(SYS_openat2, AT_FDCWD, "/", NULL, 0) == 0;
}

static int try_exec(void)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

static int try_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0;
}

static int try_connect(void)
{
	return connect(-1, NULL, 0) == 0;
}

static int try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}

static int try_setns(void)
{
	return setns(-1, 0) == 0;
}

static int try_unshare(void)
{
	return unshare(0) < 0;
}

static int try_fork(void)
{
	return fork() == 0 ? 0 : 1;
}

static int try_kill(void)
{
	return kill(getppid(), 0) < 0;
}

static int try_kill_other(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0) < 0;
}

static int try_pidfd(void)
{
	return syscall(SYS_pidfd_open, 1, 0) < 0;
}

static int try_unlink(void)
{
	return unlink("/nonexistent") == 0;
}

static int try_mount(void)
{
	return syscall(SYS_mount, NULL, NULL, NULL, 0, NULL) == 0;
}

static int try_process_vm(void)
{
	return syscall(SYS_process_vm_readv, 1, NULL, 0, NULL, 0, 0) < 0;
}

static int try_prctl(void)
{
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) < 0;
}

static int try_capset(void)
{
	return syscall(SYS_capset, NULL, NULL) == 0;
}

static int try_seccomp(void)
{
	return syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, NULL) == 0;
}

static int try_exec_memory(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	       MAP_FAILED;
}

static int try_type(void)
{
	return ioctl(0, TIOCSTI, "x") == 0;
}

static int try_setuid(void)
{
	return setuid(geteuid()) < 0;
}

static int try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 1, NULL) == 0;
}

static int try_chmod(void)
{
	return fchmodat(AT_FDCWD, "/nonexistent", 0, 0) == 0;
}

static void every_call_that_could_reach_something_kills(void **state)
{
	static int (*const calls[])(void) = {
		try_open,       try_openat2,  try_exec,    try_socket,      try_connect,
		try_ptrace,     try_setns,    try_unshare, try_fork,        try_kill,
		try_kill_other, try_pidfd,    try_unlink,  try_mount,       try_process_vm,
		try_prctl,      try_capset,   try_seccomp, try_exec_memory, try_type,
		try_setuid,     try_io_uring, try_chmod,
	};

	(void)state;
	for (size_t i = 0; i < countof(calls); i++) {
		int r = run(calls[i], true);

		if (r != SIGSYS)
			fail_msg("call %zu: %d", i, r);
		/* Without the jail none of them does. */
		r = run(calls[i], false);
		if (r > 0)
			fail_msg("call %zu without the jail: signal %d", i, r);
	}
}

/* ---- what the relay does ---- */

static bool move_bytes(void)
{
	char buf[8];
	int p[2];
	int q[2];

	/* Made before, as the relay's are. */
	if (pipe2(p, O_CLOEXEC) < 0 || pipe2(q, O_CLOEXEC) < 0)
		return false;

	struct att_err err = ATT_ERR_INIT;
	struct pollfd ready = { .fd = p[0], .events = POLLIN };

	return att_jail_enter(&err) == 0 && write(p[1], "bytes", 5) == 5 &&
	       poll(&ready, 1, 0) == 1 &&
	       splice(p[0], NULL, q[1], NULL, 5, SPLICE_F_NONBLOCK) == 5 &&
	       read(q[0], buf, sizeof(buf)) == 5 && fcntl(q[0], F_SETFL, O_NONBLOCK) == 0 &&
	       dup2(p[0], 0) == 0 && close(p[0]) == 0;
}

static int do_move(void)
{
	return move_bytes() ? 0 : 1;
}

static int do_memory(void)
{
	void *p[64];

	for (size_t i = 0; i < countof(p); i++)
		p[i] = malloc(i << 14);
	for (size_t i = 0; i < countof(p); i++)
		free(p[i]);
	return 0;
}

static int do_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	return sigprocmask(SIG_BLOCK, &set, NULL) != 0 || raise(SIGTSTP) != 0 ||
	       sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 }) != SIGTSTP;
}

static void what_a_relay_needs_is_left(void **state)
{
	(void)state;
	assert_num(run(do_move, false), 0);
	assert_num(run(do_memory, true), 0);
	assert_num(run(do_signals, true), 0);
}

/* Looked at from outside, as the process cannot ask any more. */
static void no_capability_and_no_way_to_one_is_left(void **state)
{
	int ready[2];
	int go[2];
	char path[48];
	char text[4096];
	char byte = 0;
	ssize_t n = 0;

	(void)state;
	assert_num(pipe2(ready, O_CLOEXEC), 0);
	assert_num(pipe2(go, O_CLOEXEC), 0);

	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct att_err err = ATT_ERR_INIT;

		if (att_jail_enter(&err) == 0 && write(ready[1], "x", 1) == 1)
			att_ignore(read(go[0], &byte, 1));
		_exit(0);
	}
	assert_num(read(ready[0], &byte, 1), 1);
	att_ignore(snprintf(path, sizeof(path), "/proc/%d/status", pid));

	int fd = open(path, O_RDONLY | O_CLOEXEC);

	n = read(fd, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	assert_has(text, "CapInh:\t0000000000000000\n");
	assert_has(text, "CapPrm:\t0000000000000000\n");
	assert_has(text, "CapEff:\t0000000000000000\n");
	assert_has(text, "CapAmb:\t0000000000000000\n");
	assert_has(text, "NoNewPrivs:\t1\n");
	assert_has(text, "Seccomp:\t2\n");
	assert_num(write(go[1], "x", 1), 1);
	assert_num(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 2; i++) {
		att_ignore(close(ready[i]));
		att_ignore(close(go[i]));
	}
	att_ignore(close(fd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_that_could_reach_something_kills),
		cmocka_unit_test(what_a_relay_needs_is_left),
		cmocka_unit_test(no_capability_and_no_way_to_one_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
