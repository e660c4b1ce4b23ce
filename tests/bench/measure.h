/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The measurements, on one running container each: contenders in turn, so that whatever else the
 * machine does meets all of them alike. A run that fails ends the measurement, and says why.
 */
#ifndef ATT_BENCH_MEASURE_H
#define ATT_BENCH_MEASURE_H

#include <stdbool.h>

#include "base/defs.h"
#include "bench/contender.h"
#include "bench/report.h"
#include "harness/box.h"

struct measure {
	const struct contender *contenders; /* borrowed, as is all else */
	size_t n_contenders;
	const struct box *box; /* running */
	const char *box_name;  /* of its kind, for the report */
	struct report *report;
};

/* A way to start a command. */
struct measure_latency {
	const char *axis;
	const char *const *command;
	bool pipes;     /* stdout and stderr are pipes; else all three are /dev/null */
	int64_t gap_ns; /* idle before each run */
	size_t rounds;
	size_t warm_up; /* rounds before those, not counted */
};

/* A way for bytes to go. */
struct measure_flow {
	const char *axis;
	bool to_job; /* else from the job */
	int64_t bytes;
	size_t rounds;
};

/**
 * measure_complain() - say on stderr what a contender did not do
 * @r: -errno, or an exit status; 0: neither is known
 *
 * Return: @r when it is negative, else -EIO.
 */
int measure_complain(const struct measure *m, const struct contender *c, const char *what, int r);

/** measure_latency() - time a command's start to its end. Return: 0 or -errno. */
int measure_latency(const struct measure *m, const struct measure_latency *how) _must_check_;

/** measure_flow() - time bytes through a pipe from or to a job. Return: 0 or -errno. */
int measure_flow(const struct measure *m, const struct measure_flow *how) _must_check_;

/**
 * measure_syscalls() - count the system calls of a command's start, of all processes, by strace
 *
 * Without strace it says so on stderr and counts nothing. Return: 0 or -errno.
 */
int measure_syscalls(const struct measure *m, const char *const *command) _must_check_;

#endif
