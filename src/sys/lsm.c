/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/lsm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

const char *att_lsm_name(int lsm)
{
	static const char *const names[_ATT_LSM_MAX] = {
		[ATT_LSM_NONE] = "none",
		[ATT_LSM_APPARMOR] = "apparmor",
		[ATT_LSM_SELINUX] = "selinux",
	};

	return lsm > 0 && lsm < _ATT_LSM_MAX ? names[lsm] : "none";
}

/* Length of @text without what follows the label proper. */
static size_t trim(const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\0'))
		len--;
	return len;
}

static int copy_label(const char *text, size_t len, char *dst, size_t cap)
{
	if (len == 0 || len >= cap)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return -EINVAL;
	memcpy(dst, text, len);
	dst[len] = '\0';
	return 0;
}

int att_lsm_parse_apparmor(const char *text, size_t len, char *dst, size_t cap)
{
	len = trim(text, len);
	if (len > 0 && text[len - 1] == ')') {
		size_t open = len;

		while (open > 0 && text[open - 1] != '(')
			open--;
		/* " (enforce)": a parenthesis without the blank would belong to the name. */
		if (open > 1 && text[open - 2] == ' ')
			len = open - 2;
	}
	return copy_label(text, len, dst, cap);
}

static int refuse(struct att_err *err, int sys, const char *what)
{
	return att_err_sys(err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_LSM, sys,
	                   "read the %s label of init", what);
}

/* EINVAL: the module is built in but not switched on. */
static bool is_off(ssize_t n)
{
	return n == -EINVAL || n == -ENOENT || n == 0;
}

int att_lsm_read(int proc_fd, struct att_label *ret, struct att_err *err)
{
	char text[sizeof(ret->text) + 64];
	struct att_label label = { .lsm = ATT_LSM_NONE, .text = "" };
	ssize_t n = att_fd_read_file_at(proc_fd, "attr/apparmor/current", text, sizeof(text));
	int r = 0;

	if (n < 0 && !is_off(n))
		return refuse(err, (int)-n, "AppArmor");
	if (!is_off(n)) {
		label.lsm = ATT_LSM_APPARMOR;
		r = att_lsm_parse_apparmor(text, (size_t)n, label.text, sizeof(label.text));
		if (r < 0)
			return refuse(err, -r, "AppArmor");
		*ret = label;
		return 0;
	}
	n = att_fd_read_file_at(proc_fd, "attr/current", text, sizeof(text));
	if (n < 0 && !is_off(n))
		return refuse(err, (int)-n, "security");
	if (!is_off(n)) {
		if (access("/sys/fs/selinux/enforce", F_OK) < 0)
			return refuse(err, EOPNOTSUPP, "security");
		label.lsm = ATT_LSM_SELINUX;
		r = copy_label(text, trim(text, (size_t)n), label.text, sizeof(label.text));
		if (r < 0)
			return refuse(err, -r, "SELinux");
	}
	*ret = label;
	return 0;
}
