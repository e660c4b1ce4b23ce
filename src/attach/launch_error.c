/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launch_error.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "sys/pidfd.h"

#define SHOWN_CAP   160
#define INIT_END_MS 1000

static const char *show(char *dst, const char *text)
{
	return att_escape(dst, SHOWN_CAP, text, strlen(text));
}

static enum att_code exec_code(int sys)
{
	switch (sys) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return ATT_E_COMMAND_NOT_FOUND;
	case E2BIG:
	case EAGAIN:
	case EMFILE:
	case ENFILE:
		return ATT_E_LIMIT_EXCEEDED;
	case ENOMEM:
		return ATT_E_NO_MEMORY;
	default:
		return ATT_E_COMMAND_NOT_EXECUTABLE;
	}
}

static int exec_error(const struct att_plan *plan, const struct att_wire_status *status,
                      struct att_err *err)
{
	char shown[SHOWN_CAP];

	show(shown, plan->argv.v[0]);
	if (status->sys == ENOENT && status->detail == ATT_WIRE_NO_INTERPRETER)
		return att_err_sys(err, ATT_E_COMMAND_NOT_FOUND, ATT_STAGE_EXEC, status->sys,
		                   "run '%s': it is there, but its interpreter or loader is not",
		                   shown);
	return att_err_sys(err, exec_code(status->sys), ATT_STAGE_EXEC, status->sys, "run '%s'",
	                   shown);
}

static int workdir_error(const struct att_plan *plan, int sys, struct att_err *err)
{
	char shown[SHOWN_CAP];
	enum att_code code =
		sys == EACCES || sys == EPERM ? ATT_E_PERMISSION_DENIED : ATT_E_WORKDIR_NOT_FOUND;

	show(shown, plan->blob.data + plan->wire.workdir.offset);
	return att_err_sys(err, code, ATT_STAGE_WORKDIR, sys, "enter working directory '%s'",
	                   shown);
}

/* What each stage was about to do, and what a failure of it is by default. */
static const struct {
	const char *what;
	enum att_code code;
} stages[_ATT_STAGE_MAX] = {
	[ATT_STAGE_LAUNCH] = { "start the launcher", ATT_E_INTERNAL_ERROR },
	[ATT_STAGE_CGROUP] = { "enter the container's cgroups", ATT_E_CONFINEMENT_UNAVAILABLE },
	[ATT_STAGE_LIMITS] = { "set the job's limits", ATT_E_PERMISSION_DENIED },
	[ATT_STAGE_NAMESPACES] = { "enter the container's namespaces", ATT_E_PERMISSION_DENIED },
	[ATT_STAGE_LSM] = { "take on the container's security label",
	                    ATT_E_CONFINEMENT_UNAVAILABLE },
	[ATT_STAGE_CREDENTIALS] = { "become the job's user", ATT_E_PERMISSION_DENIED },
	[ATT_STAGE_KEYRING] = { "make the job's session keyring", ATT_E_CONFINEMENT_UNAVAILABLE },
	[ATT_STAGE_STDIO] = { "prepare the job's descriptors", ATT_E_IO_ERROR },
	[ATT_STAGE_SECCOMP] = { "load the container's seccomp filter",
	                        ATT_E_CONFINEMENT_UNAVAILABLE },
	[ATT_STAGE_CAPABILITIES] = { "set the job's capabilities", ATT_E_PERMISSION_DENIED },
	[ATT_STAGE_SPAWN] = { "create the job", ATT_E_PERMISSION_DENIED },
	[ATT_STAGE_TERMINAL] = { "give the job its terminal", ATT_E_IO_ERROR },
};

/* Errors that mean the same at every stage. */
static enum att_code common_code(int sys, enum att_code otherwise)
{
	switch (sys) {
	case EAGAIN:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case ENOSPC:
		return ATT_E_LIMIT_EXCEEDED;
	case ESRCH:
		return ATT_E_CONTAINER_GONE;
	case ENOMEM:
		return ATT_E_NO_MEMORY;
	default:
		return otherwise;
	}
}

/* Who kills a container may have killed what was in its cgroup first, and init a moment later. */
static bool is_ending(const struct att_plan *plan, int killed)
{
	struct pollfd p = { .fd = plan->init_pidfd, .events = POLLIN };

	if (poll(&p, 1, 0) > 0)
		return true;
	return killed == SIGKILL &&
	       (att_snapshot_is_ending(&plan->snapshot) || poll(&p, 1, INIT_END_MS) > 0);
}

static int killed_error(const struct att_plan *plan, int stage, int killed, struct att_err *err)
{
	const char *what = stages[stage].what ? stages[stage].what : "start the job";

	if (is_ending(plan, killed))
		return att_err_set(err, ATT_E_CONTAINER_GONE, (enum att_stage)stage,
		                   "%s: the container has ended meanwhile", what);
	if (killed == SIGSYS)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, (enum att_stage)stage,
		                   "%s: the container's seccomp profile kills a system call that "
		                   "this needs",
		                   what);
	if (killed > 0)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, (enum att_stage)stage,
		                   "%s: killed by signal %d", what, killed);
	return att_err_set(err, ATT_E_INTERNAL_ERROR, (enum att_stage)stage,
	                   "%s: the launcher ended without a word", what);
}

/* The label is the container's to name and the caller's to change to: both have to be seen. */
static int label_error(const struct att_plan *plan, int sys, struct att_err *err)
{
	char to[SHOWN_CAP];
	char from[SHOWN_CAP];
	const struct att_label *mine = &plan->snapshot.self.label;

	return att_err_sys(
		err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_LSM, sys,
		"change the security label from '%s' to '%s'; --privileged=lsm keeps the "
		"caller's",
		mine->lsm == ATT_LSM_NONE ? "none" : show(from, mine->text),
		show(to, plan->label.text));
}

int att_launch_error(const struct att_plan *plan, const struct att_wire_status *status, int killed,
                     struct att_err *err)
{
	int stage = status->stage;
	int sys = status->sys;

	if (stage <= 0 || stage >= _ATT_STAGE_MAX || sys < 0 || sys > 4095)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH,
		                   "the launcher's answer makes no sense");
	if (sys == 0)
		return killed_error(plan, stage, killed, err);
	if (stage == ATT_STAGE_EXEC)
		return exec_error(plan, status, err);
	if (stage == ATT_STAGE_WORKDIR)
		return workdir_error(plan, sys, err);
	/* A pid namespace whose init has ended takes no more processes. */
	if (!att_pidfd_is_alive(plan->init_pidfd))
		return killed_error(plan, stage, killed, err);
	/* Of all that is set there, only the processors can be none that there are. */
	if (stage == ATT_STAGE_LIMITS && sys == EINVAL)
		return att_err_sys(
			err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_LIMITS, sys,
			"set the job's processors: none of them is one that it may run on");
	if (stage == ATT_STAGE_LSM)
		return label_error(plan, sys, err);
	if (stage == ATT_STAGE_CGROUP && sys == EROFS)
		return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP, sys,
		                   "make the job's cgroup: /sys/fs/cgroup is mounted read-only for "
		                   "the caller (ProtectControlGroups=?)");
	if (!stages[stage].what)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_LAUNCH, sys,
		                   "launch at stage '%s'", att_stage_name(stage));
	return att_err_sys(err, common_code(sys, stages[stage].code), (enum att_stage)stage, sys,
	                   "%s", stages[stage].what);
}
