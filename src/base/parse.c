/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/parse.h"

#include <signal.h>
#include <string.h>

#define SIGNAL_MAX 64
#define LOWER      "abcdefghijklmnopqrstuvwxyz"

struct unit {
	char name[4];
	uint64_t scale;
};

/* A decimal number as written: the fraction stays text until its unit is known. */
struct amount {
	uint64_t whole;
	const char *fraction;
	size_t n_fraction;
};

/* From large to small: a compound duration walks this table downwards. */
static const struct unit duration_units[] = {
	{ "d", UINT64_C(86400) * ATT_NS_PER_SEC },
	{ "h", UINT64_C(3600) * ATT_NS_PER_SEC },
	{ "m", UINT64_C(60) * ATT_NS_PER_SEC },
	{ "s", ATT_NS_PER_SEC },
	{ "ms", ATT_NS_PER_MS },
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "K", UINT64_C(1) << 10 },
	{ "KB", UINT64_C(1) << 10 },
	{ "KIB", UINT64_C(1) << 10 },
	{ "M", UINT64_C(1) << 20 },
	{ "MB", UINT64_C(1) << 20 },
	{ "MIB", UINT64_C(1) << 20 },
	{ "G", UINT64_C(1) << 30 },
	{ "GB", UINT64_C(1) << 30 },
	{ "GIB", UINT64_C(1) << 30 },
	{ "T", UINT64_C(1) << 40 },
	{ "TB", UINT64_C(1) << 40 },
	{ "TIB", UINT64_C(1) << 40 },
};

