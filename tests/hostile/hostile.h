/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the hostile suite share: a container with the attacker in it, a secret that only
 * the host has, and the naive launcher against which every attack must win. All of it asserts, so
 * none of it may run in a child.
 */
#ifndef ATT_HOSTILE_HOSTILE_H
#define ATT_HOSTILE_HOSTILE_H

#include "harness/fixture.h"

#define HOSTILE_FDS 18 /* descriptors 3 to 20 */

/* A caller who has something to lose. */
struct hostile_caller {
	struct cmd_fd fds[HOSTILE_FDS];
	struct cmd how;
	int root_fd;
};

/** hostile_open() - fixture_open() with the attacker in the box and the secret on the host */
int hostile_open(void **state, enum box_kind kind, const char *name);

/** hostile_arm() - put the attacker into a box. Return: 0 or -errno. */
int hostile_arm(struct box *box) _must_check_;

/** hostile_secret() - the secret; also in the file hostile_secret_path() and in the environment */
const char *hostile_secret(const struct fixture *f);

/** hostile_secret_path() - of the host, absolute. */
const char *hostile_secret_path(const struct fixture *f);

/** hostile_caller() - the host's root directory open at 3 to 20, a keyring, and all that */
void hostile_caller(struct hostile_caller *ret);

/** hostile_caller_done() - close what is open. */
void hostile_caller_done(struct hostile_caller *caller);

/** attacker_start() - start a verb inside, as root of the container, and wait until it is ready */
void attacker_start(const struct fixture *f, const char *const *words, struct cmd_job **ret);

/** attacker_end() - the end of its stdin; it must end well. */
void attacker_end(struct cmd_job **job, struct cmd_result *ret);

/**
 * naive_run() - run the naive launcher on the box
 * @words: options, "@" for the pid of init, the command
 */
void naive_run(const struct fixture *f, const char *const *words, const struct cmd *how,
               struct cmd_result *ret);

/** naive_start() - the same without waiting. */
void naive_start(const struct fixture *f, const char *const *words, const struct cmd *how,
                 struct cmd_job **ret);

/** hostile_find() - path of "naive" or "attacker". Return: @buf. */
const char *hostile_find(const char *name, char buf[static PATH_MAX]);

/** assert_nothing_won() - the attacker got nothing. */
void assert_nothing_won(const struct cmd_result *r);

/** assert_won() - it got this. */
void assert_won(const struct cmd_result *r, const char *what);

#endif
