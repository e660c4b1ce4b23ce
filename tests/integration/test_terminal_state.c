/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller's terminal: as it was before, however attache ends. */
#include "harness/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static const enum ptydrv_mode modes[] = { PTYDRV_LEADER, PTYDRV_FOREGROUND, PTYDRV_NO_CTTY };

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "ttystate");
}

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "ttystate");
}

/* Another one than the default, so that a reset to usual modes is not taken for a restored state. */
static const struct termios *own_modes(void)
{
	static struct termios t = { .c_iflag = ICRNL | IXON | IXANY | IUTF8,
		                    .c_oflag = OPOST | ONLCR | TAB3,
		                    .c_cflag = CS8 | CREAD | HUPCL | B9600,
		                    .c_lflag = ISIG | ICANON | ECHO | ECHOK | IEXTEN };

	t.c_cc[VINTR] = 3;
	t.c_cc[VQUIT] = 28;
	t.c_cc[VSUSP] = 26;
	t.c_cc[VERASE] = '\b';
	t.c_cc[VEOF] = 4;
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 7;
	return &t;
}

/*
 * Whoever leads the session is the foreground as long as nobody else is made it, which is no change
 * of attache's: so is the end of it.
 */
static void assert_back(const struct ptydrv *d)
{
	struct ttystate after;

	assert_zero(ptydrv_state(d, &after));
	assert_terminal(ptydrv_before(d), &after);
}

/* The guardian of one that was killed gives it back a moment after its end. */
static void assert_soon_back(const struct ptydrv *d)
{
	for (int i = 0; i < 200; i++) {
		_cleanup_free_ char *diff = NULL;
		struct ttystate now;

		assert_zero(ptydrv_state(d, &now));
		if (ttystate_compare(ptydrv_before(d), &now, &diff) == 0)
			return;
		usleep(20000);
	}
	assert_back(d);
}

static void assert_raw(const struct ptydrv *d)
{
	struct ttystate now;

	assert_zero(ptydrv_state(d, &now));
	assert_num(now.termios.c_lflag & (ICANON | ECHO | ISIG), 0);
	assert_num(now.termios.c_oflag & OPOST, 0);
}

static void start_keys(const struct fixture *f, const char *option, enum ptydrv_mode mode,
                       struct ptydrv **ret)
{
	const struct ptydrv_cmd how = { .mode = mode, .termios = own_modes() };

	fixture_pty(f, WORDS("exec", option, "@", "/probe", "keys"), &how, ret);
	assert_expect(*ret, "ready");
	assert_raw(*ret);
}

/* ---- ends of the job's ------------------------------------------------------------------------------ */

static void a_normal_end_gives_the_terminal_back(void **state)
{
	for (size_t i = 0; i < countof(modes); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		start_keys(*state, "-t", modes[i], &d);
		assert_zero(ptydrv_type(d, "word\r\004"));
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 0);
		assert_string_equal(r.out, "ready\r\nword\r\nword\r\n");
		assert_back(d);
	}
}

/* What the job does to its own is not the caller's. */
static void a_job_that_leaves_its_terminal_raw_harms_nobody(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_FOREGROUND, .termios = own_modes() };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state, WORDS("exec", "@", "sh", "-c", "stty raw -echo rows 5; exit 4"), &how,
	            &d);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 4);
	assert_back(d);
}

static void an_error_before_the_start_leaves_the_terminal_alone(void **state)
{
	static const struct {
		const char *words[5];
		int code;
		const char *error;
	} errors[] = {
		{ { "-t", "@", "no-such-command" }, 127, "[CommandNotFound]\r\n" },
		{ { "-t", "@", "/etc/passwd" }, 126, "[CommandNotExecutable]\r\n" },
		{ { "--user=nosuchuser", "@", "true" }, 125, "[UserNotFound]\r\n" },
		{ { "--workdir=/nosuch", "@", "true" }, 125, "[WorkdirNotFound]\r\n" },
		{ { "-t", "nosuchcontainer", "true" }, 125, "[ContainerNotFound]\r\n" },
	};

	for (size_t i = 0; i < countof(errors); i++) {
		const struct ptydrv_cmd how = { .mode = PTYDRV_FOREGROUND, .termios = own_modes() };
		const char *const *w = errors[i].words;
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty(*state, WORDS("exec", w[0], w[1], w[2]), &how, &d);
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, errors[i].code);
		assert_has(r.out, errors[i].error);
		assert_back(d);
	}
}

/* ---- signals to attache ------------------------------------------------------------------------------ */

