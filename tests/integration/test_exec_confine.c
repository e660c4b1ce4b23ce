/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job is never less confined than its container's init: capabilities, no_new_privs, limits,
 * seccomp profiles of every kind and in every state, namespaces; and what each option that takes
 * confinement away takes away.
 */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/box.h"
#include "harness/child.h"
#include "harness/cmd.h"
#include "harness/expect.h"
#include "harness/job.h"
#include "harness/leak.h"
#include "harness/record.h"

#define MAX_WORDS 40
#define BIT(cap)  (UINT64_C(1) << (cap))

/* ---- capabilities ------------------------------------------------------------------------- */

static void a_dropped_capability_of_the_container_is_dropped_in_the_job(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	uint64_t init_has = 0;

	(void)state;
	assert_zero(box_new(&box, BOX_PRIVILEGED, "capdrop"));
	assert_zero(box_config(box, "lxc.cap.drop = net_raw chown"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	init_has = expect_status(box_init_pid(box), "CapBnd", 16);
	assert_true((expect_bounding(BOX_PRIVILEGED) & BIT(CAP_NET_RAW)) != 0);
	assert_true((init_has & (BIT(CAP_NET_RAW) | BIT(CAP_CHOWN))) == 0);
	assert_zero(expect_job(box, BOX_PRIVILEGED, &want));
	assert_job(box, NULL, &want);
	RUN(box, &r, box_name(box), "/bin/chown", "1", "/tmp");
	assert_exit(&r, 1);
	RUN(box, &r, "--privileged=caps", box_name(box), "/bin/chown", "1", "/tmp");
	assert_exit(&r, 0);
	assert_no_leak(leak);
}

/* Without CAP_SYS_ADMIN in the job, its filter must be loaded before that is gone. */
static void a_short_list_of_kept_capabilities_is_the_job_s_too(void **state)
{
	static const enum box_kind kinds[] = { BOX_PRIVILEGED, BOX_IDMAPPED };
	const uint64_t kept = BIT(CAP_CHOWN) | BIT(CAP_KILL) | BIT(CAP_SETUID) | BIT(CAP_SETGID);

	(void)state;
	for (size_t i = 0; i < countof(kinds); i++) {
		_cleanup_box_ struct box *box = NULL;
		_cleanup_leak_ struct leak *leak = NULL;
		_cleanup_record_ struct record want = RECORD_INIT;

		assert_zero(box_new(&box, kinds[i], "capkeep"));
		assert_zero(box_config(box, "lxc.cap.drop ="));
		assert_zero(box_config(box, "lxc.cap.keep = chown kill setuid setgid"));
		assert_zero(box_start(box));
		assert_zero(leak_new(&leak, box));
		assert_true(expect_status(box_init_pid(box), "CapBnd", 16) == kept);
		assert_zero(expect_job(box, kinds[i], &want));
		assert_zero(expect_root_caps(&want, kept));
		assert_job(box, NULL, &want);
		assert_no_leak(leak);
	}
}

static void a_capability_is_dropped_by_its_name_alone(void **state)
{
	struct box *const *boxes = *state;
	const struct box *box = boxes[0];
	const char *const one[] = { "--cap-drop", "net_raw", "--cap-drop", "CAP_CHOWN", NULL };
	const char *const but[] = { "--cap-drop", "ALL", "--cap-add", "chown", NULL };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;
	uint64_t all = expect_bounding(BOX_IDMAPPED);

	assert_zero(leak_new(&leak, box));
	assert_zero(expect_job(box, BOX_IDMAPPED, &want));
	assert_zero(expect_root_caps(&want, all & ~(BIT(CAP_NET_RAW) | BIT(CAP_CHOWN))));
	assert_job(box, one, &want);
	assert_zero(expect_root_caps(&want, BIT(CAP_CHOWN)));
	assert_job(box, but, &want);
	assert_no_leak(leak);
}

static void an_unknown_capability_is_an_error_that_names_it(void **state)
{
	struct box *const *boxes = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, boxes[0]));
	RUN(boxes[0], &r, "--cap-add", "net_rau", box_name(boxes[0]), "/bin/true");
	assert_not_run(&r, "[InvalidArgument]");
	assert_has(r.err, "'net_rau'");
	RUN(boxes[0], &r, "--cap-add", "net_raw", box_name(boxes[0]), "/bin/true");
	assert_exit(&r, 0);
	assert_no_leak(leak);
}

