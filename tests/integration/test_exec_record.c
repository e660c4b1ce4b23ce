/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a job is, as a whole: the record that it gives of itself is compared with the one that
 * follows from the container's init, in every kind of container; and it is the same whatever the
 * caller was like.
 */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/keyctl.h>

#include "base/fd.h"
#include "harness/box.h"
#include "harness/cmd.h"
#include "harness/expect.h"
#include "harness/job.h"
#include "harness/leak.h"
#include "harness/record.h"

#define MAX_WORDS 24

/* One container of a kind, shared by the cases of a group. */
struct fixture {
	enum box_kind kind;
	struct box *box;
	char attache[PATH_MAX];
};

static int set_up(void **state, enum box_kind kind)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	*state = f;
	f->kind = kind;
	if (cmd_find("ATTACHE", "attache", f->attache, sizeof(f->attache)) == NULL)
		return -1;
	return box_new(&f->box, kind, "record") < 0 || box_start(f->box) < 0 ? -1 : 0;
}

static int set_up_privileged(void **state)
{
	return set_up(state, BOX_PRIVILEGED);
}

static int set_up_idmapped(void **state)
{
	return set_up(state, BOX_IDMAPPED);
}

static int set_up_debian(void **state)
{
	return set_up(state, BOX_DEBIAN);
}

static int set_up_pure_v2(void **state)
{
	return set_up(state, BOX_PURE_V2);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f != NULL)
		box_free(f->box);
	free(f);
	return 0;
}

/* ---- the record of each kind of job ------------------------------------------------------- */

/* The guard is of the case's own scope; the expectation is of a job without options. */
#define BEGIN(f, leak, want) \
	_cleanup_leak_ struct leak *leak = NULL; \
	_cleanup_record_ struct record want = RECORD_INIT; \
	assert_zero(leak_new(&leak, (f)->box)); \
	assert_zero(expect_job((f)->box, (f)->kind, &want))

static void root_is_confined_as_init_is(void **state)
{
	const struct fixture *f = *state;

	BEGIN(f, leak, want);
	assert_job(f->box, NULL, &want);
	assert_no_leak(leak);
}

static void a_named_user_has_its_own_ids_and_no_capability(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "-u", "nobody", NULL };
	const struct expect_user nobody = {
		.ct_uid = 65534,
		.ct_gid = 65534,
		.groups = "",
		.name = "nobody",
		.home = "/nonexistent",
		.shell = f->kind == BOX_DEBIAN ? "/usr/sbin/nologin" : "/bin/false",
	};

	BEGIN(f, leak, want);
	assert_zero(expect_user(&want, &nobody));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void a_user_of_groups_has_them(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "-u", "alice", NULL };
	const struct expect_user alice = {
		.ct_uid = 1000,
		.ct_gid = 1000,
		.groups = "29,100",
		.name = "alice",
		.home = "/home/alice",
		.shell = f->kind == BOX_DEBIAN ? "/bin/bash" : "/bin/sh",
	};

	BEGIN(f, leak, want);
	assert_zero(expect_user(&want, &alice));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void numbers_without_an_entry_are_a_user_at_the_root_directory(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "-u", "1234:5678", NULL };
	const struct expect_user user = {
		.ct_uid = 1234,
		.ct_gid = 5678,
		.groups = "",
		.name = "1234",
		.home = "/",
		.shell = "/bin/sh",
	};

	BEGIN(f, leak, want);
	assert_zero(expect_user(&want, &user));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void root_without_capabilities_has_none_in_any_set(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "--cap-drop", "ALL", NULL };

	BEGIN(f, leak, want);
	assert_zero(expect_root_caps(&want, 0));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void no_new_privs_changes_that_alone(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "--no-new-privs", NULL };

	BEGIN(f, leak, want);
	assert_zero(record_set(&want, "nnp", "1"));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void privileged_leaves_out_the_confinement_and_nothing_else(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "--privileged", NULL };

	BEGIN(f, leak, want);
	assert_zero(expect_root_caps(&want, expect_bounding(f->kind)));
	assert_zero(expect_no_filter(&want));
	assert_zero(expect_caller_label(&want));
	assert_zero(expect_caller_cgroup(f->box, &want));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void an_unprivileged_user_stays_one_with_privileged(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "--privileged", "-u", "1234:5678", NULL };
	const struct expect_user user = { 1234, 5678, "", "1234", "/", "/bin/sh" };

	BEGIN(f, leak, want);
	assert_zero(expect_root_caps(&want, expect_bounding(f->kind)));
	assert_zero(expect_user(&want, &user));
	assert_zero(expect_no_filter(&want));
	assert_zero(expect_caller_label(&want));
	assert_zero(expect_caller_cgroup(f->box, &want));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

