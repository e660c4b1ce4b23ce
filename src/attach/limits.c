/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Process attributes: init's own limits and oom score, and what the request changes. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attach/plan.h"
#include "base/parse.h"

#define NAME_CAP     32
#define NUMBER_CAP   32
#define CPU_WORDS    (ATT_MAX_CPUS / 64)
#define ATT_MAX_CPUS 8192

static int bad(struct att_err *err, const char *what, const char *word)
{
	char shown[128];

	att_escape(shown, sizeof(shown), word, strlen(word));
	return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN, "%s '%s'", what, shown);
}

static bool parse_limit(const char *text, size_t len, uint64_t *ret)
{
	char number[NUMBER_CAP];

	if (len == 0 || len >= sizeof(number))
		return false;
	memcpy(number, text, len);
	number[len] = '\0';
	if (strcmp(number, "unlimited") == 0 || strcmp(number, "infinity") == 0) {
		*ret = UINT64_MAX;
		return true;
	}
	return att_parse_u64(number, ret);
}

/* "NAME=SOFT[:HARD]"; one number is both. */
static int set_rlimit(struct att_plan *plan, const char *word, struct att_err *err)
{
	char name[NAME_CAP];
	char shown[128];
	const char *eq = strchr(word, '=');
	const char *colon = eq ? strchr(eq, ':') : NULL;
	size_t name_len = eq ? (size_t)(eq - word) : 0;
	uint64_t soft = 0;
	uint64_t hard = 0;
	int n = -1;

	if (name_len == 0 || name_len >= sizeof(name))
		return bad(err, "no NAME=SOFT[:HARD] in resource limit", word);
	memcpy(name, word, name_len);
	name[name_len] = '\0';
	n = att_rlimit_from_name(name);
	if (n < 0)
		return bad(err, "unknown resource limit", name);
	if (!parse_limit(eq + 1, colon ? (size_t)(colon - eq - 1) : strlen(eq + 1), &soft))
		return bad(err, "no number in resource limit", word);
	hard = soft;
	if (colon && !parse_limit(colon + 1, strlen(colon + 1), &hard))
		return bad(err, "no number in resource limit", word);
	if (soft > hard)
		return bad(err, "the soft value exceeds the hard one in resource limit", word);
	/* The kernel would refuse it without a word about which one. */
	if (hard > plan->snapshot.self.limits.v[n].hard &&
	    !(plan->snapshot.self.status.cap_eff & (UINT64_C(1) << CAP_SYS_RESOURCE))) {
		att_escape(shown, sizeof(shown), word, strlen(word));
		return att_err_set(
			err, ATT_E_PERMISSION_DENIED, ATT_STAGE_PLAN,
			"resource limit '%s' is above the caller's own, and the caller has "
			"no CAP_SYS_RESOURCE",
			shown);
	}
	plan->limits.v[n].soft = soft;
	plan->limits.v[n].hard = hard;
	return 0;
}

static int choose_rlimits(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	const struct att_rlimits *mine = &plan->snapshot.self.limits;

	plan->limits = plan->snapshot.init.limits;
	for (const char *const *w = req->rlimits; w && *w; w++) {
		int r = set_rlimit(plan, *w, err);

		if (r < 0)
			return r;
	}
	for (uint32_t n = 0; n < ATT_RLIMITS; n++) {
		if (plan->limits.v[n].soft == mine->v[n].soft &&
		    plan->limits.v[n].hard == mine->v[n].hard)
			continue;
		plan->wire.rlimit_mask |= 1u << n;
		plan->wire.rlimit[n].soft = plan->limits.v[n].soft;
		plan->wire.rlimit[n].hard = plan->limits.v[n].hard;
	}
	return 0;
}

static int choose_affinity(const struct att_request *req, struct att_plan *plan,
                           struct att_err *err)
{
	uint64_t want[CPU_WORDS];
	uint64_t mine[CPU_WORDS];
	size_t bytes = sizeof(want);

	memset(want, 0, sizeof(want));
	memset(mine, 0, sizeof(mine));
	if (req->cpu_affinity) {
		if (!att_parse_cpu_list(req->cpu_affinity, want, countof(want)))
			return bad(err, "no list of processors:", req->cpu_affinity);
	} else {
		/* Init gone is for the entry to find out; here it only means nothing to copy. */
		if (sched_getaffinity(plan->snapshot.host_pid, sizeof(want), (cpu_set_t *)want) < 0)
			return 0;
		if (sched_getaffinity(0, sizeof(mine), (cpu_set_t *)mine) == 0 &&
		    memcmp(want, mine, sizeof(want)) == 0)
			return 0;
	}
	while (bytes > 8 && want[bytes / 8 - 1] == 0)
		bytes -= 8;
	plan->wire.flags |= ATT_WIRE_SET_AFFINITY;
	return att_plan_blob(plan, want, bytes, &plan->wire.affinity, err);
}

