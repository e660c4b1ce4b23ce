/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/ns.h"

/* Two directories that look like those of processes, as far as namespaces go. */
struct procs {
	char top[64];
	int own_fd;
	int init_fd;
};

static int make_one(const char *top, const char *name, const char *left_out)
{
	char path[256];
	char target[64];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	assert_zero(mkdir(path, 0700));
	snprintf(path, sizeof(path), "%s/%s/ns", top, name);
	assert_zero(mkdir(path, 0700));
	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		if (left_out != NULL && strcmp(left_out, att_ns_kinds[i].name) == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s/ns/%s", top, name, att_ns_kinds[i].name);
		snprintf(target, sizeof(target), "%s:[%zu]", att_ns_kinds[i].name,
		         (size_t)100 + i + (strcmp(name, "init") == 0 && i % 2 == 0 ? 50 : 0));
		assert_zero(symlink(target, path));
	}
	snprintf(path, sizeof(path), "%s/%s", top, name);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void make(struct procs *p, const char *not_own, const char *not_inits)
{
	snprintf(p->top, sizeof(p->top), "/tmp/attache-ns-XXXXXX");
	assert_non_null(mkdtemp(p->top));
	p->own_fd = make_one(p->top, "own", not_own);
	p->init_fd = make_one(p->top, "init", not_inits);
	assert_true(p->own_fd >= 0 && p->init_fd >= 0);
}

static void remove_all(struct procs *p)
{
	char command[128];

	p->own_fd = att_fd_close(p->own_fd);
	p->init_fd = att_fd_close(p->init_fd);
	snprintf(command, sizeof(command), "rm -rf %s", p->top);
	assert_zero(system(command));
}

static void namespaces_are_compared_kind_by_kind(void **state)
{
	struct att_err err = ATT_ERR_INIT;
	uint64_t own[ATT_NS_COUNT];
	struct att_ns ns[ATT_NS_COUNT];
	struct procs p;

	(void)state;
	make(&p, NULL, NULL);
	assert_ok(att_ns_read_own(p.own_fd, own, &err));
	assert_ok(att_ns_read(p.init_fd, own, ns, &err));
	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		assert_num(ns[i].inode, 100 + i + (i % 2 == 0 ? 50 : 0));
		assert_num(ns[i].shared, i % 2 != 0);
	}
	remove_all(&p);
}

static void a_kind_that_neither_side_has_is_not_entered(void **state)
{
	struct att_err err = ATT_ERR_INIT;
	uint64_t own[ATT_NS_COUNT];
	struct att_ns ns[ATT_NS_COUNT];
	struct procs p;

	(void)state;
	make(&p, "time", "time");
	assert_ok(att_ns_read_own(p.own_fd, own, &err));
	assert_ok(att_ns_read(p.init_fd, own, ns, &err));
	assert_true(ns[ATT_NS_COUNT - 1].shared);
	assert_num(ns[ATT_NS_COUNT - 1].inode, 0);
	remove_all(&p);
}

/* The job would stay in the caller's, and run with the caller's rights there. */
static void a_kind_that_only_one_side_shows_is_refused(void **state)
{
	for (size_t i = 0; i < ATT_NS_COUNT; i++) {
		struct att_err err = ATT_ERR_INIT;
		uint64_t own[ATT_NS_COUNT];
		struct att_ns ns[ATT_NS_COUNT];
		struct procs p;

		(void)state;
		make(&p, att_ns_kinds[i].name, NULL);
		assert_ok(att_ns_read_own(p.own_fd, own, &err));
		assert_code(att_ns_read(p.init_fd, own, ns, &err), ATT_E_CONFINEMENT_UNAVAILABLE);
		assert_num(err.stage, ATT_STAGE_SNAPSHOT);
		assert_has(err.msg, att_ns_kinds[i].name);
		remove_all(&p);
		make(&p, NULL, att_ns_kinds[i].name);
		assert_ok(att_ns_read_own(p.own_fd, own, &err));
		assert_code(att_ns_read(p.init_fd, own, ns, &err), ATT_E_CONTAINER_GONE);
		remove_all(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_are_compared_kind_by_kind),
		cmocka_unit_test(a_kind_that_neither_side_has_is_not_entered),
		cmocka_unit_test(a_kind_that_only_one_side_shows_is_refused),
	};

	return cmocka_run_group_tests_name("ns", tests, NULL, NULL);
}
