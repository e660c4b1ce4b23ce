/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>

#include "attache/attache.h"
#include "base/err.h"

static void code_names_are_those_of_the_command_line_contract(void **state)
{
	static const struct {
		int internal;
		int external;
		const char *name;
	} cases[] = {
		{ ATT_E_MISSING_CONTAINER_ID, ATTACHE_E_MISSING_CONTAINER_ID,
		  "MissingContainerId" },
		{ ATT_E_MISSING_COMMAND, ATTACHE_E_MISSING_COMMAND, "MissingCommand" },
		{ ATT_E_INVALID_ARGUMENT, ATTACHE_E_INVALID_ARGUMENT, "InvalidArgument" },
		{ ATT_E_CONTAINER_NOT_FOUND, ATTACHE_E_CONTAINER_NOT_FOUND, "ContainerNotFound" },
		{ ATT_E_CONTAINER_NOT_RUNNING, ATTACHE_E_CONTAINER_NOT_RUNNING,
		  "ContainerNotRunning" },
		{ ATT_E_CONTAINER_FROZEN, ATTACHE_E_CONTAINER_FROZEN, "ContainerFrozen" },
		{ ATT_E_CONTAINER_AMBIGUOUS, ATTACHE_E_CONTAINER_AMBIGUOUS, "ContainerAmbiguous" },
		{ ATT_E_CONTAINER_GONE, ATTACHE_E_CONTAINER_GONE, "ContainerGone" },
		{ ATT_E_USER_NOT_FOUND, ATTACHE_E_USER_NOT_FOUND, "UserNotFound" },
		{ ATT_E_GROUP_NOT_FOUND, ATTACHE_E_GROUP_NOT_FOUND, "GroupNotFound" },
		{ ATT_E_WORKDIR_NOT_FOUND, ATTACHE_E_WORKDIR_NOT_FOUND, "WorkdirNotFound" },
		{ ATT_E_COMMAND_NOT_FOUND, ATTACHE_E_COMMAND_NOT_FOUND, "CommandNotFound" },
		{ ATT_E_COMMAND_NOT_EXECUTABLE, ATTACHE_E_COMMAND_NOT_EXECUTABLE,
		  "CommandNotExecutable" },
		{ ATT_E_PERMISSION_DENIED, ATTACHE_E_PERMISSION_DENIED, "PermissionDenied" },
		{ ATT_E_CONFINEMENT_UNAVAILABLE, ATTACHE_E_CONFINEMENT_UNAVAILABLE,
		  "ConfinementUnavailable" },
		{ ATT_E_UNSUPPORTED, ATTACHE_E_UNSUPPORTED, "Unsupported" },
		{ ATT_E_LIMIT_EXCEEDED, ATTACHE_E_LIMIT_EXCEEDED, "LimitExceeded" },
		{ ATT_E_TIMEOUT, ATTACHE_E_TIMEOUT, "Timeout" },
		{ ATT_E_IO_ERROR, ATTACHE_E_IO_ERROR, "IoError" },
		{ ATT_E_NO_MEMORY, ATTACHE_E_NO_MEMORY, "NoMemory" },
		{ ATT_E_INTERNAL_ERROR, ATTACHE_E_INTERNAL_ERROR, "InternalError" },
	};

	(void)state;
	assert_int_equal(countof(cases), _ATT_E_MAX - 1);
	for (size_t i = 0; i < countof(cases); i++) {
		assert_int_equal(cases[i].internal, (int)i + 1);
		assert_int_equal(cases[i].internal, cases[i].external);
		assert_string_equal(att_code_name(cases[i].internal), cases[i].name);
	}
}

static void code_out_of_range_is_internal_error(void **state)
{
	(void)state;
	assert_string_equal(att_code_name(0), "InternalError");
	assert_string_equal(att_code_name(-1), "InternalError");
	assert_string_equal(att_code_name(_ATT_E_MAX), "InternalError");
}

static void every_stage_has_its_own_name(void **state)
{
	(void)state;
	for (int i = 1; i < _ATT_STAGE_MAX; i++) {
		assert_non_null(att_stage_name(i));
		assert_true(strlen(att_stage_name(i)) > 0);
		for (int k = 1; k < i; k++)
			assert_string_not_equal(att_stage_name(i), att_stage_name(k));
	}
	assert_string_equal(att_stage_name(ATT_STAGE_SECCOMP), "seccomp");
	assert_string_equal(att_stage_name(0), "");
	assert_string_equal(att_stage_name(-5), "");
	assert_string_equal(att_stage_name(_ATT_STAGE_MAX), "");
}

static void set_fills_every_field(void **state)
{
	struct att_err err = { .sys = 99 };

	(void)state;
	assert_int_equal(att_err_set(&err, ATT_E_TIMEOUT, ATT_STAGE_PLAN, "wait for '%s'", "web"),
	                 -ATT_E_TIMEOUT);
	assert_int_equal(err.code, ATT_E_TIMEOUT);
	assert_int_equal(err.stage, ATT_STAGE_PLAN);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.msg, "wait for 'web'");
}

