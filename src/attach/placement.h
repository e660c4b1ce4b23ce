/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a job goes in every cgroup hierarchy, and the text that proves it from inside. */
#ifndef ATT_ATTACH_PLACEMENT_H
#define ATT_ATTACH_PLACEMENT_H

#include "attach/plan.h"
#include "sys/cgroup.h"

struct att_placement {
	struct att_cgroup_leaf leaf;
	bool own_leaf;
	bool used;   /* a job lives there: what was made stays */
	int root_fd; /* the container's v2 root; borrowed */
	int n_legacy;
	int legacy_fd[ATT_WIRE_MAX_LEGACY];
	struct att_buf text; /* /proc/self/cgroup as the entry must see it */
};

#define ATT_PLACEMENT_INIT \
	{ \
		.leaf = ATT_CGROUP_LEAF_INIT, .root_fd = -1 \
	}

/**
 * att_placement_make() - choose the leaf, open what has to be written
 * @base: which base directory to use; the next one when this cannot be joined
 *
 * Errors: CONFINEMENT_UNAVAILABLE, LIMIT_EXCEEDED, NO_MEMORY.
 */
int att_placement_make(const struct att_plan *plan, unsigned base, struct att_placement *ret,
                       struct att_err *err) _must_check_;

/** att_placement_done() - close; removes a leaf that no job took over. Idempotent. */
void att_placement_done(struct att_placement *p);

/**
 * att_placement_correct() - learn the container's true cgroup roots from what the entry saw
 * @seen: @len bytes of its /proc/self/cgroup, read inside the cgroup namespace
 *
 * Errors: CONFINEMENT_UNAVAILABLE when it does not fit to where the entry was put.
 */
int att_placement_correct(struct att_plan *plan, const struct att_placement *p, const char *seen,
                          size_t len, struct att_err *err) _must_check_;

#endif
