/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/ptydrv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "harness/child.h"
#include "harness/ptyloop.h"
#include "harness/ptyshell.h"

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MAX_BYTES  ((size_t)64 << 20)
#define HELD_GRACE_NS      ATT_NS_PER_SEC
#define END_GRACE_NS       (5 * ATT_NS_PER_SEC)

/* The program's side of all descriptors. */
struct sides {
	int fds[3];
	int tty_fd;
	int sock_fd;
};

static void sides_done(struct sides *s)
{
	for (size_t i = 0; i < countof(s->fds); i++)
		s->fds[i] = att_fd_close(s->fds[i]);
	s->sock_fd = att_fd_close(s->sock_fd);
}

/* ---- start ---------------------------------------------------------------------------------- */

static struct ptydrv *new_driver(const struct ptydrv_cmd *cmd)
{
	struct ptydrv *d = calloc(1, sizeof(*d));
	int64_t timeout_ms = cmd->timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : cmd->timeout_ms;

	if (d == NULL)
		return NULL;
	for (size_t i = 0; i < PTYLOOP_STREAMS; i++) {
		d->streams[i].fd = -1;
		d->streams[i].ended = true;
		d->streams[i].text.limit = cmd->max_bytes == 0 ? DEFAULT_MAX_BYTES : cmd->max_bytes;
	}
	d->tty_fd = -1;
	d->in_fd = -1;
	d->sock_fd = -1;
	d->started_ns = att_clock_now_ns();
	d->deadline_ns = att_clock_after_ns(timeout_ms * ATT_NS_PER_MS);
	return d;
}

static int set_nonblock(int fd)
{
	return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ? -errno : 0;
}

static void open_stream(struct ptydrv *d, enum ptydrv_stream which, int fd)
{
	d->streams[which].fd = fd;
	d->streams[which].is_there = true;
	d->streams[which].ended = false;
}

static int open_terminal(struct ptydrv *d, const struct ptydrv_cmd *cmd)
{
	const struct winsize size = { .ws_row = cmd->rows == 0 ? 24 : cmd->rows,
		                      .ws_col = cmd->cols == 0 ? 80 : cmd->cols };
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	if (master < 0)
		return -errno;
	open_stream(d, PTYDRV_SCREEN, master);
	if (unlockpt(master) < 0)
		return -errno;
	d->tty_fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (d->tty_fd < 0)
		return -errno;
	if (ioctl(master, TIOCSWINSZ, &size) < 0)
		return -errno;
	if (cmd->termios != NULL && tcsetattr(d->tty_fd, TCSANOW, cmd->termios) < 0)
		return -errno;
	return 0;
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

static int open_pipe_side(struct ptydrv *d, size_t i, int *ret)
{
	int ours = -1;
	int r = i == 0 ? open_pipe(ret, &ours) : open_pipe(&ours, ret);

	if (r < 0)
		return r;
	if (i == 0)
		d->in_fd = ours;
	else
		open_stream(d, (enum ptydrv_stream)i, ours);
	return set_nonblock(ours);
}

static int open_side(struct ptydrv *d, const struct ptydrv_cmd *cmd, size_t i, int *ret)
{
	switch (cmd->stdio[i]) {
	case PTYDRV_TTY:
		*ret = fcntl(d->tty_fd, F_DUPFD_CLOEXEC, 3);
		return *ret < 0 ? -errno : 0;
	case PTYDRV_FD:
		*ret = fcntl(cmd->fds[i], F_DUPFD_CLOEXEC, 3);
		return *ret < 0 ? -errno : 0;
	case PTYDRV_NULL:
		*ret = open("/dev/null", O_RDWR | O_CLOEXEC);
		return *ret < 0 ? -errno : 0;
	case PTYDRV_PIPE:
		return open_pipe_side(d, i, ret);
	case PTYDRV_CLOSED:
		return 0;
	}
	return -EINVAL;
}

static int open_sides(struct ptydrv *d, const struct ptydrv_cmd *cmd, struct sides *ret)
{
	int socks[2];
	int r = 0;

	for (size_t i = 0; i < countof(ret->fds) && r == 0; i++)
		r = open_side(d, cmd, i, &ret->fds[i]);
	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks) < 0)
		return -errno;
	d->sock_fd = socks[0];
	ret->sock_fd = socks[1];
	ret->tty_fd = d->tty_fd;
	return 0;
}

