/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <signal.h>
#include <stdio.h>

#include "base/parse.h"

#define SEC ATT_NS_PER_SEC

static void u64_takes_digits_only(void **state)
{
	static const char *const refused[] = { "",
		                               " 1",
		                               "1 ",
		                               "+1",
		                               "-1",
		                               "0x1",
		                               "1.0",
		                               "1e3",
		                               "１",
		                               "a",
		                               "1a",
		                               "18446744073709551616",
		                               "99999999999999999999999" };
	uint64_t v = 7;

	(void)state;
	assert_true(att_parse_u64("0", &v));
	assert_true(v == 0);
	assert_true(att_parse_u64("007", &v));
	assert_true(v == 7);
	assert_true(att_parse_u64("18446744073709551615", &v));
	assert_true(v == UINT64_MAX);
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_parse_u64(refused[i], &v));
	assert_true(v == UINT64_MAX);
}

static void i64_reaches_both_ends(void **state)
{
	static const char *const refused[] = { "",
		                               "-",
		                               "--1",
		                               "+1",
		                               "- 1",
		                               "1-",
		                               "-",
		                               "-0x1",
		                               "9223372036854775808",
		                               "-9223372036854775809" };
	int64_t v = 0;

	(void)state;
	assert_true(att_parse_i64("-1", &v));
	assert_true(v == -1);
	assert_true(att_parse_i64("-0", &v));
	assert_true(v == 0);
	assert_true(att_parse_i64("9223372036854775807", &v));
	assert_true(v == INT64_MAX);
	assert_true(att_parse_i64("-9223372036854775808", &v));
	assert_true(v == INT64_MIN);
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_parse_i64(refused[i], &v));
	assert_true(v == INT64_MIN);
}

static void id_refuses_the_kernels_no_id(void **state)
{
	uint32_t v = 5;

	(void)state;
	assert_false(att_parse_id("4294967295", &v));
	assert_false(att_parse_id("4294967296", &v));
	assert_false(att_parse_id("-1", &v));
	assert_false(att_parse_id("", &v));
	assert_false(att_parse_id("root", &v));
	assert_int_equal(v, 5);
	assert_true(att_parse_id("4294967294", &v));
	assert_int_equal(v, UINT32_MAX - 1);
	assert_true(att_parse_id("007", &v));
	assert_int_equal(v, 7);
}

static void octal_has_a_bound(void **state)
{
	uint32_t v = 5;

	(void)state;
	assert_true(att_parse_octal("022", 0777, &v));
	assert_int_equal(v, 022);
	assert_true(att_parse_octal("22", 0777, &v));
	assert_int_equal(v, 022);
	assert_true(att_parse_octal("777", 0777, &v));
	assert_int_equal(v, 0777);
	assert_false(att_parse_octal("1000", 0777, &v));
	assert_false(att_parse_octal("8", 0777, &v));
	assert_false(att_parse_octal("0o22", 0777, &v));
	assert_false(att_parse_octal("", 0777, &v));
	assert_false(att_parse_octal("7777777777777777777777777", UINT32_MAX, &v));
	assert_int_equal(v, 0777);
}

static void duration_knows_its_units(void **state)
{
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "0", 0 },
		{ "0ms", 0 },
		{ "10", 10 * SEC },
		{ "1.5", SEC + SEC / 2 },
		{ "1.5s", SEC + SEC / 2 },
		{ "250ms", SEC / 4 },
		{ "0.5ms", 500000 },
		{ "2m", 120 * SEC },
		{ "1h", 3600 * SEC },
		{ "1h30m", 5400 * SEC },
		{ "1.5h", 5400 * SEC },
		{ "1d", 86400 * SEC },
		{ "1d1h1m1s1ms", (86400 + 3600 + 60 + 1) * SEC + SEC / 1000 },
		{ "1d1ms", 86400 * SEC + SEC / 1000 },
		{ "0.000000001", 1 },
		{ "0.0000000019", 1 },
		{ "0.99999999999999999999999999999999999999", SEC - 1 },
		{ "9223372036854775807ms", -1 },
		{ "9223372036.854775807", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t ns = -1;

		assert_true(att_parse_duration_ns(cases[i].text, &ns) == (cases[i].ns >= 0));
		assert_true(ns == cases[i].ns);
	}
}

static void duration_refuses_everything_else(void **state)
{
	static const char *const refused[] = {
		"",
		" ",
		"-1",
		"+1",
		"1 s",
		" 1",
		"1s ",
		"s",
		"1x",
		"1us",
		"1S",
		"1sec",
		"1h30",
		"30m1h",
		"1m1m",
		"1s1s",
		".5s",
		"1.",
		"1.s",
		"1..5",
		"1.5.5s",
		"1e3",
		"1h 30m",
		"ms",
		"1ms1",
		"1,5s",
		"inf",
		"nan",
		"0x10",
		"106752d",
		"9223372036.854775808",
		"18446744073709551616",
		"153722867280912930m",
	};
	int64_t ns = -1;

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_parse_duration_ns(refused[i], &ns));
	assert_true(ns == -1);
}

static void size_is_in_powers_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "4096B", 4096 },
		{ "64k", 65536 },
		{ "64K", 65536 },
		{ "64kB", 65536 },
		{ "64KiB", 65536 },
		{ "512M", UINT64_C(512) << 20 },
		{ "512mb", UINT64_C(512) << 20 },
		{ "1.5G", UINT64_C(3) << 29 },
		{ "2T", UINT64_C(2) << 40 },
		{ "2TiB", UINT64_C(2) << 40 },
		{ "0.3k", 307 },
		{ "16777215T", UINT64_C(16777215) << 40 },
		{ "18446744073709551615", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		uint64_t bytes = 1;

		assert_true(att_parse_size(cases[i].text, &bytes));
		assert_true(bytes == cases[i].bytes);
	}
}

