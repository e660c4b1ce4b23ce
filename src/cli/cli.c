/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/cli.h"

#include "cli/watchdog.h"

int att_cli_open(const struct att_cli *cli, struct attache_container **ret, struct att_trouble *err)
{
	const struct att_opts *o = cli->opts;
	_cleanup_watchdog_ struct att_watchdog watchdog = ATT_WATCHDOG_INIT;
	struct attache_open_opts open = ATTACHE_OPEN_OPTS_INIT;
	int64_t last_ns = 0;
	int r = 0;

	open.lxcpath = o->lxcpath;
	open.timeout_ns = ATT_CLI_OPEN_NS;
	open.wait_ns = o->wait_ns;
	if (o->cmd == ATT_CMD_EXEC && !att_opts_has(o, ATT_OPT_DRY_RUN))
		open.flags = ATTACHE_OPEN_EXEC;
	if (__builtin_add_overflow(o->wait_ns, ATT_CLI_OPEN_NS + ATT_NS_PER_SEC, &last_ns))
		last_ns = INT64_MAX;

	r = att_watchdog_start(&watchdog, o, last_ns, &err->own);
	if (r < 0)
		return r;
	return attache_container_open(o->target, &open, ret, &err->api);
}

int att_cli_fail(const struct att_cli *cli, const struct att_trouble *err)
{
	struct att_fault fault = att_trouble_fault(err);

	att_say_error(cli->opts, &fault);
	return att_fault_exit(&fault);
}
