/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench/run.h"
#include "bench/series.h"
#include "harness/cmd.h"

#define CHUNK       65536 /* what a pipe holds */
#define DEADLINE_NS (60 * ATT_NS_PER_SEC)

int measure_complain(const struct measure *m, const struct contender *c, const char *what, int r)
{
	fprintf(stderr, "bench: %s in box %s: %s", c->name, m->box_name, what);
	if (r < 0)
		fprintf(stderr, ": %s", strerror(-r));
	else if (r > 0)
		fprintf(stderr, ": exit status %d", r);
	fputc('\n', stderr);
	return r < 0 ? r : -EIO;
}

/* ---- single runs -------------------------------------------------------------------------- */

/* These runs have nowhere to complain to, so what failed is run once more, with ears. */
static int explain(const struct measure *m, const struct contender *c, const char *what,
                   const char *const *argv, int r)
{
	const struct cmd cmd = { .argv = argv, .env = run_env };
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;

	r = measure_complain(m, c, what, r);
	if (cmd_run(&cmd, &result) == 0)
		fprintf(stderr, "bench: run once more: exit status %d\n%s", result.code,
		        result.err);
	return r;
}

static int open_null(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int run_to_end(const char *const *argv, const int fds[3], struct run_cost *cost)
{
	_cleanup_run_ struct run run = RUN_INIT;
	int r = run_start(argv, fds, &run);

	return r < 0 ? r : run_wait(&run, cost);
}

/* The pipes are made before the clock runs; the command writes nothing that had to be read. */
static int run_on_pipes(const char *const *argv, int null_fd, struct run_cost *cost)
{
	int out[2] = { -1, -1 };
	int err[2] = { -1, -1 };
	int r = 0;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		r = -errno;
	if (r == 0)
		r = run_to_end(argv, (const int[3]){ null_fd, out[1], err[1] }, cost);
	for (size_t i = 0; i < 2; i++) {
		att_ignore(att_fd_close(out[i]));
		att_ignore(att_fd_close(err[i]));
	}
	return r;
}

/* ---- latency ------------------------------------------------------------------------------ */

static void rest(int64_t gap_ns)
{
	struct timespec t = { .tv_sec = gap_ns / ATT_NS_PER_SEC,
		              .tv_nsec = gap_ns % ATT_NS_PER_SEC };

	if (gap_ns > 0)
		att_ignore(nanosleep(&t, NULL));
}

static int time_start(const struct measure *m, const struct contender *c,
                      const struct measure_latency *how, int null_fd, struct run_cost *cost)
{
	struct contender_line line;
	int r = contender_line(c, m->box, how->command, &line);

	if (r < 0)
		return measure_complain(m, c, "make its command line", r);
	rest(how->gap_ns);
	if (how->pipes)
		r = run_on_pipes(line.argv, null_fd, cost);
	else
		r = run_to_end(line.argv, (const int[3]){ null_fd, null_fd, null_fd }, cost);
	return r == 0 ? 0 : explain(m, c, "a timed run failed", line.argv, r);
}

static int latency_round(const struct measure *m, const struct measure_latency *how, int null_fd,
                         bool counts, struct all_series *all)
{
	int r = 0;

	for (size_t i = 0; i < m->n_contenders && r == 0; i++) {
		struct run_cost cost = { 0 };

		if ((m->contenders[i].measures & CONTENDER_LATENCY) == 0)
			continue;
		r = time_start(m, &m->contenders[i], how, null_fd, &cost);
		if (r == 0 && counts)
			series_add(&all->v[i], &cost);
	}
	return r;
}

int measure_latency(const struct measure *m, const struct measure_latency *how)
{
	const struct report_figure common = { .kind = REPORT_LATENCY, .axis = how->axis };
	_cleanup_series_ struct all_series all = ALL_SERIES_INIT;
	_cleanup_close_ int null_fd = open_null();
	int r = null_fd < 0 ? -errno : series_init(&all, how->rounds);

	if (how->rounds == 0)
		return 0;
	for (size_t i = 0; i < how->warm_up + how->rounds && r == 0; i++)
		r = latency_round(m, how, null_fd, i >= how->warm_up, &all);
	return r < 0 ? r : series_report(m, &all, &common);
}

/* ---- flow --------------------------------------------------------------------------------- */

/* A job and our end of its pipe. */
struct flow {
	int ours;
	int theirs;
	int null_fd;
	int said_fd; /* what it says on stderr */
};

#define FLOW_INIT \
	{ \
		-1, -1, -1, -1 \
	}

static void flow_done(struct flow *f)
{
	f->ours = att_fd_close(f->ours);
	f->theirs = att_fd_close(f->theirs);
	f->null_fd = att_fd_close(f->null_fd);
	f->said_fd = att_fd_close(f->said_fd);
}

static int flow_open(struct flow *f, bool to_job)
{
	int fds[2] = { -1, -1 };

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	f->ours = fds[to_job ? 1 : 0];
	f->theirs = fds[to_job ? 0 : 1];
	f->null_fd = open_null();
	f->said_fd = memfd_create("bench-stderr", MFD_CLOEXEC);
	if (f->null_fd < 0 || f->said_fd < 0)
		return -errno;
	/* Ours alone: a contender that stops moving must not stop us. */
	return fcntl(f->ours, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static int wait_ready(int fd, bool to_job)
{
	struct pollfd p = { .fd = fd, .events = to_job ? POLLOUT : POLLIN };
	int n = poll(&p, 1, att_clock_poll_ms(att_clock_after_ns(DEADLINE_NS)));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

/* Return: bytes that went, which is fewer than @bytes when the other side ended early; -errno. */
static int64_t pump(int fd, bool to_job, int64_t bytes)
{
	_cleanup_free_ char *chunk = calloc(1, CHUNK);
	int64_t done = 0;

	if (chunk == NULL)
		return -ENOMEM;
	for (;;) {
		size_t want = !to_job || bytes - done > CHUNK ? CHUNK : (size_t)(bytes - done);
		ssize_t n = to_job ? write(fd, chunk, want) : read(fd, chunk, want);

		if (n < 0 && errno == EAGAIN) {
			int r = wait_ready(fd, to_job);

			if (r < 0)
				return r;
			continue;
		}
		if (n < 0 && errno != EPIPE)
			return -errno;
		done += n > 0 ? n : 0;
		if (n <= 0 || (to_job && done == bytes))
			return done;
	}
}

/* What the contender and the job wrote to stderr. */
static void read_said(const struct flow *f, char *buf, size_t cap)
{
	ssize_t n = pread(f->said_fd, buf, cap - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
}

static int check_flow(const struct measure *m, const struct contender *c, const struct flow *f,
                      int64_t went, int64_t bytes, int status)
{
	char said[4096];
	int64_t seen = -1;

	read_said(f, said, sizeof(said));
	if (status == 0 && went == bytes && stats_dd_records(said, &seen) && seen == bytes / CHUNK)
		return 0;
	fprintf(stderr, "bench: %lld of %lld bytes went, the job saw %lld records\n%s",
	        (long long)went, (long long)bytes, (long long)seen, said);
	return measure_complain(m, c, "carry bytes", went < 0 ? (int)went : status);
}

static int carry(const struct measure *m, const struct contender *c, const struct measure_flow *how,
                 const char *const *argv, struct run_cost *cost)
{
	_cleanup_(flow_done) struct flow f = FLOW_INIT;
	_cleanup_run_ struct run run = RUN_INIT;
	int r = flow_open(&f, how->to_job);

	if (r == 0) {
		const int fds[3] = { how->to_job ? f.theirs : f.null_fd,
			             how->to_job ? f.null_fd : f.theirs, f.said_fd };

		r = run_start(argv, fds, &run);
	}
	if (r < 0)
		return measure_complain(m, c, "start", r);
	f.theirs = att_fd_close(f.theirs);

	int64_t went = pump(f.ours, how->to_job, how->bytes);

	f.ours = att_fd_close(f.ours);
	r = went < 0 ? (int)went : run_wait(&run, cost);
	return check_flow(m, c, &f, went, how->bytes, r);
}

static int flow_once(const struct measure *m, const struct contender *c,
                     const struct measure_flow *how, struct run_cost *cost)
{
	char count[32];
	const char *const from_job[] = { "/bin/busybox", "dd",  "if=/dev/zero",
		                         "bs=65536",     count, NULL };
	const char *const to_job[] = { "/bin/busybox", "dd",       "iflag=fullblock",
		                       "of=/dev/null", "bs=65536", NULL };
	struct contender_line line;
	int r = 0;

	snprintf(count, sizeof(count), "count=%lld", (long long)(how->bytes / CHUNK));
	r = contender_line(c, m->box, how->to_job ? to_job : from_job, &line);
	return r < 0 ? measure_complain(m, c, "make its command line", r)
	             : carry(m, c, how, line.argv, cost);
}

static int flow_round(const struct measure *m, const struct measure_flow *how,
                      struct all_series *all)
{
	int r = 0;

	for (size_t i = 0; i < m->n_contenders && r == 0; i++) {
		struct run_cost cost = { 0 };

		if ((m->contenders[i].measures & CONTENDER_FLOW) == 0)
			continue;
		r = flow_once(m, &m->contenders[i], how, &cost);
		if (r == 0)
			series_add(&all->v[i], &cost);
	}
	return r;
}

int measure_flow(const struct measure *m, const struct measure_flow *how)
{
	/* dd counts in whole chunks. */
	struct measure_flow even = *how;
	_cleanup_series_ struct all_series all = ALL_SERIES_INIT;
	int r = series_init(&all, how->rounds);

	if (how->rounds == 0)
		return 0;
	even.bytes = (how->bytes + CHUNK - 1) / CHUNK * CHUNK;
	for (size_t i = 0; i < how->rounds && r == 0; i++)
		r = flow_round(m, &even, &all);
	if (r < 0)
		return r;

	const struct report_figure common = { .kind = REPORT_FLOW,
		                              .axis = how->axis,
		                              .bytes = even.bytes };

	return series_report(m, &all, &common);
}

/* ---- system calls ------------------------------------------------------------------------- */

static int read_total(int fd, int64_t *ret)
{
	char text[6144];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return stats_strace_total(text, ret) ? 0 : -ENODATA;
}

/* Return: 0 and *ret set; 1 when there is no strace; -errno. */
static int count_calls(const struct measure *m, const struct contender *c,
                       const struct contender_line *line, int64_t *ret)
{
	char path[64];
	const char *argv[CONTENDER_MAX_WORDS + 10] = { "strace", "-f",         "-qq", "-c",
		                                       "-U",     "calls,name", "-o",  path };
	_cleanup_close_ int null_fd = open_null();
	_cleanup_close_ int fd = memfd_create("bench-strace", MFD_CLOEXEC);
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	const struct cmd cmd = {
		.argv = argv, .env = run_env, .stdout_fd = null_fd, .stderr_fd = null_fd
	};

	if (null_fd < 0 || fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	for (size_t i = 0; line->argv[i] != NULL; i++)
		argv[8 + i] = line->argv[i];

	int r = cmd_run(&cmd, &result);

	if (r == -ENOENT)
		return 1;
	if (r < 0 || result.code != 0)
		return explain(m, c, "a run under strace failed", argv, r < 0 ? r : result.code);
	r = read_total(fd, ret);
	return r < 0 ? measure_complain(m, c, "read the count of strace", r) : 0;
}

static int report_calls(const struct measure *m, const struct contender *c, int64_t calls)
{
	const struct report_figure f = {
		.kind = REPORT_SYSCALLS,
		.axis = "system calls",
		.box = m->box_name,
		.contender = c->name,
		.value = stats_of(&calls, 1),
	};

	return report_add(m->report, &f);
}

int measure_syscalls(const struct measure *m, const char *const *command)
{
	int r = 0;

	for (size_t i = 0; i < m->n_contenders && r == 0; i++) {
		const struct contender *c = &m->contenders[i];
		struct contender_line line;
		int64_t calls = 0;

		if ((c->measures & CONTENDER_LATENCY) == 0)
			continue;
		r = contender_line(c, m->box, command, &line);
		if (r == 0)
			r = count_calls(m, c, &line, &calls);
		if (r == 0)
			r = report_calls(m, c, calls);
	}
	if (r == 1)
		fputs("bench: no strace here, system calls are not counted\n", stderr);
	return r < 0 ? r : 0;
}
