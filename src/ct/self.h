/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The caller's own facts, which a job would inherit: to be compared with init's. Whatever is below
 * /proc/self has to be made for each new process, so they take a while; they need no container, and
 * are best read while somebody else is being waited for.
 */
#ifndef ATT_CT_SELF_H
#define ATT_CT_SELF_H

#include <stdbool.h>

#include "base/err.h"
#include "sys/lsm.h"
#include "sys/ns.h"
#include "sys/proc.h"

/* One process: init, or the caller itself. */
struct att_process {
	struct att_proc_status status;
	struct att_rlimits limits;
	struct att_label label;
	int32_t oom_score_adj;
	uint32_t personality;
};

struct att_self {
	bool known;
	struct att_process process; /* but for the label, which only matters where init has one */
	uint64_t ns[ATT_NS_COUNT];
	struct att_cgroup_lines cgroup;
};

/** att_self_read() - Errors: INTERNAL_ERROR, NO_MEMORY. */
int att_self_read(struct att_self *ret, struct att_err *err) _must_check_;

/** att_self_done() - idempotent. */
void att_self_done(struct att_self *self);

/** att_process_limits() - the resource limits of a process, 0: this one. Return: may it be asked? */
bool att_process_limits(pid_t pid, struct att_rlimits *ret);

#endif
