/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals to the program and to the job, time limits, and what becomes of a job left alone. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "signals");
}

static int open_pure_v2(void **state)
{
	return fixture_open(state, BOX_PURE_V2, "signals");
}

static void sleep_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

/* ---- to the job --------------------------------------------------------------------------- */

/* Without a shell that could continue it, nothing is stopped by SIGTSTP. */
static int lead_a_session(void *data)
{
	(void)data;
	return setsid() < 0 ? errno : 0;
}

static void every_forwarded_signal_reaches_the_job(void **state)
{
	static const struct {
		int sig;
		const char *line;
	} signals[] = {
		{ SIGHUP, "\nHUP\n" },     { SIGINT, "\nINT\n" },   { SIGQUIT, "\nQUIT\n" },
		{ SIGUSR1, "\nUSR1\n" },   { SIGUSR2, "\nUSR2\n" }, { SIGTSTP, "\nTSTP\n" },
		{ SIGWINCH, "\nWINCH\n" }, { SIGCONT, "\nCONT\n" }, { SIGTERM, "\nTERM\n" },
	};
	static const char *const ios[] = { "relay", "direct" };

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		const struct cmd how = { .timeout_ms = 10000, .setup = lead_a_session };

		fixture_start(*state, WORDS("exec", "--io", ios[io], "@", "/probe", "waitsig"),
		              &how, &job);
		assert_zero(cmd_expect(job, "ready\n"));
		for (size_t i = 0; i < countof(signals); i++) {
			assert_zero(cmd_signal(job, signals[i].sig));
			assert_zero(cmd_expect(job, signals[i].line));
		}
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 0);
		assert_string_equal(r.err, "");
	}
}

static void a_signal_that_ends_the_job_gives_128_and_its_number(void **state)
{
	static const struct {
		const char *name;
		int sig;
	} signals[] = {
		{ "HUP", SIGHUP },   { "INT", SIGINT },   { "QUIT", SIGQUIT }, { "ABRT", SIGABRT },
		{ "KILL", SIGKILL }, { "SEGV", SIGSEGV }, { "PIPE", SIGPIPE }, { "ALRM", SIGALRM },
		{ "TERM", SIGTERM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 },
	};

	for (size_t i = 0; i < countof(signals); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, WORDS("exec", "@", "/probe", "kill", signals[i].name), NULL,
		            &r);
		assert_exit(&r, 128 + signals[i].sig);
		assert_string_equal(r.err, "");
	}
}

static void a_signal_sent_to_the_program_ends_a_job_that_does_not_catch_it(void **state)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2 };

	for (size_t i = 0; i < countof(signals); i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_start(*state,
		              WORDS("exec", "@", "sh", "-c", "echo up; exec /probe sleep 20"), NULL,
		              &job);
		assert_zero(cmd_expect(job, "up\n"));
		sleep_ms(20);
		assert_zero(cmd_signal(job, signals[i]));
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 128 + signals[i]);
		assert_within(&r, 3000);
	}
}

static int ignore_hup(void *data)
{
	(void)data;
	return signal(SIGHUP, SIG_IGN) == SIG_ERR ? errno : 0;
}

static void a_hangup_that_the_caller_ignores_ends_nothing(void **state)
{
	const struct cmd how = { .setup = ignore_hup, .timeout_ms = 10000 };
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_start(*state, WORDS("exec", "@", "sh", "-c", "echo up; sleep 0.5; exit 3"), &how,
	              &job);
	assert_zero(cmd_expect(job, "up\n"));
	assert_zero(cmd_signal(job, SIGHUP));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 3);
}

/*
 * Either the program dies of it, and then nothing ran, or the job did: never a job that nobody
 * signalled, and never one that goes on alone.
 */
