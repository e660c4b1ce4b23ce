/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a job has a terminal, which of its descriptors are one, and what goes where. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "rules");
}

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "rules");
}

/* ---- the matrix ------------------------------------------------------------------------------- */

/* What it is, into a file, since there may be nowhere else; then something each way. */
#define LOOK \
	"t=; for i in 0 1 2; do [ -t $i ] && t=$t$i; done; c=-; (: </dev/tty) 2>/dev/null && c=+; " \
	"read -r x; echo \"$t$c$x\" >/tmp/facts; echo out; echo err >&2; exit 7"

static const char *const rules[] = { NULL, "-t", "-T" };

enum {
	N_KINDS = PTYDRV_CLOSED + 1,
};

struct matrix {
	enum ptydrv_kind kind[3];
	const char *rule;
	int file[3];
};

/* As the manual has it: bit n is descriptor n of the job. */
static unsigned expected_mask(const struct matrix *m)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < 3; i++)
		if (m->kind[i] == PTYDRV_TTY)
			mask |= 1u << i;
	if (m->rule == rules[2] || (m->rule == NULL && (mask & 3u) != 3u))
		return 0;
	if ((mask & 3u) != 0)
		return mask;
	/* Both are the job's; errors keep a way of their own, unless they go where output goes. */
	return m->kind[1] == PTYDRV_NULL && m->kind[2] == PTYDRV_NULL ? 7u : 3u;
}

static const char *name_case(const struct matrix *m, char *buf, size_t cap)
{
	snprintf(buf, cap, "%s %d%d%d: ", m->rule == NULL ? "default" : m->rule, m->kind[0],
	         m->kind[1], m->kind[2]);
	return buf;
}

static void expected_facts(const struct matrix *m, char *buf, size_t cap)
{
	unsigned mask = expected_mask(m);
	bool has_input = m->kind[0] != PTYDRV_NULL && m->kind[0] != PTYDRV_CLOSED;

	snprintf(buf, cap, "%s%s%s%s%s\n", mask & 1u ? "0" : "", mask & 2u ? "1" : "",
	         mask & 4u ? "2" : "", mask != 0 ? "+" : "-", has_input ? "word" : "");
}

/* What came out at a descriptor, where that can be known. Return: NULL where it cannot. */
static const char *output_of(const struct matrix *m, const struct ptydrv *d, int i, char *buf,
                             size_t cap)
{
	size_t len = 0;
	ssize_t n = 0;

	switch (m->kind[i]) {
	case PTYDRV_TTY:
		return ptydrv_said(d, PTYDRV_SCREEN, &len);
	case PTYDRV_PIPE:
		return ptydrv_said(d, (enum ptydrv_stream)i, &len);
	case PTYDRV_FD:
		n = pread(m->file[i], buf, cap - 1, 0);
		buf[n < 0 ? 0 : n] = '\0';
		return buf;
	case PTYDRV_NULL:
	case PTYDRV_CLOSED:
		return NULL;
	}
	return NULL;
}

static void assert_output(const struct matrix *m, const struct ptydrv *d, int i, const char *word)
{
	bool in_terminal = m->kind[i] == PTYDRV_TTY || (expected_mask(m) & (1u << i)) != 0;
	char buf[256];
	char want[32];
	char name[32];
	const char *got = output_of(m, d, i, buf, sizeof(buf));

	snprintf(want, sizeof(want), "%s%s\n", word, in_terminal ? "\r" : "");
	if (got == NULL)
		return;
	/* In a terminal there is the echo of what was typed as well. */
	if (in_terminal ? strstr(got, want) == NULL : strcmp(got, want) != 0)
		fail_msg("%sdescriptor %d: no '%s' but: '%s'", name_case(m, name, sizeof(name)), i,
		         want, got);
}

