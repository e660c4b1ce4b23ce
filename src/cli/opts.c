/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/opts.h"

#include <string.h>

#include "cli/optval.h"

/* Where the parser stands in argv. */
struct cursor {
	int argc;
	char *const *argv;
	int next;
	bool ended; /* "--" was consumed */
};

/* ---- nearest word, for "did you mean" ------------------------------------------------------- */

#define NEAR_MAX 24

struct edits {
	size_t d[NEAR_MAX][NEAR_MAX]; /* d[i][j]: from the first i bytes of a to the first j of b */
};

static size_t least(size_t x, size_t y)
{
	return x < y ? x : y;
}

static size_t edits_cell(const struct edits *e, const char *a, const char *b, size_t i, size_t j)
{
	size_t best = 0;

	if (i == 0 || j == 0)
		return i + j;
	best = e->d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
	best = least(best, e->d[i - 1][j] + 1);
	best = least(best, e->d[i][j - 1] + 1);
	if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
		best = least(best, e->d[i - 2][j - 2] + 1);
	return best;
}

/* Edits (insert, delete, replace, swap neighbours) from a to b; both shorter than NEAR_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t la = strlen(a);
	size_t lb = strlen(b);
	struct edits e;

	for (size_t i = 0; i <= la; i++)
		for (size_t j = 0; j <= lb; j++)
			e.d[i][j] = edits_cell(&e, a, b, i, j);
	return e.d[la][lb];
}

/* The best candidate so far; a beginning of its name counts as very near. */
static void consider(const char *word, const char *name, const char **best, size_t *best_d)
{
	size_t d = 0;

	if (strlen(word) >= NEAR_MAX || strlen(name) >= NEAR_MAX)
		return;
	d = distance(word, name);
	if (strlen(word) >= 3 && strncmp(word, name, strlen(word)) == 0)
		d = 1;
	if (d < *best_d && d <= 1 + strlen(word) / 4) {
		*best = name;
		*best_d = d;
	}
}

static bool belongs(const struct att_opt_spec *spec, enum att_cmd cmd)
{
	return (spec->cmds & (1u << cmd)) != 0;
}

static int unknown_long(enum att_cmd cmd, const char *name, struct att_err *err)
{
	const char *near = NULL;
	size_t near_d = NEAR_MAX;
	struct att_quoted q;

	for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++)
		if (belongs(att_opt_spec(i), cmd))
			consider(name, att_opt_spec(i)->name, &near, &near_d);
	if (near)
		return att_invalid(err, "unknown option '--%s'; did you mean '--%s'?",
		                   att_quote(&q, name), near);
	return att_invalid(err, "unknown option '--%s'", att_quote(&q, name));
}

static enum att_cmd find_cmd(const char *word)
{
	for (enum att_cmd i = 1; i < _ATT_CMD_MAX; i++) {
		const struct att_cmd_spec *spec = att_cmd_spec(i);

		if (strcmp(word, spec->name) == 0 ||
		    (spec->alias && strcmp(word, spec->alias) == 0))
			return i;
	}
	return 0;
}

static int unknown_cmd(const char *word, struct att_err *err)
{
	const char *near = NULL;
	size_t near_d = NEAR_MAX;
	struct att_quoted q;

	for (enum att_cmd i = 1; i < _ATT_CMD_MAX; i++)
		consider(word, att_cmd_spec(i)->name, &near, &near_d);
	if (near)
		return att_invalid(err, "unknown command '%s'; did you mean '%s'?",
		                   att_quote(&q, word), near);
	return att_invalid(err, "unknown command '%s'", att_quote(&q, word));
}

/* ---- options ------------------------------------------------------------------------------ */

static int needs_value(const struct att_opt_spec *spec, struct att_err *err)
{
	return att_invalid(err, "option '--%s' needs a value (%s)", spec->name, spec->arg);
}

static const char *next_word(struct cursor *c)
{
	return c->next < c->argc ? c->argv[c->next++] : NULL;
}

