/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/lxc.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ct/helper/helper.h"
#include "ct/liblxc.h"
#include "ct/monitor.h"
#include "sys/pidfd.h"

#define WAIT_POLL_MS    20
#define NAME_SHOWN      128
#define DEFAULT_LXCPATH "/var/lib/lxc"
#define GLOBAL_CONFIG   "/etc/lxc/lxc.conf"

#define VERSION_CAP     32

const char *att_lxc_version(void)
{
	static const char *const words[] = { ATT_HELPER_VERSION, NULL };
	static _Thread_local char version[VERSION_CAP];
	_cleanup_buf_ struct att_buf answer = ATT_BUF_INIT;
	struct att_err ignored = ATT_ERR_INIT;
	int r = att_liblxc_ask(words, att_clock_after_ns(ATT_LXC_TIMEOUT_NS), &answer, NULL,
	                       &ignored);

	att_ignore(
		snprintf(version, sizeof(version), "%s", r == 0 && answer.data ? answer.data : ""));
	return version;
}

/* liblxc's configured path. Without a configuration file that is where it was built to look. */
static int default_lxcpath(char **ret, struct att_err *err)
{
	static const char *const words[] = { ATT_HELPER_LXCPATH, NULL };
	_cleanup_buf_ struct att_buf answer = ATT_BUF_INIT;
	const char *path = DEFAULT_LXCPATH;
	int r = 0;

	if (geteuid() != 0 || access(GLOBAL_CONFIG, F_OK) == 0 || access(path, F_OK) < 0) {
		r = att_liblxc_ask(words, att_clock_after_ns(ATT_LXC_TIMEOUT_NS), &answer, NULL,
		                   err);
		if (r < 0)
			return r;
		path = answer.data;
	}
	*ret = strdup(path ? path : DEFAULT_LXCPATH);
	return *ret ? 0 : att_err_nomem(err, ATT_STAGE_RESOLVE);
}

static int choose_lxcpath(const char *wanted, char **ret, struct att_err *err)
{
	char shown[NAME_SHOWN];

	if (!wanted)
		return default_lxcpath(ret, err);
	if (wanted[0] != '/')
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "lxcpath '%s' is not an absolute path",
		                   att_escape(shown, sizeof(shown), wanted, strlen(wanted)));
	*ret = strdup(wanted);
	return *ret ? 0 : att_err_nomem(err, ATT_STAGE_RESOLVE);
}

int att_lxc_check_name(const char *name, struct att_err *err)
{
	char shown[NAME_SHOWN];
	size_t len = 0;

	if (!name)
		return att_err_set(err, ATT_E_MISSING_CONTAINER_ID, ATT_STAGE_REQUEST,
		                   "no container was named");
	len = strlen(name);
	att_escape(shown, sizeof(shown), name, len);
	if (len == 0)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "a container name cannot be empty");
	if (len > ATT_LXC_NAME_MAX)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "container name '%s' is longer than %d bytes", shown,
		                   ATT_LXC_NAME_MAX);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "'%s' is a path, not a container name", shown);
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] == 0x7f)
			return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
			                   "container name '%s' has a byte that no name has",
			                   shown);
	return 0;
}

/* ---- which name may have been meant ---- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (insert, delete, change, swap of neighbours) between two names of at most 63 bytes. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][64];
	size_t la = strlen(a);
	size_t lb = strlen(b);

	if (la >= 64 || lb >= 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3];
		const size_t *up = rows[(i - 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = smaller(smaller(up[j], row[j - 1]) + 1,
			                 up[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], rows[(i - 2) % 3][j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

static int not_found(const char *name, const char *lxcpath, struct att_err *err)
{
	char shown[NAME_SHOWN];
	char near[NAME_SHOWN] = "";
	size_t best = strlen(name) / 3 + 1;
	DIR *dir = opendir(lxcpath);

	for (struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
		char path[4096];
		size_t n = distance(name, d->d_name);

		if (d->d_name[0] == '.' || n > best || (n == best && near[0]))
			continue;
		if (snprintf(path, sizeof(path), "%s/%s/config", lxcpath, d->d_name) >=
		            (int)sizeof(path) ||
		    access(path, F_OK) < 0)
			continue;
		best = n;
		att_escape(near, sizeof(near), d->d_name, strlen(d->d_name));
	}
	if (dir)
		att_ignore(closedir(dir));
	att_escape(shown, sizeof(shown), name, strlen(name));
	if (near[0])
		return att_err_set(err, ATT_E_CONTAINER_NOT_FOUND, ATT_STAGE_RESOLVE,
		                   "no container of this name below '%s'; did you mean '%s'?",
		                   lxcpath, near);
	return att_err_set(err, ATT_E_CONTAINER_NOT_FOUND, ATT_STAGE_RESOLVE,
	                   "no container of this name below '%s'", lxcpath);
}

/* ---- opening ---- */

