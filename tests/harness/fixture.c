/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/reap.h"

#define MAX_WORDS 60
#define PRELUDE   "x() { \"$ATTACHE_PROGRAM\" exec -P \"$LXCPATH\" \"$@\"; }\n"

int fixture_open(void **state, enum box_kind kind, const char *name)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/var/tmp/attache-test-XXXXXX");
	if (cmd_find("ATTACHE", "attache", f->program, sizeof(f->program)) == NULL ||
	    cmd_find("ATTACHE_PROBE", "probe", f->probe, sizeof(f->probe)) == NULL ||
	    mkdtemp(f->dir) == NULL)
		return -1;
	if (box_new(&f->box, kind, name) < 0 || box_start(f->box) < 0)
		return -1;
	return 0;
}

int fixture_close(void **state)
{
	struct fixture *f = *state;

	box_free(f->other);
	box_free(f->box);
	reap_tree(f->dir);
	free(f);
	return 0;
}

int fixture_before(void **state)
{
	struct fixture *f = *state;

	f->leak = leak_free(f->leak);
	return leak_new(&f->leak, f->box) == 0 ? 0 : -1;
}

int fixture_after(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *diff = NULL;
	int n = leak_check(f->leak, &diff);

	f->leak = leak_free(f->leak);
	if (n != 0)
		print_error("%d leaks:\n%s", n, diff == NULL ? "" : diff);
	return n == 0 ? 0 : -1;
}

/* @argv has room for MAX_WORDS and the head. */
static void make_argv(const struct fixture *f, const char *const *words, const char **argv)
{
	size_t n = 0;

	argv[n++] = f->program;
	argv[n++] = words[0];
	argv[n++] = "-P";
	argv[n++] = box_lxcpath(f->box);
	for (size_t i = 1; words[i] != NULL; i++) {
		assert_true(i < MAX_WORDS);
		argv[n++] = strcmp(words[i], "@") == 0 ? box_name(f->box) : words[i];
	}
	argv[n] = NULL;
}

void fixture_start(const struct fixture *f, const char *const *words, const struct cmd *how,
                   struct cmd_job **ret)
{
	const char *argv[MAX_WORDS + 8];
	struct cmd cmd = { 0 };

	if (how != NULL)
		cmd = *how;
	make_argv(f, words, argv);
	cmd.argv = argv;
	assert_zero(cmd_start(&cmd, ret));
}

void fixture_run(const struct fixture *f, const char *const *words, const struct cmd *how,
                 struct cmd_result *ret)
{
	_cleanup_cmd_job_ struct cmd_job *job = NULL;

	fixture_start(f, words, how, &job);
	assert_zero(cmd_wait(job, ret));
}

void fixture_pty(const struct fixture *f, const char *const *words, const struct ptydrv_cmd *how,
                 struct ptydrv **ret)
{
	const char *argv[MAX_WORDS + 8];
	struct ptydrv_cmd cmd = { 0 };

	if (how != NULL)
		cmd = *how;
	make_argv(f, words, argv);
	cmd.argv = argv;
	assert_zero(ptydrv_start(&cmd, ret));
}

void fixture_pty_run(const struct fixture *f, const char *const *words,
                     const struct ptydrv_cmd *how, struct cmd_result *ret)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, words, how, &d);
	assert_zero(ptydrv_wait(d, ret));
}

char *fixture_read(const struct fixture *f, const char *ct_path, char *buf, size_t cap)
{
	char path[PATH_MAX];
	ssize_t n = 0;

	snprintf(path, sizeof(path), "%s%s", box_rootfs(f->box), ct_path);
	n = att_fd_read_file_at(AT_FDCWD, path, buf, cap);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

void fixture_shell(const struct fixture *f, const char *script, const struct cmd *how,
                   struct cmd_result *ret)
{
	_cleanup_free_ char *whole = NULL;
	struct cmd cmd = { 0 };

	if (how != NULL)
		cmd = *how;
	assert_true(asprintf(&whole, "%s%s", PRELUDE, script) > 0);
	setenv("ATTACHE_PROGRAM", f->program, 1);
	setenv("LXCPATH", box_lxcpath(f->box), 1);
	setenv("CT", box_name(f->box), 1);
	setenv("PROBE", f->probe, 1);
	setenv("DIR", f->dir, 1);
	cmd.argv = WORDS("sh", "-c", whole);
	assert_zero(cmd_run(&cmd, ret));
}

bool fixture_in_box(const struct fixture *f, const char *ct_path)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", box_rootfs(f->box), ct_path);
	return access(path, F_OK) == 0;
}

void fixture_remove(const struct fixture *f, const char *ct_path)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", box_rootfs(f->box), ct_path);
	att_ignore(unlink(path));
}

void assert_refused(const struct cmd_result *r, int code, const char *target, const char *error,
                    const char *part)
{
	char head[256];
	char tail[64];
	size_t n = 0;

	assert_exit(r, code);
	assert_string_equal(r->out, "");
	snprintf(head, sizeof(head), "attache: exec: %s%s", target == NULL ? "" : target,
	         target == NULL ? "" : ": ");
	n = (size_t)snprintf(tail, sizeof(tail), " [%s]\n", error);
	if (strncmp(r->err, head, strlen(head)) != 0 || r->err_len < n ||
	    strcmp(r->err + r->err_len - n, tail) != 0 ||
	    strchr(r->err, '\n') != r->err + r->err_len - 1)
		fail_msg("no single line '%s…%.*s' but: %s", head, (int)n - 1, tail, r->err);
	if (part != NULL)
		assert_has(r->err, part);
}

void assert_within(const struct cmd_result *r, int ms)
{
	if (r->hung || r->duration_ns > (int64_t)ms * ATT_NS_PER_MS)
		fail_msg("took %lld ms, allowed are %d\n%s", (long long)(r->duration_ns / 1000000),
		         ms, r->err);
}
