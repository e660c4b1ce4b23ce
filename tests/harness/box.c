/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/box.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/openat2.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "harness/cgtree.h"
#include "harness/child.h"
#include "harness/reap.h"
#include "harness/rootfs.h"

#define START_TIMEOUT_NS (60 * ATT_NS_PER_SEC)
#define MAX_ARGS         60

struct box {
	enum box_kind kind;
	char name[64];
	char lxcpath[128];
	char dir[256];
	char rootfs[280];
	char config[280];
	char log[280];
	struct att_buf extra; /* configuration lines of the test's */
	pid_t init_pid;
	pid_t monitor_pid;
	int host_mnt_fd; /* mount namespace to go back to; -1: none */
	int host_cwd_fd;
	struct box *next;
};

/*
 * The boxes of this process. The one mutable global of the harness: a cmocka test that fails leaves
 * by long jump, and only what is known here can then still be taken down at exit.
 */
static struct {
	pid_t owner;
	int n_made;
	struct box *first;
} boxes;

static const struct {
	const char *name;
	bool idmapped;
} kinds[] = {
	[BOX_PRIVILEGED] = { "privileged", false },
	[BOX_IDMAPPED] = { "idmapped", true },
	[BOX_DEBIAN] = { "debian", true },
	[BOX_PURE_V2] = { "pure-v2", true },
};

static int complain(const struct box *box, const char *what, int r)
{
	fprintf(stderr, "box %s: %s: %s\n", box->name, what, strerror(-r));
	return r;
}

/* ---- the mount namespace with pure cgroup v2 ---------------------------------------------- */

static bool is_pure_v2(void)
{
	struct statfs fs;

	return statfs("/sys/fs/cgroup", &fs) == 0 &&
	       (unsigned long)fs.f_type == CGROUP2_SUPER_MAGIC;
}

static int mount_v2(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	if (umount2("/sys/fs/cgroup", MNT_DETACH) < 0 && errno != EINVAL)
		return -errno;
	return mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0 ? -errno : 0;
}

static void leave_v2(struct box *box)
{
	if (box->host_mnt_fd < 0)
		return;
	/* setns() moves to the namespace's root; the working directory is put back by hand. */
	if (setns(box->host_mnt_fd, CLONE_NEWNS) < 0 || fchdir(box->host_cwd_fd) < 0)
		fprintf(stderr, "box %s: cannot leave its mount namespace\n", box->name);
	box->host_mnt_fd = att_fd_close(box->host_mnt_fd);
	box->host_cwd_fd = att_fd_close(box->host_cwd_fd);
}

static int enter_v2(struct box *box)
{
	if (is_pure_v2())
		return 0;
	box->host_cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	box->host_mnt_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (box->host_cwd_fd < 0 || box->host_mnt_fd < 0 || unshare(CLONE_NEWNS) < 0)
		return -errno;

	int r = mount_v2();

	if (r < 0)
		leave_v2(box);
	return r;
}

/* ---- making and removing ------------------------------------------------------------------ */

static void free_all(void)
{
	if (boxes.owner != getpid())
		return;
	while (boxes.first != NULL)
		box_free(boxes.first);
}

static int make_run_dir(const char *run_dir)
{
	if ((mkdir(REAP_BASE, 0755) < 0 && errno != EEXIST) || chmod(REAP_BASE, 0755) < 0)
		return -errno;
	if ((mkdir(run_dir, 0755) < 0 && errno != EEXIST) || chmod(run_dir, 0755) < 0)
		return -errno;
	return 0;
}

/* The guard starts once in every process that makes boxes, a fork of a test included. */
static int begin_run(void)
{
	char run_dir[128];
	int r = 0;

	if (boxes.owner != getpid())
		reap_stale();
	r = make_run_dir(reap_run_dir(run_dir, sizeof(run_dir)));
	if (r < 0 || boxes.owner == getpid())
		return r;
	r = reap_guard(run_dir);
	if (r < 0)
		return r;
	boxes.owner = getpid();
	boxes.first = NULL;
	return atexit(free_all) == 0 ? 0 : -ENOMEM;
}

