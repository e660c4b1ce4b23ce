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
#include "sys/jail.h"

/* The first three are for what has a pipe, the last two for the job's terminal. */
enum {
	STDIN,
	STDOUT,
	STDERR,
	KEYS,   /* typed, or piped, into it */
	SCREEN, /* all that is written to it */
	N_CHANNELS,
};

#define MAX_POLL (N_CHANNELS * 2 + 3)
#define MOVES    4
/* How long a reader has for what a killed job has written. */
#define DRAIN_NS ATT_NS_PER_SEC

/* What a job that ends of SIGTERM has for it, before SIGHUP, the lower number, would count first. */
#define TERM_NS (200 * ATT_NS_PER_MS)

struct loop {
	struct att_relay *relay;
	int64_t hang_up_ns; /* when to hang up the job's terminal; INT64_MAX: not yet */
	struct att_channel channel[N_CHANNELS];
	struct att_terminal terminal;
	bool job_ended;
	bool last_deadline; /* has passed: the job has been killed */
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

/* ---- the job's terminal ---- */

static bool has_terminal(const struct loop *l)
{
	return *l->relay->master_fd >= 0;
}

/* The kernel tells the job by SIGHUP; what does not heed that is given a deadline. */
static void hang_up(struct loop *l)
{
	struct att_relay *r = l->relay;
	int64_t deadline_ns = 0;

	l->hang_up_ns = INT64_MAX;
	if (!has_terminal(l) || l->job_ended)
		return;
	att_channel_end(&l->channel[KEYS]);
	att_channel_end(&l->channel[SCREEN]);
	att_terminal_close(&l->terminal);
	att_fd_close_p(r->master_fd);
	deadline_ns = r->hooks.on_hangup(r->hooks.data);
	if (deadline_ns < r->deadline_ns)
		r->deadline_ns = deadline_ns;
}

/* As the default action would: not at all where no shell is there to continue us. */
static void stop_here(void)
{
	sigset_t set;
	sigset_t before;

	att_ignore(sigemptyset(&set));
	att_ignore(sigaddset(&set, SIGTSTP));
	att_ignore(raise(SIGTSTP));
	att_ignore(sigprocmask(SIG_UNBLOCK, &set, &before));
	att_ignore(sigprocmask(SIG_SETMASK, &before, NULL));
}

/*
 * What was on the screen has gone with the shell's output: the job shall draw it again. The kernel
 * tells it only of a size that is another one.
 */
static void redraw(const struct loop *l)
{
	struct att_tty_size size;
	struct att_tty_size other;

	if (!has_terminal(l) || att_tty_get_size(*l->relay->master_fd, &size) < 0)
		return;
	other = size;
	other.cols = (uint16_t)(size.cols == 1 ? 2 : size.cols - 1);
	att_ignore(att_tty_set_size(*l->relay->master_fd, &other));
	att_ignore(att_tty_set_size(*l->relay->master_fd, &size));
}

static void suspend(struct loop *l)
{
	att_terminal_give_back(&l->terminal, false);
	stop_here();
	att_terminal_look(&l->terminal);
	redraw(l);
}

/* The job's terminal passes keys on; of signals only those that nobody types are the job's. */
static void take_signal(struct loop *l, int sig)
{
	const struct att_relay_hooks *hooks = &l->relay->hooks;

	if (!has_terminal(l)) {
		hooks->on_signal(hooks->data, sig);
		if (sig == SIGTSTP)
			stop_here();
		return;
	}
	switch (sig) {
	case SIGWINCH:
		att_terminal_resize(&l->terminal);
		break;
	case SIGTSTP:
		suspend(l);
		break;
	case SIGCONT:
		att_terminal_look(&l->terminal);
		att_terminal_resize(&l->terminal);
		break;
	case SIGTERM:
		hooks->on_signal(hooks->data, sig);
		if (l->hang_up_ns == INT64_MAX)
			l->hang_up_ns = att_clock_after_ns(TERM_NS);
		break;
	case SIGHUP:
		hooks->on_signal(hooks->data, sig);
		hang_up(l);
		break;
	default:
		hooks->on_signal(hooks->data, sig);
		break;
	}
}

static void read_signals(struct loop *l)
{
	struct signalfd_siginfo info[8];
	ssize_t n = read(l->relay->signal_fd, info, sizeof(info));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(info[0]); i++)
		take_signal(l, (int)info[i].ssi_signo);
}

static void show_help(const struct loop *l)
{
	static const char text[] =
		"\r\n"
		"  .   hang up\r\n"
		"  ^Z  suspend attache\r\n"
		"  ?   this help\r\n"
		"the escape character, at the start of a line, comes before each; "
		"twice it is itself\r\n";

	att_ignore(write(l->terminal.fd, text, sizeof(text) - 1));
}

