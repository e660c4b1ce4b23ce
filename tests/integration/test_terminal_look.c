/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the job's terminal looks like to it: size, name and modes. */
#include "harness/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TERMINFO "/usr/share/terminfo"

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "look");
}

/* One that says what its terminals are called. */
static int open_named(void **state)
{
	struct fixture *f = NULL;

	if (fixture_open(state, BOX_PRIVILEGED, "look") < 0)
		return -1;
	f = *state;
	box_stop(f->box);
	return box_config(f->box, "lxc.environment = TERM=linux") == 0 && box_start(f->box) == 0
	               ? 0
	               : -1;
}

/* ---- size -------------------------------------------------------------------------------------- */

/* Says its size whenever it is told of a new one; any line ends it. */
#define WATCH_SIZE \
	"trap 'stty size' WINCH; stty size; echo ready; " \
	"while ! read -r -t 1 x; do :; done; exit 3"

static void the_size_is_the_callers_and_follows_it(void **state)
{
	const struct ptydrv_cmd how = { .rows = 43, .cols = 132 };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state, WORDS("exec", "@", "sh", "-c", WATCH_SIZE), &how, &d);
	assert_expect(d, "43 132\r\nready\r\n");
	assert_zero(ptydrv_resize(d, 30, 90));
	assert_expect(d, "30 90\r\n");
	/* Of several in a row the last one counts. */
	for (unsigned short i = 1; i <= 20; i++)
		assert_zero(ptydrv_resize(d, (unsigned short)(30 + i), (unsigned short)(90 + i)));
	assert_expect(d, "50 110\r\n");
	assert_zero(ptydrv_type(d, "\r"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 3);
}

static void a_size_that_changed_meanwhile_is_there_after_a_stop(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_FOREGROUND };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int sig = 0;

	fixture_pty(*state, WORDS("exec", "@", "sh", "-c", WATCH_SIZE), &how, &d);
	assert_expect(d, "24 80\r\nready\r\n");
	assert_zero(ptydrv_signal(d, SIGTSTP));
	assert_zero(ptydrv_await_stop(d, &sig));
	assert_num(sig, SIGTSTP);
	assert_zero(ptydrv_resize(d, 30, 90));
	assert_zero(ptydrv_resize(d, 31, 91));
	assert_zero(ptydrv_foreground(d));
	assert_expect(d, "31 91\r\n");
	assert_zero(ptydrv_type(d, "\r"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 3);
}

/* Nobody sends a signal of the size to what the terminal does not control. */
static void without_control_the_size_is_that_of_the_start(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_NO_CTTY, .rows = 11, .cols = 22 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty_run(*state, WORDS("exec", "@", "stty", "size"), &how, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "11 22\r\n");
}

static void where_the_caller_has_no_terminal_it_has_a_usual_size(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "-t", "@", "stty", "size"), NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "24 80\r\n");
}

/* ---- name -------------------------------------------------------------------------------------- */

static void assert_name(const struct fixture *f, const char *const *options, const char *variable,
                        const char *want)
{
	const char *const env[] = { "PATH=/usr/bin:/bin", variable, NULL };
	const struct ptydrv_cmd how = { .env = env };
	const char *words[16] = { "exec" };
	const char *const command[] = { "@", "sh", "-c", "echo \"<$TERM>\"", NULL };
	char shown[96];
	size_t n = 1;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	for (size_t i = 0; options != NULL && options[i] != NULL; i++)
		words[n++] = options[i];
	for (size_t i = 0; i < countof(command); i++)
		words[n++] = command[i];
	fixture_pty_run(f, words, &how, &r);
	assert_exit(&r, 0);
	snprintf(shown, sizeof(shown), "<%s>\r\n", want);
	assert_string_equal(r.out, shown);
}

static void put_entry(const struct fixture *f, const char *name, bool there)
{
	char dir[PATH_MAX];
	char entry[128];

	snprintf(dir, sizeof(dir), "%s/usr/share", box_rootfs(f->box));
	att_ignore(mkdir(dir, 0755));
	snprintf(dir, sizeof(dir), "%s" TERMINFO, box_rootfs(f->box));
	att_ignore(mkdir(dir, 0755));
	snprintf(dir, sizeof(dir), "%s" TERMINFO "/%c", box_rootfs(f->box), name[0]);
	att_ignore(mkdir(dir, 0755));
	snprintf(entry, sizeof(entry), TERMINFO "/%c/%s", name[0], name);
	if (there)
		assert_zero(box_write_file(f->box, entry, "x", 1, 0644));
	else
		fixture_remove(f, entry);
}

