/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An attacker in a tight loop over the new processes of the container: before, during and after
 * its exec a job has nothing that the container has not, and no file of the host's can be written.
 */
#include "hostile/hostile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/ptydrv.h"

#define RUNS       120 /* each in four ways */
#define NAIVE_RUNS 40
#define MAX_WORDS  12

static int open_privileged(void **state)
{
	return hostile_open(state, BOX_PRIVILEGED, "scan");
}

static int open_idmapped(void **state)
{
	return hostile_open(state, BOX_IDMAPPED, "scan");
}

/* ---- the host's files ---- */

struct seen {
	char text[2][64]; /* "DEVICE:INODE" */
	uint64_t sum[2];
	char path[2][1024];
};

static uint64_t sum_of(const char *path)
{
	static char bytes[8 << 20];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

	assert_true(n > 0);
	return cmd_sum(bytes, (size_t)n);
}

static void look_at_host(const struct fixture *f, struct seen *ret)
{
	char program[PATH_MAX];
	struct stat st;

	snprintf(ret->path[0], sizeof(ret->path[0]), "%.1000s", f->program);
	hostile_find("naive", program);
	snprintf(ret->path[1], sizeof(ret->path[1]), "%.1000s", program);
	for (int i = 0; i < 2; i++) {
		assert_zero(stat(ret->path[i], &st));
		snprintf(ret->text[i], sizeof(ret->text[i]), "%lu:%lu", st.st_dev, st.st_ino);
		ret->sum[i] = sum_of(ret->path[i]);
	}
}

static void assert_host_unchanged(const struct seen *seen)
{
	for (int i = 0; i < 2; i++)
		assert_true(sum_of(seen->path[i]) == seen->sum[i]);
}

static void start_scan(const struct fixture *f, const struct seen *seen, struct cmd_job **ret)
{
	attacker_start(f,
	               WORDS("scan", hostile_secret(f), hostile_secret_path(f), seen->text[0],
	                     seen->text[1]),
	               ret);
}

/* ---- scanning ---- */

static const char *const *const ways[] = {
	WORDS("exec", "@", "true"),
	WORDS("exec", "-u", "alice", "@", "true"),
	WORDS("exec", "--no-new-privs", "--io", "direct", "@", "true"),
	WORDS("exec", "-t", "@", "true"),
};

/*
 * The attack: a busy loop over /proc opens exe, root, cwd, fd/N, map_files, environ and mem of each
 * process that appears, looks at its rights, traces it and reads all of its memory. The caller has
 * the host's root open at 3 to 20, a secret in its environment, a keyring and raised capabilities.
 */
static void a_scanner_gets_nothing_of_a_new_process_but_the_job_s_own(void **state)
{
	const struct fixture *f = *state;
	struct seen seen;
	struct hostile_caller caller;
	_cleanup_cmd_job_ struct cmd_job *scan = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	look_at_host(f, &seen);
	hostile_caller(&caller);
	start_scan(f, &seen, &scan);
	for (int i = 0; i < RUNS; i++)
		for (size_t way = 0; way < countof(ways); way++) {
			_cleanup_cmd_result_ struct cmd_result job = CMD_RESULT_INIT;

			fixture_run(f, ways[way], &caller.how, &job);
			assert_exit(&job, 0);
		}
	attacker_end(&scan, &r);
	hostile_caller_done(&caller);
	assert_nothing_won(&r);
	print_message("             %s", strstr(r.out, "seen "));
	assert_host_unchanged(&seen);
}

/* In a container whose root is the host's, naive's own program can be written as well. */
static void a_scanner_gets_all_there_is_of_a_naive_launcher(void **state)
{
	const struct fixture *f = *state;
	struct seen seen;
	struct hostile_caller caller;
	_cleanup_cmd_job_ struct cmd_job *scan = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	look_at_host(f, &seen);
	hostile_caller(&caller);
	start_scan(f, &seen, &scan);
	for (int i = 0; i < NAIVE_RUNS; i++) {
		_cleanup_cmd_result_ struct cmd_result job = CMD_RESULT_INIT;

		naive_run(f, WORDS("@", "sleep", "0.01"), &caller.how, &job);
		assert_exit(&job, 0);
	}
	attacker_end(&scan, &r);
	hostile_caller_done(&caller);
	print_message("             %s", strstr(r.out, "seen "));
	assert_won(&r, "environ");
	assert_won(&r, "fd");
	assert_won(&r, "memory");
	assert_won(&r, "seccomp");
	if (box_host_id(f->box, 0) == 0) {
		assert_won(&r, "caps");
		assert_won(&r, "exe");
		assert_won(&r, "overwrite");
	}
}

