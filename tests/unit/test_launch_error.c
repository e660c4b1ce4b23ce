/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "attach/launch_error.h"
#include "base/fd.h"
#include "sys/pidfd.h"

struct fixture {
	struct att_plan plan;
};

/* A plan with as much as a message needs; this process stands for a container's init. */
static int make_plan(void **state)
{
	static struct fixture f;
	struct att_err err = ATT_ERR_INIT;

	f.plan = (struct att_plan)ATT_PLAN_INIT;
	f.plan.init_pidfd = att_pidfd_open(getpid());
	f.plan.snapshot.proc_fd = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	f.plan.snapshot.self.label.lsm = ATT_LSM_NONE;
	f.plan.label = (struct att_label){ .lsm = ATT_LSM_APPARMOR, .text = "the-label" };
	*state = &f;
	if (att_strv_add_str(&f.plan.argv, "some\ncommand") < 0)
		return -1;
	return att_plan_blob(&f.plan, "/srv", 4, &f.plan.wire.workdir, &err);
}

static int free_plan(void **state)
{
	struct fixture *f = *state;

	att_plan_done(&f->plan);
	return 0;
}

static void each_stage_and_errno_has_its_name(void **state)
{
	static const struct {
		int stage, sys, code;
	} cases[] = {
		{ ATT_STAGE_EXEC, ENOENT, ATT_E_COMMAND_NOT_FOUND },
		{ ATT_STAGE_EXEC, ENOTDIR, ATT_E_COMMAND_NOT_FOUND },
		{ ATT_STAGE_EXEC, EACCES, ATT_E_COMMAND_NOT_EXECUTABLE },
		{ ATT_STAGE_EXEC, ENOEXEC, ATT_E_COMMAND_NOT_EXECUTABLE },
		{ ATT_STAGE_EXEC, EISDIR, ATT_E_COMMAND_NOT_EXECUTABLE },
		{ ATT_STAGE_EXEC, E2BIG, ATT_E_LIMIT_EXCEEDED },
		{ ATT_STAGE_EXEC, EAGAIN, ATT_E_LIMIT_EXCEEDED },
		{ ATT_STAGE_WORKDIR, ENOENT, ATT_E_WORKDIR_NOT_FOUND },
		{ ATT_STAGE_WORKDIR, EACCES, ATT_E_PERMISSION_DENIED },
		{ ATT_STAGE_CGROUP, EAGAIN, ATT_E_LIMIT_EXCEEDED },
		{ ATT_STAGE_CGROUP, EACCES, ATT_E_CONFINEMENT_UNAVAILABLE },
		{ ATT_STAGE_NAMESPACES, ESRCH, ATT_E_CONTAINER_GONE },
		{ ATT_STAGE_NAMESPACES, EPERM, ATT_E_PERMISSION_DENIED },
		{ ATT_STAGE_LSM, EPERM, ATT_E_CONFINEMENT_UNAVAILABLE },
		{ ATT_STAGE_LSM, EACCES, ATT_E_CONFINEMENT_UNAVAILABLE },
		{ ATT_STAGE_CREDENTIALS, EPERM, ATT_E_PERMISSION_DENIED },
		{ ATT_STAGE_KEYRING, EDQUOT, ATT_E_LIMIT_EXCEEDED },
		{ ATT_STAGE_KEYRING, EPERM, ATT_E_CONFINEMENT_UNAVAILABLE },
		{ ATT_STAGE_SECCOMP, EINVAL, ATT_E_CONFINEMENT_UNAVAILABLE },
		{ ATT_STAGE_CAPABILITIES, EPERM, ATT_E_PERMISSION_DENIED },
		{ ATT_STAGE_SPAWN, EAGAIN, ATT_E_LIMIT_EXCEEDED },
		{ ATT_STAGE_LIMITS, EPERM, ATT_E_PERMISSION_DENIED },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(cases); i++) {
		const struct att_wire_status status = { .stage = cases[i].stage,
			                                .sys = cases[i].sys };
		struct att_err err = ATT_ERR_INIT;

		assert_code(att_launch_error(&f->plan, &status, 0, &err), cases[i].code);
		assert_num(err.stage, cases[i].stage);
		assert_num(err.sys, cases[i].sys);
	}
}

static void the_text_names_the_object_and_escapes_it(void **state)
{
	struct fixture *f = *state;
	struct att_wire_status status = { .stage = ATT_STAGE_EXEC, .sys = ENOENT };
	struct att_err err = ATT_ERR_INIT;

	att_ignore(att_launch_error(&f->plan, &status, 0, &err));
	assert_string_equal(err.msg, "run 'some\\x0acommand': No such file or directory");
	status.detail = ATT_WIRE_NO_INTERPRETER;
	att_ignore(att_launch_error(&f->plan, &status, 0, &err));
	assert_non_null(strstr(err.msg, "its interpreter or loader is not"));
	status = (struct att_wire_status){ .stage = ATT_STAGE_CGROUP, .sys = EROFS };
	assert_code(att_launch_error(&f->plan, &status, 0, &err), ATT_E_CONFINEMENT_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "read-only for the caller"));
	status = (struct att_wire_status){ .stage = ATT_STAGE_LSM, .sys = EACCES };
	assert_code(att_launch_error(&f->plan, &status, 0, &err), ATT_E_CONFINEMENT_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "from 'none' to 'the-label'"));
	status = (struct att_wire_status){ .stage = ATT_STAGE_WORKDIR, .sys = ENOENT };
	att_ignore(att_launch_error(&f->plan, &status, 0, &err));
	assert_string_equal(err.msg, "enter working directory '/srv': No such file or directory");
}

static void a_death_without_a_word_is_explained(void **state)
{
	struct fixture *f = *state;
	const struct att_wire_status status = { .stage = ATT_STAGE_SECCOMP };
	struct att_err err = ATT_ERR_INIT;

	assert_code(att_launch_error(&f->plan, &status, SIGSYS, &err),
	            ATT_E_CONFINEMENT_UNAVAILABLE);
	assert_code(att_launch_error(&f->plan, &status, SIGKILL, &err), ATT_E_INTERNAL_ERROR);
	assert_code(att_launch_error(&f->plan, &status, 0, &err), ATT_E_INTERNAL_ERROR);
	/* With init gone, or without memory because it is going, that is the reason. */
	f->plan.snapshot.proc_fd = att_fd_close(f->plan.snapshot.proc_fd);
	assert_code(att_launch_error(&f->plan, &status, SIGKILL, &err), ATT_E_CONTAINER_GONE);
}

static void numbers_out_of_range_are_refused(void **state)
{
	static const struct att_wire_status bad[] = {
		{ .stage = 0, .sys = ENOENT },
		{ .stage = -1, .sys = ENOENT },
		{ .stage = _ATT_STAGE_MAX, .sys = ENOENT },
		{ .stage = ATT_STAGE_EXEC, .sys = -1 },
		{ .stage = ATT_STAGE_EXEC, .sys = 4096 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < countof(bad); i++) {
		struct att_err err = ATT_ERR_INIT;

		assert_code(att_launch_error(&f->plan, &bad[i], 0, &err), ATT_E_INTERNAL_ERROR);
		assert_string_equal(err.msg, "the launcher's answer makes no sense");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_stage_and_errno_has_its_name),
		cmocka_unit_test(the_text_names_the_object_and_escapes_it),
		cmocka_unit_test(a_death_without_a_word_is_explained),
		cmocka_unit_test(numbers_out_of_range_are_refused),
	};

	return cmocka_run_group_tests(tests, make_plan, free_plan);
}
