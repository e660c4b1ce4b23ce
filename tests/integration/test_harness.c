/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The harness tested by itself: that it sees what is right, and that it sees what is wrong. */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/box.h"
#include "harness/cgtree.h"
#include "harness/child.h"
#include "harness/cmd.h"
#include "harness/leak.h"
#include "harness/reap.h"
#include "harness/record.h"

static const char *const no_options[] = { NULL };

static char probe_path[4096];

static int find_probe(void **state)
{
	(void)state;
	return cmd_find("ATTACHE_PROBE", "probe", probe_path, sizeof(probe_path)) == NULL;
}

static void run_probe(const char *const *args, struct cmd_result *ret)
{
	const char *argv[16] = { probe_path };
	const struct cmd cmd = { .argv = argv };

	for (size_t i = 0; args[i] != NULL; i++)
		argv[i + 1] = args[i];
	assert_zero(cmd_run(&cmd, ret));
}

static void run_shell(const char *script, struct cmd *cmd, struct cmd_result *ret)
{
	const char *const argv[] = { "sh", "-c", script, NULL };

	cmd->argv = argv;
	assert_zero(cmd_run(cmd, ret));
	cmd->argv = NULL;
}

/* ---- cmd ---------------------------------------------------------------------------------- */

static void a_command_has_its_exit_code_and_its_streams_apart(void **state)
{
	struct cmd cmd = { .cwd = "/usr" };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_shell("pwd; echo bad >&2; exit 7", &cmd, &r);
	assert_exit(&r, 7);
	assert_string_equal(r.out, "/usr\n");
	assert_string_equal(r.err, "bad\n");
	assert_false(r.held_open);
	assert_true(r.duration_ns > 0);
}

static void a_command_that_dies_of_a_signal_says_which(void **state)
{
	const char *const args[] = { "kill", "SEGV", NULL };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_probe((const char *const[]){ "kill", "KILL", NULL }, &r);
	assert_killed(&r, SIGKILL);
	assert_num(r.code, -1);
	run_probe(args, &r);
	assert_killed(&r, SIGSEGV);
}

