/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/att_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "sys/proc.h"

static const char status_text[] = "Name:\tinit\n"
				  "Umask:\t0022\n"
				  "State:\tS (sleeping)\n"
				  "Tgid:\t1\n"
				  "Pid:\t1\n"
				  "PPid:\t77\n"
				  "Uid:\t100000\t100001\t100002\t4294967294\n"
				  "Gid:\t5\t6\t7\t8\n"
				  "Groups:\t \n"
				  "SigPnd:\t0000000000000000\n"
				  "SigBlk:\t7be3c0fe28014a03\n"
				  "SigIgn:\t0000000000001000\n"
				  "SigCgt:\t00000001800004ec\n"
				  "CapInh:\t0000000000000001\n"
				  "CapPrm:\t000001ffffffffff\n"
				  "CapEff:\t000001fffffffffe\n"
				  "CapBnd:\tffffffffffffffff\n"
				  "CapAmb:\t0000000000000000\n"
				  "NoNewPrivs:\t1\n"
				  "Seccomp:\t2\n"
				  "Seccomp_filters:\t3\n"
				  "Speculation_Store_Bypass:\tvulnerable\n";

/* @text with its first @from replaced by @to, NUL-terminated and owned by the caller. */
static char *replaced(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = NULL;

	assert_non_null(at);
	assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) >= 0);
	return out;
}

static bool parse_status(const char *text, struct att_proc_status *ret)
{
	return att_proc_parse_status(text, strlen(text), ret);
}

static void status_fields_are_what_the_kernel_wrote(void **state)
{
	struct att_proc_status s = { 0 };

	(void)state;
	assert_true(parse_status(status_text, &s));
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 77);
	assert_int_equal(s.uid[0], 100000);
	assert_int_equal(s.uid[1], 100001);
	assert_int_equal(s.uid[2], 100002);
	assert_int_equal(s.uid[3], UINT32_MAX - 1);
	assert_int_equal(s.gid[0], 5);
	assert_int_equal(s.gid[3], 8);
	assert_true(s.sig_blk == UINT64_C(0x7be3c0fe28014a03));
	assert_true(s.sig_ign == 0x1000);
	assert_true(s.sig_cgt == UINT64_C(0x1800004ec));
	assert_true(s.cap_inh == 1);
	assert_true(s.cap_prm == UINT64_C(0x1ffffffffff));
	assert_true(s.cap_eff == UINT64_C(0x1fffffffffe));
	assert_true(s.cap_bnd == UINT64_MAX);
	assert_true(s.cap_amb == 0);
	assert_int_equal(s.no_new_privs, 1);
	assert_int_equal(s.seccomp, 2);
	assert_int_equal(s.seccomp_filters, 3);
}

static void status_without_a_line_that_counts_fails(void **state)
{
	static const char *const keys[] = {
		"State:",  "PPid:",   "Uid:",    "Gid:",    "SigBlk:", "SigIgn:",     "SigCgt:",
		"CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"
	};
	struct att_proc_status s = { .ppid = 123 };

	(void)state;
	for (size_t i = 0; i < countof(keys); i++) {
		_cleanup_free_ char *text = replaced(status_text, keys[i], "Other:");

		assert_false(parse_status(text, &s));
	}
	assert_false(parse_status("", &s));
	assert_int_equal(s.ppid, 123);
}

static void status_before_filters_were_counted_says_so(void **state)
{
	_cleanup_free_ char *text = replaced(status_text, "Seccomp_filters:\t3\n", "");
	struct att_proc_status s = { 0 };

	(void)state;
	assert_true(parse_status(text, &s));
	assert_int_equal(s.seccomp, 2);
	assert_int_equal(s.seccomp_filters, -1);
}

