/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/ttystate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

/* Bits without a name here are compared as well, as a number. */
static const struct flag_row {
	const char *word;
	size_t offset; /* of the word in struct termios */
	const char *name;
	tcflag_t bit;
} flag_rows[] = {
#define WORD_OF(word) #word, offsetof(struct termios, c_##word)
	{ WORD_OF(iflag), "ignbrk", IGNBRK },   { WORD_OF(iflag), "brkint", BRKINT },
	{ WORD_OF(iflag), "ignpar", IGNPAR },   { WORD_OF(iflag), "parmrk", PARMRK },
	{ WORD_OF(iflag), "inpck", INPCK },     { WORD_OF(iflag), "istrip", ISTRIP },
	{ WORD_OF(iflag), "inlcr", INLCR },     { WORD_OF(iflag), "igncr", IGNCR },
	{ WORD_OF(iflag), "icrnl", ICRNL },     { WORD_OF(iflag), "iuclc", IUCLC },
	{ WORD_OF(iflag), "ixon", IXON },       { WORD_OF(iflag), "ixany", IXANY },
	{ WORD_OF(iflag), "ixoff", IXOFF },     { WORD_OF(iflag), "imaxbel", IMAXBEL },
	{ WORD_OF(iflag), "iutf8", IUTF8 },     { WORD_OF(oflag), "opost", OPOST },
	{ WORD_OF(oflag), "olcuc", OLCUC },     { WORD_OF(oflag), "onlcr", ONLCR },
	{ WORD_OF(oflag), "ocrnl", OCRNL },     { WORD_OF(oflag), "onocr", ONOCR },
	{ WORD_OF(oflag), "onlret", ONLRET },   { WORD_OF(oflag), "ofill", OFILL },
	{ WORD_OF(oflag), "ofdel", OFDEL },     { WORD_OF(cflag), "cstopb", CSTOPB },
	{ WORD_OF(cflag), "cread", CREAD },     { WORD_OF(cflag), "parenb", PARENB },
	{ WORD_OF(cflag), "parodd", PARODD },   { WORD_OF(cflag), "hupcl", HUPCL },
	{ WORD_OF(cflag), "clocal", CLOCAL },   { WORD_OF(lflag), "isig", ISIG },
	{ WORD_OF(lflag), "icanon", ICANON },   { WORD_OF(lflag), "xcase", XCASE },
	{ WORD_OF(lflag), "echo", ECHO },       { WORD_OF(lflag), "echoe", ECHOE },
	{ WORD_OF(lflag), "echok", ECHOK },     { WORD_OF(lflag), "echonl", ECHONL },
	{ WORD_OF(lflag), "noflsh", NOFLSH },   { WORD_OF(lflag), "tostop", TOSTOP },
	{ WORD_OF(lflag), "echoctl", ECHOCTL }, { WORD_OF(lflag), "echoprt", ECHOPRT },
	{ WORD_OF(lflag), "echoke", ECHOKE },   { WORD_OF(lflag), "iexten", IEXTEN },
#undef WORD_OF
};

static const struct word_row {
	const char *name;
	size_t offset;
} word_rows[] = {
	{ "iflag", offsetof(struct termios, c_iflag) },
	{ "oflag", offsetof(struct termios, c_oflag) },
	{ "cflag", offsetof(struct termios, c_cflag) },
	{ "lflag", offsetof(struct termios, c_lflag) },
};

static const char *const cc_names[NCCS] = {
	[VINTR] = "intr",     [VQUIT] = "quit", [VERASE] = "erase",   [VKILL] = "kill",
	[VEOF] = "eof",       [VTIME] = "time", [VMIN] = "min",       [VSWTC] = "swtch",
	[VSTART] = "start",   [VSTOP] = "stop", [VSUSP] = "susp",     [VEOL] = "eol",
	[VLNEXT] = "lnext",   [VEOL2] = "eol2", [VREPRINT] = "rprnt", [VDISCARD] = "discard",
	[VWERASE] = "werase",
};

int ttystate_read(int fd, struct ttystate *ret)
{
	struct ttystate state = { 0 };

	if (tcgetattr(fd, &state.termios) < 0 || ioctl(fd, TIOCGWINSZ, &state.size) < 0)
		return -errno;
	/* Not tcgetpgrp(): on a master too, and 0 where there is no session. */
	if (ioctl(fd, TIOCGPGRP, &state.foreground) < 0)
		return -errno;
	*ret = state;
	return 0;
}

