/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a hostile job gets out of its caller: descriptors, keys, rights, and the caller's terminal,
 * into which it would type for the caller.
 */
#include "hostile/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/ptydrv.h"

static int open_privileged(void **state)
{
	return hostile_open(state, BOX_PRIVILEGED, "caller");
}

static int open_idmapped(void **state)
{
	return hostile_open(state, BOX_IDMAPPED, "caller");
}

/* ---- loot ---- */

#define LOOT "/attacker", "loot", hostile_secret(f), hostile_secret_path(f)

/*
 * The attack: the job itself is the attacker's. The caller has the host's root open at 3 to 20, a
 * secret in its environment and one in its keyring, inheritable and ambient capabilities, ignored
 * and blocked signals and an odd umask; and, in the last runs, hands over a directory as stdin.
 * (The whole record of such jobs is compared in tests/integration/test_exec_record.c.)
 */
static void a_job_finds_nothing_of_its_caller_s(void **state)
{
	const struct fixture *f = *state;
	const char *const *const ways[] = {
		WORDS("exec", "@", LOOT),
		WORDS("exec", "-u", "alice", "@", LOOT),
		WORDS("exec", "-t", "@", LOOT),
		WORDS("exec", "--io", "direct", "@", LOOT),
		WORDS("exec", "--privileged=cgroup,nnp,lsm", "@", LOOT),
	};
	struct hostile_caller caller;

	hostile_caller(&caller);
	for (size_t i = 0; i < countof(ways); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(f, ways[i], &caller.how, &r);
		assert_exit(&r, 0);
		assert_nothing_won(&r);
	}
	hostile_caller_done(&caller);
}

static void a_directory_as_input_does_not_reach_the_job(void **state)
{
	static const int flags[] = { O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY };
	static const char *const ios[] = { "relay", "direct" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(flags); i++)
		for (size_t io = 0; io < countof(ios); io++) {
			_cleanup_close_ int fd = open("/", flags[i] | O_CLOEXEC);
			const struct cmd how = { .in = CMD_STDIN_FD, .stdin_fd = fd };
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_run(f, WORDS("exec", "--io", ios[io], "@", LOOT), &how, &r);
			assert_refused(&r, 125, box_name(f->box), "InvalidArgument", "directory");
		}
}

static void a_job_of_a_naive_launcher_finds_all_of_it(void **state)
{
	static const char *const loot[] = { "descriptor", "number",  "environment", "keyring",
		                            "ignored",    "blocked", "umask",       "session" };
	const struct fixture *f = *state;
	struct hostile_caller caller;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result d = CMD_RESULT_INIT;

	hostile_caller(&caller);
	naive_run(f, WORDS("@", LOOT), &caller.how, &r);
	for (size_t i = 0; i < countof(loot); i++)
		assert_won(&r, loot[i]);
	/* Entering a user namespace clears both sets. */
	if (box_host_id(f->box, 0) == 0) {
		assert_won(&r, "inheritable");
		assert_won(&r, "ambient");
	}

	const struct cmd how = { .in = CMD_STDIN_FD, .stdin_fd = caller.root_fd };

	naive_run(f, WORDS("@", LOOT), &how, &d);
	assert_won(&d, "descriptor");
	hostile_caller_done(&caller);
}

/* ---- the caller's terminal ---- */

/* As a user's shell: it runs a command, then reads the next line that was typed. */
#define SHELL "\"$@\"; echo back; IFS= read -r line; echo \"typed: <$line>\""

static void start_shell(const char *const *argv, enum ptydrv_kind out, struct ptydrv **ret)
{
	const char *words[32] = { "sh", "-c", SHELL, "sh" };
	const struct ptydrv_cmd cmd = { .argv = words,
		                        .stdio = { 0, out, out },
		                        .timeout_ms = 10000 };

	for (size_t i = 0; argv[i] != NULL; i++) {
		assert_true(i < 26);
		words[4 + i] = argv[i];
	}
	assert_zero(ptydrv_start(&cmd, ret));
}

/* @later: wait this long before the caller types. */
static void assert_typed(const char *const *argv, int later_ms, const char *want)
{
	_cleanup_ptydrv_ struct ptydrv *tty = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	start_shell(argv, PTYDRV_TTY, &tty);
	assert_expect(tty, "back");
	if (later_ms > 0)
		att_ignore(ptydrv_expect_within(tty, PTYDRV_SCREEN, "stolen", later_ms));
	/* An attack that has come first is what the shell reads. */
	att_ignore(ptydrv_type(tty, "mine\r"));
	assert_expect(tty, "typed: <");
	assert_expect(tty, want);
	assert_zero(ptydrv_wait(tty, &r));
	assert_exit(&r, 0);
}

#define ATTACHE_WORDS f->program, "exec", "-P", box_lxcpath(f->box)

/* The attack: the job types a line into every terminal that it can reach, at once or a little later. */
static void a_job_cannot_type_for_its_caller(void **state)
{
	static const char *const modes[] = { "-t", "-T", "-n" };
	static const char *const delays[] = { "0", "300" };
	const struct fixture *f = *state;

	for (size_t m = 0; m < countof(modes); m++)
		for (size_t d = 0; d < countof(delays); d++)
			assert_typed(WORDS(ATTACHE_WORDS, modes[m], box_name(f->box), "/attacker",
			                   "inject", "stolen", delays[d]),
			             d == 0 ? 0 : 500, "mine>");
}