/* What the user typed for us. The job's own line has been left unended where it ends for the user. */
static void obey(struct loop *l)
{
	unsigned actions = l->relay->escape.actions;

	l->relay->escape.actions = 0;
	if (actions & (ATT_ESCAPE_DISCONNECT | ATT_ESCAPE_DETACH))
		att_ignore(write(l->terminal.fd, "\r\n", 2));
	if (actions & ATT_ESCAPE_HELP)
		show_help(l);
	if (actions & ATT_ESCAPE_SUSPEND)
		suspend(l);
	if (actions & ATT_ESCAPE_DISCONNECT)
		hang_up(l);
	if (actions & ATT_ESCAPE_DETACH)
		l->relay->detached = true;
}

/* ---- the loop ---- */

/* A few moves at a time: what was read is mostly written at once. Return: may there be more? */
static bool move_all(struct loop *l)
{
	bool moved = true;

	for (int round = 0; round < MOVES && moved; round++) {
		moved = false;
		for (size_t i = 0; i < N_CHANNELS; i++)
			moved = att_channel_move(&l->channel[i]) || moved;
	}
	return moved;
}

static bool carry(struct loop *l)
{
	bool moved = move_all(l);

	/* A terminal that nobody looks at is one that is gone. */
	if (l->channel[KEYS].lost || !att_channel_is_open(&l->channel[SCREEN]))
		hang_up(l);
	if (l->relay->escape.actions)
		obey(l);
	return moved;
}

/* Whoever is at the other side of the caller's descriptor shall see an end when the job made one. */
static void show_ends(struct loop *l)
{
	struct att_relay *r = l->relay;

	for (size_t i = 0; i < 3; i++) {
		_cleanup_close_ int null_fd = -1;
		int other_fd = r->job_pidfd;

		if (!(r->end_mask & (1u << i)) || att_channel_is_open(&l->channel[i]))
			continue;
		r->end_mask &= ~(1u << i);
		if (r->caller_fd[i] < 0)
			continue;
		/* In the jail nothing is opened any more; what is there does as well. */
		if (!r->jail)
			other_fd = null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (other_fd >= 0)
			att_ignore(dup2(other_fd, r->caller_fd[i]));
	}
}

static bool is_finished(const struct loop *l)
{
	if (l->relay->detached)
		return true;
	if (!l->job_ended)
		return false;
	for (size_t i = 0; i < N_CHANNELS; i++)
		if (att_channel_is_open(&l->channel[i]))
			return false;
	return true;
}

/* From here on only what is in the pipes now is owed to the caller. */
static void end_job(struct loop *l)
{
	l->job_ended = true;
	l->hang_up_ns = INT64_MAX;
	for (size_t i = 0; i < N_CHANNELS; i++)
		att_channel_limit(&l->channel[i]);
	/* Killed after its last deadline: no other would end the waiting for a reader. */
	if (l->last_deadline)
		l->relay->deadline_ns = att_clock_after_ns(DRAIN_NS);
}

static void pass_deadline(struct loop *l)
{
	struct att_relay *r = l->relay;

	r->deadline_ns = r->hooks.on_deadline(r->hooks.data);
	l->last_deadline = r->deadline_ns == INT64_MAX;
	/* A job that is gone, and a reader that does not read: the deadline was for both. */
	for (size_t i = 0; l->job_ended && i < N_CHANNELS; i++)
		att_channel_end(&l->channel[i]);
}

static int64_t next_ns(const struct loop *l)
{
	return l->hang_up_ns < l->relay->deadline_ns ? l->hang_up_ns : l->relay->deadline_ns;
}

/* After a move there may be more to do at once, of which no descriptor tells. Return: 0 or -errno. */
static int wait_and_tell(struct loop *l, bool moved)
{
	struct att_relay *r = l->relay;
	struct pollfd p[MAX_POLL];
	size_t at[N_CHANNELS + 1];
	size_t n = 0;
	int ready = 0;

	for (size_t i = 0; i < N_CHANNELS; i++) {
		at[i] = n;
		n += att_channel_want(&l->channel[i], p + n);
	}
	at[N_CHANNELS] = n;
	p[n++] = (struct pollfd){ .fd = l->terminal.watch_fd, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = l->job_ended ? -1 : r->job_pidfd, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = r->signal_fd, .events = POLLIN };
	ready = poll(p, n, moved ? 0 : att_clock_poll_ms(next_ns(l)));
	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	for (size_t i = 0; i < N_CHANNELS; i++)
		for (size_t k = at[i]; k < at[i + 1]; k++)
			att_channel_told(&l->channel[i], &p[k]);
	if (p[n - 3].revents)
		att_terminal_watched(&l->terminal);
	if (p[n - 1].revents & POLLIN)
		read_signals(l);
	if (p[n - 2].revents)
		end_job(l);
	if (att_clock_poll_ms(l->hang_up_ns) == 0)
		hang_up(l);
	if (att_clock_poll_ms(r->deadline_ns) == 0)
		pass_deadline(l);
	return 0;
}