static void status_with_a_malformed_value_fails(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} cases[] = {
		{ "State:\tS (", "State:\t5 (" },
		{ "State:\tS (sleeping)", "State:\t" },
		{ "State:\tS (", "State:\tSleeping (" },
		{ "PPid:\t77", "PPid:\t-1" },
		{ "PPid:\t77", "PPid:\t2147483648" },
		{ "PPid:\t77", "PPid:\t77 7" },
		{ "Uid:\t100000", "Uid:\t" },
		{ "Uid:\t100000", "Uid:\t4294967296" },
		{ "\t4294967294\n", "\n" },
		{ "\t4294967294\n", "\t1\t2\n" },
		{ "Gid:\t5", "Gid:\tx" },
		{ "CapEff:\t0", "CapEff:\t0x0" },
		{ "CapEff:\t0", "CapEff:\tg" },
		{ "CapEff:\t0", "CapEff:\tF" },
		{ "CapBnd:\t", "CapBnd:\t1" },
		{ "Seccomp:\t2", "Seccomp:\t" },
		{ "Seccomp_filters:\t3", "Seccomp_filters:\tx" },
	};
	struct att_proc_status s = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		_cleanup_free_ char *text = replaced(status_text, cases[i].from, cases[i].to);

		assert_false(parse_status(text, &s));
	}
}

static void status_name_cannot_forge_a_key(void **state)
{
	static const char *const names[] = {
		"Name:\tCapEff:\tffffffffffffffff\n",
		"Name:\tx\\nUid:\t0\t0\t0\t0\n",
		"Name:\tx\r",
		"Name:\tx Uid:\t0\t0\t0\t0\n",
		"Name:\t\n",
	};
	struct att_proc_status s = { 0 };

	(void)state;
	for (size_t i = 0; i < countof(names); i++) {
		_cleanup_free_ char *text = replaced(status_text, "Name:\tinit\n", names[i]);

		if (!strchr(names[i], '\n')) /* swallows the next line, which is no field */
			assert_non_null(strstr(text, "\rUmask"));
		assert_true(parse_status(text, &s));
		assert_true(s.cap_eff == UINT64_C(0x1fffffffffe));
		assert_int_equal(s.uid[0], 100000);
	}
}

static void status_first_occurrence_wins(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct att_proc_status s = { 0 };

	(void)state;
	assert_true(asprintf(&text, "%sUid:\t0\t0\t0\t0\nCapEff:\tgarbage\nSeccomp:\t0\n",
	                     status_text) > 0);
	assert_true(parse_status(text, &s));
	assert_int_equal(s.uid[0], 100000);
	assert_int_equal(s.seccomp, 2);
}

static void status_that_was_cut_anywhere_never_gives_a_wrong_value(void **state)
{
	size_t whole = (size_t)(strstr(status_text, "Seccomp_filters") - status_text);
	size_t n_accepted = 0;

	(void)state;
	for (size_t len = 0; len < sizeof(status_text); len++) {
		struct att_proc_status s = { 0 };
		bool accepted = att_proc_parse_status(status_text, len, &s);

		assert_true(accepted == (len >= whole));
		if (accepted) {
			n_accepted++;
			assert_int_equal(s.seccomp, 2);
			assert_true(s.seccomp_filters == 3 || s.seccomp_filters == -1);
		}
	}
	assert_true(n_accepted > 0);
}

static void own_status_agrees_with_the_system_calls(void **state)
{
	struct att_proc_status s = { 0 };
	static char text[16384];
	ssize_t len = att_fd_read_file_at(AT_FDCWD, "/proc/self/status", text, sizeof(text));

	(void)state;
	assert_true(len > 0);
	assert_true(att_proc_parse_status(text, (size_t)len, &s));
	assert_int_equal(s.state, 'R');
	assert_int_equal(s.ppid, getppid());
	assert_int_equal(s.uid[0], getuid());
	assert_int_equal(s.uid[1], geteuid());
	assert_int_equal(s.gid[0], getgid());
	assert_int_equal(s.gid[1], getegid());
}

