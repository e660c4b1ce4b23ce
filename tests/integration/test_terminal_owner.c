/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terminal that a job gets: whose it is, what the whole process looks like, where it is from. */
#include "harness/fixture.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/expect.h"
#include "harness/record.h"

#define N_FILLERS 3

static enum box_kind kind;

static int open_kind(void **state, enum box_kind k)
{
	kind = k;
	return fixture_open(state, k, "ttyowner");
}

static int open_privileged(void **state)
{
	return open_kind(state, BOX_PRIVILEGED);
}

static int open_idmapped(void **state)
{
	return open_kind(state, BOX_IDMAPPED);
}

static int open_pure_v2(void **state)
{
	return open_kind(state, BOX_PURE_V2);
}

/* A container of this configuration. */
static int open_with(void **state, enum box_kind k, const char *line)
{
	struct fixture *f = NULL;

	if (open_kind(state, k) < 0)
		return -1;
	f = *state;
	box_stop(f->box);
	return box_config(f->box, "%s", line) == 0 && box_start(f->box) == 0 ? 0 : -1;
}

static int open_small(void **state)
{
	return open_with(state, BOX_IDMAPPED, "lxc.pty.max = 3");
}

static int open_without_idmapped(void **state)
{
	return open_with(state, BOX_IDMAPPED, "lxc.pty.max = 0");
}

static int open_without_privileged(void **state)
{
	return open_with(state, BOX_PRIVILEGED, "lxc.pty.max = 0");
}

/* ---- whose it is ------------------------------------------------------------------------------- */

#define SHOW "t=$(tty) && stat -c '%u:%g %a %t' $t && echo written >$t && echo \"$t\""

static void assert_owner(const struct fixture *f, const char *user, const char *want)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty_run(f, WORDS("exec", "-u", user, "@", "sh", "-c", SHOW), NULL, &r);
	assert_exit(&r, 0);
	assert_has(r.out, want);
	assert_has(r.out, "\r\nwritten\r\n/dev/pts/");
}

/* Major 136 is a terminal of a devpts; group 5 is what liblxc mounts it with. */
static void the_users_terminal_is_the_users_own(void **state)
{
	assert_owner(*state, "root", "0:5 620 88\r\n");
	assert_owner(*state, "nobody", "65534:5 620 88\r\n");
	assert_owner(*state, "alice", "1000:5 620 88\r\n");
	assert_owner(*state, "1234:567", "1234:5 620 88\r\n");
}

static void put_group(const struct fixture *f, const char *more)
{
	char text[512];

	snprintf(text, sizeof(text),
	         "root:x:0:\ndaemon:x:1:\n%saudio:x:29:alice\nusers:x:100:alice\n"
	         "nogroup:x:65534:\nalice:x:1000:\n",
	         more);
	assert_zero(box_write_file(f->box, "/etc/group", text, strlen(text), 0644));
}

static void where_there_is_a_group_of_terminals_it_is_of_that(void **state)
{
	put_group(*state, "tty:x:42:\n");
	assert_owner(*state, "root", "0:42 620 88\r\n");
	assert_owner(*state, "nobody", "65534:42 620 88\r\n");
	put_group(*state, "");
}

static void programs_find_the_terminal_by_its_name(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty_run(*state,
	                WORDS("exec", "-u", "alice", "@", "sh", "-c",
	                      "t=$(tty); for i in 0 1 2; do [ /proc/$$/fd/$i -ef $t ] || echo bad; "
	                      "[ \"$(readlink /proc/$$/fd/$i)\" = $t ] || echo worse; done; "
	                      "ps -o pid,tty | grep \"^ *$$ \""),
	                NULL, &r);
	assert_exit(&r, 0);
	assert_has(r.out, "136,");
	assert_null(strstr(r.out, "bad"));
	assert_null(strstr(r.out, "worse"));
}

/* ---- the whole process ---------------------------------------------------------------------------- */

static void drop_returns(struct cmd_result *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->out_len; i++)
		if (r->out[i] != '\r')
			r->out[n++] = r->out[i];
	r->out[n] = '\0';
	r->out_len = n;
}

static void expect_terminal(struct record *want)
{
	static const char *const both[][2] = {
		{ "fd.0", "tty" },      { "fd.0.flags", "rw" },  { "fd.1", "tty" },
		{ "fd.1.flags", "rw" }, { "fd.2", "tty" },       { "fd.2.flags", "rw" },
		{ "ctty", "ok" },       { "winsize", "132x43" }, { "env.TERM", "some-terminal" },
	};

	for (size_t i = 0; i < countof(both); i++)
		assert_zero(record_set(want, both[i][0], both[i][1]));
}

/* Its descriptors, its session and TERM are what a terminal changes in a job, and nothing else. */
static void assert_terminal_job(const struct fixture *f, const char *user, struct record *want)
{
	const struct ptydrv_cmd how = { .env = WORDS("PATH=/usr/bin:/bin", "TERM=some-terminal",
		                                     "LXC_SECRET=1"),
		                        .rows = 43,
		                        .cols = 132 };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_record_ struct record got = RECORD_INIT;

	fixture_pty_run(f, WORDS("exec", "-u", user, "@", "/probe", "record"), &how, &r);
	assert_exit(&r, 0);
	drop_returns(&r);
	assert_zero(record_parse(r.out, &got));
	expect_terminal(want);
	assert_zero(expect_settle(&got, want));
	/* In the foreground of its own session. */
	assert_non_null(record_get(&got, "pid"));
	assert_zero(record_set(want, "tpgid", record_get(&got, "pid")));
	assert_record(&got, want);
}

