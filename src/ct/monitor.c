/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"

#define CMD_GET_STATE 3
#define LOCK_POLL_MS  10
#define MONITOR_ENDED 1

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

static int wait_for(int fd, short events, int64_t deadline_ns, struct att_err *err)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r = 0;

	do
		r = poll(&p, 1, att_clock_poll_ms(deadline_ns));
	while (r < 0 && errno == EINTR);
	return r > 0 ? 0 : timed_out(err);
}

/*
 * The abstract name belongs to whoever bound it first in this network namespace, which a container
 * without a network namespace of its own shares.
 */
static int check_peer(int fd, struct att_err *err)
{
	struct ucred peer = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RESOLVE, errno,
		                   "look at the container's monitor");
	if (peer.uid != 0 && peer.uid != geteuid())
		return att_err_set(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_RESOLVE,
		                   "whoever listens as its monitor runs as uid %u", peer.uid);
	return 0;
}

/* Return: 0; MONITOR_ENDED: it went away with the container. */
static int ask(int fd, struct att_err *err)
{
	struct request req = { .cmd = CMD_GET_STATE };
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
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(req))
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return MONITOR_ENDED;
	return att_err_sys(err, ATT_E_IO_ERROR, ATT_STAGE_RESOLVE, errno,
	                   "ask the container's monitor");
}

int att_monitor_state(const char *lxcpath, const char *name, int64_t deadline_ns,
                      const char **ret_state, struct att_err *err)
{
	struct sockaddr_un addr;
	socklen_t len = make_address(lxcpath, name, &addr);
	struct response rsp = { .ret = -1 };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = 0;

	if (fd < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE, errno, "socket");
	while (connect(fd, (struct sockaddr *)&addr, len) < 0) {
		if (errno == ECONNREFUSED) {
			*ret_state = states[0];
			return 0;
		}
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
	r = check_peer(fd, err);
	if (r == 0)
		r = ask(fd, err);
	if (r == MONITOR_ENDED) {
		*ret_state = states[0];
		return 0;
	}
	if (r == 0)
		r = wait_for(fd, POLLIN, deadline_ns, err);
	if (r < 0)
		return r;
	/* A short or strange answer still shows that it answers; liblxc will say more. */
	*ret_state = "RUNNING";
	if (recv(fd, &rsp, sizeof(rsp), 0) == (ssize_t)sizeof(rsp) && rsp.ret == 0 &&
	    (uintptr_t)rsp.data < countof(states))
		*ret_state = states[(uintptr_t)rsp.data];
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
