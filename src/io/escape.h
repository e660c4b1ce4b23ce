/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a person types to the relay instead of to the job: a key sequence that detaches, and an
 * escape character at the start of a line, as in ssh. A pure machine that goes byte by byte; what
 * may become a command is held back until it is known to be one or not, and then passed on. What a
 * terminal answers by itself, when a shell asks it for the cursor's place at each prompt, is not
 * typed: the line is still at its start after it.
 */
#ifndef ATT_IO_ESCAPE_H
#define ATT_IO_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/keys.h"

/* Most bytes that one att_escape_feed() can pass on beyond what it was given. */
#define ATT_ESCAPE_HELD_MAX (ATT_KEYS_MAX + 1)

/* att_escape_machine.actions */
#define ATT_ESCAPE_DISCONNECT 0x1u
#define ATT_ESCAPE_DETACH     0x2u
#define ATT_ESCAPE_SUSPEND    0x4u
#define ATT_ESCAPE_HELP       0x8u

struct att_escape_machine {
	int escape_char; /* -1: none */
	unsigned char keys[ATT_KEYS_MAX];
	size_t n_keys; /* 0: no sequence detaches */
	size_t matched;
	bool at_start;    /* of a line */
	bool escaped;     /* the escape character was the last */
	int report;       /* how far a terminal's answer has come; 0: there is none */
	unsigned actions; /* out: ATT_ESCAPE_*, to be cleared by whoever acts on them */
};

#define ATT_ESCAPE_MACHINE_INIT \
	{ \
		.escape_char = -1, .at_start = true \
	}

/** att_escape_is_on() - is there anything to look for? */
bool att_escape_is_on(const struct att_escape_machine *m);

/**
 * att_escape_feed() - pass typed bytes through
 * @in, @len: what was typed
 * @out:      what is the job's; len + ATT_ESCAPE_HELD_MAX bytes; may start as many bytes before @in
 *
 * After DISCONNECT or DETACH the rest of @in is dropped. Return: bytes at @out.
 */
size_t att_escape_feed(struct att_escape_machine *m, const unsigned char *in, size_t len,
                       unsigned char *out);

#endif