static void a_signal_sent_while_it_starts_is_not_lost(void **state)
{
	const struct fixture *f = *state;
	int reached = 0;

	for (int i = 0; i < 60; i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		const struct cmd how = { .timeout_ms = 5000 };

		fixture_start(
			f, WORDS("exec", "@", "sh", "-c", "touch /run/mark; exec /probe sleep 20"),
			&how, &job);
		usleep((useconds_t)i * 1000);
		assert_zero(cmd_signal(job, SIGTERM));
		assert_zero(cmd_wait(job, &r));
		if (r.hung || (r.signal != SIGTERM && r.code != 128 + SIGTERM))
			fail_msg("after %d ms: code %d, signal %d, hung %d: %s", i, r.code,
			         r.signal, r.hung, r.err);
		if (r.signal == SIGTERM && fixture_in_box(f, "/run/mark"))
			fail_msg("after %d ms: the job ran, and the program died without it", i);
		reached += r.code == 128 + SIGTERM;
		fixture_remove(f, "/run/mark");
	}
	assert_true(reached > 0);
}

static void a_stopped_job_goes_on_when_it_is_continued(void **state)
{
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const struct cmd how = { .timeout_ms = 10000 };

	fixture_start(*state,
	              WORDS("exec", "@", "sh", "-c", "echo up; kill -STOP $$; echo again; exit 4"),
	              &how, &job);
	assert_zero(cmd_expect(job, "up\n"));
	assert_false(child_gone(cmd_pid(job), att_clock_after_ns(ATT_NS_PER_SEC / 3)));
	assert_zero(cmd_signal(job, SIGCONT));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 4);
	assert_string_equal(r.out, "up\nagain\n");
}

/* ---- left alone --------------------------------------------------------------------------- */

static const char tree[] =
	"/probe tree 3 60 >/dev/null & /probe daemon 60; (trap '' HUP TERM; sleep 60) & "
	"echo up; sleep 60";

static void a_job_does_not_outlive_a_killed_program(void **state)
{
	static const char *const ios[] = { "relay", "direct" };

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_start(*state, WORDS("exec", "--io", ios[io], "@", "sh", "-c", tree), NULL,
		              &job);
		assert_zero(cmd_expect(job, "up\n"));
		assert_zero(cmd_signal(job, SIGKILL));
		assert_zero(cmd_wait(job, &r));
		assert_killed(&r, SIGKILL);
		/* The leak guard sees that every process and the cgroup are gone. */
		assert_false(r.held_open);
	}
}

static int lead_group(void *data)
{
	(void)data;
	return setpgid(0, 0) < 0 ? errno : 0;
}

static void a_job_does_not_outlive_a_killed_process_group(void **state)
{
	const struct cmd how = { .setup = lead_group };
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_start(*state, WORDS("exec", "@", "sh", "-c", tree), &how, &job);
	assert_zero(cmd_expect(job, "up\n"));
	assert_zero(kill(-cmd_pid(job), SIGKILL));
	assert_zero(cmd_wait(job, &r));
	assert_killed(&r, SIGKILL);
	assert_false(r.held_open);
}

static void a_job_of_a_program_killed_while_it_starts_does_not_stay(void **state)
{
	for (int i = 0; i < 30; i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_start(*state, WORDS("exec", "@", "/probe", "sleep", "60"), NULL, &job);
		usleep((useconds_t)i * 1000);
		assert_zero(cmd_signal(job, SIGKILL));
		assert_zero(cmd_wait(job, &r));
		assert_killed(&r, SIGKILL);
	}
}

static void a_detached_job_outlives_the_program(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_remove(f, "/run/mark");
	fixture_run(f, WORDS("exec", "--detach", "@", "sh", "-c", "sleep 0.7; touch /run/mark"),
	            NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.err, "");
	/* Its id, one line. */
	assert_num(r.out_len, 17);
	assert_num(strspn(r.out, "0123456789abcdef"), 16);
	assert_false(r.held_open);
	assert_within(&r, 600);
	assert_false(fixture_in_box(f, "/run/mark"));
	for (int i = 0; i < 30 && !fixture_in_box(f, "/run/mark"); i++)
		sleep_ms(100);
	assert_true(fixture_in_box(f, "/run/mark"));
	fixture_remove(f, "/run/mark");
}

