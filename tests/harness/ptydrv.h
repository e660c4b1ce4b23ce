/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drives a program on a terminal: a fresh pty of which the test is the terminal emulator. The
 * program leads the session as under `xterm -e`, or is started by a shell of the driver's that does
 * job control, or has the terminal as a descriptor only. What it writes is kept whole; every wait
 * ends at a deadline, and what runs then is ended by its pid.
 *
 *	struct ptydrv_cmd cmd = { .argv = argv, .mode = PTYDRV_FOREGROUND };
 *
 *	assert_zero(ptydrv_start(&cmd, &tty));
 *	assert_expect(tty, "$ ");
 *	assert_zero(ptydrv_type(tty, "exit 3\r"));
 *	assert_zero(ptydrv_wait(tty, &result));
 *	assert_exit(&result, 3);
 *
 * All functions that return int return 0 or -errno.
 */
#ifndef ATT_HARNESS_PTYDRV_H
#define ATT_HARNESS_PTYDRV_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/defs.h"
#include "harness/cmd.h"
#include "harness/ttystate.h"

enum ptydrv_mode {
	PTYDRV_LEADER = 0, /* leads the session that the terminal controls */
	PTYDRV_FOREGROUND, /* of a shell, in the foreground */
	PTYDRV_BACKGROUND, /* of a shell, in the background: cmd & */
	PTYDRV_NO_CTTY,    /* leads a session that no terminal controls */
};

enum ptydrv_kind {
	PTYDRV_TTY = 0, /* the terminal, read-write, one open file for all three */
	PTYDRV_PIPE,    /* 0: ptydrv_feed(); 1 and 2: kept */
	PTYDRV_FD,      /* .fds[n] of ours */
	PTYDRV_NULL,    /* /dev/null */
	PTYDRV_CLOSED,
};

/* What the program says, and where. */
enum ptydrv_stream {
	PTYDRV_SCREEN = 0, /* on the terminal */
	PTYDRV_STDOUT,     /* into a pipe */
	PTYDRV_STDERR,
};

/* Zero is a sensible default for every field. */
struct ptydrv_cmd {
	const char *const *argv; /* argv[0] is looked up in PATH when it has no slash */
	const char *const *env;  /* NULL: our own environment */
	const char *cwd;         /* NULL: ours */
	enum ptydrv_mode mode;
	enum ptydrv_kind stdio[3];
	int fds[3];                    /* for PTYDRV_FD */
	unsigned short rows, cols;     /* 0: 24 and 80 */
	const struct termios *termios; /* NULL: as the kernel makes one */
	int (*setup)(void *data);      /* in the program's process, last; non-zero is an errno */
	void *setup_data;
	int timeout_ms;   /* of all that is waited for; 0: 30 s */
	size_t max_bytes; /* of each stream; 0: 64 MiB; more is an error */
};

struct ptydrv;

#define _cleanup_ptydrv_ _cleanup_(ptydrv_free_p)

/** ptydrv_start() - make a terminal and start a program there; @cmd is not needed afterwards. */
int ptydrv_start(const struct ptydrv_cmd *cmd, struct ptydrv **ret) _must_check_;

/** ptydrv_free() - end what still runs, close the terminal; NULL allowed. Return: NULL. */
struct ptydrv *ptydrv_free(struct ptydrv *d);

/** ptydrv_free_p() - the cleanup form. */
void ptydrv_free_p(struct ptydrv **d);

/** ptydrv_pid() - pid of the program; also its process group. */
pid_t ptydrv_pid(const struct ptydrv *d);

/* ---- input ------------------------------------------------------------------------------------ */

/** ptydrv_type() - type a text; what the program writes meanwhile is read. */
int ptydrv_type(struct ptydrv *d, const char *text) _must_check_;

/** ptydrv_type_bytes() - the same for any bytes. */
int ptydrv_type_bytes(struct ptydrv *d, const void *bytes, size_t len) _must_check_;

