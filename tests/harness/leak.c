/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/leak.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/strv.h"
#include "harness/cgtree.h"

#define FIRST_SHIFTED_ID 100000u
#define PATIENCE_NS      (3 * ATT_NS_PER_SEC)
#define LOOK_AGAIN_MS    20
#define MAX_KEYS         256
#define SHORT_PATH       512

struct leak {
	const struct box *box;    /* borrowed; NULL: none */
	char payload[SHORT_PATH]; /* the container's own cgroup on v2, from its root */
	ino_t pid_ns;             /* of the box; 0: none */
	struct att_strv before;   /* sorted */
};

_printf_(2, 3) static int add(struct att_strv *to, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	va_start(ap, fmt);

	int n = vasprintf(&line, fmt, ap);

	va_end(ap);
	if (n < 0) {
		line = NULL;
		return -ENOMEM;
	}
	return att_strv_add(to, line, (size_t)n);
}

static bool is_number(const char *text)
{
	return isdigit((unsigned char)text[0]) != 0;
}

/* ---- this process ------------------------------------------------------------------------- */

static int add_fds(struct att_strv *to)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e = NULL;
	int r = dir == NULL ? -errno : 0;

	while (r == 0 && (e = readdir(dir)) != NULL) {
		char target[SHORT_PATH] = "";

		if (!is_number(e->d_name) || strtol(e->d_name, NULL, 10) == dirfd(dir))
			continue;
		if (readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1) < 0)
			continue;
		r = add(to, "fd %s -> %s", e->d_name, target);
	}
	if (dir != NULL)
		closedir(dir);
	return r;
}

/* A line of /proc/keys is told by its first word, the id: the rest has a count of users in it. */
/*
 * Of /proc/keys only session keyrings of ids that no program of the host has: root's come and go with
 * every service.
 */
static int add_line(struct att_strv *to, const char *kind, const char *line)
{
	unsigned int uid = 0;

	if (strcmp(kind, "mount") == 0)
		return add(to, "%s %s", kind, line);
	if (strstr(line, " _ses:") == NULL || sscanf(line, "%*s %*s %*s %*s %*s %u", &uid) != 1 ||
	    uid < FIRST_SHIFTED_ID)
		return 0;
	return add(to, "%s %.8s of %u", kind, line, uid);
}

static int add_lines_of(struct att_strv *to, const char *kind, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	int r = 0;

	if (f == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && getline(&line, &cap, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		r = add_line(to, kind, line);
	}
	free(line);
	fclose(f);
	return r;
}

static int add_terminals(struct att_strv *to)
{
	int r = 0;

	for (int fd = 0; fd <= 2 && r == 0; fd++) {
		struct termios t;

		if (tcgetattr(fd, &t) == 0)
			r = add(to, "termios %d: %x %x %x %x", fd, t.c_iflag, t.c_oflag, t.c_cflag,
			        t.c_lflag);
	}
	return r;
}

static int add_keys_of(struct att_strv *to, const char *name, int keyring)
{
	int32_t keys[MAX_KEYS];
	long id = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, keyring, 0);
	long n = id < 0 ? -1 : syscall(SYS_keyctl, KEYCTL_READ, id, keys, sizeof(keys));
	int r = add(to, "keyring %s %ld", name, id < 0 ? 0 : id);

	n /= (long)sizeof(keys[0]);
	for (long i = 0; i < n && i < MAX_KEYS && r == 0; i++)
		r = add(to, "key in %s: %d", name, keys[i]);
	return r;
}

/* Session keyrings that nothing refers to vanish by themselves; one that stays is held somewhere. */
static int add_keyrings(struct att_strv *to)
{
	int r = add_keys_of(to, "session", KEY_SPEC_SESSION_KEYRING);

	if (r == 0)
		r = add_keys_of(to, "user", KEY_SPEC_USER_KEYRING);
	if (r == 0)
		r = add_keys_of(to, "user-session", KEY_SPEC_USER_SESSION_KEYRING);
	if (r == 0)
		r = add_lines_of(to, "session-keyring", "/proc/keys");
	return r;
}

/* ---- processes ---------------------------------------------------------------------------- */

struct process {
	const char *pid; /* as text, a name in /proc */
	char comm[64];
	char state;
	int ppid;
};