static const char limits_text[] =
	"Limit                     Soft Limit           Hard Limit           Units     \n"
	"Max cpu time              unlimited            unlimited            seconds   \n"
	"Max file size             1                    2                    bytes     \n"
	"Max data size             3                    unlimited            bytes     \n"
	"Max stack size            8388608              unlimited            bytes     \n"
	"Max core file size        0                    unlimited            bytes     \n"
	"Max resident set          unlimited            unlimited            bytes     \n"
	"Max processes             96365                96366                processes \n"
	"Max open files            1024                 20000                files     \n"
	"Max locked memory         8388608              8388608              bytes     \n"
	"Max address space         unlimited            18446744073709551614 bytes     \n"
	"Max file locks            unlimited            unlimited            locks     \n"
	"Max pending signals       96365                96365                signals   \n"
	"Max msgqueue size         819200               819200               bytes     \n"
	"Max nice priority         0                    7                    \n"
	"Max realtime priority     0                    8                    \n"
	"Max realtime timeout      unlimited            9                    us        \n";

static bool parse_limits(const char *text, struct att_rlimits *ret)
{
	return att_proc_parse_limits(text, strlen(text), ret);
}

static void limits_are_found_by_their_titles(void **state)
{
	struct att_rlimits l = { 0 };

	(void)state;
	assert_true(parse_limits(limits_text, &l));
	assert_true(l.v[RLIMIT_CPU].soft == UINT64_MAX && l.v[RLIMIT_CPU].hard == UINT64_MAX);
	assert_true(l.v[RLIMIT_FSIZE].soft == 1 && l.v[RLIMIT_FSIZE].hard == 2);
	assert_true(l.v[RLIMIT_DATA].soft == 3 && l.v[RLIMIT_DATA].hard == UINT64_MAX);
	assert_true(l.v[RLIMIT_CORE].soft == 0);
	assert_true(l.v[RLIMIT_NPROC].hard == 96366);
	assert_true(l.v[RLIMIT_NOFILE].soft == 1024 && l.v[RLIMIT_NOFILE].hard == 20000);
	assert_true(l.v[RLIMIT_AS].hard == UINT64_MAX - 1);
	assert_true(l.v[RLIMIT_NICE].hard == 7);
	assert_true(l.v[RLIMIT_RTPRIO].hard == 8);
	assert_true(l.v[RLIMIT_RTTIME].soft == UINT64_MAX && l.v[RLIMIT_RTTIME].hard == 9);
}

static void limits_must_all_be_there_and_well_formed(void **state)
{
	static const struct {
		const char *from;
		const char *to;
	} cases[] = {
		{ "Max cpu time ", "Max cpu tyme " },
		{ "Max open files ", "Max open filesx" },
		{ "Max realtime timeout ", " Max realtime timeout " },
		{ "1024 ", "-1 " },
		{ "1024 ", "x " },
		{ "1024 ", "unlimitedx " },
		{ "unlimited            seconds", "unlimitedx           seconds" },
		{ "1024 ", "0x400 " },
		{ "18446744073709551614", "18446744073709551616" },
		{ "1024                 20000                files     ", "1024" },
		{ "us        \n", "us" },
	};
	struct att_rlimits l = { .v[0].soft = 5 };

	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		_cleanup_free_ char *text = replaced(limits_text, cases[i].from, cases[i].to);

		assert_false(parse_limits(text, &l));
	}
	assert_false(parse_limits("", &l));
	for (size_t len = 0; len < sizeof(limits_text) - 1; len++)
		assert_false(att_proc_parse_limits(limits_text, len, &l));
	assert_true(l.v[0].soft == 5);
}

static void own_limits_agree_with_getrlimit(void **state)
{
	struct att_rlimits l = { 0 };
	char text[4096];
	ssize_t len = att_fd_read_file_at(AT_FDCWD, "/proc/self/limits", text, sizeof(text));

	(void)state;
	assert_true(len > 0);
	assert_true(att_proc_parse_limits(text, (size_t)len, &l));
	for (int i = 0; i < ATT_RLIMITS; i++) {
		struct rlimit limit;

		assert_int_equal(getrlimit((__rlimit_resource_t)i, &limit), 0);
		assert_true(l.v[i].soft == limit.rlim_cur);
		assert_true(l.v[i].hard == limit.rlim_max);
	}
}

