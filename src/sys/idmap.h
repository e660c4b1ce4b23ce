/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A user namespace's id map: which container id is which host id. Parsed from the kernel's own
 * /proc/PID/uid_map or gid_map text, never from a configuration. Ranges do not overlap on either
 * side, so both directions have one answer. "Host" is the user namespace of whoever read the file.
 */
#ifndef ATT_SYS_IDMAP_H
#define ATT_SYS_IDMAP_H

#include <stdbool.h>

#include "base/defs.h"

/* The kernel's own limit (UID_GID_MAP_MAX_EXTENTS). */
#define ATT_IDMAP_RANGES_MAX 340

struct att_idmap_range {
	uint32_t ct;
	uint32_t host;
	uint32_t len;
};

struct att_idmap {
	struct att_idmap_range *v; /* owned, n ranges in the order of the text; NULL while empty */
	size_t n;
};

#define ATT_IDMAP_INIT \
	{ \
		0 \
	}
#define _cleanup_idmap_ _cleanup_(att_idmap_done)

/** att_idmap_init() - an empty map, which maps nothing. */
void att_idmap_init(struct att_idmap *map);

/** att_idmap_done() - free the ranges; idempotent. */
void att_idmap_done(struct att_idmap *map);

/**
 * att_idmap_parse() - the text of /proc/PID/uid_map or gid_map
 * @text: @len bytes, need not be terminated
 * @ret:  out, owned by the caller after; must not own ranges yet
 *
 * Shape: at most 340 lines "container host length", each ended by a newline: a text without the
 * last one was cut, and a cut number would be a wrong one. No line at all is the map of a user
 * namespace nobody has set up yet: it maps nothing.
 *
 * Return: 0; -EINVAL when malformed, an empty, overlapping or overflowing range (4294967295 is no
 * id), or too many; -ENOMEM.
 * Source: user_namespaces(7), "User and group ID mappings".
 */
int att_idmap_parse(const char *text, size_t len, struct att_idmap *ret) _must_check_;

/** att_idmap_to_host() - the host's id for the container's. Return: false when it has none. */
bool att_idmap_to_host(const struct att_idmap *map, uint32_t ct_id, uint32_t *ret_host_id)
	_must_check_;

/** att_idmap_to_ct() - the container's id for the host's. Return: false when it has none. */
bool att_idmap_to_ct(const struct att_idmap *map, uint32_t host_id, uint32_t *ret_ct_id)
	_must_check_;

/** att_idmap_is_identity() - is every id, 0…4294967294, mapped to itself? */
bool att_idmap_is_identity(const struct att_idmap *map);

#endif
