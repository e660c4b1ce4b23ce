/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An immutable picture of what confines a container's init, and of the caller beside it. Read on the
 * host from /proc/INIT, through a directory descriptor that is checked against init's pidfd after it
 * was opened: the truth is the live init, never the configuration on disk.
 */
#ifndef ATT_CT_SNAPSHOT_H
#define ATT_CT_SNAPSHOT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "ct/lxc.h"
#include "ct/self.h"
#include "sys/idmap.h"

struct att_snapshot {
	pid_t host_pid; /* init's */
	int proc_fd;    /* /proc/INIT */
	int cgroup_fd;  /* the container's root in the v2 hierarchy; -1 when there is none */
	struct att_process init;
	struct att_process self;
	struct att_ns ns[ATT_NS_COUNT];
	uint64_t own_ns[ATT_NS_COUNT];
	struct att_idmap uids, gids;    /* of init's user namespace, to the caller's */
	struct att_cgroup_lines cgroup; /* init's; paths as the host sees them */
	size_t cgroup_root_len
		[ATT_CGROUP_LINES_MAX];      /* the container's root: a prefix of each path */
	struct att_cgroup_lines self_cgroup; /* the caller's */
	uint64_t start_ticks;                /* when init started, in clock ticks since boot */
	bool frozen;
	char *seccomp_profile; /* host path that the running container was given, or NULL */
};

#define ATT_SNAPSHOT_INIT \
	{ \
		.proc_fd = -1, .cgroup_fd = -1 \
	}

/**
 * att_snapshot_take() - look at a container
 * @ct:  stays the caller's, and is settled afterwards
 * @ret: out, owned by the caller after
 *
 * Errors: CONTAINER_GONE, CONFINEMENT_UNAVAILABLE (something that confines init cannot be read),
 * PERMISSION_DENIED, TIMEOUT, NO_MEMORY.
 * Context: parent.
 */
int att_snapshot_take(struct att_ct *ct, struct att_snapshot *ret, struct att_err *err)
	_must_check_;

/** att_snapshot_done() - idempotent. */
void att_snapshot_done(struct att_snapshot *s);

/** att_snapshot_enters() - CLONE_NEW* of the namespaces that are not the caller's. */
uint32_t att_snapshot_enters(const struct att_snapshot *s);

/**
 * att_snapshot_is_ending() - is init on its way out?
 *
 * It stays for as long as there are processes left to be reaped, but without memory.
 */
bool att_snapshot_is_ending(const struct att_snapshot *s);

/** att_snapshot_root_is_host_root() - is the container's uid 0 the host's? */
bool att_snapshot_root_is_host_root(const struct att_snapshot *s);

/**
 * att_snapshot_set_cgroup_root() - replace the guess for the container's v2 root
 * @line: index in s->cgroup
 * @len:  length of the root's path
 *
 * Errors: CONFINEMENT_UNAVAILABLE.
 */
int att_snapshot_set_cgroup_root(struct att_snapshot *s, size_t line, size_t len,
                                 struct att_err *err) _must_check_;

/**
 * att_snapshot_started_wall_ns() - when init started, CLOCK_REALTIME in ns; 0 when unknown
 */
int64_t att_snapshot_started_wall_ns(const struct att_snapshot *s);

#endif
