/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"
#include "sys/passwd.h"

/* What a child that could not set its stage returns; any other non-zero number is a source line. */
#define CANNOT 77
#define EXPECT(cond) \
	do { \
		if (!(cond)) { \
			dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			return 1; \
		} \
	} while (0)

/* A directory that stands for a container's root. */
struct fixture {
	char path[64];
	int root_fd;
	int n_fds;
};

/* Context: also children, so without assertions. */
static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	*f = (struct fixture){ .path = "/tmp/test_passwd.XXXXXX", .n_fds = count_fds() };
	assert_non_null(mkdtemp(f->path));
	f->root_fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->root_fd >= 0);
	assert_zero(mkdirat(f->root_fd, "etc", 0755));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "etc/passwd", "etc/group", "etc/real", "real", "etc" };
	static const char *const dirs[] = { "etc/passwd", "etc", "proc", "a", "b" };
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(files); i++)
		att_ignore(unlinkat(f->root_fd, files[i], 0));
	for (size_t i = 0; i < countof(dirs); i++)
		att_ignore(unlinkat(f->root_fd, dirs[i], AT_REMOVEDIR));
	f->root_fd = att_fd_close(f->root_fd);
	assert_zero(rmdir(f->path));
	assert_num(count_fds(), f->n_fds);
	/* Nor is a process left, of whatever kind. */
	assert_num(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_num(errno, ECHILD);
	free(f);
	return 0;
}