/* sys_time is dropped in every privileged box, and what the host itself has not, nobody gives. */
static void a_capability_beyond_init_s_needs_the_named_privilege(void **state)
{
	struct box *const *boxes = *state;
	const struct box *box = boxes[1];
	const char *const wide[] = { "--privileged=caps", "--cap-add", "sys_time", NULL };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, box));
	RUN(box, &r, "--cap-add", "sys_time", box_name(box), "/bin/touch", "/tmp/started");
	assert_not_run(&r, "[PermissionDenied]");
	assert_has(r.err, "CAP_SYS_TIME");
	RUN(box, &r, "--cap-add", "ALL", box_name(box), "/bin/ls", "/tmp/started");
	assert_exit(&r, 1);
	assert_zero(expect_job(box, BOX_PRIVILEGED, &want));
	assert_zero(expect_root_caps(&want, expect_bounding(BOX_PRIVILEGED)));
	assert_job(box, wide, &want);
	assert_no_leak(leak);
}

static void a_capability_added_for_a_user_is_effective_after_the_exec(void **state)
{
	const struct expect_user nobody = {
		65534, 65534, "", "nobody", "/nonexistent", "/bin/false"
	};
	static const char *const sets[] = { "cap.permitted", "cap.effective", "cap.inheritable",
		                            "cap.ambient" };
	const char *const options[] = { "-u", "nobody", "--cap-add", "chown", NULL };
	struct box *const *boxes = *state;
	const struct box *box = boxes[0];
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, box));
	assert_zero(expect_job(box, BOX_IDMAPPED, &want));
	assert_zero(expect_user(&want, &nobody));
	for (size_t i = 0; i < countof(sets); i++)
		assert_zero(record_set(&want, sets[i], "0000000000000001"));
	assert_job(box, options, &want);
	RUN(box, &r, "-u", "nobody", box_name(box), "/bin/chown", "0", "/tmp");
	assert_exit(&r, 1);
	RUN(box, &r, "-u", "nobody", "--cap-add", "chown", box_name(box), "/bin/chown", "0",
	    "/tmp");
	assert_exit(&r, 0);
	assert_no_leak(leak);
}

/* ---- no_new_privs and limits -------------------------------------------------------------- */

static void no_new_privs_of_the_container_is_the_job_s(void **state)
{
	const char *const options[] = { "--privileged=nnp", NULL };
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "nnp"));
	assert_zero(box_config(box, "lxc.no_new_privs = 1"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	assert_zero(expect_job(box, BOX_IDMAPPED, &want));
	assert_string_equal(record_get(&want, "nnp"), "1");
	assert_job(box, NULL, &want);
	assert_zero(record_set(&want, "nnp", "0"));
	assert_job(box, options, &want);
	assert_no_leak(leak);
}

static void limits_of_the_container_are_the_job_s(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "prlimit"));
	assert_zero(box_config(box, "lxc.prlimit.nofile = 123:456"));
	assert_zero(box_config(box, "lxc.prlimit.core = 0"));
	assert_zero(box_config(box, "lxc.prlimit.sigpending = 77"));
	assert_zero(box_config(box, "lxc.prlimit.as = 1073741824:unlimited"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	assert_zero(expect_job(box, BOX_IDMAPPED, &want));
	assert_string_equal(record_get(&want, "rlimit.nofile"), "123:456");
	assert_string_equal(record_get(&want, "rlimit.core"), "0:0");
	assert_string_equal(record_get(&want, "rlimit.sigpending"), "77:77");
	assert_string_equal(record_get(&want, "rlimit.as"), "1073741824:unlimited");
	assert_job(box, NULL, &want);
	assert_no_leak(leak);
}

/* ---- seccomp profiles --------------------------------------------------------------------- */

/* A box and a profile file of the host's beside it. */
struct profiled {
	struct box *box;
	char path[256];
};

static void write_host_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_zero(att_fd_write_full(fd, text, strlen(text)));
}

static void profiled_done(struct profiled *p)
{
	box_free(p->box);
	p->box = NULL;
}

#define _cleanup_profiled_ _cleanup_(profiled_done)

static bool can_start_with_profile(struct profiled *p, const char *name, const char *text)
{
	assert_zero(box_new(&p->box, BOX_IDMAPPED, name));
	/* In the container's directory on the host: it is removed with the box, come what may. */
	snprintf(p->path, sizeof(p->path), "%s/%s/profile", box_lxcpath(p->box), box_name(p->box));
	write_host_file(p->path, text);
	assert_zero(box_config(p->box, "lxc.seccomp.profile = %s", p->path));
	if (box_start(p->box) != 0)
		return false;
	assert_true(expect_status(box_init_pid(p->box), "Seccomp", 10) == 2);
	return true;
}

static void start_with_profile(struct profiled *p, const char *name, const char *text)
{
	assert_true(can_start_with_profile(p, name, text));
}

/*
 * A program that was built on one distribution and runs on another compiles a profile with its own
 * libseccomp, whose table of calls is not that of liblxc's: a list of all calls is then another
 * filter, and refused as such.
 */
static bool has_other_libseccomp(void)
{
	const char *seccomp = getenv("ATTACHE_TEST_LIBSECCOMP");

	return seccomp != NULL && strcmp(seccomp, "other") == 0;
}

