/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * floor INIT-PID COMMAND ARGUMENT…: the least that running a command in a container can cost. It
 * enters the namespaces of a process, forks and executes, and that is all: no cgroup, no user, no
 * capabilities, no filter, no label, no guard. Never use it for anything but comparing with it.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static int run(char **argv)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return die("fork");
	if (pid == 0) {
		execv(argv[0], argv);
		_exit(die(argv[0]));
	}
	if (waitpid(pid, &status, 0) < 0)
		return die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: floor INIT-PID COMMAND [ARGUMENT]...\n", stderr);
		return 125;
	}

	int pid_fd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(argv[1], NULL, 10), 0);

	if (pid_fd < 0)
		return die("pidfd_open");
	if (setns(pid_fd, differing(argv[1])) < 0)
		return die("setns");
	return run(argv + 2);
}
