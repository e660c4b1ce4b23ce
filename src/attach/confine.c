/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the job may do: at most what the container's init may, and what the request takes away. */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <linux/capability.h>

#include "attach/plan.h"
#include "base/fd.h"
#include "sys/caps.h"

/* ---- capabilities ---- */

/* A kernel that does not tell what there is to drop would leave the job with it. */
static int all_known(uint64_t *ret, struct att_err *err)
{
	int last = att_cap_last();

	if (last < 0)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_PLAN,
		                   "ask the kernel for its capabilities");
	*ret = last >= 63 ? UINT64_MAX : (UINT64_C(1) << (last + 1)) - 1;
	return 0;
}

static int parse_caps(const char *const *words, uint64_t *ret, struct att_err *err)
{
	uint64_t all = 0;
	char shown[128];

	for (; words && *words; words++) {
		uint64_t mask = 0;

		if (!att_cap_parse(*words, &mask)) {
			att_escape(shown, sizeof(shown), *words, strlen(*words));
			return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
			                   "unknown capability '%s'", shown);
		}
		all |= mask;
	}
	*ret = all;
	return 0;
}

static int refuse_caps(uint64_t beyond, struct att_err *err)
{
	for (int cap = 0; cap < 64; cap++)
		if (beyond & (UINT64_C(1) << cap))
			return att_err_set(
				err, ATT_E_PERMISSION_DENIED, ATT_STAGE_PLAN,
				"the container's init may not have %s; --privileged=caps "
				"goes beyond it",
				att_cap_name(cap) ? att_cap_name(cap) : "this capability");
	return 0;
}

/*
 * Root gets the whole bounding set at the exec, so what it shall not have must leave that. Another
 * user gets nothing but what was added, which has to be inheritable and ambient to survive.
 */
static int choose_caps(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	const struct att_snapshot *s = &plan->snapshot;
	uint64_t mine = 0;
	uint64_t may = 0;
	uint64_t drop = 0;
	uint64_t add = 0;
	int r = all_known(&mine, err);

	if (r == 0)
		r = parse_caps(req->cap_drop, &drop, err);
	if (r == 0)
		r = parse_caps(req->cap_add, &add, err);
	if (r < 0)
		return r;
	/* A new user namespace has the whole set; without one the caller's is the most there is. */
	if (!(plan->wire.ns_flags & CLONE_NEWUSER))
		mine = s->self.status.cap_bnd;
	may = req->free_caps ? mine : mine & s->init.status.cap_bnd;
	/* "ALL" is what there is to have. */
	if (add == UINT64_MAX)
		add = may;
	if (add & ~may)
		return refuse_caps(add & ~may, err);
	plan->entry_bounding = mine;
	plan->caps.bounding = (may & ~drop) | add;
	if (plan->user.ct_uid == 0) {
		plan->caps.permitted = plan->caps.bounding;
		plan->caps.effective = plan->caps.bounding;
	} else {
		plan->caps.permitted = plan->caps.effective = add;
		plan->caps.inheritable = plan->caps.ambient = add;
	}
	plan->wire.cap_bounding_drop = mine & ~plan->caps.bounding;
	plan->wire.cap_permitted = plan->caps.permitted;
	plan->wire.cap_effective = plan->caps.effective;
	plan->wire.cap_inheritable = plan->caps.inheritable;
	plan->wire.cap_ambient = plan->caps.ambient;
	return 0;
}

/* ---- seccomp ---- */

static int refuse(struct att_err *err, const char *why)
{
	return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
	                   "%s; --privileged=seccomp runs without a filter", why);
}

/* Filters that whoever started init was under, and handed down; -1 when that cannot be told. */
static int inherited_filters(const struct att_snapshot *s)
{
	char path[32];
	char text[4096];
	struct att_proc_status st;
	ssize_t n = 0;

	att_ignore(snprintf(path, sizeof(path), "/proc/%d/status", s->init.status.ppid));
	n = att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text));
	if (n < 0 || !att_proc_parse_status(text, (size_t)n, &st))
		return -1;
	return st.seccomp == 0 ? 0 : st.seccomp_filters;
}

/*
 * Init's filters are those that its monitor handed down, which the caller must be under as well, and
 * the profile's, which the job is given. The kernel counts them since Linux 5.9.
 */
static int choose_seccomp(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	const struct att_proc_status *init = &plan->snapshot.init.status;
	const struct att_proc_status *self = &plan->snapshot.self.status;
	int inherited = 0;

	if (req->free_seccomp || init->seccomp == 0)
		return 0;
	if (init->seccomp != 2)
		return refuse(err, "init runs in a seccomp mode that no other process can enter");
	inherited = inherited_filters(&plan->snapshot);
	if (init->seccomp_filters < 0 || self->seccomp_filters < 0 || inherited < 0)
		return refuse(err, "it cannot be told how many seccomp filters init has");
	if (inherited > self->seccomp_filters)
		return refuse(err, "the container was started under a seccomp filter that the "
		                   "caller is not under");
	if (init->seccomp_filters <= inherited)
		return 0;
	if (!plan->snapshot.seccomp_profile)
		return refuse(err, "init runs under a seccomp filter, but the container has no "
		                   "profile to make it from");
	if (init->seccomp_filters > inherited + 1)
		return refuse(err, "init runs under more seccomp filters than the container's "
		                   "profile makes");
	return att_profile_load(plan, err);
}

/* ---- label ---- */

static int choose_label(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	static const char change[] = "changeprofile ";
	const struct att_label *init = &plan->snapshot.init.label;
	const struct att_label *self = &plan->snapshot.self.label;
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	int r = 0;

	plan->label = (struct att_label){ .lsm = ATT_LSM_NONE, .text = "" };
	if (req->free_lsm || init->lsm == ATT_LSM_NONE)
		return 0;
	plan->label = *init;
	if (init->lsm == self->lsm && strcmp(init->text, self->text) == 0)
		return 0;
	if (init->lsm == ATT_LSM_APPARMOR)
		r = att_buf_append(&text, change, sizeof(change) - 1);
	if (r == 0)
		r = att_buf_append(&text, init->text, strlen(init->text));
	if (r < 0)
		return att_err_nomem(err, ATT_STAGE_LSM);
	plan->wire.lsm =
		init->lsm == ATT_LSM_APPARMOR ? ATT_WIRE_LSM_APPARMOR : ATT_WIRE_LSM_SELINUX;
	return att_plan_blob(plan, text.data, text.len, &plan->wire.label, err);
}

int att_confine_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	const struct att_snapshot *s = &plan->snapshot;
	int r = 0;

	plan->no_new_privs = req->no_new_privs || s->self.status.no_new_privs ||
	                     (s->init.status.no_new_privs && !req->free_nnp);
	if (plan->no_new_privs)
		plan->wire.flags |= ATT_WIRE_NNP;
	r = choose_caps(req, plan, err);
	if (r == 0)
		r = choose_seccomp(req, plan, err);
	if (r == 0)
		r = choose_label(req, plan, err);
	if (r == 0 && s->init.personality != s->self.personality) {
		plan->wire.flags |= ATT_WIRE_SET_PERSONA;
		plan->wire.personality = s->init.personality;
	}
	return r;
}
