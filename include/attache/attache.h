/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libattache: run commands inside running LXC containers.
 *
 * The life of one exec: open a container, make a plan (everything is looked up and checked, nothing
 * is started), start the job, relay its bytes until it ends.
 *
 * Handles are opaque. Strings that a getter returns belong to the handle and live as long as it.
 * Functions that can fail return 0 or a negative number, and fill *err where err is not NULL; the
 * caller frees it with attache_error_free(). The library never prints, never exits, starts no
 * thread and changes no signal disposition. A handle may be used by one thread at a time; a job's
 * relay must run in the process that started it.
 *
 * Option structs start with their own size: initialise them with the *_INIT macro, so that a
 * program built against an older header keeps working with a newer library.
 */
#ifndef ATTACHE_ATTACHE_H
#define ATTACHE_ATTACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ATTACHE_API           __attribute__((visibility("default")))
#define ATTACHE_VERSION_MAJOR 0
#define ATTACHE_VERSION_MINOR 1
#define ATTACHE_VERSION_PATCH 0
#define ATTACHE_VERSION       "0.1.0"

/* Error codes; attache_error_name() gives the stable name in the comment. */
enum attache_code {
	ATTACHE_E_MISSING_CONTAINER_ID = 1,     /* MissingContainerId */
	ATTACHE_E_MISSING_COMMAND = 2,          /* MissingCommand */
	ATTACHE_E_INVALID_ARGUMENT = 3,         /* InvalidArgument */
	ATTACHE_E_CONTAINER_NOT_FOUND = 4,      /* ContainerNotFound */
	ATTACHE_E_CONTAINER_NOT_RUNNING = 5,    /* ContainerNotRunning */
	ATTACHE_E_CONTAINER_FROZEN = 6,         /* ContainerFrozen */
	ATTACHE_E_CONTAINER_AMBIGUOUS = 7,      /* ContainerAmbiguous */
	ATTACHE_E_CONTAINER_GONE = 8,           /* ContainerGone */
	ATTACHE_E_USER_NOT_FOUND = 9,           /* UserNotFound */
	ATTACHE_E_GROUP_NOT_FOUND = 10,         /* GroupNotFound */
	ATTACHE_E_WORKDIR_NOT_FOUND = 11,       /* WorkdirNotFound */
	ATTACHE_E_COMMAND_NOT_FOUND = 12,       /* CommandNotFound */
	ATTACHE_E_COMMAND_NOT_EXECUTABLE = 13,  /* CommandNotExecutable */
	ATTACHE_E_PERMISSION_DENIED = 14,       /* PermissionDenied */
	ATTACHE_E_CONFINEMENT_UNAVAILABLE = 15, /* ConfinementUnavailable */
	ATTACHE_E_UNSUPPORTED = 16,             /* Unsupported */
	ATTACHE_E_LIMIT_EXCEEDED = 17,          /* LimitExceeded */
	ATTACHE_E_TIMEOUT = 18,                 /* Timeout */
	ATTACHE_E_IO_ERROR = 19,                /* IoError */
	ATTACHE_E_NO_MEMORY = 20,               /* NoMemory */
	ATTACHE_E_INTERNAL_ERROR = 21           /* InternalError */
};

struct attache_error;
struct attache_list;
struct attache_container;
struct attache_snapshot;
struct attache_plan;
struct attache_job;

/** attache_version() - version of the library that is running, "MAJOR.MINOR.PATCH". */
ATTACHE_API const char *attache_version(void);

/** attache_lxc_version() - version of the liblxc in use ("5.0.2"). */
ATTACHE_API const char *attache_lxc_version(void);

/* ---- errors ------------------------------------------------------------------------------- */

