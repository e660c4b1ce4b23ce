/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>

#include "base/buf.h"

static void empty_buffer_owns_nothing(void **state)
{
	struct att_buf buf = ATT_BUF_INIT;

	(void)state;
	att_buf_done(&buf);
	att_buf_done(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
}

static void append_keeps_a_terminator_behind_the_bytes(void **state)
{
	_cleanup_buf_ struct att_buf buf = ATT_BUF_INIT;

	(void)state;
	assert_int_equal(att_buf_append(&buf, NULL, 0), 0);
	assert_string_equal(buf.data, "");
	assert_int_equal(att_buf_append(&buf, "a\0b", 3), 0);
	assert_int_equal(att_buf_append(&buf, "cd", 2), 0);
	assert_int_equal(buf.len, 5);
	assert_memory_equal(buf.data, "a\0bcd", 6);
}

static void growth_keeps_every_byte(void **state)
{
	_cleanup_buf_ struct att_buf buf = ATT_BUF_INIT;

	(void)state;
	for (size_t i = 0; i < 100000; i++) {
		char c = (char)('a' + i % 26);

		assert_int_equal(att_buf_append(&buf, &c, 1), 0);
	}
	assert_int_equal(buf.len, 100000);
	for (size_t i = 0; i < buf.len; i++)
		assert_int_equal(buf.data[i], 'a' + i % 26);
}

static void limit_is_exact_and_a_refusal_changes_nothing(void **state)
{
	_cleanup_buf_ struct att_buf buf = { .limit = 5 };

	(void)state;
	assert_int_equal(att_buf_append(&buf, "12345", 5), 0);
	assert_int_equal(att_buf_append(&buf, "6", 1), -EFBIG);
	assert_int_equal(att_buf_printf(&buf, "%d", 7), -EFBIG);
	assert_string_equal(buf.data, "12345");
	assert_int_equal(buf.len, 5);
	att_buf_done(&buf);
	assert_int_equal(buf.limit, 5);
}

static void size_that_overflows_is_no_memory(void **state)
{
	_cleanup_buf_ struct att_buf buf = ATT_BUF_INIT;

	(void)state;
	assert_int_equal(att_buf_append(&buf, "x", 1), 0);
	assert_int_equal(att_buf_reserve(&buf, SIZE_MAX), -ENOMEM);
	assert_int_equal(att_buf_reserve(&buf, SIZE_MAX - 1), -ENOMEM);
	assert_int_equal(att_buf_reserve(&buf, SIZE_MAX - 2), -ENOMEM);
	assert_string_equal(buf.data, "x");
}

static void reserve_makes_room_for_the_terminator_too(void **state)
{
	_cleanup_buf_ struct att_buf buf = ATT_BUF_INIT;

	(void)state;
	assert_int_equal(att_buf_reserve(&buf, 256), 0);
	assert_true(buf.cap >= 257);
	assert_int_equal(buf.len, 0);
}

static void printf_appends_text_of_any_length(void **state)
{
	_cleanup_buf_ struct att_buf buf = ATT_BUF_INIT;

	(void)state;
	assert_int_equal(att_buf_printf(&buf, "%s=%d", "a", 42), 0);
	assert_string_equal(buf.data, "a=42");
	assert_int_equal(att_buf_printf(&buf, "%*s", 5000, "z"), 0);
	assert_int_equal(buf.len, 5004);
	assert_int_equal(strlen(buf.data), 5004);
	assert_int_equal(buf.data[5003], 'z');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_buffer_owns_nothing),
		cmocka_unit_test(append_keeps_a_terminator_behind_the_bytes),
		cmocka_unit_test(growth_keeps_every_byte),
		cmocka_unit_test(limit_is_exact_and_a_refusal_changes_nothing),
		cmocka_unit_test(size_that_overflows_is_no_memory),
		cmocka_unit_test(reserve_makes_room_for_the_terminator_too),
		cmocka_unit_test(printf_appends_text_of_any_length),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
