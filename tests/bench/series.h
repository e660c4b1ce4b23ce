/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The runs of all contenders on one axis, as they are taken. */
#ifndef ATT_BENCH_SERIES_H
#define ATT_BENCH_SERIES_H

#include <stdbool.h>

#include "base/defs.h"
#include "bench/contender.h"
#include "bench/measure.h"
#include "bench/report.h"
#include "bench/run.h"

/* One contender's runs. */
struct series {
	int64_t *wall_ns; /* owned, as are the others */
	int64_t *cpu_ns;
	int64_t *own_ns; /* the same without the command's share */
	size_t n;
	int64_t peak_kib;
	bool failed; /* it could not be measured, and takes no part any more */
};

/* In the order of the contenders; those that take no part stay empty. */
struct all_series {
	struct series v[CONTENDER_MAX];
};

#define ALL_SERIES_INIT \
	{ \
		0 \
	}
#define _cleanup_series_ _cleanup_(series_done)

/** series_init() - room for @rounds runs of each contender. Return: 0 or -ENOMEM. */
int series_init(struct all_series *all, size_t rounds) _must_check_;

/** series_done() - free them; idempotent. */
void series_done(struct all_series *all);

/** series_add() - append a run; no more than there is room for. */
void series_add(struct series *s, const struct run_cost *cost);

/**
 * series_report() - make each series that is not empty, or failed, a figure of the report
 * @common: what does not differ from contender to contender
 *
 * Return: 0 or -errno.
 */
int series_report(const struct measure *m, struct all_series *all,
                  const struct report_figure *common) _must_check_;

#endif
