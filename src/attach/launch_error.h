/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the launcher's few numbers mean to a person. */
#ifndef ATT_ATTACH_LAUNCH_ERROR_H
#define ATT_ATTACH_LAUNCH_ERROR_H

#include "attach/plan.h"

/**
 * att_launch_error() - compose the error for a launch that did not succeed
 * @plan:    what was tried
 * @status:  what the launcher said; its numbers are range-checked here
 * @killed:  signal that ended the entry process or the job before its exec, or 0
 *
 * Return: -err->code.
 */
int att_launch_error(const struct att_plan *plan, const struct att_wire_status *status, int killed,
                     struct att_err *err);

#endif
