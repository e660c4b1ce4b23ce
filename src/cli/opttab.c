/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cli/opts.h"

#define BEFORE  1u /* allowed before the command word */
#define EXEC    (1u << ATT_CMD_EXEC)
#define JOB     (EXEC | 1u << ATT_CMD_ENTER)
#define LIST    (1u << ATT_CMD_LIST)
#define INSPECT (1u << ATT_CMD_INSPECT)
#define EVERY   (BEFORE | JOB | LIST | INSPECT | 1u << ATT_CMD_HELP)
#define AT(f)   offsetof(struct att_opts, f)

static const struct att_choice env_froms[] = {
	{ "caller", (uint32_t)ATTACHE_EXEC_ENV_CALLER },
	{ "init", (uint32_t)ATTACHE_EXEC_ENV_INIT },
	{ 0 },
};

static const struct att_choice ios[] = {
	{ "relay", 0 },
	{ "direct", (uint32_t)ATTACHE_EXEC_DIRECT_IO },
	{ 0 },
};

static const struct att_choice parts[] = {
	{ "caps", ATTACHE_UNCONFINE_CAPS },     { "seccomp", ATTACHE_UNCONFINE_SECCOMP },
	{ "lsm", ATTACHE_UNCONFINE_LSM },       { "nnp", ATTACHE_UNCONFINE_NNP },
	{ "cgroup", ATTACHE_UNCONFINE_CGROUP }, { 0 },
};

static const struct att_choice colors[] = {
	{ "auto", ATT_COLOR_AUTO },
	{ "always", ATT_COLOR_ALWAYS },
	{ "never", ATT_COLOR_NEVER },
	{ 0 },
};

static const struct att_choice list_formats[] = {
	{ "table", ATT_FORMAT_TABLE },
	{ "json", ATT_FORMAT_JSON },
	{ "names", ATT_FORMAT_NAMES },
	{ 0 },
};

static const struct att_choice inspect_formats[] = {
	{ "text", ATT_FORMAT_TEXT },
	{ "json", ATT_FORMAT_JSON },
	{ 0 },
};

/*
 * The one place where an option is described: name, letter, name of the value, kind, commands,
 * place of the value (0: it has none), help; then what only some have. Formatted by hand, because a
 * table is read in rows.
 */
