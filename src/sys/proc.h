/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parsers for the text of /proc files. Pure: bytes in, value out; no file is opened here. They are
 * total over any bytes, because parts of these texts (process and cgroup names, mount points) are
 * chosen by whoever is inside the container. Only lines that end in a newline count: one that does
 * not was cut, and half a value is a wrong value.
 */
#ifndef ATT_SYS_PROC_H
#define ATT_SYS_PROC_H

#include <stdbool.h>

#include "base/defs.h"

#define ATT_RLIMITS          16
#define ATT_CGROUP_LINES_MAX 64

/* Ids are as the reader's user namespace sees them. */
struct att_proc_status {
	char state; /* 'R', 'S', 'D', 'Z', … */
	int32_t ppid;
	uint32_t uid[4]; /* real, effective, saved, file system */
	uint32_t gid[4];
	uint64_t cap_inh;
	uint64_t cap_prm;
	uint64_t cap_eff;
	uint64_t cap_bnd;
	uint64_t cap_amb;
	uint64_t sig_blk; /* bit n is signal n + 1 */
	uint64_t sig_ign;
	uint64_t sig_cgt;
	int32_t no_new_privs;
	int32_t seccomp;         /* SECCOMP_MODE_* */
	int32_t seccomp_filters; /* how many; -1 when the kernel does not say */
};

struct att_rlimits {
	struct {
		uint64_t soft;
		uint64_t hard;
	} v[ATT_RLIMITS]; /* by RLIMIT_* number; UINT64_MAX = unlimited */
};

struct att_cgroup_line {
	int hierarchy;           /* 0 is the v2 hierarchy */
	const char *controllers; /* "memory", "cpu,cpuacct", "name=systemd"; "" for v2 */
	const char *path;        /* absolute, within the reader's cgroup namespace */
};

struct att_cgroup_lines {
	char *text; /* owned; what the lines point into */
	struct att_cgroup_line *v;
	size_t n;
};

#define ATT_CGROUP_LINES_INIT \
	{ \
		0 \
	}
#define _cleanup_cgroup_lines_ _cleanup_(att_cgroup_lines_done)

struct att_mount {
	const char *root; /* which directory of the file system is mounted */
	const char *mount_point;
	const char *fs_type;       /* "cgroup" or "cgroup2" */
	const char *super_options; /* of the file system: for v1 they name the controllers */
};

struct att_mounts {
	char *text; /* owned; what the mounts point into */
	struct att_mount *v;
	size_t n;
};

#define ATT_MOUNTS_INIT \
	{ \
		0 \
	}
#define _cleanup_mounts_ _cleanup_(att_mounts_done)

/**
 * att_proc_parse_status() - the text of /proc/PID/status
 * @text: @len bytes, need not be terminated
 *
 * A key counts only at the start of a line, and only the first time: the process chooses what
 * stands behind "Name:", which comes first, but cannot put a newline into it.
 *
 * Return: false when a line that has a field in @ret is missing or malformed. Seccomp_filters alone
 * may be missing, as it is before Linux 5.9; all others are always there.
 * Source: proc_pid_status(5); fs/proc/array.c.
 */
bool att_proc_parse_status(const char *text, size_t len, struct att_proc_status *ret) _must_check_;

/**
 * att_proc_parse_limits() - the text of /proc/PID/limits
 * @text: @len bytes, need not be terminated
 *
 * Return: false when one of the 16 limits is missing or malformed.
 * Source: proc_pid_limits(5).
 */
bool att_proc_parse_limits(const char *text, size_t len, struct att_rlimits *ret) _must_check_;

/** att_rlimit_from_name() - "nofile" or "RLIMIT_NOFILE", any case. Return: RLIMIT_*, or -1. */
int att_rlimit_from_name(const char *name) _must_check_;

/** att_rlimit_name() - "NOFILE" for RLIMIT_NOFILE. Return: static; NULL when there is none. */
const char *att_rlimit_name(int resource);

/**
 * att_proc_parse_stat() - the text of /proc/PID/stat
 * @text:            @len bytes, need not be terminated
 * @ret_start_ticks: when the process started, in clock ticks since boot; with the pid it tells two
 *                   processes apart
 *
 * Return: false when malformed.
 * Source: proc_pid_stat(5), fields 3 and 22.
 */
bool att_proc_parse_stat(const char *text, size_t len, char *ret_state, uint64_t *ret_start_ticks)
	_must_check_;

/**
 * att_cgroup_lines_parse() - the text of /proc/PID/cgroup
 * @text: @len bytes, need not be terminated; copied
 * @ret:  out, owned by the caller after; must not own lines yet
 *
 * Return: 0; -EINVAL when malformed, cut or longer than 64 lines; -ENOMEM.
 * Source: cgroups(7), "/proc files".
 */
int att_cgroup_lines_parse(const char *text, size_t len, struct att_cgroup_lines *ret) _must_check_;

/** att_cgroup_lines_done() - free the lines; idempotent. */
void att_cgroup_lines_done(struct att_cgroup_lines *lines);

/**
 * att_mounts_parse() - the cgroup and cgroup2 mounts in the text of /proc/self/mountinfo
 * @text: @len bytes, need not be terminated; copied
 * @ret:  out, owned by the caller after; must not own mounts yet
 *
 * Shape: in the order of the text, so that a later mount on the same place covers an earlier one.
 *
 * Return: 0, also when there are none; -EINVAL when malformed or cut; -ENOMEM.
 * Source: proc_pid_mountinfo(5).
 */
int att_mounts_parse(const char *text, size_t len, struct att_mounts *ret) _must_check_;

/** att_mounts_done() - free the mounts; idempotent. */
void att_mounts_done(struct att_mounts *mounts);

#endif
