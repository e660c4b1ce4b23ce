/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes test containers down whatever state they are in, also those of a run that was killed: every
 * run has a directory of its own, named after the process and its start time, and a guard process
 * that outlives it by as long as the clean-up takes.
 */
#ifndef ATT_HARNESS_REAP_H
#define ATT_HARNESS_REAP_H

#include <stddef.h>

#define REAP_BASE "/var/lib/attache-test"

/** reap_run_dir() - name of this process's run directory below REAP_BASE. Return: @buf. */
char *reap_run_dir(char *buf, size_t cap);

/** reap_container() - kill a container, wait for its monitor, remove its cgroups. */
void reap_container(const char *name);

/** reap_run() - take down every container of a run directory and remove it. */
void reap_run(const char *run_dir);

/** reap_stale() - reap the runs of processes that no longer exist. */
void reap_stale(void);

/** reap_guard() - start a process that reaps @run_dir when the caller ends. Return: 0 or -errno. */
int reap_guard(const char *run_dir);

/** reap_tree() - remove a file or directory with all below it, staying on its file system. */
void reap_tree(const char *path);

#endif
