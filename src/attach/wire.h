/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the library and the launcher say to each other over one socket pair. The library writes a
 * plan (this header with all descriptors beside it, then its blob); the launcher answers with one status and then watches for the
 * end of the stream, which means that the library's process is gone. Both sides are one build, so
 * the layout carries a magic and no version.
 *
 * Fixed-width plain data only: the launcher has no libc.
 */
#ifndef ATT_ATTACH_WIRE_H
#define ATT_ATTACH_WIRE_H

#include <stdint.h>

#define ATT_WIRE_MAGIC       0x61747431u
#define ATT_WIRE_TTY_MODE    48
#define ATT_WIRE_MAX_LEGACY  32 /* cgroup v1 hierarchies */
#define ATT_WIRE_MAX_FDS     (ATT_WIRE_MAX_LEGACY + 6)
#define ATT_WIRE_MAX_FILTERS 8
#define ATT_WIRE_MAX_BLOB    (8u << 20)
#define ATT_WIRE_LEAF_NAME   64
#define ATT_WIRE_CGROUP_TEXT 4096

/* att_wire_plan.flags */
#define ATT_WIRE_DETACH       0x001u /* the job outlives the library's process */
#define ATT_WIRE_NNP          0x002u /* set no_new_privs; filters go in last */
#define ATT_WIRE_SET_OOM      0x004u
#define ATT_WIRE_SET_NICE     0x008u
#define ATT_WIRE_SET_AFFINITY 0x010u
#define ATT_WIRE_SET_IOPRIO   0x020u
#define ATT_WIRE_SET_PERSONA  0x040u
#define ATT_WIRE_CHECK_CGROUP 0x080u /* compare /proc/self/cgroup with the text, once inside */
#define ATT_WIRE_SET_SCHED    0x400u
#define ATT_WIRE_SCRIPT       0x200u /* the command reads a script from its descriptor 3 */
#define ATT_WIRE_MAY_LEAVE    0x800u /* the library's process may end before the job: see KEEP */

enum att_wire_lsm {
	ATT_WIRE_LSM_NONE = 0,
	ATT_WIRE_LSM_APPARMOR, /* "changeprofile LABEL" at once, inherited by the job */
	ATT_WIRE_LSM_SELINUX,  /* LABEL for the next exec, inherited by the job */
};

/* A part of the blob: text is NUL-terminated, len counts without the terminator. */
struct att_wire_span {
	uint32_t offset;
	uint32_t len;
};

struct att_wire_rlimit {
	uint64_t soft, hard;
};

struct att_wire_plan {
	uint32_t magic;
	uint32_t flags;
	uint32_t blob_len;
	int32_t caller_pid; /* the library's process; the entry's parent must still be it */

	/*
	 * Descriptors by their place among those that come with the plan; -1 where there is none.
	 * The launcher puts their numbers here.
	 */
	int32_t stdio_fd[3]; /* what becomes the job's; -1: the container's null device will */
	int32_t init_pidfd;
	int32_t base_fd; /* directory of the cgroup that holds the leaf; -1: stay in the caller's */
	int32_t script_fd;
	int32_t n_legacy;
	int32_t legacy_fd[ATT_WIRE_MAX_LEGACY]; /* "tasks" of each v1 hierarchy, for writing */
	char leaf_name[ATT_WIRE_LEAF_NAME];     /* made by the guardian; "": the base itself */
	uint32_t leaf_uid, leaf_gid;            /* who shall own it; 0: root */

	uint32_t ns_flags;  /* CLONE_NEW* to enter */
	uint32_t null_mask; /* bit i: descriptor i is the container's own /dev/null */
	uint32_t tty_mask;  /* bit i: descriptor i is the job's controlling terminal */
	struct att_wire_span cgroup_text;
	struct att_wire_span workdir; /* len 0: stay at the root */

	uint32_t rlimit_mask; /* bit n: set RLIMIT n */
	struct att_wire_rlimit rlimit[16];
	int32_t oom_score_adj;
	int32_t nice;
	uint32_t io_priority;
	int32_t sched_policy, sched_priority;
	uint32_t personality;
	struct att_wire_span affinity; /* bytes of a CPU set */

	uint32_t lsm;               /* enum att_wire_lsm */
	struct att_wire_span label; /* ready to be written */

	uint32_t umask;
	uint32_t ct_uid, ct_gid;
	struct att_wire_span groups; /* uint32_t ids */
	uint64_t cap_bounding_drop;  /* bit n: drop capability n */
	uint64_t cap_permitted, cap_inheritable, cap_effective, cap_ambient;
	uint64_t ignored_signals; /* bit n-1: signal n is ignored and must not be */

	uint32_t n_filters;
	struct att_wire_span filter[ATT_WIRE_MAX_FILTERS]; /* struct sock_filter, oldest first */

	struct att_wire_span words;  /* the command's arguments, then its environment */
	uint32_t n_argv, n_envp;     /* how many NUL-terminated words they are */
	struct att_wire_span path;   /* the command, when it names a file; else len 0 */
	struct att_wire_span search; /* PATH to look in, ':'-separated */
};

/* What became of it. */
struct att_wire_status {
	uint32_t magic;
	int32_t stage;     /* enum att_stage at which it ended, 0: the command runs */
	int32_t sys;       /* errno; 0 when the entry died without a word */
	int32_t detail;    /* see the stage */
	int32_t entry_pid; /* host pids, 0 where there is none */
	int32_t job_pid;
	uint32_t
		text_len; /* bytes of /proc/self/cgroup that follow, when they were not as planned */
};

/*
 * What the library asks of the guardian while the job runs. It may have nothing left by then to do
 * any of it with.
 */
enum att_wire_word {
	ATT_WIRE_DONE =
		1, /* the job has ended, or is to be left alone: remove its cgroup, and go */
	/*
	 * A terminal of the caller's came along as a descriptor, and is to get @tty_mode should the
	 * library's process vanish; or nothing came along: it has it back already.
	 */
	ATT_WIRE_TERMINAL,
	/*
	 * The job goes on without the library's process. The master side of its terminal came along:
	 * nobody looks at it any more, but it must not hang up, nor the job wait for a reader.
	 */
	ATT_WIRE_KEEP,
	ATT_WIRE_SIGNAL,    /* @arg to the command's process group; USR1 and USR2 to itself alone */
	ATT_WIRE_STOP_TREE, /* @arg to all that the job forked, and let it go on if it is stopped */
	ATT_WIRE_KILL_TREE, /* KILL to all of it; @arg is 1: to the command too, which is not reaped */
	ATT_WIRE_END_TREE, /* the same once @deadline_ns is over, if anything is left then */
	ATT_WIRE_SYNC,     /* one byte back: all before it has been done */
};

struct att_wire_note {
	uint32_t word; /* enum att_wire_word */
	int32_t arg;
	int64_t deadline_ns;                       /* CLOCK_MONOTONIC */
	unsigned char tty_mode[ATT_WIRE_TTY_MODE]; /* the kernel's struct termios2 */
};

/* att_wire_status.detail of stage EXEC */
#define ATT_WIRE_NO_INTERPRETER 1 /* the file is there, what would run it is not */

#endif
