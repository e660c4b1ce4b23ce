/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The programs that people use on a terminal, as they come with Debian, in a container with systemd
 * and shifted ids. Where it is about what is seen, a real emulator draws it.
 */
#include "harness/fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "harness/screen.h"

#define PASSWORD "correct horse"

/* A name for its own address, which sudo looks for; a password; who may use sudo; an odd name. */
static const char settings[] = "echo 127.0.0.1 localhost $(hostname) >/etc/hosts && "
			       "echo 'alice:" PASSWORD "' | chpasswd && "
			       "echo 'alice ALL=(ALL) ALL' >/etc/sudoers.d/alice && "
			       "echo 'a;reboot:x:1234:1234::/:/bin/sh' >>/etc/passwd";

static int open_group(void **state)
{
	if (fixture_open(state, BOX_DEBIAN, "programs") != 0)
		return -1;

	struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f, WORDS("exec", "-c", settings, "@"), NULL, &r);
	return r.code == 0 ? 0 : -1;
}

/* Type, then wait for what comes of it. */
static void converse(struct ptydrv *d, const char *keys, const char *answer)
{
	assert_zero(ptydrv_type(d, keys));
	assert_expect(d, answer);
}

static void finish(struct ptydrv *d, const char *keys, int code)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	struct ttystate before = *ptydrv_before(d);
	struct ttystate now;

	assert_zero(ptydrv_type(d, keys));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, code);
	assert_false(r.held_open);
	assert_zero(ptydrv_state(d, &now));
	/* Its size is for the test to change. */
	before.size = now.size;
	assert_terminal(&before, &now);
}

static void assert_shown(const struct ptydrv *d, const char *text)
{
	size_t len = 0;

	assert_has(ptydrv_said(d, PTYDRV_SCREEN, &len), text);
}

static void assert_never_shown(const struct ptydrv *d, const char *text)
{
	size_t len = 0;

	if (strstr(ptydrv_said(d, PTYDRV_SCREEN, &len), text) != NULL)
		fail_msg("'%s' was shown", text);
}

static void start_screen(const struct fixture *f, const char *const *words, int rows, int cols,
                         struct screen **ret)
{
	const char *argv[32] = { f->program, "exec", "-P", box_lxcpath(f->box), box_name(f->box) };
	size_t n = 5;

	for (size_t i = 0; words[i] != NULL; i++) {
		assert_true(n + 1 < countof(argv));
		argv[n++] = words[i];
	}
	assert_zero(screen_start(argv, f->dir, rows, cols, ret));
}

/* ---- shells ----------------------------------------------------------------------------------- */

/* A shell whose prompt is not in what is typed at it. */
static void start_bash(const struct fixture *f, struct ptydrv **ret)
{
	fixture_pty(f, WORDS("exec", "-e", "PS1=<\\#>", "@", "bash", "--norc"), NULL, ret);
	assert_expect(*ret, "<1>");
}

static void bash_has_job_control(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	start_bash(f, &d);
	assert_never_shown(d, "job control");
	converse(d, "sh -c 'echo re\"\"ady; exec sleep 60'\r", "ready\r\n");
	converse(d, "\032", "[1]+  Stopped");
	assert_expect(d, "<2>");
	converse(d, "jobs\r", "[1]+  Stopped");
	converse(d, "bg\r", "[1]+ sh -c");
	converse(d, "jobs\r", "[1]+  Running");
	converse(d, "fg\r", "exec sleep 60'\r\n");
	converse(d, "\003", "<6>");
	converse(d, "echo \"<fg $?>\"\r", "<fg 130>");
	converse(d, "jobs; echo none\"\" left\r", "\rnone left\r\n");
	assert_expect(d, "<8>");
	finish(d, "exit 7\r", 7);
}

static void an_interrupt_reaches_the_foreground_program_and_not_the_shell(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	start_bash(f, &d);
	converse(d, "trap 'echo sh\"\"ell' QUIT; sh -c 'echo re\"\"ady; exec sleep 60'\r",
	         "ready\r\n");
	converse(d, "\034", "Quit");
	assert_expect(d, "<2>");
	/* Once bash has it: a key that comes while the prompt is made spoils that, anywhere. */
	converse(d, "half a line", "half a line");
	converse(d, "\003", "<2>");
	finish(d, "\004", 131);
}