static void a_job_of_a_naive_launcher_types_for_its_caller(void **state)
{
	static const char *const delays[] = { "0", "300" };
	const struct fixture *f = *state;
	char program[PATH_MAX];
	char init[16];

	hostile_find("naive", program);
	snprintf(init, sizeof(init), "%d", box_init_pid(f->box));
	for (size_t d = 0; d < countof(delays); d++)
		assert_typed(WORDS(program, init, "/attacker", "inject", "stolen", delays[d]),
		             d == 0 ? 0 : 1000, "stolen>");
}

/*
 * The attack: the job asks the terminal questions and ends. The answers are the terminal's, but the
 * caller's shell would read them as typed. What comes before attache has given the terminal back
 * must not get there; what comes later no program can keep away.
 */
static void run_query(const char *const *argv, const char *want)
{
	_cleanup_ptydrv_ struct ptydrv *tty = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	start_shell(argv, PTYDRV_TTY, &tty);
	assert_expect(tty, "\033[6n");
	assert_zero(ptydrv_type(tty, "evil;1R\r"));
	assert_expect(tty, "back");
	att_ignore(ptydrv_type(tty, "mine\r"));
	assert_expect(tty, "typed: <");
	assert_expect(tty, want);
	assert_zero(ptydrv_wait(tty, &r));
}

static void answers_of_the_terminal_do_not_reach_the_caller_s_shell(void **state)
{
	const struct fixture *f = *state;
	char program[PATH_MAX];
	char init[16];

	run_query(WORDS(ATTACHE_WORDS, "-t", box_name(f->box), "/attacker", "query", "30", "300"),
	          "mine>");
	hostile_find("naive", program);
	snprintf(init, sizeof(init), "%d", box_init_pid(f->box));
	run_query(WORDS(program, init, "/attacker", "query", "30", "300"), "evil;1R>");
}

/* ---- what is shown ---- */

static void assert_shows_no_escape(const struct cmd_result *r)
{
	if (r->hung || memchr(r->err, '\033', r->err_len) != NULL ||
	    memchr(r->out, '\033', r->out_len) != NULL || memchr(r->err, '\r', r->err_len) != NULL)
		fail_msg("a terminal would obey: %s%s", r->out, r->err);
}

/*
 * The attack: names that the container chooses, for its host, its users, their homes and shells,
 * and that are shown in messages, plans and lists, hold what a terminal obeys.
 */
static void what_the_container_says_is_shown_escaped(void **state)
{
#define EVIL "\033]0;owned\007\033[31m"
	static const char passwd[] = "root:x:0:0:" EVIL ":/root" EVIL ":/bin/sh" EVIL "\n"
				     "evil:x:1234:1234::/" EVIL ":/bin/" EVIL "\n";
	const struct fixture *f = *state;
	const char *const *const ways[] = {
		WORDS("exec", "-v", "-v", "@", "true"),
		WORDS("exec", "-v", "-u", "evil", "@", "true"),
		WORDS("exec", "--dry-run", "-u", "evil", "@", "true"),
		WORDS("exec", "-i", "-u", "evil", "@"),
		WORDS("exec", "-u", "no" EVIL, "@", "true"),
		WORDS("exec", "-w", "/no" EVIL, "@", "true"),
		WORDS("exec", "@", "/no" EVIL),
		WORDS("exec", "no" EVIL, "true"),
		WORDS("inspect", "@"),
		WORDS("inspect", "--format", "json", "@"),
		WORDS("list", "--all"),
	};
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/no" EVIL, box_lxcpath(f->box));
	assert_zero(mkdir(path, 0755));
	assert_zero(box_write_file(f->box, "/etc/passwd", passwd, strlen(passwd), 0644));
	fixture_run(f, WORDS("exec", "@", "hostname", "a" EVIL), NULL, &r);
	assert_exit(&r, 0);
	for (size_t i = 0; i < countof(ways); i++) {
		fixture_run(f, ways[i], NULL, &r);
		assert_shows_no_escape(&r);
	}
	naive_run(f, WORDS("-v", "@", "true"), NULL, &r);
	assert_has(r.err, EVIL);
	fixture_run(f, WORDS("exec", "@", "hostname", "tame"), NULL, &r);
	assert_zero(rmdir(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(a_job_finds_nothing_of_its_caller_s),
		fixture_test(a_directory_as_input_does_not_reach_the_job),
		fixture_test(a_job_of_a_naive_launcher_finds_all_of_it),
		fixture_test(a_job_cannot_type_for_its_caller),
		fixture_test(a_job_of_a_naive_launcher_types_for_its_caller),
		fixture_test(answers_of_the_terminal_do_not_reach_the_caller_s_shell),
		fixture_test(what_the_container_says_is_shown_escaped),
	};
	int failed = cmocka_run_group_tests_name("hostile caller, privileged", tests,
	                                         open_privileged, fixture_close);

	return failed + cmocka_run_group_tests_name("hostile caller, idmapped", tests,
	                                            open_idmapped, fixture_close);
}
