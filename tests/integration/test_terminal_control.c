/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attache under a shell: stopped, continued, in the background; and what is typed for itself. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

static const enum ptydrv_mode shells[] = { PTYDRV_FOREGROUND, PTYDRV_LEADER };

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "ttyctl");
}

static int open_pure_v2(void **state)
{
	return fixture_open(state, BOX_PURE_V2, "ttyctl");
}

static void assert_back(const struct ptydrv *d)
{
	struct ttystate after;

	assert_zero(ptydrv_state(d, &after));
	assert_terminal(ptydrv_before(d), &after);
}

static void assert_raw(const struct ptydrv *d, bool want)
{
	struct ttystate now;

	assert_zero(ptydrv_state(d, &now));
	assert_num((now.termios.c_lflag & ICANON) == 0, want);
}

static void await_raw(const struct ptydrv *d)
{
	for (int i = 0; i < 250; i++) {
		struct ttystate now;

		assert_zero(ptydrv_state(d, &now));
		if ((now.termios.c_lflag & ICANON) == 0)
			return;
		usleep(20000);
	}
	assert_raw(d, true);
}

static void start_keys(const struct fixture *f, const char *const *options, enum ptydrv_mode mode,
                       struct ptydrv **ret)
{
	const struct ptydrv_cmd how = { .mode = mode };

	fixture_pty(f, WORDS("exec", options[0], options[1], "@", "/probe", "keys"), &how, ret);
	/* In the background the shell's terminal has its own line ends. */
	assert_expect(*ret, "ready\r");
	assert_expect(*ret, "\n");
}

static void assert_echoes(struct ptydrv *d, const char *word)
{
	char typed[32];
	char want[64];

	snprintf(typed, sizeof(typed), "%s\r", word);
	snprintf(want, sizeof(want), "%s\r\n%s\r\n", word, word);
	assert_zero(ptydrv_type(d, typed));
	assert_expect(d, want);
}

static void end_keys(struct ptydrv *d)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(ptydrv_type(d, "\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_back(d);
}

#define PLAIN WORDS("-e", "A=1")
#define TILDE WORDS("--escape", "~")

/* ---- stop and continue --------------------------------------------------------------------------- */

static void a_stop_gives_the_terminal_to_the_shell_and_fg_takes_it_again(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	int sig = 0;

	start_keys(*state, PLAIN, PTYDRV_FOREGROUND, &d);
	for (int i = 0; i < 3; i++) {
		assert_raw(d, true);
		assert_zero(ptydrv_signal(d, SIGTSTP));
		assert_zero(ptydrv_await_stop(d, &sig));
		assert_num(sig, SIGTSTP);
		assert_back(d);
		assert_zero(ptydrv_foreground(d));
		assert_zero(ptydrv_await_continue(d));
		await_raw(d);
		assert_echoes(d, "again");
	}
	end_keys(d);
}

static void a_stop_in_the_background_leaves_the_terminal_to_the_shell(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	int sig = 0;

	start_keys(*state, PLAIN, PTYDRV_FOREGROUND, &d);
	assert_zero(ptydrv_signal(d, SIGTSTP));
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_zero(ptydrv_background(d));
	assert_zero(ptydrv_await_continue(d));
	assert_num(ptydrv_expect_within(d, PTYDRV_SCREEN, "nothing", 300), -ETIMEDOUT);
	assert_back(d);
	assert_zero(ptydrv_foreground(d));
	await_raw(d);
	assert_echoes(d, "again");
	end_keys(d);
}

/* Nobody can do anything at that time; afterwards it is as it was. */
static void a_stop_that_cannot_be_caught_is_lived_through(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	int sig = 0;

	start_keys(*state, PLAIN, PTYDRV_FOREGROUND, &d);
	assert_zero(ptydrv_signal(d, SIGSTOP));
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGSTOP);
	assert_zero(ptydrv_foreground(d));
	assert_zero(ptydrv_await_continue(d));
	await_raw(d);
	assert_echoes(d, "again");
	end_keys(d);
}

static void without_a_shell_there_is_no_stop(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	start_keys(*state, PLAIN, PTYDRV_LEADER, &d);
	assert_zero(ptydrv_signal(d, SIGTSTP));
	assert_echoes(d, "goes on");
	await_raw(d);
	end_keys(d);
}

static void the_suspend_key_is_the_jobs(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const struct ptydrv_cmd how = { .mode = PTYDRV_FOREGROUND };

	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "trap 'echo stopped; exit 9' TSTP; echo ready; "
	                  "while :; do sleep 0.1; done"),
	            &how, &d);
	assert_expect(d, "ready");
	assert_zero(ptydrv_type(d, "\032"));
	assert_expect(d, "stopped");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 9);
	assert_back(d);
}

/* ---- in the background ----------------------------------------------------------------------------- */

static void in_the_background_output_shows_and_the_terminal_is_the_shells(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	int sig = 0;

	/* It reads all the time, which must neither stop nor end it. */
	start_keys(*state, PLAIN, PTYDRV_BACKGROUND, &d);
	assert_back(d);
	assert_num(ptydrv_expect_within(d, PTYDRV_SCREEN, "nothing", 300), -ETIMEDOUT);
	assert_back(d);
	assert_zero(ptydrv_foreground(d));
	await_raw(d);
	assert_echoes(d, "here");
	assert_zero(ptydrv_signal(d, SIGTSTP));
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGTSTP);
	assert_zero(ptydrv_foreground(d));
	await_raw(d);
	end_keys(d);
}