/* The comparison is no tautology: lxc-attach does not give the same job. */
static void the_record_of_another_program_differs(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "--keep-env", NULL };
	_cleanup_record_ struct record got = RECORD_INIT;
	_cleanup_free_ char *diff = NULL;

	BEGIN(f, leak, want);
	assert_zero(record_attach(f->box, options, &got));
	assert_zero(expect_settle(&got, &want));
	assert_true(record_compare(&got, &want, &diff) > 0);
	assert_has(diff, "cgroup.unified: got '");
	assert_has(diff, "keyring.session: got '");
	assert_no_leak(leak);
}

/* ---- what the caller is like -------------------------------------------------------------- */

static int ignore_and_block_signals(void *data)
{
	static const int ignored[] = { SIGPIPE, SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	sigset_t blocked;

	(void)data;
	for (size_t i = 0; i < countof(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGALRM);
	sigaddset(&blocked, SIGRTMIN + 3);
	return sigprocmask(SIG_BLOCK, &blocked, NULL) < 0 ? errno : 0;
}

static int set_umask(void *data)
{
	(void)data;
	umask(077);
	return 0;
}

static int be_nice(void *data)
{
	(void)data;
	return setpriority(PRIO_PROCESS, 0, 5) < 0 ? errno : 0;
}

/* Best effort, the lowest level. */
static int lower_io_priority(void *data)
{
	(void)data;
	return syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7) < 0 ? errno : 0;
}

static int be_a_batch_job(void *data)
{
	const struct sched_param param = { 0 };

	(void)data;
	return sched_setscheduler(0, SCHED_BATCH, &param) < 0 ? errno : 0;
}

static int sleep_sloppily(void *data)
{
	(void)data;
	return prctl(PR_SET_TIMERSLACK, 123456, 0, 0, 0) < 0 ? errno : 0;
}

static int avoid_huge_pages(void *data)
{
	(void)data;
	return prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0 ? errno : 0;
}

static int be_of_another_personality(void *data)
{
	(void)data;
	return personality(ADDR_NO_RANDOMIZE) < 0 ? errno : 0;
}

/* A possessor may read it, and whoever inherits the keyring is one. */
static int keep_a_secret(void *data)
{
	(void)data;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0)
		return errno;
	return syscall(SYS_add_key, "user", "attache-test-secret", "x", 1,
	               KEY_SPEC_SESSION_KEYRING) < 0
	               ? errno
	               : 0;
}

static int set_secret_environment(void *data)
{
	(void)data;
	return setenv("ATTACHE_TEST_SECRET", "hush", 1) < 0 ||
	                       setenv("LD_LIBRARY_PATH", "/nonexistent", 1) < 0
	               ? errno
	               : 0;
}

/* Inheritable and ambient: CAP_NET_RAW survives every exec, whoever runs it. */
static int raise_ambient(void *data)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 }, { 0 } };

	(void)data;
	if (syscall(SYS_capget, &head, sets) < 0)
		return errno;
	sets[0].inheritable = sets[0].permitted;
	sets[1].inheritable = sets[1].permitted;
	if (syscall(SYS_capset, &head, sets) < 0)
		return errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0 ? errno : 0;
}

/* Root is nobody special, and no id change fixes capabilities up. */
static int set_securebits(void *data)
{
	(void)data;
	return prctl(PR_SET_SECUREBITS, 0x4 /* SECBIT_NO_SETUID_FIXUP */, 0, 0, 0) < 0 ? errno : 0;
}

static int lower_soft_limits(void *data)
{
	static const struct {
		int which;
		rlim_t value;
	} lowered[] = {
		{ RLIMIT_NOFILE, 64 },
		{ RLIMIT_STACK, 1 << 20 },
		{ RLIMIT_CPU, 3600 },
		{ RLIMIT_SIGPENDING, 100 },
#ifndef __SANITIZE_ADDRESS__
		/* A program under this sanitizer maps terabytes at its start. */
		{ RLIMIT_AS, (rlim_t)1 << 36 },
#endif
	};

	(void)data;
	for (size_t i = 0; i < countof(lowered); i++) {
		struct rlimit limit;

		if (getrlimit((__rlimit_resource_t)lowered[i].which, &limit) < 0)
			return errno;
		limit.rlim_cur = lowered[i].value;
		if (setrlimit((__rlimit_resource_t)lowered[i].which, &limit) < 0)
			return errno;
	}
	return 0;
}

