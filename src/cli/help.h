/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of --help, made from the tables of commands and options. */
#ifndef ATT_CLI_HELP_H
#define ATT_CLI_HELP_H

#include "base/buf.h"
#include "cli/opts.h"
#include "cli/render.h"

/** att_help_usage() - append the short form: how the program is called, and what to ask next. */
int att_help_usage(struct att_buf *out) _must_check_;

/**
 * att_help_format() - append the help of a command
 * @cmd: 0: the program as a whole
 *
 * Return: 0 or -ENOMEM.
 */
int att_help_format(struct att_buf *out, const struct att_look *look, enum att_cmd cmd)
	_must_check_;

#endif
