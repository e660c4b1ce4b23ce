/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guardian while the job runs: it does what the library's process asks for, which may have given
 * up all means of doing it itself, and what that can no longer ask for once it is gone. It reads no
 * byte of the job's.
 */
#ifndef ATT_ATTACH_LAUNCHER_WATCH_H
#define ATT_ATTACH_LAUNCHER_WATCH_H

#include "attach/launcher/leaf.h"
#include "attach/wire.h"

struct watch {
	int sock;
	struct leaf leaf; /* the job's cgroup */
	int job_pid;      /* 0: there is no job, or it has ended */
	int has_terminal; /* the job has: the caller's may still be taken when the command has ended */
	int tty_fd;       /* a terminal to be given back; -1: none */
	unsigned char tty_mode[ATT_WIRE_TTY_MODE];
};

/**
 * watch_run() - listen until the library's process is done, or gone
 *
 * When the command ends and leaves nothing behind, nothing is left to be asked for: the cgroup is
 * removed while the library still carries the last bytes.
 *
 * If it is gone without a word: gives its terminal back, ends every process of the job's cgroup and
 * removes that. If it lets go of the job: reads what the job writes to its terminal until nobody
 * has that open, then waits for the cgroup to be empty, and removes it.
 */
void watch_run(struct watch *w);

#endif
