/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's own messages: one line each, on standard error, written by one write(2). An error
 * line is "attache: exec: web: not running (STOPPED) [ContainerNotRunning]": the thing attempted,
 * the object, the reason, the stable name.
 */
#ifndef ATT_CLI_SAY_H
#define ATT_CLI_SAY_H

#include <attache/attache.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/opts.h"

/* An error from either side of the public header; borrows from what it was made of. */
struct att_fault {
	const char *name;
	const char *stage;
	const char *message;
	int code; /* enum attache_code */
	int sys;  /* errno, or 0 */
};

/** att_fault_api() - view of the library's error. */
struct att_fault att_fault_api(const struct attache_error *err);

/** att_fault_own() - view of an error that the program itself found. */
struct att_fault att_fault_own(const struct att_err *err);

/* Room for an error from either side; the library's is owned. */
struct att_trouble {
	struct attache_error *api; /* NULL: it is our own */
	struct att_err own;
};

#define ATT_TROUBLE_INIT \
	{ \
		.api = NULL \
	}
#define _cleanup_trouble_ _cleanup_(att_trouble_done)

/** att_trouble_done() - free the library's error; idempotent. */
void att_trouble_done(struct att_trouble *t);

/** att_trouble_fault() - view of whichever error is there. */
struct att_fault att_trouble_fault(const struct att_trouble *t);

/** att_fault_exit() - the exit code of a run that ended with this error (enum att_exit). */
int att_fault_exit(const struct att_fault *fault);

/** att_say_format() - append the error line, newline included. Return: as att_buf_append(). */
int att_say_format(struct att_buf *line, const struct att_opts *o, const struct att_fault *fault)
	_must_check_;

/** att_say_error() - write the error line to standard error. */
void att_say_error(const struct att_opts *o, const struct att_fault *fault);

/** att_say_warning() - write a warning to standard error, unless --quiet. */
void att_say_warning(const struct att_opts *o, const char *text);

/** att_say_hint() - write a hint to standard error, if that is a terminal, unless --quiet. */
void att_say_hint(const struct att_opts *o, const char *text);

/** att_say_left() - tell on standard error which job goes on without us. */
void att_say_left(const struct att_opts *o, const char *id, pid_t host_pid);

/** att_say_step() - tell a step to standard error, if --verbose was given. */
void att_say_step(const struct att_opts *o, const char *fmt, ...) _printf_(2, 3);

/**
 * att_say_write() - write all bytes to a descriptor of the caller's
 *
 * Waits where the descriptor is set not to block. Return: 0 or -errno.
 */
int att_say_write(int fd, const void *bytes, size_t len) _must_check_;

#endif
