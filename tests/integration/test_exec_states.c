/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers that are not simply running: each ends in a named error within five seconds. */
#include "harness/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"

/* The five seconds of the promise, and what a loaded machine takes for starting a program. */
#define PROMPT_MS 5300

static int open_idmapped(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "states");
}

/* These stop and start their own container, so only what is ours can be guarded. */
static int before_restart(void **state)
{
	struct fixture *f = *state;

	return leak_new(&f->leak, NULL) == 0 ? 0 : -1;
}

#define restart_test(f) cmocka_unit_test_setup_teardown(f, before_restart, fixture_after)

static void assert_no_mark(const struct fixture *f)
{
	assert_false(fixture_in_box(f, "/run/mark"));
}

/* ---- running, but not as usual ------------------------------------------------------------ */

static void a_frozen_container_is_named_and_nothing_is_started(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(box_freeze(f->box));
	fixture_run(f, WORDS("exec", "@", "touch", "/run/mark"), NULL, &r);
	assert_zero(box_unfreeze(f->box));
	assert_refused(&r, 125, box_name(f->box), "ContainerFrozen", "frozen");
	assert_within(&r, PROMPT_MS);
	assert_no_mark(f);
	fixture_run(f, WORDS("exec", "@", "true"), NULL, &r);
	assert_exit(&r, 0);
}

/* Freezes it while execs go on: each ends, by its end or by the name of what happened. */
static void a_container_that_is_frozen_meanwhile_does_not_hang_a_start(void **state)
{
	const struct fixture *f = *state;
	struct cmd_job *job[12] = { NULL };

	for (size_t i = 0; i < countof(job); i++) {
		fixture_start(f, WORDS("exec", "@", "true"), NULL, &job[i]);
		usleep(3000);
	}
	assert_zero(box_freeze(f->box));
	usleep(200000);
	assert_zero(box_unfreeze(f->box));
	for (size_t i = 0; i < countof(job); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		assert_zero(cmd_wait(job[i], &r));
		job[i] = cmd_job_free(job[i]);
		if (r.code != 0)
			assert_refused(&r, 125, box_name(f->box), "ContainerFrozen", NULL);
	}
}

static void a_monitor_that_does_not_answer_is_a_timeout(void **state)
{
	static const char *const verbs[] = { "exec", "inspect" };
	const struct fixture *f = *state;
	pid_t monitor = box_monitor_pid(f->box);

	for (size_t i = 0; i < countof(verbs); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		assert_zero(kill(monitor, SIGSTOP));
		if (i == 0)
			fixture_run(f, WORDS("exec", "@", "touch", "/run/mark"), NULL, &r);
		else
			fixture_run(f, WORDS("inspect", "@"), NULL, &r);
		assert_zero(kill(monitor, SIGCONT));
		assert_exit(&r, 125);
		assert_has(r.err, "monitor");
		assert_has(r.err, " [Timeout]\n");
		assert_within(&r, PROMPT_MS);
		assert_no_mark(f);
	}
}

static void a_list_does_not_hang_at_a_monitor_that_does_not_answer(void **state)
{
	const struct fixture *f = *state;
	pid_t monitor = box_monitor_pid(f->box);
	const struct cmd how = { .timeout_ms = 15000 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(kill(monitor, SIGSTOP));
	fixture_run(f, WORDS("list", "--all"), &how, &r);
	assert_zero(kill(monitor, SIGCONT));
	assert_exit(&r, 0);
	assert_has(r.out, box_name(f->box));
	assert_has(r.out, "UNKNOWN");
	assert_within(&r, PROMPT_MS);
}

/* As liblxc does while it changes the container. Return: descriptor whose end releases it. */
static int hold_lock(const struct fixture *f)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[512];
	int fd = -1;

	snprintf(path, sizeof(path), "/run/lxc/lock/%s/.%s", box_lxcpath(f->box), box_name(f->box));
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_zero(fcntl(fd, F_OFD_SETLK, &lock));
	return fd;
}

static void a_lock_that_somebody_holds_is_a_timeout(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int fd = hold_lock(f);

	fixture_run(f, WORDS("exec", "@", "touch", "/run/mark"), NULL, &r);
	close(fd);
	assert_refused(&r, 125, box_name(f->box), "Timeout", "lock");
	assert_within(&r, PROMPT_MS);
	assert_no_mark(f);
}

static void a_lock_that_is_held_for_a_moment_is_waited_for(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	int fd = hold_lock(f);

	fixture_start(f, WORDS("exec", "@", "true"), NULL, &job);
	usleep(500000);
	close(fd);
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
}

