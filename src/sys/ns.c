/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#ifndef CLONE_NEWTIME
#	define CLONE_NEWTIME 0x00000080
#endif

const struct att_ns_kind att_ns_kinds[ATT_NS_COUNT] = {
	{ "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },    { "pid", CLONE_NEWPID },
	{ "net", CLONE_NEWNET },       { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS },
	{ "cgroup", CLONE_NEWCGROUP }, { "time", CLONE_NEWTIME },
};

static int read_one(int proc_fd, const char *name, struct att_ns *ret, struct att_err *err)
{
	char path[32];
	struct stat own;
	struct stat other;

	att_ignore(snprintf(path, sizeof(path), "/proc/self/ns/%s", name));
	if (stat(path, &own) < 0) {
		if (errno == ENOENT) {
			*ret = (struct att_ns){ .inode = 0, .shared = true };
			return 0;
		}
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SNAPSHOT, errno,
		                   "read own %s namespace", name);
	}
	if (fstatat(proc_fd, path + strlen("/proc/self/"), &other, 0) < 0)
		return att_err_sys(err,
		                   errno == ENOENT || errno == ESRCH ? ATT_E_CONTAINER_GONE
		                                                     : ATT_E_PERMISSION_DENIED,
		                   ATT_STAGE_SNAPSHOT, errno, "read %s namespace of init", name);
	ret->inode = other.st_ino;
	ret->shared = own.st_ino == other.st_ino && own.st_dev == other.st_dev;
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
