/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's cgroups as the host sees them: where its root is in every hierarchy, the leaf
 * that a job is born into, and ending all that is in a leaf.
 *
 * Layout below the container's v2 root: a base directory ".lxc" (as liblxc names it; kept between
 * runs), and in it one leaf for each job. The base has no controllers switched on for its
 * children, so a leaf costs next to nothing and the container's limits hold one level above.
 */
#ifndef ATT_SYS_CGROUP_H
#define ATT_SYS_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define ATT_CGROUP_LEAF_NAME 64
#define ATT_CGROUP_BASES     32 /* how many base names are tried before giving up */

struct att_cgroup_leaf {
	int base_fd;
	int leaf_fd;
	char base_name[16];
	char name[ATT_CGROUP_LEAF_NAME];
};

#define ATT_CGROUP_LEAF_INIT \
	{ \
		-1, -1, "", "" \
	}

/**
 * att_cgroup_guess_root() - the container's own root within init's cgroup path
 * @path: init's path in one hierarchy, as the host sees it
 * @name: container name
 *
 * By the layouts of liblxc ("…/lxc.payload.NAME") and Proxmox VE ("…/lxc/NAME[/ns]"), topmost first,
 * since the container can only make cgroups below its own; else init's path without systemd's
 * "/init.scope". A guess: whoever uses it has it checked from inside the cgroup namespace.
 *
 * Return: length of the root's path, a prefix of @path; 0 for the hierarchy's root.
 */
size_t att_cgroup_guess_root(const char *path, const char *name);

/**
 * att_cgroup_derive_root() - the container's root from what a process inside saw of itself
 * @host_path: where that process is, as the host sees it
 * @seen:      the same place relative to the cgroup namespace's root ("/.lxc/x", "/../y")
 * @init_path: where init is, as the host sees it
 *
 * Return: length of the root's path as a prefix of @init_path, or -1 when the three do not fit.
 */
ssize_t att_cgroup_derive_root(const char *host_path, const char *seen, const char *init_path);

/**
 * att_cgroup_open() - directory of a cgroup
 * @controllers: the hierarchy as /proc/PID/cgroup names it: "" is v2, "cpu,cpuacct", "name=systemd"
 * @path:        absolute path in that hierarchy
 * @len:         bytes of @path to use
 *
 * Errors: CONFINEMENT_UNAVAILABLE when the hierarchy is not mounted or the directory is not there.
 */
int att_cgroup_open(const char *controllers, const char *path, size_t len, int *ret_fd,
                    struct att_err *err) _must_check_;

/**
 * att_cgroup_open_file() - open a file of a cgroup in a v1 hierarchy for writing
 * @controllers, @path, @len: as for att_cgroup_open()
 *
 * Errors: as att_cgroup_open().
 */
int att_cgroup_open_file(const char *controllers, const char *path, size_t len, const char *file,
                         int *ret_fd, struct att_err *err) _must_check_;

/**
 * att_cgroup_is_frozen() - is everything in this cgroup stopped by the freezer?
 * @dir_fd: the container's root in a v2 hierarchy, or in v1's freezer
 */
bool att_cgroup_is_frozen(int dir_fd);

/**
 * att_cgroup_base_open() - open the base for jobs, made if it is missing
 * @root_fd:   the container's v2 root
 * @base:      which base name to use, 0…ATT_CGROUP_BASES-1; the next when one cannot be joined
 * @owner_uid: host uid and gid that shall own it; 0: leave it to root
 * @ret:       out: base_fd and base_name; the leaf is made by whoever watches over it
 *
 * Errors: CONFINEMENT_UNAVAILABLE, LIMIT_EXCEEDED (cgroup.max.descendants).
 */
int att_cgroup_base_open(int root_fd, unsigned base, uid_t owner_uid, gid_t owner_gid,
                         struct att_cgroup_leaf *ret, struct att_err *err) _must_check_;

/** att_cgroup_leaf_open() - open the leaf of leaf->name, if it is not open. Return: 0 or -errno. */
int att_cgroup_leaf_open(struct att_cgroup_leaf *leaf);

/** att_cgroup_leaf_done() - close the descriptors; the directory stays. Idempotent. */
void att_cgroup_leaf_done(struct att_cgroup_leaf *leaf);

/** att_cgroup_leaf_kill() - SIGKILL to everything in the leaf, at once. Return: 0 or -errno. */
int att_cgroup_leaf_kill(const struct att_cgroup_leaf *leaf);

/** att_cgroup_leaf_remove() - end and remove the leaf of a job that came to nothing. */
void att_cgroup_leaf_remove(struct att_cgroup_leaf *leaf, int64_t deadline_ns);

#endif
