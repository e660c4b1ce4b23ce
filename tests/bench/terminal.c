/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench/terminal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "bench/run.h"
#include "bench/series.h"
#include "bench/stats.h"

#define CHUNK         65536
#define TAIL          512                   /* what a failure is explained with */
#define DEADLINE_NS   (10 * ATT_NS_PER_SEC) /* of each wait */
#define KEYS_PER_LINE 256                   /* a terminal holds no longer lines than 4095 */
#define END_OF_FILE   "\004"

/* A contender on a terminal of its own. */
struct session {
	int master_fd;
	struct run run;
	int64_t total;   /* bytes that it wrote */
	int64_t took_ns; /* from the first of them to the last */
	char tail[TAIL]; /* end of what it wrote, as a text: '.' for bytes of zero */
	size_t n_tail;
};

#define SESSION_INIT \
	{ \
		.master_fd = -1, .run = RUN_INIT \
	}
#define _cleanup_session_ _cleanup_(session_done)

/* ---- sessions ------------------------------------------------------------------------------- */

/* Before the terminal goes: its end would be a signal to the contender. */
static void session_done(struct session *s)
{
	run_done(&s->run);
	s->master_fd = att_fd_close(s->master_fd);
}

static int session_open(struct session *s, char *tty, size_t cap)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };

	s->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (s->master_fd < 0 || unlockpt(s->master_fd) < 0 ||
	    ioctl(s->master_fd, TIOCSWINSZ, &size) < 0)
		return -errno;
	return -ptsname_r(s->master_fd, tty, cap);
}

static int session_start(const struct measure *m, const struct contender *c,
                         const char *const *command, struct session *ret)
{
	struct contender_line line;
	char tty[64];
	int r = contender_line(c, m->box, command, &line);

	if (r == 0)
		r = session_open(ret, tty, sizeof(tty));
	return r < 0 ? r : run_start_tty(line.argv, tty, &ret->run);
}

static void add_tail(struct session *s, const char *bytes, size_t n)
{
	size_t room = sizeof(s->tail) - 1;
	size_t take = n < room ? n : room;
	size_t keep = s->n_tail < room - take ? s->n_tail : room - take;

	memmove(s->tail, s->tail + s->n_tail - keep, keep);
	memcpy(s->tail + keep, bytes + n - take, take);
	s->n_tail = keep + take;
	s->tail[s->n_tail] = '\0';
	for (size_t i = keep; i < s->n_tail; i++)
		if (s->tail[i] == '\0')
			s->tail[i] = '.';
}

