/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/pidfile.h"

struct dir {
	char path[64];
	char file[96];
};

static void make_dir(struct dir *d)
{
	att_ignore(snprintf(d->path, sizeof(d->path), "/tmp/att-pidfile-XXXXXX"));
	assert_non_null(mkdtemp(d->path));
	att_ignore(snprintf(d->file, sizeof(d->file), "%s/pid", d->path));
}

static size_t count_files(const struct dir *d)
{
	DIR *dir = opendir(d->path);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	assert_int_equal(closedir(dir), 0);
	return n;
}

static void remove_dir(const struct dir *d)
{
	att_ignore(unlink(d->file));
	assert_int_equal(rmdir(d->path), 0);
}

static void the_file_appears_whole_and_with_nothing_beside_it(void **state)
{
	struct att_pidfile f = ATT_PIDFILE_INIT;
	struct att_err err = ATT_ERR_INIT;
	struct dir d;
	char text[32];

	att_ignore(state != NULL);
	make_dir(&d);
	assert_ok(att_pidfile_open(&f, d.file, &err));
	assert_int_equal(access(d.file, F_OK), -1);
	assert_ok(att_pidfile_publish(&f, 4194303, &err));
	att_pidfile_done(&f);
	assert_int_equal(att_fd_read_file_at(-1, d.file, text, sizeof(text)), 8);
	assert_string_equal(text, "4194303\n");
	assert_int_equal(count_files(&d), 1);
	remove_dir(&d);
}

static void an_unpublished_file_leaves_nothing(void **state)
{
	struct att_pidfile f = ATT_PIDFILE_INIT;
	struct att_err err = ATT_ERR_INIT;
	struct dir d;

	att_ignore(state != NULL);
	make_dir(&d);
	assert_ok(att_pidfile_open(&f, d.file, &err));
	assert_int_equal(count_files(&d), 1);
	att_pidfile_done(&f);
	att_pidfile_done(&f);
	assert_int_equal(count_files(&d), 0);
	remove_dir(&d);
}

static void without_a_path_nothing_happens(void **state)
{
	struct att_pidfile f = ATT_PIDFILE_INIT;
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_ok(att_pidfile_open(&f, NULL, &err));
	assert_ok(att_pidfile_publish(&f, 1, &err));
	att_pidfile_done(&f);
}

static void what_is_no_regular_file_is_not_replaced(void **state)
{
	struct att_pidfile f = ATT_PIDFILE_INIT;
	struct att_err err = ATT_ERR_INIT;
	struct dir d;
	struct stat st;

	att_ignore(state != NULL);
	make_dir(&d);
	assert_int_equal(symlink("/dev/null", d.file), 0);
	assert_code(att_pidfile_open(&f, d.file, &err), ATT_E_INVALID_ARGUMENT);
	assert_has(err.msg, "is there and not a regular file");
	assert_code(att_pidfile_open(&f, d.path, &err), ATT_E_INVALID_ARGUMENT);
	att_pidfile_done(&f);
	assert_int_equal(lstat(d.file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(count_files(&d), 1);
	remove_dir(&d);
}

static void a_directory_that_is_missing_is_an_error_before_anything_starts(void **state)
{
	struct att_pidfile f = ATT_PIDFILE_INIT;
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_code(att_pidfile_open(&f, "/nonexistent/pid", &err), ATT_E_IO_ERROR);
	assert_string_equal(err.msg,
	                    "--pid-file: write '/nonexistent/pid': No such file or directory");
	att_pidfile_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_file_appears_whole_and_with_nothing_beside_it),
		cmocka_unit_test(an_unpublished_file_leaves_nothing),
		cmocka_unit_test(without_a_path_nothing_happens),
		cmocka_unit_test(what_is_no_regular_file_is_not_replaced),
		cmocka_unit_test(a_directory_that_is_missing_is_an_error_before_anything_starts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
