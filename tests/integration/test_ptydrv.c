/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pty driver tested by itself, on programs of the host's: what it makes, and what it notices. */
#include "harness/att_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/box.h"
#include "harness/cmd.h"
#include "harness/leak.h"
#include "harness/ptydrv.h"

static char probe_path[4096];

static int find_probe(void **state)
{
	(void)state;
	return cmd_find("ATTACHE_PROBE", "probe", probe_path, sizeof(probe_path)) == NULL;
}

static int remember(void **state)
{
	return leak_new((struct leak **)state, NULL) == 0 ? 0 : -1;
}

/* Every case leaves as many descriptors and children as it found. */
static int compare(void **state)
{
	_cleanup_leak_ struct leak *leak = *state;

	assert_no_leak(leak);
	return 0;
}

static void start_shell(const char *script, struct ptydrv_cmd how, struct ptydrv **ret)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	how.argv = argv;
	assert_zero(ptydrv_start(&how, ret));
}

static void start_probe(const char *verb, struct ptydrv_cmd how, struct ptydrv **ret)
{
	const char *const argv[] = { probe_path, verb, NULL };

	how.argv = argv;
	assert_zero(ptydrv_start(&how, ret));
}

static void run_shell(const char *script, struct ptydrv_cmd how, struct cmd_result *ret)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	start_shell(script, how, &d);
	assert_zero(ptydrv_wait(d, ret));
}

static void assert_foreground(const struct ptydrv *d, pid_t want)
{
	struct ttystate now;

	assert_zero(ptydrv_state(d, &now));
	assert_num(now.foreground, want);
}

/* ---- typing and reading ----------------------------------------------------------------------- */

static void what_is_typed_is_echoed_and_read(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	start_shell("echo go; read -r a; echo \"<$a>\"; exit 3", (struct ptydrv_cmd){ 0 }, &d);
	assert_expect(d, "go\r\n");
	assert_zero(ptydrv_type(d, "word\r"));
	assert_expect(d, "word\r\n<word>\r\n");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 3);
	assert_string_equal(r.out, "go\r\nword\r\n<word>\r\n");
	assert_string_equal(r.err, "");
	assert_false(r.held_open);
}

static void each_text_is_looked_for_behind_the_last_one(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	(void)state;
	start_shell("echo one two", (struct ptydrv_cmd){ 0 }, &d);
	assert_expect(d, "two");
	assert_num(ptydrv_expect(d, PTYDRV_SCREEN, "one"), -ENODATA);
	assert_string_equal(ptydrv_shown(d, PTYDRV_SCREEN), "\\r\\n");
}

static void a_text_that_does_not_come_times_out_and_what_came_is_shown(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	(void)state;
	start_shell("printf 'go a\\033[1m\\\\b'; read -r x", (struct ptydrv_cmd){ 0 }, &d);
	assert_expect(d, "go ");
	assert_num(ptydrv_expect_within(d, PTYDRV_SCREEN, "never", 200), -ETIMEDOUT);
	assert_string_equal(ptydrv_shown(d, PTYDRV_SCREEN), "a\\x1b[1m\\\\b");
	/* It was no loss: what came is still there to be found. */
	assert_expect(d, "\\b");
}

static void a_program_that_does_not_end_is_killed_at_the_deadline(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_shell("trap '' HUP INT TERM; echo on; while :; do read -r x; done",
	          (struct ptydrv_cmd){ .timeout_ms = 1000 }, &r);
	assert_true(r.hung);
	assert_num(r.code, -1);
	assert_string_equal(r.out, "on\r\n");
}

static void a_program_that_cannot_be_executed_is_an_error_of_the_start(void **state)
{
	const char *const argv[] = { "/nonexistent/program", NULL };
	const struct ptydrv_cmd how = { .argv = argv };
	struct ptydrv *d = NULL;

	(void)state;
	assert_num(ptydrv_start(&how, &d), -ENOENT);
	assert_null(d);
}

