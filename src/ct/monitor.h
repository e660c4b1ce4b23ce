/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is somebody there? liblxc waits for a container's monitor, and for the lock on its configuration,
 * without a bound. Both are asked here first, with one: a connection to the monitor's socket and
 * the one question whose number and answer liblxc promises never to change (its state).
 */
#ifndef ATT_CT_MONITOR_H
#define ATT_CT_MONITOR_H

#include "base/err.h"

/**
 * att_monitor_state() - ask a container's monitor for its state
 * @ret_state: out: static text such as "RUNNING"; "STOPPED" when no monitor listens
 *
 * Errors: TIMEOUT when it does not answer before @deadline_ns, PERMISSION_DENIED when whoever
 * listens is not root or the caller, IO_ERROR.
 */
int att_monitor_state(const char *lxcpath, const char *name, int64_t deadline_ns,
                      const char **ret_state, struct att_err *err) _must_check_;

/**
 * att_monitor_wait_lock() - wait until nobody holds the lock on a container's configuration
 *
 * Errors: TIMEOUT.
 */
int att_monitor_wait_lock(const char *lxcpath, const char *name, int64_t deadline_ns,
                          struct att_err *err) _must_check_;

#endif