/** attache_error_code() - one of enum attache_code. */
ATTACHE_API int attache_error_code(const struct attache_error *err);
/** attache_error_name() - the stable name, such as "ContainerNotRunning". */
ATTACHE_API const char *attache_error_name(const struct attache_error *err);
/** attache_error_stage() - the step that failed, such as "seccomp"; "" when none applies. */
ATTACHE_API const char *attache_error_stage(const struct attache_error *err);
/** attache_error_errno() - errno of the failing system call, or 0. */
ATTACHE_API int attache_error_errno(const struct attache_error *err);
/** attache_error_message() - one line of printable UTF-8 without newline. */
ATTACHE_API const char *attache_error_message(const struct attache_error *err);
/** attache_error_free() - NULL allowed. */
ATTACHE_API void attache_error_free(struct attache_error *err);

/* ---- containers --------------------------------------------------------------------------- */

struct attache_open_opts {
	size_t size;         /* sizeof(struct attache_open_opts) */
	const char *lxcpath; /* NULL: liblxc's configured path */
	int64_t timeout_ns;  /* bound on a monitor or lock that does not answer; 0: 5 s */
	int64_t wait_ns;     /* how long to wait for the container to run; 0: not at all */
	uint64_t flags;      /* ATTACHE_OPEN_… */
};

/*
 * A job is about to be started: a process that will enter the container for it is started meanwhile,
 * a child of the caller's. It is kept for the first plan and that plan's first job, or ends when they
 * are freed. Until then the caller must not change what processes inherit (limits, ignored signals,
 * priorities, …), and both must be made by the same process and thread.
 */
#define ATTACHE_OPEN_EXEC UINT64_C(0x1)

#define ATTACHE_OPEN_OPTS_INIT \
	{ \
		sizeof(struct attache_open_opts), NULL, 0, 0, 0 \
	}

/**
 * attache_container_open() - find a running container and pin its init process
 * @target: container name
 * @opts:   NULL for defaults
 *
 * Errors: InvalidArgument (a name that no container can have), ContainerNotFound (with the nearest
 * name, if one is near), ContainerNotRunning, PermissionDenied, Timeout (monitor or lock), NoMemory,
 * InternalError.
 * Context: blocks up to timeout_ns + wait_ns.
 */
ATTACHE_API int attache_container_open(const char *target, const struct attache_open_opts *opts,
                                       struct attache_container **ret, struct attache_error **err);
/** attache_container_name() - the name as liblxc knows it. */
ATTACHE_API const char *attache_container_name(const struct attache_container *c);
/** attache_container_init_pid() - host pid of the container's init; for display only. */
ATTACHE_API pid_t attache_container_init_pid(const struct attache_container *c);
/** attache_container_free() - NULL allowed; plans and jobs made from it stay valid. */
ATTACHE_API void attache_container_free(struct attache_container *c);

/* ---- list --------------------------------------------------------------------------------- */

struct attache_list_opts {
	size_t size;
	const char *lxcpath; /* NULL: liblxc's configured path */
	int64_t timeout_ns;  /* per container; 0: 5 s */
	uint32_t flags;      /* ATTACHE_LIST_* */
};

#define ATTACHE_LIST_ALL 0x1u /* stopped ones too */
#define ATTACHE_LIST_OPTS_INIT \
	{ \
		sizeof(struct attache_list_opts), NULL, 0, 0 \
	}

/**
 * attache_list_new() - the containers of this host, sorted by name
 *
 * Errors: PermissionDenied, NoMemory, InternalError.
 */
ATTACHE_API int attache_list_new(const struct attache_list_opts *opts, struct attache_list **ret,
                                 struct attache_error **err);
/** attache_list_count() - number of entries. */
ATTACHE_API size_t attache_list_count(const struct attache_list *list);
/** attache_list_name() - name of entry @i, @i < count. */
ATTACHE_API const char *attache_list_name(const struct attache_list *list, size_t i);
/** attache_list_state() - "RUNNING", "STOPPED", "FROZEN", … ; "UNKNOWN" if it did not answer. */
ATTACHE_API const char *attache_list_state(const struct attache_list *list, size_t i);
/** attache_list_pid() - host pid of init, or 0 when it is not running. */
ATTACHE_API pid_t attache_list_pid(const struct attache_list *list, size_t i);
/** attache_list_unprivileged() - 1: has an id map of its own; 0: root inside is root; -1: unknown. */
ATTACHE_API int attache_list_unprivileged(const struct attache_list *list, size_t i);
/** attache_list_free() - NULL allowed. */
ATTACHE_API void attache_list_free(struct attache_list *list);