static void a_command_that_does_not_end_is_killed_and_hung(void **state)
{
	struct cmd cmd = { .timeout_ms = 1000 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_shell("echo begun; exec sleep 60", &cmd, &r);
	assert_true(r.hung);
	assert_num(r.code, -1);
	assert_num(r.signal, 0);
	assert_string_equal(r.out, "begun\n");
	assert_true(r.duration_ns < 5 * ATT_NS_PER_SEC);
}

static void a_command_that_leaves_its_output_held_is_told_from_a_clean_end(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_probe((const char *const[]){ "daemon", "1.5", NULL }, &r);
	assert_exit(&r, 0);
	assert_true(r.held_open);
}

static void a_command_that_cannot_be_executed_is_an_error_of_the_run(void **state)
{
	const char *const argv[] = { "/nonexistent/program", NULL };
	const struct cmd cmd = { .argv = argv };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_num(cmd_run(&cmd, &r), -ENOENT);
	assert_null(r.out);
}

static void output_beyond_the_limit_is_an_error_of_the_run(void **state)
{
	const char *const argv[] = { probe_path, "spam", "5000", "1", NULL };
	const struct cmd cmd = { .argv = argv, .max_bytes = 4096 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_num(cmd_run(&cmd, &r), -EFBIG);
}

static void megabytes_go_in_and_come_out_unchanged(void **state)
{
	enum {
		LEN = 5 << 20
	};
	char *bytes = test_malloc(LEN);
	const char *const argv[] = { probe_path, "cat", NULL };
	const struct cmd cmd = {
		.argv = argv, .in = CMD_STDIN_BYTES, .bytes = bytes, .n_bytes = LEN
	};
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	cmd_gen(bytes, LEN, 42);
	assert_zero(cmd_run(&cmd, &r));
	assert_exit(&r, 0);
	assert_num(r.out_len, LEN);
	assert_memory_equal(r.out, bytes, LEN);
	test_free(bytes);
}

static void a_command_gets_the_descriptors_named_and_no_others(void **state)
{
	int leaked = open("/dev/null", O_RDONLY); /* without CLOEXEC on purpose */
	int given = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	const struct cmd_fd fds[] = { { .ours = given, .child = 7 } };
	const char *const argv[] = { probe_path, "record", NULL };
	const struct cmd cmd = { .argv = argv,
		                 .in = CMD_STDIN_CLOSED,
		                 .fds = fds,
		                 .n_fds = 1,
		                 .closed = CMD_CLOSED_STDERR };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_zero(cmd_run(&cmd, &r));
	close(leaked);
	close(given);
	assert_exit(&r, 0);
	assert_has(r.out, "\nfds=1,7\n");
	assert_has(r.out, "\nfd.7=chr:1:5\n");
}

static int ignore_hup(void *data)
{
	(void)data;
	return signal(SIGHUP, SIG_IGN) == SIG_ERR ? errno : 0;
}

static void a_command_gets_its_environment_limits_and_setup(void **state)
{
	const char *const argv[] = { probe_path, "record", "two words", "new\nline\\", NULL };
	const char *const env[] = { "A=1", "B=", NULL };
	const struct cmd_limit limits[] = { { RLIMIT_NOFILE, { 64, 128 } } };
	const struct cmd cmd = {
		.argv = argv, .env = env, .limits = limits, .n_limits = 1, .setup = ignore_hup
	};
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_record_ struct record rec = RECORD_INIT;

	(void)state;
	assert_zero(cmd_run(&cmd, &r));
	assert_zero(record_parse(r.out, &rec));
	assert_string_equal(record_get(&rec, "env.A"), "1");
	assert_string_equal(record_get(&rec, "env.B"), "");
	assert_null(record_get(&rec, "env.PATH"));
	assert_string_equal(record_get(&rec, "rlimit.nofile"), "64:128");
	assert_string_equal(record_get(&rec, "signals.ignored"), "0000000000000001");
	assert_string_equal(record_get(&rec, "argv.2"), "two words");
	assert_string_equal(record_get(&rec, "argv.3"), "new\\x0aline\\x5c");
	assert_num(signal(SIGHUP, SIG_DFL) == SIG_IGN, 0);
}

static void a_command_in_the_background_can_be_talked_to(void **state)
{
	const char *const argv[] = { probe_path, "waitsig", NULL };
	const char *const cat[] = { probe_path, "cat", NULL };
	const struct cmd wait_cmd = { .argv = argv };
	const struct cmd cat_cmd = { .argv = cat, .in = CMD_STDIN_PIPE };
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_zero(cmd_start(&wait_cmd, &job));
	assert_zero(cmd_expect(job, "ready\n"));
	assert_zero(cmd_signal(job, SIGUSR1));
	assert_zero(cmd_expect(job, "USR1\n"));
	assert_zero(cmd_signal(job, SIGTERM));
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
	assert_string_equal(r.out, "ready\nUSR1\nTERM\n");

	job = cmd_job_free(job);
	assert_zero(cmd_start(&cat_cmd, &job));
	assert_zero(cmd_send(job, "ping\n", 5));
	assert_zero(cmd_expect(job, "ping\n"));
	cmd_close_stdin(job);
	assert_num(cmd_expect(job, "pong"), -ENODATA);
	assert_zero(cmd_wait(job, &r));
	assert_exit(&r, 0);
}

/* ---- child and probe ---------------------------------------------------------------------- */

static int return_data(void *data)
{
	return *(const int *)data;
}

static int die(void *data)
{
	(void)data;
	return raise(SIGKILL);
}

static int sleep_long(void *data)
{
	(void)data;
	return (int)sleep(60);
}

static void a_child_returns_dies_or_hangs(void **state)
{
	int seven = 7;

	(void)state;
	assert_num(child_run(return_data, &seven, 0), 7);
	assert_num(child_run(die, NULL, 0), CHILD_SIGNAL + SIGKILL);
	assert_num(child_run(sleep_long, NULL, 100), CHILD_HANG);
}

static void the_probe_and_the_harness_make_and_sum_the_same_bytes(void **state)
{
	enum {
		LEN = 100000
	};
	char *bytes = test_malloc(LEN);
	char sum[64];
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	cmd_gen(bytes, LEN, 9);
	run_probe((const char *const[]){ "gen", "100000", "9", NULL }, &r);
	assert_num(r.out_len, LEN);
	assert_memory_equal(r.out, bytes, LEN);

	const char *const argv[] = { probe_path, "sum", NULL };
	const struct cmd cmd = {
		.argv = argv, .in = CMD_STDIN_BYTES, .bytes = bytes, .n_bytes = LEN
	};

	assert_zero(cmd_run(&cmd, &r));
	snprintf(sum, sizeof(sum), "%016llx %d\n", (unsigned long long)cmd_sum(bytes, LEN), LEN);
	assert_string_equal(r.out, sum);
	bytes[LEN / 2] ^= 1;
	assert_null(strstr(sum, "0000000000000000"));
	assert_zero(cmd_run(&cmd, &r));
	assert_string_not_equal(r.out, sum);
	test_free(bytes);
}

static void the_probe_refuses_what_it_does_not_know(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_probe((const char *const[]){ "dance", NULL }, &r);
	assert_exit(&r, 64);
	run_probe((const char *const[]){ "exit", NULL }, &r);
	assert_exit(&r, 64);
	run_probe((const char *const[]){ "exit", "255", NULL }, &r);
	assert_exit(&r, 255);
	run_probe((const char *const[]){ "spam", "130", "2", NULL }, &r);
	assert_exit(&r, 0);
	assert_num(r.err_len, 130);
	assert_num(r.out_len, 0);
}

static void the_probe_floods_with_zeros_or_lines(void **state)
{
	const char *const lines[] = { "flood", "lines", "1000000", NULL };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	run_probe(lines, &r);
	assert_exit(&r, 0);
	for (size_t i = 0; i < 1000000; i++)
		if ((r.out[i] == '\n') != (i % 77 == 76) || r.out[i] == '\0')
			fail_msg("byte %zu is %d", i, r.out[i]);
	assert_num(strncmp(r.out + 1000000, "cpu_us=", 7), 0);
	run_probe((const char *const[]){ "flood", "zeros", "70000", NULL }, &r);
	assert_exit(&r, 0);
	for (size_t i = 0; i < 70000; i++)
		if (r.out[i] != '\0')
			fail_msg("byte %zu is %d", i, r.out[i]);
	assert_num(strncmp(r.out + 70000, "cpu_us=", 7), 0);
	run_probe((const char *const[]){ "flood", "ones", "10", NULL }, &r);
	assert_exit(&r, 64);
}

/* ---- record ------------------------------------------------------------------------------- */

static void a_record_with_a_malformed_or_doubled_line_is_refused(void **state)
{
	_cleanup_record_ struct record rec = RECORD_INIT;

	(void)state;
	assert_num(record_parse("a=1\nnonsense\n", &rec), -EBADMSG);
	assert_num(record_parse("a=1\na=2\n", &rec), -EBADMSG);
	assert_num(rec.n, 0);
	assert_zero(record_parse("a=1=2\nb=\n", &rec));
	assert_string_equal(record_get(&rec, "a"), "1=2");
}

static void a_record_is_compared_as_a_whole(void **state)
{
	_cleanup_record_ struct record got = RECORD_INIT;
	_cleanup_record_ struct record want = RECORD_INIT;
	_cleanup_free_ char *diff = NULL;

	(void)state;
	assert_zero(record_parse("pid=3\nuid=0\nrlimit.as=1\nenv.SECRET=x\n", &got));
	assert_zero(record_any(&want, (const char *const[]){ "pid", "rlimit.*", NULL }));
	assert_zero(record_set(&want, "uid", "5"));
	assert_zero(record_setf(&want, "gid", "%d", 5));
	assert_num(record_compare(&got, &want, &diff), 3);
	assert_string_equal(diff, "~ uid: got '0', want '5'\n"
	                          "+ env.SECRET: got 'x', nobody expects it\n"
	                          "- gid: want '5'\n");
	assert_zero(record_set(&want, "uid", "0"));
	assert_zero(record_set(&want, "env.SECRET", "x"));
	assert_zero(record_parse("gid=5\npid=3\nuid=0\nenv.SECRET=x\n", &got));
	assert_record(&got, &want);
}

/* ---- boxes -------------------------------------------------------------------------------- */

static void assert_ns_of_its_own(const struct record *rec, const char *kind)
{
	char key[32];
	char path[64];
	char host[64] = "";

	snprintf(key, sizeof(key), "ns.%s", kind);
	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	assert_true(readlink(path, host, sizeof(host) - 1) > 0);
	assert_non_null(record_get(rec, key));
	assert_string_not_equal(record_get(rec, key), host);
}

static void check_kind(enum box_kind kind, const char *name, bool idmapped)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *process = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record rec = RECORD_INIT;
	const char *const options[] = { "--clear-env", NULL };
	char dir[256];

	assert_zero(leak_new(&process, NULL));
	assert_zero(box_new(&box, kind, name));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	assert_zero(record_attach(box, options, &rec));
	assert_no_leak(leak);
	assert_string_equal(record_get(&rec, "uid.real"), "0");
	assert_string_equal(record_get(&rec, "fds"), "0,1,2");
	assert_string_equal(record_get(&rec, "env.BOX_WORDS"), "two words");
	assert_string_equal(record_get(&rec, "seccomp.mode"), "2");
	assert_ns_of_its_own(&rec, "mnt");
	assert_ns_of_its_own(&rec, "pid");
	assert_ns_of_its_own(&rec, "net");
	if (idmapped)
		assert_ns_of_its_own(&rec, "user");
	snprintf(dir, sizeof(dir), "%s/%s", box_lxcpath(box), box_name(box));
	assert_zero(access(dir, F_OK));
	box = box_free(box);
	assert_num(access(dir, F_OK), -1);
	assert_no_leak(process);
}

static void a_privileged_box_starts_and_leaves_nothing(void **state)
{
	(void)state;
	check_kind(BOX_PRIVILEGED, "kind", false);
}

static void an_idmapped_box_starts_and_leaves_nothing(void **state)
{
	(void)state;
	check_kind(BOX_IDMAPPED, "kind", true);
}

static void a_debian_box_starts_and_leaves_nothing(void **state)
{
	(void)state;
	if (!box_has(BOX_DEBIAN))
		skip();
	check_kind(BOX_DEBIAN, "kind", true);
}

static void a_pure_v2_box_starts_and_leaves_nothing(void **state)
{
	(void)state;
	check_kind(BOX_PURE_V2, "kind", true);
}

static bool has_pure_v2(void)
{
	struct statfs fs;

	return statfs("/sys/fs/cgroup", &fs) == 0 &&
	       (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

static void a_pure_v2_box_shows_only_v2_while_it_lives(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	bool before = has_pure_v2();
	char cwd[1024];
	char now[1024];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_zero(leak_new(&leak, NULL));
	assert_zero(box_new(&box, BOX_PURE_V2, "v2"));
	assert_true(has_pure_v2());
	assert_non_null(getcwd(now, sizeof(now)));
	assert_string_equal(now, cwd);
	assert_zero(box_start(box));
	/* Its payload is one directory in one hierarchy; its monitor has another. */
	assert_num(cgtree_count(box_name(box)), 2);
	box = box_free(box);
	assert_true(has_pure_v2() == before);
	assert_non_null(getcwd(now, sizeof(now)));
	assert_string_equal(now, cwd);
	assert_no_leak(leak);
}

static void a_box_has_users_and_a_working_shell(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const char *const args[] = { "--clear-env",
		                     "--",
		                     "/bin/sh",
		                     "-c",
		                     "id alice; id -u; ls -ld /tmp | cut -c1-10; exit 3",
		                     NULL };

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "users"));
	assert_zero(box_start(box));
	assert_zero(box_run_host(box, "lxc-attach", args, &r));
	assert_exit(&r, 3);
	assert_string_equal(
		r.out, "uid=1000(alice) gid=1000(alice) groups=1000(alice),29(audio),100(users)\n"
		       "0\ndrwxrwxrwt\n");
}

static void a_box_file_belongs_to_its_root_and_keeps_set_user_id(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	char path[512];
	struct stat st;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "file"));
	assert_zero(box_write_file(box, "/bin/su-alike", "#!/bin/sh\n", 10, 04755));
	snprintf(path, sizeof(path), "%s/bin/su-alike", box_rootfs(box));
	assert_zero(stat(path, &st));
	assert_num(st.st_uid, 100000);
	assert_num(st.st_gid, 100000);
	assert_num(st.st_mode & 07777, 04755);
	assert_num(box_host_id(box, 1000), 101000);
	snprintf(path, sizeof(path), "%s/home/alice", box_rootfs(box));
	assert_zero(stat(path, &st));
	assert_num(st.st_uid, 101000);
}

