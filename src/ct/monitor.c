/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define TEXT_MAX_BYTES (1 << 20)
#define LOCK_POLL_MS   10
#define MONITOR_ENDED  1

/* The request and the answer, as every liblxc since 1.0 has them. */
struct request {
	int cmd;
	int data_len;
	const void *data;
};

struct response {
	int ret;
	int data_len;
	void *data;
};

#define STATE_RUNNING 2

static const char *const states[] = {
	"STOPPED", "STARTING", "RUNNING", "STOPPING", "ABORTING", "FREEZING", "FROZEN", "THAWED",
};

static uint64_t fnv1a(const char *text, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* An abstract name; liblxc puts a hash in place of a path that does not fit. */
static socklen_t make_address(const char *lxcpath, const char *name, struct sockaddr_un *ret)
{
	char text[4096];
	int len = snprintf(text, sizeof(text), "%s/%s", lxcpath, name);
	char *dst = ret->sun_path + 1;
	size_t cap = sizeof(ret->sun_path) - 2;
	int used = 0;

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	used = snprintf(dst, cap, "%s/command", text);
	if (used < 0 || (size_t)used >= cap)
		used = snprintf(dst, cap, "lxc/%016llx/command",
		                (unsigned long long)fnv1a(text, (size_t)len));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)used);
}

static int timed_out(struct att_err *err)
{
	return att_err_set(err, ATT_E_TIMEOUT, ATT_STAGE_RESOLVE,
	                   "the container's monitor does not answer");
}

/* ---- one question ---- */

static const struct question {
	unsigned what;
	int cmd;
	const char *key; /* of the configuration, for GET_CONFIG_ITEM */
} questions[] = {
	/* In this order: what is needed first is asked first. */
	{ ATT_MONITOR_INIT_PIDFD, 18, NULL },
	{ ATT_MONITOR_STATE, 3, NULL },
	{ ATT_MONITOR_PROFILE, 7, "lxc.seccomp.profile" },
	{ ATT_MONITOR_ENVIRONMENT, 7, "lxc.environment" },
	{ ATT_MONITOR_RUNTIME_ENV, 7, "lxc.environment.runtime" },
	{ ATT_MONITOR_DEVPTS, 21, NULL },
};

_Static_assert(countof(questions) == ATT_MONITOR_QUESTIONS, "each has a place for its answer");

/* A process that has ended, as the one that started the monitor has, is in no other. */
static bool in_other_namespace(pid_t pid, const char *kind)
{
	char path[48];
	char own[64] = "";
	char theirs[64] = "";

	att_ignore(snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind));
	if (readlink(path, theirs, sizeof(theirs) - 1) < 0)
		return false;
	att_ignore(snprintf(path, sizeof(path), "/proc/self/ns/%s", kind));
	return readlink(path, own, sizeof(own) - 1) < 0 || strcmp(own, theirs) != 0;
}

/*
 * The abstract name belongs to whoever bound it first in this network namespace, which a container
 * without a network namespace of its own shares: root there may be root here. A monitor was started
 * by a process of the host, and all answers are to be from the same one. That whoever it names as
 * init is no process of the host itself is for the snapshot to see.
 */
static int check_peer(int fd, pid_t *peer_pid, struct att_err *err)
{
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RESOLVE, errno,
		                   "look at the container's monitor");
	if (*peer_pid == peer.pid)
		return 0;
	if (peer.uid != 0 && peer.uid != geteuid())
		return att_err_set(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_RESOLVE,
		                   "whoever listens as its monitor runs as uid %u", peer.uid);
	if (*peer_pid != -1 || peer.pid <= 0 || in_other_namespace(peer.pid, "pid") ||
	    in_other_namespace(peer.pid, "user"))
		return att_err_set(
			err, ATT_E_PERMISSION_DENIED, ATT_STAGE_RESOLVE,
			"whoever listens as its monitor (process %d) is not of this host",
			peer.pid);
	*peer_pid = peer.pid;
	return 0;
}

