/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "io/channel.h"

#define MAX_POLL (3 * 2 + 2)

struct loop {
	struct att_relay *relay;
	struct att_channel channel[3];
	bool job_ended;
};

/* ---- SIGPIPE: a closed side is an answer, not a reason to die ---- */

struct pipe_guard {
	sigset_t before;
	bool was_pending;
};

static void guard_pipes(struct pipe_guard *g)
{
	sigset_t set;

	att_ignore(sigpending(&set));
	g->was_pending = sigismember(&set, SIGPIPE) == 1;
	att_ignore(sigemptyset(&set));
	att_ignore(sigaddset(&set, SIGPIPE));
	att_ignore(sigprocmask(SIG_BLOCK, &set, &g->before));
}

static void unguard_pipes(const struct pipe_guard *g)
{
	static const struct timespec now;
	sigset_t set;

	att_ignore(sigemptyset(&set));
	att_ignore(sigaddset(&set, SIGPIPE));
	if (!g->was_pending)
		while (sigtimedwait(&set, NULL, &now) < 0 && errno == EINTR)
			;
	att_ignore(sigprocmask(SIG_SETMASK, &g->before, NULL));
}

/* ---- the loop ---- */

static void read_signals(const struct att_relay *r)
{
	struct signalfd_siginfo info[8];
	ssize_t n = read(r->signal_fd, info, sizeof(info));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
		r->hooks.on_signal(r->hooks.data, (int)info[i].ssi_signo);
}

static bool carry(struct loop *l)
{
	bool moved = false;

	for (size_t i = 0; i < 3; i++)
		moved = att_channel_move(&l->channel[i]) || moved;
	return moved;
}

/* Whoever is at the other side of the caller's descriptor shall see an end when the job made one. */
static void show_ends(struct loop *l)
{
	struct att_relay *r = l->relay;

	for (size_t i = 0; i < 3; i++) {
		_cleanup_close_ int null_fd = -1;

		if (!(r->end_mask & (1u << i)) || att_channel_is_open(&l->channel[i]))
			continue;
		r->end_mask &= ~(1u << i);
		null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null_fd >= 0 && r->caller_fd[i] >= 0)
			att_ignore(dup2(null_fd, r->caller_fd[i]));
	}
}

static bool is_finished(const struct loop *l)
{
	if (!l->job_ended)
		return false;
	for (size_t i = 0; i < 3; i++)
		if (att_channel_is_open(&l->channel[i]))
			return false;
	return true;
}

/* From here on only what is in the pipes now is owed to the caller. */
static void end_job(struct loop *l)
{
	l->job_ended = true;
	for (size_t i = 0; i < 3; i++)
		att_channel_limit(&l->channel[i]);
}

static void pass_deadline(struct loop *l)
{
	struct att_relay *r = l->relay;

	r->deadline_ns = r->hooks.on_deadline(r->hooks.data);
	/* A job that is gone, and a reader that does not read: the deadline was for both. */
	for (size_t i = 0; l->job_ended && i < 3; i++)
		att_channel_end(&l->channel[i]);
}

/* After a move there may be more to do at once, of which no descriptor tells. Return: 0 or -errno. */
static int wait_and_tell(struct loop *l, bool moved)
{
	struct att_relay *r = l->relay;
	struct pollfd p[MAX_POLL];
	size_t at[4];
	size_t n = 0;
	int ready = 0;

	for (size_t i = 0; i < 3; i++) {
		at[i] = n;
		n += att_channel_want(&l->channel[i], p + n);
	}
	at[3] = n;
	p[n++] = (struct pollfd){ .fd = l->job_ended ? -1 : r->job_pidfd, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = r->signal_fd, .events = POLLIN };
	ready = poll(p, n, moved ? 0 : att_clock_poll_ms(r->deadline_ns));
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	for (size_t i = 0; i < 3; i++)
		for (size_t k = at[i]; k < at[i + 1]; k++)
			att_channel_told(&l->channel[i], &p[k]);
	if (p[n - 1].revents & POLLIN)
		read_signals(r);
	if (p[n - 2].revents)
		end_job(l);
	if (att_clock_poll_ms(r->deadline_ns) == 0)
		pass_deadline(l);
	return 0;
}

static int first_error(const struct loop *l, struct att_err *err)
{
	static const char *const names[] = { "read stdin", "write stdout", "write stderr" };

	for (size_t i = 0; i < 3; i++)
		if (l->channel[i].error != 0)
			return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RELAY,
			                   l->channel[i].error, "%s", names[i]);
	return 0;
}

int att_relay_run(struct att_relay *relay, uint64_t ret_bytes[3], struct att_err *err)
{
	struct loop l = { .relay = relay };
	struct pipe_guard guard;
	int r = 0;

	att_channel_open(&l.channel[0], relay->pipe_fd[0] < 0 ? -1 : relay->caller_fd[0],
	                 relay->pipe_fd[0], false);
	for (size_t i = 1; i < 3; i++)
		att_channel_open(&l.channel[i], relay->pipe_fd[i], relay->caller_fd[i], true);
	memset(relay->pipe_fd, -1, 3 * sizeof(*relay->pipe_fd));
	guard_pipes(&guard);
	while (!is_finished(&l) && r == 0) {
		/* Signals and the job's end are looked at between any two moves. */
		bool moved = carry(&l);

		show_ends(&l);
		if (!is_finished(&l))
			r = wait_and_tell(&l, moved);
	}
	for (size_t i = 0; i < 3; i++) {
		ret_bytes[i] = l.channel[i].bytes;
		att_channel_end(&l.channel[i]);
	}
	unguard_pipes(&guard);
	if (r < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RELAY, -r, "poll");
	return first_error(&l, err);
}