static void give_input(const struct matrix *m, struct ptydrv *d)
{
	if (m->kind[0] == PTYDRV_TTY)
		assert_zero(ptydrv_type(d, "word\r"));
	if (m->kind[0] == PTYDRV_PIPE)
		assert_zero(ptydrv_feed(d, "word\n", 5));
}

static void open_files(struct matrix *m)
{
	for (int i = 0; i < 3; i++) {
		m->file[i] = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
		assert_true(m->file[i] >= 0);
	}
	assert_num(pwrite(m->file[0], "word\n", 5, 0), 5);
}

static void run_matrix(const struct fixture *f, struct matrix *m)
{
	const char *const forced[] = { "exec", m->rule, "@", "sh", "-c", LOOK, NULL };
	const char *const plain[] = { "exec", "@", "sh", "-c", LOOK, NULL };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	struct ttystate after;
	char name[32];
	char facts[64];
	char want[64];

	open_files(m);

	const struct ptydrv_cmd how = { .stdio = { m->kind[0], m->kind[1], m->kind[2] },
		                        .fds = { m->file[0], m->file[1], m->file[2] },
		                        .timeout_ms = 15000 };

	fixture_pty(f, m->rule == NULL ? plain : forced, &how, &d);
	give_input(m, d);
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 7);
	fixture_read(f, "/tmp/facts", facts, sizeof(facts));
	expected_facts(m, want, sizeof(want));
	if (strcmp(facts, want) != 0)
		fail_msg("%sgot '%s', want '%s'", name_case(m, name, sizeof(name)), facts, want);
	assert_output(m, d, 1, "out");
	assert_output(m, d, 2, "err");
	assert_zero(ptydrv_state(d, &after));
	assert_terminal(ptydrv_before(d), &after);
	for (int i = 0; i < 3; i++)
		close(m->file[i]);
}

static void each_kind_of_each_descriptor_is_as_the_manual_has_it(void **state)
{
	for (unsigned rule = 0; rule < countof(rules); rule++) {
		for (unsigned i = 0; i < N_KINDS * N_KINDS * N_KINDS; i++) {
			struct matrix m = { .kind = { (enum ptydrv_kind)(i % N_KINDS),
				                      (enum ptydrv_kind)(i / N_KINDS % N_KINDS),
				                      (enum ptydrv_kind)(i / N_KINDS / N_KINDS) },
				            .rule = rules[rule] };

			run_matrix(*state, &m);
		}
	}
	fixture_remove(*state, "/tmp/facts");
}

/* ---- without a terminal that controls ------------------------------------------------------------ */

static void a_caller_without_a_controlling_terminal_gets_one_all_the_same(void **state)
{
	const struct ptydrv_cmd how = { .mode = PTYDRV_NO_CTTY };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	struct ttystate after;

	fixture_pty(*state, WORDS("exec", "@", "sh", "-c", "/probe tty; read -r x; exit 9"), &how,
	            &d);
	assert_expect(d, "open=ok\r\nstdin=1\r\nstdout=1\r\nstderr=1\r\n");
	assert_zero(ptydrv_type(d, "x\r"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 9);
	assert_zero(ptydrv_state(d, &after));
	assert_terminal(ptydrv_before(d), &after);
}

static int new_session(void *unused)
{
	(void)unused;
	return setsid() < 0 ? errno : 0;
}

static void from_cron_there_is_a_terminal_only_on_demand(void **state)
{
	const struct cmd how = { .setup = new_session };
	_cleanup_cmd_result_ struct cmd_result plain = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result forced = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "@", "/probe", "tty"), &how, &plain);
	assert_exit(&plain, 0);
	assert_string_equal(plain.out, "open=ENXIO\nstdin=0\nstdout=0\nstderr=0\n");
	fixture_run(*state, WORDS("exec", "-t", "@", "/probe", "tty"), &how, &forced);
	assert_exit(&forced, 0);
	assert_string_equal(forced.out, "open=ok\r\nstdin=1\r\nstdout=1\r\nstderr=0\r\n");
	assert_string_equal(forced.err, "");
}

