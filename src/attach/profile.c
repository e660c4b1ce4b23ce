/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's seccomp profile as a filter for the job.
 *
 * Source: the profile's text, by the path that the running container was given. It compiles in
 * 0.03 ms and says what it denies by name; but the path may lead to another text than the one that
 * init was started with.
 *
 * Check: init's own filter, read back through ptrace, which is exact. That stops the container's
 * first process for 0.2 ms (it may see an interrupted system call), so it is done once for each
 * start of a container: a process never loses a filter, so what was read is kept in a directory that
 * only root can enter, under init's number and start time. Every exec compares with it. When they
 * differ the job is refused.
 *
 * A text that was found to be init's is kept there as well, with the filter that it makes: as long as
 * the profile reads the same there is nothing to compile and to compare.
 *
 * A caller that is under a filter itself is not let read another's. Where nothing is kept yet it has
 * to do with this: no link on the way, and neither the file nor a directory above it has changed
 * since init started.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/plan.h"
#include "base/clock.h"
#include "base/fd.h"
#include "sys/seccomp.h"

#define READ_BACK_NS   (4 * ATT_NS_PER_SEC)
#define RETRY_NS       (1 * ATT_NS_PER_SEC)
#define RETRY_PAUSE_MS 10
/* Boot time counts in ticks and the wall clock is adjusted: what is this close counts as later. */
#define CHANGE_SLACK_NS (2 * ATT_NS_PER_SEC)
#define KEPT_DIR        "/run/attache"
#define KEPT_INIT       ".bpf" /* init's filter */
#define KEPT_SAME       ".job" /* struct same, a text, and its filter that decides as init's */
#define KEPT_NAME_CAP   64

/* ---- the text ---- */

static int read_text(const char *path, struct att_buf *text, struct att_err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP, errno,
		                   "open the container's seccomp profile '%s'", path);
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)ATT_SECCOMP_TEXT_MAX)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
		                   "the container's seccomp profile '%s' is no file of at most %zu "
		                   "bytes",
		                   path, ATT_SECCOMP_TEXT_MAX);
	if (att_buf_reserve(text, (size_t)st.st_size + 1) < 0)
		return att_err_nomem(err, ATT_STAGE_SECCOMP);
	n = att_fd_read_full(fd, text->data, (size_t)st.st_size + 1);
	if (n != (ssize_t)st.st_size)
		return att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
		                   "the container's seccomp profile '%s' changes while it is read",
		                   path);
	text->len = (size_t)n;
	return 0;
}

/* ---- what is known of init ---- */

struct same {
	uint32_t text_len;
	uint32_t n_insns;
};

static void kept_name(const struct att_snapshot *s, const char *suffix, char dst[KEPT_NAME_CAP])
{
	att_ignore(snprintf(dst, KEPT_NAME_CAP, "%d-%llu%s", s->host_pid,
	                    (unsigned long long)s->start_ticks, suffix));
}

/* Only a directory that nobody but root can have put something into. */
static int open_kept_dir(void)
{
	_cleanup_close_ int fd = open(KEPT_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != 0 || (st.st_mode & 077) != 0)
		return -1;
	return take_fd(&fd);
}

/* Return: true and what is in a kept file, when there is one of at most @cap bytes. */
static bool read_kept(const struct att_snapshot *s, const char *suffix, size_t cap,
                      struct att_buf *ret)
{
	_cleanup_close_ int dir_fd = open_kept_dir();
	_cleanup_close_ int fd = -1;
	char name[KEPT_NAME_CAP];
	struct stat st;

	kept_name(s, suffix, name);
	fd = dir_fd < 0 ? -1 : openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > (off_t)cap || att_buf_reserve(ret, (size_t)st.st_size) < 0)
		return false;
	ret->len = (size_t)st.st_size;
	return att_fd_read_full(fd, ret->data, ret->len) == (ssize_t)ret->len;
}

static bool copy_filter(const char *bytes, size_t len, struct att_filter *ret)
{
	_cleanup_free_ struct sock_filter *insns = malloc(len > 0 ? len : 1);
	struct att_err ignored = ATT_ERR_INIT;

	if (!insns || len % sizeof(*insns) != 0)
		return false;
	memcpy(insns, bytes, len);
	return att_filter_set(ret, insns, len / sizeof(*insns), &ignored) == 0;
}

