/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/strv.h"

#include <errno.h>
#include <string.h>

void att_strv_done(struct att_strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct att_strv)ATT_STRV_INIT;
}

static int grow(struct att_strv *s)
{
	size_t cap = s->cap > 0 ? 2 * s->cap : 16;
	char **v = NULL;

	if (s->n + 2 <= s->cap)
		return 0;
	v = reallocarray(s->v, cap, sizeof(*v));
	if (!v)
		return -ENOMEM;
	s->v = v;
	s->cap = cap;
	return 0;
}

int att_strv_add(struct att_strv *s, const char *text, size_t len)
{
	int r = grow(s);

	if (r < 0)
		return r;

	char *copy = strndup(text, len);

	if (!copy)
		return -ENOMEM;
	s->v[s->n++] = copy;
	s->v[s->n] = NULL;
	return 0;
}

int att_strv_add_str(struct att_strv *s, const char *text)
{
	return att_strv_add(s, text, strlen(text));
}

int att_strv_env_set(struct att_strv *s, const char *text, size_t len)
{
	const char *eq = memchr(text, '=', len);
	size_t name_len = 0;

	att_assert(eq);
	name_len = (size_t)(eq - text) + 1;
	for (size_t i = 0; i < s->n; i++) {
		char *copy = NULL;

		if (strncmp(s->v[i], text, name_len) != 0)
			continue;
		copy = strndup(text, len);
		if (!copy)
			return -ENOMEM;
		free(s->v[i]);
		s->v[i] = copy;
		return 0;
	}
	return att_strv_add(s, text, len);
}

const char *att_strv_env_get(const struct att_strv *s, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < s->n; i++)
		if (strncmp(s->v[i], name, len) == 0 && s->v[i][len] == '=')
			return s->v[i] + len + 1;
	return NULL;
}
