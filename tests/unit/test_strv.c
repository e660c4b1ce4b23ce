/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <stdio.h>

#include "base/strv.h"

static void empty_vector_owns_nothing(void **state)
{
	struct att_strv s = ATT_STRV_INIT;

	(void)state;
	att_strv_done(&s);
	att_strv_done(&s);
	assert_null(s.v);
	assert_null(att_strv_env_get(&s, "X"));
}

static void vector_ends_in_null_at_every_length(void **state)
{
	_cleanup_strv_ struct att_strv s = ATT_STRV_INIT;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		char text[16];

		assert_true(snprintf(text, sizeof(text), "%zu", i) > 0);
		assert_int_equal(att_strv_add_str(&s, text), 0);
		assert_int_equal(s.n, i + 1);
		assert_string_equal(s.v[i], text);
		assert_null(s.v[s.n]);
	}
	assert_string_equal(s.v[0], "0");
}

static void add_copies_so_many_bytes(void **state)
{
	_cleanup_strv_ struct att_strv s = ATT_STRV_INIT;
	char text[] = "abcdef";

	(void)state;
	assert_int_equal(att_strv_add(&s, text, 3), 0);
	assert_int_equal(att_strv_add(&s, text, 0), 0);
	text[0] = 'X';
	assert_string_equal(s.v[0], "abc");
	assert_string_equal(s.v[1], "");
}

static void env_set_replaces_in_place_and_keeps_the_order(void **state)
{
	_cleanup_strv_ struct att_strv s = ATT_STRV_INIT;

	(void)state;
	assert_int_equal(att_strv_env_set(&s, "A=1", 3), 0);
	assert_int_equal(att_strv_env_set(&s, "AB=2", 4), 0);
	assert_int_equal(att_strv_env_set(&s, "A=3=4", 5), 0);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.v[0], "A=3=4");
	assert_string_equal(s.v[1], "AB=2");
	assert_null(s.v[2]);
}

static void env_get_compares_whole_names(void **state)
{
	_cleanup_strv_ struct att_strv s = ATT_STRV_INIT;

	(void)state;
	assert_int_equal(att_strv_env_set(&s, "AB=1=x", 6), 0);
	assert_int_equal(att_strv_env_set(&s, "E=", 2), 0);
	assert_int_equal(att_strv_env_set(&s, "CUT=12", 5), 0);
	assert_string_equal(att_strv_env_get(&s, "AB"), "1=x");
	assert_string_equal(att_strv_env_get(&s, "E"), "");
	assert_string_equal(att_strv_env_get(&s, "CUT"), "1");
	assert_null(att_strv_env_get(&s, "A"));
	assert_null(att_strv_env_get(&s, "ABC"));
	assert_null(att_strv_env_get(&s, ""));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_vector_owns_nothing),
		cmocka_unit_test(vector_ends_in_null_at_every_length),
		cmocka_unit_test(add_copies_so_many_bytes),
		cmocka_unit_test(env_set_replaces_in_place_and_keeps_the_order),
		cmocka_unit_test(env_get_compares_whole_names),
	};

	return cmocka_run_group_tests_name("strv", tests, NULL, NULL);
}
