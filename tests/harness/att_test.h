/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every test file includes first: cmocka with the headers it needs in their order, and macros
 * that say more on failure than its own. None of them may run in a child (see harness/child.h).
 *
 * The macros for errors work on `struct att_err err` of the caller's scope.
 */
#ifndef ATT_HARNESS_ATT_TEST_H
#define ATT_HARNESS_ATT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/defs.h"
#include "base/err.h"

/* Calls with an `err`: 0 is expected. */
#define assert_ok(expr) \
	do { \
		int ok_r_ = (expr); \
		if (ok_r_ != 0) \
			fail_msg("%s: result %d, [%s] %s", #expr, ok_r_, att_code_name(err.code), \
			         err.msg); \
	} while (0)

/* Calls with an `err`: failure with this code is expected. */
#define assert_code(expr, want) \
	do { \
		int code_r_ = (expr); \
		if (code_r_ != -(int)(want)) \
			fail_msg("%s: result %d, want -%d (%s); [%s] %s", #expr, code_r_, \
			         (int)(want), att_code_name(want), \
			         code_r_ < 0 ? att_code_name(err.code) : "", \
			         code_r_ < 0 ? err.msg : ""); \
		if (err.code != (int)(want)) \
			fail_msg("%s: err.code %d, want %d", #expr, err.code, (int)(want)); \
	} while (0)

/* Harness calls: 0 or -errno. */
#define assert_zero(expr) \
	do { \
		int zero_r_ = (expr); \
		if (zero_r_ != 0) \
			fail_msg("%s: %d (%s)", #expr, zero_r_, strerror(abs(zero_r_))); \
	} while (0)

/* In decimal; cmocka's prints -1 as 0xffffffffffffffff. */
#define assert_num(got, want) \
	do { \
		long long num_g_ = (long long)(got); \
		long long num_w_ = (long long)(want); \
		if (num_g_ != num_w_) \
			fail_msg("%s: got %lld, want %lld", #got, num_g_, num_w_); \
	} while (0)

/* The program of a struct cmd_result exited with this status. */
#define assert_exit(result, want) \
	do { \
		const struct cmd_result *exit_r_ = (result); \
		if (exit_r_->hung) \
			fail_msg("hang: killed at its deadline\n%s%s", exit_r_->out, \
			         exit_r_->err); \
		if (exit_r_->code != (want)) \
			fail_msg("exit code %d, signal %d, want exit code %d\n%s%s", \
			         exit_r_->code, exit_r_->signal, (want), exit_r_->out, \
			         exit_r_->err); \
	} while (0)

/* The program of a struct cmd_result died of this signal. */
#define assert_killed(result, want) \
	do { \
		const struct cmd_result *kill_r_ = (result); \
		if (kill_r_->hung) \
			fail_msg("hang: killed at its deadline\n%s%s", kill_r_->out, \
			         kill_r_->err); \
		if (kill_r_->signal != (want)) \
			fail_msg("exit code %d, signal %d, want signal %d\n%s%s", kill_r_->code, \
			         kill_r_->signal, (want), kill_r_->out, kill_r_->err); \
	} while (0)

/* A text holds another one. */
#define assert_has(text, part) \
	do { \
		const char *has_t_ = (text); \
		if (has_t_ == NULL || strstr(has_t_, (part)) == NULL) \
			fail_msg("no '%s' in: %s", (part), has_t_ == NULL ? "(null)" : has_t_); \
	} while (0)

/* A struct record is, as a whole, what a second one expects. */
#define assert_record(got, want) \
	do { \
		char *rec_diff_ = NULL; \
		int rec_n_ = record_compare((got), (want), &rec_diff_); \
		if (rec_n_ != 0) \
			fail_msg("%d differences in the record:\n%s", rec_n_, \
			         rec_diff_ == NULL ? "" : rec_diff_); \
		free(rec_diff_); \
	} while (0)

/* The program on a struct ptydrv says this, in a stream of it. */
#define assert_expect_from(drv, from, text) \
	do { \
		int exp_r_ = ptydrv_expect((drv), (from), (text)); \
		if (exp_r_ != 0) \
			fail_msg("no '%s' (%s), but: %s", (text), strerror(abs(exp_r_)), \
			         ptydrv_shown((drv), (from))); \
	} while (0)

/* It shows this on its terminal. */
#define assert_expect(drv, text) assert_expect_from((drv), PTYDRV_SCREEN, (text))

/* A struct ttystate is what another one was. */
#define assert_terminal(before, after) \
	do { \
		char *tty_diff_ = NULL; \
		int tty_n_ = ttystate_compare((before), (after), &tty_diff_); \
		if (tty_n_ != 0) \
			fail_msg("%d differences in the terminal:\n%s", tty_n_, \
			         tty_diff_ == NULL ? "" : tty_diff_); \
		free(tty_diff_); \
	} while (0)

/* Everything is as it was at leak_new(). */
#define assert_no_leak(leak) \
	do { \
		char *leak_diff_ = NULL; \
		int leak_n_ = leak_check((leak), &leak_diff_); \
		if (leak_n_ != 0) \
			fail_msg("%d leaks:\n%s", leak_n_, leak_diff_ == NULL ? "" : leak_diff_); \
		free(leak_diff_); \
	} while (0)

#endif
