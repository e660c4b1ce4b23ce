/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/stats.h"

#include <stdio.h>
#include <string.h>

#include "base/parse.h"

#define FLOOD_LINE  77 /* 76 columns and the newline, as the probe writes them */
#define FLOOD_WORDS "cpu_us="

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t stats_percentile(const int64_t *sorted, size_t n, unsigned int percent)
{
	/* The place in hundredths of a step between two values. */
	size_t place = (n - 1) * percent;
	size_t i = place / 100;
	int64_t rest = (int64_t)(place % 100);

	if (rest == 0)
		return sorted[i];

	int64_t step = sorted[i + 1] - sorted[i];

	/* In two parts, so that no product overflows. */
	return sorted[i] + step / 100 * rest + step % 100 * rest / 100;
}

struct stats stats_of(int64_t *values, size_t n)
{
	if (n == 0)
		return (struct stats){ 0 };
	qsort(values, n, sizeof(*values), compare);
	return (struct stats){
		.n = n,
		.min = values[0],
		.p10 = stats_percentile(values, n, 10),
		.median = stats_percentile(values, n, 50),
		.p90 = stats_percentile(values, n, 90),
		.max = values[n - 1],
	};
}

double stats_ratio(int64_t part, int64_t whole)
{
	return whole == 0 ? 0 : (double)part / (double)whole;
}

/* A line "NUMBER WORD…", with or without blanks; *ret_rest: from the word on. */
static bool split_line(const char *line, int64_t *ret_number, const char **ret_rest)
{
	char number[24];
	size_t blanks = strspn(line, " \t");
	size_t digits = strspn(line + blanks, "0123456789");
	int64_t value = 0;

	if (digits == 0 || digits >= sizeof(number))
		return false;
	memcpy(number, line + blanks, digits);
	number[digits] = '\0';
	if (!att_parse_i64(number, &value))
		return false;
	*ret_number = value;
	*ret_rest = line + blanks + digits + strspn(line + blanks + digits, " \t");
	return true;
}

/* The number of the last line whose words are @words and no more. */
static bool last_number(const char *text, const char *words, int64_t *ret)
{
	size_t len = strlen(words);
	bool found = false;

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		const char *rest = NULL;
		int64_t value = 0;

		line += *line == '\n';
		if (!split_line(line, &value, &rest) || strncmp(rest, words, len) != 0 ||
		    (rest[len] != '\0' && rest[len] != '\n'))
			continue;
		*ret = value;
		found = true;
	}
	return found;
}

bool stats_strace_total(const char *text, int64_t *ret)
{
	return last_number(text, "total", ret);
}

bool stats_dd_records(const char *text, int64_t *ret)
{
	return last_number(text, "+0 records in", ret);
}

/* Each terminal turns the end of a line into two bytes, of which the next one sees a line's end. */
static bool is_flood(int64_t came, int64_t bytes, bool lines)
{
	int64_t n_lines = lines ? bytes / FLOOD_LINE : 0;

	return came == bytes || came == bytes + n_lines || came == bytes + 2 * n_lines;
}

bool stats_flood_cost(const char *tail, int64_t total, int64_t bytes, bool lines, int64_t *ret)
{
	const char *words = strstr(tail, FLOOD_WORDS);
	char number[24] = "";
	int64_t us = 0;

	if (words == NULL || !is_flood(total - (int64_t)strlen(words), bytes, lines))
		return false;

	const char *digits = words + strlen(FLOOD_WORDS);
	size_t len = strcspn(digits, "\r\n");

	if (len >= sizeof(number) || digits[len] == '\0')
		return false;
	memcpy(number, digits, len);
	if (!att_parse_i64(number, &us) || us < 0 || us > INT64_MAX / 1000)
		return false;
	*ret = us * 1000;
	return true;
}
