/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finds a container, pins its init, takes from the running monitor the few facts that /proc does not
 * have. Names are validated before anybody sees them.
 *
 * liblxc is asked, in a process of its own (ct/liblxc.h), when it is needed: to list, to tell its
 * version or its configured path, and to talk to a monitor that att_monitor_ask() does not
 * understand. Linked, it would cost each start more than all of the entering (it brings five more
 * libraries). Before each conversation of its own the lock must be free and the monitor answer.
 */
#ifndef ATT_CT_LXC_H
#define ATT_CT_LXC_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/strv.h"
#include "ct/monitor.h"
#include "ct/self.h"

#define ATT_LXC_TIMEOUT_NS (5 * ATT_NS_PER_SEC)
#define ATT_LXC_NAME_MAX   255

/* A running container. */
struct att_ct {
	char *name;
	char *lxcpath;
	int init_pidfd;
	pid_t host_pid;            /* init's; true as long as the pidfd says that it lives */
	char *seccomp_profile;     /* lxc.seccomp.profile of the running container, or NULL */
	char *environment;         /* lxc.environment, "K=V" lines, or NULL */
	char *runtime_environment; /* lxc.environment.runtime, likewise */
	struct att_monitor_answers under_way; /* the three texts, until att_lxc_settle() */
	struct att_self self; /* the caller's own facts, where they were read meanwhile */
};

#define ATT_CT_INIT \
	{ \
		.init_pidfd = -1, .under_way = ATT_MONITOR_ANSWERS_INIT \
	}

struct att_ct_entry {
	char *name;
	const char *state; /* static: "RUNNING", …; "UNKNOWN" when the monitor did not answer */
	pid_t host_pid;    /* init's, or 0 */
};

struct att_ct_list {
	struct att_ct_entry *v;
	size_t n;
};

/**
 * att_lxc_version() - version of the liblxc at run time; "" when there is none
 *
 * Return: text of this thread's, valid until it asks again.
 */
const char *att_lxc_version(void);

/**
 * att_lxc_check_name() - can this be a container's name?
 *
 * Errors: INVALID_ARGUMENT (empty, longer than 255, "." or "..", a '/', a byte that is no printable
 * ASCII), MISSING_CONTAINER_ID (NULL).
 */
int att_lxc_check_name(const char *name, struct att_err *err) _must_check_;

/**
 * att_lxc_open() - find a running container and pin its init
 * @lxcpath:    NULL: liblxc's configured path
 * @timeout_ns: bound on a lock or a monitor that does not answer
 * @wait_ns:    how long to wait for it to run
 * @for_job:    a job will be started by this process as it is now: its own facts are read as well,
 *              while the monitor is being waited for
 *
 * Errors: as att_lxc_check_name(); CONTAINER_NOT_FOUND, CONTAINER_NOT_RUNNING, PERMISSION_DENIED,
 * TIMEOUT, NO_MEMORY, INTERNAL_ERROR.
 * Context: parent; blocks up to the sum of both times.
 */
int att_lxc_open(const char *name, const char *lxcpath, int64_t timeout_ns, int64_t wait_ns,
                 bool for_job, struct att_ct *ret, struct att_err *err) _must_check_;

/**
 * att_lxc_settle() - have the texts of the running container, which may still be under way
 *
 * Errors: TIMEOUT, NO_MEMORY.
 * Context: parent; blocks up to the time given to att_lxc_open().
 */
int att_lxc_settle(struct att_ct *ct, struct att_err *err) _must_check_;

/** att_lxc_close() - give everything back; idempotent. */
void att_lxc_close(struct att_ct *ct);

/** att_lxc_environment() - lxc.environment of the running container, "K=V" each. */
int att_lxc_environment(const struct att_ct *ct, struct att_strv *ret, struct att_err *err)
	_must_check_;

/**
 * att_lxc_devpts() - the devpts file system that the container was started with
 * @ret_fd: out: its root directory, owned by the caller; -1 when the monitor knows of none
 *
 * Errors: TIMEOUT, IO_ERROR, NO_MEMORY.
 */
int att_lxc_devpts(const struct att_ct *ct, int64_t deadline_ns, int *ret_fd, struct att_err *err)
	_must_check_;

/**
 * att_lxc_list() - the containers below a path, sorted by name
 * @all: stopped ones too
 *
 * Errors: NO_MEMORY, INTERNAL_ERROR.
 */
int att_lxc_list(const char *lxcpath, bool all, int64_t timeout_ns, struct att_ct_list *ret,
                 struct att_err *err) _must_check_;

/** att_lxc_list_done() - free the entries; idempotent. */
void att_lxc_list_done(struct att_ct_list *list);

#endif
