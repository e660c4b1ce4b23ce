/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line as a value. One table of options and one of commands drive the parser, --help
 * and the check of the manual page. The parser is pure: it opens nothing and prints nothing, and
 * every word it keeps is borrowed from argv, byte for byte.
 */
#ifndef ATT_CLI_OPTS_H
#define ATT_CLI_OPTS_H

#include <stdbool.h>

#include <attache/attache.h>

#include "base/defs.h"
#include "base/err.h"

enum att_cmd {
	ATT_CMD_EXEC = 1,
	ATT_CMD_ENTER,
	ATT_CMD_LIST,
	ATT_CMD_INSPECT,
	ATT_CMD_HELP,
	_ATT_CMD_MAX,
};

/* Options in the order of the help text. */
enum att_opt {
	ATT_OPT_USER = 1,
	ATT_OPT_GROUPS,
	ATT_OPT_WORKDIR,
	ATT_OPT_ENV,
	ATT_OPT_ENV_FILE,
	ATT_OPT_ENV_FROM,
	ATT_OPT_TTY,
	ATT_OPT_NO_TTY,
	ATT_OPT_INTERACTIVE,
	ATT_OPT_NO_STDIN,
	ATT_OPT_SHELL_COMMAND,
	ATT_OPT_SCRIPT,
	ATT_OPT_TERM,
	ATT_OPT_ESCAPE,
	ATT_OPT_DETACH_KEYS,
	ATT_OPT_TIMEOUT,
	ATT_OPT_KILL_AFTER,
	ATT_OPT_STOP_SIGNAL,
	ATT_OPT_WAIT,
	ATT_OPT_NO_NEW_PRIVS,
	ATT_OPT_CAP_DROP,
	ATT_OPT_CAP_ADD,
	ATT_OPT_PRIVILEGED,
	ATT_OPT_RLIMIT,
	ATT_OPT_NICE,
	ATT_OPT_OOM_SCORE_ADJ,
	ATT_OPT_UMASK,
	ATT_OPT_CPU_AFFINITY,
	ATT_OPT_IO_PRIORITY,
	ATT_OPT_NAMESPACES,
	ATT_OPT_DETACH,
	ATT_OPT_PID_FILE,
	ATT_OPT_LOG,
	ATT_OPT_IO,
	ATT_OPT_DRY_RUN,
	ATT_OPT_STATUS_FD,
	ATT_OPT_ALL,
	ATT_OPT_LXCPATH,
	ATT_OPT_FORMAT,
	ATT_OPT_COLOR,
	ATT_OPT_QUIET,
	ATT_OPT_VERBOSE,
	ATT_OPT_HELP,
	ATT_OPT_VERSION,
	_ATT_OPT_MAX,
};

_Static_assert(_ATT_OPT_MAX <= 64, "one bit of att_opts.seen for each option");

enum att_color {
	ATT_COLOR_AUTO = 1,
	ATT_COLOR_ALWAYS,
	ATT_COLOR_NEVER,
};

enum att_format {
	ATT_FORMAT_TABLE = 1,
	ATT_FORMAT_TEXT,
	ATT_FORMAT_JSON,
	ATT_FORMAT_NAMES,
};

/* What an option's value is, and so which function reads it. */
enum att_opt_kind {
	ATT_KIND_FLAG = 1, /* no value */
	ATT_KIND_COUNT,    /* no value, counted */
	ATT_KIND_STRING,   /* not empty */
	ATT_KIND_TEXT,     /* may be empty */
	ATT_KIND_LIST,     /* repeatable text */
	ATT_KIND_DURATION,
	ATT_KIND_SIGNAL,
	ATT_KIND_ESCAPE, /* a character */
	ATT_KIND_KEYS,   /* some, not none */
	ATT_KIND_OCTAL,
	ATT_KIND_NUMBER,
	ATT_KIND_CHOICE,
	ATT_KIND_PARTS, /* the value is optional, and attached by '=' */
	_ATT_KIND_MAX,
};

struct att_choice {
	const char *word; /* NULL ends the list */
	uint32_t value;
};

struct att_opt_spec {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	const char *arg;  /* name of the value; NULL: takes none */
	enum att_opt_kind kind;
	uint32_t cmds; /* bit per enum att_cmd; bit 0: allowed before the command word */
	size_t offset; /* of the value in struct att_opts; unused for flags */
	const char *help;
	const struct att_choice *choices; /* CHOICE and PARTS */
	int64_t min;                      /* NUMBER */
	int64_t max;                      /* NUMBER and OCTAL */
	uint64_t bit;                     /* set in exec.flags when given */
};

struct att_cmd_spec {
	const char *name;
	const char *alias; /* NULL: none */
	const char *usage;
	const char *summary;
	const struct att_choice *formats; /* values of --format, the default first; NULL: none */
};

/* Borrowed words; v is NULL-terminated, or NULL while there is none. */
struct att_words {
	const char **v;
	size_t n;
	size_t cap;
};

struct att_opts {
	enum att_cmd cmd;      /* 0: none was given */
	enum att_cmd help_cmd; /* of `help CMD`; 0: help on everything */
	uint64_t seen;         /* bit per enum att_opt */
	const char *target;
	struct att_words
		command; /* first word and arguments of the job; with -c its string first */
	struct att_words env;
	struct att_words env_files;
	struct att_words cap_drop;
	struct att_words cap_add;
	struct att_words rlimits;
	const char *shell_string;
	const char *escape;
	const char *detach_keys;
	const char *pid_file;
	const char *log;
	const char *lxcpath;
	const char *format_word;
	enum att_format format;
	int64_t wait_ns;
	uint32_t color; /* enum att_color */
	uint32_t verbose;
	uint32_t env_from; /* ATTACHE_EXEC_ENV_* or 0 */
	uint32_t io;       /* ATTACHE_EXEC_DIRECT_IO or 0 */
	int32_t status_fd; /* with ATT_OPT_STATUS_FD */
	struct attache_exec_opts exec;
};

/** att_opts_init() - everything absent, every default in place. */
void att_opts_init(struct att_opts *o);

/** att_opts_done() - free the vectors (not the words); idempotent. */
void att_opts_done(struct att_opts *o);

/**
 * att_opts_parse() - read the words of a command line
 * @o:    in-out: initialised; what was read before an error stays, so that the error line can name
 *        the command and the target, and go to --status-fd. Borrows @argv
 * @argc: number of words, the program's name among them
 * @argv: @argc words
 *
 * --help and --version end the reading: nothing after them is looked at, and nothing is missing.
 *
 * Errors: InvalidArgument (unknown command or option, a value missing, not wanted or malformed,
 * options that contradict each other, a word too many), MissingContainerId, MissingCommand,
 * NoMemory.
 */
int att_opts_parse(struct att_opts *o, int argc, char *const *argv, struct att_err *err)
	_must_check_;

/** att_opts_has() - was this option given? */
bool att_opts_has(const struct att_opts *o, enum att_opt opt);

/** att_opt_spec() - the table row of an option. Return: static. */
const struct att_opt_spec *att_opt_spec(enum att_opt opt);

/** att_cmd_spec() - the table row of a command. Return: static. */
const struct att_cmd_spec *att_cmd_spec(enum att_cmd cmd);

#endif
