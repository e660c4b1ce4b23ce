/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bench [OPTION]…: compares attache with other ways to run a command in a container, on real
 * containers that it makes and removes. It says how far the goals are reached, and fails only when
 * something cannot be measured.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/parse.h"
#include "bench/contender.h"
#include "bench/measure.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/terminal.h"
#include "harness/box.h"

#define MAX_NUMBER 1000000

static const struct box_row {
	const char *name;
	enum box_kind kind;
	bool flow; /* bytes and terminals go the same way in all of them, so one is enough */
} box_rows[] = {
	{ "privileged", BOX_PRIVILEGED, false },
	{ "idmapped", BOX_IDMAPPED, true },
	{ "pure-v2", BOX_PURE_V2, false },
};

static const char *const true_command[] = { "/bin/true", NULL };

struct options {
	uint64_t rounds;
	uint64_t pipe_rounds;
	uint64_t gap_rounds;
	uint64_t gap_ms;
	uint64_t warm_up;
	uint64_t flow_rounds;
	uint64_t flow_bytes;
	uint64_t terminal;
	uint64_t tty_rounds;
	uint64_t tty_bytes;
	uint64_t key_rounds;
	uint64_t start_rounds;
	uint64_t strace;
	uint64_t nice;
	const char *boxes; /* names with commas; NULL: all */
	const char *json;
};

static const struct number_row {
	const char *name;
	size_t offset;
	uint64_t preset;
	const char *help;
} number_rows[] = {
	{ "rounds", offsetof(struct options, rounds), 300, "runs back to back" },
	{ "pipe-rounds", offsetof(struct options, pipe_rounds), 100,
	  "runs back to back with pipes as stdout and stderr" },
	{ "gap-rounds", offsetof(struct options, gap_rounds), 60, "runs with idle gaps" },
	{ "gap-ms", offsetof(struct options, gap_ms), 50, "length of the gaps" },
	{ "warm-up", offsetof(struct options, warm_up), 5, "runs before those, not counted" },
	{ "flow-rounds", offsetof(struct options, flow_rounds), 5, "runs each way of throughput" },
	{ "flow-size", offsetof(struct options, flow_bytes), UINT64_C(1) << 30,
	  "bytes of such a run (k, M, G)" },
	{ "terminal", offsetof(struct options, terminal), 1, "0: leave all about terminals out" },
	{ "tty-rounds", offsetof(struct options, tty_rounds), 5, "runs of each throughput there" },
	{ "tty-size", offsetof(struct options, tty_bytes), UINT64_C(32) << 20,
	  "bytes of such a run (k, M, G)" },
	{ "key-rounds", offsetof(struct options, key_rounds), 3000, "keys to be echoed there" },
	{ "start-rounds", offsetof(struct options, start_rounds), 100, "runs back to back there" },
	{ "strace", offsetof(struct options, strace), 1, "0: do not count system calls" },
	{ "nice", offsetof(struct options, nice), 0,
	  "run all at this much higher priority (20 at most), on a busy machine" },
};

#define N_NUMBERS countof(number_rows)

static int usage(FILE *out)
{
	fputs("usage: bench [--NAME=VALUE]...\n\n", out);
	for (size_t i = 0; i < N_NUMBERS; i++)
		fprintf(out, "  --%-12s %s (%llu)\n", number_rows[i].name, number_rows[i].help,
		        (unsigned long long)number_rows[i].preset);
	fputs("  --boxes        names with commas (privileged,idmapped,pure-v2)\n"
	      "  --json         file for the figures\n\n"
	      "0 rounds leave a measurement out. $ATTACHE and $ATTACHE_BENCH_FLOOR name other\n"
	      "programs than those beside this one.\n",
	      out);
	return out == stdout ? 0 : 2;
}

/* ---- options ------------------------------------------------------------------------------ */

static uint64_t *number_of(struct options *o, size_t i)
{
	return (uint64_t *)(void *)((char *)o + number_rows[i].offset);
}

static bool parse_number(struct options *o, size_t i, const char *text)
{
	uint64_t *number = number_of(o, i);

	if (number_rows[i].offset == offsetof(struct options, flow_bytes) ||
	    number_rows[i].offset == offsetof(struct options, tty_bytes))
		return att_parse_size(text, number) && *number > 0 && *number <= INT64_MAX / 4;
	return att_parse_u64(text, number) && *number <= MAX_NUMBER;
}

static bool has_box(const struct options *o, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = o->boxes; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return o->boxes == NULL;
}

/* As many words as there are boxes that fit one. */
static bool knows_boxes(const struct options *o)
{
	size_t n_words = 1;
	size_t n_known = 0;

	if (o->boxes == NULL)
		return true;
	for (const char *p = o->boxes; *p != '\0'; p++)
		n_words += *p == ',';
	for (size_t i = 0; i < countof(box_rows); i++)
		n_known += has_box(o, box_rows[i].name);
	return n_known == n_words;
}

static bool take_option(struct options *o, int i, const char *value)
{
	if (i == (int)N_NUMBERS)
		o->json = value;
	else if (i == (int)N_NUMBERS + 1)
		o->boxes = value;
	else
		return parse_number(o, (size_t)i, value);
	return knows_boxes(o);
}

