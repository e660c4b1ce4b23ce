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

static const char *link_path(char path[16], size_t kind)
{
	att_ignore(snprintf(path, 16, "ns/%s", att_ns_kinds[kind].name));
	return path;
}

int att_ns_read_own(int proc_fd, uint64_t ret[ATT_NS_COUNT], struct att_err *err)
{
	char path[16];

	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		int r = read_link(proc_fd, link_path(path, i), &ret[i]);

		if (r == -ENOENT)
			ret[i] = 0;
		else if (r < 0)
			return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SNAPSHOT, -r,
			                   "read own %s namespace", att_ns_kinds[i].name);
	}
	return 0;
}

static int read_of_init(int proc_fd, size_t kind, uint64_t *ret, struct att_err *err)
{
	char path[16];
	int r = read_link(proc_fd, link_path(path, kind), ret);

	if (r < 0)
		return att_err_sys(err,
		                   r == -ENOENT || r == -ESRCH ? ATT_E_CONTAINER_GONE
		                                               : ATT_E_PERMISSION_DENIED,
		                   ATT_STAGE_SNAPSHOT, -r, "read %s namespace of init",
		                   att_ns_kinds[kind].name);
	return 0;
}

/*
 * A kind that the caller's own /proc does not show is one that the kernel does not know, and then
 * init's does not show it either: else the job would stay in the caller's.
 */
static int check_unknown(int proc_fd, size_t kind, struct att_err *err)
{
	char path[16];
	uint64_t inode = 0;
	int r = read_link(proc_fd, link_path(path, kind), &inode);

	if (r == -ENOENT)
		return 0;
	return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SNAPSHOT,
	                   "read own %s namespace: there is none, but init has one",
	                   att_ns_kinds[kind].name);
}

int att_ns_read(int proc_fd, const uint64_t own[ATT_NS_COUNT], struct att_ns ret[ATT_NS_COUNT],
                struct att_err *err)
{
	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		int r = 0;

		ret[i] = (struct att_ns){ .inode = 0, .shared = true };
		r = own[i] == 0 ? check_unknown(proc_fd, i, err)
		                : read_of_init(proc_fd, i, &ret[i].inode, err);
		if (r < 0)
			return r;
		ret[i].shared = own[i] == ret[i].inode;
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
