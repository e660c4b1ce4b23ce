/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"

int att_pidfd_open(pid_t pid)
{
	long r = syscall(SYS_pidfd_open, pid, 0);

	return r < 0 ? -errno : (int)r;
}

bool att_pidfd_is_alive(int pidfd)
{
	return att_pidfd_signal(pidfd, 0) == 0;
}

int att_pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

/* The first version of struct pidfd_info (include/uapi/linux/pidfd.h, Linux 6.13). */
struct info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	int32_t exit_code;
};

_Static_assert(sizeof(struct info) == 64, "the kernel tells versions apart by their size");

#define GET_INFO _IOWR(0xFF, 11, struct info)

/* Return: 0 when it cannot be told this way, which needs no file below /proc/self. */
static pid_t ask_pid(int pidfd)
{
	struct info info = { .mask = 1 }; /* PIDFD_INFO_PID */

	return ioctl(pidfd, GET_INFO, &info) == 0 && info.pid <= INT_MAX ? (pid_t)info.pid : 0;
}

int att_pidfd_pid(int pidfd, pid_t *ret, struct att_err *err)
{
	char path[48];
	char text[512];
	char *line = NULL;
	int64_t pid = ask_pid(pidfd);

	if (pid > 0) {
		*ret = (pid_t)pid;
		return 0;
	}
	att_ignore(snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd));

	ssize_t n = att_fd_read_file_at(AT_FDCWD, path, text, sizeof(text));

	if (n < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE, (int)-n,
		                   "read '%s'", path);
	line = strstr(text, "\nPid:\t");
	if (line) {
		line += strlen("\nPid:\t");
		line[strcspn(line, "\n")] = '\0';
	}
	if (!line || !att_parse_i64(line, &pid) || pid > INT_MAX)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE,
		                   "read '%s': no process number", path);
	if (pid <= 0)
		return att_err_set(err, ATT_E_CONTAINER_GONE, ATT_STAGE_RESOLVE,
		                   "its init has ended or is in another pid namespace");
	*ret = (pid_t)pid;
	return 0;
}
