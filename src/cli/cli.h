/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands, and what they share about the process they run in. */
#ifndef ATT_CLI_CLI_H
#define ATT_CLI_CLI_H

#include <attache/attache.h>

#include "base/defs.h"
#include "cli/opts.h"
#include "cli/say.h"

struct att_cli {
	const struct att_opts *opts;
	unsigned closed_fds; /* bit per descriptor 0…2 that the caller had closed */
};

/* How long monitor, lock and liblxc may stay silent in all: well below the 5 s that are promised. */
#define ATT_CLI_OPEN_NS (3500 * ATT_NS_PER_MS)

static inline void att_cli_container_p(struct attache_container **c)
{
	attache_container_free(*c);
}

#define _cleanup_container_ _cleanup_(att_cli_container_p)

/**
 * att_cmd_exec() - run a command, or a login shell, in a container: exec and enter
 *
 * Return: the exit code (enum att_exit, or the command's own). Context: changes signal mask and
 * dispositions of the process; call it last.
 */
int att_cmd_exec(const struct att_cli *cli);

/** att_cmd_list() - print the containers. Return: the exit code. */
int att_cmd_list(const struct att_cli *cli);

/** att_cmd_inspect() - print what confines a container. Return: the exit code. */
int att_cmd_inspect(const struct att_cli *cli);

/**
 * att_cli_open() - find the target
 *
 * Return: 0 or negative with @err filled.
 */
int att_cli_open(const struct att_cli *cli, struct attache_container **ret, struct att_trouble *err)
	_must_check_;

/** att_cli_fail() - write the error line of a command. Return: its exit code. */
int att_cli_fail(const struct att_cli *cli, const struct att_trouble *err);

#endif