static void a_detached_job_writes_to_its_log_and_its_pid_is_told(void **state)
{
	const struct fixture *f = *state;
	char log[128];
	char pid_file[128];
	char text[64];
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	long pid = 0;

	snprintf(log, sizeof(log), "%s/log", f->dir);
	snprintf(pid_file, sizeof(pid_file), "%s/pid", f->dir);
	fixture_run(f,
	            WORDS("exec", "-d", "--log", log, "--pid-file", pid_file, "@", "sh", "-c",
	                  "echo out; echo err >&2; exec /probe sleep 20"),
	            NULL, &r);
	assert_exit(&r, 0);
	assert_true(att_fd_read_file_at(AT_FDCWD, pid_file, text, sizeof(text)) > 0);
	pid = strtol(text, NULL, 10);
	assert_true(pid > 1);
	for (int i = 0; i < 30; i++) {
		sleep_ms(50);
		if (att_fd_read_file_at(AT_FDCWD, log, text, sizeof(text)) >= 8)
			break;
	}
	assert_string_equal(text, "out\nerr\n");
	assert_zero(kill((pid_t)pid, SIGKILL));
	assert_true(child_gone((pid_t)pid, att_clock_after_ns(2 * ATT_NS_PER_SEC)));
}

static void a_pid_file_names_the_job_while_it_runs(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char path[128];
	char comm[64];
	char text[64];

	snprintf(path, sizeof(path), "%s/pid2", f->dir);
	fixture_start(f, WORDS("exec", "--pid-file", path, "@", "/probe", "waitsig"), NULL, &job);
	assert_zero(cmd_expect(job, "ready\n"));
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	text[strcspn(text, "\n")] = '\0';
	snprintf(path, sizeof(path), "/proc/%s/comm", text);
	assert_true(att_fd_read_file_at(AT_FDCWD, path, comm, sizeof(comm)) > 0);
	assert_string_equal(comm, "probe\n");
	assert_zero(cmd_signal(job, SIGTERM));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
}

/* ---- time limits -------------------------------------------------------------------------- */

static void a_timeout_ends_everything_the_job_made(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(
		*state,
		WORDS("exec", "--timeout", "400ms", "--kill-after", "300ms", "@", "sh", "-c", tree),
		NULL, &r);
	assert_exit(&r, 124);
	assert_string_equal(r.out, "up\n");
	assert_false(r.held_open);
	assert_within(&r, 3000);
}

static void a_timeout_kills_a_job_that_ignores_the_stop_signal(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "--timeout", "0.3", "--kill-after", "0.3", "@", "sh", "-c",
	                  "trap '' TERM INT HUP; while :; do sleep 0.1; done"),
	            NULL, &r);
	assert_exit(&r, 124);
	assert_true(r.duration_ns >= 600 * ATT_NS_PER_MS);
	assert_within(&r, 3000);
}

static void a_timeout_ends_daemons_that_ignore_the_stop_signal(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "--timeout", "0.3", "--kill-after", "0.3", "@", "sh", "-c",
	                  "trap '' TERM; /probe daemon 60; trap - TERM; exec sleep 60"),
	            NULL, &r);
	assert_exit(&r, 124);
	assert_within(&r, 3000);
}

static void a_timeout_does_not_wait_longer_than_the_job_needs_to_stop(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "--timeout", "0.2", "@", "sleep", "60"), NULL, &r);
	assert_exit(&r, 124);
	assert_within(&r, 1500);
}

static void a_timeout_ends_a_job_that_is_stopped(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "--timeout", "0.3", "@", "sh", "-c", "kill -STOP $$; sleep 60"),
	            NULL, &r);
	assert_exit(&r, 124);
	assert_within(&r, 3000);
}

