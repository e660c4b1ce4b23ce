/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdint.h>
#include <string.h>

#include "api/api.h"

struct attache_error {
	struct att_err err;
	bool is_static;
};

/* There must be something to hand out when there is no memory to make it from. */
static struct attache_error no_memory = {
	.err = { .code = ATT_E_NO_MEMORY, .msg = "out of memory" },
	.is_static = true,
};

_Static_assert((int)ATTACHE_E_INTERNAL_ERROR == (int)ATT_E_INTERNAL_ERROR,
               "the public codes are the internal ones");

int api_fail(const struct att_err *err, struct attache_error **ret)
{
	struct attache_error *e = NULL;

	if (!ret)
		return -err->code;
	e = calloc(1, sizeof(*e));
	if (e)
		e->err = *err;
	*ret = e ? e : &no_memory;
	return -err->code;
}

int api_copy_opts(void *dst, size_t dst_size, const void *src, size_t min_size, struct att_err *err)
{
	size_t size = 0;

	memcpy(&size, src, sizeof(size));
	if (size < min_size)
		return att_err_set(err, ATT_E_INVALID_ARGUMENT, ATT_STAGE_REQUEST,
		                   "an option struct is smaller than its first version");
	for (size_t i = dst_size; i < size; i++)
		if (((const char *)src)[i] != 0)
			return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_REQUEST,
			                   "an option that this version of the library does not "
			                   "know");
	memcpy(dst, src, size < dst_size ? size : dst_size);
	return 0;
}

int attache_error_code(const struct attache_error *err)
{
	return err->err.code;
}

const char *attache_error_name(const struct attache_error *err)
{
	return att_code_name(err->err.code);
}

const char *attache_error_stage(const struct attache_error *err)
{
	return att_stage_name(err->err.stage);
}

int attache_error_errno(const struct attache_error *err)
{
	return err->err.sys;
}

const char *attache_error_message(const struct attache_error *err)
{
	return err->err.msg;
}

void attache_error_free(struct attache_error *err)
{
	if (err && !err->is_static)
		free(err);
}