static void a_box_file_does_not_follow_links_to_the_host(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	char link[512];
	char inside[512];
	char outside[64];
	bool escaped = false;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "link"));
	snprintf(outside, sizeof(outside), "/tmp/attache-outside-%d", getpid());
	snprintf(link, sizeof(link), "%s/etc/hosts", box_rootfs(box));
	snprintf(inside, sizeof(inside), "%s%s", box_rootfs(box), outside);
	assert_zero(symlink(outside, link));
	assert_zero(box_write_file(box, "/etc/hosts", "x", 1, 0644));
	escaped = unlink(outside) == 0;
	assert_false(escaped);
	assert_zero(access(inside, F_OK));
}

static void a_config_line_reaches_the_container(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_record_ struct record rec = RECORD_INIT;

	(void)state;
	assert_zero(box_new(&box, BOX_PRIVILEGED, "config"));
	assert_zero(box_config(box, "lxc.no_new_privs = %d", 1));
	assert_zero(box_config(box, "lxc.cap.drop = net_raw"));
	assert_zero(box_config(box, "lxc.environment = BOX_WORDS=three more words"));
	assert_zero(box_start(box));
	assert_zero(record_attach(box, no_options, &rec));
	assert_string_equal(record_get(&rec, "nnp"), "1");
	assert_string_equal(record_get(&rec, "env.BOX_WORDS"), "three more words");
	/* CAP_NET_RAW is 13. */
	assert_num(strtoull(record_get(&rec, "cap.bounding"), NULL, 16) >> 13 & 1, 0);
}

