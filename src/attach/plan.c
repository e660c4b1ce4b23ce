/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "sys/ns.h"
#include "sys/pidfd.h"

int att_plan_blob(struct att_plan *plan, const void *bytes, size_t len, struct att_wire_span *ret,
                  struct att_err *err)
{
	static const char zeros[8];
	/* Every part starts at a multiple of 8, so that what is read there is aligned. */
	size_t pad = 8 - (plan->blob.len + len) % 8;
	size_t offset = plan->blob.len;
	int r = att_buf_append(&plan->blob, bytes, len);

	if (r == 0)
		r = att_buf_append(&plan->blob, zeros, pad);
	if (r == -EFBIG)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
		                   "the plan is larger than %u bytes", ATT_WIRE_MAX_BLOB);
	if (r < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	ret->offset = (uint32_t)offset;
	ret->len = (uint32_t)len;
	return 0;
}

int att_plan_warn(struct att_plan *plan, const char *text, struct att_err *err)
{
	return att_strv_add_str(&plan->warnings, text) < 0 ? att_err_nomem(err, ATT_STAGE_PLAN) : 0;
}

void att_plan_done(struct att_plan *plan)
{
	free(plan->target);
	plan->target = NULL;
	plan->init_pidfd = att_fd_close(plan->init_pidfd);
	plan->root_fd = att_fd_close(plan->root_fd);
	plan->script_fd = att_fd_close(plan->script_fd);
	plan->terminal.devpts_fd = att_fd_close(plan->terminal.devpts_fd);
	free(plan->terminal.name);
	plan->terminal.name = NULL;
	free(plan->login.argv0);
	plan->login.argv0 = NULL;
	att_snapshot_done(&plan->snapshot);
	att_strv_done(&plan->argv);
	att_strv_done(&plan->envp);
	att_strv_done(&plan->warnings);
	att_strv_done(&plan->hints);
	att_user_done(&plan->user);
	att_gids_done(&plan->groups);
	att_buf_done(&plan->blob);
	att_guardian_done(&plan->guardian);
}

static int make_id(char *dst, size_t cap, struct att_err *err)
{
	uint64_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != (ssize_t)sizeof(bits))
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_PLAN, errno, "getrandom");
	att_ignore(snprintf(dst, cap, "%016llx", (unsigned long long)bits));
	return 0;
}

bool att_plan_is_gone(const struct att_plan *plan)
{
	if (!att_pidfd_is_alive(plan->init_pidfd))
		return true;
	return plan->snapshot.proc_fd >= 0 && att_snapshot_is_ending(&plan->snapshot);
}

int att_plan_renew_id(struct att_plan *plan, struct att_err *err)
{
	bool first = !plan->started;

	plan->started = true;
	return first ? 0 : make_id(plan->id, sizeof(plan->id), err);
}

static int choose_namespaces(const struct att_request *req, struct att_plan *plan,
                             struct att_err *err)
{
	uint32_t differ = att_snapshot_enters(&plan->snapshot);
	uint32_t wanted = differ;
	char shown[128];

	if (req->namespaces && !att_ns_parse_list(req->namespaces, &wanted)) {
		att_escape(shown, sizeof(shown), req->namespaces, strlen(req->namespaces));
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "'%s' is no list of namespaces (mnt,pid,net,ipc,uts,cgroup,"
		                   "user,time)",
		                   shown);
	}
	/* Root inside would be root outside, with the container's files before it. */
	if ((differ & CLONE_NEWUSER) && !(wanted & CLONE_NEWUSER) && !req->free_caps)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_PLAN,
		                   "namespaces '%s' leave out the user namespace, which confines "
		                   "this container; --privileged=caps allows it",
		                   req->namespaces);
	plan->wire.ns_flags = wanted & differ;
	return 0;
}

static int check_contradictions(const struct att_request *req, struct att_err *err)
{
	if (req->detach && req->timeout_ns > 0)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a detached job has nobody to keep its timeout");
	if (req->env_caller && req->env_init)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "the environment can start from the caller's or from init's");
	if (req->may_leave && req->timeout_ns > 0)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a job that may be left has nobody to keep its timeout then");
	if (req->may_leave && !req->terminal)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "only a job with a terminal can be left");
	if (req->script && req->shell)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a script and a shell command exclude each other");
	return 0;
}

/*
 * A descriptor that is the null device becomes the container's own: the job gets what it would have
 * had, and nobody relays nothing to nowhere.
 */
