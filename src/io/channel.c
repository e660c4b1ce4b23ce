/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/tty.h"

#define GROW_AFTER_BYTES (256u << 10)
#define PIPE_BYTES       (1 << 20)
/* A write to a terminal that cannot be made non-blocking: little enough to fit what poll promised. */
#define SMALL_WRITE 256
/* Of the 4096 bytes that the kernel's line discipline holds for a reader. */
#define TTY_FULL 2048
#define BUF_ROOM (ATT_ESCAPE_HELD_MAX + ATT_CHANNEL_BUF)

/* ---- ending ---- */

bool att_channel_is_open(const struct att_channel *c)
{
	return c->src_fd >= 0 || c->closing;
}

void att_channel_end(struct att_channel *c)
{
	if (c->side == ATT_SIDE_PIPE && c->outbound)
		c->src_fd = att_fd_close(c->src_fd);
	else if (c->side == ATT_SIDE_PIPE)
		c->dst_fd = att_fd_close(c->dst_fd);
	c->reopened_fd = att_fd_close(c->reopened_fd);
	c->src_fd = -1;
	c->dst_fd = -1;
	c->closing = false;
	free(c->buf);
	c->buf = NULL;
	c->buf_at = c->buf_len = 0;
}

static bool end_with(struct att_channel *c, int error)
{
	c->error = error == EPIPE || error == ECONNRESET ? 0 : error;
	att_channel_end(c);
	return true;
}

/* The caller's terminal has hung up. */
static bool lose_terminal(struct att_channel *c)
{
	c->lost = true;
	return end_with(c, 0);
}

static bool make_buffer(struct att_channel *c)
{
	if (!c->buf)
		c->buf = malloc(BUF_ROOM);
	return c->buf != NULL;
}

static bool has_buffered(const struct att_channel *c)
{
	return c->buf_at < c->buf_len;
}

static bool ends_line(unsigned char byte)
{
	return byte == '\n' || byte == '\r';
}

/*
 * The caller's stream has ended. A terminal has no end of file but the character that means it, and
 * in the middle of a line that one only sends the line: then it takes two.
 */
static bool source_ended(struct att_channel *c)
{
	bool in_line = has_buffered(c) ? !ends_line(c->buf[c->buf_len - 1]) : c->in_line;
	int eof = -1;

	if (c->outbound || c->side != ATT_SIDE_MASTER)
		return end_with(c, 0);
	eof = make_buffer(c) ? att_tty_eof_char(c->dst_fd) : -1;
	for (int i = 0; eof >= 0 && i < (in_line ? 2 : 1); i++)
		c->buf[c->buf_len++] = (unsigned char)eof;
	c->src_fd = -1;
	c->closing = true;
	return true;
}

/* ---- opening ---- */

static int sink_kind(int fd, struct att_channel *c)
{
	struct stat st;

	if (fd < 0)
		return ATT_SINK_NONE;
	if (fstat(fd, &st) < 0)
		return ATT_SINK_WRITE;
	if (S_ISSOCK(st.st_mode))
		return ATT_SINK_SEND;
	if (S_ISFIFO(st.st_mode))
		return ATT_SINK_SPLICE;
	/* The kernel does not splice to the end of a file. */
	if (S_ISREG(st.st_mode))
		return fcntl(fd, F_GETFL) & O_APPEND ? ATT_SINK_WRITE : ATT_SINK_SPLICE;
	if (S_ISCHR(st.st_mode) && isatty(fd)) {
		c->reopened_fd = att_tty_is_terminal(fd) ? att_tty_reopen(fd, O_WRONLY) : -1;
		c->dst_is_tty = c->reopened_fd < 0;
	}
	return ATT_SINK_WRITE;
}

void att_channel_open_out(struct att_channel *c, enum att_side side, int our_fd, int caller_fd)
{
	*c = (struct att_channel)ATT_CHANNEL_INIT;
	c->side = (int)side;
	c->outbound = true;
	c->src_fd = our_fd;
	c->dst_fd = caller_fd;
	if (our_fd < 0)
		return;
	c->sink = sink_kind(caller_fd, c);
	c->can_splice = c->sink == ATT_SINK_SPLICE && side == ATT_SIDE_PIPE;
	c->dst_tells = c->reopened_fd >= 0 || c->sink == ATT_SINK_SEND;
	c->dst_ready = c->dst_tells || c->sink == ATT_SINK_NONE;
}

