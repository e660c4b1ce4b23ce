/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An id map that is accepted is a bijection between its two sides, whatever the text was. */
#include <errno.h>

#include "sys/idmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pair(const struct att_idmap *map, uint32_t ct_id, uint32_t host_id)
{
	uint32_t id = 0;

	att_assert(att_idmap_to_host(map, ct_id, &id) && id == host_id);
	att_assert(att_idmap_to_ct(map, host_id, &id) && id == ct_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct att_idmap map = ATT_IDMAP_INIT;
	int r = att_idmap_parse((const char *)data, size, &map);
	uint32_t id = 0;

	att_assert(r == 0 || r == -EINVAL || r == -ENOMEM);
	att_assert(map.n <= ATT_IDMAP_RANGES_MAX && (r == 0 || map.n == 0));
	for (size_t i = 0; i < map.n; i++) {
		const struct att_idmap_range *range = &map.v[i];

		check_pair(&map, range->ct, range->host);
		check_pair(&map, range->ct + range->len - 1, range->host + range->len - 1);
	}
	att_assert(!att_idmap_to_host(&map, UINT32_MAX, &id));
	att_assert(!att_idmap_to_ct(&map, UINT32_MAX, &id));
	if (att_idmap_is_identity(&map)) {
		check_pair(&map, 0, 0);
		check_pair(&map, UINT32_MAX - 1, UINT32_MAX - 1);
	}
	att_idmap_done(&map);
	return 0;
}
