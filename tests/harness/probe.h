/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The probe: a static program that runs inside a test container and tells the kernel's truth about
 * itself. It uses no NSS, no locale and no file of the container's but /proc and /dev/tty.
 */
#ifndef ATT_HARNESS_PROBE_H
#define ATT_HARNESS_PROBE_H

#include <stdio.h>

/**
 * probe_record() - print the whole state of this process as sorted "key=value" lines
 * @out: stream to print to
 *
 * One line is one value: bytes outside printable ASCII and the backslash are written as \xHH.
 *
 * Return: 0, or -errno when the state could not be gathered.
 */
int probe_record(FILE *out, int argc, char *const argv[], char *const envp[]);

/** probe_errno_name() - "EPERM" for 1, "ok" for 0; static. */
const char *probe_errno_name(int err);

#endif