/* clang-format off */
static const struct att_opt_spec opts[_ATT_OPT_MAX] = {
	[ATT_OPT_USER] = { "user", 'u', "USER[:GROUP]", ATT_KIND_STRING, JOB,
		AT(exec.user), .help = "run as this user of the container, name or number" },
	[ATT_OPT_GROUPS] = { "groups", 0, "GROUP,...", ATT_KIND_TEXT, JOB,
		AT(exec.groups),
		.help = "supplementary groups instead of the user's; empty: none" },
	[ATT_OPT_WORKDIR] = { "workdir", 'w', "DIR", ATT_KIND_STRING, JOB,
		AT(exec.workdir), .help = "working directory in the container (/; of enter: the home)" },
	[ATT_OPT_ENV] = { "env", 'e', "NAME[=VALUE]", ATT_KIND_LIST, JOB,
		AT(env),
		.help = "set a variable, or copy it from the caller; repeatable, last wins" },
	[ATT_OPT_ENV_FILE] = { "env-file", 0, "FILE", ATT_KIND_LIST, JOB,
		AT(env_files),
		.help = "read variables from FILE, one NAME[=VALUE] a line; repeatable" },
	[ATT_OPT_ENV_FROM] = { "env-from", 0, "caller|init", ATT_KIND_CHOICE, JOB,
		AT(env_from),
		.help = "start from the caller's or init's environment, not a clean one",
		.choices = env_froms },
	[ATT_OPT_TTY] = { "tty", 't', NULL, ATT_KIND_FLAG, JOB,
		0, .help = "give the command a terminal, even if stdin or stdout is none" },
	[ATT_OPT_NO_TTY] = { "no-tty", 'T', NULL, ATT_KIND_FLAG, JOB,
		0, .help = "give the command no terminal" },
	[ATT_OPT_INTERACTIVE] = { "interactive", 'i', NULL, ATT_KIND_FLAG, EXEC,
		0, .help = "connect stdin; without COMMAND, run the user's login shell" },
	[ATT_OPT_NO_STDIN] = { "no-stdin", 'n', NULL, ATT_KIND_FLAG, EXEC,
		0, .help = "give the command /dev/null as its standard input",
		.bit = ATTACHE_EXEC_NO_STDIN },
	[ATT_OPT_SHELL_COMMAND] = { "shell-command", 'c', "STRING", ATT_KIND_TEXT, EXEC,
		AT(shell_string),
		.help = "run STRING with /bin/sh -c; the words after TARGET are $0 $1 ...",
		.bit = ATTACHE_EXEC_SHELL },
	[ATT_OPT_SCRIPT] = { "script", 0, "FILE", ATT_KIND_STRING, EXEC,
		AT(exec.script),
		.help = "run the caller's FILE inside; the words after TARGET are its arguments" },
	[ATT_OPT_TERM] = { "term", 0, "NAME", ATT_KIND_STRING, JOB,
		AT(exec.term),
		.help = "kind of the terminal (TERM, as far as the container knows it)" },
	[ATT_OPT_ESCAPE] = { "escape", 0, "CHAR", ATT_KIND_ESCAPE, JOB,
		AT(escape),
		.help = "at the start of a line, CHAR and . hangs up, CHAR and ? tells more (none)" },
	[ATT_OPT_DETACH_KEYS] = { "detach-keys", 0, "KEY,...", ATT_KIND_KEYS, JOB,
		AT(detach_keys),
		.help = "keys that leave the job running, such as ctrl-p,ctrl-q (none)" },
	[ATT_OPT_TIMEOUT] = { "timeout", 0, "DURATION", ATT_KIND_DURATION, JOB,
		AT(exec.timeout_ns),
		.help = "stop the whole job after DURATION (10, 1.5s, 2m, 1h30m; 0: never)" },
	[ATT_OPT_KILL_AFTER] = { "kill-after", 0, "DURATION", ATT_KIND_DURATION, JOB,
		AT(exec.kill_after_ns),
		.help = "kill what is left this long after the stop signal (10s)" },
	[ATT_OPT_STOP_SIGNAL] = { "stop-signal", 0, "SIGNAL", ATT_KIND_SIGNAL, JOB,
		AT(exec.stop_signal), .help = "what --timeout sends first (TERM)" },
	[ATT_OPT_WAIT] = { "wait", 0, "DURATION", ATT_KIND_DURATION, JOB,
		AT(wait_ns), .help = "wait this long for the container to run" },
	[ATT_OPT_NO_NEW_PRIVS] = { "no-new-privs", 0, NULL, ATT_KIND_FLAG, JOB,
		0, .help = "the command gains no privilege by executing a program",
		.bit = ATTACHE_EXEC_NO_NEW_PRIVS },
	[ATT_OPT_CAP_DROP] = { "cap-drop", 0, "CAP", ATT_KIND_LIST, JOB,
		AT(cap_drop), .help = "take a capability away, or ALL; repeatable" },
	[ATT_OPT_CAP_ADD] = { "cap-add", 0, "CAP", ATT_KIND_LIST, JOB,
		AT(cap_add), .help = "give a capability that init may have, or ALL; repeatable" },
	[ATT_OPT_PRIVILEGED] = { "privileged", 0, "PART,...", ATT_KIND_PARTS, JOB,
		AT(exec.unconfine),
		.help = "leave out parts of the confinement: caps, seccomp, lsm, nnp, cgroup; "
			"all if none is named",
		.choices = parts },
	[ATT_OPT_RLIMIT] = { "rlimit", 0, "NAME=SOFT[:HARD]", ATT_KIND_LIST, JOB,
		AT(rlimits), .help = "set a resource limit; repeatable" },
	[ATT_OPT_NICE] = { "nice", 0, "N", ATT_KIND_NUMBER, JOB,
		AT(exec.nice), .help = "nice value, -20 to 19",
		.min = -20, .max = 19, .bit = ATTACHE_EXEC_HAS_NICE },
	[ATT_OPT_OOM_SCORE_ADJ] = { "oom-score-adj", 0, "N", ATT_KIND_NUMBER, JOB,
		AT(exec.oom_score_adj),
		.help = "adjustment for the out-of-memory killer, -1000 to 1000",
		.min = -1000, .max = 1000, .bit = ATTACHE_EXEC_HAS_OOM },
	[ATT_OPT_UMASK] = { "umask", 0, "OCTAL", ATT_KIND_OCTAL, JOB,
		AT(exec.umask), .help = "file mode creation mask (022)",
		.max = 0777, .bit = ATTACHE_EXEC_HAS_UMASK },
	[ATT_OPT_CPU_AFFINITY] = { "cpu-affinity", 0, "LIST", ATT_KIND_STRING, JOB,
		AT(exec.cpu_affinity), .help = "processors to run on, such as 0-3,8" },
	[ATT_OPT_IO_PRIORITY] = { "io-priority", 0, "CLASS[:N]", ATT_KIND_STRING, JOB,
		AT(exec.io_priority),
		.help = "I/O class: realtime or best-effort (0 to 7), idle, none" },
	[ATT_OPT_NAMESPACES] = { "namespaces", 0, "LIST", ATT_KIND_STRING, JOB,
		AT(exec.namespaces),
		.help = "enter only these: mnt,pid,net,ipc,uts,cgroup,user,time" },
	[ATT_OPT_DETACH] = { "detach", 'd', NULL, ATT_KIND_FLAG, EXEC,
		0, .help = "leave the job running; print its id", .bit = ATTACHE_EXEC_DETACH },
	[ATT_OPT_PID_FILE] = { "pid-file", 0, "FILE", ATT_KIND_STRING, JOB,
		AT(pid_file), .help = "write the command's host process id to FILE" },
	[ATT_OPT_LOG] = { "log", 0, "FILE", ATT_KIND_STRING, EXEC,
		AT(log), .help = "append a detached job's output to FILE" },
	[ATT_OPT_IO] = { "io", 0, "relay|direct", ATT_KIND_CHOICE, EXEC,
		AT(io),
		.help = "carry the bytes (default), or hand over the caller's own descriptors",
		.choices = ios },
	[ATT_OPT_DRY_RUN] = { "dry-run", 0, NULL, ATT_KIND_FLAG, JOB,
		0, .help = "print the plan as JSON and start nothing" },
	[ATT_OPT_STATUS_FD] = { "status-fd", 0, "N", ATT_KIND_NUMBER, JOB,
		AT(status_fd), .help = "write the result to descriptor N, as one line of JSON",
		.min = 1, .max = INT32_MAX },
	[ATT_OPT_ALL] = { "all", 'a', NULL, ATT_KIND_FLAG, LIST,
		0, .help = "stopped containers too" },
	[ATT_OPT_LXCPATH] = { "lxcpath", 'P', "DIR", ATT_KIND_STRING, EVERY,
		AT(lxcpath), .help = "where the containers are (liblxc's own default)" },
	[ATT_OPT_FORMAT] = { "format", 0, "FORMAT", ATT_KIND_TEXT, LIST | INSPECT | BEFORE,
		AT(format_word), .help = "list: table, json, names; inspect: text, json" },
	[ATT_OPT_COLOR] = { "color", 0, "auto|always|never", ATT_KIND_CHOICE, EVERY,
		AT(color), .help = "colour the output (auto: on a terminal)", .choices = colors },
	[ATT_OPT_QUIET] = { "quiet", 'q', NULL, ATT_KIND_FLAG, EVERY,
		0, .help = "no warnings, errors only" },
	[ATT_OPT_VERBOSE] = { "verbose", 'v', NULL, ATT_KIND_COUNT, EVERY,
		AT(verbose), .help = "tell the steps on standard error; twice: the plan too" },
	[ATT_OPT_HELP] = { "help", 'h', NULL, ATT_KIND_FLAG, EVERY,
		0, .help = "print this help" },
	[ATT_OPT_VERSION] = { "version", 0, NULL, ATT_KIND_FLAG, EVERY,
		0, .help = "print the version" },
};
/* clang-format on */

