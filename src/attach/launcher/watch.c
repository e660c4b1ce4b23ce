/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launcher/watch.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/fcntl.h>

#include "attach/launcher/sys.h"

_Static_assert(sizeof(struct termios2) <= ATT_WIRE_TTY_MODE, "the kernel's modes fit");

/* A control message with one descriptor. */
struct one_fd {
	struct cmsghdr_ header;
	int fd;
	int padding;
};

/* ---- the job's cgroup ---- */

static int has_text(const char *text, size_t len, const char *want)
{
	size_t n = 0;

	while (want[n] != '\0')
		n++;
	for (size_t i = 0; i + n <= len; i++) {
		size_t k = 0;

		while (k < n && text[i + k] == want[k])
			k++;
		if (k == n)
			return 1;
	}
	return 0;
}

static void remove_when_empty(const struct watch *w)
{
	char text[256];
	struct pollfd_ events = { -1, POLLPRI_, 0 };

	events.fd = (int)sys_call4(__NR_openat, w->leaf_fd, "cgroup.events", O_RDONLY, 0);
	while (events.fd >= 0) {
		long n = sys_call4(__NR_pread64, events.fd, text, sizeof(text), 0);

		if (n <= 0 || has_text(text, (size_t)n, "populated 0"))
			break;
		sys_call5(__NR_ppoll, &events, 1, 0, 0, 0);
	}
	sys_call3(__NR_unlinkat, w->base_fd, w->leaf_name, AT_REMOVEDIR);
}

/* Where there is no cgroup to kill, the job still leads its own process group. */
static void kill_group(const struct watch *w)
{
	if (w->job_pid > 1)
		sys_call2(__NR_kill, -(long)w->job_pid, SIGKILL_);
}

static void end_job(const struct watch *w)
{
	long kill_fd = 0;

	if (w->leaf_fd < 0) {
		kill_group(w);
		return;
	}
	kill_fd = sys_call4(__NR_openat, w->leaf_fd, "cgroup.kill", O_WRONLY, 0);
	if (kill_fd < 0 || sys_call3(__NR_write, kill_fd, "1", 1) < 0)
		kill_group(w);
	remove_when_empty(w);
}

/* ---- terminals ---- */

/* Its session is not ours, so no job control stands in the way. Not waiting for a stuck output. */
static void give_back_terminal(const struct watch *w)
{
	if (w->tty_fd >= 0)
		sys_call3(__NR_ioctl, w->tty_fd, TCSETS2, w->tty_mode);
}

static void forget_terminal(struct watch *w)
{
	if (w->tty_fd >= 0)
		sys_call1(__NR_close, w->tty_fd);
	w->tty_fd = -1;
}

static void note_terminal(struct watch *w, const struct att_wire_note *note, int fd)
{
	forget_terminal(w);
	w->tty_fd = fd;
	for (int i = 0; i < ATT_WIRE_TTY_MODE; i++)
		w->tty_mode[i] = note->tty_mode[i];
}

/* EIO: nobody has the other side open any more. */
static void keep_terminal(const struct watch *w, int master_fd)
{
	char dropped[4096];
	struct pollfd_ p = { master_fd, POLLIN_, 0 };

	for (;;) {
		long n = sys_call3(__NR_read, master_fd, dropped, sizeof(dropped));

		if (n == -EAGAIN)
			sys_call5(__NR_ppoll, &p, 1, 0, 0, 0);
		else if (n <= 0 && n != -EINTR)
			break;
	}
	sys_call1(__NR_close, master_fd);
	if (w->leaf_fd >= 0)
		remove_when_empty(w);
}

/* ---- listening ---- */

/* Return: bytes of the note that came, 0 at the end of the stream. */
static long receive(int sock, struct att_wire_note *note, int *ret_fd)
{
	struct one_fd control;
	struct iovec_ iov = { note, sizeof(*note) };
	struct msghdr_ m = { 0 };
	long n = 0;

	m.iov = &iov;
	m.iov_len = 1;
	m.control = &control;
	m.controllen = sizeof(control);
	*ret_fd = -1;
	do
		n = sys_call3(__NR_recvmsg, sock, &m, MSG_CMSG_CLOEXEC_);
	while (n == -EINTR);
	if (n > 0 && m.controllen >= sizeof(control.header) + sizeof(int) &&
	    control.header.level == SOL_SOCKET_ && control.header.type == SCM_RIGHTS_)
		*ret_fd = control.fd;
	return n < 0 ? 0 : n;
}

void watch_run(struct watch *w)
{
	struct att_wire_note note;
	int fd = -1;

	for (;;) {
		/* Notes are sent whole, and small enough to arrive so. */
		if (receive(w->sock, &note, &fd) != (long)sizeof(note)) {
			give_back_terminal(w);
			end_job(w);
			return;
		}
		switch (note.word) {
		case ATT_WIRE_TERMINAL:
			note_terminal(w, &note, fd);
			break;
		case ATT_WIRE_KEEP:
			forget_terminal(w);
			keep_terminal(w, fd);
			return;
		default:
			return;
		}
	}
}
