/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container puts something else where a launcher expects the kernel: at /proc and /sys, at the
 * null device, at the terminals, at the command and at its working directory. Each ends in a correct
 * job or in a named error, in bounded time, and in nothing else.
 */
#include "hostile/hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"

#define PROMPT_MS 5300
#define HANG_MS   1500 /* what the naive launcher is given */

static int open_box(void **state, enum box_kind kind)
{
	struct fixture *f = NULL;
	int r = hostile_open(state, kind, "fakes");

	f = *state;
	if (r < 0)
		return r;
	box_stop(f->box);
	if (box_config(f->box, "lxc.no_new_privs = 1") < 0)
		return -1;
	return box_start(f->box) < 0 ? -1 : 0;
}

static int open_privileged(void **state)
{
	return open_box(state, BOX_PRIVILEGED);
}

static int open_idmapped(void **state)
{
	return open_box(state, BOX_IDMAPPED);
}

/* Each case changes the container beyond repair: the next one finds it started anew. */
static int before_fake(void **state)
{
	struct fixture *f = *state;

	box_stop(f->box);
	return box_start(f->box) == 0 && leak_new(&f->leak, f->box) == 0 ? 0 : -1;
}

#define fake_test(f) cmocka_unit_test_setup_teardown(f, before_fake, fixture_after)

/* What root inside does. */
static void inside(const struct fixture *f, const char *script)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f, WORDS("exec", "@", "sh", "-ec", script), NULL, &r);
	assert_exit(&r, 0);
}

/* A correct job, or an error of attache's own with a name; in both cases soon. */
static void assert_correct_or_named(const struct cmd_result *r, const char *want)
{
	assert_within(r, PROMPT_MS);
	if (r->code == 0) {
		assert_string_equal(r->out, want);
		return;
	}
	if (r->code < 125 || r->code > 127 || strstr(r->err, "attache: exec: ") != r->err ||
	    strstr(r->err, "]\n") == NULL)
		fail_msg("neither a job nor a named error: code %d: %s%s", r->code, r->out, r->err);
	assert_string_equal(r->out, "");
}

/* ---- /proc and /sys ---- */

static const char *const fake_proc[] = {
	"umount -l /proc; mkdir -p /tmp/fake; mount -o bind /tmp/fake /proc",
	"mkdir -p /tmp/fake; mount -o bind /tmp/fake /proc",
	"mount -t tmpfs none /proc; cp -r /tmp/fake/. /proc",
	"mount -t tmpfs none /proc",
	"umount -l /proc",
	"mkdir -p /tmp/fake; mount -o bind /tmp/fake /proc; mount -o bind /tmp/fake /sys",
	"mount -t tmpfs none /sys",
	"umount -l /sys",
};

#define FAKE_PROC 6 /* of these: where /proc is none */

static void put(const struct fixture *f, const char *ct_path, const char *text)
{
	assert_zero(box_write_file(f->box, ct_path, text, strlen(text), 0755));
}

/* More rights than the kernel has names for, a filter that is there already, no_new_privs off. */
static void forge_proc(const struct fixture *f)
{
	static const char status[] = "Name:\tinit\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
				     "CapInh:\t000001ffffffffff\nCapPrm:\t000001ffffffffff\n"
				     "CapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n"
				     "CapAmb:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t2\n"
				     "Seccomp_filters:\t9\n";

	inside(f, "mkdir -p /tmp/fake/1/attr/apparmor /tmp/fake/self/attr/apparmor "
	          "/tmp/fake/sys/kernel /tmp/fake/kernel/security");
	put(f, "/tmp/fake/1/status", status);
	put(f, "/tmp/fake/self/status", status);
	put(f, "/tmp/fake/1/attr/apparmor/current", "unconfined\n");
	put(f, "/tmp/fake/self/attr/apparmor/current", "unconfined\n");
	put(f, "/tmp/fake/self/cgroup", "0::/\n");
	put(f, "/tmp/fake/sys/kernel/cap_last_cap", "0\n");
	put(f, "/tmp/fake/sys/kernel/seccomp", "");
}

