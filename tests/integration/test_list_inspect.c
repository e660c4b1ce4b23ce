/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What list and inspect say, against what the kernel says about the container's init. */
#include "harness/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/fd.h"
#include "sys/caps.h"
#include "sys/proc.h"

/* With a second one, that is stopped. */
static int open_idmapped(void **state)
{
	struct fixture *f = NULL;

	if (fixture_open(state, BOX_IDMAPPED, "inspect") < 0)
		return -1;
	f = *state;
	if (box_new(&f->other, BOX_PRIVILEGED, "stopped") < 0 || box_start(f->other) < 0)
		return -1;
	box_stop(f->other);
	return 0;
}

static int open_privileged(void **state)
{
	return fixture_open(state, BOX_PRIVILEGED, "inspect");
}

static int open_pure_v2(void **state)
{
	return fixture_open(state, BOX_PURE_V2, "inspect");
}

static json_t *get_json(const struct fixture *f, const char *const *words)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	json_t *o = NULL;

	fixture_run(f, words, NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.err, "");
	o = json_loads(r.out, JSON_REJECT_DUPLICATES, NULL);
	if (o == NULL)
		fail_msg("no JSON: %s", r.out);
	return o;
}

/* A file of init's in /proc; owned. */
static char *read_init(const struct fixture *f, const char *name)
{
	char *text = calloc(1, 8192);
	char path[64];

	assert_non_null(text);
	snprintf(path, sizeof(path), "/proc/%d/%s", box_init_pid(f->box), name);
	assert_true(att_fd_read_file_at(AT_FDCWD, path, text, 8192) >= 0);
	return text;
}

/* ---- list --------------------------------------------------------------------------------- */

static const json_t *entry_of(const json_t *list, const char *name)
{
	size_t i = 0;
	json_t *entry = NULL;

	json_array_foreach (list, i, entry)
		if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
			return entry;
	return NULL;
}

static void a_list_has_the_running_ones_and_with_all_the_others_too(void **state)
{
	const struct fixture *f = *state;
	const struct box *stopped = f->other;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char want[256];

	fixture_run(f, WORDS("list", "--format", "names"), NULL, &r);
	assert_exit(&r, 0);
	snprintf(want, sizeof(want), "%s\n", box_name(f->box));
	assert_string_equal(r.out, want);
	assert_string_equal(r.err, "");
	fixture_run(f, WORDS("list", "--all", "--format=names"), NULL, &r);
	snprintf(want, sizeof(want), "%s\n%s\n", box_name(f->box), box_name(stopped));
	assert_string_equal(r.out, want);
	fixture_run(f, WORDS("ls", "-a"), NULL, &r);
	assert_exit(&r, 0);
	assert_has(r.out, "STOPPED");
	assert_has(r.out, "RUNNING");
}

static void a_list_in_json_has_pid_state_and_kind(void **state)
{
	const struct fixture *f = *state;
	const struct box *stopped = f->other;
	json_t *list = get_json(f, WORDS("list", "--all", "--format", "json"));
	const json_t *up = entry_of(list, box_name(f->box));
	const json_t *down = entry_of(list, box_name(stopped));

	assert_num(json_array_size(list), 2);
	assert_non_null(up);
	assert_non_null(down);
	assert_string_equal(json_string_value(json_object_get(up, "state")), "RUNNING");
	assert_num(json_integer_value(json_object_get(up, "pid")), box_init_pid(f->box));
	assert_num(json_is_true(json_object_get(up, "unprivileged")), box_host_id(f->box, 0) != 0);
	assert_string_equal(json_string_value(json_object_get(down, "state")), "STOPPED");
	assert_true(json_is_null(json_object_get(down, "pid")));
	assert_true(json_is_null(json_object_get(down, "unprivileged")));
	json_decref(list);
}

