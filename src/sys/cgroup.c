/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sys/proc.h"

#define CGROUP_MOUNT "/sys/fs/cgroup"

/* ---- where the container's root is ---- */

static bool component_is(const char *start, size_t len, const char *prefix, const char *name)
{
	size_t prefix_len = strlen(prefix);
	size_t name_len = strlen(name);

	if (len < prefix_len + name_len || strncmp(start, prefix, prefix_len) != 0 ||
	    strncmp(start + prefix_len, name, name_len) != 0)
		return false;
	start += prefix_len + name_len;
	len -= prefix_len + name_len;
	/* liblxc adds "-1", "-2", … when a directory of the name is left from before. */
	return len == 0 ||
	       (len > 1 && start[0] == '-' && strspn(start + 1, "0123456789") >= len - 1);
}

size_t att_cgroup_guess_root(const char *path, const char *name)
{
	const char *scope = NULL;
	bool after_lxc = false;

	for (const char *p = path; *p == '/';) {
		const char *start = p + 1;
		size_t len = strcspn(start, "/");

		p = start + len;
		if (component_is(start, len, "lxc.payload.", name))
			return (size_t)(p - path);
		if (after_lxc && component_is(start, len, "", name)) {
			if (strncmp(p, "/ns", 3) == 0 && (p[3] == '/' || p[3] == '\0'))
				p += 3;
			return (size_t)(p - path);
		}
		after_lxc = len == 3 && strncmp(start, "lxc", 3) == 0;
	}
	scope = strrchr(path, '/');
	if (scope && strcmp(scope, "/init.scope") == 0)
		return (size_t)(scope - path);
	return strcmp(path, "/") == 0 ? 0 : strlen(path);
}

ssize_t att_cgroup_derive_root(const char *host_path, const char *seen, const char *init_path)
{
	size_t host_len = strlen(host_path);
	size_t up = 0;
	size_t seen_len = 0;
	size_t common = 0;

	while (strncmp(seen, "/..", 3) == 0 && (seen[3] == '/' || seen[3] == '\0')) {
		seen += 3;
		up++;
	}
	if (strcmp(seen, "/") == 0)
		seen++;
	seen_len = strlen(seen);
	/* What was seen ends both views of the same place; what is before it is shared. */
	if (seen_len > host_len || strcmp(host_path + host_len - seen_len, seen) != 0)
		return -1;
	common = host_len - seen_len;
	if (common == 1)
		common = 0;
	if (strncmp(init_path, host_path, common) != 0)
		return -1;
	/* Each ".." is one level that the root lies below the shared part, on the way to init. */
	for (; up > 0; up--) {
		if (init_path[common] != '/' || init_path[common + 1] == '\0')
			return -1;
		common += 1 + strcspn(init_path + common + 1, "/");
	}
	if (init_path[common] != '/' && init_path[common] != '\0')
		return -1;
	return (ssize_t)common;
}

/* ---- where a hierarchy is mounted ---- */

static bool is_cgroup_dir(const char *path, bool v2)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 &&
	       fs.f_type == (v2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC);
}

static bool has_word(const char *list, const char *word, size_t len)
{
	for (const char *p = list; *p != '\0'; p += strcspn(p, ",") + (strchr(p, ',') ? 1 : 0)) {
		size_t n = strcspn(p, ",");

		if (n == len && strncmp(p, word, len) == 0)
			return true;
	}
	return false;
}

/* Anywhere but the usual place: look through the mounts. */
static bool find_mount(const char *controllers, char *dst, size_t cap)
{
	_cleanup_buf_ struct att_buf text = { .limit = 8u << 20 };
	_cleanup_mounts_ struct att_mounts mounts = ATT_MOUNTS_INIT;
	_cleanup_close_ int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	bool v2 = controllers[0] == '\0';

	if (fd < 0)
		return false;
	for (;;) {
		if (att_buf_reserve(&text, 65536) < 0)
			return false;

		ssize_t n = att_fd_read_full(fd, text.data + text.len, 65536);

		if (n < 0)
			return false;
		text.len += (size_t)n;
		if (n < 65536)
			break;
	}
	if (att_mounts_parse(text.data, text.len, &mounts) < 0)
		return false;
	for (size_t i = 0; i < mounts.n; i++) {
		const struct att_mount *m = &mounts.v[i];
		size_t first = strcspn(controllers, ",");

		if (strcmp(m->fs_type, v2 ? "cgroup2" : "cgroup") != 0 || strcmp(m->root, "/") != 0)
			continue;
		if (!v2 && !has_word(m->super_options, controllers, first))
			continue;
		if (snprintf(dst, cap, "%s", m->mount_point) < (int)cap)
			return true;
	}
	return false;
}

