/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who a job is, what its environment holds and where in the cgroups it lives: names from files that
 * the container may have made hostile, the sources of variables in their order, and a leaf that
 * comes and goes.
 */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "harness/box.h"
#include "harness/cgtree.h"
#include "harness/child.h"
#include "harness/cmd.h"
#include "harness/expect.h"
#include "harness/job.h"
#include "harness/leak.h"
#include "harness/record.h"

#define MAX_WORDS 40
#define PATH_CAP  512
#define N_AT_ONCE 8

/* What a whole run may take although the container's files are against it. */
#define BOUNDED_NS (8 * ATT_NS_PER_SEC)

#define BEGIN(box, leak, want) \
	_cleanup_leak_ struct leak *leak = NULL; \
	_cleanup_record_ struct record want = RECORD_INIT; \
	assert_zero(leak_new(&leak, box)); \
	assert_zero(expect_job(box, BOX_IDMAPPED, &want))

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
			     "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n"
			     "4242:x:77:78:digits:/home/digits:/bin/digits\n"
			     "bare:x:500:501:::\n"
			     "twin:x:1000:9:second of an id:/home/twin:/bin/twin\n";
static const char group[] = "root:x:0:\n"
			    "daemon:x:1:\n"
			    "audio:x:29:alice,bare\n"
			    "users:x:100:alice\n"
			    "nogroup:x:65534:\n"
			    "alice:x:1000:\n";

static const struct expect_user alice = { 1000, 1000, "29,100", "alice", "/home/alice", "/bin/sh" };

static void host_path(const struct box *box, const char *ct_path, char buf[static PATH_CAP])
{
	assert_true(snprintf(buf, PATH_CAP, "%s%s", box_rootfs(box), ct_path) < PATH_CAP);
}

static void put(struct box *box, const char *ct_path, const char *text)
{
	assert_zero(box_write_file(box, ct_path, text, strlen(text), 0644));
}

/* Whatever a test made of the two files. */
static int put_back(void **state)
{
	struct box *box = *state;
	static const char *const files[] = { "/etc/passwd", "/etc/group" };
	char path[PATH_CAP];

	for (size_t i = 0; i < countof(files); i++) {
		snprintf(path, sizeof(path), "%s%s", box_rootfs(box), files[i]);
		if (unlink(path) < 0 && errno != ENOENT && rmdir(path) < 0)
			return -1;
	}
	return box_write_file(box, files[0], passwd, sizeof(passwd) - 1, 0644) < 0 ||
	                       box_write_file(box, files[1], group, sizeof(group) - 1, 0644) < 0
	               ? -1
	               : 0;
}

/* ---- names and numbers -------------------------------------------------------------------- */

static void a_user_is_who_the_container_s_files_say(void **state)
{
	static const struct {
		const char *spec;
		struct expect_user user;
	} cases[] = {
		{ "alice", { 1000, 1000, "29,100", "alice", "/home/alice", "/bin/sh" } },
		{ "1000", { 1000, 1000, "29,100", "alice", "/home/alice", "/bin/sh" } },
		{ "alice:audio", { 1000, 29, "100", "alice", "/home/alice", "/bin/sh" } },
		{ "alice:4", { 1000, 4, "29,100", "alice", "/home/alice", "/bin/sh" } },
		{ "twin", { 1000, 9, "", "twin", "/home/twin", "/bin/twin" } },
		{ "0", { 0, 0, "", "root", "/root", "/bin/sh" } },
		{ "root:users", { 0, 100, "", "root", "/root", "/bin/sh" } },
		/* A number is an id, whatever somebody may be called. */
		{ "4242", { 4242, 4242, "", "4242", "/", "/bin/sh" } },
		{ "77", { 77, 78, "", "4242", "/home/digits", "/bin/digits" } },
		{ "bare", { 500, 501, "29", "bare", "/", "/bin/sh" } },
		{ "1234", { 1234, 1234, "", "1234", "/", "/bin/sh" } },
		{ "1234:5678", { 1234, 5678, "", "1234", "/", "/bin/sh" } },
		{ "65535", { 65535, 65535, "", "65535", "/", "/bin/sh" } },
	};
	struct box *box = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		const char *const options[] = { "-u", cases[i].spec, NULL };

		BEGIN(box, leak, want);
		assert_zero(expect_user(&want, &cases[i].user));
		assert_job(box, options, &want);
		assert_no_leak(leak);
	}
}

