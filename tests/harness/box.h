/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real LXC containers for tests. A box has a container directory of its own below a run directory
 * that belongs to this process; it is taken down by box_free(), else at exit, else by the guard
 * process when the test program is killed, else by the next run.
 *
 * Failures are explained on stderr, with the end of liblxc's log.
 */
#ifndef ATT_HARNESS_BOX_H
#define ATT_HARNESS_BOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/defs.h"
#include "harness/cmd.h"

enum box_kind {
	BOX_PRIVILEGED = 1, /* busybox; root inside is root */
	BOX_IDMAPPED,       /* busybox; ids shifted by 100000 */
	BOX_DEBIAN,         /* Debian bookworm with systemd; ids shifted by 100000 */
	BOX_PURE_V2,        /* as BOX_IDMAPPED, on a host that has nothing but cgroup v2 */
};

struct box;

/** box_has() - are there boxes of this kind? A Debian is not where $ATTACHE_TEST_DEBIAN is "no". */
bool box_has(enum box_kind kind);

#define _cleanup_box_ _cleanup_(box_free_p)

/**
 * box_new() - make a container, not started
 * @kind:      BOX_PURE_V2 moves the calling process into a mount namespace with only cgroup v2,
 *             unless the host is like that anyway; box_free() moves it back. Free such boxes in the
 *             reverse order of making.
 * @test_name: becomes part of the container's name
 *
 * Return: 0 or -errno.
 */
int box_new(struct box **ret, enum box_kind kind, const char *test_name) _must_check_;

/**
 * box_config() - add a line to the configuration; a later one wins over the box's own
 *
 * To be called before box_start(). Return: 0 or -errno.
 */
int box_config(struct box *box, const char *fmt, ...) _printf_(2, 3) _must_check_;

/**
 * box_write_file() - make or replace a file in the container, owned by its root
 * @ct_path: absolute; links in it are followed inside the container's root; its directory exists
 *
 * Return: 0 or -errno.
 */
int box_write_file(struct box *box, const char *ct_path, const void *bytes, size_t len, mode_t mode)
	_must_check_;

/** box_start() - start it and wait until its init has started all it will. Return: 0 or -errno. */
int box_start(struct box *box) _must_check_;

/** box_stop() - kill it and wait until liblxc has cleaned up; it may be started again. */
void box_stop(struct box *box);

/** box_freeze() - freeze it. Return: 0 or -errno. */
int box_freeze(struct box *box) _must_check_;

/** box_unfreeze() - thaw it. Return: 0 or -errno. */
int box_unfreeze(struct box *box) _must_check_;

/** box_free() - stop and remove it; NULL allowed. Return: NULL. */
struct box *box_free(struct box *box);

/** box_free_p() - the cleanup form. */
void box_free_p(struct box **box);

/** box_name() - the container's name. */
const char *box_name(const struct box *box);

/** box_lxcpath() - what to give to -P. */
const char *box_lxcpath(const struct box *box);

/** box_rootfs() - the container's root directory as a host path. */
const char *box_rootfs(const struct box *box);

/** box_host_id() - host id of an id of the container's. */
uint32_t box_host_id(const struct box *box, uint32_t ct_id);

/** box_init_pid() - host pid of its init; 0 when it is not running. */
pid_t box_init_pid(const struct box *box);

/** box_monitor_pid() - host pid of its monitor; 0 when it is not running. */
pid_t box_monitor_pid(const struct box *box);

/** box_config_path() - path of its configuration file, written by box_start(). */
const char *box_config_path(const struct box *box);

/**
 * box_run_host() - run an LXC tool on it: `TOOL -P LXCPATH -n NAME ARGS…`
 * @tool: "lxc-attach", "lxc-info", …
 * @args: NULL-terminated, at most 60
 *
 * Return: as cmd_run().
 */
int box_run_host(const struct box *box, const char *tool, const char *const *args,
                 struct cmd_result *ret) _must_check_;

/**
 * box_attache() - run attache on it: `attache VERB -P LXCPATH ARGS…`
 * @verb: "exec", "inspect", …
 * @args: NULL-terminated, at most 60; names the container itself (box_name())
 *
 * The program is $ATTACHE, else the one that the build made.
 *
 * Return: as cmd_run(); -ENOENT when there is no such program.
 */
int box_attache(const struct box *box, const char *verb, const char *const *args,
                struct cmd_result *ret) _must_check_;

#endif
