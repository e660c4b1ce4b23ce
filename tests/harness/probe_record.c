/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/probe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/keyctl.h>

#define TARGET_MAX 1024 /* bytes of a link's target that are shown */
#define FDS_MAX    1024 /* descriptors that are listed */

struct lines {
	char **v;
	size_t n;
	size_t cap;
	int error; /* first errno met while gathering, 0 if none */
};

static void add_line(struct lines *l, char *line)
{
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 256 : l->cap * 2;
		char **v = reallocarray(l->v, cap, sizeof(*v));

		if (v == NULL) {
			l->error = ENOMEM;
			free(line);
			return;
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n++] = line;
}

/* Escapes so that one line is one value whatever bytes an environment or a path holds. */
static char *escape(const char *text)
{
	char *out = malloc(strlen(text) * 4 + 1);
	char *p = out;

	if (out == NULL)
		return NULL;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c > 0x7e || c == '\\') {
			p += snprintf(p, 5, "\\x%02x", c);
		} else {
			*p++ = (char)c;
		}
	}
	*p = '\0';
	return out;
}

__attribute__((format(printf, 3, 4))) static void put(struct lines *l, const char *key,
                                                      const char *fmt, ...)
{
	char *value = NULL;
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&value, fmt, ap) < 0)
		value = NULL;
	va_end(ap);

	char *safe_key = escape(key);
	char *safe_value = value == NULL ? NULL : escape(value);

	if (safe_key == NULL || safe_value == NULL ||
	    asprintf(&line, "%s=%s", safe_key, safe_value) < 0)
		l->error = ENOMEM;
	else
		add_line(l, line);
	free(safe_key);
	free(safe_value);
	free(value);
}

__attribute__((format(printf, 2, 3))) static char *key_of(char buf[static 128], const char *fmt,
                                                          ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, 128, fmt, ap);
	va_end(ap);
	return buf;
}

/* Reads a small file of /proc; the result is "-" where it cannot be read or is empty. */
static const char *read_text(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, cap - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return "-";
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\0'))
		n--;
	buf[n] = '\0';
	return n == 0 ? "-" : buf;
}

static const char *read_target(const char *path, char buf[static TARGET_MAX])
{
	ssize_t n = readlink(path, buf, TARGET_MAX - 1);

	if (n < 0)
		return probe_errno_name(errno);
	buf[n] = '\0';
	return buf;
}

/* What /proc/self/status says under another name here. */
static const struct {
	const char *field;
	const char *key;
} status_fields[] = {
	{ "CapInh:", "cap.inheritable" },
	{ "CapPrm:", "cap.permitted" },
	{ "CapEff:", "cap.effective" },
	{ "CapBnd:", "cap.bounding" },
	{ "CapAmb:", "cap.ambient" },
	{ "NoNewPrivs:", "nnp" },
	{ "Seccomp:", "seccomp.mode" },
	{ "Seccomp_filters:", "seccomp.filters" },
	{ "Speculation_Store_Bypass:", "speculation.store_bypass" },
	{ "SpeculationIndirectBranch:", "speculation.indirect_branch" },
	{ "Umask:", "umask" },
	{ "TracerPid:", "tracer" },
	{ "Threads:", "threads" },
	{ "Groups:", "groups" },
	{ "SigBlk:", "signals.blocked" },
	{ "SigIgn:", "signals.ignored" },
	{ "SigCgt:", "signals.caught" },
	{ "SigPnd:", "signals.pending" },
	{ "ShdPnd:", "signals.shared_pending" },
	{ "Cpus_allowed_list:", "cpus" },
	{ "Mems_allowed_list:", "mems" },
	{ "THP_enabled:", "thp" },
};

static void put_ids(struct lines *l, const char *kind, const char *text)
{
	static const char *const which[] = { "real", "effective", "saved", "fs" };
	char key[128];

	for (size_t i = 0; i < 4; i++) {
		char *end = NULL;
		unsigned long id = strtoul(text, &end, 10);

		put(l, key_of(key, "%s.%s", kind, which[i]), "%lu", id);
		text = end;
	}
}

