/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who the job is: user, groups and home, from the container's own files, within its id map. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "attach/plan.h"
#include "base/fd.h"
#include "base/parse.h"

#define WORD_CAP 64

static int bad_word(struct att_err *err, enum att_code code, const char *what, const char *word)
{
	char shown[4 * WORD_CAP];

	att_escape(shown, sizeof(shown), word, strlen(word));
	return att_err_set(err, code, ATT_STAGE_PLAN, "%s '%s'", what, shown);
}

static bool is_number(const char *word)
{
	return word[0] != '\0' && word[strspn(word, "0123456789")] == '\0';
}

/* "USER[:GROUP]" in two words; either may not be empty. */
static int split(const char *spec, char user[WORD_CAP], char group[WORD_CAP], struct att_err *err)
{
	const char *colon = strchr(spec, ':');
	size_t user_len = colon ? (size_t)(colon - spec) : strlen(spec);
	size_t group_len = colon ? strlen(colon + 1) : 0;

	if (user_len == 0 || (colon && group_len == 0))
		return bad_word(err, ATT_E_INVALID_ARGUMENT, "empty name in user", spec);
	if (user_len >= WORD_CAP || group_len >= WORD_CAP)
		return bad_word(err, ATT_E_INVALID_ARGUMENT, "too long a name in user", spec);
	if (spec[0] == '-' || (colon && colon[1] == '-'))
		return bad_word(err, ATT_E_INVALID_ARGUMENT, "no name or number in user", spec);
	memcpy(user, spec, user_len);
	user[user_len] = '\0';
	memcpy(group, colon ? colon + 1 : "", group_len + 1);
	return 0;
}

static int parse_id(const char *word, uint32_t *ret, struct att_err *err)
{
	if (!att_parse_id(word, ret))
		return bad_word(err, ATT_E_INVALID_ARGUMENT, "no such id:", word);
	return 0;
}

static int map_id(const struct att_plan *plan, const struct att_idmap *map, const char *kind,
                  uint32_t ct_id, uint32_t *ret_host_id, struct att_err *err)
{
	/* A job outside of the container's user namespace has the host's ids. */
	if (!(plan->wire.ns_flags & CLONE_NEWUSER)) {
		*ret_host_id = ct_id;
		return 0;
	}
	if (!att_idmap_to_host(map, ct_id, ret_host_id))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "%s %u is outside of the container's id map", kind, ct_id);
	return 0;
}

/* An id without an entry is its own group, not root's, and lives at "/". */
static int nameless(uint32_t ct_uid, struct att_user *ret, struct att_err *err)
{
	struct att_user user = { .ct_uid = ct_uid, .ct_gid = ct_uid };

	if (asprintf(&user.name, "%u", ct_uid) < 0)
		user.name = NULL;
	user.home = strdup("/");
	user.shell = strdup("/bin/sh");
	if (!user.name || !user.home || !user.shell) {
		att_user_done(&user);
		return att_err_nomem(err, ATT_STAGE_PLAN);
	}
	/* Root without a passwd file is still root. */
	*ret = user;
	return 0;
}

static int find_by_uid(int root_fd, uint32_t ct_uid, struct att_user *ret, struct att_err *err)
{
	int r = att_passwd_by_uid(root_fd, ct_uid, ret, err);

	return r == ATT_ABSENT ? nameless(ct_uid, ret, err) : r;
}

/* Without a wish, the job is who init is, as far as that is somebody inside. */
static int find_default(int root_fd, struct att_plan *plan, struct att_err *err)
{
	const struct att_snapshot *s = &plan->snapshot;
	uint32_t ct_uid = 0;
	uint32_t ct_gid = 0;
	int r = 0;

	if (!att_idmap_to_ct(&s->uids, s->init.status.uid[0], &ct_uid))
		ct_uid = 0;
	r = find_by_uid(root_fd, ct_uid, &plan->user, err);
	if (r < 0)
		return r;
	if (ct_uid != 0 && att_idmap_to_ct(&s->gids, s->init.status.gid[0], &ct_gid))
		plan->user.ct_gid = ct_gid;
	return 0;
}

