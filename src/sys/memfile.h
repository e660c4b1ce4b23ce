/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that are carried along as bytes and run from a sealed memory file. */
#ifndef ATT_SYS_MEMFILE_H
#define ATT_SYS_MEMFILE_H

#include <stddef.h>

#include "base/err.h"

/**
 * att_memfile_open() - a program in a sealed memory file
 * @name:  for who looks at /proc/PID/exe
 * @bytes: @len bytes
 * @stage: of an error
 *
 * Sealed against any change, so that whoever gets hold of it finds nothing that it could write to.
 *
 * Errors: UNSUPPORTED where the kernel forbids to run memory files (vm.memfd_noexec=2),
 * NO_MEMORY, INTERNAL_ERROR.
 * Source: memfd_create(2).
 */
int att_memfile_open(const char *name, const char *bytes, size_t len, enum att_stage stage,
                     int *ret_fd, struct att_err *err) _must_check_;

#endif
