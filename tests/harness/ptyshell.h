/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process between a driver and its program (harness/ptydrv.h): starts it in the session and
 * process group that was asked for, does what only a member of the session may do, and tells what
 * becomes of the program. It ends the program when the driver's end of the socket closes.
 */
#ifndef ATT_HARNESS_PTYSHELL_H
#define ATT_HARNESS_PTYSHELL_H

#include "base/defs.h"
#include "harness/cmd.h"
#include "harness/ptydrv.h"

/* Requests have one PTYSHELL_REPLY each; the rest are events. One packet is one message. */
enum ptyshell_kind {
	PTYSHELL_SIGNAL = 1, /* request; value: signal to the program */
	PTYSHELL_FOREGROUND, /* request: as the shell's fg */
	PTYSHELL_BACKGROUND, /* request: as the shell's bg */
	PTYSHELL_REPLY,      /* value: 0 or -errno */
	PTYSHELL_STARTED,    /* value: pid, or -errno */
	PTYSHELL_STOPPED,    /* value: signal */
	PTYSHELL_CONTINUED,
	PTYSHELL_ENDED, /* value: status, as waitpid() gives it */
};

struct ptyshell_msg {
	int32_t kind;
	int32_t value;
};

struct ptyshell {
	const struct cmd *cmd; /* with all three descriptors given; its setup must be free */
	enum ptydrv_mode mode;
	int tty_fd;
	int sock_fd;
	int (*setup)(void *data); /* of the caller, in the program's process, last */
	void *setup_data;
};

/** ptyshell_run() - be that process. Context: a fresh child. */
_noreturn_ void ptyshell_run(const struct ptyshell *how);

#endif
