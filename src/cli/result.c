/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/parse.h"
#include "cli/render.h"

static json_t *json_vmid(const char *name)
{
	uint64_t vmid = 0;

	if (!name || !att_parse_u64(name, &vmid) || vmid > INT64_MAX)
		return json_null();
	return json_integer((json_int_t)vmid);
}

/* RFC 3339 in UTC, to the nanosecond. */
static json_t *json_time(int64_t at_ns)
{
	time_t seconds = (time_t)(at_ns / ATT_NS_PER_SEC);
	struct tm tm;
	char day[32];
	char text[64];

	if (at_ns < 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return json_null();
	att_ignore(snprintf(text, sizeof(text), "%s.%09lldZ", day,
	                    (long long)(at_ns % ATT_NS_PER_SEC)));
	return json_string(text);
}

static json_t *json_count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *json_fault(const struct att_fault *fault)
{
	json_t *object = NULL;

	if (!fault)
		return json_null();
	object = json_object();
	if (!object)
		return NULL;
	if (json_object_set_new(object, "name", att_render_json_string(fault->name)) < 0 ||
	    json_object_set_new(object, "stage", att_render_json_string(fault->stage)) < 0 ||
	    json_object_set_new(object, "errno",
	                        fault->sys != 0 ? json_integer(fault->sys) : json_null()) < 0 ||
	    json_object_set_new(object, "message", att_render_json_string(fault->message)) < 0) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static const char *state_name(const struct attache_result *ended)
{
	static const char *const names[] = {
		[ATTACHE_STATE_EXITED] = "exited",
		[ATTACHE_STATE_SIGNALED] = "signaled",
		[ATTACHE_STATE_TIMEOUT] = "timeout",
		[ATTACHE_STATE_LEFT] = "left",
	};

	if (!ended || ended->state <= 0 || (size_t)ended->state >= countof(names))
		return "error";
	return names[ended->state];
}

static json_t *json_exit_code(const struct attache_result *ended)
{
	if (!ended || ended->state == ATTACHE_STATE_SIGNALED || ended->exit_code < 0)
		return json_null();
	return json_integer(ended->exit_code);
}

static json_t *json_signal(const struct attache_result *ended)
{
	return att_render_json_string(ended && ended->signal > 0 ? att_signal_name(ended->signal)
	                                                         : NULL);
}

/* How the job ended; with io direct nobody saw its bytes. */
static int add_end(json_t *object, const struct attache_result *ended, bool counted)
{
	if (json_object_set_new(object, "started_at",
	                        ended ? json_time(ended->started_at_ns) : json_null()) < 0 ||
	    json_object_set_new(object, "duration_ns",
	                        ended ? json_integer(ended->duration_ns) : json_null()) < 0 ||
	    json_object_set_new(object, "stdout", json_null()) < 0 ||
	    json_object_set_new(object, "stderr", json_null()) < 0 ||
	    json_object_set_new(object, "stdout_bytes",
	                        counted ? json_count(ended ? ended->stdout_bytes : 0)
	                                : json_null()) < 0 ||
	    json_object_set_new(object, "stderr_bytes",
	                        counted ? json_count(ended ? ended->stderr_bytes : 0)
	                                : json_null()) < 0)
		return -ENOMEM;
	return 0;
}

static int add_run(json_t *object, const struct att_opts *o, const struct att_result_in *in)
{
	const char *name = in->container ? in->container : o->target;

	if (json_object_set_new(object, "target", att_render_json_string(o->target)) < 0 ||
	    json_object_set_new(object, "container", att_render_json_string(in->container)) < 0 ||
	    json_object_set_new(object, "vmid", json_vmid(name)) < 0 ||
	    json_object_set_new(object, "hostname", json_null()) < 0 ||
	    json_object_set_new(object, "id", att_render_json_string(in->id)) < 0 ||
	    json_object_set_new(object, "state", json_string(state_name(in->ended))) < 0 ||
	    json_object_set_new(object, "exit_code", json_exit_code(in->ended)) < 0 ||
	    json_object_set_new(object, "signal", json_signal(in->ended)) < 0 ||
	    json_object_set_new(object, "error", json_fault(in->fault)) < 0)
		return -ENOMEM;
	return 0;
}

/* The time zone, of which a time in UTC has no need, and randomness for the tables of objects. */
void att_result_prepare(void)
{
	tzset();
	json_object_seed(0);
}

int att_result_format(struct att_buf *out, const struct att_opts *o, const struct att_result_in *in)
{
	json_t *object = json_object();
	_cleanup_free_ char *text = NULL;

	if (!object)
		return -ENOMEM;
	if (add_run(object, o, in) == 0 && add_end(object, in->ended, o->io == 0) == 0)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!text)
		return -ENOMEM;
	return att_buf_printf(out, "%s\n", text);
}

int att_result_check_fd(int fd, unsigned closed_fds, struct att_err *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || (fd <= STDERR_FILENO && (closed_fds & (1u << fd))))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "--status-fd: '%d' is not an open descriptor", fd);
	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH))
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "--status-fd: '%d' is not open for writing", fd);
	/* 1 and 2 are the job's own stdio as well; any other is none of its business. */
	if (fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return att_err_sys(err, ATT_E_INTERNAL_ERROR, ATT_STAGE_REQUEST, errno,
		                   "mark descriptor %d", fd);
	return 0;
}