/* The kernel's list ends in a blank; commas make it one word. */
static void put_groups(struct lines *l, char *text)
{
	for (char *p = text + strlen(text); p > text && p[-1] == ' '; p--)
		p[-1] = '\0';
	for (char *p = text; *p != '\0'; p++)
		*p = *p == ' ' ? ',' : *p;
	put(l, "groups", "%s", text);
}

static void put_status_line(struct lines *l, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	char *value = line + strcspn(line, ":");

	value += *value == ':' ? 1 : 0;
	value += strspn(value, "\t ");
	if (strncmp(line, "Uid:", 4) == 0)
		put_ids(l, "uid", value);
	else if (strncmp(line, "Gid:", 4) == 0)
		put_ids(l, "gid", value);
	else if (strncmp(line, "Groups:", 7) == 0)
		put_groups(l, value);
	else
		for (size_t i = 0; i < sizeof(status_fields) / sizeof(status_fields[0]); i++)
			if (strncmp(line, status_fields[i].field, strlen(status_fields[i].field)) ==
			    0)
				put(l, status_fields[i].key, "%s", value);
}

static void put_status(struct lines *l)
{
	FILE *f = fopen("/proc/self/status", "re");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL) {
		l->error = errno;
		return;
	}
	while (getline(&line, &cap, f) >= 0)
		put_status_line(l, line);
	free(line);
	fclose(f);
}

static void put_namespaces(struct lines *l)
{
	static const char *const kinds[] = { "mnt", "pid",    "net",  "ipc",
		                             "uts", "cgroup", "user", "time" };
	char path[64];
	char key[128];
	char target[TARGET_MAX];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		put(l, key_of(key, "ns.%s", kinds[i]), "%s", read_target(path, target));
	}
}

/* "pipe", "socket", "file", "dir", "tty", "chr:1:3", "blk:8:0", or an anonymous inode's name. */
static void put_fd_kind(struct lines *l, int fd, const char *key)
{
	char path[64];
	char target[TARGET_MAX];
	struct stat st;

	if (fstat(fd, &st) < 0) {
		put(l, key, "%s", probe_errno_name(errno));
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_target(path, target);
	if (isatty(fd))
		put(l, key, "tty");
	else if (S_ISFIFO(st.st_mode))
		put(l, key, strncmp(target, "pipe:", 5) == 0 ? "pipe" : "fifo");
	else if (S_ISSOCK(st.st_mode))
		put(l, key, "socket");
	else if (S_ISDIR(st.st_mode))
		put(l, key, "dir");
	else if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		put(l, key, "%s:%u:%u", S_ISCHR(st.st_mode) ? "chr" : "blk", major(st.st_rdev),
		    minor(st.st_rdev));
	else if (strncmp(target, "/memfd:", 7) == 0)
		put(l, key, "memfd");
	else
		put(l, key, "%s", strncmp(target, "anon_inode:", 11) == 0 ? target : "file");
}

static void put_fd(struct lines *l, int fd)
{
	static const char *const modes[] = { "r", "w", "rw", "path" };
	int flags = fcntl(fd, F_GETFL);
	char key[128];

	put_fd_kind(l, fd, key_of(key, "fd.%d", fd));
	if (flags < 0)
		return;
	put(l, key_of(key, "fd.%d.flags", fd), "%s%s%s%s",
	    modes[(flags & O_PATH) != 0 ? 3 : flags & O_ACCMODE],
	    (flags & O_NONBLOCK) != 0 ? ",nonblock" : "", (flags & O_APPEND) != 0 ? ",append" : "",
	    (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? ",cloexec" : "");
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Collects first, so that the listing's own descriptor is told apart from those that were there. */
static size_t list_fds(int *fds, size_t cap)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e = NULL;
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL && n < cap) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (e->d_name[0] != '.' && fd != dirfd(dir))
			fds[n++] = fd;
	}
	closedir(dir);
	qsort(fds, n, sizeof(*fds), by_number);
	return n;
}

