/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "sys/cgroup.h"
#include "sys/pidfd.h"

/* More than any of these files: 340 id ranges are the longest. */
#define TEXT_CAP 12288

void att_snapshot_done(struct att_snapshot *s)
{
	s->proc_fd = att_fd_close(s->proc_fd);
	s->cgroup_fd = att_fd_close(s->cgroup_fd);
	att_idmap_done(&s->uids);
	att_idmap_done(&s->gids);
	att_cgroup_lines_done(&s->cgroup);
	att_cgroup_lines_done(&s->self_cgroup);
	free(s->seccomp_profile);
	s->seccomp_profile = NULL;
}

static int gone(struct att_err *err)
{
	return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_SNAPSHOT, "its init has ended");
}

/* Reads one file of a /proc/PID directory into @buf. */
static int read_text(int proc_fd, const char *name, char *buf, size_t cap, size_t *ret_len,
                     struct att_err *err)
{
	ssize_t n = att_fd_read_file_at(proc_fd, name, buf, cap);

	if (n == -ESRCH || n == -ENOENT)
		return gone(err);
	if (n < 0)
		return att_err_sys(err,
		                   n == -EACCES || n == -EPERM ? ATT_E_PERMISSION_DENIED
		                                               : ATT_E_CONFINEMENT_UNAVAILABLE,
		                   ATT_STAGE_SNAPSHOT, (int)-n, "read '%s' of init", name);
	*ret_len = (size_t)n;
	return 0;
}

static int malformed(const char *name, struct att_err *err)
{
	return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SNAPSHOT,
	                   "read '%s' of init: not understood", name);
}

static int read_status(int proc_fd, struct att_process *ret, char *buf, struct att_err *err)
{
	size_t len = 0;
	int r = read_text(proc_fd, "status", buf, TEXT_CAP, &len, err);

	if (r < 0)
		return r;
	return att_proc_parse_status(buf, len, &ret->status) ? 0 : malformed("status", err);
}

static int read_limits(const struct att_snapshot *s, struct att_process *ret, char *buf,
                       struct att_err *err)
{
	size_t len = 0;
	int r = 0;

	/* Cheaper than the file, but not everybody may ask everybody. */
	if (att_process_limits(s->host_pid, &ret->limits))
		return 0;
	r = read_text(s->proc_fd, "limits", buf, TEXT_CAP, &len, err);
	if (r < 0)
		return r;
	return att_proc_parse_limits(buf, len, &ret->limits) ? 0 : malformed("limits", err);
}

/* The whole of a line. */
static bool parse_line(const char *text, int base, long *ret)
{
	char *end = NULL;

	errno = 0;
	*ret = strtol(text, &end, base);
	return errno == 0 && end != text && strcmp(end, "\n") == 0;
}

static int read_oom_score(int proc_fd, struct att_process *ret, char *buf, struct att_err *err)
{
	size_t len = 0;
	long score = 0;
	int r = read_text(proc_fd, "oom_score_adj", buf, TEXT_CAP, &len, err);

	if (r < 0)
		return r;
	if (!parse_line(buf, 10, &score))
		return malformed("oom_score_adj", err);
	ret->oom_score_adj = (int32_t)score;
	return 0;
}

static int read_personality(int proc_fd, struct att_process *ret, char *buf, struct att_err *err)
{
	size_t len = 0;
	long bits = 0;
	int r = read_text(proc_fd, "personality", buf, TEXT_CAP, &len, err);

	if (r < 0)
		return r;
	if (!parse_line(buf, 16, &bits))
		return malformed("personality", err);
	ret->personality = (uint32_t)bits;
	return 0;
}

static int read_idmap(int proc_fd, const char *name, struct att_idmap *ret, char *buf,
                      struct att_err *err)
{
	size_t len = 0;
	int r = read_text(proc_fd, name, buf, TEXT_CAP, &len, err);

	if (r < 0)
		return r;
	r = att_idmap_parse(buf, len, ret);
	if (r == -ENOMEM)
		return att_err_nomem(err, ATT_STAGE_SNAPSHOT);
	return r < 0 ? malformed(name, err) : 0;
}

