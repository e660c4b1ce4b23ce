/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots and plans as JSON, by jansson. Keys are only ever added. */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/parse.h"
#include "sys/caps.h"
#include "sys/cgroup.h"

/* Bytes of a container that are not UTF-8 are shown escaped: JSON has no other way. */
static json_t *text(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();
	char shown[1024];

	if (j || !s)
		return j;
	return json_string(att_escape(shown, sizeof(shown), s, strlen(s)));
}

/* json_object_set_new() takes the value over, also when it fails; NULL fails. */
static void set(json_t *object, const char *key, json_t *value)
{
	att_ignore(json_object_set_new(object, key, value));
}

static void append(json_t *array, json_t *value)
{
	att_ignore(json_array_append_new(array, value));
}

static json_t *cap_list(uint64_t mask)
{
	json_t *list = json_array();
	int last = att_cap_last();

	for (int cap = 0; cap <= last; cap++) {
		char number[16];
		const char *name = att_cap_name(cap);

		if (!(mask & (UINT64_C(1) << cap)))
			continue;
		att_ignore(snprintf(number, sizeof(number), "CAP_%d", cap));
		append(list, json_string(name ? name : number));
	}
	return list;
}

static json_t *cap_sets(uint64_t bounding, uint64_t effective, uint64_t permitted,
                        uint64_t inheritable, uint64_t ambient)
{
	json_t *o = json_object();

	set(o, "bounding", cap_list(bounding));
	set(o, "effective", cap_list(effective));
	set(o, "permitted", cap_list(permitted));
	set(o, "inheritable", cap_list(inheritable));
	set(o, "ambient", cap_list(ambient));
	return o;
}

static json_t *limit(uint64_t v)
{
	return v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *limits(const struct att_rlimits *r)
{
	json_t *o = json_object();

	for (int n = 0; n < ATT_RLIMITS; n++) {
		json_t *one = json_object();

		set(one, "soft", limit(r->v[n].soft));
		set(one, "hard", limit(r->v[n].hard));
		set(o, att_rlimit_name(n), one);
	}
	return o;
}

static json_t *id_map(const struct att_idmap *map)
{
	json_t *list = json_array();

	for (size_t i = 0; i < map->n; i++) {
		json_t *one = json_object();

		set(one, "container", json_integer(map->v[i].ct));
		set(one, "host", json_integer(map->v[i].host));
		set(one, "count", json_integer(map->v[i].len));
		append(list, one);
	}
	return list;
}

static json_t *label(const struct att_label *l)
{
	json_t *o = json_object();

	set(o, "type", json_string(att_lsm_name(l->lsm)));
	set(o, "label", l->lsm == ATT_LSM_NONE ? json_null() : text(l->text));
	return o;
}

static json_t *namespaces(const struct att_snapshot *s)
{
	json_t *o = json_object();

	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		json_t *one = json_object();

		set(one, "inode",
		    s->ns[i].inode ? json_integer((json_int_t)s->ns[i].inode) : json_null());
		set(one, "shared_with_host", json_boolean(s->ns[i].shared));
		set(o, att_ns_kinds[i].name, one);
	}
	return o;
}

static json_t *root_path(const struct att_snapshot *s, size_t i, const char *below)
{
	char path[4096];

	if (snprintf(path, sizeof(path), "%.*s%s", (int)s->cgroup_root_len[i], s->cgroup.v[i].path,
	             below) >= (int)sizeof(path))
		return json_null();
	return text(path[0] ? path : "/");
}

static json_t *cgroups(const struct att_snapshot *s)
{
	json_t *o = json_object();
	json_t *legacy = json_object();

	for (size_t i = 0; i < s->cgroup.n; i++) {
		if (s->cgroup.v[i].hierarchy != 0) {
			set(legacy, s->cgroup.v[i].controllers, root_path(s, i, ""));
			continue;
		}
		set(o, "unified", root_path(s, i, ""));
		set(o, "job_base", root_path(s, i, "/.lxc"));
		set(o, "init", text(s->cgroup.v[i].path));
	}
	set(o, "legacy", legacy);
	return o;
}

static json_t *seccomp(const struct att_snapshot *s)
{
	static const char *const modes[] = { "disabled", "strict", "filter" };
	const struct att_proc_status *st = &s->init.status;
	json_t *o = json_object();

	set(o, "mode", text(st->seccomp >= 0 && st->seccomp <= 2 ? modes[st->seccomp] : NULL));
	set(o, "filters",
	    st->seccomp_filters < 0 ? json_null() : json_integer(st->seccomp_filters));
	set(o, "profile", text(s->seccomp_profile));
	return o;
}

static char *dump(json_t *o)
{
	char *out = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return out;
}

char *api_snapshot_json(const struct attache_snapshot *snap)
{
	const struct att_snapshot *s = &snap->snapshot;
	const struct att_proc_status *st = &s->init.status;
	int64_t started_ns = att_snapshot_started_wall_ns(s);
	json_t *o = json_object();

	set(o, "container", text(snap->name));
	set(o, "lxcpath", text(snap->lxcpath));
	set(o, "lxc_version", text(att_lxc_version()));
	set(o, "state", json_string(s->frozen ? "FROZEN" : "RUNNING"));
	set(o, "frozen", json_boolean(s->frozen));
	set(o, "init_pid", json_integer(s->host_pid));
	set(o, "started_at_ns", json_integer(started_ns));
	set(o, "uptime_s", json_integer((att_clock_wall_ns() - started_ns) / ATT_NS_PER_SEC));
	set(o, "privileged", json_boolean(att_snapshot_root_is_host_root(s)));
	set(o, "namespaces", namespaces(s));
	set(o, "uid_map", id_map(&s->uids));
	set(o, "gid_map", id_map(&s->gids));
	set(o, "capabilities",
	    cap_sets(st->cap_bnd, st->cap_eff, st->cap_prm, st->cap_inh, st->cap_amb));
	set(o, "no_new_privs", json_boolean(st->no_new_privs));
	set(o, "seccomp", seccomp(s));
	set(o, "lsm", label(&s->init.label));
	set(o, "personality", json_integer(s->init.personality));
	set(o, "cgroup", cgroups(s));
	set(o, "limits", limits(&s->init.limits));
	set(o, "oom_score_adj", json_integer(s->init.oom_score_adj));
	return dump(o);
}

