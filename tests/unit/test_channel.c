/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/channel.h"
#include "sys/pty.h"
#include "sys/tty.h"

struct pair {
	int fd[2];
};

static struct pair make_pipe(void)
{
	struct pair p;

	assert_num(pipe2(p.fd, O_CLOEXEC), 0);
	return p;
}

static void make_nonblocking(int fd)
{
	assert_num(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

/* A channel from our pipe to the caller's. */
static void open_output(struct att_channel *c, const struct pair *src, const struct pair *dst)
{
	make_nonblocking(src->fd[0]);
	att_channel_open_out(c, ATT_SIDE_PIPE, src->fd[0], dst->fd[1]);
}

/* What is not the channel's to close. */
static void close_ends(const struct pair *src, const struct pair *dst)
{
	att_ignore(close(src->fd[1]));
	att_ignore(close(dst->fd[0]));
	att_ignore(close(dst->fd[1]));
}

/* Polls and moves until the channel has ended, or has nothing to do for a moment. */
static void pump(struct att_channel *c)
{
	while (att_channel_is_open(c)) {
		struct pollfd p[2];
		size_t n = 0;

		if (att_channel_move(c))
			continue;
		n = att_channel_want(c, p);
		if (poll(p, n, 50) <= 0)
			return;
		for (size_t i = 0; i < n; i++)
			att_channel_told(c, &p[i]);
	}
}

static void write_all(int fd, const char *text)
{
	assert_num(att_fd_write_full(fd, text, strlen(text)), 0);
}

static void expect(int fd, const char *text)
{
	char buf[256];
	ssize_t n = read(fd, buf, sizeof(buf));

	assert_num(n, strlen(text));
	assert_memory_equal(buf, text, strlen(text));
}

static void bytes_go_from_our_pipe_to_every_kind_of_sink(void **state)
{
	for (int kind = 0; kind < 4; kind++) {
		struct pair src = make_pipe();
		struct pair dst = make_pipe();
		struct att_channel c;

		(void)state;
		if (kind == 1)
			assert_num(socketpair(AF_UNIX, SOCK_STREAM, 0, dst.fd), 0);
		if (kind >= 2) {
			dst.fd[1] = memfd_create("sink", MFD_CLOEXEC);
			dst.fd[0] = fcntl(dst.fd[1], F_DUPFD_CLOEXEC, 3);
		}
		if (kind == 3)
			assert_num(fcntl(dst.fd[1], F_SETFL, O_APPEND), 0);
		make_nonblocking(src.fd[0]);
		att_channel_open_out(&c, ATT_SIDE_PIPE, src.fd[0], dst.fd[1]);
		write_all(src.fd[1], "hello");
		att_ignore(close(src.fd[1]));
		pump(&c);
		assert_false(att_channel_is_open(&c));
		assert_num(c.error, 0);
		assert_num(c.bytes, 5);
		if (kind >= 2)
			assert_num(lseek(dst.fd[0], 0, SEEK_SET), 0);
		expect(dst.fd[0], "hello");
		/* The caller's side is not ours to close. */
		assert_true(fcntl(dst.fd[1], F_GETFD) >= 0);
		att_ignore(close(dst.fd[0]));
		att_ignore(close(dst.fd[1]));
	}
}

static void the_end_of_input_closes_our_pipe_and_nothing_else(void **state)
{
	struct pair src = make_pipe();
	struct pair dst = make_pipe();
	struct att_channel c;
	char byte = 0;

	(void)state;
	make_nonblocking(dst.fd[1]);
	att_channel_open_in(&c, ATT_SIDE_PIPE, dst.fd[1], src.fd[0], NULL);
	write_all(src.fd[1], "abc");
	pump(&c);
	assert_true(att_channel_is_open(&c));
	att_ignore(close(src.fd[1]));
	pump(&c);
	assert_false(att_channel_is_open(&c));
	expect(dst.fd[0], "abc");
	assert_num(read(dst.fd[0], &byte, 1), 0);
	assert_true(fcntl(src.fd[0], F_GETFD) >= 0);
	att_ignore(close(src.fd[0]));
	att_ignore(close(dst.fd[0]));
}

static void a_sink_that_takes_no_more_stops_the_source(void **state)
{
	struct pair src = make_pipe();
	struct pair dst = make_pipe();
	struct att_channel c;
	char block[4096] = { 0 };
	ssize_t n = 0;

	(void)state;
	open_output(&c, &src, &dst);
	make_nonblocking(src.fd[1]);
	/* Both pipes fill up, then nothing moves, and nothing is lost. */
	for (int i = 0; i < 100; i++) {
		pump(&c);
		while (write(src.fd[1], block, sizeof(block)) > 0)
			n += (ssize_t)sizeof(block);
	}
	assert_true(att_channel_is_open(&c));
	assert_true(c.bytes < (uint64_t)n);
	att_channel_end(&c);
	close_ends(&src, &dst);
}

static void a_closed_sink_is_no_error_and_another_failure_is(void **state)
{
	struct pair src = make_pipe();
	struct pair dst = make_pipe();
	struct att_channel c;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	att_ignore(close(dst.fd[0]));
	open_output(&c, &src, &dst);
	write_all(src.fd[1], "x");
	pump(&c);
	assert_false(att_channel_is_open(&c));
	assert_num(c.error, 0);
	att_ignore(close(src.fd[1]));
	att_ignore(close(dst.fd[1]));

	src = make_pipe();
	make_nonblocking(src.fd[0]);
	att_channel_open_out(&c, ATT_SIDE_PIPE, src.fd[0], full);
	write_all(src.fd[1], "x");
	pump(&c);
	assert_false(att_channel_is_open(&c));
	assert_num(c.error, ENOSPC);
	att_ignore(close(src.fd[1]));
	att_ignore(close(full));
}

static void once_limited_it_delivers_what_is_there_and_ends(void **state)
{
	struct pair src = make_pipe();
	struct pair dst = make_pipe();
	struct att_channel c;

	(void)state;
	open_output(&c, &src, &dst);
	write_all(src.fd[1], "owed");
	att_channel_limit(&c);
	write_all(src.fd[1], "late");
	/* The writer is still there: only what was owed is waited for. */
	pump(&c);
	assert_false(att_channel_is_open(&c));
	assert_num(c.bytes, 4);
	expect(dst.fd[0], "owed");
	close_ends(&src, &dst);
}

static void what_is_owed_and_taken_by_another_is_not_waited_for(void **state)
{
	struct pair src = make_pipe();
	struct pair dst = make_pipe();
	struct att_channel c;

	(void)state;
	open_output(&c, &src, &dst);
	write_all(src.fd[1], "stolen");
	att_channel_limit(&c);
	expect(src.fd[0], "stolen");
	pump(&c);
	assert_false(att_channel_is_open(&c));
	close_ends(&src, &dst);
}

static void without_a_sink_bytes_are_read_and_dropped(void **state)
{
	struct pair src = make_pipe();
	struct att_channel c;

	(void)state;
	make_nonblocking(src.fd[0]);
	att_channel_open_out(&c, ATT_SIDE_PIPE, src.fd[0], -1);
	write_all(src.fd[1], "nobody listens");
	att_ignore(close(src.fd[1]));
	pump(&c);
	assert_false(att_channel_is_open(&c));
	assert_num(c.bytes, 14);
}

/* ---- our side is a terminal ---- */

static struct att_pty make_terminal(void)
{
	struct att_pty pty = ATT_PTY_INIT;
	struct att_err err = ATT_ERR_INIT;

	assert_ok(att_pty_open_host(&pty, &err));
	return pty;
}

/* As typed: nothing echoed, nothing changed, but an end of file is one. */
static void type_quietly(const struct att_pty *pty)
{
	struct termios t;

	assert_num(tcgetattr(pty->slave_fd, &t), 0);
	t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	t.c_iflag &= ~(tcflag_t)ICRNL;
	assert_num(tcsetattr(pty->slave_fd, TCSANOW, &t), 0);
}

static void the_end_of_input_is_typed_to_a_terminal(void **state)
{
	static const struct {
		const char *typed;
		const char *read;
	} cases[] = { { "", "" },
		      { "whole line\n", "whole line\n" },
		      { "half a line", "half a line" } };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct att_pty pty = make_terminal();
		struct pair src = make_pipe();
		struct att_channel c;
		char byte = 0;

		type_quietly(&pty);
		att_channel_open_in(&c, ATT_SIDE_MASTER, pty.master_fd, src.fd[0], NULL);
		write_all(src.fd[1], cases[i].typed);
		att_ignore(close(src.fd[1]));
		pump(&c);
		assert_false(att_channel_is_open(&c));
		if (cases[i].read[0])
			expect(pty.slave_fd, cases[i].read);
		assert_num(read(pty.slave_fd, &byte, 1), 0);
		/* The master belongs to the other direction as well. */
		assert_true(fcntl(pty.master_fd, F_GETFD) >= 0);
		att_ignore(close(src.fd[0]));
		att_pty_done(&pty);
	}
}

static void what_an_ended_job_wrote_to_its_terminal_arrives(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct att_pty pty = make_terminal();
		struct pair dst = make_pipe();
		struct att_channel c;

		att_channel_open_out(&c, ATT_SIDE_MASTER, pty.master_fd, dst.fd[1]);
		write_all(pty.slave_fd, "last words");
		/* Not polled before: the kernel may still be carrying them; and the slave stays open. */
		att_channel_limit(&c);
		pump(&c);
		assert_false(att_channel_is_open(&c));
		expect(dst.fd[0], "last words");
		att_ignore(close(dst.fd[0]));
		att_ignore(close(dst.fd[1]));
		att_pty_done(&pty);
	}
}

