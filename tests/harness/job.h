/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests that compare whole records share: one run of `attache exec` in a box, and what came
 * of it. All of it asserts but setup_filter(), so none of the rest may run in a child.
 */
#ifndef ATT_HARNESS_JOB_H
#define ATT_HARNESS_JOB_H

#include "harness/att_test.h"
#include "harness/box.h"
#include "harness/cmd.h"
#include "harness/record.h"

/* `attache exec -P LXCPATH …`, the words after it as arguments. */
#define RUN(box, result, ...) \
	assert_zero(box_attache(box, "exec", (const char *const[]){ __VA_ARGS__, NULL }, result))

/**
 * assert_job() - run the probe and compare its whole record
 * @options: of exec, NULL-terminated; NULL: none
 * @want:    from expect_job(); completed here with what only the job knows
 */
void assert_job(const struct box *box, const char *const *options, struct record *want);

/** assert_not_run() - attache failed before the command ran, with @words in its message. */
void assert_not_run(const struct cmd_result *r, const char *words);

/**
 * setup_filter() - put the process under a seccomp filter that allows everything
 *
 * For struct cmd's setup. Return: 0 or errno.
 */
int setup_filter(void *unused);

#endif