static int send_question(int fd, const struct question *q, struct att_err *err)
{
	struct request req = { .cmd = q->cmd, .data_len = q->key ? (int)strlen(q->key) + 1 : 0 };
	struct iovec iov = { &req, sizeof(req) };
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	struct ucred self = { getpid(), geteuid(), getegid() };

	memset(&control, 0, sizeof(control));
	control.header.cmsg_len = CMSG_LEN(sizeof(self));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_CREDENTIALS;
	memcpy(CMSG_DATA(&control.header), &self, sizeof(self));
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(req) &&
	    (!q->key || send(fd, q->key, (size_t)req.data_len, MSG_NOSIGNAL) == req.data_len))
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return MONITOR_ENDED;
	return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RESOLVE, errno,
	                   "ask the container's monitor");
}

/* Return: 0; MONITOR_ENDED: nobody listens, or it went away with the container. */
static int ask_one(const struct sockaddr_un *addr, socklen_t len, const struct question *q,
                   int64_t deadline_ns, pid_t *peer_pid, int *ret_fd, struct att_err *err)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = 0;

	if (fd < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_RESOLVE, errno,
		                   "make a socket");
	while (connect(fd, (const struct sockaddr *)addr, len) < 0) {
		if (errno == ECONNREFUSED)
			return MONITOR_ENDED;
		/* EAGAIN: its queue is full, which only a monitor that does not look at it allows. */
		if (errno != EAGAIN && errno != EINTR)
			return att_err_sys(
				err,
				errno == EACCES || errno == EPERM ? ATT_E_PERMISSION_DENIED
								  : ATT_E_IO_ERROR,
				ATT_STAGE_RESOLVE, errno, "reach the container's monitor");
		if (att_clock_poll_ms(deadline_ns) == 0)
			return timed_out(err);
		att_ignore(poll(NULL, 0, LOCK_POLL_MS));
	}
	r = check_peer(fd, peer_pid, err);
	if (r == 0)
		r = send_question(fd, q, err);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/* ---- one answer ---- */

/* Takes a descriptor that came along, whoever sent it. */
static int take_rights(struct msghdr *msg)
{
	int taken = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			att_fd_close_p(&taken);
			memcpy(&taken, (char *)c + at, sizeof(taken));
		}
	}
	return taken;
}

static void replace_fd(int *fd, int by)
{
	if (by < 0)
		return;
	att_fd_close_p(fd);
	*fd = by;
}

/*
 * Reads exactly @len bytes and what descriptor comes with them.
 *
 * Return: 0; MONITOR_ENDED: the stream ended first.
 */
static int receive(int fd, void *buf, size_t len, int64_t deadline_ns, int *ret_fd,
                   struct att_err *err)
{
	size_t used = 0;

	while (used < len) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		struct iovec iov = { (char *)buf + used, len - used };
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(4 * sizeof(int))];
		} control;
		struct msghdr msg = { .msg_iov = &iov,
			              .msg_iovlen = 1,
			              .msg_control = &control,
			              .msg_controllen = sizeof(control) };
		/* Mostly it is there already. */
		ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			if (poll(&p, 1, att_clock_poll_ms(deadline_ns)) == 0)
				return timed_out(err);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return MONITOR_ENDED;
		if (n < 0)
			return att_err_sys(err, errno == ENOMEM ? ATT_E_NO_MEMORY : ATT_E_IO_ERROR,
			                   ATT_STAGE_RESOLVE, errno,
			                   "read the answer of the container's monitor");
		replace_fd(ret_fd, take_rights(&msg));
		used += (size_t)n;
	}
	return 0;
}

static int receive_text(int fd, int len, int64_t deadline_ns, char **ret, struct att_err *err)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int unused = -1;
	int r = 0;

	if (len <= 0 || len > TEXT_MAX_BYTES)
		return 0;
	text = calloc(1, (size_t)len + 1);
	if (!text)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	r = receive(fd, text, (size_t)len, deadline_ns, &unused, err);
	/* liblxc prints unset paths through "%s". */
	if (r == 0 && text[0] != '\0' && strcmp(text, "(null)") != 0)
		*ret = take_ptr(&text);
	return r;
}

static int read_answer(int fd, const struct question *q, int64_t deadline_ns,
                       struct att_monitor_answers *a, struct att_err *err)
{
	struct response rsp = { .ret = -1 };
	_cleanup_close_ int rights = -1;
	int r = receive(fd, &rsp, sizeof(rsp), deadline_ns, &rights, err);

