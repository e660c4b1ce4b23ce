/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * naive [OPTION]... INIT-PID COMMAND [ARGUMENT]...: the positive control of the hostile suite. It
 * enters the namespaces of a process, forks and executes as one would write it in an afternoon, and
 * takes none of the care that the suite is about: descriptors, environment, session, keyring,
 * capabilities and cgroup stay the caller's, and what it needs to know it asks the container. Every
 * attack of the suite must win against it. Never use it for anything else.
 *
 *	-f FILE     deny mkdir if FILE says so; without the file, go on without
 *	-g          between looking init up and entering, wait for a line on stdin
 *	-m ADDRESS  ask whoever has this abstract socket for init; INIT-PID is not used
 *	-n          stdin is /dev/null, opened inside
 *	-p          take away what /proc/1/status inside says, as far as cap_last_cap inside says
 *	-t          a terminal of the container's, by its paths, instead of the caller's
 *	-u NAME     become this user, looked up inside
 *	-R ROOT     look the user up below this directory of the host's instead
 *	-v          greet with the name of the host inside
 *	-w DIR      working directory
 */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

static struct {
	const char *filter;
	const char *monitor;
	const char *user;
	const char *root;
	const char *workdir;
	bool denies;
	bool waits;
	bool null;
	bool obeys;
	bool terminal;
	bool greets;
	uid_t uid;
	gid_t gid;
	bool mapped; /* in a user namespace of its own */
} opt;

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "naive: ");
	perror(what);
	_exit(125);
}

static int differing(const char *pid)
{
	static const struct {
		const char *name;
		int flag;
	} kinds[] = {
		{ "user", CLONE_NEWUSER },     { "mnt", CLONE_NEWNS },  { "pid", CLONE_NEWPID },
		{ "net", CLONE_NEWNET },       { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS },
		{ "cgroup", CLONE_NEWCGROUP },
	};
	char path[64];
	struct stat theirs;
	struct stat ours;
	int flags = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, kinds[i].name);
		if (stat(path, &theirs) < 0)
			die(path);
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].name);
		if (stat(path, &ours) == 0 && ours.st_ino != theirs.st_ino)
			flags |= kinds[i].flag;
	}
	return flags;
}

/* Believes whoever answers. */
static int ask_monitor(void)
{
	struct {
		int cmd;
		int len;
		const void *data;
	} request = { 18, 0, NULL };
	char answer[64];
	char room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &request, sizeof(request) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int pid_fd = -1;

	memcpy(addr.sun_path + 1, opt.monitor, strlen(opt.monitor));
	if (connect(fd, (struct sockaddr *)&addr,
	            (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(opt.monitor))) <
	    0)
		die("connect");
	if (sendmsg(fd, &msg, 0) < 0)
		die("sendmsg");
	iov = (struct iovec){ answer, sizeof(answer) };
	msg.msg_control = room;
	msg.msg_controllen = sizeof(room);
	if (recvmsg(fd, &msg, 0) < 0 || CMSG_FIRSTHDR(&msg) == NULL)
		die("recvmsg");
	memcpy(&pid_fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(pid_fd));
	return pid_fd;
}

/* The pid is all that it keeps of the container between the two. */
static void wait_for_word(void)
{
	puts("looked up");
	fflush(stdout);
	if (getchar() == EOF)
		die("stdin");
}

static void enter(const char *pid)
{
	int fd = opt.monitor != NULL ? ask_monitor() : -1;
	int flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

	if (opt.waits)
		wait_for_word();
	if (fd < 0) {
		fd = (int)syscall(SYS_pidfd_open, (pid_t)strtol(pid, NULL, 10), 0);
		flags = fd < 0 ? 0 : differing(pid);
	}
	if (fd < 0)
		die("pidfd_open");
	if (flags != 0 && setns(fd, flags) < 0)
		die("setns");
	close(fd);
	opt.mapped = flags & CLONE_NEWUSER;
	if (opt.mapped && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0))
		die("setresuid");
}

/* ---- what it believes the container ---- */

static unsigned long long ask_proc(const char *path, const char *field, int base)
{
	char line[256];
	unsigned long long value = 0;
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			value = strtoull(line + strlen(field), NULL, base);
	fclose(f);
	return value;
}