/* Context: also children, so without assertions. */
static int write_bytes(int dir_fd, const char *path, const char *bytes, size_t len)
{
	_cleanup_close_ int fd =
		openat(dir_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : att_fd_write_full(fd, bytes, len);
}

static void write_text(const struct fixture *f, const char *path, const char *text)
{
	assert_zero(write_bytes(f->root_fd, path, text, strlen(text)));
}

static FILE *create(const struct fixture *f, const char *path)
{
	int fd = openat(f->root_fd, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	FILE *file = fdopen(fd, "w");

	assert_non_null(file);
	return file;
}

static const char usual_text[] = "root:x:0:0:root:/root:/bin/bash\n"
				 "daemon:*:1:1::/usr/sbin:/usr/sbin/nologin\n"
				 "1000:x:7:8:a name of digits:/home/digits:/bin/sh\n"
				 "0:x:9:9::/home/zero:/bin/sh\n"
				 "web:x:1000:1001:Web,,,:/srv/web:/bin/zsh\n"
				 "twin:x:1000:1002::/srv/twin:/bin/dash\n"
				 "web:x:5:5::/second:/second\n";

static void user_is_found_by_name(void **state)
{
	_cleanup_user_ struct att_user user = ATT_USER_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	write_text(f, "etc/passwd", usual_text);
	assert_ok(att_passwd_by_name(f->root_fd, "web", &user, &err));
	assert_string_equal(user.name, "web");
	assert_string_equal(user.home, "/srv/web");
	assert_string_equal(user.shell, "/bin/zsh");
	assert_num(user.ct_uid, 1000);
	assert_num(user.ct_gid, 1001);
	att_user_done(&user);
	att_user_done(&user);
	assert_null(user.name);
}

static void user_is_found_by_uid_and_the_first_wins(void **state)
{
	_cleanup_user_ struct att_user user = ATT_USER_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	write_text(f, "etc/passwd", usual_text);
	assert_ok(att_passwd_by_uid(f->root_fd, 1000, &user, &err));
	assert_string_equal(user.name, "web");
	att_user_done(&user);
	assert_ok(att_passwd_by_uid(f->root_fd, 0, &user, &err));
	assert_string_equal(user.name, "root");
}

static void name_may_consist_of_digits(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;

	write_text(f, "etc/passwd", usual_text);
	assert_ok(att_passwd_by_name(f->root_fd, "1000", &user, &err));
	assert_num(user.ct_uid, 7);
	assert_num(user.ct_gid, 8);
	att_user_done(&user);
	assert_ok(att_passwd_by_name(f->root_fd, "0", &user, &err));
	assert_num(user.ct_uid, 9);
	att_user_done(&user);
}

static void absence_is_an_outcome_not_an_error(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	uint32_t gid = 42;

	assert_num(att_passwd_by_name(f->root_fd, "web", &user, &err), ATT_ABSENT);
	assert_num(att_group_by_name(f->root_fd, "web", &gid, &err), ATT_ABSENT);
	write_text(f, "etc/passwd", usual_text);
	assert_num(att_passwd_by_name(f->root_fd, "nobody", &user, &err), ATT_ABSENT);
	assert_num(att_passwd_by_name(f->root_fd, "", &user, &err), ATT_ABSENT);
	assert_num(att_passwd_by_name(f->root_fd, "we", &user, &err), ATT_ABSENT);
	assert_num(att_passwd_by_name(f->root_fd, "web:x", &user, &err), ATT_ABSENT);
	assert_num(att_passwd_by_uid(f->root_fd, 4242, &user, &err), ATT_ABSENT);
	write_text(f, "etc/passwd", "");
	assert_num(att_passwd_by_name(f->root_fd, "web", &user, &err), ATT_ABSENT);
	assert_null(user.name);
	assert_num(gid, 42);
	assert_num(err.code, 0);
}

static void missing_or_strange_etc_is_absence(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;

	assert_zero(unlinkat(f->root_fd, "etc", AT_REMOVEDIR));
	assert_num(att_passwd_by_uid(f->root_fd, 0, &user, &err), ATT_ABSENT);
	write_text(f, "etc", "a file");
	assert_num(att_passwd_by_uid(f->root_fd, 0, &user, &err), ATT_ABSENT);
	assert_null(user.name);
}

static void malformed_lines_are_skipped(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"u\n",
		"u:x:1:1::/h\n",
		"u:x:1:1:/h:/bin/sh\n",
		"u:x::1::/h:/s\n",
		"u:x:1:::/h:/s\n",
		"u:x:-1:1::/h:/s\n",
		"u:x:+1:1::/h:/s\n",
		"u:x: 1:1::/h:/s\n",
		"u:x:0x1:1::/h:/s\n",
		"u:x:1:4294967295::/h:/s\n",
		"u:x:4294967295:1::/h:/s\n",
		"u:x:4294967297:1::/h:/s\n",
		"u:x:1.0:1::/h:/s\n",
		" u:x:1:1::/h:/s\n",
		"\tu:x:1:1::/h:/s\n",
		"#u:x:1:1::/h:/s\n",
		":x:1:1::/h:/s\n",
		"+::1:1::/h:/s\n",
		"+u:x:1:1::/h:/s\n",
		"-u:x:1:1::/h:/s\n",
		"u\x01:x:1:1::/h:/s\n",
		"u\x7f:x:1:1::/h:/s\n",
	};
	static const char *const names[] = {
		"u", "", "#u", "+", "+u", "-u", " u", "u\x01", "u\x7f"
	};
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	for (size_t i = 0; i < countof(lines); i++) {
		_cleanup_user_ struct att_user user = ATT_USER_INIT;
		char text[256];

		write_text(f, "etc/passwd", lines[i]);
		for (size_t k = 0; k < countof(names); k++)
			assert_num(att_passwd_by_name(f->root_fd, names[k], &user, &err),
			           ATT_ABSENT);
		assert_num(att_passwd_by_uid(f->root_fd, 1, &user, &err), ATT_ABSENT);
		/* What follows is found all the same. */
		assert_true(snprintf(text, sizeof(text), "%su:x:1:2::/h:/s\n", lines[i]) > 0);
		write_text(f, "etc/passwd", text);
		assert_ok(att_passwd_by_name(f->root_fd, "u", &user, &err));
		assert_num(user.ct_gid, 2);
	}
}

static void line_with_a_nul_is_skipped(void **state)
{
	static const char text[] = "u:x:1:1::/h:/s\0\nu\0:x:1:2::/h:/s\nu:x:1:3::/h:/s\n";
	_cleanup_user_ struct att_user user = ATT_USER_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	assert_zero(write_bytes(f->root_fd, "etc/passwd", text, sizeof(text) - 1));
	assert_ok(att_passwd_by_uid(f->root_fd, 1, &user, &err));
	assert_num(user.ct_gid, 3);
}

static void home_and_shell_that_cannot_be_paths_are_replaced(void **state)
{
	static const struct {
		const char *line;
		const char *home;
		const char *shell;
	} cases[] = {
		{ "u:x:1:1::/h:/s\n", "/h", "/s" },
		{ "u:x:1:1::/h:/s", "/h", "/s" },
		{ "u:x:1:1::/h:/s\r\n", "/h", "/bin/sh" },
		{ "u:x:1:1:::\n", "/", "/bin/sh" },
		{ "u:x:1:1:::", "/", "/bin/sh" },
		{ "u:x:1:1::h:s\n", "/", "/bin/sh" },
		{ "u:x:1:1::~:-\n", "/", "/bin/sh" },
		{ "u:x:1:1::/h\x1b[2J:/s\x07\n", "/", "/bin/sh" },
		{ "u:x:1:1::/h\x7f:/s\n", "/", "/s" },
		{ "u:x:1:1::/with blank:/s -l\n", "/with blank", "/s -l" },
		{ "u:x:1:1::/h:/s:more\n", "/h", "/s:more" },
		{ "u:x:0001:1::/hé:/s\n", "/hé", "/s" },
	};
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	for (size_t i = 0; i < countof(cases); i++) {
		_cleanup_user_ struct att_user user = ATT_USER_INIT;

		write_text(f, "etc/passwd", cases[i].line);
		assert_ok(att_passwd_by_uid(f->root_fd, 1, &user, &err));
		assert_string_equal(user.home, cases[i].home);
		assert_string_equal(user.shell, cases[i].shell);
	}
}

static void home_longer_than_a_path_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	for (int len = 4095; len <= 4096; len++) {
		_cleanup_user_ struct att_user user = ATT_USER_INIT;
		FILE *file = create(f, "etc/passwd");

		assert_true(fprintf(file, "u:x:1:1::/%0*d:/s\n", len - 1, 0) > 0);
		assert_zero(fclose(file));
		assert_ok(att_passwd_by_name(f->root_fd, "u", &user, &err));
		assert_num(strlen(user.home), len == 4095 ? 4095 : 1);
	}
}

