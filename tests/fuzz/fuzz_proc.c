/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parsers of /proc text on any bytes: no crash, and what is accepted is within its bounds. */
#include <errno.h>
#include <string.h>

#include "sys/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_status(const char *text, size_t size)
{
	struct att_proc_status s = { 0 };

	if (!att_proc_parse_status(text, size, &s))
		return;
	att_assert(s.state != '\0' && s.ppid >= 0);
	att_assert(s.no_new_privs >= 0 && s.seccomp >= 0 && s.seccomp_filters >= -1);
}

static void check_stat(const char *text, size_t size)
{
	char state = 0;
	uint64_t ticks = 0;

	if (att_proc_parse_stat(text, size, &state, &ticks))
		att_assert(state != '\0' && memchr(text, ')', size));
}

static void check_cgroup(const char *text, size_t size)
{
	struct att_cgroup_lines lines = ATT_CGROUP_LINES_INIT;
	int r = att_cgroup_lines_parse(text, size, &lines);

	att_assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	att_assert(lines.n <= ATT_CGROUP_LINES_MAX);
	for (size_t i = 0; i < lines.n; i++) {
		att_assert(lines.v[i].hierarchy >= 0 && lines.v[i].path[0] == '/');
		att_assert(!strchr(lines.v[i].controllers, ':'));
		att_assert(!strchr(lines.v[i].path, '\n'));
	}
	att_cgroup_lines_done(&lines);
}

static void check_mounts(const char *text, size_t size)
{
	struct att_mounts mounts = ATT_MOUNTS_INIT;
	int r = att_mounts_parse(text, size, &mounts);

	att_assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	for (size_t i = 0; i < mounts.n; i++) {
		const struct att_mount *m = &mounts.v[i];

		att_assert(strcmp(m->fs_type, "cgroup") == 0 || strcmp(m->fs_type, "cgroup2") == 0);
		att_assert(strlen(m->root) + strlen(m->mount_point) + strlen(m->super_options) <
		           size);
	}
	att_mounts_done(&mounts);
}

static void check_rlimit_name(const char *text, size_t size)
{
	char *name = strndup(text, size);
	int n = 0;

	att_assert(name);
	n = att_rlimit_from_name(name);
	att_assert(n == -1 || att_rlimit_from_name(att_rlimit_name(n)) == n);
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct att_rlimits limits;

	check_status(text, size);
	check_stat(text, size);
	check_cgroup(text, size);
	check_mounts(text, size);
	check_rlimit_name(text, size);
	att_ignore(att_proc_parse_limits(text, size, &limits));
	return 0;
}
