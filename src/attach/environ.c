/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The job's environment, from nothing: the clean one (or the caller's, or init's, where asked), over
 * it the container's own lxc.environment, over it the files, over it the single settings.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "attach/plan.h"
#include "base/fd.h"

#define ENV_FILE_MAX_BYTES (4u << 20)
#define INIT_ENV_MAX_BYTES (4u << 20)

static int set(struct att_plan *plan, const char *text, size_t len, struct att_err *err)
{
	return att_strv_env_set(&plan->envp, text, len) < 0 ? att_err_nomem(err, ATT_STAGE_PLAN)
	                                                    : 0;
}

static int set_pair(struct att_plan *plan, const char *name, const char *value, struct att_err *err)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;

	if (att_buf_printf(&text, "%s=%s", name, value) < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	return set(plan, text.data, text.len, err);
}

static int set_clean(struct att_plan *plan, struct att_err *err)
{
	const char *const pairs[][2] = {
		{ "PATH", ATT_DEFAULT_PATH },  { "HOME", plan->user.home },
		{ "USER", plan->user.name },   { "LOGNAME", plan->user.name },
		{ "SHELL", plan->user.shell }, { "LANG", "C.UTF-8" },
	};
	int r = 0;

	for (size_t i = 0; i < countof(pairs) && r == 0; i++)
		r = set_pair(plan, pairs[i][0], pairs[i][1], err);
	return r;
}

/* What is no "NAME=value" is left out: it could not be set either. */
static int set_all(struct att_plan *plan, char *const *env, struct att_err *err)
{
	int r = 0;

	for (; *env && r == 0; env++)
		if (strchr(*env, '=') && **env != '=')
			r = set(plan, *env, strlen(*env), err);
	return r;
}

static int read_whole(int fd, size_t limit, struct att_buf *ret)
{
	ret->limit = limit;
	for (;;) {
		int r = att_buf_reserve(ret,
		                        ret->cap > ret->len + 1 ? ret->cap - ret->len - 1 : 4096);

		if (r < 0)
			return r;

		ssize_t n = att_fd_read_full(fd, ret->data + ret->len, ret->cap - ret->len - 1);

		if (n <= 0)
			return (int)n;
		ret->len += (size_t)n;
	}
}

/* Init's environment is whatever init made of it: the user asked for that. */
static int set_from_init(struct att_plan *plan, struct att_err *err)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	_cleanup_close_ int fd = openat(plan->snapshot.proc_fd, "environ", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_whole(fd, INIT_ENV_MAX_BYTES, &text);

	if (r < 0)
		return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_PLAN, -r,
		                   "read the environment of init");
	r = 0;
	for (size_t at = 0; at < text.len && r == 0;) {
		const char *entry = text.data + at;
		size_t len = strnlen(entry, text.len - at);

		if (memchr(entry, '=', len) && entry[0] != '=')
			r = set(plan, entry, len, err);
		at += len + 1;
	}
	return r;
}

/* One "K=V", or "K" to be copied from the caller. @where is put before what the word names. */
static int set_word(struct att_plan *plan, const char *word, size_t len, bool must_exist,
                    const char *where, struct att_err *err)
{
	_cleanup_free_ char *name = NULL;
	char shown[128];
	const char *value = NULL;

	if (len > 0 && word[0] != '=' && memchr(word, '=', len))
		return set(plan, word, len, err);
	att_escape(shown, sizeof(shown), word, len);
	if (len == 0 || word[0] == '=')
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "%s'%s' names no environment variable", where, shown);
	name = strndup(word, len);
	if (!name)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	value = getenv(name);
	if (value)
		return set_pair(plan, name, value, err);
	if (!must_exist)
		return 0;
	return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
	                   "%s'%s' is neither NAME=VALUE nor set in the caller's environment",
	                   where, shown);
}

/* Docker's format: a line a variable, '#' starts a comment line, no quoting, "K" copies. */
static int set_line(struct att_plan *plan, const char *path, size_t number, const char *line,
                    size_t len, struct att_err *err)
{
	_cleanup_buf_ struct att_buf where = ATT_BUF_INIT;
	const char *eq = NULL;

	while (len > 0 && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0 || line[0] == '#')
		return 0;
	if (att_buf_printf(&where, "environment file '%s' line %zu: ", path, number) < 0)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	eq = memchr(line, '=', len);
	if (memchr(line, '\0', len) || (eq && memchr(line, ' ', (size_t)(eq - line))))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "%sa name has no blanks and no NUL", where.data);
	return set_word(plan, line, len, false, where.data, err);
}

static int set_file(struct att_plan *plan, const char *path, struct att_err *err)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : read_whole(fd, ENV_FILE_MAX_BYTES, &text);
	size_t number = 1;

	if (r == -EFBIG)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
		                   "environment file '%s' is larger than %u bytes", path,
		                   ENV_FILE_MAX_BYTES);
	if (r < 0)
		return att_err_sys(err,
		                   r == -EACCES ? ATT_E_PERMISSION_DENIED : ATT_E_INVALID_ARGUMENT,
		                   ATT_STAGE_PLAN, -r, "read environment file '%s'", path);
	r = 0;
	for (size_t at = 0; at < text.len && r == 0; number++) {
		const char *line = text.data + at;
		const char *end = memchr(line, '\n', text.len - at);
		size_t len = end ? (size_t)(end - line) : text.len - at;

		r = set_line(plan, path, number, line, len, err);
		at += len + 1;
	}
	return r;
}

static int set_base(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	int r = 0;

	if (req->env_caller)
		r = set_all(plan, environ, err);
	else if (req->env_init)
		r = set_from_init(plan, err);
	else
		r = set_clean(plan, err);
	if (r == 0)
		r = set_pair(plan, "container", "lxc", err);
	if (r == 0 && plan->terminal.name)
		r = set_pair(plan, "TERM", plan->terminal.name, err);
	return r;
}

/* What a container is told of its console says nothing about the terminal of this job. */
static bool is_overruled(const struct att_plan *plan, const char *pair)
{
	return plan->terminal.name && strncmp(pair, "TERM=", 5) == 0;
}

int att_environ_build(const struct att_ct *ct, const struct att_request *req, struct att_plan *plan,
                      struct att_err *err)
{
	_cleanup_strv_ struct att_strv own = ATT_STRV_INIT;
	int r = set_base(req, plan, err);

	if (r == 0)
		r = att_lxc_environment(ct, &own, err);
	for (size_t i = 0; i < own.n && r == 0; i++)
		if (!is_overruled(plan, own.v[i]))
			r = set(plan, own.v[i], strlen(own.v[i]), err);
	for (const char *const *f = req->env_files; f && *f && r == 0; f++)
		r = set_file(plan, *f, err);
	for (const char *const *e = req->env; e && *e && r == 0; e++)
		r = set_word(plan, *e, strlen(*e), true, "environment word ", err);
	return r;
}
