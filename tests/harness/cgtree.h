/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroup directories of a container, in every hierarchy that is mounted here, v1 and v2. They
 * are recognised by the container's name in a component of their path, so that it does not matter
 * which pattern liblxc was told to use. Names of test boxes are made so that none holds another.
 */
#ifndef ATT_HARNESS_CGTREE_H
#define ATT_HARNESS_CGTREE_H

#include <stdbool.h>
#include <sys/types.h>

/** Called with a directory, children before parents; non-zero ends the walk. */
typedef int (*cgtree_dir_fn)(const char *path, void *data);

/** cgtree_each() - visit the directories of @name. Return: 0, or what @fn ended the walk with. */
int cgtree_each(const char *name, cgtree_dir_fn fn, void *data);

/** cgtree_is_monitor() - is it the monitor's, not the container's? */
bool cgtree_is_monitor(const char *path);

/** cgtree_thaw() - let frozen processes of @name run, so that they can be killed. */
void cgtree_thaw(const char *name);

/** cgtree_kill() - kill what is in them; the monitor only @with_monitor. Return: how many. */
int cgtree_kill(const char *name, bool with_monitor);

/** cgtree_count() - how many directories there are. */
int cgtree_count(const char *name);

/** cgtree_remove() - remove the directories that are empty. */
void cgtree_remove(const char *name);

/** cgtree_remove_pivots() - remove the "lxc.pivot" of liblxc where no monitor is left. */
void cgtree_remove_pivots(void);

#endif