static void a_container_without_its_configuration_on_disk_is_entered(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result inspect = CMD_RESULT_INIT;
	char aside[512];

	snprintf(aside, sizeof(aside), "%s.aside", box_config_path(f->box));
	assert_zero(rename(box_config_path(f->box), aside));
	fixture_run(
		f,
		WORDS("exec", "@", "sh", "-c", "echo $BOX_WORDS; grep Seccomp: /proc/self/status"),
		NULL, &r);
	fixture_run(f, WORDS("inspect", "@"), NULL, &inspect);
	assert_zero(rename(aside, box_config_path(f->box)));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "two words\nSeccomp:\t2\n");
	assert_exit(&inspect, 0);
}

/* ---- not there ---------------------------------------------------------------------------- */

static void a_name_that_is_nearly_one_gets_a_suggestion(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char name[128];
	char part[160];

	snprintf(name, sizeof(name), "%s", box_name(f->box));
	name[strlen(name) - 3] = 'z';
	snprintf(part, sizeof(part), "did you mean '%s'?", box_name(f->box));
	fixture_run(f, WORDS("exec", name, "true"), NULL, &r);
	assert_refused(&r, 125, name, "ContainerNotFound", part);
}

static void a_name_like_no_other_gets_none(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("exec", "quite-different", "true"), NULL, &r);
	assert_refused(&r, 125, "quite-different", "ContainerNotFound",
	               "no container of this name");
	assert_null(strstr(r.err, "did you mean"));
	fixture_run(*state, WORDS("exec", "--wait", "20", "quite-different", "true"), NULL, &r);
	assert_refused(&r, 125, "quite-different", "ContainerNotFound", NULL);
	assert_within(&r, 1000);
}

static void a_path_of_containers_that_is_none_is_named(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const struct fixture *f = *state;

	fixture_run(f, WORDS("exec", "-P", "relative/path", "@", "true"), NULL, &r);
	assert_refused(&r, 125, box_name(f->box), "InvalidArgument", "relative/path");
	fixture_run(f, WORDS("exec", "-P", "/nonexistent/lxc", "@", "true"), NULL, &r);
	assert_refused(&r, 125, box_name(f->box), "ContainerNotFound", "/nonexistent/lxc");
	fixture_run(f, WORDS("exec", "-P", "/etc/passwd", "@", "true"), NULL, &r);
	assert_refused(&r, 125, box_name(f->box), "ContainerNotFound", "/etc/passwd");
}

/* ---- stopping and starting ---------------------------------------------------------------- */

static void a_stopped_container_is_not_running(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char line[256];

	box_stop(f->box);
	fixture_run(f, WORDS("exec", "@", "true"), NULL, &r);
	snprintf(line, sizeof(line),
	         "attache: exec: %s: not running (STOPPED) [ContainerNotRunning]\n",
	         box_name(f->box));
	assert_exit(&r, 125);
	assert_string_equal(r.err, line);
	assert_within(&r, 1000);
	fixture_run(f, WORDS("exec", "--wait", "0.5", "@", "true"), NULL, &r);
	assert_refused(&r, 125, box_name(f->box), "ContainerNotRunning", "STOPPED");
	assert_true(r.duration_ns >= 500 * ATT_NS_PER_MS);
	assert_zero(box_start(f->box));
}

static void a_container_that_starts_meanwhile_is_waited_for(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	box_stop(f->box);
	fixture_start(f, WORDS("exec", "--wait", "20s", "@", "hostname"), NULL, &job);
	usleep(300000);
	assert_zero(box_start(f->box));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
	assert_has(r.out, box_name(f->box));
}

static void a_job_of_a_container_that_dies_was_killed(void **state)
{
	static const char *const ios[] = { "relay", "direct" };
	const struct fixture *f = *state;

	for (size_t io = 0; io < countof(ios); io++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_start(f,
		              WORDS("exec", "--io", ios[io], "@", "sh", "-c", "echo up; sleep 60"),
		              NULL, &job);
		assert_zero(cmd_expect(job, "up\n"));
		box_stop(f->box);
		assert_true(child_gone(cmd_pid(job), att_clock_after_ns(2 * ATT_NS_PER_SEC)));
		assert_zero(cmd_wait(job, &r));
		assert_exit(&r, 137);
		assert_string_equal(r.err, "");
		assert_zero(box_start(f->box));
	}
}

static bool is_named(const struct cmd_result *r)
{
	static const char *const names[] = { "[ContainerNotRunning]", "[ContainerGone]",
		                             "[ContainerFrozen]", "[Timeout]",
		                             "[ContainerNotFound]" };

	for (size_t i = 0; i < countof(names); i++)
		if (strstr(r->err, names[i]) != NULL)
			return true;
	return false;
}

/* One exec into a container that may go away at any moment. */
static void check_one(const struct fixture *f, const char *host_ns, struct cmd_job *job,
                      int *ret_ran)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(cmd_wait(job, &r));
	if (r.hung)
		fail_msg("hang while %s restarts: %s", box_name(f->box), r.err);
	if (strstr(r.out, host_ns) != NULL)
		fail_msg("a job ran outside: %s", r.out);
	if (r.code == 0)
		*ret_ran += 1;
	else if (r.code != 137 && (r.code != 125 || !is_named(&r)))
		fail_msg("code %d, signal %d: %s%s", r.code, r.signal, r.out, r.err);
}

