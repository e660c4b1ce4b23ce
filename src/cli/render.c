/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/render.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/say.h"

#define WIDTH_DEFAULT 80
#define WIDTH_LEAST   40
#define ESCAPED_MAX   4 /* bytes that one byte takes when it is shown as \xHH */

static const char *const tints[_ATT_TINT_MAX] = {
	[ATT_TINT_TITLE] = "\033[1m", [ATT_TINT_GOOD] = "\033[32m", [ATT_TINT_WARN] = "\033[33m",
	[ATT_TINT_BAD] = "\033[31m",  [ATT_TINT_DIM] = "\033[2m",
};

static bool auto_color(bool terminal)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && no_color[0] != '\0')
		return false;
	return terminal && term && strcmp(term, "dumb") != 0;
}

struct att_look att_look_at(int fd, const struct att_opts *o)
{
	struct att_look look = { .terminal = isatty(fd) == 1, .width = WIDTH_DEFAULT };
	struct winsize size;

	if (look.terminal && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		look.width = size.ws_col < WIDTH_LEAST ? WIDTH_LEAST : size.ws_col;
	look.color = o->color == ATT_COLOR_ALWAYS ||
	             (o->color == ATT_COLOR_AUTO && auto_color(look.terminal));
	return look;
}

/* The text as it will be shown, in its own buffer. */
static int escape(struct att_buf *safe, const char *text)
{
	size_t len = strlen(text);
	size_t cap = ESCAPED_MAX * len + 16;
	int r = att_buf_reserve(safe, cap);

	if (r < 0)
		return r;
	att_escape(safe->data, cap, text, len);
	safe->len = strlen(safe->data);
	return 0;
}

/* One column for each UTF-8 sequence. */
static size_t columns(const char *shown)
{
	size_t n = 0;

	for (const char *p = shown; *p; p++)
		n += ((unsigned char)*p & 0xc0) != 0x80;
	return n;
}

size_t att_render_width(const char *text)
{
	_cleanup_buf_ struct att_buf safe = ATT_BUF_INIT;

	return escape(&safe, text) == 0 ? columns(safe.data) : strlen(text);
}

static int pad(struct att_buf *out, size_t n)
{
	return n > 0 ? att_buf_printf(out, "%*s", (int)n, "") : 0;
}

int att_render_text(struct att_buf *out, const struct att_look *look, const char *text,
                    enum att_tint tint)
{
	_cleanup_buf_ struct att_buf safe = ATT_BUF_INIT;
	int r = escape(&safe, text);

	if (r < 0)
		return r;
	if (!look->color || !tints[tint])
		return att_buf_append(out, safe.data, safe.len);
	return att_buf_printf(out, "%s%s\033[0m", tints[tint], safe.data);
}

static size_t column_width(const struct att_cell *cells, size_t n_rows, size_t n_cols, size_t col)
{
	size_t widest = 0;

	for (size_t row = 0; row < n_rows; row++) {
		size_t width = att_render_width(cells[row * n_cols + col].text);

		if (width > widest)
			widest = width;
	}
	return widest;
}

static int add_cell(struct att_buf *out, const struct att_look *look, const struct att_cell *cell,
                    size_t width)
{
	int r = att_render_text(out, look, cell->text, cell->tint);
	size_t used = att_render_width(cell->text);

	if (r < 0)
		return r;
	return width > used ? pad(out, width - used) : 0;
}

static int add_row(struct att_buf *out, const struct att_look *look, const struct att_cell *row,
                   const size_t *widths, size_t n_cols)
{
	for (size_t col = 0; col < n_cols; col++) {
		bool last = col + 1 == n_cols;
		int r = add_cell(out, look, &row[col], last ? 0 : widths[col] + 2);

		if (r < 0)
			return r;
	}
	return att_buf_append(out, "\n", 1);
}

int att_render_table(struct att_buf *out, const struct att_look *look, const struct att_cell *cells,
                     size_t n_rows, size_t n_cols, size_t indent)
{
	_cleanup_free_ size_t *widths = calloc(n_cols, sizeof(*widths));

	if (!widths)
		return -ENOMEM;
	for (size_t col = 0; col < n_cols; col++)
		widths[col] = column_width(cells, n_rows, n_cols, col);
	for (size_t row = 0; row < n_rows; row++) {
		int r = pad(out, indent);

		if (r == 0)
			r = add_row(out, look, cells + row * n_cols, widths, n_cols);
		if (r < 0)
			return r;
	}
	return 0;
}

int att_render_wrap(struct att_buf *out, const struct att_look *look, const char *words,
                    size_t column)
{
	_cleanup_buf_ struct att_buf safe = ATT_BUF_INIT;
	size_t at = column;
	int r = escape(&safe, words);

	if (r < 0)
		return r;
	for (const char *p = safe.data + strspn(safe.data, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (at > column && at + 1 + len > look->width) {
			r = att_buf_printf(out, "\n%*s", (int)column, "");
			at = column;
		} else if (at > column) {
			r = att_buf_append(out, " ", 1);
			at++;
		}
		if (r == 0)
			r = att_buf_append(out, p, len);
		if (r < 0)
			return r;
		at += len;
		p += len;
	}
	return att_buf_append(out, "\n", 1);
}

json_t *att_render_json_string(const char *text)
{
	_cleanup_buf_ struct att_buf safe = ATT_BUF_INIT;
	json_t *value = NULL;

	if (!text || text[0] == '\0')
		return json_null();
	value = json_string(text);
	if (value)
		return value;
	return escape(&safe, text) == 0 ? json_string(safe.data) : NULL;
}

int att_render_json(struct att_buf *out, const struct att_look *look, const json_t *value)
{
	size_t flags = JSON_INDENT(2) | JSON_ENCODE_ANY | (look->terminal ? JSON_ENSURE_ASCII : 0);
	_cleanup_free_ char *text = json_dumps(value, flags);

	if (!text)
		return -ENOMEM;
	return att_buf_printf(out, "%s\n", text);
}

int att_render_parse(const char *text, json_t **ret, struct att_err *err)
{
	json_error_t why;
	json_t *value = NULL;

	if (!text)
		return att_err_nomem(err, 0);
	value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &why);
	if (!value)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, 0, "read the library's JSON: %s",
		                   why.text);
	*ret = value;
	return 0;
}

int att_render_json_text(struct att_buf *out, const struct att_look *look, const char *text,
                         struct att_err *err)
{
	json_t *value = NULL;
	int r = att_render_parse(text, &value, err);

	if (r < 0)
		return r;
	r = att_render_json(out, look, value);
	json_decref(value);
	return r < 0 ? att_err_nomem(err, 0) : 0;
}

int att_render_out(const struct att_buf *out, unsigned closed_fds, struct att_err *err)
{
	int r = 0;

	if (closed_fds & (1u << STDOUT_FILENO))
		r = -EBADF;
	else if (out->len > 0)
		r = att_say_write(STDOUT_FILENO, out->data, out->len);
	if (r < 0)
		return att_err_sys(err, ATT_E_IO_ERROR, 0, -r, "write to standard output");
	return 0;
}
