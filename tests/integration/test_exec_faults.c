/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every system call of a launch is made to fail, one in each run: in attache, in the guardian, in
 * the entry process and in the job until its exec. Whatever fails, the command either does not run,
 * and one line says why; or it runs exactly as it would have, as the host and as it itself see it.
 * Nothing is left behind, and nothing hangs.
 *
 * With ATTACHE_FAULTS=all every call fails with every error; otherwise with one, and those that the
 * confinement hangs on with a few; with ATTACHE_FAULTS=few, for machines that are slow, only those in
 * the container fail, with one.
 */
#include "harness/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <seccomp.h>

#include "base/clock.h"
#include "harness/expect.h"
#include "harness/fault.h"
#include "harness/record.h"

#define DEADLINE_MS 60000
#define LATE_MS     15000
#define MAX_SHOWN   40

static const int errors[] = { EPERM,  EIO,    ENOMEM, EACCES, EINVAL, EAGAIN,
	                      ENOENT, EMFILE, ENOSPC, ESRCH,  EINTR };

enum outcome {
	REFUSED, /* the command did not run, and an error says why */
	PLANNED, /* it ran as planned, and ended as it would have */
	STOPPED, /* it ran as planned, then an error says that attache had to end it */
	WRONG,
	_OUTCOME_MAX,
};

/* One line of the table. */
struct row {
	int role;
	long nr;
	unsigned calls;
	unsigned tried;
	unsigned n[_OUTCOME_MAX];
};

struct suite {
	struct fixture *f;
	struct fault_result *plain; /* undisturbed */
	struct fault_result *run;
	char piped_view[FAULT_MAX_VIEW]; /* the same job with a pipe for its standard input */
	struct record want;
	struct row rows[128];
	size_t n_rows;
	unsigned n_shown;
	unsigned n_missed;
	int first_role; /* nothing is made to fail in those before */
	const char *argv[32];
};

/* ---- one run ------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static enum outcome
wrong(struct suite *s, const struct fault_call *c, const char *fmt, ...)
{
	va_list ap;

	if (s->n_shown++ > MAX_SHOWN)
		return WRONG;
	print_message("# %s %d: call %ld, #%d (%s): ", fault_role_name(c->role), c->born, c->nr,
	              c->nth, c->about);
	va_start(ap, fmt);
	vprint_message(fmt, ap);
	va_end(ap);
	print_message("\n# exit %d, signal %d, started %d, stderr: %s\n", s->run->code,
	              s->run->signal, s->run->started, s->run->err);
	return WRONG;
}

/* "attache: exec: …: … [Name]", one line, and the same with its stage in the result object. */
static const char *why_no_error(const struct fault_result *r)
{
	const char *end = strchr(r->err, '\n');
	const char *stage = strstr(r->status, "\"stage\":");

	if (r->code != 125 && r->code != 126 && r->code != 127)
		return "no exit code of an error";
	if (strncmp(r->err, "attache: exec: ", 15) != 0 || end == NULL || end[1] != '\0' ||
	    end[-1] != ']')
		return "no single line with a name";
	/* Where the descriptor is what failed, there is nowhere to write it. */
	if (r->status[0] == '\0' && strstr(r->err, "descriptor") != NULL)
		return NULL;
	if (stage == NULL || strncmp(stage, "\"stage\":\"\"", 10) == 0 ||
	    strncmp(stage, "\"stage\":null", 12) == 0)
		return "no stage";
	return NULL;
}

/*
 * Where its null device cannot be had, a container's job gets a pipe that nothing comes through. It is
 * the one thing that may be planned anew, but for which of the base cgroups its own is below.
 */
static void make_piped_view(struct suite *s)
{
	static const char null[] = "fd/0 -> /dev/null\n";
	const char *at = strstr(s->plain->view, null);

	assert_non_null(at);
	snprintf(s->piped_view, sizeof(s->piped_view), "%.*sfd/0 -> pipe:\n%s",
	         (int)(at - s->plain->view), s->plain->view, at + sizeof(null) - 1);
}

static int expect_stdin(struct suite *s, const struct record *got)
{
	const char *fd = record_get(got, "fd.0");
	bool piped = fd != NULL && strcmp(fd, "pipe") == 0;
	int r = record_set(&s->want, "fd.0", piped ? "pipe" : "chr:1:3");

	return r == 0 ? record_set(&s->want, "fd.0.flags", piped ? "r" : "rw") : r;
}

static const char *first_difference(const char *want, const char *got)
{
	static char line[300];

	while (*want != '\0' && *want == *got) {
		want++;
		got++;
	}
	snprintf(line, sizeof(line), "want '%.*s' got '%.*s'", (int)strcspn(want, "\n"), want,
	         (int)strcspn(got, "\n"), got);
	return line;
}