static void more_than_the_limit_is_an_error(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	/* Not before it is asked to, or the start would fail of it. */
	start_shell("read -r x; head -c 20000 /dev/zero", (struct ptydrv_cmd){ .max_bytes = 4096 },
	            &d);
	assert_zero(ptydrv_type(d, "\r"));
	assert_num(ptydrv_wait(d, &r), -EFBIG);
}

static void a_program_that_dies_of_a_signal_says_which(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	(void)state;
	start_probe("waitsig", (struct ptydrv_cmd){ 0 }, &d);
	assert_expect(d, "ready");
	assert_zero(ptydrv_signal(d, SIGUSR1));
	assert_expect(d, "USR1");
	assert_zero(ptydrv_signal(d, SIGKILL));
	assert_zero(ptydrv_wait(d, &r));
	assert_killed(&r, SIGKILL);
	assert_num(ptydrv_signal(d, SIGUSR1), -ESRCH);
}

static void a_key_of_the_terminal_becomes_a_signal(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	(void)state;
	start_shell("echo go; exec cat", (struct ptydrv_cmd){ .mode = PTYDRV_FOREGROUND }, &d);
	assert_expect(d, "go");
	assert_zero(ptydrv_type(d, "\003"));
	assert_zero(ptydrv_wait(d, &r));
	assert_killed(&r, SIGINT);
}

/* ---- slow readers ----------------------------------------------------------------------------- */

static void a_reader_that_stops_makes_the_program_wait(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const struct ptydrv_cmd how = { .stdio = { PTYDRV_TTY, PTYDRV_TTY, PTYDRV_PIPE } };
	size_t len = 0;

	(void)state;
	start_shell("read -r x; echo begun >&2; head -c 1000000 /dev/zero; echo done >&2", how, &d);
	ptydrv_pause(d, true);
	assert_zero(ptydrv_type(d, "\r"));
	assert_expect_from(d, PTYDRV_STDERR, "begun");
	assert_num(ptydrv_expect_within(d, PTYDRV_STDERR, "done", 300), -ETIMEDOUT);
	att_ignore(ptydrv_said(d, PTYDRV_SCREEN, &len) != NULL);
	assert_num(len, 0);
	ptydrv_pause(d, false);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.err, "begun\ndone\n");
	assert_num(r.out_len, 1000000 + 2); /* the echo of the return key */
}

static void a_reader_that_stutters_gets_every_byte(void **state)
{
	enum {
		LEN = 300000
	};
	char *bytes = test_malloc(LEN);
	const char *const argv[] = { probe_path, "gen", "300000", "7", NULL };
	struct ptydrv_cmd how = { .argv = argv };
	struct termios raw = { .c_cflag = CS8 | CREAD };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	how.termios = &raw;
	assert_zero(ptydrv_start(&how, &d));
	ptydrv_stutter(d, 42);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	cmd_gen(bytes, LEN, 7);
	assert_num(r.out_len, LEN);
	assert_memory_equal(r.out, bytes, LEN);
	test_free(bytes);
}

/* ---- size and state --------------------------------------------------------------------------- */

static void the_size_is_as_asked_and_a_change_is_a_signal(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_FOREGROUND, .rows = 30, .cols = 100 };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	start_shell(
		"stty size; trap 'stty size; exit 4' WINCH; echo go; while :; do read -r x; done",
		how, &d);
	assert_expect(d, "30 100\r\n");
	assert_expect(d, "go");
	assert_zero(ptydrv_resize(d, 50, 132));
	/* dash runs its trap once the read is over. */
	assert_zero(ptydrv_type(d, "\r"));
	assert_expect(d, "50 132\r\n");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 4);
}

