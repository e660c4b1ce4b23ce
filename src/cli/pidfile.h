/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * --pid-file: whatever can fail is done before the job starts, and a reader sees either no file,
 * the old one, or the whole new one.
 */
#ifndef ATT_CLI_PIDFILE_H
#define ATT_CLI_PIDFILE_H

#include <sys/types.h>

#include "base/defs.h"
#include "base/err.h"

struct att_pidfile {
	const char *path; /* borrowed; NULL: none wanted */
	char *temp;       /* owned: the name that is written to; NULL once it is published */
	int fd;
};

#define ATT_PIDFILE_INIT \
	{ \
		.fd = -1 \
	}

/**
 * att_pidfile_open() - make the temporary file beside @path, with room for a number
 * @path: borrowed until att_pidfile_done(); NULL: do nothing
 *
 * Errors: InvalidArgument (something that is no regular file has that name), IoError, NoMemory.
 */
int att_pidfile_open(struct att_pidfile *f, const char *path, struct att_err *err) _must_check_;

/**
 * att_pidfile_publish() - write the number and give the file its name
 *
 * Errors: IoError.
 */
int att_pidfile_publish(struct att_pidfile *f, pid_t host_pid, struct att_err *err) _must_check_;

/** att_pidfile_done() - remove the file if it was not published; idempotent. */
void att_pidfile_done(struct att_pidfile *f);

#endif
