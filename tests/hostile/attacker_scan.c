/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan SECRET PATH FILE...: catches every new process of the container as early as it can and tries
 * all that root inside may try on it. SECRET is what only the host knows, PATH a file of the host's
 * that holds it, each FILE "DEVICE:INODE" a program or library of the host's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostile/attacker.h"

#define MAX_FILES  32
#define MAX_KEPT   64
#define MAX_FDS    32
#define ROUNDS     4
#define CHUNK      (1 << 16)
#define MAX_REGION (1 << 20)

struct file {
	dev_t dev;
	ino_t ino;
};

static struct {
	const char *secret;
	const char *path;
	struct file host[MAX_FILES];
	size_t n_host;
	struct file own[4];
	size_t n_own;
	int kept[MAX_KEPT]; /* programs of the processes seen, still to be overwritten */
	size_t n_kept;
	unsigned long long bounding;
	unsigned long filters;
	char ns[8][64];
	unsigned seen;
	unsigned early; /* caught before its exec */
	unsigned traced;
	unsigned foreign;
} s;

static const char *const ns_names[] = { "mnt", "pid", "ipc", "uts", "cgroup", "user", "net" };

static bool is_in(const struct file *v, size_t n, const struct stat *st)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].dev == st->st_dev && v[i].ino == st->st_ino)
			return true;
	return false;
}

static ssize_t slurp(const char *path, char *buf, size_t cap)
{
	size_t used = 0;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	while (n > 0 && used < cap - 1) {
		n = read(fd, buf + used, cap - 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	buf[used] = '\0';
	return (ssize_t)used;
}

static bool has_secret(const char *buf, ssize_t len)
{
	return len > 0 && memmem(buf, (size_t)len, s.secret, strlen(s.secret)) != NULL;
}

/* ---- one try each ---- */

static void try_environ(pid_t pid)
{
	static char buf[CHUNK];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	if (has_secret(buf, slurp(path, buf, sizeof(buf))))
		won("environ", "of process %d", pid);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (has_secret(buf, slurp(path, buf, sizeof(buf))))
		won("cmdline", "of process %d", pid);
}

/* Keeps it for later: while it runs, the kernel lets nobody write it. */
static void keep(int fd)
{
	if (s.n_kept < MAX_KEPT)
		s.kept[s.n_kept++] = fd;
	else
		close(fd);
}

/*
 * The page that a job tells the failure of its own start in is its own to write until the exec; what
 * can be done with it is tried by "scribble".
 */
static bool is_own(int fd)
{
	char path[64];
	char target[32] = "";
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fstat(fd, &st) < 0 || is_in(s.own, s.n_own, &st) ||
	       readlink(path, target, sizeof(target) - 1) < 0 ||
	       strcmp(target, "/dev/zero (deleted)") == 0;
}

static void judge_program(pid_t pid, const char *what, int fd)
{
	struct stat st;

	if (is_own(fd) || fstat(fd, &st) < 0) {
		close(fd);
		return;
	}
	s.foreign++;
	if (is_in(s.host, s.n_host, &st))
		won(what, "of process %d is a file of the host's", pid);
	keep(fd);
}

static void try_exe(pid_t pid)
{
	char path[64];
	char target[PATH_MAX];
	ssize_t n = 0;
	int fd = -1;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		judge_program(pid, "exe", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0 && strncmp(target, "/memfd:", 7) == 0)
		s.early++;
}

static void try_map_files(pid_t pid)
{
	static char maps[CHUNK];
	char path[128];
	char dir[64];
	char *line = maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (slurp(path, maps, sizeof(maps)) <= 0)
		return;
	for (int i = 0; i < 12 && *line != '\0'; i++) {
		size_t len = strcspn(line, " \n");
		int fd = -1;

		snprintf(dir, sizeof(dir), "/proc/%d/map_files", pid);
		snprintf(path, sizeof(path), "%s/%.*s", dir, (int)len, line);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			judge_program(pid, "map_files", fd);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

/* A way to the host's files through a link of the process. */
static void try_way(pid_t pid, const char *link)
{
	char path[PATH_MAX];
	char buf[256];

	snprintf(path, sizeof(path), "/proc/%d/%s%s", pid, link, s.path);
	if (has_secret(buf, slurp(path, buf, sizeof(buf))))
		won(strncmp(link, "fd", 2) == 0 ? "fd" : link, "%s", path);
}

static void try_fds(pid_t pid)
{
	char link[16];

	for (int fd = 0; fd < MAX_FDS; fd++) {
		snprintf(link, sizeof(link), "fd/%d", fd);
		try_way(pid, link);
	}
}

static void judge_status(pid_t pid, char *text)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	const char *p = NULL;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		p = strstr(text, sets[i]);
		if (p != NULL && (strtoull(p + 7, NULL, 16) & ~s.bounding) != 0)
			won("caps", "process %d has %.24s", pid, p);
	}
	p = strstr(text, "Seccomp_filters:");
	if (p != NULL && strtoul(p + 16, NULL, 10) < s.filters)
		won("seccomp", "process %d has fewer filters", pid);
}

static void try_status(pid_t pid)
{
	char text[4096];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	/* A process that has ended has lost its filters already. */
	if (slurp(path, text, sizeof(text)) > 0 && strstr(text, "\nVmSize:") != NULL)
		judge_status(pid, text);
}

static void try_namespaces(pid_t pid)
{
	char path[64];
	char target[64];

	for (size_t i = 0; i < sizeof(ns_names) / sizeof(ns_names[0]); i++) {
		ssize_t n = 0;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, ns_names[i]);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, s.ns[i]) != 0)
			won("namespace", "process %d is in %s", pid, target);
	}
}

