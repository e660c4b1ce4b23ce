/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes another process call the kernel, as whoever has taken it over could: it is stopped where it
 * waits, and its next instruction is a system call of ours.
 */
#ifndef ATT_HARNESS_INJECT_H
#define ATT_HARNESS_INJECT_H

#include <sys/types.h>

/* The process died of the call. */
#define INJECT_DIED 1

/**
 * inject_call() - have a process that waits in a system call make another one
 * @pid:  a child of this process
 * @nr:   number, SYS_*
 * @args: six
 * @ret:  out: what the kernel said, when it lives on
 *
 * Return: 0; INJECT_DIED: it was killed, and is still to be waited for; or -errno.
 */
int inject_call(pid_t pid, long nr, const unsigned long args[6], long *ret);

#endif