static void run_shell(const struct ptydrv_cmd *cmd, const struct sides *sides)
{
	const struct cmd run = {
		.argv = cmd->argv,
		.env = cmd->env,
		.cwd = cmd->cwd,
		.in = sides->fds[0] < 0 ? CMD_STDIN_CLOSED : CMD_STDIN_FD,
		.stdin_fd = sides->fds[0],
		.stdout_fd = sides->fds[1],
		.stderr_fd = sides->fds[2],
		.closed = (sides->fds[1] < 0 ? CMD_CLOSED_STDOUT : 0) |
		          (sides->fds[2] < 0 ? CMD_CLOSED_STDERR : 0),
	};
	const struct ptyshell shell = {
		.cmd = &run,
		.mode = cmd->mode,
		.tty_fd = sides->tty_fd,
		.sock_fd = sides->sock_fd,
		.setup = cmd->setup,
		.setup_data = cmd->setup_data,
	};

	ptyshell_run(&shell);
}

static int start_shell(struct ptydrv *d, const struct ptydrv_cmd *cmd)
{
	_cleanup_(sides_done) struct sides sides = { { -1, -1, -1 }, -1, -1 };
	int r = open_sides(d, cmd, &sides);

	if (r < 0)
		return r;
	fflush(NULL);

	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_shell(cmd, &sides);
	d->shell_pid = pid;
	return 0;
}

/* ---- begin and end -------------------------------------------------------------------------- */

/* The shell, where there is one, is the leader by then and no more than that. */
static void note_before(struct ptydrv *d, enum ptydrv_mode mode)
{
	bool has_shell = mode == PTYDRV_FOREGROUND || mode == PTYDRV_BACKGROUND;

	d->before.foreground = has_shell ? d->shell_pid : 0;
}

static int start(struct ptydrv *d, const struct ptydrv_cmd *cmd)
{
	int r = open_terminal(d, cmd);

	if (r == 0)
		r = ptydrv_state(d, &d->before);
	if (r == 0)
		r = start_shell(d, cmd);
	if (r == 0)
		note_before(d, cmd->mode);
	while (r == 0 && !d->started)
		r = ptyloop_turn(d, d->deadline_ns);
	return r;
}

int ptydrv_start(const struct ptydrv_cmd *cmd, struct ptydrv **ret)
{
	_cleanup_ptydrv_ struct ptydrv *d = new_driver(cmd);
	int r = d == NULL ? -ENOMEM : start(d, cmd);

	if (r < 0)
		return r;
	*ret = take_ptr(&d);
	return 0;
}

/* The shell ends the program when its socket is closed; one that does not is ended itself. */
static void end_shell(struct ptydrv *d)
{
	int status = 0;

	d->sock_fd = att_fd_close(d->sock_fd);
	if (d->shell_pid <= 0)
		return;
	if (!child_reap(d->shell_pid, att_clock_after_ns(END_GRACE_NS), &status)) {
		kill(d->shell_pid, SIGKILL);
		att_ignore(child_reap(d->shell_pid, INT64_MAX, &status));
	}
}

struct ptydrv *ptydrv_free(struct ptydrv *d)
{
	if (d == NULL)
		return NULL;
	end_shell(d);
	for (size_t i = 0; i < PTYLOOP_STREAMS; i++) {
		att_fd_close(d->streams[i].fd);
		att_buf_done(&d->streams[i].text);
	}
	att_fd_close(d->tty_fd);
	att_fd_close(d->in_fd);
	free(d->shown);
	free(d);
	return NULL;
}

void ptydrv_free_p(struct ptydrv **d)
{
	*d = ptydrv_free(*d);
}

pid_t ptydrv_pid(const struct ptydrv *d)
{
	return d->pid;
}

/* ---- input ---------------------------------------------------------------------------------- */

static void drop_pending(struct ptyloop_pending *p)
{
	*p = (struct ptyloop_pending){ 0 };
}

int ptydrv_type_bytes(struct ptydrv *d, const void *bytes, size_t len)
{
	int r = 0;

	if (d->streams[PTYDRV_SCREEN].fd < 0)
		return -EPIPE;
	d->typed = (struct ptyloop_pending){ bytes, len };
	while (r == 0 && d->typed.n > 0)
		r = ptyloop_turn(d, d->deadline_ns);
	drop_pending(&d->typed);
	return r;
}