static bool is_null(int fd)
{
	struct stat st;

	return fd < 0 ||
	       (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

static int check_stdio(int fd, int target, struct att_err *err)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fstat(fd, &st) < 0)
		return att_err_sys(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN, errno,
		                   "descriptor %d for the job's descriptor %d", fd, target);
	/* Either would be a way out of the container, not a stream. */
	if (S_ISDIR(st.st_mode) || (flags & O_PATH))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "descriptor %d is a directory or a path, not a stream", fd);
	return 0;
}

static int choose_stdio(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 && req->no_stdin ? -1 : req->stdio_fd[i];

		plan->stdio_fd[i] = fd;
		if (is_null(fd)) {
			plan->wire.null_mask |= 1u << i;
			plan->stdio_fd[i] = -1;
			continue;
		}

		int r = check_stdio(fd, i, err);

		if (r < 0)
			return r;
	}
	return 0;
}

static void copy_simple(const struct att_request *req, struct att_plan *plan)
{
	plan->wire.magic = ATT_WIRE_MAGIC;
	plan->blob.limit = ATT_WIRE_MAX_BLOB;
	plan->detach = req->detach;
	plan->direct_io = req->direct_io || req->detach;
	plan->own_cgroup = !req->free_cgroup;
	plan->may_leave = req->may_leave;
	plan->cancel_fd = req->cancel_fd;
	plan->timeout_ns = req->timeout_ns;
	plan->kill_after_ns = req->kill_after_ns > 0 ? req->kill_after_ns : ATT_KILL_AFTER_NS;
	plan->stop_signal = req->stop_signal > 0 ? req->stop_signal : SIGTERM;
	if (plan->detach)
		plan->wire.flags |= ATT_WIRE_DETACH;
	if (plan->may_leave)
		plan->wire.flags |= ATT_WIRE_MAY_LEAVE;
}

static int open_root(struct att_plan *plan, struct att_err *err)
{
	plan->root_fd = openat(plan->snapshot.proc_fd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (plan->root_fd >= 0)
		return 0;
	return att_err_sys(err,
	                   errno == EACCES || errno == EPERM ? ATT_E_PERMISSION_DENIED
	                                                     : ATT_E_CONTAINER_GONE,
	                   ATT_STAGE_PLAN, errno, "open the container's root directory");
}

static int fill(struct att_ct *ct, const struct att_request *req, struct att_plan *plan,
                struct att_err *err)
{
	int r = att_snapshot_take(ct, &plan->snapshot, err);

	if (r == 0 && plan->snapshot.frozen)
		r = att_err_set(err, ATT_E_CONTAINER_FROZEN, ATT_STAGE_PLAN,
		                "frozen; nothing in it can run until it is thawed");
	if (r == 0)
		r = make_id(plan->id, sizeof(plan->id), err);
	if (r == 0)
		r = choose_namespaces(req, plan, err);
	if (r == 0)
		r = choose_stdio(req, plan, err);
	if (r == 0)
		r = open_root(plan, err);
	if (r == 0)
		r = att_identity_resolve(req, plan, err);
	if (r == 0)
		r = att_terminal_resolve(ct, req, plan, err);
	if (r == 0)
		r = att_login_resolve(req, plan, err);
	if (r == 0)
		r = att_environ_build(ct, req, plan, err);
	if (r == 0)
		r = att_command_resolve(req, plan, err);
	if (r == 0)
		r = att_confine_resolve(req, plan, err);
	return r < 0 ? r : att_limits_resolve(req, plan, err);
}

int att_plan_make(struct att_ct *ct, const struct att_request *req, struct att_plan *ret,
                  struct att_err *err)
{
	_cleanup_(att_plan_done) struct att_plan plan = ATT_PLAN_INIT;
	int r = check_contradictions(req, err);

	if (r < 0)
		return r;
	copy_simple(req, &plan);
	plan.target = strdup(ct->name);
	plan.init_pidfd = fcntl(ct->init_pidfd, F_DUPFD_CLOEXEC, 3);
	if (!plan.target || plan.init_pidfd < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	r = fill(ct, req, &plan, err);
	/* What failed may be no more than that the container went away under it. */
	if (r < 0 && att_plan_is_gone(&plan))
		return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_PLAN, "its init has ended");
	if (r < 0)
		return r;
	*ret = plan;
	plan = (struct att_plan)ATT_PLAN_INIT;
	return 0;
}