static void a_filtered_call_is_denied_in_a_box(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const char *const args[] = { "--", "/probe", "syscalls", NULL };

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "filter"));
	assert_zero(box_start(box));
	assert_zero(box_run_host(box, "lxc-attach", args, &r));
	assert_exit(&r, 0);
	assert_has(r.out, "umount2_force=EACCES\numount2_plain=ENOENT\n");
	assert_has(r.out, "kexec_load=EPERM\n");
	assert_has(r.out, "open_by_handle_at=EPERM\n");
	assert_has(r.out, "mknod_null=EPERM\n");
}

static void a_box_that_cannot_start_says_so_and_leaves_nothing(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;

	(void)state;
	assert_zero(leak_new(&leak, NULL));
	assert_zero(box_new(&box, BOX_PRIVILEGED, "broken"));
	assert_zero(box_config(box, "lxc.init.cmd = /nonexistent"));
	assert_true(box_start(box) < 0);
	assert_num(box_init_pid(box), 0);
	assert_num(cgtree_count(box_name(box)), 0);
	box = box_free(box);
	assert_no_leak(leak);
}

static void a_box_can_be_stopped_and_started_again(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	pid_t first = 0;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "again"));
	assert_zero(box_start(box));
	first = box_init_pid(box);
	assert_true(first > 1);
	box_stop(box);
	assert_num(box_init_pid(box), 0);
	assert_num(kill(first, 0), -1);
	assert_num(cgtree_count(box_name(box)), 0);
	assert_zero(box_start(box));
	assert_true(box_init_pid(box) != first);
}

