/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "io/terminal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/fd.h"

#define DROP_READS 64

/*
 * Edge-triggered: what is typed meanwhile is for somebody else to read, and must not keep poll(2)
 * awake. Without it the terminal is looked at before each output only.
 */
static int make_watch(int fd)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int watch_fd = epoll_create1(EPOLL_CLOEXEC);

	if (watch_fd >= 0 && epoll_ctl(watch_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		att_fd_close_p(&watch_fd);
	return watch_fd;
}

/* In the background the kernel would stop us for it; between the look and the change we may be. */
static int set_mode(const struct att_terminal *t, const struct att_tty_mode *mode, bool flush)
{
	sigset_t output;
	sigset_t before;
	int r = 0;

	att_ignore(sigemptyset(&output));
	att_ignore(sigaddset(&output, SIGTTOU));
	att_ignore(sigprocmask(SIG_BLOCK, &output, &before));
	r = att_tty_set_mode(t->fd, mode, flush);
	att_ignore(sigprocmask(SIG_SETMASK, &before, NULL));
	return r;
}

static void take(struct att_terminal *t)
{
	struct att_tty_mode raw;

	if (att_tty_get_mode(t->fd, &t->before) < 0)
		return;
	raw = t->before;
	if (t->no_keys)
		att_tty_make_output_raw(&raw);
	else
		att_tty_make_raw(&raw);
	/* Told first: from the change on somebody has to be able to undo it. */
	t->hooks.on_terminal(t->hooks.data, t->fd, &t->before);
	if (set_mode(t, &raw, false) < 0)
		return;
	t->taken = true;
	att_fd_close_p(&t->watch_fd);
	att_terminal_resize(t);
}

/*
 * Flushing forgets what has been taken over by the terminal, not what is on its way to it, which a
 * read waits for. Bounded, since somebody may type faster.
 */
static void drop_typed(const struct att_terminal *t)
{
	char dropped[4096];

	for (int i = 0; t->own && !t->no_keys && i < DROP_READS; i++)
		if (read(t->fd, dropped, sizeof(dropped)) <= 0)
			return;
}

static void let_go(struct att_terminal *t)
{
	t->taken = false;
	t->hooks.on_terminal(t->hooks.data, t->fd, NULL);
}

void att_terminal_open(struct att_terminal *t, int caller_fd, int master_fd, bool no_keys,
                       const struct att_terminal_hooks *hooks)
{
	*t = (struct att_terminal)ATT_TERMINAL_INIT;
	if (caller_fd < 0)
		return;
	t->hooks = *hooks;
	t->master_fd = master_fd;
	t->no_keys = no_keys;
	t->fd = att_tty_reopen(caller_fd, O_RDWR);
	t->own = t->fd >= 0;
	if (!t->own)
		t->fd = caller_fd;
	att_terminal_look(t);
}

void att_terminal_look(struct att_terminal *t)
{
	bool ours = t->fd >= 0 && att_tty_is_ours(t->fd);

	if (ours && !t->taken)
		take(t);
	/* Whoever has it now has set it up for itself. */
	if (!ours && t->taken)
		let_go(t);
	if (t->fd >= 0 && !t->taken && t->watch_fd < 0)
		t->watch_fd = make_watch(t->fd);
}

void att_terminal_watched(struct att_terminal *t)
{
	struct epoll_event event;

	if (t->watch_fd >= 0)
		att_ignore(epoll_wait(t->watch_fd, &event, 1, 0));
	att_terminal_look(t);
}

void att_terminal_resize(const struct att_terminal *t)
{
	struct att_tty_size size;

	if (t->fd >= 0 && att_tty_get_size(t->fd, &size) == 0)
		att_ignore(att_tty_set_size(t->master_fd, &size));
}

void att_terminal_give_back(struct att_terminal *t, bool flush)
{
	if (!t->taken)
		return;
	if (att_tty_is_ours(t->fd)) {
		if (flush)
			drop_typed(t);
		att_ignore(set_mode(t, &t->before, flush));
	}
	let_go(t);
}

void att_terminal_close(struct att_terminal *t)
{
	att_terminal_give_back(t, true);
	t->watch_fd = att_fd_close(t->watch_fd);
	if (t->own)
		t->fd = att_fd_close(t->fd);
	t->fd = -1;
}
