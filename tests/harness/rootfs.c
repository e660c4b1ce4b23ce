/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/fd.h"
#include "harness/cmd.h"
#include "harness/reap.h"

#define BUSYBOX       "/bin/busybox"
#define DEBIAN_RECIPE 2 /* raise it when what makes the Debian changes: caches are made anew */
#define DEBIAN_PACKAGES \
	"systemd,systemd-sysv,libpam-systemd,dbus,procps,iproute2,passwd,vim-tiny,less,tmux," \
	"dialog,sudo,openssh-client"

static const struct {
	const char *path;
	mode_t mode;
	uint32_t owner;
} dirs[] = {
	{ "", 0755, 0 },          { "/bin", 0755, 0 },  { "/dev", 0755, 0 },
	{ "/etc", 0755, 0 },      { "/home", 0755, 0 }, { "/home/alice", 0755, 1000 },
	{ "/proc", 0755, 0 },     { "/root", 0700, 0 }, { "/run", 0755, 0 },
	{ "/sbin", 0755, 0 },     { "/srv", 0755, 0 },  { "/sys", 0755, 0 },
	{ "/tmp", 01777, 0 },     { "/usr", 0755, 0 },  { "/usr/bin", 0755, 0 },
	{ "/usr/sbin", 0755, 0 }, { "/var", 0755, 0 },
};

static const struct {
	const char *path;
	mode_t mode;
	const char *text;
} files[] = {
	/* Once the file is there, init has been exec'ed and has nothing left to start. */
	{ "/etc/inittab", 0644, "::sysinit:/bin/touch /run/ready\n" },
	{ "/etc/passwd", 0644,
	  "root:x:0:0:root:/root:/bin/sh\n"
	  "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
	  "nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
	  "alice:x:1000:1000:Alice:/home/alice:/bin/sh\n" },
	{ "/etc/group", 0644,
	  "root:x:0:\n"
	  "daemon:x:1:\n"
	  "audio:x:29:alice\n"
	  "users:x:100:alice\n"
	  "nogroup:x:65534:\n"
	  "alice:x:1000:\n" },
	{ "/etc/shells", 0644, "/bin/sh\n" },
};

static int write_text(const char *path, mode_t mode, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode) < 0)
		return -errno;
	return att_fd_write_full(fd, text, strlen(text));
}

static int make_dirs(const char *root)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < countof(dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", root, dirs[i].path);
		if (mkdir(path, dirs[i].mode) < 0 || chmod(path, dirs[i].mode) < 0 ||
		    chown(path, dirs[i].owner, dirs[i].owner) < 0)
			return -errno;
	}
	return 0;
}

static int make_files(const char *root)
{
	char path[PATH_MAX];
	int r = 0;

	for (size_t i = 0; i < countof(files) && r == 0; i++) {
		snprintf(path, sizeof(path), "%s%s", root, files[i].path);
		r = write_text(path, files[i].mode, files[i].text);
	}
	return r;
}

static int copy_bytes(int from, int to)
{
	ssize_t n = 0;

	do {
		n = copy_file_range(from, NULL, to, NULL, SIZE_MAX >> 2, 0);
	} while (n > 0);
	return n < 0 ? -errno : 0;
}

int rootfs_install(const char *root, const char *from, const char *to, mode_t mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", root, to);

	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out =
		in < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	if (out < 0)
		return -errno;
	if (fchmod(out, mode) < 0)
		return -errno;
	return copy_bytes(in, out);
}

/* One line of `busybox --list-full`, such as "usr/bin/env". */
static int link_applet(const char *root, const char *applet)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", root, applet);
	if (strcmp(applet, "bin/busybox") == 0 || symlink(BUSYBOX, path) == 0)
		return 0;
	/* "linuxrc" and the like, in directories that we do not have: nobody calls them. */
	return errno == ENOENT ? 0 : -errno;
}

static int link_applets(const char *root)
{
	static const char *const argv[] = { BUSYBOX, "--list-full", NULL };
	const struct cmd cmd = { .argv = argv };
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	int r = cmd_run(&cmd, &result);
	char *rest = result.out;

	while (r == 0 && rest != NULL && *rest != '\0') {
		char *line = strsep(&rest, "\n");

		r = link_applet(root, line);
	}
	return r;
}

int rootfs_busybox(const char *root)
{
	int r = make_dirs(root);

	if (r == 0)
		r = make_files(root);
	if (r == 0)
		r = rootfs_install(root, BUSYBOX, BUSYBOX, 0755);
	if (r == 0)
		r = link_applets(root);
	return r;
}

/* Version 2 has no root id and would count on the host; version 3 counts below that id only. */
static int put_caps(const char *path, const struct vfs_cap_data *caps, uint32_t root_id)
{
	struct vfs_ns_cap_data ns = { .rootid = root_id };
	uint32_t effective = caps->magic_etc & VFS_CAP_FLAGS_EFFECTIVE;

	ns.magic_etc = VFS_CAP_REVISION_3 | effective;
	memcpy(ns.data, caps->data, sizeof(ns.data));
	return setxattr(path, "security.capability", &ns, sizeof(ns), 0) < 0 ? -errno : 0;
}

