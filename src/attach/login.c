/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A login: the user's own shell, in the user's home. */
#include <stdio.h>
#include <string.h>

#include "attach/plan.h"
#include "base/fd.h"
#include "sys/ctpath.h"

static int warn_shell(struct att_plan *plan, const char *used, struct att_err *err)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;

	if (att_buf_printf(&text, "the user's shell '%s' is not there; '%s' takes its place",
	                   plan->user.shell, used) < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	return att_plan_warn(plan, text.data, err);
}

static bool may_run(const struct att_plan *plan, const char *ct_path)
{
	enum att_ctpath is = att_ctpath_look(plan->root_fd, ct_path);

	return is == ATT_CTPATH_PROGRAM || is == ATT_CTPATH_UNSEEN;
}

static int choose_shell(struct att_plan *plan, struct att_err *err)
{
	static const char *const others[] = { "/bin/sh", "/bin/ash", "/bin/bash" };
	char *used = NULL;
	int r = 0;

	if (may_run(plan, plan->user.shell))
		return 0;
	for (size_t i = 0; i < countof(others) && !used; i++)
		if (may_run(plan, others[i]))
			used = strdup(others[i]);
	/* None at all: the exec will say so of the user's own. */
	if (!used)
		return 0;
	r = warn_shell(plan, used, err);
	free(plan->user.shell);
	plan->user.shell = used;
	return r;
}

static int choose_home(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	enum att_ctpath home = 0;

	if (req->workdir)
		return 0;
	home = att_ctpath_look(plan->root_fd, plan->user.home);
	if (home == ATT_CTPATH_DIR || home == ATT_CTPATH_UNSEEN) {
		plan->login.workdir = plan->user.home;
		return 0;
	}
	if (att_buf_printf(&text, "the user's home '%s' is not there; starting in '/'",
	                   plan->user.home) < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	return att_plan_warn(plan, text.data, err);
}

/* "-bash": that is how a shell knows that it is a login shell. */
static int name_shell(struct att_plan *plan, struct att_err *err)
{
	const char *slash = strrchr(plan->user.shell, '/');

	if (asprintf(&plan->login.argv0, "-%s", slash ? slash + 1 : plan->user.shell) < 0) {
		plan->login.argv0 = NULL;
		return att_err_nomem(err, ATT_STAGE_PLAN);
	}
	return 0;
}

/* Its name is the container's to choose; a hint that is wrong does no harm. */
static bool has_systemd(const struct att_plan *plan)
{
	char comm[32];
	ssize_t n = att_fd_read_file_at(plan->snapshot.proc_fd, "comm", comm, sizeof(comm));

	return n > 0 && strcmp(comm, "systemd\n") == 0;
}

/*
 * The hint is a command that people will paste into a shell of the host's, and the name is the
 * container's: nothing that a shell or su would take for more than a name, and no number, which su
 * does not know.
 */
static bool is_plain_user(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char rest[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";

	return strspn(name, letters) > 0 && name[strspn(name, rest)] == '\0';
}

/* What enters from outside is no login to systemd: no session, no bus and no manager of the user's. */
static int hint_session(struct att_plan *plan, struct att_err *err)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;

	if (plan->wire.tty_mask == 0 || !is_plain_user(plan->user.name) || !has_systemd(plan))
		return 0;
	if (att_buf_printf(&text,
	                   "no login session of systemd's; where 'systemctl --user' is wanted: "
	                   "attache exec -t %s su -l %s",
	                   plan->target, plan->user.name) < 0 ||
	    att_strv_add_str(&plan->hints, text.data) < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	return 0;
}

int att_login_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	int r = 0;

	if (!req->login)
		return 0;
	if ((req->argv && req->argv[0]) || req->script || req->shell)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a login runs the user's shell and no other command");
	r = choose_shell(plan, err);
	if (r == 0)
		r = choose_home(req, plan, err);
	if (r == 0)
		r = name_shell(plan, err);
	return r < 0 ? r : hint_session(plan, err);
}
