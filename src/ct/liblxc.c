/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/liblxc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"
#include "ct/helper/helper.h"
#include "sys/memfile.h"

#define ANSWER_MAX_BYTES (16u << 20)
#define PIECE_BYTES      4096

/* The Makefile names the linked helper. */
__asm__(".section .rodata\n"
        ".globl att_helper_start\n"
        ".hidden att_helper_start\n"
        ".globl att_helper_end\n"
        ".hidden att_helper_end\n"
        "att_helper_start:\n"
        ".incbin \"" ATT_HELPER_FILE "\"\n"
        "att_helper_end:\n"
        ".previous\n");

extern const char att_helper_start[];
extern const char att_helper_end[];

/* ---- starting it ---- */

/* Nothing of liblxc's own words is for our terminal: what it means is in the exit status. */
static int add_stdio(posix_spawn_file_actions_t *actions, int sock)
{
	int r = posix_spawn_file_actions_adddup2(actions, sock, 1);

	if (r == 0)
		r = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDWR, 0);
	return r != 0 ? r : posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_RDWR, 0);
}

static int add_signals(posix_spawnattr_t *attr)
{
	sigset_t set;
	int r = 0;

	att_ignore(sigfillset(&set));
	r = posix_spawnattr_setsigdefault(attr, &set);
	att_ignore(sigemptyset(&set));
	if (r == 0)
		r = posix_spawnattr_setsigmask(attr, &set);
	return r != 0 ? r
	              : posix_spawnattr_setflags(attr,
	                                         POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

/* Return: 0 or an errno. */
static int spawn(const char *path, const char *const *argv, int sock, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r == 0) {
		r = add_stdio(&actions, sock);
		if (r == 0)
			r = add_signals(&attr);
		if (r == 0)
			r = posix_spawn(ret, path, &actions, &attr, (char *const *)(uintptr_t)argv,
			                environ);
		att_ignore(posix_spawnattr_destroy(&attr));
	}
	att_ignore(posix_spawn_file_actions_destroy(&actions));
	return r;
}

static int start(const char *const *words, int sock, pid_t *ret, struct att_err *err)
{
	const char *argv[6] = { "attache-liblxc" };
	_cleanup_close_ int file_fd = -1;
	_cleanup_close_ int high_fd = -1;
	char path[32];
	int r = att_memfile_open("attache-liblxc", att_helper_start,
	                         (size_t)(att_helper_end - att_helper_start), ATT_STAGE_RESOLVE,
	                         &file_fd, err);

	if (r < 0)
		return r;
	for (size_t i = 0; words[i] && i + 2 < countof(argv); i++)
		argv[i + 1] = words[i];
	/* Above what becomes its stdio. */
	high_fd = fcntl(file_fd, F_DUPFD_CLOEXEC, 3);
	att_ignore(snprintf(path, sizeof(path), "/proc/self/fd/%d", high_fd));
	r = high_fd < 0 ? errno : spawn(path, argv, sock, ret);
	if (r != 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_RESOLVE, r,
		                   "start a process for liblxc");
	return 0;
}

/* ---- its answer ---- */

static void take_right(struct msghdr *msg, int *ret_fd)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		int fd = -1;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    c->cmsg_len != CMSG_LEN(sizeof(fd)))
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		att_ignore(att_fd_close(*ret_fd));
		*ret_fd = fd;
	}
}

/* Return: 1 some more, 0 the end, negative error. */
static int receive(int sock, int64_t deadline_ns, struct att_buf *ret, int *ret_fd,
                   struct att_err *err)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	char piece[PIECE_BYTES];
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { piece, sizeof(piece) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };
	int ready = poll(&p, 1, att_clock_poll_ms(deadline_ns));
	ssize_t n = 0;

	if (ready == 0)
		return att_err_set(err, ATT_E_TIMEOUT, ATT_STAGE_RESOLVE, "liblxc does not answer");
	n = ready < 0 ? -1 : recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN
		               ? 1
		               : att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE, errno,
		                             "read from liblxc");
	if (n == 0)
		return 0;
	take_right(&msg, ret_fd);
	return att_buf_append(ret, piece, (size_t)n) < 0 ? att_err_nomem(err, ATT_STAGE_RESOLVE)
	                                                 : 1;
}

static int judge(int status, const struct att_buf *answer, struct att_err *err)
{
	uint64_t number = 0;

	switch (WIFEXITED(status) ? WEXITSTATUS(status) : ATT_HELPER_FAILED) {
	case 0:
		return 0;
	case ATT_HELPER_NO_LIBLXC:
		return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_RESOLVE,
		                   "load liblxc.so.1: not found");
	case ATT_HELPER_TOO_OLD:
		return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_RESOLVE,
		                   "load liblxc.so.1: it is too old");
	case ATT_HELPER_NO_INIT:
		att_ignore(answer->len > 0 && att_parse_u64(answer->data, &number));
		return att_err_sys(err, ATT_E_CONTAINER_NOT_RUNNING, ATT_STAGE_RESOLVE, (int)number,
		                   "ask for the container's init");
	default:
		return att_err_set(err,
		                   geteuid() != 0 ? ATT_E_PERMISSION_DENIED : ATT_E_INTERNAL_ERROR,
		                   ATT_STAGE_RESOLVE, "liblxc fails");
	}
}

static int converse(const char *const *argv, int sock[2], int64_t deadline_ns, struct att_buf *ret,
                    int *ret_fd, struct att_err *err)
{
	pid_t pid = 0;
	int status = 0;
	int r = start(argv, sock[1], &pid, err);

	sock[1] = att_fd_close(sock[1]);
	if (r < 0)
		return r;
	ret->limit = ANSWER_MAX_BYTES;
	do
		r = receive(sock[0], deadline_ns, ret, ret_fd, err);
	while (r > 0);
	if (r < 0)
		att_ignore(kill(pid, SIGKILL));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return r < 0 ? r : judge(status, ret, err);
}

int att_liblxc_ask(const char *const *argv, int64_t deadline_ns, struct att_buf *ret, int *ret_fd,
                   struct att_err *err)
{
	_cleanup_close_ int fd = -1;
	int sock[2] = { -1, -1 };
	int r = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock) < 0)
		return att_err_sys(err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_RESOLVE, errno,
		                   "make a socket pair");
	r = converse(argv, sock, deadline_ns, ret, &fd, err);
	for (int i = 0; i < 2; i++)
		att_fd_close_p(&sock[i]);
	if (r == 0 && ret_fd)
		*ret_fd = take_fd(&fd);
	return r;
}
