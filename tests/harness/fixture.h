/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of the program share: one container for a whole group, the leak guard around every
 * case, and runs of the program in which the word "@" stands for the container's name. All of it
 * asserts, so none of it may run in a child.
 */
#ifndef ATT_HARNESS_FIXTURE_H
#define ATT_HARNESS_FIXTURE_H

#include <limits.h>

#include "harness/att_test.h"
#include "harness/box.h"
#include "harness/cmd.h"
#include "harness/leak.h"
#include "harness/ptydrv.h"

struct fixture {
	struct box *box;
	struct box *other; /* a second one that a group may make; freed with it */
	struct leak *leak;
	char program[PATH_MAX];
	char probe[PATH_MAX];
	char dir[64]; /* on the host, for files of the tests */
};

/* A NULL-terminated list of words. */
#define WORDS(...)      ((const char *const[]){ __VA_ARGS__, NULL })

#define fixture_test(f) cmocka_unit_test_setup_teardown(f, fixture_before, fixture_after)

/** fixture_open() - make the group's container and start it. Return: 0, else -1. */
int fixture_open(void **state, enum box_kind kind, const char *name);

/** fixture_close() - group teardown. Return: 0. */
int fixture_close(void **state);

/** fixture_before() - setup of a case: remember what there is. Return: 0, else -1. */
int fixture_before(void **state);

/** fixture_after() - teardown of a case: nothing is left. Return: 0, else -1. */
int fixture_after(void **state);

/**
 * fixture_run() - run `attache VERB -P LXCPATH WORD…` and wait for it
 * @words: the verb first; "@" becomes the container's name
 * @how:   everything but argv; NULL: the defaults
 */
void fixture_run(const struct fixture *f, const char *const *words, const struct cmd *how,
                 struct cmd_result *ret);

/** fixture_start() - the same without waiting. */
void fixture_start(const struct fixture *f, const char *const *words, const struct cmd *how,
                   struct cmd_job **ret);

/**
 * fixture_pty() - run it on a terminal of its own
 * @how: everything but argv; NULL: the defaults
 */
void fixture_pty(const struct fixture *f, const char *const *words, const struct ptydrv_cmd *how,
                 struct ptydrv **ret);

/** fixture_pty_run() - the same, and wait for it. */
void fixture_pty_run(const struct fixture *f, const char *const *words,
                     const struct ptydrv_cmd *how, struct cmd_result *ret);

/** fixture_read() - a file of the container's, as a text. Return: @buf. */
char *fixture_read(const struct fixture *f, const char *ct_path, char *buf, size_t cap);

/**
 * fixture_shell() - run a shell script of the host's
 * @script: has `x WORD…` for `attache exec -P LXCPATH WORD…`, and $CT, $PROBE, $DIR
 */
void fixture_shell(const struct fixture *f, const char *script, const struct cmd *how,
                   struct cmd_result *ret);

/** fixture_in_box() - does a path exist in the container's root directory? */
bool fixture_in_box(const struct fixture *f, const char *ct_path);

/** fixture_remove() - remove a file of the container's root directory. */
void fixture_remove(const struct fixture *f, const char *ct_path);

/**
 * assert_refused() - the program failed before the command ran, and said so as it must
 * @target: shown behind "attache: exec: ", NULL: nothing
 * @error:  name in brackets
 * @part:   somewhere in the message; NULL: anything
 */
void assert_refused(const struct cmd_result *r, int code, const char *target, const char *error,
                    const char *part);

/** assert_within() - the run took no longer than this. */
void assert_within(const struct cmd_result *r, int ms);

#endif
