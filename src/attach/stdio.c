/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/tty.h"

void att_stdio_close_job_side(struct att_stdio *s)
{
	for (int i = 0; i < 3; i++) {
		if (s->owned[i])
			att_ignore(att_fd_close(s->job_fd[i]));
		s->job_fd[i] = -1;
		s->owned[i] = false;
	}
}

void att_stdio_done(struct att_stdio *s)
{
	att_stdio_close_job_side(s);
	for (int i = 0; i < 3; i++)
		s->pipe_fd[i] = att_fd_close(s->pipe_fd[i]);
	att_pty_done(&s->pty);
}

static int above_stdio(int fd)
{
	int high = 0;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	att_ignore(att_fd_close(fd));
	return high;
}

static int make_pipe(const struct att_plan *plan, int i, struct att_stdio *s, struct att_err *err)
{
	int fd[2] = { -1, -1 };

	if (pipe2(fd, O_CLOEXEC) < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, errno,
		                   "make a pipe");
	fd[0] = above_stdio(fd[0]);
	fd[1] = above_stdio(fd[1]);
	s->job_fd[i] = i == 0 ? fd[0] : fd[1];
	s->owned[i] = true;
	s->pipe_fd[i] = i == 0 ? fd[1] : fd[0];
	if (fd[0] < 0 || fd[1] < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, EMFILE,
		                   "make a pipe");
	/* Only our own ends do not block; the job's must behave as any program expects. */
	if (fcntl(s->pipe_fd[i], F_SETFL, O_NONBLOCK) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH, errno,
		                   "set a pipe");
	if ((plan->host_uid != geteuid() || plan->host_gid != getegid()) &&
	    fchown(fd[0], plan->host_uid, plan->host_gid) < 0)
		return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_LAUNCH, errno,
		                   "give a pipe to the job's user");
	return 0;
}

/* A caller's descriptor below 3 that goes elsewhere is moved away first, so that none is lost. */
static int hand_over(const struct att_plan *plan, int i, struct att_stdio *s, struct att_err *err)
{
	int fd = plan->stdio_fd[i];

	s->job_fd[i] = fd;
	if (fd == i || fd > 2)
		return 0;
	s->job_fd[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	s->owned[i] = true;
	if (s->job_fd[i] < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_LAUNCH, errno,
		                   "copy descriptor %d", fd);
	return 0;
}

/* Only where the container has none to give does it become one of the host's. */
static int allocate(const struct att_plan *plan, struct att_stdio *s, struct att_err *err)
{
	const struct att_terminal_plan *t = &plan->terminal;
	int r = ATT_PTY_NONE;

	if (t->devpts_fd >= 0)
		r = att_pty_open_in(t->devpts_fd, &s->pty, err);
	if (r == ATT_PTY_NONE)
		r = att_pty_open_at(plan->root_fd, &s->pty, err);
	if (r <= 0)
		return r;
	s->host_pty = true;
	return att_pty_open_host(&s->pty, err);
}

/* As the job's user finds a terminal after a login: its own, writable for the group of terminals. */
static int make_terminal(const struct att_plan *plan, struct att_stdio *s, struct att_err *err)
{
	const struct att_terminal_plan *t = &plan->terminal;
	int r = allocate(plan, s, err);

	if (r < 0)
		return r;
	if (fchown(s->pty.slave_fd, plan->host_uid, t->host_gid) < 0 ||
	    fchmod(s->pty.slave_fd, 0620) < 0)
		return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_STDIO, errno,
		                   "give the terminal to the job's user");
	if (t->has_mode)
		att_ignore(att_tty_set_mode(s->pty.master_fd, &t->mode, false));
	att_ignore(att_tty_set_size(s->pty.master_fd, &t->size));
	return 0;
}

int att_stdio_make(const struct att_plan *plan, uint32_t null_mask, struct att_stdio *ret,
                   struct att_err *err)
{
	_cleanup_(att_stdio_done) struct att_stdio s = ATT_STDIO_INIT;
	int r = plan->wire.tty_mask ? make_terminal(plan, &s, err) : 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		if (null_mask & (1u << i))
			continue;
		if (plan->wire.tty_mask & (1u << i))
			s.job_fd[i] = s.pty.slave_fd;
		else if (plan->direct_io && plan->stdio_fd[i] >= 0)
			r = hand_over(plan, i, &s, err);
		else
			r = make_pipe(plan, i, &s, err);
	}
	if (r < 0)
		return r;
	*ret = s;
	s = (struct att_stdio)ATT_STDIO_INIT;
	return 0;
}