static int find_group(int root_fd, const char *word, uint32_t *ret, struct att_err *err)
{
	int r = 0;

	if (is_number(word))
		return parse_id(word, ret, err);
	r = att_group_by_name(root_fd, word, ret, err);
	return r == ATT_ABSENT
	               ? bad_word(err, ATT_E_GROUP_NOT_FOUND, "the container has no group", word)
	               : r;
}

static int find_user(int root_fd, const char *spec, struct att_plan *plan, struct att_err *err)
{
	char user[WORD_CAP];
	char group[WORD_CAP];
	uint32_t ct_uid = 0;
	int r = split(spec, user, group, err);

	if (r < 0)
		return r;
	if (is_number(user)) {
		r = parse_id(user, &ct_uid, err);
		if (r == 0)
			r = find_by_uid(root_fd, ct_uid, &plan->user, err);
	} else {
		r = att_passwd_by_name(root_fd, user, &plan->user, err);
		if (r == ATT_ABSENT)
			return bad_word(err, ATT_E_USER_NOT_FOUND, "the container has no user",
			                user);
	}
	if (r == 0 && group[0] != '\0')
		r = find_group(root_fd, group, &plan->user.ct_gid, err);
	return r;
}

static int add_gid(struct att_gids *gids, uint32_t ct_gid, struct att_err *err)
{
	uint32_t *v = NULL;

	if (gids->n >= ATT_GIDS_MAX)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN, "more than %d groups",
		                   ATT_GIDS_MAX);
	v = reallocarray(gids->v, gids->n + 1, sizeof(*v));
	if (!v)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	gids->v = v;
	gids->v[gids->n++] = ct_gid;
	gids->cap = gids->n;
	return 0;
}

/* "G,G…"; an empty text is no group at all. */
static int parse_groups(int root_fd, const char *list, struct att_gids *ret, struct att_err *err)
{
	if (list[0] == '\0')
		return 0;
	for (;;) {
		char word[WORD_CAP];
		size_t len = strcspn(list, ",");
		uint32_t ct_gid = 0;
		int r = 0;

		if (len == 0 || len >= sizeof(word) || list[0] == '-')
			return bad_word(err, ATT_E_INVALID_ARGUMENT, "no list of groups:", list);
		memcpy(word, list, len);
		word[len] = '\0';
		r = find_group(root_fd, word, &ct_gid, err);
		if (r == 0)
			r = add_gid(ret, ct_gid, err);
		if (r < 0 || list[len] == '\0')
			return r;
		list += len + 1;
	}
}

static int map_all(struct att_plan *plan, struct att_err *err)
{
	const struct att_snapshot *s = &plan->snapshot;
	int r = map_id(plan, &s->uids, "uid", plan->user.ct_uid, &plan->host_uid, err);

	if (r == 0)
		r = map_id(plan, &s->gids, "gid", plan->user.ct_gid, &plan->host_gid, err);
	for (size_t i = 0; i < plan->groups.n && r == 0; i++) {
		uint32_t unused = 0;

		r = map_id(plan, &s->gids, "gid", plan->groups.v[i], &unused, err);
	}
	if (!att_idmap_to_host(&s->uids, 0, &plan->host_root_uid))
		plan->host_root_uid = 0;
	if (!att_idmap_to_host(&s->gids, 0, &plan->host_root_gid))
		plan->host_root_gid = 0;
	return r;
}

int att_identity_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	int root_fd = plan->root_fd;
	int r = 0;

	if (req->user)
		r = find_user(root_fd, req->user, plan, err);
	else
		r = find_default(root_fd, plan, err);
	if (r == 0 && req->groups)
		r = parse_groups(root_fd, req->groups, &plan->groups, err);
	else if (r == 0)
		r = att_group_of_user(root_fd, plan->user.name, plan->user.ct_gid, &plan->groups,
		                      err);
	if (r == 0)
		r = map_all(plan, err);
	if (r < 0)
		return r;
	plan->wire.ct_uid = plan->user.ct_uid;
	plan->wire.ct_gid = plan->user.ct_gid;
	return att_plan_blob(plan, plan->groups.v, plan->groups.n * sizeof(*plan->groups.v),
	                     &plan->wire.groups, err);
}