static void the_terminal_is_found_by_its_name(void **state)
{
	const struct fixture *f = *state;
	static const char script[] =
		"stty size; [ $(tty) = /dev/$(ps -o tty= -p $$) ] && echo sa\"\"me; stat -c %U:%G:%a $(tty); "
		"echo wri\"\"tten >$(tty); mesg; mesg n; mesg; who; "
		"script -qec 'tty; stty size' /dev/null";
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, WORDS("exec", "-u", "alice", "@", "sh", "-c", script),
	            &(const struct ptydrv_cmd){ .rows = 33, .cols = 111 }, &d);
	assert_expect(d, "33 111\r\nsame\r\n");
	assert_expect(d, "alice:tty:620\r\nwritten\r\nis y\r\nis n\r\n/dev/pts/");
	assert_expect(d, "\r\n33 111\r\n");
	finish(d, "", 0);
}

static void enter_gives_the_users_shell_and_says_how_to_get_a_session(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	char hint[256];

	snprintf(hint, sizeof(hint), "attache exec -t %s su -l alice\r\n", box_name(f->box));
	fixture_pty(f, WORDS("enter", "-u", "alice", "@"), NULL, &d);
	assert_expect(d, hint);
	assert_expect(d, ":~$ ");
	converse(d, "shopt login_shell; pwd; echo $LANG $TERM\r", "login_shell");
	assert_expect(d, "on\r\n/home/alice\r\nC.UTF-8 xterm");
	finish(d, "exit 3\r", 3);
}

/* It is pasted into a shell of the host's, and the name in it comes from the container. */
static void the_hint_is_for_names_that_are_only_names(void **state)
{
	static const char *const ids[] = { "1234", "4242" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(ids); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;

		fixture_pty(f, WORDS("enter", "-u", ids[i], "@"), NULL, &d);
		assert_expect(d, "$ ");
		assert_never_shown(d, "su -l");
		finish(d, "exit\r", 0);
	}
}

/* A pipe that is to be typed, as of ssh -tt. */
static void enter_gives_a_terminal_by_force(void **state)
{
	const struct fixture *f = *state;
	static const char words[] = "tty && exit 4\n";
	const struct cmd how = { .in = CMD_STDIN_BYTES,
		                 .bytes = words,
		                 .n_bytes = sizeof(words) - 1 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f, WORDS("enter", "-t", "@"), &how, &r);
	assert_exit(&r, 4);
	assert_has(r.out, "/dev/pts/");
}

/* The prompt of the caller's shell shall not be glued to that of the container's. */
static void who_hangs_up_is_on_a_line_of_its_own(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, WORDS("exec", "--escape", "~", "@", "sh", "-c", "printf ready; exec cat"),
	            NULL, &d);
	assert_expect(d, "ready");
	assert_zero(ptydrv_type(d, "~."));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 129);
	assert_string_equal(r.out, "ready\r\n");
}

/* What no container's terminfo knows must not keep a program from drawing. */
static void a_terminal_that_debian_does_not_know_is_an_xterm_to_it(void **state)
{
	static const char *const names[] = { "TERM=xterm-kitty", "TERM=alacritty", "TERM=foot" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(names); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		const char *const env[] = { "PATH=/usr/bin:/bin", names[i], NULL };
		const struct ptydrv_cmd how = { .env = env };

		fixture_pty_run(f,
		                WORDS("exec", "@", "sh", "-c", "clear && tput cup 3 4; echo $TERM"),
		                &how, &r);
		assert_exit(&r, 0);
		assert_has(r.out, "\033[H\033[2J");
		assert_has(r.out, "\033[4;5Hxterm-256color\r\n");
	}
}

/* ---- programs that fill the screen ------------------------------------------------------------ */

