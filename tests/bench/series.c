/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/series.h"

#include <errno.h>

void series_done(struct all_series *all)
{
	for (size_t i = 0; i < CONTENDER_MAX; i++) {
		free(all->v[i].wall_ns);
		free(all->v[i].cpu_ns);
		free(all->v[i].own_ns);
		all->v[i] = (struct series){ 0 };
	}
}

int series_init(struct all_series *all, size_t rounds)
{
	for (size_t i = 0; i < CONTENDER_MAX; i++) {
		struct series *s = &all->v[i];

		s->wall_ns = calloc(rounds, sizeof(int64_t));
		s->cpu_ns = calloc(rounds, sizeof(int64_t));
		s->own_ns = calloc(rounds, sizeof(int64_t));
		if (s->wall_ns == NULL || s->cpu_ns == NULL || s->own_ns == NULL)
			return -ENOMEM;
	}
	return 0;
}

void series_add(struct series *s, const struct run_cost *cost)
{
	int64_t own_ns = cost->cpu_ns - cost->job_ns;

	s->wall_ns[s->n] = cost->wall_ns;
	s->cpu_ns[s->n] = cost->cpu_ns;
	/* Two clocks of the kernel's: of a contender that is the command itself nothing is left. */
	s->own_ns[s->n] = own_ns < 0 ? 0 : own_ns;
	s->n++;
	if (s->peak_kib < cost->peak_kib)
		s->peak_kib = cost->peak_kib;
}

int series_report(const struct measure *m, struct all_series *all,
                  const struct report_figure *common)
{
	int r = 0;

	for (size_t i = 0; i < m->n_contenders && r == 0; i++) {
		struct report_figure f = *common;
		struct series *s = &all->v[i];

		if (s->n == 0 && !s->failed)
			continue;
		f.box = m->box_name;
		f.contender = m->contenders[i].name;
		f.failed = s->failed;
		if (!s->failed) {
			f.value = stats_of(s->wall_ns, s->n);
			f.cpu_ns = stats_of(s->cpu_ns, s->n);
			f.own_ns = stats_of(s->own_ns, s->n);
			f.peak_kib = s->peak_kib;
		}
		r = report_add(m->report, &f);
	}
	return r;
}