static enum outcome judge_record(struct suite *s, const struct fault_call *c, int error)
{
	_cleanup_record_ struct record got = RECORD_INIT;
	_cleanup_free_ char *diff = NULL;

	if (record_parse(s->run->out, &got) != 0 || expect_settle(&got, &s->want) != 0 ||
	    expect_stdin(s, &got) != 0)
		return wrong(s, c, "error %d: no record", error);
	if (record_compare(&got, &s->want, &diff) != 0)
		return wrong(s, c, "error %d: another record: %s", error, diff);
	return PLANNED;
}

static enum outcome judge(struct suite *s, const struct fault_call *c, int error)
{
	const struct fault_result *r = s->run;
	const char *why = NULL;

	if (r->hung)
		return wrong(s, c, "error %d: it hung", error);
	if (r->started && strcmp(r->view, s->plain->view) != 0 &&
	    strcmp(r->view, s->piped_view) != 0)
		return wrong(s, c, "error %d: another job: %s", error,
		             first_difference(s->plain->view, r->view));
	if (r->started && r->code == 0 && r->err[0] == '\0')
		return judge_record(s, c, error);
	why = why_no_error(r);
	if (why != NULL)
		return wrong(s, c, "error %d: %s: %s", error, why, r->status);
	if (!r->started && r->out[0] != '\0')
		return wrong(s, c, "error %d: output of no command", error);
	return r->started ? STOPPED : REFUSED;
}

static struct row *row_of(struct suite *s, const struct fault_call *c)
{
	for (size_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].role == c->role && s->rows[i].nr == c->nr)
			return &s->rows[i];
	assert_true(s->n_rows < countof(s->rows));
	s->rows[s->n_rows] = (struct row){ .role = c->role, .nr = c->nr };
	return &s->rows[s->n_rows++];
}

static void try_error(struct suite *s, const struct fault_call *c, int error)
{
	_cleanup_free_ char *diff = NULL;
	struct row *row = row_of(s, c);
	int64_t start_ns = att_clock_now_ns();
	int64_t took_ms = 0;
	enum outcome o = WRONG;

	assert_zero(fault_run(s->argv, c, error, DEADLINE_MS, s->run));
	row->tried++;
	if (!s->run->hit)
		s->n_missed++;
	took_ms = (att_clock_now_ns() - start_ns) / ATT_NS_PER_MS;
	o = judge(s, c, error);
	if (o != WRONG && took_ms > LATE_MS)
		o = wrong(s, c, "error %d: it took %lld ms", error, (long long)took_ms);
	if (leak_check(s->f->leak, &diff) != 0) {
		o = wrong(s, c, "error %d: it left: %s", error, diff);
		/* What is left now is not the next one's. */
		s->f->leak = leak_free(s->f->leak);
		assert_zero(leak_new(&s->f->leak, s->f->box));
	}
	row->n[o]++;
}

/* ---- all of them -------------------------------------------------------------------------- */

/* A job that has more than it should, if one of these fails and nobody looks. */
static bool is_hinge(const struct fault_call *c)
{
	static const long always[] = { SYS_setns,       SYS_setresuid, SYS_setresgid, SYS_setgroups,
		                       SYS_capset,      SYS_capget,    SYS_prctl,     SYS_seccomp,
		                       SYS_keyctl,      SYS_clone3,    SYS_clone,     SYS_execve,
		                       SYS_close_range, SYS_prlimit64, SYS_getresuid, SYS_getresgid,
		                       SYS_execveat };

	for (size_t i = 0; i < countof(always); i++)
		if (always[i] == c->nr)
			return true;
	/* What the entry process writes are its cgroups, its label and its score. */
	return c->role == FAULT_ENTRY && (c->nr == SYS_write || c->nr == SYS_openat);
}

/* A container without a list of users is one whose root has another home, which is planned so. */
static bool is_plausible(const struct fault_call *c, int error)
{
	if (error != ENOENT)
		return true;
	return fault_names_a_path(c) && strcmp(c->about, "etc/passwd") != 0;
}

static void print_table(const struct suite *s)
{
	struct row sum = { 0 };

	print_message("# %-9s %-18s %6s %6s %8s %8s %8s %6s\n", "process", "call", "calls", "tried",
	              "refused", "planned", "stopped", "wrong");
	for (size_t i = 0; i < s->n_rows; i++) {
		const struct row *r = &s->rows[i];
		_cleanup_free_ char *name =
			seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)r->nr);

		print_message("# %-9s %-18s %6u %6u %8u %8u %8u %6u\n", fault_role_name(r->role),
		              name == NULL ? "?" : name, r->calls, r->tried, r->n[REFUSED],
		              r->n[PLANNED], r->n[STOPPED], r->n[WRONG]);
		sum.calls += r->calls;
		sum.tried += r->tried;
		for (int o = 0; o < _OUTCOME_MAX; o++)
			sum.n[o] += r->n[o];
	}
	print_message("# %-28s %6u %6u %8u %8u %8u %6u\n", "all", sum.calls, sum.tried,
	              sum.n[REFUSED], sum.n[PLANNED], sum.n[STOPPED], sum.n[WRONG]);
}

