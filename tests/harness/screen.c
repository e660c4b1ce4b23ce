/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/screen.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "harness/cmd.h"

#define MAX_WORDS  70
#define TIMEOUT_NS (10 * ATT_NS_PER_SEC)
#define LOOK_MS    20

struct screen {
	char socket[160];
	struct cmd_result last; /* of capture-pane: the screen */
};

/* Nothing of the tester's own tmux, of which there may be one around us, or of its settings. */
static int run_tmux(struct screen *s, const char *const *words, struct cmd_result *ret)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
		                           "TERM=xterm-256color", NULL };
	const char *argv[MAX_WORDS + 24] = { "tmux", "-u", "-f", "/dev/null", "-S", s->socket };
	const struct cmd cmd = { .argv = argv, .env = env, .timeout_ms = 10000 };
	size_t n = 6;

	for (size_t i = 0; words[i] != NULL; i++) {
		if (n + 1 >= countof(argv))
			return -E2BIG;
		argv[n++] = words[i];
	}

	int r = cmd_run(&cmd, ret);

	if (r == 0 && ret->code != 0) {
		fprintf(stderr, "screen: tmux %s: exit %d\n%s", words[0], ret->code, ret->err);
		r = -EIO;
	}
	return r;
}

static int tell_tmux(struct screen *s, const char *const *words)
{
	_cleanup_cmd_result_ struct cmd_result result = CMD_RESULT_INIT;

	return run_tmux(s, words, &result);
}

int screen_start(const char *const *argv, const char *dir, int rows, int cols, struct screen **ret)
{
	char height[16];
	char width[16];
	/* Says itself that it has ended, since tmux misses that at times; and does not stay for ever. */
	static const char shell[] = "\"$@\"; echo \"<ended $?>\"; exec sleep 60";
	const char *words[MAX_WORDS + 16] = { "new-session", "-d", "-y", height, "-x", width,
		                              "--",          "sh", "-c", shell,  "sh" };
	_cleanup_screen_ struct screen *s = calloc(1, sizeof(*s));
	size_t n = 11;

	if (s == NULL)
		return -ENOMEM;
	snprintf(s->socket, sizeof(s->socket), "%s/tmux", dir);
	snprintf(height, sizeof(height), "%d", rows);
	snprintf(width, sizeof(width), "%d", cols);
	for (size_t i = 0; argv[i] != NULL; i++) {
		if (i == MAX_WORDS)
			return -E2BIG;
		words[n++] = argv[i];
	}
	/* The program has the whole screen. */
	const char *const options[] = { ";", "set", "-g", "status", "off" };

	if (n + countof(options) >= countof(words))
		return -E2BIG;
	for (size_t i = 0; i < countof(options); i++)
		words[n++] = options[i];

	int r = tell_tmux(s, words);

	if (r == 0)
		*ret = take_ptr(&s);
	return r;
}

struct screen *screen_free(struct screen *s)
{
	static const char *const words[] = { "kill-server", NULL };

	if (s == NULL)
		return NULL;
	if (access(s->socket, F_OK) == 0)
		att_ignore(tell_tmux(s, words));
	att_ignore(unlink(s->socket));
	cmd_result_done(&s->last);
	free(s);
	return NULL;
}

void screen_free_p(struct screen **s)
{
	*s = screen_free(*s);
}

int screen_type(struct screen *s, const char *text)
{
	const char *const words[] = { "send-keys", "-l", "--", text, NULL };

	return tell_tmux(s, words);
}

int screen_key(struct screen *s, const char *name)
{
	const char *const words[] = { "send-keys", "--", name, NULL };

	return tell_tmux(s, words);
}

int screen_resize(struct screen *s, int rows, int cols)
{
	char height[16];
	char width[16];
	const char *const words[] = { "resize-window", "-y", height, "-x", width, NULL };

	snprintf(height, sizeof(height), "%d", rows);
	snprintf(width, sizeof(width), "%d", cols);
	return tell_tmux(s, words);
}

static bool shows(const char *screen, int row, const char *text)
{
	if (row == 0)
		return strstr(screen, text) != NULL;
	while (--row > 0) {
		screen = strchr(screen, '\n');
		if (screen == NULL)
			return false;
		screen++;
	}
	return strncmp(screen, text, strlen(text)) == 0;
}

int screen_expect(struct screen *s, int row, const char *text)
{
	static const char *const words[] = { "capture-pane", "-p", NULL };
	int64_t deadline_ns = att_clock_after_ns(TIMEOUT_NS);

	do {
		cmd_result_done(&s->last);

		int r = run_tmux(s, words, &s->last);

		if (r < 0)
			return r;
		if (shows(s->last.out, row, text))
			return 0;
		att_ignore(poll(NULL, 0, LOOK_MS));
	} while (att_clock_poll_ms(deadline_ns) > 0);
	return -ETIMEDOUT;
}

const char *screen_shown(const struct screen *s)
{
	return s->last.out == NULL ? "" : s->last.out;
}
