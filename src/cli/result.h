/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The result object: how a run ended, as one line of JSON for --status-fd. Keys are only added. */
#ifndef ATT_CLI_RESULT_H
#define ATT_CLI_RESULT_H

#include <attache/attache.h>

#include "base/buf.h"
#include "cli/opts.h"
#include "cli/say.h"

struct att_result_in {
	const char *container;              /* NULL: never found */
	const char *id;                     /* NULL: no job was started */
	const struct attache_result *ended; /* NULL: the job's end is not known */
	const struct att_fault *fault;      /* NULL: no error */
};

/**
 * att_result_prepare() - open what formatting a result would open
 *
 * For a process that may not open anything when it has one.
 */
void att_result_prepare(void);

/**
 * att_result_format() - append the object and a newline
 *
 * Return: 0, or negative when out of memory.
 */
int att_result_format(struct att_buf *out, const struct att_opts *o, const struct att_result_in *in)
	_must_check_;

/**
 * att_result_check_fd() - may --status-fd have this descriptor? If so, keep it from the job
 * @closed_fds: bit per descriptor 0…2 that the caller had closed
 *
 * Errors: InvalidArgument (not open, or not for writing).
 */
int att_result_check_fd(int fd, unsigned closed_fds, struct att_err *err) _must_check_;

#endif