static void a_table_has_a_head_and_a_line_for_each(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char name[64];
	char state_word[16];
	char unprivileged[8];
	int pid = 0;
	const char *line = NULL;

	fixture_run(f, WORDS("list"), NULL, &r);
	assert_exit(&r, 0);
	line = strchr(r.out, '\n');
	assert_non_null(line);
	assert_num(strncmp(r.out, "NAME ", 5), 0);
	assert_num(sscanf(line, " %63s %15s %d %7s", name, state_word, &pid, unprivileged), 4);
	assert_string_equal(name, box_name(f->box));
	assert_string_equal(state_word, "RUNNING");
	assert_num(pid, box_init_pid(f->box));
	assert_string_equal(unprivileged, box_host_id(f->box, 0) != 0 ? "yes" : "no");
	/* No escape sequences where there is no terminal. */
	assert_null(strchr(r.out, '\x1b'));
}

static void an_empty_list_is_no_error(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	static const char *const paths[] = { "/nonexistent/lxc", "/var/empty-of-containers" };

	for (size_t i = 0; i < countof(paths); i++) {
		fixture_run(f, WORDS("list", "-P", paths[i], "--all", "--format", "json"), NULL,
		            &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "[]\n");
		fixture_run(f, WORDS("list", "-P", paths[i], "--format", "names"), NULL, &r);
		assert_exit(&r, 0);
		assert_string_equal(r.out, "");
	}
}

static void a_list_takes_no_words_and_knows_its_formats(void **state)
{
	static const char *const cases[][4] = {
		{ "list", "web", NULL },
		{ "list", "--format", "yaml", NULL },
		{ "list", "--user", "root", NULL },
		{ "inspect", "--format", "table", "@" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		const char *const words[] = { cases[i][0], cases[i][1], cases[i][2], cases[i][3],
			                      NULL };
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, words, NULL, &r);
		assert_exit(&r, 125);
		assert_string_equal(r.out, "");
		assert_has(r.err, "[InvalidArgument]\n");
	}
}

/* ---- inspect ------------------------------------------------------------------------------ */

static void assert_namespaces(const struct fixture *f, const json_t *o)
{
	static const char *const kinds[] = { "cgroup", "ipc",  "mnt",  "net",
		                             "pid",    "time", "user", "uts" };

	assert_num(json_object_size(o), countof(kinds));
	for (size_t i = 0; i < countof(kinds); i++) {
		const json_t *ns = json_object_get(o, kinds[i]);
		char path[64];
		struct stat theirs;
		struct stat ours;

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", box_init_pid(f->box), kinds[i]);
		assert_zero(stat(path, &theirs));
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i]);
		assert_zero(stat(path, &ours));
		assert_num(json_integer_value(json_object_get(ns, "inode")), theirs.st_ino);
		assert_num(json_is_true(json_object_get(ns, "shared_with_host")),
		           theirs.st_ino == ours.st_ino);
	}
}

static void assert_map(const struct fixture *f, const json_t *list, const char *name)
{
	_cleanup_free_ char *text = read_init(f, name);
	const char *at = text;
	unsigned long v[3];
	size_t n = 0;

	for (; sscanf(at, "%lu %lu %lu", &v[0], &v[1], &v[2]) == 3; n++) {
		const json_t *range = json_array_get(list, n);

		assert_num(json_integer_value(json_object_get(range, "container")), v[0]);
		assert_num(json_integer_value(json_object_get(range, "host")), v[1]);
		assert_num(json_integer_value(json_object_get(range, "count")), v[2]);
		at = strchr(at, '\n') + 1;
	}
	assert_true(n > 0);
	assert_num(json_array_size(list), n);
}

static void assert_caps(const struct fixture *f, const json_t *o)
{
	static const struct {
		const char *key;
		const char *field;
	} sets[] = {
		{ "bounding", "CapBnd:" },  { "effective", "CapEff:" },
		{ "permitted", "CapPrm:" }, { "inheritable", "CapInh:" },
		{ "ambient", "CapAmb:" },
	};
	_cleanup_free_ char *text = read_init(f, "status");

	for (size_t i = 0; i < countof(sets); i++) {
		const json_t *list = json_object_get(o, sets[i].key);
		const char *field = strstr(text, sets[i].field);
		uint64_t mask = 0;
		size_t n = 0;

		assert_non_null(field);
		mask = strtoull(field + strlen(sets[i].field), NULL, 16);
		for (int cap = 0; cap < 64; cap++) {
			if (!(mask & (UINT64_C(1) << cap)))
				continue;
			assert_string_equal(json_string_value(json_array_get(list, n)),
			                    att_cap_name(cap));
			n++;
		}
		assert_num(json_array_size(list), n);
	}
}

