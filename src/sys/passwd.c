/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/passwd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"

#define LINE_BYTES_MAX  65536
#define FILE_BYTES_MAX  (UINT64_C(256) << 20)
#define HELPER_NS       (5 * ATT_NS_PER_SEC)
#define REAP_NS         ATT_NS_PER_SEC
#define RESOLVE_RETRIES 32
#define PASSWD          "etc/passwd"
#define GROUP           "etc/group"

/* Stands for an errno where a file is there, but is not one that may be read; none is as large. */
#define NOT_REGULAR 254

/*
 * A file read line by line. Where it lies on another mount than the container's root, it may be
 * served by a process of the container that never answers. Then a helper process does the opening
 * and reading, fd is a pipe from it, and the helper's exit status is the errno it met.
 */
struct db {
	const char *path; /* below the container's root */
	int fd;
	int helper_pidfd; /* -1: fd is the file itself */
	int64_t deadline_ns;
	char *buf; /* owned, LINE_BYTES_MAX and one for a terminator */
	size_t at; /* where the next line starts */
	size_t len;
	uint64_t total;
	bool at_end;
	bool is_long; /* the line at hand began before the buffer: it is skipped to its end */
};

#define DB_INIT(p) \
	{ \
		.path = (p), .fd = -1, .helper_pidfd = -1, .deadline_ns = INT64_MAX \
	}

struct user_line {
	const char *name;
	const char *home;
	const char *shell;
	uint32_t ct_uid;
	uint32_t ct_gid;
};

struct group_line {
	const char *name;
	char *members; /* separated by commas */
	uint32_t ct_gid;
};

void att_user_done(struct att_user *user)
{
	free(user->name);
	free(user->home);
	free(user->shell);
	*user = (struct att_user)ATT_USER_INIT;
}

void att_gids_done(struct att_gids *gids)
{
	free(gids->v);
	*gids = (struct att_gids)ATT_GIDS_INIT;
}

/* ---- opening: shared with the helper process, so async-signal-safe ------------------------ */

/* A descriptor that pins the file without opening it, or -errno. */
static int pin(int root_fd, const char *path, uint64_t extra_resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | extra_resolve,
	};

	/* EAGAIN: something on this host was renamed or mounted while ".." was being resolved. */
	for (int i = 0; i < RESOLVE_RETRIES; i++) {
		long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

/* "/proc/self/fd/N"; not by snprintf(), which a child may not call. */
static void format_fd_path(int fd, char path[32])
{
	static const char dir[] = "/proc/self/fd/";
	char digits[12];
	size_t n = 0;

	for (; fd > 0 || n == 0; fd /= 10)
		digits[n++] = (char)('0' + fd % 10);
	memcpy(path, dir, sizeof(dir));
	path += sizeof(dir) - 1;
	while (n > 0)
		*path++ = digits[--n];
	*path = '\0';
}

/*
 * Opens what is pinned for reading. By its descriptor, not once more by its name: in between the
 * name could become a device, and opening one already does something.
 */
static int reopen(int pinned_fd, const struct stat *pinned)
{
	char path[32];
	struct stat st;
	_cleanup_close_ int fd = -1;

	format_fd_path(pinned_fd, path);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	/* What is pinned is there: only /proc can be missing, which is not the file's absence. */
	if (fd < 0)
		return errno == ENOENT ? -EIO : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_dev != pinned->st_dev || st.st_ino != pinned->st_ino)
		return -ESTALE;
	return take_fd(&fd);
}

/* A descriptor to read from, or -errno, or -NOT_REGULAR. */
static int open_regular(int root_fd, const char *path, uint64_t extra_resolve)
{
	_cleanup_close_ int pinned_fd = pin(root_fd, path, extra_resolve);
	struct stat st;

	if (pinned_fd < 0)
		return pinned_fd;
	if (fstat(pinned_fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -NOT_REGULAR;
	return reopen(pinned_fd, &st);
}

/* ---- the helper process ------------------------------------------------------------------- */

/* A helper that is stuck for good must not keep a pipe open that somebody waits to see closed. */
static void close_all_but(int a, int b)
{
	unsigned low = (unsigned)(a < b ? a : b);
	unsigned high = (unsigned)(a < b ? b : a);

	if (low > 0)
		att_ignore(syscall(SYS_close_range, 0U, low - 1, 0U));
	if (high > low + 1)
		att_ignore(syscall(SYS_close_range, low + 1, high - 1, 0U));
	att_ignore(syscall(SYS_close_range, high + 1, UINT_MAX, 0U));
}

/* 0 at the end of the file, or the errno that kept it from getting there. Context: child. */
static int copy_file(int root_fd, const char *path, int out_fd)
{
	_cleanup_close_ int fd = open_regular(root_fd, path, 0);
	char buf[4096];

	if (fd < 0)
		return -fd;
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (n == 0)
			return 0;

		int r = att_fd_write_full(out_fd, buf, (size_t)n);

		if (r < 0)
			return -r;
	}
}

/* Context: child. */
static _noreturn_ void run_helper(int root_fd, const char *path, int out_fd)
{
	int status = EIO;

	att_ignore(prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL));
	close_all_but(root_fd, out_fd);
	status = copy_file(root_fd, path, out_fd);
	/* A file system may make up numbers: none must turn into another, least of all into 0. */
	_exit(status > NOT_REGULAR ? EIO : status);
}

