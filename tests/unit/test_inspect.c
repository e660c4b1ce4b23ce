/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include "cli/inspect.h"

static const struct att_look plain = { .width = 60 };

static void view(struct att_buf *out, const char *json)
{
	json_t *snapshot = json_loads(json, 0, NULL);

	assert_non_null(snapshot);
	assert_int_equal(att_inspect_format(out, &plain, snapshot), 0);
	json_decref(snapshot);
}

static void a_whole_snapshot_reads_well(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	view(&out,
	     "{\"container\":\"web\",\"lxcpath\":\"/var/lib/lxc\",\"lxc_version\":\"5.0.2\","
	     "\"init_pid\":42,\"uptime_s\":98765,\"state\":\"RUNNING\",\"frozen\":false,"
	     "\"privileged\":false,\"namespaces\":{\"mnt\":{\"inode\":11,"
	     "\"shared_with_host\":false},\"net\":{\"inode\":12,\"shared_with_host\":true}},"
	     "\"uid_map\":[{\"container\":0,\"host\":100000,\"count\":65536}],"
	     "\"gid_map\":[{\"container\":0,\"host\":100000,\"count\":1000},"
	     "{\"container\":1000,\"host\":1000,\"count\":1}],"
	     "\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"effective\":[\"CAP_KILL\"],"
	     "\"ambient\":[]},\"no_new_privs\":false,\"seccomp\":{\"mode\":\"filter\","
	     "\"filters\":2,\"profile\":\"/p\",\"notify\":true},\"lsm\":{\"type\":\"apparmor\","
	     "\"label\":\"l\"},\"personality\":8,\"cgroup\":{\"unified\":\"/u\","
	     "\"job_base\":\"/u/.lxc\",\"legacy\":{\"memory\":\"/m\"}},"
	     "\"limits\":{\"NOFILE\":{\"soft\":1024,\"hard\":4096},"
	     "\"CORE\":{\"soft\":null,\"hard\":null}},\"oom_score_adj\":-5,\"umask\":18}");
	assert_string_equal(out.data, "web  RUNNING, unprivileged\n"
	                              "  init          process 42, up 1d 3h 26m\n"
	                              "  lxcpath       /var/lib/lxc\n"
	                              "  liblxc        5.0.2\n"
	                              "\n"
	                              "namespaces\n"
	                              "  mnt           11\n"
	                              "  net           12  shared with the host\n"
	                              "\n"
	                              "id map\n"
	                              "  users         0-65535 are 100000-165535 of the host\n"
	                              "  groups        0-999 are 100000-100999 of the host\n"
	                              "                1000 is 1000 of the host\n"
	                              "\n"
	                              "capabilities\n"
	                              "  bounding      KILL\n"
	                              "  effective     as bounding\n"
	                              "  ambient       none\n"
	                              "\n"
	                              "confinement\n"
	                              "  no new privs  no\n"
	                              "  seccomp       filter, 2 filters, asks a listener, /p\n"
	                              "  lsm           apparmor: l\n"
	                              "  personality   linux32, 0x00000008\n"
	                              "  umask         0022\n"
	                              "  oom score adj -5\n"
	                              "\n"
	                              "cgroup\n"
	                              "  unified       /u\n"
	                              "  jobs          /u/.lxc\n"
	                              "  memory        /m\n"
	                              "\n"
	                              "limits\n"
	                              "  NOFILE        1024, at most 4096\n"
	                              "  CORE          unlimited\n");
}

static void missing_keys_leave_their_lines_out(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	view(&out, "{\"container\":\"web\",\"namespaces\":3,\"limits\":[],\"lsm\":null}");
	assert_string_equal(out.data, "web  ?\n\nconfinement\n");
}

static void a_frozen_or_privileged_container_says_so(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	view(&out, "{\"container\":\"c\",\"state\":\"RUNNING\",\"frozen\":true,"
	           "\"privileged\":true}");
	assert_has(out.data, "c  RUNNING, frozen, privileged: root inside is root here\n");
}

/* Every capability but the first @n_missing, as a snapshot. */
static char *bounding_without(size_t n_missing)
{
	static const char *const names[] = {
		"CHOWN",
		"DAC_OVERRIDE",
		"DAC_READ_SEARCH",
		"FOWNER",
		"FSETID",
		"KILL",
		"SETGID",
		"SETUID",
		"SETPCAP",
		"LINUX_IMMUTABLE",
		"NET_BIND_SERVICE",
		"NET_BROADCAST",
		"NET_ADMIN",
		"NET_RAW",
		"IPC_LOCK",
		"IPC_OWNER",
		"SYS_MODULE",
		"SYS_RAWIO",
		"SYS_CHROOT",
		"SYS_PTRACE",
		"SYS_PACCT",
		"SYS_ADMIN",
		"SYS_BOOT",
		"SYS_NICE",
		"SYS_RESOURCE",
		"SYS_TIME",
		"SYS_TTY_CONFIG",
		"MKNOD",
		"LEASE",
		"AUDIT_WRITE",
		"AUDIT_CONTROL",
		"SETFCAP",
		"MAC_OVERRIDE",
		"MAC_ADMIN",
		"SYSLOG",
		"WAKE_ALARM",
		"BLOCK_SUSPEND",
		"AUDIT_READ",
		"PERFMON",
		"BPF",
		"CHECKPOINT_RESTORE",
	};
	struct att_buf text = ATT_BUF_INIT;

	assert_int_equal(att_buf_printf(&text, "{\"capabilities\":{\"bounding\":["), 0);
	for (size_t i = n_missing; i < countof(names); i++)
		assert_int_equal(
			att_buf_printf(&text, "%s\"CAP_%s\"", i > n_missing ? "," : "", names[i]),
			0);
	assert_int_equal(att_buf_printf(&text, "]}}"), 0);
	return text.data;
}

static void a_capability_set_is_told_by_its_shorter_side(void **state)
{
	static const struct {
		size_t missing;
		const char *want;
	} cases[] = {
		{ 0, "  bounding      all\n" },
		{ 2, "  bounding      all but CHOWN DAC_OVERRIDE\n" },
		{ 20, "  bounding      all but CHOWN " },
		{ 21, "  bounding      SYS_ADMIN " },
		{ 40, "  bounding      CHECKPOINT_RESTORE\n" },
		{ 41, "  bounding      none\n" },
	};

	att_ignore(state != NULL);
	for (size_t i = 0; i < countof(cases); i++) {
		_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;
		_cleanup_free_ char *text = bounding_without(cases[i].missing);

		view(&out, text);
		assert_has(out.data, cases[i].want);
	}
}

static void what_a_container_chose_is_escaped(void **state)
{
	_cleanup_buf_ struct att_buf out = ATT_BUF_INIT;

	att_ignore(state != NULL);
	view(&out, "{\"container\":\"a\\u001b[2J\",\"lsm\":{\"type\":\"selinux\","
	           "\"label\":\"x\\ny\"}}");
	assert_null(strchr(out.data, '\033'));
	assert_has(out.data, "a\\x1b[2J");
	assert_has(out.data, "selinux: x\\x0ay");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_snapshot_reads_well),
		cmocka_unit_test(missing_keys_leave_their_lines_out),
		cmocka_unit_test(a_frozen_or_privileged_container_says_so),
		cmocka_unit_test(a_capability_set_is_told_by_its_shorter_side),
		cmocka_unit_test(what_a_container_chose_is_escaped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