static bool is_defined(const char *lxcpath, const char *name)
{
	char path[4096];

	return snprintf(path, sizeof(path), "%s/%s/config", lxcpath, name) < (int)sizeof(path) &&
	       access(path, F_OK) == 0;
}

static bool is_up(const char *state)
{
	return strcmp(state, "RUNNING") == 0 || strcmp(state, "FROZEN") == 0 ||
	       strcmp(state, "FREEZING") == 0 || strcmp(state, "THAWED") == 0;
}

/* A monitor hangs up on a caller who is not its user, which would look like its end. */
static int check_owner(const char *lxcpath, struct att_err *err)
{
	struct stat st;

	if (geteuid() == 0 || stat(lxcpath, &st) < 0 || st.st_uid == geteuid())
		return 0;
	return att_err_set(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_RESOLVE,
	                   "the containers below '%s' are uid %u's", lxcpath, st.st_uid);
}

/* Asks until it runs, or the time to wait is over. @self: what is read meanwhile, or NULL */
static int wait_until_up(const char *name, const char *lxcpath, int64_t timeout_ns, int64_t wait_ns,
                         struct att_self *self, struct att_monitor_answers *ret,
                         struct att_err *err)
{
	int64_t give_up_ns = att_clock_after_ns(wait_ns);

	for (;;) {
		int64_t answer_by_ns = att_clock_after_ns(timeout_ns);
		int r = 0;

		/* A monitor that starts its container answers nobody before its hooks are done. */
		if (answer_by_ns < give_up_ns)
			answer_by_ns = give_up_ns;
		r = att_monitor_ask(lxcpath, name, ATT_MONITOR_ALL & ~ATT_MONITOR_STATE,
		                    answer_by_ns, ret, err);
		if (r == 0 && self && !self->known && is_up(ret->state))
			r = att_self_read(self, err);
		if (r == 0)
			r = att_monitor_read(ret, ATT_MONITOR_INIT_PIDFD, err);
		if (r < 0 || is_up(ret->state))
			return r;
		/* A name that nobody knows will not come up by waiting. */
		if (strcmp(ret->state, "STOPPED") == 0 && !is_defined(lxcpath, name))
			return not_found(name, lxcpath, err);
		if (att_clock_poll_ms(give_up_ns) == 0)
			return att_err_set(err, ATT_E_CONTAINER_NOT_RUNNING, ATT_STAGE_RESOLVE,
			                   "not running (%s)", ret->state);
		att_monitor_answers_done(ret);
		att_ignore(poll(NULL, 0, WAIT_POLL_MS));
	}
}

/* ---- a monitor that only liblxc understands ---- */

/* The next word of an answer as a copy, NULL for an empty one. Return: behind it. */
static const char *take_word(const char *at, const struct att_buf *answer, char **ret)
{
	const char *end = at ? memchr(at, '\0', (size_t)(answer->data + answer->len - at)) : NULL;

	free(*ret);
	*ret = end && end > at ? strdup(at) : NULL;
	return end ? end + 1 : NULL;
}

static int ask_liblxc(struct att_ct *ct, int64_t deadline_ns, struct att_err *err)
{
	const char *const words[] = { ATT_HELPER_ASK, ct->lxcpath, ct->name, NULL };
	_cleanup_buf_ struct att_buf answer = ATT_BUF_INIT;
	const char *at = NULL;
	char *beside_fd = NULL;
	int r = att_liblxc_ask(words, deadline_ns, &answer, &ct->init_pidfd, err);

	if (r == 0 && ct->init_pidfd < 0)
		r = att_err_set(err, ATT_E_CONTAINER_NOT_RUNNING, ATT_STAGE_RESOLVE,
		                "liblxc does not tell the container's init");
	if (r < 0)
		return r;
	at = take_word(answer.data, &answer, &beside_fd);
	at = take_word(at, &answer, &ct->seccomp_profile);
	at = take_word(at, &answer, &ct->environment);
	free(beside_fd);
	return at ? 0
	          : att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE,
	                        "liblxc's answer is cut");
}

