/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `attache enter`: the user's own shell, as a login shell, at home. */
#include "harness/fixture.h"

#include <stdio.h>
#include <unistd.h>

#define PATH_VALUE "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "enter");
}

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "enter");
}

/* Everybody's, but for the lines that a test gives some users. */
static void put_passwd(const struct fixture *f, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text),
	         "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
	         "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
	         "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n%s",
	         more);
	assert_zero(box_write_file(f->box, "/etc/passwd", text, strlen(text), 0644));
}

static void assert_enters(const struct fixture *f, const char *user, const char *script,
                          const char *want, const char *want_err)
{
	const struct cmd how = { .in = CMD_STDIN_BYTES,
		                 .bytes = script,
		                 .n_bytes = strlen(script) };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f, WORDS("enter", "-u", user, "@"), &how, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, want);
	if (want_err[0] == '\0')
		assert_string_equal(r.err, "");
	else
		assert_has(r.err, want_err);
}

static void on_a_terminal_it_is_a_login_shell_at_home(void **state)
{
	const struct ptydrv_cmd how = { .env = WORDS("PATH=/usr/bin:/bin", "TERM=some-terminal",
		                                     "SECRET=1") };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state, WORDS("enter", "@"), &how, &d);
	assert_expect(d, "# ");
	assert_zero(ptydrv_type(d, "echo \"<$0>\" \"<$PWD>\" $(tty)\r"));
	assert_expect(d, "<-sh> </root> /dev/pts/");
	assert_expect(d, "# ");
	assert_zero(ptydrv_type(d, "exit 3\r"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 3);
}

static void its_environment_is_that_of_a_login_and_nothing_else(void **state)
{
	const struct fixture *f = *state;
	const struct ptydrv_cmd how = { .env = WORDS("PATH=/usr/bin:/bin", "TERM=some-terminal",
		                                     "SECRET=1", "LANG=xx_XX") };
	char text[1024];
	char want[1024];
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(f, WORDS("enter", "-u", "alice", "@"), &how, &d);
	assert_expect(d, "$ ");
	/* As it was handed over: a shell adds its own. */
	assert_zero(ptydrv_type(d, "tr '\\0' '\\n' </proc/$$/environ | sort >/tmp/env; exit\r"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	fixture_read(f, "/tmp/env", text, sizeof(text));
	snprintf(want, sizeof(want),
	         "BOX_KIND=%s\nBOX_WORDS=two words\nHOME=/home/alice\nLANG=C.UTF-8\n"
	         "LOGNAME=alice\nPATH=" PATH_VALUE "\nSHELL=/bin/sh\nTERM=some-terminal\n"
	         "USER=alice\ncontainer=lxc\n",
	         box_host_id(f->box, 0) == 0 ? "privileged" : "idmapped");
	assert_string_equal(text, want);
	fixture_remove(f, "/tmp/env");
}

static void what_is_piped_in_are_its_commands(void **state)
{
	assert_enters(*state, "root", "echo \"$0 $(pwd) $(id -u)\"", "-sh /root 0\n", "");
	assert_enters(*state, "alice", "echo \"$0 $(pwd) $(id -un)\"", "-sh /home/alice alice\n",
	              "");
}

static void it_exits_as_its_last_command_does(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_shell(*state,
	              "echo 'echo hi; exit 9' | \"$ATTACHE_PROGRAM\" enter -P \"$LXCPATH\" \"$CT\"",
	              NULL, &r);
	assert_exit(&r, 9);
	assert_string_equal(r.out, "hi\n");
}

static void a_missing_shell_and_a_missing_home_give_way_with_a_warning(void **state)
{
	put_passwd(*state, "lost:x:1001:1001:Lost:/home/lost:/bin/nosuchshell\n"
	                   "homeless:x:1002:1002:Homeless:/home/nosuch:/bin/sh\n"
	                   "plain:x:1003:1003:Plain:/home/alice:\n");
	assert_enters(
		*state, "lost", "echo \"$0 $SHELL $(pwd)\"", "-sh /bin/sh /\n",
		"the user's shell '/bin/nosuchshell' is not there; '/bin/sh' takes its place");
	assert_enters(*state, "homeless", "echo \"$0 $(pwd)\"", "-sh /\n",
	              "the user's home '/home/nosuch' is not there; starting in '/'");
	assert_enters(*state, "plain", "echo \"$0\"", "-sh\n", "");
	put_passwd(*state, "");
}

static void a_shell_that_lets_nobody_in_is_obeyed(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("enter", "-q", "-u", "nobody", "@"), NULL, &r);
	assert_exit(&r, 1);
	assert_string_equal(r.out, "");
}

static void interactive_exec_without_a_command_is_a_login(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state, WORDS("exec", "-i", "-u", "alice", "@"), NULL, &d);
	assert_expect(d, "$ ");
	assert_zero(ptydrv_type(d, "echo \"<$0>\" \"<$PWD>\"\r"));
	assert_expect(d, "<-sh> </home/alice>");
	/* Its modes are the shell's only at its prompt; before, this would not be its key. */
	assert_expect(d, "\x1b[6n");
	assert_zero(ptydrv_type(d, "\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
}

static void a_command_is_refused_by_name(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("enter", "@", "ls", "-l"), NULL, &r);
	assert_exit(&r, 125);
	assert_string_equal(r.out, "");
	assert_has(r.err, "'ls'");
	assert_has(r.err, "[InvalidArgument]\n");
}

/*
 * A shell names the job before it has given it the terminal, and what is typed meanwhile meets the
 * shell's own modes: so it is typed until it is echoed and read.
 */
static void type_until_read(struct ptydrv *d)
{
	for (int i = 0; i < 20; i++) {
		assert_zero(ptydrv_type(d, "back\n"));
		if (ptydrv_expect_within(d, PTYDRV_SCREEN, "back\r\nback\r\n", 500) == 0)
			return;
	}
	assert_expect(d, "back\r\nback\r\n");
}

/* In a login shell the interrupt key ends the command and not the shell, and jobs can be stopped. */
static void jobs_can_be_controlled_in_it(void **state)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(*state, WORDS("enter", "@"), NULL, &d);
	assert_expect(d, "# ");
	assert_zero(ptydrv_type(d, "/probe keys\r"));
	assert_expect(d, "ready");
	assert_zero(ptydrv_type(d, "\032"));
	assert_expect(d, "Stopped");
	assert_zero(ptydrv_type(d, "fg\r"));
	assert_expect(d, "keys\r\n");
	type_until_read(d);
	assert_zero(ptydrv_type(d, "\003"));
	assert_expect(d, "# ");
	assert_zero(ptydrv_type(d, "exit 5\r"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 5);
}

#define COMMON \
	fixture_test(on_a_terminal_it_is_a_login_shell_at_home), \
		fixture_test(its_environment_is_that_of_a_login_and_nothing_else), \
		fixture_test(what_is_piped_in_are_its_commands)

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		COMMON,
		fixture_test(it_exits_as_its_last_command_does),
		fixture_test(a_missing_shell_and_a_missing_home_give_way_with_a_warning),
		fixture_test(a_shell_that_lets_nobody_in_is_obeyed),
		fixture_test(interactive_exec_without_a_command_is_a_login),
		fixture_test(a_command_is_refused_by_name),
		fixture_test(jobs_can_be_controlled_in_it),
	};
	const struct CMUnitTest privileged[] = { COMMON };

	return cmocka_run_group_tests_name("enter, idmapped", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("enter, privileged", privileged, open_privileged,
	                                   fixture_close);
}
