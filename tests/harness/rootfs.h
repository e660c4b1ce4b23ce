/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the root file systems of test containers. Ids are as the container sees them until
 * rootfs_shift() moves the whole tree into an id range of the host's.
 */
#ifndef ATT_HARNESS_ROOTFS_H
#define ATT_HARNESS_ROOTFS_H

#include <sys/types.h>

#include "base/defs.h"

#define ROOTFS_SHIFT 100000 /* host id of an idmapped container's root */
#define ROOTFS_RANGE 65536

/**
 * rootfs_busybox() - a static busybox with its applets, users, an init that only says that it is up
 * @root: made; must not exist
 *
 * Return: 0 or -errno.
 */
int rootfs_busybox(const char *root) _must_check_;

/**
 * rootfs_debian() - a Debian with systemd, shifted by ROOTFS_SHIFT, copied from a cache
 *
 * The first call of all bootstraps the cache, which takes a minute and the network; it is kept in
 * $ATTACHE_TEST_CACHE or build/cache. $ATTACHE_TEST_DEBIAN_ROOT names an unshifted root to take
 * instead.
 *
 * Return: 0 or -errno.
 */
int rootfs_debian(const char *root) _must_check_;

/** rootfs_install() - copy a file of the host's into the tree. Return: 0 or -errno. */
int rootfs_install(const char *root, const char *from, const char *to, mode_t mode) _must_check_;

/**
 * rootfs_shift() - add @shift to every owner of the tree
 *
 * chown clears setuid bits and file capabilities; both are put back, the latter with the root id of
 * the range, so that they count in the container and nowhere else.
 *
 * Return: 0 or -errno.
 */
int rootfs_shift(const char *root, uint32_t shift) _must_check_;

#endif