/* ---- the handle ---- */

void att_lxc_close(struct att_ct *ct)
{
	free(ct->name);
	free(ct->lxcpath);
	free(ct->seccomp_profile);
	free(ct->environment);
	free(ct->runtime_environment);
	if (ct->init_pidfd >= 0)
		att_fd_close_p(&ct->init_pidfd);
	att_monitor_answers_done(&ct->under_way);
	att_self_done(&ct->self);
	*ct = (struct att_ct)ATT_CT_INIT;
}

int att_lxc_settle(struct att_ct *ct, struct att_err *err)
{
	struct att_monitor_answers *a = &ct->under_way;
	int r = att_monitor_read(a, ATT_MONITOR_ALL, err);

	if (r < 0)
		return r;
	if (a->seccomp_profile)
		ct->seccomp_profile = take_ptr(&a->seccomp_profile);
	if (a->environment)
		ct->environment = take_ptr(&a->environment);
	if (a->runtime_environment)
		ct->runtime_environment = take_ptr(&a->runtime_environment);
	return 0;
}

/* One bound for all that may have to be waited for once the container runs. */
static int64_t still_ns(int64_t end_ns, int64_t timeout_ns)
{
	int64_t at_ns = att_clock_after_ns(timeout_ns);

	return at_ns < end_ns ? at_ns : end_ns;
}

static int open_at_path(struct att_ct *ct, int64_t timeout_ns, int64_t wait_ns, bool for_job,
                        struct att_err *err)
{
	_cleanup_(att_monitor_answers_done) struct att_monitor_answers a = ATT_MONITOR_ANSWERS_INIT;
	int64_t all_ns = 0;
	int64_t end_ns = 0;
	int r = check_owner(ct->lxcpath, err);

	if (__builtin_add_overflow(wait_ns, timeout_ns, &all_ns))
		all_ns = INT64_MAX;
	end_ns = att_clock_after_ns(all_ns);

	if (r == 0)
		r = wait_until_up(ct->name, ct->lxcpath, timeout_ns, wait_ns,
		                  for_job ? &ct->self : NULL, &a, err);
	/* Whoever holds it changes the container as a whole: no time to start something in it. */
	if (r == 0)
		r = att_monitor_wait_lock(ct->lxcpath, ct->name, still_ns(end_ns, timeout_ns), err);
	if (r < 0)
		return r;
	ct->init_pidfd = take_fd(&a.init_pidfd);
	ct->under_way = a;
	a = (struct att_monitor_answers)ATT_MONITOR_ANSWERS_INIT;
	if (ct->init_pidfd < 0)
		r = att_lxc_settle(ct, err);
	if (r == 0 && ct->init_pidfd < 0)
		r = ask_liblxc(ct, still_ns(end_ns, timeout_ns), err);
	return r < 0 ? r : att_pidfd_pid(ct->init_pidfd, &ct->host_pid, err);
}

int att_lxc_open(const char *name, const char *lxcpath, int64_t timeout_ns, int64_t wait_ns,
                 bool for_job, struct att_ct *ret, struct att_err *err)
{
	_cleanup_(att_lxc_close) struct att_ct ct = ATT_CT_INIT;
	int r = att_lxc_check_name(name, err);

	if (r == 0)
		r = choose_lxcpath(lxcpath, &ct.lxcpath, err);
	if (r < 0)
		return r;
	ct.name = strdup(name);
	if (!ct.name)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	r = open_at_path(&ct, timeout_ns, wait_ns, for_job, err);
	if (r < 0)
		return r;
	*ret = ct;
	ct = (struct att_ct)ATT_CT_INIT;
	return 0;
}

/* ---- what the monitor knows ---- */