static int raise_oom_score(void *data)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int r = fd < 0 || write(fd, "500", 3) < 0 ? errno : 0;

	(void)data;
	att_fd_close(fd);
	return r;
}

static int stay_on_one_cpu(void *data)
{
	cpu_set_t set;

	(void)data;
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? errno : 0;
}

static int die_with_the_parent(void *data)
{
	(void)data;
	return prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0) < 0 ? errno : 0;
}

/* @data: descriptor of a terminal, which becomes the controlling one. */
static int have_a_terminal(void *data)
{
	int tty = *(const int *)data;

	if (setsid() < 0 || ioctl(tty, TIOCSCTTY, 0) < 0)
		return errno;
	return close(tty) < 0 ? errno : 0;
}

static const struct spoiler {
	const char *name;
	int (*spoil)(void *data);
	const char *key;  /* of the record of a program that does not clean up */
	const char *leak; /* what is there then */
} spoilers[] = {
	{ "ignored signals", ignore_and_block_signals, "signals.ignored", "0000000000005007" },
	{ "blocked signals", ignore_and_block_signals, "signals.blocked", "0000001000002200" },
	{ "umask", set_umask, "umask", "0077" },
	{ "nice", be_nice, "nice", "5" },
	{ "I/O priority", lower_io_priority, "ioprio", "2:7" },
	{ "scheduling policy", be_a_batch_job, "sched", "3:0" },
	{ "timer slack", sleep_sloppily, "timerslack", "123456" },
	{ "huge pages", avoid_huge_pages, "thp", "0" },
	{ "personality", be_of_another_personality, "personality", "0x40000" },
	{ "keyring", keep_a_secret, "keyring.secret", "found" },
	{ "environment", set_secret_environment, "env.ATTACHE_TEST_SECRET", "hush" },
	{ "ambient capabilities", raise_ambient, "cap.ambient", "0000000000002000" },
	{ "securebits", set_securebits, "securebits", "0x4" },
	{ "soft limits", lower_soft_limits, "rlimit.sigpending", NULL },
	{ "oom score", raise_oom_score, "oom_score_adj", "500" },
	{ "affinity", stay_on_one_cpu, "cpus", "0" },
	{ "parent's death signal", die_with_the_parent, "pdeathsig", NULL },
};

/* `attache exec … /probe record` by a caller that is like this. */
static void record_spoiled(const struct fixture *f, struct cmd *cmd, const char *const *options,
                           struct record *ret)
{
	const char *argv[MAX_WORDS] = { f->attache, "exec", "-P", box_lxcpath(f->box) };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	size_t n = 4;

	for (; options != NULL && *options != NULL; options++)
		argv[n++] = *options;
	argv[n++] = box_name(f->box);
	argv[n++] = "/probe";
	argv[n++] = "record";
	cmd->argv = argv;
	assert_zero(cmd_run(cmd, &r));
	cmd->argv = NULL;
	assert_exit(&r, 0);
	assert_string_equal(r.err, "");
	assert_zero(record_parse(r.out, ret));
}

/* The same caller, and a program that enters the namespaces and leaves all else as it was. */
static void record_plain(const struct fixture *f, struct cmd *cmd, struct record *ret)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char target[32];
	const char *const argv[] = { "nsenter", "-t", target, "-m",     "-u",     "-i",
		                     "-n",      "-p", "-C",   "/probe", "record", NULL };

	snprintf(target, sizeof(target), "%d", box_init_pid(f->box));
	cmd->argv = argv;
	assert_zero(cmd_run(cmd, &r));
	cmd->argv = NULL;
	assert_exit(&r, 0);
	assert_zero(record_parse(r.out, ret));
}

static void check_spoiled(const struct fixture *f, struct cmd *cmd, struct record *want,
                          const char *name)
{
	_cleanup_record_ struct record got = RECORD_INIT;
	_cleanup_free_ char *diff = NULL;
	int n = 0;

	record_spoiled(f, cmd, NULL, &got);
	assert_zero(expect_settle(&got, want));
	n = record_compare(&got, want, &diff);
	if (n != 0)
		fail_msg("the caller's %s: %d differences in the record:\n%s", name, n, diff);
}