/* Calls that a busybox's init does without, under the names that they have on any architecture. */
static const char deny_list[] = "2\n"
				"denylist\n"
				"mkdir errno 13\n"
				"mkdirat errno 13\n"
				"rmdir kill\n"
				"unlinkat kill\n"
				"symlink trap\n"
				"symlinkat trap\n";

static void a_deny_list_denies_kills_and_traps(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	start_with_profile(&p, "deny", deny_list);
	assert_zero(leak_new(&leak, p.box));
	assert_zero(expect_job(p.box, BOX_IDMAPPED, &want));
	assert_job(p.box, NULL, &want);
	RUN(p.box, &r, box_name(p.box), "/bin/mkdir", "/tmp/d");
	assert_exit(&r, 1);
	assert_has(r.err, "Permission denied");
	RUN(p.box, &r, "--privileged=seccomp", box_name(p.box), "/bin/mkdir", "/tmp/d");
	assert_exit(&r, 0);
	RUN(p.box, &r, box_name(p.box), "/bin/rmdir", "/tmp/d");
	assert_exit(&r, 128 + SIGSYS);
	RUN(p.box, &r, box_name(p.box), "/bin/ln", "-s", "/tmp/d", "/tmp/l");
	assert_exit(&r, 128 + SIGSYS);
	RUN(p.box, &r, "--privileged=seccomp", box_name(p.box), "/bin/rmdir", "/tmp/d");
	assert_exit(&r, 0);
	assert_no_leak(leak);
}

static void a_filter_holds_for_every_kind_of_job(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const char *name = NULL;

	(void)state;
	start_with_profile(&p, "kinds", deny_list);
	assert_zero(leak_new(&leak, p.box));
	name = box_name(p.box);
	RUN(p.box, &r, "-u", "alice", name, "/bin/mkdir", "/tmp/d");
	assert_has(r.err, "Permission denied");
	RUN(p.box, &r, "--no-new-privs", name, "/bin/mkdir", "/tmp/d");
	assert_has(r.err, "Permission denied");
	RUN(p.box, &r, "--cap-drop", "ALL", name, "/bin/mkdir", "/tmp/d");
	assert_has(r.err, "Permission denied");
	RUN(p.box, &r, "--privileged=caps,nnp,cgroup,lsm", name, "/bin/mkdir", "/tmp/d");
	assert_has(r.err, "Permission denied");
	RUN(p.box, &r, "--namespaces", "user,mnt", name, "/bin/mkdir", "/tmp/d");
	assert_has(r.err, "Permission denied");
	RUN(p.box, &r, "-c", name, "mkdir /tmp/d");
	assert_exit(&r, 125); /* the word after -c is its argument: no such container */
	RUN(p.box, &r, name, "-c", "mkdir /tmp/d");
	assert_has(r.err, "Permission denied");
	assert_no_leak(leak);
}

/* Every call that this machine has, but kill() only for the signals 0 and 15. */
static void make_allow_list(char *text, size_t cap)
{
	size_t used = (size_t)snprintf(text, cap, "2\nallowlist errno 1\n");

	for (int nr = 0; nr < 470; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

		if (name != NULL && strcmp(name, "kill") == 0)
			used += (size_t)snprintf(text + used, cap - used,
			                         "kill allow [1,0,SCMP_CMP_EQ]\n"
			                         "kill allow [1,15,SCMP_CMP_EQ]\n");
		else if (name != NULL)
			used += (size_t)snprintf(text + used, cap - used, "%s\n", name);
		free(name);
	}
	assert_true(used < cap);
}

static void an_allow_list_with_argument_filters_allows_only_those(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_free_ char *text = malloc(32768);

	(void)state;
	if (has_other_libseccomp())
		skip();
	assert_non_null(text);
	make_allow_list(text, 32768);
	start_with_profile(&p, "allow", text);
	assert_zero(leak_new(&leak, p.box));
	assert_zero(expect_job(p.box, BOX_IDMAPPED, &want));
	assert_job(p.box, NULL, &want);
	RUN(p.box, &r, box_name(p.box), "-c", "kill -0 $$ && echo allowed");
	assert_string_equal(r.out, "allowed\n");
	RUN(p.box, &r, box_name(p.box), "-c", "kill -USR1 $$; echo survived");
	assert_exit(&r, 0);
	assert_string_equal(r.out, "survived\n");
	assert_has(r.err, "Operation not permitted");
	RUN(p.box, &r, box_name(p.box), "-c", "kill -TERM $$; echo survived");
	assert_exit(&r, 128 + SIGTERM);
	RUN(p.box, &r, "--privileged=seccomp", box_name(p.box), "-c", "kill -USR1 $$");
	assert_exit(&r, 128 + SIGUSR1);
	assert_no_leak(leak);
}

