/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers that end, stop, multiply, lie about who they are or fight over their cgroups while they
 * are entered. (Restarts and freezes are in tests/integration/test_exec_states.c, cgroups that the
 * container has made unfit in test_exec_identity.c, profiles in test_exec_confine.c; here are those
 * that go on meanwhile, and the controls.)
 */
#include "hostile/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/cgtree.h"
#include "harness/child.h"

#define PROMPT_MS 7000

static int open_privileged(void **state)
{
	return hostile_open(state, BOX_PRIVILEGED, "lifetime");
}

static int open_idmapped(void **state)
{
	return hostile_open(state, BOX_IDMAPPED, "lifetime");
}

static int before_restart(void **state)
{
	struct fixture *f = *state;

	return leak_new(&f->leak, NULL) == 0 ? 0 : -1;
}

#define restart_test(f) cmocka_unit_test_setup_teardown(f, before_restart, fixture_after)

/* Ended by itself, by a signal that the container sent, or by a named error. */
static void assert_ended_well(const struct cmd_result *r)
{
	assert_within(r, PROMPT_MS);
	if (r->code == 0 || r->code == 124 || r->code > 128)
		return;
	if (r->code < 125 || r->code > 127 || strncmp(r->err, "attache: exec: ", 15) != 0 ||
	    strstr(r->err, "]\n") == NULL)
		fail_msg("no named end: code %d, signal %d: %s%s", r->code, r->signal, r->out,
		         r->err);
}

/* ---- the pid of another ---- */

