/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is compared: every contender is a line of a table, with the words that make it run a command
 * in a container. A new contender is a new line.
 */
#ifndef ATT_BENCH_CONTENDER_H
#define ATT_BENCH_CONTENDER_H

#include <limits.h>

#include "base/defs.h"
#include "harness/box.h"

#define CONTENDER_MAX       8  /* contenders */
#define CONTENDER_MAX_WORDS 40 /* of one command line, its end included */

/* The one that the others are compared with. */
#define CONTENDER_OURS "attache"

/* What a contender takes part in. */
#define CONTENDER_LATENCY 0x1u /* starting a command */
#define CONTENDER_FLOW    0x2u /* carrying bytes */
#define CONTENDER_TTY     0x4u /* carrying bytes and keystrokes through a terminal */
#define CONTENDER_SESSION 0x8u /* starting a command on a terminal */

struct contender {
	const char *name;
	const char *env;     /* variable that overrides its path, or NULL */
	const char *program; /* file name */
	/*
	 * @path, @name and @init stand for the container. No words at all: the program is what the
	 * command's first word names, here on the host.
	 */
	const char *words[10];
	unsigned int measures; /* CONTENDER_* */
	char file[PATH_MAX];   /* where the program is */
};

/* A command line for one container. */
struct contender_line {
	const char *argv[CONTENDER_MAX_WORDS]; /* borrowed from contender, box and command */
	char init[16];
};

/**
 * contender_find() - all contenders with their programs found
 * @ret: out: CONTENDER_MAX entries
 *
 * Programs of the build are looked for near this one, others in PATH. What is missing is named on
 * stderr.
 *
 * Return: number of contenders, or -ENOENT.
 */
int contender_find(struct contender *ret) _must_check_;

/**
 * contender_line() - the words that run a command in a container
 * @command: NULL-terminated
 * @ret:     out: must stay where it is
 *
 * Return: 0, or -E2BIG.
 */
int contender_line(const struct contender *c, const struct box *box, const char *const *command,
                   struct contender_line *ret) _must_check_;

#endif