/*
 * No exit signal: the host program's SIGCHLD handler and wait(-1) never see this child, and a
 * disposition of "ignore" does not take its status away.
 */
static int start_helper(struct db *db, int root_fd, struct att_err *err)
{
	int ends[2] = { -1, -1 };
	int pidfd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	long pid = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_PLAN, errno, "make a pipe");
	db->fd = ends[0];
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		run_helper(root_fd, db->path, ends[1]);

	int sys = errno;

	att_fd_close(ends[1]);
	if (pid < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_PLAN, sys,
		                   "start a process to read '/%s' of the container", db->path);
	db->helper_pidfd = pidfd;
	db->deadline_ns = att_clock_after_ns(HELPER_NS);
	return 0;
}

/* Has something to read, or has ended. False at the deadline. */
static bool wait_readable(int fd, int64_t deadline_ns)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int r = 0;

	do
		r = poll(&pfd, 1, att_clock_poll_ms(deadline_ns));
	while (r < 0 && errno == EINTR);
	return r > 0;
}

/* Its exit status, or -1 if there is none. The helper is reaped. */
static int reap_helper(int pidfd)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | __WALL) < 0)
		return -1;
	return info.si_code == CLD_EXITED ? info.si_status : -1;
}

/*
 * Inside a request that a file server has taken and not answered, a process does not even die of
 * KILL. Such a one is left behind: it ends with its request, and is reaped when this process ends.
 */
static void db_close(struct db *db)
{
	int saved = errno;

	db->fd = att_fd_close(db->fd);
	free(db->buf);
	db->buf = NULL;
	if (db->helper_pidfd >= 0) {
		att_ignore(syscall(SYS_pidfd_send_signal, db->helper_pidfd, SIGKILL, NULL, 0U));
		if (wait_readable(db->helper_pidfd, att_clock_after_ns(REAP_NS)))
			att_ignore(reap_helper(db->helper_pidfd));
	}
	db->helper_pidfd = att_fd_close(db->helper_pidfd);
	errno = saved;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* What an errno of opening or reading means to the caller. */
static int db_fail(const struct db *db, int sys, struct att_err *err)
{
	if (sys == ENOENT || sys == ENOTDIR)
		return ATT_ABSENT;
	if (sys == NOT_REGULAR)
		return att_err_set(err, ATT_E_IO_ERROR, ATT_STAGE_PLAN,
		                   "read '/%s' of the container: not a regular file", db->path);
	if (sys == ENOMEM)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	return att_err_sys(err,
	                   sys == EACCES || sys == EPERM ? ATT_E_PERMISSION_DENIED : ATT_E_IO_ERROR,
	                   ATT_STAGE_PLAN, sys, "read '/%s' of the container", db->path);
}

static int db_timeout(const struct db *db, struct att_err *err)
{
	return att_err_set(err, ATT_E_TIMEOUT, ATT_STAGE_PLAN,
	                   "read '/%s' of the container: no answer within %d s", db->path,
	                   (int)(HELPER_NS / ATT_NS_PER_SEC));
}

/* Return: 0, ATT_ABSENT or negative. */
static int db_open(struct db *db, int root_fd, struct att_err *err)
{
	int fd = open_regular(root_fd, db->path, RESOLVE_NO_XDEV);

	if (fd < 0 && fd != -EXDEV)
		return db_fail(db, -fd, err);
	db->fd = fd < 0 ? -1 : fd;
	/* Not zeroed: only what is read is looked at, and each page that is touched costs a start. */
	db->buf = malloc(LINE_BYTES_MAX + 1);
	if (!db->buf)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	return fd < 0 ? start_helper(db, root_fd, err) : 0;
}

/* The pipe ended: did the file? */
static int finish_helper(struct db *db, struct att_err *err)
{
	int status = 0;

	if (!wait_readable(db->helper_pidfd, db->deadline_ns))
		return db_timeout(db, err);
	status = reap_helper(db->helper_pidfd);
	db->helper_pidfd = att_fd_close(db->helper_pidfd);
	if (status < 0)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_PLAN,
		                   "read '/%s' of the container: the reading process died",
		                   db->path);
	return status > 0 ? db_fail(db, status, err) : 0;
}