static void groups_that_are_given_replace_the_user_s(void **state)
{
	static const struct {
		const char *list;
		const char *groups;
	} cases[] = { { "", "" }, { "users", "100" }, { "7,users,3,audio", "3,7,29,100" } };
	struct box *box = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		const char *const options[] = { "-u", "alice", "--groups", cases[i].list, NULL };

		BEGIN(box, leak, want);
		assert_zero(expect_user(&want, &alice));
		assert_zero(record_set(&want, "groups", cases[i].groups));
		assert_job(box, options, &want);
		assert_no_leak(leak);
	}
}

static void a_name_that_is_nobody_s_is_an_error_that_says_so(void **state)
{
	static const struct {
		const char *spec;
		const char *code;
	} cases[] = {
		{ "mallory", "[UserNotFound]" },
		{ "alice:wheel", "[GroupNotFound]" },
		{ "", "[InvalidArgument]" },
		{ ":users", "[InvalidArgument]" },
		{ "alice:", "[InvalidArgument]" },
		{ "4294967295", "[InvalidArgument]" },
		{ "99999999999999999999", "[InvalidArgument]" },
		{ "alice:99999999999999999999", "[InvalidArgument]" },
		{ "0x10", "[UserNotFound]" },
		{ "alice ", "[UserNotFound]" },
		{ "a\nb", "[UserNotFound]" },
	};
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, box));
	for (size_t i = 0; i < countof(cases); i++) {
		RUN(box, &r, "-u", cases[i].spec, box_name(box), "/bin/true");
		assert_not_run(&r, cases[i].code);
	}
	RUN(box, &r, "--groups", "users,wheel", box_name(box), "/bin/true");
	assert_not_run(&r, "[GroupNotFound]");
	assert_has(r.err, "'wheel'");
	assert_no_leak(leak);
}

static void a_container_without_user_files_still_has_root_and_numbers(void **state)
{
	const char *const by_number[] = { "-u", "1000:29", NULL };
	const struct expect_user root = { 0, 0, "", "0", "/", "/bin/sh" };
	const struct expect_user number = { 1000, 29, "", "1000", "/", "/bin/sh" };
	struct box *box = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char path[PATH_CAP];

	BEGIN(box, leak, want);
	host_path(box, "/etc/passwd", path);
	assert_zero(unlink(path));
	host_path(box, "/etc/group", path);
	assert_zero(unlink(path));
	assert_zero(expect_user(&want, &root));
	assert_job(box, NULL, &want);
	assert_zero(expect_user(&want, &number));
	assert_job(box, by_number, &want);
	RUN(box, &r, "-u", "alice", box_name(box), "/bin/true");
	assert_not_run(&r, "[UserNotFound]");
	assert_no_leak(leak);
}

/* ---- hostile files ------------------------------------------------------------------------ */

/* In no case does it hang, and the container's root is the one who is told. */
static void assert_bounded_refusal(const struct box *box, const char *code, const char *words)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	RUN(box, &r, "-u", "alice", box_name(box), "/bin/true");
	assert_not_run(&r, code);
	assert_has(r.err, words);
	assert_true(r.duration_ns < BOUNDED_NS);
}