/* Return: true and a filter to be given back, when init's was kept. */
static bool read_init(const struct att_snapshot *s, struct att_filter *ret)
{
	_cleanup_buf_ struct att_buf bytes = ATT_BUF_INIT;

	return read_kept(s, KEPT_INIT, BPF_MAXINSNS * sizeof(struct sock_filter), &bytes) &&
	       copy_filter(bytes.data, bytes.len, ret);
}

/* Return: true and the filter of a profile with this very text, when it is known to be init's. */
static bool read_same(const struct att_snapshot *s, const struct att_buf *text,
                      struct att_filter *ret)
{
	_cleanup_buf_ struct att_buf bytes = ATT_BUF_INIT;
	const size_t cap = sizeof(struct same) + ATT_SECCOMP_TEXT_MAX +
	                   BPF_MAXINSNS * sizeof(struct sock_filter);
	struct same head;

	if (!read_kept(s, KEPT_SAME, cap, &bytes) || bytes.len < sizeof(head))
		return false;
	memcpy(&head, bytes.data, sizeof(head));
	if (head.text_len != text->len || head.n_insns > BPF_MAXINSNS ||
	    bytes.len != sizeof(head) + text->len + head.n_insns * sizeof(struct sock_filter) ||
	    memcmp(bytes.data + sizeof(head), text->data, text->len) != 0)
		return false;
	return copy_filter(bytes.data + sizeof(head) + text->len,
	                   head.n_insns * sizeof(struct sock_filter), ret);
}

/* Those of containers that have ended go when a new one comes. */
static void sweep(int dir_fd)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
		int pid = 0;

		if (sscanf(d->d_name, "%d-", &pid) == 1 && pid > 0 && kill(pid, 0) < 0 &&
		    errno == ESRCH)
			att_ignore(unlinkat(dir_fd, d->d_name, 0));
	}
	if (dir)
		att_ignore(closedir(dir));
	else
		att_ignore(att_fd_close(fd));
}