/* Reads some more behind what is in the buffer. */
static int db_fill(struct db *db, struct att_err *err)
{
	ssize_t n = 0;

	memmove(db->buf, db->buf + db->at, db->len - db->at);
	db->len -= db->at;
	db->at = 0;
	if (db->len == LINE_BYTES_MAX) {
		db->is_long = true;
		db->len = 0;
	}
	if (db->helper_pidfd >= 0 && !wait_readable(db->fd, db->deadline_ns))
		return db_timeout(db, err);
	do
		n = read(db->fd, db->buf + db->len, LINE_BYTES_MAX - db->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return db_fail(db, errno, err);
	db->len += (size_t)n;
	db->total += (uint64_t)n;
	if (db->total > FILE_BYTES_MAX)
		return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
		                   "read '/%s' of the container: larger than %d MiB", db->path,
		                   (int)(FILE_BYTES_MAX >> 20));
	db->at_end = n == 0;
	return db->at_end && db->helper_pidfd >= 0 ? finish_helper(db, err) : 0;
}

/*
 * The line at hand, terminated in place; NULL when more must be read. One that is too long, or
 * holds a NUL, comes out empty: an empty line is malformed in every file.
 */
static char *db_take(struct db *db)
{
	char *line = db->buf + db->at;
	char *end = memchr(line, '\n', db->len - db->at);
	bool is_long = db->is_long;

	if (!end && !db->at_end)
		return NULL;
	if (!end)
		end = db->buf + db->len;
	*end = '\0';
	db->at = (size_t)(end - db->buf) + 1;
	if (db->at > db->len)
		db->at = db->len;
	db->is_long = false;
	if (is_long || strlen(line) != (size_t)(end - line))
		*line = '\0';
	return line;
}

/* Return: 0; ATT_ABSENT after the last line, or when there is no file after all; negative. */
static int db_next(struct db *db, char **ret_line, struct att_err *err)
{
	for (;;) {
		bool is_empty = db->at == db->len;
		char *line = is_empty ? NULL : db_take(db);

		if (line) {
			*ret_line = line;
			return 0;
		}
		if (db->at_end)
			return ATT_ABSENT;

		int r = db_fill(db, err);

		if (r != 0)
			return r;
	}
}

/* ---- entries ------------------------------------------------------------------------------ */

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static bool is_name(const char *text)
{
	return *text != '\0' && !strchr("#+- ", *text) && !has_control(text);
}

/* NULL fields would mean a line with too few of them: strsep() gives NULL from there on. */
static bool split_user(char *line, struct user_line *ret)
{
	const char *uid = NULL;
	const char *gid = NULL;

	ret->name = strsep(&line, ":");
	att_ignore(strsep(&line, ":") != NULL); /* password */
	uid = strsep(&line, ":");
	gid = strsep(&line, ":");
	att_ignore(strsep(&line, ":") != NULL); /* comment */
	ret->home = strsep(&line, ":");
	ret->shell = line;
	return ret->shell && is_name(ret->name) && att_parse_id(uid, &ret->ct_uid) &&
	       att_parse_id(gid, &ret->ct_gid);
}

static bool split_group(char *line, struct group_line *ret)
{
	const char *gid = NULL;

	ret->name = strsep(&line, ":");
	att_ignore(strsep(&line, ":") != NULL); /* password */
	gid = strsep(&line, ":");
	ret->members = line;
	return ret->members && is_name(ret->name) && att_parse_id(gid, &ret->ct_gid);
}

static char *copy_path(const char *path, const char *otherwise)
{
	bool usable = *path == '/' && strlen(path) < PATH_MAX && !has_control(path);

	return strdup(usable ? path : otherwise);
}

static int copy_user(const struct user_line *line, struct att_user *ret, struct att_err *err)
{
	_cleanup_user_ struct att_user user = {
		.name = strdup(line->name),
		.home = copy_path(line->home, "/"),
		.shell = copy_path(line->shell, "/bin/sh"),
		.ct_uid = line->ct_uid,
		.ct_gid = line->ct_gid,
	};

	if (!user.name || !user.home || !user.shell)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	*ret = user;
	user = (struct att_user)ATT_USER_INIT;
	return 0;
}

