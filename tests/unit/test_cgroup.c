/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include "sys/cgroup.h"

static void the_guess_knows_the_usual_layouts(void **state)
{
	static const struct {
		const char *path, *name, *root;
	} cases[] = {
		{ "/lxc.payload.web", "web", "/lxc.payload.web" },
		{ "/lxc.payload.web/init.scope", "web", "/lxc.payload.web" },
		{ "/lxc.payload.web-1/init.scope", "web", "/lxc.payload.web-1" },
		{ "/lxc.payload.web-12", "web", "/lxc.payload.web-12" },
		{ "/lxc.payload.webx/init.scope", "web", "/lxc.payload.webx" },
		{ "/lxc.payload.web-x", "web", "/lxc.payload.web-x" },
		{ "/user.slice/lxc.payload.web/a/b", "web", "/user.slice/lxc.payload.web" },
		/* The container made the second one itself: the topmost counts. */
		{ "/lxc.payload.web/lxc.payload.web/x", "web", "/lxc.payload.web" },
		{ "/lxc/100/ns/init.scope", "100", "/lxc/100/ns" },
		{ "/lxc/100/ns", "100", "/lxc/100/ns" },
		{ "/lxc/100/nsx/init.scope", "100", "/lxc/100" },
		{ "/lxc/100", "100", "/lxc/100" },
		{ "/custom/place/init.scope", "web", "/custom/place" },
		{ "/custom/place", "web", "/custom/place" },
		{ "/", "web", "" },
		{ "/init.scope", "web", "" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		size_t n = att_cgroup_guess_root(cases[i].path, cases[i].name);

		if (n != strlen(cases[i].root) || strncmp(cases[i].path, cases[i].root, n) != 0)
			fail_msg("'%s' of '%s': got %zu bytes", cases[i].path, cases[i].name, n);
	}
}

static void the_true_root_follows_from_what_was_seen(void **state)
{
	static const struct {
		const char *host, *seen, *init, *root;
	} cases[] = {
		/* The guess was right. */
		{ "/p/.lxc/x", "/.lxc/x", "/p/init.scope", "/p" },
		/* It was too deep: init had moved itself down. */
		{ "/p/a/b/.lxc/x", "/a/b/.lxc/x", "/p/a/b", "/p" },
		/* It was too high: the root is one, or two, below. */
		{ "/p/.lxc/x", "/../.lxc/x", "/p/ns/init.scope", "/p/ns" },
		{ "/p/.lxc/x", "/../../.lxc/x", "/p/in/ns/init.scope", "/p/in/ns" },
		{ "/.lxc/x", "/../.lxc/x", "/p/init.scope", "/p" },
		/* A hierarchy in which only the root is joined. */
		{ "/p", "/", "/p/init.scope", "/p" },
		{ "/p", "/..", "/p/ns", "/p/ns" },
		{ "/", "/", "/", "" },
		{ "/", "/..", "/p", "/p" },
	};

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		ssize_t n = att_cgroup_derive_root(cases[i].host, cases[i].seen, cases[i].init);

		if (n != (ssize_t)strlen(cases[i].root) ||
		    strncmp(cases[i].init, cases[i].root, (size_t)n) != 0)
			fail_msg("'%s' seen as '%s' beside '%s': got %zd", cases[i].host,
			         cases[i].seen, cases[i].init, n);
	}
}

static void what_does_not_fit_is_no_root(void **state)
{
	(void)state;
	assert_num(att_cgroup_derive_root("/p/.lxc/x", "/other", "/p/init"), -1);
	assert_num(att_cgroup_derive_root("/p/.lxc/x", "/../../../.lxc/x", "/p/ns"), -1);
	assert_num(att_cgroup_derive_root("/p/.lxc/x", "/.lxc/x", "/q/init"), -1);
	assert_num(att_cgroup_derive_root("/p/.lxc/x", "/.lxc/x", "/pq/init"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_guess_knows_the_usual_layouts),
		cmocka_unit_test(the_true_root_follows_from_what_was_seen),
		cmocka_unit_test(what_does_not_fit_is_no_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
