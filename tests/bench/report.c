/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/report.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "bench/contender.h"

#define PEAK_GOAL_KIB 6144

enum goal_of {
	GOAL_TIME = 1, /* at most */
	GOAL_SPEED,    /* at least */
	GOAL_CPU,      /* without the command's share: at most */
};

/* What the project set out to reach, as ratios of medians. */
static const struct goal {
	enum goal_of of;
	const char *axis;
	const char *box; /* NULL: in each */
	const char *to;
	double limit;
} goals[] = {
	{ GOAL_TIME, "back to back", NULL, "lxc-attach", 0.55 },
	{ GOAL_TIME, "with gaps", "pure-v2", "lxc-attach", 0.30 },
	{ GOAL_TIME, "back to back", NULL, "nsenter", 1.40 },
	{ GOAL_SPEED, "terminal zeros", NULL, "lxc-attach", 1.50 },
	{ GOAL_SPEED, "terminal lines", NULL, "lxc-attach", 1.50 },
	{ GOAL_SPEED, "terminal zeros", NULL, "bare", 0.60 },
	{ GOAL_SPEED, "terminal lines", NULL, "bare", 0.60 },
	{ GOAL_CPU, "terminal zeros", NULL, "lxc-attach", 0.50 },
	{ GOAL_CPU, "terminal lines", NULL, "lxc-attach", 0.50 },
	{ GOAL_TIME, "keystroke", NULL, "bare", 1.30 },
};

void report_done(struct report *report)
{
	free(report->v);
	report->v = NULL;
	report->n = 0;
}

int report_add(struct report *report, const struct report_figure *figure)
{
	struct report_figure *v = reallocarray(report->v, report->n + 1, sizeof(*v));

	if (v == NULL)
		return -ENOMEM;
	v[report->n++] = *figure;
	report->v = v;
	return 0;
}

/* The figure of one contender beside another's: same axis, same box. NULL: there is none. */
static const struct report_figure *beside(const struct report *report,
                                          const struct report_figure *figure, const char *contender)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct report_figure *f = &report->v[i];

		if (strcmp(f->axis, figure->axis) == 0 && strcmp(f->box, figure->box) == 0 &&
		    strcmp(f->contender, contender) == 0)
			return f;
	}
	return NULL;
}

/* Ours to this one's; 0 when either is missing. */
static double ratio_to(const struct report *report, const struct report_figure *other)
{
	const struct report_figure *ours = beside(report, other, CONTENDER_OURS);

	return ours == NULL ? 0 : stats_ratio(ours->value.median, other->value.median);
}

/* 0: it is not known. */
static double goal_measured(const struct report *report, const struct goal *goal,
                            const struct report_figure *other)
{
	const struct report_figure *ours = beside(report, other, CONTENDER_OURS);

	if (ours == NULL || ours->failed || other->failed)
		return 0;
	switch (goal->of) {
	case GOAL_TIME:
		return stats_ratio(ours->value.median, other->value.median);
	case GOAL_SPEED:
		return stats_ratio(other->value.median, ours->value.median);
	case GOAL_CPU:
		return stats_ratio(ours->own_ns.median, other->own_ns.median);
	}
	return 0;
}

static bool goal_reached(const struct goal *goal, double measured)
{
	if (measured <= 0)
		return false;
	return goal->of == GOAL_SPEED ? measured >= goal->limit : measured <= goal->limit;
}

static const char *goal_word(enum goal_of of)
{
	switch (of) {
	case GOAL_TIME:
		return "time";
	case GOAL_SPEED:
		return "speed";
	case GOAL_CPU:
		return "cpu";
	}
	return "?";
}

static bool goal_fits(const struct goal *goal, const struct report_figure *f)
{
	return strcmp(goal->axis, f->axis) == 0 && strcmp(goal->to, f->contender) == 0 &&
	       (goal->box == NULL || strcmp(goal->box, f->box) == 0);
}

/* Of all our runs on any axis; 0: none. */
static int64_t our_peak_kib(const struct report *report)
{
	int64_t peak = 0;

	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->v[i].contender, CONTENDER_OURS) == 0 &&
		    report->v[i].peak_kib > peak)
			peak = report->v[i].peak_kib;
	return peak;
}

/* ---- tables ------------------------------------------------------------------------------- */