static void a_frozen_box_can_be_thawed_and_removed(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	const char *const args[] = { "-s", "-H", NULL };

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "frozen"));
	assert_zero(box_start(box));
	assert_zero(box_freeze(box));
	assert_zero(box_run_host(box, "lxc-info", args, &r));
	assert_string_equal(r.out, "FROZEN\n");
	assert_zero(box_unfreeze(box));
	assert_zero(box_run_host(box, "lxc-info", args, &r));
	assert_string_equal(r.out, "RUNNING\n");
	assert_zero(box_freeze(box));
	box_stop(box);
	assert_num(cgtree_count(box_name(box)), 0);
}

struct told {
	char name[64];
	char lxcpath[128];
};

/* Starts a box, tells its name and is killed like a test program that meets the OOM killer. */
static int die_with_a_box(void *data)
{
	struct told *told = data; /* shared memory */
	struct box *box = NULL;

	if (box_new(&box, BOX_IDMAPPED, "orphan") != 0 || box_start(box) != 0)
		return 1;
	snprintf(told->name, sizeof(told->name), "%s", box_name(box));
	snprintf(told->lxcpath, sizeof(told->lxcpath), "%s", box_lxcpath(box));
	return raise(SIGKILL);
}

static void a_box_of_a_killed_test_is_taken_down(void **state)
{
	struct told *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t deadline_ns = att_clock_after_ns(10 * ATT_NS_PER_SEC);

	(void)state;
	assert_true(told != MAP_FAILED);
	assert_num(child_run(die_with_a_box, told, 0), CHILD_SIGNAL + SIGKILL);
	assert_has(told->name, "orphan");
	while (access(told->lxcpath, F_OK) == 0 && att_clock_now_ns() < deadline_ns)
		usleep(10000);
	assert_num(access(told->lxcpath, F_OK), -1);
	assert_num(cgtree_count(told->name), 0);
	munmap(told, sizeof(*told));
}