/* ---- the target is the launcher itself ---- */

static void put_script(struct box *box, const char *path, const char *line)
{
	assert_zero(box_write_file(box, path, line, strlen(line), 0755));
}

static void plant_scripts(const struct fixture *f)
{
	char path[PATH_MAX];

	put_script(f->box, "/tmp/self", "#!/proc/self/exe\n");
	put_script(f->box, "/tmp/number", "#!/tmp/x:5\n");
	put_script(f->box, "/tmp/init", "#!/proc/1/exe\n");
	put_script(f->box, "/tmp/loader", "#!/lib64/ld-linux-x86-64.so.2\n");
	/* The launcher's first word names its socket: a link lets the container choose it. */
	snprintf(path, sizeof(path), "%s/tmp/x:5", box_rootfs(f->box));
	att_ignore(unlink(path));
	assert_zero(symlink("/proc/self/exe", path));
}

/*
 * The attack: the target is a script whose interpreter is the program that executes it, so that the
 * launcher itself runs again inside, this time as long as it likes, while a scanner waits for it.
 */
static void a_script_for_the_launcher_itself_gets_a_sealed_copy_at_most(void **state)
{
	static const char *const targets[] = { "/tmp/self", "/tmp/number", "/tmp/init",
		                               "/tmp/loader" };
	const struct fixture *f = *state;
	struct seen seen;
	_cleanup_cmd_job_ struct cmd_job *scan = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	look_at_host(f, &seen);
	plant_scripts(f);
	start_scan(f, &seen, &scan);
	for (int i = 0; i < 25; i++)
		for (size_t k = 0; k < countof(targets); k++) {
			_cleanup_cmd_result_ struct cmd_result job = CMD_RESULT_INIT;

			fixture_run(f, WORDS("exec", "@", targets[k]), NULL, &job);
			if (job.hung || job.code < 1)
				fail_msg("%s: code %d, %s%s", targets[k], job.code, job.out,
				         job.err);
		}
	attacker_end(&scan, &r);
	assert_nothing_won(&r);
	assert_host_unchanged(&seen);
}

/* The interpreter of the script is the host's program, which is now open to whoever wants it. */
static void a_script_for_the_launcher_itself_gets_a_naive_one(void **state)
{
	const struct fixture *f = *state;
	struct seen seen;
	_cleanup_cmd_job_ struct cmd_job *scan = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	look_at_host(f, &seen);
	plant_scripts(f);
	start_scan(f, &seen, &scan);
	for (int i = 0; i < NAIVE_RUNS; i++) {
		_cleanup_cmd_result_ struct cmd_result job = CMD_RESULT_INIT;

		naive_run(f, WORDS("@", "/tmp/self"), NULL, &job);
		/* Naive's own usage: what was executed is the host's program. */
		assert_has(job.err, "usage: naive");
	}
	attacker_end(&scan, &r);
	assert_won(&r, "overwrite");
}

int main(void)
{
	const struct CMUnitTest privileged[] = {
		fixture_test(a_scanner_gets_nothing_of_a_new_process_but_the_job_s_own),
		fixture_test(a_scanner_gets_all_there_is_of_a_naive_launcher),
		fixture_test(a_script_for_the_launcher_itself_gets_a_sealed_copy_at_most),
		fixture_test(a_script_for_the_launcher_itself_gets_a_naive_one),
	};
	const struct CMUnitTest idmapped[] = {
		fixture_test(a_scanner_gets_nothing_of_a_new_process_but_the_job_s_own),
		fixture_test(a_scanner_gets_all_there_is_of_a_naive_launcher),
		fixture_test(a_script_for_the_launcher_itself_gets_a_sealed_copy_at_most),
	};
	int failed = cmocka_run_group_tests_name("hostile scan, privileged", privileged,
	                                         open_privileged, fixture_close);

	return failed + cmocka_run_group_tests_name("hostile scan, idmapped", idmapped,
	                                            open_idmapped, fixture_close);
}
