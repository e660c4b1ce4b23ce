/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was measured, and how it is shown: as tables for people, with the goals beside them, and as
 * JSON for programs. A figure is one contender on one axis in one container.
 */
#ifndef ATT_BENCH_REPORT_H
#define ATT_BENCH_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/defs.h"
#include "bench/stats.h"

enum report_kind {
	REPORT_LATENCY = 1, /* ns of one run */
	REPORT_FLOW,        /* ns to carry `bytes` */
	REPORT_SYSCALLS,    /* number of calls */
	REPORT_TTY_FLOW,    /* ns to carry `bytes` through a terminal */
	REPORT_KEYS,        /* ns from a key to its echo */
};

struct report_figure {
	enum report_kind kind;
	const char *axis; /* borrowed, as are all names */
	const char *box;
	const char *contender;
	struct stats value;
	struct stats cpu_ns;
	struct stats own_ns; /* the same without the command's share, where that is known */
	int64_t peak_kib;    /* largest of all runs */
	int64_t bytes;
	bool failed; /* and all is zero */
};

struct report {
	struct report_figure *v; /* owned */
	size_t n;
	int64_t gap_ns;
	int64_t own_peak_kib; /* no smaller peak can be seen */
};

#define REPORT_INIT \
	{ \
		0 \
	}
#define _cleanup_report_ _cleanup_(report_done)

/** report_done() - free the figures; idempotent. */
void report_done(struct report *report);

/** report_add() - append a copy of a figure. Return: 0 or -ENOMEM. */
int report_add(struct report *report, const struct report_figure *figure) _must_check_;

/** report_print() - the tables and the goals. */
void report_print(const struct report *report, FILE *out);

/** report_write_json() - the same to a file, replaced. Return: 0, or -errno. */
int report_write_json(const struct report *report, const char *path) _must_check_;

#endif
