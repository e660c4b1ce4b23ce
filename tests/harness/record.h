/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `probe record` printed, and the comparison with what it must be as a whole: a key that
 * nobody expected is a failure, so that one privilege too many fails a test nobody wrote for it.
 */
#ifndef ATT_HARNESS_RECORD_H
#define ATT_HARNESS_RECORD_H

#include "base/defs.h"
#include "harness/box.h"
#include "harness/cmd.h"

struct record_entry {
	char *key;   /* owned; in an expectation also a glob, such as "rlimit.*" */
	char *value; /* owned; NULL in an expectation: any value, but the key must be there */
};

struct record {
	struct record_entry *v; /* owned */
	size_t n;
};

#define RECORD_INIT \
	{ \
		0 \
	}
#define _cleanup_record_ _cleanup_(record_done)

/** record_done() - free the entries; idempotent. */
void record_done(struct record *record);

/**
 * record_parse() - "key=value" lines to entries
 * @text: NUL-terminated
 * @ret:  out: replaced on success
 *
 * Return: 0; -EBADMSG when a line has no '=', or a key comes twice; -ENOMEM.
 */
int record_parse(const char *text, struct record *ret) _must_check_;

/** record_get() - value of @key. Return: NULL when it is not there. */
const char *record_get(const struct record *record, const char *key);

/**
 * record_set() - set what is expected of a key; a later call replaces an earlier one
 * @value: NULL: any value
 *
 * Return: 0 or -ENOMEM.
 */
int record_set(struct record *want, const char *key, const char *value) _must_check_;

/** record_setf() - the same with a formatted value. Return: 0 or -ENOMEM. */
int record_setf(struct record *want, const char *key, const char *fmt, ...) _printf_(3, 4)
	_must_check_;

/** record_any() - keys, or globs, that may have any value; NULL-terminated. Return: as above. */
int record_any(struct record *want, const char *const *keys) _must_check_;

/**
 * record_compare() - compare a whole record with a whole expectation
 * @ret_diff: out: owned text, "" when equal; one line for each difference:
 *            "~ key: got 'a', want 'b'", "+ key: got 'a', nobody expects it", "- key: want 'b'"
 *
 * A glob in @want allows any number of keys, none included, but an entry with the very key wins.
 *
 * Return: number of differences, or -ENOMEM.
 */
int record_compare(const struct record *got, const struct record *want, char **ret_diff)
	_must_check_;

/**
 * record_exec() - `attache exec OPTIONS NAME -- /probe record`
 * @options: NULL-terminated; NULL: none
 *
 * Return: 0; -errno; -EIO when it failed, which is then explained on stderr.
 */
int record_exec(const struct box *box, const char *const *options, struct record *ret) _must_check_;

/** record_attach() - the same through `lxc-attach OPTIONS -n NAME -- /probe record`. */
int record_attach(const struct box *box, const char *const *options, struct record *ret)
	_must_check_;

#endif
