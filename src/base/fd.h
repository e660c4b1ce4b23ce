/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned descriptors: closing, and bounded whole-file reads and writes. */
#ifndef ATT_BASE_FD_H
#define ATT_BASE_FD_H

#include <sys/types.h>

#include "base/defs.h"

#define _cleanup_close_ _cleanup_(att_fd_close_p)

/** att_fd_close() - close @fd if it is one; errno stays. Return: -1, for `fd = att_fd_close(fd)`. */
int att_fd_close(int fd);

/** att_fd_close_p() - the cleanup form; sets *fd to -1. */
void att_fd_close_p(int *fd);

/**
 * att_fd_read_full() - read up to the end of the file, or until @cap bytes are there
 *
 * Retries EINTR and short reads. Return: bytes read (0…@cap), or -errno.
 */
ssize_t att_fd_read_full(int fd, void *buf, size_t cap) _must_check_;

/** att_fd_write_full() - write all of @len bytes. Return: 0 or -errno. Context: blocks. */
int att_fd_write_full(int fd, const void *buf, size_t len) _must_check_;

/**
 * att_fd_read_file_at() - read a whole small file and terminate it
 * @dir_fd: directory, or AT_FDCWD
 * @path:   relative to @dir_fd
 * @buf:    out: text, NUL-terminated
 * @cap:    bytes available, terminator included
 *
 * Return: length without the terminator; -errno; -EFBIG when the file has @cap bytes or more.
 */
ssize_t att_fd_read_file_at(int dir_fd, const char *path, char *buf, size_t cap) _must_check_;

#endif