static bool read_process(const char *pid, struct process *ret)
{
	char path[64];
	char text[1024];

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if (att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;

	char *open = strchr(text, '(');
	char *close = strrchr(text, ')');

	if (open == NULL || close == NULL || sscanf(close, ") %c %d", &ret->state, &ret->ppid) != 2)
		return false;
	*close = '\0';
	snprintf(ret->comm, sizeof(ret->comm), "%s", open + 1);
	ret->pid = pid;
	return true;
}

static bool is_in_box(const struct leak *leak, const char *pid)
{
	char path[64];
	char text[4096];
	struct stat st;

	if (leak->box == NULL)
		return false;
	snprintf(path, sizeof(path), "/proc/%.20s/ns/pid", pid);
	if (leak->pid_ns != 0 && stat(path, &st) == 0 && st.st_ino == leak->pid_ns)
		return true;
	snprintf(path, sizeof(path), "/proc/%.20s/cgroup", pid);
	return att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) > 0 &&
	       strstr(text, box_name(leak->box)) != NULL;
}

static int add_memfds_of(struct att_strv *to, const struct process *p)
{
	char path[64];
	struct dirent *e = NULL;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", p->pid);

	DIR *dir = opendir(path);

	while (dir != NULL && r == 0 && (e = readdir(dir)) != NULL) {
		char target[128] = "";

		if (readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1) > 0 &&
		    strncmp(target, "/memfd:", 7) == 0)
			r = add(to, "memfd %s of %s (%s): %s", e->d_name, p->pid, p->comm, target);
	}
	if (dir != NULL)
		closedir(dir);
	return r;
}

static int add_process(struct att_strv *to, const struct leak *leak, const char *pid)
{
	struct process p;
	const char *kind = NULL;

	if (!read_process(pid, &p))
		return 0;
	if (p.ppid == getpid())
		kind = "child";
	else if (p.state != 'Z' && is_in_box(leak, pid)) /* reaping it is its parent's business */
		kind = "process";
	if (kind == NULL)
		return 0;

	int r = add(to, "%s %s (%s)%s", kind, pid, p.comm, p.state == 'Z' ? " zombie" : "");

	return r == 0 ? add_memfds_of(to, &p) : r;
}

static int add_processes(struct att_strv *to, const struct leak *leak)
{
	DIR *dir = opendir("/proc");
	struct dirent *e = NULL;
	int r = dir == NULL ? -errno : 0;

	while (r == 0 && (e = readdir(dir)) != NULL)
		if (is_number(e->d_name))
			r = add_process(to, leak, e->d_name);
	if (dir != NULL)
		closedir(dir);
	return r;
}

/* ---- cgroups and lock files --------------------------------------------------------------- */

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return n <= len && strncmp(text + len - n, end, n) == 0;
}

/*
 * ".lxc" directly below the payload cgroup is kept between runs on purpose, and ".lxc-1" where the
 * container's root has the first name because liblxc made it.
 */
static bool is_kept_leaf(const struct leak *leak, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL && (strcmp(slash, "/.lxc") == 0 || strcmp(slash, "/.lxc-1") == 0) &&
	       leak->payload[0] != '\0' && ends_with(path, (size_t)(slash - path), leak->payload);
}

struct adding {
	struct att_strv *to;
	const struct leak *leak;
};

static int add_cgroup(const char *path, void *data)
{
	const struct adding *a = data;

	return is_kept_leaf(a->leak, path) ? 0 : add(a->to, "cgroup %s", path);
}

static int add_locks(struct att_strv *to, const char *lxcpath)
{
	char top[SHORT_PATH];
	char *roots[] = { top, NULL };
	FTSENT *e = NULL;
	int r = 0;

	snprintf(top, sizeof(top), "/run/lxc/lock%s", lxcpath);

	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	while (fts != NULL && r == 0 && (e = fts_read(fts)) != NULL)
		if (e->fts_info != FTS_DP && e->fts_info != FTS_NS)
			r = add(to, "lock %s", e->fts_path);
	if (fts != NULL)
		fts_close(fts);
	return r;
}

