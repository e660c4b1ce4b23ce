/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/job.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sys/pidfd.h"

#ifndef P_PIDFD
#	define P_PIDFD 3
#endif

/* How long what was killed may take to be gone. */
#define KILL_WAIT_NS (2 * ATT_NS_PER_SEC)

int att_job_signal(const struct att_job *job, int sig, struct att_err *err)
{
	int r = 0;

	if (job->reaped)
		r = -ESRCH;
	else if (sig == SIGUSR1 || sig == SIGUSR2)
		r = att_pidfd_signal(job->pidfd, sig);
	else if (kill(-job->host_pid, sig) < 0)
		r = -errno;
	if (r == -ESRCH)
		return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_RELAY, "the job has ended");
	if (r < 0)
		return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_RELAY, -r,
		                   "send signal %d to the job", sig);
	return 0;
}

static void signal_tree(const struct att_job *job, int sig)
{
	if (job->own_leaf)
		att_cgroup_leaf_signal(&job->leaf, sig);
	else if (!job->reaped)
		att_ignore(kill(-job->host_pid, sig));
}

void att_job_stop_tree(const struct att_job *job)
{
	signal_tree(job, job->stop_signal);
	/* What is stopped takes the signal only when it goes on. */
	if (job->stop_signal != SIGKILL && job->stop_signal != SIGSTOP)
		signal_tree(job, SIGCONT);
}

void att_job_kill_tree(const struct att_job *job)
{
	if (!job->reaped) {
		att_ignore(kill(-job->host_pid, SIGKILL));
		/* A container may move its processes; the command itself cannot hide. */
		att_ignore(att_pidfd_signal(job->pidfd, SIGKILL));
	}
	if (!job->own_leaf)
		return;
	att_ignore(att_cgroup_leaf_kill(&job->leaf));
	att_ignore(att_cgroup_leaf_wait_empty(&job->leaf, att_clock_after_ns(KILL_WAIT_NS)));
}

bool att_job_reap(struct att_job *job, bool block)
{
	siginfo_t info = { .si_pid = 0 };
	int r = 0;

	if (job->reaped)
		return true;
	do
		r = waitid((idtype_t)P_PIDFD, (id_t)job->pidfd, &info,
		           WEXITED | (block ? 0 : WNOHANG));
	while (r < 0 && errno == EINTR);
	if (r == 0 && info.si_pid == 0)
		return false;
	job->reaped = true;
	/* ECHILD: the embedding program reaped it, or ignores SIGCHLD; how it ended is lost. */
	job->wait_code = r == 0 ? info.si_code : CLD_EXITED;
	job->wait_status = r == 0 ? info.si_status : 255;
	return true;
}

/* ---- the guardian ---- */

/* Return: 0 or -errno. */
static int tell_guardian(const struct att_job *job, const struct att_wire_note *note, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)note, sizeof(*note) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = 0;

	_Static_assert(sizeof(note->tty_mode) == ATT_TTY_MODE_BYTES, "one size on both sides");
	if (job->guard_fd < 0)
		return -EPIPE;
	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
	}
	do
		n = sendmsg(job->guard_fd, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(*note) ? 0 : -EIO;
}

/* The guardian must not take the end of this process for a reason to kill what still runs. */
static void release_guardian(struct att_job *job)
{
	const struct att_wire_note done = { .word = ATT_WIRE_DONE };

	att_ignore(tell_guardian(job, &done, -1));
	job->guard_fd = att_fd_close(job->guard_fd);
}

void att_job_note_terminal(const struct att_job *job, int fd, const struct att_tty_mode *mode)
{
	struct att_wire_note note = { .word = ATT_WIRE_TERMINAL };

	if (mode)
		memcpy(note.tty_mode, mode->bytes, sizeof(note.tty_mode));
	att_ignore(tell_guardian(job, &note, mode ? fd : -1));
}

int att_job_leave(struct att_job *job, struct att_err *err)
{
	const struct att_wire_note keep = { .word = ATT_WIRE_KEEP };
	int r = 0;

	if (!job->may_leave || job->pty.master_fd < 0)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_RELAY,
		                   "this job was not started to be left");
	r = tell_guardian(job, &keep, job->pty.master_fd);
	if (r < 0)
		return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RELAY, -r,
		                   "leave the job to its guardian");
	job->detached = true;
	job->own_leaf = false;
	/* It outlives this process, and is reaped by whoever inherits it. */
	job->guard_pid = 0;
	job->guard_fd = att_fd_close(job->guard_fd);
	return 0;
}

static void reap_guardian(struct att_job *job)
{
	if (job->guard_pid > 0)
		while (waitpid(job->guard_pid, NULL, 0) < 0 && errno == EINTR)
			;
	job->guard_pid = 0;
}

void att_job_done(struct att_job *job)
{
	for (int i = 0; i < 3; i++)
		job->pipe_fd[i] = att_fd_close(job->pipe_fd[i]);
	att_pty_done(&job->pty);
	if (job->pidfd >= 0 && !job->detached && !job->reaped) {
		att_job_kill_tree(job);
		att_ignore(att_job_reap(job, true));
	}
	release_guardian(job);
	/* While it ends. */
	if (job->own_leaf)
		att_cgroup_leaf_remove(&job->leaf);
	reap_guardian(job);
	att_cgroup_leaf_done(&job->leaf);
	job->own_leaf = false;
	job->pidfd = att_fd_close(job->pidfd);
}
