/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define DEADLINE_NS (60 * ATT_NS_PER_SEC)

const char *const run_env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	                        "HOME=/root", NULL };

static int add_fds(posix_spawn_file_actions_t *actions, const int fds[3])
{
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(actions, fds[i], i);
	return r;
}

/* The first terminal that a session's leader opens becomes the one that controls it. */
static int add_tty(posix_spawn_file_actions_t *actions, const char *tty)
{
	int r = posix_spawn_file_actions_addopen(actions, 0, tty, O_RDWR, 0);

	for (int i = 1; i < 3 && r == 0; i++)
		r = posix_spawn_file_actions_adddup2(actions, 0, i);
	return r;
}

/* We ignore SIGPIPE; a program must not inherit that. */
static int set_attributes(posix_spawnattr_t *attr, short flags)
{
	sigset_t signals;
	int r = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGPIPE);
	r = posix_spawnattr_setsigdefault(attr, &signals);
	return r == 0 ? posix_spawnattr_setflags(attr, (short)(flags | POSIX_SPAWN_SETSIGDEF)) : r;
}

static int spawn_now(const char *const *argv, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attr, struct run *ret)
{
	ret->started_ns = att_clock_now_ns();
	return posix_spawn(&ret->pid, argv[0], actions, attr, (char *const *)(uintptr_t)argv,
	                   (char *const *)(uintptr_t)run_env);
}

/* Return: 0 or -errno. */
static int spawn(const char *const *argv, const posix_spawn_file_actions_t *actions, short flags,
                 struct run *ret)
{
	posix_spawnattr_t attr;
	struct run run = RUN_INIT;
	int r = posix_spawnattr_init(&attr);

	if (r != 0)
		return -r;
	r = set_attributes(&attr, flags);
	if (r == 0)
		r = spawn_now(argv, actions, &attr, &run);
	posix_spawnattr_destroy(&attr);
	if (r == 0) {
		run.pid_fd = (int)syscall(SYS_pidfd_open, run.pid, 0);
		*ret = run;
	}
	return -r;
}

int run_start(const char *const *argv, const int fds[3], struct run *ret)
{
	posix_spawn_file_actions_t actions;
	int r = -posix_spawn_file_actions_init(&actions);

	if (r < 0)
		return r;
	r = -add_fds(&actions, fds);
	if (r == 0)
		r = spawn(argv, &actions, 0, ret);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

int run_start_tty(const char *const *argv, const char *tty, struct run *ret)
{
	posix_spawn_file_actions_t actions;
	int r = -posix_spawn_file_actions_init(&actions);

	if (r < 0)
		return r;
	r = -add_tty(&actions, tty);
	if (r == 0)
		r = spawn(argv, &actions, POSIX_SPAWN_SETSID, ret);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

void run_done(struct run *run)
{
	if (run->pid > 0) {
		att_ignore(kill(run->pid, SIGKILL));
		att_ignore(waitpid(run->pid, NULL, 0));
	}
	run->pid = 0;
	run->pid_fd = att_fd_close(run->pid_fd);
}

static bool is_over(const struct run *run)
{
	struct pollfd p = { .fd = run->pid_fd, .events = POLLIN };
	int64_t deadline_ns = att_clock_after_ns(DEADLINE_NS);
	int n = 0;

	do {
		n = poll(&p, 1, att_clock_poll_ms(deadline_ns));
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

static int64_t to_ns(const struct timeval *t)
{
	return t->tv_sec * ATT_NS_PER_SEC + t->tv_usec * INT64_C(1000);
}

int run_wait(struct run *run, struct run_cost *ret)
{
	struct rusage usage;
	int status = 0;

	if (run->pid_fd < 0)
		return -EBADF;
	if (!is_over(run))
		return -ETIMEDOUT;
	if (wait4(run->pid, &status, 0, &usage) < 0)
		return -errno;
	ret->wall_ns = att_clock_now_ns() - run->started_ns;
	ret->cpu_ns = to_ns(&usage.ru_utime) + to_ns(&usage.ru_stime);
	ret->peak_kib = usage.ru_maxrss;
	run->pid = 0;
	run_done(run);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int64_t run_own_peak_kib(void)
{
	struct rusage usage = { 0 };

	att_ignore(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_maxrss;
}
