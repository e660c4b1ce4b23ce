/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two inputs in one corpus: text is a profile to compile, a first byte of 0 announces a raw BPF
 * program. What is accepted must hold together: compiling is repeatable, the result is what the
 * kernel would take, and a valid program returns for every input.
 */
#include <stdint.h>
#include <string.h>

#include "sys/bpf.h"
#include "sys/seccomp.h"

#define INSNS_MAX 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_program(const struct sock_filter *insns, size_t n)
{
	struct seccomp_data data;
	uint32_t action = 0;

	for (unsigned int byte = 0; byte < 256; byte += 51) {
		memset(&data, (int)byte, sizeof(data));
		att_assert(att_bpf_eval(insns, n, &data, &action));
	}
}

static void fuzz_program(const uint8_t *data, size_t size)
{
	struct sock_filter insns[INSNS_MAX + 1];
	struct seccomp_data input = { .nr = 1 };
	struct att_bpf_run run;
	size_t n = size / sizeof(*insns);

	if (n == 0 || n > INSNS_MAX)
		return;
	memcpy(insns, data, n * sizeof(*insns));
	if (att_bpf_run(insns, n, &input, &run))
		att_assert(run.steps > 0 && run.steps <= n);
	if (!att_bpf_valid(insns, n))
		return;
	check_program(insns, n);
	/* A last instruction that nothing reaches takes the short cut for identical programs away. */
	insns[n] = insns[n - 1];
	if (n < 8)
		att_assert(att_bpf_same(insns, n, insns, n));
	if (n < 4)
		att_assert(att_bpf_same(insns, n, insns, n + 1));
}

static void fuzz_profile(const char *text, size_t size)
{
	struct att_filter a = ATT_FILTER_INIT;
	struct att_filter b = ATT_FILTER_INIT;
	struct att_err err = ATT_ERR_INIT;
	int r = att_seccomp_compile_lxc("/fuzz", text, size, &a, &err);

	if (r < 0) {
		att_assert(err.code == -r && err.stage == ATT_STAGE_SECCOMP && err.msg[0] != '\0');
		att_assert(a.insns == NULL && err.code != ATT_E_INTERNAL_ERROR);
		return;
	}
	att_assert(att_bpf_valid(a.insns, a.n));
	check_program(a.insns, a.n);
	att_assert(att_seccomp_compile_lxc("/fuzz", text, size, &b, &err) == 0);
	att_assert(att_seccomp_same(&a, &b) && a.n == b.n && a.n_unknown == b.n_unknown);
	att_ignore(att_seccomp_allows(&a, 0));
	att_filter_done(&a);
	att_filter_done(&b);
}

/*
 * libseccomp loses what it made for a rule that another one covers already. All that it allocates
 * comes from there, so a leak of its contexts would not be seen either: they have one owner.
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:zmalloc\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0 && data[0] == 0)
		fuzz_program(data + 1, size - 1);
	else
		fuzz_profile((const char *)data, size);
	return 0;
}
