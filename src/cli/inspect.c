/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/inspect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LABEL_COLUMN 16 /* where the text of a line starts */

/* The capabilities of Linux 5.9 and later, by number: what a full set is. */
static const char *const cap_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

/* ---- lines -------------------------------------------------------------------------------- */

static int add_title(struct att_buf *out, const struct att_look *look, const char *title)
{
	int r = att_buf_append(out, "\n", 1);

	if (r == 0)
		r = att_render_text(out, look, title, ATT_TINT_TITLE);
	return r == 0 ? att_buf_append(out, "\n", 1) : r;
}

static int add_label(struct att_buf *out, const struct att_look *look, const char *label)
{
	size_t used = 2 + att_render_width(label);
	int r = att_buf_append(out, "  ", 2);

	if (r == 0)
		r = att_render_text(out, look, label, ATT_TINT_NONE);
	if (r < 0)
		return r;
	return att_buf_printf(out, "%*s", used < LABEL_COLUMN ? (int)(LABEL_COLUMN - used) : 1, "");
}

static int add_line(struct att_buf *out, const struct att_look *look, const char *label,
                    const char *text, enum att_tint tint)
{
	int r = add_label(out, look, label);

	if (r == 0)
		r = att_render_text(out, look, text, tint);
	return r == 0 ? att_buf_append(out, "\n", 1) : r;
}

static int add_bool(struct att_buf *out, const struct att_look *look, const char *label,
                    const json_t *value)
{
	if (!json_is_boolean(value))
		return 0;
	return add_line(out, look, label, json_is_true(value) ? "yes" : "no", ATT_TINT_NONE);
}

/* ---- head --------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : fallback;
}

static void format_uptime(char *dst, size_t cap, const json_t *value)
{
	long long s = json_is_real(value) ? (long long)json_real_value(value)
	                                  : (long long)json_integer_value(value);

	if (s >= 86400)
		att_ignore(snprintf(dst, cap, "up %lldd %lldh %lldm", s / 86400, s / 3600 % 24,
		                    s / 60 % 60));
	else if (s >= 3600)
		att_ignore(snprintf(dst, cap, "up %lldh %lldm", s / 3600, s / 60 % 60));
	else if (s >= 60)
		att_ignore(snprintf(dst, cap, "up %lldm %llds", s / 60, s % 60));
	else
		att_ignore(snprintf(dst, cap, "up %llds", s));
}

static int add_name(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	const json_t *privileged = json_object_get(s, "privileged");
	const char *state = text_of(s, "state", "?");
	bool frozen = json_is_true(json_object_get(s, "frozen"));
	int r = att_render_text(out, look, text_of(s, "container", "?"), ATT_TINT_TITLE);

	if (r == 0)
		r = att_buf_append(out, "  ", 2);
	if (r == 0)
		r = att_render_text(out, look, state, frozen ? ATT_TINT_WARN : ATT_TINT_GOOD);
	if (r == 0 && frozen && strcasecmp(state, "frozen") != 0)
		r = att_render_text(out, look, ", frozen", ATT_TINT_WARN);
	if (r == 0 && json_is_boolean(privileged))
		r = json_is_true(privileged)
		            ? att_render_text(out, look, ", privileged: root inside is root here",
		                              ATT_TINT_WARN)
		            : att_render_text(out, look, ", unprivileged", ATT_TINT_NONE);
	return r == 0 ? att_buf_append(out, "\n", 1) : r;
}

static int add_head(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	const json_t *pid = json_object_get(s, "init_pid");
	const json_t *uptime = json_object_get(s, "uptime_s");
	const char *path = text_of(s, "lxcpath", NULL);
	const char *version = text_of(s, "lxc_version", NULL);
	char up[64];
	char text[128];
	int r = add_name(out, look, s);

	if (r == 0 && json_is_integer(pid)) {
		format_uptime(up, sizeof(up), uptime);
		att_ignore(snprintf(text, sizeof(text), "process %" JSON_INTEGER_FORMAT "%s%s",
		                    json_integer_value(pid), uptime ? ", " : "", uptime ? up : ""));
		r = add_line(out, look, "init", text, ATT_TINT_NONE);
	}
	if (r == 0 && path)
		r = add_line(out, look, "lxcpath", path, ATT_TINT_NONE);
	if (r == 0 && version)
		r = add_line(out, look, "liblxc", version, ATT_TINT_NONE);
	return r;
}

/* ---- namespaces, id maps -------------------------------------------------------------------- */

