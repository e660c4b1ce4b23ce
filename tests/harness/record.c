/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/record.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define MAX_OPTIONS 50

void record_done(struct record *record)
{
	for (size_t i = 0; i < record->n; i++) {
		free(record->v[i].key);
		free(record->v[i].value);
	}
	free(record->v);
	*record = (struct record)RECORD_INIT;
}

static struct record_entry *find(const struct record *record, const char *key)
{
	for (size_t i = 0; i < record->n; i++)
		if (strcmp(record->v[i].key, key) == 0)
			return &record->v[i];
	return NULL;
}

static int append(struct record *record, const char *key, size_t key_len, const char *value)
{
	struct record_entry *v = reallocarray(record->v, record->n + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	record->v = v;

	struct record_entry e = { .key = strndup(key, key_len) };

	e.value = value == NULL ? NULL : strdup(value);
	if (e.key == NULL || (value != NULL && e.value == NULL)) {
		free(e.key);
		free(e.value);
		return -ENOMEM;
	}
	record->v[record->n++] = e;
	return 0;
}

static int parse_line(const char *line, struct record *to)
{
	const char *sep = strchr(line, '=');

	if (sep == NULL)
		return -EBADMSG;

	int r = append(to, line, (size_t)(sep - line), sep + 1);

	/* The first of two with the same key is not the one that was just added. */
	if (r == 0 && find(to, to->v[to->n - 1].key) != &to->v[to->n - 1])
		r = -EBADMSG;
	return r;
}

int record_parse(const char *text, struct record *ret)
{
	_cleanup_record_ struct record record = RECORD_INIT;
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy;
	int r = copy == NULL ? -ENOMEM : 0;

	while (r == 0 && rest != NULL && *rest != '\0') {
		const char *line = strsep(&rest, "\n");

		r = parse_line(line, &record);
	}
	if (r < 0)
		return r;
	record_done(ret);
	*ret = record;
	record = (struct record)RECORD_INIT;
	return 0;
}

const char *record_get(const struct record *record, const char *key)
{
	const struct record_entry *e = find(record, key);

	return e == NULL ? NULL : e->value;
}

int record_set(struct record *want, const char *key, const char *value)
{
	struct record_entry *e = find(want, key);
	char *copy = NULL;

	if (e == NULL)
		return append(want, key, strlen(key), value);
	if (value != NULL)
		copy = strdup(value);
	if (value != NULL && copy == NULL)
		return -ENOMEM;
	free(e->value);
	e->value = copy;
	return 0;
}

int record_setf(struct record *want, const char *key, const char *fmt, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list ap;

	va_start(ap, fmt);

	int n = vasprintf(&value, fmt, ap);

	va_end(ap);
	if (n < 0) {
		value = NULL;
		return -ENOMEM;
	}
	return record_set(want, key, value);
}

int record_any(struct record *want, const char *const *keys)
{
	int r = 0;

	for (; r == 0 && *keys != NULL; keys++)
		r = record_set(want, *keys, NULL);
	return r;
}

static bool is_glob(const char *key)
{
	return strpbrk(key, "*?") != NULL;
}

static bool is_allowed_by_glob(const struct record *want, const char *key)
{
	for (size_t i = 0; i < want->n; i++)
		if (is_glob(want->v[i].key) && fnmatch(want->v[i].key, key, 0) == 0)
			return true;
	return false;
}

/* Return: 1 for a difference, 0 for none, -errno. */
static int compare_got(const struct record_entry *got, const struct record *want,
                       struct att_buf *diff)
{
	const struct record_entry *w = find(want, got->key);
	int r = 0;

	if (w == NULL && is_allowed_by_glob(want, got->key))
		return 0;
	if (w != NULL && (w->value == NULL || strcmp(w->value, got->value) == 0))
		return 0;
	if (w == NULL)
		r = att_buf_printf(diff, "+ %s: got '%s', nobody expects it\n", got->key,
		                   got->value);
	else
		r = att_buf_printf(diff, "~ %s: got '%s', want '%s'\n", got->key, got->value,
		                   w->value);
	return r < 0 ? r : 1;
}

static int compare_want(const struct record_entry *want, const struct record *got,
                        struct att_buf *diff)
{
	if (is_glob(want->key) || find(got, want->key) != NULL)
		return 0;

	int r = att_buf_printf(diff, "- %s: want '%s'\n", want->key,
	                       want->value == NULL ? "(any)" : want->value);

	return r < 0 ? r : 1;
}

int record_compare(const struct record *got, const struct record *want, char **ret_diff)
{
	_cleanup_buf_ struct att_buf diff = ATT_BUF_INIT;
	int n = 0;
	int r = att_buf_append(&diff, "", 0);

	for (size_t i = 0; i < got->n && r >= 0; i++, n += r)
		r = compare_got(&got->v[i], want, &diff);
	for (size_t i = 0; i < want->n && r >= 0; i++, n += r)
		r = compare_want(&want->v[i], got, &diff);
	if (r < 0)
		return r;
	*ret_diff = diff.data == NULL ? strdup("") : take_ptr(&diff.data);
	return *ret_diff == NULL ? -ENOMEM : n;
}

static int take_output(const struct box *box, int r, const struct cmd_result *result,
                       struct record *ret)
{
	if (r == 0 && result->code == 0 && !result->hung)
		return record_parse(result->out, ret);
	fprintf(stderr, "record of %s: %s, exit %d, signal %d%s\n%s", box_name(box),
	        r < 0 ? strerror(-r) : "ran", result->code, result->signal,
	        result->hung ? ", hung" : "", result->err == NULL ? "" : result->err);
	return r < 0 ? r : -EIO;
}

/* OPTIONS, then the rest; both NULL-terminated. Return: how many, or -E2BIG. */
static int join_args(const char *const *options, const char *const *rest,
                     const char *argv[static MAX_OPTIONS + 8])
{
	int n = 0;

	for (; options != NULL && *options != NULL; options++) {
		if (n == MAX_OPTIONS)
			return -E2BIG;
		argv[n++] = *options;
	}
	for (; *rest != NULL; rest++)
		argv[n++] = *rest;
	argv[n] = NULL;
	return n;
}

int record_exec(const struct box *box, const char *const *options, struct record *ret)
{
	const char *const rest[] = { box_name(box), "--", "/probe", "record", NULL };
	const char *argv[MAX_OPTIONS + 8];
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	int r = join_args(options, rest, argv);

	if (r < 0)
		return r;
	r = box_attache(box, "exec", argv, &result);
	return take_output(box, r, &result, ret);
}

int record_attach(const struct box *box, const char *const *options, struct record *ret)
{
	static const char *const rest[] = { "--", "/probe", "record", NULL };
	const char *argv[MAX_OPTIONS + 8];
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	int r = join_args(options, rest, argv);

	if (r < 0)
		return r;
	r = box_run_host(box, "lxc-attach", argv, &result);
	return take_output(box, r, &result, ret);
}