static void the_state_before_is_the_state_behind_a_program_that_changes_nothing(void **state)
{
	static const enum ptydrv_mode modes[] = { PTYDRV_LEADER, PTYDRV_FOREGROUND,
		                                  PTYDRV_BACKGROUND, PTYDRV_NO_CTTY };

	(void)state;
	for (size_t i = 0; i < countof(modes); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		struct ttystate after;

		start_shell("echo hello", (struct ptydrv_cmd){ .mode = modes[i] }, &d);
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 0);
		assert_string_equal(r.out, "hello\r\n");
		assert_zero(ptydrv_state(d, &after));
		assert_terminal(ptydrv_before(d), &after);
	}
}

/* Else a test that looks whether a program puts the terminal back could not fail. */
static void what_a_program_leaves_changed_is_seen_by_name(void **state)
{
	static const enum ptydrv_mode modes[] = { PTYDRV_LEADER, PTYDRV_FOREGROUND,
		                                  PTYDRV_NO_CTTY };

	(void)state;
	for (size_t i = 0; i < countof(modes); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		_cleanup_free_ char *diff = NULL;
		struct ttystate after;

		start_shell("stty -echo -icrnl -opost tab3 intr ^T rows 5",
		            (struct ptydrv_cmd){ .mode = modes[i] }, &d);
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 0);
		assert_zero(ptydrv_state(d, &after));
		assert_num(ttystate_compare(ptydrv_before(d), &after, &diff), 6);
		assert_string_equal(diff, "~ iflag icrnl: was on, is off\n"
		                          "~ oflag opost: was on, is off\n"
		                          "~ lflag echo: was on, is off\n"
		                          "~ oflag other bits: was 0, is 1800\n"
		                          "~ cc intr: was 3, is 20\n"
		                          "~ size: was 24x80, is 5x80\n");
	}
}