static void a_run_of_a_dead_process_is_stale(void **state)
{
	/* Pid 1 exists, but did not start at this time. */
	const char *const stale = REAP_BASE "/1-123456789012";
	const char *const foreign = REAP_BASE "/keep-me";
	char ours[128];
	char theirs[128];

	(void)state;
	mkdir(REAP_BASE, 0755);
	reap_run_dir(ours, sizeof(ours));
	assert_zero(mkdir(stale, 0755));
	assert_zero(mkdir(foreign, 0755));
	snprintf(theirs, sizeof(theirs), "%s/att-1-1-stale-x", stale);
	assert_zero(mkdir(theirs, 0755));
	assert_true(mkdir(ours, 0755) == 0 || errno == EEXIST);
	reap_stale();
	assert_num(access(stale, F_OK), -1);
	assert_zero(access(foreign, F_OK));
	assert_zero(access(ours, F_OK));
	assert_zero(rmdir(foreign));
	reap_run(ours);
}

static void the_program_under_test_is_found_and_runs_the_probe(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_record_ struct record rec = RECORD_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "program"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	assert_zero(record_exec(box, (const char *const[]){ "-u", "alice", NULL }, &rec));
	assert_string_equal(record_get(&rec, "uid.real"), "1000");
	assert_string_equal(record_get(&rec, "groups"), "29,100");
	assert_zero(box_attache(box, "exec",
	                        (const char *const[]){ box_name(box), "/probe", "exit", "9", NULL },
	                        &r));
	assert_exit(&r, 9);
	assert_no_leak(leak);
}

/* ---- the leak guard ----------------------------------------------------------------------- */

