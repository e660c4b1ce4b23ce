/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostile/hostile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/keyctl.h>

#include "base/fd.h"

#define MAX_WORDS 60

const char *hostile_find(const char *name, char buf[static PATH_MAX])
{
	if (cmd_find(strcmp(name, "naive") == 0 ? "ATTACHE_NAIVE" : "ATTACHE_ATTACKER", name, buf,
	             PATH_MAX) == NULL)
		fail_msg("no program '%s' in the build", name);
	return buf;
}

int hostile_arm(struct box *box)
{
	char path[PATH_MAX];
	struct stat st;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_close_ int fd = -1;

	if (cmd_find("ATTACHE_ATTACKER", "attacker", path, sizeof(path)) == NULL)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	bytes = malloc((size_t)st.st_size);
	if (bytes == NULL || read(fd, bytes, (size_t)st.st_size) != st.st_size)
		return -EIO;
	return box_write_file(box, "/attacker", bytes, (size_t)st.st_size, 0755);
}

const char *hostile_secret(const struct fixture *f)
{
	/* Of the name of a directory that nothing but this run has. */
	return strrchr(f->dir, '-') + 1;
}

const char *hostile_secret_path(const struct fixture *f)
{
	static char path[sizeof(f->dir) + 16];

	snprintf(path, sizeof(path), "%s/secret", f->dir);
	return path;
}

int hostile_open(void **state, enum box_kind kind, const char *name)
{
	const struct fixture *f = NULL;
	FILE *file = NULL;

	if (fixture_open(state, kind, name) < 0)
		return -1;
	f = *state;
	file = fopen(hostile_secret_path(f), "we");
	if (file == NULL || fputs(hostile_secret(f), file) == EOF || fclose(file) != 0)
		return -1;
	/* Readable by everybody who gets there. */
	if (chmod(f->dir, 0755) < 0 || chmod(hostile_secret_path(f), 0644) < 0)
		return -1;
	if (setenv("HOSTILE_SECRET", hostile_secret(f), 1) < 0)
		return -1;
	return hostile_arm(f->box) < 0 ? -1 : 0;
}

/* ---- the caller ---- */

static int raise_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 }, { 0 } };

	if (syscall(SYS_capget, &head, sets) < 0)
		return errno;
	sets[0].inheritable = sets[0].permitted;
	sets[1].inheritable = sets[1].permitted;
	if (syscall(SYS_capset, &head, sets) < 0)
		return errno;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0 ? errno : 0;
}

static int become_careless(void *unused)
{
	static const int ignored[] = { SIGPIPE, SIGTERM, SIGHUP, SIGUSR2 };
	sigset_t blocked;

	(void)unused;
	for (size_t i = 0; i < countof(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	umask(0);
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
	    syscall(SYS_add_key, "user", "attache-test-secret", "x", 1, KEY_SPEC_SESSION_KEYRING) <
	            0)
		return errno;
	return raise_capabilities();
}

void hostile_caller(struct hostile_caller *ret)
{
	*ret = (struct hostile_caller){ .root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	assert_true(ret->root_fd >= 0);
	for (int i = 0; i < HOSTILE_FDS; i++)
		ret->fds[i] = (struct cmd_fd){ .ours = ret->root_fd, .child = 3 + i };
	ret->how = (struct cmd){
		.cwd = "/",
		.fds = ret->fds,
		.n_fds = HOSTILE_FDS,
		.setup = become_careless,
	};
}

void hostile_caller_done(struct hostile_caller *caller)
{
	caller->root_fd = att_fd_close(caller->root_fd);
}

/* ---- the attacker ---- */

void attacker_start(const struct fixture *f, const char *const *words, struct cmd_job **ret)
{
	const struct cmd how = { .in = CMD_STDIN_PIPE, .timeout_ms = 60000 };
	const char *argv[MAX_WORDS] = { "exec", "@", "/attacker" };

	for (size_t i = 0; words[i] != NULL; i++) {
		assert_true(i < MAX_WORDS - 4);
		argv[3 + i] = words[i];
	}
	fixture_start(f, argv, &how, ret);
	if (cmd_expect(*ret, "ready\n") == 0)
		return;

	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	assert_zero(cmd_wait(*ret, &r));
	fail_msg("the attacker is not ready: %s%s", r.out, r.err);
}

void attacker_end(struct cmd_job **job, struct cmd_result *ret)
{
	assert_zero(cmd_wait(*job, ret));
	*job = cmd_job_free(*job);
	assert_exit(ret, 0);
}

void assert_nothing_won(const struct cmd_result *r)
{
	if (r->hung)
		fail_msg("hang\n%s%s", r->out, r->err);
	if (strncmp(r->out, "won ", 4) == 0 || strstr(r->out, "\nwon ") != NULL)
		fail_msg("the attacker has won:\n%s", r->out);
}

void assert_won(const struct cmd_result *r, const char *what)
{
	char text[64];

	snprintf(text, sizeof(text), "won %s:", what);
	assert_has(r->out, text);
}

/* ---- the naive launcher ---- */

void naive_start(const struct fixture *f, const char *const *words, const struct cmd *how,
                 struct cmd_job **ret)
{
	char program[PATH_MAX];
	char init[16];
	const char *argv[MAX_WORDS] = { hostile_find("naive", program) };
	struct cmd cmd = { 0 };

	if (how != NULL)
		cmd = *how;
	snprintf(init, sizeof(init), "%d", box_init_pid(f->box));
	for (size_t i = 0; words[i] != NULL; i++) {
		assert_true(i < MAX_WORDS - 2);
		argv[1 + i] = strcmp(words[i], "@") == 0 ? init : words[i];
	}
	cmd.argv = argv;
	assert_zero(cmd_start(&cmd, ret));
}

void naive_run(const struct fixture *f, const char *const *words, const struct cmd *how,
               struct cmd_result *ret)
{
	_cleanup_cmd_job_ struct cmd_job *job = NULL;

	naive_start(f, words, how, &job);
	assert_zero(cmd_wait(job, ret));
}
