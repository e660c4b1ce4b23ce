/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes through a terminal: every one of them, in both directions, and no faster than they are taken. */
#include "harness/fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define MIB (1024 * 1024)
/* More than a terminal holds (12 KiB), less than two and what is between them. */
#define PASTE 24000

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "ttyrelay");
}

/* ---- out ------------------------------------------------------------------------------------- */

static void assert_screen(const struct ptydrv *d, const char *want, size_t len)
{
	size_t got_len = 0;
	const char *got = ptydrv_said(d, PTYDRV_SCREEN, &got_len);
	size_t same = 0;

	while (same < len && same < got_len && got[same] == want[same])
		same++;
	if (got_len != len || same != len)
		fail_msg("%zu bytes came, %zu were written; they are the same up to %zu", got_len,
		         len, same);
}

static void run_flood(const struct fixture *f, size_t len, uint64_t stutter)
{
	char script[64];
	char *want = test_malloc(len);
	const struct ptydrv_cmd how = { .timeout_ms = 60000 };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	cmd_gen(want, len, 7);
	snprintf(script, sizeof(script), "stty raw; /probe gen %zu 7; exit 21", len);
	fixture_pty(f, WORDS("exec", "@", "sh", "-c", script), &how, &d);
	ptydrv_stutter(d, stutter);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 21);
	assert_screen(d, want, len);
	test_free(want);
}

static void fifty_megabytes_come_out_unchanged(void **state)
{
	run_flood(*state, (size_t)50 * MIB, 0);
}

static void a_reader_that_stutters_loses_nothing(void **state)
{
	run_flood(*state, MIB, 1);
	run_flood(*state, MIB, 2);
}

static void a_newline_gets_one_return_and_a_raw_one_none(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty_run(*state,
	                WORDS("exec", "@", "sh", "-c",
	                      "printf 'a\\nb\\r\\nc\\n'; stty raw; printf 'd\\ne\\r\\n'"),
	                NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "a\r\nb\r\r\nc\r\nd\ne\r\n");
}

static void each_of_many_lines_has_one_return(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	size_t n = 0;

	fixture_pty_run(*state, WORDS("exec", "@", "seq", "1", "200000"), NULL, &r);
	assert_exit(&r, 0);
	for (size_t i = 0; i < r.out_len; i++) {
		n += r.out[i] == '\n';
		if (r.out[i] == '\n' && (i < 2 || r.out[i - 1] != '\r' || r.out[i - 2] == '\r'))
			fail_msg("line %zu ends wrongly", n);
	}
	assert_num(n, 200000);
	assert_has(r.out, "\r\n123456\r\n");
}

/* ---- in -------------------------------------------------------------------------------------- */

static void assert_sum(struct ptydrv *d, const void *bytes, size_t len)
{
	char want[64];

	snprintf(want, sizeof(want), "%016llx %zu", (unsigned long long)cmd_sum(bytes, len), len);
	assert_expect(d, want);
}

static void a_paste_of_five_megabytes_arrives_unchanged(void **state)
{
	const size_t len = (size_t)5 * MIB;
	const struct ptydrv_cmd how = { .timeout_ms = 60000 };
	char *bytes = test_malloc(len);
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	cmd_gen(bytes, len, 3);
	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "stty raw -echo; echo ready; head -c 5242880 | /probe sum; exit 2"),
	            &how, &d);
	assert_expect(d, "ready");
	assert_zero(ptydrv_type_bytes(d, bytes, len));
	assert_sum(d, bytes, len);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 2);
	test_free(bytes);
}

/* Lines are what a terminal in its usual mode takes; a longer one is cut by the kernel. */
static void fill_lines(char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = i % 4000 == 3999 || i + 1 == len ? '\n' : (char)('!' + i % 90);
}

static void pasted_lines_arrive_unchanged_and_the_end_key_ends_them(void **state)
{
	const size_t len = (size_t)2 * MIB;
	const struct ptydrv_cmd how = { .timeout_ms = 60000 };
	char *bytes = test_malloc(len);
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fill_lines(bytes, len);
	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c", "stty -echo; echo ready; /probe sum; exit 2"),
	            &how, &d);
	assert_expect(d, "ready");
	assert_zero(ptydrv_type_bytes(d, bytes, len));
	assert_zero(ptydrv_type(d, "\004"));
	assert_sum(d, bytes, len);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 2);
	test_free(bytes);
}

static void a_file_piped_into_a_forced_terminal_arrives_whole(void **state)
{
	const size_t len = (size_t)2 * MIB;
	char *bytes = test_malloc(len);
	const struct cmd how = {
		.in = CMD_STDIN_BYTES, .bytes = bytes, .n_bytes = len, .timeout_ms = 60000
	};
	char want[64];
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	/* Where echo is off from the start, nothing but the sum comes back. */
	fill_lines(bytes, len);
	fixture_run(*state, WORDS("exec", "-t", "@", "sh", "-c", "stty -echo; /probe sum; exit 2"),
	            &how, &r);
	assert_exit(&r, 2);
	snprintf(want, sizeof(want), "%016llx %zu\r\n", (unsigned long long)cmd_sum(bytes, len),
	         len);
	assert_has(r.out, want);
	test_free(bytes);
}