static void vim_draws_the_whole_screen_edits_and_saves(void **state)
{
	const struct fixture *f = *state;
	_cleanup_screen_ struct screen *s = NULL;
	char text[64];

	start_screen(f, WORDS("vim.tiny", "-u", "NONE", "-N", "/tmp/letter"), 24, 80, &s);
	assert_screen(s, 24, "\"/tmp/letter\"");
	assert_screen(s, 23, "~");
	assert_zero(screen_type(s, ":set lines? columns?\r"));
	assert_screen(s, 0, "lines=24");
	assert_screen(s, 0, "columns=80");
	assert_zero(screen_type(s, "\r"));
	assert_zero(screen_resize(s, 31, 50));
	assert_screen(s, 30, "~");
	assert_zero(screen_type(s, ":set lines? columns?\r"));
	assert_screen(s, 0, "lines=31");
	assert_screen(s, 0, "columns=50");
	assert_zero(screen_type(s, "\riDear Bob, gr\303\274\303\237e"));
	assert_screen(s, 1, "Dear Bob, gr\303\274\303\237e");
	assert_screen(s, 31, "-- INSERT --");
	assert_zero(screen_type(s, "\033:wq\r"));
	assert_screen(s, 0, "<ended 0>");
	assert_string_equal(fixture_read(f, "/tmp/letter", text, sizeof(text)),
	                    "Dear Bob, gr\303\274\303\237e\n");
	fixture_remove(f, "/tmp/letter");
}

static void less_pages_what_it_reads_from_a_pipe(void **state)
{
	const struct fixture *f = *state;
	_cleanup_screen_ struct screen *s = NULL;

	start_screen(f, WORDS("-c", "seq 500 | less"), 20, 60, &s);
	assert_screen(s, 1, "1\n");
	assert_screen(s, 19, "19\n");
	assert_screen(s, 20, ":");
	assert_zero(screen_type(s, " "));
	assert_screen(s, 19, "38\n");
	assert_zero(screen_type(s, "G"));
	assert_screen(s, 19, "500\n");
	assert_screen(s, 20, "(END)");
	assert_zero(screen_type(s, "?^123\r"));
	assert_screen(s, 1, "123\n");
	assert_zero(screen_type(s, "q"));
	assert_screen(s, 0, "<ended 0>");
}

static void top_refreshes_until_q(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, WORDS("exec", "@", "top", "-d", "0.2"), NULL, &d);
	assert_expect(d, "load average");
	assert_expect(d, "systemd");
	for (int i = 0; i < 3; i++)
		assert_expect(d, "top - ");
	finish(d, "q", 0);
}

static void dialog_asks_and_answers_by_its_exit_code(void **state)
{
	static const struct {
		const char *keys;
		int code;
	} answers[] = { { "\r", 0 }, { "\t\r", 1 }, { "\033\033", 255 } };
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(answers); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;

		fixture_pty(f, WORDS("exec", "@", "dialog", "--yesno", "Really?", "7", "40"), NULL,
		            &d);
		assert_expect(d, "Really?");
		finish(d, answers[i].keys, answers[i].code);
	}
}

/* Its server lives on when the command that was run from outside has ended. */
static void tmux_is_left_and_come_back_to(void **state)
{
	const struct fixture *f = *state;
	const struct ptydrv_cmd small = { .rows = 20, .cols = 70 };
	const struct ptydrv_cmd large = { .rows = 40, .cols = 120 };
	_cleanup_ptydrv_ struct ptydrv *first = NULL;
	_cleanup_ptydrv_ struct ptydrv *second = NULL;

	fixture_pty(f, WORDS("exec", "@", "tmux", "new", "-s", "work", "sh"), &small, &first);
	assert_expect(first, "[work]");
	converse(first, "stty size; echo with\"\"in\r", "19 70\r\nwithin");
	finish(first, "\002d", 0);
	assert_shown(first, "[detached (from session work)]");

	fixture_pty(f, WORDS("exec", "@", "tmux", "attach"), &large, &second);
	assert_expect(second, "within");
	converse(second, "stty size; echo a\"\"gain\r", "39 120\r\nagain");
	assert_zero(ptydrv_resize(second, 30, 90));
	/* The inner terminal follows the outer one after a moment. */
	converse(second,
	         "until [ \"$(stty size)\" = '29 90' ]; do sleep .1; done; echo a\"\" third time\r",
	         "a third time");
	finish(second, "exit\r", 0);
	assert_shown(second, "[exited]");
}

/* ---- passwords and sessions ------------------------------------------------------------------- */

static void sudo_asks_for_the_password_and_does_not_show_it(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, WORDS("exec", "-u", "alice", "@", "sudo", "sh", "-c", "id -un; tty"), NULL,
	            &d);
	assert_expect(d, "[sudo] password for alice: ");
	converse(d, PASSWORD "\r", "root\r\n/dev/pts/");
	finish(d, "", 0);
	assert_never_shown(d, PASSWORD);
}

