/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes in and out of a job: pipes, files, sockets, devices, and descriptors that are not there. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"

#define MIB (1024 * 1024)

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "stdio");
}

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "stdio");
}

static const char *const ios[] = { "relay", "direct" };

static char *host_path(const struct fixture *f, const char *name, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s/%s", f->dir, name);
	return buf;
}

static int make_file(const struct fixture *f, const char *text, int flags)
{
	char path[128];
	int fd = open(host_path(f, "file", path, sizeof(path)),
	              O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd > 2);
	assert_zero(att_fd_write_full(fd, text, strlen(text)));
	close(fd);
	fd = open(path, O_RDWR | O_CLOEXEC | flags);
	assert_true(fd > 2);
	return fd;
}

static void assert_file(int fd, const char *want)
{
	char text[256];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

/* ---- unchanged ---------------------------------------------------------------------------- */

static void bytes_of_any_length_go_in_and_come_out_unchanged(void **state)
{
	static const size_t lengths[] = { 0,     1,     4095,  4096,    4097,
		                          65535, 65536, 65537, MIB - 1, 20 * MIB };
	const struct fixture *f = *state;
	char *bytes = test_malloc(20 * MIB);

	cmd_gen(bytes, 20 * MIB, 11);
	for (size_t io = 0; io < countof(ios); io++) {
		for (size_t i = 0; i < countof(lengths); i++) {
			const struct cmd how = { .in = CMD_STDIN_BYTES,
				                 .bytes = bytes,
				                 .n_bytes = lengths[i] };
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_run(f, WORDS("exec", "--io", ios[io], "@", "/probe", "cat"), &how,
			            &r);
			assert_exit(&r, 0);
			assert_string_equal(r.err, "");
			assert_num(r.out_len, lengths[i]);
			assert_memory_equal(r.out, bytes, lengths[i]);
		}
	}
	test_free(bytes);
}

static void sixty_four_mebibytes_go_through_a_pipeline_unchanged(void **state)
{
	static const char script[] = "N=67108864\n"
				     "\"$PROBE\" gen $N 5 | \"$PROBE\" sum\n"
				     "\"$PROBE\" gen $N 5 | x \"$CT\" /probe sum\n"
				     "x \"$CT\" /probe gen $N 5 | \"$PROBE\" sum\n"
				     "\"$PROBE\" gen $N 5 | x \"$CT\" /probe cat | \"$PROBE\" sum\n"
				     "\"$PROBE\" gen $N 5 | x --io direct \"$CT\" /probe cat | "
				     "\"$PROBE\" sum\n";
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char *line = NULL;
	char *rest = NULL;
	char *first = NULL;
	int n = 0;

	fixture_shell(*state, script, NULL, &r);
	assert_exit(&r, 0);
	rest = r.out;
	first = strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		assert_string_equal(line, first);
		n++;
	}
	assert_num(n, 4);
}

static void stderr_stays_apart_from_stdout(void **state)
{
	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state,
		            WORDS("exec", "--io", ios[io], "@", "sh", "-c",
		                  "echo out; echo err >&2; echo out2; exit 9"),
		            NULL, &r);
		assert_exit(&r, 9);
		assert_string_equal(r.out, "out\nout2\n");
		assert_string_equal(r.err, "err\n");
	}
}

static void megabytes_on_both_outputs_at_once_do_not_block_each_other(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "/probe spam 5000000 2 & /probe spam 7000000 1; wait"),
	            NULL, &r);
	assert_exit(&r, 0);
	assert_num(r.out_len, 7000000);
	assert_num(r.err_len, 5000000);
}

/* ---- ends --------------------------------------------------------------------------------- */

static void the_end_of_input_reaches_a_job_that_goes_on_to_write(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_shell(*state, "printf abc | x \"$CT\" -- sh -c 'cat; echo after; exit 4'", NULL,
	              &r);
	assert_exit(&r, 4);
	assert_string_equal(r.out, "abcafter\n");
}

