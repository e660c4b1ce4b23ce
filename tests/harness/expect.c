/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/expect.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/keyctl.h>

#include "base/fd.h"

#define LEAF_SHAPE "/attache-[0-9a-f][0-9a-f][0-9a-f][0-9a-f]*"
#define LEAF_LEN   (sizeof("/.lxc/attache-0123456789abcdef") - 1)
#define MAX_TEXT   3072

static const struct {
	const char *name;
	const char *root_shell;
} kinds[] = {
	[BOX_PRIVILEGED] = { "privileged", "/bin/sh" },
	[BOX_IDMAPPED] = { "idmapped", "/bin/sh" },
	[BOX_DEBIAN] = { "debian", "/bin/bash" },
	[BOX_PURE_V2] = { "pure-v2", "/bin/sh" },
};

/* What is the same for every job of `/probe record`. */
static const struct {
	const char *key;
	const char *value;
} fixed[] = {
	{ "argc", "2" },
	{ "argv.0", "/probe" },
	{ "argv.1", "record" },
	{ "comm", "probe" },
	{ "exe", "/probe" },
	{ "root", "/" },
	{ "cwd", "/" },
	{ "umask", "0022" },
	{ "fds", "0,1,2" },
	/* The harness gives the null device as stdin: it becomes the container's own. */
	{ "fd.0", "chr:1:3" },
	{ "fd.0.flags", "rw" },
	{ "fd.1", "pipe" },
	{ "fd.1.flags", "w" },
	{ "fd.2", "pipe" },
	{ "fd.2.flags", "w" },
	{ "ctty", "ENXIO" },
	{ "tpgid", "-" },
	{ "winsize", "-" },
	/* Its parent is outside of the pid namespace. */
	{ "ppid", "0" },
	{ "signals.blocked", "0000000000000000" },
	{ "signals.caught", "0000000000000000" },
	{ "signals.ignored", "0000000000000000" },
	{ "signals.pending", "0000000000000000" },
	{ "signals.shared_pending", "0000000000000000" },
	{ "threads", "1" },
	{ "tracer", "0" },
	/* It dies with attache; and it may be looked at again, after the exec. */
	{ "pdeathsig", "9" },
	{ "dumpable", "1" },
	{ "subreaper", "0" },
	{ "keepcaps", "0" },
	{ "securebits", "0x0" },
	{ "keyring.secret", "ENOKEY" },
	{ "env.PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
	{ "env.LANG", "C.UTF-8" },
	{ "env.container", "lxc" },
	{ "env.BOX_WORDS", "two words" },
};

/* Of /proc/INIT/status. */
static const struct {
	const char *field;
	const char *key;
} from_status[] = {
	{ "NoNewPrivs", "nnp" },
	{ "Seccomp", "seccomp.mode" },
	{ "Seccomp_filters", "seccomp.filters" },
	{ "Speculation_Store_Bypass", "speculation.store_bypass" },
	{ "SpeculationIndirectBranch", "speculation.indirect_branch" },
	{ "Cpus_allowed_list", "cpus" },
	{ "Mems_allowed_list", "mems" },
	{ "THP_enabled", "thp" },
};

static const struct {
	const char *key;
	int which;
} limits[] = {
	{ "rlimit.as", RLIMIT_AS },
	{ "rlimit.core", RLIMIT_CORE },
	{ "rlimit.cpu", RLIMIT_CPU },
	{ "rlimit.data", RLIMIT_DATA },
	{ "rlimit.fsize", RLIMIT_FSIZE },
	{ "rlimit.locks", RLIMIT_LOCKS },
	{ "rlimit.memlock", RLIMIT_MEMLOCK },
	{ "rlimit.msgqueue", RLIMIT_MSGQUEUE },
	{ "rlimit.nice", RLIMIT_NICE },
	{ "rlimit.nofile", RLIMIT_NOFILE },
	{ "rlimit.nproc", RLIMIT_NPROC },
	{ "rlimit.rss", RLIMIT_RSS },
	{ "rlimit.rtprio", RLIMIT_RTPRIO },
	{ "rlimit.rttime", RLIMIT_RTTIME },
	{ "rlimit.sigpending", RLIMIT_SIGPENDING },
	{ "rlimit.stack", RLIMIT_STACK },
};

/* ---- reading /proc on the host ------------------------------------------------------------ */

/* A whole small file; "-" where there is nothing to read, as the probe says it. */
static const char *read_proc(pid_t pid, const char *name, char buf[static MAX_TEXT])
{
	char path[64];
	ssize_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	n = att_fd_read_file_at(AT_FDCWD, path, buf, MAX_TEXT);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\0'))
		buf[--n] = '\0';
	return n <= 0 ? "-" : buf;
}

/* The value of "FIELD:\tvalue", cut off in place; NULL when there is no such field. */
static char *find_field(char *status, const char *field)
{
	size_t len = strlen(field);

	for (char *line = status; line != NULL;) {
		char *next = strchr(line, '\n');

		if (strncmp(line, field, len) == 0 && line[len] == ':') {
			if (next != NULL)
				*next = '\0';
			line += len + 1;
			return line + strspn(line, "\t ");
		}
		line = next == NULL ? NULL : next + 1;
	}
	return NULL;
}

uint64_t expect_status(pid_t pid, const char *field, int base)
{
	char text[MAX_TEXT];
	const char *value = NULL;

	if (read_proc(pid, "status", text)[0] != '-')
		value = find_field(text, field);
	return value == NULL ? 0 : strtoull(value, NULL, base);
}

uint64_t expect_bounding(enum box_kind kind)
{
	char text[64];
	uint64_t own = expect_status(getpid(), "CapBnd", 16);
	ssize_t n =
		att_fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", text, sizeof(text));

	/* Who enters a user namespace gets there every capability that the kernel knows. */
	if (kind == BOX_PRIVILEGED || n <= 0)
		return own;
	return (UINT64_C(2) << strtoul(text, NULL, 10)) - 1;
}

/* ---- from init ---------------------------------------------------------------------------- */

static int add_status(pid_t init, struct record *want)
{
	int r = 0;

	for (size_t i = 0; i < countof(from_status) && r == 0; i++) {
		char text[MAX_TEXT];
		const char *value = NULL;

		read_proc(init, "status", text);
		value = find_field(text, from_status[i].field);
		/* An older kernel that has no such line has none in the job's record either. */
		if (value != NULL)
			r = record_set(want, from_status[i].key, value);
	}
	return r;
}

static int add_namespaces(pid_t init, struct record *want)
{
	static const char *const names[] = { "mnt", "pid",    "net",  "ipc",
		                             "uts", "cgroup", "user", "time" };
	int r = 0;

	for (size_t i = 0; i < countof(names) && r == 0; i++) {
		char path[64];
		char key[32];
		char target[64] = "";

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", init, names[i]);
		snprintf(key, sizeof(key), "ns.%s", names[i]);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			return -errno;
		r = record_set(want, key, target);
	}
	return r;
}

static const char *format_limit(rlim_t value, char buf[static 32])
{
	if (value == RLIM_INFINITY)
		return "unlimited";
	snprintf(buf, 32, "%llu", (unsigned long long)value);
	return buf;
}

static int add_limits(pid_t init, struct record *want)
{
	int r = 0;

	for (size_t i = 0; i < countof(limits) && r == 0; i++) {
		struct rlimit limit;
		char soft[32];
		char hard[32];

		if (prlimit(init, (__rlimit_resource_t)limits[i].which, NULL, &limit) < 0)
			return -errno;
		r = record_setf(want, limits[i].key, "%s:%s", format_limit(limit.rlim_cur, soft),
		                format_limit(limit.rlim_max, hard));
	}
	return r;
}

static int add_scheduling(pid_t init, struct record *want)
{
	struct sched_param param = { 0 };
	char text[MAX_TEXT];
	long prio = syscall(SYS_ioprio_get, 1, init);
	int r = record_setf(want, "ioprio", "%ld:%ld", prio >> 13, prio & 0x1fff);

	sched_getparam(init, &param);
	if (r == 0)
		r = record_setf(want, "sched", "%d:%d", sched_getscheduler(init),
		                param.sched_priority);
	if (r == 0)
		r = record_setf(want, "nice", "%d", getpriority(PRIO_PROCESS, (id_t)init));
	if (r == 0)
		r = record_set(want, "timerslack", read_proc(init, "timerslack_ns", text));
	if (r == 0)
		r = record_set(want, "oom_score_adj", read_proc(init, "oom_score_adj", text));
	return r;
}

static int add_process(pid_t init, struct record *want)
{
	char text[MAX_TEXT];
	int r = record_set(want, "coredump_filter", read_proc(init, "coredump_filter", text));

	if (r == 0)
		r = record_setf(want, "personality", "0x%lx",
		                strtoul(read_proc(init, "personality", text), NULL, 16));
	return r < 0 ? r : record_set(want, "lsm", read_proc(init, "attr/current", text));
}

/* ---- cgroups ------------------------------------------------------------------------------ */

/* "9:name=systemd:/x" → key "cgroup.systemd", path "/x"; the line is cut up. */
static const char *parse_cgroup(char *line, char key[static 128])
{
	char *names = strchr(line, ':');
	char *path = names == NULL ? NULL : strchr(names + 1, ':');

	if (path == NULL)
		return NULL;
	*path++ = '\0';
	names += strncmp(names, ":name=", 6) == 0 ? 6 : 1;
	snprintf(key, 128, "cgroup.%s", *names == '\0' ? "unified" : names);
	return path;
}

static int add_own_cgroups(pid_t init, struct record *want)
{
	char text[MAX_TEXT];
	char *rest = text;
	int r = 0;

	read_proc(init, "cgroup", text);
	while (r == 0 && rest != NULL) {
		char key[128];
		char *line = strsep(&rest, "\n");

		/* In every hierarchy the container's own root; its name in v2 is settled later. */
		if (parse_cgroup(line, key) != NULL)
			r = record_set(want, key, "/");
	}
	return r;
}

/* Where @path is when it is looked at from @root, as the kernel shows it in a cgroup namespace. */
static void look_from(const char *root, const char *path, char *buf, size_t cap)
{
	size_t shared = 0;
	size_t used = 0;

	for (size_t i = 0; root[i] != '\0' && root[i] == path[i]; i++)
		if ((root[i + 1] == '/' || root[i + 1] == '\0') &&
		    (path[i + 1] == '/' || path[i + 1] == '\0'))
			shared = i + 1;
	if (strcmp(root, "/") == 0)
		shared = 0;
	buf[0] = '\0';
	for (const char *p = root + shared; strcmp(root, "/") != 0 && *p != '\0'; p++)
		if (*p == '/')
			used += (size_t)snprintf(buf + used, cap - used, "/..");
	if (strcmp(path + shared, "/") != 0)
		used += (size_t)snprintf(buf + used, cap - used, "%s", path + shared);
	if (used == 0)
		snprintf(buf, cap, "/");
}

static const char *find_cgroup(char *text, const char *want_key)
{
	char *rest = text;

	while (rest != NULL) {
		char key[128];
		const char *path = parse_cgroup(strsep(&rest, "\n"), key);

		if (path != NULL && strcmp(key, want_key) == 0)
			return path;
	}
	return NULL;
}

int expect_caller_cgroup(const struct box *box, struct record *want)
{
	char text[MAX_TEXT];
	char *rest = text;
	int r = 0;

	read_proc(box_init_pid(box), "cgroup", text);
	while (r == 0 && rest != NULL) {
		char mine[MAX_TEXT];
		char key[128];
		char seen[MAX_TEXT / 2];
		const char *root = parse_cgroup(strsep(&rest, "\n"), key);
		char *scope = root == NULL ? NULL : strstr(root, "/init.scope");
		const char *path = NULL;

		if (root == NULL)
			continue;
		/* A systemd has moved itself one down from the root that it was given. */
		if (scope != NULL)
			*scope = '\0';
		read_proc(getpid(), "cgroup", mine);
		path = find_cgroup(mine, key);
		if (path == NULL)
			return -ENOENT;
		look_from(root, path, seen, sizeof(seen));
		r = record_set(want, key, seen);
	}
	return r;
}

/* ---- the whole ---------------------------------------------------------------------------- */

int expect_root_caps(struct record *want, uint64_t bounding)
{
	static const char *const full[] = { "cap.bounding", "cap.permitted", "cap.effective" };
	int r = record_set(want, "cap.inheritable", "0000000000000000");

	if (r == 0)
		r = record_set(want, "cap.ambient", "0000000000000000");
	for (size_t i = 0; i < countof(full) && r == 0; i++)
		r = record_setf(want, full[i], "%016llx", (unsigned long long)bounding);
	return r;
}

static int set_ids(struct record *want, const char *kind, uint32_t ct_id)
{
	static const char *const which[] = { "real", "effective", "saved", "fs" };
	int r = 0;

	for (size_t i = 0; i < countof(which) && r == 0; i++) {
		char key[32];

		snprintf(key, sizeof(key), "%s.%s", kind, which[i]);
		r = record_setf(want, key, "%u", ct_id);
	}
	return r;
}

static int set_identity(struct record *want, const struct expect_user *user)
{
	int r = set_ids(want, "uid", user->ct_uid);

	if (r == 0)
		r = set_ids(want, "gid", user->ct_gid);
	if (r == 0)
		r = record_set(want, "groups", user->groups);
	if (r == 0)
		r = record_set(want, "env.USER", user->name);
	if (r == 0)
		r = record_set(want, "env.LOGNAME", user->name);
	if (r == 0)
		r = record_set(want, "env.HOME", user->home);
	if (r == 0)
		r = record_set(want, "env.SHELL", user->shell);
	/* The job's own, made by the job's user: a container user can use it, and no other's. */
	if (r == 0)
		r = record_setf(want, "keyring.description", "keyring;%u;%u;3f030000;_ses",
		                user->ct_uid, user->ct_gid);
	return r;
}

int expect_user(struct record *want, const struct expect_user *user)
{
	static const char *const emptied[] = { "cap.permitted", "cap.effective", "cap.inheritable",
		                               "cap.ambient" };
	int r = set_identity(want, user);

	for (size_t i = 0; i < countof(emptied) && r == 0 && user->ct_uid != 0; i++)
		r = record_set(want, emptied[i], "0000000000000000");
	return r;
}

int expect_no_filter(struct record *want)
{
	int r = record_setf(want, "seccomp.mode", "%llu",
	                    (unsigned long long)expect_status(getpid(), "Seccomp", 10));

	return r < 0 ? r
	             : record_setf(
			       want, "seccomp.filters", "%llu",
			       (unsigned long long)expect_status(getpid(), "Seccomp_filters", 10));
}

int expect_caller_label(struct record *want)
{
	char text[MAX_TEXT];

	return record_set(want, "lsm", read_proc(getpid(), "attr/current", text));
}

int expect_job(const struct box *box, enum box_kind kind, struct record *ret)
{
	const struct expect_user root = {
		.groups = "", .name = "root", .home = "/root", .shell = kinds[kind].root_shell
	};
	_cleanup_record_ struct record want = RECORD_INIT;
	pid_t init = box_init_pid(box);
	uint64_t bounding = expect_status(init, "CapBnd", 16) & expect_bounding(kind);
	int r = record_set(&want, "env.BOX_KIND", kinds[kind].name);

	for (size_t i = 0; i < countof(fixed) && r == 0; i++)
		r = record_set(&want, fixed[i].key, fixed[i].value);
	if (r == 0)
		r = add_status(init, &want);
	if (r == 0)
		r = add_namespaces(init, &want);
	if (r == 0)
		r = add_limits(init, &want);
	if (r == 0)
		r = add_scheduling(init, &want);
	if (r == 0)
		r = add_process(init, &want);
	if (r == 0)
		r = add_own_cgroups(init, &want);
	if (r == 0)
		r = set_identity(&want, &root);
	if (r == 0)
		r = expect_root_caps(&want, bounding);
	if (r < 0)
		return r;
	record_done(ret);
	*ret = want;
	want = (struct record)RECORD_INIT;
	return 0;
}

/* ---- what only the job knows -------------------------------------------------------------- */

static bool is_leaf(const char *path)
{
	/* The second name where liblxc has made the first as the container's root. */
	return path != NULL &&
	       ((strlen(path) == LEAF_LEN && fnmatch("/.lxc" LEAF_SHAPE, path, 0) == 0) ||
	        (strlen(path) == LEAF_LEN + 2 && fnmatch("/.lxc-1" LEAF_SHAPE, path, 0) == 0));
}

static bool is_own_keyring(const char *serial)
{
	long mine = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

	return serial != NULL && strtol(serial, NULL, 10) > 0 && strtol(serial, NULL, 10) != mine;
}

int expect_settle(const struct record *got, struct record *want)
{
	static const char *const same[] = { "pid", "pgid", "sid" };
	const char *pid = record_get(got, "pid");
	const char *serial = record_get(got, "keyring.session");
	const char *leaf = record_get(got, "cgroup.unified");
	const char *want_leaf = record_get(want, "cgroup.unified");
	int r = 0;

	for (size_t i = 0; i < countof(same) && r == 0; i++)
		r = record_set(want, same[i], pid);
	if (r == 0 && is_own_keyring(serial))
		r = record_set(want, "keyring.session", serial);
	/* Also where an earlier job has settled it. */
	if (r == 0 && want_leaf != NULL && is_leaf(leaf) &&
	    (strcmp(want_leaf, "/") == 0 || is_leaf(want_leaf)))
		r = record_set(want, "cgroup.unified", leaf);
	return r;
}