/* The process that has become "sleep MARK", by its host pid; 0: not yet. */
static pid_t look_for(const char *mark)
{
	DIR *proc = opendir("/proc");
	pid_t found = 0;

	for (struct dirent *e = proc ? readdir(proc) : NULL; e != NULL; e = readdir(proc)) {
		char path[300];
		char text[64] = "";

		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 6 &&
		    strcmp(text, "sleep") == 0 && strcmp(text + 6, mark) == 0)
			found = (pid_t)strtol(e->d_name, NULL, 10);
	}
	if (proc != NULL)
		closedir(proc);
	return found;
}

static pid_t await_sleeper(const char *mark)
{
	int64_t deadline_ns = att_clock_after_ns(5 * ATT_NS_PER_SEC);
	pid_t pid = 0;

	while ((pid = look_for(mark)) == 0 && att_clock_poll_ms(deadline_ns) != 0)
		usleep(2000);
	assert_true(pid > 0);
	return pid;
}

/* The lines of its status that confine a process. */
static void read_rights(pid_t pid, char buf[static 1024])
{
	static const char *const lines[] = { "\nCapInh:",  "\nCapPrm:",         "\nCapEff:",
		                             "\nCapBnd:",  "\nCapAmb:",         "\nNoNewPrivs:",
		                             "\nSeccomp:", "\nSeccomp_filters:" };
	char path[48];
	char text[4096];
	size_t used = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0);
	for (size_t i = 0; i < countof(lines); i++) {
		const char *p = strstr(text, lines[i]);

		assert_non_null(p);
		used += (size_t)snprintf(buf + used, 1024 - used, "%.*s",
		                         (int)strcspn(p + 1, "\n") + 1, p);
	}
}

static void job_s_rights(const struct fixture *f, char buf[static 1024])
{
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	pid_t pid = 0;

	fixture_start(f, WORDS("exec", "@", "sleep", "61.25"), NULL, &job);
	pid = await_sleeper("61.25");
	read_rights(pid, buf);
	kill(pid, SIGKILL);
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 137);
	assert_string_equal(r.err, "");
}

static void naive_s_rights(const struct fixture *f, char buf[static 1024])
{
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	pid_t pid = 0;

	naive_start(f, WORDS("-p", "@", "sleep", "62.25"), NULL, &job);
	pid = await_sleeper("62.25");
	read_rights(pid, buf);
	kill(pid, SIGKILL);
	assert_zero(cmd_wait(job, &r));
}

static const char *bounding_in(const char *rights)
{
	return strstr(rights, "\nCapBnd:");
}

/*
 * The attack: where a launcher looks up what to take away, the container says that there is nothing
 * to take, or nothing at all. The control believes it; with the true /proc it takes away what there
 * is to be taken.
 */
static void a_forged_proc_changes_nothing_about_a_job(void **state)
{
	struct fixture *f = *state;
	char init[1024];
	char got[1024];
	char naive[1024];

	naive_s_rights(f, naive);
	assert_has(naive, "\nNoNewPrivs:\t1");
	for (size_t i = 0; i < countof(fake_proc); i++) {
		read_rights(box_init_pid(f->box), init);
		forge_proc(f);
		inside(f, fake_proc[i]);
		job_s_rights(f, got);
		if (strcmp(init, got) != 0)
			fail_msg("%s: init has%s\nthe job has%s", fake_proc[i], init, got);
		naive_s_rights(f, naive);
		if (i < FAKE_PROC)
			assert_has(naive, "\nNoNewPrivs:\t0");
		if (i < FAKE_PROC && box_host_id(f->box, 0) == 0)
			assert_string_not_equal(bounding_in(naive), bounding_in(init));
		assert_int_equal(before_fake(state), 0);
	}
}

/* ---- the null device ---- */

#define REMOVE_NULL "{ umount -l /dev/null || true; } 2>&-; rm -f /dev/null; "

static const char *const fake_null[] = {
	REMOVE_NULL "mkfifo -m 666 /dev/null",
	REMOVE_NULL "echo forged >/dev/null; chmod 666 /dev/null",
	REMOVE_NULL "ln -s /etc/shells /dev/null",
	REMOVE_NULL "ln -s /dev/zero /dev/null",
	REMOVE_NULL "mkdir /dev/null",
	REMOVE_NULL "ln -s /proc/1/fd/0 /dev/null",
	REMOVE_NULL,
};

