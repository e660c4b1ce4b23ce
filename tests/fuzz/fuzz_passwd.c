/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The same bytes as a container's passwd and group file. What is found is fit to be used, and a
 * lookup by name and one by number agree on what is there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/passwd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One directory for all inputs, in memory: files on a disk would be most of the work. */
static char root_path[64];
static int root_fd = -1;
static int file_fd = -1;

static void remove_root(void)
{
	att_ignore(unlinkat(root_fd, "etc/passwd", 0));
	att_ignore(unlinkat(root_fd, "etc/group", 0));
	att_ignore(unlinkat(root_fd, "etc", AT_REMOVEDIR));
	att_ignore(rmdir(root_path));
}

static void make_root(void)
{
	att_ignore(snprintf(root_path, sizeof(root_path), "/dev/shm/fuzz_passwd.XXXXXX"));
	att_assert(mkdtemp(root_path));
	root_fd = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	att_assert(root_fd >= 0 && mkdirat(root_fd, "etc", 0700) == 0);
	file_fd = openat(root_fd, "etc/passwd", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	att_assert(file_fd >= 0 && linkat(root_fd, "etc/passwd", root_fd, "etc/group", 0) == 0);
	att_assert(atexit(remove_root) == 0);
}

static void write_files(const uint8_t *data, size_t size)
{
	att_assert(ftruncate(file_fd, 0) == 0 && lseek(file_fd, 0, SEEK_SET) == 0);
	att_assert(att_fd_write_full(file_fd, data, size) == 0);
}

static void check_path(const char *path)
{
	att_assert(path[0] == '/');
	for (; *path != '\0'; path++)
		att_assert((unsigned char)*path >= 0x20 && *path != 0x7f);
}

static void check_user(uint32_t ct_uid)
{
	struct att_user by_uid = ATT_USER_INIT;
	struct att_user by_name = ATT_USER_INIT;
	struct att_err err = ATT_ERR_INIT;
	int r = att_passwd_by_uid(root_fd, ct_uid, &by_uid, &err);

	att_assert(r == 0 || r == ATT_ABSENT);
	if (r != 0)
		return;
	att_assert(by_uid.ct_uid == ct_uid && by_uid.ct_gid != UINT32_MAX);
	att_assert(by_uid.name[0] != '\0' && !strpbrk(by_uid.name, ":\n"));
	check_path(by_uid.home);
	check_path(by_uid.shell);
	att_assert(att_passwd_by_name(root_fd, by_uid.name, &by_name, &err) == 0);
	att_assert(strcmp(by_name.name, by_uid.name) == 0);
	att_user_done(&by_uid);
	att_user_done(&by_name);
}

static void check_groups(const char *user)
{
	struct att_gids gids = ATT_GIDS_INIT;
	struct att_err err = ATT_ERR_INIT;
	uint32_t gid = 0;
	int r = att_group_by_name(root_fd, user, &gid, &err);

	att_assert(r == 0 || r == ATT_ABSENT);
	att_assert(att_group_of_user(root_fd, user, 5, &gids, &err) == 0);
	for (size_t i = 0; i < gids.n; i++) {
		att_assert(gids.v[i] != 5 && gids.v[i] != UINT32_MAX);
		att_assert(i == 0 || gids.v[i - 1] < gids.v[i]);
	}
	att_gids_done(&gids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (root_fd < 0)
		make_root();
	write_files(data, size);
	check_user(0);
	check_user(1000);
	check_groups("u");
	check_groups("web");
	return 0;
}