static void put_fds(struct lines *l)
{
	static int fds[FDS_MAX];
	static char list[FDS_MAX * 8];
	size_t used = 0;
	size_t n = list_fds(fds, sizeof(fds) / sizeof(fds[0]));

	for (size_t i = 0; i < n; i++) {
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%d",
		                         i == 0 ? "" : ",", fds[i]);
		put_fd(l, fds[i]);
	}
	put(l, "fds", "%s", list);
}

static void put_session(struct lines *l)
{
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct winsize ws;

	put(l, "ctty", "%s", tty >= 0 ? "ok" : probe_errno_name(errno));
	if (tty >= 0 && ioctl(tty, TIOCGWINSZ, &ws) == 0)
		put(l, "winsize", "%hux%hu", ws.ws_col, ws.ws_row);
	else
		put(l, "winsize", "-");
	if (tty >= 0)
		put(l, "tpgid", "%d", tcgetpgrp(tty));
	else
		put(l, "tpgid", "-");
	if (tty >= 0)
		close(tty);
	put(l, "pid", "%d", getpid());
	put(l, "ppid", "%d", getppid());
	put(l, "pgid", "%d", getpgrp());
	put(l, "sid", "%d", getsid(0));
}

static void put_rlimit(struct lines *l, const char *name, int which)
{
	struct rlimit r;
	char key[128];
	char soft[32] = "unlimited";
	char hard[32] = "unlimited";

	if (getrlimit((__rlimit_resource_t)which, &r) < 0) {
		put(l, key_of(key, "rlimit.%s", name), "%s", probe_errno_name(errno));
		return;
	}
	if (r.rlim_cur != RLIM_INFINITY)
		snprintf(soft, sizeof(soft), "%llu", (unsigned long long)r.rlim_cur);
	if (r.rlim_max != RLIM_INFINITY)
		snprintf(hard, sizeof(hard), "%llu", (unsigned long long)r.rlim_max);
	put(l, key_of(key, "rlimit.%s", name), "%s:%s", soft, hard);
}

static void put_rlimits(struct lines *l)
{
	static const struct {
		const char *name;
		int which;
	} limits[] = {
		{ "as", RLIMIT_AS },
		{ "core", RLIMIT_CORE },
		{ "cpu", RLIMIT_CPU },
		{ "data", RLIMIT_DATA },
		{ "fsize", RLIMIT_FSIZE },
		{ "locks", RLIMIT_LOCKS },
		{ "memlock", RLIMIT_MEMLOCK },
		{ "msgqueue", RLIMIT_MSGQUEUE },
		{ "nice", RLIMIT_NICE },
		{ "nofile", RLIMIT_NOFILE },
		{ "nproc", RLIMIT_NPROC },
		{ "rss", RLIMIT_RSS },
		{ "rtprio", RLIMIT_RTPRIO },
		{ "rttime", RLIMIT_RTTIME },
		{ "sigpending", RLIMIT_SIGPENDING },
		{ "stack", RLIMIT_STACK },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		put_rlimit(l, limits[i].name, limits[i].which);
}

static void put_scheduling(struct lines *l)
{
	long prio = syscall(SYS_ioprio_get, 1, 0);
	struct sched_param param = { 0 };
	char buf[64];

	errno = 0;
	put(l, "nice", "%d", getpriority(PRIO_PROCESS, 0));
	put(l, "ioprio", "%ld:%ld", prio >> 13, prio & 0x1fff);
	sched_getparam(0, &param);
	put(l, "sched", "%d:%d", sched_getscheduler(0), param.sched_priority);
	put(l, "timerslack", "%d", prctl(PR_GET_TIMERSLACK));
	put(l, "oom_score_adj", "%s", read_text("/proc/self/oom_score_adj", buf, sizeof(buf)));
}

static void put_process(struct lines *l)
{
	char target[TARGET_MAX];
	char text[1024];
	int pdeathsig = 0;
	int subreaper = 0;

	prctl(PR_GET_PDEATHSIG, &pdeathsig);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	put(l, "pdeathsig", "%d", pdeathsig);
	put(l, "subreaper", "%d", subreaper);
	put(l, "dumpable", "%d", prctl(PR_GET_DUMPABLE));
	put(l, "keepcaps", "%d", prctl(PR_GET_KEEPCAPS));
	put(l, "securebits", "0x%x", (unsigned int)prctl(PR_GET_SECUREBITS));
	put(l, "personality", "0x%x", (unsigned int)personality(0xffffffff));
	put(l, "coredump_filter", "%s",
	    read_text("/proc/self/coredump_filter", text, sizeof(text)));
	put(l, "lsm", "%s", read_text("/proc/self/attr/current", text, sizeof(text)));
	put(l, "comm", "%s", read_text("/proc/self/comm", text, sizeof(text)));
	put(l, "exe", "%s", read_target("/proc/self/exe", target));
	put(l, "root", "%s", read_target("/proc/self/root", target));
	/* The system call, not getcwd(3): it says "(unreachable)" where the latter only fails. */
	put(l, "cwd", "%s",
	    syscall(SYS_getcwd, target, sizeof(target)) < 0 ? probe_errno_name(errno) : target);
}

/* "0::/a" is cgroup.unified, "5:devices:/a" cgroup.devices, "9:name=systemd:/" cgroup.systemd. */
static void put_cgroup_line(struct lines *l, char *line)
{
	char key[128];
	char *names = strchr(line, ':');
	char *path = names == NULL ? NULL : strchr(names + 1, ':');

	if (path == NULL)
		return;
	line[strcspn(line, "\n")] = '\0';
	*path++ = '\0';
	names++;
	if (strncmp(names, "name=", 5) == 0)
		names += 5;
	put(l, key_of(key, "cgroup.%s", *names == '\0' ? "unified" : names), "%s", path);
}

static void put_cgroups(struct lines *l)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char *line = NULL;
	size_t cap = 0;

	if (f == NULL) {
		l->error = errno;
		return;
	}
	while (getline(&line, &cap, f) >= 0)
		put_cgroup_line(l, line);
	free(line);
	fclose(f);
}