/* An option that exists, but not here: before the command word, or of another command. */
static int misplaced(const struct att_opts *o, const struct att_opt_spec *spec, struct att_err *err)
{
	for (enum att_cmd i = 1; i < _ATT_CMD_MAX; i++) {
		if (!belongs(spec, i))
			continue;
		if (o->cmd == 0)
			return att_invalid(err, "option '--%s' comes after the word '%s'",
			                   spec->name, att_cmd_spec(i)->name);
		return att_invalid(err, "option '--%s' is for '%s', not for '%s'", spec->name,
		                   att_cmd_spec(i)->name, att_cmd_spec(o->cmd)->name);
	}
	return att_invalid(err, "option '--%s' belongs to no command", spec->name);
}

static enum att_opt find_long(const char *name, size_t len)
{
	for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++)
		if (strlen(att_opt_spec(i)->name) == len &&
		    memcmp(name, att_opt_spec(i)->name, len) == 0)
			return i;
	return 0;
}

static int parse_long(struct att_opts *o, struct cursor *c, const char *word, struct att_err *err)
{
	const char *name = word + 2;
	const char *value = strchr(name, '=');
	enum att_opt opt = find_long(name, value ? (size_t)(value - name) : strlen(name));
	const struct att_opt_spec *spec = NULL;

	if (opt == 0)
		return unknown_long(o->cmd, name, err);
	spec = att_opt_spec(opt);
	if (!belongs(spec, o->cmd))
		return misplaced(o, spec, err);
	if (value && !spec->arg)
		return att_invalid(err, "option '--%s' takes no value", spec->name);
	if (value)
		return att_opt_apply(o, opt, value + 1, err);
	if (spec->arg && spec->kind != ATT_KIND_PARTS) {
		value = next_word(c);
		if (!value)
			return needs_value(spec, err);
	}
	return att_opt_apply(o, opt, value, err);
}

static enum att_opt find_short(char letter)
{
	for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++)
		if (att_opt_spec(i)->letter == letter)
			return i;
	return 0;
}

static int unknown_short(const char *word, const char *at, struct att_err *err)
{
	char letter[8];
	struct att_quoted q;

	att_escape(letter, sizeof(letter), at, 1);
	if (word[2] == '\0')
		return att_invalid(err, "unknown option '-%s'", letter);
	return att_invalid(err, "unknown option '-%s' in '%s'", letter, att_quote(&q, word));
}