static void a_passwd_that_is_no_file_is_an_error_at_once(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	char path[PATH_CAP];

	assert_zero(leak_new(&leak, box));
	host_path(box, "/etc/passwd", path);
	assert_zero(unlink(path));
	assert_zero(mkfifo(path, 0666));
	assert_bounded_refusal(box, "[IoError]", "not a regular file");
	assert_zero(unlink(path));
	assert_zero(mkdir(path, 0755));
	assert_bounded_refusal(box, "[IoError]", "not a regular file");
	assert_zero(rmdir(path));
	/* The kernel's endless zeros. */
	assert_zero(mknod(path, S_IFCHR | 0666, makedev(1, 5)));
	assert_bounded_refusal(box, "[IoError]", "not a regular file");
	assert_zero(unlink(path));
	assert_zero(symlink("passwd", path));
	assert_bounded_refusal(box, "[IoError]", "/etc/passwd");
	assert_zero(unlink(path));
	assert_zero(symlink("/proc/1/root/etc/passwd", path));
	assert_bounded_refusal(box, "[IoError]", "/etc/passwd");
	assert_zero(unlink(path));
	put(box, "/etc/passwd", passwd);

	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	RUN(box, &r, "-u", "alice", box_name(box), "id", "-u");
	assert_string_equal(r.out, "1000\n");
	assert_no_leak(leak);
}

