/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text for people: columns, wrapped lists, colour; and JSON as standard output takes it. Builders
 * only append to a buffer; every text they are given is escaped here, because a container may have
 * chosen it.
 */
#ifndef ATT_CLI_RENDER_H
#define ATT_CLI_RENDER_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/opts.h"

enum att_tint {
	ATT_TINT_NONE = 1,
	ATT_TINT_TITLE,
	ATT_TINT_GOOD,
	ATT_TINT_WARN,
	ATT_TINT_BAD,
	ATT_TINT_DIM,
	_ATT_TINT_MAX,
};

/* How the output looks. */
struct att_look {
	bool color;
	bool terminal; /* a person's terminal reads it */
	size_t width;  /* columns */
};

struct att_cell {
	const char *text;
	enum att_tint tint;
};

/** att_look_at() - how to write to @fd: colour by --color, NO_COLOR and TERM; width, else 80. */
struct att_look att_look_at(int fd, const struct att_opts *o);

/** att_render_width() - columns that a text takes once escaped. */
size_t att_render_width(const char *text);

/** att_render_text() - append an escaped text in a tint. Return: 0 or -ENOMEM. */
int att_render_text(struct att_buf *out, const struct att_look *look, const char *text,
                    enum att_tint tint) _must_check_;

/**
 * att_render_table() - append aligned columns, one line a row
 * @cells:  n_rows * n_cols, row by row
 * @indent: blanks before the first column
 *
 * Return: 0 or -ENOMEM.
 */
int att_render_table(struct att_buf *out, const struct att_look *look, const struct att_cell *cells,
                     size_t n_rows, size_t n_cols, size_t indent) _must_check_;

/**
 * att_render_wrap() - append words, broken into lines no wider than the look
 * @words:  blank-separated
 * @column: where the text stands now, and where each further line starts
 *
 * Return: 0 or -ENOMEM. Ends with a newline.
 */
int att_render_wrap(struct att_buf *out, const struct att_look *look, const char *words,
                    size_t column) _must_check_;

/**
 * att_render_json_string() - a text as a JSON value; what is not UTF-8 is escaped as in messages
 * @text: NULL or empty: null
 *
 * Return: a new reference; NULL when out of memory.
 */
json_t *att_render_json_string(const char *text) _must_check_;

/**
 * att_render_json() - append a value, indented, with a newline
 *
 * On a terminal all but ASCII is escaped. Return: 0 or -ENOMEM.
 */
int att_render_json(struct att_buf *out, const struct att_look *look, const json_t *value)
	_must_check_;

/**
 * att_render_json_text() - append JSON text of the library's in that form
 * @text: NULL: the library was out of memory
 *
 * Errors: NoMemory, InternalError (it is no JSON).
 */
int att_render_json_text(struct att_buf *out, const struct att_look *look, const char *text,
                         struct att_err *err) _must_check_;

/**
 * att_render_parse() - read JSON text of the library's
 * @text: NULL: the library was out of memory
 * @ret:  owned by the caller
 *
 * Errors: NoMemory, InternalError (it is no JSON).
 */
int att_render_parse(const char *text, json_t **ret, struct att_err *err) _must_check_;

/**
 * att_render_out() - write what was built to standard output
 * @closed_fds: bit per descriptor 0…2 that the caller had closed
 *
 * Errors: IoError.
 */
int att_render_out(const struct att_buf *out, unsigned closed_fds, struct att_err *err)
	_must_check_;

#endif
