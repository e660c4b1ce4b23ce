/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every error that exec can end in: its code, its one line, and that nothing was started. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/cgtree.h"

#define TOUCH "touch", "/run/mark"
#define W(...) \
	{ \
		"exec", __VA_ARGS__, NULL \
	}

struct refusal {
	const char *words[12];
	const char *error;
	const char *part;
	int code; /* 0: 125 */
};

static int open_idmapped(void **state)
{
	static const char text[] = "echo no shell may run this; touch /run/mark\n";
	static const char lost[] = "#!/no/such/interpreter\n";
	static const char script[] = "#!/bin/sh\necho script \"$@\"\n";
	struct fixture *f = NULL;
	int r = fixture_open(state, BOX_IDMAPPED, "errors");

	f = *state;
	if (r == 0)
		r = box_write_file(f->box, "/bin/text", text, sizeof(text) - 1, 0755);
	if (r == 0)
		r = box_write_file(f->box, "/bin/lost", lost, sizeof(lost) - 1, 0755);
	if (r == 0)
		r = box_write_file(f->box, "/bin/plain", script, sizeof(script) - 1, 0644);
	if (r == 0)
		r = box_write_file(f->box, "/bin/script", script, sizeof(script) - 1, 0755);
	return r == 0 ? 0 : -1;
}

static void assert_refusals(const struct fixture *f, const struct refusal *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *target = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		for (size_t k = 0; v[i].words[k] != NULL; k++)
			if (strcmp(v[i].words[k], "@") == 0)
				target = box_name(f->box);
		fixture_run(f, v[i].words, NULL, &r);
		/* What is wrong with an option is known before the target is. */
		if (target != NULL && strstr(r.err, target) == NULL)
			target = NULL;
		assert_refused(&r, v[i].code == 0 ? 125 : v[i].code, target, v[i].error, v[i].part);
		assert_within(&r, 5000);
		if (fixture_in_box(f, "/run/mark"))
			fail_msg("something was started: %s", r.err);
	}
}

/* ---- the command line --------------------------------------------------------------------- */

static void words_that_are_missing_are_named(void **state)
{
	static const struct refusal v[] = {
		{ .words = { "exec", NULL },
		  .error = "MissingContainerId",
		  .part = "no container" },
		{ .words = W("--"), .error = "MissingContainerId" },
		{ .words = W("-u", "root"), .error = "MissingContainerId" },
		{ .words = W("@"), .error = "MissingCommand", .part = "no command" },
		{ .words = W("@", "--"), .error = "MissingCommand" },
		{ .words = W("-u", "root", "@", "-n"), .error = "MissingCommand" },
	};

	assert_refusals(*state, v, countof(v));
}

static void container_names_that_cannot_be_are_refused(void **state)
{
	static const char *const names[] = { "..",   ".",        "../etc", "a/b", "/",
		                             "a\nb", "\x1b[31m", "a\tb",   "a b", "\x7f" };

	for (size_t i = 0; i < countof(names); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, WORDS("exec", names[i], TOUCH), NULL, &r);
		assert_refused(&r, 125, NULL, "InvalidArgument", NULL);
		/* Nothing of it reaches a terminal as it is. */
		for (size_t k = 0; k + 1 < r.err_len; k++)
			assert_true((unsigned char)r.err[k] >= 0x20 && r.err[k] != 0x7f);
	}
}

static void a_container_name_that_is_empty_or_endless_is_refused(void **state)
{
	char name[5000];
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "", TOUCH), NULL, &r);
	assert_refused(&r, 125, "''", "InvalidArgument", "empty");
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	fixture_run(*state, WORDS("exec", name, TOUCH), NULL, &r);
	assert_refused(&r, 125, NULL, "InvalidArgument", "longer than");
	assert_true(r.err_len < 1000);
}