int att_snapshot_set_cgroup_root(struct att_snapshot *s, size_t line, size_t len,
                                 struct att_err *err)
{
	const struct att_cgroup_line *l = &s->cgroup.v[line];
	_cleanup_close_ int fd = -1;

	s->cgroup_root_len[line] = len;
	if (l->hierarchy != 0)
		return 0;

	int r = att_cgroup_open("", l->path, len, &fd, err);

	if (r < 0)
		return r;
	att_fd_close_p(&s->cgroup_fd);
	s->cgroup_fd = take_fd(&fd);
	return 0;
}

static bool legacy_frozen(const struct att_cgroup_line *l, size_t root_len)
{
	struct att_err ignored = ATT_ERR_INIT;
	_cleanup_close_ int fd = -1;

	if (att_cgroup_open(l->controllers, l->path, root_len, &fd, &ignored) < 0)
		return false;
	return att_cgroup_is_frozen(fd);
}

static int read_cgroup_lines(int proc_fd, struct att_cgroup_lines *ret, char *buf,
                             struct att_err *err)
{
	size_t len = 0;
	int r = read_text(proc_fd, "cgroup", buf, TEXT_CAP, &len, err);

	if (r < 0)
		return r;
	r = att_cgroup_lines_parse(buf, len, ret);
	if (r == -ENOMEM)
		return att_err_nomem(err, ATT_STAGE_SNAPSHOT);
	return r < 0 ? malformed("cgroup", err) : 0;
}

static int read_cgroups(struct att_snapshot *s, const char *name, char *buf, struct att_err *err)
{
	int r = read_cgroup_lines(s->proc_fd, &s->cgroup, buf, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s->cgroup.n; i++) {
		const struct att_cgroup_line *l = &s->cgroup.v[i];

		r = att_snapshot_set_cgroup_root(s, i, att_cgroup_guess_root(l->path, name), err);
		if (r < 0)
			return r;
		if (strcmp(l->controllers, "freezer") == 0)
			s->frozen = s->frozen || legacy_frozen(l, s->cgroup_root_len[i]);
	}
	if (s->cgroup_fd >= 0)
		s->frozen = s->frozen || att_cgroup_is_frozen(s->cgroup_fd);
	return 0;
}

static int read_start(struct att_snapshot *s, char *buf, struct att_err *err)
{
	size_t len = 0;
	char state = 0;
	int r = read_text(s->proc_fd, "stat", buf, TEXT_CAP, &len, err);

	if (r < 0)
		return r;
	return att_proc_parse_stat(buf, len, &state, &s->start_ticks) ? 0 : malformed("stat", err);
}

/* The directory names init for as long as it lives, and it still lives after it was opened. */
static int open_proc(const struct att_ct *ct, struct att_snapshot *s, struct att_err *err)
{
	char path[32];

	att_ignore(snprintf(path, sizeof(path), "/proc/%d", ct->host_pid));
	s->proc_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (s->proc_fd < 0 && errno != ENOENT)
		return att_err_sys(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_SNAPSHOT, errno,
		                   "open '%s'", path);
	if (s->proc_fd < 0 || !att_pidfd_is_alive(ct->init_pidfd))
		return gone(err);
	return 0;
}

static int read_init(const struct att_ct *ct, struct att_snapshot *s, struct att_err *err)
{
	_cleanup_free_ char *buf = malloc(TEXT_CAP);

	if (!buf)
		return att_err_nomem(err, ATT_STAGE_SNAPSHOT);

	int r = read_status(s->proc_fd, &s->init, buf, err);

	if (r == 0)
		r = read_limits(s, &s->init, buf, err);
	if (r == 0)
		r = read_oom_score(s->proc_fd, &s->init, buf, err);
	if (r == 0)
		r = read_personality(s->proc_fd, &s->init, buf, err);
	if (r == 0)
		r = att_lsm_read(s->proc_fd, &s->init.label, err);
	if (r == 0)
		r = att_ns_read(s->proc_fd, s->own_ns, s->ns, err);
	if (r == 0)
		r = read_idmap(s->proc_fd, "uid_map", &s->uids, buf, err);
	if (r == 0)
		r = read_idmap(s->proc_fd, "gid_map", &s->gids, buf, err);
	if (r == 0)
		r = read_cgroups(s, ct->name, buf, err);
	return r < 0 ? r : read_start(s, buf, err);
}