int ptydrv_type(struct ptydrv *d, const char *text)
{
	return ptydrv_type_bytes(d, text, strlen(text));
}

int ptydrv_feed(struct ptydrv *d, const void *bytes, size_t len)
{
	int r = 0;

	if (d->in_fd < 0)
		return -EPIPE;
	d->fed = (struct ptyloop_pending){ bytes, len };
	while (r == 0 && d->fed.n > 0)
		r = ptyloop_turn(d, d->deadline_ns);
	drop_pending(&d->fed);
	return r;
}

void ptydrv_close_stdin(struct ptydrv *d)
{
	d->in_fd = att_fd_close(d->in_fd);
}

int ptydrv_resize(struct ptydrv *d, unsigned short rows, unsigned short cols)
{
	const struct winsize size = { .ws_row = rows, .ws_col = cols };

	return ioctl(d->streams[PTYDRV_SCREEN].fd, TIOCSWINSZ, &size) < 0 ? -errno : 0;
}

/* ---- output --------------------------------------------------------------------------------- */

/* Moves the mark behind the text when it is there. */
static bool find(struct ptyloop_stream *s, const char *text)
{
	size_t len = strlen(text);
	const char *from = s->text.len == 0 ? NULL : s->text.data + s->mark;
	const char *at = from == NULL ? NULL : memmem(from, s->text.len - s->mark, text, len);

	if (at == NULL)
		return false;
	s->mark = (size_t)(at - s->text.data) + len;
	return true;
}

static int expect_until(struct ptydrv *d, enum ptydrv_stream from, const char *text,
                        int64_t deadline_ns)
{
	struct ptyloop_stream *s = &d->streams[from];
	int r = 0;

	while (r == 0 && !find(s, text))
		r = s->ended ? -ENODATA : ptyloop_turn(d, deadline_ns);
	return r;
}

int ptydrv_expect(struct ptydrv *d, enum ptydrv_stream from, const char *text)
{
	return expect_until(d, from, text, d->deadline_ns);
}

int ptydrv_expect_within(struct ptydrv *d, enum ptydrv_stream from, const char *text, int ms)
{
	return expect_until(d, from, text, att_clock_after_ns(ms * ATT_NS_PER_MS));
}

static int escape(struct att_buf *to, unsigned char c)
{
	switch (c) {
	case '\n':
		return att_buf_printf(to, "\\n");
	case '\r':
		return att_buf_printf(to, "\\r");
	case '\\':
		return att_buf_printf(to, "\\\\");
	default:
		return att_buf_printf(to, isprint(c) != 0 ? "%c" : "\\x%02x", c);
	}
}

const char *ptydrv_shown(struct ptydrv *d, enum ptydrv_stream from)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	const struct ptyloop_stream *s = &d->streams[from];
	int r = 0;

	for (size_t i = s->mark; i < s->text.len && r == 0; i++)
		r = escape(&text, (unsigned char)s->text.data[i]);
	free(d->shown);
	d->shown = take_ptr(&text.data);
	return d->shown == NULL ? "" : d->shown;
}

const char *ptydrv_said(const struct ptydrv *d, enum ptydrv_stream from, size_t *ret_len)
{
	const struct att_buf *text = &d->streams[from].text;

	*ret_len = text->len;
	return text->data == NULL ? "" : text->data;
}

void ptydrv_pause(struct ptydrv *d, bool paused)
{
	d->paused = paused;
}

void ptydrv_stutter(struct ptydrv *d, uint64_t seed)
{
	d->stutter = seed;
	d->resume_ns = 0;
}

/* ---- the terminal --------------------------------------------------------------------------- */

int ptydrv_state(const struct ptydrv *d, struct ttystate *ret)
{
	return ttystate_read(d->streams[PTYDRV_SCREEN].fd, ret);
}

const struct ttystate *ptydrv_before(const struct ptydrv *d)
{
	return &d->before;
}

void ptydrv_hangup(struct ptydrv *d)
{
	struct ptyloop_stream *s = &d->streams[PTYDRV_SCREEN];

	s->ended = true;
	s->fd = att_fd_close(s->fd);
	d->tty_fd = att_fd_close(d->tty_fd);
}

/* ---- the program ---------------------------------------------------------------------------- */