/* Makes the kernel give out this number next. Return: a process of the host's that has it, or 0. */
static pid_t take_pid(pid_t pid)
{
	for (int i = 0; i < 50; i++) {
		char text[16];
		_cleanup_close_ int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
		int n = snprintf(text, sizeof(text), "%d", (int)pid - 1);
		pid_t child = 0;

		if (fd < 0 || write(fd, text, (size_t)n) != n)
			return 0;
		child = fork();
		if (child == 0)
			for (;;)
				pause();
		if (child == pid)
			return child;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	return 0;
}

static void end_pid(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void host_namespace(char buf[static 64])
{
	ssize_t n = readlink("/proc/self/ns/mnt", buf, 63);

	assert_true(n > 0);
	buf[n] = '\0';
}

/*
 * The attack: while attache is held up (the container's load does that to it), the container ends
 * and a process of the host's gets the pid of its init. The job would run on the host.
 */
static void a_pid_that_became_a_host_process_s_is_not_entered(void **state)
{
	enum {
		ROUNDS = 10
	};
	struct fixture *f = *state;
	char host[64];
	int reused = 0;

	host_namespace(host);
	for (int round = 0; round < ROUNDS; round++) {
		_cleanup_cmd_job_ struct cmd_job *job = NULL;
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		pid_t init = box_init_pid(f->box);
		pid_t other = 0;

		fixture_start(f, WORDS("exec", "@", "readlink", "/proc/self/ns/mnt"), NULL, &job);
		usleep((useconds_t)(round * 250));
		kill(cmd_pid(job), SIGSTOP);
		box_stop(f->box);
		other = take_pid(init);
		reused += other > 0;
		kill(cmd_pid(job), SIGCONT);
		assert_zero(cmd_wait(job, &r));
		if (other > 0)
			end_pid(other);
		assert_ended_well(&r);
		if (strstr(r.out, host) != NULL)
			fail_msg("round %d: the job ran on the host", round);
		assert_zero(box_start(f->box));
	}
	assert_true(reused > ROUNDS / 2);
}

static void a_pid_that_became_a_host_process_s_is_entered_by_a_naive_launcher(void **state)
{
	struct fixture *f = *state;
	const struct cmd how = { .in = CMD_STDIN_PIPE };
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	pid_t init = box_init_pid(f->box);
	pid_t other = 0;
	char host[64];

	host_namespace(host);
	naive_start(f, WORDS("-g", "@", "readlink", "/proc/self/ns/mnt"), &how, &job);
	assert_zero(cmd_expect(job, "looked up\n"));
	box_stop(f->box);
	other = take_pid(init);
	assert_true(other > 0);
	assert_zero(cmd_send(job, "\n", 1));
	assert_zero(cmd_wait(job, &r));
	end_pid(other);
	assert_has(r.out, host);
	assert_zero(box_start(f->box));
}

/* ---- init ---- */

/* The attack: init stops half-way, for good, or is killed; or it never stays the same for long. */
static void an_init_that_stops_or_dies_meanwhile_holds_nobody(void **state)
{
	static const int sigs[] = { SIGSTOP, SIGKILL };
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(sigs); i++)
		for (int round = 0; round < 4; round++) {
			_cleanup_cmd_job_ struct cmd_job *job = NULL;
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_start(f, WORDS("exec", "@", "true"), NULL, &job);
			usleep((useconds_t)(round * 700));
			kill(box_init_pid(f->box), sigs[i]);
			assert_zero(cmd_wait(job, &r));
			assert_ended_well(&r);
			box_stop(f->box);
			assert_zero(box_start(f->box));
		}
}

static void an_init_that_never_stays_the_same_is_entered(void **state)
{
	static const char script[] = "#!/bin/sh\ntouch /run/ready\nexec /attacker churn\n";
	struct fixture *f = *state;
	struct box *box = NULL;

	assert_zero(box_new(&box, box_host_id(f->box, 0) == 0 ? BOX_PRIVILEGED : BOX_IDMAPPED,
	                    "churn"));
	f->other = box;
	assert_zero(hostile_arm(box));
	assert_zero(box_write_file(box, "/churn", script, strlen(script), 0755));
	assert_zero(box_config(box, "lxc.init.cmd = /churn"));
	assert_zero(box_start(box));
	for (int i = 0; i < 40; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(f, WORDS("exec", box_name(box), "echo", "in"), NULL, &r);
		assert_within(&r, PROMPT_MS);
		if (r.code == 0)
			assert_string_equal(r.out, "in\n");
		else
			assert_refused(&r, 125, box_name(box), "ConfinementUnavailable", NULL);
	}
	f->other = box_free(box);
}

/* ---- signals and processes ---- */

/* The attack: each process that appears gets a signal at once. */
static void a_job_that_is_stopped_or_killed_as_it_appears_ends_in_time(void **state)
{
	static const char *const sigs[] = { "9", "19", "15", "11" };
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(sigs); i++) {
		_cleanup_cmd_job_ struct cmd_job *pester = NULL;
		_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;

		attacker_start(f, WORDS("pester", sigs[i]), &pester);
		for (int k = 0; k < 6; k++) {
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_run(f,
			            WORDS("exec", "--timeout", "0.2", "--kill-after", "0.2", "@",
			                  "sleep", "5"),
			            NULL, &r);
			assert_ended_well(&r);
		}
		attacker_end(&pester, &s);
	}
}

static void a_job_that_is_stopped_holds_a_naive_launcher(void **state)
{
	const struct fixture *f = *state;
	const struct cmd how = { .timeout_ms = 1000 };
	_cleanup_cmd_job_ struct cmd_job *pester = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	attacker_start(f, WORDS("pester", "19"), &pester);
	for (int i = 0; i < 20 && !r.hung; i++)
		naive_run(f, WORDS("@", "sleep", "0.01"), &how, &r);
	attacker_end(&pester, &s);
	assert_true(r.hung);
	fixture_run(f, WORDS("exec", "@", "killall", "-9", "sleep", "naive"), NULL, &r);
}

static int find_pids_max(const char *path, void *data)
{
	char name[600];

	snprintf(name, sizeof(name), "%s/pids.max", path);
	if (cgtree_is_monitor(path) || strstr(path, "/.lxc") != NULL || access(name, W_OK) < 0)
		return 0;
	snprintf(data, 600, "%s", name);
	return 1;
}

static void write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_num(write(fd, text, strlen(text)), strlen(text));
}

/*
 * The attack: a fork bomb holds all processes that the container may have. A job is bound by the
 * same limit and is refused by name; a naive one lives outside of it.
 */
