/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attach/launcher/job.h"

#include <asm/errno.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>

#include "attach/launcher/sys.h"
#include "base/stage.h"

#define PATH_BYTES 4096

long job_clone(unsigned long flags, int32_t *parent_tid)
{
	return sys_call5(__NR_clone, flags, 0, parent_tid, 0, 0);
}

__attribute__((noreturn)) static void leave(struct entry *e, int stage, long error, int detail)
{
	e->report->sys = (int32_t)-error;
	e->report->detail = detail;
	e->report->stage = stage;
	for (;;)
		sys_call1(__NR_exit_group, 127);
}

/* Whatever ends this process from here on, the command's own start ended it. */
static long try_exec(struct entry *e, const char *path)
{
	e->report->stage = 0;
	return sys_call3(__NR_execve, path, e->argv, e->envp);
}

/* ENOENT of a file that is there means that its interpreter is not. */
static int why_missing(const char *path, long error)
{
	if (error != -ENOENT)
		return 0;
	return sys_call4(__NR_faccessat, AT_FDCWD, path, 0, 0) == 0 ? ATT_WIRE_NO_INTERPRETER : 0;
}

/* "DIR/NAME" into @dst, an empty DIR meaning the working directory. Return: 0 when too long. */
static int join_path(char *dst, const char *dir, size_t dir_len, const char *name)
{
	size_t used = 0;

	if (dir_len + 2 >= PATH_BYTES)
		return 0;
	for (; used < dir_len; used++)
		dst[used] = dir[used];
	if (dir_len > 0)
		dst[used++] = '/';
	do {
		if (used >= PATH_BYTES)
			return 0;
		dst[used++] = *name;
	} while (*name++ != '\0');
	return 1;
}

/*
 * As a shell searches: the first that can be executed; of the failures, one that was found and not
 * allowed counts more than one that was not found. No shell takes over a file without a #! line.
 */
static void search_and_exec(struct entry *e, const char *name)
{
	static char path[PATH_BYTES];
	const char *dir = e->blob + e->plan->search.offset;
	const char *end = dir + e->plan->search.len;
	long kept = -ENOENT;
	int detail = 0;

	for (;;) {
		const char *stop = dir;
		long r = 0;

		while (stop < end && *stop != ':')
			stop++;
		r = join_path(path, dir, (size_t)(stop - dir), name) ? try_exec(e, path)
		                                                     : -ENAMETOOLONG;
		if (r == -ENOENT && detail == 0)
			detail = why_missing(path, r);
		if (r == -EACCES)
			kept = r;
		else if (r != -ENOENT && r != -ENOTDIR && r != -ENAMETOOLONG)
			leave(e, ATT_STAGE_EXEC, r, 0);
		if (stop == end)
			break;
		dir = stop + 1;
	}
	leave(e, ATT_STAGE_EXEC, kept, kept == -ENOENT ? detail : 0);
}

/* The new session takes its terminal; this process group is in the foreground there from now on. */
static long take_terminal(const struct entry *e)
{
	for (int i = 0; i < 3; i++)
		if (e->plan->tty_mask & (1u << i))
			return sys_call3(__NR_ioctl, i, TIOCSCTTY, 0);
	return 0;
}

void job_run(struct entry *e)
{
	const char *file = e->blob + e->plan->path.offset;
	long r = 0;

	/* Always a session of its own: the caller's terminal is out of reach. */
	r = sys_call0(__NR_setsid);
	if (r >= 0 && !(e->plan->flags & (ATT_WIRE_DETACH | ATT_WIRE_MAY_LEAVE)))
		r = sys_call5(__NR_prctl, PR_SET_PDEATHSIG, 9, 0, 0, 0);
	if (r < 0)
		leave(e, ATT_STAGE_SPAWN, r, 0);
	r = take_terminal(e);
	if (r < 0)
		leave(e, ATT_STAGE_TERMINAL, r, 0);
	if (e->plan->path.len == 0)
		search_and_exec(e, e->argv[0]);
	r = try_exec(e, file);
	leave(e, ATT_STAGE_EXEC, r, why_missing(file, r));
}