/** ptydrv_feed() - write to its stdin, a pipe. -EPIPE when nobody reads it. */
int ptydrv_feed(struct ptydrv *d, const void *bytes, size_t len) _must_check_;

/** ptydrv_close_stdin() - end of file on its stdin, a pipe; idempotent. */
void ptydrv_close_stdin(struct ptydrv *d);

/** ptydrv_resize() - give the terminal another size. */
int ptydrv_resize(struct ptydrv *d, unsigned short rows, unsigned short cols) _must_check_;

/* ---- output ----------------------------------------------------------------------------------- */

/**
 * ptydrv_expect() - read until a stream holds a text, behind what the last one found in it
 *
 * -ENODATA when the stream ended without it, -ETIMEDOUT at the deadline; ptydrv_shown() then tells
 * what came instead. assert_expect() does both.
 */
int ptydrv_expect(struct ptydrv *d, enum ptydrv_stream from, const char *text) _must_check_;

/** ptydrv_expect_within() - the same with a deadline of its own, for what must not come. */
int ptydrv_expect_within(struct ptydrv *d, enum ptydrv_stream from, const char *text, int ms)
	_must_check_;

/** ptydrv_shown() - what a stream has behind the last text found, escaped. Return: borrowed. */
const char *ptydrv_shown(struct ptydrv *d, enum ptydrv_stream from);

/** ptydrv_said() - all of a stream so far. Return: borrowed, NUL-terminated at *ret_len. */
const char *ptydrv_said(const struct ptydrv *d, enum ptydrv_stream from, size_t *ret_len);

/** ptydrv_pause() - from now on do not read the terminal, or do again. */
void ptydrv_pause(struct ptydrv *d, bool paused);

/** ptydrv_stutter() - read the terminal in random portions with random stops; 0: at once again. */
void ptydrv_stutter(struct ptydrv *d, uint64_t seed);

/* ---- the terminal ----------------------------------------------------------------------------- */

/** ptydrv_state() - the terminal as it is now, also when the program has ended. */
int ptydrv_state(const struct ptydrv *d, struct ttystate *ret) _must_check_;

/**
 * ptydrv_before() - the terminal as it was before the program
 *
 * In it the shell is in the foreground, or nobody. Return: borrowed.
 */
const struct ttystate *ptydrv_before(const struct ptydrv *d);

/** ptydrv_hangup() - the terminal emulator ends; a shell passes the signal on. Idempotent. */
void ptydrv_hangup(struct ptydrv *d);

/* ---- the program ------------------------------------------------------------------------------ */

/** ptydrv_signal() - send the program a signal; -ESRCH when it has ended. */
int ptydrv_signal(struct ptydrv *d, int sig) _must_check_;

/** ptydrv_foreground() - as the shell's fg: give it the terminal, and continue it. */
int ptydrv_foreground(struct ptydrv *d) _must_check_;

/** ptydrv_background() - as the shell's bg: take the terminal away, and continue it. */
int ptydrv_background(struct ptydrv *d) _must_check_;

/**
 * ptydrv_await_stop() - wait until the program has stopped, once for each time that it did
 *
 * The shell then has taken the terminal back. -ENODATA when the program ended instead.
 */
int ptydrv_await_stop(struct ptydrv *d, int *ret_signal) _must_check_;

/** ptydrv_await_continue() - the same for having been continued. */
int ptydrv_await_continue(struct ptydrv *d) _must_check_;

/**
 * ptydrv_wait() - read until the end of the program and of what it said; closes its stdin first
 * @ret: out: replaced; `out` is what came through a pipe, else what the terminal showed; `err` what
 *       came through a pipe
 *
 * A paused terminal is read again once the program has ended. What still holds the terminal or a pipe a second later sets `held_open`. A program that is in the
 * way of the deadline is killed and has `hung`.
 */
int ptydrv_wait(struct ptydrv *d, struct cmd_result *ret) _must_check_;

#endif
