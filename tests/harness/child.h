/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a function in a process of its own, for things that cannot be undone (entering namespaces,
 * dropping privilege, installing a filter). No cmocka assertion may run in the child: it would
 * long-jump into the parent's tests a second time.
 */
#ifndef ATT_HARNESS_CHILD_H
#define ATT_HARNESS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The result of a child that died of signal n is CHILD_SIGNAL + n; one that hung is CHILD_HANG. */
#define CHILD_SIGNAL 1000
#define CHILD_HANG   2000

/**
 * child_run() - run a function in a fork and hand back what it returned
 * @fn:         its result, 0…255, becomes the exit status through _exit()
 * @data:       handed to @fn
 * @timeout_ms: the child is killed after it; 0: 10 s
 *
 * Return: 0…255, CHILD_SIGNAL + n, CHILD_HANG, or -errno when nothing could be started.
 */
int child_run(int (*fn)(void *data), void *data, int timeout_ms);

/**
 * child_reap() - wait for a child of ours, no longer than to a deadline
 * @pid:         child, not yet waited for
 * @deadline_ns: INT64_MAX: none
 * @ret_status:  out: as waitpid() gives it
 *
 * Return: true when it has ended and is reaped.
 */
bool child_reap(pid_t pid, int64_t deadline_ns, int *ret_status);

/**
 * child_gone() - wait until a process that may be no child of ours has ended
 *
 * Return: true when it is gone, or a zombie.
 */
bool child_gone(pid_t pid, int64_t deadline_ns);

#endif