static void size_refuses_everything_else(void **state)
{
	static const char *const refused[] = { "",     "k",         "-1",  "1 k",
		                               " 1k",  "1kk",       "1iB", "1.5",
		                               "1.5B", "1.",        "1P",  "1KI",
		                               "0x10", "16777216T", "1k1", "18446744073709551616" };
	uint64_t bytes = 1;

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_parse_size(refused[i], &bytes));
	assert_int_equal(bytes, 1);
}

static void signal_by_name_or_number(void **state)
{
	const struct {
		const char *text;
		int sig;
	} cases[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "term", SIGTERM },
		{ "sigTerm", SIGTERM },
		{ "15", 15 },
		{ "015", 15 },
		{ "1", 1 },
		{ "64", 64 },
		{ "32", 32 },
		{ "HUP", SIGHUP },
		{ "SYS", SIGSYS },
		{ "segv", SIGSEGV },
		{ "IOT", SIGABRT },
		{ "CLD", SIGCHLD },
		{ "POLL", SIGPOLL },
		{ "IO", SIGIO },
		{ "RTMIN", SIGRTMIN },
		{ "RTMIN+0", SIGRTMIN },
		{ "SIGRTMIN+3", SIGRTMIN + 3 },
		{ "rtmin+3", SIGRTMIN + 3 },
		{ "RTMAX", SIGRTMAX },
		{ "RTMAX-2", SIGRTMAX - 2 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int sig = 0;

		assert_true(att_parse_signal(cases[i].text, &sig));
		assert_int_equal(sig, cases[i].sig);
	}
}

static void signal_refuses_everything_else(void **state)
{
	static const char *const refused[] = {
		"",
		"0",
		"65",
		"-1",
		"+9",
		"9 ",
		"SIG",
		"SIG9",
		"TERMX",
		"TER",
		"SIGSIGTERM",
		"RTMIN-1",
		"RTMAX+1",
		"RTMIN+",
		"RTMIN+31",
		"RTMAX-31",
		"RTMIN+-1",
		"RTMINx",
		"RTMIN+18446744073709551615",
		"18446744073709551631",
	};
	int sig = -7;

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_parse_signal(refused[i], &sig));
	assert_int_equal(sig, -7);
}

static void signal_names_lead_back_to_their_numbers(void **state)
{
	int n_names = 0;

	(void)state;
	for (int sig = -1; sig < 70; sig++) {
		const char *name = att_signal_name(sig);
		int back = 0;

		if (!name)
			continue;
		n_names++;
		assert_true(att_parse_signal(name, &back));
		assert_int_equal(back, sig);
	}
	/* 1 to 31, and the real-time ones that the C library leaves. */
	assert_int_equal(n_names, 31 + SIGRTMAX - SIGRTMIN + 1);
	assert_string_equal(att_signal_name(SIGTERM), "TERM");
	assert_string_equal(att_signal_name(SIGRTMIN), "RTMIN");
	assert_string_equal(att_signal_name(SIGRTMIN + 3), "RTMIN+3");
	assert_null(att_signal_name(0));
	assert_null(att_signal_name(SIGRTMIN - 1));
	assert_null(att_signal_name(SIGRTMAX + 1));
}

static void cpu_list_sets_bits(void **state)
{
	uint64_t bits[2] = { UINT64_MAX, UINT64_MAX };

	(void)state;
	assert_true(att_parse_cpu_list("0-3,8,10-11", bits, 2));
	assert_true(bits[0] == 0xd0f);
	assert_true(bits[1] == 0);
	assert_true(att_parse_cpu_list("62-65,127", bits, 2));
	assert_true(bits[0] == UINT64_C(0xc000000000000000));
	assert_true(bits[1] == UINT64_C(0x8000000000000003));
	assert_true(att_parse_cpu_list("5,1,5,0-127", bits, 2));
	assert_true(bits[0] == UINT64_MAX && bits[1] == UINT64_MAX);
}

static void cpu_list_refuses_everything_else(void **state)
{
	static const char *const refused[] = { "",
		                               ",",
		                               "1,",
		                               ",1",
		                               "1,,2",
		                               "3-1",
		                               "-1",
		                               "1-",
		                               "1--2",
		                               "1-2-3",
		                               "a",
		                               "1 ,2",
		                               "128",
		                               "0-128",
		                               "all",
		                               "1\n",
		                               "0-3:2",
		                               "18446744073709551616",
		                               "0-18446744073709551615" };
	uint64_t bits[3] = { 0, 0, 42 };

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_parse_cpu_list(refused[i], bits, 2));
	assert_false(att_parse_cpu_list("0", bits, 0));
	assert_true(bits[2] == 42);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(u64_takes_digits_only),
		cmocka_unit_test(i64_reaches_both_ends),
		cmocka_unit_test(id_refuses_the_kernels_no_id),
		cmocka_unit_test(octal_has_a_bound),
		cmocka_unit_test(duration_knows_its_units),
		cmocka_unit_test(duration_refuses_everything_else),
		cmocka_unit_test(size_is_in_powers_of_1024),
		cmocka_unit_test(size_refuses_everything_else),
		cmocka_unit_test(signal_by_name_or_number),
		cmocka_unit_test(signal_refuses_everything_else),
		cmocka_unit_test(signal_names_lead_back_to_their_numbers),
		cmocka_unit_test(cpu_list_sets_bits),
		cmocka_unit_test(cpu_list_refuses_everything_else),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