static void group_is_found_by_name(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	uint32_t gid = 0;

	write_text(
		f, "etc/group",
		"short:x:1\n+::2:\nbad:x:-1:\nadm:x:4:syslog,web\n27:x:28:\nadm:x:5:\nlast:x:6:");
	assert_ok(att_group_by_name(f->root_fd, "adm", &gid, &err));
	assert_num(gid, 4);
	assert_ok(att_group_by_name(f->root_fd, "27", &gid, &err));
	assert_num(gid, 28);
	assert_ok(att_group_by_name(f->root_fd, "last", &gid, &err));
	assert_num(gid, 6);
	gid = 77;
	assert_num(att_group_by_name(f->root_fd, "short", &gid, &err), ATT_ABSENT);
	assert_num(att_group_by_name(f->root_fd, "bad", &gid, &err), ATT_ABSENT);
	assert_num(att_group_by_name(f->root_fd, "+", &gid, &err), ATT_ABSENT);
	assert_num(att_group_by_name(f->root_fd, "web", &gid, &err), ATT_ABSENT);
	assert_num(att_group_by_name(f->root_fd, "", &gid, &err), ATT_ABSENT);
	assert_num(gid, 77);
}

static void groups_of_a_user_are_those_that_list_it(void **state)
{
	static const uint32_t expected[] = { 4, 27, 4294967294 };
	_cleanup_gids_ struct att_gids gids = ATT_GIDS_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	write_text(f, "etc/group",
	           "web:x:1001:web\n" /* primary, though listed */
	           "sudo:x:27:web,admin\n"
	           "adm:x:4:syslog,web\n"
	           "again:x:27:x,web,y\n" /* the same number once more */
	           "near:x:50:web2,aweb,we,Web, web,web \n"
	           "empty:x:51:\n"
	           "short:x:52\n"
	           "web:x:53:other\n" /* its name does not count */
	           "none:x:4294967295:web\n"
	           "top:x:4294967294:web");
	assert_ok(att_group_of_user(f->root_fd, "web", 1001, &gids, &err));
	assert_num(gids.n, countof(expected));
	assert_memory_equal(gids.v, expected, sizeof(expected));
	att_gids_done(&gids);
	att_gids_done(&gids);
	assert_ok(att_group_of_user(f->root_fd, "nobody", 0, &gids, &err));
	assert_num(gids.n, 0);
	assert_ok(att_group_of_user(f->root_fd, "", 0, &gids, &err));
	assert_num(gids.n, 0);
}

static void groups_of_a_user_without_a_group_file_are_none(void **state)
{
	_cleanup_gids_ struct att_gids gids = ATT_GIDS_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	assert_ok(att_group_of_user(f->root_fd, "web", 0, &gids, &err));
	assert_num(gids.n, 0);
}

static void write_groups(const struct fixture *f, unsigned n, unsigned n_different)
{
	FILE *file = create(f, "etc/group");

	/* Falling numbers, so that order and duplicates are both to be dealt with. */
	for (unsigned i = n; i > 0; i--)
		assert_true(fprintf(file, "g:x:%u:web\n", 1 + i % n_different) > 0);
	assert_zero(fclose(file));
}