static void what_is_piped_into_a_forced_terminal_is_typed(void **state)
{
	const struct cmd how = { .in = CMD_STDIN_BYTES, .bytes = "one\ntwo", .n_bytes = 7 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	/* Its echo is off: what comes back is the job's own. */
	fixture_run(*state,
	            WORDS("exec", "-t", "@", "sh", "-c", "stty -echo; cat; echo; echo end; exit 4"),
	            &how, &r);
	assert_exit(&r, 4);
	assert_has(r.out, "one\r\ntwo\r\nend\r\n");
}

/* As in `echo x | attache exec -t web cmd | tee log` at somebody's shell. */
static void a_terminal_at_stderr_alone_is_neither_read_nor_changed(void **state)
{
	const struct ptydrv_cmd how = { .stdio = { PTYDRV_PIPE, PTYDRV_PIPE, PTYDRV_TTY } };
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	struct ttystate during;

	fixture_pty(*state,
	            WORDS("exec", "-t", "@", "sh", "-c",
	                  "stty -echo; echo ready; read -r x; echo \"<$x>\"; echo bad >&2"),
	            &how, &d);
	assert_expect_from(d, PTYDRV_STDOUT, "ready\r\n");
	assert_zero(ptydrv_state(d, &during));
	during.foreground = ptydrv_before(d)->foreground;
	assert_terminal(ptydrv_before(d), &during);
	assert_zero(ptydrv_feed(d, "fed\n", 4));
	assert_expect_from(d, PTYDRV_STDOUT, "<fed>\r\n");
	assert_expect(d, "bad\r\n");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
}

/* ---- sides that fail ------------------------------------------------------------------------------ */

static void with_everything_closed_the_exit_code_is_still_right(void **state)
{
	static const char *const with[] = { "-t", "-T" };
	const struct cmd how = { .in = CMD_STDIN_CLOSED,
		                 .closed = CMD_CLOSED_STDOUT | CMD_CLOSED_STDERR };

	for (size_t i = 0; i < countof(with); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state,
		            WORDS("exec", with[i], "@", "sh", "-c",
		                  "cat; echo out; echo err >&2; exit 11"),
		            &how, &r);
		assert_exit(&r, 11);
	}
}

static void a_full_disk_hangs_the_terminal_up_and_is_named(void **state)
{
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct cmd how = { .stdout_fd = full };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "-t", "@", "sh", "-c", "echo out; exec sleep 60"), &how,
	            &r);
	assert_exit(&r, 129);
	assert_has(r.err, "No space left on device [IoError]");
}

static void a_full_disk_at_stdout_does_not_hide_behind_success(void **state)
{
	_cleanup_close_ int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct ptydrv_cmd how = { .stdio = { PTYDRV_TTY, PTYDRV_FD, PTYDRV_TTY },
		                        .fds = { -1, full, -1 } };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty_run(*state, WORDS("exec", "-t", "@", "echo", "out"), &how, &r);
	assert_exit(&r, 125);
	assert_has(r.out, "write stdout: No space left on device [IoError]");
}

static void a_reader_that_goes_away_ends_a_job_with_a_terminal(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_shell(*state,
	              "{ x -t \"$CT\" -- yes </dev/null; echo $? >\"$DIR/code\"; } | head -n 1; "
	              "cat \"$DIR/code\"",
	              NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "y\r\n129\n");
	assert_string_equal(r.err, "");
}

static void options_that_contradict_a_terminal_are_refused(void **state)
{
	static const char *const with[] = { "--detach", "--io=direct", "-T" };

	for (size_t i = 0; i < countof(with); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, WORDS("exec", "-t", with[i], "@", "true"), NULL, &r);
		assert_refused(&r, 125, NULL, "InvalidArgument", NULL);
	}
}

