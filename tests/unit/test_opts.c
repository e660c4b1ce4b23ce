/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <stdio.h>

#include "cli/help.h"
#include "cli/opts.h"

#define WORDS_MAX 10

static int parse(struct att_opts *o, const char *const *words, struct att_err *err)
{
	char *argv[WORDS_MAX + 2] = { NULL };
	int argc = 1;

	argv[0] = (char *)(uintptr_t) "attache";
	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	att_opts_init(o);
	return att_opts_parse(o, argc, argv, err);
}

/* Every word as the parser saw it, for the output of a failed case. */
static void show(const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		print_message("  word: %s\n", words[i]);
}

/* ---- what is refused ------------------------------------------------------------------------ */

struct bad_case {
	const char *words[WORDS_MAX];
	int code;
	const char *text;
};

static void check_bad(const struct bad_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct att_opts o;
		struct att_err err = ATT_ERR_INIT;
		int r = parse(&o, cases[i].words, &err);

		if (r != -cases[i].code || strcmp(err.msg, cases[i].text) != 0)
			show(cases[i].words);
		assert_string_equal(err.msg, cases[i].text);
		assert_int_equal(r, -cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.stage, ATT_STAGE_REQUEST);
		att_opts_done(&o);
	}
}

static void a_missing_word_has_its_own_name(void **state)
{
	static const struct bad_case cases[] = {
		{ { NULL }, ATT_E_INVALID_ARGUMENT, "no command given" },
		{ { "-v" }, ATT_E_INVALID_ARGUMENT, "no command given" },
		{ { "--" }, ATT_E_INVALID_ARGUMENT, "no command given" },
		{ { "exec" }, ATT_E_MISSING_CONTAINER_ID, "no container given" },
		{ { "exec", "-u", "root" }, ATT_E_MISSING_CONTAINER_ID, "no container given" },
		{ { "exec", "--" }, ATT_E_MISSING_CONTAINER_ID, "no container given" },
		{ { "exec", "-c", "id" }, ATT_E_MISSING_CONTAINER_ID, "no container given" },
		{ { "inspect" }, ATT_E_MISSING_CONTAINER_ID, "no container given" },
		{ { "exec", "web" }, ATT_E_MISSING_COMMAND, "no command given" },
		{ { "exec", "web", "-n" }, ATT_E_MISSING_COMMAND, "no command given" },
		{ { "exec", "web", "--" }, ATT_E_MISSING_COMMAND, "no command given" },
		{ { "exec", "--", "web" }, ATT_E_MISSING_COMMAND, "no command given" },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

static void an_unknown_word_is_named_and_the_nearest_one_offered(void **state)
{
	static const struct bad_case cases[] = {
		{ { "exce", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown command 'exce'; did you mean 'exec'?" },
		{ { "" }, ATT_E_INVALID_ARGUMENT, "unknown command ''" },
		{ { "frobnicate" }, ATT_E_INVALID_ARGUMENT, "unknown command 'frobnicate'" },
		{ { "help", "inspct" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown command 'inspct'; did you mean 'inspect'?" },
		{ { "exec", "--usr", "x" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown option '--usr'; did you mean '--user'?" },
		{ { "exec", "--work", "/" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown option '--work'; did you mean '--workdir'?" },
		{ { "exec", "--tiemout=3" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown option '--tiemout=3'; did you mean '--timeout'?" },
		{ { "exec", "--zzzzzz" }, ATT_E_INVALID_ARGUMENT, "unknown option '--zzzzzz'" },
		{ { "exec", "--=x" }, ATT_E_INVALID_ARGUMENT, "unknown option '--=x'" },
		{ { "exec", "---" }, ATT_E_INVALID_ARGUMENT, "unknown option '---'" },
		{ { "exec", "--\033[2J" }, ATT_E_INVALID_ARGUMENT, "unknown option '--\\x1b[2J'" },
		{ { "exec", "web", "-Z" }, ATT_E_INVALID_ARGUMENT, "unknown option '-Z'" },
		{ { "exec", "web", "-nZ" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown option '-Z' in '-nZ'" },
		{ { "exec", "web", "-\xff" }, ATT_E_INVALID_ARGUMENT, "unknown option '-\\xff'" },
		/* Options of later days are unknown, not half there. */
		{ { "exec", "-x", "web" }, ATT_E_INVALID_ARGUMENT, "unknown option '-x'" },
		{ { "exec", "-X", "web" }, ATT_E_INVALID_ARGUMENT, "unknown option '-X'" },
		{ { "exec", "--seccomp", "f" },
		  ATT_E_INVALID_ARGUMENT,
		  "unknown option '--seccomp'" },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

static void an_option_in_the_wrong_place_says_where_it_belongs(void **state)
{
	static const struct bad_case cases[] = {
		{ { "-u", "root", "exec" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--user' comes after the word 'exec'" },
		{ { "list", "-u", "root" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--user' is for 'exec', not for 'list'" },
		{ { "inspect", "--all" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--all' is for 'list', not for 'inspect'" },
		{ { "--format", "json", "exec", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--format' is for 'list', not for 'exec'" },
		{ { "exec", "--format", "json", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--format' is for 'list', not for 'exec'" },
		{ { "list", "web" }, ATT_E_INVALID_ARGUMENT, "one word too many: 'web'" },
		{ { "inspect", "web", "b\n" },
		  ATT_E_INVALID_ARGUMENT,
		  "one word too many: 'b\\x0a'" },
		{ { "help", "exec", "list" }, ATT_E_INVALID_ARGUMENT, "one word too many: 'list'" },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

static void a_value_is_wanted_or_is_not(void **state)
{
	static const struct bad_case cases[] = {
		{ { "exec", "web", "-u" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--user' needs a value (USER[:GROUP])" },
		{ { "exec", "web", "--workdir" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--workdir' needs a value (DIR)" },
		{ { "exec", "web", "-nTe" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--env' needs a value (NAME[=VALUE])" },
		{ { "exec", "web", "--no-stdin=1" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--no-stdin' takes no value" },
		{ { "exec", "web", "--detach=" },
		  ATT_E_INVALID_ARGUMENT,
		  "option '--detach' takes no value" },
		{ { "exec", "-P", "", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "--lxcpath: the value '' is empty" },
		{ { "exec", "--user=", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "--user: the value '' is empty" },
		{ { "exec", "--script", "", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "--script: the value '' is empty" },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

#define DURATION(text) "--timeout: '" text "' is not a duration (10, 1.5s, 250ms, 2m, 1h30m)"
#define NICE(text)     "--nice: '" text "' is not a number from -20 to 19"
#define OOM(text)      "--oom-score-adj: '" text "' is not a number from -1000 to 1000"
#define FD(text)       "--status-fd: '" text "' is not a number from 1 to 2147483647"
#define UMASK(text)    "--umask: '" text "' is not an octal number up to 777"
#define KEYS(text)     "--detach-keys: '" text "' is not a sequence of keys (ctrl-p,ctrl-q)"
#define SIGNAL(text)   "--stop-signal: '" text "' is not a signal (TERM, SIGINT, 9)"
#define PART(text)     "--privileged: '" text "' is not one of caps, seccomp, lsm, nnp, cgroup"

static void a_bad_value_is_named(void **state)
{
	static const struct {
		const char *option;
		const char *value;
		const char *text;
	} cases[] = {
		{ "--timeout", "", DURATION("") },
		{ "--timeout", "5x", DURATION("5x") },
		{ "--timeout", "-5", DURATION("-5") },
		{ "--timeout", " 5", DURATION(" 5") },
		{ "--timeout", "99999999999999999999", DURATION("99999999999999999999") },
		{ "--nice", "20", NICE("20") },
		{ "--nice", "-21", NICE("-21") },
		{ "--nice", "", NICE("") },
		{ "--nice", "+5", NICE("+5") },
		{ "--nice", "5 ", NICE("5 ") },
		{ "--nice", "0x5", NICE("0x5") },
		{ "--nice", "9223372036854775808", NICE("9223372036854775808") },
		{ "--oom-score-adj", "1001", OOM("1001") },
		{ "--oom-score-adj", "-1001", OOM("-1001") },
		{ "--status-fd", "0", FD("0") },
		{ "--status-fd", "-1", FD("-1") },
		{ "--status-fd", "2147483648", FD("2147483648") },
		{ "--status-fd", "three", FD("three") },
		{ "--umask", "1000", UMASK("1000") },
		{ "--umask", "8", UMASK("8") },
		{ "--umask", "-1", UMASK("-1") },
		{ "--escape", "", "--escape: '' is not an escape character (~, ^], none)" },
		{ "--escape", "~~", "--escape: '~~' is not an escape character (~, ^], none)" },
		{ "--detach-keys", "a,,b", KEYS("a,,b") },
		{ "--detach-keys", "", KEYS("") },
		{ "--stop-signal", "FOO", SIGNAL("FOO") },
		{ "--stop-signal", "0", SIGNAL("0") },
		{ "--stop-signal", "65", SIGNAL("65") },
		{ "--stop-signal", "", SIGNAL("") },
		{ "--io", "pipe", "--io: 'pipe' is not one of relay, direct" },
		{ "--env-from", "", "--env-from: '' is not one of caller, init" },
		{ "--color", "red", "--color: 'red' is not one of auto, always, never" },
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		struct bad_case one = {
			{ "exec", cases[i].option, cases[i].value, "web", "true" },
			ATT_E_INVALID_ARGUMENT,
			cases[i].text,
		};

		check_bad(&one, 1);
	}
}

static void a_bad_part_of_privileged_is_named(void **state)
{
	static const struct bad_case cases[] = {
		{ { "exec", "--privileged=", "web" }, ATT_E_INVALID_ARGUMENT, PART("") },
		{ { "exec", "--privileged=caps,", "web" }, ATT_E_INVALID_ARGUMENT, PART("") },
		{ { "exec", "--privileged=caps,all", "web" }, ATT_E_INVALID_ARGUMENT, PART("all") },
		{ { "exec", "--privileged=cap", "web" }, ATT_E_INVALID_ARGUMENT, PART("cap") },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

static void a_bad_format_is_named_with_those_of_the_command(void **state)
{
	static const struct bad_case cases[] = {
		{ { "list", "--format", "text" },
		  ATT_E_INVALID_ARGUMENT,
		  "--format: 'text' is not one of table, json, names" },
		{ { "--format=names", "inspect", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "--format: 'names' is not one of text, json" },
		{ { "list", "--format=" },
		  ATT_E_INVALID_ARGUMENT,
		  "--format: '' is not one of table, json, names" },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

static void contradictions_are_refused_with_the_reason(void **state)
{
	static const struct bad_case cases[] = {
		{ { "exec", "-c", "id", "--script", "f", "web" },
		  ATT_E_INVALID_ARGUMENT,
		  "--shell-command cannot stand with --script: there is one command" },
		{ { "exec", "--kill-after", "5", "-d", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--kill-after cannot stand with --detach: "
		  "nobody would be left to watch the clock" },
		{ { "exec", "--stop-signal", "INT", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--stop-signal needs --timeout: nothing would be stopped" },
		{ { "exec", "--log", "f", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--log needs --detach: only a detached job writes to a log" },
		{ { "exec", "-d", "--timeout", "5", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--detach cannot stand with --timeout: "
		  "nobody would be left to watch the clock" },
		{ { "exec", "-d", "--status-fd", "1", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--detach cannot stand with --status-fd: "
		  "nobody would be left to see how it ends" },
		{ { "exec", "--dry-run", "--status-fd", "1", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--dry-run cannot stand with --status-fd: nothing runs, so nothing ends" },
		{ { "exec", "-d", "--io", "relay", "web", "ls" },
		  ATT_E_INVALID_ARGUMENT,
		  "--detach cannot stand with --io relay: "
		  "nobody would be left to carry the bytes" },
	};

	att_ignore(state != NULL);
	check_bad(cases, countof(cases));
}

static void an_error_keeps_what_was_read_before_it(void **state)
{
	static const char *const words[] = { "exec", "--status-fd", "3", "web", "--bogus", NULL };
	struct att_opts o;
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_int_equal(parse(&o, words, &err), -ATT_E_INVALID_ARGUMENT);
	assert_int_equal(o.cmd, ATT_CMD_EXEC);
	assert_string_equal(o.target, "web");
	assert_int_equal(o.status_fd, 3);
	att_opts_done(&o);
}

/* ---- what is taken -------------------------------------------------------------------------- */

static void parse_ok(struct att_opts *o, const char *const *words)
{
	struct att_err err = ATT_ERR_INIT;
	int r = parse(o, words, &err);

	if (r != 0) {
		show(words);
		print_message("  error: %s\n", err.msg);
	}
	assert_int_equal(r, 0);
}

/* Where options end and the command starts. */
static void words_after_the_target_are_the_command(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *command[WORDS_MAX];
	} cases[] = {
		{ { "exec", "web", "ls", "-la" }, { "ls", "-la" } },
		{ { "exec", "web", "-n", "ls", "-n" }, { "ls", "-n" } },
		{ { "exec", "-n", "web", "ls" }, { "ls" } },
		{ { "-v", "exec", "web", "-n", "ls" }, { "ls" } },
		{ { "exec", "web", "--", "-x" }, { "-x" } },
		{ { "exec", "web", "--", "--", "a" }, { "--", "a" } },
		{ { "exec", "web", "-n", "--", "--help" }, { "--help" } },
		{ { "exec", "web", "ls", "--", "-l" }, { "ls", "--", "-l" } },
		{ { "exec", "--", "web", "ls", "--", "-l" }, { "ls", "--", "-l" } },
		{ { "exec", "--", "web", "-n", "ls" }, { "-n", "ls" } },
		{ { "exec", "--", "web", "--", "ls" }, { "--", "ls" } },
		{ { "--", "exec", "web", "-n" }, { "-n" } },
		{ { "exec", "web", "-", "x" }, { "-", "x" } },
		{ { "exec", "web", "" }, { "" } },
		{ { "exec", "web", "ls", "\xff\xfe\n" }, { "ls", "\xff\xfe\n" } },
		{ { "exec", "-c", "echo $1", "web", "sh", "-n" }, { "echo $1", "sh", "-n" } },
		{ { "exec", "web", "-c", "" }, { "" } },
		{ { "exec", "web", "--script", "f", "-n", "a", "-b" }, { "a", "-b" } },
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		struct att_opts o;

		parse_ok(&o, cases[i].words);
		assert_string_equal(o.target, "web");
		assert_ptr_equal(o.exec.argv, o.command.v);
		for (size_t j = 0; j < o.command.n; j++)
			assert_string_equal(o.command.v[j], cases[i].command[j]);
		assert_null(cases[i].command[o.command.n]);
		assert_null(o.command.v[o.command.n]);
		att_opts_done(&o);
	}
}

static void a_dash_as_target_is_a_word(void **state)
{
	static const char *const words[] = { "exec", "-", "ls", NULL };
	struct att_opts o;

	att_ignore(state != NULL);
	parse_ok(&o, words);
	assert_string_equal(o.target, "-");
	att_opts_done(&o);
}

static void values_come_attached_or_as_the_next_word(void **state)
{
	static const char *const ways[][4] = {
		{ "-u1000", NULL },
		{ "-u", "1000", NULL },
		{ "--user=1000", NULL },
		{ "--user", "1000", NULL },
		{ "-nTu1000", NULL },
		{ "-nTu", "1000", NULL },
		{ "-u", "0", "-u1000", NULL }, /* the last one counts */
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(ways); i++) {
		const char *words[WORDS_MAX] = { "exec" };
		struct att_opts o;
		size_t n = 1;

		for (size_t j = 0; ways[i][j]; j++)
			words[n++] = ways[i][j];
		words[n++] = "web";
		words[n] = "id";
		parse_ok(&o, words);
		assert_string_equal(o.exec.user, "1000");
		assert_string_equal(o.target, "web");
		att_opts_done(&o);
	}
}

static void a_value_may_look_like_an_option_or_hold_equal_signs(void **state)
{
	static const char *const words[] = { "exec",  "-e", "--",  "--env=A=b=c", "-eX=",
		                             "--env", "",   "web", "ls",          NULL };
	struct att_opts o;

	att_ignore(state != NULL);
	parse_ok(&o, words);
	assert_int_equal(o.env.n, 4);
	assert_string_equal(o.exec.env[0], "--");
	assert_string_equal(o.exec.env[1], "A=b=c");
	assert_string_equal(o.exec.env[2], "X=");
	assert_string_equal(o.exec.env[3], "");
	assert_null(o.exec.env[4]);
	att_opts_done(&o);
}

static void every_default_is_the_librarys(void **state)
{
	static const char *const words[] = { "exec", "web", "ls", NULL };
	const struct attache_exec_opts defaults = ATTACHE_EXEC_OPTS_INIT;
	struct attache_exec_opts seen;
	struct att_opts o;

	att_ignore(state != NULL);
	parse_ok(&o, words);
	seen = o.exec;
	seen.argv = NULL;
	assert_memory_equal(&seen, &defaults, sizeof(seen));
	assert_int_equal(o.status_fd, -1);
	assert_int_equal(o.color, ATT_COLOR_AUTO);
	assert_int_equal(o.wait_ns, 0);
	assert_null(o.lxcpath);
	att_opts_done(&o);
}

struct flag_case {
	const char *words[3];
	uint64_t flags;
};

static void options_set_the_flags_of_the_request(void **state)
{
	static const struct flag_case cases[] = {
		{ { "-n" }, ATTACHE_EXEC_NO_STDIN },
		{ { "-T" }, 0 },
		{ { "--no-new-privs" }, ATTACHE_EXEC_NO_NEW_PRIVS },
		{ { "-d" }, ATTACHE_EXEC_DETACH },
		{ { "--io", "direct" }, ATTACHE_EXEC_DIRECT_IO },
		{ { "--io=relay" }, 0 },
		{ { "--env-from", "caller" }, ATTACHE_EXEC_ENV_CALLER },
		{ { "--env-from=init" }, ATTACHE_EXEC_ENV_INIT },
		{ { "--env-from=init", "--env-from=caller" }, ATTACHE_EXEC_ENV_CALLER },
		{ { "-c", "id" }, ATTACHE_EXEC_SHELL },
		{ { "--nice", "-20" }, ATTACHE_EXEC_HAS_NICE },
		{ { "--oom-score-adj", "0" }, ATTACHE_EXEC_HAS_OOM },
		{ { "--umask", "0" }, ATTACHE_EXEC_HAS_UMASK },
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		const char *words[WORDS_MAX] = { "exec", "web" };
		struct att_opts o;
		size_t n = 2;

		for (size_t j = 0; j < 3 && cases[i].words[j]; j++)
			words[n++] = cases[i].words[j];
		words[n] = "ls";
		parse_ok(&o, words);
		assert_true(o.exec.flags == cases[i].flags);
		att_opts_done(&o);
	}
}

static void values_reach_the_request(void **state)
{
	static const char *const some[] = {
		"exec", "--nice=-20",           "--oom-score-adj", "-1000", "--umask",
		"0077", "--stop-signal=sigint", "--timeout=1.5s",  "web",   "ls",
		NULL
	};
	static const char *const more[] = {
		"exec",           "--kill-after=0", "--timeout=2m", "--wait=1h", "--groups=",
		"--cap-drop=ALL", "--cap-add=KILL", "web",          "ls",        NULL
	};
	struct att_opts o;

	att_ignore(state != NULL);
	parse_ok(&o, some);
	assert_int_equal(o.exec.nice, -20);
	assert_int_equal(o.exec.oom_score_adj, -1000);
	assert_int_equal(o.exec.umask, 077);
	assert_int_equal(o.exec.stop_signal, 2);
	assert_true(o.exec.timeout_ns == INT64_C(1500000000));
	att_opts_done(&o);

	parse_ok(&o, more);
	assert_true(o.exec.kill_after_ns == 1); /* at once; 0 would be the library's default */
	assert_true(o.exec.timeout_ns == 120 * ATT_NS_PER_SEC);
	assert_true(o.wait_ns == 3600 * ATT_NS_PER_SEC);
	assert_string_equal(o.exec.groups, "");
	assert_string_equal(o.exec.cap_drop[0], "ALL");
	assert_string_equal(o.exec.cap_add[0], "KILL");
	att_opts_done(&o);
}

static void privileged_takes_parts_only_with_an_equal_sign(void **state)
{
	static const struct {
		const char *option;
		uint32_t bits;
	} cases[] = {
		{ "--privileged", ATTACHE_UNCONFINE_ALL },
		{ "--privileged=caps", ATTACHE_UNCONFINE_CAPS },
		{ "--privileged=seccomp,lsm", ATTACHE_UNCONFINE_SECCOMP | ATTACHE_UNCONFINE_LSM },
		{ "--privileged=cgroup,nnp", ATTACHE_UNCONFINE_CGROUP | ATTACHE_UNCONFINE_NNP },
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		const char *words[WORDS_MAX] = { "exec", cases[i].option, "caps", "ls" };
		struct att_opts o;

		parse_ok(&o, words);
		assert_int_equal(o.exec.unconfine, cases[i].bits);
		assert_string_equal(o.target, "caps");
		att_opts_done(&o);
	}
}

static void global_options_stand_before_or_after_the_command_word(void **state)
{
	static const char *const before[] = { "-P", "/x", "--format", "json", "-vv", "list", NULL };
	static const char *const after[] = { "ls", "-vP/x", "--format=json", "-v", NULL };
	static const char *const *const ways[] = { before, after };

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(ways); i++) {
		struct att_opts o;

		parse_ok(&o, ways[i]);
		assert_int_equal(o.cmd, ATT_CMD_LIST);
		assert_string_equal(o.lxcpath, "/x");
		assert_int_equal(o.format, ATT_FORMAT_JSON);
		assert_int_equal(o.verbose, 2);
		att_opts_done(&o);
	}
}

static void every_command_has_its_default_format(void **state)
{
	static const char *const list[] = { "list", NULL };
	static const char *const inspect[] = { "inspect", "web", NULL };
	struct att_opts o;

	att_ignore(state != NULL);
	parse_ok(&o, list);
	assert_int_equal(o.format, ATT_FORMAT_TABLE);
	att_opts_done(&o);
	parse_ok(&o, inspect);
	assert_int_equal(o.format, ATT_FORMAT_TEXT);
	att_opts_done(&o);
}

static void help_and_version_end_the_reading(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		enum att_opt opt;
		enum att_cmd cmd;
	} cases[] = {
		{ { "--help" }, ATT_OPT_HELP, 0 },
		{ { "-h", "exec" }, ATT_OPT_HELP, ATT_CMD_EXEC },
		{ { "--help", "nonsense", "--bogus" }, ATT_OPT_HELP, 0 },
		{ { "exec", "--help" }, ATT_OPT_HELP, ATT_CMD_EXEC },
		{ { "exec", "web", "--help" }, ATT_OPT_HELP, ATT_CMD_EXEC },
		{ { "inspect", "-h", "a", "b" }, ATT_OPT_HELP, ATT_CMD_INSPECT },
		{ { "--version", "--bogus" }, ATT_OPT_VERSION, 0 },
		{ { "list", "--version" }, ATT_OPT_VERSION, ATT_CMD_LIST },
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		struct att_opts o;

		parse_ok(&o, cases[i].words);
		assert_true(att_opts_has(&o, cases[i].opt));
		assert_int_equal(o.cmd, cases[i].cmd);
		att_opts_done(&o);
	}
}

static void help_takes_a_command(void **state)
{
	static const char *const words[] = { "help", "ls", NULL };
	struct att_opts o;

	att_ignore(state != NULL);
	parse_ok(&o, words);
	assert_int_equal(o.cmd, ATT_CMD_HELP);
	assert_int_equal(o.help_cmd, ATT_CMD_LIST);
	att_opts_done(&o);
}

static void a_command_of_many_words_keeps_them_all(void **state)
{
	enum {
		N = 20000
	};
	char **argv = calloc(N + 4, sizeof(*argv));
	struct att_opts o;
	struct att_err err = ATT_ERR_INIT;
	char word[] = "x";

	att_ignore(state != NULL);
	assert_non_null(argv);
	argv[0] = (char *)(uintptr_t) "attache";
	argv[1] = (char *)(uintptr_t) "exec";
	argv[2] = (char *)(uintptr_t) "web";
	for (size_t i = 3; i < N + 3; i++)
		argv[i] = word;
	att_opts_init(&o);
	assert_int_equal(att_opts_parse(&o, N + 3, argv, &err), 0);
	assert_int_equal(o.command.n, N);
	assert_ptr_equal(o.command.v[N - 1], word);
	assert_null(o.command.v[N]);
	att_opts_done(&o);
	free(argv);
}

/* ---- the tables ----------------------------------------------------------------------------- */

static void every_row_of_the_table_is_whole_and_alone(void **state)
{
	att_ignore(state != NULL);
	for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++) {
		const struct att_opt_spec *a = att_opt_spec(i);
		bool takes = a->kind != ATT_KIND_FLAG && a->kind != ATT_KIND_COUNT;

		assert_non_null(a->name);
		assert_non_null(a->help);
		assert_true(a->kind > 0 && a->kind < _ATT_KIND_MAX);
		assert_true((a->arg != NULL) == takes);
		assert_true(a->cmds > 1);
		assert_true(a->offset + sizeof(int32_t) <= sizeof(struct att_opts));
		for (enum att_opt j = i + 1; j < _ATT_OPT_MAX; j++) {
			assert_string_not_equal(a->name, att_opt_spec(j)->name);
			assert_false(a->letter && a->letter == att_opt_spec(j)->letter);
		}
	}
}

/* "--detach" is not in "--detach-keys". */
static bool names_option(const char *text, const char *option)
{
	char name[40];
	size_t len = (size_t)snprintf(name, sizeof(name), " --%s", option);

	for (const char *at = text; (at = strstr(at, name)); at += len)
		if (!strchr("abcdefghijklmnopqrstuvwxyz-", at[len]))
			return true;
	return false;
}

static void help_of_a_command_names_its_options_and_no_others(void **state)
{
	const struct att_look look = { .width = 80 };

	att_ignore(state != NULL);
	for (enum att_cmd cmd = 1; cmd < _ATT_CMD_MAX; cmd++) {
		_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;

		assert_int_equal(att_help_format(&text, &look, cmd), 0);
		for (enum att_opt i = 1; i < _ATT_OPT_MAX; i++) {
			const struct att_opt_spec *spec = att_opt_spec(i);

			assert_int_equal(names_option(text.data, spec->name),
			                 (spec->cmds & (1u << cmd)) != 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_word_has_its_own_name),
		cmocka_unit_test(an_unknown_word_is_named_and_the_nearest_one_offered),
		cmocka_unit_test(an_option_in_the_wrong_place_says_where_it_belongs),
		cmocka_unit_test(a_value_is_wanted_or_is_not),
		cmocka_unit_test(a_bad_value_is_named),
		cmocka_unit_test(a_bad_part_of_privileged_is_named),
		cmocka_unit_test(a_bad_format_is_named_with_those_of_the_command),
		cmocka_unit_test(contradictions_are_refused_with_the_reason),
		cmocka_unit_test(an_error_keeps_what_was_read_before_it),
		cmocka_unit_test(words_after_the_target_are_the_command),
		cmocka_unit_test(a_dash_as_target_is_a_word),
		cmocka_unit_test(values_come_attached_or_as_the_next_word),
		cmocka_unit_test(a_value_may_look_like_an_option_or_hold_equal_signs),
		cmocka_unit_test(every_default_is_the_librarys),
		cmocka_unit_test(options_set_the_flags_of_the_request),
		cmocka_unit_test(values_reach_the_request),
		cmocka_unit_test(privileged_takes_parts_only_with_an_equal_sign),
		cmocka_unit_test(global_options_stand_before_or_after_the_command_word),
		cmocka_unit_test(every_command_has_its_default_format),
		cmocka_unit_test(help_and_version_end_the_reading),
		cmocka_unit_test(help_takes_a_command),
		cmocka_unit_test(a_command_of_many_words_keeps_them_all),
		cmocka_unit_test(every_row_of_the_table_is_whole_and_alone),
		cmocka_unit_test(help_of_a_command_names_its_options_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