static void su_asks_a_user_and_not_root(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *user = NULL;
	_cleanup_cmd_result_ struct cmd_result root = CMD_RESULT_INIT;

	fixture_pty(f, WORDS("exec", "-u", "alice", "@", "su", "-c", "id -un; tty", "alice"), NULL,
	            &user);
	assert_expect(user, "Password: ");
	converse(user, PASSWORD "\r", "alice\r\n/dev/pts/");
	finish(user, "", 0);
	assert_never_shown(user, PASSWORD);
	fixture_pty_run(f,
	                WORDS("exec", "@", "su", "-s", "/bin/sh", "-c", "id -un; exit 6", "daemon"),
	                NULL, &root);
	assert_exit(&root, 6);
	assert_string_equal(root.out, "daemon\r\n");
}

static void ssh_keygen_reads_a_passphrase_without_showing_it(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, WORDS("exec", "@", "ssh-keygen", "-t", "ed25519", "-f", "/tmp/key"), NULL,
	            &d);
	assert_expect(d, "Enter passphrase (empty for no passphrase): ");
	converse(d, "sesame\r", "Enter same passphrase again: ");
	converse(d, "sesame\r", "The key fingerprint is:");
	finish(d, "", 0);
	assert_never_shown(d, "sesame");
	assert_true(fixture_in_box(f, "/tmp/key"));
	fixture_remove(f, "/tmp/key");
	fixture_remove(f, "/tmp/key.pub");
}

static void login_makes_a_user_that_who_shows(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	fixture_pty(f, WORDS("exec", "@", "login"), NULL, &d);
	assert_expect(d, " login: ");
	converse(d, "alice\r", "Password: ");
	converse(d, PASSWORD "\r", ":~$ ");
	converse(d, "PS1='<\\#>'; who\r", "alice    pts/");
	converse(d, "tty; id -un\r", "/dev/pts/");
	assert_expect(d, "\r\nalice\r\n");
	finish(d, "exit\r", 0);
	assert_never_shown(d, PASSWORD);
}

/* What enter's hint promises. */
static void su_makes_a_session_with_a_manager_of_the_users(void **state)
{
	static const char *const users[] = { "alice", "root" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(users); i++) {
		_cleanup_ptydrv_ struct ptydrv *d = NULL;

		fixture_pty(f, WORDS("exec", "-t", "@", "su", "-l", users[i]), NULL, &d);
		assert_expect(d, i == 0 ? ":~$ " : ":~# ");
		converse(d, "PS1='<\\#>'; systemctl --user is-system-running --wait\r",
		         "running\r\n");
		converse(d, "echo $XDG_RUNTIME_DIR; loginctl --no-legend\r", "/run/user/");
		assert_expect(d, users[i]);
		finish(d, "exit\r", 0);
	}
}

/* ----------------------------------------------------------------------------------------------- */

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(bash_has_job_control),
		fixture_test(an_interrupt_reaches_the_foreground_program_and_not_the_shell),
		fixture_test(the_terminal_is_found_by_its_name),
		fixture_test(enter_gives_the_users_shell_and_says_how_to_get_a_session),
		fixture_test(the_hint_is_for_names_that_are_only_names),
		fixture_test(enter_gives_a_terminal_by_force),
		fixture_test(who_hangs_up_is_on_a_line_of_its_own),
		fixture_test(a_terminal_that_debian_does_not_know_is_an_xterm_to_it),
		fixture_test(vim_draws_the_whole_screen_edits_and_saves),
		fixture_test(less_pages_what_it_reads_from_a_pipe),
		fixture_test(top_refreshes_until_q),
		fixture_test(dialog_asks_and_answers_by_its_exit_code),
		fixture_test(tmux_is_left_and_come_back_to),
		fixture_test(sudo_asks_for_the_password_and_does_not_show_it),
		fixture_test(ssh_keygen_reads_a_passphrase_without_showing_it),
		/* A session's manager outlives it by a while, which is no leak of anybody's. */
		cmocka_unit_test(su_asks_a_user_and_not_root),
		cmocka_unit_test(login_makes_a_user_that_who_shows),
		cmocka_unit_test(su_makes_a_session_with_a_manager_of_the_users),
	};

	return cmocka_run_group_tests(tests, open_group, fixture_close);
}