static void the_end_of_output_reaches_the_reader_while_the_job_goes_on(void **state)
{
	const struct fixture *f = *state;
	int fd[2];
	char text[16];

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		assert_zero(pipe2(fd, O_CLOEXEC));

		const struct cmd how = { .stdout_fd = fd[1] };

		fixture_start(f,
		              WORDS("exec", "--io", ios[io], "@", "sh", "-c",
		                    "echo a; exec >&-; sleep 1.5; exit 3"),
		              &how, &job);
		close(fd[1]);
		assert_num(att_fd_read_full(fd[0], text, sizeof(text)), 2);
		/* The reader has seen the end; the job has a second left. */
		assert_false(child_gone(cmd_pid(job), att_clock_after_ns(ATT_NS_PER_SEC / 5)));
		close(fd[0]);
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 3);
	}
}

static void a_job_that_closes_its_input_early_is_not_disturbed(void **state)
{
	char *bytes = test_malloc(8 * MIB);
	const struct cmd how = { .in = CMD_STDIN_BYTES, .bytes = bytes, .n_bytes = 8 * MIB };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	cmd_gen(bytes, 8 * MIB, 1);
	fixture_run(*state, WORDS("exec", "@", "sh", "-c", "exec <&-; sleep 0.3; echo done"), &how,
	            &r);
	test_free(bytes);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "done\n");
	assert_string_equal(r.err, "");
}

static void a_job_that_never_reads_its_input_is_not_waited_for(void **state)
{
	const struct fixture *f = *state;
	const struct cmd how = { .in = CMD_STDIN_PIPE };
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_start(f, WORDS("exec", "@", "sh", "-c", "echo x; exit 6"), &how, &job);
	/* Its input stays open all the time. */
	assert_zero(cmd_expect(job, "x\n"));
	assert_true(child_gone(cmd_pid(job), att_clock_after_ns(3 * ATT_NS_PER_SEC)));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 6);
}

static void a_reader_that_does_not_read_is_not_waited_for_after_the_deadline(void **state)
{
	static const char script[] =
		"{ x --timeout 0.3s --kill-after 0.2s \"$CT\" -- sh -c 'trap \"\" TERM; yes'; "
		"echo $? >\"$DIR/code\"; } | while [ ! -e \"$DIR/code\" ]; do sleep 0.1; done; "
		"cat \"$DIR/code\"; rm \"$DIR/code\"\n";
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_shell(*state, script, NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "124\n");
}

static void a_reader_that_goes_away_ends_the_job_without_a_word(void **state)
{
	static const char script[] = "{ x --io \"$IO\" \"$CT\" -- yes; echo $? >&3; } "
				     "3>\"$DIR/code\" | head -n 1; cat \"$DIR/code\"\n";

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		setenv("IO", ios[io], 1);
		fixture_shell(*state, script, NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "y\n141\n");
		assert_string_equal(r.err, "");
		assert_within(&r, 3000);
	}
}

static void a_daemon_that_holds_the_pipes_does_not_hold_the_caller(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "echo before; echo bad >&2; /probe daemon 1.5; exit 5"),
	            NULL, &r);
	assert_exit(&r, 5);
	assert_string_equal(r.out, "before\n");
	assert_string_equal(r.err, "bad\n");
	assert_false(r.held_open);
	assert_within(&r, 1200);
}

static void what_a_job_wrote_before_its_daemon_went_on_writing_is_delivered(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	/* Endless output of somebody else must not keep the caller either. */
	fixture_run(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "echo before; (setsid timeout 1 yes 2>/dev/null) & exit 0"),
	            NULL, &r);
	assert_exit(&r, 0);
	assert_has(r.out, "before\n");
	assert_within(&r, 1000);
}

static void a_burst_right_before_the_end_is_delivered_whole(void **state)
{
	char *want = test_malloc(8192);
	size_t len = 0;

	for (int i = 1; i <= 1000; i++)
		len += (size_t)snprintf(want + len, 8192 - len, "%d\n", i);
	for (int run = 0; run < 40; run++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, WORDS("exec", "@", "seq", "1000"), NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, want);
	}
	test_free(want);
}

/* ---- devices, files, sockets -------------------------------------------------------------- */

static void a_full_device_is_an_error_only_where_the_command_had_none(void **state)
{
	static const struct {
		const char *job;
		int code;
	} cases[] = { { "echo hi; exit 0", 125 }, { "echo hi; exit 3", 3 } };
	const struct fixture *f = *state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct cmd how = { .stdout_fd = full };

	for (size_t i = 0; i < countof(cases); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(f, WORDS("exec", "@", "sh", "-c", cases[i].job), &how, &r);
		assert_exit(&r, cases[i].code);
		assert_refused(&r, cases[i].code, box_name(f->box), "IoError", "write stdout");
	}
	close(full);
}

