/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void att_buf_done(struct att_buf *buf)
{
	free(buf->data);
	*buf = (struct att_buf){ .limit = buf->limit };
}

int att_buf_reserve(struct att_buf *buf, size_t extra)
{
	size_t need = 0;
	size_t cap = buf->cap > 0 ? buf->cap : 256;

	if (__builtin_add_overflow(buf->len, extra, &need) ||
	    __builtin_add_overflow(need, (size_t)1, &need))
		return -ENOMEM;
	if (buf->limit > 0 && need - 1 > buf->limit)
		return -EFBIG;
	if (need <= buf->cap)
		return 0;
	while (cap < need)
		if (__builtin_mul_overflow(cap, (size_t)2, &cap))
			return -ENOMEM;

	char *data = realloc(buf->data, cap);

	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int att_buf_append(struct att_buf *buf, const void *bytes, size_t len)
{
	int r = att_buf_reserve(buf, len);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int att_buf_printf(struct att_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;

	int r = att_buf_reserve(buf, (size_t)n);

	if (r < 0)
		return r;
	va_start(ap, fmt);
	att_ignore(vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, ap));
	va_end(ap);
	buf->len += (size_t)n;
	return 0;
}