static void both_directions_go_at_once(void **state)
{
	const size_t len = (size_t)3 * MIB;
	const struct ptydrv_cmd how = { .timeout_ms = 60000 };
	char *bytes = test_malloc(len + 5);
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	memcpy(bytes, "ready", 5);
	cmd_gen(bytes + 5, len, 9);
	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "stty raw -echo; printf ready; head -c 3145728; exit 8"),
	            &how, &d);
	assert_expect(d, "ready");
	assert_zero(ptydrv_type_bytes(d, bytes + 5, len));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 8);
	assert_screen(d, bytes, len + 5);
	test_free(bytes);
}

/* ---- no faster than it is taken ----------------------------------------------------------------- */

/* Of a process, in ticks of the clock. */
static long cpu_ticks(pid_t pid)
{
	char path[64];
	char text[1024];
	const char *p = NULL;
	unsigned long utime = 0;
	unsigned long stime = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	p = strrchr(text, ')');
	assert_non_null(p);
	assert_num(
		sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &utime, &stime),
		2);
	return (long)(utime + stime);
}

/* Nothing is to be waited for here but time itself. */
static void let_pass(int ms)
{
	const struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

/* A spinning one would take a hundred. */
static void assert_idle(pid_t pid)
{
	long before = cpu_ticks(pid);

	let_pass(1000);
	assert_true(cpu_ticks(pid) - before <= 5);
}

static long count_of(const struct fixture *f)
{
	char text[32];

	return strtol(fixture_read(f, "/tmp/count", text, sizeof(text)), NULL, 10);
}

static long await_standstill(const struct fixture *f)
{
	int64_t until_ns = att_clock_after_ns(15 * ATT_NS_PER_SEC);
	long last = -1;
	long now = count_of(f);

	while (last != now || now == 0) {
		assert_true(att_clock_now_ns() < until_ns);
		last = now;
		let_pass(400);
		now = count_of(f);
	}
	return now;
}

static void a_reader_that_stops_makes_the_job_wait_and_nobody_spin(void **state)
{
	const struct fixture *f = *state;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	long count = 0;
	char next[32];

	fixture_pty(f,
	            WORDS("exec", "@", "sh", "-c",
	                  "echo 0 >/tmp/count; read -r x; i=0; while [ ! -e /tmp/stop ]; do "
	                  "i=$((i + 1)); printf '%2000s\\n' \"<$i>\"; echo $i >/tmp/count; done; "
	                  "exit 17"),
	            NULL, &d);
	ptydrv_pause(d, true);
	assert_zero(ptydrv_type(d, "\r"));
	count = await_standstill(f);
	assert_idle(ptydrv_pid(d));
	assert_num(count_of(f), count);
	ptydrv_pause(d, false);
	snprintf(next, sizeof(next), "<%ld>\r\n", count + 50);
	assert_expect(d, next);
	assert_zero(box_write_file(f->box, "/tmp/stop", "", 0, 0644));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 17);
	/* Nothing is missing between. */
	for (long i = 1; i <= count + 50; i++) {
		snprintf(next, sizeof(next), " <%ld>\r\n", i);
		assert_has(r.out, next);
	}
	fixture_remove(f, "/tmp/stop");
	fixture_remove(f, "/tmp/count");
}

static void a_job_that_does_not_read_makes_nobody_spin(void **state)
{
	char *bytes = test_malloc(PASTE);
	const struct ptydrv_cmd how = { 0 };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	memset(bytes, 'x', PASTE);
	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c", "stty raw -echo; echo go; exec sleep 60"), &how,
	            &d);
	assert_expect(d, "go");
	assert_idle(ptydrv_pid(d));
	assert_zero(ptydrv_type_bytes(d, bytes, PASTE));
	assert_idle(ptydrv_pid(d));
	assert_zero(ptydrv_signal(d, SIGTERM));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 128 + SIGTERM);
	test_free(bytes);
}

/* What is full in one direction is no reason not to carry the other one. */
static void output_goes_on_while_input_is_full(void **state)
{
	char *bytes = test_malloc(PASTE);
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	memset(bytes, 'x', PASTE);
	fixture_pty(*state,
	            WORDS("exec", "@", "sh", "-c",
	                  "stty raw -echo; echo go; while [ ! -e /tmp/stop ]; do sleep 0.1; done; "
	                  "seq 1 20000; exit 5"),
	            NULL, &d);
	assert_expect(d, "go");
	assert_zero(ptydrv_type_bytes(d, bytes, PASTE));
	assert_zero(
		box_write_file(((const struct fixture *)*state)->box, "/tmp/stop", "", 0, 0644));
	assert_expect(d, "\n20000\n");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 5);
	fixture_remove(*state, "/tmp/stop");
	test_free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(fifty_megabytes_come_out_unchanged),
		fixture_test(a_reader_that_stutters_loses_nothing),
		fixture_test(a_newline_gets_one_return_and_a_raw_one_none),
		fixture_test(each_of_many_lines_has_one_return),
		fixture_test(a_paste_of_five_megabytes_arrives_unchanged),
		fixture_test(pasted_lines_arrive_unchanged_and_the_end_key_ends_them),
		fixture_test(a_file_piped_into_a_forced_terminal_arrives_whole),
		fixture_test(both_directions_go_at_once),
		fixture_test(a_reader_that_stops_makes_the_job_wait_and_nobody_spin),
		fixture_test(a_job_that_does_not_read_makes_nobody_spin),
		fixture_test(output_goes_on_while_input_is_full),
	};

	return cmocka_run_group_tests_name("terminal's relay", tests, open_idmapped, fixture_close);
}