static void rlimit_names_lead_back_to_their_numbers(void **state)
{
	(void)state;
	for (int i = 0; i < ATT_RLIMITS; i++) {
		assert_non_null(att_rlimit_name(i));
		assert_int_equal(att_rlimit_from_name(att_rlimit_name(i)), i);
	}
	assert_string_equal(att_rlimit_name(RLIMIT_NOFILE), "NOFILE");
	assert_int_equal(att_rlimit_from_name("nofile"), RLIMIT_NOFILE);
	assert_int_equal(att_rlimit_from_name("RLIMIT_NOFILE"), RLIMIT_NOFILE);
	assert_int_equal(att_rlimit_from_name("rlimit_As"), RLIMIT_AS);
	assert_int_equal(att_rlimit_from_name(""), -1);
	assert_int_equal(att_rlimit_from_name("RLIMIT_"), -1);
	assert_int_equal(att_rlimit_from_name("nofil"), -1);
	assert_int_equal(att_rlimit_from_name("nofilex"), -1);
	assert_int_equal(att_rlimit_from_name("7"), -1);
	assert_null(att_rlimit_name(-1));
	assert_null(att_rlimit_name(ATT_RLIMITS));
}

#define STAT_TAIL " S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 0 987654321 4096 17 0\n"

static void stat_is_read_behind_the_last_parenthesis(void **state)
{
	static const char *const texts[] = {
		"1 (init)" STAT_TAIL,
		"1 (a) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)" STAT_TAIL,
		"1 ()" STAT_TAIL,
		"1 (x\n) Z (y))" STAT_TAIL,
	};

	(void)state;
	for (size_t i = 0; i < countof(texts); i++) {
		char st = 0;
		uint64_t ticks = 0;

		assert_true(att_proc_parse_stat(texts[i], strlen(texts[i]), &st, &ticks));
		assert_int_equal(st, 'S');
		assert_true(ticks == 987654321);
	}
}

static void stat_that_is_malformed_or_cut_fails(void **state)
{
	static const char *const texts[] = {
		"",
		"1 init S 1 2 3",
		"1 (init)",
		"1 (init) ",
		"1 (init) S",
		"1 (init) S ",
		"1 (init)S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 0 987654321 4096\n",
		"1 (init) SS 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 0 987654321 4096\n",
		"1 (init) 5 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 0 987654321 4096\n",
		"1 (init) S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 0 -7 4096\n",
		"1 (init) S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 -5 1 x 987654321 4096\n",
	};
	static const char whole[] = "1 (init)" STAT_TAIL;
	size_t enough = (size_t)(strstr(whole, "987654321 ") - whole) + strlen("987654321 ");
	char st = '#';
	uint64_t ticks = 5;

	(void)state;
	for (size_t i = 0; i < countof(texts); i++)
		assert_false(att_proc_parse_stat(texts[i], strlen(texts[i]), &st, &ticks));
	for (size_t len = 0; len < enough; len++)
		assert_false(att_proc_parse_stat(whole, len, &st, &ticks));
	assert_int_equal(st, '#');
	assert_true(ticks == 5);
	assert_true(att_proc_parse_stat(whole, enough, &st, &ticks));
}

static void own_stat_is_readable(void **state)
{
	char text[2048];
	ssize_t len = att_fd_read_file_at(AT_FDCWD, "/proc/self/stat", text, sizeof(text));
	char st = 0;
	uint64_t ticks = 0;

	(void)state;
	assert_true(len > 0);
	assert_true(att_proc_parse_stat(text, (size_t)len, &st, &ticks));
	assert_int_equal(st, 'R');
	assert_true(ticks > 0);
}

static int parse_cgroup(const char *text, struct att_cgroup_lines *ret)
{
	return att_cgroup_lines_parse(text, strlen(text), ret);
}

static void cgroup_lines_are_split_at_two_colons(void **state)
{
	_cleanup_cgroup_lines_ struct att_cgroup_lines l = ATT_CGROUP_LINES_INIT;

	(void)state;
	assert_int_equal(parse_cgroup("9:name=systemd:/\n"
	                              "4:cpu,cpuacct:/lxc.payload.bb\n"
	                              "0::/lxc/a:b::c (deleted)\n",
	                              &l),
	                 0);
	assert_int_equal(l.n, 3);
	assert_int_equal(l.v[0].hierarchy, 9);
	assert_string_equal(l.v[0].controllers, "name=systemd");
	assert_string_equal(l.v[0].path, "/");
	assert_string_equal(l.v[1].controllers, "cpu,cpuacct");
	assert_string_equal(l.v[1].path, "/lxc.payload.bb");
	assert_int_equal(l.v[2].hierarchy, 0);
	assert_string_equal(l.v[2].controllers, "");
	assert_string_equal(l.v[2].path, "/lxc/a:b::c (deleted)");
}