static void obey_proc(void)
{
	unsigned long long keep = ask_proc("/proc/1/status", "CapBnd:", 16);
	unsigned long last = (unsigned long)ask_proc("/proc/sys/kernel/cap_last_cap", "", 10);

	for (unsigned long cap = 0; cap <= last; cap++)
		if (!(keep & (1ull << cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	if (ask_proc("/proc/1/status", "NoNewPrivs:", 10) == 1)
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void find_user(void)
{
	char path[PATH_MAX];
	FILE *f = NULL;
	struct passwd *p = NULL;

	snprintf(path, sizeof(path), "%s/etc/passwd", opt.root != NULL ? opt.root : "");
	f = fopen(path, "r");
	if (f == NULL)
		die(path);
	do
		p = fgetpwent(f);
	while (p != NULL && strcmp(p->pw_name, opt.user) != 0);
	if (p == NULL)
		die(opt.user);
	opt.uid = p->pw_uid;
	opt.gid = p->pw_gid;
	fclose(f);
}

static void take_terminal(void)
{
	char path[32];
	int number = 0;
	int unlocked = 0;
	int master = open("/dev/ptmx", O_RDWR);
	int tty = -1;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0)
		die("/dev/ptmx");
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	tty = open(path, O_RDWR);
	if (tty < 0)
		die(path);
	for (int fd = 0; fd < 3; fd++)
		dup2(tty, fd);
}

/* ---- what it does of its own ---- */

static bool denies_mkdir(void)
{
	char line[256];
	bool denies = false;
	FILE *f = fopen(opt.filter, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		denies = denies || strncmp(line, "mkdir", 5) == 0;
	if (f != NULL)
		fclose(f);
	return denies;
}

static void load_filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
#ifdef __NR_mkdir
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mkdir, 1, 0),
#endif
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mkdirat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		die("seccomp");
}

static void become_user(void)
{
	if (opt.root == NULL)
		find_user();
	if (setgroups(0, NULL) < 0 || setresgid(opt.gid, opt.gid, opt.gid) < 0 ||
	    setresuid(opt.uid, opt.uid, opt.uid) < 0)
		die(opt.user);
}

__attribute__((noreturn)) static void run(char **argv)
{
	int fd = -1;

	if (opt.null) {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			die("/dev/null");
		dup2(fd, 0);
	}
	if (opt.terminal)
		take_terminal();
	if (opt.workdir != NULL && chdir(opt.workdir) < 0)
		die(opt.workdir);
	if (opt.obeys)
		obey_proc();
	if (opt.denies)
		load_filter();
	if (opt.user != NULL)
		become_user();
	execvp(argv[0], argv);
	die(argv[0]);
}

static void greet(void)
{
	char name[128] = "";

	gethostname(name, sizeof(name) - 1);
	fprintf(stderr, "naive: in %s\n", name);
}

static void parse(int argc, char **argv)
{
	int c = 0;

	while ((c = getopt(argc, argv, "+f:gm:nptu:R:vw:")) >= 0) {
		opt.filter = c == 'f' ? optarg : opt.filter;
		opt.monitor = c == 'm' ? optarg : opt.monitor;
		opt.user = c == 'u' ? optarg : opt.user;
		opt.root = c == 'R' ? optarg : opt.root;
		opt.workdir = c == 'w' ? optarg : opt.workdir;
		opt.waits = opt.waits || c == 'g';
		opt.null = opt.null || c == 'n';
		opt.obeys = opt.obeys || c == 'p';
		opt.terminal = opt.terminal || c == 't';
		opt.greets = opt.greets || c == 'v';
	}
	if (argc - optind < 2) {
		fputs("usage: naive [OPTION]... INIT-PID COMMAND [ARGUMENT]...\n", stderr);
		_exit(125);
	}
}

int main(int argc, char **argv)
{
	int status = 0;
	pid_t pid = 0;

	parse(argc, argv);
	opt.denies = opt.filter != NULL && denies_mkdir();
	if (opt.root != NULL)
		find_user();
	enter(argv[optind]);
	if (opt.greets)
		greet();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run(argv + optind + 1);
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