static void in_the_background_it_ends_without_touching_the_terminal(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_BACKGROUND };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state, WORDS("exec", "@", "sh", "-c", "echo one; sleep 0.2; echo two; exit 7"),
	            &how, &d);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 7);
	assert_has(r.out, "one");
	assert_has(r.out, "two");
	assert_back(d);
}

/* ---- the escape character --------------------------------------------------------------------------- */

static void the_escape_hangs_up(void **state)
{
	for (size_t i = 0; i < countof(shells); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		start_keys(*state, TILDE, shells[i], &d);
		assert_zero(ptydrv_type(d, "word\r~."));
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 128 + SIGHUP);
		assert_back(d);
	}
}

static void the_escape_suspends_and_helps_and_is_itself(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	int sig = 0;

	start_keys(*state, TILDE, PTYDRV_FOREGROUND, &d);
	assert_zero(ptydrv_type(d, "~?"));
	assert_expect(d, "suspend attache");
	assert_zero(ptydrv_type(d, "~\032"));
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGTSTP);
	assert_back(d);
	assert_zero(ptydrv_foreground(d));
	await_raw(d);
	assert_zero(ptydrv_type(d, "~~\r"));
	assert_expect(d, "~\r\n~\r\n");
	assert_zero(ptydrv_type(d, "a~.\r"));
	assert_expect(d, "a~.\r\na~.\r\n");
	end_keys(d);
}

static void a_job_that_reads_nothing_can_be_hung_up(void **state)
{
	static char x[20000];
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state,
	            WORDS("exec", "--escape", "~", "@", "sh", "-c",
	                  "stty raw -echo; echo ready; exec sleep 60"),
	            NULL, &d);
	assert_expect(d, "ready");
	memset(x, 'x', sizeof(x));
	x[sizeof(x) - 1] = '\r';
	assert_zero(ptydrv_type_bytes(d, x, sizeof(x)));
	assert_zero(ptydrv_type(d, "~."));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 128 + SIGHUP);
	assert_back(d);
}

#define MAX_CHILDREN 8

/* The job and the guardian. Return: how many there are. */
static size_t list_children(pid_t pid, pid_t ret[MAX_CHILDREN])
{
	char path[64];
	char text[256];
	char *p = text;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	for (long v = strtol(p, &p, 10); v > 0 && n < MAX_CHILDREN; v = strtol(p, &p, 10))
		ret[n++] = (pid_t)v;
	return n;
}

static void await_gone(const pid_t *pids, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < 250 && kill(pids[i], 0) == 0; k++)
			usleep(20000);
		assert_num(kill(pids[i], 0), -1);
	}
}

/* ---- leaving ------------------------------------------------------------------------------------------ */

static void a_job_that_is_left_goes_on_and_keeps_its_terminal(void **state)
{
	for (size_t i = 0; i < countof(shells); i++) {
		const struct fixture *f = *state;
		const struct ptydrv_cmd how = { .mode = shells[i] };
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		pid_t pids[MAX_CHILDREN];
		size_t n_pids = 0;
		char text[64];

		fixture_pty(
			f,
			WORDS("exec", "--detach-keys", "ctrl-p,ctrl-q", "@", "sh", "-c",
		              "echo ready; while [ ! -e /tmp/go ]; do echo more; sleep 0.1; done; "
		              "/probe spam 300000 1; tty >/tmp/tty; stty size >>/tmp/tty; "
		              "mv /tmp/tty /tmp/done"),
			&how, &d);
		assert_expect(d, "ready");
		n_pids = list_children(ptydrv_pid(d), pids);
		assert_num(n_pids, 2);
		assert_zero(ptydrv_type(d, "\020x\020\021"));
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 0);
		assert_false(r.held_open);
		assert_has(r.out, "left running: job ");
		assert_back(d);
		d = ptydrv_free(d);
		assert_false(fixture_in_box(f, "/tmp/done"));
		assert_zero(box_write_file(f->box, "/tmp/go", "", 0, 0644));
		for (int k = 0; k < 250 && !fixture_in_box(f, "/tmp/done"); k++)
			usleep(20000);
		await_gone(pids, n_pids);
		fixture_read(f, "/tmp/done", text, sizeof(text));
		assert_has(text, "/dev/pts/");
		assert_has(text, "\n24 80\n");
		fixture_remove(f, "/tmp/go");
		fixture_remove(f, "/tmp/done");
	}
}

#define COMMON \
	fixture_test(a_stop_gives_the_terminal_to_the_shell_and_fg_takes_it_again), \
		fixture_test(in_the_background_output_shows_and_the_terminal_is_the_shells), \
		fixture_test(the_escape_hangs_up), \
		fixture_test(a_job_that_is_left_goes_on_and_keeps_its_terminal)

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		COMMON,
		fixture_test(a_stop_in_the_background_leaves_the_terminal_to_the_shell),
		fixture_test(a_stop_that_cannot_be_caught_is_lived_through),
		fixture_test(without_a_shell_there_is_no_stop),
		fixture_test(the_suspend_key_is_the_jobs),
		fixture_test(in_the_background_it_ends_without_touching_the_terminal),
		fixture_test(the_escape_suspends_and_helps_and_is_itself),
		fixture_test(a_job_that_reads_nothing_can_be_hung_up),
	};
	const struct CMUnitTest pure_v2[] = { COMMON };

	return cmocka_run_group_tests_name("control of jobs, idmapped", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("control of jobs, pure v2", pure_v2, open_pure_v2,
	                                   fixture_close);
}