struct planted {
	int fd;
	int gone_fd;
	int mem_fd;
	pid_t child;
	pid_t zombie;
	struct cmd_job *inside;
	char cgroup[512];
	char mount[64];
	char lock[256];
};

/* The first directory that is the container's: something to make another one in. */
static int take_dir(const char *path, void *data)
{
	char *to = data;

	if (cgtree_is_monitor(path) || strstr(path, "/unified/") != NULL)
		return 0;
	snprintf(to, 512, "%s/planted", path);
	return 1;
}

static pid_t plant_child(bool zombie)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (!zombie)
		pause();
	_exit(0);
}

static void plant(struct planted *p, const struct box *box, const char *const *argv)
{
	const struct cmd cmd = { .argv = argv };

	assert_zero(cmd_start(&cmd, &p->inside));
	assert_zero(cmd_expect(p->inside, "ready\n"));
	p->fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	close(p->gone_fd);
	p->mem_fd = memfd_create("planted", MFD_CLOEXEC);
	p->child = plant_child(false);
	p->zombie = plant_child(true);
	assert_num(cgtree_each(box_name(box), take_dir, p->cgroup), 1);
	assert_zero(mkdir(p->cgroup, 0755));
	snprintf(p->mount, sizeof(p->mount), "/var/tmp/attache-mount-XXXXXX");
	assert_non_null(mkdtemp(p->mount));
	assert_zero(mount("none", p->mount, "tmpfs", 0, NULL));
	snprintf(p->lock, sizeof(p->lock), "/run/lxc/lock%s/planted", box_lxcpath(box));
	assert_zero(mkdir(p->lock, 0755));
}

static void unplant(struct planted *p)
{
	rmdir(p->lock);
	umount2(p->mount, MNT_DETACH);
	rmdir(p->mount);
	rmdir(p->cgroup);
	kill(p->child, SIGKILL);
	waitpid(p->child, NULL, 0);
	waitpid(p->zombie, NULL, 0);
	close(p->mem_fd);
	close(p->fd);
	cmd_job_free(p->inside);
}

_printf_(2, 3) static void assert_line(const char *diff, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	assert_has(diff, line);
}

static void the_leak_guard_finds_everything_that_is_planted(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_free_ char *diff = NULL;
	struct planted p = { .gone_fd = open("/dev/full", O_RDONLY | O_CLOEXEC) };
	int n = 0;

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "leak"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));

	const char *const argv[] = { "lxc-attach", "-P",     box_lxcpath(box), "-n", box_name(box),
		                     "--",         "/probe", "tree",           "1",  "60",
		                     NULL };

	plant(&p, box, argv);
	n = leak_check(leak, &diff);
	unplant(&p);
	assert_true(n >= 9);
	assert_has(diff, "-> /dev/zero\n");
	assert_has(diff, "- fd ");
	assert_has(diff, "-> /dev/full\n");
	assert_has(diff, "-> /memfd:planted");
	assert_line(diff, "+ child %d (", p.child);
	assert_line(diff, "+ child %d (", p.zombie);
	assert_has(diff, " zombie\n");
	assert_line(diff, "+ cgroup %s\n", p.cgroup);
	assert_has(diff, p.mount);
	assert_line(diff, "+ lock %s\n", p.lock);
	/* The job in the container and the child that it forked. */
	assert_has(diff, "+ process ");
	assert_has(diff, "(probe)\n");
}

static void the_leak_guard_is_silent_when_all_is_gone_again(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	struct planted p = { .gone_fd = -1 };

	(void)state;
	assert_zero(box_new(&box, BOX_IDMAPPED, "quiet"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));

	const char *const argv[] = { "lxc-attach", "-P",     box_lxcpath(box), "-n", box_name(box),
		                     "--",         "/probe", "tree",           "1",  "0.3",
		                     NULL };

	plant(&p, box, argv);
	unplant(&p);
	/* The job's own child ends a little later: the guard waits for it. */
	assert_no_leak(leak);
}

