/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/cli.h"
#include "cli/exitcode.h"
#include "cli/render.h"

enum {
	COL_NAME,
	COL_STATE,
	COL_PID,
	COL_UNPRIVILEGED,
	N_COLS
};

static inline void list_free_p(struct attache_list **list)
{
	attache_list_free(*list);
}

/* Text of a number, owned by a row of the table. */
struct pid_text {
	char text[16];
};

static enum att_tint state_tint(const char *state)
{
	if (strcmp(state, "RUNNING") == 0)
		return ATT_TINT_GOOD;
	if (strcmp(state, "STOPPED") == 0)
		return ATT_TINT_DIM;
	return ATT_TINT_WARN;
}

static const char *yes_no(int known)
{
	if (known < 0)
		return "-";
	return known > 0 ? "yes" : "no";
}

static void fill_row(struct att_cell *row, struct pid_text *pid, const struct attache_list *list,
                     size_t i)
{
	pid_t host_pid = attache_list_pid(list, i);
	const char *state = attache_list_state(list, i);

	att_ignore(snprintf(pid->text, sizeof(pid->text), "%d", (int)host_pid));
	row[COL_NAME] = (struct att_cell){ attache_list_name(list, i), ATT_TINT_NONE };
	row[COL_STATE] = (struct att_cell){ state, state_tint(state) };
	row[COL_PID] = (struct att_cell){ host_pid > 0 ? pid->text : "-", ATT_TINT_NONE };
	row[COL_UNPRIVILEGED] =
		(struct att_cell){ yes_no(attache_list_unprivileged(list, i)), ATT_TINT_NONE };
}

static int format_table(struct att_buf *out, const struct att_look *look,
                        const struct attache_list *list)
{
	static const char *const titles[N_COLS] = { "NAME", "STATE", "PID", "UNPRIVILEGED" };
	size_t n = attache_list_count(list);
	_cleanup_free_ struct att_cell *cells = calloc((n + 1) * N_COLS, sizeof(*cells));
	_cleanup_free_ struct pid_text *pids = calloc(n + 1, sizeof(*pids));

	if (!cells || !pids)
		return -ENOMEM;
	for (size_t col = 0; col < N_COLS; col++)
		cells[col] = (struct att_cell){ titles[col], ATT_TINT_TITLE };
	for (size_t i = 0; i < n; i++)
		fill_row(cells + (i + 1) * N_COLS, &pids[i], list, i);
	return att_render_table(out, look, cells, n + 1, N_COLS, 0);
}

/* A terminal gets the name escaped; a program gets its bytes. */
static int format_names(struct att_buf *out, const struct att_look *look,
                        const struct attache_list *list)
{
	for (size_t i = 0; i < attache_list_count(list); i++) {
		const char *name = attache_list_name(list, i);
		int r = look->terminal ? att_render_text(out, look, name, ATT_TINT_NONE)
		                       : att_buf_append(out, name, strlen(name));

		if (r == 0)
			r = att_buf_append(out, "\n", 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static json_t *json_entry(const struct attache_list *list, size_t i)
{
	int unprivileged = attache_list_unprivileged(list, i);
	pid_t host_pid = attache_list_pid(list, i);

	return json_pack("{s:o, s:o, s:o, s:o}", "name",
	                 att_render_json_string(attache_list_name(list, i)), "state",
	                 att_render_json_string(attache_list_state(list, i)), "pid",
	                 host_pid > 0 ? json_integer(host_pid) : json_null(), "unprivileged",
	                 unprivileged < 0 ? json_null() : json_boolean(unprivileged > 0));
}

static int format_json(struct att_buf *out, const struct att_look *look,
                       const struct attache_list *list)
{
	json_t *array = json_array();
	int r = array ? 0 : -ENOMEM;

	for (size_t i = 0; i < attache_list_count(list) && r == 0; i++)
		r = json_array_append_new(array, json_entry(list, i)) < 0 ? -ENOMEM : 0;
	if (r == 0)
		r = att_render_json(out, look, array);
	json_decref(array);
	return r;
}

static int format_list(struct att_buf *out, const struct att_opts *o,
                       const struct attache_list *list)
{
	struct att_look look = att_look_at(STDOUT_FILENO, o);

	switch (o->format) {
	case ATT_FORMAT_JSON:
		return format_json(out, &look, list);
	case ATT_FORMAT_NAMES:
		return format_names(out, &look, list);
	case ATT_FORMAT_TABLE:
	case ATT_FORMAT_TEXT:
		break;
	}
	return format_table(out, &look, list);
}

static int list(const struct att_cli *cli, struct att_trouble *t)
{
	_cleanup_(list_free_p) struct attache_list *list = NULL;
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	struct attache_list_opts opts = ATTACHE_LIST_OPTS_INIT;
	int r = 0;

	opts.lxcpath = cli->opts->lxcpath;
	opts.flags = att_opts_has(cli->opts, ATT_OPT_ALL) ? ATTACHE_LIST_ALL : 0;
	r = attache_list_new(&opts, &list, &t->api);
	if (r < 0)
		return r;
	if (format_list(&out, cli->opts, list) < 0)
		return att_err_nomem(&t->own, 0);
	return att_render_out(&out, cli->closed_fds, &t->own);
}

int att_cmd_list(const struct att_cli *cli)
{
	_cleanup_trouble_ struct att_trouble t = ATT_TROUBLE_INIT;

	return list(cli, &t) == 0 ? ATT_EXIT_OK : att_cli_fail(cli, &t);
}
