/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The job between its birth and its exec: visible in the container, with no more power, memory or
 * descriptors than the command that it is about to become.
 */
#ifndef ATT_ATTACH_LAUNCHER_JOB_H
#define ATT_ATTACH_LAUNCHER_JOB_H

#include "attach/launcher/entry.h"

/**
 * job_clone() - fork with clone flags and no stack of its own
 * @parent_tid: where the kernel writes the child's pid before the child runs
 *
 * Return: pid in the parent, 0 in the child, -errno.
 */
long job_clone(unsigned long flags, int32_t *parent_tid);

/** job_run() - become the command, or report why not in e->report and exit. */
__attribute__((noreturn)) void job_run(struct entry *e);

#endif
