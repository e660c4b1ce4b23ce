/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growable bytes with a limit that the owner sets; growth is checked for overflow. */
#ifndef ATT_BASE_BUF_H
#define ATT_BASE_BUF_H

#include "base/defs.h"

struct att_buf {
	char *data;   /* owned; always NUL-terminated at len once anything was appended */
	size_t len;   /* bytes used */
	size_t cap;   /* bytes available */
	size_t limit; /* most bytes that may ever be used; 0 = no limit but memory */
};

#define ATT_BUF_INIT \
	{ \
		0 \
	}
#define _cleanup_buf_ _cleanup_(att_buf_done)

/** att_buf_done() - free the bytes; idempotent. */
void att_buf_done(struct att_buf *buf);

/** att_buf_reserve() - room for @extra more bytes. Return: 0, -ENOMEM, or -EFBIG over the limit. */
int att_buf_reserve(struct att_buf *buf, size_t extra) _must_check_;

/** att_buf_append() - copy @len bytes to the end. Return: as att_buf_reserve(). */
int att_buf_append(struct att_buf *buf, const void *bytes, size_t len) _must_check_;

/** att_buf_printf() - append formatted text. Return: as att_buf_reserve(). */
int att_buf_printf(struct att_buf *buf, const char *fmt, ...) _printf_(2, 3) _must_check_;

#endif
