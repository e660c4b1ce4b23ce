/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_BYTES  (UINT64_C(64) << 20)
#define HELD_GRACE_NS      ATT_NS_PER_SEC
#define MOVED_FDS          400 /* sources wait above this while the targets are filled */

struct cmd_job {
	pid_t pid;
	int pid_fd;
	int in_fd;
	int out_fd;
	int err_fd;
	const char *pending; /* borrowed; still to be written to stdin */
	size_t n_pending;
	bool keep_stdin; /* CMD_STDIN_PIPE: stays open when nothing is pending */
	bool ended;
	int status;
	struct att_buf out;
	struct att_buf err;
	int64_t started_ns;
	int64_t ended_ns;
	int64_t deadline_ns;
};

/* What the child gets as 0, 1 and 2, and our ends of it. */
struct stdio {
	int child[3];
	int ours[3];
};

#define STDIO_INIT \
	{ \
		{ -1, -1, -1 }, \
		{ \
			-1, -1, -1 \
		} \
	}

static void stdio_done(struct stdio *s)
{
	for (size_t i = 0; i < 3; i++) {
		s->child[i] = att_fd_close(s->child[i]);
		s->ours[i] = att_fd_close(s->ours[i]);
	}
}

static int open_pipe(int *ret_read, int *ret_write)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

static int own_copy(int fd, int *ret)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return -errno;
	*ret = copy;
	return 0;
}

static int open_stdin(const struct cmd *cmd, struct stdio *s)
{
	switch (cmd->in) {
	case CMD_STDIN_NULL:
		s->child[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return s->child[0] < 0 ? -errno : 0;
	case CMD_STDIN_FD:
		return own_copy(cmd->stdin_fd, &s->child[0]);
	case CMD_STDIN_BYTES:
	case CMD_STDIN_PIPE:
		return open_pipe(&s->child[0], &s->ours[0]);
	case CMD_STDIN_CLOSED:
		return 0;
	}
	return -EINVAL;
}

static int open_output(int fd, bool closed, int *ret_child, int *ret_ours)
{
	if (closed)
		return 0;
	return fd > 0 ? own_copy(fd, ret_child) : open_pipe(ret_ours, ret_child);
}

static int open_stdio(const struct cmd *cmd, struct stdio *s)
{
	int r = open_stdin(cmd, s);

	if (r == 0)
		r = open_output(cmd->stdout_fd, (cmd->closed & CMD_CLOSED_STDOUT) != 0,
		                &s->child[1], &s->ours[1]);
	if (r == 0)
		r = open_output(cmd->stderr_fd, (cmd->closed & CMD_CLOSED_STDERR) != 0,
		                &s->child[2], &s->ours[2]);
	return r;
}

/* Fills one number from a source that waits high up; no source there means closed. */
static int place_fd(int source, int target)
{
	if (source < 0) {
		close(target);
		return 0;
	}
	return dup2(source, target) < 0 ? -errno : 0;
}

static int lift_fd(int fd)
{
	return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, MOVED_FDS);
}

/*
 * Sources are moved out of the way first, because a target may be the number of another source.
 * All else is closed by the exec: a test's own descriptors must not decide what attache sees.
 */
static int place_fds(const struct cmd *cmd, struct stdio *s)
{
	int lifted[32];

	if (cmd->n_fds > countof(lifted))
		return -E2BIG;
	for (size_t i = 0; i < cmd->n_fds; i++)
		lifted[i] = lift_fd(cmd->fds[i].ours);
	for (size_t i = 0; i < 3; i++)
		s->child[i] = lift_fd(s->child[i]);
	if (syscall(SYS_close_range, 3u, ~0u, 4u /* CLOSE_RANGE_CLOEXEC */) < 0)
		return -errno;

	int r = 0;

	for (size_t i = 0; i < 3 && r == 0; i++)
		r = place_fd(s->child[i], (int)i);
	for (size_t i = 0; i < cmd->n_fds && r == 0; i++)
		r = place_fd(lifted[i], cmd->fds[i].child);
	return r;
}