static bool hierarchy_dir(const char *controllers, char *dst, size_t cap)
{
	const char *name = strncmp(controllers, "name=", 5) == 0 ? controllers + 5 : controllers;

	if (controllers[0] != '\0') {
		if (snprintf(dst, cap, CGROUP_MOUNT "/%s", name) < (int)cap &&
		    is_cgroup_dir(dst, false))
			return true;
		return find_mount(controllers, dst, cap);
	}
	att_ignore(snprintf(dst, cap, CGROUP_MOUNT));
	if (is_cgroup_dir(dst, true))
		return true;
	att_ignore(snprintf(dst, cap, CGROUP_MOUNT "/unified"));
	return is_cgroup_dir(dst, true) || find_mount(controllers, dst, cap);
}

static int open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long r = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return r < 0 ? -errno : (int)r;
}

/* Of a path that leads up again nobody could say what it is below of. */
static bool goes_up(const char *path, size_t len)
{
	const char *dots = memmem(path, len, "/..", 3);

	return dots && (dots + 3 == path + len || dots[3] == '/');
}

/*
 * In one step where the hierarchy is mounted at its usual place, @mount below it; links are not
 * followed. Return: a descriptor, or -errno.
 */
static int open_at_once(const char *mount, long fs_type, const char *path, size_t len,
                        const char *file, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	char text[1024];
	struct statfs fs;
	_cleanup_close_ int fd = -1;

	if (goes_up(path, len))
		return -EXDEV;
	if (snprintf(text, sizeof(text), CGROUP_MOUNT "%s%.*s/%s", mount, (int)len, path, file) >=
	    (int)sizeof(text))
		return -ENAMETOOLONG;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, text, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != fs_type)
		return -ENOENT;
	return take_fd(&fd);
}

static int open_legacy_at_once(const char *controllers, const char *path, size_t len,
                               const char *file, uint64_t flags)
{
	const char *name = strncmp(controllers, "name=", 5) == 0 ? controllers + 5 : controllers;
	char mount[128];

	if (snprintf(mount, sizeof(mount), "/%s", name) >= (int)sizeof(mount))
		return -ENAMETOOLONG;
	return open_at_once(mount, CGROUP_SUPER_MAGIC, path, len, file, flags);
}

/* Beside v1 hierarchies it is at "unified". */
static int open_dir_at_once(const char *controllers, const char *path, size_t len)
{
	const uint64_t flags = O_PATH | O_DIRECTORY;
	int fd = -1;

	if (controllers[0] != '\0')
		return open_legacy_at_once(controllers, path, len, ".", flags);
	fd = open_at_once("", CGROUP2_SUPER_MAGIC, path, len, ".", flags);
	return fd >= 0 ? fd : open_at_once("/unified", CGROUP2_SUPER_MAGIC, path, len, ".", flags);
}

static int open_below_mount(const char *controllers, const char *path, size_t len, int *ret_fd,
                            struct att_err *err)
{
	char dir[256];
	_cleanup_buf_ struct att_buf rel = ATT_BUF_INIT;
	_cleanup_close_ int mount_fd = -1;
	int fd = -1;

	if (!hierarchy_dir(controllers, dir, sizeof(dir)))
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP,
		                   "cgroup hierarchy '%s' is not mounted",
		                   controllers[0] ? controllers : "v2");
	mount_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mount_fd < 0)
		return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP, errno,
		                   "open '%s'", dir);
	if (att_buf_printf(&rel, ".%.*s", (int)len, path) < 0)
		return att_err_nomem(err, ATT_STAGE_CGROUP);
	fd = open_beneath(mount_fd, rel.data);
	if (fd < 0)
		return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP, -fd,
		                   "open cgroup '%.*s' of '%s'", (int)len, path, dir);
	*ret_fd = fd;
	return 0;
}

int att_cgroup_open(const char *controllers, const char *path, size_t len, int *ret_fd,
                    struct att_err *err)
{
	int fd = open_dir_at_once(controllers, path, len);

	if (fd < 0)
		return open_below_mount(controllers, path, len, ret_fd, err);
	*ret_fd = fd;
	return 0;
}

int att_cgroup_open_file(const char *controllers, const char *path, size_t len, const char *file,
                         int *ret_fd, struct att_err *err)
{
	_cleanup_close_ int dir_fd = -1;
	int fd = open_legacy_at_once(controllers, path, len, file, O_WRONLY);

	if (fd < 0) {
		int r = att_cgroup_open(controllers, path, len, &dir_fd, err);

		if (r < 0)
			return r;
		fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_CGROUP, errno,
		                   "open '%s' of cgroup '%.*s' in hierarchy '%s'", file, (int)len,
		                   path, controllers);
	*ret_fd = fd;
	return 0;
}

