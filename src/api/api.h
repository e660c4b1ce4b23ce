/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of this layer share: the bodies of the opaque handles. */
#ifndef ATT_API_API_H
#define ATT_API_API_H

#include "attache/attache.h"

#include "attach/guardian.h"
#include "attach/job.h"
#include "attach/plan.h"
#include "ct/lxc.h"
#include "ct/snapshot.h"

struct attache_container {
	struct att_ct ct;
	struct att_guardian guardian; /* for the first plan; or none */
};

struct attache_list {
	struct att_ct_list list;
	int *unprivileged;
};

struct attache_snapshot {
	struct att_snapshot snapshot;
	char *name, *lxcpath;
	char *json;
};

struct attache_plan {
	struct att_plan plan;
	char *json;
};

struct attache_job {
	struct att_job job;
	bool timed_out;
	bool hung_up;       /* its terminal; the next deadline is its last */
	bool left;          /* it goes on without us */
	int64_t kill_at_ns; /* when the stop signal's grace ends */
};

/** api_fail() - hand an error to the caller, if it wants one. Return: -err->code. */
int api_fail(const struct att_err *err, struct attache_error **ret);

/**
 * api_copy_opts() - take over an option struct of any version
 * @dst:      zeroed local of this library's version
 * @dst_size: its size
 * @src:      the caller's; its first member is its size
 * @min_size: size of the first version
 *
 * Bytes beyond what this library knows must be zero: a newer program that needs a newer option is
 * told so.
 *
 * Errors: INVALID_ARGUMENT, UNSUPPORTED.
 */
int api_copy_opts(void *dst, size_t dst_size, const void *src, size_t min_size,
                  struct att_err *err);

/** api_snapshot_json() - Return: text to free, or NULL when out of memory. */
char *api_snapshot_json(const struct attache_snapshot *s);

/** api_plan_json() - Return: text to free, or NULL when out of memory. */
char *api_plan_json(const struct att_plan *plan);

#endif
