/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A snapshot for a person to read. Made from its JSON alone, so that what is shown is what a
 * program would get; a key that is missing leaves its line out.
 */
#ifndef ATT_CLI_INSPECT_H
#define ATT_CLI_INSPECT_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/render.h"

/** att_inspect_format() - append the text view of a snapshot. Return: 0 or -ENOMEM. */
int att_inspect_format(struct att_buf *out, const struct att_look *look, const json_t *snapshot)
	_must_check_;

#endif