/* "att-PID-N-…": the pid and the number make sure that no name is the beginning of another. */
static void make_names(struct box *box, const char *test_name)
{
	int n = snprintf(box->name, sizeof(box->name), "att-%d-%d-%.32s-x", getpid(),
	                 ++boxes.n_made, test_name);

	for (int i = 0; i < n && box->name[i] != '\0'; i++)
		if (!isalnum((unsigned char)box->name[i]))
			box->name[i] = '-';
	reap_run_dir(box->lxcpath, sizeof(box->lxcpath));
	snprintf(box->dir, sizeof(box->dir), "%s/%s", box->lxcpath, box->name);
	snprintf(box->rootfs, sizeof(box->rootfs), "%s/rootfs", box->dir);
	snprintf(box->config, sizeof(box->config), "%s/config", box->dir);
	snprintf(box->log, sizeof(box->log), "%s/log", box->dir);
}

static int fill_rootfs(struct box *box)
{
	char probe[PATH_MAX];
	int r = box->kind == BOX_DEBIAN ? rootfs_debian(box->rootfs) : rootfs_busybox(box->rootfs);

	if (r < 0)
		return complain(box, "make its root file system", r);
	if (cmd_find("ATTACHE_PROBE", "probe", probe, sizeof(probe)) == NULL)
		return complain(box, "find the probe program", -ENOENT);
	r = rootfs_install(box->rootfs, probe, "/probe", 0755);
	/* A Debian's tree comes shifted already; then this moves only the probe. */
	if (r == 0 && kinds[box->kind].idmapped)
		r = rootfs_shift(box->rootfs, ROOTFS_SHIFT);
	return r < 0 ? complain(box, "install the probe", r) : 0;
}

static int make_box(struct box *box, const char *test_name)
{
	int r = begin_run();

	if (r < 0)
		return complain(box, "make the run directory", r);
	make_names(box, test_name);
	box->next = boxes.first;
	boxes.first = box;
	if (mkdir(box->dir, 0755) < 0 || chmod(box->dir, 0755) < 0)
		return complain(box, "make its directory", -errno);
	r = fill_rootfs(box);
	if (r == 0 && box->kind == BOX_PURE_V2)
		r = enter_v2(box);
	return r;
}

bool box_has(enum box_kind kind)
{
	const char *debian = getenv("ATTACHE_TEST_DEBIAN");

	return kind != BOX_DEBIAN || debian == NULL || strcmp(debian, "no") != 0;
}

int box_new(struct box **ret, enum box_kind kind, const char *test_name)
{
	_cleanup_box_ struct box *box = calloc(1, sizeof(*box));

	if (box == NULL)
		return -ENOMEM;
	box->kind = kind;
	box->host_mnt_fd = -1;
	box->host_cwd_fd = -1;

	int r = make_box(box, test_name);

	if (r == 0)
		*ret = take_ptr(&box);
	return r;
}

static void unlist(const struct box *box)
{
	struct box **p = &boxes.first;

	while (*p != NULL && *p != box)
		p = &(*p)->next;
	if (*p != NULL)
		*p = box->next;
}

struct box *box_free(struct box *box)
{
	if (box == NULL)
		return NULL;
	box_stop(box);
	unlist(box);
	leave_v2(box);
	if (box->dir[0] != '\0')
		reap_tree(box->dir);
	/* The last one takes the run's directory and liblxc's lock files with it. */
	if (boxes.first == NULL && box->lxcpath[0] != '\0') {
		char run_dir[128];

		reap_run(reap_run_dir(run_dir, sizeof(run_dir)));
	}
	att_buf_done(&box->extra);
	free(box);
	return NULL;
}

void box_free_p(struct box **box)
{
	*box = box_free(*box);
}

/* ---- configuration and files -------------------------------------------------------------- */

