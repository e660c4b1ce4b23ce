/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ordered steps that turn a process of the host into the job. They run in the entry process:
 * inside the container's cgroup, but outside its pid namespace, so that nothing in the container
 * can see it. Only when it has no more power than the job does it create the job.
 */
#ifndef ATT_ATTACH_LAUNCHER_ENTRY_H
#define ATT_ATTACH_LAUNCHER_ENTRY_H

#include "attach/wire.h"

/* How the job says that it could not exec: a page shared with the entry process alone. */
struct job_report {
	int32_t stage;
	int32_t sys;
	int32_t detail;
};

/* One entry, on memory that it shares with the guardian until it has ended. */
struct entry {
	const struct att_wire_plan *plan;
	const char *blob;
	char *const *argv;
	char *const *envp;
	struct job_report *report;
	int cgroup_fd; /* the host's /proc/self/cgroup of the entry process */
	int label_fd;  /* the host's attribute file of the entry process */
	struct att_wire_status status;
	char cgroup_text[ATT_WIRE_CGROUP_TEXT];
};

/* A step returns 0 or -errno. */
struct step {
	int stage; /* enum att_stage */
	int (*run)(struct entry *e);
};

/**
 * entry_steps - the steps in their order, ended by a NULL function
 *
 * The order is the security of the program; entry.c has the reason beside each.
 */
extern const struct step entry_steps[];

/**
 * entry_run() - walk the steps; what a new process does
 * @arg: struct entry
 *
 * Return: exit status; e->status says what happened.
 */
int entry_run(void *arg);

#endif
