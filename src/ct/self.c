/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/self.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "base/fd.h"

#define TEXT_CAP 4096

void att_self_done(struct att_self *self)
{
	att_cgroup_lines_done(&self->cgroup);
	self->known = false;
}

bool att_process_limits(pid_t pid, struct att_rlimits *ret)
{
	for (int n = 0; n < ATT_RLIMITS; n++) {
		struct rlimit64 limit;

		if (prlimit64(pid, (enum __rlimit_resource)n, NULL, &limit) < 0)
			return false;
		ret->v[n].soft = limit.rlim_cur;
		ret->v[n].hard = limit.rlim_max;
	}
	return true;
}

static int fail(struct att_err *err, int sys, const char *what)
{
	if (sys == ENOMEM)
		return att_err_nomem(err, ATT_STAGE_SNAPSHOT);
	return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SNAPSHOT, sys, "read own %s", what);
}

static int read_status(int proc_fd, struct att_self *self, struct att_err *err)
{
	char text[TEXT_CAP];
	ssize_t n = att_fd_read_file_at(proc_fd, "status", text, sizeof(text));

	if (n < 0 || !att_proc_parse_status(text, (size_t)n, &self->process.status))
		return fail(err, n < 0 ? (int)-n : EINVAL, "status");
	return 0;
}

static int read_oom_score(int proc_fd, struct att_self *self, struct att_err *err)
{
	char text[32];
	char *end = text;
	ssize_t n = att_fd_read_file_at(proc_fd, "oom_score_adj", text, sizeof(text));

	if (n > 0)
		self->process.oom_score_adj = (int32_t)strtol(text, &end, 10);
	return n > 0 && *end == '\n' ? 0 : fail(err, n < 0 ? (int)-n : EINVAL, "oom_score_adj");
}

static int read_cgroup(int proc_fd, struct att_self *self, struct att_err *err)
{
	char text[TEXT_CAP];
	ssize_t n = att_fd_read_file_at(proc_fd, "cgroup", text, sizeof(text));
	int r = n < 0 ? (int)n : att_cgroup_lines_parse(text, (size_t)n, &self->cgroup);

	return r < 0 ? fail(err, -r, "cgroup") : 0;
}

int att_self_read(struct att_self *ret, struct att_err *err)
{
	_cleanup_(att_self_done) struct att_self self = { .known = true };
	_cleanup_close_ int proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = proc_fd < 0 ? fail(err, errno, "directory of /proc") : 0;

	if (r == 0)
		r = read_status(proc_fd, &self, err);
	if (r == 0)
		r = read_oom_score(proc_fd, &self, err);
	if (r == 0)
		r = read_cgroup(proc_fd, &self, err);
	if (r == 0)
		r = att_ns_read_own(proc_fd, self.ns, err);
	if (r == 0 && !att_process_limits(0, &self.process.limits))
		r = fail(err, errno, "limits");
	/* Reads it; no personality has all bits. */
	self.process.personality = (uint32_t)personality(0xffffffff);
	if (r < 0)
		return r;
	*ret = self;
	self = (struct att_self){ .known = false };
	return 0;
}
