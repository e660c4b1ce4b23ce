/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The exit codes of the program, a contract with scripts (attache(1), EXIT STATUS). */
#ifndef ATT_CLI_EXITCODE_H
#define ATT_CLI_EXITCODE_H

enum att_exit {
	ATT_EXIT_OK = 0,
	ATT_EXIT_TIMEOUT = 124,        /* --timeout stopped the command */
	ATT_EXIT_FAILED = 125,         /* attache failed before the command ran */
	ATT_EXIT_NOT_EXECUTABLE = 126, /* found, but cannot be executed */
	ATT_EXIT_NOT_FOUND = 127,      /* no such command */
	ATT_EXIT_SIGNAL_BASE = 128,    /* plus the number of the signal that ended the command */
};

#endif
