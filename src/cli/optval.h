/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of options: text to what struct att_opts holds, by the kind that the table names. */
#ifndef ATT_CLI_OPTVAL_H
#define ATT_CLI_OPTVAL_H

#include "base/err.h"
#include "cli/opts.h"

/* A word of the caller, made fit for a message. */
struct att_quoted {
	char text[112];
};

/** att_quote() - escape a word. Return: @q->text. */
const char *att_quote(struct att_quoted *q, const char *word);

/* What is wrong with a command line is almost always this. */
#define att_invalid(err, ...) \
	att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST, __VA_ARGS__)

/** att_words_add() - append a borrowed word. Errors: NoMemory. */
int att_words_add(struct att_words *w, const char *word, struct att_err *err) _must_check_;

/** att_words_done() - free the vector; idempotent. */
void att_words_done(struct att_words *w);

/**
 * att_opt_pick() - which of an option's choices a word is
 *
 * Errors: InvalidArgument, naming the word and the choices.
 */
int att_opt_pick(const struct att_opt_spec *spec, const struct att_choice *choices,
                 const char *word, uint32_t *ret, struct att_err *err) _must_check_;

/**
 * att_opt_apply() - note that an option was given, and its value
 * @value: borrowed; NULL where the option takes none, or its optional one is absent
 *
 * Errors: InvalidArgument, naming option and value; NoMemory.
 */
int att_opt_apply(struct att_opts *o, enum att_opt opt, const char *value, struct att_err *err)
	_must_check_;

#endif
