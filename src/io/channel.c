/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

#define GROW_AFTER_BYTES (256u << 10)
#define PIPE_BYTES       (1 << 20)
/* A write to a terminal that cannot be made non-blocking: little enough to fit what poll promised. */
#define SMALL_WRITE 256

/* A new open file description, so that O_NONBLOCK does not reach those who share the caller's. */
static int reopen_nonblocking(int fd)
{
	char path[32];

	att_ignore(snprintf(path, sizeof(path), "/proc/self/fd/%d", fd));
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

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
	if (S_ISCHR(st.st_mode))
		c->reopened_fd = reopen_nonblocking(fd);
	return ATT_SINK_WRITE;
}

void att_channel_open(struct att_channel *c, int src_fd, int dst_fd, bool src_owned)
{
	*c = (struct att_channel)ATT_CHANNEL_INIT;
	c->src_fd = src_fd;
	c->dst_fd = dst_fd;
	c->src_owned = src_owned;
	/* Our own pipe takes what is written at once or says EAGAIN. */
	c->sink = src_owned ? sink_kind(dst_fd, c) : ATT_SINK_SPLICE;
	c->can_splice = c->sink == ATT_SINK_SPLICE;
	c->dst_ready = c->sink == ATT_SINK_NONE;
	if (src_fd < 0)
		att_channel_end(c);
}

bool att_channel_is_open(const struct att_channel *c)
{
	return c->src_fd >= 0;
}

void att_channel_end(struct att_channel *c)
{
	if (c->src_owned)
		c->src_fd = att_fd_close(c->src_fd);
	else
		c->dst_fd = att_fd_close(c->dst_fd);
	c->reopened_fd = att_fd_close(c->reopened_fd);
	c->src_fd = -1;
	c->dst_fd = -1;
	free(c->buf);
	c->buf = NULL;
	c->buf_len = 0;
}

static bool has_buffered(const struct att_channel *c)
{
	return c->buf_at < c->buf_len;
}

size_t att_channel_want(const struct att_channel *c, struct pollfd ret[2])
{
	size_t n = 0;

	if (!att_channel_is_open(c))
		return 0;
	/* The sink first: what it does not take is left where it is. */
	if (!c->dst_ready)
		ret[n++] = (struct pollfd){ .fd = c->dst_fd, .events = POLLOUT };
	else if (!c->src_ready && !has_buffered(c) && !c->limited)
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

static bool end_with(struct att_channel *c, int error)
{
	c->error = error == EPIPE || error == ECONNRESET ? 0 : error;
	att_channel_end(c);
	return true;
}

static void count(struct att_channel *c, size_t n)
{
	c->bytes += n;
	if (c->limited)
		c->left -= n < c->left ? n : c->left;
	if (c->grown || c->bytes < GROW_AFTER_BYTES)
		return;
	/* Worth it only for who moves much; where it is refused, the pipe stays as it is. */
	c->grown = true;
	att_ignore(fcntl(c->src_owned ? c->src_fd : c->dst_fd, F_SETPIPE_SZ, PIPE_BYTES));
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

static ssize_t write_some(const struct att_channel *c, const char *from, size_t len)
{
	if (c->sink == ATT_SINK_SEND)
		return send(c->dst_fd, from, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (c->reopened_fd >= 0)
		return write(c->reopened_fd, from, len);
	if (c->sink == ATT_SINK_WRITE && isatty(c->dst_fd) && len > SMALL_WRITE)
		len = SMALL_WRITE;
	return write(c->dst_fd, from, len);
}

static bool empty_buffer(struct att_channel *c)
{
	ssize_t n = 0;

	if (c->sink == ATT_SINK_NONE) {
		count(c, c->buf_len - c->buf_at);
		c->buf_at = c->buf_len = 0;
		return true;
	}
	n = write_some(c, c->buf + c->buf_at, c->buf_len - c->buf_at);
	if (n < 0 && errno == EINTR)
		return true;
	c->dst_ready = false;
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n < 0)
		return end_with(c, errno);
	c->buf_at += (size_t)n;
	count(c, (size_t)n);
	return true;
}

static bool fill_buffer(struct att_channel *c)
{
	size_t most = c->limited && c->left < ATT_CHANNEL_BUF ? (size_t)c->left : ATT_CHANNEL_BUF;
	ssize_t n = 0;

	if (!c->buf)
		c->buf = malloc(ATT_CHANNEL_BUF);
	if (!c->buf)
		return end_with(c, ENOMEM);
	n = read(c->src_fd, c->buf, most);
	if (n < 0 && errno == EINTR)
		return true;
	c->src_ready = false;
	if (n < 0 && errno == EAGAIN)
		return c->limited ? end_with(c, 0) : false;
	/* EIO is how a terminal says that its other side is gone. */
	if (n < 0)
		return end_with(c, errno == EIO ? 0 : errno);
	if (n == 0)
		return end_with(c, 0);
	c->buf_at = 0;
	c->buf_len = (size_t)n;
	return true;
}

bool att_channel_move(struct att_channel *c)
{
	if (!att_channel_is_open(c))
		return false;
	if (c->limited && c->left == 0)
		return end_with(c, 0);
	if (has_buffered(c))
		return c->dst_ready && empty_buffer(c);
	if (!c->dst_ready || !(c->src_ready || c->limited))
		return false;
	return c->can_splice ? move_by_splice(c) : fill_buffer(c);
}

void att_channel_limit(struct att_channel *c)
{
	int pending = 0;

	if (!att_channel_is_open(c))
		return;
	if (!c->src_owned) {
		att_channel_end(c);
		return;
	}
	if (ioctl(c->src_fd, FIONREAD, &pending) < 0 || pending < 0)
		pending = 0;
	c->limited = true;
	c->left = (uint64_t)pending + (c->buf_len - c->buf_at);
}
