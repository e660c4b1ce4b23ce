/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "harness/job.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "harness/expect.h"

void assert_job(const struct box *box, const char *const *options, struct record *want)
{
	_cleanup_record_ struct record got = RECORD_INIT;

	assert_zero(record_exec(box, options, &got));
	assert_zero(expect_settle(&got, want));
	assert_record(&got, want);
}

void assert_not_run(const struct cmd_result *r, const char *words)
{
	assert_exit(r, 125);
	assert_string_equal(r->out, "");
	assert_has(r->err, words);
}

int setup_filter(void *unused)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { .len = 1, .filter = &allow };

	(void)unused;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0 ? errno : 0;
}
