/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

const struct att_ns_kind att_ns_kinds[ATT_NS_COUNT] = {
	{ "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },    { "pid", CLONE_NEWPID },
	{ "net", CLONE_NEWNET },       { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

/*
 * A link reads "user:[4026531837]". To read it costs a third of what it costs to follow it, which
 * makes an inode; the numbers are those of one file system.
 */
static int read_link(int dir_fd, const char *path, uint64_t *ret)
{
	char text[64];
	char *open = NULL;
	char *close = NULL;
	ssize_t n = readlinkat(dir_fd, path, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return -EINVAL;
	*close = '\0';
	return att_parse_u64(open + 1, ret) ? 0 : -EINVAL;
}

static int read_one(int proc_fd, const char *name, struct att_ns *ret, struct att_err *err)
{
	char path[32];
	uint64_t own = 0;
	uint64_t other = 0;
	int r = 0;

	att_ignore(snprintf(path, sizeof(path), "/proc/self/ns/%s", name));
	r = read_link(AT_FDCWD, path, &own);
	if (r == -ENOENT) {
		*ret = (struct att_ns){ .inode = 0, .shared = true };
		return 0;
	}
	if (r < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SNAPSHOT, -r,
		                   "read own %s namespace", name);
	r = read_link(proc_fd, path + strlen("/proc/self/"), &other);
	if (r < 0)
		return att_err_sys(err,
		                   r == -ENOENT || r == -ESRCH ? ATT_E_CONTAINER_GONE
		                                               : ATT_E_PERMISSION_DENIED,
		                   ATT_STAGE_SNAPSHOT, -r, "read %s namespace of init", name);
	*ret = (struct att_ns){ .inode = other, .shared = own == other };
	return 0;
}

int att_ns_read(int proc_fd, struct att_ns ret[ATT_NS_COUNT], struct att_err *err)
{
	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		int r = read_one(proc_fd, att_ns_kinds[i].name, &ret[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static uint32_t flag_of(const char *name, size_t len)
{
	for (size_t i = 0; i < ATT_NS_COUNT; i++)
		if (strlen(att_ns_kinds[i].name) == len &&
		    strncmp(att_ns_kinds[i].name, name, len) == 0)
			return att_ns_kinds[i].flag;
	return 0;
}

bool att_ns_parse_list(const char *text, uint32_t *ret_flags)
{
	uint32_t flags = 0;

	for (;;) {
		size_t len = strcspn(text, ",");
		uint32_t flag = flag_of(text, len);

		if (flag == 0)
			return false;
		flags |= flag;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	*ret_flags = flags;
	return true;
}