/* A link is the container's own affair: it leads to a file of the container's, never the host's. */
static void a_passwd_that_links_outside_is_looked_up_inside(void **state)
{
	static const char inside[] = "alice:x:4321:4322::/inside:/bin/inside\n";
	const char *const options[] = { "-u", "alice", NULL };
	const struct expect_user user = { 4321, 4322, "29,100", "alice", "/inside", "/bin/inside" };
	struct box *box = *state;
	char outside[64];
	char link[PATH_CAP];
	char copy[PATH_CAP];

	BEGIN(box, leak, want);
	/* Below /home, which the container has: the host's file of that name tells other ids. */
	snprintf(outside, sizeof(outside), "/home/attache-%d", getpid());
	_cleanup_close_ int fd = open(outside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_zero(att_fd_write_full(fd, "alice:x:1:1::/:/bin/sh\n", 23));
	put(box, outside, inside);
	host_path(box, "/etc/passwd", link);
	host_path(box, outside, copy);
	assert_zero(unlink(link));
	assert_zero(symlink(outside, link));
	assert_zero(expect_user(&want, &user));
	assert_job(box, options, &want);
	assert_zero(unlink(link));
	assert_true(symlink("../../../../../../../../etc/shadow-of-nobody", link) == 0);
	assert_bounded_refusal(box, "[UserNotFound]", "'alice'");
	assert_zero(unlink(copy));
	assert_zero(unlink(outside));
	fd = att_fd_close(fd);
	assert_no_leak(leak);
}

static void malformed_lines_are_passed_over(void **state)
{
	static const char head[] =
		"\n::::::\n:x:0:0:::\nalice\nalice:x\nalice:x:0\n"
		"alice:x:-1:0::/:/bin/sh\nalice:x:0x0:0::/:/bin/sh\n"
		"alice:x:4294967296:0::/:/bin/sh\nalice:x: 0:0::/:/bin/sh\n"
		"#alice:x:0:0::/:/bin/sh\n+alice::::::\n alice:x:0:0::/:/bin/sh\n"
		"ali\x01"
		"ce:x:0:0::/:/bin/sh\nALICE:x:0:0::/:/bin/sh\n";
	const char *const options[] = { "-u", "alice", NULL };
	struct box *box = *state;
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;

	BEGIN(box, leak, want);
	assert_zero(att_buf_append(&text, head, sizeof(head) - 1));
	/* NUL bytes, a line of 200 000 bytes, then the true one without its newline. */
	assert_zero(att_buf_append(&text, "alice\0:x:0:0::/:/bin/sh\n", 24));
	assert_zero(att_buf_printf(&text, "alice:x:0:0:%0200000d:/:/bin/sh\n", 0));
	assert_zero(att_buf_printf(&text, "alice:x:1000:1000:Alice:/home/alice:/bin/sh"));
	assert_zero(box_write_file(box, "/etc/passwd", text.data, text.len, 0644));
	assert_zero(expect_user(&want, &alice));
	assert_job(box, options, &want);
	assert_no_leak(leak);
}

static void a_home_that_would_break_an_environment_is_none(void **state)
{
	const char *const options[] = { "-u", "alice", NULL };
	const struct expect_user user = { 1000, 1000, "29,100", "alice", "/", "/bin/sh" };
	struct box *box = *state;

	BEGIN(box, leak, want);
	put(box, "/etc/passwd", "alice:x:1000:1000::relative/home:sh\x1b[31m\n");
	assert_zero(expect_user(&want, &user));
	assert_job(box, options, &want);
	assert_no_leak(leak);
}

static void a_passwd_of_a_million_lines_is_read_in_bounded_time(void **state)
{
	const char *const options[] = { "-u", "alice", NULL };
	struct box *box = *state;
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	BEGIN(box, leak, want);
	for (int i = 0; i < 1000000; i++)
		assert_zero(att_buf_printf(&text, "u%d:x:%d:%d::/:/bin/sh\n", i, i + 2000, i));
	assert_zero(att_buf_printf(&text, "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n"));
	assert_zero(box_write_file(box, "/etc/passwd", text.data, text.len, 0644));
	assert_zero(expect_user(&want, &alice));
	assert_job(box, options, &want);
	RUN(box, &r, "-u", "mallory", box_name(box), "/bin/true");
	assert_not_run(&r, "[UserNotFound]");
	assert_true(r.duration_ns < BOUNDED_NS);
	assert_no_leak(leak);
}

/* 512 MiB without a byte on disk; who is found before that does not care. */
static void a_passwd_without_an_end_is_given_up(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char path[PATH_CAP];

	assert_zero(leak_new(&leak, box));
	host_path(box, "/etc/passwd", path);
	assert_zero(truncate(path, 512l << 20));
	RUN(box, &r, "-u", "alice", box_name(box), "id", "-u");
	assert_string_equal(r.out, "1000\n");
	put(box, "/etc/passwd", "");
	assert_zero(truncate(path, 512l << 20));
	assert_bounded_refusal(box, "[LimitExceeded]", "/etc/passwd");
	assert_no_leak(leak);
}

/* ---- the environment ---------------------------------------------------------------------- */

static void write_env_file(char path[static 64], const char *text)
{
	snprintf(path, 64, "/var/tmp/attache-test-%d.env", getpid());

	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_zero(att_fd_write_full(fd, text, strlen(text)));
}

static void each_source_of_variables_overrides_the_one_before(void **state)
{
	struct box *box = *state;
	char file[64];
	const char *const options[] = { "--env-file", file,       "-e", "C=word",
		                        "-e",         "D=1",      "-e", "D=2",
		                        "-e",         "E=",       "-e", "HOME=/elsewhere",
		                        "-e",         "F=a=b\nc", NULL };

	BEGIN(box, leak, want);
	write_env_file(file, "# a comment\n\n  B=file\nC=file\nBOX_WORDS=from the file\n"
	                     "LANG=C\nQUOTED=\"kept\" # this too\r\nNO_SUCH_VARIABLE_HERE\n");
	assert_zero(record_set(&want, "env.B", "file"));
	assert_zero(record_set(&want, "env.C", "word"));
	assert_zero(record_set(&want, "env.D", "2"));
	assert_zero(record_set(&want, "env.E", ""));
	assert_zero(record_set(&want, "env.F", "a=b\\x0ac"));
	assert_zero(record_set(&want, "env.HOME", "/elsewhere"));
	assert_zero(record_set(&want, "env.LANG", "C"));
	assert_zero(record_set(&want, "env.QUOTED", "\"kept\" # this too"));
	assert_zero(record_set(&want, "env.BOX_WORDS", "from the file"));
	assert_job(box, options, &want);
	assert_zero(unlink(file));
	assert_no_leak(leak);
}

static void a_word_copies_a_variable_of_the_caller_s(void **state)
{
	const char *const options[] = { "-e", "ATT_TEST_COPIED", NULL };
	struct box *box = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	BEGIN(box, leak, want);
	assert_zero(setenv("ATT_TEST_COPIED", "from outside", 1));
	assert_zero(record_set(&want, "env.ATT_TEST_COPIED", "from outside"));
	assert_job(box, options, &want);
	assert_zero(unsetenv("ATT_TEST_COPIED"));
	RUN(box, &r, "-e", "ATT_TEST_COPIED", box_name(box), "/bin/true");
	assert_not_run(&r, "[InvalidArgument]");
	assert_has(r.err, "'ATT_TEST_COPIED'");
	RUN(box, &r, "-e", "=x", box_name(box), "/bin/true");
	assert_not_run(&r, "[InvalidArgument]");
	RUN(box, &r, "--env-file", "/nonexistent/file", box_name(box), "/bin/true");
	assert_not_run(&r, "'/nonexistent/file'");
	assert_no_leak(leak);
}

/* The caller's is exactly what it is started with: nothing of the clean one is added. */
static void the_caller_s_environment_is_taken_when_asked_for(void **state)
{
	struct box *box = *state;
	char attache[PATH_MAX];
	const char *const env[] = { "PATH=/bin", "ONE=1", "HOME=/of/the/caller", "BOX_KIND=mine",
		                    NULL };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_non_null(cmd_find("ATTACHE", "attache", attache, sizeof(attache)));

	const char *const argv[] = { attache,          "exec",         "-P",
		                     box_lxcpath(box), "--env-from",   "caller",
		                     box_name(box),    "/usr/bin/env", NULL };
	const struct cmd cmd = { .argv = argv, .env = env };

	BEGIN(box, leak, want);
	assert_zero(cmd_run(&cmd, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "PATH=/bin\nONE=1\nHOME=/of/the/caller\nBOX_KIND=idmapped\n"
	                           "container=lxc\nBOX_WORDS=two words\n");
	assert_no_leak(leak);
}

static void init_s_environment_is_taken_when_asked_for(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char path[64];
	char text[4096];
	ssize_t n = 0;

	assert_zero(leak_new(&leak, box));
	snprintf(path, sizeof(path), "/proc/%d/environ", box_init_pid(box));
	n = att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text));
	assert_true(n > 0);
	RUN(box, &r, "--env-from", "init", box_name(box), "/usr/bin/env");
	assert_exit(&r, 0);
	for (const char *p = text; p < text + n; p += strlen(p) + 1)
		assert_has(r.out, p);
	assert_null(strstr(r.out, "LOGNAME="));
	assert_null(strstr(r.out, "LANG="));
	assert_no_leak(leak);
}

