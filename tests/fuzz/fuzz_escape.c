/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is typed for attache: no input crashes the machine, nothing is passed on that was not typed,
 * and how the bytes are cut into reads changes nothing. The input's first line is the escape
 * character, the second the keys that detach, the rest is typed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/defs.h"
#include "io/escape.h"

#define ENDS (ATT_ESCAPE_DISCONNECT | ATT_ESCAPE_DETACH)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Return: behind the line, which is cut off and copied; NULL when there is none or it is too long. */
static const uint8_t *take_line(const uint8_t *data, const uint8_t *end, char *dst, size_t cap)
{
	const uint8_t *stop = data < end ? memchr(data, '\n', (size_t)(end - data)) : NULL;
	size_t len = stop ? (size_t)(stop - data) : 0;

	if (!stop || len >= cap)
		return NULL;
	memcpy(dst, data, len);
	dst[len] = '\0';
	return stop + 1;
}

static bool make_machine(const char *escape, const char *keys, struct att_escape_machine *ret)
{
	*ret = (struct att_escape_machine)ATT_ESCAPE_MACHINE_INIT;
	if (!att_keys_parse_escape(escape, &ret->escape_char) ||
	    !att_keys_parse_sequence(keys, ret->keys, &ret->n_keys))
		return false;
	att_assert(ret->escape_char >= -1 && ret->escape_char < 0x7f);
	att_assert(ret->n_keys <= ATT_KEYS_MAX);
	return true;
}

/* In reads of @step bytes, in the place where the relay has them. Return: bytes at @out. */
static size_t feed(struct att_escape_machine *m, const uint8_t *typed, size_t len, size_t step,
                   unsigned char *out)
{
	unsigned char *room = malloc(ATT_ESCAPE_HELD_MAX + step);
	size_t n = 0;

	att_assert(room);
	for (size_t at = 0; at < len && !(m->actions & ENDS); at += step) {
		size_t part = len - at < step ? len - at : step;
		size_t passed = 0;

		memcpy(room + ATT_ESCAPE_HELD_MAX, typed + at, part);
		passed = att_escape_feed(m, room + ATT_ESCAPE_HELD_MAX, part, room);
		att_assert(passed <= part + ATT_ESCAPE_HELD_MAX);
		memcpy(out + n, room, passed);
		n += passed;
		/* Only what was typed before can be passed on. */
		att_assert(n <= at + part);
	}
	free(room);
	return n;
}

static void check_subsequence(const unsigned char *out, size_t n, const uint8_t *typed, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		while (at < len && typed[at] != out[i])
			at++;
		att_assert(at < len);
		at++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = { 1, 2, 7 };
	const uint8_t *end = data + size;
	const uint8_t *typed = data;
	struct att_escape_machine start;
	struct att_escape_machine whole;
	char escape[8];
	char keys[80];
	unsigned char *out[2] = { NULL, NULL };
	size_t len = 0;
	size_t n = 0;

	typed = take_line(typed, end, escape, sizeof(escape));
	if (typed)
		typed = take_line(typed, end, keys, sizeof(keys));
	if (!typed || typed == end || !make_machine(escape, keys, &start))
		return 0;
	len = (size_t)(end - typed);
	out[0] = malloc(len);
	out[1] = malloc(len);
	att_assert(out[0] && out[1]);
	whole = start;
	n = feed(&whole, typed, len, len, out[0]);
	check_subsequence(out[0], n, typed, len);
	if (!att_escape_is_on(&start))
		att_assert(n == len && whole.actions == 0);
	for (size_t i = 0; i < countof(steps); i++) {
		struct att_escape_machine cut = start;

		att_assert(feed(&cut, typed, len, steps[i], out[1]) == n);
		att_assert(memcmp(out[0], out[1], n) == 0);
		att_assert(cut.actions == whole.actions && cut.matched == whole.matched);
		att_assert(cut.escaped == whole.escaped && cut.at_start == whole.at_start);
	}
	free(out[0]);
	free(out[1]);
	return 0;
}
