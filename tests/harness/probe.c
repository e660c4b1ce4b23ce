/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/keyctl.h>

#define CHUNK 65536

static unsigned char chunk[CHUNK];

const char *probe_errno_name(int err)
{
	const char *name = err == 0 ? "ok" : strerrorname_np(err);

	return name == NULL ? "E?" : name;
}

static int usage(void)
{
	fputs("usage: probe record|exit N|kill SIG|cat|sum|gen BYTES SEED|daemon SECS|\n"
	      "       tree N SECS|sleep SECS|waitsig|spam BYTES FD|syscalls|tty|keys|\n"
	      "       flood zeros|lines BYTES\n",
	      stderr);
	return 64;
}

static bool write_all(int fd, const unsigned char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static ssize_t read_some(int fd)
{
	ssize_t n = 0;

	do {
		n = read(fd, chunk, sizeof(chunk));
	} while (n < 0 && errno == EINTR);
	return n;
}

static void sleep_secs(const char *text)
{
	double secs = strtod(text, NULL);
	struct timespec ts = { .tv_sec = (time_t)secs };

	ts.tv_nsec = (long)((secs - (double)ts.tv_sec) * 1e9);
	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		continue;
}

static int verb_exit(char *const argv[])
{
	return (int)strtol(argv[0], NULL, 10);
}

static int signal_of(const char *text)
{
	for (int sig = 1; sig < NSIG; sig++) {
		const char *name = sigabbrev_np(sig);

		if (name != NULL && strcmp(name, text) == 0)
			return sig;
	}
	return (int)strtol(text, NULL, 10);
}

/* Dies of the signal whatever was inherited: default action, unblocked. */
static int verb_kill(char *const argv[])
{
	int sig = signal_of(argv[0]);
	sigset_t set;

	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), sig);
	sleep_secs("5");
	return 70; /* it was one that does not end a process */
}

static int verb_cat(char *const argv[])
{
	ssize_t n = 0;

	(void)argv;
	while ((n = read_some(STDIN_FILENO)) > 0)
		if (!write_all(STDOUT_FILENO, chunk, (size_t)n))
			return 74;
	return n < 0 ? 74 : 0;
}

/* FNV-1a, 64 bits: enough to notice a lost, doubled or swapped byte. */
static int verb_sum(char *const argv[])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	uint64_t total = 0;
	ssize_t n = 0;

	(void)argv;
	while ((n = read_some(STDIN_FILENO)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			hash = (hash ^ chunk[i]) * UINT64_C(0x100000001b3);
		total += (uint64_t)n;
	}
	if (n < 0)
		return 74;
	printf("%016" PRIx64 " %" PRIu64 "\n", hash, total);
	return 0;
}

/* xorshift64*, one byte a step; the same in cmd_gen() of the host's side. */
static int verb_gen(char *const argv[])
{
	uint64_t left = strtoull(argv[0], NULL, 10);
	uint64_t x = strtoull(argv[1], NULL, 10) * 2 + 1;

	while (left > 0) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		for (size_t i = 0; i < n; i++) {
			x ^= x >> 12;
			x ^= x << 25;
			x ^= x >> 27;
			chunk[i] = (unsigned char)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
		}
		if (!write_all(STDOUT_FILENO, chunk, n))
			return 74;
		left -= n;
	}
	return 0;
}

static int verb_spam(char *const argv[])
{
	uint64_t left = strtoull(argv[0], NULL, 10);
	int fd = (int)strtol(argv[1], NULL, 10);

	memset(chunk, 'x', sizeof(chunk));
	for (size_t i = 63; i < sizeof(chunk); i += 64)
		chunk[i] = '\n';
	while (left > 0) {
		size_t n = left < CHUNK ? (size_t)left : CHUNK;

		if (!write_all(fd, chunk, n))
			return 74;
		left -= n;
	}
	return 0;
}

/* A daemon as careless ones are written: it keeps the descriptors that it was given. */
static int verb_daemon(char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		return 71;
	if (pid > 0) {
		waitpid(pid, NULL, 0);
		return 0;
	}
	setsid();
	if (fork() == 0)
		sleep_secs(argv[0]);
	_exit(0);
}

static int verb_tree(char *const argv[])
{
	long n = strtol(argv[0], NULL, 10);

	for (long i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return 71;
		if (pid == 0) {
			setsid();
			sleep_secs(argv[1]);
			_exit(0);
		}
	}
	puts("ready");
	fflush(stdout);
	while (wait(NULL) > 0 || errno == EINTR)
		continue;
	return 0;
}

