/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record that a job must have, computed from what confines the container's init, as the host
 * sees it, and from what the manual says. Nothing here asks attache.
 *
 * All functions return 0 or -errno.
 */
#ifndef ATT_HARNESS_EXPECT_H
#define ATT_HARNESS_EXPECT_H

#include <stdint.h>

#include "harness/box.h"
#include "harness/record.h"

struct expect_user {
	uint32_t ct_uid, ct_gid;
	const char *groups; /* "29,100" in the order of their ids, as the kernel keeps them */
	const char *name, *home, *shell;
};

/** expect_job() - the record of root's `/probe record` without any option, stdin the null device */
int expect_job(const struct box *box, enum box_kind kind, struct record *ret) _must_check_;

/** expect_user() - the same as another user: ids, environment, keyring, capabilities */
int expect_user(struct record *want, const struct expect_user *user) _must_check_;

/** expect_root_caps() - root of this bounding set: the three sets that follow from it */
int expect_root_caps(struct record *want, uint64_t bounding) _must_check_;

/** expect_no_filter() - seccomp as the caller has it, without the container's filter */
int expect_no_filter(struct record *want) _must_check_;

/** expect_caller_label() - the security label as the caller has it, without the container's */
int expect_caller_label(struct record *want) _must_check_;

/** expect_caller_cgroup() - the caller's cgroups, as they are seen from inside the container's */
int expect_caller_cgroup(const struct box *box, struct record *want) _must_check_;

/** expect_bounding() - the widest bounding set that a job can be given: with --privileged=caps */
uint64_t expect_bounding(enum box_kind kind);

/** expect_status() - a hexadecimal or decimal number of /proc/PID/status, such as "CapBnd" */
uint64_t expect_status(pid_t pid, const char *field, int base);

/**
 * expect_settle() - take over into @want what only the job can know, after checking its shape
 *
 * That is its pid, which is its session and its group as well; the number of its keyring, which is
 * not the caller's; and the random part of its cgroup's name. What does not have the shape stays
 * unexpected, so that the comparison fails.
 */
int expect_settle(const struct record *got, struct record *want) _must_check_;

#endif
