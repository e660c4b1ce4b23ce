/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an attacker serves to whoever comes: a file system, a monitor's answers, cgroups. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "hostile/attacker.h"

/* ---- fuse DIR mute|deaf: takes every request, or none, and never answers one ---- */

static int mount_fuse(const char *dir)
{
	char options[128];
	int fd = -1;

	fd = open("/srv/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other",
	         fd);
	if (fd < 0 || mount("silence", dir, "fuse", 0, options) < 0)
		return -errno;
	return fd;
}

/* Without this answer nobody gets beyond the mount. */
static void answer_init(int fd, const struct fuse_in_header *in)
{
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} out = { { sizeof(out), 0, in->unique }, { .major = 7, .minor = 31, .max_write = 4096 } };

	if (write(fd, &out, sizeof(out)) < 0)
		perror("answer");
}

static int verb_fuse_serve(int fd, bool mute)
{
	static char request[FUSE_MIN_READ_BUFFER + 65536];
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
	unsigned taken = 0;
	bool greeted = false;

	while (poll(p, 2, -1) >= 0 && (p[1].revents == 0 || goes_on())) {
		if (p[0].revents == 0 || read(fd, request, sizeof(request)) <= 0)
			continue;
		taken++;
		if (!greeted)
			answer_init(fd, (const void *)request);
		greeted = true;
		/* What it has not taken, it can be said not to know of. */
		if (!mute)
			p[0].fd = -1;
	}
	printf("taken %u\n", taken);
	return 0;
}

int verb_fuse(char *const argv[])
{
	int fd = mount_fuse(argv[0]);
	int r = 0;

	if (fd < 0) {
		fprintf(stderr, "mount: %s\n", strerror(-fd));
		return 1;
	}
	ready();
	r = verb_fuse_serve(fd, strcmp(argv[1], "mute") == 0);
	umount2(argv[0], MNT_DETACH);
	return r;
}

/* ---- monitor ADDRESS: says that itself is init ---- */

static void answer_pidfd(int fd, int pid_fd)
{
	struct {
		int ret;
		int len;
		void *data;
	} answer = { 0, 0, NULL };
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { &answer, sizeof(answer) };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };

	memset(&control, 0, sizeof(control));
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &pid_fd, sizeof(pid_fd));
	sendmsg(fd, &msg, MSG_NOSIGNAL);
}

static void serve_one(int listener, int pid_fd)
{
	char request[512];
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (recv(fd, request, sizeof(request), 0) > 0)
		answer_pidfd(fd, pid_fd);
	close(fd);
}

int verb_monitor(char *const argv[])
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(argv[0]);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int pid_fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	unsigned served = 0;

	if (len >= sizeof(addr.sun_path))
		return 1;
	memcpy(addr.sun_path + 1, argv[0], len);
	if (bind(fd, (struct sockaddr *)&addr,
	         (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0 ||
	    listen(fd, 16) < 0) {
		perror("bind");
		return 1;
	}
	ready();
	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			               { .fd = 0, .events = POLLIN } };

		poll(p, 2, -1);
		if (p[1].revents != 0 && !goes_on())
			break;
		if (p[0].revents != 0 && ++served > 0)
			serve_one(fd, pid_fd);
	}
	printf("served %u\n", served);
	return 0;
}

/* ---- cgroups DIR: everything that root inside may do to a cgroup of attache's ---- */

static void write_in(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX];
	int fd = -1;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		errno = 0;
	if (fd >= 0)
		close(fd);
}

static void harass(const char *base, const char *leaf, unsigned turn)
{
	char dir[PATH_MAX];
	char sub[PATH_MAX + 32];
	char procs[32] = "";
	ssize_t n = 0;
	int fd = -1;

	snprintf(dir, sizeof(dir), "%s/%s", base, leaf);
	snprintf(sub, sizeof(sub), "%s/cgroup.procs", dir);
	fd = open(sub, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, procs, sizeof(procs) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0 && turn % 4 == 0)
		write_in(base, "../cgroup.procs", procs);
	if (turn % 4 == 1)
		chmod(dir, 0);
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	if (turn % 4 == 2)
		mkdir(sub, 0755);
	if (turn % 4 == 3)
		write_in(dir, "cgroup.freeze", "1");
	rmdir(dir);
}

/* What it has made itself, at the end: what is left then is attache's. */
static void take_away(const char *base, const char *leaf, unsigned turn)
{
	char dir[PATH_MAX];

	(void)turn;
	snprintf(dir, sizeof(dir), "%s/%s/sub", base, leaf);
	if (rmdir(dir) < 0)
		return;
	*strrchr(dir, '/') = '\0';
	rmdir(dir);
}

static unsigned for_each_leaf(const char *base, const char *own,
                              void (*fn)(const char *base, const char *leaf, unsigned turn),
                              unsigned met)
{
	DIR *d = opendir(base);

	for (struct dirent *e = d ? readdir(d) : NULL; e != NULL; e = readdir(d))
		if (strncmp(e->d_name, "attache-", 8) == 0 && strstr(own, e->d_name) == NULL)
			fn(base, e->d_name, met++);
	if (d != NULL)
		closedir(d);
	return met;
}

/* Itself it must not freeze. */
static void read_own(char *buf, size_t cap)
{
	int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, buf, cap - 1);

	buf[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
}

int verb_cgroups(char *const argv[])
{
	char own[4096];
	unsigned turn = 0;
	unsigned met = 0;

	read_own(own, sizeof(own));
	ready();
	while (turn++ % 64 != 0 || goes_on())
		met = for_each_leaf(argv[0], own, harass, met);
	for_each_leaf(argv[0], own, take_away, 0);
	printf("met %u\n", met);
	return 0;
}
