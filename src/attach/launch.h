/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a plan to a running job:
 *
 *   library ──clone, exec──► guardian ──clone into the cgroup──► entry ──clone──► job
 *   (host)                   (host)                              (inside, unseen)  (inside)
 *
 * The guardian is the launcher program, see launcher/guardian.c. Entry and job are children of the
 * library's process, so the job is waited for here. The guardian tells over a socket how far it
 * came, and stays to end the job should this process vanish.
 */
#ifndef ATT_ATTACH_LAUNCH_H
#define ATT_ATTACH_LAUNCH_H

#include "attach/job.h"
#include "attach/plan.h"

/**
 * att_launch() - start a plan's job
 * @plan: its descriptors and cgroup root may be corrected; otherwise as it was
 * @ret:  out: a job whose command runs
 *
 * Errors: those of attache_job_start().
 * Context: parent; blocks until the command's exec, at most 30 s.
 */
int att_launch(struct att_plan *plan, struct att_job *ret, struct att_err *err) _must_check_;

#endif
