/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include "io/escape.h"

struct typed {
	const char *in;
	const char *out;
	unsigned actions;
};

/* Fed whole, and byte by byte, in the place where the relay has it: the result is the same. */
static void check(const struct att_escape_machine *start, const struct typed *t)
{
	size_t len = strlen(t->in);

	for (size_t step = 1; step <= len; step = step == 1 && len > 1 ? len : len + 1) {
		struct att_escape_machine m = *start;
		unsigned char got[256];
		size_t n = 0;

		for (size_t at = 0; at < len && m.actions < ATT_ESCAPE_SUSPEND &&
		                    !(m.actions & (ATT_ESCAPE_DISCONNECT | ATT_ESCAPE_DETACH));
		     at += step) {
			unsigned char room[ATT_ESCAPE_HELD_MAX + 256];

			memcpy(room + ATT_ESCAPE_HELD_MAX, t->in + at, step);

			size_t k = att_escape_feed(&m, room + ATT_ESCAPE_HELD_MAX, step, room);

			memcpy(got + n, room, k);
			n += k;
		}
		got[n] = '\0';
		assert_string_equal((char *)got, t->out);
		assert_num(m.actions, t->actions);
	}
}

static void an_escape_is_one_only_at_the_start_of_a_line(void **state)
{
	static const struct typed cases[] = {
		{ "~.", "", ATT_ESCAPE_DISCONNECT },
		{ "ls\r~.", "ls\r", ATT_ESCAPE_DISCONNECT },
		{ "ls\n~.rest", "ls\n", ATT_ESCAPE_DISCONNECT },
		{ "a~.", "a~.", 0 },
		{ "~~.", "~.", 0 },
		{ "~~~.", "~~.", 0 },
		{ "~x", "~x", 0 },
		{ "~\r~.", "~\r", ATT_ESCAPE_DISCONNECT },
		{ "~?", "", ATT_ESCAPE_HELP },
		{ "~\x1a", "", ATT_ESCAPE_SUSPEND },
	};
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;

	(void)state;
	m.escape_char = '~';
	for (size_t i = 0; i < countof(cases); i++)
		check(&m, &cases[i]);
}

static void after_help_the_line_is_still_at_its_start(void **state)
{
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;
	unsigned char out[16];

	(void)state;
	m.escape_char = '~';
	assert_num(att_escape_feed(&m, (const unsigned char *)"~?~.", 4, out), 0);
	assert_num(m.actions, ATT_ESCAPE_HELP | ATT_ESCAPE_DISCONNECT);
}

static void what_a_terminal_answers_is_not_typed(void **state)
{
	static const struct typed cases[] = {
		{ "\x1b[24;80R~.", "\x1b[24;80R", ATT_ESCAPE_DISCONNECT },
		{ "\x1b[?62;c\x1b[0n~.", "\x1b[?62;c\x1b[0n", ATT_ESCAPE_DISCONNECT },
		{ "\x1b[A~.", "\x1b[A~.", 0 },
		{ "\x1b[3~~.", "\x1b[3~~.", 0 },
		{ "\x1b~.", "\x1b~.", 0 },
		{ "x\x1b[24;80R~.", "x\x1b[24;80R~.", 0 },
	};
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;

	(void)state;
	m.escape_char = '~';
	for (size_t i = 0; i < countof(cases); i++)
		check(&m, &cases[i]);
}

static void keys_detach_when_they_are_all_there(void **state)
{
	static const struct typed cases[] = {
		{ "\x10\x11", "", ATT_ESCAPE_DETACH },
		{ "ls\x10\x11gone", "ls", ATT_ESCAPE_DETACH },
		{ "\x10x\x11", "\x10x\x11", 0 },
		{ "\x10\x10\x11", "\x10", ATT_ESCAPE_DETACH },
		{ "\x11\x10x", "\x11\x10x", 0 },
	};
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;

	(void)state;
	assert_true(att_keys_parse_sequence("ctrl-p,ctrl-q", m.keys, &m.n_keys));
	for (size_t i = 0; i < countof(cases); i++)
		check(&m, &cases[i]);
}

/* "aab" after "aa" and another "a": the last two may still begin it. */
static void keys_that_repeat_are_found_after_a_false_start(void **state)
{
	static const struct typed cases[] = {
		{ "aaab", "a", ATT_ESCAPE_DETACH },
		{ "aacaab", "aac", ATT_ESCAPE_DETACH },
		{ "abaab", "ab", ATT_ESCAPE_DETACH },
	};
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;

	(void)state;
	assert_true(att_keys_parse_sequence("a,a,b", m.keys, &m.n_keys));
	for (size_t i = 0; i < countof(cases); i++)
		check(&m, &cases[i]);
}

static void without_either_every_byte_goes_through(void **state)
{
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;
	unsigned char in[256];
	unsigned char out[256 + ATT_ESCAPE_HELD_MAX];

	(void)state;
	assert_false(att_escape_is_on(&m));
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)i;
	assert_num(att_escape_feed(&m, in, sizeof(in), out), sizeof(in));
	assert_memory_equal(out, in, sizeof(in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_escape_is_one_only_at_the_start_of_a_line),
		cmocka_unit_test(after_help_the_line_is_still_at_its_start),
		cmocka_unit_test(what_a_terminal_answers_is_not_typed),
		cmocka_unit_test(keys_detach_when_they_are_all_there),
		cmocka_unit_test(keys_that_repeat_are_found_after_a_false_start),
		cmocka_unit_test(without_either_every_byte_goes_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
