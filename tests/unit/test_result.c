/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/result.h"

static struct att_opts exec_of(const char *target)
{
	struct att_opts o;

	att_opts_init(&o);
	o.cmd = ATT_CMD_EXEC;
	o.target = target;
	return o;
}

static void check(const struct att_opts *o, const struct att_result_in *in, const char *want)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	assert_int_equal(att_result_format(&out, o, in), 0);
	assert_string_equal(out.data, want);
}

static void an_exit_has_code_times_and_bytes(void **state)
{
	const struct att_opts o = exec_of("104");
	struct attache_result ended = ATTACHE_RESULT_INIT;

	att_ignore(state != NULL);
	ended.state = ATTACHE_STATE_EXITED;
	ended.exit_code = 3;
	ended.started_at_ns = INT64_C(1700000000000000042);
	ended.duration_ns = 1500000;
	ended.stdout_bytes = UINT64_C(5000000000);
	ended.stderr_bytes = 7;
	check(&o, &(struct att_result_in){ .container = "104", .id = "j1", .ended = &ended },
	      "{\"target\":\"104\",\"container\":\"104\",\"vmid\":104,\"hostname\":null,"
	      "\"id\":\"j1\",\"state\":\"exited\",\"exit_code\":3,\"signal\":null,\"error\":null,"
	      "\"started_at\":\"2023-11-14T22:13:20.000000042Z\",\"duration_ns\":1500000,"
	      "\"stdout\":null,\"stderr\":null,\"stdout_bytes\":5000000000,\"stderr_bytes\":7}\n");
}

static void a_signal_is_named_and_has_no_exit_code(void **state)
{
	struct att_opts o = exec_of("web");
	struct attache_result ended = ATTACHE_RESULT_INIT;

	att_ignore(state != NULL);
	o.io = (uint32_t)ATTACHE_EXEC_DIRECT_IO;
	ended.state = ATTACHE_STATE_SIGNALED;
	ended.signal = 15;
	check(&o, &(struct att_result_in){ .container = "web", .id = "j1", .ended = &ended },
	      "{\"target\":\"web\",\"container\":\"web\",\"vmid\":null,\"hostname\":null,"
	      "\"id\":\"j1\",\"state\":\"signaled\",\"exit_code\":null,\"signal\":\"TERM\","
	      "\"error\":null,\"started_at\":\"1970-01-01T00:00:00.000000000Z\","
	      "\"duration_ns\":0,\"stdout\":null,\"stderr\":null,\"stdout_bytes\":null,"
	      "\"stderr_bytes\":null}\n");
}

static void a_timeout_may_not_know_the_exit_code(void **state)
{
	const struct att_opts o = exec_of("web");
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
	struct attache_result ended = ATTACHE_RESULT_INIT;

	att_ignore(state != NULL);
	ended.state = ATTACHE_STATE_TIMEOUT;
	ended.exit_code = -1;
	assert_int_equal(att_result_format(&out, &o, &(struct att_result_in){ .ended = &ended }),
	                 0);
	assert_has(out.data, "\"state\":\"timeout\",\"exit_code\":null,\"signal\":null");
}

static void an_error_has_name_stage_errno_and_message(void **state)
{
	const struct att_opts o = exec_of("w\xff");
	struct att_err err = ATT_ERR_INIT;
	struct att_fault fault;

	att_ignore(state != NULL);
	att_ignore(att_err_sys(&err, ATT_E_PERMISSION_DENIED, ATT_STAGE_CGROUP, 13, "join \"x\""));
	fault = att_fault_own(&err);
	check(&o, &(struct att_result_in){ .fault = &fault },
	      "{\"target\":\"w\\\\xff\",\"container\":null,\"vmid\":null,\"hostname\":null,"
	      "\"id\":null,\"state\":\"error\",\"exit_code\":null,\"signal\":null,"
	      "\"error\":{\"name\":\"PermissionDenied\",\"stage\":\"cgroup\",\"errno\":13,"
	      "\"message\":\"join \\\"x\\\": Permission denied\"},"
	      "\"started_at\":null,\"duration_ns\":null,\"stdout\":null,\"stderr\":null,"
	      "\"stdout_bytes\":0,\"stderr_bytes\":0}\n");
}

static void a_missing_target_is_null(void **state)
{
	const struct att_opts o = exec_of(NULL);
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	assert_int_equal(att_result_format(&out, &o, &(struct att_result_in){ .id = NULL }), 0);
	assert_has(out.data, "{\"target\":null,\"container\":null,\"vmid\":null,");
}

static void a_status_descriptor_is_open_for_writing_and_kept_from_the_job(void **state)
{
	_cleanup_close_ int reader = open("/dev/null", O_RDONLY);
	_cleanup_close_ int writer = open("/dev/null", O_WRONLY);
	_cleanup_close_ int path = open("/dev/null", O_PATH);
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_true(reader > 2 && writer > 2 && path > 2);
	assert_ok(att_result_check_fd(writer, 0, &err));
	assert_int_equal(fcntl(writer, F_GETFD), FD_CLOEXEC);
	assert_code(att_result_check_fd(reader, 0, &err), ATT_E_INVALID_ARGUMENT);
	assert_has(err.msg, "is not open for writing");
	assert_code(att_result_check_fd(path, 0, &err), ATT_E_INVALID_ARGUMENT);
	assert_code(att_result_check_fd(65000, 0, &err), ATT_E_INVALID_ARGUMENT);
	assert_string_equal(err.msg, "--status-fd: '65000' is not an open descriptor");
}

static void a_filled_hole_is_no_status_descriptor(void **state)
{
	struct att_err err = ATT_ERR_INIT;

	att_ignore(state != NULL);
	assert_code(att_result_check_fd(2, 1u << 2, &err), ATT_E_INVALID_ARGUMENT);
	assert_string_equal(err.msg, "--status-fd: '2' is not an open descriptor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_exit_has_code_times_and_bytes),
		cmocka_unit_test(a_signal_is_named_and_has_no_exit_code),
		cmocka_unit_test(a_timeout_may_not_know_the_exit_code),
		cmocka_unit_test(an_error_has_name_stage_errno_and_message),
		cmocka_unit_test(a_missing_target_is_null),
		cmocka_unit_test(a_status_descriptor_is_open_for_writing_and_kept_from_the_job),
		cmocka_unit_test(a_filled_hole_is_no_status_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