static void a_terminal_starts_with_the_modes_that_are_asked_for(void **state)
{
	struct termios raw = { .c_cflag = CS8 | CREAD | B38400 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_shell("echo a", (struct ptydrv_cmd){ .termios = &raw }, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "a\n");
}

/* ---- sessions and job control ------------------------------------------------------------------- */

static void a_leader_has_the_terminal_and_without_one_it_has_none(void **state)
{
	_cleanup_cmd_result_ struct cmd_result with = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result without = CMD_RESULT_INIT;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_ptydrv_ struct ptydrv *e = NULL;

	(void)state;
	start_probe("tty", (struct ptydrv_cmd){ 0 }, &d);
	assert_zero(ptydrv_wait(d, &with));
	assert_string_equal(with.out, "open=ok\r\nstdin=1\r\nstdout=1\r\nstderr=1\r\n");
	start_probe("tty", (struct ptydrv_cmd){ .mode = PTYDRV_NO_CTTY }, &e);
	assert_zero(ptydrv_wait(e, &without));
	assert_string_equal(without.out, "open=ENXIO\r\nstdin=1\r\nstdout=1\r\nstderr=1\r\n");
}

static void a_program_in_the_foreground_stops_and_goes_on(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int sig = 0;

	(void)state;
	start_shell("echo go; exec cat", (struct ptydrv_cmd){ .mode = PTYDRV_FOREGROUND }, &d);
	assert_expect(d, "go");
	assert_foreground(d, ptydrv_pid(d));
	assert_zero(ptydrv_type(d, "\032")); /* ^Z */
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGTSTP);
	assert_foreground(d, ptydrv_before(d)->foreground);
	assert_zero(ptydrv_foreground(d));
	assert_zero(ptydrv_await_continue(d));
	assert_foreground(d, ptydrv_pid(d));
	assert_zero(ptydrv_type(d, "back\r"));
	assert_expect(d, "back\r\nback\r\n");
	assert_zero(ptydrv_type(d, "\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_foreground(d, ptydrv_before(d)->foreground);
}

static void a_program_in_the_background_that_reads_is_stopped(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int sig = 0;

	(void)state;
	start_shell("exec cat", (struct ptydrv_cmd){ .mode = PTYDRV_BACKGROUND }, &d);
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGTTIN);
	/* As it is after `bg`: it reads again, and is stopped again. */
	assert_zero(ptydrv_background(d));
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGTTIN);
	assert_zero(ptydrv_foreground(d));
	assert_zero(ptydrv_type(d, "x\r\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "x\r\nx\r\n");
}

static void a_program_that_ends_instead_of_stopping_is_no_stop(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	int sig = 0;

	(void)state;
	start_shell("exit 0", (struct ptydrv_cmd){ .mode = PTYDRV_FOREGROUND }, &d);
	assert_num(ptydrv_await_stop(d, &sig), -ENODATA);
	assert_num(ptydrv_foreground(d), -ESRCH);
}

static void job_control_needs_a_shell(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	(void)state;
	start_shell("read -r x", (struct ptydrv_cmd){ 0 }, &d);
	assert_foreground(d, ptydrv_pid(d));
	assert_num(ptydrv_background(d), -EINVAL);
}

/* ---- hanging up and freeing --------------------------------------------------------------------- */

static void a_hangup_is_a_signal_to_a_leader_and_to_a_job(void **state)
{
	static const enum ptydrv_mode modes[] = { PTYDRV_LEADER, PTYDRV_FOREGROUND,
		                                  PTYDRV_BACKGROUND };

	(void)state;
	for (size_t i = 0; i < countof(modes); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		start_shell("echo go; exec sleep 60", (struct ptydrv_cmd){ .mode = modes[i] }, &d);
		assert_expect(d, "go");
		ptydrv_hangup(d);
		assert_zero(ptydrv_wait(d, &r));
		assert_killed(&r, SIGHUP);
		assert_num(ptydrv_type(d, "x"), -EPIPE);
	}
}

static void a_hangup_of_a_terminal_that_controls_nobody_is_an_end_of_file(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	start_shell("echo go; read -r x; exit 9", (struct ptydrv_cmd){ .mode = PTYDRV_NO_CTTY },
	            &d);
	assert_expect(d, "go");
	ptydrv_hangup(d);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 9);
}

static bool is_alive(pid_t pid)
{
	return kill(pid, 0) == 0;
}

static void a_freed_driver_ends_what_it_started(void **state)
{
	static const enum ptydrv_mode modes[] = { PTYDRV_LEADER, PTYDRV_FOREGROUND,
		                                  PTYDRV_BACKGROUND, PTYDRV_NO_CTTY };

	(void)state;
	for (size_t i = 0; i < countof(modes); i++) {
		struct ptydrv *d = NULL;
		pid_t pid = 0;

		start_shell("trap '' HUP INT TERM; echo go; while :; do sleep 1; done",
		            (struct ptydrv_cmd){ .mode = modes[i] }, &d);
		pid = ptydrv_pid(d);
		assert_true(is_alive(pid));
		d = ptydrv_free(d);
		assert_null(d);
		assert_false(is_alive(pid));
	}
}

static void a_terminal_that_is_held_open_is_told_from_a_clean_end(void **state)
{
	const char *const argv[] = { probe_path, "daemon", "1.5", NULL };
	const struct ptydrv_cmd how = { .argv = argv };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_zero(ptydrv_start(&how, &d));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_true(r.held_open);
}

/* ---- the three descriptors ---------------------------------------------------------------------- */

/* How the name of a descriptor of this kind begins in /proc/PID/fd. */
static const char *const kind_names[] = {
	[PTYDRV_TTY] = "/dev/pts/",  [PTYDRV_PIPE] = "pipe:[", [PTYDRV_FD] = "/tmp/",
	[PTYDRV_NULL] = "/dev/null", [PTYDRV_CLOSED] = "",
};

/* Return: @buf, "" when there is no such descriptor. */
static const char *name_of(pid_t pid, int fd, char *buf, size_t cap)
{
	char path[64];
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	n = readlink(path, buf, cap - 1);
	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

static int count_fds(pid_t pid)
{
	char path[64];
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);

	DIR *dir = opendir(path);

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void assert_kinds(pid_t pid, const enum ptydrv_kind kinds[3])
{
	int n = 0;

	for (int i = 0; i < 3; i++) {
		const char *want = kind_names[kinds[i]];
		char name[256];

		n += kinds[i] != PTYDRV_CLOSED;
		if (want[0] == '\0')
			assert_string_equal(name_of(pid, i, name, sizeof(name)), "");
		else
			assert_has(name_of(pid, i, name, sizeof(name)), want);
	}
	assert_num(count_fds(pid), n);
}

static void start_kinds(const enum ptydrv_kind kinds[3])
{
	_cleanup_close_ int file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const char *const argv[] = { probe_path, "sleep", "60", NULL };
	const struct ptydrv_cmd how = { .argv = argv,
		                        .stdio = { kinds[0], kinds[1], kinds[2] },
		                        .fds = { file, file, file } };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	assert_true(file >= 0);
	assert_zero(ptydrv_start(&how, &d));
	assert_kinds(ptydrv_pid(d), kinds);
}

static void each_descriptor_may_be_of_each_kind(void **state)
{
	enum {
		N = countof(kind_names)
	};

	(void)state;
	for (unsigned int i = 0; i < N * N * N; i++) {
		const enum ptydrv_kind kinds[] = { (enum ptydrv_kind)(i % N),
			                           (enum ptydrv_kind)(i / N % N),
			                           (enum ptydrv_kind)(i / N / N) };

		start_kinds(kinds);
	}
}

static void pipes_and_the_terminal_are_kept_apart(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_FOREGROUND,
		                        .stdio = { PTYDRV_PIPE, PTYDRV_PIPE, PTYDRV_PIPE } };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	size_t len = 0;

	(void)state;
	start_shell("read -r a; echo out$a; echo err >&2; echo tty >/dev/tty; cat", how, &d);
	assert_zero(ptydrv_feed(d, "1\n2\n", 4));
	assert_expect_from(d, PTYDRV_STDOUT, "out1\n2\n");
	assert_expect_from(d, PTYDRV_STDERR, "err\n");
	assert_expect(d, "tty\r\n");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "out1\n2\n");
	assert_string_equal(r.err, "err\n");
	assert_string_equal(ptydrv_said(d, PTYDRV_SCREEN, &len), "tty\r\n");
}