bool att_cgroup_is_frozen(int dir_fd)
{
	char text[256];

	if (att_fd_read_file_at(dir_fd, "cgroup.events", text, sizeof(text)) >= 0)
		return strstr(text, "frozen 1") != NULL;
	if (att_fd_read_file_at(dir_fd, "freezer.state", text, sizeof(text)) >= 0)
		return strncmp(text, "THAWED", 6) != 0;
	return false;
}

/* ---- a job's own leaf ---- */

/* What the kernel lists as delegatable, so that an idmapped container can use the cgroup. */
static int give_to(int dir_fd, uid_t uid, gid_t gid)
{
	static const char *const files[] = { "cgroup.procs", "cgroup.threads",
		                             "cgroup.subtree_control" };

	if (fchownat(dir_fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return -errno;
	for (size_t i = 0; i < countof(files); i++)
		if (fchownat(dir_fd, files[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
	return 0;
}

int att_cgroup_base_open(int root_fd, unsigned base, uid_t owner_uid, gid_t owner_gid,
                         struct att_cgroup_leaf *ret, struct att_err *err)
{
	struct att_cgroup_leaf leaf = ATT_CGROUP_LEAF_INIT;
	bool made = false;
	int r = 0;

	if (base == 0)
		att_ignore(snprintf(leaf.base_name, sizeof(leaf.base_name), ".lxc"));
	else
		att_ignore(snprintf(leaf.base_name, sizeof(leaf.base_name), ".lxc-%u", base));
	leaf.base_fd = open_beneath(root_fd, leaf.base_name);
	if (leaf.base_fd == -ENOENT) {
		made = mkdirat(root_fd, leaf.base_name, 0755) == 0;
		leaf.base_fd =
			made || errno == EEXIST ? open_beneath(root_fd, leaf.base_name) : -errno;
	}
	if (leaf.base_fd >= 0 && made && owner_uid != 0)
		r = give_to(leaf.base_fd, owner_uid, owner_gid);
	if (leaf.base_fd < 0)
		r = leaf.base_fd;
	if (r < 0) {
		att_ignore(leaf.base_fd >= 0 ? att_fd_close(leaf.base_fd) : -1);
		return att_err_sys(
			err, r == -EAGAIN ? ATT_E_LIMIT_EXCEEDED : ATT_E_CONFINEMENT_UNAVAILABLE,
			ATT_STAGE_CGROUP, -r, "make cgroup '%s'", leaf.base_name);
	}
	*ret = leaf;
	return 0;
}

int att_cgroup_leaf_open(struct att_cgroup_leaf *leaf)
{
	if (leaf->leaf_fd >= 0)
		return 0;
	leaf->leaf_fd = open_beneath(leaf->base_fd, leaf->name);
	if (leaf->leaf_fd >= 0)
		return 0;

	int r = leaf->leaf_fd;

	leaf->leaf_fd = -1;
	return r;
}

void att_cgroup_leaf_done(struct att_cgroup_leaf *leaf)
{
	leaf->base_fd = att_fd_close(leaf->base_fd);
	leaf->leaf_fd = att_fd_close(leaf->leaf_fd);
}

static int write_file_at(int dir_fd, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* What is in it now, one by one: a start that hangs has no more than two processes there. */
static void kill_each(int leaf_fd)
{
	char text[256];
	char *at = text;

	if (att_fd_read_file_at(leaf_fd, "cgroup.procs", text, sizeof(text)) < 0)
		return;
	for (long pid = strtol(at, &at, 10); pid > 1; pid = strtol(at, &at, 10))
		att_ignore(kill((pid_t)pid, SIGKILL));
}

int att_cgroup_leaf_kill(const struct att_cgroup_leaf *leaf)
{
	int r = write_file_at(leaf->leaf_fd, "cgroup.kill", "1");

	/* Before Linux 5.14. */
	if (r == -ENOENT)
		kill_each(leaf->leaf_fd);
	return r == -ENOENT ? 0 : r;
}

static void wait_empty(const struct att_cgroup_leaf *leaf, int64_t deadline_ns)
{
	char text[256];
	_cleanup_close_ int fd = openat(leaf->leaf_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

		if (n < 0)
			return;
		text[n] = '\0';
		if (strstr(text, "populated 0") || poll(&p, 1, att_clock_poll_ms(deadline_ns)) <= 0)
			return;
	}
}

void att_cgroup_leaf_remove(struct att_cgroup_leaf *leaf, int64_t deadline_ns)
{
	if (att_cgroup_leaf_open(leaf) < 0)
		return;
	att_ignore(att_cgroup_leaf_kill(leaf));
	wait_empty(leaf, deadline_ns);
	/* The last process may be gone and its cgroup not know it yet. */
	while (unlinkat(leaf->base_fd, leaf->name, AT_REMOVEDIR) < 0 && errno == EBUSY &&
	       att_clock_poll_ms(deadline_ns) != 0)
		att_ignore(poll(NULL, 0, 1));
}
