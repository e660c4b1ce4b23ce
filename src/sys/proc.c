/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/proc.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#include "base/parse.h"

/* Bytes still to be read. */
struct span {
	const char *at;
	size_t len;
};

static void skip(struct span *s, size_t n)
{
	s->at += n;
	s->len -= n;
}

static void skip_blanks(struct span *s)
{
	while (s->len > 0 && (*s->at == ' ' || *s->at == '\t'))
		skip(s, 1);
}

/* Past @word, if it is what comes next. */
static bool take_word(struct span *s, const char *word)
{
	size_t len = strlen(word);

	if (s->len < len || memcmp(s->at, word, len) != 0)
		return false;
	skip(s, len);
	return true;
}

/* The next line that has its newline, which is left out. */
static bool take_line(struct span *text, struct span *ret)
{
	const char *newline = text->len > 0 ? memchr(text->at, '\n', text->len) : NULL;

	if (!newline)
		return false;
	*ret = (struct span){ text->at, (size_t)(newline - text->at) };
	skip(text, ret->len + 1);
	return true;
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return UINT_MAX;
}

/* Blanks, then a number up to the next blank or the end. */
static bool take_number(struct span *s, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n_digits = 0;

	skip_blanks(s);
	for (; s->len > 0 && digit_value(*s->at) < base; skip(s, 1), n_digits++)
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*s->at), &value))
			return false;
	if (n_digits == 0 || (s->len > 0 && *s->at != ' ' && *s->at != '\t'))
		return false;
	*ret = value;
	return true;
}

static bool parse_state(struct span value, void *ret)
{
	skip_blanks(&value);
	if (value.len == 0 || (value.len > 1 && value.at[1] != ' '))
		return false;
	if (!((*value.at >= 'A' && *value.at <= 'Z') || (*value.at >= 'a' && *value.at <= 'z')))
		return false;
	*(char *)ret = *value.at;
	return true;
}

static bool parse_int32(struct span value, void *ret)
{
	uint64_t number = 0;

	if (!take_number(&value, 10, &number) || value.len > 0 || number > INT32_MAX)
		return false;
	*(int32_t *)ret = (int32_t)number;
	return true;
}

static bool parse_four_ids(struct span value, void *ret)
{
	uint32_t *ids = ret;

	for (size_t i = 0; i < 4; i++) {
		uint64_t number = 0;

		if (!take_number(&value, 10, &number) || number > UINT32_MAX)
			return false;
		ids[i] = (uint32_t)number;
	}
	return value.len == 0;
}

static bool parse_mask(struct span value, void *ret)
{
	return take_number(&value, 16, ret) && value.len == 0;
}

#define FIELD(key, member, parse, optional) \
	{ \
		key ":", sizeof(key), offsetof(struct att_proc_status, member), parse, optional \
	}

static const struct status_field {
	const char *key;
	size_t key_len; /* with the colon */
	size_t offset;
	bool (*parse)(struct span value, void *ret);
	bool optional;
} status_fields[] = {
	FIELD("State", state, parse_state, false),
	FIELD("PPid", ppid, parse_int32, false),
	FIELD("Uid", uid, parse_four_ids, false),
	FIELD("Gid", gid, parse_four_ids, false),
	FIELD("SigBlk", sig_blk, parse_mask, false),
	FIELD("SigIgn", sig_ign, parse_mask, false),
	FIELD("SigCgt", sig_cgt, parse_mask, false),
	FIELD("CapInh", cap_inh, parse_mask, false),
	FIELD("CapPrm", cap_prm, parse_mask, false),
	FIELD("CapEff", cap_eff, parse_mask, false),
	FIELD("CapBnd", cap_bnd, parse_mask, false),
	FIELD("CapAmb", cap_amb, parse_mask, false),
	FIELD("NoNewPrivs", no_new_privs, parse_int32, false),
	FIELD("Seccomp", seccomp, parse_int32, false),
	FIELD("Seccomp_filters", seccomp_filters, parse_int32, true),
};

#undef FIELD

/* Which field a line is for; the line is left at its value. Its index, or countof() for none. */
static size_t take_key(struct span *line)
{
	for (size_t i = 0; i < countof(status_fields); i++) {
		const struct status_field *f = &status_fields[i];

		/* Sixty lines and fifteen keys: most are told apart by their first letter. */
		if (line->len < f->key_len || line->at[0] != f->key[0] ||
		    memcmp(line->at, f->key, f->key_len) != 0)
			continue;
		skip(line, f->key_len);
		return i;
	}
	return countof(status_fields);
}