static void a_container_full_of_processes_is_named_and_binds_the_job(void **state)
{
	const struct fixture *f = *state;
	char max[600] = "";
	_cleanup_cmd_job_ struct cmd_job *bomb = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;

	if (cgtree_each(box_name(f->box), find_pids_max, max) != 1)
		skip();
	write_text(max, "60");
	attacker_start(f, WORDS("bomb"), &bomb);
	for (int i = 0; i < 10; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(f, WORDS("exec", "@", "true"), NULL, &r);
		assert_within(&r, PROMPT_MS);
		assert_refused(&r, 125, box_name(f->box), "LimitExceeded", NULL);
	}
	naive_run(f, WORDS("@", "true"), NULL, &s);
	assert_exit(&s, 0);
	attacker_end(&bomb, &s);
	write_text(max, "max");
	assert_nothing_won(&s);
}

/* ---- cgroups ---- */

#define MOUNT_CGROUPS "mkdir -p /tmp/cg; mount -t cgroup2 none /tmp/cg"

/*
 * The attack: root inside meets each cgroup of a job's with all that it may do: it moves the job
 * out, freezes it, takes its rights away, makes children, removes it. (A naive launcher's job is in
 * no cgroup of the container's: what that is worth shows in the case before.)
 */
static void a_fight_over_the_job_s_cgroup_ends_in_time(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_job_ struct cmd_job *fight = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;

	fixture_run(f, WORDS("exec", "@", "sh", "-ec", MOUNT_CGROUPS), NULL, &s);
	assert_exit(&s, 0);
	attacker_start(f, WORDS("cgroups", "/tmp/cg/.lxc"), &fight);
	for (int i = 0; i < 40; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(f,
		            WORDS("exec", "--timeout", "0.3", "--kill-after", "0.2", "@", "sleep",
		                  "0.02"),
		            NULL, &r);
		assert_ended_well(&r);
	}
	attacker_end(&fight, &s);
	print_message("             %s", strstr(s.out, "met "));
	assert_null(strstr(s.out, "met 0\n"));
	fixture_run(f, WORDS("exec", "@", "umount", "-l", "/tmp/cg"), NULL, &s);
	assert_exit(&s, 0);
}

/* ---- limits of the caller's that make steps fail ---- */

static void a_caller_with_hardly_any_limit_gets_a_job_or_a_name(void **state)
{
	static const struct {
		int which;
		rlim_t value;
	} limits[] = {
		{ RLIMIT_NOFILE, 4 },     { RLIMIT_NOFILE, 12 },  { RLIMIT_NOFILE, 20 },
		{ RLIMIT_FSIZE, 0 },      { RLIMIT_AS, 1 << 20 }, { RLIMIT_AS, 3 << 20 },
		{ RLIMIT_AS, 8 << 20 },   { RLIMIT_STACK, 4096 }, { RLIMIT_DATA, 0 },
		{ RLIMIT_SIGPENDING, 0 }, { RLIMIT_MEMLOCK, 0 },  { RLIMIT_CORE, 0 },
		{ RLIMIT_NPROC, 0 },
	};
	const struct fixture *f = *state;
	int ran = 0;

	for (size_t i = 0; i < countof(limits); i++) {
		struct cmd_limit limit = { .which = limits[i].which };
		const struct cmd how = { .limits = &limit, .n_limits = 1 };
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		assert_zero(getrlimit((__rlimit_resource_t)limit.which, &limit.limit));
		limit.limit.rlim_cur = limits[i].value;
		fixture_run(f, WORDS("exec", "@", "/attacker", "uid"), &how, &r);
		assert_within(&r, PROMPT_MS);
		ran += r.code == 0;
		if (r.code == 0)
			assert_string_equal(r.out, "0\n");
		/* Too little memory for the program itself is the kernel's to say, by a signal. */
		else if (r.signal == 0 && (r.code < 125 || strstr(r.err, "]\n") == NULL))
			fail_msg("limit %zu: code %d: %s%s", i, r.code, r.out, r.err);
	}
	print_message("             %d of %zu ran\n", ran, countof(limits));
}

/* ---- the profile ---- */

