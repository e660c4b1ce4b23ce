/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that a launcher reads in the container: who a user is, and directories of a file system
 * that takes every request and answers none. (More about the contents of the user files is in
 * tests/integration/test_exec_identity.c; here are those that change, and the controls.)
 */
#include "hostile/hostile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PROMPT_MS 5300
#define HANG_MS   1500

#define TRUE_PASSWD \
	"root:x:0:0:root:/root:/bin/sh\n" \
	"alice:x:1000:1000:Alice:/home/alice:/bin/sh\n"

static int open_privileged(void **state)
{
	return hostile_open(state, BOX_PRIVILEGED, "files");
}

static int open_idmapped(void **state)
{
	return hostile_open(state, BOX_IDMAPPED, "files");
}

/* Not by attache, which reads the user file for root too. */
static void inside(const struct fixture *f, const char *script)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	naive_run(f, WORDS("@", "/bin/sh", "-ec", script), NULL, &r);
	assert_exit(&r, 0);
}

static void restore(const struct fixture *f)
{
	inside(f, "rm -rf /etc/passwd /etc/passwd.d; sed -i /nothing/d /etc/group");
	assert_zero(box_write_file(f->box, "/etc/passwd", TRUE_PASSWD, strlen(TRUE_PASSWD), 0644));
}

static void run_as_alice(const struct fixture *f, const struct cmd *how, struct cmd_result *r)
{
	fixture_run(f, WORDS("exec", "-u", "alice", "@", "/attacker", "uid"), how, r);
	assert_within(r, PROMPT_MS);
}

/* Of the errors that such a file may end in. */
static void assert_alice_or_named(const struct cmd_result *r)
{
	if (r->code == 0) {
		assert_string_equal(r->out, "1000\n");
		return;
	}
	if (r->code != 125 ||
	    (strstr(r->err, "[IoError]") == NULL && strstr(r->err, "[UserNotFound]") == NULL &&
	     strstr(r->err, "[LimitExceeded]") == NULL && strstr(r->err, "[Timeout]") == NULL))
		fail_msg("neither alice nor a named error: code %d: %s%s", r->code, r->out, r->err);
	assert_string_equal(r->out, "");
}

/* ---- the user file ---- */

static const char *const passwds[] = {
	"mkfifo /etc/passwd",
	"mkdir /etc/passwd",
	"ln -s /dev/zero /etc/passwd",
	"ln -s /proc/kmsg /etc/passwd",
	"ln -s /proc/1/root/etc/shadow /etc/passwd",
	"ln -s /proc/self/fd/0 /etc/passwd",
	"ln -s ../../../../../../../../etc/shells /etc/passwd",
	"truncate -s 1099511627776 /etc/passwd",
	"ln -s /dev/tty /etc/passwd",
	"ln -s /etc/passwd /etc/passwd",
};

/* The attack: the file of the users blocks, never ends, or is somebody else's. */
static void a_user_file_that_is_none_is_named_in_bounded_time(void **state)
{
	const struct fixture *f = *state;

	for (size_t i = 0; i < countof(passwds); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
		char script[256];

		snprintf(script, sizeof(script), "rm -rf /etc/passwd; %s", passwds[i]);
		inside(f, script);
		run_as_alice(f, NULL, &r);
		assert_alice_or_named(&r);
		assert_num(r.code, 125);
	}
	restore(f);
}

/* The control hangs at the first, and takes the host's file for the container's at a link. */
static void a_naive_launcher_hangs_or_believes_the_host_s_user_file(void **state)
{
	const struct fixture *f = *state;
	const struct cmd how = { .timeout_ms = HANG_MS };
	char path[96];
	char link[160];
	FILE *file = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	inside(f, "rm -rf /etc/passwd; mkfifo /etc/passwd");
	naive_run(f, WORDS("-u", "alice", "@", "/attacker", "uid"), &how, &r);
	assert_true(r.hung);
	/* Its job, which waits inside, has lost its parent only. */
	inside(f, "cat /dev/null 1<>/etc/passwd");
	snprintf(path, sizeof(path), "%s/passwd", f->dir);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs("alice:x:4711:4711::/:/bin/sh\n", file);
	assert_zero(fclose(file));
	snprintf(link, sizeof(link), "rm -rf /etc/passwd; ln -s %s /etc/passwd", path);
	inside(f, link);
	naive_run(f, WORDS("-u", "alice", "-R", box_rootfs(f->box), "@", "/attacker", "uid"), NULL,
	          &r);
	assert_string_equal(r.out, "4711\n");
	/* The same path, looked up where it belongs. */
	run_as_alice(f, NULL, &r);
	assert_alice_or_named(&r);
	assert_num(r.code, 125);
	restore(f);
}