static void a_full_device_is_the_commands_own_trouble_with_direct_io(void **state)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct cmd how = { .stdout_fd = full };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "--io", "direct", "@", "/probe", "gen", "1", "1"), &how,
	            &r);
	close(full);
	assert_exit(&r, 74);
	assert_string_equal(r.err, "");
}

/* "VmHWM:	    1234 kB" */
static long peak_kib(pid_t pid)
{
	char path[64];
	char text[4096];
	const char *p = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	p = strstr(text, "VmHWM:");
	assert_non_null(p);
	return strtol(p + 6, NULL, 10);
}

static size_t drain(int fd)
{
	char buf[4096];
	size_t total = 0;
	ssize_t n = 0;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		total += (size_t)n;
	return total;
}

static void a_reader_that_sleeps_slows_the_job_and_costs_no_memory(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	long kib = 0;
	int fd[2];

	assert_zero(pipe2(fd, O_CLOEXEC));

	const struct cmd how = { .stdout_fd = fd[1] };

	fixture_start(f, WORDS("exec", "@", "/probe", "spam", "30000000", "1"), &how, &job);
	close(fd[1]);
	assert_false(child_gone(cmd_pid(job), att_clock_after_ns(ATT_NS_PER_SEC)));
	assert_num(drain(fd[0]), 30000000);
	close(fd[0]);
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
	job = cmd_job_free(job);

	/* How much it takes while it cannot go on. */
	assert_zero(pipe2(fd, O_CLOEXEC));

	const struct cmd again = { .stdout_fd = fd[1] };

	fixture_start(f, WORDS("exec", "@", "/probe", "spam", "30000000", "1"), &again, &job);
	close(fd[1]);
	assert_false(child_gone(cmd_pid(job), att_clock_after_ns(ATT_NS_PER_SEC / 2)));
	kib = peak_kib(cmd_pid(job));
	close(fd[0]);
	assert_zero(cmd_wait(job, &r));
	/* The probe ignores nothing: a reader that is gone ends it. */
	assert_exit(&r, 141);
	if (getenv("ASAN_OPTIONS") == NULL && kib > 16 * 1024)
		fail_msg("%ld KiB", kib);
}

static void output_is_added_to_the_end_of_an_append_file(void **state)
{
	for (size_t io = 0; io < countof(ios); io++) {
		int fd = make_file(*state, "first\n", O_APPEND);
		const struct cmd how = { .stdout_fd = fd };
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, WORDS("exec", "--io", ios[io], "@", "echo", "second"), &how,
		            &r);
		assert_exit(&r, 0);
		assert_file(fd, "first\nsecond\n");
		close(fd);
	}
}

static void a_file_is_read_from_where_the_caller_stands(void **state)
{
	for (size_t io = 0; io < countof(ios); io++) {
		int fd = make_file(*state, "0123456789", 0);
		const struct cmd how = { .in = CMD_STDIN_FD, .stdin_fd = fd };
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		assert_num(lseek(fd, 3, SEEK_SET), 3);
		fixture_run(*state, WORDS("exec", "--io", ios[io], "@", "/probe", "cat"), &how, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "3456789");
		/* The caller stands where the job did. */
		assert_num(lseek(fd, 0, SEEK_CUR), 10);
		close(fd);
	}
}

static void a_file_is_written_where_the_caller_stands_and_goes_on(void **state)
{
	static const char script[] =
		"(echo a; x --io \"$IO\" \"$CT\" echo b; echo c) > \"$DIR/out\"\n"
		"cat \"$DIR/out\"";

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		setenv("IO", ios[io], 1);
		fixture_shell(*state, script, NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "a\nb\nc\n");
	}
}

static void stdout_and_stderr_in_one_file_do_not_overwrite_each_other(void **state)
{
	static const char script[] =
		"x --io \"$IO\" \"$CT\" sh -c 'echo a; sleep 0.1; echo b >&2; sleep 0.1; echo c' "
		"> \"$DIR/out\" 2>&1\ncat \"$DIR/out\"";

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		setenv("IO", ios[io], 1);
		fixture_shell(*state, script, NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "a\nb\nc\n");
	}
}