static void assert_limits(const struct fixture *f, const json_t *o)
{
	_cleanup_free_ char *text = read_init(f, "limits");
	struct att_rlimits truth;

	assert_true(att_proc_parse_limits(text, strlen(text), &truth));
	for (int n = 0; n < ATT_RLIMITS; n++) {
		const json_t *limit = json_object_get(o, att_rlimit_name(n));
		const json_t *soft = json_object_get(limit, "soft");
		const json_t *hard = json_object_get(limit, "hard");

		assert_non_null(soft);
		if (truth.v[n].soft > INT64_MAX)
			assert_true(json_is_null(soft));
		else
			assert_num(json_integer_value(soft), truth.v[n].soft);
		if (truth.v[n].hard > INT64_MAX)
			assert_true(json_is_null(hard));
		else
			assert_num(json_integer_value(hard), truth.v[n].hard);
	}
	assert_num(json_object_size(o), ATT_RLIMITS);
}

static void assert_cgroups(const struct fixture *f, const json_t *o)
{
	char path[256];

	snprintf(path, sizeof(path), "/lxc.payload.%s", box_name(f->box));
	assert_string_equal(json_string_value(json_object_get(o, "unified")), path);
	snprintf(path, sizeof(path), "/lxc.payload.%s/.lxc", box_name(f->box));
	assert_string_equal(json_string_value(json_object_get(o, "job_base")), path);
}

static void inspect_says_what_the_kernel_says_about_init(void **state)
{
	const struct fixture *f = *state;
	json_t *o = get_json(f, WORDS("inspect", "--format", "json", "@"));
	_cleanup_free_ char *oom = read_init(f, "oom_score_adj");

	assert_string_equal(json_string_value(json_object_get(o, "container")), box_name(f->box));
	assert_string_equal(json_string_value(json_object_get(o, "lxcpath")), box_lxcpath(f->box));
	assert_string_equal(json_string_value(json_object_get(o, "state")), "RUNNING");
	assert_true(json_is_false(json_object_get(o, "frozen")));
	assert_num(json_integer_value(json_object_get(o, "init_pid")), box_init_pid(f->box));
	assert_num(json_is_true(json_object_get(o, "privileged")), box_host_id(f->box, 0) == 0);
	assert_namespaces(f, json_object_get(o, "namespaces"));
	assert_map(f, json_object_get(o, "uid_map"), "uid_map");
	assert_map(f, json_object_get(o, "gid_map"), "gid_map");
	assert_caps(f, json_object_get(o, "capabilities"));
	assert_limits(f, json_object_get(o, "limits"));
	assert_cgroups(f, json_object_get(o, "cgroup"));
	assert_true(json_is_false(json_object_get(o, "no_new_privs")));
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(o, "seccomp"), "mode")),
		"filter");
	assert_true(json_is_string(json_object_get(json_object_get(o, "lsm"), "type")));
	assert_true(json_string_length(json_object_get(o, "lxc_version")) > 0);
	assert_in_range(json_integer_value(json_object_get(o, "uptime_s")), 0, 600);
	assert_num(json_integer_value(json_object_get(o, "oom_score_adj")), strtol(oom, NULL, 10));
	json_decref(o);
}

static void inspect_for_a_person_says_the_same(void **state)
{
	static const char *const parts[] = { "RUNNING",      "namespaces", "id map",
		                             "capabilities", "bounding",   "confinement",
		                             "no new privs", "seccomp",    "cgroup",
		                             "limits",       "liblxc",     "lxcpath" };
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;
	char part[64];

	fixture_run(f, WORDS("inspect", "@"), NULL, &r);
	assert_exit(&r, 0);
	assert_string_equal(r.err, "");
	assert_num(strncmp(r.out, box_name(f->box), strlen(box_name(f->box))), 0);
	for (size_t i = 0; i < countof(parts); i++)
		assert_has(r.out, parts[i]);
	snprintf(part, sizeof(part), "process %d", box_init_pid(f->box));
	assert_has(r.out, part);
	assert_has(r.out, box_host_id(f->box, 0) == 0 ? "privileged: root inside is root here"
	                                              : "0-65535 are 100000-165535 of the host");
	assert_null(strchr(r.out, '\x1b'));
	fixture_run(f, WORDS("inspect", "--color", "always", "@"), NULL, &r);
	assert_non_null(strchr(r.out, '\x1b'));
}

