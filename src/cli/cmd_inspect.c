/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <unistd.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/exitcode.h"
#include "cli/inspect.h"
#include "cli/render.h"

static inline void snapshot_free_p(struct attache_snapshot **s)
{
	attache_snapshot_free(*s);
}

static int format_snapshot(struct att_buf *out, const struct att_opts *o, const char *text,
                           struct att_trouble *t)
{
	struct att_look look = att_look_at(STDOUT_FILENO, o);
	json_t *snapshot = NULL;
	int r = att_render_parse(text, &snapshot, &t->own);

	if (r < 0)
		return r;
	r = o->format == ATT_FORMAT_JSON ? att_render_json(out, &look, snapshot)
	                                 : att_inspect_format(out, &look, snapshot);
	json_decref(snapshot);
	return r < 0 ? att_err_nomem(&t->own, 0) : 0;
}

static int inspect(const struct att_cli *cli, struct att_trouble *t)
{
	_cleanup_container_ struct attache_container *ct = NULL;
	_cleanup_(snapshot_free_p) struct attache_snapshot *snapshot = NULL;
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	int r = att_cli_open(cli, &ct, t);

	if (r < 0)
		return r;

	r = attache_snapshot_new(ct, &snapshot, &t->api);
	if (r < 0)
		return r;

	r = format_snapshot(&out, cli->opts, attache_snapshot_json(snapshot), t);
	if (r < 0)
		return r;
	return att_render_out(&out, cli->closed_fds, &t->own);
}

int att_cmd_inspect(const struct att_cli *cli)
{
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;

	return inspect(cli, &t) == 0 ? ATT_EXIT_OK : att_cli_fail(cli, &t);
}
