/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <attache/attache.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/exitcode.h"
#include "cli/help.h"
#include "cli/opts.h"
#include "cli/render.h"
#include "cli/result.h"
#include "cli/say.h"

/*
 * Descriptors 0, 1 and 2 must be something before the first open(), or a file of ours would become
 * the job's output. Return: a bit for each that the caller had closed.
 */
static unsigned fill_holes(void)
{
	unsigned closed = 0;

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is the hole; that the loop goes up makes it this one. */
		if (open("/dev/null", O_RDWR) != fd)
			_exit(ATT_EXIT_FAILED);
		closed |= 1u << fd;
	}
	return closed;
}

static int print(const struct att_cli *cli, const struct att_buf *text)
{
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;

	return att_render_out(text, cli->closed_fds, &t.own) == 0 ? ATT_EXIT_OK
	                                                          : att_cli_fail(cli, &t);
}

static int no_memory(const struct att_cli *cli)
{
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;

	att_ignore(att_err_nomem(&t.own, ATT_STAGE_REQUEST));
	return att_cli_fail(cli, &t);
}

static int show_help(const struct att_cli *cli)
{
	const struct att_opts *o = cli->opts;
	struct att_look look = att_look_at(STDOUT_FILENO, o);
	enum att_cmd cmd = o->cmd;
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;

	if (cmd == ATT_CMD_HELP && (o->help_cmd != 0 || !att_opts_has(o, ATT_OPT_HELP)))
		cmd = o->help_cmd;
	if (att_help_format(&text, &look, cmd) < 0)
		return no_memory(cli);
	return print(cli, &text);
}

static int show_version(const struct att_cli *cli)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	int r = att_buf_printf(&text, "attache %s\n", attache_version());

	if (r == 0 && cli->opts->verbose > 0)
		r = att_buf_printf(&text, "liblxc %s\n", attache_lxc_version());
	return r == 0 ? print(cli, &text) : no_memory(cli);
}

static int dispatch(const struct att_cli *cli)
{
	static int (*const run[_ATT_CMD_MAX])(const struct att_cli *) = {
		[ATT_CMD_EXEC] = att_cmd_exec, [ATT_CMD_ENTER] = att_cmd_exec,
		[ATT_CMD_LIST] = att_cmd_list, [ATT_CMD_INSPECT] = att_cmd_inspect,
		[ATT_CMD_HELP] = show_help,
	};

	if (att_opts_has(cli->opts, ATT_OPT_VERSION))
		return show_version(cli);
	if (att_opts_has(cli->opts, ATT_OPT_HELP))
		return show_help(cli);
	return run[cli->opts->cmd](cli);
}

/* A command line that cannot be understood is a result too, where one was asked for. */
static int refuse(const struct att_cli *cli, const struct att_trouble *t, bool wordless)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	_cleanup_buf_ struct att_buf usage = ATT_BUF_INIT;
	struct att_fault fault = att_trouble_fault(t);
	int code = att_cli_fail(cli, t);

	if (cli->opts->status_fd >= 0 &&
	    att_result_format(&text, cli->opts, &(struct att_result_in){ .fault = &fault }) == 0)
		att_ignore(att_say_write(cli->opts->status_fd, text.data, text.len));
	if (wordless && att_help_usage(&usage) == 0)
		att_ignore(att_say_write(STDERR_FILENO, usage.data, usage.len));
	return code;
}

int main(int argc, char **argv)
{
	_cleanup_(att_opts_done) struct att_opts o;
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;
	struct att_cli cli = { .opts = &o, .closed_fds = fill_holes() };
	int r = 0;

	att_opts_init(&o);
	r = att_opts_parse(&o, argc, argv, &t.own);
	if (att_opts_has(&o, ATT_OPT_STATUS_FD)) {
		struct att_err fd_err = ATT_ERR_INIT;
		int bad = att_result_check_fd(o.status_fd, cli.closed_fds, &fd_err);

		if (bad < 0)
			o.status_fd = -1;
		if (bad < 0 && r == 0) {
			r = bad;
			t.own = fd_err;
		}
	}
	return r < 0 ? refuse(&cli, &t, argc < 2) : dispatch(&cli);
}