static void the_leak_guard_allows_only_the_kept_leaf(void **state)
{
	_cleanup_box_ struct box *box = NULL;
	_cleanup_leak_ struct leak *leak = NULL;
	_cleanup_free_ char *diff = NULL;
	char leaf[512];
	char below[520];
	int n = 0;

	(void)state;
	assert_zero(box_new(&box, BOX_PURE_V2, "leaf"));
	assert_zero(box_start(box));
	assert_zero(leak_new(&leak, box));
	assert_num(cgtree_each(box_name(box), take_dir, leaf), 1);
	snprintf(strrchr(leaf, '/'), 8, "/.lxc");
	assert_zero(mkdir(leaf, 0755));
	assert_no_leak(leak);
	snprintf(below, sizeof(below), "%s/job", leaf);
	assert_zero(mkdir(below, 0755));
	n = leak_check(leak, &diff);
	rmdir(below);
	rmdir(leaf);
	assert_num(n, 1);
	assert_line(diff, "+ cgroup %s\n", below);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_has_its_exit_code_and_its_streams_apart),
		cmocka_unit_test(a_command_that_dies_of_a_signal_says_which),
		cmocka_unit_test(a_command_that_does_not_end_is_killed_and_hung),
		cmocka_unit_test(a_command_that_leaves_its_output_held_is_told_from_a_clean_end),
		cmocka_unit_test(a_command_that_cannot_be_executed_is_an_error_of_the_run),
		cmocka_unit_test(output_beyond_the_limit_is_an_error_of_the_run),
		cmocka_unit_test(megabytes_go_in_and_come_out_unchanged),
		cmocka_unit_test(a_command_gets_the_descriptors_named_and_no_others),
		cmocka_unit_test(a_command_gets_its_environment_limits_and_setup),
		cmocka_unit_test(a_command_in_the_background_can_be_talked_to),
		cmocka_unit_test(a_child_returns_dies_or_hangs),
		cmocka_unit_test(the_probe_and_the_harness_make_and_sum_the_same_bytes),
		cmocka_unit_test(the_probe_refuses_what_it_does_not_know),
		cmocka_unit_test(the_probe_floods_with_zeros_or_lines),
		cmocka_unit_test(a_record_with_a_malformed_or_doubled_line_is_refused),
		cmocka_unit_test(a_record_is_compared_as_a_whole),
		cmocka_unit_test(a_privileged_box_starts_and_leaves_nothing),
		cmocka_unit_test(an_idmapped_box_starts_and_leaves_nothing),
		cmocka_unit_test(a_debian_box_starts_and_leaves_nothing),
		cmocka_unit_test(a_pure_v2_box_starts_and_leaves_nothing),
		cmocka_unit_test(a_pure_v2_box_shows_only_v2_while_it_lives),
		cmocka_unit_test(a_box_has_users_and_a_working_shell),
		cmocka_unit_test(a_box_file_belongs_to_its_root_and_keeps_set_user_id),
		cmocka_unit_test(a_box_file_does_not_follow_links_to_the_host),
		cmocka_unit_test(a_config_line_reaches_the_container),
		cmocka_unit_test(a_filtered_call_is_denied_in_a_box),
		cmocka_unit_test(a_box_that_cannot_start_says_so_and_leaves_nothing),
		cmocka_unit_test(a_box_can_be_stopped_and_started_again),
		cmocka_unit_test(a_frozen_box_can_be_thawed_and_removed),
		cmocka_unit_test(a_box_of_a_killed_test_is_taken_down),
		cmocka_unit_test(a_run_of_a_dead_process_is_stale),
		cmocka_unit_test(the_program_under_test_is_found_and_runs_the_probe),
		cmocka_unit_test(the_leak_guard_finds_everything_that_is_planted),
		cmocka_unit_test(the_leak_guard_is_silent_when_all_is_gone_again),
		cmocka_unit_test(the_leak_guard_allows_only_the_kept_leaf),
	};

	return cmocka_run_group_tests_name("harness", tests, find_probe, NULL);
}