static double ms(int64_t ns)
{
	return (double)ns / (double)ATT_NS_PER_MS;
}

static double gib(int64_t bytes)
{
	return (double)bytes / (double)(UINT64_C(1) << 30);
}

/* What took longer went slower, so the tenth percentile of speed is the ninetieth of time. */
static double mib_per_s(int64_t bytes, int64_t ns)
{
	return gib(bytes) * 1024 * stats_ratio(ATT_NS_PER_SEC, ns);
}

static double cpu_s_per_gib(const struct report_figure *f, const struct stats *cpu_ns)
{
	return gib(f->bytes) > 0 ? ms(cpu_ns->median) / 1000 / gib(f->bytes) : 0;
}

static double us(int64_t ns)
{
	return (double)ns / 1000;
}

/* The first of an axis may have failed. */
static size_t runs_of(const struct report *report, const struct report_figure *figure)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++)
		if (strcmp(report->v[i].axis, figure->axis) == 0 && report->v[i].value.n > n)
			n = report->v[i].value.n;
	return n;
}

static void print_head(const struct report *report, const struct report_figure *f, FILE *out)
{
	switch (f->kind) {
	case REPORT_LATENCY:
		fprintf(out, "\n%s (%zu runs each; ms)\n%-12s%-16s%9s%9s%9s%9s%10s%12s\n", f->axis,
		        runs_of(report, f), "box", "contender", "median", "p10", "p90", "cpu",
		        "peak KiB", "attache/it");
		return;
	case REPORT_FLOW:
		fprintf(out,
		        "\n%s (%.2f GiB, %zu runs each; MiB/s)\n%-12s%-16s%9s%9s%9s%11s%10s%12s\n",
		        f->axis, gib(f->bytes), runs_of(report, f), "box", "contender", "median",
		        "p10", "p90", "cpu s/GiB", "peak KiB", "time ratio");
		return;
	case REPORT_TTY_FLOW:
		fprintf(out,
		        "\n%s (%.3f GiB, %zu runs each; MiB/s)\n%-12s%-16s%9s%9s%9s%11s%10s%12s\n",
		        f->axis, gib(f->bytes), runs_of(report, f), "box", "contender", "median",
		        "p10", "p90", "cpu s/GiB", "with job", "time ratio");
		return;
	case REPORT_KEYS:
		fprintf(out, "\n%s to its echo (%zu each; us)\n%-12s%-16s%9s%9s%9s%12s\n", f->axis,
		        runs_of(report, f), "box", "contender", "median", "p10", "p90",
		        "attache/it");
		return;
	case REPORT_SYSCALLS:
		fprintf(out, "\n%s of all processes of one exec\n%-12s%-16s%9s%12s\n", f->axis,
		        "box", "contender", "calls", "attache/it");
		return;
	}
}

static void print_peak(const struct report *report, int64_t peak_kib, FILE *out)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%lld", peak_kib <= report->own_peak_kib ? "<=" : "",
	         (long long)peak_kib);
	fprintf(out, "%10s", text);
}

static void print_ratio(double ratio, FILE *out)
{
	if (ratio > 0)
		fprintf(out, "%12.2f\n", ratio);
	else
		fprintf(out, "%12s\n", "-");
}

static void print_figure(const struct report *report, const struct report_figure *f, FILE *out)
{
	const struct stats *v = &f->value;

	fprintf(out, "%-12s%-16s", f->box, f->contender);
	if (f->failed) {
		fputs("    fails\n", out);
		return;
	}
	switch (f->kind) {
	case REPORT_LATENCY:
		fprintf(out, "%9.3f%9.3f%9.3f%9.3f", ms(v->median), ms(v->p10), ms(v->p90),
		        ms(f->cpu_ns.median));
		print_peak(report, f->peak_kib, out);
		break;
	case REPORT_FLOW:
		fprintf(out, "%9.0f%9.0f%9.0f%11.3f", mib_per_s(f->bytes, v->median),
		        mib_per_s(f->bytes, v->p90), mib_per_s(f->bytes, v->p10),
		        cpu_s_per_gib(f, &f->cpu_ns));
		print_peak(report, f->peak_kib, out);
		break;
	case REPORT_TTY_FLOW:
		fprintf(out, "%9.0f%9.0f%9.0f%11.3f%10.3f", mib_per_s(f->bytes, v->median),
		        mib_per_s(f->bytes, v->p90), mib_per_s(f->bytes, v->p10),
		        cpu_s_per_gib(f, &f->own_ns), cpu_s_per_gib(f, &f->cpu_ns));
		break;
	case REPORT_KEYS:
		fprintf(out, "%9.1f%9.1f%9.1f", us(v->median), us(v->p10), us(v->p90));
		break;
	case REPORT_SYSCALLS:
		fprintf(out, "%9lld", (long long)v->median);
		break;
	}
	print_ratio(ratio_to(report, f), out);
}

