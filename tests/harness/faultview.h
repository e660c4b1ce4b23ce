/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What confines a process, read from the host's /proc while it stands still. */
#ifndef ATT_HARNESS_FAULTVIEW_H
#define ATT_HARNESS_FAULTVIEW_H

#include <stddef.h>
#include <sys/types.h>

/**
 * fault_view() - ids, capabilities, seccomp, signals, namespaces, cgroups, limits, label,
 *                descriptors, directories and words of a process, as lines
 *
 * Numbers that are new in each run (of pipes, of the job's cgroup) are left out, so that two jobs
 * which are confined alike look alike.
 */
void fault_view(pid_t pid, char *dst, size_t cap);

#endif
