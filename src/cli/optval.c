/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/optval.h"

#include <stdio.h>
#include <string.h>

#include "base/keys.h"
#include "base/parse.h"

const char *att_quote(struct att_quoted *q, const char *word)
{
	return att_escape(q->text, sizeof(q->text), word, strlen(word));
}

int att_words_add(struct att_words *w, const char *word, struct att_err *err)
{
	if (w->n + 2 > w->cap) {
		size_t cap = w->cap > 0 ? 2 * w->cap : 16;
		const char **v = reallocarray(w->v, cap, sizeof(*v));

		if (!v)
			return att_err_nomem(err, ATT_STAGE_REQUEST);
		w->v = v;
		w->cap = cap;
	}
	w->v[w->n++] = word;
	w->v[w->n] = NULL;
	return 0;
}

void att_words_done(struct att_words *w)
{
	free(w->v);
	*w = (struct att_words){ 0 };
}

static void *field(struct att_opts *o, const struct att_opt_spec *spec)
{
	return (char *)o + spec->offset;
}

static int bad_value(const struct att_opt_spec *spec, const char *value, const char *wanted,
                     struct att_err *err)
{
	struct att_quoted q;

	return att_invalid(err, "--%s: '%s' is not %s", spec->name, att_quote(&q, value), wanted);
}

/* Words of a list for a message: "table, json, names". */
static void join_choices(char *dst, size_t cap, const struct att_choice *choices)
{
	size_t used = 0;

	dst[0] = '\0';
	for (const struct att_choice *c = choices; c->word && used < cap; c++)
		used += (size_t)snprintf(dst + used, cap - used, "%s%s", c == choices ? "" : ", ",
		                         c->word);
}

int att_opt_pick(const struct att_opt_spec *spec, const struct att_choice *choices,
                 const char *word, uint32_t *ret, struct att_err *err)
{
	char wanted[80] = "one of ";

	for (const struct att_choice *c = choices; c->word; c++) {
		if (strcmp(word, c->word) == 0) {
			*ret = c->value;
			return 0;
		}
	}
	join_choices(wanted + strlen(wanted), sizeof(wanted) - strlen(wanted), choices);
	return bad_value(spec, word, wanted, err);
}

static int set_flag(_unused_ struct att_opts *o, _unused_ const struct att_opt_spec *spec,
                    _unused_ const char *value, _unused_ struct att_err *err)
{
	return 0; /* that it was given is all there is to know */
}

static int set_count(struct att_opts *o, const struct att_opt_spec *spec,
                     _unused_ const char *value, _unused_ struct att_err *err)
{
	uint32_t *count = field(o, spec);

	*count += 1;
	return 0;
}

static int set_text(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                    _unused_ struct att_err *err)
{
	const char **text = field(o, spec);

	*text = value;
	return 0;
}

static int set_string(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                      struct att_err *err)
{
	if (value[0] == '\0')
		return att_invalid(err, "--%s: the value '' is empty", spec->name);
	return set_text(o, spec, value, err);
}

static int set_list(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                    struct att_err *err)
{
	return att_words_add(field(o, spec), value, err);
}

static int set_duration(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                        struct att_err *err)
{
	int64_t *ns = field(o, spec);

	if (!att_parse_duration_ns(value, ns))
		return bad_value(spec, value, "a duration (10, 1.5s, 250ms, 2m, 1h30m)", err);
	return 0;
}

static int set_signal(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                      struct att_err *err)
{
	int32_t *sig = field(o, spec);

	if (!att_parse_signal(value, sig))
		return bad_value(spec, value, "a signal (TERM, SIGINT, 9)", err);
	return 0;
}

/* The relay reads them again; here they are refused before anything runs. */
static int set_escape(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                      struct att_err *err)
{
	int key = 0;

	if (!att_keys_parse_escape(value, &key))
		return bad_value(spec, value, "an escape character (~, ^], none)", err);
	return set_text(o, spec, value, err);
}

static int set_keys(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                    struct att_err *err)
{
	unsigned char keys[ATT_KEYS_MAX];
	size_t n = 0;

	if (!att_keys_parse_sequence(value, keys, &n) || n == 0)
		return bad_value(spec, value, "a sequence of keys (ctrl-p,ctrl-q)", err);
	return set_text(o, spec, value, err);
}

static int set_octal(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                     struct att_err *err)
{
	uint32_t *bits = field(o, spec);
	char wanted[48];

	if (att_parse_octal(value, (uint32_t)spec->max, bits))
		return 0;
	att_ignore(
		snprintf(wanted, sizeof(wanted), "an octal number up to %o", (unsigned)spec->max));
	return bad_value(spec, value, wanted, err);
}

static int set_number(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                      struct att_err *err)
{
	int32_t *number = field(o, spec);
	char wanted[64];
	int64_t n = 0;

	if (att_parse_i64(value, &n) && n >= spec->min && n <= spec->max) {
		*number = (int32_t)n;
		return 0;
	}
	att_ignore(snprintf(wanted, sizeof(wanted), "a number from %lld to %lld",
	                    (long long)spec->min, (long long)spec->max));
	return bad_value(spec, value, wanted, err);
}

static int set_choice(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                      struct att_err *err)
{
	return att_opt_pick(spec, spec->choices, value, field(o, spec), err);
}

static int set_parts(struct att_opts *o, const struct att_opt_spec *spec, const char *value,
                     struct att_err *err)
{
	uint32_t *bits = field(o, spec);

	if (!value) {
		for (const struct att_choice *c = spec->choices; c->word; c++)
			*bits |= c->value;
		return 0;
	}
	for (const char *at = value;;) {
		size_t len = strcspn(at, ",");
		char part[112];
		uint32_t bit = 0;

		/* A cut part cannot equal a choice, so it still ends as the error it is. */
		att_ignore(snprintf(part, sizeof(part), "%.*s", len < 100 ? (int)len : 100, at));

		int r = att_opt_pick(spec, spec->choices, part, &bit, err);

		if (r < 0)
			return r;
		*bits |= bit;
		if (at[len] == '\0')
			return 0;
		at += len + 1;
	}
}

typedef int (*setter)(struct att_opts *, const struct att_opt_spec *, const char *,
                      struct att_err *);

static const setter setters[_ATT_KIND_MAX] = {
	[ATT_KIND_FLAG] = set_flag,     [ATT_KIND_COUNT] = set_count,
	[ATT_KIND_STRING] = set_string, [ATT_KIND_TEXT] = set_text,
	[ATT_KIND_LIST] = set_list,     [ATT_KIND_DURATION] = set_duration,
	[ATT_KIND_SIGNAL] = set_signal, [ATT_KIND_ESCAPE] = set_escape,
	[ATT_KIND_KEYS] = set_keys,     [ATT_KIND_OCTAL] = set_octal,
	[ATT_KIND_NUMBER] = set_number, [ATT_KIND_CHOICE] = set_choice,
	[ATT_KIND_PARTS] = set_parts,
};

int att_opt_apply(struct att_opts *o, enum att_opt opt, const char *value, struct att_err *err)
{
	const struct att_opt_spec *spec = att_opt_spec(opt);
	int r = setters[spec->kind](o, spec, value, err);

	if (r < 0)
		return r;
	o->seen |= UINT64_C(1) << opt;
	o->exec.flags |= spec->bit;
	return 0;
}
