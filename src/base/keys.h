/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of keys that a user types to attache itself. Pure; here, so that the command line can
 * refuse what the relay could not use before anything runs.
 */
#ifndef ATT_BASE_KEYS_H
#define ATT_BASE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/defs.h"

#define ATT_KEYS_MAX 8

/**
 * att_keys_parse_escape() - the value of --escape
 * @text: "none", one character, or "^X" for a control character
 * @ret:  out: the byte, -1 for none
 */
bool att_keys_parse_escape(const char *text, int *ret) _must_check_;

/**
 * att_keys_parse_sequence() - the value of --detach-keys, as docker has it
 * @text: "ctrl-p,ctrl-q": a single character, or "ctrl-" and one of a-z @ [ \ ] ^ _, by commas; ""
 *        for none
 */
bool att_keys_parse_sequence(const char *text, unsigned char ret[ATT_KEYS_MAX], size_t *ret_n)
	_must_check_;

#endif