/* What cannot be started under its own profile is an error with the reason, not a hang. */
static void a_profile_that_denies_what_entering_needs_says_which(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	/* LXC 6 needs it itself once the filter is there, so that there is no such container. */
	if (!can_start_with_profile(&p, "prctl", "2\ndenylist\nprctl errno 1\n"))
		skip();
	assert_zero(leak_new(&leak, p.box));
	RUN(p.box, &r, box_name(p.box), "/bin/true");
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, p.path);
	assert_has(r.err, "'prctl'");
	RUN(p.box, &r, "--privileged=seccomp", box_name(p.box), "/bin/true");
	assert_exit(&r, 0);
	assert_no_leak(leak);
}

/* Nothing is started, the words are there; without the filter it works all the same. */
static void assert_unavailable(const struct profiled *p, const char *words)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const char *name = box_name(p->box);

	RUN(p->box, &r, name, "/bin/touch", "/tmp/started");
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, p->path);
	assert_has(r.err, words);
	RUN(p->box, &r, "--privileged=seccomp", name, "/bin/ls", "/tmp/started");
	assert_exit(&r, 1);
	assert_has(r.err, "No such file");
}

static void assert_available(const struct profiled *p)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	RUN(p->box, &r, box_name(p->box), "/bin/mkdir", "/tmp/denied");
	assert_exit(&r, 1);
	assert_has(r.err, "Permission denied");
}

static void a_profile_that_changed_since_the_start_is_refused(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_free_ char *wider = NULL;

	(void)state;
	start_with_profile(&p, "changed", deny_list);
	assert_zero(leak_new(&leak, p.box));
	assert_available(&p);
	write_host_file(p.path, "2\ndenylist\nrmdir kill\n");
	assert_unavailable(&p, "was changed after it started");
	assert_true(asprintf(&wider, "%s%s", deny_list, "linkat errno 1\n") > 0);
	write_host_file(p.path, wider);
	assert_unavailable(&p, "was changed after it started");
	write_host_file(p.path, "2\ndenylist\n");
	assert_unavailable(&p, "was changed after it started");
	/* Written anew, but with the same meaning. */
	write_host_file(p.path, deny_list);
	assert_available(&p);
	free(wider);
	assert_true(asprintf(&wider, "%s# a comment\n", deny_list) > 0);
	write_host_file(p.path, wider);
	assert_available(&p);
	assert_no_leak(leak);
}

static void a_profile_with_an_error_is_refused_with_its_line(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;

	(void)state;
	start_with_profile(&p, "syntax", deny_list);
	assert_zero(leak_new(&leak, p.box));
	write_host_file(p.path, "2\ndenylist\nrmdir kill\nmkdir errno oops\n");
	assert_unavailable(&p, "line 4");
	write_host_file(p.path, "3\ndenylist\nrmdir kill\n");
	assert_unavailable(&p, "line 1");
	write_host_file(p.path, "");
	assert_unavailable(&p, p.path);
	write_host_file(p.path, deny_list);
	assert_available(&p);
	assert_no_leak(leak);
}

static void a_profile_that_is_no_longer_a_file_is_refused(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;

	(void)state;
	start_with_profile(&p, "gone", deny_list);
	assert_zero(leak_new(&leak, p.box));
	assert_zero(unlink(p.path));
	assert_unavailable(&p, "No such file or directory");
	assert_zero(mkfifo(p.path, 0600));
	assert_unavailable(&p, "is no file");
	assert_zero(unlink(p.path));
	assert_zero(mkdir(p.path, 0700));
	assert_unavailable(&p, "is no file");
	assert_zero(rmdir(p.path));
	write_host_file(p.path, deny_list);
	assert_available(&p);
	assert_no_leak(leak);
}

static void exec_filtered(const struct box *box, const char *const *words, struct cmd_result *r)
{
	char attache[PATH_MAX];
	const char *argv[MAX_WORDS] = { attache, "exec", "-P", box_lxcpath(box) };
	const struct cmd cmd = { .argv = argv, .setup = setup_filter };
	size_t n = 4;

	assert_non_null(cmd_find("ATTACHE", "attache", attache, sizeof(attache)));
	for (; *words != NULL; words++)
		argv[n++] = *words;
	assert_zero(cmd_run(&cmd, r));
}

/* Init's filter cannot be read by who is under one: then a change of the file decides. */
static void a_filtered_caller_does_not_trust_a_profile_that_may_have_changed(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	start_with_profile(&p, "filtered", deny_list);
	assert_zero(leak_new(&leak, p.box));

	const char *const words[] = { box_name(p.box), "/bin/mkdir", "/tmp/denied", NULL };

	write_host_file(p.path, deny_list);
	exec_filtered(p.box, words, &r);
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, "under a seccomp filter itself");
	assert_available(&p);
	/* What another caller has read of init is known from then on. */
	exec_filtered(p.box, words, &r);
	assert_exit(&r, 1);
	assert_has(r.err, "Permission denied");
	write_host_file(p.path, "2\ndenylist\n");
	exec_filtered(p.box, words, &r);
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, "was changed after it started");
	assert_no_leak(leak);
}

