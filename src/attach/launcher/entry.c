/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launcher/entry.h"

#include <asm/errno.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <linux/stat.h>

#include "attach/launcher/job.h"
#include "attach/launcher/sys.h"
#include "base/stage.h"

#define DEFAULT_SLACK_NS 50000ul

/* Whole writes only: these files take one write or refuse it. */
static int write_once(int fd, const char *text, size_t len)
{
	long n = sys_call3(__NR_write, fd, text, len);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EIO;
}

static int prctl_int(int option, unsigned long a, unsigned long b)
{
	long r = sys_call5(__NR_prctl, option, a, b, 0, 0);

	return r < 0 ? (int)r : 0;
}

/* cgroup v1 cannot be entered at birth: the process writes itself ("0") into each hierarchy. */
static int join_legacy(struct entry *e)
{
	for (int i = 0; i < e->plan->n_legacy; i++) {
		int r = write_once(e->plan->legacy_fd[i], "0", 1);

		if (r < 0)
			return r;
	}
	return 0;
}

/* While /proc is still the host's: after setns it would be the container's to forge. */
static int open_host_proc(struct entry *e)
{
	static const char *const label_path[] = {
		[ATT_WIRE_LSM_APPARMOR] = "/proc/self/attr/apparmor/current",
		[ATT_WIRE_LSM_SELINUX] = "/proc/self/attr/exec",
	};

	e->cgroup_fd = -1;
	e->label_fd = -1;
	if (e->plan->flags & ATT_WIRE_CHECK_CGROUP) {
		e->cgroup_fd = (int)sys_call4(__NR_openat, AT_FDCWD, "/proc/self/cgroup",
		                              O_RDONLY | O_CLOEXEC, 0);
		if (e->cgroup_fd < 0)
			return e->cgroup_fd;
	}
	if (e->plan->lsm == ATT_WIRE_LSM_NONE)
		return 0;
	e->label_fd = (int)sys_call4(__NR_openat, AT_FDCWD, label_path[e->plan->lsm],
	                             O_RDWR | O_CLOEXEC, 0);
	if (e->label_fd == -ENOENT && e->plan->lsm == ATT_WIRE_LSM_APPARMOR)
		e->label_fd = (int)sys_call4(__NR_openat, AT_FDCWD, "/proc/self/attr/current",
		                             O_RDWR | O_CLOEXEC, 0);
	return e->label_fd < 0 ? e->label_fd : 0;
}

static size_t format_decimal(char *dst, int32_t value)
{
	char digits[12];
	size_t n = 0;
	size_t len = 0;
	uint32_t v = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	if (value < 0)
		dst[len++] = '-';
	while (n > 0)
		dst[len++] = digits[--n];
	return len;
}

static int set_oom_score(const struct att_wire_plan *p)
{
	char text[16];
	long fd = sys_call4(__NR_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC,
	                    0);
	int r = 0;

	if (fd < 0)
		return (int)fd;
	r = write_once((int)fd, text, format_decimal(text, p->oom_score_adj));
	sys_call1(__NR_close, fd);
	return r;
}

/* With the host's privilege: inside a user namespace none of these could be raised. */
static int set_limits(struct entry *e)
{
	const struct att_wire_plan *p = e->plan;
	long r = 0;

	if (p->flags & ATT_WIRE_SET_OOM)
		r = set_oom_score(p);
	for (uint32_t n = 0; n < 16 && r >= 0; n++)
		if (p->rlimit_mask & (1u << n))
			r = sys_call4(__NR_prlimit64, 0, n, &p->rlimit[n], 0);
	if (r >= 0 && (p->flags & ATT_WIRE_SET_SCHED))
		r = sys_call3(__NR_sched_setscheduler, 0, p->sched_policy, &p->sched_priority);
	/* The kernel's defaults; a caller's would go on to the job. */
	if (r >= 0)
		r = prctl_int(PR_SET_TIMERSLACK, DEFAULT_SLACK_NS, 0);
	if (r >= 0)
		r = prctl_int(PR_SET_THP_DISABLE, 0, 0);
	if (r >= 0 && (p->flags & ATT_WIRE_SET_NICE))
		r = sys_call3(__NR_setpriority, 0, 0, p->nice);
	if (r >= 0 && (p->flags & ATT_WIRE_SET_AFFINITY))
		r = sys_call3(__NR_sched_setaffinity, 0, p->affinity.len,
		              e->blob + p->affinity.offset);
	if (r >= 0 && (p->flags & ATT_WIRE_SET_IOPRIO))
		r = sys_call3(__NR_ioprio_set, IOPRIO_WHO_PROCESS, 0, p->io_priority);
	return r < 0 ? (int)r : 0;
}