static void groups_of_a_user_are_as_many_as_the_kernel_takes(void **state)
{
	_cleanup_gids_ struct att_gids gids = ATT_GIDS_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	write_groups(f, 3 * ATT_GIDS_MAX, ATT_GIDS_MAX);
	assert_ok(att_group_of_user(f->root_fd, "web", 0, &gids, &err));
	assert_num(gids.n, ATT_GIDS_MAX);
	for (uint32_t i = 0; i < ATT_GIDS_MAX; i++)
		assert_num(gids.v[i], i + 1);
	att_gids_done(&gids);
	write_groups(f, ATT_GIDS_MAX + 1, ATT_GIDS_MAX + 1);
	assert_code(att_group_of_user(f->root_fd, "web", 0, &gids, &err), ATT_E_LIMIT_EXCEEDED);
	assert_string_equal(err.msg,
	                    "read '/etc/group' of the container: more than 65536 groups of "
	                    "one user");
	assert_num(err.stage, ATT_STAGE_PLAN);
	assert_null(gids.v);
	/* The primary one does not count. */
	assert_ok(att_group_of_user(f->root_fd, "web", 5, &gids, &err));
	assert_num(gids.n, ATT_GIDS_MAX);
}

static void groups_repeated_without_end_take_no_memory(void **state)
{
	_cleanup_gids_ struct att_gids gids = ATT_GIDS_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	write_groups(f, 500000, 3);
	assert_ok(att_group_of_user(f->root_fd, "web", 0, &gids, &err));
	assert_num(gids.n, 3);
	assert_in_range(gids.cap, 3, 1024);
}

static void check_not_regular(const struct fixture *f)
{
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;

	assert_code(att_passwd_by_name(f->root_fd, "root", &user, &err), ATT_E_IO_ERROR);
	assert_string_equal(err.msg, "read '/etc/passwd' of the container: not a regular file");
	assert_num(err.stage, ATT_STAGE_PLAN);
	assert_num(err.sys, 0);
	assert_null(user.name);
}

static void directory_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_zero(mkdirat(f->root_fd, "etc/passwd", 0755));
	check_not_regular(f);
}

static void fifo_is_refused_without_being_opened(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int fd = -1;

	assert_zero(mkfifoat(f->root_fd, "etc/passwd", 0666));
	check_not_regular(f);
	/* With a writer it could even be read. */
	fd = openat(f->root_fd, "etc/passwd", O_RDWR | O_CLOEXEC);
	assert_zero(att_fd_write_full(fd, usual_text, sizeof(usual_text) - 1));
	check_not_regular(f);
}

static void device_is_refused(void **state)
{
	struct fixture *f = *state;

	if (mknodat(f->root_fd, "etc/passwd", S_IFCHR | 0666, makedev(1, 5)) < 0)
		skip(); /* needs CAP_MKNOD */
	check_not_regular(f);
}

static void link_is_followed_inside_the_root(void **state)
{
	static const char *const targets[] = { "real", "/etc/real", "../etc/real",
		                               "../../../etc/real", "/../../etc/./real" };
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	write_text(f, "etc/real", usual_text);
	for (size_t i = 0; i < countof(targets); i++) {
		_cleanup_user_ struct att_user user = ATT_USER_INIT;

		assert_zero(symlinkat(targets[i], f->root_fd, "etc/passwd"));
		assert_ok(att_passwd_by_name(f->root_fd, "web", &user, &err));
		assert_num(user.ct_uid, 1000);
		assert_zero(unlinkat(f->root_fd, "etc/passwd", 0));
	}
}

static void link_cannot_lead_out_of_the_root(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	char outside[] = "/tmp/test_passwd_outside.XXXXXX";
	char target[128];
	_cleanup_close_ int fd = mkostemp(outside, O_CLOEXEC);

	assert_zero(att_fd_write_full(fd, "evil:x:0:0::/:/bin/sh\n", 22));
	assert_zero(symlinkat(outside, f->root_fd, "etc/passwd"));
	assert_num(att_passwd_by_name(f->root_fd, "evil", &user, &err), ATT_ABSENT);
	assert_zero(unlinkat(f->root_fd, "etc/passwd", 0));
	assert_true(snprintf(target, sizeof(target), "../../../../../..%s", outside) > 0);
	assert_zero(symlinkat(target, f->root_fd, "etc/passwd"));
	assert_num(att_passwd_by_name(f->root_fd, "evil", &user, &err), ATT_ABSENT);
	assert_zero(unlink(outside));
}

static void link_in_a_circle_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;

	assert_zero(symlinkat("passwd", f->root_fd, "etc/passwd"));
	assert_code(att_passwd_by_name(f->root_fd, "root", &user, &err), ATT_E_IO_ERROR);
	assert_num(err.sys, ELOOP);
	assert_string_equal(err.msg, "read '/etc/passwd' of the container: "
	                             "Too many levels of symbolic links");
}

