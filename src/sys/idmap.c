/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/idmap.h"

#include <errno.h>
#include <string.h>

void att_idmap_init(struct att_idmap *map)
{
	*map = (struct att_idmap)ATT_IDMAP_INIT;
}

void att_idmap_done(struct att_idmap *map)
{
	free(map->v);
	att_idmap_init(map);
}

/* Blanks, then digits, then a blank or the end of the line. */
static bool take_number(const char **p, const char *end, uint32_t *ret)
{
	const char *at = *p;
	const char *digits = NULL;
	uint32_t value = 0;

	while (at < end && *at == ' ')
		at++;
	for (digits = at; at < end && *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint32_t)(*at - '0'), &value))
			return false;
	if (at == digits || (at < end && *at != ' '))
		return false;
	*p = at;
	*ret = value;
	return true;
}

static bool parse_range(const char *line, const char *end, struct att_idmap_range *ret)
{
	uint32_t past = 0;

	return take_number(&line, end, &ret->ct) && take_number(&line, end, &ret->host) &&
	       take_number(&line, end, &ret->len) && line == end && ret->len > 0 &&
	       !__builtin_add_overflow(ret->ct, ret->len, &past) &&
	       !__builtin_add_overflow(ret->host, ret->len, &past);
}

static bool overlap(const struct att_idmap_range *a, const struct att_idmap_range *b)
{
	return (a->ct < b->ct + b->len && b->ct < a->ct + a->len) ||
	       (a->host < b->host + b->len && b->host < a->host + a->len);
}

static bool add_range(struct att_idmap *map, const struct att_idmap_range *range)
{
	for (size_t i = 0; i < map->n; i++)
		if (overlap(&map->v[i], range))
			return false;
	map->v[map->n++] = *range;
	return true;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

int att_idmap_parse(const char *text, size_t len, struct att_idmap *ret)
{
	_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;
	size_t n = count_lines(text, len);
	const char *end = text + len;

	if (n > ATT_IDMAP_RANGES_MAX || (len > 0 && end[-1] != '\n'))
		return -EINVAL;
	if (n > 0) {
		map.v = calloc(n, sizeof(*map.v));
		if (!map.v)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct att_idmap_range range = { 0 };

		att_assert(newline);
		if (!parse_range(text, newline, &range) || !add_range(&map, &range))
			return -EINVAL;
		text = newline + 1;
	}
	*ret = (struct att_idmap){ .v = take_ptr(&map.v), .n = map.n };
	return 0;
}

bool att_idmap_to_host(const struct att_idmap *map, uint32_t ct_id, uint32_t *ret_host_id)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct att_idmap_range *r = &map->v[i];

		if (ct_id >= r->ct && ct_id - r->ct < r->len) {
			*ret_host_id = r->host + (ct_id - r->ct);
			return true;
		}
	}
	return false;
}

bool att_idmap_to_ct(const struct att_idmap *map, uint32_t host_id, uint32_t *ret_ct_id)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct att_idmap_range *r = &map->v[i];

		if (host_id >= r->host && host_id - r->host < r->len) {
			*ret_ct_id = r->ct + (host_id - r->host);
			return true;
		}
	}
	return false;
}

bool att_idmap_is_identity(const struct att_idmap *map)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < map->n; i++) {
		if (map->v[i].ct != map->v[i].host)
			return false;
		covered += map->v[i].len;
	}
	/* Ranges never overlap, so their lengths add up to what is covered. */
	return covered == UINT32_MAX;
}
