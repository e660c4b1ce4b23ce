/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launcher/leaf.h"

#include <asm/errno.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <linux/time.h>

#include "attach/launcher/sys.h"

#define NS_PER_SEC   INT64_C(1000000000)
#define NS_PER_MS    INT64_C(1000000)
#define WALK_NS      NS_PER_SEC
#define TREE_DEPTH   16
#define TREE_DIRS    4096
#define KILL_ROUNDS  50
#define PID_LIMIT    4194304 /* the kernel's own */
#define DT_DIR_      4
#define DIRENT_BYTES 1024

/* As getdents64(2) gives them. */
struct dirent_ {
	uint64_t ino;
	int64_t off;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* One pass over the leaf and what the job made below it. */
struct walk {
	const struct leaf *leaf;
	/* Return: did it do anything? */
	int (*each)(const struct leaf *leaf, int pid, int arg);
	int arg;
	int remove_dirs;
	unsigned dirs_left;
	int64_t give_up_ns; /* whoever forks or makes directories all the time cannot hold us */
	unsigned done;      /* pids with which something was done, directories removed */
};

int64_t leaf_now_ns(void)
{
	struct __kernel_timespec now = { 0, 0 };

	sys_call2(__NR_clock_gettime, CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_SEC + now.tv_nsec;
}

static int open_beneath(int dir_fd, const char *name)
{
	struct open_how how = { 0 };

	how.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
	return (int)sys_call4(__NR_openat2, dir_fd, name, &how, sizeof(how));
}

static int write_file_at(int dir_fd, const char *name, const char *text, size_t len)
{
	long fd = sys_call4(__NR_openat, dir_fd, name, O_WRONLY | O_CLOEXEC, 0);
	long n = 0;

	if (fd < 0)
		return (int)fd;
	n = sys_call3(__NR_write, fd, text, len);
	sys_call1(__NR_close, fd);
	return n < 0 ? (int)n : 0;
}

/* ---- walking ---- */

/* @pid is what is known of a number that the piece before cut; the same for the next piece. */
static int walk_piece(struct walk *w, const char *text, long len, int pid)
{
	for (long i = 0; i < len; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			/* Beyond the kernel's limit it is no pid. */
			pid = pid > PID_LIMIT ? pid : pid * 10 + (text[i] - '0');
			continue;
		}
		/* 0 is a process that our pid namespace does not have; written, it is ourselves. */
		if (pid > 1 && pid <= PID_LIMIT && w->each(w->leaf, pid, w->arg))
			w->done++;
		pid = 0;
	}
	return pid;
}

/* A threaded cgroup does not list its processes: the one at the top of its tree does. */
static void walk_pids(struct walk *w, int dir_fd)
{
	char text[4096];
	long fd = sys_call4(__NR_openat, dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC, 0);
	int pid = 0;
	long n = 0;

	if (fd < 0)
		return;
	do {
		n = sys_call3(__NR_read, fd, text, sizeof(text));
		if (n > 0)
			pid = walk_piece(w, text, n, pid);
	} while (n > 0 && leaf_now_ns() < w->give_up_ns);
	sys_call1(__NR_close, fd);
}

static void walk_dir(struct walk *w, int dir_fd, unsigned depth);

static void walk_child(struct walk *w, int parent_fd, const char *name, unsigned depth)
{
	int fd = open_beneath(parent_fd, name);

	if (fd < 0)
		return;
	w->dirs_left--;
	walk_dir(w, fd, depth);
	sys_call1(__NR_close, fd);
	if (w->remove_dirs && sys_call3(__NR_unlinkat, parent_fd, name, AT_REMOVEDIR) == 0)
		w->done++;
}

static int is_child(const struct dirent_ *e)
{
	int dots = e->name[0] == '.' &&
	           (e->name[1] == '\0' || (e->name[1] == '.' && e->name[2] == '\0'));

	return e->type == DT_DIR_ && !dots;
}

static void walk_children(struct walk *w, int dir_fd, unsigned depth)
{
	_Alignas(8) char entries[DIRENT_BYTES];
	long fd = sys_call4(__NR_openat, dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	long n = 1;

	while (fd >= 0 && n > 0 && w->dirs_left > 0 && leaf_now_ns() < w->give_up_ns) {
		n = sys_call3(__NR_getdents64, fd, entries, sizeof(entries));
		for (long at = 0; at < n && w->dirs_left > 0;) {
			const struct dirent_ *e = (const void *)(entries + at);

			if (is_child(e))
				walk_child(w, (int)fd, e->name, depth + 1);
			at += e->len;
		}
	}
	if (fd >= 0)
		sys_call1(__NR_close, fd);
}

/* A cgroup's link count tells how many children it has: nearly always none. */
static int has_children(int dir_fd)
{
	struct statx st;

	return sys_call5(__NR_statx, dir_fd, "", AT_EMPTY_PATH, STATX_NLINK, &st) == 0 &&
	       st.stx_nlink > 2;
}

/* Processes before children: a process that goes down meanwhile is met again there. */
static void walk_dir(struct walk *w, int dir_fd, unsigned depth)
{
	walk_pids(w, dir_fd);
	if (depth < TREE_DEPTH && has_children(dir_fd))
		walk_children(w, dir_fd, depth);
}

/* ---- signals ---- */

static int signal_one(const struct leaf *leaf, int pid, int sig)
{
	(void)leaf;
	sys_call2(__NR_kill, pid, sig);
	return 1;
}

/* Return: how many there were. */
static unsigned signal_all(const struct leaf *leaf, int sig)
{
	struct walk w = { 0 };

	w.leaf = leaf;
	w.each = signal_one;
	w.arg = sig;
	w.dirs_left = TREE_DIRS;
	w.give_up_ns = leaf_now_ns() + WALK_NS;
	walk_dir(&w, leaf->fd, 0);
	return w.done;
}

void leaf_signal(const struct leaf *leaf, int sig)
{
	signal_all(leaf, sig);
}

int leaf_kill(const struct leaf *leaf)
{
	int r = write_file_at(leaf->fd, "cgroup.kill", "1", 1);

	/* Before Linux 5.14: one by one, until no new one was forked meanwhile. */
	for (int i = 0; r == -ENOENT && i < KILL_ROUNDS; i++)
		if (signal_all(leaf, SIGKILL_) == 0)
			return 0;
	return r;
}

/* ---- the end ---- */

static int says_empty(const char *text, long len)
{
	static const char want[] = "populated 0";
	long n = sizeof(want) - 1;

	for (long i = 0; i + n <= len; i++) {
		long k = 0;

		while (k < n && text[i + k] == want[k])
			k++;
		if (k == n)
			return 1;
	}
	return 0;
}

int leaf_wait_empty(const struct leaf *leaf, int64_t deadline_ns, int sock)
{
	char text[256];
	/* Of the socket only a hang-up is told: what was sent may wait. */
	struct pollfd_ p[2] = { { -1, POLLPRI_, 0 }, { sock, 0, 0 } };
	int empty = 0;

	p[0].fd = (int)sys_call4(__NR_openat, leaf->fd, "cgroup.events", O_RDONLY | O_CLOEXEC, 0);
	for (;;) {
		long n = p[0].fd < 0 ? -1 : sys_call4(__NR_pread64, p[0].fd, text, sizeof(text), 0);
		int64_t left_ns = deadline_ns - leaf_now_ns();
		struct __kernel_timespec wait = { left_ns / NS_PER_SEC, left_ns % NS_PER_SEC };

		/* The container may have removed it: then it is empty. */
		empty = n < 0 || says_empty(text, n);
		if (empty || left_ns <= 0 || p[1].revents)
			break;
		sys_call5(__NR_ppoll, p, 2, &wait, 0, 0);
	}
	if (p[0].fd >= 0)
		sys_call1(__NR_close, p[0].fd);
	return empty;
}

static int move_one(const struct leaf *leaf, int pid, int unused)
{
	char text[12];
	size_t at = sizeof(text);

	(void)unused;
	do
		text[--at] = (char)('0' + pid % 10);
	while ((pid /= 10) > 0);
	return write_file_at(leaf->base_fd, "cgroup.procs", text + at, sizeof(text) - at) == 0;
}

/* Processes to the base, child cgroups removed. Return: is it worth to try again at once? */
static int empty_leaf(const struct leaf *leaf, int64_t give_up_ns)
{
	struct walk w = { 0 };

	w.leaf = leaf;
	w.each = move_one;
	w.remove_dirs = 1;
	w.dirs_left = TREE_DIRS;
	w.give_up_ns = give_up_ns;
	walk_dir(&w, leaf->fd, 0);
	return w.done > 0;
}

void leaf_remove(const struct leaf *leaf)
{
	static const struct __kernel_timespec moment = { 0, NS_PER_MS };
	int64_t give_up_ns = leaf_now_ns() + WALK_NS;

	while (sys_call3(__NR_unlinkat, leaf->base_fd, leaf->name, AT_REMOVEDIR) == -EBUSY) {
		if (leaf_now_ns() >= give_up_ns)
			return;
		if (empty_leaf(leaf, give_up_ns))
			continue;
		/* The last process may be gone and its cgroup not know it yet. */
		if (leaf_wait_empty(leaf, leaf_now_ns() + NS_PER_MS, -1))
			sys_call5(__NR_ppoll, 0, 0, &moment, 0, 0);
	}
}
