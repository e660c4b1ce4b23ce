/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/ctpath.h"
#include "sys/pty.h"
#include "sys/tty.h"

static struct att_pty open_pty(void)
{
	struct att_pty pty = ATT_PTY_INIT;
	struct att_err err = ATT_ERR_INIT;

	assert_ok(att_pty_open_host(&pty, &err));
	return pty;
}

static void raw_is_what_cfmakeraw_makes_and_goes_back_to_the_byte(void **state)
{
	struct att_pty pty = open_pty();
	struct att_tty_mode before;
	struct att_tty_mode raw;
	struct att_tty_mode after;
	struct termios want;
	struct termios got;

	(void)state;
	assert_zero(att_tty_get_mode(pty.slave_fd, &before));
	assert_num(tcgetattr(pty.slave_fd, &want), 0);
	cfmakeraw(&want);
	raw = before;
	att_tty_make_raw(&raw);
	assert_false(att_tty_mode_equal(&raw, &before));
	assert_zero(att_tty_set_mode(pty.slave_fd, &raw, false));
	assert_num(tcgetattr(pty.slave_fd, &got), 0);
	assert_num(got.c_iflag, want.c_iflag);
	assert_num(got.c_oflag, want.c_oflag);
	assert_num(got.c_cflag, want.c_cflag);
	assert_num(got.c_lflag, want.c_lflag);
	assert_memory_equal(got.c_cc, want.c_cc, 19);
	assert_zero(att_tty_set_mode(pty.slave_fd, &before, true));
	assert_zero(att_tty_get_mode(pty.slave_fd, &after));
	assert_true(att_tty_mode_equal(&after, &before));
	att_pty_done(&pty);
}

static void raw_output_leaves_what_is_typed_alone(void **state)
{
	struct att_pty pty = open_pty();
	struct att_tty_mode mode;
	struct termios before;
	struct termios got;

	(void)state;
	assert_num(tcgetattr(pty.slave_fd, &before), 0);
	assert_zero(att_tty_get_mode(pty.slave_fd, &mode));
	att_tty_make_output_raw(&mode);
	assert_zero(att_tty_set_mode(pty.slave_fd, &mode, false));
	assert_num(tcgetattr(pty.slave_fd, &got), 0);
	assert_num(got.c_oflag, before.c_oflag & ~(tcflag_t)OPOST);
	assert_num(got.c_lflag, before.c_lflag);
	assert_num(got.c_iflag, before.c_iflag);
	att_pty_done(&pty);
}

static void what_was_typed_is_dropped_only_when_asked_for(void **state)
{
	for (int flush = 0; flush < 2; flush++) {
		struct att_pty pty = open_pty();
		struct pollfd p = { .fd = pty.slave_fd, .events = POLLIN };
		struct att_tty_mode raw;
		char buf[8];

		(void)state;
		assert_zero(att_tty_get_mode(pty.slave_fd, &raw));
		att_tty_make_raw(&raw);
		assert_zero(att_tty_set_mode(pty.slave_fd, &raw, false));
		assert_num(write(pty.master_fd, "ahead", 5), 5);
		/* The kernel carries it over in its own time. */
		assert_num(poll(&p, 1, 5000), 1);
		assert_zero(att_tty_set_mode(pty.slave_fd, &raw, flush == 1));
		assert_num(fcntl(pty.slave_fd, F_SETFL, O_NONBLOCK), 0);
		assert_num(read(pty.slave_fd, buf, sizeof(buf)), flush ? -1 : 5);
		att_pty_done(&pty);
	}
}

static void a_master_is_no_terminal_and_is_not_opened_again(void **state)
{
	struct att_pty pty = open_pty();
	_cleanup_close_ int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_close_ int own = -1;

	(void)state;
	assert_true(att_tty_is_terminal(pty.slave_fd));
	assert_false(att_tty_is_terminal(pty.master_fd));
	assert_false(att_tty_is_terminal(null_fd));
	assert_false(att_tty_is_terminal(-1));
	own = att_tty_reopen(pty.slave_fd, O_RDWR);
	assert_true(own > 2);
	assert_true(fcntl(own, F_GETFL) & O_NONBLOCK);
	assert_false(fcntl(pty.slave_fd, F_GETFL) & O_NONBLOCK);
	assert_num(write(own, "x", 1), 1);
	/* Whose controlling terminal it is not, may use it. */
	assert_true(att_tty_is_ours(pty.slave_fd));
	att_pty_done(&pty);
}

