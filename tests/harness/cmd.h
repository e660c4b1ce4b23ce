/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a program as a user's shell would and keeps everything it says: stdout and stderr apart, how
 * it ended and how long it took. Every run has a deadline; what is left then is killed by its pid
 * and the result says that it hung. The child gets exactly the descriptors named here.
 */
#ifndef ATT_HARNESS_CMD_H
#define ATT_HARNESS_CMD_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/defs.h"

enum cmd_stdin {
	CMD_STDIN_NULL = 0, /* /dev/null, the default */
	CMD_STDIN_BYTES,    /* .bytes, then end of file */
	CMD_STDIN_FD,       /* .stdin_fd of ours */
	CMD_STDIN_PIPE,     /* a pipe that cmd_send() and cmd_close_stdin() work on */
	CMD_STDIN_CLOSED,   /* descriptor 0 does not exist */
};

/* cmd.closed */
#define CMD_CLOSED_STDOUT 0x1u
#define CMD_CLOSED_STDERR 0x2u

struct cmd_fd {
	int ours;  /* stays ours */
	int child; /* number in the child, 3 or more */
};

struct cmd_limit {
	int which; /* RLIMIT_* */
	struct rlimit limit;
};

/* Everything is borrowed until the run has ended. Zero is a sensible default for every field. */
struct cmd {
	const char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
	const char *const *env;  /* NULL: our own environment */
	const char *cwd;         /* NULL: ours */
	enum cmd_stdin in;
	const void *bytes;
	size_t n_bytes;
	int stdin_fd;
	int stdout_fd;       /* > 0: this one instead of being captured */
	int stderr_fd;       /* > 0: this one instead of being captured */
	unsigned int closed; /* CMD_CLOSED_* */
	const struct cmd_fd *fds;
	size_t n_fds;
	const struct cmd_limit *limits;
	size_t n_limits;
	int (*setup)(void *data); /* in the child, last; non-zero is an errno */
	void *setup_data;
	int timeout_ms;   /* 0: 30 s */
	size_t max_bytes; /* of each stream; 0: 64 MiB; more is an error of the run */
};

struct cmd_result {
	int code;       /* exit status 0…255, or -1 when it did not exit by itself */
	int signal;     /* that ended it, or 0 */
	bool hung;      /* the deadline passed and it was killed */
	bool held_open; /* it ended, but something still held stdout or stderr a second later */
	char *out;      /* owned; NUL-terminated at out_len */
	size_t out_len;
	char *err;
	size_t err_len;
	int64_t duration_ns;
};

#define CMD_RESULT_INIT \
	{ \
		0 \
	}
#define _cleanup_cmd_result_ _cleanup_(cmd_result_done)
#define _cleanup_cmd_job_    _cleanup_(cmd_job_free_p)

struct cmd_job;

/** cmd_result_done() - free the texts; idempotent. */
void cmd_result_done(struct cmd_result *result);

/**
 * cmd_run() - start a program and wait for it
 * @ret: out: replaced on success; owned by the caller
 *
 * Return: 0 (also when the program failed or hung), or -errno when it could not be started or wrote
 * more than max_bytes.
 */
int cmd_run(const struct cmd *cmd, struct cmd_result *ret) _must_check_;

/** cmd_start() - the same without waiting. Return: 0 or -errno. */
int cmd_start(const struct cmd *cmd, struct cmd_job **ret) _must_check_;

/** cmd_pid() - pid of the program. */
pid_t cmd_pid(const struct cmd_job *job);

/** cmd_signal() - send it a signal. Return: 0, or -ESRCH when it has ended. */
int cmd_signal(struct cmd_job *job, int sig);

/** cmd_send() - write to its CMD_STDIN_PIPE, reading its output meanwhile. Return: 0 or -errno. */
int cmd_send(struct cmd_job *job, const void *bytes, size_t len) _must_check_;

/** cmd_close_stdin() - end of file on its CMD_STDIN_PIPE; idempotent. */
void cmd_close_stdin(struct cmd_job *job);

/**
 * cmd_expect() - read until stdout or stderr holds a text
 *
 * Return: 0; -ENODATA when both ended without it; -ETIMEDOUT at the run's deadline.
 */
int cmd_expect(struct cmd_job *job, const char *text) _must_check_;

/** cmd_wait() - wait for the end; closes stdin first. Return: as cmd_run(). */
int cmd_wait(struct cmd_job *job, struct cmd_result *ret) _must_check_;

/** cmd_job_free() - kill it if it still runs; NULL allowed. Return: NULL. */
struct cmd_job *cmd_job_free(struct cmd_job *job);

/** cmd_job_free_p() - the cleanup form. */
void cmd_job_free_p(struct cmd_job **job);

/**
 * cmd_find() - path of a program that the build made
 * @env:  environment variable that overrides it
 * @name: looked for in the directory of this test program and in those above it, up to build/
 * @buf:  out: path
 *
 * Return: @buf, or NULL when there is none.
 */
char *cmd_find(const char *env, const char *name, char *buf, size_t cap);

/** cmd_gen() - the bytes that `probe gen LEN SEED` writes. */
void cmd_gen(void *buf, size_t len, uint64_t seed);

/** cmd_sum() - the hash that `probe sum` prints in hexadecimal. */
uint64_t cmd_sum(const void *buf, size_t len);

#endif
