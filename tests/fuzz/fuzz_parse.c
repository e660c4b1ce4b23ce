/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to value: no input crashes, results keep their documented ranges, names lead back. */
#include <signal.h>
#include <string.h>

#include "base/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_numbers(const char *text)
{
	uint64_t u = 0;
	int64_t i = 0;
	uint32_t id = 0;
	uint32_t octal = 0;

	if (att_parse_u64(text, &u))
		att_assert(strspn(text, "0123456789") == strlen(text));
	if (att_parse_i64(text, &i))
		att_assert(i < 0 ? *text == '-' : (uint64_t)i <= INT64_MAX);
	if (att_parse_id(text, &id))
		att_assert(id < UINT32_MAX && u == id);
	if (att_parse_octal(text, 0777, &octal))
		att_assert(octal <= 0777);
}

static void check_amounts(const char *text)
{
	int64_t ns = 0;
	uint64_t bytes = 0;
	uint64_t plain = 0;

	if (att_parse_duration_ns(text, &ns))
		att_assert(ns >= 0);
	if (att_parse_u64(text, &plain)) {
		att_assert(att_parse_size(text, &bytes) && bytes == plain);
		att_assert(att_parse_duration_ns(text, &ns) ==
		           (plain <= (uint64_t)(INT64_MAX / ATT_NS_PER_SEC)));
	} else {
		att_ignore(att_parse_size(text, &bytes));
	}
}

static void check_signal(const char *text)
{
	const char *name = NULL;
	int sig = 0;
	int back = 0;

	if (!att_parse_signal(text, &sig))
		return;
	att_assert(sig >= 1 && sig <= 64);
	name = att_signal_name(sig);
	if (name)
		att_assert(att_parse_signal(name, &back) && back == sig);
	else
		att_assert(sig > 31 && sig < SIGRTMIN);
}

static void check_cpu_list(const char *text)
{
	/* The third word is not the parser's. */
	uint64_t bits[3] = { 0, 0, UINT64_C(0x0123456789abcdef) };

	if (att_parse_cpu_list(text, bits, 2))
		att_assert(bits[0] != 0 || bits[1] != 0);
	att_assert(bits[2] == UINT64_C(0x0123456789abcdef));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(size + 1, 1);

	att_assert(text);
	if (size > 0)
		memcpy(text, data, size);
	check_numbers(text);
	check_amounts(text);
	check_signal(text);
	check_cpu_list(text);
	free(text);
	return 0;
}