/* By name, or by uid where @name is NULL. */
static int find_user(int root_fd, const char *name, uint32_t ct_uid, struct att_user *ret,
                     struct att_err *err)
{
	_cleanup_(db_close) struct db db = DB_INIT(PASSWD);
	int r = db_open(&db, root_fd, err);

	while (r == 0) {
		struct user_line user = { 0 };
		char *line = NULL;

		r = db_next(&db, &line, err);
		if (r != 0 || !split_user(line, &user))
			continue;
		if (name ? strcmp(user.name, name) == 0 : user.ct_uid == ct_uid)
			return copy_user(&user, ret, err);
	}
	return r;
}

int att_passwd_by_name(int root_fd, const char *name, struct att_user *ret, struct att_err *err)
{
	return find_user(root_fd, name, 0, ret, err);
}

int att_passwd_by_uid(int root_fd, uint32_t ct_uid, struct att_user *ret, struct att_err *err)
{
	return find_user(root_fd, NULL, ct_uid, ret, err);
}

int att_group_by_name(int root_fd, const char *name, uint32_t *ret_ct_gid, struct att_err *err)
{
	_cleanup_(db_close) struct db db = DB_INIT(GROUP);
	int r = db_open(&db, root_fd, err);

	while (r == 0) {
		struct group_line group = { 0 };
		char *line = NULL;

		r = db_next(&db, &line, err);
		if (r != 0 || !split_group(line, &group) || strcmp(group.name, name) != 0)
			continue;
		*ret_ct_gid = group.ct_gid;
		return 0;
	}
	return r;
}

static bool has_member(char *members, const char *user)
{
	while (members)
		if (strcmp(strsep(&members, ","), user) == 0)
			return true;
	return false;
}

static int compare_gids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Ascending, each once, and not more than a process can have. */
static int gids_compact(struct att_gids *gids, struct att_err *err)
{
	size_t n = 0;

	if (gids->n == 0)
		return 0;
	qsort(gids->v, gids->n, sizeof(*gids->v), compare_gids);
	for (size_t i = 1; i < gids->n; i++)
		if (gids->v[i] != gids->v[n])
			gids->v[++n] = gids->v[i];
	gids->n = n + 1;
	if (gids->n <= ATT_GIDS_MAX)
		return 0;
	return att_err_set(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_PLAN,
	                   "read '/%s' of the container: more than %d groups of one user", GROUP,
	                   ATT_GIDS_MAX);
}

/*
 * Room for one more. A file may repeat a group millions of times, so duplicates go first, and the
 * list grows only when more than half of it is left: the sorting stays cheap per line, and the
 * memory bounded by the number of different groups.
 */
static int gids_reserve(struct att_gids *gids, struct att_err *err)
{
	size_t cap = gids->cap > 0 ? 2 * gids->cap : 256;
	uint32_t *v = NULL;
	int r = 0;

	if (gids->n < gids->cap)
		return 0;
	r = gids_compact(gids, err);
	if (r < 0)
		return r;
	if (gids->cap > 0 && gids->n <= gids->cap / 2)
		return 0;
	v = reallocarray(gids->v, cap, sizeof(*v));
	if (!v)
		return att_err_nomem(err, ATT_STAGE_PLAN);
	gids->v = v;
	gids->cap = cap;
	return 0;
}

/* The groups of one user, in the order of the file, perhaps repeated. */
static int gids_read(struct att_gids *gids, int root_fd, const char *user, uint32_t ct_gid,
                     struct att_err *err)
{
	_cleanup_(db_close) struct db db = DB_INIT(GROUP);
	int r = db_open(&db, root_fd, err);

	while (r == 0) {
		struct group_line group = { 0 };
		char *line = NULL;

		r = db_next(&db, &line, err);
		if (r != 0 || !split_group(line, &group) || group.ct_gid == ct_gid ||
		    !has_member(group.members, user))
			continue;
		r = gids_reserve(gids, err);
		if (r == 0)
			gids->v[gids->n++] = group.ct_gid;
	}
	return r;
}

int att_group_of_user(int root_fd, const char *user, uint32_t ct_gid, struct att_gids *ret,
                      struct att_err *err)
{
	_cleanup_gids_ struct att_gids gids = ATT_GIDS_INIT;
	int r = *user == '\0' ? ATT_ABSENT : gids_read(&gids, root_fd, user, ct_gid, err);

	if (r >= 0)
		r = gids_compact(&gids, err);
	if (r < 0)
		return r;
	*ret = gids;
	gids = (struct att_gids)ATT_GIDS_INIT;
	return 0;
}