static void an_empty_pipe_is_not_mistaken_for_the_terminal(void **state)
{
	const struct ptydrv_cmd how = { .stdio = { PTYDRV_TTY, PTYDRV_PIPE, PTYDRV_TTY } };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_shell("echo shown >&2", how, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "");
}

static void a_pipe_that_nobody_reads_is_an_error(void **state)
{
	const struct ptydrv_cmd how = { .stdio = { PTYDRV_PIPE, PTYDRV_TTY, PTYDRV_TTY } };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	(void)state;
	start_shell("exec <&-; echo closed; read -r x </dev/tty", how, &d);
	assert_expect(d, "closed");
	assert_num(ptydrv_feed(d, "x", 1), -EPIPE);
}

static int ignore_usr1(void *data)
{
	(void)data;
	return signal(SIGUSR1, SIG_IGN) == SIG_ERR ? errno : 0;
}

static void a_program_gets_its_environment_directory_and_setup(void **state)
{
	const char *const argv[] = { probe_path, "record", NULL };
	const char *const env[] = { "A=1", NULL };
	const struct ptydrv_cmd how = {
		.argv = argv, .env = env, .cwd = "/usr", .setup = ignore_usr1
	};
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_zero(ptydrv_start(&how, &d));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_has(r.out, "\nenv.A=1\r\n");
	assert_null(strstr(r.out, "\nenv.PATH="));
	assert_has(r.out, "\ncwd=/usr\r\n");
	assert_has(r.out, "\nsignals.ignored=0000000000000200\r\n");
	assert_has(r.out, "\nsignals.blocked=0000000000000000\r\n");
}

