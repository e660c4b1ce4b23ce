/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The security label of a process, and how to give it to a job. */
#ifndef ATT_SYS_LSM_H
#define ATT_SYS_LSM_H

#include <stdbool.h>

#include "base/err.h"

enum att_lsm {
	ATT_LSM_NONE = 1,
	ATT_LSM_APPARMOR,
	ATT_LSM_SELINUX,
	_ATT_LSM_MAX,
};

struct att_label {
	int lsm;        /* enum att_lsm */
	char text[512]; /* without mode and newline; "" for none */
};

/** att_lsm_name() - "none", "apparmor", "selinux". */
const char *att_lsm_name(int lsm);

/**
 * att_lsm_parse_apparmor() - a label from the text of attr/apparmor/current
 *
 * Takes away the newline and the " (mode)" at the end; stacked labels ("a//&:ns:b") stay whole.
 * Return: 0, or -EINVAL when it is empty, too long or has control bytes.
 */
int att_lsm_parse_apparmor(const char *text, size_t len, char *dst, size_t cap) _must_check_;

/**
 * att_lsm_read() - the label of a process
 * @proc_fd: directory /proc/PID
 *
 * Errors: CONFINEMENT_UNAVAILABLE when a security module is active and its label cannot be read.
 */
int att_lsm_read(int proc_fd, struct att_label *ret, struct att_err *err) _must_check_;

#endif