/* Whole or not at all; where it cannot be kept, the next exec finds it out again. */
static void keep(const struct att_snapshot *s, const char *suffix, const void *bytes, size_t len)
{
	_cleanup_close_ int dir_fd = -1;
	_cleanup_close_ int fd = -1;
	char name[KEPT_NAME_CAP];
	char unfinished[KEPT_NAME_CAP];

	att_ignore(mkdir(KEPT_DIR, 0700));
	dir_fd = open_kept_dir();
	if (dir_fd < 0)
		return;
	sweep(dir_fd);
	kept_name(s, suffix, name);
	att_ignore(snprintf(unfinished, sizeof(unfinished), "%d-new.%d", getpid(), s->host_pid));
	fd = openat(dir_fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (att_fd_write_full(fd, bytes, len) < 0 || renameat(dir_fd, unfinished, dir_fd, name) < 0)
		att_ignore(unlinkat(dir_fd, unfinished, 0));
}

static void keep_same(const struct att_snapshot *s, const struct att_buf *text,
                      const struct att_filter *f)
{
	_cleanup_buf_ struct att_buf bytes = ATT_BUF_INIT;
	struct same head = { (uint32_t)text->len, f->n };

	if (att_buf_append(&bytes, &head, sizeof(head)) == 0 &&
	    att_buf_append(&bytes, text->data, text->len) == 0 &&
	    att_buf_append(&bytes, f->insns, f->n * sizeof(*f->insns)) == 0)
		keep(s, KEPT_SAME, bytes.data, bytes.len);
}

/* ---- the check ---- */

static bool is_older(const struct stat *st, int64_t started_ns)
{
	int64_t changed = (int64_t)st->st_ctim.tv_sec * ATT_NS_PER_SEC + st->st_ctim.tv_nsec;

	return changed <= started_ns - CHANGE_SLACK_NS;
}

/* The file and every directory above it, without links. */
static bool is_unchanged(const struct att_snapshot *s)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	int64_t started_ns = att_snapshot_started_wall_ns(s);
	_cleanup_free_ char *path = strdup(s->seccomp_profile);

	if (!path || started_ns == 0)
		return false;
	while (path[0] != '\0') {
		_cleanup_close_ int fd =
			(int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
		struct stat st;

		if (fd < 0 || fstat(fd, &st) < 0 || !is_older(&st, started_ns))
			return false;
		*(strrchr(path, '/') ? strrchr(path, '/') : path) = '\0';
	}
	return true;
}

static int read_back(const struct att_snapshot *s, struct att_filter *ret, struct att_err *err)
{
	struct att_filter *live = NULL;
	size_t n = 0;
	int r = att_seccomp_read_back(s->host_pid, &live, &n, att_clock_after_ns(READ_BACK_NS),
	                              err);

	if (r == 0 && n == 0)
		r = att_err_set(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
		                "init has no seccomp filter any more");
	/* The newest is the container's own; older ones came from who started it. */
	if (r == 0)
		r = att_filter_set(ret, live[0].insns, live[0].n, err);
	if (r == 0)
		keep(s, KEPT_INIT, ret->insns, ret->n * sizeof(*ret->insns));
	live = att_filters_free(live, n);
	return r;
}

/* Another that reads at the same time, or an init that is just being torn down, is over in a moment. */
static bool may_pass(const struct att_snapshot *s, const struct att_err *err)
{
	return s->self.status.seccomp == 0 && geteuid() == 0 &&
	       (err->code == ATT_E_PERMISSION_DENIED ||
	        err->code == ATT_E_CONFINEMENT_UNAVAILABLE) &&
	       !att_snapshot_is_ending(s);
}

static int know_init(const struct att_snapshot *s, struct att_filter *ret, struct att_err *err)
{
	int64_t give_up_ns = att_clock_after_ns(RETRY_NS);

	for (;;) {
		int r = read_init(s, ret) ? 0 : read_back(s, ret, err);

		if (r == 0 || !may_pass(s, err) || att_clock_poll_ms(give_up_ns) == 0)
			return r;
		att_ignore(poll(NULL, 0, RETRY_PAUSE_MS));
	}
}

static int check_against_init(const struct att_plan *plan, const struct att_buf *text,
                              const struct att_filter *filter, struct att_err *err)
{
	const struct att_snapshot *s = &plan->snapshot;
	_cleanup_filter_ struct att_filter init = ATT_FILTER_INIT;
	int r = know_init(s, &init, err);

	if (r < 0 && err->code == ATT_E_CONFINEMENT_UNAVAILABLE && s->self.status.seccomp != 0 &&
	    is_unchanged(s))
		return 0;
	if (r < 0)
		return att_err_wrap(err, "compare seccomp profile '%s' with init's filter",
		                    s->seccomp_profile);
	if (att_seccomp_same(filter, &init)) {
		keep_same(s, text, filter);
		return 0;
	}
	return att_err_set(
		err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
		"the container's seccomp profile '%s' was changed after it started and is "
		"not what its init runs under; restart the container",
		s->seccomp_profile);
}

/* Calls that entering makes once the filter is loaded. */
static int check_usable(const struct att_plan *plan, const struct att_filter *filter,
                        struct att_err *err)
{
	static const struct {
		uint32_t nr;
		const char *name;
	} needed[] = {
		{ SYS_execve, "execve" }, { SYS_clone, "clone" }, { SYS_exit_group, "exit_group" },
		{ SYS_setsid, "setsid" }, { SYS_prctl, "prctl" },
	};

	for (size_t i = 0; i < countof(needed); i++)
		if (!att_seccomp_allows(filter, needed[i].nr))
			return att_err_set(
				err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
				"the container's seccomp profile '%s' denies '%s', without "
				"which nothing can be started",
				plan->snapshot.seccomp_profile, needed[i].name);
	return 0;
}

int att_profile_load(struct att_plan *plan, struct att_err *err)
{
	const char *path = plan->snapshot.seccomp_profile;
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	_cleanup_filter_ struct att_filter filter = ATT_FILTER_INIT;
	int r = read_text(path, &text, err);
	bool known = r == 0 && read_same(&plan->snapshot, &text, &filter);

	if (r == 0 && !known)
		r = att_seccomp_compile_lxc(path, text.data, text.len, &filter, err);
	if (r == 0 && !known)
		r = check_against_init(plan, &text, &filter, err);
	if (r == 0)
		r = check_usable(plan, &filter, err);
	if (r == 0)
		r = att_plan_blob(plan, filter.insns, filter.n * sizeof(*filter.insns),
		                  &plan->wire.filter[0], err);
	if (r < 0)
		return r;
	plan->wire.n_filters = plan->n_filters = 1;
	plan->seccomp_notify = filter.uses_notify;
	if (!filter.uses_notify)
		return 0;
	return att_plan_warn(plan,
	                     "the container's seccomp profile hands some system calls to a "
	                     "supervisor; in this job they fail with ENOSYS",
	                     err);
}