static void the_job_is_the_same_whatever_the_caller_is_like(void **state)
{
	const struct fixture *f = *state;

	BEGIN(f, leak, want);
	for (size_t i = 0; i < countof(spoilers); i++) {
		struct cmd cmd = { .setup = spoilers[i].spoil };

		check_spoiled(f, &cmd, &want, spoilers[i].name);
	}
	assert_no_leak(leak);
}

static void each_of_the_caller_s_ways_would_be_seen_if_it_got_through(void **state)
{
	const struct fixture *f = *state;

	BEGIN(f, leak, want);
	for (size_t i = 0; i < countof(spoilers); i++) {
		const struct spoiler *s = &spoilers[i];
		struct cmd cmd = { .setup = s->spoil };
		_cleanup_record_ struct record got = RECORD_INIT;
		const char *value = NULL;

		record_plain(f, &cmd, &got);
		value = record_get(&got, s->key);
		if (value == NULL || (s->leak != NULL && strcmp(value, s->leak) != 0))
			fail_msg("%s: %s is '%s', want '%s'", s->name, s->key,
			         value == NULL ? "(absent)" : value, s->leak);
		/* Where no value is told: it is not what the job must have. */
		if (s->leak == NULL)
			assert_string_not_equal(value, record_get(&want, s->key));
	}
	assert_no_leak(leak);
}

static int spoil_everything(void *data)
{
	(void)data;
	for (size_t i = 0; i < countof(spoilers); i++) {
		int r = spoilers[i].spoil(NULL);

		if (r != 0)
			return r;
	}
	return 0;
}

static int ignore_children(void *data)
{
	(void)data;
	return signal(SIGCHLD, SIG_IGN) == SIG_ERR ? errno : 0;
}

/* A process that ignores this signal has no children to wait for: attache must not be one. */
static void a_caller_that_ignores_its_children_s_end_is_told_how_the_job_ended(void **state)
{
	const struct fixture *f = *state;
	const char *const argv[] = {
		f->attache, "exec", "-P", box_lxcpath(f->box), box_name(f->box), "/probe",
		"exit",     "42",   NULL
	};
	const char *const plain[] = { "grep", "SigIgn", "/proc/self/status", NULL };
	struct cmd cmd = { .setup = ignore_children };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	BEGIN(f, leak, want);
	check_spoiled(f, &cmd, &want, "ignored SIGCHLD");
	cmd.argv = argv;
	assert_zero(cmd_run(&cmd, &r));
	assert_exit(&r, 42);
	cmd.argv = plain;
	assert_zero(cmd_run(&cmd, &r));
	assert_string_equal(r.out, "SigIgn:\t0000000000010000\n");
	assert_no_leak(leak);
}

static void the_job_is_the_same_when_all_of_it_comes_together(void **state)
{
	const struct fixture *f = *state;
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct cmd_fd fds[] = { { root, 3 }, { root, 9 }, { root, 60 } };
	struct cmd cmd = {
		.setup = spoil_everything, .cwd = "/usr", .fds = fds, .n_fds = countof(fds)
	};

	BEGIN(f, leak, want);
	check_spoiled(f, &cmd, &want, "ways together");
	assert_no_leak(leak);
}

static void a_directory_that_the_caller_leaks_does_not_reach_the_job(void **state)
{
	const struct fixture *f = *state;
	_cleanup_close_ int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int path = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const struct cmd_fd fds[] = { { root, 9 }, { path, 10 }, { root, 3 }, { root, 300 } };
	struct cmd cmd = { .fds = fds, .n_fds = countof(fds) };
	_cleanup_record_ struct record plain = RECORD_INIT;

	BEGIN(f, leak, want);
	check_spoiled(f, &cmd, &want, "leaked directories");
	record_plain(f, &cmd, &plain);
	assert_string_equal(record_get(&plain, "fds"), "0,1,2,3,9,10,300");
	assert_string_equal(record_get(&plain, "fd.9"), "dir");
	assert_no_leak(leak);
}

