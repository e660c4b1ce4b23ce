/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A terminal's modes, size and foreground. Modes are kept as the kernel's own bytes, so that another
 * process, which has no libc, can put them back.
 */
#ifndef ATT_SYS_TTY_H
#define ATT_SYS_TTY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/defs.h"

#define ATT_TTY_MODE_BYTES 48

/* The kernel's struct termios2. */
struct att_tty_mode {
	_Alignas(8) unsigned char bytes[ATT_TTY_MODE_BYTES];
};

struct att_tty_size {
	uint16_t rows, cols; /* 0: unknown */
	uint16_t x_pixels, y_pixels;
};

/** att_tty_is_terminal() - is this descriptor a terminal (and not the master side of one)? */
bool att_tty_is_terminal(int fd);

/** att_tty_get_mode() - Return: 0 or -errno. */
int att_tty_get_mode(int fd, struct att_tty_mode *ret) _must_check_;

/**
 * att_tty_set_mode() - change the modes
 * @flush: what was typed and not read yet is dropped, once the output is out; else both stay
 *
 * Return: 0 or -errno. Context: a caller in a background process group is stopped (SIGTTOU).
 */
int att_tty_set_mode(int fd, const struct att_tty_mode *mode, bool flush) _must_check_;

/** att_tty_make_raw() - every byte as it is, both ways, one at a time: cfmakeraw(3). Pure. */
void att_tty_make_raw(struct att_tty_mode *mode);

/** att_tty_make_output_raw() - written bytes as they are; typed ones as before. Pure. */
void att_tty_make_output_raw(struct att_tty_mode *mode);

/** att_tty_mode_equal() - do two modes agree in every flag and character? Pure. */
bool att_tty_mode_equal(const struct att_tty_mode *a, const struct att_tty_mode *b);

/** att_tty_eof_char() - what is typed for an end of file. Return: the byte, or -1 for none. */
int att_tty_eof_char(int fd);

/** att_tty_get_size() - Return: 0 or -errno. */
int att_tty_get_size(int fd, struct att_tty_size *ret) _must_check_;

/** att_tty_set_size() - tells the foreground process group by SIGWINCH. Return: 0 or -errno. */
int att_tty_set_size(int fd, const struct att_tty_size *size) _must_check_;

/**
 * att_tty_is_ours() - may this process change the terminal and read from it?
 *
 * True in its foreground process group, and where it is not the controlling terminal, which then
 * nobody guards.
 */
bool att_tty_is_ours(int fd);

/**
 * att_tty_reopen() - an open file description of our own, which does not block
 * @flags: O_RDONLY, O_WRONLY or O_RDWR
 *
 * Whoever shares the caller's description would notice O_NONBLOCK there. Return: descriptor above
 * 2, or -errno.
 */
int att_tty_reopen(int fd, int flags);

#endif
