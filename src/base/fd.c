/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int att_fd_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		att_ignore(close(fd));
	errno = saved;
	return -1;
}

void att_fd_close_p(int *fd)
{
	*fd = att_fd_close(*fd);
}

ssize_t att_fd_read_full(int fd, void *buf, size_t cap)
{
	size_t used = 0;

	while (used < cap) {
		ssize_t n = read(fd, (char *)buf + used, cap - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	return (ssize_t)used;
}

int att_fd_write_full(int fd, const void *buf, size_t len)
{
	size_t used = 0;

	while (used < len) {
		ssize_t n = write(fd, (const char *)buf + used, len - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		used += (size_t)n;
	}
	return 0;
}

ssize_t att_fd_read_file_at(int dir_fd, const char *path, char *buf, size_t cap)
{
	_cleanup_close_ int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;

	ssize_t len = att_fd_read_full(fd, buf, cap);

	if (len < 0)
		return len;
	if ((size_t)len >= cap)
		return -EFBIG;
	buf[len] = '\0';
	return len;
}