static const char *const signal_names[] = {
	[SIGHUP] = "HUP",   [SIGINT] = "INT",       [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP", [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL", [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE", [SIGALRM] = "ALRM",     [SIGTERM] = "TERM", [SIGSTKFLT] = "STKFLT",
	[SIGCHLD] = "CHLD", [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN", [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ", [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGIO] = "IO",     [SIGPWR] = "PWR",       [SIGSYS] = "SYS",
};

static const struct {
	const char *name;
	int sig;
} signal_aliases[] = { { "IOT", SIGABRT }, { "CLD", SIGCHLD }, { "POLL", SIGIO } };

/* Counted from SIGRTMIN, which the C library moves: it keeps the first ones for itself. */
static const char *const realtime_names[] = {
	"RTMIN",    "RTMIN+1",  "RTMIN+2",  "RTMIN+3",  "RTMIN+4",  "RTMIN+5",  "RTMIN+6",
	"RTMIN+7",  "RTMIN+8",  "RTMIN+9",  "RTMIN+10", "RTMIN+11", "RTMIN+12", "RTMIN+13",
	"RTMIN+14", "RTMIN+15", "RTMIN+16", "RTMIN+17", "RTMIN+18", "RTMIN+19", "RTMIN+20",
	"RTMIN+21", "RTMIN+22", "RTMIN+23", "RTMIN+24", "RTMIN+25", "RTMIN+26", "RTMIN+27",
	"RTMIN+28", "RTMIN+29", "RTMIN+30", "RTMIN+31", "RTMIN+32",
};

/* At least one digit of @base; the cursor moves past the last. */
static bool take_digits(const char **p, unsigned base, uint64_t *ret)
{
	const char *at = *p;
	uint64_t value = 0;

	for (; *at >= '0' && *at < (char)('0' + base); at++)
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
			return false;
	if (at == *p)
		return false;
	*p = at;
	*ret = value;
	return true;
}

/* Not toupper(): names must compare alike in every locale the host program may have set. */
static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

const char *att_parse_prefix(const char *text, const char *prefix)
{
	for (; *prefix != '\0'; text++, prefix++)
		if (upper(*text) != *prefix)
			return NULL;
	return text;
}

bool att_parse_is(const char *text, const char *name)
{
	const char *rest = att_parse_prefix(text, name);

	return rest && *rest == '\0';
}

bool att_parse_u64(const char *text, uint64_t *ret)
{
	uint64_t value = 0;

	if (!take_digits(&text, 10, &value) || *text != '\0')
		return false;
	*ret = value;
	return true;
}

bool att_parse_i64(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	uint64_t value = 0;

	if (!att_parse_u64(text + negative, &value) || value > (uint64_t)INT64_MAX + negative)
		return false;
	/* INT64_MIN has no positive twin to negate. */
	if (negative && value > 0)
		*ret = -(int64_t)(value - 1) - 1;
	else
		*ret = (int64_t)value;
	return true;
}

bool att_parse_id(const char *text, uint32_t *ret)
{
	uint64_t value = 0;

	if (!att_parse_u64(text, &value) || value >= UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool att_parse_octal(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t value = 0;

	if (!take_digits(&text, 8, &value) || *text != '\0' || value > max)
		return false;
	*ret = (uint32_t)value;
	return true;
}

static bool take_amount(const char **p, struct amount *ret)
{
	*ret = (struct amount){ 0 };
	if (!take_digits(p, 10, &ret->whole))
		return false;
	if (**p != '.')
		return true;
	ret->fraction = *p + 1;
	ret->n_fraction = strspn(ret->fraction, "0123456789");
	*p = ret->fraction + ret->n_fraction;
	return ret->n_fraction > 0;
}

/*
 * Exact for any number of digits: from the last one forwards, rounding down at every step gives the
 * same as rounding down once at the end. No unit is large enough for 10 of it to overflow.
 */
static bool scale_amount(const struct amount *a, uint64_t scale, uint64_t *ret)
{
	uint64_t part = 0;
	uint64_t value = 0;

	for (size_t i = a->n_fraction; i > 0; i--)
		part = (part + (uint64_t)(a->fraction[i - 1] - '0') * scale) / 10;
	return !__builtin_mul_overflow(a->whole, scale, &value) &&
	       !__builtin_add_overflow(value, part, ret);
}

/* The unit at the cursor, at or below @first in the table; NULL when there is none. */
static const struct unit *take_duration_unit(const char **p, size_t first)
{
	size_t len = strspn(*p, LOWER);

	for (size_t i = first; i < countof(duration_units); i++) {
		const struct unit *u = &duration_units[i];

		if (strlen(u->name) == len && memcmp(u->name, *p, len) == 0) {
			*p += len;
			return u;
		}
	}
	return NULL;
}

static bool take_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t total = 0;
	size_t first = 0;

	do {
		struct amount amount;
		uint64_t part = 0;

		if (!take_amount(&text, &amount))
			return false;
		/* Without a unit it is seconds, and the whole text. */
		if (*text == '\0' && first == 0)
			return scale_amount(&amount, ATT_NS_PER_SEC, ret_ns);

		const struct unit *unit = take_duration_unit(&text, first);

		if (!unit || !scale_amount(&amount, unit->scale, &part) ||
		    __builtin_add_overflow(total, part, &total))
			return false;
		first = (size_t)(unit - duration_units) + 1;
	} while (*text != '\0');
	*ret_ns = total;
	return true;
}

bool att_parse_duration_ns(const char *text, int64_t *ret_ns)
{
	uint64_t ns = 0;

	if (!take_duration(text, &ns) || ns > INT64_MAX)
		return false;
	*ret_ns = (int64_t)ns;
	return true;
}

bool att_parse_size(const char *text, uint64_t *ret_bytes)
{
	struct amount amount;
	uint64_t value = 0;

	if (!take_amount(&text, &amount))
		return false;
	for (size_t i = 0; i < countof(size_units); i++) {
		const struct unit *u = &size_units[i];

		if (!att_parse_is(text, u->name))
			continue;
		/* There is no part of a byte. */
		if ((u->scale == 1 && amount.n_fraction > 0) ||
		    !scale_amount(&amount, u->scale, &value))
			return false;
		*ret_bytes = value;
		return true;
	}
	return false;
}

/* "RTMIN", "RTMIN+n", "RTMAX", "RTMAX-n". */
static bool parse_realtime(const char *text, int *ret)
{
	const char *from_min = att_parse_prefix(text, "RTMIN");
	const char *from_max = att_parse_prefix(text, "RTMAX");
	const char *rest = from_min ? from_min : from_max;
	uint64_t offset = 0;

	if (!rest)
		return false;
	if (*rest != '\0' && (*rest != (from_min ? '+' : '-') || !att_parse_u64(rest + 1, &offset)))
		return false;
	if (offset > (uint64_t)(SIGRTMAX - SIGRTMIN))
		return false;
	*ret = from_min ? SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
	return true;
}

bool att_parse_signal(const char *text, int *ret)
{
	const char *bare = att_parse_prefix(text, "SIG");
	const char *name = bare ? bare : text;
	uint64_t number = 0;

	if (att_parse_u64(text, &number)) {
		if (number < 1 || number > SIGNAL_MAX)
			return false;
		*ret = (int)number;
		return true;
	}
	for (size_t i = 1; i < countof(signal_names); i++)
		if (signal_names[i] && att_parse_is(name, signal_names[i])) {
			*ret = (int)i;
			return true;
		}
	for (size_t i = 0; i < countof(signal_aliases); i++)
		if (att_parse_is(name, signal_aliases[i].name)) {
			*ret = signal_aliases[i].sig;
			return true;
		}
	return parse_realtime(name, ret);
}

const char *att_signal_name(int sig)
{
	if (sig > 0 && (size_t)sig < countof(signal_names))
		return signal_names[sig];
	if (sig < SIGRTMIN || sig > SIGRTMAX)
		return NULL;
	return (size_t)(sig - SIGRTMIN) < countof(realtime_names) ? realtime_names[sig - SIGRTMIN]
	                                                          : NULL;
}

/* "n" or "n-m", below @limit. */
static bool take_range(const char **p, uint64_t limit, uint64_t *ret_first, uint64_t *ret_last)
{
	if (!take_digits(p, 10, ret_first))
		return false;
	*ret_last = *ret_first;
	if (**p == '-') {
		++*p;
		if (!take_digits(p, 10, ret_last))
			return false;
	}
	return *ret_first <= *ret_last && *ret_last < limit;
}

bool att_parse_cpu_list(const char *text, uint64_t *bits, size_t n_words)
{
	memset(bits, 0, n_words * sizeof(*bits));
	for (;;) {
		uint64_t first = 0;
		uint64_t last = 0;

		if (!take_range(&text, (uint64_t)n_words * 64, &first, &last))
			return false;
		for (uint64_t i = first; i <= last; i++)
			bits[i / 64] |= UINT64_C(1) << (i % 64);
		if (*text == '\0')
			return true;
		if (*text++ != ',')
			return false;
	}
}