/* Each of them finds init's filter unread, and only one process can read it at a time. */
static void many_first_jobs_at_once_all_run(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char attache[PATH_MAX];
	const char *const argv[] = { "sh",
		                     "-c",
		                     "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do "
		                     "\"$0\" exec -P \"$1\" \"$2\" /bin/echo ran & done; wait",
		                     attache,
		                     NULL,
		                     NULL,
		                     NULL };
	const char *words[countof(argv)];
	const struct cmd cmd = { .argv = words };

	(void)state;
	assert_non_null(cmd_find("ATTACHE", "attache", attache, sizeof(attache)));
	start_with_profile(&p, "first", deny_list);
	memcpy(words, argv, sizeof(words));
	words[4] = box_lxcpath(p.box);
	words[5] = box_name(p.box);
	assert_zero(leak_new(&leak, p.box));
	assert_zero(cmd_run(&cmd, &r));
	assert_string_equal(r.err, "");
	assert_num(r.out_len, 16 * strlen("ran\n"));
	assert_no_leak(leak);
}

/* Neither file is younger than the container: only what init runs under can tell them apart. */
static void a_profile_s_path_that_leads_elsewhere_is_refused(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	char strict[300];
	char weak[300];

	(void)state;
	assert_zero(box_new(&p.box, BOX_IDMAPPED, "swapped"));
	snprintf(p.path, sizeof(p.path), "%s/%s/profile", box_lxcpath(p.box), box_name(p.box));
	snprintf(strict, sizeof(strict), "%s.strict", p.path);
	snprintf(weak, sizeof(weak), "%s.weak", p.path);
	write_host_file(strict, deny_list);
	write_host_file(weak, "2\ndenylist\n");
	assert_zero(symlink(strict, p.path));
	assert_zero(box_config(p.box, "lxc.seccomp.profile = %s", p.path));
	/* Longer than what counts as the same moment. */
	sleep(3);
	assert_zero(box_start(p.box));
	assert_zero(leak_new(&leak, p.box));
	assert_zero(unlink(p.path));
	assert_zero(symlink(weak, p.path));
	assert_unavailable(&p, "was changed after it started");
	assert_zero(unlink(p.path));
	assert_zero(symlink(strict, p.path));
	assert_available(&p);
	assert_no_leak(leak);
}

/* A supervisor answers for init only; for the job there is none to ask. */
static void a_profile_with_a_supervisor_is_announced_and_its_calls_fail(void **state)
{
	_cleanup_profiled_ struct profiled p = { 0 };
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	start_with_profile(&p, "notify",
	                   "2\ndenylist\nmkdir notify\nmkdirat notify\nrmdir errno 1\n");
	assert_zero(leak_new(&leak, p.box));
	RUN(p.box, &r, box_name(p.box), "/bin/mkdir", "/tmp/d");
	assert_exit(&r, 1);
	assert_has(r.err, "Function not implemented");
	assert_has(r.err, "supervisor");
	assert_has(r.err, "ENOSYS");
	RUN(p.box, &r, "--privileged=seccomp", box_name(p.box), "/bin/mkdir", "/tmp/d");
	assert_exit(&r, 0);
	assert_string_equal(r.err, "");
	assert_no_leak(leak);
}

/* ---- an init whose filters its configuration does not explain ----------------------------- */

/* Shared with a process that is under a filter, and so is the container that it starts. */
struct starter {
	struct box *box;    /* the process's own */
	const char *config; /* a line of it */
	int ready;          /* 1: started, -1: not */
	int stop;
	pid_t init;
	char name[64];
	char lxcpath[128];
};