static void a_container_that_restarts_all_the_time_is_never_missed(void **state)
{
	enum {
		N = 6
	};
	const struct fixture *f = *state;
	char host_ns[64] = "";
	int ran = 0;

	assert_true(readlink("/proc/self/ns/pid", host_ns, sizeof(host_ns) - 1) > 0);
	for (int round = 0; round < 8; round++) {
		struct cmd_job *job[N] = { NULL };

		for (int i = 0; i < N; i++) {
			fixture_start(f, WORDS("exec", "@", "readlink", "/proc/self/ns/pid"), NULL,
			              &job[i]);
			usleep((useconds_t)(round * 500));
		}
		box_stop(f->box);
		for (int i = 0; i < N; i++) {
			check_one(f, host_ns, job[i], &ran);
			job[i] = cmd_job_free(job[i]);
		}
		assert_zero(box_start(f->box));
	}
	print_message("             %d of %d ran\n", ran, 8 * N);
}

/* ---- a slow start --------------------------------------------------------------------------- */

#define HOOK_S "7"

/* While the file "hold" is there, a start takes HOOK_S seconds before init exists. */
static int open_slow(void **state)
{
	struct fixture *f = NULL;
	char path[128];
	int r = fixture_open(state, BOX_PRIVILEGED, "slow");
	FILE *hook = NULL;

	f = *state;
	if (r < 0)
		return r;
	box_stop(f->box);
	snprintf(path, sizeof(path), "%s/hook", f->dir);
	hook = fopen(path, "we");
	if (hook == NULL)
		return -1;
	fprintf(hook, "#!/bin/sh\n[ ! -e %s/hold ] || exec sleep " HOOK_S "\n", f->dir);
	if (fchmod(fileno(hook), 0755) < 0 || fclose(hook) != 0)
		return -1;
	if (chmod(f->dir, 0755) < 0 || box_config(f->box, "lxc.hook.pre-start = %s", path) < 0)
		return -1;
	return box_start(f->box) < 0 ? -1 : 0;
}

static void a_container_that_is_starting_is_named_and_can_be_waited_for(void **state)
{
	const struct fixture *f = *state;
	const char *const argv[] = { "lxc-start",      "-d", "-P", box_lxcpath(f->box), "-n",
		                     box_name(f->box), NULL };
	const struct cmd starter = { .argv = argv };
	_cleanup_cmd_job_ struct cmd_job *start = NULL;
	_cleanup_cmd_job_ struct cmd_job *wait = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char hold[128];
	int fd = -1;

	snprintf(hold, sizeof(hold), "%s/hold", f->dir);
	box_stop(f->box);
	fd = open(hold, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	close(fd);
	assert_zero(cmd_start(&starter, &start));
	usleep(500000);
	fixture_start(f, WORDS("exec", "--wait", "20", "@", "hostname"), NULL, &wait);
	fixture_run(f, WORDS("exec", "@", "true"), NULL, &r);
	assert_within(&r, PROMPT_MS);
	assert_exit(&r, 125);
	if (!is_named(&r))
		fail_msg("%s", r.err);
	assert_string_equal(r.out, "");
	assert_zero(cmd_wait(start, &r));
	assert_exit(&r, 0);
	assert_zero(cmd_wait(wait, &r));
	assert_exit(&r, 0);
	assert_has(r.out, box_name(f->box));
	assert_zero(unlink(hold));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(a_frozen_container_is_named_and_nothing_is_started),
		fixture_test(a_container_that_is_frozen_meanwhile_does_not_hang_a_start),
		fixture_test(a_monitor_that_does_not_answer_is_a_timeout),
		fixture_test(a_list_does_not_hang_at_a_monitor_that_does_not_answer),
		fixture_test(a_lock_that_somebody_holds_is_a_timeout),
		fixture_test(a_lock_that_is_held_for_a_moment_is_waited_for),
		fixture_test(a_container_without_its_configuration_on_disk_is_entered),
		fixture_test(a_name_that_is_nearly_one_gets_a_suggestion),
		fixture_test(a_name_like_no_other_gets_none),
		fixture_test(a_path_of_containers_that_is_none_is_named),
		restart_test(a_stopped_container_is_not_running),
		restart_test(a_container_that_starts_meanwhile_is_waited_for),
		restart_test(a_job_of_a_container_that_dies_was_killed),
		restart_test(a_container_that_restarts_all_the_time_is_never_missed),
	};
	const struct CMUnitTest slow[] = {
		restart_test(a_container_that_is_starting_is_named_and_can_be_waited_for),
	};
	int failed =
		cmocka_run_group_tests_name("exec states", tests, open_idmapped, fixture_close);

	return failed +
	       cmocka_run_group_tests_name("exec slow start", slow, open_slow, fixture_close);
}
