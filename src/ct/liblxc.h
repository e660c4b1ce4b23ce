/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to liblxc, which is in a program of its own: src/ct/helper/helper.c. */
#ifndef ATT_CT_LIBLXC_H
#define ATT_CT_LIBLXC_H

#include "base/buf.h"
#include "base/err.h"

/**
 * att_liblxc_ask() - run the helper
 * @argv:        ATT_HELPER_* and its words, NULL-terminated
 * @deadline_ns: then it is killed
 * @ret:         out: words, each ended by a NUL
 * @ret_fd:      out: a descriptor that came along, the caller's; NULL: none is wanted
 *
 * Errors: UNSUPPORTED (no liblxc, or too old), TIMEOUT, CONTAINER_NOT_RUNNING, PERMISSION_DENIED,
 * LIMIT_EXCEEDED, NO_MEMORY, INTERNAL_ERROR.
 * Context: parent; blocks up to the deadline.
 */
int att_liblxc_ask(const char *const *argv, int64_t deadline_ns, struct att_buf *ret, int *ret_fd,
                   struct att_err *err) _must_check_;

#endif