int box_config(struct box *box, const char *fmt, ...)
{
	char *line = NULL;
	va_list ap;

	va_start(ap, fmt);

	int n = vasprintf(&line, fmt, ap);

	va_end(ap);
	if (n < 0)
		return -ENOMEM;

	int r = att_buf_printf(&box->extra, "%s\n", line);

	free(line);
	return r;
}

static void write_base_config(const struct box *box, FILE *f)
{
	fprintf(f, "lxc.uts.name = %s\nlxc.rootfs.path = dir:%s\n", box->name, box->rootfs);
	fputs("lxc.net.0.type = empty\n"
	      "lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed\n"
	      "lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp\n"
	      "lxc.pty.max = 1024\n"
	      "lxc.tty.max = 0\n"
	      "lxc.environment = BOX_WORDS=two words\n",
	      f);
	fprintf(f, "lxc.environment = BOX_KIND=%s\n", kinds[box->kind].name);
	if (kinds[box->kind].idmapped)
		fprintf(f, "lxc.idmap = u 0 %d %d\nlxc.idmap = g 0 %d %d\n", ROOTFS_SHIFT,
		        ROOTFS_RANGE, ROOTFS_SHIFT, ROOTFS_RANGE);
	else
		fputs("lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio\n", f);
}

static int write_config(const struct box *box)
{
	FILE *f = fopen(box->config, "we");

	if (f == NULL)
		return -errno;
	write_base_config(box, f);
	if (box->extra.len > 0)
		fputs(box->extra.data, f);
	return fclose(f) == 0 ? 0 : -errno;
}

uint32_t box_host_id(const struct box *box, uint32_t ct_id)
{
	return kinds[box->kind].idmapped ? ct_id + ROOTFS_SHIFT : ct_id;
}

int box_write_file(struct box *box, const char *ct_path, const void *bytes, size_t len, mode_t mode)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		.mode = 0600,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int root = open(box->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, root, ct_path, &how, sizeof(how));
	uint32_t owner = box_host_id(box, 0);

	if (fd < 0)
		return complain(box, ct_path, -errno);

	int r = att_fd_write_full(fd, bytes, len);

	/* The mode comes last: a change of owner clears set-user-id. */
	if (r == 0 && (fchown(fd, owner, owner) < 0 || fchmod(fd, mode) < 0))
		r = -errno;
	return r < 0 ? complain(box, ct_path, r) : 0;
}

/* ---- running ------------------------------------------------------------------------------ */

static int run_with(const struct box *box, const char *const *head, size_t n_head,
                    const char *const *args, struct cmd_result *ret)
{
	const char *argv[MAX_ARGS + 8] = { NULL };
	const struct cmd cmd = { .argv = argv };
	size_t n = 0;

	for (; n < n_head; n++)
		argv[n] = head[n];
	for (size_t i = 0; args[i] != NULL; i++) {
		if (i == MAX_ARGS)
			return complain(box, head[0], -E2BIG);
		argv[n++] = args[i];
	}
	return cmd_run(&cmd, ret);
}

int box_run_host(const struct box *box, const char *tool, const char *const *args,
                 struct cmd_result *ret)
{
	const char *const head[] = { tool, "-P", box->lxcpath, "-n", box->name };

	return run_with(box, head, countof(head), args, ret);
}

int box_attache(const struct box *box, const char *verb, const char *const *args,
                struct cmd_result *ret)
{
	char path[PATH_MAX];

	if (cmd_find("ATTACHE", "attache", path, sizeof(path)) == NULL)
		return complain(box, "find the attache program", -ENOENT);

	const char *const head[] = { path, verb, "-P", box->lxcpath };

	return run_with(box, head, countof(head), args, ret);
}

static int run_tool(const struct box *box, const char *tool, const char *const *args)
{
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	int r = box_run_host(box, tool, args, &result);

	if (r == 0 && result.code == 0)
		return 0;
	fprintf(stderr, "box %s: %s: exit %d%s\n%s%s", box->name, tool, result.code,
	        result.hung ? ", hung" : "", result.out == NULL ? "" : result.out,
	        result.err == NULL ? "" : result.err);
	return r < 0 ? r : -EIO;
}

