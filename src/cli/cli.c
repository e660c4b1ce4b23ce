/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

int att_cli_open(const struct att_cli *cli, struct attache_container **ret, struct att_trouble *err)
{
	const struct att_opts *o = cli->opts;
	struct attache_open_opts open = ATTACHE_OPEN_OPTS_INIT;

	open.lxcpath = o->lxcpath;
	open.timeout_ns = ATT_CLI_OPEN_NS;
	open.wait_ns = o->wait_ns;
	if (o->cmd == ATT_CMD_EXEC && !att_opts_has(o, ATT_OPT_DRY_RUN))
		open.flags = ATTACHE_OPEN_EXEC;
	return attache_container_open(o->target, &open, ret, &err->api);
}

int att_cli_fail(const struct att_cli *cli, const struct att_trouble *err)
{
	struct att_fault fault = att_trouble_fault(err);

	att_say_error(cli->opts, &fault);
	return att_fault_exit(&fault);
}
