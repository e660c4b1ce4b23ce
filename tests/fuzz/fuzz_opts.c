/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option parser against any words: the input is an argv, each word ended by a zero byte. */
#include <string.h>

#include "cli/opts.h"

#define WORDS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every word that the parser kept is one of argv's, and vectors end as they say. */
static void check_words(const struct att_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		att_assert(w->v[i]);
	att_assert(!w->v || !w->v[w->n]);
}

static void check(const struct att_opts *o, int r, const struct att_err *err)
{
	check_words(&o->command);
	check_words(&o->env);
	check_words(&o->env_files);
	check_words(&o->cap_drop);
	check_words(&o->cap_add);
	check_words(&o->rlimits);
	att_assert(r <= 0 && r == -err->code);
	att_assert(!strpbrk(err->msg, "\n\033"));
	if (r < 0 || att_opts_has(o, ATT_OPT_HELP) || att_opts_has(o, ATT_OPT_VERSION))
		return;
	att_assert(o->cmd > 0 && o->cmd < _ATT_CMD_MAX);
	att_assert(o->cmd != ATT_CMD_EXEC || o->target);
	/* Without a command, -i is a login shell. */
	att_assert(o->cmd != ATT_CMD_EXEC || o->command.n > 0 || o->exec.script ||
	           (att_opts_has(o, ATT_OPT_INTERACTIVE) &&
	            (o->exec.flags & ATTACHE_EXEC_LOGIN) != 0));
	att_assert(o->exec.nice >= -20 && o->exec.nice <= 19);
	att_assert(o->exec.umask <= 0777 && o->exec.timeout_ns >= 0 && o->exec.kill_after_ns >= 0);
	att_assert((o->exec.unconfine & ~ATTACHE_UNCONFINE_ALL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size + 1);
	char *argv[WORDS_MAX + 1] = { NULL };
	struct att_opts o;
	struct att_err err = ATT_ERR_INIT;
	char name[] = "attache";
	int argc = 1;

	if (!text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	argv[0] = name;
	for (size_t at = 0; at < size && argc < WORDS_MAX; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	att_opts_init(&o);
	check(&o, att_opts_parse(&o, argc, argv, &err), &err);
	att_opts_done(&o);
	return 0;
}