/* Init's, not the caller's. Init gone is for the entry to find out. */
static void copy_io_priority(struct att_plan *plan)
{
	long init = syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, plan->snapshot.host_pid);

	if (init < 0 || init == syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0))
		return;
	plan->wire.flags |= ATT_WIRE_SET_IOPRIO;
	plan->wire.io_priority = (uint32_t)init;
}

/* A realtime caller must not hand the processor to the container. */
static void copy_policy(struct att_plan *plan)
{
	struct sched_param init = { 0 };
	struct sched_param mine = { 0 };
	int policy = sched_getscheduler(plan->snapshot.host_pid);

	if (policy < 0 || sched_getparam(plan->snapshot.host_pid, &init) < 0)
		return;
	if (policy == sched_getscheduler(0) && sched_getparam(0, &mine) == 0 &&
	    init.sched_priority == mine.sched_priority)
		return;
	plan->wire.flags |= ATT_WIRE_SET_SCHED;
	plan->wire.sched_policy = policy;
	plan->wire.sched_priority = init.sched_priority;
}

static void choose_nice(const struct att_request *req, struct att_plan *plan)
{
	int init = 0;

	plan->wire.nice = req->nice;
	if (req->has_nice) {
		plan->wire.flags |= ATT_WIRE_SET_NICE;
		return;
	}
	errno = 0;
	init = getpriority(PRIO_PROCESS, (id_t)plan->snapshot.host_pid);
	/* -1 is a nice value, too. */
	if (errno != 0 || init == getpriority(PRIO_PROCESS, 0))
		return;
	plan->wire.flags |= ATT_WIRE_SET_NICE;
	plan->wire.nice = init;
}

static int choose_io_priority(const struct att_request *req, struct att_plan *plan,
                              struct att_err *err)
{
	static const char *const names[] = { "none", "realtime", "best-effort", "idle" };
	const char *text = req->io_priority;
	size_t len = text ? strcspn(text, ":") : 0;
	uint64_t level = 4;

	if (!text) {
		copy_io_priority(plan);
		return 0;
	}
	if (text[len] == ':' && (!att_parse_u64(text + len + 1, &level) || level > 7))
		return bad(err, "no level 0…7 in I/O priority", text);
	for (uint32_t class = 0; class < countof(names); class ++) {
		if (strlen(names[class]) != len || strncmp(names[class], text, len) != 0)
			continue;
		/* Only two of the classes have levels. */
		if (class == IOPRIO_CLASS_NONE || class == IOPRIO_CLASS_IDLE)
			level = 0;
		plan->wire.flags |= ATT_WIRE_SET_IOPRIO;
		plan->wire.io_priority = IOPRIO_PRIO_VALUE(class, (uint32_t)level);
		return 0;
	}
	return bad(err, "no class realtime, best-effort, idle or none in I/O priority", text);
}

static int choose_numbers(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	int32_t oom = req->has_oom ? req->oom_score_adj : plan->snapshot.init.oom_score_adj;

	if (oom < -1000 || oom > 1000)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "oom score adjustment %d is not within -1000…1000", oom);
	if (req->has_nice && (req->nice < -20 || req->nice > 19))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "nice value %d is not within -20…19", req->nice);
	if (req->has_umask && req->umask > 0777)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_PLAN,
		                   "umask %o is more than 777", req->umask);
	if (oom != plan->snapshot.self.oom_score_adj)
		plan->wire.flags |= ATT_WIRE_SET_OOM;
	plan->wire.oom_score_adj = oom;
	copy_policy(plan);
	choose_nice(req, plan);
	plan->wire.umask = req->has_umask ? req->umask : ATT_DEFAULT_UMASK;
	plan->wire.ignored_signals = plan->snapshot.self.status.sig_ign;
	return 0;
}

int att_limits_resolve(const struct att_request *req, struct att_plan *plan, struct att_err *err)
{
	int r = choose_rlimits(req, plan, err);

	if (r == 0)
		r = choose_numbers(req, plan, err);
	if (r == 0)
		r = choose_affinity(req, plan, err);
	return r < 0 ? r : choose_io_priority(req, plan, err);
}