/* An axis is printed once, where it comes first, with the figures of all boxes. */
static bool is_first_of_axis(const struct report *report, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(report->v[j].axis, report->v[i].axis) == 0)
			return false;
	return true;
}

static void print_axis(const struct report *report, size_t first, FILE *out)
{
	print_head(report, &report->v[first], out);
	for (size_t i = first; i < report->n; i++)
		if (strcmp(report->v[i].axis, report->v[first].axis) == 0)
			print_figure(report, &report->v[i], out);
}

static const char *verdict(bool reached)
{
	return reached ? "reached" : "not reached";
}

static void print_goal(const struct report *report, const struct goal *goal, FILE *out)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct report_figure *f = &report->v[i];
		double ratio = 0;
		char pair[32];
		char measured[16] = "-";

		if (!goal_fits(goal, f))
			continue;
		ratio = goal_measured(report, goal, f);
		snprintf(pair, sizeof(pair), "%s/%s", CONTENDER_OURS, f->contender);
		if (ratio > 0)
			snprintf(measured, sizeof(measured), "%.2f", ratio);
		fprintf(out, "%-16s%-12s%-20s%-6s%10s  %s%8.2f  %s\n", f->axis, f->box, pair,
		        goal_word(goal->of), measured,
		        goal->of == GOAL_SPEED ? ">=" : "<=", goal->limit,
		        verdict(goal_reached(goal, ratio)));
	}
}

static void print_goals(const struct report *report, FILE *out)
{
	int64_t peak_kib = our_peak_kib(report);

	fprintf(out, "\ngoals\n%-16s%-12s%-26s%10s%12s\n", "axis", "box", "", "measured", "goal");
	for (size_t i = 0; i < countof(goals); i++)
		print_goal(report, &goals[i], out);
	if (peak_kib > 0)
		fprintf(out, "%-16s%-12s%-26s%10lld  <=%8d  %s\n", "all", "all",
		        "attache, peak KiB", (long long)peak_kib, PEAK_GOAL_KIB - 1,
		        verdict(peak_kib < PEAK_GOAL_KIB));
}

void report_print(const struct report *report, FILE *out)
{
	for (size_t i = 0; i < report->n; i++)
		if (is_first_of_axis(report, i))
			print_axis(report, i, out);
	print_goals(report, out);
}

/* ---- JSON --------------------------------------------------------------------------------- */

static const char *kind_name(enum report_kind kind)
{
	switch (kind) {
	case REPORT_LATENCY:
		return "latency";
	case REPORT_FLOW:
		return "throughput";
	case REPORT_SYSCALLS:
		return "syscalls";
	case REPORT_TTY_FLOW:
		return "terminal throughput";
	case REPORT_KEYS:
		return "keystroke";
	}
	return "?";
}

static json_t *stats_json(const struct stats *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "n", (json_int_t)s->n, "min",
	                 (json_int_t)s->min, "p10", (json_int_t)s->p10, "median",
	                 (json_int_t)s->median, "p90", (json_int_t)s->p90, "max",
	                 (json_int_t)s->max);
}