static void a_timeout_sends_the_stop_signal_that_was_chosen(void **state)
{
	static const char *const names[] = { "USR1", "SIGUSR1", "10" };

	for (size_t i = 0; i < countof(names); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state,
		            WORDS("exec", "--timeout", "0.3", "--stop-signal", names[i], "@", "sh",
		                  "-c",
		                  "trap 'echo caught; exit 0' USR1; while :; do sleep 0.05; done"),
		            NULL, &r);
		assert_exit(&r, 124);
		assert_string_equal(r.out, "caught\n");
	}
}

static void a_timeout_that_is_not_reached_changes_nothing(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "--timeout", "20", "@", "sh", "-c", "echo x; exit 5"),
	            NULL, &r);
	assert_exit(&r, 5);
	assert_string_equal(r.out, "x\n");
	assert_within(&r, 2000);
}

static void a_timeout_ends_a_job_whose_reader_sleeps(void **state)
{
	/* More than all pipes hold, and less: the job is blocked, or long gone. */
	static const char *const lengths[] = { "10000000", "100000" };

	for (size_t i = 0; i < countof(lengths); i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		int fd[2];

		assert_zero(pipe2(fd, O_CLOEXEC));

		const struct cmd how = { .stdout_fd = fd[1], .timeout_ms = 10000 };

		fixture_start(*state,
		              WORDS("exec", "--timeout", "0.5", "--kill-after", "0.3", "@",
		                    "/probe", "spam", lengths[i], "1"),
		              &how, &job);
		close(fd[1]);
		assert_zero(cmd_wait(job, &r));
		close(fd[0]);
		assert_exit(&r, 124);
		assert_within(&r, 3000);
	}
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *p = strstr(text, part); p != NULL; p = strstr(p + strlen(part), part))
		n++;
	return n;
}

/* More than one read of the cgroup's list of processes gives. */
static void a_timeout_sends_the_stop_signal_to_every_process(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "--timeout", "2.5", "--kill-after", "2", "@", "sh", "-c",
	                  "i=0; while [ $i -lt 900 ]; do /probe waitsig & i=$((i + 1)); done; "
	                  "trap '' TERM; wait"),
	            NULL, &r);
	assert_exit(&r, 124);
	assert_num(count_of(r.out, "ready\n"), 900);
	assert_num(count_of(r.out, "TERM\n"), 900);
	assert_within(&r, 5000);
}

/* ---- cgroups of the job's own ------------------------------------------------------------- */

/* Where the job is, in $D; the mount goes with the mount namespace. */
#define IN_OWN_CGROUP(script) \
	"unshare", "-m", "sh", "-ec", \
		"mkdir -p /run/cg; mount -t cgroup2 none /run/cg; " \
		"D=/run/cg$(sed -n 's/^0:://p' /proc/self/cgroup); [ -e $D/cgroup.procs ]; " script

static void a_timeout_reaches_processes_in_cgroups_below_the_job(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state,
	            WORDS("exec", "--timeout", "0.5", "--kill-after", "2", "@",
	                  IN_OWN_CGROUP("mkdir -p $D/a/b; echo $$ > $D/a/b/cgroup.procs; "
	                                "exec /probe waitsig")),
	            NULL, &r);
	assert_exit(&r, 124);
	assert_num(count_of(r.out, "TERM\n"), 1);
	assert_within(&r, 1500);
}

