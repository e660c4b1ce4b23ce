/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/ptyshell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#define KEPT_FD 3 /* where the socket goes: all above is closed */

struct shell {
	const struct ptyshell *how;
	int sock_fd;
	int signal_fd;
	pid_t pid; /* of the program, also its process group */
	bool ended;
};

static bool is_shell(const struct ptyshell *how)
{
	return how->mode == PTYDRV_FOREGROUND || how->mode == PTYDRV_BACKGROUND;
}

/* ---- the program's process, before its exec --------------------------------------------------- */

/* What sets a group into the foreground is itself in the background then. */
static int set_foreground(pid_t group)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	sigset_t ttou;
	sigset_t before;

	if (fd < 0)
		return -errno;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &before);

	int r = tcsetpgrp(fd, group) < 0 ? -errno : 0;

	sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int place_in_session(const struct ptyshell *how)
{
	switch (how->mode) {
	case PTYDRV_LEADER:
		if (setsid() < 0 || ioctl(how->tty_fd, TIOCSCTTY, 0) < 0)
			return -errno;
		return 0;
	case PTYDRV_NO_CTTY:
		return setsid() < 0 ? -errno : 0;
	case PTYDRV_FOREGROUND:
		if (setpgid(0, 0) < 0)
			return -errno;
		return set_foreground(getpid());
	case PTYDRV_BACKGROUND:
		return setpgid(0, 0) < 0 ? -errno : 0;
	}
	return -EINVAL;
}

static int setup_program(void *data)
{
	const struct ptyshell *how = data;
	int r = place_in_session(how);

	if (r < 0)
		return -r;
	return how->setup == NULL ? 0 : how->setup(how->setup_data);
}

/* ---- messages --------------------------------------------------------------------------------- */

/* A driver that is gone is noticed where requests are read. */
static void tell(const struct shell *s, enum ptyshell_kind kind, int value)
{
	const struct ptyshell_msg msg = { .kind = (int32_t)kind, .value = value };

	att_ignore(send(s->sock_fd, &msg, sizeof(msg), MSG_NOSIGNAL));
}

static int signal_group(const struct shell *s, int sig)
{
	return kill(-s->pid, sig) < 0 ? -errno : 0;
}

static int move_group(const struct shell *s, pid_t group)
{
	if (!is_shell(s->how))
		return -EINVAL;
	if (s->ended)
		return -ESRCH;

	int r = set_foreground(group);

	return r < 0 ? r : signal_group(s, SIGCONT);
}

static int answer(const struct shell *s, const struct ptyshell_msg *msg)
{
	switch (msg->kind) {
	case PTYSHELL_SIGNAL:
		if (s->ended)
			return -ESRCH;
		return kill(s->pid, msg->value) < 0 ? -errno : 0;
	case PTYSHELL_FOREGROUND:
		return move_group(s, s->pid);
	case PTYSHELL_BACKGROUND:
		return move_group(s, getpgrp());
	default:
		return -EINVAL;
	}
}

/* Return: false when the driver is gone. */
static bool read_request(const struct shell *s)
{
	struct ptyshell_msg msg;
	ssize_t n = recv(s->sock_fd, &msg, sizeof(msg), 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n != (ssize_t)sizeof(msg))
		return false;
	tell(s, PTYSHELL_REPLY, answer(s, &msg));
	return true;
}

/* ---- what becomes of the program ---------------------------------------------------------------- */

/* As shells do, before anybody hears of it; the terminal may be gone. */
static void take_terminal(const struct shell *s)
{
	if (is_shell(s->how))
		att_ignore(set_foreground(getpgrp()));
}

static void note_changes(struct shell *s)
{
	int status = 0;

	while (!s->ended && waitpid(s->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) == s->pid) {
		if (WIFCONTINUED(status)) {
			tell(s, PTYSHELL_CONTINUED, 0);
			continue;
		}
		take_terminal(s);
		if (WIFSTOPPED(status)) {
			tell(s, PTYSHELL_STOPPED, WSTOPSIG(status));
			continue;
		}
		s->ended = true;
		tell(s, PTYSHELL_ENDED, status);
	}
}

/* The kernel tells only the leader of the session that the line is down; shells pass it on. */
static void pass_hangup(const struct shell *s)
{
	if (!is_shell(s->how) || s->ended)
		return;
	att_ignore(signal_group(s, SIGHUP));
	att_ignore(signal_group(s, SIGCONT));
}

static void read_signal(struct shell *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		pass_hangup(s);
	else
		note_changes(s);
}

static void serve(struct shell *s)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = s->sock_fd, .events = POLLIN },
			{ .fd = s->signal_fd, .events = POLLIN },
		};

		if (poll(p, countof(p), -1) < 0 && errno != EINTR)
			return;
		if (p[1].revents != 0)
			read_signal(s);
		if (p[0].revents != 0 && !read_request(s))
			return;
	}
}

/* ---- begin and end -------------------------------------------------------------------------- */

static int catch_signals(struct shell *s)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE };
	sigset_t caught;

	for (size_t i = 0; i < countof(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&caught);
	sigaddset(&caught, SIGCHLD);
	sigaddset(&caught, SIGHUP);
	sigprocmask(SIG_BLOCK, &caught, NULL);
	s->signal_fd = signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? -errno : 0;
}

static int become_leader(const struct ptyshell *how)
{
	if (!is_shell(how))
		return 0;
	if (setsid() < 0 || ioctl(how->tty_fd, TIOCSCTTY, 0) < 0)
		return -errno;
	return 0;
}

static int start_program(struct shell *s)
{
	struct cmd_job *job = NULL; /* not freed: this process only ever ends by _exit() */
	struct cmd cmd = *s->how->cmd;

	cmd.setup = setup_program;
	cmd.setup_data = (void *)(uintptr_t)s->how;

	int r = become_leader(s->how);

	if (r == 0)
		r = cmd_start(&cmd, &job);
	if (r == 0)
		s->pid = cmd_pid(job);
	return r;
}

/*
 * Nothing but the socket is kept: an end of a pipe or of the terminal that is open here would be an
 * end that never comes for the driver.
 */
static int keep_socket_only(struct shell *s)
{
	if (dup2(s->sock_fd, KEPT_FD) < 0)
		return -errno;
	s->sock_fd = KEPT_FD;
	return syscall(SYS_close_range, KEPT_FD + 1u, ~0u, 0u) < 0 ? -errno : 0;
}

static void end_program(struct shell *s)
{
	if (s->pid <= 0 || s->ended)
		return;
	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

_noreturn_ void ptyshell_run(const struct ptyshell *how)
{
	struct shell s = { .how = how, .sock_fd = how->sock_fd, .signal_fd = -1 };
	int r = start_program(&s);

	if (r == 0)
		r = keep_socket_only(&s);
	if (r == 0)
		r = catch_signals(&s);
	tell(&s, PTYSHELL_STARTED, r < 0 ? r : s.pid);
	if (r == 0) {
		note_changes(&s); /* what happened before signals were caught */
		serve(&s);
	}
	end_program(&s);
	_exit(r < 0);
}
