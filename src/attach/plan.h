/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: everything about one job, resolved and checked on the host's side before anything is
 * started. Built once by att_plan_make() from a request and a container; afterwards only a launch
 * changes it, and only the id, which is renewed for another one.
 */
#ifndef ATT_ATTACH_PLAN_H
#define ATT_ATTACH_PLAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "attach/guardian.h"
#include "attach/wire.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"
#include "ct/lxc.h"
#include "ct/snapshot.h"
#include "sys/passwd.h"
#include "sys/tty.h"

#define ATT_JOB_ID_CAP       20 /* 16 hexadecimal digits and room */
#define ATT_KILL_AFTER_NS    (10 * ATT_NS_PER_SEC)
#define ATT_DEFAULT_UMASK    022
#define ATT_DEFAULT_PATH     "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define ATT_SCRIPT_MAX_BYTES (16u << 20)

/* What is wanted: the public options, checked for shape only. All borrowed. */
struct att_request {
	bool no_new_privs, detach, direct_io, no_stdin, shell;
	bool terminal, login, may_leave;
	bool env_caller, env_init;
	bool has_umask, has_nice, has_oom;
	const char *const *argv;
	const char *user, *groups, *workdir;
	const char *const *env;
	const char *const *env_files;
	const char *script;
	const char *const *cap_drop;
	const char *const *cap_add;
	const char *const *rlimits;
	const char *namespaces, *cpu_affinity, *io_priority;
	const char *term; /* name of the terminal; NULL: the caller's, if the container knows it */
	uint16_t rows, cols; /* 0: the caller's */
	bool free_caps, free_seccomp, free_lsm, free_nnp, free_cgroup;
	uint32_t umask;
	int32_t nice, oom_score_adj;
	int64_t timeout_ns, kill_after_ns;
	int stop_signal;
	int stdio_fd[3]; /* the caller's; -1: closed */
	int cancel_fd; /* readable: give up starting; -1: none. Borrowed until the job is started */
};

/* The five sets of the job, as it has them once the command runs. */
struct att_cap_sets {
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

/* The job's terminal; which descriptors it is, is in the wire's tty_mask. */
struct att_terminal_plan {
	char *name;        /* for TERM */
	int devpts_fd;     /* of the container, as its monitor knows it; -1: unknown */
	uint32_t host_gid; /* who else may write to it; (uint32_t)-1: as its devpts has it */
	bool has_mode;     /* @mode is that of the caller's terminal */
	bool no_keys;      /* what the caller types is not for it */
	struct att_tty_mode mode;
	struct att_tty_size size;
};

/* The user's shell, as a login would start it. */
struct att_login_plan {
	char *argv0;         /* "-bash"; NULL: this is no login */
	const char *workdir; /* the user's home; NULL: it has none that is there. Of plan->user */
};

struct att_plan {
	char *target; /* container name */
	char id[ATT_JOB_ID_CAP];
	int init_pidfd;
	struct att_snapshot snapshot;
	int root_fd; /* the container's root directory */

	struct att_strv argv;
	struct att_strv envp;
	struct att_strv warnings;
	struct att_strv hints;
	struct att_user user;
	struct att_gids groups;
	uint32_t host_uid, host_gid;           /* the job's, outside */
	uint32_t host_root_uid, host_root_gid; /* the container's root, outside; 0 if it has none */
	uint64_t entry_bounding; /* bounding set of the entry process before it drops */
	struct att_cap_sets caps;
	bool no_new_privs;
	bool seccomp_notify;
	uint32_t n_filters;
	struct att_label label; /* what the job is given; NONE: it keeps the caller's */
	struct att_rlimits limits;

	struct att_terminal_plan terminal;
	struct att_login_plan login;
	bool detach, direct_io, own_cgroup;
	bool may_leave; /* the job may be let go while it runs */
	bool started;   /* a job has had this plan's id */
	int stdio_fd[3];
	int script_fd;
	int64_t timeout_ns, kill_after_ns;
	int stop_signal;
	int cancel_fd;
	struct att_guardian guardian; /* started already, for the first launch; or none */

	/* The part that crosses over; descriptors and the cgroup text are filled in at launch. */
	struct att_wire_plan wire;
	struct att_buf blob;
};

#define ATT_PLAN_INIT \
	{ \
		.init_pidfd = -1, .root_fd = -1, .script_fd = -1, .snapshot = ATT_SNAPSHOT_INIT, \
		.terminal.devpts_fd = -1, .guardian = ATT_GUARDIAN_INIT \
	}

/**
 * att_plan_make() - resolve and check a request
 *
 * Errors: those of attache_plan_new().
 * Context: parent.
 */
int att_plan_make(struct att_ct *ct, const struct att_request *req, struct att_plan *ret,
                  struct att_err *err) _must_check_;

/** att_plan_done() - idempotent. */
void att_plan_done(struct att_plan *plan);

/**
 * att_plan_blob() - append bytes to the plan's blob
 * @ret: out: where they are; text keeps its NUL, which ret->len does not count
 *
 * Errors: LIMIT_EXCEEDED, NO_MEMORY.
 */
int att_plan_blob(struct att_plan *plan, const void *bytes, size_t len, struct att_wire_span *ret,
                  struct att_err *err) _must_check_;

/** att_plan_warn() - add a sentence for a careful user. Errors: NO_MEMORY. */
int att_plan_warn(struct att_plan *plan, const char *text, struct att_err *err) _must_check_;

/** att_plan_is_gone() - has the container ended since, or is its init on its way out? */
bool att_plan_is_gone(const struct att_plan *plan);

/** att_plan_renew_id() - a new id from the second launch on: it names the job's cgroup. */
int att_plan_renew_id(struct att_plan *plan, struct att_err *err) _must_check_;

/* The parts of att_plan_make(), each in a file of its name; in this order. */

/** att_identity_resolve() - user, groups, home; needs the snapshot. Errors: see the public header. */
int att_identity_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
	_must_check_;

/** att_terminal_resolve() - the job's terminal, if one is wanted; needs the identity. */
int att_terminal_resolve(const struct att_ct *ct, const struct att_request *req,
                         struct att_plan *plan, struct att_err *err) _must_check_;

/** att_login_resolve() - the user's shell and home, if a login is wanted; needs the identity. */
int att_login_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
	_must_check_;

/** att_environ_build() - envp from its sources; needs the identity. */
int att_environ_build(const struct att_ct *ct, const struct att_request *req, struct att_plan *plan,
                      struct att_err *err) _must_check_;

/** att_command_resolve() - argv, the file to run, a script's interpreter; needs envp. */
int att_command_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
	_must_check_;

/** att_confine_resolve() - capabilities, no_new_privs, seccomp, label; needs the identity. */
int att_confine_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
	_must_check_;

/** att_profile_load() - the container's seccomp profile, checked against init; for confine.c. */
int att_profile_load(struct att_plan *plan, struct att_err *err) _must_check_;

/** att_limits_resolve() - resource limits, oom score, nice, affinity, I/O priority, umask. */
int att_limits_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
	_must_check_;

#endif
