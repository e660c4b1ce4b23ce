/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "sys/caps.h"

#define CAP(name) \
	{ \
		name, #name \
	}

static void names_are_the_kernels(void **state)
{
	static const struct {
		int cap;
		const char *name;
	} cases[] = {
		CAP(CAP_CHOWN),
		CAP(CAP_DAC_OVERRIDE),
		CAP(CAP_DAC_READ_SEARCH),
		CAP(CAP_FOWNER),
		CAP(CAP_FSETID),
		CAP(CAP_KILL),
		CAP(CAP_SETGID),
		CAP(CAP_SETUID),
		CAP(CAP_SETPCAP),
		CAP(CAP_LINUX_IMMUTABLE),
		CAP(CAP_NET_BIND_SERVICE),
		CAP(CAP_NET_BROADCAST),
		CAP(CAP_NET_ADMIN),
		CAP(CAP_NET_RAW),
		CAP(CAP_IPC_LOCK),
		CAP(CAP_IPC_OWNER),
		CAP(CAP_SYS_MODULE),
		CAP(CAP_SYS_RAWIO),
		CAP(CAP_SYS_CHROOT),
		CAP(CAP_SYS_PTRACE),
		CAP(CAP_SYS_PACCT),
		CAP(CAP_SYS_ADMIN),
		CAP(CAP_SYS_BOOT),
		CAP(CAP_SYS_NICE),
		CAP(CAP_SYS_RESOURCE),
		CAP(CAP_SYS_TIME),
		CAP(CAP_SYS_TTY_CONFIG),
		CAP(CAP_MKNOD),
		CAP(CAP_LEASE),
		CAP(CAP_AUDIT_WRITE),
		CAP(CAP_AUDIT_CONTROL),
		CAP(CAP_SETFCAP),
		CAP(CAP_MAC_OVERRIDE),
		CAP(CAP_MAC_ADMIN),
		CAP(CAP_SYSLOG),
		CAP(CAP_WAKE_ALARM),
		CAP(CAP_BLOCK_SUSPEND),
		CAP(CAP_AUDIT_READ),
		CAP(CAP_PERFMON),
		CAP(CAP_BPF),
		CAP(CAP_CHECKPOINT_RESTORE),
	};

	(void)state;
	assert_int_equal(countof(cases), 41);
	for (size_t i = 0; i < countof(cases); i++) {
		uint64_t mask = 0;

		assert_string_equal(att_cap_name(cases[i].cap), cases[i].name);
		assert_true(att_cap_parse(cases[i].name, &mask));
		assert_true(mask == UINT64_C(1) << cases[i].cap);
		assert_true(att_cap_parse(cases[i].name + 4, &mask));
		assert_true(mask == UINT64_C(1) << cases[i].cap);
	}
	assert_null(att_cap_name(-1));
	assert_null(att_cap_name(41));
	assert_null(att_cap_name(64));
}

static void any_case_and_numbers_are_understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t mask;
	} cases[] = {
		{ "sys_admin", UINT64_C(1) << CAP_SYS_ADMIN },
		{ "Cap_Sys_Admin", UINT64_C(1) << CAP_SYS_ADMIN },
		{ "cap_0", 1 },
		{ "CAP_41", UINT64_C(1) << 41 },
		{ "cap_63", UINT64_C(1) << 63 },
		{ "ALL", UINT64_MAX },
		{ "all", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		uint64_t mask = 0;

		assert_true(att_cap_parse(cases[i].text, &mask));
		assert_true(mask == cases[i].mask);
	}
}

static void unknown_names_are_refused(void **state)
{
	static const char *const refused[] = { "",         "CAP_",  "CAP_CAP_KILL", "KIL",
		                               "KILLX",    " KILL", "KILL ",        "cap_64",
		                               "cap_-1",   "21",    "CAP_ALL",      "sys-admin",
		                               "KILL,FOO", "NONE" };
	uint64_t mask = 3;

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_false(att_cap_parse(refused[i], &mask));
	assert_true(mask == 3);
}

static void last_capability_is_the_one_the_kernel_ends_at(void **state)
{
	int last = att_cap_last();
	char text[16];

	(void)state;
	assert_in_range(last, CAP_AUDIT_READ, 63);
	assert_true(prctl(PR_CAPBSET_READ, (unsigned long)last, 0UL, 0UL, 0UL) >= 0);
	assert_int_equal(prctl(PR_CAPBSET_READ, (unsigned long)last + 1, 0UL, 0UL, 0UL), -1);
	if (att_fd_read_file_at(AT_FDCWD, "/proc/sys/kernel/cap_last_cap", text, sizeof(text)) > 0)
		assert_int_equal(last, strtol(text, NULL, 10));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_the_kernels),
		cmocka_unit_test(any_case_and_numbers_are_understood),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(last_capability_is_the_one_the_kernel_ends_at),
	};

	return cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