/* ---- a real one ------------------------------------------------------------------------------- */

static void lxc_attach_makes_the_terminal_raw_and_puts_it_back(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_free_ char *diff = NULL;
	struct ttystate during;
	struct ttystate after;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "pty"));
	assert_zero(box_start(box));

	const char *const argv[] = {
		"lxc-attach", "-P",          box_lxcpath(box),
		"-n",         box_name(box), "--",
		"/bin/sh",    "-c",          "echo go; read -r x; stty size; exit 5",
		NULL
	};
	const struct ptydrv_cmd how = { .argv = argv, .mode = PTYDRV_FOREGROUND };

	assert_zero(ptydrv_start(&how, &d));
	assert_expect(d, "go");
	assert_zero(ptydrv_state(d, &during));
	assert_true(ttystate_compare(ptydrv_before(d), &during, &diff) > 2);
	assert_has(diff, "~ lflag icanon: was on, is off\n");
	assert_zero(ptydrv_resize(d, 40, 120));
	assert_zero(ptydrv_type(d, "\r"));
	assert_expect(d, "40 120");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 5);
	assert_zero(ptydrv_resize(d, 24, 80));
	assert_zero(ptydrv_state(d, &after));
	assert_terminal(ptydrv_before(d), &after);
}

#define ptydrv_test(f) cmocka_unit_test_setup_teardown(f, remember, compare)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ptydrv_test(what_is_typed_is_echoed_and_read),
		ptydrv_test(each_text_is_looked_for_behind_the_last_one),
		ptydrv_test(a_text_that_does_not_come_times_out_and_what_came_is_shown),
		ptydrv_test(a_program_that_does_not_end_is_killed_at_the_deadline),
		ptydrv_test(a_program_that_cannot_be_executed_is_an_error_of_the_start),
		ptydrv_test(more_than_the_limit_is_an_error),
		ptydrv_test(a_program_that_dies_of_a_signal_says_which),
		ptydrv_test(a_key_of_the_terminal_becomes_a_signal),
		ptydrv_test(a_reader_that_stops_makes_the_program_wait),
		ptydrv_test(a_reader_that_stutters_gets_every_byte),
		ptydrv_test(the_size_is_as_asked_and_a_change_is_a_signal),
		ptydrv_test(the_state_before_is_the_state_behind_a_program_that_changes_nothing),
		ptydrv_test(what_a_program_leaves_changed_is_seen_by_name),
		ptydrv_test(a_terminal_starts_with_the_modes_that_are_asked_for),
		ptydrv_test(a_leader_has_the_terminal_and_without_one_it_has_none),
		ptydrv_test(a_program_in_the_foreground_stops_and_goes_on),
		ptydrv_test(a_program_in_the_background_that_reads_is_stopped),
		ptydrv_test(a_program_that_ends_instead_of_stopping_is_no_stop),
		ptydrv_test(job_control_needs_a_shell),
		ptydrv_test(a_hangup_is_a_signal_to_a_leader_and_to_a_job),
		ptydrv_test(a_hangup_of_a_terminal_that_controls_nobody_is_an_end_of_file),
		ptydrv_test(a_freed_driver_ends_what_it_started),
		ptydrv_test(a_terminal_that_is_held_open_is_told_from_a_clean_end),
		ptydrv_test(each_descriptor_may_be_of_each_kind),
		ptydrv_test(pipes_and_the_terminal_are_kept_apart),
		ptydrv_test(an_empty_pipe_is_not_mistaken_for_the_terminal),
		ptydrv_test(a_pipe_that_nobody_reads_is_an_error),
		ptydrv_test(a_program_gets_its_environment_directory_and_setup),
		cmocka_unit_test(lxc_attach_makes_the_terminal_raw_and_puts_it_back),
	};

	return cmocka_run_group_tests_name("ptydrv", tests, find_probe, NULL);
}