/* One line of @len bytes, without its newline, between two usual ones. */
static void write_long_line(const struct fixture *f, size_t len, bool is_last)
{
	static const char head[] = "long:x:3:3:";
	static const char tail[] = ":/h:/s";
	FILE *file = create(f, "etc/passwd");

	assert_true(fprintf(file, "first:x:1:1::/h:/s\n%s", head) > 0);
	for (size_t i = sizeof(head) + sizeof(tail) - 2; i < len; i++)
		assert_true(fputc('c', file) != EOF);
	assert_true(fprintf(file, "%s%s", tail, is_last ? "" : "\nnext:x:2:2::/h:/s\n") > 0);
	assert_zero(fclose(file));
}

static void line_of_64_kib_or_more_is_skipped(void **state)
{
	static const size_t lens[] = { 65516, 65517, 65518,  65534,  65535,  65536,
		                       65537, 65538, 131071, 131072, 131073, 1000000 };
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;

	for (size_t i = 0; i < 2 * countof(lens); i++) {
		_cleanup_user_ struct att_user found = ATT_USER_INIT;
		_cleanup_user_ struct att_user next = ATT_USER_INIT;
		size_t len = lens[i / 2];
		bool is_last = i % 2 > 0;

		write_long_line(f, len, is_last);
		assert_num(att_passwd_by_name(f->root_fd, "long", &found, &err),
		           len < 65536 ? 0 : ATT_ABSENT);
		assert_num(att_passwd_by_name(f->root_fd, "next", &next, &err),
		           is_last ? ATT_ABSENT : 0);
	}
}

static void rest_of_a_long_line_is_no_line_of_its_own(void **state)
{
	_cleanup_user_ struct att_user user = ATT_USER_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	FILE *file = create(f, "etc/passwd");

	/* Wherever the buffer ends, what could be an entry stands behind it. */
	for (int i = 0; i < 200000; i++)
		assert_true(fputs("0:", file) >= 0);
	assert_zero(fclose(file));
	assert_num(att_passwd_by_uid(f->root_fd, 0, &user, &err), ATT_ABSENT);
	assert_num(att_passwd_by_name(f->root_fd, "0", &user, &err), ATT_ABSENT);
}

