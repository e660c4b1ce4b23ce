/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 32

static int format_cmds(struct att_buf *out)
{
	int r = att_buf_printf(out, "\nCommands:\n");

	for (enum att_cmd i = 1; i < _ATT_CMD_MAX && r == 0; i++) {
		const struct att_cmd_spec *spec = att_cmd_spec(i);
		char names[64];

		att_ignore(snprintf(names, sizeof(names), "%s%s%s", spec->name,
		                    spec->alias ? ", " : "", spec->alias ? spec->alias : ""));
		r = att_buf_printf(out, "  %-*s%s\n", HELP_COLUMN - 2, names, spec->summary);
	}
	return r;
}

/* "-u, --user USER[:GROUP]" */
static void option_words(char *dst, size_t cap, const struct att_opt_spec *spec)
{
	const char *arg = spec->arg ? spec->arg : "";
	const char *open = spec->arg ? " " : "";
	const char *close = "";
	char letter[8] = "    ";

	if (spec->kind == ATT_KIND_PARTS) {
		open = "[=";
		close = "]";
	}
	if (spec->letter)
		att_ignore(snprintf(letter, sizeof(letter), "-%c, ", spec->letter));
	att_ignore(snprintf(dst, cap, "%s--%s%s%s%s", letter, spec->name, open, arg, close));
}

static int format_option(struct att_buf *out, const struct att_look *look,
                         const struct att_opt_spec *spec)
{
	char words[80];
	int r = 0;

	option_words(words, sizeof(words), spec);
	if (strlen(words) + 3 > HELP_COLUMN)
		r = att_buf_printf(out, "  %s\n%*s", words, HELP_COLUMN, "");
	else
		r = att_buf_printf(out, "  %-*s", HELP_COLUMN - 2, words);
	if (r < 0)
		return r;
	return att_render_wrap(out, look, spec->help, HELP_COLUMN);
}

static bool everywhere(const struct att_opt_spec *spec)
{
	return (spec->cmds & 1u) != 0 && (spec->cmds & (1u << ATT_CMD_HELP)) != 0;
}

/* The command's own options, or those of every command. */
static int format_options(struct att_buf *out, const struct att_look *look, const char *title,
                          enum att_cmd cmd, bool own)
{
	bool titled = false;

	for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++) {
		const struct att_opt_spec *spec = att_opt_spec(i);
		int r = 0;

		if (everywhere(spec) == own || (own && !(spec->cmds & (1u << cmd))))
			continue;
		if (!titled)
			r = att_buf_printf(out, "\n%s:\n", title);
		titled = true;
		if (r == 0)
			r = format_option(out, look, spec);
		if (r < 0)
			return r;
	}
	return 0;
}

int att_help_usage(struct att_buf *out)
{
	int r = att_buf_printf(out, "usage: attache COMMAND [OPTION]... [WORD]...\n\n");

	for (enum att_cmd i = 1; i < _ATT_CMD_MAX && r == 0; i++)
		r = att_buf_printf(out, "  attache %s %s\n", att_cmd_spec(i)->name,
		                   att_cmd_spec(i)->usage);
	if (r < 0)
		return r;
	return att_buf_printf(out, "\n'attache help' and 'attache help COMMAND' say more.\n");
}

static int format_head(struct att_buf *out, enum att_cmd cmd)
{
	const struct att_cmd_spec *spec = NULL;

	if (cmd == 0)
		return att_buf_printf(
			out,
			"usage: attache COMMAND [OPTION]... [WORD]...\n\n"
			"Run commands inside running LXC containers, as confined as they are.\n");
	spec = att_cmd_spec(cmd);
	return att_buf_printf(out, "usage: attache %s %s\n\n%c%s.\n", spec->name, spec->usage,
	                      spec->summary[0] - 'a' + 'A', spec->summary + 1);
}

int att_help_format(struct att_buf *out, const struct att_look *look, enum att_cmd cmd)
{
	int r = format_head(out, cmd);

	if (r == 0 && cmd == 0)
		r = format_cmds(out);
	if (r == 0 && cmd != 0)
		r = format_options(out, look, "Options", cmd, true);
	if (r == 0)
		r = format_options(out, look, "Options of every command", cmd, false);
	if (r < 0)
		return r;
	if (cmd == 0)
		return att_buf_printf(out, "\n'attache help COMMAND' explains a command; "
		                           "attache(1) has it all.\n");
	return 0;
}
