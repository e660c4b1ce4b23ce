/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Monotonic time and deadlines, in nanoseconds. */
#ifndef ATT_BASE_CLOCK_H
#define ATT_BASE_CLOCK_H

#include "base/defs.h"

/** att_clock_now_ns() - CLOCK_MONOTONIC in ns. */
int64_t att_clock_now_ns(void);

/** att_clock_wall_ns() - CLOCK_REALTIME in ns since the epoch. */
int64_t att_clock_wall_ns(void);

/** att_clock_after_ns() - the deadline @delay_ns from now, saturating at INT64_MAX. */
int64_t att_clock_after_ns(int64_t delay_ns);

/**
 * att_clock_poll_ms() - what to hand to poll(2) for a deadline
 * @deadline_ns: INT64_MAX = none
 *
 * Return: -1 when there is none, 0 when it has passed, else milliseconds rounded up.
 */
int att_clock_poll_ms(int64_t deadline_ns);

#endif