static void cgroups_below_the_job_are_removed_with_it(void **state)
{
	static const char *const made[] = {
		"mkdir -p $D/a/b $D/c",
		/* A tree of threaded ones, and controllers switched on where there are any. */
		"mkdir -p $D/a/b; echo threaded > $D/a/cgroup.type; "
		"echo threaded > $D/a/b/cgroup.type",
		"mkdir -p $D/a/b; echo $$ > $D/a/b/cgroup.procs; "
		"for i in $(cat $D/cgroup.controllers); do echo +$i > $D/cgroup.subtree_control; done",
		"i=0; while [ $i -lt 300 ]; do mkdir $D/$i; i=$((i + 1)); done",
		"cd $D; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do mkdir d; cd d; done",
	};

	for (size_t i = 0; i < countof(made); i++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		int64_t end_ns = 0;

		fixture_start(*state,
		              WORDS("exec", "@",
		                    IN_OWN_CGROUP("eval \"$0\"; echo made; exec /probe sleep 0"),
		                    made[i]),
		              NULL, &job);
		assert_zero(cmd_expect(job, "made\n"));
		end_ns = att_clock_now_ns();
		assert_zero(cmd_wait(job, &r));
		end_ns = att_clock_now_ns() - end_ns;
		assert_exit(&r, 0);
		assert_string_equal(r.err, "");
		if (end_ns > ATT_NS_PER_SEC / 2)
			fail_msg("%s: took %lld ns to end", made[i], (long long)end_ns);
		/* The leak guard sees that they are gone. */
	}
}

static void a_daemon_in_a_cgroup_below_the_job_moves_to_the_base(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result after = CMD_RESULT_INIT;

	fixture_run(f,
	            WORDS("exec", "@",
	                  IN_OWN_CGROUP("mkdir -p $D/a/b; /probe sleep 20 > /dev/null 2>&1 & "
	                                "echo $! > $D/a/b/cgroup.procs; "
	                                "grep -o '/a/b$' /proc/$!/cgroup; echo $! > /run/pid")),
	            NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.out, "/a/b\n");
	assert_within(&r, 1000);
	fixture_run(f,
	            WORDS("exec", "@", "sh", "-c",
	                  "p=$(cat /run/pid); sed -n 's/^0:://p' /proc/$p/cgroup; kill $p"),
	            NULL, &after);
	fixture_remove(f, "/run/pid");
	assert_exit(&after, 0);
	assert_string_equal(after.out, "/.lxc\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(every_forwarded_signal_reaches_the_job),
		fixture_test(a_signal_that_ends_the_job_gives_128_and_its_number),
		fixture_test(a_signal_sent_to_the_program_ends_a_job_that_does_not_catch_it),
		fixture_test(a_hangup_that_the_caller_ignores_ends_nothing),
		fixture_test(a_signal_sent_while_it_starts_is_not_lost),
		fixture_test(a_stopped_job_goes_on_when_it_is_continued),
		fixture_test(a_job_does_not_outlive_a_killed_program),
		fixture_test(a_job_does_not_outlive_a_killed_process_group),
		fixture_test(a_job_of_a_program_killed_while_it_starts_does_not_stay),
		fixture_test(a_detached_job_outlives_the_program),
		fixture_test(a_detached_job_writes_to_its_log_and_its_pid_is_told),
		fixture_test(a_pid_file_names_the_job_while_it_runs),
		fixture_test(a_timeout_ends_everything_the_job_made),
		fixture_test(a_timeout_kills_a_job_that_ignores_the_stop_signal),
		fixture_test(a_timeout_ends_daemons_that_ignore_the_stop_signal),
		fixture_test(a_timeout_does_not_wait_longer_than_the_job_needs_to_stop),
		fixture_test(a_timeout_ends_a_job_that_is_stopped),
		fixture_test(a_timeout_sends_the_stop_signal_that_was_chosen),
		fixture_test(a_timeout_that_is_not_reached_changes_nothing),
		fixture_test(a_timeout_ends_a_job_whose_reader_sleeps),
		fixture_test(a_timeout_sends_the_stop_signal_to_every_process),
		fixture_test(a_timeout_reaches_processes_in_cgroups_below_the_job),
		fixture_test(cgroups_below_the_job_are_removed_with_it),
		fixture_test(a_daemon_in_a_cgroup_below_the_job_moves_to_the_base),
	};
	int failed = cmocka_run_group_tests_name("exec signals, hybrid", tests, open_privileged,
	                                         fixture_close);

	return failed + cmocka_run_group_tests_name("exec signals, pure v2", tests, open_pure_v2,
	                                            fixture_close);
}
