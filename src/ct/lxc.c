/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ct/lxc.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lxc/lxccontainer.h>

#include "base/clock.h"
#include "base/fd.h"
#include "ct/monitor.h"
#include "sys/pidfd.h"

#define WAIT_POLL_MS 20
#define NAME_SHOWN   128

const char *att_lxc_version(void)
{
	return lxc_get_version();
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

static int wait_until_up(const char *name, const char *lxcpath, int64_t timeout_ns, int64_t wait_ns,
                         struct att_err *err)
{
	int64_t give_up_ns = att_clock_after_ns(wait_ns);

	for (;;) {
		const char *state = NULL;
		int64_t answer_by_ns = att_clock_after_ns(timeout_ns);
		int r = 0;

		/* A monitor that starts its container answers nobody before its hooks are done. */
		if (answer_by_ns < give_up_ns)
			answer_by_ns = give_up_ns;
		r = att_monitor_state(lxcpath, name, answer_by_ns, &state, err);
		if (r < 0)
			return r;
		if (is_up(state))
			return 0;
		/* A name that nobody knows will not come up by waiting. */
		if (strcmp(state, "STOPPED") == 0 && !is_defined(lxcpath, name))
			return not_found(name, lxcpath, err);
		if (att_clock_poll_ms(give_up_ns) == 0)
			return att_err_set(err, ATT_E_CONTAINER_NOT_RUNNING, ATT_STAGE_RESOLVE,
			                   "not running (%s)", state);
		att_ignore(poll(NULL, 0, WAIT_POLL_MS));
	}
}

/* ---- the handle ---- */

void att_lxc_close(struct att_ct *ct)
{
	if (ct->lxc)
		att_ignore(lxc_container_put(ct->lxc));
	free(ct->name);
	free(ct->lxcpath);
	ct->init_pidfd = att_fd_close(ct->init_pidfd);
	*ct = (struct att_ct)ATT_CT_INIT;
}

static int pin_init(struct att_ct *ct, struct att_err *err)
{
	int fd = ct->lxc->init_pidfd(ct->lxc);

	if (fd < 0)
		return att_err_sys(err, ATT_E_CONTAINER_NOT_RUNNING, ATT_STAGE_RESOLVE, -fd,
		                   "ask for the container's init");
	ct->init_pidfd = fd;
	return att_pidfd_pid(fd, &ct->host_pid, err);
}

/* liblxc would say so too, but on our standard error. */
static int check_owner(const char *lxcpath, struct att_err *err)
{
	struct stat st;

	if (geteuid() == 0 || stat(lxcpath, &st) < 0 || st.st_uid == geteuid())
		return 0;
	return att_err_set(err, ATT_E_PERMISSION_DENIED, ATT_STAGE_RESOLVE,
	                   "the containers below '%s' are uid %u's", lxcpath, st.st_uid);
}

int att_lxc_open(const char *name, const char *lxcpath, int64_t timeout_ns, int64_t wait_ns,
                 struct att_ct *ret, struct att_err *err)
{
	_cleanup_(att_lxc_close) struct att_ct ct = ATT_CT_INIT;
	int r = att_lxc_check_name(name, err);

	if (r < 0)
		return r;
	if (!lxcpath)
		lxcpath = lxc_get_global_config_item("lxc.lxcpath");
	if (!lxcpath || lxcpath[0] != '/')
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "lxcpath '%s' is not an absolute path", lxcpath ? lxcpath : "");
	r = wait_until_up(name, lxcpath, timeout_ns, wait_ns, err);
	if (r == 0)
		r = check_owner(lxcpath, err);
	if (r == 0)
		r = att_monitor_wait_lock(lxcpath, name, att_clock_after_ns(timeout_ns), err);
	if (r < 0)
		return r;
	ct.name = strdup(name);
	ct.lxcpath = strdup(lxcpath);
	if (!ct.name || !ct.lxcpath)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	ct.lxc = lxc_container_new(name, lxcpath);
	if (!ct.lxc)
		return att_err_set(err,
		                   geteuid() != 0 ? ATT_E_PERMISSION_DENIED : ATT_E_INTERNAL_ERROR,
		                   ATT_STAGE_RESOLVE, "liblxc cannot open it below '%s'", lxcpath);
	r = pin_init(&ct, err);
	if (r < 0)
		return r;
	*ret = ct;
	ct = (struct att_ct)ATT_CT_INIT;
	return 0;
}

