/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The measurements of terminals: the bench is the terminal emulator, the contender leads a session
 * on its pty, and the command has the terminal that the contender makes of it. Contenders in turn;
 * one that fails is reported as failing, and the others go on.
 *
 * All functions return 0 or -errno.
 */
#ifndef ATT_BENCH_TERMINAL_H
#define ATT_BENCH_TERMINAL_H

#include "base/defs.h"
#include "bench/measure.h"

struct terminal_flow {
	const char *axis;
	const char *what; /* `probe flood WHAT`: zeros, lines */
	int64_t bytes;    /* that the command writes */
	size_t rounds;
};

/** terminal_flow() - time bytes from the command to the emulator, from the first to the last */
int terminal_flow(const struct measure *m, const struct terminal_flow *how) _must_check_;

/** terminal_keys() - time a key from the emulator to its echo, while the command reads lines */
int terminal_keys(const struct measure *m, size_t rounds) _must_check_;

/**
 * terminal_start() - time a command's start on a terminal to its end
 */
int terminal_start(const struct measure *m, const struct measure_latency *how) _must_check_;

#endif