/* Attache's side of this is in test_exec_confine.c: it refuses such a job. */
static void a_profile_that_is_gone_leaves_a_naive_launcher_without_a_filter(void **state)
{
	const struct fixture *f = *state;
	char path[96];
	FILE *file = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	snprintf(path, sizeof(path), "%s/profile", f->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("2\ndenylist\nmkdir errno 1\n", file);
	assert_zero(fclose(file));
	naive_run(f, WORDS("-f", path, "@", "mkdir", "/tmp/made"), NULL, &r);
	assert_exit(&r, 1);
	assert_zero(truncate(path, 12));
	naive_run(f, WORDS("-f", path, "@", "mkdir", "/tmp/made"), NULL, &r);
	assert_exit(&r, 0);
	assert_zero(unlink(path));
	naive_run(f, WORDS("-f", path, "@", "rmdir", "/tmp/made"), NULL, &r);
	assert_exit(&r, 0);
}

/* ---- a monitor that is none ---- */

static void monitor_address(const struct fixture *f, const char *name, char buf[static 256])
{
	/* As liblxc has it for paths that fit, which these do. */
	snprintf(buf, 256, "%s/%s/command", box_lxcpath(f->box), name);
}

/*
 * The attack: a container that shares the host's network listens where the monitor of another one,
 * which is not running, would, and says that a process of its own is init. The user's command for
 * the other would run in the attacker's container.
 */
static void a_container_that_plays_another_s_monitor_is_found_out(void **state)
{
	struct fixture *f = *state;
	struct box *victim = NULL;
	char address[256];
	_cleanup_cmd_job_ struct cmd_job *fake = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(box_new(&victim, BOX_PRIVILEGED, "victim"));
	f->other = victim;
	assert_zero(box_start(victim));
	box_stop(victim);
	box_stop(f->box);
	assert_zero(box_config(f->box, "lxc.net.0.type = none"));
	assert_zero(box_start(f->box));
	monitor_address(f, box_name(victim), address);
	assert_true(strlen(address) < 100);
	attacker_start(f, WORDS("monitor", address), &fake);
	fixture_run(f, WORDS("exec", box_name(victim), "touch", "/run/mark"), NULL, &r);
	assert_within(&r, PROMPT_MS);
	assert_refused(&r, 125, box_name(victim), "PermissionDenied", "is not of this host");
	assert_false(fixture_in_box(f, "/run/mark"));
	fixture_run(f, WORDS("list", "--all"), NULL, &r);
	assert_within(&r, PROMPT_MS);
	/* The control believes it, and is where the attacker is. */
	naive_run(f, WORDS("-m", address, "@", "touch", "/run/mark"), NULL, &r);
	assert_exit(&r, 0);
	attacker_end(&fake, &s);
	assert_true(fixture_in_box(f, "/run/mark"));
	f->other = box_free(victim);
}

#define COMMON \
	restart_test(an_init_that_stops_or_dies_meanwhile_holds_nobody), \
		restart_test(an_init_that_never_stays_the_same_is_entered), \
		fixture_test(a_job_that_is_stopped_or_killed_as_it_appears_ends_in_time), \
		fixture_test(a_job_that_is_stopped_holds_a_naive_launcher), \
		fixture_test(a_container_full_of_processes_is_named_and_binds_the_job), \
		fixture_test(a_fight_over_the_job_s_cgroup_ends_in_time)

int main(void)
{
	const struct CMUnitTest privileged[] = {
		restart_test(a_pid_that_became_a_host_process_s_is_not_entered),
		restart_test(a_pid_that_became_a_host_process_s_is_entered_by_a_naive_launcher),
		COMMON,
		fixture_test(a_caller_with_hardly_any_limit_gets_a_job_or_a_name),
		fixture_test(a_profile_that_is_gone_leaves_a_naive_launcher_without_a_filter),
		restart_test(a_container_that_plays_another_s_monitor_is_found_out),
	};
	const struct CMUnitTest idmapped[] = { COMMON };
	int failed = cmocka_run_group_tests_name("hostile lifetime, privileged", privileged,
	                                         open_privileged, fixture_close);

	return failed + cmocka_run_group_tests_name("hostile lifetime, idmapped", idmapped,
	                                            open_idmapped, fixture_close);
}
