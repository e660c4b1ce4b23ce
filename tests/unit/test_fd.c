/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"

/* Where the signal handler of one test writes to; a handler has no argument of its own. */
static volatile sig_atomic_t wake_fd = -1;

static void write_one_byte(int sig)
{
	int saved = errno;

	att_ignore(sig);
	att_ignore(write((int)wake_fd, "x", 1));
	errno = saved;
}

static int make_file(const void *bytes, size_t len)
{
	int fd = memfd_create("test_fd", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(att_fd_write_full(fd, bytes, len), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void close_takes_any_value_and_keeps_errno(void **state)
{
	int fd = make_file("", 0);

	(void)state;
	errno = E2BIG;
	assert_int_equal(att_fd_close(-1), -1);
	assert_int_equal(att_fd_close(fd), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	errno = E2BIG;
	att_fd_close_p(&(int){ 1000000 });
	assert_int_equal(errno, E2BIG);
}

static void cleanup_form_marks_the_variable(void **state)
{
	int fd = make_file("", 0);
	int copy = fd;

	(void)state;
	att_fd_close_p(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(copy, F_GETFD), -1);
}

static void read_full_stops_at_the_end_or_at_the_capacity(void **state)
{
	_cleanup_close_ int fd = make_file("0123456789", 10);
	char buf[16];

	(void)state;
	assert_int_equal(att_fd_read_full(fd, buf, 4), 4);
	assert_memory_equal(buf, "0123", 4);
	assert_int_equal(att_fd_read_full(fd, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "456789", 6);
	assert_int_equal(att_fd_read_full(fd, buf, sizeof(buf)), 0);
}

static void read_full_gathers_short_reads(void **state)
{
	_cleanup_close_ int in = -1;
	_cleanup_close_ int out = -1;
	int ends[2];
	char buf[16];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_DIRECT), 0);
	in = ends[0];
	out = ends[1];
	/* A packet pipe hands over one write at a time. */
	assert_int_equal(att_fd_write_full(out, "abc", 3), 0);
	assert_int_equal(att_fd_write_full(out, "de", 2), 0);
	out = att_fd_close(out);
	assert_int_equal(att_fd_read_full(in, buf, sizeof(buf)), 5);
	assert_memory_equal(buf, "abcde", 5);
}

static void read_full_goes_on_after_a_signal(void **state)
{
	struct sigaction action = { .sa_handler = write_one_byte };
	struct sigaction before;
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	_cleanup_close_ int in = -1;
	_cleanup_close_ int out = -1;
	int ends[2];
	char c = 0;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	in = ends[0];
	out = ends[1];
	wake_fd = out;
	/* No SA_RESTART: the read itself is interrupted, and only then is there a byte. */
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(att_fd_read_full(in, &c, 1), 1);
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	assert_int_equal(c, 'x');
}

static void failures_are_negative_errno(void **state)
{
	_cleanup_close_ int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char buf[4];

	(void)state;
	assert_int_equal(att_fd_read_full(-1, buf, sizeof(buf)), -EBADF);
	assert_int_equal(att_fd_read_full(dir, buf, sizeof(buf)), -EISDIR);
	assert_int_equal(att_fd_write_full(-1, "x", 1), -EBADF);
	assert_int_equal(att_fd_write_full(-1, "", 0), 0);
}

static void write_full_reports_a_full_pipe(void **state)
{
	_cleanup_close_ int in = -1;
	_cleanup_close_ int out = -1;
	static char block[1 << 20];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	in = ends[0];
	out = ends[1];
	assert_int_equal(att_fd_write_full(out, block, sizeof(block)), -EAGAIN);
}

static void read_file_at_terminates_what_it_read(void **state)
{
	char dir[] = "/tmp/test_fd.XXXXXX";
	_cleanup_close_ int dir_fd = -1;
	_cleanup_close_ int fd = -1;
	char buf[8];

	(void)state;
	assert_non_null(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(dir_fd, "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(att_fd_write_full(fd, "1234567", 7), 0);
	memset(buf, '#', sizeof(buf));
	assert_int_equal(att_fd_read_file_at(dir_fd, "f", buf, sizeof(buf)), 7);
	assert_string_equal(buf, "1234567");
	assert_int_equal(att_fd_write_full(fd, "8", 1), 0);
	assert_int_equal(att_fd_read_file_at(dir_fd, "f", buf, sizeof(buf)), -EFBIG);
	assert_int_equal(att_fd_read_file_at(dir_fd, "f", buf, 0), -EFBIG);
	assert_int_equal(att_fd_read_file_at(dir_fd, "missing", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(unlinkat(dir_fd, "f", 0), 0);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(close_takes_any_value_and_keeps_errno),
		cmocka_unit_test(cleanup_form_marks_the_variable),
		cmocka_unit_test(read_full_stops_at_the_end_or_at_the_capacity),
		cmocka_unit_test(read_full_gathers_short_reads),
		cmocka_unit_test(read_full_goes_on_after_a_signal),
		cmocka_unit_test(failures_are_negative_errno),
		cmocka_unit_test(write_full_reports_a_full_pipe),
		cmocka_unit_test(read_file_at_terminates_what_it_read),
	};

	return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