/* The attack: a job without input reads what the container has put in the place of the device. */
static void a_forged_null_device_is_no_input(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(fake_null); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		_cleanup_cmd_result_ struct cmd_result t = CMD_RESULT_INIT;

		inside(f, fake_null[i]);
		fixture_run(f, WORDS("exec", "-n", "@", "cat"), NULL, &r);
		assert_correct_or_named(&r, "");
		fixture_run(f, WORDS("exec", "-n", "-t", "@", "cat"), NULL, &t);
		assert_correct_or_named(&t, "");
		assert_int_equal(before_fake(state), 0);
	}
}

static void a_forged_null_device_is_what_a_naive_launcher_reads(void **state)
{
	const struct fixture *f = *state;
	const struct cmd how = { .timeout_ms = HANG_MS };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	inside(f, fake_null[1]);
	naive_run(f, WORDS("-n", "@", "cat"), NULL, &r);
	assert_string_equal(r.out, "forged\n");
	inside(f, fake_null[0]);
	naive_run(f, WORDS("-n", "@", "timeout", "-s", "KILL", "1", "cat"), &how, &r);
	/* It would still wait. */
	assert_num(r.code, 137);
}

/* ---- terminals ---- */

#define REMOVE_PTMX "{ umount -l /dev/ptmx || true; } 2>&-; rm -f /dev/ptmx; "
/* Its multiplexer is the true one; behind each number is a file. */
#define FORGE_PTS \
	"mkdir -p /tmp/pts; touch /tmp/pts/ptmx; for i in 0 1 2 3 4 5 6 7; do " \
	": >/tmp/pts/$i; chmod 666 /tmp/pts/$i; done; " \
	"mount -o bind /dev/pts/ptmx /tmp/pts/ptmx; mount -o rbind /tmp/pts /dev/pts"

static const char *const fake_pts[] = {
	REMOVE_PTMX "mkfifo -m 666 /dev/ptmx",
	REMOVE_PTMX "ln -s /dev/zero /dev/ptmx",
	REMOVE_PTMX "ln -s /proc/1/fd/0 /dev/ptmx; umount -l /dev/pts",
	REMOVE_PTMX "mkdir /dev/ptmx; mount -t tmpfs none /dev/pts; mkfifo /dev/pts/ptmx",
	FORGE_PTS,
	"mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 none /dev/pts",
	"mount -t devpts -o newinstance,ptmxmode=0666,max=0 none /dev/pts",
	"mount -t tmpfs none /dev/pts; ln -s /dev/zero /dev/pts/ptmx",
	"umount -l /dev/pts; rmdir /dev/pts; mkfifo /dev/pts",
	"umount -l /dev/pts; rmdir /dev/pts; ln -s /proc/1/root/dev /dev/pts",
};

/* The attack: the terminal that a job gets, and the caller types into, is something else. */
static void forged_terminals_are_not_taken_for_one(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(fake_pts); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		inside(f, fake_pts[i]);
		fixture_run(
			f, WORDS("exec", "-t", "@", "sh", "-c", "[ -t 0 ] && [ -t 1 ] && echo tty"),
			NULL, &r);
		assert_correct_or_named(&r, "tty\r\n");
		assert_int_equal(before_fake(state), 0);
	}
}

static void a_naive_launcher_hands_over_a_forged_terminal(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	inside(f, FORGE_PTS);
	naive_run(f, WORDS("-t", "@", "echo", "password"), NULL, &r);
	assert_exit(&r, 0);
	fixture_run(f, WORDS("exec", "@", "sh", "-c", "cat /tmp/pts/[0-7]"), NULL, &r);
	assert_has(r.out, "password");
}

/* ---- the working directory ---- */

#define MAX_CWD 64

/*
 * The attack: a directory of the container's is a link to a descriptor that the caller has left
 * open, here the host's root at 3 to 20. The job would stand outside.
 */
static void a_directory_that_is_a_descriptor_of_the_caller_s_is_refused(void **state)
{
	const struct fixture *f = *state;
	struct hostile_caller caller;

	inside(f,
	       "mkdir -p /tmp/cwd; for n in $(seq 0 64); do ln -sf /proc/self/fd/$n /tmp/cwd/$n; "
	       "done");
	hostile_caller(&caller);
	for (int n = 0; n <= MAX_CWD; n++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		char dir[32];

		snprintf(dir, sizeof(dir), "/tmp/cwd/%d", n);
		fixture_run(f,
		            WORDS("exec", "-w", dir, "@", "/attacker", "loot", hostile_secret(f),
		                  hostile_secret_path(f)),
		            &caller.how, &r);
		assert_refused(&r, 125, box_name(f->box), "WorkdirNotFound", dir);
	}
	hostile_caller_done(&caller);
}

