/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/escape.h"

#include <string.h>

#define CTRL(c) ((c)&0x1f)

bool att_escape_is_on(const struct att_escape_machine *m)
{
	return m->escape_char >= 0 || m->n_keys > 0;
}

enum {
	REPORT_ESC = 1, /* ESC */
	REPORT_BODY,    /* "[", then parameters */
};

/* "ESC [ 24 ; 80 R" and its like. Return: is this byte a part of one, or could it be? */
static bool is_report(struct att_escape_machine *m, unsigned char c)
{
	if (m->report == 0) {
		m->report = m->at_start && c == 0x1b ? REPORT_ESC : 0;
		return m->report != 0;
	}
	if (m->report == REPORT_ESC) {
		m->report = c == '[' ? REPORT_BODY : 0;
		return m->report != 0;
	}
	if ((c >= '0' && c <= '9') || c == ';' || c == '?' || c == '>' || c == '$')
		return true;
	m->report = 0;
	/* Cursor, device attributes, status, window, mode: no key ends like these. */
	return c == 'R' || c == 'c' || c == 'n' || c == 't' || c == 'y';
}

/* One byte that is no part of a detach sequence. Return: bytes at @out, 0 to 2. */
static size_t step_escape(struct att_escape_machine *m, unsigned char c, unsigned char *out)
{
	static const struct {
		unsigned char key;
		unsigned action;
	} commands[] = {
		{ '.', ATT_ESCAPE_DISCONNECT },
		{ '?', ATT_ESCAPE_HELP },
		{ CTRL('Z'), ATT_ESCAPE_SUSPEND },
	};
	size_t n = 0;

	if (m->escaped) {
		m->escaped = false;
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
			if (commands[i].key != c)
				continue;
			/* The line goes on where it was: at its start. */
			m->actions |= commands[i].action;
			return 0;
		}
		/* Twice is once; before anything else it was only itself. */
		if (c != m->escape_char)
			out[n++] = (unsigned char)m->escape_char;
	} else if (m->report == 0 && m->at_start && c == m->escape_char) {
		m->escaped = true;
		return 0;
	}
	if (!is_report(m, c))
		m->at_start = c == '\r' || c == '\n';
	out[n++] = c;
	return n;
}

/*
 * After a mismatch, how many of the keys that were held can still begin the sequence: the longest
 * proper end of them that is a beginning of it.
 */
static size_t keep_matched(const struct att_escape_machine *m)
{
	for (size_t k = m->matched - 1; k > 0; k--)
		if (memcmp(m->keys, m->keys + m->matched - k, k) == 0)
			return k;
	return 0;
}

/* Return: bytes at @out. */
static size_t step(struct att_escape_machine *m, unsigned char c, unsigned char *out)
{
	size_t n = 0;

	while (m->matched > 0 && c != m->keys[m->matched]) {
		size_t kept = keep_matched(m);

		for (size_t i = 0; i < m->matched - kept; i++)
			n += step_escape(m, m->keys[i], out + n);
		m->matched = kept;
	}
	if (m->n_keys == 0 || c != m->keys[m->matched])
		return n + step_escape(m, c, out + n);
	if (++m->matched == m->n_keys) {
		m->matched = 0;
		m->actions |= ATT_ESCAPE_DETACH;
	}
	return n;
}

size_t att_escape_feed(struct att_escape_machine *m, const unsigned char *in, size_t len,
                       unsigned char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		n += step(m, in[i], out + n);
		if (m->actions & (ATT_ESCAPE_DISCONNECT | ATT_ESCAPE_DETACH))
			break;
	}
	return n;
}