static void the_user_of_the_container_s_init_is_the_default(void **state)
{
	const char *const as_root[] = { "-u", "root", NULL };
	const struct expect_user root = { 0, 0, "", "root", "/root", "/bin/sh" };
	_cleanup_box_ struct box *box = NULL;
	char path[PATH_CAP];

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "inituid"));
	assert_zero(box_config(box, "lxc.init.uid = 1000"));
	assert_zero(box_config(box, "lxc.init.gid = 1000"));
	/* Where that user's init says that it is up. */
	host_path(box, "/run", path);
	assert_zero(chmod(path, 01777));
	assert_zero(box_start(box));
	BEGIN(box, leak, want);
	assert_zero(expect_user(&want, &alice));
	assert_job(box, NULL, &want);
	assert_zero(expect_user(&want, &root));
	assert_zero(expect_root_caps(&want, expect_status(box_init_pid(box), "CapBnd", 16)));
	assert_job(box, as_root, &want);
	assert_no_leak(leak);
}

/* ---- the cgroup --------------------------------------------------------------------------- */

static int find_payload(const char *path, void *data)
{
	char *to = data;
	struct stat st;

	/* Of the v2 hierarchy, which alone has this file, the shortest: children come first. */
	if (cgtree_is_monitor(path))
		return 0;
	snprintf(to + PATH_CAP, PATH_CAP, "%s/cgroup.controllers", path);
	if (stat(to + PATH_CAP, &st) == 0)
		snprintf(to, PATH_CAP, "%s", path);
	return 0;
}

static void payload_of(const struct box *box, char buf[static PATH_CAP])
{
	char both[2 * PATH_CAP] = "";

	assert_zero(cgtree_each(box_name(box), find_payload, both));
	assert_true(both[0] == '/');
	snprintf(buf, PATH_CAP, "%s", both);
}

