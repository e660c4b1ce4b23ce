/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include "base/keys.h"

static void characters_and_keys_are_read_as_ssh_and_docker_have_them(void **state)
{
	static const char *const bad_chars[] = { "", "~~", "^1", "ctrl-a", "\x01", "\xc3\xa4" };
	static const char *const bad_keys[] = { ",",      "a,", ",a",      "ctrl-",
		                                "ctrl-1", "ab", "ctrl-pp", "a,b,c,d,e,f,g,h,i",
		                                "\x01" };
	unsigned char keys[ATT_KEYS_MAX];
	size_t n = 9;
	int c = 0;

	(void)state;
	assert_true(att_keys_parse_escape("~", &c));
	assert_num(c, '~');
	assert_true(att_keys_parse_escape("^", &c));
	assert_true(att_keys_parse_escape("^]", &c));
	assert_num(c, 0x1d);
	assert_true(att_keys_parse_escape("none", &c));
	assert_num(c, -1);
	for (size_t i = 0; i < countof(bad_chars); i++)
		assert_false(att_keys_parse_escape(bad_chars[i], &c));
	assert_true(att_keys_parse_sequence("ctrl-a,d,ctrl-@", keys, &n));
	assert_num(n, 3);
	assert_memory_equal(keys,
	                    "\x01"
	                    "d\0",
	                    3);
	assert_true(att_keys_parse_sequence("", keys, &n));
	assert_num(n, 0);
	for (size_t i = 0; i < countof(bad_keys); i++)
		assert_false(att_keys_parse_sequence(bad_keys[i], keys, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_and_keys_are_read_as_ssh_and_docker_have_them),
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
