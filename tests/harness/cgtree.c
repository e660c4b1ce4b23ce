/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/cgtree.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/fd.h"

#define MAX_DEPTH 8

struct walk {
	const char *name;
	cgtree_dir_fn fn;
	void *data;
	size_t mount_len; /* of the path: what comes after it is searched for the name */
};

/* Directories of other containers, of which there may be many, need not be looked into. */
static bool is_foreign(const char *dir, const char *name)
{
	bool is_lxc =
		strncmp(dir, "lxc.payload.", 12) == 0 || strncmp(dir, "lxc.monitor.", 12) == 0;

	return is_lxc && strstr(dir, name) == NULL;
}

static int walk_dir(const struct walk *w, char path[static PATH_MAX], int depth);

static int walk_entry(const struct walk *w, char path[static PATH_MAX], const char *entry,
                      int depth)
{
	size_t len = strlen(path);
	int r = 0;

	if (snprintf(path + len, PATH_MAX - len, "/%s", entry) < (int)(PATH_MAX - len))
		r = walk_dir(w, path, depth);
	path[len] = '\0';
	return r;
}

/* @path is extended on the way down and cut on the way up. */
static int walk_dir(const struct walk *w, char path[static PATH_MAX], int depth)
{
	DIR *dir = depth > MAX_DEPTH ? NULL : opendir(path);
	struct dirent *e = NULL;
	int r = 0;

	while (dir != NULL && r == 0 && (e = readdir(dir)) != NULL)
		if (e->d_type == DT_DIR && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && !is_foreign(e->d_name, w->name))
			r = walk_entry(w, path, e->d_name, depth + 1);
	if (dir != NULL)
		closedir(dir);
	if (r == 0 && strstr(path + w->mount_len, w->name) != NULL)
		r = w->fn(path, w->data);
	return r;
}

/* A mount point may be listed although another mount hides it; walking it twice does no harm. */
static int each_mount(int (*fn)(const char *mount, void *data), void *data)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *m = NULL;
	int r = 0;

	if (mounts == NULL)
		return 0;
	while (r == 0 && (m = getmntent(mounts)) != NULL)
		if (strcmp(m->mnt_type, "cgroup") == 0 || strcmp(m->mnt_type, "cgroup2") == 0)
			r = fn(m->mnt_dir, data);
	endmntent(mounts);
	return r;
}

static int walk_mount(const char *mount, void *data)
{
	struct walk w = *(const struct walk *)data;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", mount);
	w.mount_len = strlen(path);
	return walk_dir(&w, path, 0);
}

int cgtree_each(const char *name, cgtree_dir_fn fn, void *data)
{
	struct walk w = { .name = name, .fn = fn, .data = data };

	return each_mount(walk_mount, &w);
}

bool cgtree_is_monitor(const char *path)
{
	return strstr(path, "/lxc.monitor") != NULL;
}

static void write_file(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, file);

	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		att_ignore(att_fd_write_full(fd, text, strlen(text)));
}

static int thaw_dir(const char *path, void *data)
{
	(void)data;
	write_file(path, "freezer.state", "THAWED");
	write_file(path, "cgroup.freeze", "0");
	return 0;
}

void cgtree_thaw(const char *name)
{
	att_ignore(cgtree_each(name, thaw_dir, NULL));
}

struct killing {
	bool with_monitor;
	int n;
};

static int kill_dir(const char *path, void *data)
{
	struct killing *k = data;
	char file[PATH_MAX];
	int pid = 0;

	if (cgtree_is_monitor(path) && !k->with_monitor)
		return 0;
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);

	FILE *f = fopen(file, "re");

	if (f == NULL)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		if (pid > 1 && pid != getpid() && kill(pid, SIGKILL) == 0)
			k->n++;
	fclose(f);
	return 0;
}

int cgtree_kill(const char *name, bool with_monitor)
{
	struct killing k = { .with_monitor = with_monitor };

	att_ignore(cgtree_each(name, kill_dir, &k));
	return k.n;
}

static int count_dir(const char *path, void *data)
{
	(void)path;
	++*(int *)data;
	return 0;
}

int cgtree_count(const char *name)
{
	int n = 0;

	att_ignore(cgtree_each(name, count_dir, &n));
	return n;
}

static int remove_dir(const char *path, void *data)
{
	(void)data;
	att_ignore(rmdir(path));
	return 0;
}

void cgtree_remove(const char *name)
{
	att_ignore(cgtree_each(name, remove_dir, NULL));
}

/* Another monitor could be about to move there; then it is left to the last one. */
static bool has_monitors(const char *mount)
{
	DIR *dir = opendir(mount);
	struct dirent *e = NULL;
	bool found = false;

	while (dir != NULL && !found && (e = readdir(dir)) != NULL)
		found = strncmp(e->d_name, "lxc.monitor", 11) == 0;
	if (dir != NULL)
		closedir(dir);
	return found;
}

static int remove_pivot(const char *mount, void *data)
{
	char path[PATH_MAX];

	(void)data;
	snprintf(path, sizeof(path), "%s/lxc.pivot", mount);
	if (!has_monitors(mount))
		att_ignore(rmdir(path));
	return 0;
}

void cgtree_remove_pivots(void)
{
	att_ignore(each_mount(remove_pivot, NULL));
}