static void malformed_keys_are_refused_before_anything_runs(void **state)
{
	static const char *const with[][2] = {
		{ "--escape", "xy" },        { "--escape", "" },   { "--detach-keys", "ctrl-" },
		{ "--detach-keys", "a,,b" }, { "--term", "../x" },
	};

	for (size_t i = 0; i < countof(with); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state,
		            WORDS("exec", "-t", with[i][0], with[i][1], "@", "touch", "/tmp/ran"),
		            NULL, &r);
		assert_exit(&r, 125);
		assert_has(r.err, "[InvalidArgument]");
		assert_false(fixture_in_box(*state, "/tmp/ran"));
	}
}

/* ---- whose files -------------------------------------------------------------------------------- */

static void assert_same_owner(int fd, const struct stat *before)
{
	struct stat now;

	assert_zero(fstat(fd, &now));
	assert_num(now.st_uid, before->st_uid);
	assert_num(now.st_gid, before->st_gid);
	assert_num(now.st_mode, before->st_mode);
}

/* As `-u nobody` has to be given a terminal and pipes that it may open. */
static void the_callers_terminal_and_files_stay_the_callers(void **state)
{
	static const char *const with[] = { "-t", "-T" };

	for (size_t i = 0; i < countof(with); i++) {
		_cleanup_close_ int file = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
		const struct ptydrv_cmd how = { .stdio = { PTYDRV_TTY, PTYDRV_FD, PTYDRV_TTY },
			                        .fds = { -1, file, -1 } };
		_cleanup_ptydrv_ struct ptydrv *d = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		char path[64];
		struct stat tty_before;
		struct stat file_before;

		fixture_pty(*state,
		            WORDS("exec", with[i], "-u", "nobody", "@", "sh", "-c",
		                  "echo ready >&2; read -r x; echo out"),
		            &how, &d);
		assert_expect(d, "ready");
		snprintf(path, sizeof(path), "/proc/%d/fd/0", ptydrv_pid(d));

		_cleanup_close_ int tty = open(path, O_PATH | O_CLOEXEC);

		assert_true(tty >= 0);
		assert_zero(fstat(tty, &tty_before));
		assert_num(tty_before.st_uid, geteuid());
		assert_zero(fstat(file, &file_before));
		assert_num(file_before.st_mode & 07777, 0640);
		assert_zero(ptydrv_type(d, "x\r"));
		assert_zero(ptydrv_wait(d, &r));
		assert_exit(&r, 0);
		assert_same_owner(tty, &tty_before);
		assert_same_owner(file, &file_before);
	}
}

#define COMMON \
	fixture_test(a_caller_without_a_controlling_terminal_gets_one_all_the_same), \
		fixture_test(from_cron_there_is_a_terminal_only_on_demand), \
		fixture_test(what_is_piped_into_a_forced_terminal_is_typed), \
		fixture_test(a_terminal_at_stderr_alone_is_neither_read_nor_changed), \
		fixture_test(with_everything_closed_the_exit_code_is_still_right), \
		fixture_test(a_full_disk_hangs_the_terminal_up_and_is_named), \
		fixture_test(a_full_disk_at_stdout_does_not_hide_behind_success), \
		fixture_test(a_reader_that_goes_away_ends_a_job_with_a_terminal), \
		fixture_test(the_callers_terminal_and_files_stay_the_callers)

int main(void)
{
	const struct CMUnitTest idmapped[] = {
		fixture_test(each_kind_of_each_descriptor_is_as_the_manual_has_it),
		COMMON,
		fixture_test(options_that_contradict_a_terminal_are_refused),
		fixture_test(malformed_keys_are_refused_before_anything_runs),
	};
	const struct CMUnitTest privileged[] = { COMMON };

	return cmocka_run_group_tests_name("terminal rules, idmapped", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("terminal rules, privileged", privileged,
	                                   open_privileged, fixture_close);
}
