/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/job.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

#ifndef P_PIDFD
#	define P_PIDFD 3
#endif

/* ---- the guardian ---- */

/* Return: 0 or -errno. */
static int tell(struct att_job *job, const struct att_wire_note *note, int fd)
{
	struct iovec iov = { (void *)(uintptr_t)note, sizeof(*note) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = 0;

	_Static_assert(sizeof(note->tty_mode) == ATT_TTY_MODE_BYTES, "one size on both sides");
	if (job->guardian.sock < 0)
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
	job->asked = true;
	do
		n = sendmsg(job->guardian.sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(*note) ? 0 : -EIO;
}

static int ask(struct att_job *job, enum att_wire_word word, int arg)
{
	const struct att_wire_note note = { .word = word, .arg = arg };

	return tell(job, &note, -1);
}

/* Until all that was asked for is done, the command's number must stay its own. */
static void sync_guardian(struct att_job *job)
{
	char byte = 0;

	if (ask(job, ATT_WIRE_SYNC, 0) < 0)
		return;
	while (read(job->guardian.sock, &byte, 1) < 0 && errno == EINTR)
		;
	job->asked = false;
}

void att_job_note_terminal(struct att_job *job, int fd, const struct att_tty_mode *mode)
{
	struct att_wire_note note = { .word = ATT_WIRE_TERMINAL };

	if (mode)
		memcpy(note.tty_mode, mode->bytes, sizeof(note.tty_mode));
	att_ignore(tell(job, &note, mode ? fd : -1));
}

int att_job_leave(struct att_job *job, struct att_err *err)
{
	const struct att_wire_note keep = { .word = ATT_WIRE_KEEP };
	int r = 0;

	if (!job->may_leave || job->pty.master_fd < 0)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_RELAY,
		                   "this job was not started to be left");
	r = tell(job, &keep, job->pty.master_fd);
	if (r < 0)
		return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RELAY, -r,
		                   "leave the job to its guardian");
	job->detached = true;
	/* It outlives this process, and is reaped by whoever inherits it. */
	job->guardian.pid = 0;
	return 0;
}

/* ---- signals ---- */

int att_job_signal(struct att_job *job, int sig, struct att_err *err)
{
	int r = 0;

	if (job->reaped)
		return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_RELAY, "the job has ended");
	r = ask(job, ATT_WIRE_SIGNAL, sig);
	if (r < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RELAY, -r,
		                   "send signal %d to the job", sig);
	/* What the caller does next must not overtake it. */
	sync_guardian(job);
	return 0;
}

void att_job_stop_tree(struct att_job *job)
{
	att_ignore(ask(job, ATT_WIRE_STOP_TREE, job->stop_signal));
}

void att_job_kill_tree(struct att_job *job)
{
	att_ignore(ask(job, ATT_WIRE_KILL_TREE, !job->reaped));
}

void att_job_end_tree(struct att_job *job, int64_t deadline_ns)
{
	const struct att_wire_note note = { .word = ATT_WIRE_END_TREE, .deadline_ns = deadline_ns };

	att_ignore(tell(job, &note, -1));
}

/* ---- the end ---- */

/* Has the command ended? Without taking its number from it. */
static bool is_over(const struct att_job *job, bool block)
{
	siginfo_t info = { .si_pid = 0 };
	int r = 0;

	do
		r = waitid((idtype_t)P_PIDFD, (id_t)job->pidfd, &info,
		           WEXITED | WNOWAIT | (block ? 0 : WNOHANG));
	while (r < 0 && errno == EINTR);
	return r < 0 || info.si_pid != 0;
}

bool att_job_reap(struct att_job *job, bool block)
{
	siginfo_t info = { .si_pid = 0 };
	int r = 0;

	if (job->reaped)
		return true;
	if (job->asked && !is_over(job, block))
		return false;
	if (job->asked)
		sync_guardian(job);
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

void att_job_let_go(struct att_job *job)
{
	if (job->guardian.pid > 0) {
		att_ignore(ask(job, ATT_WIRE_DONE, 0));
		/* Its socket stays open until then: closed, it would say that we are gone. */
		while (waitpid(job->guardian.pid, NULL, 0) < 0 && errno == EINTR)
			;
		job->guardian.pid = 0;
	}
	att_guardian_done(&job->guardian);
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
	job->pidfd = att_fd_close(job->pidfd);
	att_job_let_go(job);
}