static void write_cgroup(const char *dir, const char *file, const char *text)
{
	char path[2 * PATH_CAP];

	snprintf(path, sizeof(path), "%s/%s", dir, file);

	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void run_cgroup(const struct box *box, struct cmd_result *r)
{
	RUN(box, r, box_name(box), "-c", "grep ^0:: /proc/self/cgroup");
	assert_exit(r, 0);
}

static int remove_base(const char *path, void *data)
{
	(void)data;
	if (strstr(path, "/.lxc") != NULL)
		att_ignore(rmdir(path));
	return 0;
}

/*
 * One threaded child makes all its siblings unfit for processes (cgroups(7), "domain invalid"), so
 * that no base can be joined: that is an error, and nothing is left of the attempts.
 */
static void a_container_of_threaded_cgroups_takes_no_job_and_says_so(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char payload[PATH_CAP];
	char base[PATH_CAP + 16];

	assert_zero(cgtree_each(box_name(box), remove_base, NULL));
	assert_zero(leak_new(&leak, box));
	payload_of(box, payload);
	snprintf(base, sizeof(base), "%s/.lxc", payload);
	run_cgroup(box, &r);
	assert_has(r.out, "0::/.lxc/attache-");
	write_cgroup(base, "cgroup.type", "threaded");
	RUN(box, &r, box_name(box), "/bin/touch", "/tmp/started");
	assert_not_run(&r, "[ConfinementUnavailable]");
	assert_has(r.err, "cgroup");
	RUN(box, &r, "--privileged=cgroup", box_name(box), "/bin/ls", "/tmp/started");
	assert_exit(&r, 1);
	assert_zero(rmdir(base));
	run_cgroup(box, &r);
	assert_has(r.out, "0::/.lxc/attache-");
	assert_no_leak(leak);
}

/* A base empties only when the last of its jobs has ended. */
static void remove_soon(const char *path)
{
	for (int i = 0; i < 300 && rmdir(path) < 0; i++)
		usleep(10000);
}

static int make_dir_as_root_inside(void *data)
{
	/* Host id of the container's root. */
	return setresgid(100000, 100000, 100000) < 0 || setresuid(100000, 100000, 100000) < 0 ||
	       mkdir(data, 0755) < 0;
}

/*
 * What root inside has made it can freeze. The control is that it can: the file is its own.
 */
static void a_base_that_the_container_made_and_froze_is_passed_by(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char payload[PATH_CAP];
	char base[PATH_CAP + 16];
	char next[PATH_CAP + 16];
	char freeze[PATH_CAP + 32];
	struct stat st;

	assert_zero(cgtree_each(box_name(box), remove_base, NULL));
	assert_zero(leak_new(&leak, box));
	payload_of(box, payload);
	snprintf(base, sizeof(base), "%s/.lxc", payload);
	snprintf(next, sizeof(next), "%s/.lxc-1", payload);
	snprintf(freeze, sizeof(freeze), "%s/cgroup.freeze", base);
	/* As liblxc leaves it to an idmapped container. */
	assert_zero(chown(payload, 100000, 100000));
	assert_num(child_run(make_dir_as_root_inside, base, 0), 0);
	assert_zero(stat(freeze, &st));
	assert_num(st.st_uid, 100000);
	write_cgroup(base, "cgroup.freeze", "1");
	run_cgroup(box, &r);
	assert_has(r.out, "0::/.lxc-1/attache-");
	assert_true(r.duration_ns < 3 * ATT_NS_PER_SEC);
	RUN(box, &r, "-d", box_name(box), "/bin/true");
	assert_exit(&r, 0);
	assert_zero(rmdir(base));
	remove_soon(next);
	assert_no_leak(leak);
}

/* The limit that it has is an error with a name; without it, all is as before. */
static void a_base_that_may_have_no_more_children_is_an_error(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char payload[PATH_CAP];
	char base[PATH_CAP + 16];

	assert_zero(leak_new(&leak, box));
	payload_of(box, payload);
	snprintf(base, sizeof(base), "%s/.lxc", payload);
	run_cgroup(box, &r);
	write_cgroup(base, "cgroup.max.descendants", "0");
	RUN(box, &r, box_name(box), "/bin/true");
	assert_not_run(&r, "[LimitExceeded]");
	write_cgroup(base, "cgroup.max.descendants", "max");
	run_cgroup(box, &r);
	assert_has(r.out, "0::/.lxc/attache-");
	assert_no_leak(leak);
}

/*
 * A detached job lives in the base itself, which cannot hold processes once it hands controllers to
 * its children. (This needs a controller of the v2 hierarchy, which hugetlb is everywhere.)
 */
static void a_base_that_hands_out_controllers_is_passed_by(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char payload[PATH_CAP];
	char base[PATH_CAP + 16];
	char next[PATH_CAP + 16];
	char sub[PATH_CAP + 16];
	char pid[16];

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "busy"));
	assert_zero(box_start(box));
	payload_of(box, payload);
	snprintf(base, sizeof(base), "%s/.lxc", payload);
	snprintf(next, sizeof(next), "%s/.lxc-1", payload);
	/* Init goes down, as a systemd does, so that its cgroup can have controllers to hand on. */
	snprintf(sub, sizeof(sub), "%s/init.scope", payload);
	snprintf(pid, sizeof(pid), "%d", box_init_pid(box));
	assert_zero(mkdir(sub, 0755));
	write_cgroup(sub, "cgroup.procs", pid);
	write_cgroup(payload, "cgroup.subtree_control", "+hugetlb");
	assert_zero(leak_new(&leak, box));
	RUN(box, &r, "-d", box_name(box), "/probe", "sleep", "0.2");
	assert_exit(&r, 0);
	assert_num(access(next, F_OK), -1);
	remove_soon(base);
	assert_zero(mkdir(base, 0755));
	write_cgroup(base, "cgroup.subtree_control", "+hugetlb");
	RUN(box, &r, "-d", box_name(box), "/probe", "sleep", "0.2");
	assert_exit(&r, 0);
	assert_zero(access(next, F_OK));
	/* Another has a leaf of its own below it, which is free. */
	run_cgroup(box, &r);
	assert_has(r.out, "0::/.lxc/attache-");
	remove_soon(next);
	assert_no_leak(leak);
}