static int await(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n = 0;

	do {
		n = poll(&p, 1, att_clock_poll_ms(att_clock_after_ns(DEADLINE_NS)));
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

/* Waits for what there is next. Return: number of bytes; 0 at the end; -errno. */
static ssize_t read_some(int fd, char *bytes, size_t cap)
{
	for (;;) {
		ssize_t n = read(fd, bytes, cap);

		if (n >= 0)
			return n;
		/* Nobody has the other end any more. */
		if (errno == EIO)
			return 0;
		if (errno != EAGAIN)
			return -errno;

		int r = await(fd, POLLIN);

		if (r < 0)
			return r;
	}
}

/* Everything up to the end. */
static int drain(struct session *s)
{
	_cleanup_free_ char *chunk = malloc(CHUNK);
	int64_t first_ns = 0;

	if (chunk == NULL)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read_some(s->master_fd, chunk, CHUNK);

		if (n <= 0)
			return (int)n;

		int64_t now_ns = att_clock_now_ns();

		if (first_ns == 0)
			first_ns = now_ns;
		s->total += n;
		s->took_ns = now_ns - first_ns;
		add_tail(s, chunk, (size_t)n);
	}
}

/* Return: 0; an exit status; -errno. */
static int drain_to_end(struct session *s, struct run_cost *cost)
{
	int r = drain(s);

	return r < 0 ? r : run_wait(&s->run, cost);
}

/* What it said is shown without what a terminal would take for commands. */
static void give_up(const struct measure *m, size_t i, const char *what, int r,
                    const struct session *s, struct series *series)
{
	att_ignore(measure_complain(m, &m->contenders[i], what, r));
	for (size_t k = 0; k < s->n_tail; k++) {
		unsigned char c = (unsigned char)s->tail[k];

		if (c != '\r')
			fputc(isprint(c) != 0 || c == '\n' ? c : '?', stderr);
	}
	series->failed = true;
}

/* ---- flow ----------------------------------------------------------------------------------- */

static int flow_once(const struct measure *m, const struct contender *c,
                     const struct terminal_flow *how, struct session *s, struct run_cost *cost)
{
	char bytes[32];
	const char *const command[] = { "/probe", "flood", how->what, bytes, NULL };
	int r = 0;

	snprintf(bytes, sizeof(bytes), "%lld", (long long)how->bytes);
	r = session_start(m, c, command, s);
	if (r == 0)
		r = drain_to_end(s, cost);
	if (r != 0)
		return r;
	if (!stats_flood_cost(s->tail, s->total, how->bytes, strcmp(how->what, "lines") == 0,
	                      &cost->job_ns)) {
		fprintf(stderr, "bench: %lld bytes came, %lld were written\n", (long long)s->total,
		        (long long)how->bytes);
		return -EBADMSG;
	}
	cost->wall_ns = s->took_ns;
	return 0;
}

static void flow_round(const struct measure *m, const struct terminal_flow *how,
                       struct all_series *all)
{
	for (size_t i = 0; i < m->n_contenders; i++) {
		_cleanup_session_ struct session s = SESSION_INIT;
		struct run_cost cost = { 0 };
		int r = 0;

		if ((m->contenders[i].measures & CONTENDER_TTY) == 0 || all->v[i].failed)
			continue;
		r = flow_once(m, &m->contenders[i], how, &s, &cost);
		if (r == 0)
			series_add(&all->v[i], &cost);
		else
			give_up(m, i, "carry bytes through a terminal", r, &s, &all->v[i]);
	}
}

int terminal_flow(const struct measure *m, const struct terminal_flow *how)
{
	const struct report_figure common = { .kind = REPORT_TTY_FLOW,
		                              .axis = how->axis,
		                              .bytes = how->bytes };
	_cleanup_series_ struct all_series all = ALL_SERIES_INIT;
	int r = series_init(&all, how->rounds);

	if (how->rounds == 0)
		return 0;
	for (size_t i = 0; i < how->rounds && r == 0; i++)
		flow_round(m, how, &all);
	return r < 0 ? r : series_report(m, &all, &common);
}

/* ---- keys ----------------------------------------------------------------------------------- */

static int write_key(const struct session *s, const char *key)
{
	return write(s->master_fd, key, 1) == 1 ? 0 : -EIO;
}

/* Reads until so many newlines have come. */
static int read_lines(struct session *s, size_t n_lines)
{
	char bytes[4096];

	while (n_lines > 0) {
		ssize_t n = read_some(s->master_fd, bytes, sizeof(bytes));

		if (n <= 0)
			return n < 0 ? (int)n : -ENODATA;
		add_tail(s, bytes, (size_t)n);
		for (ssize_t i = 0; i < n && n_lines > 0; i++)
			n_lines -= bytes[i] == '\n';
	}
	return 0;
}

static int keys_begin(const struct measure *m, const struct contender *c, struct session *s)
{
	const char *const command[] = { "/probe", "keys", NULL };
	struct run_cost cost = { 0 };
	int r = session_start(m, c, command, s);

	if (r == 0)
		r = read_lines(s, 1);
	if (r < 0 || strstr(s->tail, "ready") != NULL)
		return r;
	/* That was why it cannot. */
	r = drain_to_end(s, &cost);
	return r == 0 ? -EBADMSG : r;
}

static int keys_end(struct session *s)
{
	struct run_cost cost = { 0 };
	int r = write_key(s, END_OF_FILE);

	return r < 0 ? r : drain_to_end(s, &cost);
}

/* The line is echoed, and comes once more from the command. */
static int end_line(struct session *s)
{
	int r = write_key(s, "\n");

	return r < 0 ? r : read_lines(s, 2);
}

static int type_key(struct session *s, int64_t *ret_ns)
{
	char echo[16];
	int64_t from_ns = att_clock_now_ns();
	int r = write_key(s, "k");

	if (r == 0)
		r = await(s->master_fd, POLLIN);
	if (r < 0)
		return r;

	ssize_t n = read(s->master_fd, echo, sizeof(echo));

	*ret_ns = att_clock_now_ns() - from_ns;
	return n == 1 && echo[0] == 'k' ? 0 : -EBADMSG;
}

static void keys_round(const struct measure *m, struct session *sessions, bool ends_line,
                       struct all_series *all)
{
	for (size_t i = 0; i < m->n_contenders; i++) {
		struct session *s = &sessions[i];
		struct run_cost cost = { 0 };
		int r = 0;

		if (s->master_fd < 0 || all->v[i].failed)
			continue;
		r = type_key(s, &cost.wall_ns);
		if (r == 0)
			series_add(&all->v[i], &cost);
		if (r == 0 && ends_line)
			r = end_line(s);
		if (r != 0)
			give_up(m, i, "echo a key", r, s, &all->v[i]);
	}
}

static void keys_begin_all(const struct measure *m, struct session *sessions,
                           struct all_series *all)
{
	for (size_t i = 0; i < m->n_contenders; i++) {
		int r = 0;

		if ((m->contenders[i].measures & CONTENDER_TTY) == 0)
			continue;
		r = keys_begin(m, &m->contenders[i], &sessions[i]);
		if (r != 0)
			give_up(m, i, "start on a terminal", r, &sessions[i], &all->v[i]);
	}
}

static void keys_end_all(const struct measure *m, struct session *sessions, struct all_series *all)
{
	for (size_t i = 0; i < m->n_contenders; i++) {
		int r = 0;

		if (sessions[i].master_fd >= 0 && !all->v[i].failed)
			r = keys_end(&sessions[i]);
		if (r != 0)
			give_up(m, i, "end behind its input", r, &sessions[i], &all->v[i]);
	}
}

static void measure_keys(const struct measure *m, size_t rounds, struct all_series *all)
{
	struct session sessions[CONTENDER_MAX];

	for (size_t i = 0; i < CONTENDER_MAX; i++)
		sessions[i] = (struct session)SESSION_INIT;
	keys_begin_all(m, sessions, all);
	for (size_t i = 0; i < rounds; i++)
		keys_round(m, sessions, i % KEYS_PER_LINE == KEYS_PER_LINE - 1 || i + 1 == rounds,
		           all);
	keys_end_all(m, sessions, all);
	for (size_t i = 0; i < CONTENDER_MAX; i++)
		session_done(&sessions[i]);
}

int terminal_keys(const struct measure *m, size_t rounds)
{
	const struct report_figure common = { .kind = REPORT_KEYS, .axis = "keystroke" };
	_cleanup_series_ struct all_series all = ALL_SERIES_INIT;
	int r = series_init(&all, rounds);

	if (rounds == 0)
		return 0;
	if (r == 0)
		measure_keys(m, rounds, &all);
	return r < 0 ? r : series_report(m, &all, &common);
}

/* ---- start ---------------------------------------------------------------------------------- */

static void start_round(const struct measure *m, const struct measure_latency *how, bool counts,
                        struct all_series *all)
{
	for (size_t i = 0; i < m->n_contenders; i++) {
		_cleanup_session_ struct session s = SESSION_INIT;
		struct run_cost cost = { 0 };
		int r = 0;

		if ((m->contenders[i].measures & CONTENDER_SESSION) == 0 || all->v[i].failed)
			continue;
		r = session_start(m, &m->contenders[i], how->command, &s);
		if (r == 0)
			r = drain_to_end(&s, &cost);
		if (r != 0)
			give_up(m, i, "start on a terminal", r, &s, &all->v[i]);
		else if (counts)
			series_add(&all->v[i], &cost);
	}
}

int terminal_start(const struct measure *m, const struct measure_latency *how)
{
	const struct report_figure common = { .kind = REPORT_LATENCY, .axis = how->axis };
	_cleanup_series_ struct all_series all = ALL_SERIES_INIT;
	int r = series_init(&all, how->rounds);

	if (how->rounds == 0)
		return 0;
	for (size_t i = 0; i < how->warm_up + how->rounds && r == 0; i++)
		start_round(m, how, i >= how->warm_up, &all);
	return r < 0 ? r : series_report(m, &all, &common);
}
