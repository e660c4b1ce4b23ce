/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs attache with one of its system calls made to fail: in attache itself, in the guardian, in the
 * entry process or in the job before its exec. Everything is traced until the command's exec; then
 * the job is looked at from the host, let go, and runs as it would.
 *
 * A call is known by the process that makes it, its number, and which one of that number it is in
 * that process. That is the same in every run up to the place where a fault changes the course.
 */
#ifndef ATT_HARNESS_FAULT_H
#define ATT_HARNESS_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"
#include "harness/cmd.h"

#define FAULT_MAX_CALLS 2048
#define FAULT_MAX_VIEW  16384

/* How many processes lie between it and the one that was started. */
enum fault_role {
	FAULT_ATTACHE,
	FAULT_GUARDIAN,
	FAULT_ENTRY,
	FAULT_JOB,
	_FAULT_ROLE_MAX,
};

struct fault_call {
	int role; /* enum fault_role */
	int born; /* which process of that role, the first is 0 */
	long nr;
	int nth; /* which call of that number in that process, the first is 0 */
	unsigned long args[2];
	char about[64]; /* a path that it names, or its first arguments */
};

struct fault_result {
	bool hit;     /* the call came, and was made to fail */
	bool started; /* the command was exec'ed */
	bool hung;    /* killed at the deadline */
	int code;     /* of attache; -1 when it was killed */
	int signal;
	size_t n_calls;
	struct fault_call calls[FAULT_MAX_CALLS]; /* those of the launch, as they came */
	char view[FAULT_MAX_VIEW]; /* the job in the moment of its exec, as lines: "" if none */
	char out[65536];
	char err[4096];
	char status[4096]; /* what came over descriptor 3, for --status-fd */
};

/** fault_result_new() - memory that a run can write to from its own process. Return: NULL: none. */
struct fault_result *fault_result_new(void);

/** fault_result_free() - NULL allowed. Return: NULL. */
struct fault_result *fault_result_free(struct fault_result *result);

/**
 * fault_run() - run attache
 * @argv:  NULL-terminated, argv[0] a path
 * @call:  the one that fails; NULL: none
 * @error: errno that it fails with
 *
 * A close() happens all the same, as it does in the kernel; of any other call nothing happens.
 *
 * Return: 0 or -errno.
 */
int fault_run(const char *const *argv, const struct fault_call *call, int error, int timeout_ms,
              struct fault_result *result) _must_check_;

/** fault_role_name() - "attache", "guardian", "entry", "job". */
const char *fault_role_name(int role);

/**
 * fault_can_fail() - false for calls that always succeed or do not return, and for those that only
 *                    wrong arguments make fail, which the program asserts that it does not give
 */
bool fault_can_fail(const struct fault_call *call);

/** fault_names_a_path() - can it fail because there is no such file? */
bool fault_names_a_path(const struct fault_call *call);

#endif