static void options_that_are_none_are_named(void **state)
{
	static const struct refusal v[] = {
		{ .words = W("--no-such", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'--no-such'" },
		{ .words = W("@", "--no-such", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'--no-such'" },
		{ .words = W("--timeot", "1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "did you mean '--timeout'?" },
		{ .words = W("-X", "@", TOUCH), .error = "InvalidArgument", .part = "'-X'" },
		{ .words = W("-nX", "@", TOUCH), .error = "InvalidArgument", .part = "'-X'" },
		{ .words = W("--no-stdin=1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "no-stdin" },
		{ .words = W("--all", "@", TOUCH), .error = "InvalidArgument", .part = "--all" },
		{ .words = W("@", "--user"), .error = "InvalidArgument", .part = "--user" },
		{ .words = W("@", "-w"), .error = "InvalidArgument", .part = "--workdir" },
	};

	assert_refusals(*state, v, countof(v));
}

static void values_that_make_no_sense_are_named(void **state)
{
	static const struct refusal v[] = {
		{ .words = W("-e", "ATT_NOT_SET", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'ATT_NOT_SET'" },
		{ .words = W("-e", "=x", "@", TOUCH), .error = "InvalidArgument", .part = "'=x'" },
		{ .words = W("-e", "", "@", TOUCH), .error = "InvalidArgument", .part = "''" },
		{ .words = W("--env-from", "moon", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'moon'" },
		{ .words = W("--env-file", "/no/such/file", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "/no/such/file" },
		{ .words = W("--env-file", "/", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'/'" },
		{ .words = W("-u", "", "@", TOUCH), .error = "InvalidArgument", .part = "--user" },
		{ .words = W("-u", ":0", "@", TOUCH), .error = "InvalidArgument", .part = "':0'" },
		{ .words = W("-u", "-1", "@", TOUCH), .error = "InvalidArgument", .part = "-1" },
		{ .words = W("-u", "99999999999", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "99999999999" },
		{ .words = W("-u", "4294967295", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "4294967295" },
		{ .words = W("-u", "70000", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "70000" },
		{ .words = W("-u", "0:70000", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "70000" },
		{ .words = W("--groups", "70000", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "70000" },
		{ .words = W("-w", "", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--workdir" },
		{ .words = W("-w", "relative", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'relative'" },
		{ .words = W("--timeout", "soon", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'soon'" },
		{ .words = W("--timeout", "-1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'-1'" },
		{ .words = W("--timeout", "", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--timeout" },
		{ .words = W("--timeout", "1x", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'1x'" },
		{ .words = W("--timeout", "99999999999999999999", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'99999999999999999999'" },
		{ .words = W("--wait", "nan", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'nan'" },
		{ .words = W("--kill-after", "1", "-d", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--detach" },
		{ .words = W("--stop-signal", "TERM", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--timeout" },
		{ .words = W("--timeout", "1", "--stop-signal", "BOOM", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'BOOM'" },
		{ .words = W("--timeout", "1", "--stop-signal", "0", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'0'" },
		{ .words = W("--timeout", "1", "--stop-signal", "65", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'65'" },
		{ .words = W("--cap-drop", "CAP_FLY", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'CAP_FLY'" },
		{ .words = W("--cap-add", "", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "''" },
		{ .words = W("--cap-add", "64", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'64'" },
		{ .words = W("--privileged=caps,moon", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'moon'" },
		{ .words = W("--privileged=", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "''" },
		{ .words = W("--rlimit", "nofile", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'nofile'" },
		{ .words = W("--rlimit", "files=1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "files" },
		{ .words = W("--rlimit", "nofile=-1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "nofile=-1" },
		{ .words = W("--rlimit", "nofile=9:5", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "nofile=9:5" },
		{ .words = W("--rlimit", "nofile=99999999999999999999", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "nofile=99999999999999999999" },
		{ .words = W("--nice", "20", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'20'" },
		{ .words = W("--nice", "-21", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'-21'" },
		{ .words = W("--nice", "99999999999", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'99999999999'" },
		{ .words = W("--oom-score-adj", "1001", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'1001'" },
		{ .words = W("--oom-score-adj", "x", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'x'" },
		{ .words = W("--umask", "8", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'8'" },
		{ .words = W("--umask", "1777", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'1777'" },
		{ .words = W("--cpu-affinity", "9-3", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'9-3'" },
		{ .words = W("--cpu-affinity", "x", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'x'" },
		{ .words = W("--io-priority", "best-effort:9", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'best-effort:9'" },
		{ .words = W("--io-priority", "soonest", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'soonest'" },
		{ .words = W("--namespaces", "mnt,moon", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "moon" },
		{ .words = W("--namespaces", "", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--namespaces" },
		{ .words = W("--io", "pipe", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'pipe'" },
		{ .words = W("--status-fd", "77", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'77'" },
		{ .words = W("--status-fd", "-1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'-1'" },
		{ .words = W("--status-fd", "0", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'0'" },
		{ .words = W("--script", "/no/such/script", "@"),
		  .error = "InvalidArgument",
		  .part = "/no/such/script" },
		{ .words = W("--script", "/", "@"), .error = "InvalidArgument", .part = "'/'" },
		{ .words = W("--log", "/tmp/x", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--detach" },
		{ .words = W("-d", "--timeout", "1", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "--timeout" },
		{ .words = W("-d", "--io", "relay", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "relay" },
		{ .words = W("-c", "touch /run/mark", "--script", "/etc/hosts", "@"),
		  .error = "InvalidArgument",
		  .part = "--script" },
		{ .words = W("--color", "pink", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'pink'" },
		{ .words = W("@", ""), .error = "InvalidArgument", .part = "''" },
	};
	assert_refusals(*state, v, countof(v));
}

static void an_environment_file_is_named_with_its_line(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char path[128];
	FILE *file = NULL;

	snprintf(path, sizeof(path), "%s/env", f->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("# a comment\nA=1\nB C=2\n", file);
	assert_zero(fclose(file));
	fixture_run(f, WORDS("exec", "--env-file", path, "@", TOUCH), NULL, &r);
	assert_refused(&r, 125, box_name(f->box), "InvalidArgument", "line 3");
	assert_has(r.err, path);
	assert_false(fixture_in_box(f, "/run/mark"));
}

static void no_words_at_all_show_how_it_is_used(void **state)
{
	const struct fixture *f = *state;
	const struct cmd cmd = { .argv = WORDS(f->program) };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(cmd_run(&cmd, &r));
	assert_exit(&r, 125);
	assert_string_equal(r.out, "");
	assert_has(r.err, "attache: no command given [InvalidArgument]\n");
	assert_has(r.err, "sage: attache");
}

/* ---- inside ------------------------------------------------------------------------------- */

static void what_is_not_in_the_container_is_named(void **state)
{
	static const struct refusal v[] = {
		{ .words = W("-u", "mallory", "@", TOUCH),
		  .error = "UserNotFound",
		  .part = "'mallory'" },
		{ .words = W("-u", "alice:elves", "@", TOUCH),
		  .error = "GroupNotFound",
		  .part = "'elves'" },
		{ .words = W("--groups", "users,elves", "@", TOUCH),
		  .error = "GroupNotFound",
		  .part = "'elves'" },
		{ .words = W("-w", "/no/such/dir", "@", TOUCH),
		  .error = "WorkdirNotFound",
		  .part = "'/no/such/dir'" },
		{ .words = W("-w", "/etc/passwd", "@", TOUCH),
		  .error = "WorkdirNotFound",
		  .part = "'/etc/passwd'" },
		{ .words = W("@", "no-such-command"),
		  .error = "CommandNotFound",
		  .part = "'no-such-command'",
		  .code = 127 },
		{ .words = W("@", "/no/such/command"),
		  .error = "CommandNotFound",
		  .part = "'/no/such/command'",
		  .code = 127 },
		{ .words = W("@", "/etc/passwd/x"),
		  .error = "CommandNotFound",
		  .part = "'/etc/passwd/x'",
		  .code = 127 },
		{ .words = W("@", "/bin/lost"),
		  .error = "CommandNotFound",
		  .part = "interpreter",
		  .code = 127 },
		{ .words = W("@", "lost"),
		  .error = "CommandNotFound",
		  .part = "interpreter",
		  .code = 127 },
		{ .words = W("@", "/etc"),
		  .error = "CommandNotExecutable",
		  .part = "'/etc'",
		  .code = 126 },
		{ .words = W("@", "/bin/plain"),
		  .error = "CommandNotExecutable",
		  .part = "'/bin/plain'",
		  .code = 126 },
		{ .words = W("@", "plain"),
		  .error = "CommandNotExecutable",
		  .part = "'plain'",
		  .code = 126 },
		{ .words = W("@", "/bin/text"),
		  .error = "CommandNotExecutable",
		  .part = "'/bin/text'",
		  .code = 126 },
		{ .words = W("@", "text"),
		  .error = "CommandNotExecutable",
		  .part = "'text'",
		  .code = 126 },
		{ .words = W("--namespaces", "mnt,pid", "@", TOUCH),
		  .error = "ConfinementUnavailable",
		  .part = "user" },
		{ .words = W("--cap-add", "SYS_MODULE", "--cap-drop", "ALL", "-u", "mallory", "@",
		             TOUCH),
		  .error = "UserNotFound",
		  .part = "'mallory'" },
	};

	assert_refusals(*state, v, countof(v));
}

static void a_working_directory_is_entered_with_the_rights_of_the_job(void **state)
{
	static const struct refusal v[] = {
		{ .words = W("-u", "nobody", "-w", "/root", "@", TOUCH),
		  .error = "PermissionDenied",
		  .part = "'/root'" },
		{ .words = W("--cap-drop", "ALL", "-w", "/home/alice/own", "@", TOUCH),
		  .error = "PermissionDenied",
		  .part = "'/home/alice/own'" },
	};
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f,
	            WORDS("exec", "-u", "alice", "@", "sh", "-c", "mkdir -m 0700 /home/alice/own"),
	            NULL, &r);
	assert_exit(&r, 0);
	assert_refusals(f, v, countof(v));
	fixture_run(f, WORDS("exec", "-u", "alice", "-w", "/home/alice/own", "@", "pwd"), NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "/home/alice/own\n");
}

static void a_script_with_its_interpreter_runs(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "@", "script", "a b", ""), NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "script a b \n");
}

static int become_nobody(void *data)
{
	(void)data;
	if (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
	    setresuid(65534, 65534, 65534) < 0)
		return errno;
	return 0;
}

static void a_caller_without_privilege_is_denied(void **state)
{
	const struct fixture *f = *state;
	char path[128];
	const struct cmd how = { .setup = become_nobody };
	_cleanup_free_ struct fixture *copy = malloc(sizeof(*copy));
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_non_null(copy);
	*copy = *f;

	/* The build tree may be closed to others. */
	snprintf(path, sizeof(path), "%s/attache", f->dir);
	assert_zero(cmd_run(&(const struct cmd){ .argv = WORDS("cp", f->program, path) }, &r));
	assert_exit(&r, 0);
	assert_zero(chmod(f->dir, 0755));
	assert_zero(chmod(path, 0755));
	snprintf(copy->program, sizeof(copy->program), "%s", path);
	fixture_run(copy, WORDS("exec", "@", TOUCH), &how, &r);
	assert_refused(&r, 125, box_name(f->box), "PermissionDenied", NULL);
	assert_false(fixture_in_box(f, "/run/mark"));
}

static void two_megabytes_of_arguments_are_too_many(void **state)
{
	const struct cmd_limit limits[] = { { RLIMIT_STACK, { 64 << 20, RLIM_INFINITY } } };
	const struct cmd how = { .limits = limits, .n_limits = 1 };
	const struct fixture *f = *state;
	const char *words[32] = { "exec", "@", TOUCH };
	char *word = test_malloc(120001);
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	memset(word, 'a', 120000);
	word[120000] = '\0';
	for (int i = 0; i < 20; i++)
		words[4 + i] = word;
	fixture_run(f, words, &how, &r);
	test_free(word);
	assert_refused(&r, 125, box_name(f->box), "LimitExceeded", "arguments");
	assert_false(fixture_in_box(f, "/run/mark"));
}

static int find_pids(const char *path, void *data)
{
	char name[600];

	snprintf(name, sizeof(name), "%s/pids.max", path);
	if (cgtree_is_monitor(path) || strstr(path, "/.lxc") != NULL || access(name, W_OK) < 0)
		return 0;
	snprintf(data, 600, "%s", name);
	return 1;
}

static void write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_num(write(fd, text, strlen(text)), strlen(text));
}

static void a_container_that_may_not_have_one_more_process_says_so(void **state)
{
	const struct fixture *f = *state;
	char max[600] = "";
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	/* Where the controller is not there, there is no such limit to run into. */
	if (cgtree_each(box_name(f->box), find_pids, max) != 1)
		skip();
	write_text(max, "1");
	fixture_run(f, WORDS("exec", "@", TOUCH), NULL, &r);
	write_text(max, "max");
	assert_refused(&r, 125, box_name(f->box), "LimitExceeded", NULL);
	assert_false(fixture_in_box(f, "/run/mark"));
}

/* ---- the result object -------------------------------------------------------------------- */

static json_t *run_with_status(const struct fixture *f, const char *const *words, int code)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int fd[2];
	char text[4096];
	ssize_t n = 0;
	json_t *result = NULL;

	assert_zero(pipe2(fd, O_CLOEXEC));

	const struct cmd_fd fds[] = { { .ours = fd[1], .child = 9 } };
	const struct cmd how = { .fds = fds, .n_fds = 1 };

	fixture_run(f, words, &how, &r);
	close(fd[1]);
	n = att_fd_read_full(fd[0], text, sizeof(text) - 1);
	close(fd[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_exit(&r, code);
	/* One line, and nothing else. */
	assert_ptr_equal(strchr(text, '\n'), text + n - 1);
	result = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (result == NULL)
		fail_msg("no JSON: %s", text);
	return result;
}

static void assert_text(const json_t *o, const char *key, const char *want)
{
	const json_t *v = json_object_get(o, key);

	if (want == NULL ? !json_is_null(v) : !json_is_string(v))
		fail_msg("'%s' is not %s", key, want == NULL ? "null" : "text");
	if (want != NULL)
		assert_string_equal(json_string_value(v), want);
}

static void assert_number(const json_t *o, const char *key, long long want)
{
	const json_t *v = json_object_get(o, key);

	if (want < 0 ? !json_is_null(v) : json_integer_value(v) != want || !json_is_integer(v))
		fail_msg("'%s': %lld, want %lld", key, (long long)json_integer_value(v), want);
}

static const char *const result_keys[] = {
	"target",      "container", "vmid",   "hostname",     "id",
	"state",       "exit_code", "signal", "error",        "started_at",
	"duration_ns", "stdout",    "stderr", "stdout_bytes", "stderr_bytes",
};

static void assert_keys(const json_t *o)
{
	for (size_t i = 0; i < countof(result_keys); i++)
		if (json_object_get(o, result_keys[i]) == NULL)
			fail_msg("no key '%s'", result_keys[i]);
}

static void the_result_tells_how_a_command_exited(void **state)
{
	const struct fixture *f = *state;
	json_t *o = run_with_status(f,
	                            WORDS("exec", "--status-fd", "9", "@", "sh", "-c",
	                                  "echo hello; echo e >&2; exit 3"),
	                            3);

	assert_keys(o);
	assert_text(o, "target", box_name(f->box));
	assert_text(o, "container", box_name(f->box));
	assert_text(o, "state", "exited");
	assert_number(o, "exit_code", 3);
	assert_text(o, "signal", NULL);
	assert_text(o, "error", NULL);
	assert_number(o, "stdout_bytes", 6);
	assert_number(o, "stderr_bytes", 2);
	assert_true(json_integer_value(json_object_get(o, "duration_ns")) > 0);
	assert_num(json_string_length(json_object_get(o, "id")), 16);
	json_decref(o);
}

static void the_result_tells_which_signal_ended_a_command(void **state)
{
	json_t *o = run_with_status(
		*state, WORDS("exec", "--status-fd=9", "@", "/probe", "kill", "SEGV"), 139);

	assert_keys(o);
	assert_text(o, "state", "signaled");
	assert_number(o, "exit_code", -1);
	assert_has(json_string_value(json_object_get(o, "signal")), "SEGV");
	assert_text(o, "error", NULL);
	json_decref(o);
}

static void the_result_tells_that_the_time_was_up(void **state)
{
	json_t *o = run_with_status(
		*state, WORDS("exec", "--status-fd", "9", "--timeout", "0.2", "@", "sleep", "20"),
		124);

	assert_keys(o);
	assert_text(o, "state", "timeout");
	json_decref(o);
}

static void the_result_tells_why_nothing_ran(void **state)
{
	static const struct {
		const char *words[8];
		const char *error;
		const char *stage;
		int code;
		int sys;
	} v[] = {
		{ W("--status-fd", "9", "@", "/no/such"), "CommandNotFound", "exec", 127, ENOENT },
		{ W("--status-fd", "9", "-u", "mallory", "@", "true"), "UserNotFound", "plan", 125,
		  -1 },
		{ W("--status-fd", "9", "no-such-box", "true"), "ContainerNotFound", "resolve", 125,
		  -1 },
		{ W("--status-fd", "9", "@"), "MissingCommand", "request", 125, -1 },
		{ W("--status-fd", "9", "@", "--timeout", "x", "true"), "InvalidArgument",
		  "request", 125, -1 },
	};

	for (size_t i = 0; i < countof(v); i++) {
		json_t *o = run_with_status(*state, v[i].words, v[i].code);
		const json_t *error = json_object_get(o, "error");

		assert_keys(o);
		assert_text(o, "state", "error");
		assert_number(o, "exit_code", -1);
		assert_text(error, "name", v[i].error);
		assert_text(error, "stage", v[i].stage);
		assert_number(error, "errno", v[i].sys);
		assert_true(json_string_length(json_object_get(error, "message")) > 0);
		json_decref(o);
	}
}

static void output_that_is_lost_is_in_the_result_beside_how_the_command_ended(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int fd[2];
	char text[4096];
	ssize_t n = 0;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(pipe2(fd, O_CLOEXEC));

	const struct cmd_fd fds[] = { { .ours = fd[1], .child = 9 } };
	const struct cmd how = { .fds = fds, .n_fds = 1, .stdout_fd = full };

	fixture_run(*state, WORDS("exec", "--status-fd", "9", "@", "echo", "x"), &how, &r);
	close(fd[1]);
	close(full);
	n = att_fd_read_full(fd[0], text, sizeof(text) - 1);
	close(fd[0]);
	assert_true(n > 0);
	text[n] = '\0';
	assert_exit(&r, 125);
	assert_has(text, "\"state\":\"exited\"");
	assert_has(text, "\"IoError\"");
}

/* ---- the plan ----------------------------------------------------------------------------- */

static void a_dry_run_prints_the_plan_and_starts_nothing(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	json_t *o = NULL;

	fixture_run(
		f,
		WORDS("exec", "--dry-run", "-u", "alice", "-w", "/srv", "-e", "A=\xff", "@", TOUCH),
		NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.err, "");
	o = json_loads(r.out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_text(o, "container", box_name(f->box));
	assert_text(o, "workdir", "/srv");
	assert_number(o, "init_pid", box_init_pid(f->box));
	assert_number(json_object_get(o, "user"), "uid", 1000);
	assert_number(json_object_get(o, "user"), "host_uid", box_host_id(f->box, 1000));
	assert_num(json_array_size(json_object_get(o, "argv")), 2);
	json_decref(o);
	assert_false(fixture_in_box(f, "/run/mark"));
}

static void a_dry_run_finds_what_a_run_would_not(void **state)
{
	static const struct refusal v[] = {
		{ .words = W("--dry-run", "-u", "mallory", "@", TOUCH),
		  .error = "UserNotFound",
		  .part = "'mallory'" },
		{ .words = W("--dry-run", "@", ""), .error = "InvalidArgument", .part = "''" },
	};

	assert_refusals(*state, v, countof(v));
}

static void a_file_that_cannot_be_written_is_an_error_before_anything_runs(void **state)
{
	static const struct refusal v[] = {
		{ .words = W("--pid-file", "/no/such/dir/pid", "@", TOUCH),
		  .error = "IoError",
		  .part = "/no/such/dir/pid" },
		{ .words = W("--pid-file", "/dev/null", "@", TOUCH),
		  .error = "InvalidArgument",
		  .part = "'/dev/null'" },
		{ .words = W("-d", "--log", "/no/such/dir/log", "@", TOUCH),
		  .error = "IoError",
		  .part = "/no/such/dir/log" },
	};

	assert_refusals(*state, v, countof(v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(words_that_are_missing_are_named),
		fixture_test(container_names_that_cannot_be_are_refused),
		fixture_test(a_container_name_that_is_empty_or_endless_is_refused),
		fixture_test(options_that_are_none_are_named),
		fixture_test(values_that_make_no_sense_are_named),
		fixture_test(an_environment_file_is_named_with_its_line),
		fixture_test(no_words_at_all_show_how_it_is_used),
		fixture_test(what_is_not_in_the_container_is_named),
		fixture_test(a_working_directory_is_entered_with_the_rights_of_the_job),
		fixture_test(a_script_with_its_interpreter_runs),
		fixture_test(a_caller_without_privilege_is_denied),
		fixture_test(two_megabytes_of_arguments_are_too_many),
		fixture_test(a_container_that_may_not_have_one_more_process_says_so),
		fixture_test(the_result_tells_how_a_command_exited),
		fixture_test(the_result_tells_which_signal_ended_a_command),
		fixture_test(the_result_tells_that_the_time_was_up),
		fixture_test(the_result_tells_why_nothing_ran),
		fixture_test(output_that_is_lost_is_in_the_result_beside_how_the_command_ended),
		fixture_test(a_dry_run_prints_the_plan_and_starts_nothing),
		fixture_test(a_dry_run_finds_what_a_run_would_not),
		fixture_test(a_file_that_cannot_be_written_is_an_error_before_anything_runs),
	};

	return cmocka_run_group_tests_name("exec errors", tests, open_idmapped, fixture_close);
}
