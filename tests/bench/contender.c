/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/contender.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cmd.h"

static const struct contender table[] = {
	{ .name = CONTENDER_OURS,
	  .env = "ATTACHE",
	  .program = "attache",
	  .words = { "-P", "@path", "exec", "@name", "--" },
	  .measures = CONTENDER_LATENCY | CONTENDER_FLOW },
	{ .name = "attache-direct",
	  .env = "ATTACHE",
	  .program = "attache",
	  .words = { "-P", "@path", "exec", "--io", "direct", "@name", "--" },
	  .measures = CONTENDER_FLOW },
	{ .name = CONTENDER_OURS,
	  .env = "ATTACHE",
	  .program = "attache",
	  .words = { "-P", "@path", "exec", "-t", "@name", "--" },
	  .measures = CONTENDER_TTY | CONTENDER_SESSION },
	{ .name = "lxc-attach",
	  .program = "lxc-attach",
	  .words = { "-P", "@path", "-n", "@name", "--" },
	  .measures = CONTENDER_LATENCY | CONTENDER_FLOW | CONTENDER_TTY | CONTENDER_SESSION },
	{ .name = "nsenter",
	  .program = "nsenter",
	  .words = { "-t", "@init", "-a" },
	  .measures = CONTENDER_LATENCY },
	{ .name = "floor",
	  .env = "ATTACHE_BENCH_FLOOR",
	  .program = "floor",
	  .words = { "@init" },
	  .measures = CONTENDER_LATENCY },
	{ .name = "floor",
	  .env = "ATTACHE_BENCH_FLOOR",
	  .program = "floor",
	  .words = { "-t", "@init" },
	  .measures = CONTENDER_TTY | CONTENDER_SESSION },
	{ .name = "bare", .env = "ATTACHE_PROBE", .program = "probe", .measures = CONTENDER_TTY },
};

_Static_assert(countof(table) <= CONTENDER_MAX, "callers have room for so many");

/* As a shell does it, but once: a search during the run would be charged to the contender. */
static int find_in_path(const char *program, char *buf, size_t cap)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		int len = (int)strcspn(path, ":");
		int n = snprintf(buf, cap, "%.*s/%s", len, path, program);

		if (n > 0 && (size_t)n < cap && buf[0] == '/' && access(buf, X_OK) == 0)
			return 0;
		path += len;
		path += *path == ':';
	}
	return -ENOENT;
}

static int find_program(struct contender *c)
{
	if (c->env == NULL)
		return find_in_path(c->program, c->file, sizeof(c->file));
	return cmd_find(c->env, c->program, c->file, sizeof(c->file)) == NULL ? -ENOENT : 0;
}

int contender_find(struct contender *ret)
{
	for (size_t i = 0; i < countof(table); i++) {
		ret[i] = table[i];

		int r = find_program(&ret[i]);

		if (r < 0) {
			fprintf(stderr, "bench: %s: no such program\n", table[i].program);
			return r;
		}
	}
	return (int)countof(table);
}

static const char *fill_in(const char *word, const struct box *box,
                           const struct contender_line *line)
{
	if (strcmp(word, "@path") == 0)
		return box_lxcpath(box);
	if (strcmp(word, "@name") == 0)
		return box_name(box);
	return strcmp(word, "@init") == 0 ? line->init : word;
}

int contender_line(const struct contender *c, const struct box *box, const char *const *command,
                   struct contender_line *ret)
{
	size_t n = 0;

	*ret = (struct contender_line){ 0 };
	snprintf(ret->init, sizeof(ret->init), "%d", box_init_pid(box));
	ret->argv[n++] = c->file;
	for (size_t i = 0; i < countof(c->words) && c->words[i] != NULL; i++)
		ret->argv[n++] = fill_in(c->words[i], box, ret);
	for (size_t i = c->words[0] == NULL ? 1 : 0; command[i] != NULL; i++) {
		if (n + 1 == countof(ret->argv))
			return -E2BIG;
		ret->argv[n++] = command[i];
	}
	return 0;
}
