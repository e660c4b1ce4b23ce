/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Seccomp filters as values: compiled from a profile, read back from a live process, compared and
 * asked. Everything here runs in the parent; the child only loads the finished instructions. A
 * filter is data that decides nothing until it is loaded, so nothing here needs it to be trusted.
 */
#ifndef ATT_SYS_SECCOMP_H
#define ATT_SYS_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/defs.h"
#include "base/err.h"

#define ATT_SECCOMP_TEXT_MAX    ((size_t)1 << 20) /* bytes of a profile */
#define ATT_SECCOMP_RULES_MAX   4096u             /* rules of a profile, unknown names included */
#define ATT_SECCOMP_FILTERS_MAX 256u              /* filters read back from one process */

struct att_filter {
	struct sock_filter *insns; /* owned; NULL while n is 0 */
	uint16_t n;                /* 1…BPF_MAXINSNS once set */
	bool uses_notify;          /* some instruction returns SECCOMP_RET_USER_NOTIF */
	size_t n_unknown;          /* rules left out because libseccomp knows no such system call */
};

#define ATT_FILTER_INIT \
	{ \
		0 \
	}
#define _cleanup_filter_ _cleanup_(att_filter_done)

/** att_filter_done() - free the instructions; idempotent. */
void att_filter_done(struct att_filter *f);

/**
 * att_filter_set() - make a filter from a copy of instructions
 * @f:     out: initialised or done before; untouched on failure
 * @insns: @n instructions, borrowed
 *
 * Errors: LimitExceeded (more than BPF_MAXINSNS), ConfinementUnavailable (none), NoMemory.
 */
int att_filter_set(struct att_filter *f, const struct sock_filter *insns, size_t n,
                   struct att_err *err) _must_check_;

/**
 * att_filter_export() - make a filter from a libseccomp context
 * @f:        out: as in att_filter_set()
 * @scmp_ctx: a scmp_filter_ctx, borrowed
 *
 * Errors: LimitExceeded (more than BPF_MAXINSNS instructions), NoMemory, InternalError.
 * Context: parent.
 */
int att_filter_export(struct att_filter *f, const void *scmp_ctx, struct att_err *err) _must_check_;

/** att_filters_free() - free an array of @n filters; NULL allowed. Return: NULL. */
struct att_filter *att_filters_free(struct att_filter *v, size_t n);

/**
 * att_seccomp_compile_lxc() - compile a profile in LXC's text format, versions 1 and 2
 * @path: names the profile in messages; not opened
 * @text: @len bytes, not necessarily terminated
 * @ret:  out: initialised or done before; the caller's
 *
 * The result decides as the filter that liblxc 5.0.2 to 6.0 loads for the same text, quirks of its
 * reader included, because what init obeys is the measure, not what the text might have meant:
 * action words count by their beginning ("errno1" is errno 1), a section that names an architecture
 * of this host does not confine its rules to that one, a rule before the first section is live, a
 * name that libseccomp does not know is left out and counted in @ret->n_unknown.
 * Deliberately different: numbers that do not fit an int are refused instead of wrapped; two rules
 * for one system call that both compare several arguments are refused if one of their operators is
 * neither == nor &=, because libseccomp may never end on them; "[aarch64]" is taken as "[arm64]".
 *
 * The host's architecture is the one attache was built for, whatever personality(2) says.
 * no_new_privs is not part of a filter: whether it is set is up to who loads this one.
 *
 * `notify` rules are compiled in. Nobody listens to our copy of the filter, and the kernel then
 * fails these calls with ENOSYS instead of asking the container's supervisor. Leaving the rules out
 * would let the calls through on a denylist, so nothing is dropped: the job gets less than init,
 * never more, and @ret->uses_notify is there so that the caller can say so.
 *
 * Errors: ConfinementUnavailable ("seccomp profile '/p': line 7: unknown action 'foo'": it does not
 * parse, or libseccomp refuses a rule), LimitExceeded (text, rules or resulting program too long),
 * Unsupported (an architecture that attache does not know), NoMemory, InternalError.
 * Context: parent. Bounded by the limits; asks the kernel with seccomp(2) what it can do.
 * Source: lxc.container.conf(5); seccomp(2) on SECCOMP_RET_USER_NOTIF without a supervisor.
 */
int att_seccomp_compile_lxc(const char *path, const char *text, size_t len, struct att_filter *ret,
                            struct att_err *err) _must_check_;

/**
 * att_seccomp_read_back() - the filters a live process runs under, as they were loaded
 * @host_pid:    the process; that it still is the one meant is the caller's to know, by a pidfd
 *               that is alive afterwards
 * @ret:         out: array for att_filters_free(); NULL when there are none
 * @ret_n:       out: number of filters; 0 = the process is not under a filter
 * @deadline_ns: on CLOCK_MONOTONIC; INT64_MAX = none
 *
 * Shape: newest first, that is in the order in which the kernel asks them; load them from the end.
 *
 * The process is stopped for a fraction of a millisecond. A helper process does the tracing: if
 * anything goes wrong, its end releases the process, also one that did not stop before the deadline
 * and one whose reader was killed. The caller gets no SIGCHLD. A signal that arrives meanwhile is
 * delivered, a stopped process stays stopped. What the process can notice: a system call that
 * signal(7) lists as interrupted by a stop may return EINTR.
 *
 * Errors: ConfinementUnavailable (the process is traced already; the kernel has no
 * CONFIG_CHECKPOINT_RESTORE; the caller is under a seccomp filter itself; a filter that is not
 * classic BPF), PermissionDenied (CAP_SYS_PTRACE and, in the initial user namespace, CAP_SYS_ADMIN
 * are needed), ContainerGone (no such process, or it ended), Timeout (it did not stop),
 * LimitExceeded (too many filters, or no process for the helper), NoMemory, InternalError.
 * Context: parent; blocks up to the deadline.
 * Source: ptrace(2), PTRACE_SEIZE and PTRACE_SECCOMP_GET_FILTER; seccomp_get_filter() in
 * kernel/seccomp.c, whose index 0 is the oldest filter, not the newest as ptrace(2) says.
 */
int att_seccomp_read_back(pid_t host_pid, struct att_filter **ret, size_t *ret_n,
                          int64_t deadline_ns, struct att_err *err) _must_check_;

/** att_seccomp_same() - do two filters decide alike? att_bpf_same() says how far to trust it. */
bool att_seccomp_same(const struct att_filter *a, const struct att_filter *b);

/**
 * att_seccomp_allows() - does a filter let a native system call through?
 * @nr: number on this architecture
 *
 * Asked with all arguments zero and instruction pointer zero. Logged calls count as allowed, those
 * that a tracer or supervisor decides do not. Used to say in advance that a profile forbids what
 * entering the container needs.
 */
bool att_seccomp_allows(const struct att_filter *f, uint32_t nr);

#endif
