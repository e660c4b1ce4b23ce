/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a job with a terminal: all that it wrote, its code, and nobody who is waited for. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "ttyend");
}

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "ttyend");
}

/* Longer than any of these runs should take, shorter than what would be waited for. */
#define SOON_MS 10000

/* ---- what is left in the background --------------------------------------------------------------- */

#define N_HELD 60

/* It keeps the terminal open, and does not go when that hangs up; a file ends it. */
#define HOLDER "while [ ! -e /tmp/stop ]; do sleep 0.2; done"

static void end_holders(const struct fixture *f)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(box_write_file(f->box, "/tmp/stop", "", 0, 0644));
	/* The guard waits for those that are still about to go. */
	fixture_run(f, WORDS("exec", "@", "sh", "-c", "sleep 0.7; rm /tmp/stop"), NULL, &r);
	assert_exit(&r, 0);
}

static void who_holds_the_terminal_in_the_background_is_not_waited_for(void **state)
{
	for (int i = 0; i < N_HELD; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty_run(*state,
		                WORDS("exec", "@", "sh", "-c",
		                      "(trap '' HUP INT TERM; " HOLDER
		                      ") & seq 1 50; echo last; exit 3"),
		                NULL, &r);
		assert_exit(&r, 3);
		assert_within(&r, SOON_MS);
		assert_has(r.out, "\r\n50\r\nlast\r\n");
		assert_num(r.out_len, 9 * 3 + 41 * 4 + 6);
	}
	end_holders(*state);
}

static void who_has_left_the_session_and_holds_it_is_not_waited_for(void **state)
{
	for (int i = 0; i < 10; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty_run(*state,
		                WORDS("exec", "@", "sh", "-c",
		                      "setsid sh -c '" HOLDER "' & echo last; exit 3"),
		                NULL, &r);
		assert_exit(&r, 3);
		assert_within(&r, SOON_MS);
		assert_string_equal(r.out, "last\r\n");
	}
	end_holders(*state);
}

static void who_floods_the_terminal_keeps_nobody_alive(void **state)
{
	static const char *const floods[] = {
		"(trap '' HUP; exec yes) & sleep 0.2; exit 4",
		"setsid yes & sleep 0.2; exit 4",
	};

	for (size_t i = 0; i < countof(floods); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty_run(*state, WORDS("exec", "@", "sh", "-c", floods[i]), NULL, &r);
		assert_exit(&r, 4);
		assert_within(&r, SOON_MS);
		assert_has(r.out, "y\r\ny\r\n");
	}
}

/* ---- what was written last ---------------------------------------------------------------------------- */

#define N_LAST 300

static void what_was_written_just_before_the_end_arrives(void **state)
{
	char want[4096];
	size_t len = 0;

	for (int i = 1; i <= 500; i++)
		len += (size_t)snprintf(want + len, sizeof(want) - len, "%d\r\n", i);
	for (int i = 0; i < N_LAST; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty_run(*state, WORDS("exec", "@", "seq", "1", "500"), NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, want);
	}
}

static void what_a_reader_has_not_read_yet_is_kept_for_it(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char facts[8];

	fixture_pty(
		*state,
		WORDS("exec", "@", "sh", "-c", "read -r x; seq 1 2000; echo end >/tmp/end; exit 6"),
		NULL, &d);
	ptydrv_pause(d, true);
	assert_zero(ptydrv_type(d, "\r"));
	/* All of it is in the buffers between, and the job is gone. */
	for (int i = 0; i < 100 && fixture_read(*state, "/tmp/end", facts, 8)[0] == '\0'; i++)
		usleep(50000);
	assert_string_equal(facts, "end\n");
	ptydrv_pause(d, false);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 6);
	assert_has(r.out, "\r\n1999\r\n2000\r\n");
	fixture_remove(*state, "/tmp/end");
}

/* ---- codes ------------------------------------------------------------------------------------------------ */

static void the_exit_code_is_the_commands(void **state)
{
	static const char *const codes[] = { "0", "1", "42", "124", "125", "126", "127", "255" };

	for (size_t i = 0; i < countof(codes); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty_run(*state, WORDS("exec", "@", "/probe", "exit", codes[i]), NULL, &r);
		assert_exit(&r, (int)strtol(codes[i], NULL, 10));
		assert_string_equal(r.out, "");
	}
}

