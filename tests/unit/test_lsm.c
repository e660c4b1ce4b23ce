/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>

#include "sys/lsm.h"
#include "sys/ns.h"

static void a_label_loses_its_mode_and_nothing_else(void **state)
{
	static const struct {
		const char *text, *label;
	} cases[] = {
		{ "unconfined\n", "unconfined" },
		{ "lxc-container-default-cgns (enforce)\n", "lxc-container-default-cgns" },
		{ "lxc-bb_</var/lib/lxc>//&:lxc-bb_<-var-lib-lxc>:unconfined (enforce)\n",
		  "lxc-bb_</var/lib/lxc>//&:lxc-bb_<-var-lib-lxc>:unconfined" },
		{ "a(b) (complain)", "a(b)" },
		{ "with blank (enforce)", "with blank" },
		{ "name(noblank)", "name(noblank)" },
	};
	char label[128];

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		assert_num(att_lsm_parse_apparmor(cases[i].text, strlen(cases[i].text), label,
		                                  sizeof(label)),
		           0);
		assert_string_equal(label, cases[i].label);
	}
}

static void a_label_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = { "", "\n", " (enforce)", "a\nb (enforce)", "a\x01" };
	char label[16];

	(void)state;
	for (size_t i = 0; i < countof(bad); i++)
		assert_num(att_lsm_parse_apparmor(bad[i], strlen(bad[i]), label, sizeof(label)),
		           -EINVAL);
	/* Cut, it would be another label. */
	assert_num(att_lsm_parse_apparmor("0123456789abcdef", 16, label, sizeof(label)), -EINVAL);
}

static void namespace_lists_are_exact(void **state)
{
	uint32_t flags = 0;

	(void)state;
	assert_true(att_ns_parse_list("mnt", &flags));
	assert_num(flags, 0x00020000);
	assert_true(att_ns_parse_list("pid,net", &flags));
	assert_num(flags, 0x60000000);
	assert_false(att_ns_parse_list("", &flags));
	assert_false(att_ns_parse_list("mnt,", &flags));
	assert_false(att_ns_parse_list("MNT", &flags));
	assert_false(att_ns_parse_list("mnt pid", &flags));
	assert_false(att_ns_parse_list("mntx", &flags));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_label_loses_its_mode_and_nothing_else),
		cmocka_unit_test(a_label_that_is_none_is_refused),
		cmocka_unit_test(namespace_lists_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
