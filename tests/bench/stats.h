/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arithmetic of the benchmark: pure, so that a unit test can hold it to known answers. */
#ifndef ATT_BENCH_STATS_H
#define ATT_BENCH_STATS_H

#include <stdbool.h>

#include "base/defs.h"

/* Of a series of values that are zero or more; all zero when the series is empty. */
struct stats {
	size_t n;
	int64_t min;
	int64_t p10;
	int64_t median;
	int64_t p90;
	int64_t max;
};

/**
 * stats_percentile() - value below which a share of a series lies
 * @sorted:  ascending, zero or more each; @n values, at least one
 * @percent: 0…100
 *
 * Between two values of the series it interpolates, rounding down.
 */
int64_t stats_percentile(const int64_t *sorted, size_t n, unsigned int percent);

/**
 * stats_of() - describe a series
 * @values: in-out: @n values, zero or more each; sorted afterwards
 */
struct stats stats_of(int64_t *values, size_t n);

/** stats_ratio() - @part / @whole. Return: 0 when @whole is 0. */
double stats_ratio(int64_t part, int64_t whole);

/**
 * stats_strace_total() - number of system calls out of `strace -c -U calls,name`
 * @text: NUL-terminated; the program's own messages may stand before the summary
 *
 * Return: true and *ret set, or false when there is no line of totals.
 */
bool stats_strace_total(const char *text, int64_t *ret) _must_check_;

/**
 * stats_dd_records() - number of whole records that dd read
 * @text: NUL-terminated, such as "16+0 records in\n16+0 records out\n"
 *
 * Return: true and *ret set, or false when no line tells it, or some records were cut short.
 */
bool stats_dd_records(const char *text, int64_t *ret) _must_check_;

/**
 * stats_flood_cost() - what `probe flood` cost by itself, out of what came through terminals
 * @tail:  NUL-terminated end of it, which the probe's own words close
 * @total: bytes that came, the tail's included
 * @bytes: that the probe was told to write
 * @lines: they were lines; every terminal on the way may have made them a byte longer, at most two
 *
 * Return: true and *ret in ns; false when no cost is told, or bytes were lost or added.
 */
bool stats_flood_cost(const char *tail, int64_t total, int64_t bytes, bool lines, int64_t *ret)
	_must_check_;

#endif
