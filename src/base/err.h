/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error value: plain data, no heap, valid under out-of-memory. Raised once, at the failing
 * call; context is added only where a layer is crossed. Functions return 0 (done), a negative
 * value equal to -err->code (failed, err is filled), or a positive outcome named in their doc
 * (err untouched).
 */
#ifndef ATT_BASE_ERR_H
#define ATT_BASE_ERR_H

#include "base/defs.h"
#include "base/stage.h"

/* One value for each public error name; the numbers are those of <attache/attache.h>. */
enum att_code {
	ATT_E_MISSING_CONTAINER_ID = 1,
	ATT_E_MISSING_COMMAND,
	ATT_E_INVALID_ARGUMENT,
	ATT_E_CONTAINER_NOT_FOUND,
	ATT_E_CONTAINER_NOT_RUNNING,
	ATT_E_CONTAINER_FROZEN,
	ATT_E_CONTAINER_AMBIGUOUS,
	ATT_E_CONTAINER_GONE,
	ATT_E_USER_NOT_FOUND,
	ATT_E_GROUP_NOT_FOUND,
	ATT_E_WORKDIR_NOT_FOUND,
	ATT_E_COMMAND_NOT_FOUND,
	ATT_E_COMMAND_NOT_EXECUTABLE,
	ATT_E_PERMISSION_DENIED,
	ATT_E_CONFINEMENT_UNAVAILABLE,
	ATT_E_UNSUPPORTED,
	ATT_E_LIMIT_EXCEEDED,
	ATT_E_TIMEOUT,
	ATT_E_IO_ERROR,
	ATT_E_NO_MEMORY,
	ATT_E_INTERNAL_ERROR,
	_ATT_E_MAX,
};

struct att_err {
	int code;  /* enum att_code */
	int stage; /* enum att_stage, 0 when none applies */
	int sys;   /* errno at the failing call, or 0 */
	char msg[384];
};

_Static_assert(sizeof(struct att_err) <= 512, "an error is copied by value");

#define ATT_ERR_INIT \
	{ \
		0 \
	}

/**
 * att_err_set() - fill an error that is not a failed system call
 * @err:   out
 * @code:  which public error
 * @stage: which step
 * @fmt:   text: the thing attempted, lower case, objects in single quotes, no newline
 *
 * Return: -code, so that callers can `return att_err_set(…)`.
 */
int att_err_set(struct att_err *err, enum att_code code, enum att_stage stage, const char *fmt, ...)
	_printf_(4, 5);

/**
 * att_err_sys() - fill an error from a failed system call
 * @sys: errno of the failed call; its text is appended to the message
 *
 * Return: -code.
 */
int att_err_sys(struct att_err *err, enum att_code code, enum att_stage stage, int sys,
                const char *fmt, ...) _printf_(5, 6);

/**
 * att_err_wrap() - put context in front of an error's text
 * @err: in-out; code, stage and errno stay
 *
 * Return: -err->code.
 */
int att_err_wrap(struct att_err *err, const char *fmt, ...) _printf_(2, 3);

/** att_err_nomem() - the error for a failed allocation. Return: -ATT_E_NO_MEMORY. */
int att_err_nomem(struct att_err *err, enum att_stage stage);

/** att_code_name() - public name of a code ("ContainerNotFound"). Return: static, never NULL. */
const char *att_code_name(int code);

/** att_stage_name() - name of a stage ("seccomp"). Return: static; "" when out of range. */
const char *att_stage_name(int stage);

/**
 * att_escape() - make bytes that a container chose fit for a message
 * @dst:  out: printable text, control bytes and invalid UTF-8 as \xHH, cut with "…" when too long
 * @cap:  bytes available at @dst, at least 8
 * @src:  bytes, not necessarily terminated
 * @len:  bytes at @src
 *
 * Return: @dst.
 */
char *att_escape(char *dst, size_t cap, const char *src, size_t len);

#endif
