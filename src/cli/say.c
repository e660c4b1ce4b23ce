/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/say.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/exitcode.h"

struct att_fault att_fault_api(const struct attache_error *err)
{
	return (struct att_fault){
		.name = attache_error_name(err),
		.stage = attache_error_stage(err),
		.message = attache_error_message(err),
		.code = attache_error_code(err),
		.sys = attache_error_errno(err),
	};
}

struct att_fault att_fault_own(const struct att_err *err)
{
	return (struct att_fault){
		.name = att_code_name(err->code),
		.stage = att_stage_name(err->stage),
		.message = err->msg,
		.code = err->code,
		.sys = err->sys,
	};
}

void att_trouble_done(struct att_trouble *t)
{
	attache_error_free(t->api);
	t->api = NULL;
}

struct att_fault att_trouble_fault(const struct att_trouble *t)
{
	return t->api ? att_fault_api(t->api) : att_fault_own(&t->own);
}

int att_fault_exit(const struct att_fault *fault)
{
	if (fault->code == ATTACHE_E_COMMAND_NOT_FOUND)
		return ATT_EXIT_NOT_FOUND;
	if (fault->code == ATTACHE_E_COMMAND_NOT_EXECUTABLE)
		return ATT_EXIT_NOT_EXECUTABLE;
	return ATT_EXIT_FAILED;
}

int att_say_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			att_ignore(poll(&p, 1, -1));
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* "attache: exec: web: ", as far as command and target are known. */
static int format_head(struct att_buf *line, const struct att_opts *o)
{
	char target[160];
	int r = att_buf_printf(line, "attache: ");

	if (r == 0 && o->cmd != 0)
		r = att_buf_printf(line, "%s: ", att_cmd_spec(o->cmd)->name);
	if (r < 0 || !o->target)
		return r;
	if (o->target[0] == '\0')
		return att_buf_printf(line, "'': ");
	return att_buf_printf(
		line, "%s: ", att_escape(target, sizeof(target), o->target, strlen(o->target)));
}

int att_say_format(struct att_buf *line, const struct att_opts *o, const struct att_fault *fault)
{
	int r = format_head(line, o);

	if (r < 0)
		return r;
	return att_buf_printf(line, "%s [%s]\n", fault->message, fault->name);
}

void att_say_error(const struct att_opts *o, const struct att_fault *fault)
{
	_cleanup_buf_ struct att_buf line = ATT_BUF_INIT;
	static const char bare[] = "attache: out of memory [NoMemory]\n";

	/* Where standard error takes nothing there is nobody left to tell. */
	if (att_say_format(&line, o, fault) < 0)
		att_ignore(att_say_write(STDERR_FILENO, bare, sizeof(bare) - 1));
	else
		att_ignore(att_say_write(STDERR_FILENO, line.data, line.len));
}

static void say_line(const struct att_opts *o, const char *kind, const char *text)
{
	_cleanup_buf_ struct att_buf line = ATT_BUF_INIT;
	_cleanup_buf_ struct att_buf safe = ATT_BUF_INIT;
	size_t len = strlen(text);

	if (att_buf_reserve(&safe, 4 * len + 8) < 0 || format_head(&line, o) < 0)
		return;
	att_escape(safe.data, 4 * len + 8, text, len);
	if (att_buf_printf(&line, "%s%s\n", kind, safe.data) == 0)
		att_ignore(att_say_write(STDERR_FILENO, line.data, line.len));
}

void att_say_warning(const struct att_opts *o, const char *text)
{
	if (!att_opts_has(o, ATT_OPT_QUIET))
		say_line(o, "warning: ", text);
}

void att_say_hint(const struct att_opts *o, const char *text)
{
	if (!att_opts_has(o, ATT_OPT_QUIET) && isatty(STDERR_FILENO))
		say_line(o, "", text);
}

void att_say_left(const struct att_opts *o, const char *id, pid_t host_pid)
{
	char text[96];

	att_ignore(snprintf(text, sizeof(text), "left running: job %s, process %d", id,
	                    (int)host_pid));
	say_line(o, "", text);
}

void att_say_step(const struct att_opts *o, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n = 0;

	if (o->verbose == 0)
		return;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	if (text)
		say_line(o, "", text);
}