	/* One that does not know the question ends the conversation, or says so. */
	if (r != 0 || rsp.ret < 0)
		return r < 0 ? r : 0;
	switch (q->what) {
	case ATT_MONITOR_STATE:
		if ((uintptr_t)rsp.data < countof(states))
			a->state = states[(uintptr_t)rsp.data];
		return 0;
	case ATT_MONITOR_INIT_PIDFD:
		a->init_pidfd = take_fd(&rights);
		return 0;
	case ATT_MONITOR_DEVPTS:
		a->devpts_fd = take_fd(&rights);
		return 0;
	case ATT_MONITOR_PROFILE:
		r = receive_text(fd, rsp.data_len, deadline_ns, &a->seccomp_profile, err);
		break;
	case ATT_MONITOR_ENVIRONMENT:
		r = receive_text(fd, rsp.data_len, deadline_ns, &a->environment, err);
		break;
	default:
		r = receive_text(fd, rsp.data_len, deadline_ns, &a->runtime_environment, err);
		break;
	}
	return r < 0 ? r : 0;
}

/* ---- all of it ---- */

void att_monitor_answers_done(struct att_monitor_answers *a)
{
	a->init_pidfd = att_fd_close(a->init_pidfd);
	a->devpts_fd = att_fd_close(a->devpts_fd);
	free(a->seccomp_profile);
	free(a->environment);
	free(a->runtime_environment);
	for (size_t i = 0; i < countof(a->pending_fd); i++)
		att_fd_close_p(&a->pending_fd[i]);
	*a = (struct att_monitor_answers)ATT_MONITOR_ANSWERS_INIT;
}

/* Return: 0; MONITOR_ENDED; negative error. */
static int ask_all(const struct sockaddr_un *addr, socklen_t len, unsigned what,
                   struct att_monitor_answers *a, struct att_err *err)
{
	pid_t peer_pid = -1;

	for (size_t i = 0; i < countof(questions); i++) {
		int r = 0;

		if (!(questions[i].what & what))
			continue;
		r = ask_one(addr, len, &questions[i], a->deadline_ns, &peer_pid, &a->pending_fd[i],
		            err);
		if (r != 0)
			return r;
	}
	return 0;
}

int att_monitor_ask(const char *lxcpath, const char *name, unsigned what, int64_t deadline_ns,
                    struct att_monitor_answers *ret, struct att_err *err)
{
	_cleanup_(att_monitor_answers_done) struct att_monitor_answers a = ATT_MONITOR_ANSWERS_INIT;
	struct sockaddr_un addr;
	socklen_t len = make_address(lxcpath, name, &addr);
	int r = 0;

	a.deadline_ns = deadline_ns;
	r = ask_all(&addr, len, what, &a, err);
	if (r < 0)
		return r;
	/* A short or strange answer still shows that somebody answers. */
	if (r == 0)
		a.state = states[STATE_RUNNING];
	else
		att_monitor_answers_done(&a);
	*ret = a;
	a = (struct att_monitor_answers)ATT_MONITOR_ANSWERS_INIT;
	return 0;
}

int att_monitor_read(struct att_monitor_answers *a, unsigned what, struct att_err *err)
{
	for (size_t i = 0; i < countof(questions); i++) {
		int r = 0;

		if (!(questions[i].what & what) || a->pending_fd[i] < 0)
			continue;
		r = read_answer(a->pending_fd[i], &questions[i], a->deadline_ns, a, err);
		att_fd_close_p(&a->pending_fd[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

int att_monitor_wait_lock(const char *lxcpath, const char *name, int64_t deadline_ns,
                          struct att_err *err)
{
	char path[4096];
	_cleanup_close_ int fd = -1;

	if (snprintf(path, sizeof(path), "/run/lxc/lock/%s/.%s", lxcpath, name) >=
	    (int)sizeof(path))
		return 0;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	/* No file, no lock; and one that cannot be opened is liblxc's to complain about. */
	if (fd < 0)
		return 0;
	for (;;) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
			return 0;
		if (att_clock_poll_ms(deadline_ns) == 0)
			return att_err_set(err, ATT_E_TIMEOUT, ATT_STAGE_RESOLVE,
			                   "another program holds the lock '%s'", path);
		att_ignore(poll(NULL, 0, LOCK_POLL_MS));
	}
}
