/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include "bench/stats.h"

static void a_percentile_is_a_value_or_lies_between_two(void **state)
{
	static const struct {
		int64_t values[5];
		size_t n;
		unsigned int percent;
		int64_t want;
	} cases[] = {
		{ { 7 }, 1, 0, 7 },
		{ { 7 }, 1, 50, 7 },
		{ { 7 }, 1, 100, 7 },
		{ { 10, 20 }, 2, 0, 10 },
		{ { 10, 20 }, 2, 50, 15 },
		{ { 10, 20 }, 2, 90, 19 },
		{ { 10, 20 }, 2, 100, 20 },
		{ { 10, 21 }, 2, 50, 15 },
		{ { 1, 2, 3, 4, 100 }, 5, 50, 3 },
		{ { 1, 2, 3, 4, 100 }, 5, 10, 1 },
		{ { 100, 200, 300, 400, 500 }, 5, 10, 140 },
		{ { 100, 200, 300, 400, 500 }, 5, 90, 460 },
		{ { 0, INT64_MAX }, 2, 50, INT64_MAX / 2 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++)
		assert_num(stats_percentile(cases[i].values, cases[i].n, cases[i].percent),
		           cases[i].want);
}

static void a_series_in_any_order_has_the_same_figures(void **state)
{
	int64_t values[] = { 50, 10, 40, 20, 30, 60, 110, 100, 90, 80, 70 };
	struct stats s = stats_of(values, countof(values));

	(void)state;
	assert_num(s.n, 11);
	assert_num(s.min, 10);
	assert_num(s.p10, 20);
	assert_num(s.median, 60);
	assert_num(s.p90, 100);
	assert_num(s.max, 110);
	for (size_t i = 1; i < countof(values); i++)
		assert_true(values[i - 1] < values[i]);
}

static void one_slow_run_does_not_move_the_median(void **state)
{
	int64_t values[] = { 1000000, 3, 3, 3, 3 };

	(void)state;
	assert_num(stats_of(values, countof(values)).median, 3);
}

static void an_empty_series_is_all_zero(void **state)
{
	struct stats s = stats_of(NULL, 0);

	(void)state;
	assert_num(s.n, 0);
	assert_num(s.min + s.p10 + s.median + s.p90 + s.max, 0);
}

static void a_ratio_to_nothing_is_zero(void **state)
{
	(void)state;
	assert_true(stats_ratio(1, 2) == 0.5);
	assert_true(stats_ratio(0, 2) == 0);
	assert_true(stats_ratio(3, 0) == 0);
}

static void the_total_of_strace_is_found_behind_other_text(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: none */
	} cases[] = {
		{ "    calls syscall\n--------- -----\n       26 read\n       29 total\n", 29 },
		{ "attache: something\n 5 total\n", 5 },
		{ "523 total", 523 },
		{ "1 total\n2 total\n", 2 },
		{ "", -1 },
		{ "total\n", -1 },
		{ "29 totals\n", -1 },
		{ "29 total of 30\n", -1 },
		{ "-29 total\n", -1 },
		{ "29\ntotal\n", -1 },
		{ "99999999999999999999999999 total\n", -1 },
		{ "9999999999999999999999 total\n", -1 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t got = -1;

		assert_int_equal(stats_strace_total(cases[i].text, &got), cases[i].want >= 0);
		assert_num(got, cases[i].want);
	}
}

static void dd_tells_whole_records_only(void **state)
{
	int64_t got = 0;

	(void)state;
	assert_true(stats_dd_records("2+0 records in\n3+0 records out\n", &got));
	assert_num(got, 2);
	assert_true(stats_dd_records("attache: text\n16384+0 records in\n", &got));
	assert_num(got, 16384);
	assert_false(stats_dd_records("2+1 records in\n2+1 records out\n", &got));
	assert_false(stats_dd_records("2+0 records out\n", &got));
	assert_false(stats_dd_records("+0 records in\n", &got));
	assert_false(stats_dd_records("", &got));
	assert_num(got, 16384);
}

static void a_flood_tells_its_cost_when_every_byte_came(void **state)
{
	static const struct {
		const char *tail;
		int64_t total, bytes;
		bool lines;
		int64_t want;
	} cases[] = {
		{ "zzcpu_us=12\r\n", 111, 100, false, 12000 },
		{ "cpu_us=0\n", 1009, 1000, false, 0 },
		{ "zz\r\ncpu_us=7\r\n", 770 + 10 + 10, 770, true, 7000 },
		{ "zz\r\r\ncpu_us=7\r\r\n", 770 + 20 + 11, 770, true, 7000 },
		{ "cpu_us=7\n", 770 + 9, 770, true, 7000 },
		/* A byte too few or too many, also where lines could have explained it. */
		{ "zzcpu_us=12\r\n", 110, 100, false, -1 },
		{ "zzcpu_us=12\r\n", 112, 100, false, -1 },
		{ "zz\r\ncpu_us=7\r\n", 770 + 10 + 10, 770, false, -1 },
		{ "zz\r\ncpu_us=7\r\n", 770 + 5 + 10, 770, true, -1 },
		/* Nothing told, or cut short. */
		{ "zz", 102, 100, false, -1 },
		{ "", 100, 100, false, -1 },
		{ "cpu_us=", 107, 100, false, -1 },
		{ "cpu_us=12", 109, 100, false, -1 },
		{ "cpu_us=\r\n", 109, 100, false, -1 },
		{ "cpu_us=-1\r\n", 111, 100, false, -1 },
		{ "cpu_us=99999999999999999999999999\n", 134, 100, false, -1 },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		int64_t got = -1;

		assert_int_equal(stats_flood_cost(cases[i].tail, cases[i].total, cases[i].bytes,
		                                  cases[i].lines, &got),
		                 cases[i].want >= 0);
		assert_num(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_percentile_is_a_value_or_lies_between_two),
		cmocka_unit_test(a_series_in_any_order_has_the_same_figures),
		cmocka_unit_test(one_slow_run_does_not_move_the_median),
		cmocka_unit_test(an_empty_series_is_all_zero),
		cmocka_unit_test(a_ratio_to_nothing_is_zero),
		cmocka_unit_test(the_total_of_strace_is_found_behind_other_text),
		cmocka_unit_test(dd_tells_whole_records_only),
		cmocka_unit_test(a_flood_tells_its_cost_when_every_byte_came),
	};

	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