/* ---- inspect ------------------------------------------------------------------------------ */

/**
 * attache_snapshot_new() - what confines a job in this container, read from the live init
 *
 * Errors: ContainerGone, ConfinementUnavailable, PermissionDenied, NoMemory, InternalError.
 */
ATTACHE_API int attache_snapshot_new(struct attache_container *c, struct attache_snapshot **ret,
                                     struct attache_error **err);
/**
 * attache_snapshot_json() - the snapshot as one JSON object
 *
 * Return: text owned by the snapshot, without trailing newline; NULL when out of memory.
 */
ATTACHE_API const char *attache_snapshot_json(struct attache_snapshot *s);
/** attache_snapshot_free() - NULL allowed. */
ATTACHE_API void attache_snapshot_free(struct attache_snapshot *s);

/* ---- exec --------------------------------------------------------------------------------- */

/* attache_exec_opts.flags */
#define ATTACHE_EXEC_NO_NEW_PRIVS (UINT64_C(1) << 0) /* set PR_SET_NO_NEW_PRIVS */
#define ATTACHE_EXEC_DETACH       (UINT64_C(1) << 1) /* the job outlives its starter */
#define ATTACHE_EXEC_DIRECT_IO    (UINT64_C(1) << 2) /* hand over the caller's descriptors */
#define ATTACHE_EXEC_NO_STDIN     (UINT64_C(1) << 3) /* stdin is /dev/null */
#define ATTACHE_EXEC_ENV_CALLER   (UINT64_C(1) << 4) /* start from the caller's environment */
#define ATTACHE_EXEC_ENV_INIT     (UINT64_C(1) << 5) /* start from init's environment */
#define ATTACHE_EXEC_HAS_UMASK    (UINT64_C(1) << 6) /* .umask is set */
#define ATTACHE_EXEC_HAS_NICE     (UINT64_C(1) << 7) /* .nice is set */
#define ATTACHE_EXEC_HAS_OOM      (UINT64_C(1) << 8) /* .oom_score_adj is set */
#define ATTACHE_EXEC_SHELL        (UINT64_C(1) << 9) /* argv[0] is a string for /bin/sh -c */
/*
 * The job gets a terminal: those of its descriptors 0, 1, 2 that are one of the caller's, or 0 and 1
 * if neither of these is.
 */
#define ATTACHE_EXEC_TERMINAL  (UINT64_C(1) << 10)
#define ATTACHE_EXEC_LOGIN     (UINT64_C(1) << 11) /* the user's login shell, at home; no argv */
#define ATTACHE_EXEC_MAY_LEAVE (UINT64_C(1) << 12) /* may be left while it runs: detach_keys */

/* attache_exec_opts.unconfine: parts of the container's confinement to leave out */
#define ATTACHE_UNCONFINE_CAPS    0x01u
#define ATTACHE_UNCONFINE_SECCOMP 0x02u
#define ATTACHE_UNCONFINE_LSM     0x04u
#define ATTACHE_UNCONFINE_NNP     0x08u
#define ATTACHE_UNCONFINE_CGROUP  0x10u
#define ATTACHE_UNCONFINE_ALL     0x1fu

/*
 * String lists are NULL-terminated arrays, or NULL. Texts have the syntax of the command line's
 * option of the same name; the error names the text at fault. Everything is borrowed for the call
 * of attache_plan_new() only.
 */
