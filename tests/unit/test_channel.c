/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "io/channel.h"

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
	att_channel_open(c, src->fd[0], dst->fd[1], true);
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
		att_channel_open(&c, src.fd[0], dst.fd[1], true);
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
	att_channel_open(&c, src.fd[0], dst.fd[1], false);
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
	att_channel_open(&c, src.fd[0], full, true);
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
	att_channel_open(&c, src.fd[0], -1, true);
	write_all(src.fd[1], "nobody listens");
	att_ignore(close(src.fd[1]));
	pump(&c);
	assert_false(att_channel_is_open(&c));
	assert_num(c.bytes, 14);
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
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