static void the_name_is_the_callers_where_the_container_knows_none(void **state)
{
	assert_name(*state, NULL, "TERM=some-terminal", "some-terminal");
	assert_name(*state, NULL, "TERM=dumb", "dumb");
	assert_name(*state, NULL, NULL, "xterm");
	assert_name(*state, NULL, "TERM=", "xterm");
	/* No path and nothing that a terminal would obey. */
	assert_name(*state, NULL, "TERM=../../etc/passwd", "xterm");
	assert_name(*state, NULL, "TERM=a\033[31m", "xterm");
}

static void the_name_is_one_that_the_container_knows(void **state)
{
	put_entry(*state, "linux", true);
	assert_name(*state, NULL, "TERM=some-terminal", "linux");
	put_entry(*state, "vt100", true);
	assert_name(*state, NULL, "TERM=some-terminal", "vt100");
	put_entry(*state, "xterm", true);
	assert_name(*state, NULL, "TERM=some-terminal", "xterm");
	put_entry(*state, "xterm-256color", true);
	assert_name(*state, NULL, "TERM=some-terminal", "xterm-256color");
	assert_name(*state, NULL, "TERM=vt100", "vt100");
	put_entry(*state, "some-terminal", true);
	assert_name(*state, NULL, "TERM=some-terminal", "some-terminal");
	assert_name(*state, WORDS("--term", "unknown"), "TERM=vt100", "unknown");
	assert_name(*state, WORDS("--term", "unknown", "-e", "TERM=mine"), NULL, "mine");
	assert_name(*state, WORDS("-e", "TERM=mine"), "TERM=vt100", "mine");
	put_entry(*state, "some-terminal", false);
	put_entry(*state, "xterm-256color", false);
	put_entry(*state, "xterm", false);
	put_entry(*state, "vt100", false);
	put_entry(*state, "linux", false);
}

/* There it is about the container's console. */
static void the_name_in_the_configuration_is_about_another_terminal(void **state)
{
	assert_name(*state, NULL, "TERM=some-terminal", "some-terminal");
	assert_name(*state, WORDS("--term", "x"), "TERM=some-terminal", "x");

	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "@", "sh", "-c", "echo \"<$TERM>\""), NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "<linux>\n");
}

static void without_a_terminal_there_is_no_name(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "@", "sh", "-c", "echo \"<$TERM>\"; env"), NULL, &r);
	assert_exit(&r, 0);
	assert_has(r.out, "<>\n");
	assert_null(strstr(r.out, "TERM="));
}

/* ---- modes -------------------------------------------------------------------------------------- */

static void the_modes_are_the_callers(void **state)
{
	struct ptydrv_cmd how = { 0 };
	struct termios modes = { .c_iflag = ICRNL | IXON | IUTF8,
		                 .c_oflag = OPOST | ONLCR,
		                 .c_cflag = CS8 | CREAD | B38400,
		                 .c_lflag = ISIG | ICANON | ECHO | IEXTEN };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	modes.c_cc[VERASE] = '\b';
	modes.c_cc[VINTR] = '\024';
	modes.c_cc[VEOF] = '\004';
	modes.c_cc[VMIN] = 1;
	how.termios = &modes;
	fixture_pty_run(*state, WORDS("exec", "@", "stty", "-a"), &how, &r);
	assert_exit(&r, 0);
	assert_has(r.out, "intr = ^T;");
	assert_has(r.out, "erase = ^H;");
	assert_has(r.out, " iutf8");
	assert_has(r.out, " -echoe ");
	assert_has(r.out, " -imaxbel");
}

static void the_keys_of_the_modes_work_in_the_job(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	/* A wide character is erased as one, and ^C is the job's. */
	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "stty iutf8; echo go; read -r x; echo \"<$x>\"; trap 'exit 6' INT; "
	                  "echo now; while :; do sleep 1; done"),
	            NULL, &d);
	assert_expect(d, "go\r\n");
	assert_zero(ptydrv_type(d, "a\303\244\177b\r"));
	assert_expect(d, "<ab>\r\nnow\r\n");
	assert_zero(ptydrv_type(d, "\003"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 6);
}

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		fixture_test(the_size_is_the_callers_and_follows_it),
		fixture_test(a_size_that_changed_meanwhile_is_there_after_a_stop),
		fixture_test(without_control_the_size_is_that_of_the_start),
		fixture_test(where_the_caller_has_no_terminal_it_has_a_usual_size),
		fixture_test(the_name_is_the_callers_where_the_container_knows_none),
		fixture_test(the_name_is_one_that_the_container_knows),
		fixture_test(without_a_terminal_there_is_no_name),
		fixture_test(the_modes_are_the_callers),
		fixture_test(the_keys_of_the_modes_work_in_the_job),
	};
	const struct CMUnitTest named[] = {
		fixture_test(the_name_in_the_configuration_is_about_another_terminal),
	};

	return cmocka_run_group_tests_name("terminal's look", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("terminal's look, TERM configured", named, open_named,
	                                   fixture_close);
}