void att_channel_open_in(struct att_channel *c, enum att_side side, int our_fd, int caller_fd,
                         struct att_escape_machine *escape)
{
	*c = (struct att_channel)ATT_CHANNEL_INIT;
	c->side = (int)side;
	c->src_fd = caller_fd;
	c->dst_fd = our_fd;
	c->escape = escape;
	/* Our own pipe takes what is written at once or says EAGAIN. */
	c->sink = side == ATT_SIDE_PIPE ? ATT_SINK_SPLICE : ATT_SINK_WRITE;
	c->can_splice = side == ATT_SIDE_PIPE && !escape;
	c->dst_tells = c->dst_ready = side == ATT_SIDE_MASTER;
	if (our_fd < 0)
		att_channel_end(c);
	else if (caller_fd < 0)
		att_ignore(source_ended(c));
	c->src_is_tty = c->src_fd >= 0 && att_tty_is_terminal(c->src_fd);
}

/* ---- polling ---- */

/* A command must be seen even while the job reads nothing; else the sink decides what is read. */
static bool may_read(const struct att_channel *c)
{
	if (c->src_fd < 0 || c->closing || c->paused)
		return false;
	return c->escape ? c->buf_len < ATT_CHANNEL_BUF : c->dst_ready && !has_buffered(c);
}

static bool has_work_for_sink(const struct att_channel *c)
{
	return c->escape ? has_buffered(c) || c->closing : !c->paused || has_buffered(c);
}

size_t att_channel_want(const struct att_channel *c, struct pollfd ret[2])
{
	size_t n = 0;

	if (!att_channel_is_open(c))
		return 0;
	/* The sink first: what it does not take is left where it is. */
	if (!c->dst_ready && has_work_for_sink(c))
		ret[n++] = (struct pollfd){ .fd = c->dst_fd, .events = POLLOUT };
	if (!c->src_ready && !c->limited && may_read(c))
		ret[n++] = (struct pollfd){ .fd = c->src_fd, .events = POLLIN };
	return n;
}

void att_channel_told(struct att_channel *c, const struct pollfd *p)
{
	if (p->revents == 0)
		return;
	/* Errors and hang-ups are for the next read or write to find out. */
	if (p->fd == c->src_fd && (p->events & POLLIN))
		c->src_ready = true;
	if (p->fd == c->dst_fd && (p->events & POLLOUT))
		c->dst_ready = true;
}

/* ---- moving ---- */

static void count(struct att_channel *c, size_t n)
{
	c->bytes += n;
	if (c->limited)
		c->left -= n < c->left ? n : c->left;
	if (c->grown || c->bytes < GROW_AFTER_BYTES || c->side != ATT_SIDE_PIPE)
		return;
	/* Worth it only for who moves much; where it is refused, the pipe stays as it is. */
	c->grown = true;
	att_ignore(fcntl(c->outbound ? c->src_fd : c->dst_fd, F_SETPIPE_SZ, PIPE_BYTES));
}

/* Somebody inside may have taken back what was owed: a pipe can be opened again and read. */
static bool is_drained(const struct att_channel *c)
{
	int pending = 0;

	return c->limited && ioctl(c->src_fd, FIONREAD, &pending) == 0 && pending == 0;
}

static bool move_by_splice(struct att_channel *c)
{
	size_t most =
		c->limited && c->left < ATT_CHANNEL_CHUNK ? (size_t)c->left : ATT_CHANNEL_CHUNK;
	ssize_t n =
		splice(c->src_fd, NULL, c->dst_fd, NULL, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n > 0) {
		c->src_ready = c->dst_ready = false;
		count(c, (size_t)n);
		return true;
	}
	if (n == 0)
		return end_with(c, 0);
	if (errno == EINVAL) {
		c->can_splice = false;
		return true;
	}
	if (errno != EAGAIN && errno != EINTR)
		return end_with(c, errno);
	if (is_drained(c))
		return end_with(c, 0);
	/* Either side can be the reason: ask again, for the sink first. */
	c->src_ready = c->dst_ready = false;
	return false;
}