static int add_namespaces(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	json_t *kinds = json_object_get(s, "namespaces");
	const char *kind = NULL;
	json_t *ns = NULL;
	int r = json_object_size(kinds) > 0 ? add_title(out, look, "namespaces") : 0;

	json_object_foreach (kinds, kind, ns) {
		bool shared = json_is_true(json_object_get(ns, "shared_with_host"));
		char text[64];

		att_ignore(snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT "%s",
		                    json_integer_value(json_object_get(ns, "inode")),
		                    shared ? "  shared with the host" : ""));
		if (r == 0)
			r = add_line(out, look, kind, text, shared ? ATT_TINT_WARN : ATT_TINT_NONE);
	}
	return r;
}

/* "0-65535 are 100000-165535 of the host". */
static void format_range(char *dst, size_t cap, const json_t *range)
{
	json_int_t ct = json_integer_value(json_object_get(range, "container"));
	json_int_t host = json_integer_value(json_object_get(range, "host"));
	json_int_t last = json_integer_value(json_object_get(range, "count")) - 1;

	if (last <= 0)
		att_ignore(snprintf(dst, cap,
		                    "%" JSON_INTEGER_FORMAT " is %" JSON_INTEGER_FORMAT
		                    " of the host",
		                    ct, host));
	else
		att_ignore(snprintf(dst, cap,
		                    "%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT
		                    " are %" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT
		                    " of the host",
		                    ct, ct + last, host, host + last));
}