static void sys_appends_the_reason(void **state)
{
	struct att_err err = ATT_ERR_INIT;

	(void)state;
	assert_int_equal(
		att_err_sys(&err, ATT_E_IO_ERROR, ATT_STAGE_RELAY, ENOENT, "open '%s'", "/x"),
		-ATT_E_IO_ERROR);
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.msg, "open '/x': No such file or directory");
}

static void sys_shows_an_unknown_errno_as_a_number(void **state)
{
	struct att_err err = ATT_ERR_INIT;

	(void)state;
	assert_int_equal(att_err_sys(&err, ATT_E_IO_ERROR, ATT_STAGE_RELAY, 4000, "open"),
	                 -ATT_E_IO_ERROR);
	assert_string_equal(err.msg, "open: errno 4000");
}

static void wrap_puts_context_in_front_and_keeps_the_rest(void **state)
{
	struct att_err err = ATT_ERR_INIT;

	(void)state;
	att_ignore(att_err_sys(&err, ATT_E_PERMISSION_DENIED, ATT_STAGE_NAMESPACES, EPERM,
	                       "enter mount namespace"));
	assert_int_equal(att_err_wrap(&err, "attach to container '%s'", "web1"),
	                 -ATT_E_PERMISSION_DENIED);
	assert_string_equal(err.msg, "attach to container 'web1': enter mount namespace: "
	                             "Operation not permitted");
	assert_int_equal(err.stage, ATT_STAGE_NAMESPACES);
	assert_int_equal(err.sys, EPERM);
}

static void message_never_carries_control_bytes(void **state)
{
	struct att_err err = ATT_ERR_INIT;

	(void)state;
	att_ignore(att_err_set(&err, ATT_E_IO_ERROR, ATT_STAGE_PLAN, "read '%s'",
	                       "a\x1b[2Jb\n\x7f\xff"));
	assert_string_equal(err.msg, "read 'a\\x1b[2Jb\\x0a\\x7f\\xff'");
}

static void long_message_ends_in_an_ellipsis(void **state)
{
	struct att_err err = ATT_ERR_INIT;
	char text[2000];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "é", 3);
	att_ignore(att_err_set(&err, ATT_E_IO_ERROR, ATT_STAGE_PLAN, "x%s", text));
	len = strlen(err.msg);
	assert_in_range(len, sizeof(err.msg) - 10, sizeof(err.msg) - 1);
	assert_string_equal(err.msg + len - 5, "é…");
	att_ignore(att_err_wrap(&err, "in front"));
	assert_int_equal(strncmp(err.msg, "in front: xé", strlen("in front: xé")), 0);
}

static void nomem_needs_no_memory(void **state)
{
	struct att_err err = ATT_ERR_INIT;

	(void)state;
	assert_int_equal(att_err_nomem(&err, ATT_STAGE_LAUNCH), -ATT_E_NO_MEMORY);
	assert_int_equal(err.stage, ATT_STAGE_LAUNCH);
	assert_string_equal(err.msg, "out of memory");
}

static void escape_shows_what_may_be_shown(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} cases[] = {
		{ "", 0, "" },
		{ "plain", 5, "plain" },
		{ "plain", 2, "pl" },
		{ "a\0b", 3, "a\\x00b" },
		{ "grüß €𝄞", 14, "grüß €𝄞" },
		{ "\xc3", 1, "\\xc3" },                            /* cut short */
		{ "\xc0\xaf", 2, "\\xc0\\xaf" },                   /* overlong */
		{ "\xe0\x80\xaf", 3, "\\xe0\\x80\\xaf" },          /* overlong */
		{ "\xed\xa0\x80", 3, "\\xed\\xa0\\x80" },          /* surrogate */
		{ "\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80" }, /* beyond Unicode */
		{ "\xc2\x9b", 2, "\\xc2\\x9b" },                   /* C1 control */
		{ "\xe2\x80\xae", 3, "\\xe2\\x80\\xae" },          /* right-to-left override */
		{ "\xe2\x80\x8b", 3, "\\xe2\\x80\\x8b" },          /* zero width space */
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_ptr_equal(att_escape(out, sizeof(out), cases[i].in, cases[i].len), out);
		assert_string_equal(out, cases[i].out);
	}
}

static void escape_stays_within_any_size(void **state)
{
	static const char in[] = "ab\xff€€€𝄞\x01tail";

	(void)state;
	for (size_t cap = 8; cap < 40; cap++) {
		char out[64];

		memset(out, '#', sizeof(out));
		att_escape(out, cap, in, sizeof(in) - 1);
		assert_true(strlen(out) < cap);
		assert_int_equal(out[cap], '#');
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(code_names_are_those_of_the_command_line_contract),
		cmocka_unit_test(code_out_of_range_is_internal_error),
		cmocka_unit_test(every_stage_has_its_own_name),
		cmocka_unit_test(set_fills_every_field),
		cmocka_unit_test(sys_appends_the_reason),
		cmocka_unit_test(sys_shows_an_unknown_errno_as_a_number),
		cmocka_unit_test(wrap_puts_context_in_front_and_keeps_the_rest),
		cmocka_unit_test(message_never_carries_control_bytes),
		cmocka_unit_test(long_message_ends_in_an_ellipsis),
		cmocka_unit_test(nomem_needs_no_memory),
		cmocka_unit_test(escape_shows_what_may_be_shown),
		cmocka_unit_test(escape_stays_within_any_size),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
