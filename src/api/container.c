/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "base/fd.h"

const char *attache_version(void)
{
	return ATTACHE_VERSION;
}

const char *attache_lxc_version(void)
{
	return att_lxc_version();
}

int attache_container_open(const char *target, const struct attache_open_opts *opts,
                           struct attache_container **ret, struct attache_error **err)
{
	struct attache_open_opts o = ATTACHE_OPEN_OPTS_INIT;
	struct att_err e = ATT_ERR_INIT;
	struct attache_container *c = NULL;
	int r = opts ? api_copy_opts(&o, sizeof(o), opts, sizeof(o), &e) : 0;

	if (r == 0 && (o.timeout_ns < 0 || o.wait_ns < 0))
		r = att_err_set(&e, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST, "a negative time");
	if (r == 0 && (o.flags & ~ATTACHE_OPEN_EXEC))
		r = att_err_set(&e, ATT_E_UNSUPPORTED, ATT_STAGE_REQUEST, "an unknown open flag");
	if (r < 0)
		return api_fail(&e, err);
	c = calloc(1, sizeof(*c));
	if (!c) {
		att_ignore(att_err_nomem(&e, ATT_STAGE_RESOLVE));
		return api_fail(&e, err);
	}
	c->ct = (struct att_ct)ATT_CT_INIT;
	c->guardian = (struct att_guardian)ATT_GUARDIAN_INIT;
	if (o.flags & ATTACHE_OPEN_EXEC)
		r = att_guardian_start(&c->guardian, &e);
	if (r == 0)
		r = att_lxc_open(target, o.lxcpath,
		                 o.timeout_ns > 0 ? o.timeout_ns : ATT_LXC_TIMEOUT_NS, o.wait_ns,
		                 (o.flags & ATTACHE_OPEN_EXEC) != 0, &c->ct, &e);
	if (r < 0) {
		attache_container_free(c);
		return api_fail(&e, err);
	}
	*ret = c;
	return 0;
}

const char *attache_container_name(const struct attache_container *c)
{
	return c->ct.name;
}

pid_t attache_container_init_pid(const struct attache_container *c)
{
	return c->ct.host_pid;
}

void attache_container_free(struct attache_container *c)
{
	if (!c)
		return;
	att_guardian_done(&c->guardian);
	att_lxc_close(&c->ct);
	free(c);
}

/* ---- list ---- */

/* 1: ids of its own; 0: root inside is root; -1: init did not let itself be looked at. */
static int is_unprivileged(const struct att_ct_entry *entry)
{
	char path[48];
	char text[4096];
	struct att_idmap map = ATT_IDMAP_INIT;
	uint32_t host_uid = 0;
	int answer = -1;

	if (entry->host_pid <= 0)
		return -1;
	att_ignore(snprintf(path, sizeof(path), "/proc/%d/uid_map", entry->host_pid));

	ssize_t n = att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text));

	if (n >= 0 && att_idmap_parse(text, (size_t)n, &map) == 0)
		answer = !att_idmap_to_host(&map, 0, &host_uid) || host_uid != 0;
	att_idmap_done(&map);
	return answer;
}

int attache_list_new(const struct attache_list_opts *opts, struct attache_list **ret,
                     struct attache_error **err)
{
	struct attache_list_opts o = ATTACHE_LIST_OPTS_INIT;
	struct att_err e = ATT_ERR_INIT;
	struct attache_list *l = calloc(1, sizeof(*l));
	int r = opts ? api_copy_opts(&o, sizeof(o), opts, sizeof(o), &e) : 0;

	if (r == 0 && !l)
		r = att_err_nomem(&e, ATT_STAGE_RESOLVE);
	if (r == 0 && (o.flags & ~ATTACHE_LIST_ALL))
		r = att_err_set(&e, ATT_E_UNSUPPORTED, ATT_STAGE_REQUEST, "an unknown list flag");
	if (r == 0)
		r = att_lxc_list(o.lxcpath, (o.flags & ATTACHE_LIST_ALL) != 0,
		                 o.timeout_ns > 0 ? o.timeout_ns : ATT_LXC_TIMEOUT_NS, &l->list,
		                 &e);
	if (r == 0) {
		l->unprivileged = calloc(l->list.n + 1, sizeof(*l->unprivileged));
		if (!l->unprivileged)
			r = att_err_nomem(&e, ATT_STAGE_RESOLVE);
	}
	if (r < 0) {
		attache_list_free(l);
		return api_fail(&e, err);
	}
	for (size_t i = 0; i < l->list.n; i++)
		l->unprivileged[i] = is_unprivileged(&l->list.v[i]);
	*ret = l;
	return 0;
}

size_t attache_list_count(const struct attache_list *list)
{
	return list->list.n;
}

const char *attache_list_name(const struct attache_list *list, size_t i)
{
	return list->list.v[i].name;
}

const char *attache_list_state(const struct attache_list *list, size_t i)
{
	return list->list.v[i].state;
}

pid_t attache_list_pid(const struct attache_list *list, size_t i)
{
	return list->list.v[i].host_pid;
}

int attache_list_unprivileged(const struct attache_list *list, size_t i)
{
	return list->unprivileged[i];
}

void attache_list_free(struct attache_list *list)
{
	if (!list)
		return;
	att_lxc_list_done(&list->list);
	free(list->unprivileged);
	free(list);
}

/* ---- snapshot ---- */

int attache_snapshot_new(struct attache_container *c, struct attache_snapshot **ret,
                         struct attache_error **err)
{
	struct att_err e = ATT_ERR_INIT;
	struct attache_snapshot *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s) {
		att_ignore(att_err_nomem(&e, ATT_STAGE_SNAPSHOT));
		return api_fail(&e, err);
	}
	s->snapshot = (struct att_snapshot)ATT_SNAPSHOT_INIT;
	s->name = strdup(c->ct.name);
	s->lxcpath = strdup(c->ct.lxcpath);
	if (!s->name || !s->lxcpath)
		r = att_err_nomem(&e, ATT_STAGE_SNAPSHOT);
	if (r == 0)
		r = att_snapshot_take(&c->ct, &s->snapshot, &e);
	if (r < 0) {
		attache_snapshot_free(s);
		return api_fail(&e, err);
	}
	*ret = s;
	return 0;
}

const char *attache_snapshot_json(struct attache_snapshot *s)
{
	if (!s->json)
		s->json = api_snapshot_json(s);
	return s->json;
}

void attache_snapshot_free(struct attache_snapshot *s)
{
	if (!s)
		return;
	att_snapshot_done(&s->snapshot);
	free(s->name);
	free(s->lxcpath);
	free(s->json);
	free(s);
}
