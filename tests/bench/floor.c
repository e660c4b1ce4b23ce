/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * floor [-t] INIT-PID COMMAND ARGUMENT…: the least that running a command in a container can cost.
 * It enters the namespaces of a process, forks and executes, and that is all: no cgroup, no user, no
 * capabilities, no filter, no label, no guard. With -t the command has a terminal of its own, and
 * what is between that and the caller's is a loop around read and write: no escape character, no
 * resizing, no signals. Never use it for anything but comparing with it.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static const struct {
	const char *name;
	int flag;
} namespaces[] = {
	{ "user", CLONE_NEWUSER }, { "mnt", CLONE_NEWNS },        { "pid", CLONE_NEWPID },
	{ "net", CLONE_NEWNET },   { "ipc", CLONE_NEWIPC },       { "uts", CLONE_NEWUTS },
	{ "time", 0x00000080 },    { "cgroup", CLONE_NEWCGROUP },
};

static int die(const char *what)
{
	perror(what);
	return 125;
}

/* One's own user namespace cannot be entered again, so only what differs is asked for. */
static int differing(const char *pid)
{
	char path[64];
	struct stat theirs;
	struct stat ours;
	int flags = 0;

	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, namespaces[i].name);
		if (stat(path, &theirs) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i].name);
		if (stat(path, &ours) == 0 && ours.st_ino != theirs.st_ino)
			flags |= namespaces[i].flag;
	}
	return flags;
}

/* Both ends are -1 without a terminal. */
struct terminal {
	int master_fd;
	int tty_fd;
};

static int open_terminal(struct terminal *t)
{
	t->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->master_fd < 0 || unlockpt(t->master_fd) < 0)
		return -1;
	t->tty_fd = ioctl(t->master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return t->tty_fd < 0 ? -1 : 0;
}

static int take_terminal(const struct terminal *t)
{
	if (t->tty_fd < 0)
		return 0;
	if (setsid() < 0 || ioctl(t->tty_fd, TIOCSCTTY, 0) < 0)
		return -1;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(t->tty_fd, fd) < 0)
			return -1;
	return 0;
}

/* Return: false when one of the two has come to its end. */
static bool copy(int from, int to)
{
	static char bytes[65536];
	ssize_t n = read(from, bytes, sizeof(bytes));

	for (ssize_t done = 0; done < n;) {
		ssize_t k = write(to, bytes + done, (size_t)(n - done));

		if (k < 0)
			return false;
		done += k;
	}
	return n > 0;
}

static void relay(const struct terminal *t)
{
	struct termios before;
	struct termios raw;
	bool goes = tcgetattr(0, &before) == 0;

	raw = before;
	cfmakeraw(&raw);
	tcsetattr(0, TCSANOW, &raw);
	while (goes) {
		struct pollfd p[] = {
			{ .fd = 0, .events = POLLIN },
			{ .fd = t->master_fd, .events = POLLIN },
		};

		goes = poll(p, 2, -1) > 0;
		if (goes && p[0].revents != 0)
			goes = copy(0, t->master_fd);
		if (goes && p[1].revents != 0)
			goes = copy(t->master_fd, 1);
	}
	tcsetattr(0, TCSANOW, &before);
}

static int run(char **argv, const struct terminal *t)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return die("fork");
	if (pid == 0) {
		if (take_terminal(t) < 0)
			_exit(die("take the terminal"));
		execv(argv[0], argv);
		_exit(die(argv[0]));
	}
	if (t->tty_fd >= 0) {
		close(t->tty_fd);
		relay(t);
	}
	if (waitpid(pid, &status, 0) < 0)
		return die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct terminal t = { -1, -1 };
	int first = argc > 1 && strcmp(argv[1], "-t") == 0 ? 2 : 1;

	if (argc < first + 2) {
		fputs("usage: floor [-t] INIT-PID COMMAND [ARGUMENT]...\n", stderr);
		return 125;
	}

	int pid_fd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(argv[first], NULL, 10), 0);

	if (pid_fd < 0)
		return die("pidfd_open");
	/* On the host, where the caller's terminal is from. */
	if (first == 2 && open_terminal(&t) < 0)
		return die("make a terminal");
	if (setns(pid_fd, differing(argv[first])) < 0)
		return die("setns");
	return run(argv + first + 1, &t);
}