/* The secret is a key that a test plants in the caller's session keyring before it runs attache. */
static void put_keyring(struct lines *l)
{
	char text[512] = "";
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	if (id < 0)
		put(l, "keyring.session", "%s", probe_errno_name(errno));
	else
		put(l, "keyring.session", "%ld", id);
	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof(text) - 1) <
	    0)
		put(l, "keyring.description", "%s", probe_errno_name(errno));
	else
		put(l, "keyring.description", "%s", text);
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user",
	            "attache-test-secret", 0) < 0)
		put(l, "keyring.secret", "%s", probe_errno_name(errno));
	else
		put(l, "keyring.secret", "found");
}

static void put_command(struct lines *l, int argc, char *const argv[], char *const envp[])
{
	char key[128];

	put(l, "argc", "%d", argc);
	for (int i = 0; i < argc; i++)
		put(l, key_of(key, "argv.%d", i), "%s", argv[i]);
	for (size_t i = 0; envp[i] != NULL; i++) {
		size_t len = strcspn(envp[i], "=");
		char *name = NULL;

		if (asprintf(&name, "env.%.*s", (int)len, envp[i]) < 0) {
			l->error = ENOMEM;
			return;
		}
		put(l, name, "%s", envp[i][len] == '=' ? envp[i] + len + 1 : "");
		free(name);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int probe_record(FILE *out, int argc, char *const argv[], char *const envp[])
{
	struct lines l = { 0 };

	put_fds(&l); /* first: what follows opens files of its own */
	put_status(&l);
	put_namespaces(&l);
	put_session(&l);
	put_rlimits(&l);
	put_scheduling(&l);
	put_process(&l);
	put_cgroups(&l);
	put_keyring(&l);
	put_command(&l, argc, argv, envp);
	if (l.n > 0)
		qsort(l.v, l.n, sizeof(*l.v), by_text);
	for (size_t i = 0; i < l.n; i++) {
		fprintf(out, "%s\n", l.v[i]);
		free(l.v[i]);
	}
	free(l.v);
	if (l.error == 0 && fflush(out) != 0)
		l.error = errno;
	return -l.error;
}