static bool region_has_secret(int mem, unsigned long from, unsigned long to)
{
	static char buf[MAX_REGION];
	size_t len = to - from < sizeof(buf) ? to - from : sizeof(buf);

	return has_secret(buf, pread(mem, buf, len, (off_t)from));
}

static void read_memory(pid_t pid)
{
	static char maps[CHUNK];
	char path[64];
	char *line = maps;
	int mem = -1;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	if (slurp(path, maps, sizeof(maps)) <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	while (mem >= 0 && *line != '\0') {
		unsigned long from = 0;
		unsigned long to = 0;

		if (sscanf(line, "%lx-%lx r", &from, &to) == 2 && region_has_secret(mem, from, to))
			won("memory", "of process %d at %lx", pid, from);
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	if (mem >= 0)
		close(mem);
}

/* Held where it is, all of it can be read in peace. */
static void try_trace(pid_t pid)
{
	int status = 0;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
		return;
	s.traced++;
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0)
		waitpid(pid, &status, __WALL);
	try_exe(pid);
	try_fds(pid);
	try_status(pid);
	read_memory(pid);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
}

/* ---- all of them ---- */

static void try_ways(pid_t pid)
{
	try_way(pid, "root");
	try_way(pid, "cwd");
}

/* Each process meets another one first: only one try can be the earliest. */
static void attack(pid_t pid)
{
	static void (*const tries[])(pid_t) = {
		try_exe,    try_fds,  try_environ,    try_trace,
		try_status, try_ways, try_namespaces, try_map_files,
	};
	const size_t n = sizeof(tries) / sizeof(tries[0]);
	size_t first = s.seen++ % n;

	for (size_t i = 0; i < ROUNDS * n; i++)
		tries[(first + i) % n](pid);
}

/* Writes the byte that is there already, so that winning does no harm. */
static void overwrite(int fd)
{
	char path[64];
	char target[PATH_MAX] = "?";
	char byte = 0;
	int out = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0 || pread(fd, &byte, 1, 0) != 1)
		return;
	out = open(path, O_WRONLY | O_CLOEXEC);
	if (out >= 0 && pwrite(out, &byte, 1, 0) == 1)
		won("overwrite", "%s", target);
	if (out >= 0)
		close(out);
}

static void overwrite_kept(void)
{
	for (size_t i = 0; i < s.n_kept; i++) {
		overwrite(s.kept[i]);
		close(s.kept[i]);
	}
	s.n_kept = 0;
}

static void look_at_self(void)
{
	static const char *const own[] = { "/bin/busybox", "/probe", "/attacker" };
	char text[4096];
	char path[64];
	struct stat st;
	const char *p = NULL;

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (stat(own[i], &st) == 0)
			s.own[s.n_own++] = (struct file){ st.st_dev, st.st_ino };
	for (size_t i = 0; i < sizeof(ns_names) / sizeof(ns_names[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", ns_names[i]);
		if (readlink(path, s.ns[i], sizeof(s.ns[i]) - 1) < 0)
			s.ns[i][0] = '\0';
	}
	slurp("/proc/self/status", text, sizeof(text));
	p = strstr(text, "CapBnd:");
	s.bounding = p == NULL ? 0 : strtoull(p + 7, NULL, 16);
	p = strstr(text, "Seccomp_filters:");
	s.filters = p == NULL ? 0 : strtoul(p + 16, NULL, 10);
}

static void parse(char *const argv[])
{
	s.secret = argv[0];
	s.path = argv[1];
	for (argv += 2; *argv != NULL && s.n_host < MAX_FILES; argv++) {
		unsigned long dev = 0;
		unsigned long ino = 0;

		if (sscanf(*argv, "%lu:%lu", &dev, &ino) == 2)
			s.host[s.n_host++] = (struct file){ dev, ino };
	}
}

int verb_scan(char *const argv[])
{
	pid_t done = 0;

	parse(argv);
	look_at_self();
	setpriority(PRIO_PROCESS, 0, -20);
	done = last_pid();
	ready();
	for (unsigned turn = 0; turn % 64 != 0 || goes_on(); turn++) {
		pid_t last = last_pid();

		/* Newest first: it is the one that has not gone far yet. */
		for (pid_t pid = last; pid > done; pid--)
			attack(pid);
		if (last == done && s.n_kept > MAX_KEPT / 2)
			overwrite_kept();
		done = last > done ? last : done;
	}
	overwrite_kept();
	printf("seen %u early %u traced %u foreign %u\n", s.seen, s.early, s.traced, s.foreign);
	return 0;
}
