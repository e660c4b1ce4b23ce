/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Gives up, for good, what a process does not need that faces a container's bytes: capabilities, the
 * way to new privilege, and every system call but those that move bytes between descriptors that
 * are open already. Whoever took such a process over would have nothing to call.
 */
#ifndef ATT_SYS_JAIL_H
#define ATT_SYS_JAIL_H

#include "base/err.h"

/**
 * att_jail_enter() - confine this process until it ends
 *
 * What is left: reading, writing, splicing, sending and polling; the modes and sizes of terminals;
 * signal masks and waiting for children; memory that is not executable; stopping itself; ending. Any
 * other call kills the process. There is no file to be opened, no process to be signalled, no
 * program to be run.
 *
 * Errors: CONFINEMENT_UNAVAILABLE. Context: one thread.
 */
int att_jail_enter(struct att_err *err) _must_check_;

#endif