static void roots_job_with_a_terminal_is_as_any_job_else(void **state)
{
	const struct fixture *f = *state;
	_cleanup_record_ struct record want = RECORD_INIT;

	assert_zero(expect_job(f->box, kind, &want));
	assert_terminal_job(f, "root", &want);
}

static void a_users_job_with_a_terminal_is_as_any_job_else(void **state)
{
	static const struct expect_user alice = { 1000,    1000,          "29,100",
		                                  "alice", "/home/alice", "/bin/sh" };
	const struct fixture *f = *state;
	_cleanup_record_ struct record want = RECORD_INIT;

	assert_zero(expect_job(f->box, kind, &want));
	assert_zero(expect_user(&want, &alice));
	assert_terminal_job(f, "alice", &want);
}

static int n_terminals(const struct fixture *f)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(f, WORDS("exec", "@", "sh", "-c", "ls /dev/pts | grep -c '^[0-9]'; true"), NULL,
	            &r);
	assert_exit(&r, 0);
	return (int)strtol(r.out, NULL, 10);
}

static void a_dry_run_allocates_no_terminal(void **state)
{
	int before = n_terminals(*state);
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	_cleanup_ptydrv_ struct ptydrv *d = NULL;

	for (int i = 0; i < 3; i++) {
		fixture_pty_run(*state, WORDS("exec", "-t", "--dry-run", "@", "true"), NULL, &r);
		assert_exit(&r, 0);
		assert_has(r.out, "\"terminal\"");
	}
	assert_num(n_terminals(*state), before);
	/* The count would have shown it. */
	fixture_pty(*state, WORDS("exec", "@", "/probe", "keys"), NULL, &d);
	assert_expect(d, "ready");
	assert_num(n_terminals(*state), before + 1);
	assert_zero(ptydrv_type(d, "\004"));
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 0);
	assert_num(n_terminals(*state), before);
}

/* ---- a container that has none to give ------------------------------------------------------------- */

static void assert_host_terminal(const struct fixture *f)
{
	_cleanup_ptydrv_ struct ptydrv *d = NULL;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_pty(f,
	            WORDS("exec", "-u", "nobody", "@", "sh", "-c",
	                  "/probe tty; stty size; tty; read -r x; echo \"<$x>\"; exit 5"),
	            NULL, &d);
	assert_expect(d, "no terminal left: this one is the host's");
	assert_expect(d, "open=ok\r\nstdin=1\r\nstdout=1\r\nstderr=1\r\n24 80\r\n");
	assert_zero(ptydrv_type(d, "word\r"));
	assert_expect(d, "<word>\r\n");
	assert_zero(ptydrv_wait(d, &r));
	assert_exit(&r, 5);
}

static void where_all_terminals_are_taken_it_is_one_of_the_hosts(void **state)
{
	struct ptydrv *d[N_FILLERS] = { NULL };
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	for (int i = 0; i < N_FILLERS; i++) {
		fixture_pty(*state, WORDS("exec", "@", "/probe", "keys"), NULL, &d[i]);
		assert_expect(d[i], "ready");
		assert_null(strstr(ptydrv_shown(d[i], PTYDRV_SCREEN), "warning"));
	}
	assert_host_terminal(*state);
	for (int i = 0; i < N_FILLERS; i++) {
		assert_zero(ptydrv_type(d[i], "\004"));
		assert_zero(ptydrv_wait(d[i], &r));
		assert_exit(&r, 0);
		d[i] = ptydrv_free(d[i]);
	}
	/* Once they are given back it has some again. */
	fixture_pty_run(*state, WORDS("exec", "@", "tty"), NULL, &r);
	assert_exit(&r, 0);
	assert_has(r.out, "/dev/pts/");
	assert_null(strstr(r.out, "host"));
}

static void where_there_is_no_devpts_it_is_one_of_the_hosts(void **state)
{
	assert_host_terminal(*state);
}

#define OWNER \
	fixture_test(the_users_terminal_is_the_users_own), \
		fixture_test(where_there_is_a_group_of_terminals_it_is_of_that), \
		fixture_test(programs_find_the_terminal_by_its_name)

#define PROCESS \
	fixture_test(roots_job_with_a_terminal_is_as_any_job_else), \
		fixture_test(a_users_job_with_a_terminal_is_as_any_job_else)

int main(void)
{
	const struct CMUnitTest privileged[] = { OWNER, PROCESS };
	const struct CMUnitTest idmapped[] = {
		OWNER,
		PROCESS,
		fixture_test(a_dry_run_allocates_no_terminal),
	};
	const struct CMUnitTest pure_v2[] = { PROCESS };
	const struct CMUnitTest small[] = {
		fixture_test(where_all_terminals_are_taken_it_is_one_of_the_hosts),
	};
	const struct CMUnitTest without[] = {
		fixture_test(where_there_is_no_devpts_it_is_one_of_the_hosts),
	};

	return cmocka_run_group_tests_name("terminal's owner, privileged", privileged,
	                                   open_privileged, fixture_close) +
	       cmocka_run_group_tests_name("terminal's owner, idmapped", idmapped, open_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("terminal's owner, pure v2", pure_v2, open_pure_v2,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("three terminals", small, open_small, fixture_close) +
	       cmocka_run_group_tests_name("no devpts, idmapped", without, open_without_idmapped,
	                                   fixture_close) +
	       cmocka_run_group_tests_name("no devpts, privileged", without,
	                                   open_without_privileged, fixture_close);
}