/*
 * All namespaces in one call, which cannot half succeed. Where one of them belongs to another user
 * namespace than the container's own, the host's privilege is needed for it: then the user
 * namespace comes last.
 */
static int enter_namespaces(struct entry *e)
{
	int fd = e->plan->init_pidfd;
	uint32_t flags = e->plan->ns_flags;
	long r = 0;

	if (flags == 0)
		return 0;
	r = sys_call2(__NR_setns, fd, flags);
	if (r == -EPERM && (flags & CLONE_NEWUSER)) {
		r = sys_call2(__NR_setns, fd, flags & ~(uint32_t)CLONE_NEWUSER);
		if (r >= 0)
			r = sys_call2(__NR_setns, fd, CLONE_NEWUSER);
	}
	return r < 0 ? (int)r : 0;
}

/*
 * Read inside the cgroup namespace, paths are relative to its root: exactly the planned text proves
 * that the job will be below the container's own root in every hierarchy.
 */
static int check_cgroup(struct entry *e)
{
	const char *want = e->blob + e->plan->cgroup_text.offset;
	uint32_t len = e->plan->cgroup_text.len;
	long n = 0;
	uint32_t i = 0;

	if (e->cgroup_fd < 0)
		return 0;
	n = sys_call4(__NR_pread64, e->cgroup_fd, e->cgroup_text, sizeof(e->cgroup_text), 0);
	if (n < 0)
		return (int)n;
	while (i < len && i < (uint32_t)n && e->cgroup_text[i] == want[i])
		i++;
	if (i == len && i == (uint32_t)n)
		return 0;
	e->status.text_len = (uint32_t)n;
	return -ESTALE;
}

static int set_personality(struct entry *e)
{
	if (!(e->plan->flags & ATT_WIRE_SET_PERSONA))
		return 0;

	long r = sys_call1(__NR_personality, e->plan->personality);

	return r < 0 ? (int)r : 0;
}

/* Before the ids change, as the profile expects of its runtime, and before no_new_privs. */
static int set_label(struct entry *e)
{
	if (e->plan->lsm == ATT_WIRE_LSM_NONE)
		return 0;
	return write_once(e->label_fd, e->blob + e->plan->label.offset, e->plan->label.len);
}

static int set_caps(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32),
		  (uint32_t)(inheritable >> 32) },
	};
	long r = sys_call2(__NR_capset, &header, data);

	return r < 0 ? (int)r : 0;
}

static int get_permitted(uint64_t *ret)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	long r = sys_call2(__NR_capget, &header, data);

	if (r < 0)
		return (int)r;
	*ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return 0;
}

/* The caller's securebits could keep root from being root after the exec, or the reverse. */
static int reset_securebits(void)
{
	long bits = sys_call5(__NR_prctl, PR_GET_SECUREBITS, 0, 0, 0, 0);

	if (bits < 0)
		return (int)bits;
	return bits == 0 ? 0 : prctl_int(PR_SET_SECUREBITS, 0, 0);
}