/* Writes and half-closes, so that the other side sees the end. */
static int feed_socket(void *data)
{
	const int *fd = data;
	char *bytes = malloc(MIB);

	if (bytes == NULL)
		return 1;
	cmd_gen(bytes, MIB, 3);
	if (att_fd_write_full(*fd, bytes, MIB) < 0)
		return 2;
	free(bytes);
	return shutdown(*fd, SHUT_WR) == 0 ? 0 : 3;
}

static void sockets_carry_input_and_output(void **state)
{
	const struct fixture *f = *state;
	char *bytes = test_malloc(MIB);
	char *got = test_malloc(MIB + 1);

	cmd_gen(bytes, MIB, 3);
	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		int in[2];
		int out[2];

		assert_zero(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in));
		assert_zero(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, out));

		const struct cmd how = { .in = CMD_STDIN_FD,
			                 .stdin_fd = in[1],
			                 .stdout_fd = out[1] };

		fixture_start(f, WORDS("exec", "--io", ios[io], "@", "/probe", "cat"), &how, &job);
		close(in[1]);
		close(out[1]);

		/* The reader reads while the feeder feeds: a process of its own. */
		pid_t feeder = fork();

		assert_true(feeder >= 0);
		if (feeder == 0)
			_exit(feed_socket(&in[0]));
		close(in[0]);
		assert_num(att_fd_read_full(out[0], got, MIB + 1), MIB);
		assert_memory_equal(got, bytes, MIB);
		close(out[0]);

		int status = -1;

		assert_true(child_reap(feeder, att_clock_after_ns(5 * ATT_NS_PER_SEC), &status));
		assert_num(status, 0);
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 0);
	}
	test_free(got);
	test_free(bytes);
}

static void the_non_blocking_flag_of_the_caller_is_left_as_it_was(void **state)
{
	const struct fixture *f = *state;

	for (int with = 0; with < 2; with++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		int flags = with ? O_NONBLOCK : 0;
		int in[2];
		int out[2];
		int err[2];
		int before[3];

		assert_zero(pipe2(in, O_CLOEXEC | flags));
		assert_zero(pipe2(out, O_CLOEXEC | flags));
		assert_zero(pipe2(err, O_CLOEXEC | flags));
		before[0] = fcntl(in[0], F_GETFL);
		before[1] = fcntl(out[1], F_GETFL);
		before[2] = fcntl(err[1], F_GETFL);
		/* The reading end for the test; flags belong to each end. */
		assert_zero(fcntl(out[0], F_SETFL, 0));

		const struct cmd how = { .in = CMD_STDIN_FD,
			                 .stdin_fd = in[0],
			                 .stdout_fd = out[1],
			                 .stderr_fd = err[1] };

		fixture_start(
			f, WORDS("exec", "@", "sh", "-c", "cat; echo e >&2; /probe spam 300000 1"),
			&how, &job);
		assert_num(write(in[1], "abc\n", 4), 4);
		usleep(200000);
		/* While it runs, which is when others share the description. */
		assert_num(fcntl(in[0], F_GETFL), before[0]);
		assert_num(fcntl(out[1], F_GETFL), before[1]);
		assert_num(fcntl(err[1], F_GETFL), before[2]);
		close(in[1]);
		usleep(100000);
		assert_num(fcntl(out[1], F_GETFL), before[1]);
		close(out[1]);
		assert_num(drain(out[0]), 300004);
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 0);
		assert_num(fcntl(in[0], F_GETFL), before[0]);
		assert_num(fcntl(err[1], F_GETFL), before[2]);
		close(in[0]);
		close(out[0]);
		close(err[0]);
		close(err[1]);
	}
}

static void a_non_blocking_input_that_comes_slowly_is_read_whole(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int in[2];

	assert_zero(pipe2(in, O_CLOEXEC | O_NONBLOCK));

	const struct cmd how = { .in = CMD_STDIN_FD, .stdin_fd = in[0] };

	fixture_start(f, WORDS("exec", "@", "/probe", "cat"), &how, &job);
	close(in[0]);
	for (int i = 0; i < 5; i++) {
		usleep(20000);
		assert_num(write(in[1], "tick ", 5), 5);
	}
	close(in[1]);
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "tick tick tick tick tick ");
}

