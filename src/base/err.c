/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[_ATT_E_MAX] = {
	[ATT_E_MISSING_CONTAINER_ID] = "MissingContainerId",
	[ATT_E_MISSING_COMMAND] = "MissingCommand",
	[ATT_E_INVALID_ARGUMENT] = "InvalidArgument",
	[ATT_E_CONTAINER_NOT_FOUND] = "ContainerNotFound",
	[ATT_E_CONTAINER_NOT_RUNNING] = "ContainerNotRunning",
	[ATT_E_CONTAINER_FROZEN] = "ContainerFrozen",
	[ATT_E_CONTAINER_AMBIGUOUS] = "ContainerAmbiguous",
	[ATT_E_CONTAINER_GONE] = "ContainerGone",
	[ATT_E_USER_NOT_FOUND] = "UserNotFound",
	[ATT_E_GROUP_NOT_FOUND] = "GroupNotFound",
	[ATT_E_WORKDIR_NOT_FOUND] = "WorkdirNotFound",
	[ATT_E_COMMAND_NOT_FOUND] = "CommandNotFound",
	[ATT_E_COMMAND_NOT_EXECUTABLE] = "CommandNotExecutable",
	[ATT_E_PERMISSION_DENIED] = "PermissionDenied",
	[ATT_E_CONFINEMENT_UNAVAILABLE] = "ConfinementUnavailable",
	[ATT_E_UNSUPPORTED] = "Unsupported",
	[ATT_E_LIMIT_EXCEEDED] = "LimitExceeded",
	[ATT_E_TIMEOUT] = "Timeout",
	[ATT_E_IO_ERROR] = "IoError",
	[ATT_E_NO_MEMORY] = "NoMemory",
	[ATT_E_INTERNAL_ERROR] = "InternalError",
};

static const char *const stage_names[_ATT_STAGE_MAX] = {
	[ATT_STAGE_REQUEST] = "request",
	[ATT_STAGE_RESOLVE] = "resolve",
	[ATT_STAGE_SNAPSHOT] = "snapshot",
	[ATT_STAGE_PLAN] = "plan",
	[ATT_STAGE_LAUNCH] = "launch",
	[ATT_STAGE_CGROUP] = "cgroup",
	[ATT_STAGE_LIMITS] = "limits",
	[ATT_STAGE_NAMESPACES] = "namespaces",
	[ATT_STAGE_LSM] = "lsm",
	[ATT_STAGE_CREDENTIALS] = "credentials",
	[ATT_STAGE_KEYRING] = "keyring",
	[ATT_STAGE_WORKDIR] = "workdir",
	[ATT_STAGE_STDIO] = "stdio",
	[ATT_STAGE_SECCOMP] = "seccomp",
	[ATT_STAGE_CAPABILITIES] = "capabilities",
	[ATT_STAGE_SPAWN] = "spawn",
	[ATT_STAGE_TERMINAL] = "terminal",
	[ATT_STAGE_EXEC] = "exec",
	[ATT_STAGE_VERIFY] = "verify",
	[ATT_STAGE_RELAY] = "relay",
};

void att_assert_failed(const char *what, const char *file, int line)
{
	att_ignore(dprintf(2, "attache: %s:%d: assertion failed: %s\n", file, line, what));
	abort();
}

/* Length of the UTF-8 sequence at p, or 0 when it is not one that may be shown. */
static size_t utf8_len(const unsigned char *p, size_t len)
{
	size_t n = 0;
	uint32_t c = 0;
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f ? 1 : 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	if (n == 0 || n > len)
		return 0;
	c = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = (c << 6) | (p[i] & 0x3fu);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	/* C1 controls, zero-width and bidirectional controls could rewrite what a person reads. */
	if (c < 0xa0 || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff)
		return 0;
	return n;
}

char *att_escape(char *dst, size_t cap, const char *src, size_t len)
{
	static const char ellipsis[] = "…";
	size_t used = 0;

	att_assert(cap >= 8);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len((const unsigned char *)src + i, len - i);
		size_t need = n > 0 ? n : 4;

		if (used + need + sizeof(ellipsis) > cap) {
			memcpy(dst + used, ellipsis, sizeof(ellipsis));
			return dst;
		}
		if (n > 0)
			memcpy(dst + used, src + i, n);
		else
			att_ignore(snprintf(dst + used, 5, "\\x%02x", (unsigned char)src[i]));
		used += need;
		i += n > 0 ? n : 1;
	}
	dst[used] = '\0';
	return dst;
}

/* A message never carries a control byte, whatever was formatted into it. */
static void store_message(struct att_err *err, const char *text)
{
	att_escape(err->msg, sizeof(err->msg), text, strlen(text));
}

int att_err_set(struct att_err *err, enum att_code code, enum att_stage stage, const char *fmt, ...)
{
	char text[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	att_ignore(vsnprintf(text, sizeof(text), fmt, ap));
	va_end(ap);
	err->code = (int)code;
	err->stage = (int)stage;
	err->sys = 0;
	store_message(err, text);
	return -(int)code;
}

int att_err_sys(struct att_err *err, enum att_code code, enum att_stage stage, int sys,
                const char *fmt, ...)
{
	const char *why = strerrordesc_np(sys);
	char head[sizeof(err->msg)];
	char text[sizeof(err->msg) + 64];
	va_list ap;

	va_start(ap, fmt);
	att_ignore(vsnprintf(head, sizeof(head), fmt, ap));
	va_end(ap);
	if (why)
		att_ignore(snprintf(text, sizeof(text), "%s: %s", head, why));
	else
		att_ignore(snprintf(text, sizeof(text), "%s: errno %d", head, sys));
	err->code = (int)code;
	err->stage = (int)stage;
	err->sys = sys;
	store_message(err, text);
	return -(int)code;
}

int att_err_wrap(struct att_err *err, const char *fmt, ...)
{
	char head[sizeof(err->msg)];
	char text[2 * sizeof(err->msg) + 4];
	va_list ap;

	va_start(ap, fmt);
	att_ignore(vsnprintf(head, sizeof(head), fmt, ap));
	va_end(ap);
	att_ignore(snprintf(text, sizeof(text), "%s: %s", head, err->msg));
	store_message(err, text);
	return -err->code;
}

int att_err_nomem(struct att_err *err, enum att_stage stage)
{
	return att_err_set(err, ATT_E_NO_MEMORY, stage, "out of memory");
}

const char *att_code_name(int code)
{
	if (code <= 0 || code >= _ATT_E_MAX)
		return code_names[ATT_E_INTERNAL_ERROR];
	return code_names[code];
}

const char *att_stage_name(int stage)
{
	if (stage <= 0 || stage >= _ATT_STAGE_MAX)
		return "";
	return stage_names[stage];
}
