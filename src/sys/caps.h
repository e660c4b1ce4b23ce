/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names and numbers of capabilities. The names are a table of our own rather than libcap's: it is
 * constant, so nothing is allocated and the answer does not depend on the libcap of the day, and a
 * capability that a newer kernel brings is still reachable by its number.
 */
#ifndef ATT_SYS_CAPS_H
#define ATT_SYS_CAPS_H

#include <stdbool.h>

#include "base/defs.h"

/**
 * att_cap_parse() - one capability, or all of them, as a set
 * @text: "CAP_SYS_ADMIN", "sys_admin", "cap_41" for one without a name here (0…63), or "ALL"; any
 *        case
 *
 * "ALL" is all 64 bits, also those the running kernel does not know: mask with what init has.
 *
 * Return: true and *ret_mask set, or false.
 */
bool att_cap_parse(const char *text, uint64_t *ret_mask) _must_check_;

/** att_cap_name() - "CAP_CHOWN" for 0. Return: static; NULL when @cap has no name here. */
const char *att_cap_name(int cap);

/**
 * att_cap_last() - the highest capability that the running kernel knows
 *
 * Asks the kernel itself: a file below /proc may be another's.
 *
 * Return: its number, 0…63; -1 when the kernel refuses to tell.
 * Context: any thread; async-signal-safe.
 * Source: PR_CAPBSET_READ(2const).
 */
int att_cap_last(void) _must_check_;

#endif
