/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/caps.h"

#include <sys/prctl.h>

#include "base/parse.h"

#define CAP_BITS 64

static const char *const cap_names[] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

_Static_assert(countof(cap_names) == 41, "capabilities 0 to 40, in the kernel's order");

bool att_cap_parse(const char *text, uint64_t *ret_mask)
{
	static const size_t n_prefix = sizeof("CAP_") - 1;
	const char *bare = att_parse_prefix(text, "CAP_");
	uint64_t number = 0;

	if (att_parse_is(text, "ALL")) {
		*ret_mask = UINT64_MAX;
		return true;
	}
	if (bare && att_parse_u64(bare, &number) && number < CAP_BITS) {
		*ret_mask = UINT64_C(1) << number;
		return true;
	}
	for (size_t i = 0; i < countof(cap_names); i++)
		if (att_parse_is(bare ? bare : text, cap_names[i] + n_prefix)) {
			*ret_mask = UINT64_C(1) << i;
			return true;
		}
	return false;
}

const char *att_cap_name(int cap)
{
	if (cap < 0 || (size_t)cap >= countof(cap_names))
		return NULL;
	return cap_names[cap];
}

static bool kernel_knows(int cap)
{
	return prctl(PR_CAPBSET_READ, (unsigned long)cap, 0UL, 0UL, 0UL) >= 0;
}

int att_cap_last(void)
{
	int known = -1;
	int unknown = CAP_BITS;

	while (unknown - known > 1) {
		int middle = known + (unknown - known) / 2;

		if (kernel_knows(middle))
			known = middle;
		else
			unknown = middle;
	}
	return known;
}