static void a_signal_that_ends_it_gives_the_terminal_back(void **state)
{
	static const struct {
		int sig;
		int code; /* -1: attache dies of it */
	} ends[] = {
		{ SIGTERM, 128 + SIGTERM },
		{ SIGHUP, 128 + SIGHUP },
		{ SIGINT, 128 + SIGINT },
		{ SIGQUIT, 128 + SIGQUIT },
		{ SIGUSR1, 128 + SIGUSR1 },
		{ SIGSEGV, -1 },
		{ SIGABRT, -1 },
		{ SIGALRM, -1 },
		{ SIGKILL, -1 },
	};

	for (size_t i = 0; i < countof(ends) * countof(modes); i++) {
		size_t which = i / countof(modes);
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		start_keys(*state, "-t", modes[i % countof(modes)], &d);
		assert_zero(ptydrv_signal(d, ends[which].sig));
		assert_zero(ptydrv_wait(d, &r));
		if (ends[which].code >= 0)
			assert_exit(&r, ends[which].code);
		else
			assert_killed(&r, ends[which].sig);
		assert_soon_back(d);
	}
}

static void keys_and_signals_that_end_nothing_change_nothing(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	start_keys(*state, "-t", PTYDRV_FOREGROUND, &d);
	assert_zero(ptydrv_signal(d, SIGWINCH));
	assert_zero(ptydrv_signal(d, SIGCONT));
	assert_zero(ptydrv_type(d, "a\r"));
	assert_expect(d, "a\r\na\r\n");
	assert_raw(d);
	assert_zero(ptydrv_type(d, "\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_back(d);
}

/* ---- the terminal goes away ---------------------------------------------------------------------------- */

static void a_hangup_of_the_callers_terminal_is_one_of_the_jobs(void **state)
{
	for (size_t i = 0; i < countof(modes); i++) {
		const struct ptydrv_cmd how = { .mode = modes[i] };
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty(*state,
		            WORDS("exec", "@", "sh", "-c",
		                  "trap 'echo hup >/tmp/hup; exit 8' HUP; echo ready; "
		                  "while :; do sleep 0.1; done"),
		            &how, &d);
		assert_expect(d, "ready");
		ptydrv_hangup(d);
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 8);
		assert_true(fixture_in_box(*state, "/tmp/hup"));
		fixture_remove(*state, "/tmp/hup");
	}
}

static void a_job_that_ignores_the_hangup_is_killed_in_time(void **state)
{
	for (size_t i = 0; i < countof(modes); i++) {
		const struct ptydrv_cmd how = { .mode = modes[i] };
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_pty(*state,
		            WORDS("exec", "--kill-after", "0.3s", "@", "sh", "-c",
		                  "trap '' HUP TERM; echo ready; while :; do sleep 1; done"),
		            &how, &d);
		assert_expect(d, "ready");
		ptydrv_hangup(d);
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 128 + SIGKILL);
	}
}

/* ---- the container goes away ------------------------------------------------------------------------------ */

static void a_container_that_is_frozen_and_thawed_is_waited_for(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	start_keys(f, "-t", PTYDRV_FOREGROUND, &d);
	assert_zero(box_freeze(f->box));
	assert_zero(ptydrv_type(d, "while frozen\r"));
	assert_raw(d);
	assert_zero(box_unfreeze(f->box));
	assert_expect(d, "while frozen\r\nwhile frozen\r\n");
	assert_zero(ptydrv_type(d, "\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_back(d);
}

/* Last of its group: the leak guard wants the container as it was. */
static void a_container_that_is_stopped_gives_the_terminal_back(void **state)
{
	struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	start_keys(f, "-t", PTYDRV_FOREGROUND, &d);
	box_stop(f->box);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 128 + SIGKILL);
	assert_back(d);
	d = ptydrv_free(d);
	f->leak = leak_free(f->leak);
	assert_zero(box_start(f->box));
	assert_zero(leak_new(&f->leak, f->box));
}

#define ENDS \
	fixture_test(a_normal_end_gives_the_terminal_back), \
		fixture_test(a_signal_that_ends_it_gives_the_terminal_back), \
		fixture_test(a_container_that_is_stopped_gives_the_terminal_back)

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		fixture_test(a_job_that_leaves_its_terminal_raw_harms_nobody),
		fixture_test(an_error_before_the_start_leaves_the_terminal_alone),
		fixture_test(keys_and_signals_that_end_nothing_change_nothing),
		fixture_test(a_hangup_of_the_callers_terminal_is_one_of_the_jobs),
		fixture_test(a_job_that_ignores_the_hangup_is_killed_in_time),
		fixture_test(a_container_that_is_frozen_and_thawed_is_waited_for),
		ENDS,
	};
	const struct CMUnitTest privileged[] = { ENDS };

	return cmocka_run_group_tests_name("caller's terminal, idmapped", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("caller's terminal, privileged", privileged,
	                                   open_privileged, fixture_close);
}