static void a_job_opens_its_outputs_by_path_whoever_it_is(void **state)
{
	static const char *const users[] = { "root", "nobody", "4321:8765" };

	for (size_t i = 0; i < countof(users); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state,
		            WORDS("exec", "-u", users[i], "@", "sh", "-c",
		                  "echo a > /dev/stdout; echo b > /dev/stderr; "
		                  "echo c >> /proc/self/fd/1"),
		            NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "a\nc\n");
		assert_string_equal(r.err, "b\n");
	}
}

static void direct_hands_over_the_callers_file_and_relay_does_not(void **state)
{
	for (size_t io = 0; io < countof(ios); io++) {
		int fd = make_file(*state, "", 0);
		const struct cmd how = { .in = CMD_STDIN_FD, .stdin_fd = fd };
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		char inode[32];
		struct stat st;

		assert_zero(fstat(fd, &st));
		snprintf(inode, sizeof(inode), "%llu\n", (unsigned long long)st.st_ino);
		fixture_run(*state,
		            WORDS("exec", "--io", ios[io], "@", "stat", "-L", "-c", "%i",
		                  "/proc/self/fd/0"),
		            &how, &r);
		close(fd);
		assert_exit(&r, 0);
		assert_num(strcmp(r.out, inode) == 0, io == 1);
	}
}

/* ---- what is not there -------------------------------------------------------------------- */

static void a_job_has_its_three_descriptors_whatever_the_caller_has_closed(void **state)
{
	static const char job[] = "cat; echo out; echo err >&2; "
				  "for i in 0 1 2; do [ -e /proc/self/fd/$i ] || exit 1; done; "
				  "exit 7";

	for (size_t io = 0; io < countof(ios); io++) {
		for (unsigned which = 0; which < 8; which++) {
			const struct cmd how = {
				.in = which & 1 ? CMD_STDIN_CLOSED : CMD_STDIN_BYTES,
				.bytes = "in\n",
				.n_bytes = 3,
				.closed = (which & 2 ? CMD_CLOSED_STDOUT : 0) |
				          (which & 4 ? CMD_CLOSED_STDERR : 0),
			};
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_run(*state, WORDS("exec", "--io", ios[io], "@", "sh", "-c", job),
			            &how, &r);
			assert_exit(&r, 7);
			assert_string_equal(r.err, which & 4 ? "" : "err\n");
			assert_string_equal(r.out, which & 2   ? ""
			                           : which & 1 ? "out\n"
			                                       : "in\nout\n");
		}
	}
}

static void no_stdin_gives_an_empty_input(void **state)
{
	const struct cmd how = { .in = CMD_STDIN_BYTES, .bytes = "secret", .n_bytes = 6 };

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, WORDS("exec", "-n", "--io", ios[io], "@", "/probe", "cat"),
		            &how, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "");
	}
}

static void no_stdin_leaves_the_callers_input_to_the_caller(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_shell(
		*state,
		"printf '1\\n2\\n3\\n' | while read -r n; do x -n \"$CT\" echo \"got $n\"; done",
		NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "got 1\ngot 2\ngot 3\n");
}

static void a_directory_or_a_path_is_refused_as_input(void **state)
{
	static const int flags[] = { O_RDONLY | O_DIRECTORY, O_PATH };
	const struct fixture *f = *state;

	for (size_t io = 0; io < countof(ios); io++) {
		for (size_t i = 0; i < countof(flags); i++) {
			int fd = open("/", flags[i] | O_CLOEXEC);
			const struct cmd how = { .in = CMD_STDIN_FD, .stdin_fd = fd };
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_run(f, WORDS("exec", "--io", ios[io], "@", "touch", "/run/mark"),
			            &how, &r);
			close(fd);
			assert_refused(&r, 125, box_name(f->box), "InvalidArgument", "directory");
			assert_false(fixture_in_box(f, "/run/mark"));
		}
	}
}

/* ---- many --------------------------------------------------------------------------------- */

