/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job that runs: its handles, signals to it, its end. */
#ifndef ATT_ATTACH_JOB_H
#define ATT_ATTACH_JOB_H

#include <stdbool.h>
#include <sys/types.h>

#include "attach/guardian.h"
#include "attach/plan.h"
#include "sys/pty.h"

struct att_job {
	char id[ATT_JOB_ID_CAP];
	pid_t host_pid;
	int pidfd;
	/*
	 * Watches over the job, and does what this process may have no means left to do: signals,
	 * the end of its cgroup.
	 */
	struct att_guardian guardian;
	bool detached;
	bool asked; /* the guardian was asked for something since it last said that all is done */
	bool reaped;
	int wait_status; /* si_code and si_status of the end, once reaped */
	int wait_code;
	int pipe_fd[3];   /* our ends of the job's stdio; -1 where it has another */
	int caller_fd[3]; /* the caller's side; -1: none. Borrowed. */
	/*
	 * The job's terminal. Its slave side stays open here as well: a job that closes and opens it
	 * again is no reason to hang up.
	 */
	struct att_pty pty;
	uint32_t tty_mask;
	bool host_pty;
	bool no_keys;
	bool may_leave;
	int64_t timeout_ns, kill_after_ns;
	int stop_signal;
	int64_t started_wall_ns, started_ns;
};

#define ATT_JOB_INIT \
	{ \
		.pidfd = -1, .guardian = ATT_GUARDIAN_INIT, .pty = ATT_PTY_INIT, \
		.pipe_fd = { -1, -1, -1 }, .caller_fd = { \
			-1, \
			-1, \
			-1 \
		} \
	}

/**
 * att_job_signal() - forward a signal as a terminal or a shell would
 *
 * USR1 and USR2 go to the command alone, since whoever knows of them has a handler; all others to
 * its whole process group.
 *
 * Errors: CONTAINER_GONE when it has ended, INTERNAL_ERROR when its guardian has.
 */
int att_job_signal(struct att_job *job, int sig, struct att_err *err) _must_check_;

/** att_job_stop_tree() - the stop signal to everything that the job forked. */
void att_job_stop_tree(struct att_job *job);

/** att_job_kill_tree() - SIGKILL to everything that the job forked, also what left its session. */
void att_job_kill_tree(struct att_job *job);

/** att_job_end_tree() - the same at @deadline_ns to what is left then; the command has ended. */
void att_job_end_tree(struct att_job *job, int64_t deadline_ns);

/**
 * att_job_reap() - take the end of the command, if it has ended
 * @block: wait for it
 *
 * Return: true once reaped; wait_code (CLD_*) and wait_status say how.
 */
bool att_job_reap(struct att_job *job, bool block);

/**
 * att_job_note_terminal() - have the caller's terminal given back, should this process be killed
 * @fd:   the terminal
 * @mode: its modes before; NULL: it has them back
 */
void att_job_note_terminal(struct att_job *job, int fd, const struct att_tty_mode *mode);

/**
 * att_job_leave() - let the job go on without this process
 *
 * Its terminal stays open and what it writes there is dropped. From here on the job is detached.
 *
 * Errors: INVALID_ARGUMENT when it was not started for that, IO_ERROR.
 */
int att_job_leave(struct att_job *job, struct att_err *err) _must_check_;

/** att_job_let_go() - the guardian removes the job's cgroup and ends; what is in it lives on. */
void att_job_let_go(struct att_job *job);

/**
 * att_job_done() - end it if it runs and is not detached; idempotent
 *
 * Waits for the guardian, and so until the job's cgroup is gone.
 */
void att_job_done(struct att_job *job);

#endif
