/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespace kinds, and which of a process's namespaces are not the caller's. */
#ifndef ATT_SYS_NS_H
#define ATT_SYS_NS_H

#include <stdbool.h>

#include "base/err.h"

enum {
	ATT_NS_COUNT = 8
};

struct att_ns_kind {
	const char *name; /* as in /proc/PID/ns, and as options name it */
	uint32_t flag;    /* CLONE_NEW* */
};

extern const struct att_ns_kind att_ns_kinds[ATT_NS_COUNT];

struct att_ns {
	uint64_t inode; /* 0: the kernel has no such namespace */
	bool shared;    /* the same as the caller's */
};

/**
 * att_ns_read_own() - the caller's namespaces
 * @proc_fd: directory /proc/self
 * @ret:     out: inodes in the order of att_ns_kinds; 0: the kernel has no such namespace
 *
 * Errors: INTERNAL_ERROR.
 */
int att_ns_read_own(int proc_fd, uint64_t ret[ATT_NS_COUNT], struct att_err *err) _must_check_;

/**
 * att_ns_read() - the namespaces of a process beside the caller's
 * @proc_fd: directory /proc/PID of the process
 * @own:     from att_ns_read_own()
 * @ret:     out: one for each kind, in the order of att_ns_kinds
 *
 * Errors: CONTAINER_GONE, PERMISSION_DENIED.
 */
int att_ns_read(int proc_fd, const uint64_t own[ATT_NS_COUNT], struct att_ns ret[ATT_NS_COUNT],
                struct att_err *err) _must_check_;

/** att_ns_parse_list() - "mnt,pid" to CLONE_NEW* flags. Return: false for an unknown or no name. */
bool att_ns_parse_list(const char *text, uint32_t *ret_flags) _must_check_;

#endif