/* Taken over from the container's handle, where it was read while its monitor was being waited for. */
static int take_self(struct att_ct *ct, struct att_snapshot *s, struct att_err *err)
{
	int r = ct->self.known ? 0 : att_self_read(&ct->self, err);

	if (r < 0)
		return r;
	s->self = ct->self.process;
	s->self_cgroup = ct->self.cgroup;
	memcpy(s->own_ns, ct->self.ns, sizeof(s->own_ns));
	ct->self = (struct att_self){ .known = false };
	return 0;
}

/* What the caller is labelled matters where init is. */
static int read_own_label(struct att_snapshot *s, struct att_err *err)
{
	_cleanup_close_ int fd = -1;

	s->self.label = (struct att_label){ .lsm = ATT_LSM_NONE, .text = "" };
	if (s->init.label.lsm == ATT_LSM_NONE)
		return 0;
	fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SNAPSHOT, errno,
		                   "open '/proc/self'");
	return att_lsm_read(fd, &s->self.label, err);
}

int att_snapshot_take(struct att_ct *ct, struct att_snapshot *ret, struct att_err *err)
{
	_cleanup_(att_snapshot_done) struct att_snapshot s = ATT_SNAPSHOT_INIT;
	int r = open_proc(ct, &s, err);

	s.host_pid = ct->host_pid;
	if (r == 0)
		r = take_self(ct, &s, err);
	if (r == 0)
		r = read_init(ct, &s, err);
	if (r == 0)
		r = read_own_label(&s, err);
	if (r == 0)
		r = att_lxc_settle(ct, err);
	if (r == 0 && s.init.status.seccomp != 0 && ct->seccomp_profile) {
		s.seccomp_profile = strdup(ct->seccomp_profile);
		if (!s.seccomp_profile)
			r = att_err_nomem(err, ATT_STAGE_SNAPSHOT);
	}
	/* Whoever says that it is a container: nothing is entered that is the host itself. */
	if (r == 0 && !(att_snapshot_enters(&s) & CLONE_NEWNS))
		r = att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SNAPSHOT,
		                "its init (process %d) is in the caller's own mount namespace",
		                s.host_pid);
	/* All of it was init's only if init is still there; and an error may be that it is not. */
	if (!att_pidfd_is_alive(ct->init_pidfd))
		r = gone(err);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct att_snapshot)ATT_SNAPSHOT_INIT;
	return 0;
}

uint32_t att_snapshot_enters(const struct att_snapshot *s)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < ATT_NS_COUNT; i++)
		if (!s->ns[i].shared)
			flags |= att_ns_kinds[i].flag;
	return flags;
}

bool att_snapshot_is_ending(const struct att_snapshot *s)
{
	char text[4096];
	ssize_t n = att_fd_read_file_at(s->proc_fd, "status", text, sizeof(text));

	return n < 0 || !strstr(text, "\nVmSize:");
}

bool att_snapshot_root_is_host_root(const struct att_snapshot *s)
{
	uint32_t host_uid = 0;

	return att_idmap_to_host(&s->uids, 0, &host_uid) && host_uid == 0;
}

int64_t att_snapshot_started_wall_ns(const struct att_snapshot *s)
{
	struct timespec boot;
	long hz = sysconf(_SC_CLK_TCK);

	if (hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &boot) < 0)
		return 0;

	int64_t now_ns = (int64_t)boot.tv_sec * ATT_NS_PER_SEC + boot.tv_nsec;
	int64_t start_ns = (int64_t)(s->start_ticks / (uint64_t)hz) * ATT_NS_PER_SEC +
	                   (int64_t)(s->start_ticks % (uint64_t)hz) * (ATT_NS_PER_SEC / hz);

	return att_clock_wall_ns() - (now_ns - start_ns);
}
