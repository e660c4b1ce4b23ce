/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone3(2) for a child that runs a function on a stack of its own, which the C library does not
 * offer (it has no way to name a cgroup). Used by the library and, without a libc, by the launcher.
 */
#ifndef ATT_SYS_CLONE_H
#define ATT_SYS_CLONE_H

#include <stddef.h>

struct clone_args;

/**
 * att_clone3() - start a child at a function
 * @args: flags, stack and what else clone3 takes; stack must be set, its end 16-byte aligned
 * @size: sizeof(struct clone_args)
 * @fn:   what the child runs; its result is the child's exit status
 * @arg:  handed to @fn
 *
 * Return: the child's pid, or -errno; errno is not touched.
 * Context: with CLONE_VM the caller must have blocked all signals, or a handler could run in the
 * child on the caller's memory.
 * Source: clone(2).
 */
long att_clone3(struct clone_args *args, size_t size, int (*fn)(void *), void *arg);

#endif
