/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's user database, read from the host's side through a descriptor of the container's
 * root directory: never NSS, whose modules would be the container's code. The files belong to the
 * container, which may be hostile: paths are resolved inside its root, only regular files are read,
 * by a bounded amount, in constant memory, and never for longer than 5 s where the file could be
 * served by a process of the container. What is found is data to be shown or passed on, never a
 * reason to trust.
 *
 * Lines that are malformed are skipped: too few fields, an empty name, one that starts with '#',
 * '+', '-' or a blank, ids that att_parse_id() refuses, control bytes in the name, NUL bytes,
 * 64 KiB or more. The first line that matches wins.
 */
#ifndef ATT_SYS_PASSWD_H
#define ATT_SYS_PASSWD_H

#include "base/err.h"

/* A positive outcome: the file, or the entry, is not there. */
#define ATT_ABSENT 1
/* The kernel's NGROUPS_MAX. */
#define ATT_GIDS_MAX 65536

struct att_user {
	char *name;  /* owned */
	char *home;  /* owned; an absolute path without control bytes */
	char *shell; /* owned; likewise */
	uint32_t ct_uid;
	uint32_t ct_gid;
};

#define ATT_USER_INIT \
	{ \
		0 \
	}
#define _cleanup_user_ _cleanup_(att_user_done)

struct att_gids {
	uint32_t *v; /* owned, n container gids, ascending, each once */
	size_t n;
	size_t cap;
};

#define ATT_GIDS_INIT \
	{ \
		0 \
	}
#define _cleanup_gids_ _cleanup_(att_gids_done)

/** att_user_done() - free the strings; idempotent. */
void att_user_done(struct att_user *user);

/** att_gids_done() - free the list; idempotent. */
void att_gids_done(struct att_gids *gids);

/**
 * att_passwd_by_name() - the entry of /etc/passwd with this name
 * @root_fd: the container's root directory; O_PATH is enough; borrowed
 * @name:    compared byte by byte; a name may consist of digits
 * @ret:     out, owned by the caller after; must not own strings yet
 *
 * A home that is empty, relative, longer than a path or holds control bytes becomes "/", such a
 * shell "/bin/sh".
 *
 * Return: 0; ATT_ABSENT when the file or the entry is missing; negative = error.
 * Errors: IoError (not a regular file, a link through /proc, a failed read); PermissionDenied;
 * LimitExceeded (nothing found in the first 256 MiB); Timeout; NoMemory; InternalError. Their stage
 * is plan.
 * Context: parent, any thread; blocks as long as the file system of @root_fd itself does, and up to
 * 6 s where the file lies on another mount.
 */
int att_passwd_by_name(int root_fd, const char *name, struct att_user *ret, struct att_err *err)
	_must_check_;

/** att_passwd_by_uid() - the first entry of /etc/passwd with this uid; as att_passwd_by_name(). */
int att_passwd_by_uid(int root_fd, uint32_t ct_uid, struct att_user *ret, struct att_err *err)
	_must_check_;

/** att_group_by_name() - gid of this name in /etc/group; otherwise as att_passwd_by_name(). */
int att_group_by_name(int root_fd, const char *name, uint32_t *ret_ct_gid, struct att_err *err)
	_must_check_;

/**
 * att_group_of_user() - supplementary groups: those of /etc/group whose members include @user
 * @root_fd: as for att_passwd_by_name()
 * @user:    name, compared byte by byte
 * @ct_gid:  the user's primary group
 * @ret:     out, owned by the caller after; must not own a list yet
 *
 * What initgroups(3) would set, without the primary group: that one is left out even when the file
 * lists the user as its member. Ascending, because that is how the kernel keeps them.
 *
 * Return: 0, with an empty list when the file is missing or names the user nowhere; negative =
 * error.
 * Errors: as att_passwd_by_name(); LimitExceeded also for more than 65536 groups.
 * Context: as att_passwd_by_name().
 */
int att_group_of_user(int root_fd, const char *user, uint32_t ct_gid, struct att_gids *ret,
                      struct att_err *err) _must_check_;

#endif
