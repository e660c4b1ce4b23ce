/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/launcher/sys.h"
#include "attach/launcher_image.h"
#include "base/fd.h"
#include "sys/clone.h"
#include "sys/pidfd.h"

#define CHILD_STACK 8192

struct att_guardian_start {
	char stack[CHILD_STACK] __attribute__((aligned(16)));
	int sock; /* the child's end */
	int launcher_fd;
	char name[24];
	char *argv[2];
	char *envp[1];
	int error; /* why the exec failed; set by the child right before it ends */
};

/* ---- the child until its exec, on memory that it shares with us while we go on ---- */

/* No libc, whose errno is ours as well. */
static int run_child(void *arg)
{
	struct att_guardian_start *s = arg;
	long r = sys_call3(__NR_fcntl, s->sock, F_SETFD, 0);

	if (r >= 0)
		r = sys_call5(__NR_execveat, s->launcher_fd, "", s->argv, s->envp, AT_EMPTY_PATH);
	__atomic_store_n(&s->error, (int)-r, __ATOMIC_RELEASE);
	return 127;
}

/*
 * It shares our memory until it execs, which spares copying page tables, and does not hold us; every
 * signal is blocked in it, so that no handler runs there.
 */
static int clone_child(struct att_guardian *g, struct att_err *err)
{
	int pid_fd = -1;
	struct clone_args args = {
		.flags = CLONE_VM | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pid_fd,
		.exit_signal = SIGCHLD,
		.stack = (uint64_t)(uintptr_t)g->start->stack,
		.stack_size = sizeof(g->start->stack),
	};
	sigset_t all;
	sigset_t before;
	long pid = 0;

	att_ignore(sigfillset(&all));
	att_ignore(sigprocmask(SIG_SETMASK, &all, &before));
	pid = att_clone3(&args, sizeof(args), run_child, g->start);
	att_ignore(sigprocmask(SIG_SETMASK, &before, NULL));
	if (pid == -ENOSYS)
		return att_err_sys(err, ATT_E_UNSUPPORTED, ATT_STAGE_LAUNCH, ENOSYS,
		                   "start a process by clone3 (a seccomp filter of the caller's?)");
	if (pid < 0)
		return att_err_sys(err,
		                   pid == -EAGAIN ? ATT_E_LIMIT_EXCEEDED : ATT_E_INTERNAL_ERROR,
		                   ATT_STAGE_LAUNCH, (int)-pid, "start a process");
	g->pid = (pid_t)pid;
	g->owner_pid = getpid();
	g->pid_fd = pid_fd;
	return 0;
}

/* ---- starting ---- */

static int make_socket(int sock[2], struct att_err *err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, errno,
		                   "make a socket pair");
	for (int i = 0; i < 2; i++) {
		int high = sock[i] > 2 ? sock[i] : fcntl(sock[i], F_DUPFD_CLOEXEC, 3);

		if (high != sock[i])
			att_ignore(att_fd_close(sock[i]));
		sock[i] = high;
		if (high < 0)
			return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, errno,
			                   "copy a descriptor");
	}
	return 0;
}

int att_guardian_start(struct att_guardian *ret, struct att_err *err)
{
	_cleanup_(att_guardian_done) struct att_guardian g = ATT_GUARDIAN_INIT;
	_cleanup_close_ int launcher_fd = -1;
	_cleanup_close_ int theirs = -1;
	int sock[2] = { -1, -1 };
	int r = make_socket(sock, err);

	g.sock = sock[0];
	theirs = sock[1];
	if (r == 0)
		r = att_launcher_open(&launcher_fd, err);
	if (r < 0)
		return r;
	g.start = aligned_alloc(16, sizeof(*g.start));
	if (!g.start)
		return att_err_nomem(err, ATT_STAGE_LAUNCH);
	g.start->sock = theirs;
	g.start->launcher_fd = launcher_fd;
	g.start->argv[0] = g.start->name;
	g.start->argv[1] = g.start->envp[0] = NULL;
	g.start->error = 0;
	att_ignore(snprintf(g.start->name, sizeof(g.start->name), "attache:%d", theirs));
	r = clone_child(&g, err);
	if (r < 0)
		return r;
	*ret = g;
	g = (struct att_guardian)ATT_GUARDIAN_INIT;
	return 0;
}

/* ---- the plan ---- */

/* The descriptors go with the first byte. Return: bytes sent, 0 when it has died, or -errno. */
static ssize_t send_first(int sock, const struct att_buf *message, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(ATT_WIRE_MAX_FDS * sizeof(int))];
	} control;
	struct iovec iov = { message->data, message->len };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = CMSG_SPACE(n_fds * sizeof(int)) };
	ssize_t n = 0;

	memset(&control, 0, msg.msg_controllen);
	control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
}

int att_guardian_send(const struct att_guardian *g, const struct att_buf *message, const int *fds,
                      size_t n_fds, struct att_err *err)
{
	ssize_t n = send_first(g->sock, message, fds, n_fds);
	size_t used = 0;

	if (n < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, (int)-n,
		                   "hand descriptors to the launcher");
	while (n > 0 || (n < 0 && errno == EINTR)) {
		used += n > 0 ? (size_t)n : 0;
		if (used == message->len)
			break;
		n = send(g->sock, message->data + used, message->len - used, MSG_NOSIGNAL);
	}
	return 0;
}

/* ---- the end ---- */

int att_guardian_error(const struct att_guardian *g)
{
	return g->start ? __atomic_load_n(&g->start->error, __ATOMIC_ACQUIRE) : 0;
}

void att_guardian_started(struct att_guardian *g)
{
	free(g->start);
	g->start = NULL;
}

void att_guardian_leave(struct att_guardian *g)
{
	g->pid = 0;
}

void att_guardian_done(struct att_guardian *g)
{
	bool is_ours = g->pid > 0 && g->owner_pid == getpid();

	/* Before its socket is closed, which it would take for our end. */
	if (is_ours && g->pid_fd >= 0)
		att_ignore(att_pidfd_signal(g->pid_fd, SIGKILL));
	if (is_ours)
		while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
			;
	g->pid = 0;
	g->pid_fd = att_fd_close(g->pid_fd);
	g->sock = att_fd_close(g->sock);
	att_guardian_started(g);
}
