/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The launcher: a program of a few kilobytes without a libc, which the library keeps as bytes and
 * runs from a sealed memory file. Nothing of the host is in its memory but the plan that it is
 * handed, so that neither the entry process nor the job that grow out of it have anything to
 * betray, and no file of the host is what /proc/PID/exe of the job names.
 *
 * Its first process, the guardian, waits for a plan and its descriptors, which may not be made yet
 * when it is started; starts the entry process inside the container's cgroup, on
 * shared memory and held until that has ended; says what came of it; and then sleeps until the
 * library's process says that all is done, or is gone (watch.c).
 *
 * argv: "attache:" and the number of the socket. envp: nothing.
 */
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "attach/launcher/entry.h"
#include "attach/launcher/sys.h"
#include "attach/launcher/watch.h"
#include "base/stage.h"
#include "sys/clone.h"

#define ENTRY_STACK 16384

static struct att_wire_plan plan;
static struct entry entry;
static long leaf_fd = -1;
static char entry_stack[ENTRY_STACK] __attribute__((aligned(16)));

/* The compiler may call these whatever the flags. */
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);

void *memcpy(void *dst, const void *src, size_t n)
{
	char *d = dst;
	const char *s = src;

	while (n-- > 0)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	char *d = dst;

	while (n-- > 0)
		*d++ = (char)c;
	return dst;
}

__attribute__((noreturn)) static void leave(int status)
{
	for (;;)
		sys_call1(__NR_exit_group, status);
}

static int read_full(int fd, void *buf, size_t len)
{
	size_t used = 0;

	while (used < len) {
		long n = sys_call3(__NR_read, fd, (char *)buf + used, len - used);

		if (n <= 0)
			return 0;
		used += (size_t)n;
	}
	return 1;
}

/* "attache:NUMBER": the name is for who looks at the host's processes. */
static int parse_socket(const char *text)
{
	int fd = 0;

	while (*text != '\0' && *text != ':')
		text++;
	if (*text++ != ':')
		return -1;
	for (; *text >= '0' && *text <= '9' && fd < 10000000; text++)
		fd = fd * 10 + (*text - '0');
	return *text == '\0' ? fd : -1;
}