static long max_rss_kib(void)
{
	struct rusage usage;

	assert_zero(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_maxrss;
}

static void million_lines_take_little_time_and_no_memory(void **state)
{
	_cleanup_user_ struct att_user user = ATT_USER_INIT;
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	FILE *file = create(f, "etc/passwd");
	long rss = 0;
	int64_t start_ns = 0;

	for (int i = 0; i < 1000000; i++)
		assert_true(fprintf(file, "user%d:x:%d:100::/home/user%d:/bin/sh\n", i, i, i) > 0);
	assert_zero(fclose(file));
	rss = max_rss_kib();
	start_ns = att_clock_now_ns();
	assert_ok(att_passwd_by_name(f->root_fd, "user999999", &user, &err));
	assert_num(user.ct_uid, 999999);
	assert_num(att_passwd_by_name(f->root_fd, "user1000000", &user, &err), ATT_ABSENT);
	/* Far more than it needs, far less than anything worse than linear would. */
	assert_in_range(att_clock_now_ns() - start_ns, 0, 5 * ATT_NS_PER_SEC);
	assert_in_range(max_rss_kib() - rss, 0, 4096);
}

static void make_sparse(const struct fixture *f, const char *head, off_t size, const char *tail)
{
	FILE *file = create(f, "etc/passwd");

	assert_true(fputs(head, file) >= 0);
	assert_zero(fflush(file));
	assert_zero(ftruncate(fileno(file), size - (off_t)strlen(tail)));
	assert_zero(fseeko(file, 0, SEEK_END));
	assert_true(fputs(tail, file) >= 0);
	assert_zero(fclose(file));
}

static void huge_file_is_read_up_to_a_limit(void **state)
{
	struct fixture *f = *state;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	long rss = max_rss_kib();

	make_sparse(f, "early:x:1:1::/h:/s\n", 1 << 30, "\nlate:x:2:2::/h:/s\n");
	assert_ok(att_passwd_by_name(f->root_fd, "early", &user, &err));
	att_user_done(&user);
	assert_code(att_passwd_by_name(f->root_fd, "late", &user, &err), ATT_E_LIMIT_EXCEEDED);
	assert_string_equal(err.msg, "read '/etc/passwd' of the container: larger than 256 MiB");
	assert_in_range(max_rss_kib() - rss, 0, 4096);
	/* The limit itself is still fine. */
	make_sparse(f, "", 256 << 20, "\nlate:x:2:2::/h:/s\n");
	assert_ok(att_passwd_by_name(f->root_fd, "late", &user, &err));
	att_user_done(&user);
}

/* Root reads everything, so it becomes somebody else first. */
static int look_up_unreadable(void *data)
{
	struct fixture *f = data;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return CANNOT;
	EXPECT(att_passwd_by_name(f->root_fd, "root", &user, &err) == -ATT_E_PERMISSION_DENIED);
	EXPECT(err.sys == EACCES);
	EXPECT(strcmp(err.msg, "read '/etc/passwd' of the container: Permission denied") == 0);
	return 0;
}

static void unreadable_file_is_permission_denied(void **state)
{
	struct fixture *f = *state;
	int r = 0;

	write_text(f, "etc/passwd", usual_text);
	assert_zero(chmod(f->path, 0755));
	assert_zero(fchmodat(f->root_fd, "etc/passwd", 0, 0));
	r = child_run(look_up_unreadable, f, 0);
	if (r == CANNOT)
		skip();
	assert_num(r, 0);
}

static void bad_root_is_an_error(void **state)
{
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;

	(void)state;
	assert_code(att_passwd_by_name(-1, "root", &user, &err), ATT_E_IO_ERROR);
	assert_num(err.sys, EBADF);
}

/* ---- on another mount: each in a child with mounts of its own ----------------------------- */

static int write_file(const char *path, const char *text)
{
	return write_bytes(AT_FDCWD, path, text, strlen(text));
}

/* Without root: as the only user of a user namespace. */
static bool enter_own_users(void)
{
	char uid_map[32];
	char gid_map[32];

	att_ignore(snprintf(uid_map, sizeof(uid_map), "0 %u 1", geteuid()));
	att_ignore(snprintf(gid_map, sizeof(gid_map), "0 %u 1", getegid()));
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	       write_file("/proc/self/setgroups", "deny") == 0 &&
	       write_file("/proc/self/uid_map", uid_map) == 0 &&
	       write_file("/proc/self/gid_map", gid_map) == 0;
}

/* The root is opened anew: a descriptor from before would go on seeing the mounts from before. */
static bool enter_own_mounts(struct fixture *f)
{
	if (unshare(CLONE_NEWNS) < 0 && !enter_own_users())
		return false;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	f->root_fd = att_fd_close(f->root_fd);
	f->root_fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return f->root_fd >= 0;
}

/* Is "etc" really on another mount, so that the tests below test what they say? */
static bool etc_is_elsewhere(const struct fixture *f)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_XDEV };

	return syscall(SYS_openat2, f->root_fd, "etc", &how, sizeof(how)) < 0 && errno == EXDEV;
}

/* Runs @fn on its own mounts; skips where this user may not have any. */
static void run_on_own_mounts(int (*fn)(void *), struct fixture *f)
{
	int r = child_run(fn, f, 20000);

	if (r == CANNOT)
		skip();
	assert_num(r, 0);
}

static bool no_children_left(void)
{
	return waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD;
}

/* Puts a file system of its own below "etc". */
static int mount_etc(struct fixture *f)
{
	char path[128];

	if (!enter_own_mounts(f))
		return -1;
	att_ignore(snprintf(path, sizeof(path), "%s/etc", f->path));
	return mount("test", path, "tmpfs", 0, NULL);
}

static int look_up_on_another_mount(void *data)
{
	struct fixture *f = data;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	struct att_gids gids = ATT_GIDS_INIT;
	uint32_t gid = 0;
	int n_fds = 0;

	if (mount_etc(f) < 0)
		return CANNOT;
	EXPECT(etc_is_elsewhere(f));
	n_fds = count_fds();
	/* A host program that ignores its children still gets its answers. */
	signal(SIGCHLD, SIG_IGN);
	EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == ATT_ABSENT);
	EXPECT(write_bytes(f->root_fd, "etc/passwd", usual_text, strlen(usual_text)) == 0);
	EXPECT(write_bytes(f->root_fd, "etc/group", "a:x:3:web\nb:x:2:web", 19) == 0);
	EXPECT(att_passwd_by_name(f->root_fd, "web", &user, &err) == 0);
	EXPECT(user.ct_uid == 1000 && strcmp(user.home, "/srv/web") == 0);
	att_user_done(&user);
	EXPECT(att_passwd_by_uid(f->root_fd, 9, &user, &err) == 0);
	EXPECT(strcmp(user.name, "0") == 0);
	att_user_done(&user);
	EXPECT(att_passwd_by_name(f->root_fd, "nobody", &user, &err) == ATT_ABSENT);
	EXPECT(att_group_by_name(f->root_fd, "b", &gid, &err) == 0 && gid == 2);
	EXPECT(att_group_of_user(f->root_fd, "web", 0, &gids, &err) == 0);
	EXPECT(gids.n == 2 && gids.v[0] == 2 && gids.v[1] == 3);
	att_gids_done(&gids);
	EXPECT(err.code == 0);
	EXPECT(n_fds > 0 && count_fds() == n_fds);
	EXPECT(no_children_left());
	return 0;
}