/* ---- plan ---- */

static json_t *strings(const struct att_strv *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		append(list, text(s->v[i]));
	return list;
}

static json_t *user(const struct att_plan *p)
{
	json_t *o = json_object();
	json_t *groups = json_array();

	for (size_t i = 0; i < p->groups.n; i++)
		append(groups, json_integer(p->groups.v[i]));
	set(o, "name", text(p->user.name));
	set(o, "uid", json_integer(p->user.ct_uid));
	set(o, "gid", json_integer(p->user.ct_gid));
	set(o, "groups", groups);
	set(o, "home", text(p->user.home));
	set(o, "host_uid", json_integer(p->host_uid));
	set(o, "host_gid", json_integer(p->host_gid));
	return o;
}

static json_t *entered(const struct att_plan *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ATT_NS_COUNT; i++)
		if (p->wire.ns_flags & att_ns_kinds[i].flag)
			append(list, json_string(att_ns_kinds[i].name));
	return list;
}

static json_t *stdio(const struct att_plan *p)
{
	static const char *const names[] = { "stdin", "stdout", "stderr" };
	json_t *o = json_object();

	for (uint32_t i = 0; i < 3; i++)
		set(o, names[i],
		    json_string(p->wire.null_mask & (1u << i)  ? "null"
		                : p->wire.tty_mask & (1u << i) ? "terminal"
		                : p->direct_io                 ? "direct"
		                                               : "relay"));
	return o;
}

static json_t *plan_terminal(const struct att_plan *p)
{
	json_t *o = NULL;

	if (p->wire.tty_mask == 0)
		return json_null();
	o = json_object();
	set(o, "name", text(p->terminal.name));
	set(o, "rows", json_integer(p->terminal.size.rows));
	set(o, "cols", json_integer(p->terminal.size.cols));
	return o;
}

static json_t *plan_seccomp(const struct att_plan *p)
{
	json_t *o = json_object();

	set(o, "filters", json_integer(p->n_filters));
	set(o, "profile", p->n_filters > 0 ? text(p->snapshot.seccomp_profile) : json_null());
	set(o, "instructions", json_integer((json_int_t)(p->wire.filter[0].len / 8)));
	set(o, "notify", json_boolean(p->seccomp_notify));
	return o;
}

static json_t *duration(int64_t ns)
{
	return ns > 0 ? json_integer(ns) : json_null();
}

static json_t *plan_cgroup(const struct att_plan *p)
{
	for (size_t i = 0; p->own_cgroup && i < p->snapshot.cgroup.n; i++) {
		char below[ATT_CGROUP_LEAF_NAME + 32];

		if (p->snapshot.cgroup.v[i].hierarchy != 0)
			continue;
		att_ignore(snprintf(below, sizeof(below), p->detach ? "/.lxc" : "/.lxc/attache-%s",
		                    p->id));
		return root_path(&p->snapshot, i, below);
	}
	return json_null();
}

static void set_attributes(json_t *o, const struct att_plan *p)
{
	char mask[16];

	att_ignore(snprintf(mask, sizeof(mask), "%04o", p->wire.umask));
	set(o, "umask", json_string(mask));
	set(o, "limits", limits(&p->limits));
	set(o, "oom_score_adj", json_integer(p->wire.oom_score_adj));
	set(o, "nice",
	    p->wire.flags & ATT_WIRE_SET_NICE ? json_integer(p->wire.nice) : json_null());
	set(o, "personality", json_integer(p->snapshot.init.personality));
	set(o, "stdio", stdio(p));
	set(o, "terminal", plan_terminal(p));
	set(o, "detach", json_boolean(p->detach));
	set(o, "timeout_ns", duration(p->timeout_ns));
	set(o, "kill_after_ns",
	    p->timeout_ns > 0 || p->wire.tty_mask != 0 ? duration(p->kill_after_ns) : json_null());
	set(o, "stop_signal", text(att_signal_name(p->stop_signal)));
	set(o, "warnings", strings(&p->warnings));
}

char *api_plan_json(const struct att_plan *p)
{
	json_t *o = json_object();

	set(o, "container", text(p->target));
	set(o, "id", text(p->id));
	set(o, "init_pid", json_integer(p->snapshot.host_pid));
	set(o, "argv", strings(&p->argv));
	set(o, "env", strings(&p->envp));
	set(o, "workdir",
	    text(p->wire.workdir.len > 0 ? p->blob.data + p->wire.workdir.offset : "/"));
	set(o, "user", user(p));
	set(o, "namespaces", entered(p));
	set(o, "cgroup", plan_cgroup(p));
	set(o, "capabilities",
	    cap_sets(p->caps.bounding, p->caps.effective, p->caps.permitted, p->caps.inheritable,
	             p->caps.ambient));
	set(o, "no_new_privs", json_boolean(p->no_new_privs));
	set(o, "seccomp", plan_seccomp(p));
	set(o, "lsm", label(&p->label));
	set_attributes(o, p);
	return dump(o);
}
