/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One timed run of a program, with as little around it as can be: a spawn without a copy of our
 * memory, a fixed small environment, the descriptors that were asked for and no other, and what it
 * cost with everything it waited for.
 */
#ifndef ATT_BENCH_RUN_H
#define ATT_BENCH_RUN_H

#include <sys/types.h>

#include "base/defs.h"

struct run {
	pid_t pid;
	int pid_fd;
	int64_t started_ns;
};

#define RUN_INIT \
	{ \
		.pid_fd = -1 \
	}
#define _cleanup_run_ _cleanup_(run_done)

/* The environment of every run. */
extern const char *const run_env[];

struct run_cost {
	int64_t wall_ns;
	int64_t cpu_ns;   /* user and system, of all that it waited for */
	int64_t job_ns;   /* share of the command in it, where that is known */
	int64_t peak_kib; /* largest of those processes; never below run_own_peak_kib() */
};

/**
 * run_start() - start a program
 * @argv: argv[0] is its path
 * @fds:  close-on-exec descriptors that become its 0, 1 and 2; they stay ours
 *
 * Return: 0 or -errno.
 */
int run_start(const char *const *argv, const int fds[3], struct run *ret) _must_check_;

/**
 * run_start_tty() - start a program as the leader of a session on a terminal
 * @tty: path of the terminal, which becomes its 0, 1 and 2 and controls it
 *
 * Return: 0 or -errno.
 */
int run_start_tty(const char *const *argv, const char *tty, struct run *ret) _must_check_;

/**
 * run_wait() - wait for its end
 *
 * Return: exit status 0…255, 128 + signal that killed it, or -errno; -ETIMEDOUT when it did not end
 * in a minute and was killed.
 */
int run_wait(struct run *run, struct run_cost *ret) _must_check_;

/** run_done() - kill it if it still runs; idempotent. */
void run_done(struct run *run);

/**
 * run_own_peak_kib() - our own peak memory
 *
 * The kernel counts the memory that a process had before its exec, which in a spawn is ours. No
 * peak below it can be seen.
 */
int64_t run_own_peak_kib(void);

#endif
