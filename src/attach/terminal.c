/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The job's terminal: which descriptors are one, where it comes from, what it looks like. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "attach/plan.h"
#include "base/clock.h"
#include "sys/ctpath.h"
#include "sys/tty.h"

#define ASK_NS       (2 * ATT_NS_PER_SEC)
#define DEFAULT_ROWS 24
#define DEFAULT_COLS 80
#define TERM_MAX     64

/* ---- which descriptors ---- */

static bool same_file(int a, int b)
{
	struct stat x;
	struct stat y;

	return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/*
 * What is a terminal of the caller's is one of the job's; another descriptor keeps a pipe of its
 * own, so that what is sent to a file stays apart. A caller who insists on a terminal and has none
 * at stdin and stdout gets both there: then its terminal is not the one that is typed at and looked
 * at, even if errors go there.
 */
static uint32_t choose_descriptors(const struct att_request *req)
{
	const int *fd = req->stdio_fd;
	uint32_t mask = 0;

	for (unsigned i = 0; i < 3; i++)
		if (att_tty_is_terminal(fd[i]))
			mask |= 1u << i;
	if (!(mask & 3u)) {
		mask = 3u;
		if (same_file(fd[1], fd[2]))
			mask |= 4u;
	}
	return req->no_stdin ? mask & ~1u : mask;
}

/* ---- what it is like ---- */

/* Size and modes are those of the terminal that it will be shown on. */
static void copy_look(const struct att_request *req, uint32_t mask, struct att_terminal_plan *t)
{
	int fd = -1;

	for (unsigned i = 0; i < 3 && fd < 0; i++)
		if ((mask & (1u << i)) && att_tty_is_terminal(req->stdio_fd[i]))
			fd = req->stdio_fd[i];
	t->has_mode = fd >= 0 && att_tty_get_mode(fd, &t->mode) == 0;
	if (fd < 0 || att_tty_get_size(fd, &t->size) < 0)
		t->size = (struct att_tty_size){ .rows = DEFAULT_ROWS, .cols = DEFAULT_COLS };
	if (req->rows > 0)
		t->size.rows = req->rows;
	if (req->cols > 0)
		t->size.cols = req->cols;
}

/* ---- its name ---- */

/* No path, nothing that a terminal would obey; an overlong one is nobody's. */
static bool is_plain_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < TERM_MAX && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._") ==
	               len;
}

/* An entry is in a directory of its first letter, or of that letter's code. */
static bool is_known_inside(int root_fd, const char *name)
{
	static const char *const dirs[] = { "etc/terminfo", "lib/terminfo", "usr/share/terminfo",
		                            "usr/lib/terminfo" };
	char path[TERM_MAX + 64];

	for (size_t i = 0; i < countof(dirs); i++) {
		att_ignore(snprintf(path, sizeof(path), "%s/%c/%s", dirs[i], name[0], name));
		if (att_ctpath_look(root_fd, path) != ATT_CTPATH_ABSENT)
			return true;
		att_ignore(snprintf(path, sizeof(path), "%s/%02x/%s", dirs[i],
		                    (unsigned char)name[0], name));
		if (att_ctpath_look(root_fd, path) != ATT_CTPATH_ABSENT)
			return true;
	}
	return false;
}

/*
 * A program that does not know the terminal's name draws nothing, or refuses; so one that the
 * container knows takes its place. One that knows none at all has no use for them either.
 */
static const char *choose_name(int root_fd)
{
	static const char *const known[] = { "xterm-256color", "xterm", "vt100", "linux" };
	const char *name = getenv("TERM");

	if (!name || !is_plain_name(name))
		name = "xterm";
	if (is_known_inside(root_fd, name))
		return name;
	for (size_t i = 0; i < countof(known); i++)
		if (is_known_inside(root_fd, known[i]))
			return known[i];
	return name;
}

static int set_name(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	char shown[128];

	if (req->term && !is_plain_name(req->term))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "'%s' is no name of a terminal",
		                   att_escape(shown, sizeof(shown), req->term, strlen(req->term)));
	plan->terminal.name = strdup(req->term ? req->term : choose_name(plan->root_fd));
	return plan->terminal.name ? 0 : att_err_nomem(err, ATT_STAGE_PLAN);
}

/* ---- whose it is ---- */

/* The group that write(1) and others belong to; without it, that of the container's devpts. */
static int set_group(struct att_plan *plan, struct att_err *err)
{
	uint32_t ct_gid = 0;
	uint32_t host_gid = 0;
	int r = att_group_by_name(plan->root_fd, "tty", &ct_gid, err);

	plan->terminal.host_gid = (uint32_t)-1;
	if (r == 0 && att_idmap_to_host(&plan->snapshot.gids, ct_gid, &host_gid))
		plan->terminal.host_gid = host_gid;
	return r < 0 ? r : 0;
}

int att_terminal_resolve(const struct att_ct *ct, const struct att_request *req,
                         struct att_plan *plan, struct att_err *err)
{
	int r = 0;

	if (!req->terminal)
		return 0;
	if (plan->direct_io)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a terminal needs somebody to relay it: neither a detached job "
		                   "nor one with the caller's own descriptors can have one");
	plan->wire.tty_mask = choose_descriptors(req);
	plan->wire.null_mask &= ~plan->wire.tty_mask;
	plan->terminal.no_keys = req->no_stdin;
	copy_look(req, plan->wire.tty_mask, &plan->terminal);
	r = set_name(req, plan, err);
	if (r == 0)
		r = set_group(plan, err);
	if (r == 0)
		r = att_lxc_devpts(ct, att_clock_after_ns(ASK_NS), &plan->terminal.devpts_fd, err);
	return r;
}