static int add_lines(const char *text, struct att_strv *ret, struct att_err *err)
{
	while (text && *text != '\0') {
		size_t len = strcspn(text, "\n");

		if (memchr(text, '=', len) && text[0] != '=' &&
		    att_strv_env_set(ret, text, len) < 0)
			return att_err_nomem(err, ATT_STAGE_RESOLVE);
		text += len + (text[len] == '\n');
	}
	return 0;
}

int att_lxc_environment(const struct att_ct *ct, struct att_strv *ret, struct att_err *err)
{
	int r = add_lines(ct->environment, ret, err);

	return r < 0 ? r : add_lines(ct->runtime_environment, ret, err);
}

int att_lxc_devpts(const struct att_ct *ct, int64_t deadline_ns, int *ret_fd, struct att_err *err)
{
	_cleanup_(att_monitor_answers_done) struct att_monitor_answers a = ATT_MONITOR_ANSWERS_INIT;
	int r = att_monitor_ask(ct->lxcpath, ct->name, ATT_MONITOR_DEVPTS, deadline_ns, &a, err);

	if (r == 0)
		r = att_monitor_read(&a, ATT_MONITOR_DEVPTS, err);
	if (r < 0)
		return r;
	*ret_fd = take_fd(&a.devpts_fd);
	return 0;
}

/* ---- list ---- */

void att_lxc_list_done(struct att_ct_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].name);
	free(list->v);
	*list = (struct att_ct_list){ 0 };
}

static int by_name(const void *a, const void *b)
{
	const struct att_ct_entry *x = a;
	const struct att_ct_entry *y = b;

	return strcmp(x->name, y->name);
}

static void look_at(const char *lxcpath, int64_t timeout_ns, struct att_ct_entry *entry)
{
	struct att_err err = ATT_ERR_INIT;
	_cleanup_(att_monitor_answers_done) struct att_monitor_answers a = ATT_MONITOR_ANSWERS_INIT;

	entry->state = "UNKNOWN";
	if (att_monitor_ask(lxcpath, entry->name, ATT_MONITOR_STATE | ATT_MONITOR_INIT_PIDFD,
	                    att_clock_after_ns(timeout_ns), &a, &err) < 0 ||
	    att_monitor_read(&a, ATT_MONITOR_ALL, &err) < 0)
		return;
	entry->state = a.state;
	if (a.init_pidfd >= 0)
		att_ignore(att_pidfd_pid(a.init_pidfd, &entry->host_pid, &err));
}

static int collect(const struct att_buf *names, const char *lxcpath, bool all, int64_t timeout_ns,
                   struct att_ct_list *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < names->len; i++)
		n += names->data[i] == '\0';
	ret->v = calloc(n > 0 ? n : 1, sizeof(*ret->v));
	if (!ret->v)
		return -ENOMEM;
	for (const char *at = names->data; n > 0; n--, at += strlen(at) + 1) {
		struct att_ct_entry entry = { .name = NULL };
		struct att_err err = ATT_ERR_INIT;

		if (att_lxc_check_name(at, &err) < 0)
			continue;
		entry.name = strdup(at);
		if (!entry.name)
			return -ENOMEM;
		look_at(lxcpath, timeout_ns, &entry);
		if (all || strcmp(entry.state, "STOPPED") != 0)
			ret->v[ret->n++] = entry;
		else
			free(entry.name);
	}
	return 0;
}

int att_lxc_list(const char *lxcpath, bool all, int64_t timeout_ns, struct att_ct_list *ret,
                 struct att_err *err)
{
	_cleanup_(att_lxc_list_done) struct att_ct_list list = { 0 };
	_cleanup_buf_ struct att_buf names = ATT_BUF_INIT;
	_cleanup_free_ char *path = NULL;
	const char *words[] = { ATT_HELPER_ACTIVE, NULL, NULL };
	int r = choose_lxcpath(lxcpath, &path, err);

	if (r < 0)
		return r;
	words[1] = path;
	if (all && access(path, F_OK) == 0)
		words[0] = ATT_HELPER_ALL;
	r = att_liblxc_ask(words, att_clock_after_ns(timeout_ns), &names, NULL, err);
	if (r < 0)
		return att_err_wrap(err, "list '%s'", path);
	if (collect(&names, path, all, timeout_ns, &list) < 0)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	qsort(list.v, list.n, sizeof(*list.v), by_name);
	*ret = list;
	list = (struct att_ct_list){ 0 };
	return 0;
}
