/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

bool child_gone(pid_t pid, int64_t deadline_ns)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = 0;

	if (fd < 0)
		return errno == ESRCH;
	do {
		n = poll(&p, 1, att_clock_poll_ms(deadline_ns));
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

bool child_reap(pid_t pid, int64_t deadline_ns, int *ret_status)
{
	pid_t got = 0;

	if (!child_gone(pid, deadline_ns))
		return false;
	do {
		got = waitpid(pid, ret_status, 0);
	} while (got < 0 && errno == EINTR);
	return got == pid;
}

int child_run(int (*fn)(void *data), void *data, int timeout_ms)
{
	int64_t limit_ms = timeout_ms == 0 ? 10000 : timeout_ms;
	int status = 0;

	/* What is buffered would come out twice. */
	fflush(NULL);

	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(fn(data));
	if (!child_reap(pid, att_clock_after_ns(limit_ms * ATT_NS_PER_MS), &status)) {
		kill(pid, SIGKILL);
		att_ignore(child_reap(pid, INT64_MAX, &status));
		return CHILD_HANG;
	}
	return WIFSIGNALED(status) ? CHILD_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