static void cgroup_lines_malformed_or_cut_are_invalid(void **state)
{
	static const char *const refused[] = {
		"0::/a",  "\n",      "0\n",      "0:\n",   "0::\n",     "0:/a\n",
		"0::a\n", "x::/a\n", "-1::/a\n", "::/a\n", "0::/a\n\n", "2147483648::/a\n",
	};
	struct att_cgroup_lines l = { .n = 9 };

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_int_equal(parse_cgroup(refused[i], &l), -EINVAL);
	assert_int_equal(att_cgroup_lines_parse("0::/a\0b\n", 8, &l), -EINVAL);
	assert_int_equal(l.n, 9);
	assert_null(l.v);
}

static void cgroup_lines_have_a_limit(void **state)
{
	struct att_cgroup_lines l = ATT_CGROUP_LINES_INIT;
	char text[8 * ATT_CGROUP_LINES_MAX + 16] = "";

	(void)state;
	for (int i = 0; i < ATT_CGROUP_LINES_MAX; i++)
		memcpy(text + 6 * i, "1:c:/\n", 7);
	assert_int_equal(parse_cgroup(text, &l), 0);
	assert_int_equal(l.n, ATT_CGROUP_LINES_MAX);
	att_cgroup_lines_done(&l);
	memcpy(text + 6 * ATT_CGROUP_LINES_MAX, "1:c:/\n", 7);
	assert_int_equal(parse_cgroup(text, &l), -EINVAL);
	assert_int_equal(parse_cgroup("", &l), 0);
	assert_int_equal(l.n, 0);
	att_cgroup_lines_done(&l);
	att_cgroup_lines_done(&l);
}

static int parse_mounts(const char *text, struct att_mounts *ret)
{
	return att_mounts_parse(text, strlen(text), ret);
}

static void mounts_of_cgroup_file_systems_are_listed(void **state)
{
	_cleanup_mounts_ struct att_mounts m = ATT_MOUNTS_INIT;

	(void)state;
	assert_int_equal(parse_mounts("23 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
	                              "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
	                              "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	                              "41 31 0:38 /a\\040b\\134c /mnt/x\\012y rw shared:9 master:3 "
	                              "propagate_from:2 - cgroup2 none rw,nsdelegate\n"
	                              "42 31 0:39 / /mnt/-\\040- rw - fuse.cgroup evil rw\n"
	                              "43 31 0:40 / /no-source rw - cgroup2  rw,x\n",
	                              &m),
	                 0);
	assert_int_equal(m.n, 3);
	assert_string_equal(m.v[0].root, "/");
	assert_string_equal(m.v[0].mount_point, "/sys/fs/cgroup/cpu");
	assert_string_equal(m.v[0].fs_type, "cgroup");
	assert_string_equal(m.v[0].super_options, "rw,cpu");
	assert_string_equal(m.v[1].root, "/a b\\c");
	assert_string_equal(m.v[1].mount_point, "/mnt/x\ny");
	assert_string_equal(m.v[1].fs_type, "cgroup2");
	assert_string_equal(m.v[1].super_options, "rw,nsdelegate");
	assert_string_equal(m.v[2].mount_point, "/no-source");
	assert_string_equal(m.v[2].super_options, "rw,x");
}

static void mount_named_like_a_separator_is_no_separator(void **state)
{
	_cleanup_mounts_ struct att_mounts m = ATT_MOUNTS_INIT;

	(void)state;
	assert_int_equal(parse_mounts("1 2 0:3 - - - - tmpfs cgroup2 rw\n"
	                              "1 2 0:3 / /x rw - tmpfs - cgroup2\n",
	                              &m),
	                 0);
	assert_int_equal(m.n, 0);
}

