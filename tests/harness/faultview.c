/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/faultview.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defs.h"
#include "base/fd.h"

#define BASE "/.lxc"
#define LEAF "/attache-"

struct text {
	char *dst;
	size_t cap;
	size_t len;
};

_printf_(2, 3) static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);

	int n = vsnprintf(t->dst + t->len, t->cap - t->len, fmt, ap);

	va_end(ap);
	if (n > 0)
		t->len += (size_t)n < t->cap - t->len ? (size_t)n : t->cap - t->len - 1;
}

/* The job's own cgroup, without its random part; and which of the bases it is below is the same. */
static void put_line(struct text *t, const char *head, char *line)
{
	char *base = strstr(line, BASE);
	char *leaf = strstr(line, LEAF);

	if (base == NULL || leaf == NULL) {
		put(t, "%s: %s\n", head, line);
		return;
	}
	*base = '\0';
	put(t, "%s: %s" BASE LEAF "\n", head, line);
}

static void put_lines(struct text *t, const char *head, char *text)
{
	char *rest = text;
	char *line = NULL;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			put_line(t, head, line);
}

static void put_file(struct text *t, int dir, const char *name)
{
	char text[6144];
	ssize_t n = att_fd_read_file_at(dir, name, text, sizeof(text));

	if (n < 0) {
		put(t, "%s: error %zd\n", name, -n);
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		text[i] = text[i] == '\0' ? '\n' : text[i];
	put_lines(t, name, text);
}

/* Of all that there is in the status, what says who it is and what it may do. */
static void put_status(struct text *t, int dir)
{
	static const char *const fields[] = {
		"Umask:",
		"Uid:",
		"Gid:",
		"Groups:",
		"Threads:",
		"SigBlk:",
		"SigIgn:",
		"SigCgt:",
		"Cap",
		"NoNewPrivs:",
		"Seccomp",
		"Speculation",
		"THP_",
		"Cpus_allowed_list:",
		"Mems_allowed_list:",
	};
	char text[6144];
	char *rest = text;
	char *line = NULL;

	if (att_fd_read_file_at(dir, "status", text, sizeof(text)) <= 0)
		return;
	while ((line = strsep(&rest, "\n")) != NULL)
		for (size_t i = 0; i < countof(fields); i++)
			if (strncmp(line, fields[i], strlen(fields[i])) == 0)
				put(t, "status: %s\n", line);
}

static void put_link(struct text *t, int dir, const char *name)
{
	char target[512] = "";
	char *number = NULL;

	if (readlinkat(dir, name, target, sizeof(target) - 1) < 0)
		return;
	number = strstr(target, "pipe:[");
	if (number != NULL)
		number[5] = '\0';
	put(t, "%s -> %s\n", name, target);
}

static void put_links(struct text *t, int dir, const char *sub)
{
	_cleanup_close_ int fd = openat(dir, sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	struct dirent *e = NULL;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char name[300];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", sub, e->d_name);
		put_link(t, dir, name);
	}
	if (d != NULL)
		closedir(d);
}

void fault_view(pid_t pid, char *dst, size_t cap)
{
	static const char *const files[] = { "cgroup",        "limits",  "oom_score_adj",
		                             "personality",   "cmdline", "environ",
		                             "timerslack_ns", "uid_map", "attr/current" };
	struct text t = { dst, cap, 0 };
	char path[32];
	_cleanup_close_ int dir = -1;

	dst[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return;
	put_status(&t, dir);
	for (size_t i = 0; i < countof(files); i++)
		put_file(&t, dir, files[i]);
	put_links(&t, dir, "ns");
	put_links(&t, dir, "fd");
	put_link(&t, dir, "root");
	put_link(&t, dir, "cwd");
	put_link(&t, dir, "exe");
}