struct attache_exec_opts {
	size_t size;
	uint64_t flags;               /* ATTACHE_EXEC_* */
	const char *const *argv;      /* command and arguments; at least one */
	const char *user;             /* "USER[:GROUP]"; NULL: the container's own default */
	const char *groups;           /* "G,G…" instead of the group file's; "" = none */
	const char *workdir;          /* absolute; NULL: "/" */
	const char *const *env;       /* "K=V" or "K" (copied from the caller), last wins */
	const char *const *env_files; /* docker's format, read before env */
	const char *script;           /* caller-side file to run inside; argv holds its arguments */
	const char *const *cap_drop;  /* "CAP_X", "X" or "ALL" */
	const char *const *cap_add;
	const char *const *rlimits; /* "NAME=SOFT[:HARD]" */
	const char *namespaces;     /* "mnt,pid,…"; NULL: all that differ from the caller's */
	const char *cpu_affinity;   /* "0-3,8"; NULL: init's */
	const char *io_priority;    /* "CLASS[:N]"; NULL: init's */
	uint32_t unconfine;         /* ATTACHE_UNCONFINE_* */
	uint32_t umask;             /* with HAS_UMASK; else 022 */
	int32_t nice;               /* with HAS_NICE */
	int32_t oom_score_adj;      /* with HAS_OOM; else init's */
	int64_t timeout_ns;         /* 0: none */
	int64_t kill_after_ns;      /* from the stop signal to KILL; 0: 10 s */
	int32_t stop_signal;        /* 0: TERM */
	int32_t stdin_fd;           /* the caller's side of the job's stdio; -1: closed */
	int32_t stdout_fd;
	int32_t stderr_fd;
	int32_t cancel_fd; /* readable: give up starting the job; -1: none */
	uint16_t rows;     /* size of its terminal; 0: the caller's, else 24 x 80 */
	uint16_t cols;
	const char *
		term; /* name of its terminal; NULL: the caller's TERM, if the container knows it */
};

#define ATTACHE_EXEC_OPTS_INIT \
	{ \
		sizeof(struct attache_exec_opts), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
			NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, -1, 0, \
			0, NULL \
	}

/**
 * attache_plan_new() - resolve and check everything about a job; start nothing
 *
 * Errors: InvalidArgument, MissingCommand, ContainerGone, ContainerFrozen, UserNotFound,
 * GroupNotFound, ConfinementUnavailable, PermissionDenied, Unsupported, LimitExceeded, IoError,
 * NoMemory, InternalError.
 */
ATTACHE_API int attache_plan_new(struct attache_container *c, const struct attache_exec_opts *opts,
                                 struct attache_plan **ret, struct attache_error **err);
/** attache_plan_json() - the plan as one JSON object; owned by the plan; NULL when out of memory. */
ATTACHE_API const char *attache_plan_json(struct attache_plan *plan);
/**
 * attache_plan_warning() - what a careful user would want to know about this plan
 *
 * Return: the @i-th sentence, NULL after the last.
 */
ATTACHE_API const char *attache_plan_warning(const struct attache_plan *plan, size_t i);
/** attache_plan_hint() - what could be done otherwise; likewise. */
ATTACHE_API const char *attache_plan_hint(const struct attache_plan *plan, size_t i);
/** attache_plan_free() - NULL allowed; jobs started from it stay valid. */
ATTACHE_API void attache_plan_free(struct attache_plan *plan);

/**
 * attache_job_start() - enter the container and start the command
 *
 * Returns once the command runs (execve succeeded), or failed to. A plan can be started again. The
 * job ends when the thread that started it ends, unless it is detached.
 *
 * Errors: those of every stage, CommandNotFound, CommandNotExecutable, WorkdirNotFound,
 * ContainerFrozen, ContainerGone, LimitExceeded, Timeout, ConfinementUnavailable, InternalError.
 * Context: blocks up to 5 s.
 */
ATTACHE_API int attache_job_start(struct attache_plan *plan, struct attache_job **ret,
                                  struct attache_error **err);
/** attache_job_pid() - the job's host pid. */
ATTACHE_API pid_t attache_job_pid(const struct attache_job *job);
/** attache_job_id() - a name of this job, unique on this host. */
ATTACHE_API const char *attache_job_id(const struct attache_job *job);
/**
 * attache_job_warning() - what turned out while the job was being started
 *
 * Return: the @i-th sentence, NULL after the last.
 */
