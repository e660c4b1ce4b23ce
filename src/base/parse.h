/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict text to value. Every parser is pure and total: the whole text must be the value, no sign,
 * blank, or base prefix is tolerated unless its doc says so, and overflow is a failure. The caller
 * knows which option the text came from, so these return only whether it fits.
 */
#ifndef ATT_BASE_PARSE_H
#define ATT_BASE_PARSE_H

#include <stdbool.h>

#include "base/defs.h"

/**
 * att_parse_prefix() - past a prefix, in any case
 * @prefix: upper case
 *
 * Return: within @text, or NULL when it does not start so. The locale does not matter.
 */
const char *att_parse_prefix(const char *text, const char *prefix);

/** att_parse_is() - is @text this name (given in upper case), in any case? */
bool att_parse_is(const char *text, const char *name);

/** att_parse_u64() - decimal digits only, 0…UINT64_MAX. Return: true and *ret set, or false. */
bool att_parse_u64(const char *text, uint64_t *ret) _must_check_;

/** att_parse_i64() - an optional '-', then decimal digits. Return: true and *ret set, or false. */
bool att_parse_i64(const char *text, int64_t *ret) _must_check_;

/**
 * att_parse_id() - a uid or gid: decimal digits, 0…4294967294
 *
 * 4294967295 is refused: it is the kernel's "no id" ((uid_t)-1), which set*id calls take for
 * "leave as it is". Leading zeros are allowed ("007" is 7), as in passwd.
 */
bool att_parse_id(const char *text, uint32_t *ret) _must_check_;

/** att_parse_octal() - octal digits, 0…@max ("22", "022"). */
bool att_parse_octal(const char *text, uint32_t max, uint32_t *ret) _must_check_;

/**
 * att_parse_duration_ns() - "10", "1.5s", "250ms", "2m", "1h", "1h30m", "1d"; no unit = seconds
 *
 * Units: result in ns. Zero is a duration. Negative, empty, blank, unknown unit and values beyond
 * INT64_MAX ns are refused. A part with a unit may be followed by smaller-unit parts; a bare number
 * must stand alone.
 */
bool att_parse_duration_ns(const char *text, int64_t *ret_ns) _must_check_;

/** att_parse_size() - bytes: "4096", "64k", "512M", "1.5G", "2T" (powers of 1024; optional "B"/"iB"). */
bool att_parse_size(const char *text, uint64_t *ret_bytes) _must_check_;

/**
 * att_parse_signal() - "TERM", "SIGTERM", "term", "15", "RTMIN", "RTMIN+3", "RTMAX-2"; 1…64
 *
 * 0 and numbers above 64 are refused.
 */
bool att_parse_signal(const char *text, int *ret) _must_check_;

/** att_signal_name() - "TERM" for 15; "RTMIN+3" style for real-time ones. Return: NULL if none. */
const char *att_signal_name(int sig);

/**
 * att_parse_cpu_list() - the kernel's list form "0-3,8,10-11" as a bit set
 * @bits:   out: @n_words words of 64 bits, zeroed first
 *
 * Errors: false when empty, malformed, descending or beyond @n_words * 64.
 */
bool att_parse_cpu_list(const char *text, uint64_t *bits, size_t n_words) _must_check_;

#endif