static void the_caller_s_directory_is_not_the_job_s(void **state)
{
	const struct fixture *f = *state;
	const char *const none[] = { "--", "/probe", "record", NULL };
	struct cmd cmd = { .cwd = "/usr" };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_record_ struct record attached = RECORD_INIT;
	const char *const argv[] = {
		"lxc-attach", "-P", box_lxcpath(f->box), "-n", box_name(f->box), none[0], none[1],
		none[2],      NULL
	};

	BEGIN(f, leak, want);
	check_spoiled(f, &cmd, &want, "working directory");
	cmd.argv = argv;
	assert_zero(cmd_run(&cmd, &r));
	assert_exit(&r, 0);
	assert_zero(record_parse(r.out, &attached));
	assert_string_equal(record_get(&attached, "cwd"), "/usr");
	assert_no_leak(leak);
}

static void the_caller_s_terminal_is_out_of_reach(void **state)
{
	const struct fixture *f = *state;
	_cleanup_record_ struct record plain = RECORD_INIT;
	int ours = -1;
	int theirs = -1;
	int in_child = 50;

	assert_zero(openpty(&ours, &theirs, NULL, NULL, NULL));

	_cleanup_close_ int ours_fd = ours;
	_cleanup_close_ int theirs_fd = theirs;
	const struct cmd_fd fds[] = { { theirs_fd, in_child } };
	struct cmd cmd = {
		.fds = fds, .n_fds = 1, .setup = have_a_terminal, .setup_data = &in_child
	};

	(void)ours_fd;
	assert_zero(fcntl(ours, F_SETFD, FD_CLOEXEC));
	assert_zero(fcntl(theirs, F_SETFD, FD_CLOEXEC));
	BEGIN(f, leak, want);
	check_spoiled(f, &cmd, &want, "terminal");
	record_plain(f, &cmd, &plain);
	assert_string_equal(record_get(&plain, "ctty"), "ok");
	assert_no_leak(leak);
}

static bool may_raise_limits(void)
{
	return (expect_status(getpid(), "CapEff", 16) >> CAP_SYS_RESOURCE & 1) != 0;
}

/* A hard limit goes up again only with CAP_SYS_RESOURCE; without it, there is no job with less. */
static void a_hard_limit_of_the_caller_is_raised_to_init_s_or_refused(void **state)
{
	const struct fixture *f = *state;
	const struct cmd_limit lowered = { RLIMIT_NOFILE, { 100, 100 } };
	const char *const argv[] = { f->attache,       "exec",   "-P",     box_lxcpath(f->box),
		                     box_name(f->box), "/probe", "record", NULL };
	struct cmd cmd = { .limits = &lowered, .n_limits = 1, .argv = argv };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_record_ struct record plain = RECORD_INIT;

	BEGIN(f, leak, want);
	assert_zero(cmd_run(&cmd, &r));
	if (may_raise_limits()) {
		_cleanup_record_ struct record got = RECORD_INIT;

		assert_exit(&r, 0);
		assert_zero(record_parse(r.out, &got));
		assert_zero(expect_settle(&got, &want));
		assert_record(&got, &want);
	} else {
		assert_exit(&r, 125);
		assert_string_equal(r.out, "");
		assert_has(r.err, "set the job's limits");
		assert_has(r.err, "[PermissionDenied]");
	}
	record_plain(f, &cmd, &plain);
	assert_string_equal(record_get(&plain, "rlimit.nofile"), "100:100");
	assert_no_leak(leak);
}

static int give_up_new_privs(void *data)
{
	(void)data;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? errno : 0;
}

/* It cannot be undone, so the job has it too; the container's filter is loaded all the same. */
static void a_caller_without_new_privs_has_a_job_without(void **state)
{
	const struct fixture *f = *state;
	struct cmd cmd = { .setup = give_up_new_privs };

	BEGIN(f, leak, want);
	assert_zero(record_set(&want, "nnp", "1"));
	check_spoiled(f, &cmd, &want, "no_new_privs");
	assert_no_leak(leak);
}

static void a_caller_s_filter_lies_below_the_container_s(void **state)
{
	const struct fixture *f = *state;
	const char *const no_seccomp[] = { "--privileged=seccomp", NULL };
	struct cmd cmd = { .setup = setup_filter };
	uint64_t init_has = expect_status(box_init_pid(f->box), "Seccomp_filters", 10);
	_cleanup_record_ struct record got = RECORD_INIT;

	BEGIN(f, leak, want);
	assert_true(init_has >= 1);
	assert_zero(record_setf(&want, "seccomp.filters", "%d", (int)init_has + 1));
	check_spoiled(f, &cmd, &want, "seccomp filter");
	record_spoiled(f, &cmd, no_seccomp, &got);
	assert_string_equal(record_get(&got, "seccomp.filters"), "1");
	assert_no_leak(leak);
}