static void an_init_that_has_moved_down_keeps_the_job_at_the_container_s_root(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	static const char *const names[] = { "/init.scope", "/sub", "/sub/lxc.payload.x" };
	char payload[PATH_CAP];
	char sub[PATH_CAP + 32];
	char pid[16];

	assert_zero(leak_new(&leak, box));
	payload_of(box, payload);
	snprintf(pid, sizeof(pid), "%d", box_init_pid(box));
	for (size_t i = 0; i < countof(names); i++) {
		snprintf(sub, sizeof(sub), "%s%s", payload, names[i]);
		assert_zero(mkdir(sub, 0755));
		write_cgroup(sub, "cgroup.procs", pid);
		run_cgroup(box, &r);
		assert_has(r.out, "0::/.lxc/attache-");
	}
	write_cgroup(payload, "cgroup.procs", pid);
	assert_zero(rmdir(sub));
	snprintf(sub, sizeof(sub), "%s/sub", payload);
	assert_zero(rmdir(sub));
	snprintf(sub, sizeof(sub), "%s/init.scope", payload);
	assert_zero(rmdir(sub));
	assert_no_leak(leak);
}

static int count_leaf(const char *path, void *data)
{
	*(int *)data += strstr(path, "/attache-") != NULL && strstr(path, "/.lxc/") != NULL;
	return 0;
}

static int n_leaves(const struct box *box)
{
	int n = 0;

	assert_zero(cgtree_each(box_name(box), count_leaf, &n));
	return n;
}

static void what_a_job_leaves_running_lives_on_without_the_leaf(void **state)
{
	struct box *box = *state;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(leak_new(&leak, box));
	RUN(box, &r, box_name(box), "/probe", "daemon", "2");
	assert_exit(&r, 0);
	assert_num(n_leaves(box), 0);
	RUN(box, &r, box_name(box), "/bin/pidof", "probe");
	assert_exit(&r, 0);
	RUN(box, &r, box_name(box), "-c", "cat /proc/$(pidof probe)/cgroup");
	assert_exit(&r, 0);
	assert_has(r.out, "0::/.lxc\n");
	/* The guard waits for its end. */
	assert_no_leak(leak);
}

