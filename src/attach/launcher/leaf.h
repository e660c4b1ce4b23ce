/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The job's own cgroup, for whoever watches over it: signals to all that is in it, its end, its
 * removal. What is in it, and how many cgroups the job made below, is the container's to decide, so
 * everything here is bounded: 1 s, 16 levels, 4096 cgroups.
 */
#ifndef ATT_ATTACH_LAUNCHER_LEAF_H
#define ATT_ATTACH_LAUNCHER_LEAF_H

#include <stdint.h>

struct leaf {
	int base_fd; /* directory that holds it */
	int fd;      /* the leaf; -1: the job has none of its own */
	const char *name;
};

/** leaf_now_ns() - CLOCK_MONOTONIC. */
int64_t leaf_now_ns(void);

/** leaf_signal() - @sig to each process in the leaf and in cgroups below it. */
void leaf_signal(const struct leaf *leaf, int sig);

/** leaf_kill() - SIGKILL to everything in it, at once. Return: 0 or -errno. */
int leaf_kill(const struct leaf *leaf);

/**
 * leaf_wait_empty() - wait until no process is left in it
 * @deadline_ns: of leaf_now_ns()
 * @sock:        give up when the other side of it is closed; -1: do not look
 *
 * Return: is it empty?
 */
int leaf_wait_empty(const struct leaf *leaf, int64_t deadline_ns, int sock);

/**
 * leaf_remove() - remove it after its job has ended
 *
 * What the job left running (a daemon that it started) moves to the base and lives on; cgroups that
 * the job made below the leaf are removed with it.
 */
void leaf_remove(const struct leaf *leaf);

#endif