/* Times are in ns; a throughput's value is the time that its bytes took. */
static json_t *figure_json(const struct report_figure *f)
{
	const char *unit = f->kind == REPORT_SYSCALLS ? "calls" : "ns";
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "kind", kind_name(f->kind), "axis",
	                      f->axis, "box", f->box, "contender", f->contender, "unit", unit,
	                      "value", stats_json(&f->value));
	int r = j == NULL ? -1 : 0;

	if (r == 0 && f->kind != REPORT_SYSCALLS && f->kind != REPORT_KEYS)
		r = json_object_set_new(j, "cpu_ns", stats_json(&f->cpu_ns)) |
		    json_object_set_new(j, "peak_kib", json_integer(f->peak_kib));
	if (r == 0 && f->kind == REPORT_TTY_FLOW)
		r = json_object_set_new(j, "own_cpu_ns", stats_json(&f->own_ns)) |
		    json_object_set_new(j, "own_cpu_s_per_gib",
		                        json_real(cpu_s_per_gib(f, &f->own_ns)));
	if (r == 0 && f->failed)
		r = json_object_set_new(j, "failed", json_true());
	if (r == 0 && (f->kind == REPORT_FLOW || f->kind == REPORT_TTY_FLOW))
		r = json_object_set_new(j, "bytes", json_integer(f->bytes)) |
		    json_object_set_new(j, "cpu_s_per_gib",
		                        json_real(cpu_s_per_gib(f, &f->cpu_ns)));
	if (r == 0)
		return j;
	json_decref(j);
	return NULL;
}

static json_t *figures_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->n; i++)
		if (json_array_append_new(all, figure_json(&report->v[i])) < 0)
			break;
	return all;
}

static json_t *ratios_json(const struct report *report)
{
	json_t *all = json_array();

	for (size_t i = 0; i < report->n; i++) {
		const struct report_figure *f = &report->v[i];
		double ratio = ratio_to(report, f);

		if (ratio <= 0 || strcmp(f->contender, CONTENDER_OURS) == 0)
			continue;
		att_ignore(json_array_append_new(
			all, json_pack("{s:s, s:s, s:s, s:s, s:f}", "axis", f->axis, "box", f->box,
		                       "of", CONTENDER_OURS, "to", f->contender, "ratio", ratio)));
	}
	return all;
}

static void add_goal(const struct report *report, const struct goal *goal, json_t *all)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct report_figure *f = &report->v[i];
		double ratio = 0;

		if (!goal_fits(goal, f))
			continue;
		ratio = goal_measured(report, goal, f);
		att_ignore(json_array_append_new(
			all,
			json_pack("{s:s, s:s, s:s, s:s, s:o, s:f, s:b}", "axis", f->axis, "box",
		                  f->box, "to", f->contender, "of", goal_word(goal->of), "measured",
		                  ratio > 0 ? json_real(ratio) : json_null(), "limit", goal->limit,
		                  "reached", goal_reached(goal, ratio))));
	}
}

static json_t *goals_json(const struct report *report)
{
	json_t *all = json_array();
	int64_t peak_kib = our_peak_kib(report);

	for (size_t i = 0; i < countof(goals); i++)
		add_goal(report, &goals[i], all);
	if (peak_kib > 0)
		att_ignore(json_array_append_new(
			all,
			json_pack("{s:s, s:I, s:I, s:b}", "axis", "peak_kib", "measured",
		                  (json_int_t)peak_kib, "limit", (json_int_t)(PEAK_GOAL_KIB - 1),
		                  "reached", peak_kib < PEAK_GOAL_KIB)));
	return all;
}

static json_t *host_json(const struct report *report)
{
	struct utsname name = { 0 };
	double load[3] = { 0 };

	att_ignore(uname(&name));
	att_ignore(getloadavg(load, 3));
	return json_pack("{s:s, s:s, s:I, s:f, s:I, s:I}", "kernel", name.release, "machine",
	                 name.machine, "cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "load",
	                 load[0], "time", (json_int_t)(att_clock_wall_ns() / ATT_NS_PER_SEC),
	                 "own_peak_kib", (json_int_t)report->own_peak_kib);
}

int report_write_json(const struct report *report, const char *path)
{
	json_t *j =
		json_pack("{s:i, s:o, s:I, s:o, s:o, s:o}", "version", 1, "host", host_json(report),
	                  "gap_ns", (json_int_t)report->gap_ns, "figures", figures_json(report),
	                  "ratios", ratios_json(report), "goals", goals_json(report));
	FILE *f = j == NULL ? NULL : fopen(path, "we");
	int r = j == NULL ? -ENOMEM : f == NULL ? -errno : 0;

	if (r == 0 && json_dumpf(j, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0)
		r = -EIO;
	if (r == 0 && fputc('\n', f) == EOF)
		r = -EIO;
	if (f != NULL && fclose(f) != 0 && r == 0)
		r = -EIO;
	json_decref(j);
	return r;
}
