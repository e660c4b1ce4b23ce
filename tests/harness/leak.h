/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The leak guard: what there is before and after. It looks at our descriptors, our children, our
 * mounts, our terminal and our keyrings; and of a box, at every process in its pid namespace or its
 * cgroups, the memfds that they hold, its cgroup directories in every hierarchy, and liblxc's lock
 * files.
 *
 * Taking down is asynchronous in the kernel and in liblxc, so the guard looks again for a while
 * before it complains. One thing may be left: an empty cgroup ".lxc" directly below the
 * container's, which is kept between runs on purpose.
 */
#ifndef ATT_HARNESS_LEAK_H
#define ATT_HARNESS_LEAK_H

#include "base/defs.h"
#include "harness/box.h"

struct leak;

#define _cleanup_leak_ _cleanup_(leak_free_p)

/**
 * leak_new() - remember what there is
 * @box: running, and not stopped before leak_check(); NULL: look only at this process
 *
 * Return: 0 or -errno.
 */
int leak_new(struct leak **ret, const struct box *box) _must_check_;

/**
 * leak_check() - compare with what there is now, for up to 3 s until it is the same
 * @ret_diff: out: owned; one line for each thing that is there too much ("+") or, for descriptors,
 *            mounts and terminals, is missing ("-"); "" when nothing leaked
 *
 * Return: number of differences, or -errno.
 */
int leak_check(const struct leak *leak, char **ret_diff) _must_check_;

/** leak_free() - NULL allowed. Return: NULL. */
struct leak *leak_free(struct leak *leak);

/** leak_free_p() - the cleanup form. */
void leak_free_p(struct leak **leak);

#endif