static void sizes_and_the_end_of_file_character_are_read_and_set(void **state)
{
	const struct att_tty_size want = { 31, 97, 970, 310 };
	struct att_pty pty = open_pty();
	struct att_tty_size got = { 0 };
	struct termios t;

	(void)state;
	assert_zero(att_tty_set_size(pty.master_fd, &want));
	assert_zero(att_tty_get_size(pty.slave_fd, &got));
	assert_memory_equal(&got, &want, sizeof(got));
	assert_num(att_tty_eof_char(pty.master_fd), 4);
	assert_num(tcgetattr(pty.slave_fd, &t), 0);
	t.c_cc[VEOF] = _POSIX_VDISABLE;
	assert_num(tcsetattr(pty.slave_fd, TCSANOW, &t), 0);
	assert_num(att_tty_eof_char(pty.master_fd), -1);
	att_pty_done(&pty);
}

/* ---- a directory that says it is a devpts ---- */

static int make_dir(char path[32])
{
	strcpy(path, "/tmp/att-tty-XXXXXX");
	assert_non_null(mkdtemp(path));
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void only_the_multiplexer_of_a_devpts_is_opened(void **state)
{
	struct att_err err = ATT_ERR_INIT;
	struct att_pty pty = ATT_PTY_INIT;
	char path[32];
	_cleanup_close_ int dir = make_dir(path);

	(void)state;
	assert_num(att_pty_open_in(dir, &pty, &err), ATT_PTY_NONE);
	/* A FIFO would let an open wait for ever. */
	assert_num(mkfifoat(dir, "ptmx", 0666), 0);
	assert_num(att_pty_open_in(dir, &pty, &err), ATT_PTY_NONE);
	assert_num(unlinkat(dir, "ptmx", 0), 0);
	assert_num(symlinkat("/dev/pts/ptmx", dir, "ptmx"), 0);
	assert_num(att_pty_open_in(dir, &pty, &err), ATT_PTY_NONE);
	assert_num(unlinkat(dir, "ptmx", 0), 0);
	assert_num(mkdirat(dir, "ptmx", 0700), 0);
	assert_num(att_pty_open_in(dir, &pty, &err), ATT_PTY_NONE);
	assert_num(unlinkat(dir, "ptmx", AT_REMOVEDIR), 0);
	/* As a root directory: /dev/pts is not there, then it is a link out of it. */
	assert_num(att_pty_open_at(dir, &pty, &err), ATT_PTY_NONE);
	assert_num(mkdirat(dir, "dev", 0700), 0);
	assert_num(symlinkat("/dev/pts", dir, "dev/pts"), 0);
	assert_num(att_pty_open_at(dir, &pty, &err), ATT_PTY_NONE);
	assert_num(unlinkat(dir, "dev/pts", 0), 0);
	assert_num(unlinkat(dir, "dev", AT_REMOVEDIR), 0);
	assert_num(pty.master_fd, -1);
	assert_num(rmdir(path), 0);
}

static void a_path_of_the_container_is_told_without_leaving_it(void **state)
{
	char path[32];
	_cleanup_close_ int dir = make_dir(path);
	_cleanup_close_ int file = openat(dir, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	_cleanup_close_ int program = openat(dir, "program", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);

	(void)state;
	assert_num(mkdirat(dir, "dir", 0755), 0);
	assert_num(mkfifoat(dir, "fifo", 0644), 0);
	/* The host has it; the container's root does not. */
	assert_num(symlinkat("/etc/passwd", dir, "out"), 0);
	assert_num(symlinkat("../../../../program", dir, "in"), 0);
	assert_num(att_ctpath_look(dir, "/file"), ATT_CTPATH_FILE);
	assert_num(att_ctpath_look(dir, "/program"), ATT_CTPATH_PROGRAM);
	assert_num(att_ctpath_look(dir, "/dir"), ATT_CTPATH_DIR);
	assert_num(att_ctpath_look(dir, "/fifo"), ATT_CTPATH_OTHER);
	assert_num(att_ctpath_look(dir, "/none"), ATT_CTPATH_ABSENT);
	assert_num(att_ctpath_look(dir, "/file/x"), ATT_CTPATH_ABSENT);
	assert_num(att_ctpath_look(dir, "/out"), ATT_CTPATH_ABSENT);
	assert_num(att_ctpath_look(dir, "/in"), ATT_CTPATH_PROGRAM);
	for (size_t i = 0; i < 6; i++) {
		static const char *const names[] = {
			"file", "program", "fifo", "out", "in", "dir"
		};

		assert_num(unlinkat(dir, names[i], i == 5 ? AT_REMOVEDIR : 0), 0);
	}
	assert_num(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_is_what_cfmakeraw_makes_and_goes_back_to_the_byte),
		cmocka_unit_test(raw_output_leaves_what_is_typed_alone),
		cmocka_unit_test(what_was_typed_is_dropped_only_when_asked_for),
		cmocka_unit_test(a_master_is_no_terminal_and_is_not_opened_again),
		cmocka_unit_test(sizes_and_the_end_of_file_character_are_read_and_set),
		cmocka_unit_test(only_the_multiplexer_of_a_devpts_is_opened),
		cmocka_unit_test(a_path_of_the_container_is_told_without_leaving_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