/* A terminal that is somebody else's now is neither read nor changed. */
static void heed_foreground(struct loop *l)
{
	if (l->terminal.fd < 0)
		return;
	if (!l->terminal.taken)
		att_terminal_look(&l->terminal);
	l->channel[KEYS].paused = !l->terminal.taken;
}

/* ---- beginning and end ---- */

static int first_error(const struct loop *l, struct att_err *err)
{
	static const char *const names[N_CHANNELS] = { "read stdin", "write stdout", "write stderr",
		                                       "read the terminal", "write the terminal" };

	for (size_t i = 0; i < N_CHANNELS; i++)
		if (l->channel[i].error != 0)
			return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RELAY,
			                   l->channel[i].error, "%s", names[i]);
	return 0;
}

static int callers_terminal(const struct att_relay *r)
{
	for (size_t i = 0; i < 3; i++)
		if ((r->tty_mask & (1u << i)) && att_tty_is_terminal(r->caller_fd[i]))
			return r->caller_fd[i];
	return -1;
}

/*
 * The caller's terminal is what is typed at and looked at, also when the job's stdin or stdout are
 * something else. Where the caller has none, its stdin and stdout stand in for it.
 */
static void open_terminal(struct loop *l)
{
	struct att_relay *r = l->relay;
	int master_fd = *r->master_fd;
	const struct att_terminal_hooks hooks = { r->hooks.on_terminal, r->hooks.data };
	int keys_fd = r->tty_mask & 1u ? r->caller_fd[0] : -1;
	int screen_fd = r->tty_mask & 2u ? r->caller_fd[1] : -1;

	if (master_fd < 0)
		return;
	att_terminal_open(&l->terminal, callers_terminal(r), master_fd, r->no_keys, &hooks);
	if (l->terminal.fd >= 0) {
		keys_fd = r->no_keys ? -1 : l->terminal.fd;
		screen_fd = screen_fd >= 0 ? screen_fd : l->terminal.fd;
	}
	att_channel_open_out(&l->channel[SCREEN], ATT_SIDE_MASTER, master_fd, screen_fd);
	if (!r->no_keys)
		att_channel_open_in(&l->channel[KEYS], ATT_SIDE_MASTER, master_fd, keys_fd,
		                    att_escape_is_on(&r->escape) ? &r->escape : NULL);
}

static void open_channels(struct loop *l)
{
	struct att_relay *r = l->relay;

	for (size_t i = 0; i < N_CHANNELS; i++)
		l->channel[i] = (struct att_channel)ATT_CHANNEL_INIT;
	l->terminal = (struct att_terminal)ATT_TERMINAL_INIT;
	att_channel_open_in(&l->channel[STDIN], ATT_SIDE_PIPE, r->pipe_fd[STDIN],
	                    r->caller_fd[STDIN], NULL);
	for (size_t i = STDOUT; i <= STDERR; i++)
		att_channel_open_out(&l->channel[i], ATT_SIDE_PIPE, r->pipe_fd[i], r->caller_fd[i]);
	memset(r->pipe_fd, -1, 3 * sizeof(*r->pipe_fd));
	open_terminal(l);
}

static void count_bytes(const struct loop *l, uint64_t ret[3])
{
	uint32_t mask = l->relay->tty_mask;

	for (size_t i = 0; i < 3; i++)
		ret[i] = l->channel[i].bytes;
	ret[STDIN] += l->channel[KEYS].bytes;
	ret[mask & 2u ? STDOUT : STDERR] += l->channel[SCREEN].bytes;
}

static void close_all(struct loop *l)
{
	for (size_t i = 0; i < N_CHANNELS; i++)
		att_channel_end(&l->channel[i]);
	att_terminal_close(&l->terminal);
	if (!l->relay->detached)
		att_fd_close_p(l->relay->master_fd);
}

int att_relay_run(struct att_relay *relay, uint64_t ret_bytes[3], struct att_err *err)
{
	struct loop l = { .relay = relay, .hang_up_ns = INT64_MAX };
	struct pipe_guard guard;
	int confined = 0;
	int r = 0;

	guard_pipes(&guard);
	open_channels(&l);
	confined = relay->jail ? att_jail_enter(err) : 0;
	while (confined == 0 && !is_finished(&l) && r == 0) {
		bool moved = false;

		heed_foreground(&l);
		/* Signals and the job's end are looked at between any few moves. */
		moved = carry(&l);
		show_ends(&l);
		if (!is_finished(&l))
			r = wait_and_tell(&l, moved);
	}
	count_bytes(&l, ret_bytes);
	close_all(&l);
	unguard_pipes(&guard);
	if (confined < 0)
		return confined;
	if (r < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RELAY, -r, "poll");
	return first_error(&l, err);
}
