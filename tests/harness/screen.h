/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a user sees: a program on a terminal that a real emulator draws, tmux of the host, so that a
 * test can judge the lines of the screen and not the bytes that made them. Each screen has a tmux
 * server of its own, which ends with it, at the latest a minute after the program.
 *
 * All functions that return int return 0 or -errno.
 */
#ifndef ATT_HARNESS_SCREEN_H
#define ATT_HARNESS_SCREEN_H

#include "base/defs.h"

struct screen;

#define _cleanup_screen_ _cleanup_(screen_free_p)

/**
 * screen_start() - start a program on a new screen; at its end that shows "<ended STATUS>"
 * @argv: at most 70 words
 * @dir:  on the host, for the server's socket
 */
int screen_start(const char *const *argv, const char *dir, int rows, int cols, struct screen **ret)
	_must_check_;

/** screen_free() - end the program and its emulator; NULL allowed. Return: NULL. */
struct screen *screen_free(struct screen *s);

/** screen_free_p() - the cleanup form. */
void screen_free_p(struct screen **s);

/** screen_type() - type a text. */
int screen_type(struct screen *s, const char *text) _must_check_;

/** screen_key() - press a key that tmux has a name for, such as "C-z" or "Down". */
int screen_key(struct screen *s, const char *name) _must_check_;

/** screen_resize() - give it another size. */
int screen_resize(struct screen *s, int rows, int cols) _must_check_;

/**
 * screen_expect() - wait until a text is shown
 * @row: where the line that begins with it is, 1 at the top; 0: anywhere, also in a line
 *
 * -ETIMEDOUT after 10 s; assert_screen() then prints the screen.
 */
int screen_expect(struct screen *s, int row, const char *text) _must_check_;

/** screen_shown() - the screen as it was last looked at. Return: borrowed. */
const char *screen_shown(const struct screen *s);

/* The screen of a struct screen shows this; row 0 is anywhere. */
#define assert_screen(s, row, text) \
	do { \
		int screen_r_ = screen_expect((s), (row), (text)); \
		if (screen_r_ != 0) \
			fail_msg("row %d has no '%s' (%s) but the screen is:\n%s", (row), (text), \
			         strerror(abs(screen_r_)), screen_shown(s)); \
	} while (0)

#endif