/* A test may have ignored or blocked signals of its own; the program starts as from a shell. */
static void reset_signals(void)
{
	/* Past the C library, which keeps two numbers to itself, and which a make may hand down ignored. */
	static const unsigned long default_action[4];
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		syscall(SYS_rt_sigaction, sig, default_action, NULL, 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int prepare_child(const struct cmd *cmd, struct stdio *s)
{
	int r = place_fds(cmd, s);

	if (r < 0)
		return -r;
	if (cmd->cwd != NULL && chdir(cmd->cwd) < 0)
		return errno;
	reset_signals();
	for (size_t i = 0; i < cmd->n_limits; i++)
		if (setrlimit((__rlimit_resource_t)cmd->limits[i].which, &cmd->limits[i].limit) < 0)
			return errno;
	return cmd->setup == NULL ? 0 : cmd->setup(cmd->setup_data);
}

_noreturn_ static void run_child(const struct cmd *cmd, struct stdio *s, int report_fd)
{
	/* Above the place where sources wait, and so never in the way of a target. */
	int report = fcntl(report_fd, F_DUPFD_CLOEXEC, MOVED_FDS);
	int why = prepare_child(cmd, s);

	if (why == 0) {
		const char *const *env = cmd->env;

		execvpe(cmd->argv[0], (char *const *)(uintptr_t)cmd->argv,
		        env == NULL ? environ : (char *const *)(uintptr_t)env);
		why = errno;
	}
	att_ignore(write(report, &why, sizeof(why)));
	_exit(127);
}

/* End of file on the report means that the exec happened. */
static int await_exec(pid_t pid, int report_fd)
{
	int why = 0;
	int status = 0;

	if (att_fd_read_full(report_fd, &why, sizeof(why)) != (ssize_t)sizeof(why))
		return 0;
	att_ignore(child_reap(pid, INT64_MAX, &status));
	return -why;
}

static int spawn(const struct cmd *cmd, struct stdio *s, pid_t *ret)
{
	_cleanup_close_ int report_read = -1;
	_cleanup_close_ int report_write = -1;
	int r = open_pipe(&report_read, &report_write);

	if (r < 0)
		return r;
	fflush(NULL);

	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(cmd, s, report_write);
	report_write = att_fd_close(report_write);
	r = await_exec(pid, report_read);
	if (r == 0)
		*ret = pid;
	return r;
}

static void set_nonblock(int fd)
{
	if (fd >= 0)
		att_ignore(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK));
}

static struct cmd_job *new_job(const struct cmd *cmd)
{
	struct cmd_job *job = calloc(1, sizeof(*job));
	int64_t timeout_ms = cmd->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : cmd->timeout_ms;

	if (job == NULL)
		return NULL;
	job->pid_fd = -1;
	job->in_fd = -1;
	job->out_fd = -1;
	job->err_fd = -1;
	job->out.limit = cmd->max_bytes == 0 ? DEFAULT_MAX_BYTES : cmd->max_bytes;
	job->err.limit = job->out.limit;
	job->keep_stdin = cmd->in == CMD_STDIN_PIPE;
	job->pending = cmd->in == CMD_STDIN_BYTES ? cmd->bytes : NULL;
	job->n_pending = cmd->in == CMD_STDIN_BYTES ? cmd->n_bytes : 0;
	job->started_ns = att_clock_now_ns();
	job->deadline_ns = att_clock_after_ns(timeout_ms * ATT_NS_PER_MS);
	return job;
}

int cmd_start(const struct cmd *cmd, struct cmd_job **ret)
{
	_cleanup_(stdio_done) struct stdio s = STDIO_INIT;
	_cleanup_cmd_job_ struct cmd_job *job = new_job(cmd);

	if (job == NULL)
		return -ENOMEM;

	int r = open_stdio(cmd, &s);

	if (r == 0)
		r = spawn(cmd, &s, &job->pid);
	if (r < 0)
		return r;
	job->pid_fd = (int)syscall(SYS_pidfd_open, job->pid, 0);
	job->in_fd = take_fd(&s.ours[0]);
	job->out_fd = take_fd(&s.ours[1]);
	job->err_fd = take_fd(&s.ours[2]);
	set_nonblock(job->in_fd);
	set_nonblock(job->out_fd);
	set_nonblock(job->err_fd);
	*ret = take_ptr(&job);
	return 0;
}

pid_t cmd_pid(const struct cmd_job *job)
{
	return job->pid;
}

int cmd_signal(struct cmd_job *job, int sig)
{
	return syscall(SYS_pidfd_send_signal, job->pid_fd, sig, NULL, 0) < 0 ? -errno : 0;
}

void cmd_close_stdin(struct cmd_job *job)
{
	job->in_fd = att_fd_close(job->in_fd);
	job->n_pending = 0;
}

/* A reader that went away is its own business: the rest is dropped, as `yes | head` does. */
static void write_pending(struct cmd_job *job)
{
	ssize_t n = write(job->in_fd, job->pending, job->n_pending);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		cmd_close_stdin(job);
	if (n > 0) {
		job->pending += n;
		job->n_pending -= (size_t)n;
	}
}

static int read_output(int *fd, struct att_buf *to)
{
	char bytes[4096];
	ssize_t n = read(*fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		*fd = att_fd_close(*fd);
	return n <= 0 ? 0 : att_buf_append(to, bytes, (size_t)n);
}

static void note_end(struct cmd_job *job)
{
	while (waitpid(job->pid, &job->status, 0) < 0 && errno == EINTR)
		continue;
	job->ended = true;
	job->ended_ns = att_clock_now_ns();
}

static int handle_events(struct cmd_job *job, const struct pollfd p[static 4])
{
	int r = 0;

	if (p[0].revents != 0)
		write_pending(job);
	if (p[1].revents != 0)
		r = read_output(&job->out_fd, &job->out);
	if (p[2].revents != 0 && r == 0)
		r = read_output(&job->err_fd, &job->err);
	if (p[3].revents != 0 && !job->ended)
		note_end(job);
	return r;
}

/* One turn: waits for an event until @deadline_ns. Return: 0, -ETIMEDOUT, or another -errno. */
static int turn(struct cmd_job *job, int64_t deadline_ns)
{
	if (job->in_fd >= 0 && job->n_pending == 0 && !job->keep_stdin)
		cmd_close_stdin(job);

	struct pollfd p[4] = {
		{ .fd = job->n_pending > 0 ? job->in_fd : -1, .events = POLLOUT },
		{ .fd = job->out_fd, .events = POLLIN },
		{ .fd = job->err_fd, .events = POLLIN },
		{ .fd = job->ended ? -1 : job->pid_fd, .events = POLLIN },
	};
	int n = poll(p, countof(p), att_clock_poll_ms(deadline_ns));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : handle_events(job, p);
}

/* SIGPIPE of a closed stdin must not end the test; put back so that tests of it still can. */
static int turn_safely(struct cmd_job *job, int64_t deadline_ns)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction before;

	sigaction(SIGPIPE, &ignore, &before);

	int r = turn(job, deadline_ns);

	sigaction(SIGPIPE, &before, NULL);
	return r;
}

int cmd_send(struct cmd_job *job, const void *bytes, size_t len)
{
	int r = 0;

	if (job->in_fd < 0)
		return -EPIPE;
	job->pending = bytes;
	job->n_pending = len;
	while (r == 0 && job->n_pending > 0)
		r = turn_safely(job, job->deadline_ns);
	return r == 0 && job->in_fd < 0 ? -EPIPE : r;
}

static bool holds(const struct att_buf *buf, const char *text)
{
	return buf->len > 0 && memmem(buf->data, buf->len, text, strlen(text)) != NULL;
}

int cmd_expect(struct cmd_job *job, const char *text)
{
	int r = 0;

	while (r == 0 && !holds(&job->out, text) && !holds(&job->err, text)) {
		if (job->out_fd < 0 && job->err_fd < 0)
			return -ENODATA;
		r = turn_safely(job, job->deadline_ns);
	}
	return r;
}

static bool is_open(const struct cmd_job *job)
{
	return job->out_fd >= 0 || job->err_fd >= 0;
}

/* After the end: what is in the pipes, and a second for those who still hold them. */
static int drain(struct cmd_job *job, bool *ret_held)
{
	int64_t until_ns = att_clock_after_ns(HELD_GRACE_NS);
	int r = 0;

	while (r == 0 && is_open(job))
		r = turn_safely(job, until_ns);
	*ret_held = r == -ETIMEDOUT;
	return r == -ETIMEDOUT ? 0 : r;
}

static char *give_text(struct att_buf *buf, size_t *ret_len)
{
	*ret_len = buf->len;
	return buf->data == NULL ? strdup("") : take_ptr(&buf->data);
}

static int fill_result(struct cmd_job *job, struct cmd_result *ret, bool hung, bool held)
{
	struct cmd_result r = { .hung = hung, .held_open = held };

	r.code = WIFEXITED(job->status) && !hung ? WEXITSTATUS(job->status) : -1;
	r.signal = WIFSIGNALED(job->status) && !hung ? WTERMSIG(job->status) : 0;
	r.duration_ns = job->ended_ns - job->started_ns;
	r.out = give_text(&job->out, &r.out_len);
	r.err = give_text(&job->err, &r.err_len);
	cmd_result_done(ret);
	*ret = r;
	return r.out == NULL || r.err == NULL ? -ENOMEM : 0;
}

int cmd_wait(struct cmd_job *job, struct cmd_result *ret)
{
	bool hung = false;
	bool held = false;
	int r = 0;

	job->keep_stdin = false;
	while (r == 0 && !job->ended)
		r = turn_safely(job, job->deadline_ns);
	if (r == -ETIMEDOUT) {
		hung = true;
		att_ignore(cmd_signal(job, SIGKILL));
		note_end(job);
		r = 0;
	}
	if (r == 0)
		r = drain(job, &held);
	return r < 0 ? r : fill_result(job, ret, hung, held);
}

int cmd_run(const struct cmd *cmd, struct cmd_result *ret)
{
	_cleanup_cmd_job_ struct cmd_job *job = NULL;
	int r = cmd_start(cmd, &job);

	return r < 0 ? r : cmd_wait(job, ret);
}

struct cmd_job *cmd_job_free(struct cmd_job *job)
{
	if (job == NULL)
		return NULL;
	if (job->pid > 0 && !job->ended) {
		att_ignore(cmd_signal(job, SIGKILL));
		note_end(job);
	}
	att_fd_close(job->pid_fd);
	att_fd_close(job->in_fd);
	att_fd_close(job->out_fd);
	att_fd_close(job->err_fd);
	att_buf_done(&job->out);
	att_buf_done(&job->err);
	free(job);
	return NULL;
}

void cmd_job_free_p(struct cmd_job **job)
{
	*job = cmd_job_free(*job);
}

void cmd_result_done(struct cmd_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct cmd_result)CMD_RESULT_INIT;
}

/* Cuts the last component off. Return: false at the root. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return false;
	*slash = '\0';
	return true;
}

char *cmd_find(const char *env, const char *name, char *buf, size_t cap)
{
	const char *given = getenv(env);
	char dir[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	if (given != NULL)
		return snprintf(buf, cap, "%s", given) < (int)cap ? buf : NULL;
	dir[n < 0 ? 0 : n] = '\0';
	for (int up = 0; up < 4 && go_up(dir); up++) {
		if (snprintf(buf, cap, "%s/%s", dir, name) >= (int)cap)
			return NULL;
		if (access(buf, X_OK) == 0)
			return buf;
	}
	return NULL;
}

void cmd_gen(void *buf, size_t len, uint64_t seed)
{
	unsigned char *p = buf;
	uint64_t x = seed * 2 + 1;

	for (size_t i = 0; i < len; i++) {
		x ^= x >> 12;
		x ^= x << 25;
		x ^= x >> 27;
		p[i] = (unsigned char)((x * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
	}
}

uint64_t cmd_sum(const void *buf, size_t len)
{
	const unsigned char *p = buf;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}