/* Dropping from the bounding set needs CAP_SETPCAP, which the ids would take away. */
static int drop_bounding(uint64_t mask)
{
	for (unsigned long cap = 0; cap < 64; cap++) {
		int r = 0;

		if (!(mask & (UINT64_C(1) << cap)))
			continue;
		r = prctl_int(PR_CAPBSET_DROP, cap, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* groups → gid → uid, each needing what the next gives up; then read back, all three of each. */
static int set_ids(struct entry *e)
{
	const struct att_wire_plan *p = e->plan;
	uint32_t id[3];
	long r = sys_call2(__NR_setgroups, p->groups.len / 4, e->blob + p->groups.offset);

	if (r >= 0)
		r = sys_call3(__NR_setresgid, p->ct_gid, p->ct_gid, p->ct_gid);
	if (r >= 0)
		r = sys_call3(__NR_setresuid, p->ct_uid, p->ct_uid, p->ct_uid);
	if (r < 0)
		return (int)r;
	r = sys_call3(__NR_getresuid, &id[0], &id[1], &id[2]);
	if (r < 0 || id[0] != p->ct_uid || id[1] != p->ct_uid || id[2] != p->ct_uid)
		return -EPERM;
	r = sys_call3(__NR_getresgid, &id[0], &id[1], &id[2]);
	if (r < 0 || id[0] != p->ct_gid || id[1] != p->ct_gid || id[2] != p->ct_gid)
		return -EPERM;
	return 0;
}

/*
 * Becomes the job's user, with its rights from here on, but keeps the permitted set, since loading a
 * filter without no_new_privs needs CAP_SYS_ADMIN. Changing ids makes a process dumpable again, and
 * forgets the signal for the parent's death: both are set anew.
 */
static int become_user(struct entry *e)
{
	const struct att_wire_plan *p = e->plan;
	uint64_t permitted = 0;
	int r = 0;

	sys_call1(__NR_umask, p->umask);
	r = reset_securebits();
	if (r == 0)
		r = drop_bounding(p->cap_bounding_drop);
	if (r == 0)
		r = prctl_int(PR_SET_KEEPCAPS, 1, 0);
	if (r == 0)
		r = set_ids(e);
	if (r == 0)
		r = prctl_int(PR_SET_KEEPCAPS, 0, 0);
	if (r == 0)
		r = get_permitted(&permitted);
	/* The kernel clears them only when root leaves; the host's root is nobody in a user namespace. */
	if (r == 0)
		r = set_caps(permitted & p->cap_effective, permitted, 0);
	if (r == 0)
		r = prctl_int(PR_SET_DUMPABLE, 0, 0);
	if (r == 0)
		r = prctl_int(PR_SET_PDEATHSIG, 9, 0);
	if (r == 0 && sys_call0(__NR_getppid) != p->caller_pid)
		r = -ESRCH;
	return r;
}

/* A kernel without keyrings has none to inherit; any other refusal would leave the caller's. */
static int leave_keyring(struct entry *e)
{
	long r = sys_call2(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);

	(void)e;
	return r < 0 && r != -ENOSYS ? (int)r : 0;
}

/* As the job's user, who may go where root may not, and the reverse. */
static int change_dir(struct entry *e)
{
	char cwd[256];
	long r = 0;

	if (e->plan->workdir.len == 0)
		return 0;
	r = sys_call1(__NR_chdir, e->blob + e->plan->workdir.offset);
	if (r < 0)
		return (int)r;
	/* A directory outside of the root would read as "(unreachable)/…". ERANGE is a long path. */
	r = sys_call2(__NR_getcwd, cwd, sizeof(cwd));
	if (r > 0 && cwd[0] != '/')
		return -ENOENT;
	return r < 0 && r != -ERANGE ? (int)r : 0;
}

/* The container's own /dev/null, opened with the job's rights: never a device node of the host's. */
static int open_null(struct entry *e)
{
	struct statx st;
	long fd = 0;
	long r = 0;

	if (e->plan->null_mask == 0)
		return 0;
	fd = sys_call4(__NR_openat, AT_FDCWD, "/dev/null",
	               O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
	if (fd < 0)
		return (int)fd;
	r = sys_call5(__NR_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &st);
	if (r < 0)
		return (int)r;
	if ((st.stx_mode & 0170000) != 0020000 || st.stx_rdev_major != 1 || st.stx_rdev_minor != 3)
		return -ENODEV;
	r = sys_call3(__NR_fcntl, fd, 4 /* F_SETFL */, O_RDWR);
	for (int i = 0; i < 3 && r >= 0; i++)
		if (e->plan->null_mask & (1u << i))
			r = sys_call3(__NR_dup3, fd, i, 0);
	sys_call1(__NR_close, fd);
	return r < 0 ? (int)r : 0;
}

/*
 * What the caller ignored (nohup, a runtime that ignores SIGPIPE) must not stay ignored, nor what
 * was blocked around the clone stay blocked. The job inherits both.
 */
static int reset_signals(struct entry *e)
{
	/* The kernel's struct sigaction: handler, flags, [restorer,] mask; all zero is SIG_DFL. */
	static const unsigned long act[4];
	static const uint64_t no_signals;
	long r = sys_call4(__NR_rt_sigprocmask, 2 /* SIG_SETMASK */, &no_signals, 0, 8);

	for (int sig = 1; sig <= 64 && r >= 0; sig++) {
		if (!(e->plan->ignored_signals & (UINT64_C(1) << (sig - 1))))
			continue;
		r = sys_call4(__NR_rt_sigaction, sig, act, 0, 8);
	}
	return r < 0 ? (int)r : 0;
}

/* Only the job's own descriptors go on; after this nothing of the host's is open. */
static int close_descriptors(struct entry *e)
{
	int first = 3;
	long r = 0;

	if (e->plan->flags & ATT_WIRE_SCRIPT) {
		r = sys_call3(__NR_dup3, e->plan->script_fd, 3, 0);
		/* EINVAL: it is descriptor 3 already. */
		if (r == -EINVAL)
			r = sys_call3(__NR_fcntl, 3, 2 /* F_SETFD */, 0);
		if (r < 0)
			return (int)r;
		first = 4;
	}
	r = sys_call3(__NR_close_range, first, ~0u, 0);
	return r < 0 ? (int)r : 0;
}

/*
 * From here on every call is under the container's filter. The job may not load it itself: the
 * container's root can trace it from its birth on, and would call the kernel unfiltered through it.
 */
static int load_filters(struct entry *e)
{
	const struct att_wire_plan *p = e->plan;

	for (uint32_t i = 0; i < p->n_filters; i++) {
		/* The plan's blob is private to this process; the kernel only reads it. */
		struct sock_fprog prog = {
			.len = (unsigned short)(p->filter[i].len / sizeof(struct sock_filter)),
			.filter = (struct sock_filter *)(uintptr_t)(e->blob + p->filter[i].offset),
		};
		long r = sys_call3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);

		if (r < 0)
			return (int)r;
	}
	return 0;
}

/* The job's own sets. Ambient last: it must be within permitted and inheritable. */
static int set_job_caps(const struct att_wire_plan *p)
{
	int r = prctl_int(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);

	if (r == 0)
		r = set_caps(p->cap_effective, p->cap_permitted, p->cap_inheritable);
	for (unsigned long cap = 0; cap < 64 && r == 0; cap++)
		if (p->cap_ambient & (UINT64_C(1) << cap))
			r = prctl_int(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap);
	if (r == 0 && (p->flags & ATT_WIRE_NNP))
		r = prctl_int(PR_SET_NO_NEW_PRIVS, 1, 0);
	return r;
}

/*
 * Without no_new_privs a filter needs CAP_SYS_ADMIN. A job that has it gets its sets first, so that
 * the container's filter sees as few of our own calls as can be; another keeps the permitted set
 * until the filter is in.
 */
static int needs_admin(const struct att_wire_plan *p)
{
	return p->n_filters > 0 && !(p->flags & ATT_WIRE_NNP) &&
	       !(p->cap_effective & (UINT64_C(1) << CAP_SYS_ADMIN));
}

static int caps_before_filter(struct entry *e)
{
	uint64_t permitted = 0;
	int r = 0;

	if (!needs_admin(e->plan))
		return set_job_caps(e->plan);
	r = get_permitted(&permitted);
	return r < 0 ? r : set_caps(permitted, permitted, 0);
}

static int caps_after_filter(struct entry *e)
{
	return needs_admin(e->plan) ? set_job_caps(e->plan) : 0;
}

/*
 * The job appears in the container only now, with its own rights, no descriptor but its own, and
 * memory that holds this program and the plan. CLONE_VFORK holds the entry until the job has
 * exec'ed or ended, so that no descriptor is needed in the job to tell which.
 */
static int spawn_job(struct entry *e)
{
	long r = 0;

	/* Until the job says otherwise; also if this process does not live to ask. */
	e->report->stage = ATT_STAGE_SPAWN;
	r = job_clone(CLONE_PARENT | CLONE_VFORK | CLONE_PARENT_SETTID, &e->status.job_pid);
	if (r == 0)
		job_run(e);
	return r < 0 ? (int)r : 0;
}

const struct step entry_steps[] = {
	/* The host's side: its /proc, its cgroup files, its privilege over limits. */
	{ ATT_STAGE_CGROUP, join_legacy },
	{ ATT_STAGE_NAMESPACES, open_host_proc },
	{ ATT_STAGE_LIMITS, set_limits },
	{ ATT_STAGE_NAMESPACES, enter_namespaces },
	/* Inside: nothing is opened by path until the ids are the job's. */
	{ ATT_STAGE_CGROUP, check_cgroup },
	{ ATT_STAGE_CREDENTIALS, set_personality },
	{ ATT_STAGE_LSM, set_label },
	{ ATT_STAGE_CREDENTIALS, become_user },
	{ ATT_STAGE_KEYRING,
	  leave_keyring }, /* owned by the job's user; before a filter denies it */
	{ ATT_STAGE_WORKDIR, change_dir },
	{ ATT_STAGE_STDIO, open_null },
	{ ATT_STAGE_STDIO, reset_signals },
	{ ATT_STAGE_STDIO, close_descriptors },
	{ ATT_STAGE_CAPABILITIES, caps_before_filter },
	{ ATT_STAGE_SECCOMP, load_filters },
	{ ATT_STAGE_CAPABILITIES, caps_after_filter },
	{ ATT_STAGE_SPAWN, spawn_job },
	{ 0, NULL },
};

int entry_run(void *arg)
{
	struct entry *e = arg;

	for (const struct step *s = entry_steps; s->run; s++) {
		int r = 0;

		/* Set before the step runs: if it is killed there, this is where. */
		e->status.stage = s->stage;
		r = s->run(e);
		if (r < 0) {
			e->status.sys = -r;
			return 1;
		}
	}
	return 0;
}
