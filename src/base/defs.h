/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attributes, cleanup helpers and the few macros that every layer uses. Nothing here allocates,
 * prints or knows a policy.
 */
#ifndef ATT_BASE_DEFS_H
#define ATT_BASE_DEFS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define _must_check_   __attribute__((warn_unused_result))
#define _printf_(f, a) __attribute__((format(printf, f, a)))
#define _noreturn_     __attribute__((noreturn))
#define _unused_       __attribute__((unused))
#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _cleanup_free_ _cleanup_(att_free_p)
#define countof(a)     (sizeof(a) / sizeof((a)[0]))
#define ATT_NS_PER_SEC INT64_C(1000000000)
#define ATT_NS_PER_MS  INT64_C(1000000)

/* An assertion about our own code: stays on in release builds and aborts with its place. */
#define att_assert(cond) \
	do { \
		if (!(cond)) \
			att_assert_failed(#cond, __FILE__, __LINE__); \
	} while (0)

_noreturn_ void att_assert_failed(const char *what, const char *file, int line);

/* Marks a result that is left alone on purpose; a cast to void does not silence gcc. */
static inline void att_ignore(long long result)
{
	_unused_ long long unused = result;
}

static inline void att_free_p(void *p)
{
	void **pp = p;

	free(*pp);
	*pp = NULL;
}

/* Hands an owned descriptor out of a cleanup variable. */
static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* Hands an owned pointer out of a cleanup variable. */
static inline void *take_ptr(void *p)
{
	void **pp = p;
	void *v = *pp;

	*pp = NULL;
	return v;
}

#endif
