/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One direction of a relay: from a source to a sink, by splice(2) where both sides can, else
 * through a buffer. Exactly one side is ours and does not block: a pipe, or the master side of a
 * terminal. The other is the caller's and may.
 */
#ifndef ATT_IO_CHANNEL_H
#define ATT_IO_CHANNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/escape.h"

#define ATT_CHANNEL_CHUNK (1u << 20) /* most bytes moved at once */
#define ATT_CHANNEL_BUF   65536
/*
 * What a terminal can still hold of a job that has ended. The kernel's own buffers are far smaller
 * (drivers/tty/pty.c: 8 KiB, n_tty.c: 4 KiB); what comes beyond was written by somebody else.
 */
#define ATT_CHANNEL_TTY_TAIL (256u << 10)

enum att_sink {
	ATT_SINK_SPLICE = 1, /* a pipe, or a file not opened for appending */
	ATT_SINK_WRITE,      /* a file, a device, a terminal */
	ATT_SINK_SEND,       /* a socket */
	ATT_SINK_NONE,       /* nobody: bytes are read and dropped */
};

/* What our side is. */
enum att_side {
	ATT_SIDE_PIPE = 1, /* the channel closes it at its end */
	ATT_SIDE_MASTER,   /* of a terminal: belongs to both directions, and so to neither */
};

struct att_channel {
	int src_fd;      /* -1: ended */
	int dst_fd;      /* -1 with ATT_SINK_NONE */
	int reopened_fd; /* a non-blocking description of our own for the caller's terminal, or -1 */
	int side;        /* enum att_side */
	bool outbound;   /* our side is the source */
	bool src_ready, dst_ready;
	bool dst_tells; /* a write does not block: it is tried, and polled for only when refused */
	bool paused;    /* the source is not to be read now */
	bool limited;   /* deliver @left bytes more, then end */
	bool closing;   /* the source has ended; what is buffered goes out, then it ends */
	uint64_t left;
	int sink; /* enum att_sink */
	bool can_splice;
	bool grown;         /* our pipe was enlarged */
	bool src_is_tty;    /* the caller's terminal, typed into ours: its end is a hang-up */
	bool dst_is_tty;    /* the caller's terminal, which may block: written in small pieces */
	bool in_line;       /* what was written last does not end a line */
	bool lost;          /* out: the caller's terminal has hung up */
	unsigned char *buf; /* lazily; ATT_CHANNEL_BUF bytes and room for what the machine held */
	size_t buf_at, buf_len;
	uint64_t bytes;
	int error; /* errno that ended it, 0 for an end of stream or a closed sink */
	struct att_escape_machine *escape; /* NULL: bytes go through as they are; borrowed */
};

#define ATT_CHANNEL_INIT \
	{ \
		.src_fd = -1, .dst_fd = -1, .reopened_fd = -1 \
	}

/**
 * att_channel_open_out() - from our side to the caller's
 * @our_fd:    -1: there is nothing to carry
 * @caller_fd: -1: drop what comes; borrowed
 */
void att_channel_open_out(struct att_channel *c, enum att_side side, int our_fd, int caller_fd);

/**
 * att_channel_open_in() - from the caller's side to ours
 * @caller_fd: -1: at its end from the start; borrowed
 * @escape:    looks at what is typed, or NULL
 */
void att_channel_open_in(struct att_channel *c, enum att_side side, int our_fd, int caller_fd,
                         struct att_escape_machine *escape);

/** att_channel_is_open() - is there more to carry? */
bool att_channel_is_open(const struct att_channel *c);

/**
 * att_channel_want() - what to poll for
 * @ret: out: at most two entries
 *
 * Return: how many; 0 when it can move at once, is paused or has ended.
 */
size_t att_channel_want(const struct att_channel *c, struct pollfd ret[2]);

/** att_channel_told() - an answer of poll for one of its descriptors. */
void att_channel_told(struct att_channel *c, const struct pollfd *p);

/**
 * att_channel_move() - carry what can be carried without waiting
 *
 * At the end it sets c->error, and closes our side if that is a pipe. A caller's end of file is
 * typed to a terminal as its end-of-file character. Return: true when it moved something or ended.
 */
bool att_channel_move(struct att_channel *c);

/** att_channel_limit() - the job has ended: deliver what it left to be read, then end. */
void att_channel_limit(struct att_channel *c);

/** att_channel_end() - end now, forget what is undelivered; idempotent. */
void att_channel_end(struct att_channel *c);

#endif