static int shift_entry(const char *path, const struct stat *st, uint32_t shift)
{
	struct vfs_cap_data caps;
	ssize_t n = -1;

	if (S_ISREG(st->st_mode))
		n = lgetxattr(path, "security.capability", &caps, sizeof(caps));
	if (lchown(path, st->st_uid + shift, st->st_gid + shift) < 0)
		return -errno;
	if (!S_ISLNK(st->st_mode) && chmod(path, st->st_mode & 07777) < 0)
		return -errno;
	return n == (ssize_t)sizeof(caps) ? put_caps(path, &caps, shift) : 0;
}

int rootfs_shift(const char *root, uint32_t shift)
{
	char top[PATH_MAX];
	char *roots[] = { top, NULL };
	FTSENT *e = NULL;
	int r = 0;

	snprintf(top, sizeof(top), "%s", root);

	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	if (fts == NULL)
		return -errno;
	while (r == 0 && (e = fts_read(fts)) != NULL) {
		/* Hard links are met more than once, but shifted only the first time. */
		if (e->fts_info != FTS_DP && e->fts_statp->st_uid < shift)
			r = shift_entry(e->fts_path, e->fts_statp, shift);
	}
	fts_close(fts);
	return r;
}

static int run_tool(const char *const *argv, int timeout_ms)
{
	const struct cmd cmd = { .argv = argv, .timeout_ms = timeout_ms };
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	int r = cmd_run(&cmd, &result);

	if (r == 0 && result.code == 0)
		return 0;
	fprintf(stderr, "rootfs: %s %s: %s (exit %d)\n%s%s\n", argv[0], argv[1],
	        r < 0 ? strerror(-r) : "failed", result.code, result.out == NULL ? "" : result.out,
	        result.err == NULL ? "" : result.err);
	return r < 0 ? r : -EIO;
}

static int copy_tree(const char *from, const char *to)
{
	const char *const argv[] = { "cp", "-a", "--reflink=auto", from, to, NULL };

	return run_tool(argv, 120000);
}

static int bootstrap_debian(const char *root)
{
	const char *given = getenv("ATTACHE_TEST_DEBIAN_ROOT");
	const char *const argv[] = {
		"debootstrap", "--variant=minbase", "--include=" DEBIAN_PACKAGES, "bookworm", root,
		NULL
	};

	if (given != NULL)
		return copy_tree(given, root);
	fprintf(stderr, "rootfs: bootstrapping a Debian for the tests, once; takes a minute\n");
	return run_tool(argv, 900000);
}

/* A user like the busybox's, and nothing that would start processes in the midst of a test. */
static int adapt_debian(const char *root)
{
	static const char script[] =
		"useradd -m -u 1000 -U -G users,audio -s /bin/bash alice && "
		"cd /etc/systemd/system && for u in apt-daily.timer apt-daily-upgrade.timer "
		"dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer "
		"console-getty.service container-getty@.service getty@.service; "
		"do ln -sf /dev/null $u; done && : > /etc/machine-id && rm -rf /var/cache/apt";
	const char *const argv[] = { "chroot", root, "/bin/sh", "-c", script, NULL };

	return run_tool(argv, 30000);
}

/* build/cache next to the tests' own directory, wherever the build put them. */
static int cache_dir(char *buf, size_t cap)
{
	const char *given = getenv("ATTACHE_TEST_CACHE");
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n < 0 ? 0 : n] = '\0';

	char *build = strstr(exe, "/build/");

	if (given != NULL)
		snprintf(buf, cap, "%s", given);
	else if (build != NULL)
		snprintf(buf, cap, "%.*s/build/cache", (int)(build - exe), exe);
	else
		snprintf(buf, cap, "build/cache");
	/* Its set-user-id files belong to an id that a host's user might have: nobody may look in. */
	if (mkdir(buf, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* Made under another name and renamed when complete, so that a broken-off one is never used. */
static int fill_cache(const char *cached)
{
	char making[700];
	int r = 0;

	snprintf(making, sizeof(making), "%s.making", cached);
	reap_tree(making);
	r = bootstrap_debian(making);
	if (r == 0)
		r = adapt_debian(making);
	if (r == 0)
		r = rootfs_shift(making, ROOTFS_SHIFT);
	if (r == 0 && rename(making, cached) < 0)
		r = -errno;
	if (r < 0)
		reap_tree(making);
	return r;
}

int rootfs_debian(const char *root)
{
	char dir[512];
	char cached[640];
	struct utsname uts;
	int r = cache_dir(dir, sizeof(dir));

	if (r < 0)
		return r;
	uname(&uts);
	snprintf(cached, sizeof(cached), "%s/bookworm-%s-%d-r%d", dir, uts.machine, ROOTFS_SHIFT,
	         DEBIAN_RECIPE);

	_cleanup_close_ int lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Two test programs may want the first one at once. */
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		return -errno;
	if (access(cached, F_OK) < 0)
		r = fill_cache(cached);
	return r < 0 ? r : copy_tree(cached, root);
}
