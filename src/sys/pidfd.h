/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Process handles: a pidfd names one process for ever, a number may be used again. */
#ifndef ATT_SYS_PIDFD_H
#define ATT_SYS_PIDFD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/** att_pidfd_open() - handle of a process that cannot be reaped meanwhile. Return: fd or -errno. */
int att_pidfd_open(pid_t pid) _must_check_;

/** att_pidfd_is_alive() - neither ended nor reaped. */
bool att_pidfd_is_alive(int pidfd);

/** att_pidfd_signal() - Return: 0 or -errno. */
int att_pidfd_signal(int pidfd, int sig) _must_check_;

/**
 * att_pidfd_pid() - the number of a process in the caller's pid namespace, from fdinfo
 *
 * Errors: CONTAINER_GONE when it has ended, INTERNAL_ERROR.
 */
int att_pidfd_pid(int pidfd, pid_t *ret, struct att_err *err) _must_check_;

#endif