static void a_naive_launcher_starts_its_job_in_a_directory_of_the_host_s(void **state)
{
	const struct fixture *f = *state;
	struct hostile_caller caller;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	inside(f, "ln -sf /proc/self/fd/7 /tmp/seven");
	hostile_caller(&caller);
	naive_run(f,
	          WORDS("-w", "/tmp/seven", "@", "/attacker", "loot", hostile_secret(f),
	                hostile_secret_path(f)),
	          &caller.how, &r);
	hostile_caller_done(&caller);
	assert_won(&r, "cwd");
}

/* The same while the directory is a link and a directory in turns, and while it comes and goes. */
static void a_directory_that_is_swapped_meanwhile_is_inside_or_refused(void **state)
{
	const struct fixture *f = *state;
	struct hostile_caller caller;
	_cleanup_cmd_job_ struct cmd_job *swap = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;
	int ran = 0;

	inside(f, "mkdir -p /tmp/work; ln -sfn /proc/self/fd/7 /tmp/link");
	hostile_caller(&caller);
	attacker_start(f, WORDS("swap", "/tmp/work", "/tmp/link"), &swap);
	for (int i = 0; i < 60; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(f,
		            WORDS("exec", "-w", "/tmp/work", "@", "/attacker", "loot",
		                  hostile_secret(f), hostile_secret_path(f)),
		            &caller.how, &r);
		assert_nothing_won(&r);
		assert_correct_or_named(&r, "");
		ran += r.code == 0;
	}
	attacker_end(&swap, &s);
	hostile_caller_done(&caller);
	print_message("             %d of 60 ran, %s", ran, strstr(s.out, "swapped"));
}

/* ---- the command ---- */

/*
 * The attack: between the look-up and the exec the command becomes something that blocks, or that
 * cannot be executed. What runs is the container's own affair, so no launcher can lose more than
 * time here: the control is the one of the script for the launcher itself (test_scan.c).
 */
static void a_command_that_is_something_else_runs_or_is_named(void **state)
{
	static const char *const others[] = { "/tmp/fifo", "/tmp/dir", "/tmp/none", "/tmp/text",
		                              "/tmp/loop" };
	const struct fixture *f = *state;

	inside(f, "mkfifo -m 755 /tmp/fifo; mkdir -p /tmp/dir; echo x >/tmp/text; "
	          "chmod 755 /tmp/text; ln -sf loop /tmp/loop; ln -sfn none /tmp/none");
	for (size_t i = 0; i < countof(others); i++) {
		_cleanup_cmd_job_ struct cmd_job *swap = NULL;
		_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;

		inside(f, "cp /bin/busybox /tmp/true");
		attacker_start(f, WORDS("swap", "/tmp/true", others[i]), &swap);
		for (int k = 0; k < 15; k++) {
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			fixture_run(f, WORDS("exec", "@", "/tmp/true"), NULL, &r);
			assert_correct_or_named(&r, "");
		}
		attacker_end(&swap, &s);
		inside(f, "rm -rf /tmp/true");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(a_forged_proc_changes_nothing_about_a_job),
		fake_test(a_forged_null_device_is_no_input),
		fake_test(a_forged_null_device_is_what_a_naive_launcher_reads),
		fake_test(forged_terminals_are_not_taken_for_one),
		fake_test(a_naive_launcher_hands_over_a_forged_terminal),
		fixture_test(a_directory_that_is_a_descriptor_of_the_caller_s_is_refused),
		fixture_test(a_naive_launcher_starts_its_job_in_a_directory_of_the_host_s),
		fixture_test(a_directory_that_is_swapped_meanwhile_is_inside_or_refused),
		fixture_test(a_command_that_is_something_else_runs_or_is_named),
	};
	int failed = cmocka_run_group_tests_name("hostile fakes, privileged", tests,
	                                         open_privileged, fixture_close);

	return failed + cmocka_run_group_tests_name("hostile fakes, idmapped", tests, open_idmapped,
	                                            fixture_close);
}