/* ---- descriptors 0, 1 and 2 --------------------------------------------------------------- */

/* What a shell of the job has open, told from outside of it and into a file of the container's. */
#define TELL_FDS \
	"(for i in 0 1 2; do readlink /proc/$$/fd/$i | cut -d: -f1; done; " \
	"echo $(ls /proc/$$/fd)) > /tmp/fds; :"

static void read_told(const struct fixture *f, char *buf, size_t cap)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tmp/fds", box_rootfs(f->box));
	assert_true(att_fd_read_file_at(AT_FDCWD, path, buf, cap) >= 0);
	assert_zero(unlink(path));
}

static void run_closed(const struct cmd *cmd)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(cmd_run(cmd, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "");
}

static void a_descriptor_that_the_caller_has_closed_is_the_null_device(void **state)
{
	const struct fixture *f = *state;
	char target[32];
	const char *const argv[] = { f->attache,       "exec", "-P",     box_lxcpath(f->box),
		                     box_name(f->box), "-c",   TELL_FDS, NULL };
	const char *const plain[] = { "nsenter", "-t", target,   "-m", "-p",
		                      "/bin/sh", "-c", TELL_FDS, NULL };
	_cleanup_leak_ struct leak *leak = NULL;

	snprintf(target, sizeof(target), "%d", box_init_pid(f->box));
	assert_zero(leak_new(&leak, f->box));
	for (unsigned mask = 0; mask < 8; mask++) {
		struct cmd cmd = {
			.argv = argv,
			.in = (mask & 1) != 0 ? CMD_STDIN_CLOSED : CMD_STDIN_PIPE,
			.closed = mask >> 1,
		};
		char want[128];
		char got[1024];

		snprintf(want, sizeof(want), "%s\n%s\n%s\n0 1 2\n",
		         (mask & 1) != 0 ? "/dev/null" : "pipe",
		         (mask & 2) != 0 ? "/dev/null" : "pipe",
		         (mask & 4) != 0 ? "/dev/null" : "pipe");
		run_closed(&cmd);
		read_told(f, got, sizeof(got));
		assert_string_equal(got, want);
		cmd.argv = plain;
		if (mask == 2 || mask == 6) {
			/*
			 * A shell that misses one would be seen to. Not without stdin: some nsenter
			 * then takes the place for its own, and goes elsewhere.
			 */
			run_closed(&cmd);
			read_told(f, got, sizeof(got));
			assert_string_not_equal(got, want);
		}
	}
	assert_no_leak(leak);
}

static void a_closed_descriptor_changes_nothing_but_itself(void **state)
{
	const struct fixture *f = *state;

	BEGIN(f, leak, want);
	assert_zero(record_set(&want, "fd.2", "chr:1:3"));
	assert_zero(record_set(&want, "fd.2.flags", "rw"));
	struct cmd cmd = { .in = CMD_STDIN_CLOSED, .closed = CMD_CLOSED_STDERR };

	check_spoiled(f, &cmd, &want, "closed 0 and 2");
	assert_no_leak(leak);
}

static void a_pipe_as_stdin_is_a_pipe_of_attache_s_own(void **state)
{
	const struct fixture *f = *state;
	struct cmd cmd = { .in = CMD_STDIN_BYTES, .bytes = "x", .n_bytes = 1 };

	BEGIN(f, leak, want);
	assert_zero(record_set(&want, "fd.0", "pipe"));
	assert_zero(record_set(&want, "fd.0.flags", "r"));
	check_spoiled(f, &cmd, &want, "stdin");
	assert_no_leak(leak);
}

/* ---- attributes that are asked for -------------------------------------------------------- */

static void attributes_that_are_asked_for_are_had_and_no_others(void **state)
{
	const struct fixture *f = *state;
	const char *const options[] = { "--umask",
		                        "027",
		                        "--nice",
		                        "7",
		                        "--oom-score-adj",
		                        "321",
		                        "--rlimit",
		                        "nofile=55:77",
		                        "--cpu-affinity",
		                        "0",
		                        "--io-priority",
		                        "best-effort:6",
		                        "--workdir",
		                        "/tmp",
		                        NULL };

	BEGIN(f, leak, want);
	assert_zero(record_set(&want, "umask", "0027"));
	assert_zero(record_set(&want, "nice", "7"));
	assert_zero(record_set(&want, "oom_score_adj", "321"));
	assert_zero(record_set(&want, "rlimit.nofile", "55:77"));
	assert_zero(record_set(&want, "cpus", "0"));
	assert_zero(record_set(&want, "ioprio", "2:6"));
	assert_zero(record_set(&want, "cwd", "/tmp"));
	assert_job(f->box, options, &want);
	assert_no_leak(leak);
}