/* ---- what the monitor knows ---- */

int att_lxc_item(const struct att_ct *ct, const char *key, char **ret, struct att_err *err)
{
	char *value = NULL;

	/* Without a configuration on disk liblxc has no place for an answer, until something is set. */
	if (!is_defined(ct->lxcpath, ct->name) &&
	    !ct->lxc->set_config_item(ct->lxc, "lxc.uts.name", ct->name))
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	value = ct->lxc->get_running_config_item(ct->lxc, key);
	/* liblxc prints unset paths through "%s". */
	if (value && (value[0] == '\0' || strcmp(value, "(null)") == 0)) {
		free(value);
		value = NULL;
	}
	*ret = value;
	return 0;
}

static int add_lines(const char *text, struct att_strv *ret, struct att_err *err)
{
	while (*text != '\0') {
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
	static const char *const keys[] = { "lxc.environment", "lxc.environment.runtime" };
	int r = 0;

	for (size_t i = 0; i < countof(keys) && r == 0; i++) {
		_cleanup_free_ char *text = NULL;

		if (i > 0 && !lxc_has_api_extension("environment_runtime_hooks"))
			break;
		r = att_lxc_item(ct, keys[i], &text, err);
		if (r == 0 && text)
			r = add_lines(text, ret, err);
	}
	return r;
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
	_cleanup_(att_lxc_close) struct att_ct ct = ATT_CT_INIT;

	entry->state = "UNKNOWN";
	if (att_monitor_state(lxcpath, entry->name, att_clock_after_ns(timeout_ns), &entry->state,
	                      &err) < 0)
		return;
	if (is_up(entry->state) &&
	    att_lxc_open(entry->name, lxcpath, timeout_ns, 0, &ct, &err) == 0)
		entry->host_pid = ct.host_pid;
}

/* Takes the names one by one out of liblxc's array, so that each is freed once. */
static int collect(char **names, int n, const char *lxcpath, bool all, int64_t timeout_ns,
                   struct att_ct_list *ret)
{
	ret->v = calloc(n > 0 ? (size_t)n : 1, sizeof(*ret->v));
	for (int i = 0; i < n; i++) {
		struct att_ct_entry entry = { .name = names[i] };
		struct att_err err = ATT_ERR_INIT;

		if (!ret->v || att_lxc_check_name(names[i], &err) < 0) {
			free(names[i]);
			continue;
		}
		look_at(lxcpath, timeout_ns, &entry);
		if (all || strcmp(entry.state, "STOPPED") != 0)
			ret->v[ret->n++] = entry;
		else
			free(entry.name);
	}
	free(names);
	return ret->v ? 0 : -ENOMEM;
}

int att_lxc_list(const char *lxcpath, bool all, int64_t timeout_ns, struct att_ct_list *ret,
                 struct att_err *err)
{
	struct att_ct_list list = { 0 };
	char **names = NULL;
	int n = 0;

	if (!lxcpath)
		lxcpath = lxc_get_global_config_item("lxc.lxcpath");
	if (!lxcpath)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE, "no lxcpath");
	if (all && access(lxcpath, F_OK) == 0)
		n = list_all_containers(lxcpath, &names, NULL);
	else
		n = list_active_containers(lxcpath, &names, NULL);
	if (n < 0)
		return att_err_set(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_RESOLVE,
		                   "liblxc cannot list '%s'", lxcpath);
	if (collect(names, n, lxcpath, all, timeout_ns, &list) < 0)
		return att_err_nomem(err, ATT_STAGE_RESOLVE);
	qsort(list.v, list.n, sizeof(*list.v), by_name);
	*ret = list;
	return 0;
}