static void run_plain(struct suite *s)
{
	_cleanup_record_ struct record got = RECORD_INIT;

	assert_zero(fault_run(s->argv, NULL, 0, DEADLINE_MS, s->plain));
	if (!s->plain->started || s->plain->code != 0)
		fail_msg("undisturbed: exit %d: %s", s->plain->code, s->plain->err);
	assert_true(s->plain->n_calls > 100 && s->plain->n_calls < FAULT_MAX_CALLS);
	assert_zero(record_parse(s->plain->out, &got));
	assert_zero(expect_settle(&got, &s->want));
	assert_record(&got, &s->want);
	make_piped_view(s);
}

static bool is_asked_for(const char *how)
{
	const char *faults = getenv("ATTACHE_FAULTS");

	return faults != NULL && strcmp(faults, how) == 0;
}

static void fail_each_in_turn(struct suite *s)
{
	bool all = is_asked_for("all");
	bool few = is_asked_for("few");
	int first_role = few ? FAULT_ENTRY : s->first_role;
	unsigned n_wrong = 0;

	run_plain(s);
	for (size_t i = 0; i < s->plain->n_calls; i++) {
		const struct fault_call *c = &s->plain->calls[i];
		size_t n = all ? countof(errors) : is_hinge(c) && !few ? 3 : 1;

		if (c->role < first_role || !fault_can_fail(c))
			continue;
		row_of(s, c)->calls++;
		for (size_t k = 0; k < n; k++) {
			int error = errors[(i + k) % countof(errors)];

			if (is_plausible(c, error))
				try_error(s, c, error);
			else if (!all)
				try_error(s, c, EIO);
		}
	}
	print_table(s);
	for (size_t i = 0; i < s->n_rows; i++)
		n_wrong += s->rows[i].n[WRONG];
	if (n_wrong > 0)
		fail_msg("%u faults did not end as they must", n_wrong);
	if (s->n_missed > 0)
		fail_msg("%u calls did not come again", s->n_missed);
}

static void make_argv(struct suite *s, const char *const *options)
{
	const char *const head[] = { s->f->program,          "exec",        "-P",
		                     box_lxcpath(s->f->box), "--status-fd", "3" };
	const char *const tail[] = { box_name(s->f->box), "/probe", "record" };
	size_t n = 0;

	for (size_t i = 0; i < countof(head); i++)
		s->argv[n++] = head[i];
	for (; *options != NULL; options++)
		s->argv[n++] = *options;
	for (size_t i = 0; i < countof(tail); i++)
		s->argv[n++] = tail[i];
	assert_true(n < countof(s->argv));
}

/* @want: what the record must be, where it is not simply that of the undisturbed run. */
static void run_suite(struct fixture *f, const char *const *options, int first_role,
                      struct record *want)
{
	struct suite *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->f = f;
	s->first_role = first_role;
	make_argv(s, options);
	s->plain = fault_result_new();
	s->run = fault_result_new();
	assert_true(s->plain != NULL && s->run != NULL);
	/* The first run makes the base cgroup, which stays. */
	assert_zero(fault_run(s->argv, NULL, 0, DEADLINE_MS, s->plain));
	assert_zero(record_parse(s->plain->out, &s->want));
	if (want != NULL) {
		record_done(&s->want);
		s->want = *want;
		*want = (struct record)RECORD_INIT;
	}
	fail_each_in_turn(s);
	record_done(&s->want);
	s->run = fault_result_free(s->run);
	s->plain = fault_result_free(s->plain);
	free(s);
}

static void whatever_fails_the_job_is_as_planned_or_is_not(void **state)
{
	struct fixture *f = *state;
	_cleanup_record_ struct record want = RECORD_INIT;

	assert_zero(expect_job(f->box, BOX_IDMAPPED, &want));
	run_suite(f, WORDS(NULL), FAULT_ATTACHE, &want);
}

/* Another order of the last steps, and steps that root's job has not. */
static void whatever_fails_for_a_user_s_job_under_no_new_privs(void **state)
{
	run_suite(*state,
	          WORDS("-u", "alice", "-w", "/tmp", "--no-new-privs", "--cap-add", "chown",
	                "--rlimit", "nofile=64", "--nice", "3"),
	          FAULT_GUARDIAN, NULL);
}

static int open_group(void **state)
{
	return fixture_open(state, BOX_IDMAPPED, "faults");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test(whatever_fails_the_job_is_as_planned_or_is_not),
		fixture_test(whatever_fails_for_a_user_s_job_under_no_new_privs),
	};

	return cmocka_run_group_tests_name("exec: faults", tests, open_group, fixture_close);
}