static void three_hundred_runs_in_a_row_do_not_fail(void **state)
{
	const struct cmd how = { .timeout_ms = 60000 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_shell(*state,
	              "i=0; while [ $i -lt 300 ]; do o=$(x \"$CT\" echo $i) && [ \"$o\" = $i ] || "
	              "exit 1; i=$((i + 1)); done; echo $i",
	              &how, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "300\n");
	assert_string_equal(r.err, "");
}

static void thirty_two_runs_at_once_do_not_fail(void **state)
{
	enum {
		N = 32
	};
	struct cmd_job *job[N] = { NULL };
	char number[N][16];

	for (int i = 0; i < N; i++) {
		snprintf(number[i], sizeof(number[i]), "%d\n", i);
		fixture_start(*state,
		              WORDS("exec", "@", "sh", "-c", "sleep 0.2; printf %s \"$1\"", "-",
		                    number[i]),
		              NULL, &job[i]);
	}
	for (int i = 0; i < N; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		assert_zero(cmd_wait(job[i], &r));
		job[i] = cmd_job_free(job[i]);
		assert_exit(&r, 0);
		assert_string_equal(r.out, number[i]);
		assert_string_equal(r.err, "");
	}
}

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		fixture_test(bytes_of_any_length_go_in_and_come_out_unchanged),
		fixture_test(sixty_four_mebibytes_go_through_a_pipeline_unchanged),
		fixture_test(stderr_stays_apart_from_stdout),
		fixture_test(megabytes_on_both_outputs_at_once_do_not_block_each_other),
		fixture_test(the_end_of_input_reaches_a_job_that_goes_on_to_write),
		fixture_test(the_end_of_output_reaches_the_reader_while_the_job_goes_on),
		fixture_test(a_job_that_closes_its_input_early_is_not_disturbed),
		fixture_test(a_job_that_never_reads_its_input_is_not_waited_for),
		fixture_test(a_reader_that_does_not_read_is_not_waited_for_after_the_deadline),
		fixture_test(a_reader_that_goes_away_ends_the_job_without_a_word),
		fixture_test(a_daemon_that_holds_the_pipes_does_not_hold_the_caller),
		fixture_test(what_a_job_wrote_before_its_daemon_went_on_writing_is_delivered),
		fixture_test(a_burst_right_before_the_end_is_delivered_whole),
		fixture_test(a_full_device_is_an_error_only_where_the_command_had_none),
		fixture_test(a_full_device_is_the_commands_own_trouble_with_direct_io),
		fixture_test(a_reader_that_sleeps_slows_the_job_and_costs_no_memory),
		fixture_test(output_is_added_to_the_end_of_an_append_file),
		fixture_test(a_file_is_read_from_where_the_caller_stands),
		fixture_test(a_file_is_written_where_the_caller_stands_and_goes_on),
		fixture_test(stdout_and_stderr_in_one_file_do_not_overwrite_each_other),
		fixture_test(sockets_carry_input_and_output),
		fixture_test(the_non_blocking_flag_of_the_caller_is_left_as_it_was),
		fixture_test(a_non_blocking_input_that_comes_slowly_is_read_whole),
		fixture_test(a_job_opens_its_outputs_by_path_whoever_it_is),
		fixture_test(direct_hands_over_the_callers_file_and_relay_does_not),
		fixture_test(a_job_has_its_three_descriptors_whatever_the_caller_has_closed),
		fixture_test(no_stdin_gives_an_empty_input),
		fixture_test(no_stdin_leaves_the_callers_input_to_the_caller),
		fixture_test(a_directory_or_a_path_is_refused_as_input),
		fixture_test(three_hundred_runs_in_a_row_do_not_fail),
		fixture_test(thirty_two_runs_at_once_do_not_fail),
	};
	const struct CMUnitTest privileged[] = {
		fixture_test(stderr_stays_apart_from_stdout),
		fixture_test(a_job_opens_its_outputs_by_path_whoever_it_is),
		fixture_test(a_job_has_its_three_descriptors_whatever_the_caller_has_closed),
		fixture_test(direct_hands_over_the_callers_file_and_relay_does_not),
		fixture_test(thirty_two_runs_at_once_do_not_fail),
	};
	int failed = cmocka_run_group_tests_name("exec stdio, idmapped", idmapped, open_idmapped,
	                                         fixture_close);

	return failed + cmocka_run_group_tests_name("exec stdio, privileged", privileged,
	                                            open_privileged, fixture_close);
}