static ssize_t write_some(const struct att_channel *c, const unsigned char *from, size_t len)
{
	if (c->sink == ATT_SINK_SEND)
		return send(c->dst_fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (c->reopened_fd >= 0)
		return write(c->reopened_fd, from, len);
	if (c->dst_is_tty && len > SMALL_WRITE)
		len = SMALL_WRITE;
	return write(c->dst_fd, from, len);
}

static bool empty_buffer(struct att_channel *c)
{
	const unsigned char *from = c->buf + c->buf_at;
	ssize_t n = 0;

	if (c->sink == ATT_SINK_NONE) {
		count(c, c->buf_len - c->buf_at);
		c->buf_at = c->buf_len = 0;
		return true;
	}
	n = write_some(c, from, c->buf_len - c->buf_at);
	if (n < 0 && errno == EINTR)
		return true;
	c->dst_ready = n > 0 && c->dst_tells;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0 && errno == EIO && (c->reopened_fd >= 0 || c->dst_is_tty))
		return lose_terminal(c);
	if (n < 0)
		return end_with(c, errno);
	if (n > 0)
		c->in_line = !ends_line(from[n - 1]);
	c->buf_at += (size_t)n;
	if (c->buf_at == c->buf_len)
		c->buf_at = c->buf_len = 0;
	count(c, (size_t)n);
	return true;
}

/*
 * A terminal gives one of its small buffers at a time: as many as there are, then one write. One that
 * was not nearly full was the last.
 */
static ssize_t read_source(const struct att_channel *c, unsigned char *to, size_t most)
{
	size_t used = 0;
	ssize_t n = 0;

	do {
		n = read(c->src_fd, to + used, most - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n >= TTY_FULL && c->outbound && c->side == ATT_SIDE_MASTER && used < most);
	return used > 0 ? (ssize_t)used : n;
}

static bool fill_buffer(struct att_channel *c)
{
	size_t room = ATT_CHANNEL_BUF - c->buf_len;
	size_t most = c->limited && c->left < room ? (size_t)c->left : room;
	unsigned char *to = NULL;
	ssize_t n = 0;

	if (!make_buffer(c))
		return end_with(c, ENOMEM);
	to = c->buf + c->buf_len;
	n = read_source(c, c->escape ? to + ATT_ESCAPE_HELD_MAX : to, most);
	if (n < 0 && errno == EINTR)
		return true;
	c->src_ready = false;
	if (n < 0 && errno == EAGAIN)
		return c->limited ? end_with(c, 0) : false;
	if (n <= 0 && c->src_is_tty)
		return lose_terminal(c);
	/* EIO is how our terminal says that nobody has its other side any more. */
	if (n < 0 && errno != EIO)
		return end_with(c, errno);
	if (n <= 0)
		return source_ended(c);
	if (c->escape)
		n = (ssize_t)att_escape_feed(c->escape, to + ATT_ESCAPE_HELD_MAX, (size_t)n, to);
	c->buf_len += (size_t)n;
	return true;
}

bool att_channel_move(struct att_channel *c)
{
	if (!att_channel_is_open(c))
		return false;
	if (c->limited && c->left == 0)
		return end_with(c, 0);
	if (c->escape && c->src_ready && may_read(c) && fill_buffer(c))
		return true;
	if (has_buffered(c))
		return c->dst_ready && empty_buffer(c);
	if (c->closing)
		return end_with(c, 0);
	if (c->escape || !may_read(c) || !(c->src_ready || c->limited))
		return false;
	return c->can_splice ? move_by_splice(c) : fill_buffer(c);
}

void att_channel_limit(struct att_channel *c)
{
	int pending = 0;

	if (!att_channel_is_open(c))
		return;
	if (!c->outbound) {
		att_channel_end(c);
		return;
	}
	c->limited = true;
	if (c->side == ATT_SIDE_MASTER) {
		c->left = ATT_CHANNEL_TTY_TAIL;
		return;
	}
	if (ioctl(c->src_fd, FIONREAD, &pending) < 0 || pending < 0)
		pending = 0;
	c->left = (uint64_t)pending + (c->buf_len - c->buf_at);
}