static int ask(struct ptydrv *d, enum ptyshell_kind kind, int value)
{
	const struct ptyshell_msg msg = { .kind = (int32_t)kind, .value = value };
	int r = 0;

	if (d->ended)
		return -ESRCH;
	d->replied = false;
	if (send(d->sock_fd, &msg, sizeof(msg), MSG_NOSIGNAL) < 0)
		return -errno;
	/* The program may end meanwhile; the answer comes all the same. */
	while (r == 0 && !d->replied)
		r = d->ended ? ptyloop_read_message(d) : ptyloop_turn(d, d->deadline_ns);
	return r < 0 ? r : d->reply;
}

int ptydrv_signal(struct ptydrv *d, int sig)
{
	return ask(d, PTYSHELL_SIGNAL, sig);
}

int ptydrv_foreground(struct ptydrv *d)
{
	return ask(d, PTYSHELL_FOREGROUND, 0);
}

int ptydrv_background(struct ptydrv *d)
{
	return ask(d, PTYSHELL_BACKGROUND, 0);
}

static int await_count(struct ptydrv *d, int *count)
{
	int r = 0;

	while (r == 0 && *count == 0)
		r = d->ended ? -ENODATA : ptyloop_turn(d, d->deadline_ns);
	if (r == 0)
		--*count;
	return r;
}

int ptydrv_await_stop(struct ptydrv *d, int *ret_signal)
{
	int r = await_count(d, &d->n_stops);

	if (r == 0)
		*ret_signal = d->stop_signal;
	return r;
}

int ptydrv_await_continue(struct ptydrv *d)
{
	return await_count(d, &d->n_continues);
}

static bool has_open_stream(const struct ptydrv *d)
{
	for (size_t i = 0; i < PTYLOOP_STREAMS; i++)
		if (!d->streams[i].ended)
			return true;
	return false;
}

static int kill_hung(struct ptydrv *d)
{
	int64_t until_ns = att_clock_after_ns(END_GRACE_NS);
	int r = ptydrv_signal(d, SIGKILL);

	r = r == -ESRCH || r == -ETIMEDOUT ? 0 : r;
	while (r == 0 && !d->ended)
		r = ptyloop_turn(d, until_ns);
	return r;
}

/* After the end: what is on the way, and a second for those who still hold the ends. */
static int drain(struct ptydrv *d, bool *ret_held)
{
	int64_t until_ns = att_clock_after_ns(HELD_GRACE_NS);
	int r = 0;

	ptydrv_pause(d, false);
	while (r == 0 && has_open_stream(d))
		r = ptyloop_turn(d, until_ns);
	*ret_held = r == -ETIMEDOUT;
	return r == -ETIMEDOUT ? 0 : r;
}

static char *copy_text(const struct att_buf *text, size_t *ret_len)
{
	char *copy = malloc(text->len + 1);

	if (copy == NULL)
		return NULL;
	if (text->len > 0)
		memcpy(copy, text->data, text->len);
	copy[text->len] = '\0';
	*ret_len = text->len;
	return copy;
}

static int fill_result(const struct ptydrv *d, struct cmd_result *ret, bool hung, bool held)
{
	bool is_piped = d->streams[PTYDRV_STDOUT].is_there;
	const struct att_buf *out = &d->streams[is_piped ? PTYDRV_STDOUT : PTYDRV_SCREEN].text;
	struct cmd_result r = { .hung = hung, .held_open = held };

	r.code = WIFEXITED(d->status) && !hung ? WEXITSTATUS(d->status) : -1;
	r.signal = WIFSIGNALED(d->status) && !hung ? WTERMSIG(d->status) : 0;
	r.duration_ns = d->ended_ns - d->started_ns;
	r.out = copy_text(out, &r.out_len);
	r.err = copy_text(&d->streams[PTYDRV_STDERR].text, &r.err_len);
	cmd_result_done(ret);
	*ret = r;
	return r.out == NULL || r.err == NULL ? -ENOMEM : 0;
}

int ptydrv_wait(struct ptydrv *d, struct cmd_result *ret)
{
	bool hung = false;
	bool held = false;
	int r = 0;

	ptydrv_close_stdin(d);
	while (r == 0 && !d->ended)
		r = ptyloop_turn(d, d->deadline_ns);
	if (r == -ETIMEDOUT) {
		hung = true;
		r = kill_hung(d);
	}
	if (r == 0)
		r = drain(d, &held);
	return r < 0 ? r : fill_result(d, ret, hung, held);
}