/* The attack: while it is looked up and read, the file becomes something else, all the time. */
static void a_user_file_that_is_swapped_meanwhile_is_one_or_the_other(void **state)
{
	static const char *const others[] = {
		"mkfifo /etc/passwd.d",
		"mkdir /etc/passwd.d",
		"ln -s /dev/zero /etc/passwd.d",
		"ln -s /proc/1/root/etc/passwd /etc/passwd.d",
	};
	const struct fixture *f = *state;
	int ran = 0;

	for (size_t i = 0; i < countof(others); i++) {
		_cleanup_cmd_job_ struct cmd_job *swap = NULL;
		_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;

		restore(f);
		inside(f, others[i]);
		attacker_start(f, WORDS("swap", "/etc/passwd", "/etc/passwd.d"), &swap);
		for (int k = 0; k < 25; k++) {
			_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

			run_as_alice(f, NULL, &r);
			assert_alice_or_named(&r);
			ran += r.code == 0;
		}
		attacker_end(&swap, &s);
	}
	restore(f);
	print_message("             %d of 100 ran\n", ran);
}

/* ---- a file system that does not answer ---- */

static void make_fuse_device(const struct fixture *f)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/srv/fuse", box_rootfs(f->box));
	att_ignore(unlink(path));
	assert_zero(mknod(path, S_IFCHR | 0600, makedev(10, 229)));
	assert_zero(chown(path, box_host_id(f->box, 0), box_host_id(f->box, 0)));
}

/* Where it is mounted, and what then has to come to a named end, or to a right one. */
static const struct {
	const char *dir;
	const char *const *words;
	bool may_run;
	bool long_one; /* takes seconds: in one kind of container is enough */
} silences[] = {
	{ "/etc", WORDS("exec", "-t", "-u", "alice", "@", "/bin/true"), false, false },
	{ "/usr", WORDS("exec", "-t", "--term", "vt100", "@", "/bin/true"), true, false },
	{ "/home", WORDS("exec", "--timeout", "0.3", "-w", "/home", "@", "/bin/true"), false,
	  true },
	{ "/home", WORDS("exec", "-i", "--timeout", "0.3", "-u", "alice", "@"), true, true },
	{ "/dev", WORDS("exec", "-n", "--timeout", "0.3", "@", "/bin/true"), true, true },
	{ "/dev", WORDS("exec", "-t", "--timeout", "0.3", "@", "/bin/true"), true, false },
	{ "/opt", WORDS("exec", "--timeout", "0.3", "@", "/opt/command"), false, false },
};

#define SILENCE_MS 7000

static void run_silence(const struct fixture *f, size_t i, const char *mode)
{
	const struct cmd how = { .timeout_ms = 20000 };
	_cleanup_cmd_job_ struct cmd_job *fuse = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	attacker_start(f, WORDS("fuse", silences[i].dir, mode), &fuse);
	fixture_run(f, silences[i].words, &how, &r);
	attacker_end(&fuse, &s);
	assert_within(&r, SILENCE_MS);
	if (r.code != 0 && r.code != 124 && r.code != 137 &&
	    (r.code < 125 || strstr(r.err, "]\n") == NULL))
		fail_msg("no named error: code %d: %s%s", r.code, r.out, r.err);
	assert_true(r.code != 0 || silences[i].may_run);
}

/*
 * The attack: a file system of the container's own takes every request and answers none, so that
 * whoever looks at a path below it waits and cannot even be killed.
 */
static void a_file_system_that_does_not_answer_holds_nobody(void **state)
{
	const struct fixture *f = *state;

	inside(f, "mkdir -p /opt");
	make_fuse_device(f);
	for (size_t i = 0; i < countof(silences); i++) {
		if (silences[i].long_one && box_host_id(f->box, 0) != 0)
			continue;
		run_silence(f, i, "mute");
		/* A request that nobody has taken can be killed. */
		if (i > 0)
			run_silence(f, i, "deaf");
	}
	fixture_remove(f, "/srv/fuse");
}

static void a_file_system_that_does_not_answer_holds_a_naive_launcher(void **state)
{
	const struct fixture *f = *state;
	const struct cmd how = { .timeout_ms = HANG_MS };
	_cleanup_cmd_job_ struct cmd_job *fuse = NULL;
	_cleanup_cmd_result_ struct cmd_result s = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	make_fuse_device(f);
	attacker_start(f, WORDS("fuse", "/etc", "mute"), &fuse);
	naive_run(f, WORDS("-u", "alice", "@", "/bin/true"), &how, &r);
	attacker_end(&fuse, &s);
	assert_true(r.hung);
	fixture_remove(f, "/srv/fuse");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(a_user_file_that_is_none_is_named_in_bounded_time),
		fixture_test(a_naive_launcher_hangs_or_believes_the_host_s_user_file),
		fixture_test(a_user_file_that_is_swapped_meanwhile_is_one_or_the_other),
		fixture_test(a_file_system_that_does_not_answer_holds_nobody),
		fixture_test(a_file_system_that_does_not_answer_holds_a_naive_launcher),
	};
	int failed = cmocka_run_group_tests_name("hostile files, privileged", tests,
	                                         open_privileged, fixture_close);

	return failed + cmocka_run_group_tests_name("hostile files, idmapped", tests, open_idmapped,
	                                            fixture_close);
}