static void file_on_another_mount_is_read_all_the_same(void **state)
{
	run_on_own_mounts(look_up_on_another_mount, *state);
}

static int look_up_strange_files_on_another_mount(void *data)
{
	struct fixture *f = data;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	_cleanup_close_ int fd = -1;

	if (mount_etc(f) < 0)
		return CANNOT;
	EXPECT(etc_is_elsewhere(f));
	EXPECT(mkfifoat(f->root_fd, "etc/passwd", 0666) == 0);
	EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == -ATT_E_IO_ERROR);
	EXPECT(strcmp(err.msg, "read '/etc/passwd' of the container: not a regular file") == 0);
	EXPECT(unlinkat(f->root_fd, "etc/passwd", 0) == 0);
	EXPECT(symlinkat("passwd", f->root_fd, "etc/passwd") == 0);
	EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == -ATT_E_IO_ERROR);
	EXPECT(err.sys == ELOOP);
	EXPECT(unlinkat(f->root_fd, "etc/passwd", 0) == 0);
	fd = openat(f->root_fd, "etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	EXPECT(ftruncate(fd, 1 << 30) == 0);
	EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == -ATT_E_LIMIT_EXCEEDED);
	EXPECT(no_children_left());
	return 0;
}

static void strange_file_on_another_mount_is_the_same_error(void **state)
{
	run_on_own_mounts(look_up_strange_files_on_another_mount, *state);
}

static int look_up_through_magic_link(void *data)
{
	char fd_target[64];
	const char *const targets[] = { "/proc/self/exe", "/proc/self/root/etc/passwd", fd_target };
	struct fixture *f = data;
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	char path[128];

	att_ignore(snprintf(path, sizeof(path), "%s/proc", f->path));
	if (!enter_own_mounts(f) || mkdir(path, 0755) < 0 ||
	    mount("/proc", path, NULL, MS_BIND | MS_REC, NULL) < 0)
		return CANNOT;
	att_ignore(snprintf(fd_target, sizeof(fd_target), "/proc/%d/fd/%d", getpid(),
	                    open("/etc/passwd", O_RDONLY | O_CLOEXEC)));
	for (size_t i = 0; i < countof(targets); i++) {
		EXPECT(symlinkat(targets[i], f->root_fd, "etc/passwd") == 0);
		EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == -ATT_E_IO_ERROR);
		EXPECT(err.sys == ELOOP);
		EXPECT(unlinkat(f->root_fd, "etc/passwd", 0) == 0);
	}
	EXPECT(no_children_left());
	return 0;
}

static void magic_link_is_refused(void **state)
{
	run_on_own_mounts(look_up_through_magic_link, *state);
}

/* A file server below "etc" that nobody serves yet. Its descriptor, or -1. */
static int mount_fuse(struct fixture *f)
{
	char options[128];
	char path[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0 || !enter_own_mounts(f))
		return att_fd_close(fd);
	att_ignore(snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u",
	                    fd, getuid(), getgid()));
	att_ignore(snprintf(path, sizeof(path), "%s/etc", f->path));
	return mount("test", path, "fuse", MS_NOSUID | MS_NODEV, options) == 0 ? fd
	                                                                       : att_fd_close(fd);
}

/* Answers the greeting, takes the first real request, and keeps it. */
static _noreturn_ void serve_nothing(int fuse_fd)
{
	static char request[FUSE_MIN_READ_BUFFER + (1 << 17)];
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} reply = { .init = { .major = FUSE_KERNEL_VERSION,
		              .minor = FUSE_KERNEL_MINOR_VERSION,
		              .max_write = 4096 } };
	struct fuse_in_header in;

	if (read(fuse_fd, request, sizeof(request)) <= 0)
		_exit(1);
	memcpy(&in, request, sizeof(in));
	reply.header = (struct fuse_out_header){ .len = sizeof(reply), .unique = in.unique };
	if (in.opcode != FUSE_INIT || write(fuse_fd, &reply, sizeof(reply)) != sizeof(reply))
		_exit(1);
	if (read(fuse_fd, request, sizeof(request)) <= 0)
		_exit(1);
	for (;;)
		pause();
}

