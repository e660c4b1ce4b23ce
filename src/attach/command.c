/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is run: the words, the file, and how a script of the caller's gets inside. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/plan.h"
#include "base/fd.h"

#ifndef MFD_NOEXEC_SEAL
#	define MFD_NOEXEC_SEAL 0x0008u
#endif

#define WORD_MAX_BYTES   131072 /* the kernel's MAX_ARG_STRLEN */
#define ARGS_CAP_BYTES   (6u << 20)
#define ARGS_FLOOR_BYTES 131072
#define SHELL            "/bin/sh"
#define SCRIPT_PATH      "/proc/self/fd/3"

static int add(struct att_plan *plan, const char *word, size_t len, struct att_err *err)
{
	return att_strv_add(&plan->argv, word, len) < 0 ? att_err_nomem(err, ATT_STAGE_PLAN) : 0;
}

static int add_words(struct att_plan *plan, const char *const *words, struct att_err *err)
{
	int r = 0;

	for (; words && *words && r == 0; words++)
		r = add(plan, *words, strlen(*words), err);
	return r;
}

/* ---- a script of the caller's ---- */

/* "#!INTERPRETER [ARGUMENT]", as the kernel reads it: the rest of the line is one argument. */
static int add_interpreter(struct att_plan *plan, const char *text, size_t len, struct att_err *err)
{
	const char *end = memchr(text, '\n', len);
	size_t word = 0;
	int r = 0;

	if (len < 2 || text[0] != '#' || text[1] != '!')
		return add(plan, SHELL, strlen(SHELL), err);
	len = end ? (size_t)(end - text) : len;
	text += 2;
	len -= 2;
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
		len--;
	while (len > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (word < len && text[word] != ' ' && text[word] != '\t')
		word++;
	if (word == 0 || text[0] != '/' || memchr(text, '\0', len))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "the script's first line names no interpreter");
	r = add(plan, text, word, err);
	while (word < len && (text[word] == ' ' || text[word] == '\t'))
		word++;
	if (r == 0 && word < len)
		r = add(plan, text + word, len - word, err);
	return r;
}

static int make_script_memfd(int *ret, struct att_err *err)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("attache-script", flags | MFD_NOEXEC_SEAL);

	/* Before Linux 6.3. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("attache-script", flags);
	if (fd < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_PLAN, errno,
		                   "memfd_create");
	*ret = fd;
	return 0;
}

static int copy_script(int from, int to, const char *path, struct att_err *err)
{
	size_t total = 0;
	char buf[4096];

	for (;;) {
		ssize_t n = att_fd_read_full(from, buf, sizeof(buf));

		if (n < 0)
			return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_PLAN, (int)-n,
			                   "read script '%s'", path);
		if (n == 0)
			break;
		total += (size_t)n;
		if (total > ATT_SCRIPT_MAX_BYTES)
			return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
			                   "script '%s' is larger than %u bytes", path,
			                   ATT_SCRIPT_MAX_BYTES);

		int r = att_fd_write_full(to, buf, (size_t)n);

		if (r < 0)
			return att_err_sys(err, ATT_E_NO_MEMORY, ATT_STAGE_PLAN, -r,
			                   "keep script '%s'", path);
	}
	if (fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_PLAN, errno,
		                   "seal script '%s'", path);
	return 0;
}

/*
 * The script's bytes go in as a sealed memory file on descriptor 3, which the interpreter is told
 * to read: nothing is written into the container, and stdin stays the script's own.
 */
