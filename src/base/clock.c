/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

#include <limits.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;

	att_assert(clock_gettime(id, &ts) == 0);
	return (int64_t)ts.tv_sec * ATT_NS_PER_SEC + ts.tv_nsec;
}

int64_t att_clock_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t att_clock_wall_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t att_clock_after_ns(int64_t delay_ns)
{
	int64_t at = 0;

	if (__builtin_add_overflow(att_clock_now_ns(), delay_ns, &at))
		return INT64_MAX;
	return at;
}

int att_clock_poll_ms(int64_t deadline_ns)
{
	int64_t left = 0;

	if (deadline_ns == INT64_MAX)
		return -1;
	left = deadline_ns - att_clock_now_ns();
	if (left <= 0)
		return 0;
	left = (left + ATT_NS_PER_MS - 1) / ATT_NS_PER_MS;
	return left > INT_MAX ? INT_MAX : (int)left;
}