/* A server that does not take the request: the helper can be killed, and is. */
static int look_up_at_absent_server(struct fixture *f)
{
	_cleanup_close_ int fuse_fd = mount_fuse(f);
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	int64_t start_ns = att_clock_now_ns();

	if (fuse_fd < 0)
		return CANNOT;
	EXPECT(etc_is_elsewhere(f));
	EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == -ATT_E_TIMEOUT);
	EXPECT(strcmp(err.msg, "read '/etc/passwd' of the container: no answer within 5 s") == 0);
	EXPECT(err.stage == ATT_STAGE_PLAN);
	EXPECT(att_clock_now_ns() - start_ns < 6 * ATT_NS_PER_SEC);
	EXPECT(no_children_left());
	return 0;
}

/*
 * A server that takes the request and keeps it: not even KILL ends the helper, and still there is
 * an answer in time. The helper holds no descriptor of ours meanwhile, and ends with its server.
 */
static int look_up_at_silent_server(struct fixture *f)
{
	_cleanup_close_ int fuse_fd = mount_fuse(f);
	struct att_err err = ATT_ERR_INIT;
	struct att_user user = ATT_USER_INIT;
	int64_t start_ns = att_clock_now_ns();
	struct pollfd pfd = { .events = POLLIN };
	int ends[2];
	pid_t server = -1;

	if (fuse_fd < 0)
		return CANNOT;
	EXPECT(etc_is_elsewhere(f));
	server = fork();
	if (server == 0)
		serve_nothing(fuse_fd);
	fuse_fd = att_fd_close(fuse_fd);
	EXPECT(server > 0 && pipe2(ends, O_CLOEXEC) == 0);
	EXPECT(att_passwd_by_uid(f->root_fd, 0, &user, &err) == -ATT_E_TIMEOUT);
	EXPECT(att_clock_now_ns() - start_ns < 8 * ATT_NS_PER_SEC);
	pfd.fd = ends[0];
	att_fd_close(ends[1]);
	EXPECT(poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP));
	EXPECT(kill(server, SIGKILL) == 0 && waitpid(server, NULL, 0) == server);
	EXPECT(waitpid(-1, NULL, __WALL) > 0 && no_children_left());
	return 0;
}

/* Both at once: each takes as long as the deadline. */
static int look_up_at_stuck_servers(void *data)
{
	int (*const look_up[])(struct fixture * f) = { look_up_at_absent_server,
		                                       look_up_at_silent_server };
	int r = 0;

	for (size_t i = 0; i < countof(look_up); i++)
		if (fork() == 0)
			_exit(look_up[i](data));
	for (size_t i = 0; i < countof(look_up); i++) {
		int status = 0;

		if (wait(&status) < 0 || !WIFEXITED(status))
			return 1;
		r = r == 0 ? WEXITSTATUS(status) : r;
	}
	return r;
}

static void file_server_that_never_answers_is_a_timeout(void **state)
{
	run_on_own_mounts(look_up_at_stuck_servers, *state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(user_is_found_by_name),
		TEST(user_is_found_by_uid_and_the_first_wins),
		TEST(name_may_consist_of_digits),
		TEST(absence_is_an_outcome_not_an_error),
		TEST(missing_or_strange_etc_is_absence),
		TEST(malformed_lines_are_skipped),
		TEST(line_with_a_nul_is_skipped),
		TEST(home_and_shell_that_cannot_be_paths_are_replaced),
		TEST(home_longer_than_a_path_is_replaced),
		TEST(group_is_found_by_name),
		TEST(groups_of_a_user_are_those_that_list_it),
		TEST(groups_of_a_user_without_a_group_file_are_none),
		TEST(groups_of_a_user_are_as_many_as_the_kernel_takes),
		TEST(groups_repeated_without_end_take_no_memory),
		TEST(directory_is_refused),
		TEST(fifo_is_refused_without_being_opened),
		TEST(device_is_refused),
		TEST(link_is_followed_inside_the_root),
		TEST(link_cannot_lead_out_of_the_root),
		TEST(link_in_a_circle_is_an_error),
		TEST(line_of_64_kib_or_more_is_skipped),
		TEST(rest_of_a_long_line_is_no_line_of_its_own),
		TEST(million_lines_take_little_time_and_no_memory),
		TEST(huge_file_is_read_up_to_a_limit),
		TEST(unreadable_file_is_permission_denied),
		TEST(bad_root_is_an_error),
		TEST(file_on_another_mount_is_read_all_the_same),
		TEST(strange_file_on_another_mount_is_the_same_error),
		TEST(magic_link_is_refused),
		TEST(file_server_that_never_answers_is_a_timeout),
	};

	return cmocka_run_group_tests_name("passwd", tests, NULL, NULL);
}