static void words_reach_the_command_byte_for_byte(void **state)
{
	const struct fixture *f = *state;
	const char *const args[] = { box_name(f->box), "--",       "/probe", "record", "",
		                     "a b\n\t\"'\\$",  "\xff\xfe", "--",     "-u",     NULL };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_record_ struct record got = RECORD_INIT;

	BEGIN(f, leak, want);
	assert_zero(record_set(&want, "argc", "7"));
	assert_zero(record_set(&want, "argv.2", ""));
	assert_zero(record_set(&want, "argv.3", "a b\\x0a\\x09\"'\\x5c$"));
	assert_zero(record_set(&want, "argv.4", "\\xff\\xfe"));
	assert_zero(record_set(&want, "argv.5", "--"));
	assert_zero(record_set(&want, "argv.6", "-u"));
	assert_zero(box_attache(f->box, "exec", args, &r));
	assert_exit(&r, 0);
	assert_zero(record_parse(r.out, &got));
	assert_zero(expect_settle(&got, &want));
	assert_record(&got, &want);
	assert_no_leak(leak);
}

#define RECORD_CASES \
	cmocka_unit_test(root_is_confined_as_init_is), \
		cmocka_unit_test(a_named_user_has_its_own_ids_and_no_capability), \
		cmocka_unit_test(a_user_of_groups_has_them), \
		cmocka_unit_test(numbers_without_an_entry_are_a_user_at_the_root_directory), \
		cmocka_unit_test(root_without_capabilities_has_none_in_any_set), \
		cmocka_unit_test(no_new_privs_changes_that_alone), \
		cmocka_unit_test(privileged_leaves_out_the_confinement_and_nothing_else), \
		cmocka_unit_test(an_unprivileged_user_stays_one_with_privileged), \
		cmocka_unit_test(the_record_of_another_program_differs), \
		cmocka_unit_test(the_job_is_the_same_whatever_the_caller_is_like), \
		cmocka_unit_test(the_job_is_the_same_when_all_of_it_comes_together), \
		cmocka_unit_test( \
			a_caller_that_ignores_its_children_s_end_is_told_how_the_job_ended), \
		cmocka_unit_test(a_directory_that_the_caller_leaks_does_not_reach_the_job), \
		cmocka_unit_test(the_caller_s_directory_is_not_the_job_s), \
		cmocka_unit_test(the_caller_s_terminal_is_out_of_reach), \
		cmocka_unit_test(a_hard_limit_of_the_caller_is_raised_to_init_s_or_refused), \
		cmocka_unit_test(a_caller_without_new_privs_has_a_job_without), \
		cmocka_unit_test(a_caller_s_filter_lies_below_the_container_s), \
		cmocka_unit_test(a_descriptor_that_the_caller_has_closed_is_the_null_device), \
		cmocka_unit_test(a_closed_descriptor_changes_nothing_but_itself), \
		cmocka_unit_test(a_pipe_as_stdin_is_a_pipe_of_attache_s_own), \
		cmocka_unit_test(attributes_that_are_asked_for_are_had_and_no_others), \
		cmocka_unit_test(words_reach_the_command_byte_for_byte)

int main(void)
{
	const struct CMUnitTest privileged[] = {
		RECORD_CASES,
		/* Without a user namespace everything gets through, so everything can be seen. */
		cmocka_unit_test(each_of_the_caller_s_ways_would_be_seen_if_it_got_through),
	};
	const struct CMUnitTest others[] = { RECORD_CASES };
	int n = cmocka_run_group_tests_name("record: privileged", privileged, set_up_privileged,
	                                    tear_down);

	n += cmocka_run_group_tests_name("record: idmapped", others, set_up_idmapped, tear_down);
	if (box_has(BOX_DEBIAN))
		n += cmocka_run_group_tests_name("record: debian", others, set_up_debian,
		                                 tear_down);
	n += cmocka_run_group_tests_name("record: pure v2", others, set_up_pure_v2, tear_down);
	return n;
}