static void a_signal_that_ends_the_command_is_told(void **state)
{
	static const struct {
		const char *name;
		int sig;
	} signals[] = { { "HUP", SIGHUP },   { "INT", SIGINT },   { "QUIT", SIGQUIT },
		        { "KILL", SIGKILL }, { "SEGV", SIGSEGV }, { "TERM", SIGTERM } };

	for (size_t i = 0; i < countof(signals); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty_run(*state, WORDS("exec", "@", "/probe", "kill", signals[i].name), NULL,
		                &r);
		assert_exit(&r, 128 + signals[i].sig);
		assert_string_equal(r.out, "");
	}
}

static void keys_that_make_signals_are_the_jobs(void **state)
{
	static const struct {
		const char *key;
		int sig;
	} keys[] = { { "\003", SIGINT }, { "\034", SIGQUIT } };

	for (size_t i = 0; i < countof(keys); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty(*state, WORDS("exec", "@", "/probe", "keys"), NULL, &d);
		assert_expect(d, "ready");
		assert_zero(ptydrv_type(d, keys[i].key));
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 128 + keys[i].sig);
	}
}

/* ---- time ------------------------------------------------------------------------------------------------- */

static void assert_terminal_is_back(const struct ptydrv *d)
{
	struct ttystate after;

	assert_zero(ptydrv_state(d, &after));
	assert_terminal(ptydrv_before(d), &after);
}

static void a_deadline_ends_a_job_with_a_terminal(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state,
	            WORDS("exec", "--timeout", "0.3s", "@", "sh", "-c", "echo go; exec sleep 60"),
	            NULL, &d);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 124);
	assert_within(&r, SOON_MS);
	assert_string_equal(r.out, "go\r\n");
	assert_terminal_is_back(d);
}

/* Else a terminal whose output somebody has stopped would make the deadline none. */
static void a_deadline_does_not_wait_for_a_reader(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state,
	            WORDS("exec", "--timeout", "0.5s", "--kill-after", "0.2s", "@", "sh", "-c",
	                  "trap '' TERM HUP; yes"),
	            NULL, &d);
	ptydrv_pause(d, true);
	assert_zero(ptydrv_wait(d, &r));
	assert_num(r.hung, 0);
	assert_num(r.code, 124);
	assert_terminal_is_back(d);
}

/* ---- the result ------------------------------------------------------------------------------------------- */

static int as_descriptor_five(void *data)
{
	int fd = open(data, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 || dup2(fd, 5) < 0 ? errno : 0;
}

static void the_result_counts_what_went_through_the_terminal(void **state)
{
	const struct fixture *f = *state;
	char path[128];
	char text[1024];

	snprintf(path, sizeof(path), "%s/status", f->dir);

	const struct ptydrv_cmd how = { .setup = as_descriptor_five, .setup_data = path };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty_run(
		f,
		WORDS("exec", "--status-fd", "5", "@", "sh", "-c", "echo /proc/self/fd/*; exit 3"),
		&how, &r);
	assert_exit(&r, 3);
	assert_string_equal(r.out,
	                    "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\r\n");
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	assert_has(text, "\"state\":\"exited\",\"exit_code\":3,");
	assert_has(text, "\"stdout_bytes\":65,");
}

#define COMMON \
	fixture_test(who_holds_the_terminal_in_the_background_is_not_waited_for), \
		fixture_test(who_has_left_the_session_and_holds_it_is_not_waited_for), \
		fixture_test(who_floods_the_terminal_keeps_nobody_alive), \
		fixture_test(a_deadline_ends_a_job_with_a_terminal)

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		COMMON,
		fixture_test(what_was_written_just_before_the_end_arrives),
		fixture_test(what_a_reader_has_not_read_yet_is_kept_for_it),
		fixture_test(the_exit_code_is_the_commands),
		fixture_test(a_signal_that_ends_the_command_is_told),
		fixture_test(keys_that_make_signals_are_the_jobs),
		fixture_test(a_deadline_does_not_wait_for_a_reader),
		fixture_test(the_result_counts_what_went_through_the_terminal),
	};
	const struct CMUnitTest privileged[] = { COMMON };

	return cmocka_run_group_tests_name("terminal's end, idmapped", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("terminal's end, privileged", privileged,
	                                   open_privileged, fixture_close);
}
