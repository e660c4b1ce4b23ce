/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include "cli/render.h"

static const struct att_look plain = { .width = 40 };

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
	static const struct att_cell cells[] = {
		{ "NAME", ATT_TINT_NONE },    { "PID", ATT_TINT_NONE },
		{ "straße", ATT_TINT_NONE },  { "7", ATT_TINT_NONE },
		{ "\033[2J", ATT_TINT_NONE }, { "-", ATT_TINT_NONE },
	};
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	assert_int_equal(att_render_table(&out, &plain, cells, 3, 2, 1), 0);
	assert_string_equal(out.data, " NAME     PID\n"
	                              " straße   7\n"
	                              " \\x1b[2J  -\n");
}

static void colour_goes_around_the_text_not_the_blanks(void **state)
{
	static const struct att_cell cells[] = {
		{ "RUN", ATT_TINT_GOOD },
		{ "x", ATT_TINT_NONE },
		{ "RUNNING", ATT_TINT_NONE },
		{ "y", ATT_TINT_NONE },
	};
	const struct att_look coloured = { .color = true, .width = 40 };
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	assert_int_equal(att_render_table(&out, &coloured, cells, 2, 2, 0), 0);
	assert_string_equal(out.data, "\033[32mRUN\033[0m      x\nRUNNING  y\n");
}

static void words_wrap_at_the_width_and_align(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	assert_int_equal(att_render_wrap(&out, &plain,
	                                 "aaaaaaaaaa bbbbbbbbbb cccccccccc "
	                                 "dddddddddddddddddddddddddddddddddddddddd e",
	                                 8),
	                 0);
	assert_string_equal(out.data, "aaaaaaaaaa bbbbbbbbbb cccccccccc\n"
	                              "        dddddddddddddddddddddddddddddddddddddddd\n"
	                              "        e\n");
}

static void no_words_are_an_empty_line(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	assert_int_equal(att_render_wrap(&out, &plain, "  ", 8), 0);
	assert_string_equal(out.data, "\n");
}

static void json_on_a_terminal_is_ascii(void **state)
{
	const struct att_look terminal = { .terminal = true, .width = 40 };
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_ok(att_render_json_text(&out, &terminal, "{\"a\":\"\xc2\x9b\"}", &err));
	assert_ok(att_render_json_text(&out, &plain, "[\"\xc2\x9b\"]", &err));
	assert_string_equal(out.data, "{\n  \"a\": \"\\u009B\"\n}\n[\n  \"\xc2\x9b\"\n]\n");
}

static void text_that_is_no_json_is_our_own_error(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_code(att_render_json_text(&out, &plain, "{", &err), ATT_E_INTERNAL_ERROR);
	assert_code(att_render_json_text(&out, &plain, NULL, &err), ATT_E_NO_MEMORY);
	assert_int_equal(out.len, 0);
}

static void set_env(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void colour_is_a_choice_before_it_is_a_guess(void **state)
{
	static const struct {
		uint32_t color;
		const char *no_color;
		bool want;
	} cases[] = {
		{ ATT_COLOR_AUTO, NULL, false }, /* the descriptor is no terminal */
		{ ATT_COLOR_ALWAYS, NULL, true },
		{ ATT_COLOR_ALWAYS, "1", true },
		{ ATT_COLOR_NEVER, NULL, false },
	};
	struct att_opts o;

	att_ignore(state != NULL);
	att_opts_init(&o);
	set_env("TERM", "xterm");
	for (size_t i = 0; i < countof(cases); i++) {
		set_env("NO_COLOR", cases[i].no_color);
		o.color = cases[i].color;
		assert_int_equal(att_look_at(-1, &o).color, cases[i].want);
		assert_int_equal(att_look_at(-1, &o).width, 80);
	}
}

static void a_closed_standard_output_is_an_error(void **state)
{
	const struct att_buf out = ATT_BUF_INIT;
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_code(att_render_out(&out, 1u << 1, &err), ATT_E_IO_ERROR);
	assert_string_equal(err.msg, "write to standard output: Bad file descriptor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(colour_goes_around_the_text_not_the_blanks),
		cmocka_unit_test(words_wrap_at_the_width_and_align),
		cmocka_unit_test(no_words_are_an_empty_line),
		cmocka_unit_test(json_on_a_terminal_is_ascii),
		cmocka_unit_test(text_that_is_no_json_is_our_own_error),
		cmocka_unit_test(colour_is_a_choice_before_it_is_a_guess),
		cmocka_unit_test(a_closed_standard_output_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