static int start_filtered(void *data)
{
	struct starter *s = data;

	/* An assertion that fails jumps over what would end us. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return 1;
	if (setup_filter(NULL) != 0 || box_new(&s->box, BOX_IDMAPPED, "nested") < 0 ||
	    box_config(s->box, "%s", s->config) < 0 || box_start(s->box) < 0) {
		s->ready = -1;
		return 1;
	}
	snprintf(s->name, sizeof(s->name), "%s", box_name(s->box));
	snprintf(s->lxcpath, sizeof(s->lxcpath), "%s", box_lxcpath(s->box));
	s->init = box_init_pid(s->box);
	__atomic_store_n(&s->ready, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) == 0)
		usleep(2000);
	box_free(s->box);
	return 0;
}

/* What the parent does while the container of the filtered process runs. */
typedef void (*with_starter)(const struct starter *s, const char *attache);

static void exec_in(const struct starter *s, const char *attache, bool filtered, const char *option,
                    struct cmd_result *r)
{
	const char *argv[] = {
		attache, "exec", "-P", s->lxcpath, s->name, "/bin/true", NULL, NULL
	};
	const struct cmd cmd = { .argv = argv, .setup = filtered ? setup_filter : NULL };

	if (option != NULL) {
		argv[4] = option;
		argv[5] = s->name;
		argv[6] = "/bin/true";
	}
	assert_zero(cmd_run(&cmd, r));
}

static void run_with_starter(const char *config, with_starter fn)
{
	struct starter *s =
		mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char attache[PATH_MAX];
	int status = 0;
	pid_t pid = 0;

	assert_true(s != MAP_FAILED);
	assert_non_null(cmd_find("ATTACHE", "attache", attache, sizeof(attache)));
	s->config = config;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(start_filtered(s));
	while (__atomic_load_n(&s->ready, __ATOMIC_ACQUIRE) == 0)
		usleep(2000);
	if (s->ready == 1)
		fn(s, attache);
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
	assert_true(child_reap(pid, att_clock_after_ns(20 * ATT_NS_PER_SEC), &status));
	assert_num(status, 0);
	munmap(s, sizeof(*s));
}

static void expect_no_profile(const struct starter *s, const char *attache)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_true(expect_status(s->init, "Seccomp_filters", 10) == 1);
	exec_in(s, attache, false, NULL, &r);
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, "a seccomp filter that the caller is not under");
	exec_in(s, attache, false, "--privileged=seccomp", &r);
	assert_exit(&r, 0);
	/* Who is under the same one brings it along. */
	exec_in(s, attache, true, NULL, &r);
	assert_exit(&r, 0);
}

static void a_filter_of_init_that_no_profile_explains_is_refused(void **state)
{
	(void)state;
	run_with_starter("lxc.seccomp.profile =", expect_no_profile);
}

static void expect_one_too_many(const struct starter *s, const char *attache)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_true(expect_status(s->init, "Seccomp_filters", 10) == 2);
	exec_in(s, attache, false, NULL, &r);
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, "a seccomp filter that the caller is not under");
	exec_in(s, attache, true, NULL, &r);
	assert_exit(&r, 0);
}

static void a_filter_of_init_beyond_its_profile_is_refused(void **state)
{
	(void)state;
	run_with_starter("lxc.seccomp.allow_nesting = 1", expect_one_too_many);
}

/* liblxc does not load the profile where there is a filter already: the profile says nothing. */
static void expect_another_than_the_profile(const struct starter *s, const char *attache)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_true(expect_status(s->init, "Seccomp_filters", 10) == 1);
	exec_in(s, attache, false, NULL, &r);
	assert_not_run(&r, "[ConfinementUnavailable]");
	exec_in(s, attache, false, "--privileged=seccomp", &r);
	assert_exit(&r, 0);
}

static void a_profile_that_was_never_loaded_does_not_stand_for_init_s_filter(void **state)
{
	(void)state;
	run_with_starter("lxc.seccomp.allow_nesting = 0", expect_another_than_the_profile);
}

static void a_container_without_a_filter_gives_a_job_without(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record want = RECORD_INIT;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "bare"));
	assert_zero(box_config(box, "lxc.seccomp.profile ="));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	assert_zero(expect_job(box, BOX_IDMAPPED, &want));
	assert_string_equal(record_get(&want, "seccomp.mode"), "0");
	assert_job(box, NULL, &want);
	assert_no_leak(leak);
}

/* ---- parts of the confinement ------------------------------------------------------------- */

static void each_part_that_is_left_out_leaves_the_others(void **state)
{
	static const char *const parts[] = { "caps", "seccomp", "lsm", "nnp", "cgroup" };
	struct box *const *boxes = *state;
	const struct box *box = boxes[1];
	_cleanup_leak_ struct leak *leak = NULL;

	assert_zero(leak_new(&leak, box));
	for (size_t i = 0; i < countof(parts); i++) {
		_cleanup_record_ struct record want = RECORD_INIT;
		char option[64];
		const char *const options[] = { option, NULL };

		snprintf(option, sizeof(option), "--privileged=%s", parts[i]);
		assert_zero(expect_job(box, BOX_PRIVILEGED, &want));
		if (i == 0)
			assert_zero(expect_root_caps(&want, expect_bounding(BOX_PRIVILEGED)));
		if (i == 1)
			assert_zero(expect_no_filter(&want));
		if (i == 2)
			assert_zero(expect_caller_label(&want));
		if (i == 4)
			assert_zero(expect_caller_cgroup(box, &want));
		assert_job(box, options, &want);
	}
	assert_no_leak(leak);
}