static void a_frozen_container_is_shown_as_frozen(void **state)
{
	const struct fixture *f = *state;
	_cleanup_cmd_result_ struct cmd_result list = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result text = CMD_RESULT_INIT;
	_cleanup_cmd_result_ struct cmd_result json = CMD_RESULT_INIT;

	assert_zero(box_freeze(f->box));
	fixture_run(f, WORDS("list"), NULL, &list);
	fixture_run(f, WORDS("inspect", "@"), NULL, &text);
	fixture_run(f, WORDS("inspect", "--format=json", "@"), NULL, &json);
	assert_zero(box_unfreeze(f->box));
	assert_exit(&list, 0);
	assert_has(list.out, "FROZEN");
	assert_exit(&text, 0);
	assert_has(text.out, "FROZEN");
	assert_exit(&json, 0);
	assert_has(json.out, "\"frozen\": true");
	assert_has(json.out, "\"state\": \"FROZEN\"");
	assert_within(&json, 5000);
}

static void inspect_of_nothing_is_named(void **state)
{
	_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

	fixture_run(*state, WORDS("inspect"), NULL, &r);
	assert_exit(&r, 125);
	assert_string_equal(r.err, "attache: inspect: no container given [MissingContainerId]\n");
	fixture_run(*state, WORDS("inspect", "nobody-here"), NULL, &r);
	assert_exit(&r, 125);
	assert_has(r.err, "attache: inspect: nobody-here: no container of this name");
	assert_has(r.err, "[ContainerNotFound]\n");
	fixture_run(*state, WORDS("inspect", "@", "more"), NULL, &r);
	assert_exit(&r, 125);
	assert_has(r.err, "[InvalidArgument]\n");
	assert_string_equal(r.out, "");
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
	static const char *const words[][5] = { { "list", NULL },
		                                { "list", "--format", "json", NULL },
		                                { "inspect", "@", NULL },
		                                { "exec", "--dry-run", "@", "true", NULL } };
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct cmd how = { .stdout_fd = full };

	for (size_t i = 0; i < countof(words); i++) {
		_cleanup_cmd_result_ struct cmd_result r = CMD_RESULT_INIT;

		fixture_run(*state, words[i], &how, &r);
		assert_exit(&r, 125);
		assert_has(r.err, "[IoError]\n");
	}
	close(full);
}

int main(void)
{
	const struct CMUnitTest all[] = {
		fixture_test(a_list_has_the_running_ones_and_with_all_the_others_too),
		fixture_test(a_list_in_json_has_pid_state_and_kind),
		fixture_test(a_table_has_a_head_and_a_line_for_each),
		fixture_test(an_empty_list_is_no_error),
		fixture_test(a_list_takes_no_words_and_knows_its_formats),
		fixture_test(inspect_says_what_the_kernel_says_about_init),
		fixture_test(inspect_for_a_person_says_the_same),
		fixture_test(a_frozen_container_is_shown_as_frozen),
		fixture_test(inspect_of_nothing_is_named),
		fixture_test(output_that_cannot_be_written_is_an_error),
	};
	const struct CMUnitTest privileged[] = {
		fixture_test(a_table_has_a_head_and_a_line_for_each),
		fixture_test(inspect_says_what_the_kernel_says_about_init),
		fixture_test(inspect_for_a_person_says_the_same),
		fixture_test(a_frozen_container_is_shown_as_frozen),
	};
	const struct CMUnitTest pure_v2[] = {
		fixture_test(inspect_says_what_the_kernel_says_about_init),
		fixture_test(a_frozen_container_is_shown_as_frozen),
	};
	int failed = cmocka_run_group_tests_name("list and inspect, idmapped", all, open_idmapped,
	                                         fixture_close);

	failed += cmocka_run_group_tests_name("list and inspect, privileged", privileged,
	                                      open_privileged, fixture_close);
	return failed + cmocka_run_group_tests_name("list and inspect, pure v2", pure_v2,
	                                            open_pure_v2, fixture_close);
}