static tcflag_t word_at(const struct termios *t, size_t offset)
{
	tcflag_t word = 0;

	memcpy(&word, (const char *)t + offset, sizeof(word));
	return word;
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

/* Return: number of differences, or -errno. */
static int compare_flags(const struct termios *a, const struct termios *b, struct att_buf *to)
{
	int n = 0;
	int r = 0;

	for (size_t i = 0; i < countof(flag_rows) && r == 0; i++) {
		const struct flag_row *row = &flag_rows[i];
		bool was = (word_at(a, row->offset) & row->bit) != 0;
		bool is = (word_at(b, row->offset) & row->bit) != 0;

		if (was == is)
			continue;
		n++;
		r = att_buf_printf(to, "~ %s %s: was %s, is %s\n", row->word, row->name,
		                   on_off(was), on_off(is));
	}
	return r < 0 ? r : n;
}

static tcflag_t named_bits(size_t offset)
{
	tcflag_t bits = 0;

	for (size_t i = 0; i < countof(flag_rows); i++)
		if (flag_rows[i].offset == offset)
			bits |= flag_rows[i].bit;
	return bits;
}

/* Sizes, delays and speeds, which are numbers of several bits. */
static int compare_rest(const struct termios *a, const struct termios *b, struct att_buf *to)
{
	int n = 0;
	int r = 0;

	for (size_t i = 0; i < countof(word_rows) && r == 0; i++) {
		tcflag_t rest = ~named_bits(word_rows[i].offset);
		tcflag_t was = word_at(a, word_rows[i].offset) & rest;
		tcflag_t is = word_at(b, word_rows[i].offset) & rest;

		if (was == is)
			continue;
		n++;
		r = att_buf_printf(to, "~ %s other bits: was %x, is %x\n", word_rows[i].name, was,
		                   is);
	}
	if (r == 0 && a->c_line != b->c_line) {
		n++;
		r = att_buf_printf(to, "~ line: was %d, is %d\n", a->c_line, b->c_line);
	}
	return r < 0 ? r : n;
}

static int compare_chars(const struct termios *a, const struct termios *b, struct att_buf *to)
{
	int n = 0;
	int r = 0;

	for (size_t i = 0; i < NCCS && r == 0; i++) {
		if (a->c_cc[i] == b->c_cc[i])
			continue;
		n++;
		r = att_buf_printf(to, "~ cc %s: was %d, is %d\n",
		                   cc_names[i] == NULL ? "?" : cc_names[i], a->c_cc[i], b->c_cc[i]);
	}
	return r < 0 ? r : n;
}

static int compare_place(const struct ttystate *a, const struct ttystate *b, struct att_buf *to)
{
	int n = 0;
	int r = 0;

	if (memcmp(&a->size, &b->size, sizeof(a->size)) != 0) {
		n++;
		r = att_buf_printf(to, "~ size: was %ux%u, is %ux%u\n", a->size.ws_row,
		                   a->size.ws_col, b->size.ws_row, b->size.ws_col);
	}
	if (r == 0 && a->foreground != b->foreground) {
		n++;
		r = att_buf_printf(to, "~ foreground: was %d, is %d\n", a->foreground,
		                   b->foreground);
	}
	return r < 0 ? r : n;
}

int ttystate_compare(const struct ttystate *before, const struct ttystate *after, char **ret_diff)
{
	_cleanup_buf_ struct att_buf text = ATT_BUF_INIT;
	const int found[] = {
		compare_flags(&before->termios, &after->termios, &text),
		compare_rest(&before->termios, &after->termios, &text),
		compare_chars(&before->termios, &after->termios, &text),
		compare_place(before, after, &text),
	};
	int n = 0;

	for (size_t i = 0; i < countof(found); i++) {
		if (found[i] < 0)
			return found[i];
		n += found[i];
	}

	char *diff = text.data == NULL ? strdup("") : take_ptr(&text.data);

	if (diff == NULL)
		return -ENOMEM;
	*ret_diff = diff;
	return n;
}
