/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One direction of a relay: from a source to a sink, by splice(2) where both sides can, else
 * through a buffer. Exactly one side is a pipe of our own, which does not block; the other is the
 * caller's and may.
 */
#ifndef ATT_IO_CHANNEL_H
#define ATT_IO_CHANNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATT_CHANNEL_CHUNK (1u << 20) /* most bytes moved at once */
#define ATT_CHANNEL_BUF   65536

enum att_sink {
	ATT_SINK_SPLICE = 1, /* a pipe, or a file not opened for appending */
	ATT_SINK_WRITE,      /* a file, a device */
	ATT_SINK_SEND,       /* a socket */
	ATT_SINK_NONE,       /* nobody: bytes are read and dropped */
};

struct att_channel {
	int src_fd;      /* -1: ended */
	int dst_fd;      /* -1 with ATT_SINK_NONE */
	int reopened_fd; /* a non-blocking description of our own for the caller's terminal, or -1 */
	bool src_owned;  /* which side is ours to close at the end */
	bool src_ready, dst_ready;
	bool limited; /* deliver @left bytes more, then end */
	uint64_t left;
	int sink; /* enum att_sink */
	bool can_splice;
	bool grown; /* our pipe was enlarged */
	char *buf;  /* lazily; ATT_CHANNEL_BUF bytes */
	size_t buf_at, buf_len;
	uint64_t bytes;
	int error; /* errno that ended it, 0 for an end of stream or a closed sink */
};

#define ATT_CHANNEL_INIT \
	{ \
		.src_fd = -1, .dst_fd = -1, .reopened_fd = -1 \
	}

/**
 * att_channel_open() - set up one direction
 * @src_fd, @dst_fd: @dst_fd may be -1: drop what comes
 * @src_owned:       the source is our pipe (output), else the sink is (input)
 */
void att_channel_open(struct att_channel *c, int src_fd, int dst_fd, bool src_owned);

/** att_channel_is_open() - is there more to carry? */
bool att_channel_is_open(const struct att_channel *c);

/**
 * att_channel_want() - what to poll for
 * @ret: out: at most two entries
 *
 * Return: how many; 0 when it can move at once or has ended.
 */
size_t att_channel_want(const struct att_channel *c, struct pollfd ret[2]);

/** att_channel_told() - an answer of poll for one of its descriptors. */
void att_channel_told(struct att_channel *c, const struct pollfd *p);

/**
 * att_channel_move() - carry what can be carried without waiting
 *
 * Closes our side and sets c->error when it ends. Return: true when it moved something or ended.
 */
bool att_channel_move(struct att_channel *c);

/** att_channel_limit() - the job has ended: deliver what is in the pipe now, then end. */
void att_channel_limit(struct att_channel *c);

/** att_channel_end() - close our side, forget what is undelivered; idempotent. */
void att_channel_end(struct att_channel *c);

#endif
