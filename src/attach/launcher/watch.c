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

#define NS_PER_SEC   INT64_C(1000000000)
#define KILL_WAIT_NS (2 * NS_PER_SEC) /* how long what was killed may take to be gone */

#define SIGUSR1_     10
#define SIGUSR2_     12
#define SIGCONT_     18
#define SIGSTOP_     19

/* ---- the job ---- */

/* The library reaps the command only when all that it asked for is done: its number is its own. */
static void signal_job(const struct watch *w, int sig)
{
	int alone = sig == SIGUSR1_ || sig == SIGUSR2_;

	if (w->job_pid > 1)
		sys_call2(__NR_kill, alone ? (long)w->job_pid : -(long)w->job_pid, sig);
}

static void signal_tree(const struct watch *w, int sig)
{
	if (w->leaf.fd >= 0)
		leaf_signal(&w->leaf, sig);
	else
		signal_job(w, sig);
}

static void stop_tree(const struct watch *w, int sig)
{
	signal_tree(w, sig);
	/* What is stopped takes the signal only when it goes on. */
	if (sig != SIGKILL_ && sig != SIGSTOP_)
		signal_tree(w, SIGCONT_);
}

static void kill_tree(const struct watch *w, int with_command)
{
	if (with_command) {
		signal_job(w, SIGKILL_);
		/* A container may move its processes; the command itself cannot hide. */
		if (w->job_pid > 1)
			sys_call2(__NR_kill, w->job_pid, SIGKILL_);
	}
	if (w->leaf.fd < 0)
		return;
	leaf_kill(&w->leaf);
	leaf_wait_empty(&w->leaf, leaf_now_ns() + KILL_WAIT_NS, -1);
}

static void end_tree(const struct watch *w, int64_t deadline_ns)
{
	if (w->leaf.fd >= 0 && !leaf_wait_empty(&w->leaf, deadline_ns, w->sock))
		kill_tree(w, 0);
}

/* The library's process is gone: what it started must not live on. */
static void end_job(const struct watch *w)
{
	if (w->leaf.fd < 0 || leaf_kill(&w->leaf) < 0)
		signal_job(w, SIGKILL_);
	if (w->leaf.fd < 0)
		return;
	leaf_wait_empty(&w->leaf, INT64_MAX, -1);
	leaf_remove(&w->leaf);
}

/* ---- terminals ---- */

/* The same terminal once more, by what the kernel knows this descriptor as. */
static long open_again(int fd)
{
	char path[32] = "/proc/self/fd/";
	char digits[12];
	int n = 0;
	int at = 14;

	do
		digits[n++] = (char)('0' + fd % 10);
	while ((fd /= 10) > 0);
	while (n > 0)
		path[at++] = digits[--n];
	return sys_call4(__NR_openat, AT_FDCWD, path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC,
	                 0);
}

/*
 * Its session is not ours, so no job control stands in the way. Not waiting for a stuck output. Where
 * the library's process led the session, the kernel hangs the terminal up for all who have it open
 * when that ends, which may be before us: then it takes a new descriptor.
 */
static void give_back_terminal(const struct watch *w)
{
	long again = 0;

	if (w->tty_fd < 0 || sys_call3(__NR_ioctl, w->tty_fd, TCSETS2, w->tty_mode) >= 0)
		return;
	again = open_again(w->tty_fd);
	if (again >= 0)
		sys_call3(__NR_ioctl, again, TCSETS2, w->tty_mode);
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
	if (w->leaf.fd < 0)
		return;
	leaf_wait_empty(&w->leaf, INT64_MAX, -1);
	leaf_remove(&w->leaf);
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

/* Return: is there more to come? */
static int obey(struct watch *w, const struct att_wire_note *note, int fd)
{
	switch (note->word) {
	case ATT_WIRE_TERMINAL:
		note_terminal(w, note, fd);
		return 1;
	case ATT_WIRE_SIGNAL:
		signal_job(w, note->arg);
		return 1;
	case ATT_WIRE_STOP_TREE:
		stop_tree(w, note->arg);
		return 1;
	case ATT_WIRE_KILL_TREE:
		kill_tree(w, note->arg);
		return 1;
	case ATT_WIRE_END_TREE:
		end_tree(w, note->deadline_ns);
		return 1;
	case ATT_WIRE_SYNC:
		sys_call3(__NR_write, w->sock, "", 1);
		return 1;
	case ATT_WIRE_KEEP:
		forget_terminal(w);
		keep_terminal(w, fd);
		return 0;
	default:
		if (w->leaf.fd >= 0)
			leaf_remove(&w->leaf);
		return 0;
	}
}

/* The command has ended. Return: is there still something to watch over? */
static int end_of_command(struct watch *w)
{
	w->job_pid = 0;
	/* What is busy holds a process that was left behind, and is for the library to decide on. */
	if (w->leaf.fd >= 0 &&
	    sys_call3(__NR_unlinkat, w->leaf.base_fd, w->leaf.name, AT_REMOVEDIR) == 0)
		w->leaf.fd = -1;
	return w->leaf.fd >= 0 || w->has_terminal;
}

void watch_run(struct watch *w)
{
	struct att_wire_note note;
	struct pollfd_ p[2] = { { w->sock, POLLIN_, 0 }, { -1, POLLIN_, 0 } };
	int fd = -1;

	if (w->job_pid > 0)
		p[1].fd = (int)sys_call2(__NR_pidfd_open, w->job_pid, 0);
	for (;;) {
		sys_call5(__NR_ppoll, p, 2, 0, 0, 0);
		/*
		 * Notes first: one that has come already may name a terminal, without which there
		 * would be no reason to stay when the command has ended.
		 */
		if (!p[0].revents) {
			if (p[1].fd >= 0 && p[1].revents && !end_of_command(w))
				return;
			p[1].fd = p[1].revents ? -1 : p[1].fd;
			continue;
		}
		/* They are sent whole, and small enough to arrive so. */
		if (receive(w->sock, &note, &fd) != (long)sizeof(note)) {
			give_back_terminal(w);
			end_job(w);
			return;
		}
		if (!obey(w, &note, fd))
			return;
	}
}