static void each_of_many_at_once_has_a_leaf_of_its_own(void **state)
{
	struct box *box = *state;
	struct cmd_job *jobs[N_AT_ONCE] = { NULL };
	char attache[PATH_MAX];
	_cleanup_leak_ struct leak *leak = NULL;

	assert_non_null(cmd_find("ATTACHE", "attache", attache, sizeof(attache)));

	const char *const argv[] = { attache,       "exec",    "-P", box_lxcpath(box),
		                     box_name(box), "/bin/sh", "-c", "echo begun; cat",
		                     NULL };
	const struct cmd cmd = { .argv = argv, .in = CMD_STDIN_PIPE };

	assert_zero(leak_new(&leak, box));
	for (size_t i = 0; i < N_AT_ONCE; i++)
		assert_zero(cmd_start(&cmd, &jobs[i]));
	for (size_t i = 0; i < N_AT_ONCE; i++)
		assert_zero(cmd_expect(jobs[i], "begun\n"));
	assert_num(n_leaves(box), N_AT_ONCE);
	for (size_t i = 0; i < N_AT_ONCE; i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		char word[16];

		snprintf(word, sizeof(word), "job %zu\n", i);
		assert_zero(cmd_send(jobs[i], word, strlen(word)));
		assert_zero(cmd_wait(jobs[i], &r));
		assert_exit(&r, 0);
		assert_has(r.out, word);
		jobs[i] = cmd_job_free(jobs[i]);
	}
	assert_num(n_leaves(box), 0);
	assert_no_leak(leak);
}

/* ---- the shared box ----------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct box *box = NULL;

	if (box_new(&box, BOX_IDMAPPED, "identity") < 0)
		return -1;
	*state = box;
	return box_start(box) < 0 ? -1 : put_back(state);
}

static int tear_down(void **state)
{
	box_free(*state);
	return 0;
}

#define IDENTITY_CASE(name) cmocka_unit_test_teardown(name, put_back)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IDENTITY_CASE(a_user_is_who_the_container_s_files_say),
		IDENTITY_CASE(groups_that_are_given_replace_the_user_s),
		IDENTITY_CASE(a_name_that_is_nobody_s_is_an_error_that_says_so),
		IDENTITY_CASE(a_container_without_user_files_still_has_root_and_numbers),
		IDENTITY_CASE(a_passwd_that_is_no_file_is_an_error_at_once),
		IDENTITY_CASE(a_passwd_that_links_outside_is_looked_up_inside),
		IDENTITY_CASE(malformed_lines_are_passed_over),
		IDENTITY_CASE(a_home_that_would_break_an_environment_is_none),
		IDENTITY_CASE(a_passwd_of_a_million_lines_is_read_in_bounded_time),
		IDENTITY_CASE(a_passwd_without_an_end_is_given_up),
		IDENTITY_CASE(each_source_of_variables_overrides_the_one_before),
		IDENTITY_CASE(a_word_copies_a_variable_of_the_caller_s),
		IDENTITY_CASE(the_caller_s_environment_is_taken_when_asked_for),
		IDENTITY_CASE(init_s_environment_is_taken_when_asked_for),
		cmocka_unit_test(the_user_of_the_container_s_init_is_the_default),
		IDENTITY_CASE(a_container_of_threaded_cgroups_takes_no_job_and_says_so),
		IDENTITY_CASE(a_base_that_the_container_made_and_froze_is_passed_by),
		IDENTITY_CASE(a_base_that_may_have_no_more_children_is_an_error),
		cmocka_unit_test(a_base_that_hands_out_controllers_is_passed_by),
		IDENTITY_CASE(an_init_that_has_moved_down_keeps_the_job_at_the_container_s_root),
		IDENTITY_CASE(what_a_job_leaves_running_lives_on_without_the_leaf),
		IDENTITY_CASE(each_of_many_at_once_has_a_leaf_of_its_own),
	};

	return cmocka_run_group_tests_name("identity", tests, set_up, tear_down);
}