static void *map_private(size_t len, int flags)
{
	long r = sys_call6(__NR_mmap, 0, len, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	return r < 0 && r > -4096 ? NULL : (void *)r;
}

/* Nothing of the caller's but the socket, which also holds the places of the job's descriptors. */
static int drop_descriptors(int sock)
{
	for (int i = 0; i < 3; i++)
		if (sys_call3(__NR_dup3, sock, i, 0) < 0)
			return 0;
	if (sock > 3 && sys_call3(__NR_close_range, 3, sock - 1, 0) < 0)
		return 0;
	return sys_call3(__NR_close_range, sock + 1, ~0u, 0) >= 0;
}

/* The plan's header and the descriptors that come with its first byte. Return: how many, or -1. */
static int receive_header(int sock, int32_t *fds)
{
	union {
		struct cmsghdr_ header;
		char room[sizeof(struct cmsghdr_) + ATT_WIRE_MAX_FDS * sizeof(int32_t)];
	} control;
	struct iovec_ iov = { &plan, sizeof(plan) };
	struct msghdr_ msg = { 0, 0, &iov, 1, &control, sizeof(control), 0 };
	long n = 0;
	size_t bytes = 0;

	control.header.len = sizeof(control.header);
	n = sys_call3(__NR_recvmsg, sock, &msg, MSG_CMSG_CLOEXEC_);
	if (n <= 0 || (msg.flags & MSG_CTRUNC_) || msg.controllen < sizeof(control.header))
		return -1;
	if (!read_full(sock, (char *)&plan + n, sizeof(plan) - (size_t)n))
		return -1;
	bytes = control.header.len - sizeof(control.header);
	memcpy(fds, &control.header + 1, bytes);
	return (int)(bytes / sizeof(int32_t));
}

static int number_of(int32_t *place, const int32_t *fds, int n)
{
	if (*place >= n)
		return 0;
	*place = *place < 0 ? -1 : fds[*place];
	return 1;
}

static int take_descriptors(const int32_t *fds, int n)
{
	int ok = number_of(&plan.init_pidfd, fds, n) && number_of(&plan.base_fd, fds, n) &&
	         number_of(&plan.script_fd, fds, n) && plan.n_legacy <= ATT_WIRE_MAX_LEGACY;

	for (int i = 0; i < plan.n_legacy && ok; i++)
		ok = number_of(&plan.legacy_fd[i], fds, n);
	for (int i = 0; i < 3 && ok; i++) {
		ok = number_of(&plan.stdio_fd[i], fds, n);
		if (!ok || plan.stdio_fd[i] < 0)
			continue;
		ok = sys_call3(__NR_dup3, plan.stdio_fd[i], i, 0) >= 0;
		/* Whoever reads the other end of it waits for the last copy to be closed. */
		sys_call1(__NR_close, plan.stdio_fd[i]);
	}
	return ok;
}

/* The command's words stand one behind the other; exec wants an array of each kind. */
static void point_at_words(const char *blob, char **array)
{
	const char *word = blob + plan.words.offset;

	entry.argv = array;
	entry.envp = array + plan.n_argv + 1;
	for (uint32_t i = 0; i < plan.n_argv + plan.n_envp; i++) {
		*array++ = (char *)(uintptr_t)word;
		if (i + 1 == plan.n_argv)
			array++;
		while (*word++ != '\0')
			;
	}
}

static int read_plan(int sock)
{
	int32_t fds[ATT_WIRE_MAX_FDS];
	size_t array_at = 0;
	char *blob = NULL;
	int n = receive_header(sock, fds);

	if (n < 0 || plan.magic != ATT_WIRE_MAGIC || plan.blob_len > ATT_WIRE_MAX_BLOB ||
	    plan.words.offset + plan.words.len > plan.blob_len ||
	    plan.n_argv + plan.n_envp > plan.words.len || !take_descriptors(fds, n))
		return 0;
	/* What is mapped is zero: the end of the blob, and of both arrays. */
	array_at = ((size_t)plan.blob_len + sizeof(char *)) / sizeof(char *) * sizeof(char *);
	blob = map_private(array_at + ((size_t)plan.n_argv + plan.n_envp + 2) * sizeof(char *),
	                   MAP_PRIVATE);
	if (!blob || !read_full(sock, blob, plan.blob_len))
		return 0;
	point_at_words(blob, (char **)(void *)(blob + array_at));
	entry.plan = &plan;
	entry.blob = blob;
	/* One page, shared with the job until it execs: all that the job can ever change here. */
	entry.report = map_private(sizeof(*entry.report), MAP_SHARED);
	return entry.report != NULL;
}

/*
 * The time namespace asks for a process that shares its memory with no other, which the entry
 * process does: so the guardian enters it, and what it starts is born there.
 */
static int enter_time_namespace(void)
{
	long r = 0;

	if (!(plan.ns_flags & CLONE_NEWTIME))
		return 0;
	plan.ns_flags &= ~(uint32_t)CLONE_NEWTIME;
	r = sys_call2(__NR_setns, plan.init_pidfd, CLONE_NEWTIME);
	return r < 0 ? (int)r : 0;
}

static long give_leaf(const char *file, long flags)
{
	return sys_call5(__NR_fchownat, leaf_fd, file, plan.leaf_uid, plan.leaf_gid, flags);
}

/*
 * The job's own cgroup is made here and not by the library, so that whoever makes it is also the one
 * that removes it when the library's process is gone. An idmapped container's root owns it.
 */
static long make_leaf(void)
{
	long r = 0;

	if (plan.base_fd < 0)
		return 0;
	if (plan.leaf_name[0] == '\0') {
		leaf_fd = plan.base_fd;
		return 0;
	}
	r = sys_call3(__NR_mkdirat, plan.base_fd, plan.leaf_name, 0755);
	if (r >= 0)
		leaf_fd = r = sys_call4(__NR_openat, plan.base_fd, plan.leaf_name,
		                        O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	if (r < 0 || plan.leaf_uid == 0)
		return r;
	r = give_leaf("", AT_EMPTY_PATH);
	if (r >= 0)
		r = give_leaf("cgroup.procs", 0);
	if (r >= 0)
		r = give_leaf("cgroup.threads", 0);
	return r < 0 ? r : give_leaf("cgroup.subtree_control", 0);
}

/* CLONE_PARENT: both the entry process and the job are children of the library's process. */
static void run_entry(void)
{
	struct clone_args args;
	long r = enter_time_namespace();

	entry.status.magic = ATT_WIRE_MAGIC;
	entry.status.stage = ATT_STAGE_NAMESPACES;
	if (r == 0) {
		entry.status.stage = ATT_STAGE_CGROUP;
		r = make_leaf();
	}
	if (r >= 0) {
		memset(&args, 0, sizeof(args));
		args.flags = CLONE_VM | CLONE_VFORK | CLONE_PARENT;
		args.stack = (uint64_t)(uintptr_t)entry_stack;
		args.stack_size = sizeof(entry_stack);
		if (leaf_fd >= 0) {
			args.flags |= CLONE_INTO_CGROUP;
			args.cgroup = (uint64_t)leaf_fd;
		}
		r = att_clone3(&args, sizeof(args), entry_run, &entry);
	}
	if (r < 0)
		entry.status.sys = (int32_t)-r;
	else
		entry.status.entry_pid = (int32_t)r;
	/* The job knows best how far it came, even if the entry process was killed meanwhile. */
	if (entry.status.stage == ATT_STAGE_SPAWN && entry.status.job_pid > 0) {
		entry.status.stage = entry.report->stage;
		entry.status.sys = entry.report->sys;
		entry.status.detail = entry.report->detail;
	}
}

static int write_full(int sock, const void *bytes, size_t len)
{
	return sys_call3(__NR_write, sock, bytes, len) == (long)len;
}

/*
 * A job that the library's process does not hear of is ended as if that were gone: with nothing more
 * to be read, which is what makes watch_run() see it so.
 */
static void send_status(int sock)
{
	if (!write_full(sock, &entry.status, sizeof(entry.status)) ||
	    (entry.status.text_len > 0 &&
	     !write_full(sock, entry.cgroup_text, entry.status.text_len)))
		sys_call2(__NR_shutdown, sock, 0 /* SHUT_RD */);
}

/* Until the library's process says that all is done, or is gone. */
static void watch(int sock)
{
	struct watch w = {
		.sock = sock,
		/* The base itself is everybody's. */
		.leaf = { plan.base_fd, plan.leaf_name[0] != '\0' ? (int)leaf_fd : -1,
		          plan.leaf_name },
		.job_pid = entry.status.stage == 0 ? entry.status.job_pid : 0,
		.has_terminal = plan.tty_mask != 0,
		.tty_fd = -1,
	};

	sys_call3(__NR_close_range, 0, 2, 0);
	watch_run(&w);
}

__attribute__((noreturn, used)) void launcher_main(long *sp);

void launcher_main(long *sp)
{
	char **argv = (char **)(sp + 1);
	int sock = sp[0] >= 1 ? parse_socket(argv[0]) : -1;

	/* Started by anything but the library, this program does nothing. */
	if (sock < 3)
		leave(125);
	sys_call5(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
	sys_call5(__NR_prctl, PR_SET_NAME, "attache", 0, 0, 0);
	/* Out of the caller's process group: who kills that, means attache and not its guardian. */
	sys_call0(__NR_setsid);
	if (!drop_descriptors(sock) || !read_plan(sock))
		leave(125);
	run_entry();
	send_status(sock);
	/* Also after a failure: the library's process may have died before it could clean up. */
	watch(sock);
	leave(0);
}

/* The kernel hands over argc, argv and envp on the stack. */
#if defined(__x86_64__)
__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "	xor %ebp, %ebp\n"
        "	mov %rsp, %rdi\n"
        "	and $-16, %rsp\n"
        "	call launcher_main\n"
        "	hlt\n");
#elif defined(__aarch64__)
__asm__(".text\n"
        ".globl _start\n"
        "_start:\n"
        "	mov x29, xzr\n"
        "	mov x30, xzr\n"
        "	mov x0, sp\n"
        "	b launcher_main\n");
#endif