static void a_lost_terminal_of_the_callers_is_told_apart_from_an_end(void **state)
{
	struct att_pty ours = make_terminal();
	struct att_pty callers = make_terminal();
	struct att_channel c;

	(void)state;
	att_channel_open_in(&c, ATT_SIDE_MASTER, ours.master_fd, callers.slave_fd, NULL);
	pump(&c);
	assert_true(att_channel_is_open(&c));
	assert_num(close(callers.master_fd), 0);
	callers.master_fd = -1;
	pump(&c);
	assert_false(att_channel_is_open(&c));
	assert_true(c.lost);
	assert_num(c.error, 0);
	att_pty_done(&ours);
	att_pty_done(&callers);
}

static void a_command_is_seen_while_the_job_reads_nothing(void **state)
{
	struct att_escape_machine m = ATT_ESCAPE_MACHINE_INIT;
	struct att_pty pty = make_terminal();
	struct pair src = make_pipe();
	struct att_channel c;
	char line[1000];

	(void)state;
	m.escape_char = '~';
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	type_quietly(&pty);
	att_channel_open_in(&c, ATT_SIDE_MASTER, pty.master_fd, src.fd[0], &m);
	/* More than the kernel holds for a terminal that nobody reads. */
	for (int i = 0; i < 40; i++) {
		assert_num(write(src.fd[1], line, sizeof(line)), sizeof(line));
		pump(&c);
	}
	assert_true(c.buf_len > 0);
	write_all(src.fd[1], "~.");
	pump(&c);
	assert_num(m.actions, ATT_ESCAPE_DISCONNECT);
	att_channel_end(&c);
	att_ignore(close(src.fd[0]));
	att_ignore(close(src.fd[1]));
	att_pty_done(&pty);
}

static int ignore_sigpipe(void **state)
{
	(void)state;
	return signal(SIGPIPE, SIG_IGN) == SIG_ERR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_from_our_pipe_to_every_kind_of_sink),
		cmocka_unit_test(the_end_of_input_closes_our_pipe_and_nothing_else),
		cmocka_unit_test(a_sink_that_takes_no_more_stops_the_source),
		cmocka_unit_test(a_closed_sink_is_no_error_and_another_failure_is),
		cmocka_unit_test(once_limited_it_delivers_what_is_there_and_ends),
		cmocka_unit_test(what_is_owed_and_taken_by_another_is_not_waited_for),
		cmocka_unit_test(without_a_sink_bytes_are_read_and_dropped),
		cmocka_unit_test(the_end_of_input_is_typed_to_a_terminal),
		cmocka_unit_test(what_an_ended_job_wrote_to_its_terminal_arrives),
		cmocka_unit_test(a_lost_terminal_of_the_callers_is_told_apart_from_an_end),
		cmocka_unit_test(a_command_is_seen_while_the_job_reads_nothing),
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