ATTACHE_API const char *attache_job_warning(const struct attache_job *job, size_t i);
/**
 * attache_job_signal() - send a signal to the job, as the caller's signals are forwarded
 *
 * Errors: ContainerGone (it has ended), PermissionDenied, InvalidArgument.
 */
ATTACHE_API int attache_job_signal(struct attache_job *job, int sig, struct attache_error **err);

/*
 * When one direction has ended, put the null device in the place of the caller's descriptor, so that
 * whoever is at its other side sees the end as well. For a program that does nothing else with it.
 */
#define ATTACHE_END_STDIN  0x1u /* the job reads no more */
#define ATTACHE_END_STDOUT 0x2u /* the job writes no more */

struct attache_relay_opts {
	size_t size;
	int32_t signal_fd;  /* a signalfd: what arrives on it goes to the job; -1: none */
	uint32_t end_flags; /* ATTACHE_END_* */
	/* Of a terminal: the escape character at the start of a line, "~" or "^]"; NULL: none. */
	const char *escape;
	const char *detach_keys; /* "ctrl-p,ctrl-q": leaves the job (MAY_LEAVE); NULL: none */
	uint32_t flags;          /* ATTACHE_RELAY_* */
};

/*
 * The container's bytes are hostile: give up, for good, everything but what carrying them needs. The
 * process is left without capabilities, may only read, write and wait on what it has open, and is
 * killed by any other system call. For a program that only reports and ends afterwards.
 */
#define ATTACHE_RELAY_JAIL 0x1u

#define ATTACHE_RELAY_OPTS_INIT \
	{ \
		sizeof(struct attache_relay_opts), -1, 0, NULL, NULL, 0 \
	}

/* attache_result.state */
#define ATTACHE_STATE_EXITED   1
#define ATTACHE_STATE_SIGNALED 2
#define ATTACHE_STATE_TIMEOUT  3
#define ATTACHE_STATE_LEFT     4 /* it goes on without us */

struct attache_result {
	size_t size;
	int32_t state;         /* ATTACHE_STATE_* */
	int32_t exit_code;     /* EXITED: 0…255; TIMEOUT: as far as it is known, else -1 */
	int32_t signal;        /* SIGNALED: its number, else 0 */
	int64_t started_at_ns; /* CLOCK_REALTIME of attache_job_start() */
	int64_t duration_ns;
	uint64_t stdin_bytes;
	uint64_t stdout_bytes;
	uint64_t stderr_bytes;
};

#define ATTACHE_RESULT_INIT \
	{ \
		sizeof(struct attache_result), 0, 0, 0, 0, 0, 0, 0, 0 \
	}

/**
 * attache_job_relay() - carry bytes and signals until the job ends, enforce its timeout
 * @ret: filled also when relaying failed with IoError, if the job's end is known
 *
 * Of a job with a terminal: the caller's own is raw meanwhile, whenever this process is in its
 * foreground, and afterwards as it was before, also if this process is killed. TERM and HUP from
 * signal_fd, and the loss of the caller's terminal, hang up the job's; what that does not end is
 * killed after kill_after_ns. TSTP gives the terminal back and stops this process as its default
 * does. TERM, HUP, INT, QUIT, USR1 and USR2 reach the job.
 *
 * Errors: InvalidArgument (escape or detach_keys), ConfinementUnavailable (the jail), IoError (the caller's side took no more for
 * another reason than a closed pipe), InternalError.
 * Context: blocks until the job ends.
 */
ATTACHE_API int attache_job_relay(struct attache_job *job, const struct attache_relay_opts *opts,
                                  struct attache_result *ret, struct attache_error **err);
/** attache_job_free() - end the job if it still runs and is not detached; NULL allowed. */
ATTACHE_API void attache_job_free(struct attache_job *job);

#ifdef __cplusplus
}
#endif

#endif
