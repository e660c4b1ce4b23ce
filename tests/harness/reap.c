/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/reap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "harness/cgtree.h"
#include "harness/child.h"

#define LOCK_BASE        "/run/lxc/lock"
#define MONITOR_GRACE_NS (5 * ATT_NS_PER_SEC)

/* The 22nd field of /proc/PID/stat; the 2nd may hold anything, but ends at the last ')'. */
static unsigned long long start_time(pid_t pid)
{
	char path[64];
	char text[2048];
	unsigned long long ticks = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;

	char *p = strrchr(text, ')');

	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p != NULL && sscanf(p, "%llu", &ticks) == 1 ? ticks : 0;
}

char *reap_run_dir(char *buf, size_t cap)
{
	snprintf(buf, cap, REAP_BASE "/%d-%llu", getpid(), start_time(getpid()));
	return buf;
}

void reap_tree(const char *path)
{
	char root[PATH_MAX];
	char *roots[] = { root, NULL };
	FTSENT *e = NULL;

	snprintf(root, sizeof(root), "%s", path);

	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

	if (fts == NULL)
		return;
	while ((e = fts_read(fts)) != NULL) {
		if (e->fts_info == FTS_DP)
			att_ignore(rmdir(e->fts_path));
		else if (e->fts_info != FTS_D)
			att_ignore(unlink(e->fts_path));
	}
	fts_close(fts);
}

static void pause_ms(int ms)
{
	att_ignore(poll(NULL, 0, ms));
}

/* The monitor removes the cgroups when its init is dead; only if it does not, we do. */
void reap_container(const char *name)
{
	int64_t deadline_ns = att_clock_after_ns(MONITOR_GRACE_NS);

	cgtree_thaw(name);
	att_ignore(cgtree_kill(name, false));
	while (cgtree_count(name) > 0 && att_clock_now_ns() < deadline_ns) {
		pause_ms(10);
		/* Somebody may have attached after the first round. */
		att_ignore(cgtree_kill(name, false));
	}
	if (cgtree_count(name) == 0)
		return;
	for (int i = 0; i < 100 && cgtree_kill(name, true) > 0; i++)
		pause_ms(10);
	cgtree_remove(name);
}

void reap_run(const char *run_dir)
{
	char path[PATH_MAX];
	DIR *dir = opendir(run_dir);
	struct dirent *e = NULL;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			reap_container(e->d_name);
	if (dir != NULL)
		closedir(dir);
	reap_tree(run_dir);
	snprintf(path, sizeof(path), LOCK_BASE "%s", run_dir);
	reap_tree(path);
	/* Empty only when no other run is under way. */
	att_ignore(rmdir(LOCK_BASE REAP_BASE));
	if (rmdir(REAP_BASE) == 0)
		cgtree_remove_pivots();
}

static bool is_alive(const char *entry)
{
	int pid = 0;
	unsigned long long ticks = 0;

	if (sscanf(entry, "%d-%llu", &pid, &ticks) != 2)
		return true; /* not one of ours: leave it alone */
	return start_time(pid) == ticks;
}

void reap_stale(void)
{
	char path[PATH_MAX];
	DIR *dir = opendir(REAP_BASE);
	struct dirent *e = NULL;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || is_alive(e->d_name))
			continue;
		snprintf(path, sizeof(path), REAP_BASE "/%s", e->d_name);
		reap_run(path);
	}
	if (dir != NULL)
		closedir(dir);
}

_noreturn_ static void guard(const char *run_dir, int parent_fd)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	/* A session of its own: a ^C or a runner's kill of the group must not take it along. */
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Nobody who reads the tests' output shall wait for us. */
	dup2(parent_fd, 0);
	att_ignore(syscall(SYS_close_range, 1u, ~0u, 0u));
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		continue;
	if (access(run_dir, F_OK) == 0)
		reap_run(run_dir);
	_exit(0);
}

int reap_guard(const char *run_dir)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0)
		return -errno;

	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return -errno;
	/* Forked twice, so that a test that counts its children does not meet it. */
	if (pid == 0 && fork() == 0)
		guard(run_dir, fd);
	if (pid == 0)
		_exit(0);
	att_ignore(child_reap(pid, INT64_MAX, &status));
	return 0;
}