static void escapes_that_are_none_stay_as_they_are(void **state)
{
	_cleanup_mounts_ struct att_mounts m = ATT_MOUNTS_INIT;

	(void)state;
	assert_int_equal(
		parse_mounts("1 2 0:3 /\\0401\\377 /\\000\\400\\08\\1\\ rw - cgroup2 c r\n", &m),
		0);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.v[0].root, "/ 1\xff");
	assert_string_equal(m.v[0].mount_point, "/\\000\\400\\08\\1\\");
}

static void mounts_malformed_or_cut_are_invalid(void **state)
{
	static const char *const refused[] = {
		"\n",
		"1 2 0:3 / /x rw - cgroup2 c rw",
		"1 2 0:3 / /x rw - cgroup2 c\n",
		"1 2 0:3 / /x rw - cgroup2\n",
		"1 2 0:3 / /x rw cgroup2 c rw\n",
		"1 2 0:3 / /x rw\n",
		"1 2 0:3 / /x rw - cgroup2 c rw\n\n",
	};
	struct att_mounts m = { .n = 9 };

	(void)state;
	for (size_t i = 0; i < countof(refused); i++)
		assert_int_equal(parse_mounts(refused[i], &m), -EINVAL);
	assert_int_equal(att_mounts_parse("1 2 0:3 / /\0 rw - cgroup2 c rw\n", 31, &m), -EINVAL);
	assert_int_equal(m.n, 9);
	assert_null(m.v);
}

static void own_cgroup_and_mountinfo_are_readable(void **state)
{
	_cleanup_cgroup_lines_ struct att_cgroup_lines l = ATT_CGROUP_LINES_INIT;
	_cleanup_mounts_ struct att_mounts m = ATT_MOUNTS_INIT;
	_cleanup_free_ char *text = calloc(1, 1 << 20);
	ssize_t len = 0;

	(void)state;
	assert_non_null(text);
	len = att_fd_read_file_at(AT_FDCWD, "/proc/self/cgroup", text, 1 << 20);
	assert_true(len >= 0);
	assert_int_equal(att_cgroup_lines_parse(text, (size_t)len, &l), 0);
	len = att_fd_read_file_at(AT_FDCWD, "/proc/self/mountinfo", text, 1 << 20);
	assert_true(len > 0);
	assert_int_equal(att_mounts_parse(text, (size_t)len, &m), 0);
	for (size_t i = 0; i < m.n; i++)
		assert_int_equal(m.v[i].mount_point[0], '/');
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_fields_are_what_the_kernel_wrote),
		cmocka_unit_test(status_without_a_line_that_counts_fails),
		cmocka_unit_test(status_before_filters_were_counted_says_so),
		cmocka_unit_test(status_with_a_malformed_value_fails),
		cmocka_unit_test(status_name_cannot_forge_a_key),
		cmocka_unit_test(status_first_occurrence_wins),
		cmocka_unit_test(status_that_was_cut_anywhere_never_gives_a_wrong_value),
		cmocka_unit_test(own_status_agrees_with_the_system_calls),
		cmocka_unit_test(limits_are_found_by_their_titles),
		cmocka_unit_test(limits_must_all_be_there_and_well_formed),
		cmocka_unit_test(own_limits_agree_with_getrlimit),
		cmocka_unit_test(rlimit_names_lead_back_to_their_numbers),
		cmocka_unit_test(stat_is_read_behind_the_last_parenthesis),
		cmocka_unit_test(stat_that_is_malformed_or_cut_fails),
		cmocka_unit_test(own_stat_is_readable),
		cmocka_unit_test(cgroup_lines_are_split_at_two_colons),
		cmocka_unit_test(cgroup_lines_malformed_or_cut_are_invalid),
		cmocka_unit_test(cgroup_lines_have_a_limit),
		cmocka_unit_test(mounts_of_cgroup_file_systems_are_listed),
		cmocka_unit_test(mount_named_like_a_separator_is_no_separator),
		cmocka_unit_test(escapes_that_are_none_stay_as_they_are),
		cmocka_unit_test(mounts_malformed_or_cut_are_invalid),
		cmocka_unit_test(own_cgroup_and_mountinfo_are_readable),
	};

	return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
