/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The launcher's program as bytes of the library, and as a descriptor that can be run. */
#ifndef ATT_ATTACH_LAUNCHER_IMAGE_H
#define ATT_ATTACH_LAUNCHER_IMAGE_H

#include "base/err.h"

/**
 * att_launcher_open() - the launcher in a sealed memory file
 *
 * Sealed against any change, so that a container whose root is the host's root finds nothing behind
 * /proc/PID/exe that it could write to.
 *
 * Errors: UNSUPPORTED where the kernel forbids to run memory files (vm.memfd_noexec=2),
 * NO_MEMORY, INTERNAL_ERROR.
 * Source: memfd_create(2).
 */
int att_launcher_open(int *ret_fd, struct att_err *err) _must_check_;

#endif
