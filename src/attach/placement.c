/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/placement.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define END_NS (1 * ATT_NS_PER_SEC)

void att_placement_done(struct att_placement *p)
{
	/* Whatever is still on its way there was given up, and must not become a job. */
	if (p->own_leaf)
		att_cgroup_leaf_remove(&p->leaf, att_clock_after_ns(END_NS));
	p->own_leaf = false;
	/* Another name than the first was only a try; busy, it is somebody's. */
	if (!p->used && p->root_fd >= 0 && strcmp(p->leaf.base_name, ".lxc") != 0)
		att_ignore(unlinkat(p->root_fd, p->leaf.base_name, AT_REMOVEDIR));
	p->used = true;
	att_cgroup_leaf_done(&p->leaf);
	for (int i = 0; i < p->n_legacy; i++)
		p->legacy_fd[i] = att_fd_close(p->legacy_fd[i]);
	p->n_legacy = 0;
	att_buf_done(&p->text);
}

/* What the job's place adds to the container's root in one hierarchy. */
static int add_below(const struct att_placement *p, const struct att_cgroup_line *line,
                     struct att_buf *dst)
{
	if (line->hierarchy != 0)
		return 0;
	return att_buf_printf(dst, "/%s/%s", p->leaf.base_name, p->leaf.name);
}

/* Seen from the host: "/lxc.payload.web/.lxc/attache-…". */
static int add_host_path(const struct att_plan *plan, const struct att_placement *p, size_t i,
                         struct att_buf *dst)
{
	const struct att_cgroup_line *line = &plan->snapshot.cgroup.v[i];
	size_t start = dst->len;
	int r = att_buf_append(dst, line->path, plan->snapshot.cgroup_root_len[i]);

	if (r == 0)
		r = add_below(p, line, dst);
	if (r == 0 && dst->len == start)
		r = att_buf_append(dst, "/", 1);
	return r;
}

/* Seen from inside its cgroup namespace, the container's root is "/". */
static int add_seen_path(const struct att_plan *plan, const struct att_placement *p, size_t i,
                         struct att_buf *dst)
{
	size_t start = dst->len;
	int r = 0;

	if (!(plan->wire.ns_flags & CLONE_NEWCGROUP))
		return add_host_path(plan, p, i, dst);
	r = add_below(p, &plan->snapshot.cgroup.v[i], dst);
	if (r == 0 && dst->len == start)
		r = att_buf_append(dst, "/", 1);
	return r;
}

static int write_text(const struct att_plan *plan, struct att_placement *p, struct att_err *err)
{
	for (size_t i = 0; i < plan->snapshot.cgroup.n; i++) {
		const struct att_cgroup_line *line = &plan->snapshot.cgroup.v[i];
		int r = att_buf_printf(&p->text, "%d:%s:", line->hierarchy, line->controllers);

		if (r == 0)
			r = add_seen_path(plan, p, i, &p->text);
		if (r == 0)
			r = att_buf_append(&p->text, "\n", 1);
		if (r < 0)
			return att_err_nomem(err, ATT_STAGE_CGROUP);
	}
	if (p->text.len >= ATT_WIRE_CGROUP_TEXT)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_CGROUP,
		                   "the container's cgroup paths are longer than %d bytes",
		                   ATT_WIRE_CGROUP_TEXT);
	return 0;
}

/*
 * Where a container was started from a host's view with fewer hierarchies, it stayed in the others
 * where whoever started it was. Nobody has to move there who is there, and nobody could.
 */
static bool is_there(const struct att_snapshot *s, size_t i)
{
	const struct att_cgroup_line *line = &s->cgroup.v[i];
	const char *root = s->cgroup_root_len[i] == 0 ? "/" : line->path;
	size_t len = s->cgroup_root_len[i] == 0 ? 1 : s->cgroup_root_len[i];

	for (size_t k = 0; k < s->self_cgroup.n; k++)
		if (s->self_cgroup.v[k].hierarchy == line->hierarchy)
			return strlen(s->self_cgroup.v[k].path) == len &&
			       strncmp(s->self_cgroup.v[k].path, root, len) == 0;
	return false;
}