bool att_proc_parse_status(const char *text, size_t len, struct att_proc_status *ret)
{
	struct att_proc_status status = { .seccomp_filters = -1 };
	bool seen[countof(status_fields)] = { false };
	struct span rest = { text, len };
	struct span line;

	while (take_line(&rest, &line)) {
		size_t i = take_key(&line);

		if (i == countof(status_fields) || seen[i])
			continue;
		if (!status_fields[i].parse(line, (char *)&status + status_fields[i].offset))
			return false;
		seen[i] = true;
	}
	for (size_t i = 0; i < countof(status_fields); i++)
		if (!seen[i] && !status_fields[i].optional)
			return false;
	*ret = status;
	return true;
}

static const struct {
	const char *name;
	const char *title; /* in /proc/PID/limits */
} rlimits[ATT_RLIMITS] = {
	[RLIMIT_CPU] = { "CPU", "Max cpu time " },
	[RLIMIT_FSIZE] = { "FSIZE", "Max file size " },
	[RLIMIT_DATA] = { "DATA", "Max data size " },
	[RLIMIT_STACK] = { "STACK", "Max stack size " },
	[RLIMIT_CORE] = { "CORE", "Max core file size " },
	[RLIMIT_RSS] = { "RSS", "Max resident set " },
	[RLIMIT_NPROC] = { "NPROC", "Max processes " },
	[RLIMIT_NOFILE] = { "NOFILE", "Max open files " },
	[RLIMIT_MEMLOCK] = { "MEMLOCK", "Max locked memory " },
	[RLIMIT_AS] = { "AS", "Max address space " },
	[RLIMIT_LOCKS] = { "LOCKS", "Max file locks " },
	[RLIMIT_SIGPENDING] = { "SIGPENDING", "Max pending signals " },
	[RLIMIT_MSGQUEUE] = { "MSGQUEUE", "Max msgqueue size " },
	[RLIMIT_NICE] = { "NICE", "Max nice priority " },
	[RLIMIT_RTPRIO] = { "RTPRIO", "Max realtime priority " },
	[RLIMIT_RTTIME] = { "RTTIME", "Max realtime timeout " },
};

_Static_assert(RLIM_NLIMITS == ATT_RLIMITS, "every limit of this platform has a name");

static bool take_limit(struct span *line, uint64_t *ret)
{
	skip_blanks(line);
	if (!take_word(line, "unlimited"))
		return take_number(line, 10, ret);
	*ret = UINT64_MAX;
	return line->len == 0 || *line->at == ' ';
}

static size_t take_title(struct span *line)
{
	size_t i = 0;

	while (i < countof(rlimits) && !take_word(line, rlimits[i].title))
		i++;
	return i;
}

bool att_proc_parse_limits(const char *text, size_t len, struct att_rlimits *ret)
{
	struct att_rlimits limits = { 0 };
	bool seen[ATT_RLIMITS] = { false };
	struct span rest = { text, len };
	struct span line;

	while (take_line(&rest, &line)) {
		size_t i = take_title(&line);

		if (i == countof(rlimits) || seen[i])
			continue;
		if (!take_limit(&line, &limits.v[i].soft) || !take_limit(&line, &limits.v[i].hard))
			return false;
		seen[i] = true;
	}
	for (size_t i = 0; i < ATT_RLIMITS; i++)
		if (!seen[i])
			return false;
	*ret = limits;
	return true;
}

int att_rlimit_from_name(const char *name)
{
	const char *bare = att_parse_prefix(name, "RLIMIT_");

	for (size_t i = 0; i < countof(rlimits); i++)
		if (att_parse_is(bare ? bare : name, rlimits[i].name))
			return (int)i;
	return -1;
}

const char *att_rlimit_name(int resource)
{
	if (resource < 0 || (size_t)resource >= countof(rlimits))
		return NULL;
	return rlimits[resource].name;
}

bool att_proc_parse_stat(const char *text, size_t len, char *ret_state, uint64_t *ret_start_ticks)
{
	/* The process chooses what is between the parentheses; behind the last are only numbers. */
	const char *close = len > 0 ? memrchr(text, ')', len) : NULL;
	struct span rest = { 0 };
	char state = 0;
	uint64_t value = 0;

	if (!close)
		return false;
	rest = (struct span){ close + 1, (size_t)(text + len - close) - 1 };
	if (rest.len < 3 || rest.at[0] != ' ' || rest.at[2] != ' ')
		return false;
	if (!parse_state((struct span){ rest.at + 1, 2 }, &state))
		return false;
	skip(&rest, 2);
	for (int field = 4; field <= 22; field++) {
		skip_blanks(&rest);
		/* Some are signed (tpgid, nice); the one that is wanted, the last, is not. */
		if (field < 22)
			att_ignore(take_word(&rest, "-"));
		if (!take_number(&rest, 10, &value))
			return false;
	}
	/* More fields follow, so a number at the very end was cut. */
	if (rest.len == 0)
		return false;
	*ret_state = state;
	*ret_start_ticks = value;
	return true;
}

