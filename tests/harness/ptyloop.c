/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/ptyloop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/ptyshell.h"

#define MAX_STUTTER_NS (3 * ATT_NS_PER_MS)

static uint64_t next_random(struct ptydrv *d)
{
	d->stutter ^= d->stutter << 13;
	d->stutter ^= d->stutter >> 7;
	d->stutter ^= d->stutter << 17;
	return d->stutter;
}

/* How much to read now; a stop comes behind it. */
static size_t next_portion(struct ptydrv *d, size_t most)
{
	if (d->stutter == 0)
		return most;
	d->resume_ns = att_clock_after_ns((int64_t)(next_random(d) % (uint64_t)MAX_STUTTER_NS));
	return 1 + (size_t)(next_random(d) % most);
}

static void end_stream(struct ptydrv *d, enum ptydrv_stream which)
{
	struct ptyloop_stream *s = &d->streams[which];

	s->ended = true;
	if (which != PTYDRV_SCREEN)
		s->fd = att_fd_close(s->fd);
}

static int read_stream(struct ptydrv *d, enum ptydrv_stream which)
{
	struct ptyloop_stream *s = &d->streams[which];
	char bytes[4096];
	size_t most = which == PTYDRV_SCREEN ? next_portion(d, sizeof(bytes)) : sizeof(bytes);
	ssize_t n = read(s->fd, bytes, most);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* The end of a terminal is EIO, of a pipe 0. */
	if (n <= 0)
		end_stream(d, which);
	return n <= 0 ? 0 : att_buf_append(&s->text, bytes, (size_t)n);
}

/* Return: 0, or -errno of a descriptor that will never take more. */
static int write_pending(int fd, struct ptyloop_pending *p)
{
	ssize_t n = write(fd, p->bytes, p->n);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	p->bytes += n;
	p->n -= (size_t)n;
	return 0;
}

static void note_end(struct ptydrv *d, int status)
{
	d->ended = true;
	d->status = status;
	d->ended_ns = att_clock_now_ns();
	d->tty_fd = att_fd_close(d->tty_fd);
}

static int take_message(struct ptydrv *d, const struct ptyshell_msg *msg)
{
	switch (msg->kind) {
	case PTYSHELL_STARTED:
		d->started = true;
		d->pid = msg->value;
		return msg->value < 0 ? msg->value : 0;
	case PTYSHELL_REPLY:
		d->replied = true;
		d->reply = msg->value;
		return 0;
	case PTYSHELL_STOPPED:
		d->n_stops++;
		d->stop_signal = msg->value;
		return 0;
	case PTYSHELL_CONTINUED:
		d->n_continues++;
		return 0;
	case PTYSHELL_ENDED:
		note_end(d, msg->value);
		return 0;
	default:
		return -EBADMSG;
	}
}

int ptyloop_read_message(struct ptydrv *d)
{
	struct ptyshell_msg msg;
	ssize_t n = recv(d->sock_fd, &msg, sizeof(msg), 0);

	if (n < 0 && errno == EINTR)
		return 0;
	return n == (ssize_t)sizeof(msg) ? take_message(d, &msg) : -ECONNRESET;
}

static bool reads_screen(const struct ptydrv *d)
{
	return !d->streams[PTYDRV_SCREEN].ended && !d->paused &&
	       (d->stutter == 0 || att_clock_now_ns() >= d->resume_ns);
}

static int handle_screen(struct ptydrv *d, short events)
{
	int r = 0;

	if (d->typed.n > 0 && (events & (POLLOUT | POLLERR)) != 0)
		r = write_pending(d->streams[PTYDRV_SCREEN].fd, &d->typed);
	if (r == 0 && (events & (POLLIN | POLLHUP)) != 0 && reads_screen(d))
		r = read_stream(d, PTYDRV_SCREEN);
	return r;
}

static int handle_events(struct ptydrv *d, const struct pollfd p[static 5])
{
	int r = handle_screen(d, p[0].revents);

	if (p[1].revents != 0 && r == 0)
		r = read_stream(d, PTYDRV_STDOUT);
	if (p[2].revents != 0 && r == 0)
		r = read_stream(d, PTYDRV_STDERR);
	if (p[3].revents != 0 && r == 0)
		r = write_pending(d->in_fd, &d->fed);
	if (p[4].revents != 0 && r == 0)
		r = ptyloop_read_message(d);
	return r;
}

/* A hangup is reported to those who asked for nothing as well, so those do not ask at all. */
static struct pollfd watch_screen(const struct ptydrv *d)
{
	short events = (short)((reads_screen(d) ? POLLIN : 0) | (d->typed.n > 0 ? POLLOUT : 0));

	return (struct pollfd){ .fd = events == 0 ? -1 : d->streams[PTYDRV_SCREEN].fd,
		                .events = events };
}

/* A stop of the stutter ends a turn too. */
static int64_t turn_deadline(const struct ptydrv *d, int64_t deadline_ns)
{
	bool stops = d->stutter != 0 && !d->paused && !d->streams[PTYDRV_SCREEN].ended;

	return stops && d->resume_ns < deadline_ns ? d->resume_ns : deadline_ns;
}

/* Waits for an event until @deadline_ns. Return: 0, -ETIMEDOUT, or another -errno. */
static int turn(struct ptydrv *d, int64_t deadline_ns)
{
	struct pollfd p[5] = {
		watch_screen(d),
		{ .fd = d->streams[PTYDRV_STDOUT].fd, .events = POLLIN },
		{ .fd = d->streams[PTYDRV_STDERR].fd, .events = POLLIN },
		{ .fd = d->fed.n > 0 ? d->in_fd : -1, .events = POLLOUT },
		{ .fd = d->ended ? -1 : d->sock_fd, .events = POLLIN },
	};
	bool reads = (p[0].events & POLLIN) != 0;
	int64_t until_ns = reads ? deadline_ns : turn_deadline(d, deadline_ns);
	int n = poll(p, countof(p), att_clock_poll_ms(until_ns));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return att_clock_now_ns() >= deadline_ns ? -ETIMEDOUT : 0;
	return handle_events(d, p);
}

/* Writing to a pipe that nobody reads must not end the test; put back so that tests of it can. */
int ptyloop_turn(struct ptydrv *d, int64_t deadline_ns)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;

	sigaction(SIGPIPE, &ignore, &before);

	int r = turn(d, deadline_ns);

	sigaction(SIGPIPE, &before, NULL);
	return r;
}