/* Return: 0, or the exit status plus 1. */
static int parse_options(int argc, char **argv, struct options *o)
{
	struct option table[N_NUMBERS + 4] = {
		[N_NUMBERS] = { "json", required_argument, NULL, 0 },
		[N_NUMBERS + 1] = { "boxes", required_argument, NULL, 0 },
		[N_NUMBERS + 2] = { "help", no_argument, NULL, 'h' },
	};
	int i = 0;

	for (size_t n = 0; n < N_NUMBERS; n++) {
		table[n] = (struct option){ number_rows[n].name, required_argument, NULL, 0 };
		*number_of(o, n) = number_rows[n].preset;
	}
	for (;;) {
		int c = getopt_long(argc, argv, "", table, &i);

		if (c == -1)
			break;
		if (c == 'h')
			return 1 + usage(stdout);
		if (c != 0)
			return 1 + usage(stderr);
		if (!take_option(o, i, optarg)) {
			fprintf(stderr, "bench: --%s: '%s' is not possible\n", table[i].name,
			        optarg);
			return 1 + 2;
		}
	}
	return optind == argc ? 0 : 1 + usage(stderr);
}

/* ---- one box ------------------------------------------------------------------------------ */

static int measure_starts(const struct measure *m, const struct options *o)
{
	const struct measure_latency axes[] = {
		{ .axis = "back to back", .rounds = o->rounds },
		{ .axis = "with pipes", .rounds = o->pipe_rounds, .pipes = true },
		{ .axis = "with gaps",
		  .rounds = o->gap_rounds,
		  .gap_ns = (int64_t)o->gap_ms * ATT_NS_PER_MS },
	};
	int r = 0;

	for (size_t i = 0; i < countof(axes) && r == 0; i++) {
		struct measure_latency how = axes[i];

		how.command = true_command;
		how.warm_up = o->warm_up;
		fprintf(stderr, "bench: %s: %s\n", m->box_name, how.axis);
		r = measure_latency(m, &how);
	}
	return r;
}

static int measure_flows(const struct measure *m, const struct options *o)
{
	const struct measure_flow ways[] = {
		{ .axis = "job to pipe", .to_job = false },
		{ .axis = "pipe to job", .to_job = true },
	};
	int r = 0;

	for (size_t i = 0; i < countof(ways) && r == 0; i++) {
		struct measure_flow how = ways[i];

		how.bytes = (int64_t)o->flow_bytes;
		how.rounds = o->flow_rounds;
		fprintf(stderr, "bench: %s: %s\n", m->box_name, how.axis);
		r = measure_flow(m, &how);
	}
	return r;
}

static int measure_terminals(const struct measure *m, const struct options *o)
{
	const struct terminal_flow flows[] = {
		{ .axis = "terminal zeros", .what = "zeros" },
		{ .axis = "terminal lines", .what = "lines" },
	};
	const struct measure_latency start = { .axis = "terminal start",
		                               .command = true_command,
		                               .rounds = o->start_rounds,
		                               .warm_up = o->warm_up };
	int r = 0;

	fprintf(stderr, "bench: %s: terminals\n", m->box_name);
	for (size_t i = 0; i < countof(flows) && r == 0; i++) {
		struct terminal_flow how = flows[i];

		how.bytes = (int64_t)o->tty_bytes;
		how.rounds = o->tty_rounds;
		r = terminal_flow(m, &how);
	}
	if (r == 0)
		r = terminal_keys(m, o->key_rounds);
	return r == 0 ? terminal_start(m, &start) : r;
}

static int measure_box(struct measure *m, const struct box_row *row, const struct options *o)
{
	_cleanup_box_ struct box *box = NULL;
	int r = box_new(&box, row->kind, "bench");

	if (r == 0)
		r = box_start(box);
	if (r < 0) {
		fprintf(stderr, "bench: make box %s: %s\n", row->name, strerror(-r));
		return r;
	}
	m->box = box;
	m->box_name = row->name;
	r = measure_starts(m, o);
	if (r == 0 && row->flow)
		r = measure_flows(m, o);
	if (r == 0 && row->flow && o->terminal != 0)
		r = measure_terminals(m, o);
	if (r == 0 && o->strace != 0)
		r = measure_syscalls(m, true_command);
	return r;
}

static int measure_all(const struct options *o, struct report *report)
{
	_cleanup_free_ struct contender *contenders = calloc(CONTENDER_MAX, sizeof(*contenders));
	struct measure m = { .contenders = contenders, .report = report };
	int n = contenders == NULL ? -ENOMEM : contender_find(contenders);
	int r = n < 0 ? n : 0;

	m.n_contenders = n < 0 ? 0 : (size_t)n;
	for (size_t i = 0; i < countof(box_rows) && r == 0; i++)
		if (has_box(o, box_rows[i].name))
			r = measure_box(&m, &box_rows[i], o);
	report->own_peak_kib = run_own_peak_kib();
	report->gap_ns = (int64_t)o->gap_ms * ATT_NS_PER_MS;
	return r;
}

static int write_json(const struct report *report, const char *path)
{
	int r = path == NULL ? 0 : report_write_json(report, path);

	if (r < 0)
		fprintf(stderr, "bench: write '%s': %s\n", path, strerror(-r));
	return r;
}

int main(int argc, char **argv)
{
	_cleanup_report_ struct report report = REPORT_INIT;
	struct options o = { 0 };
	int r = parse_options(argc, argv, &o);

	if (r != 0)
		return r - 1;
	if (geteuid() != 0) {
		fputs("bench: not root, cannot make containers\n", stderr);
		return 1;
	}
	/* Before the boxes are made: their monitors and inits answer at the same priority. */
	if (o.nice > 0 && setpriority(PRIO_PROCESS, 0, -(int)o.nice) < 0) {
		perror("bench: setpriority");
		return 1;
	}
	/* A contender that stops reading is an error of its run, not our end. */
	signal(SIGPIPE, SIG_IGN);
	r = measure_all(&o, &report);
	if (r < 0)
		return 1;
	report_print(&report, stdout);
	return write_json(&report, o.json) < 0 || fflush(stdout) != 0 ? 1 : 0;
}