/* A terminated copy of text that consists of whole lines, and how many they are. */
static int copy_lines(const char *text, size_t len, char **ret, size_t *ret_n)
{
	char *copy = NULL;
	size_t n = 0;

	if (len > 0 && (text[len - 1] != '\n' || memchr(text, '\0', len)))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	copy = strndup(len > 0 ? text : "", len);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	*ret_n = n;
	return 0;
}

/* "hierarchy:controllers:path"; a path may hold more colons. */
static bool split_cgroup_line(char *line, struct att_cgroup_line *ret)
{
	uint64_t hierarchy = 0;
	const char *number = strsep(&line, ":");
	const char *controllers = strsep(&line, ":");

	if (!line || *line != '/' || !att_parse_u64(number, &hierarchy) || hierarchy > INT_MAX)
		return false;
	*ret = (struct att_cgroup_line){ (int)hierarchy, controllers, line };
	return true;
}

int att_cgroup_lines_parse(const char *text, size_t len, struct att_cgroup_lines *ret)
{
	_cleanup_cgroup_lines_ struct att_cgroup_lines lines = ATT_CGROUP_LINES_INIT;
	size_t n = 0;
	int r = copy_lines(text, len, &lines.text, &n);

	if (r < 0)
		return r;
	if (n > ATT_CGROUP_LINES_MAX)
		return -EINVAL;
	lines.v = calloc(n > 0 ? n : 1, sizeof(*lines.v));
	if (!lines.v)
		return -ENOMEM;
	for (char *rest = lines.text; lines.n < n; lines.n++)
		if (!split_cgroup_line(strsep(&rest, "\n"), &lines.v[lines.n]))
			return -EINVAL;
	*ret = lines;
	lines = (struct att_cgroup_lines)ATT_CGROUP_LINES_INIT;
	return 0;
}

void att_cgroup_lines_done(struct att_cgroup_lines *lines)
{
	free(lines->text);
	free(lines->v);
	*lines = (struct att_cgroup_lines)ATT_CGROUP_LINES_INIT;
}

/* "\040" and the like, in place; anything else behind a backslash stays as it is. */
static void unescape_octal(char *text)
{
	char *to = text;

	while (*text != '\0') {
		unsigned value = 0;

		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7')
			value = (unsigned)(text[1] - '0') * 64 + (unsigned)(text[2] - '0') * 8 +
			        (unsigned)(text[3] - '0');
		*to++ = value > 0 ? (char)value : *text;
		text += value > 0 ? 4 : 1;
	}
	*to = '\0';
}

/* One blank between fields: an empty one (a mount without a source) must not shift the rest. */
static bool split_mount_line(char *line, struct att_mount *ret)
{
	const char *field = NULL;
	char *root = NULL;
	char *mount_point = NULL;
	char *super_options = NULL;

	for (int i = 0; i < 3; i++) /* mount id, parent id, device */
		att_ignore(strsep(&line, " ") != NULL);
	root = strsep(&line, " ");
	mount_point = strsep(&line, " ");
	att_ignore(strsep(&line, " ") != NULL); /* mount options */
	do
		field = strsep(&line, " ");
	while (field && strcmp(field, "-") != 0);
	ret->fs_type = strsep(&line, " ");
	att_ignore(strsep(&line, " ") != NULL); /* source */
	super_options = strsep(&line, " ");
	if (!root || !mount_point || !super_options)
		return false;
	unescape_octal(root);
	unescape_octal(mount_point);
	unescape_octal(super_options);
	ret->root = root;
	ret->mount_point = mount_point;
	ret->super_options = super_options;
	return true;
}

int att_mounts_parse(const char *text, size_t len, struct att_mounts *ret)
{
	_cleanup_mounts_ struct att_mounts mounts = ATT_MOUNTS_INIT;
	char *rest = NULL;
	size_t n = 0;
	int r = copy_lines(text, len, &mounts.text, &n);

	if (r < 0)
		return r;
	mounts.v = calloc(n > 0 ? n : 1, sizeof(*mounts.v));
	if (!mounts.v)
		return -ENOMEM;
	rest = mounts.text;
	for (size_t i = 0; i < n; i++) {
		struct att_mount *mount = &mounts.v[mounts.n];

		if (!split_mount_line(strsep(&rest, "\n"), mount))
			return -EINVAL;
		if (strcmp(mount->fs_type, "cgroup") == 0 || strcmp(mount->fs_type, "cgroup2") == 0)
			mounts.n++;
	}
	*ret = mounts;
	mounts = (struct att_mounts)ATT_MOUNTS_INIT;
	return 0;
}

void att_mounts_done(struct att_mounts *mounts)
{
	free(mounts->text);
	free(mounts->v);
	*mounts = (struct att_mounts)ATT_MOUNTS_INIT;
}
