/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attacker: a static program inside a hostile container. Each verb tries one thing for as long
 * as its stdin is open, and says "won WHAT: EVIDENCE" for each thing that it got and should not
 * have, once for each WHAT.
 */
#ifndef ATT_HOSTILE_ATTACKER_H
#define ATT_HOSTILE_ATTACKER_H

#include <stdbool.h>
#include <sys/types.h>

/** won() - say it. */
__attribute__((format(printf, 2, 3))) void won(const char *what, const char *fmt, ...);

/** ready() - tell the test that the attack goes on from here. */
void ready(void);

/** goes_on() - is stdin still open? */
bool goes_on(void);

/** last_pid() - the newest process of this pid namespace; 0 when nobody tells. */
pid_t last_pid(void);

/** The verbs that have a file of their own. */
int verb_scan(char *const argv[]);
int verb_fuse(char *const argv[]);
int verb_monitor(char *const argv[]);
int verb_cgroups(char *const argv[]);

#endif
