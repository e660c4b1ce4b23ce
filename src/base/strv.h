/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NULL-terminated vectors of owned strings: argv and envp. */
#ifndef ATT_BASE_STRV_H
#define ATT_BASE_STRV_H

#include <stdbool.h>

#include "base/defs.h"

struct att_strv {
	char **v; /* owned, n strings and a NULL; NULL while empty */
	size_t n;
	size_t cap;
};

#define ATT_STRV_INIT \
	{ \
		0 \
	}
#define _cleanup_strv_ _cleanup_(att_strv_done)

/** att_strv_done() - free the strings and the vector; idempotent. */
void att_strv_done(struct att_strv *s);

/** att_strv_add() - append a copy of @len bytes at @text. Return: 0 or -ENOMEM. */
int att_strv_add(struct att_strv *s, const char *text, size_t len) _must_check_;

/** att_strv_add_str() - append a copy of a terminated string. Return: 0 or -ENOMEM. */
int att_strv_add_str(struct att_strv *s, const char *text) _must_check_;

/**
 * att_strv_env_set() - set an environment variable; one with the same name is replaced in place
 * @text: @len bytes "NAME=value"; must hold a '='
 *
 * Return: 0 or -ENOMEM.
 */
int att_strv_env_set(struct att_strv *s, const char *text, size_t len) _must_check_;

/** att_strv_env_get() - value of @name, borrowed until the vector changes. Return: NULL if unset. */
const char *att_strv_env_get(const struct att_strv *s, const char *name);

#endif