static void ids_outside_of_the_id_map_are_refused(void **state)
{
	static const char *const users[] = { "65536", "70000", "0:70000", "4294967294" };
	struct box *const *boxes = *state;
	const char *name = box_name(boxes[0]);
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, boxes[0]));
	for (size_t i = 0; i < countof(users); i++) {
		RUN(boxes[0], &r, "-u", users[i], name, "/bin/true");
		assert_not_run(&r, "[InvalidArgument]");
		assert_has(r.err, "outside of the container's id map");
	}
	RUN(boxes[0], &r, "--groups", "1,70000", name, "/bin/true");
	assert_not_run(&r, "outside of the container's id map");
	RUN(boxes[0], &r, "-u", "65535:65535", name, "id", "-u");
	assert_string_equal(r.out, "65535\n");
	/* Without a user namespace every id is one. */
	RUN(boxes[1], &r, "-u", "70000", box_name(boxes[1]), "id", "-u");
	assert_string_equal(r.out, "70000\n");
	assert_no_leak(leak);
}

/* ---- namespaces --------------------------------------------------------------------------- */

static void read_own_namespace(const char *kind, char buf[static 64])
{
	char path[64];
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	n = readlink(path, buf, 63);
	assert_true(n > 0);
	buf[n] = '\0';
}

static void a_namespace_that_is_left_out_is_the_caller_s(void **state)
{
	static const struct {
		const char *kind;
		const char *list;
	} left_out[] = {
		{ "net", "mnt,pid,ipc,uts,cgroup,user,time" },
		{ "ipc", "mnt,pid,net,uts,cgroup,user,time" },
		{ "uts", "mnt,pid,net,ipc,cgroup,user,time" },
	};
	struct box *const *boxes = *state;

	for (size_t i = 0; i < 2 * countof(left_out); i++) {
		const struct box *box = boxes[i / countof(left_out)];
		enum box_kind kind = i < countof(left_out) ? BOX_IDMAPPED : BOX_PRIVILEGED;
		const char *name = left_out[i % countof(left_out)].kind;
		const char *const options[] = { "--namespaces",
			                        left_out[i % countof(left_out)].list, NULL };
		_cleanup_leak_ struct leak *leak = NULL;
		_cleanup_record_ struct record want = RECORD_INIT;
		char own[64];
		char key[16];

		assert_zero(leak_new(&leak, box));
		assert_zero(expect_job(box, kind, &want));
		read_own_namespace(name, own);
		snprintf(key, sizeof(key), "ns.%s", name);
		assert_string_not_equal(own, record_get(&want, key));
		assert_zero(record_set(&want, key, own));
		assert_job(box, options, &want);
		assert_no_leak(leak);
	}
}

static void without_the_mount_namespace_the_host_s_files_are_seen(void **state)
{
	struct box *const *boxes = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char own[64];
	char inits[64] = "";
	char path[64];

	assert_zero(leak_new(&leak, boxes[0]));
	read_own_namespace("mnt", own);
	snprintf(path, sizeof(path), "/proc/%d/ns/uts", box_init_pid(boxes[0]));
	assert_true(readlink(path, inits, sizeof(inits) - 1) > 0);
	RUN(boxes[0], &r, "--namespaces", "user,uts", box_name(boxes[0]), "readlink",
	    "/proc/self/ns/mnt", "/proc/self/ns/uts");
	assert_exit(&r, 0);
	assert_true(strncmp(r.out, own, strlen(own)) == 0);
	assert_has(r.out, inits);
	assert_no_leak(leak);
}

static void the_user_namespace_is_not_left_out_by_mistake(void **state)
{
	struct box *const *boxes = *state;
	const char *name = box_name(boxes[0]);
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, boxes[0]));
	RUN(boxes[0], &r, "--namespaces", "mnt,pid,net", name, "/bin/touch", "/tmp/started");
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, "user namespace");
	RUN(boxes[0], &r, name, "/bin/ls", "/tmp/started");
	assert_exit(&r, 1);
	RUN(boxes[0], &r, "--namespaces", "mnt,pid,net", "--privileged=caps", name, "/bin/cat",
	    "/proc/self/uid_map");
	assert_exit(&r, 0);
	assert_has(r.out, "4294967295");
	RUN(boxes[0], &r, name, "/bin/cat", "/proc/self/uid_map");
	assert_has(r.out, "100000");
	assert_no_leak(leak);
}

static void a_list_of_namespaces_that_is_none_is_an_error(void **state)
{
	static const char *const lists[] = { "foo", "mnt,", ",", "mnt,,pid", "MNT", "mnt pid" };
	struct box *const *boxes = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, boxes[0]));
	for (size_t i = 0; i < countof(lists); i++) {
		RUN(boxes[0], &r, "--namespaces", lists[i], box_name(boxes[0]), "/bin/true");
		assert_not_run(&r, "[InvalidArgument]");
		assert_has(r.err, lists[i]);
	}
	assert_no_leak(leak);
}

/* ---- systemd ------------------------------------------------------------------------------ */

