/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The order of the entry's steps, which is what its security rests on. The launcher's source is
 * part of this program, because its steps have no names outside of it; nothing of it is run.
 */
#include "attach/launcher/entry.c"
#include "attach/launcher/job.c"

#undef PATH_BYTES

#include "harness/att_test.h"

typedef int (*step_fn)(struct entry *e);

static size_t place_of(step_fn run)
{
	for (size_t i = 0; entry_steps[i].run; i++)
		if (entry_steps[i].run == run)
			return i;
	fail_msg("a step is missing from the table");
	return 0;
}

static void the_steps_are_these_and_no_others(void **state)
{
	static const step_fn order[] = {
		join_legacy,       open_host_proc,     set_limits,   enter_namespaces,
		check_cgroup,      set_personality,    set_label,    become_user,
		leave_keyring,     change_dir,         open_null,    reset_signals,
		close_descriptors, caps_before_filter, load_filters, caps_after_filter,
		spawn_job,
	};

	(void)state;
	for (size_t i = 0; i < countof(order); i++)
		assert_ptr_equal(entry_steps[i].run, order[i]);
	assert_null(entry_steps[countof(order)].run);
}

/* Each pair with what would break were it the other way round. */
static void the_order_holds_where_security_rests_on_it(void **state)
{
	static const struct {
		step_fn first, second;
		const char *why;
	} pairs[] = {
		{ join_legacy, enter_namespaces, "the job would run outside its cgroups" },
		{ open_host_proc, enter_namespaces, "/proc would be the container's" },
		{ set_limits, enter_namespaces, "the host's privilege is gone inside" },
		{ enter_namespaces, check_cgroup, "the check reads the container's view" },
		{ set_label, become_user, "the label needs what the ids give up" },
		{ become_user, leave_keyring, "the keyring would be root's" },
		{ leave_keyring, load_filters, "a filter may deny keyctl" },
		{ become_user, change_dir, "root could go where the user may not" },
		{ become_user, open_null, "a path would be opened with root's rights" },
		{ change_dir, load_filters, "a filter may deny chdir" },
		{ close_descriptors, spawn_job,
		  "the job would be seen with the host's descriptors" },
		{ load_filters, spawn_job, "the job would be seen without its filter" },
		{ caps_after_filter, spawn_job, "the job would be seen with more than its own" },
		{ reset_signals, spawn_job, "the job would inherit the caller's dispositions" },
	};

	(void)state;
	for (size_t i = 0; i < countof(pairs); i++)
		if (place_of(pairs[i].first) >= place_of(pairs[i].second))
			fail_msg("wrong order: %s", pairs[i].why);
}

static void stages_do_not_go_back_to_the_host(void **state)
{
	(void)state;
	for (size_t i = place_of(enter_namespaces) + 1; entry_steps[i].run; i++)
		assert_true(entry_steps[i].stage != ATT_STAGE_LIMITS);
}

static void a_path_is_joined_or_refused(void **state)
{
	static char path[4096];
	char longest[4200];

	(void)state;
	assert_num(join_path(path, "/bin", 4, "true"), 1);
	assert_string_equal(path, "/bin/true");
	/* An empty part of PATH is the working directory. */
	assert_num(join_path(path, "", 0, "true"), 1);
	assert_string_equal(path, "true");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_num(join_path(path, "/bin", 4, longest), 0);
	assert_num(join_path(path, longest, strlen(longest), "true"), 0);
	assert_num(join_path(path, "/b", 2, longest + sizeof(longest) - 1 - 4092), 1);
	assert_num(join_path(path, "/b", 2, longest + sizeof(longest) - 1 - 4093), 0);
}

static void numbers_are_written_in_decimal(void **state)
{
	static const struct {
		int32_t value;
		const char *text;
	} cases[] = {
		{ 0, "0" }, { -1000, "-1000" }, { 1000, "1000" }, { INT32_MIN, "-2147483648" }
	};
	char text[16];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		size_t n = format_decimal(text, cases[i].value);

		assert_num(n, strlen(cases[i].text));
		assert_memory_equal(text, cases[i].text, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_steps_are_these_and_no_others),
		cmocka_unit_test(the_order_holds_where_security_rests_on_it),
		cmocka_unit_test(stages_do_not_go_back_to_the_host),
		cmocka_unit_test(a_path_is_joined_or_refused),
		cmocka_unit_test(numbers_are_written_in_decimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