static int open_legacy(const struct att_plan *plan, struct att_placement *p, struct att_err *err)
{
	const struct att_snapshot *s = &plan->snapshot;

	for (size_t i = 0; i < s->cgroup.n; i++) {
		const struct att_cgroup_line *line = &s->cgroup.v[i];
		int r = 0;

		if (line->hierarchy == 0 || is_there(s, i))
			continue;
		if (p->n_legacy >= ATT_WIRE_MAX_LEGACY)
			return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_CGROUP,
			                   "more than %d cgroup hierarchies", ATT_WIRE_MAX_LEGACY);
		/*
		 * "tasks" moves the one thread that writes, for which the kernel needs no lock
		 * against forks; "cgroup.procs" would wait about 10 ms for it. The entry process
		 * has one thread.
		 */
		r = att_cgroup_open_file(line->controllers, line->path, s->cgroup_root_len[i],
		                         "tasks", &p->legacy_fd[p->n_legacy], err);
		if (r < 0)
			return r;
		p->n_legacy++;
	}
	return 0;
}

/*
 * Who made a cgroup owns its cgroup.freeze. One that the container made itself could be frozen by it,
 * and the job with it before it has begun; ours cannot.
 */
static bool is_ours(int base_fd)
{
	struct stat st;

	return fstatat(base_fd, "cgroup.freeze", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_uid == geteuid();
}

/* A cgroup that hands controllers to its children holds no processes itself. */
static bool can_hold_processes(int base_fd)
{
	char text[256];

	return att_fd_read_file_at(base_fd, "cgroup.subtree_control", text, sizeof(text)) >= 0 &&
	       strspn(text, "\n") == strlen(text);
}

static int choose_leaf(const struct att_plan *plan, unsigned base, struct att_placement *p,
                       struct att_err *err)
{
	if (plan->snapshot.cgroup_fd < 0)
		return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_CGROUP,
		                   "this host has no cgroup v2 hierarchy");
	for (; base < ATT_CGROUP_BASES; base++) {
		int r = att_cgroup_base_open(plan->snapshot.cgroup_fd, base, plan->host_root_uid,
		                             plan->host_root_gid, &p->leaf, err);

		if (r < 0)
			return r;
		/* A detached job is moved there once it runs, since nobody stays to remove its own. */
		if (is_ours(p->leaf.base_fd) &&
		    (!plan->detach || can_hold_processes(p->leaf.base_fd)))
			break;
		att_cgroup_leaf_done(&p->leaf);
	}
	if (p->leaf.base_fd < 0)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP,
		                   "the container has taken all %d names for the cgroup of jobs",
		                   ATT_CGROUP_BASES);
	p->root_fd = plan->snapshot.cgroup_fd;
	p->own_leaf = true;
	att_ignore(snprintf(p->leaf.name, sizeof(p->leaf.name), "attache-%s", plan->id));
	return 0;
}

int att_placement_make(const struct att_plan *plan, unsigned base, struct att_placement *ret,
                       struct att_err *err)
{
	_cleanup_(att_placement_done) struct att_placement p = ATT_PLACEMENT_INIT;
	int r = 0;

	if (plan->own_cgroup) {
		r = choose_leaf(plan, base, &p, err);
		if (r == 0)
			r = open_legacy(plan, &p, err);
		if (r == 0)
			r = write_text(plan, &p, err);
	}
	if (r < 0)
		return r;
	*ret = p;
	p = (struct att_placement)ATT_PLACEMENT_INIT;
	return 0;
}

static int does_not_fit(struct att_err *err)
{
	return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP,
	                   "the container's cgroup root cannot be found");
}

int att_placement_correct(struct att_plan *plan, const struct att_placement *p, const char *seen,
                          size_t len, struct att_err *err)
{
	_cleanup_cgroup_lines_ struct att_cgroup_lines lines = ATT_CGROUP_LINES_INIT;
	const struct att_cgroup_lines *init = &plan->snapshot.cgroup;

	if (att_cgroup_lines_parse(seen, len, &lines) < 0 || lines.n != init->n)
		return does_not_fit(err);
	for (size_t i = 0; i < lines.n; i++) {
		_cleanup_buf_ struct att_buf host_path = ATT_BUF_INIT;
		ssize_t root = 0;
		int r = 0;

		if (add_host_path(plan, p, i, &host_path) < 0)
			return att_err_nomem(err, ATT_STAGE_CGROUP);
		if (lines.v[i].hierarchy != init->v[i].hierarchy)
			return does_not_fit(err);
		root = att_cgroup_derive_root(host_path.data, lines.v[i].path, init->v[i].path);
		if (root < 0)
			return does_not_fit(err);
		r = att_snapshot_set_cgroup_root(&plan->snapshot, i, (size_t)root, err);
		if (r < 0)
			return r;
	}
	return 0;
}