static void a_systemd_container_goes_on_as_before(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	pid_t init = 0;

	(void)state;
	if (!box_has(BOX_DEBIAN))
		skip();
	assert_zero(box_new(&box, BOX_DEBIAN, "systemd"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	init = box_init_pid(box);
	RUN(box, &r, box_name(box), "/bin/cat", "/proc/self/cgroup");
	assert_exit(&r, 0);
	/* Not ".lxc" itself where liblxc has made that one as the container's root. */
	assert_has(r.out, "0::/.lxc");
	assert_has(r.out, "/attache-");
	assert_null(strstr(r.out, "init.scope"));
	RUN(box, &r, box_name(box), "systemctl", "is-system-running");
	assert_true(strcmp(r.out, "running\n") == 0 || strcmp(r.out, "degraded\n") == 0);
	RUN(box, &r, box_name(box), "-c",
	    "echo 'a line of the test' | systemd-cat -t attache-test");
	assert_exit(&r, 0);
	RUN(box, &r, box_name(box), "systemd-run", "--wait", "--pipe", "--quiet", "/bin/echo",
	    "from a unit");
	assert_exit(&r, 0);
	assert_string_equal(r.out, "from a unit\n");
	RUN(box, &r, box_name(box), "systemctl", "daemon-reload");
	assert_exit(&r, 0);
	RUN(box, &r, box_name(box), "/bin/true");
	assert_exit(&r, 0);
	assert_zero(kill(init, 0));
	assert_no_leak(leak);
}

/* ---- the shared boxes --------------------------------------------------------------------- */

/* [0] has a user namespace, [1] has not. */
static int set_up(void **state)
{
	struct box **boxes = calloc(2, sizeof(*boxes));

	if (boxes == NULL)
		return -1;
	*state = boxes;
	if (box_new(&boxes[0], BOX_IDMAPPED, "confine") < 0 || box_start(boxes[0]) < 0)
		return -1;
	return box_new(&boxes[1], BOX_PRIVILEGED, "confine") < 0 || box_start(boxes[1]) < 0 ? -1
	                                                                                    : 0;
}

static int tear_down(void **state)
{
	struct box **boxes = *state;

	if (boxes != NULL) {
		box_free(boxes[1]);
		box_free(boxes[0]);
	}
	free(boxes);
	return 0;
}

int main(void)
{
	const struct CMUnitTest shared[] = {
		cmocka_unit_test(a_capability_is_dropped_by_its_name_alone),
		cmocka_unit_test(an_unknown_capability_is_an_error_that_names_it),
		cmocka_unit_test(a_capability_beyond_init_s_needs_the_named_privilege),
		cmocka_unit_test(a_capability_added_for_a_user_is_effective_after_the_exec),
		cmocka_unit_test(each_part_that_is_left_out_leaves_the_others),
		cmocka_unit_test(ids_outside_of_the_id_map_are_refused),
		cmocka_unit_test(a_namespace_that_is_left_out_is_the_caller_s),
		cmocka_unit_test(without_the_mount_namespace_the_host_s_files_are_seen),
		cmocka_unit_test(the_user_namespace_is_not_left_out_by_mistake),
		cmocka_unit_test(a_list_of_namespaces_that_is_none_is_an_error),
	};
	const struct CMUnitTest own[] = {
		cmocka_unit_test(a_dropped_capability_of_the_container_is_dropped_in_the_job),
		cmocka_unit_test(a_short_list_of_kept_capabilities_is_the_job_s_too),
		cmocka_unit_test(no_new_privs_of_the_container_is_the_job_s),
		cmocka_unit_test(limits_of_the_container_are_the_job_s),
		cmocka_unit_test(a_deny_list_denies_kills_and_traps),
		cmocka_unit_test(a_filter_holds_for_every_kind_of_job),
		cmocka_unit_test(an_allow_list_with_argument_filters_allows_only_those),
		cmocka_unit_test(a_profile_that_denies_what_entering_needs_says_which),
		cmocka_unit_test(a_profile_that_changed_since_the_start_is_refused),
		cmocka_unit_test(a_profile_with_an_error_is_refused_with_its_line),
		cmocka_unit_test(a_profile_that_is_no_longer_a_file_is_refused),
		cmocka_unit_test(a_filtered_caller_does_not_trust_a_profile_that_may_have_changed),
		cmocka_unit_test(many_first_jobs_at_once_all_run),
		cmocka_unit_test(a_profile_s_path_that_leads_elsewhere_is_refused),
		cmocka_unit_test(a_profile_with_a_supervisor_is_announced_and_its_calls_fail),
		cmocka_unit_test(a_filter_of_init_that_no_profile_explains_is_refused),
		cmocka_unit_test(a_filter_of_init_beyond_its_profile_is_refused),
		cmocka_unit_test(a_profile_that_was_never_loaded_does_not_stand_for_init_s_filter),
		cmocka_unit_test(a_container_without_a_filter_gives_a_job_without),
		cmocka_unit_test(a_systemd_container_goes_on_as_before),
	};
	int n = cmocka_run_group_tests_name("confine: options", shared, set_up, tear_down);

	return n + cmocka_run_group_tests_name("confine: containers", own, NULL, NULL);
}