/* ---- before and after --------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int look(const struct leak *leak, struct att_strv *to)
{
	struct adding adding = { .to = to, .leak = leak };
	int r = add_fds(to);

	if (r == 0)
		r = add_lines_of(to, "mount", "/proc/self/mountinfo");
	if (r == 0)
		r = add_terminals(to);
	if (r == 0)
		r = add_keyrings(to);
	if (r == 0)
		r = add_processes(to, leak);
	if (r == 0 && leak->box != NULL)
		r = cgtree_each(box_name(leak->box), add_cgroup, &adding);
	if (r == 0 && leak->box != NULL)
		r = add_locks(to, box_lxcpath(leak->box));
	if (r == 0 && to->n > 0)
		qsort(to->v, to->n, sizeof(*to->v), by_text);
	return r;
}

/* The container's cgroup on v2; a systemd init has moved on into init.scope below it. */
static void read_payload(struct leak *leak, pid_t init)
{
	char path[64];
	char text[4096];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", init);
	if (att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return;

	const char *line = strstr(text, "0::");

	while (line != NULL && line != text && line[-1] != '\n')
		line = strstr(line + 1, "0::");
	if (line == NULL)
		return;

	size_t len = strcspn(line + 3, "\n");

	if (ends_with(line + 3, len, "/init.scope"))
		len -= strlen("/init.scope");
	snprintf(leak->payload, sizeof(leak->payload), "%.*s", (int)len, line + 3);
}

static void read_box(struct leak *leak)
{
	char path[64];
	struct stat st;
	pid_t init = box_init_pid(leak->box);

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	if (init > 0 && stat(path, &st) == 0)
		leak->pid_ns = st.st_ino;
	if (init > 0)
		read_payload(leak, init);
}

int leak_new(struct leak **ret, const struct box *box)
{
	_cleanup_leak_ struct leak *leak = calloc(1, sizeof(*leak));

	if (leak == NULL)
		return -ENOMEM;
	leak->box = box;
	if (box != NULL)
		read_box(leak);

	int r = look(leak, &leak->before);

	if (r < 0)
		return r;
	*ret = take_ptr(&leak);
	return 0;
}

/* Only of these is it wrong that one is gone: processes end, and so do their cgroups. */
static bool must_stay(const char *line)
{
	return strncmp(line, "fd ", 3) == 0 || strncmp(line, "mount ", 6) == 0 ||
	       strncmp(line, "termios ", 8) == 0;
}

/* Both sorted. Return: number of differences, or -errno. */
static int diff(const struct att_strv *before, const struct att_strv *after, struct att_buf *to)
{
	size_t i = 0;
	size_t k = 0;
	int n = 0;
	int r = 0;

	while ((i < before->n || k < after->n) && r == 0) {
		int order = i == before->n  ? 1
		            : k == after->n ? -1
		                            : strcmp(before->v[i], after->v[k]);
		if (order > 0) {
			r = att_buf_printf(to, "+ %s\n", after->v[k]);
			n++;
		} else if (order < 0 && must_stay(before->v[i])) {
			r = att_buf_printf(to, "- %s\n", before->v[i]);
			n++;
		}
		i += order <= 0 ? 1 : 0;
		k += order >= 0 ? 1 : 0;
	}
	return r < 0 ? r : n;
}

static int look_and_diff(const struct leak *leak, struct att_buf *text)
{
	_cleanup_strv_ struct att_strv after = ATT_STRV_INIT;
	int r = look(leak, &after);

	return r < 0 ? r : diff(&leak->before, &after, text);
}

int leak_check(const struct leak *leak, char **ret_diff)
{
	int64_t deadline_ns = att_clock_after_ns(PATIENCE_NS);

	for (;;) {
		_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
		int n = look_and_diff(leak, &text);

		if (n > 0 && att_clock_now_ns() < deadline_ns) {
			att_ignore(poll(NULL, 0, LOOK_AGAIN_MS));
			continue;
		}
		if (n < 0)
			return n;
		*ret_diff = text.data == NULL ? strdup("") : take_ptr(&text.data);
		return *ret_diff == NULL ? -ENOMEM : n;
	}
}

struct leak *leak_free(struct leak *leak)
{
	if (leak == NULL)
		return NULL;
	att_strv_done(&leak->before);
	free(leak);
	return NULL;
}

void leak_free_p(struct leak **leak)
{
	*leak = leak_free(*leak);
}