static int load_script(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	_cleanup_close_ int from = open(req->script, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char head[512];
	struct stat st;
	int r = 0;

	if (from < 0 || fstat(from, &st) < 0)
		return att_err_sys(
			err, errno == EACCES ? ATT_E_PERMISSION_DENIED : ATT_E_INVALID_ARGUMENT,
			ATT_STAGE_PLAN, errno, "open script '%s'", req->script);
	if (S_ISDIR(st.st_mode))
		return att_err_sys(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN, EISDIR,
		                   "open script '%s'", req->script);
	r = make_script_memfd(&plan->script_fd, err);
	if (r == 0)
		r = copy_script(from, plan->script_fd, req->script, err);
	if (r < 0)
		return r;

	ssize_t n = pread(plan->script_fd, head, sizeof(head), 0);

	r = add_interpreter(plan, head, n > 0 ? (size_t)n : 0, err);
	if (r == 0)
		r = add(plan, SCRIPT_PATH, strlen(SCRIPT_PATH), err);
	if (r == 0)
		r = add_words(plan, req->argv, err);
	plan->wire.flags |= ATT_WIRE_SCRIPT;
	return r;
}

/* ---- the words ---- */

static int check_words(const struct att_plan *plan, struct att_err *err)
{
	const struct att_strv *lists[] = { &plan->argv, &plan->envp };
	static const char *const names[] = { "argument", "environment variable" };
	uint64_t stack = plan->snapshot.init.limits.v[RLIMIT_STACK].soft / 4;
	size_t total = 0;
	size_t limit = stack < ARGS_CAP_BYTES ? (size_t)stack : ARGS_CAP_BYTES;

	for (size_t l = 0; l < countof(lists); l++) {
		for (size_t i = 0; i < lists[l]->n; i++) {
			size_t len = strlen(lists[l]->v[i]) + 1;

			total += len + sizeof(char *);
			if (len <= WORD_MAX_BYTES)
				continue;
			return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
			                   "%s %zu has %zu bytes; the kernel takes at most %d",
			                   names[l], i, len - 1, WORD_MAX_BYTES - 1);
		}
	}
	if (limit < ARGS_FLOOR_BYTES)
		limit = ARGS_FLOOR_BYTES;
	if (total > limit)
		return att_err_set(
			err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
			"arguments and environment have %zu bytes; the job's stack limit "
			"allows %zu",
			total, limit);
	return 0;
}

/* A word with a slash is a path; another is looked for along the job's PATH, inside. */
static int choose_file(struct att_plan *plan, struct att_err *err)
{
	const char *file = plan->login.argv0 ? plan->user.shell : plan->argv.v[0];
	const char *search = att_strv_env_get(&plan->envp, "PATH");

	if (strchr(file, '/'))
		return att_plan_blob(plan, file, strlen(file), &plan->wire.path, err);
	if (!search)
		search = ATT_DEFAULT_PATH;
	return att_plan_blob(plan, search, strlen(search), &plan->wire.search, err);
}

static int choose_workdir(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	const char *dir = req->workdir ? req->workdir : plan->login.workdir;
	char shown[128];

	if (!dir || strcmp(dir, "/") == 0)
		return 0;
	if (dir[0] != '/') {
		att_escape(shown, sizeof(shown), dir, strlen(dir));
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "working directory '%s' is not an absolute path", shown);
	}
	return att_plan_blob(plan, dir, strlen(dir), &plan->wire.workdir, err);
}

int att_command_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	int r = 0;

	if (plan->login.argv0) {
		r = add(plan, plan->login.argv0, strlen(plan->login.argv0), err);
	} else if (req->script) {
		r = load_script(req, plan, err);
	} else {
		if (!req->argv || !req->argv[0])
			return att_err_set(err, ATT_E_MISSING_COMMAND, ATT_STAGE_REQUEST,
			                   "no command was given");
		if (req->argv[0][0] == '\0')
			return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
			                   "the command '' is empty");
		if (req->shell)
			r = add(plan, SHELL, strlen(SHELL), err);
		if (req->shell && r == 0)
			r = add(plan, "-c", 2, err);
		if (r == 0)
			r = add_words(plan, req->argv, err);
	}
	if (r == 0)
		r = check_words(plan, err);
	if (r == 0)
		r = choose_file(plan, err);
	return r < 0 ? r : choose_workdir(req, plan, err);
}