static const struct att_cmd_spec cmds[_ATT_CMD_MAX] = {
	[ATT_CMD_EXEC] = { .name = "exec",
	                   .usage = "[OPTION]... TARGET [OPTION]... [--] COMMAND [ARGUMENT]...",
	                   .summary = "run a command in a container" },
	[ATT_CMD_ENTER] = { .name = "enter",
	                    .usage = "[OPTION]... TARGET [OPTION]...",
	                    .summary = "run a login shell in a container, on a terminal" },
	[ATT_CMD_LIST] = { .name = "list",
	                   .alias = "ls",
	                   .usage = "[OPTION]...",
	                   .summary = "list the containers of this host",
	                   .formats = list_formats },
	[ATT_CMD_INSPECT] = { .name = "inspect",
	                      .usage = "[OPTION]... TARGET",
	                      .summary = "show what confines a job in a container",
	                      .formats = inspect_formats },
	[ATT_CMD_HELP] = { .name = "help", .usage = "[COMMAND]", .summary = "explain a command" },
};

const struct att_opt_spec *att_opt_spec(enum att_opt opt)
{
	att_assert(opt > 0 && opt < _ATT_OPT_MAX);
	return &opts[opt];
}

const struct att_cmd_spec *att_cmd_spec(enum att_cmd cmd)
{
	att_assert(cmd > 0 && cmd < _ATT_CMD_MAX);
	return &cmds[cmd];
}