static int verb_sleep(char *const argv[])
{
	sleep_secs(argv[0]);
	return 0;
}

static void print_signal(int sig)
{
	const char *name = sigabbrev_np(sig);

	if (name != NULL)
		printf("%s\n", name);
	else
		printf("RTMIN+%d\n", sig - SIGRTMIN);
	fflush(stdout);
}

static int verb_waitsig(char *const argv[])
{
	int sig = 0;
	sigset_t all;

	(void)argv;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	puts("ready");
	fflush(stdout);
	while (sig != SIGTERM) {
		sig = sigwaitinfo(&all, NULL);
		if (sig > 0)
			print_signal(sig);
	}
	return 0;
}

static void report(const char *name, long result)
{
	printf("%s=%s\n", name, probe_errno_name(result < 0 ? errno : 0));
}

/* Calls that a container's filter or its lack of capabilities denies; all are harmless here. */
static int verb_syscalls(char *const argv[])
{
	struct {
		struct file_handle head;
		unsigned char bytes[8];
	} handle = { .head = { .handle_bytes = 8 } };

	(void)argv;
	report("finit_module", syscall(SYS_finit_module, -1, "", 0));
	report("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	report("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	report("mknod_null", mknod("/tmp/probe-null", S_IFCHR | 0600, makedev(1, 3)));
	unlink("/tmp/probe-null");
	report("open_by_handle_at", open_by_handle_at(AT_FDCWD, &handle.head, O_RDONLY));
	report("setns", syscall(SYS_setns, -1, 0));
	report("umount2_force", umount2("/nonexistent", MNT_FORCE));
	report("umount2_plain", umount2("/nonexistent", 0));
	report("unshare_user", unshare(CLONE_NEWUSER));
	return 0;
}

static int verb_tty(char *const argv[])
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	(void)argv;
	report("open", fd);
	printf("stdin=%d\nstdout=%d\nstderr=%d\n", isatty(0), isatty(1), isatty(2));
	return 0;
}

/* As cat, but it says when it is there to be typed at. */
static int verb_keys(char *const argv[])
{
	puts("ready");
	fflush(stdout);
	return verb_cat(argv);
}

#define LINE 77 /* 76 columns and the newline */

static size_t fill_lines(void)
{
	size_t len = sizeof(chunk) / LINE * LINE;

	for (size_t i = 0; i < len; i++)
		chunk[i] = i % LINE == LINE - 1 ? '\n' : (unsigned char)('a' + i % LINE % 26);
	return len;
}

static long long own_cpu_us(void)
{
	struct rusage u = { 0 };

	getrusage(RUSAGE_SELF, &u);
	return (long long)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* As fast as they are taken; then what it cost this process, for those who want the rest. */
static int verb_flood(char *const argv[])
{
	uint64_t left = strtoull(argv[1], NULL, 10);
	bool lines = strcmp(argv[0], "lines") == 0;
	size_t most = lines ? fill_lines() : sizeof(chunk);

	if (!lines && strcmp(argv[0], "zeros") != 0)
		return usage();
	while (left > 0) {
		size_t n = left < most ? (size_t)left : most;

		if (!write_all(STDOUT_FILENO, chunk, n))
			return 74;
		left -= n;
	}
	printf("cpu_us=%lld\n", own_cpu_us());
	return 0;
}

static const struct {
	const char *name;
	int n_args;
	int (*run)(char *const argv[]);
} verbs[] = {
	{ "exit", 1, verb_exit }, { "kill", 1, verb_kill },         { "cat", 0, verb_cat },
	{ "sum", 0, verb_sum },   { "gen", 2, verb_gen },           { "daemon", 1, verb_daemon },
	{ "tree", 2, verb_tree }, { "sleep", 1, verb_sleep },       { "waitsig", 0, verb_waitsig },
	{ "spam", 2, verb_spam }, { "syscalls", 0, verb_syscalls }, { "tty", 0, verb_tty },
	{ "keys", 0, verb_keys }, { "flood", 2, verb_flood },
};

int main(int argc, char *argv[], char *envp[])
{
	if (argc < 2)
		return usage();
	/* Further words are allowed: a test looks at how they arrive. */
	if (strcmp(argv[1], "record") == 0)
		return probe_record(stdout, argc, argv, envp) == 0 ? 0 : 74;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc - 2 == verbs[i].n_args)
			return verbs[i].run(argv + 2);
	return usage();
}
