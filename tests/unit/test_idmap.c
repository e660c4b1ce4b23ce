/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "sys/idmap.h"

static int parse(const char *text, struct att_idmap *ret)
{
	return att_idmap_parse(text, strlen(text), ret);
}

static void unprivileged_container_is_shifted_both_ways(void **state)
{
	_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;
	uint32_t id = 0;

	(void)state;
	assert_int_equal(parse("         0     100000      65536\n", &map), 0);
	assert_int_equal(map.n, 1);
	assert_true(att_idmap_to_host(&map, 0, &id));
	assert_int_equal(id, 100000);
	assert_true(att_idmap_to_host(&map, 65535, &id));
	assert_int_equal(id, 165535);
	assert_true(att_idmap_to_ct(&map, 100000, &id));
	assert_int_equal(id, 0);
	assert_true(att_idmap_to_ct(&map, 165535, &id));
	assert_int_equal(id, 65535);
	assert_false(att_idmap_is_identity(&map));
}

static void id_outside_every_range_has_no_answer(void **state)
{
	_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;
	uint32_t id = 77;

	(void)state;
	assert_int_equal(parse("0 100000 1000\n1000 1000 1\n1001 101001 64535\n", &map), 0);
	assert_true(att_idmap_to_host(&map, 1000, &id));
	assert_int_equal(id, 1000);
	assert_true(att_idmap_to_ct(&map, 1000, &id));
	assert_int_equal(id, 1000);
	id = 77;
	assert_false(att_idmap_to_host(&map, 65536, &id));
	assert_false(att_idmap_to_host(&map, UINT32_MAX, &id));
	assert_false(att_idmap_to_ct(&map, 0, &id));
	assert_false(att_idmap_to_ct(&map, 99999, &id));
	assert_false(att_idmap_to_ct(&map, 101000, &id));
	assert_int_equal(id, 77);
}

static void identity_covers_every_id(void **state)
{
	static const struct {
		const char *text;
		bool is_identity;
	} cases[] = {
		{ "         0          0 4294967295\n", true },
		{ "0 0 1000\n1000 1000 4294966295\n", true },
		{ "1000 1000 4294966295\n0 0 1000\n", true },
		{ "0 0 4294967294\n", false },
		{ "1 1 4294967294\n", false },
		{ "0 1 1\n1 0 1\n2 2 4294967293\n", false },
		{ "0 0 1000\n1001 1001 4294966294\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;

		assert_int_equal(parse(cases[i].text, &map), 0);
		assert_true(att_idmap_is_identity(&map) == cases[i].is_identity);
	}
}

static void empty_text_maps_nothing(void **state)
{
	struct att_idmap map = ATT_IDMAP_INIT;
	uint32_t id = 0;

	(void)state;
	assert_int_equal(parse("", &map), 0);
	assert_int_equal(map.n, 0);
	assert_false(att_idmap_to_host(&map, 0, &id));
	assert_false(att_idmap_to_ct(&map, 0, &id));
	att_idmap_done(&map);
	att_idmap_done(&map);
}

static void malformed_text_is_invalid_and_leaves_the_result_alone(void **state)
{
	static const char *const refused[] = {
		"0 0 1",                         /* cut */
		"\n",                            /* no range */
		"0 0 1\n\n",                     /* blank line */
		"0 0\n",                         /* too few */
		"0 0 1 1\n",                     /* too many */
		"0 0 1 \n",                      /* trailing blank */
		"0\t0\t1\n",                     /* not the kernel's separator */
		"-1 0 1\n",                      /* sign */
		"0 0 0x1\n",                     /* base */
		"a b c\n",                       /* text */
		"0 0 0\n",                       /* empty range */
		"0 0 4294967296\n",              /* number too large */
		"1 0 4294967295\n",              /* container side overflows */
		"0 1 4294967295\n",              /* host side overflows */
		"4294967295 0 1\n",              /* no id */
		"0 4294967295 1\n",              /* not mapped into the reader's namespace */
		"0 0 10\n9 100 1\n",             /* container sides overlap */
		"0 100 10\n20 109 1\n",          /* host sides overlap */
		"0 0 99999999999999999999999\n", /* far too large */
	};
	struct att_idmap map = { .n = 99 };

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_int_equal(parse(refused[i], &map), -EINVAL);
	assert_int_equal(att_idmap_parse("0 0\0 1\n", 7, &map), -EINVAL);
	assert_null(map.v);
	assert_int_equal(map.n, 99);
}

static void neighbours_do_not_overlap(void **state)
{
	_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;

	(void)state;
	assert_int_equal(parse("10 100 10\n0 110 10\n20 90 10\n", &map), 0);
	assert_int_equal(map.n, 3);
}

static void kernel_limit_of_lines_is_the_limit(void **state)
{
	char text[ATT_IDMAP_RANGES_MAX * 16 + 16];
	size_t len = 0;
	struct att_idmap map = ATT_IDMAP_INIT;
	uint32_t id = 0;

	(void)state;
	for (int i = 0; i < ATT_IDMAP_RANGES_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d %d 1\n", 2 * i, 2 * i);
	assert_int_equal(att_idmap_parse(text, len, &map), 0);
	assert_int_equal(map.n, ATT_IDMAP_RANGES_MAX);
	assert_true(att_idmap_to_host(&map, 678, &id));
	att_idmap_done(&map);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "999 999 1\n");
	assert_int_equal(att_idmap_parse(text, len, &map), -EINVAL);
}

static void length_counts_not_a_terminator(void **state)
{
	_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;

	(void)state;
	assert_int_equal(att_idmap_parse("0 5 1\n1 6 1\n", 6, &map), 0);
	assert_int_equal(map.n, 1);
}

static void own_map_is_readable(void **state)
{
	_cleanup_idmap_ struct att_idmap map = ATT_IDMAP_INIT;
	static char text[32768];
	ssize_t len = att_fd_read_file_at(AT_FDCWD, "/proc/self/uid_map", text, sizeof(text));

	(void)state;
	assert_true(len > 0);
	assert_int_equal(att_idmap_parse(text, (size_t)len, &map), 0);
	assert_true(map.n > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unprivileged_container_is_shifted_both_ways),
		cmocka_unit_test(id_outside_every_range_has_no_answer),
		cmocka_unit_test(identity_covers_every_id),
		cmocka_unit_test(empty_text_maps_nothing),
		cmocka_unit_test(malformed_text_is_invalid_and_leaves_the_result_alone),
		cmocka_unit_test(neighbours_do_not_overlap),
		cmocka_unit_test(kernel_limit_of_lines_is_the_limit),
		cmocka_unit_test(length_counts_not_a_terminator),
		cmocka_unit_test(own_map_is_readable),
	};

	return cmocka_run_group_tests_name("idmap", tests, NULL, NULL);
}