/* The fourth field of /proc/PID/stat, behind the name in brackets. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	char text[2048];
	int ppid = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;

	const char *p = strrchr(text, ')');

	return p != NULL && sscanf(p, ") %*c %d", &ppid) == 1 ? ppid : 0;
}

static int find_init(struct box *box)
{
	static const char *const args[] = { "-p", "-H", NULL };
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;
	int r = box_run_host(box, "lxc-info", args, &result);
	int pid = 0;

	if (r < 0)
		return r;
	if (result.code != 0 || sscanf(result.out, "%d", &pid) != 1 || pid <= 1)
		return -ESRCH;
	box->init_pid = pid;
	box->monitor_pid = parent_of(pid);
	return 0;
}

static bool is_up_busybox(const struct box *box)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/run/ready", box->rootfs);
	return access(path, F_OK) == 0;
}

/* Non-zero exit ("degraded") is an answer too: in a container some units cannot work. */
static bool is_up_systemd(const struct box *box)
{
	static const char *const args[] = { "--clear-env",       "--",     "/bin/systemctl",
		                            "is-system-running", "--wait", NULL };
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;

	return box_run_host(box, "lxc-attach", args, &result) == 0 && result.out != NULL &&
	       (strcmp(result.out, "running\n") == 0 || strcmp(result.out, "degraded\n") == 0);
}

static int wait_up(const struct box *box)
{
	bool (*is_up)(const struct box *) = box->kind == BOX_DEBIAN ? is_up_systemd : is_up_busybox;
	int64_t deadline_ns = att_clock_after_ns(START_TIMEOUT_NS);

	while (!is_up(box)) {
		if (kill(box->init_pid, 0) < 0)
			return -ESRCH;
		if (att_clock_now_ns() > deadline_ns)
			return -ETIMEDOUT;
		att_ignore(poll(NULL, 0, box->kind == BOX_DEBIAN ? 50 : 2));
	}
	return 0;
}

/* The last lines say why; the whole log goes with the box. */
static void show_log(const struct box *box)
{
	const char *const argv[] = { "tail", "-n", "25", box->log, NULL };
	const struct cmd cmd = { .argv = argv };
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;

	if (cmd_run(&cmd, &result) == 0)
		fputs(result.out, stderr);
}

static void forget_marker(const struct box *box)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/run/ready", box->rootfs);
	att_ignore(unlink(path));
}

int box_start(struct box *box)
{
	const char *const args[] = { "-d", "-o", box->log, "-l", "INFO", NULL };
	int r = write_config(box);

	forget_marker(box);
	if (r == 0)
		r = run_tool(box, "lxc-start", args);
	if (r == 0)
		r = find_init(box);
	if (r == 0)
		r = wait_up(box);
	if (r < 0) {
		complain(box, "start", r);
		show_log(box);
		box_stop(box);
	}
	return r;
}

void box_stop(struct box *box)
{
	if (box->name[0] == '\0')
		return;
	reap_container(box->name);
	/* It is gone from the cgroups, and yet may be about to write its last state. */
	if (box->monitor_pid > 1)
		att_ignore(child_gone(box->monitor_pid, att_clock_after_ns(5 * ATT_NS_PER_SEC)));
	box->init_pid = 0;
	box->monitor_pid = 0;
}

int box_freeze(struct box *box)
{
	static const char *const none[] = { NULL };

	return run_tool(box, "lxc-freeze", none);
}

int box_unfreeze(struct box *box)
{
	static const char *const none[] = { NULL };

	return run_tool(box, "lxc-unfreeze", none);
}

const char *box_name(const struct box *box)
{
	return box->name;
}

const char *box_lxcpath(const struct box *box)
{
	return box->lxcpath;
}

const char *box_rootfs(const struct box *box)
{
	return box->rootfs;
}

pid_t box_init_pid(const struct box *box)
{
	return box->init_pid;
}

pid_t box_monitor_pid(const struct box *box)
{
	return box->monitor_pid;
}

const char *box_config_path(const struct box *box)
{
	return box->config;
}
