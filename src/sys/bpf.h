/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Classic BPF as the kernel's seccomp takes it: what a filter decides, found out without loading
 * it. Pure and total; knows nothing of profiles, processes or containers.
 */
#ifndef ATT_SYS_BPF_H
#define ATT_SYS_BPF_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>

#include "base/defs.h"

/* struct seccomp_data as the 32-bit words a program can load; word i is at offset 4 * i. */
#define ATT_BPF_NR_MAX 600u /* att_bpf_same() tries all system calls up to this one */
#define ATT_BPF_WORDS  (sizeof(struct seccomp_data) / sizeof(uint32_t))

_Static_assert(ATT_BPF_WORDS == 16, "a set of words is a uint16_t");

struct att_bpf_run {
	uint32_t action; /* SECCOMP_RET_* with its data */
	uint32_t steps;  /* instructions executed */
	uint16_t words;  /* bit i: word i was loaded; no other word had a say in the action */
};

/**
 * att_bpf_valid() - would the kernel's seccomp accept this program?
 * @insns: @n instructions; may be NULL when @n is 0
 *
 * The whole program counts, the parts that no input reaches too: opcodes, load offsets, shifts and
 * divisors, jump targets, a final return, and no scratch cell read before every way to it wrote it.
 *
 * Source: seccomp_check_filter() in kernel/seccomp.c; bpf_check_classic() and
 * check_load_and_stores() in net/core/filter.c.
 */
bool att_bpf_valid(const struct sock_filter *insns, size_t n);

/**
 * att_bpf_run() - run a program and report on the run
 * @insns: @n instructions, trusted in no way
 * @data:  what the program inspects
 * @ret:   out
 *
 * Ends after at most @n steps, because jumps only lead forward. Division of a register by zero
 * returns action 0 (kill the thread), as in the kernel.
 *
 * Return: false when the run meets something that att_bpf_valid() refuses (@ret untouched). Never
 * false for a valid program.
 */
bool att_bpf_run(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
                 struct att_bpf_run *ret) _must_check_;

/** att_bpf_eval() - att_bpf_run(), but only its action. */
bool att_bpf_eval(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
                  uint32_t *ret_action) _must_check_;

/**
 * att_bpf_same() - do two programs decide alike?
 *
 * True at once for identical instructions. Otherwise both are run over the architectures and system
 * calls that exist (x86-64, x86, arm64, arm, and some that are none; numbers 0…ATT_BPF_NR_MAX, with
 * and without the x32 bit) and over every value that either program compares with, one more, one
 * less and the extremes, separately for each half of each argument. Only what a program really
 * looked at is varied: a run that loaded no argument holds for all arguments. Return values must
 * agree to the last bit.
 *
 * A strong check, not a proof: programs that compute with what they load, beyond masking it, can
 * differ between the values tried. The work is bounded; two programs too complex to be compared
 * within it count as different, so do invalid ones and a lack of memory.
 */
bool att_bpf_same(const struct sock_filter *a, size_t n_a, const struct sock_filter *b, size_t n_b);

#endif