/* A word of short options: "-nT", "-u1000", "-u 1000", "-nu1000". */
static int parse_short(struct att_opts *o, struct cursor *c, const char *word, struct att_err *err)
{
	for (const char *at = word + 1; *at; at++) {
		enum att_opt opt = find_short(*at);
		const struct att_opt_spec *spec = NULL;
		int r = 0;

		if (opt == 0)
			return unknown_short(word, at, err);
		spec = att_opt_spec(opt);
		if (!belongs(spec, o->cmd))
			return misplaced(o, spec, err);
		if (spec->arg) {
			const char *value = at[1] ? at + 1 : next_word(c);

			return value ? att_opt_apply(o, opt, value, err) : needs_value(spec, err);
		}
		r = att_opt_apply(o, opt, NULL, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- words -------------------------------------------------------------------------------- */

static int too_many(const char *word, struct att_err *err)
{
	struct att_quoted q;

	return att_invalid(err, "one word too many: '%s'", att_quote(&q, word));
}

static int too_many_for_enter(const char *word, struct att_err *err)
{
	struct att_quoted q;

	return att_invalid(err, "one word too many: '%s'; 'exec' runs a command",
	                   att_quote(&q, word));
}

static int take_help_cmd(struct att_opts *o, const char *word, struct att_err *err)
{
	if (o->help_cmd != 0)
		return too_many(word, err);
	o->help_cmd = find_cmd(word);
	return o->help_cmd != 0 ? 0 : unknown_cmd(word, err);
}

/* A word that is no option. COMMAND_STARTS: it is the command's first. */
enum {
	COMMAND_STARTS = 1
};

static int take_word(struct att_opts *o, const char *word, struct att_err *err)
{
	switch (o->cmd) {
	case ATT_CMD_EXEC:
		if (o->target)
			return COMMAND_STARTS;
		o->target = word;
		return 0;
	case ATT_CMD_ENTER:
		if (o->target)
			return too_many_for_enter(word, err);
		o->target = word;
		return 0;
	case ATT_CMD_INSPECT:
		if (o->target)
			return too_many(word, err);
		o->target = word;
		return 0;
	case ATT_CMD_LIST:
		return too_many(word, err);
	case ATT_CMD_HELP:
		return take_help_cmd(o, word, err);
	case _ATT_CMD_MAX:
		break;
	}
	o->cmd = find_cmd(word);
	return o->cmd != 0 ? 0 : unknown_cmd(word, err);
}

static bool is_option(const struct cursor *c, const char *word)
{
	return !c->ended && word[0] == '-' && word[1] != '\0';
}

/* One step: 0, COMMAND_STARTS with the cursor on the command's first word, or an error. */
static int parse_word(struct att_opts *o, struct cursor *c, struct att_err *err)
{
	const char *word = c->argv[c->next++];
	int r = 0;

	if (!c->ended && strcmp(word, "--") == 0) {
		c->ended = true;
		return o->cmd == ATT_CMD_EXEC && o->target ? COMMAND_STARTS : 0;
	}
	if (is_option(c, word))
		return word[1] == '-' ? parse_long(o, c, word, err) : parse_short(o, c, word, err);

	r = take_word(o, word, err);
	if (r == COMMAND_STARTS)
		c->next--;
	return r;
}

/* ---- the whole ---------------------------------------------------------------------------- */

/* What cannot stand together, or not alone. */
static const struct rule {
	enum att_opt opt;
	enum att_opt other;
	bool wanted; /* true: opt needs other; false: opt excludes other */
	const char *why;
} rules[] = {
	{ ATT_OPT_SHELL_COMMAND, ATT_OPT_SCRIPT, false, "there is one command" },
	{ ATT_OPT_KILL_AFTER, ATT_OPT_DETACH, false, "nobody would be left to watch the clock" },
	{ ATT_OPT_STOP_SIGNAL, ATT_OPT_TIMEOUT, true, "nothing would be stopped" },
	{ ATT_OPT_TTY, ATT_OPT_NO_TTY, false, "a terminal is there or not" },
	{ ATT_OPT_TTY, ATT_OPT_DETACH, false, "nobody would be left to look at it" },
	{ ATT_OPT_INTERACTIVE, ATT_OPT_NO_STDIN, false, "stdin is connected or not" },
	{ ATT_OPT_INTERACTIVE, ATT_OPT_DETACH, false, "nobody would be left to type" },
	{ ATT_OPT_DETACH_KEYS, ATT_OPT_TIMEOUT, false, "nobody would be left to watch the clock" },
	{ ATT_OPT_DETACH_KEYS, ATT_OPT_DETACH, false, "it is left from the start" },
	{ ATT_OPT_LOG, ATT_OPT_DETACH, true, "only a detached job writes to a log" },
	{ ATT_OPT_DETACH, ATT_OPT_TIMEOUT, false, "nobody would be left to watch the clock" },
	{ ATT_OPT_DETACH, ATT_OPT_STATUS_FD, false, "nobody would be left to see how it ends" },
	{ ATT_OPT_DRY_RUN, ATT_OPT_STATUS_FD, false, "nothing runs, so nothing ends" },
};

static int check_rules(const struct att_opts *o, struct att_err *err)
{
	for (size_t i = 0; i < countof(rules); i++) {
		const struct rule *r = &rules[i];

		if (!att_opts_has(o, r->opt) || att_opts_has(o, r->other) == r->wanted)
			continue;
		return att_invalid(err, "--%s %s --%s: %s", att_opt_spec(r->opt)->name,
		                   r->wanted ? "needs" : "cannot stand with",
		                   att_opt_spec(r->other)->name, r->why);
	}
	if (att_opts_has(o, ATT_OPT_DETACH) && att_opts_has(o, ATT_OPT_IO) && o->io == 0)
		return att_invalid(err, "--detach cannot stand with --io relay: "
		                        "nobody would be left to carry the bytes");
	return 0;
}

/* Options given before the command word are known to be its own only now. */
static int check_seen(const struct att_opts *o, struct att_err *err)
{
	for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++)
		if (att_opts_has(o, i) && !belongs(att_opt_spec(i), o->cmd))
			return misplaced(o, att_opt_spec(i), err);
	return 0;
}

static int check_words(const struct att_opts *o, struct att_err *err)
{
	if (o->cmd == 0)
		return att_invalid(err, "no command given");
	if ((o->cmd == ATT_CMD_EXEC || o->cmd == ATT_CMD_ENTER || o->cmd == ATT_CMD_INSPECT) &&
	    !o->target)
		return att_err_set(err, ATT_E_MISSING_CONTAINER_ID, ATT_STAGE_REQUEST,
		                   "no container given");
	if (o->cmd == ATT_CMD_EXEC && o->command.n == 0 && !o->exec.script &&
	    !att_opts_has(o, ATT_OPT_INTERACTIVE))
		return att_err_set(err, ATT_E_MISSING_COMMAND, ATT_STAGE_REQUEST,
		                   "no command given");
	return 0;
}

static int pick_format(struct att_opts *o, struct att_err *err)
{
	const struct att_choice *formats = att_cmd_spec(o->cmd)->formats;
	uint32_t format = 0;

	if (!formats)
		return 0;
	format = formats[0].value;
	if (o->format_word) {
		int r = att_opt_pick(att_opt_spec(ATT_OPT_FORMAT), formats, o->format_word, &format,
		                     err);

		if (r < 0)
			return r;
	}
	o->format = (enum att_format)format;
	return 0;
}

/* The request as the library takes it. */
static void fill_exec(struct att_opts *o)
{
	o->exec.argv = o->command.v;
	o->exec.env = o->env.v;
	o->exec.env_files = o->env_files.v;
	o->exec.cap_drop = o->cap_drop.v;
	o->exec.cap_add = o->cap_add.v;
	o->exec.rlimits = o->rlimits.v;
	o->exec.flags |= (uint64_t)o->env_from | o->io;
	if (o->cmd == ATT_CMD_ENTER ||
	    (att_opts_has(o, ATT_OPT_INTERACTIVE) && o->command.n == 0 && !o->exec.script))
		o->exec.flags |= ATTACHE_EXEC_LOGIN;
	/* The library's 0 is "its default"; the user's 0 means at once. */
	if (att_opts_has(o, ATT_OPT_KILL_AFTER) && o->exec.kill_after_ns == 0)
		o->exec.kill_after_ns = 1;
}

static int take_command(struct att_opts *o, const struct cursor *c, struct att_err *err)
{
	if (o->shell_string) {
		int r = att_words_add(&o->command, o->shell_string, err);

		if (r < 0)
			return r;
	}
	for (int i = c->next; i < c->argc; i++) {
		int r = att_words_add(&o->command, c->argv[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static int finish(struct att_opts *o, const struct cursor *c, struct att_err *err)
{
	int r = take_command(o, c, err);

	if (r < 0)
		return r;

	r = check_seen(o, err);
	if (r < 0)
		return r;

	r = check_words(o, err);
	if (r < 0)
		return r;

	r = check_rules(o, err);
	if (r < 0)
		return r;

	r = pick_format(o, err);
	if (r < 0)
		return r;
	fill_exec(o);
	return 0;
}

static bool wants_text(const struct att_opts *o)
{
	return att_opts_has(o, ATT_OPT_HELP) || att_opts_has(o, ATT_OPT_VERSION);
}

int att_opts_parse(struct att_opts *o, int argc, char *const *argv, struct att_err *err)
{
	struct cursor c = { .argc = argc, .argv = argv, .next = 1 };
	int r = 0;

	while (c.next < c.argc && r == 0 && !wants_text(o))
		r = parse_word(o, &c, err);
	if (r < 0)
		return r;
	if (!wants_text(o))
		return finish(o, &c, err);
	/* `attache --help exec` asks for what `attache exec --help` does. */
	if (o->cmd == 0 && c.next < c.argc)
		o->cmd = find_cmd(argv[c.next]);
	return 0;
}

void att_opts_init(struct att_opts *o)
{
	*o = (struct att_opts){
		.color = ATT_COLOR_AUTO,
		.status_fd = -1,
		.exec = ATTACHE_EXEC_OPTS_INIT,
	};
}

void att_opts_done(struct att_opts *o)
{
	att_words_done(&o->command);
	att_words_done(&o->env);
	att_words_done(&o->env_files);
	att_words_done(&o->cap_drop);
	att_words_done(&o->cap_add);
	att_words_done(&o->rlimits);
}

bool att_opts_has(const struct att_opts *o, enum att_opt opt)
{
	return (o->seen & (UINT64_C(1) << opt)) != 0;
}