static int add_map(struct att_buf *out, const struct att_look *look, const char *label,
                   const json_t *map)
{
	size_t i = 0;
	json_t *range = NULL;

	json_array_foreach (map, i, range) {
		char text[128];
		int r = 0;

		format_range(text, sizeof(text), range);
		r = add_line(out, look, i == 0 ? label : "", text, ATT_TINT_NONE);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_maps(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	const json_t *uids = json_object_get(s, "uid_map");
	const json_t *gids = json_object_get(s, "gid_map");
	int r = 0;

	if (json_array_size(uids) + json_array_size(gids) == 0)
		return 0;
	r = add_title(out, look, "id map");
	if (r == 0)
		r = add_map(out, look, "users", uids);
	if (r == 0)
		r = add_map(out, look, "groups", gids);
	return r;
}

/* ---- capabilities --------------------------------------------------------------------------- */

static const char *short_name(const char *cap)
{
	return strncasecmp(cap, "CAP_", 4) == 0 ? cap + 4 : cap;
}

static bool holds(const json_t *set, const char *name)
{
	size_t i = 0;
	json_t *cap = NULL;

	json_array_foreach (set, i, cap) {
		const char *text = json_string_value(cap);

		if (text && strcasecmp(short_name(text), name) == 0)
			return true;
	}
	return false;
}

static int add_word(struct att_buf *words, const char *word)
{
	return att_buf_printf(words, "%s%s", words->len > 0 ? " " : "", word);
}

static int list_present(struct att_buf *words, const json_t *set)
{
	size_t i = 0;
	json_t *cap = NULL;

	json_array_foreach (set, i, cap) {
		const char *text = json_string_value(cap);
		int r = text ? add_word(words, short_name(text)) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int list_missing(struct att_buf *words, const json_t *set)
{
	int r = add_word(words, "all but");

	for (size_t i = 0; i < countof(cap_names) && r == 0; i++)
		if (!holds(set, cap_names[i]))
			r = add_word(words, cap_names[i]);
	return r;
}

static size_t count_missing(const json_t *set)
{
	size_t n = 0;

	for (size_t i = 0; i < countof(cap_names); i++)
		n += !holds(set, cap_names[i]);
	return n;
}

/* The shorter of what is there and what is not. */
static int list_caps(struct att_buf *words, const json_t *set)
{
	size_t missing = count_missing(set);

	if (json_array_size(set) == 0)
		return add_word(words, "none");
	if (missing == 0)
		return add_word(words, "all");
	if (missing < json_array_size(set))
		return list_missing(words, set);
	return list_present(words, set);
}

static int add_cap_set(struct att_buf *out, const struct att_look *look, const char *label,
                       const json_t *set, const json_t *bounding)
{
	_cleanup_buf_ struct att_buf words = ATT_BUF_INIT;
	bool same = set != bounding && json_array_size(set) > 0 && json_equal(set, bounding);
	int r = same ? add_word(&words, "as bounding") : list_caps(&words, set);

	if (r == 0)
		r = add_label(out, look, label);
	return r == 0 ? att_render_wrap(out, look, words.data, LABEL_COLUMN) : r;
}

static int add_caps(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	static const char *const sets[] = { "bounding", "permitted", "effective", "inheritable",
		                            "ambient" };
	const json_t *caps = json_object_get(s, "capabilities");
	const json_t *bounding = json_object_get(caps, "bounding");
	int r = json_object_size(caps) > 0 ? add_title(out, look, "capabilities") : 0;

	for (size_t i = 0; i < countof(sets) && r == 0; i++) {
		const json_t *set = json_object_get(caps, sets[i]);

		if (json_is_array(set))
			r = add_cap_set(out, look, sets[i], set, bounding);
	}
	return r;
}

/* ---- confinement ---------------------------------------------------------------------------- */

static int add_seccomp(struct att_buf *out, const struct att_look *look, const json_t *seccomp)
{
	const json_t *filters = json_object_get(seccomp, "filters");
	const char *mode = text_of(seccomp, "mode", NULL);
	const char *profile = text_of(seccomp, "profile", NULL);
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	int r = 0;

	if (!mode)
		return 0;
	r = att_buf_printf(&text, "%s", mode);
	if (r == 0 && json_integer_value(filters) > 1)
		r = att_buf_printf(&text, ", %" JSON_INTEGER_FORMAT " filters",
		                   json_integer_value(filters));
	if (r == 0 && json_is_true(json_object_get(seccomp, "notify")))
		r = att_buf_printf(&text, ", asks a listener");
	if (r == 0 && profile)
		r = att_buf_printf(&text, ", %s", profile);
	return r == 0 ? add_line(out, look, "seccomp", text.data, ATT_TINT_NONE) : r;
}

static int add_lsm(struct att_buf *out, const struct att_look *look, const json_t *lsm)
{
	const char *type = text_of(lsm, "type", NULL);
	const char *label = text_of(lsm, "label", NULL);
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	int r = 0;

	if (!type)
		return 0;
	r = att_buf_printf(&text, "%s%s%s", type, label ? ": " : "", label ? label : "");
	return r == 0 ? add_line(out, look, "lsm", text.data, ATT_TINT_NONE) : r;
}

/* PER_LINUX and PER_LINUX32 have names; the flags above them do not matter to a reader. */
static int add_personality(struct att_buf *out, const struct att_look *look, const json_t *value)
{
	json_int_t bits = json_integer_value(value);
	char text[48];

	if (!json_is_integer(value))
		return 0;
	if (bits == 0)
		return add_line(out, look, "personality", "linux", ATT_TINT_NONE);
	att_ignore(snprintf(text, sizeof(text), "%s0x%08llx", (bits & 0xff) == 8 ? "linux32, " : "",
	                    (unsigned long long)bits));
	return add_line(out, look, "personality", text, ATT_TINT_NONE);
}

/* A umask comes as a number, or as octal text. */
static int add_umask(struct att_buf *out, const struct att_look *look, const json_t *value)
{
	char text[32];

	if (json_is_string(value))
		return add_line(out, look, "umask", json_string_value(value), ATT_TINT_NONE);
	if (!json_is_integer(value))
		return 0;
	att_ignore(snprintf(text, sizeof(text), "%04llo",
	                    (unsigned long long)json_integer_value(value)));
	return add_line(out, look, "umask", text, ATT_TINT_NONE);
}

static int add_oom(struct att_buf *out, const struct att_look *look, const json_t *value)
{
	char text[32];

	if (!json_is_integer(value))
		return 0;
	att_ignore(
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	return add_line(out, look, "oom score adj", text, ATT_TINT_NONE);
}

static int add_confinement(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	int r = add_title(out, look, "confinement");

	if (r == 0)
		r = add_bool(out, look, "no new privs", json_object_get(s, "no_new_privs"));
	if (r == 0)
		r = add_seccomp(out, look, json_object_get(s, "seccomp"));
	if (r == 0)
		r = add_lsm(out, look, json_object_get(s, "lsm"));
	if (r == 0)
		r = add_personality(out, look, json_object_get(s, "personality"));
	if (r == 0)
		r = add_umask(out, look, json_object_get(s, "umask"));
	if (r == 0)
		r = add_oom(out, look, json_object_get(s, "oom_score_adj"));
	return r;
}

/* ---- cgroup, limits ------------------------------------------------------------------------- */

static int add_cgroup(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	const json_t *cgroup = json_object_get(s, "cgroup");
	json_t *legacy = json_object_get(cgroup, "legacy");
	const char *unified = text_of(cgroup, "unified", NULL);
	const char *jobs = text_of(cgroup, "job_base", NULL);
	const char *hierarchy = NULL;
	json_t *path = NULL;
	int r = json_object_size(cgroup) > 0 ? add_title(out, look, "cgroup") : 0;

	if (r == 0 && unified)
		r = add_line(out, look, "unified", unified, ATT_TINT_NONE);
	if (r == 0 && jobs)
		r = add_line(out, look, "jobs", jobs, ATT_TINT_NONE);
	json_object_foreach (legacy, hierarchy, path) {
		if (r == 0 && json_is_string(path))
			r = add_line(out, look, hierarchy, json_string_value(path), ATT_TINT_NONE);
	}
	return r;
}

static void format_limit(char *dst, size_t cap, const json_t *value)
{
	if (json_is_integer(value))
		att_ignore(snprintf(dst, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	else
		att_ignore(snprintf(dst, cap, "unlimited"));
}

static int add_limits(struct att_buf *out, const struct att_look *look, const json_t *s)
{
	json_t *limits = json_object_get(s, "limits");
	const char *name = NULL;
	json_t *limit = NULL;
	int r = json_object_size(limits) > 0 ? add_title(out, look, "limits") : 0;

	json_object_foreach (limits, name, limit) {
		char soft[32];
		char hard[32];
		char text[80];

		format_limit(soft, sizeof(soft), json_object_get(limit, "soft"));
		format_limit(hard, sizeof(hard), json_object_get(limit, "hard"));
		if (strcmp(soft, hard) == 0)
			att_ignore(snprintf(text, sizeof(text), "%s", soft));
		else
			att_ignore(snprintf(text, sizeof(text), "%s, at most %s", soft, hard));
		if (r == 0)
			r = add_line(out, look, name, text, ATT_TINT_NONE);
	}
	return r;
}

int att_inspect_format(struct att_buf *out, const struct att_look *look, const json_t *snapshot)
{
	static int (*const sections[])(struct att_buf *, const struct att_look *,
	                               const json_t *) = {
		add_head,        add_namespaces, add_maps,   add_caps,
		add_confinement, add_cgroup,     add_limits,
	};

	for (size_t i = 0; i < countof(sections); i++) {
		int r = sections[i](out, look, snapshot);

		if (r < 0)
			return r;
	}
	return 0;
}
