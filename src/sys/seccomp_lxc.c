/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * LXC's profile text to a filter. The reader follows liblxc's, character by character, in what it
 * accepts: two programs that read one profile differently confine differently.
 */
#include "sys/seccomp.h"

#include <errno.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define ARGS_MAX   6u  /* of a system call */
#define NUMBER_MAX 23u /* characters of a value or mask that liblxc looks at */
#define OP_MAX     30u /* the same for an operator */
#define COMPAT_MAX 2u  /* foreign architectures that a host runs */
#define MULTI_MAX  64u /* system calls that have a rule on several arguments */
#define FOREIGN    UINT32_MAX
#define EMPTY      1 /* outcome of parse_action(): no action there */

/* The architectures a kernel runs besides its own. liblxc adds every live rule to each of them. */
struct host {
	uint32_t native;
	uint32_t compat
		[COMPAT_MAX]; /* in the order of merging, which shapes the program; 0 = none */
};

static const struct host hosts[] = {
	{ SCMP_ARCH_X86_64, { SCMP_ARCH_X86, SCMP_ARCH_X32 } },
	{ SCMP_ARCH_AARCH64, { SCMP_ARCH_ARM, 0 } },
};

/* Sections, in the two spellings that count; rules of an architecture the host lacks are skipped. */
static const struct {
	const char *lower;
	const char *upper;
	uint32_t arch; /* 0: live everywhere; FOREIGN: on no host that attache knows */
} sections[] = {
	{ "[all]", "[ALL]", 0 },
	{ "[x86]", "[X86]", SCMP_ARCH_X86 },
	{ "[x32]", "[X32]", SCMP_ARCH_X32 },
	{ "[x86_64]", "[X86_64]", SCMP_ARCH_X86_64 },
	{ "[arm]", "[ARM]", SCMP_ARCH_ARM },
	{ "[arm64]", "[ARM64]", SCMP_ARCH_AARCH64 },
	{ "[aarch64]", "[AARCH64]", SCMP_ARCH_AARCH64 },
	{ "[ppc]", "[PPC]", FOREIGN },
	{ "[ppc64]", "[PPC64]", FOREIGN },
	{ "[ppc64le]", "[PPC64LE]", FOREIGN },
	{ "[mips]", "[MIPS]", FOREIGN },
	{ "[mips64]", "[MIPS64]", FOREIGN },
	{ "[mips64n32]", "[MIPS64N32]", FOREIGN },
	{ "[mipsel]", "[MIPSEL]", FOREIGN },
	{ "[mipsel64]", "[MIPSEL64]", FOREIGN },
	{ "[mipsel64n32]", "[MIPSEL64N32]", FOREIGN },
	{ "[s390]", "[S390]", FOREIGN },
	{ "[s390x]", "[S390X]", FOREIGN },
	{ "[loongarch64]", "[LOONGARCH64]", FOREIGN },
};

static const struct {
	const char *word;
	uint32_t action;
} actions[] = {
	{ "kill", SCMP_ACT_KILL }, { "errno", SCMP_ACT_ERRNO(0) }, { "allow", SCMP_ACT_ALLOW },
	{ "trap", SCMP_ACT_TRAP }, { "notify", SCMP_ACT_NOTIFY },
};

static const struct {
	const char *sign;
	const char *name;
	enum scmp_compare op;
} operators[] = {
	{ "!=", "SCMP_CMP_NE", SCMP_CMP_NE },
	{ "<", "SCMP_CMP_LT", SCMP_CMP_LT },
	{ "<=", "SCMP_CMP_LE", SCMP_CMP_LE },
	{ "==", "SCMP_CMP_EQ", SCMP_CMP_EQ },
	{ ">=", "SCMP_CMP_GE", SCMP_CMP_GE },
	{ ">", "SCMP_CMP_GT", SCMP_CMP_GT },
	{ "&=", "SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ },
};

static const struct {
	const char *word;
	bool deny;
} policies[] = {
	{ "denylist", true },
	{ "blacklist", true },
	{ "allowlist", false },
	{ "whitelist", false },
};

struct rule {
	uint32_t action;
	unsigned int n_args;
	struct scmp_arg_cmp args[ARGS_MAX];
};

/* A system call that has a rule on several arguments; see admit_multi(). */
struct multi {
	int nr;
	bool ordered; /* with an operator other than == and &= */
};

struct compiler {
	const char *path;
	struct att_err *err;
	const struct host *host;
	char *text; /* owned copy, NUL-terminated, cut into lines as they are read */
	char *next; /* first unread byte */
	char *end;
	unsigned int line; /* of the line read last, from 1 */
	size_t n_rules;
	size_t n_unknown;
	struct multi multi[MULTI_MAX];
	size_t n_multi;
	bool skip; /* within a section for another kind of host */
	uint32_t default_action;
	uint32_t rule_action; /* of a rule that names none */
	scmp_filter_ctx native;
	scmp_filter_ctx compat[COMPAT_MAX];
};

static void compiler_done(struct compiler *c)
{
	if (c->native != NULL)
		seccomp_release(c->native);
	for (size_t i = 0; i < COMPAT_MAX; i++) {
		if (c->compat[i] != NULL)
			seccomp_release(c->compat[i]);
	}
	free(c->text);
}

/* The error for text at fault: "line 7: unknown action 'foo'". */
static int refuse(struct compiler *c, const char *reason, const char *word, size_t len)
{
	char path[160];
	char shown[80];

	att_escape(path, sizeof(path), c->path, strlen(c->path));
	att_escape(shown, sizeof(shown), word, len);
	return att_err_set(c->err, ATT_E_CONFINEMENT_UNAVAILABLE, ATT_STAGE_SECCOMP,
	                   "seccomp profile '%s': line %u: %s '%s'", path, c->line, reason, shown);
}

/* The error for a rule that libseccomp does not take; @rc: its negative errno. */
static int refuse_rule(struct compiler *c, const char *name, int rc)
{
	int code = 0;

	if (rc == -ENOMEM)
		return att_err_nomem(c->err, ATT_STAGE_SECCOMP);
	code = refuse(c, rc == -EACCES ? "rule repeats the default action for" : "bad rule for",
	              name, strcspn(name, " \n"));
	c->err->sys = -rc;
	return code;
}

static int limit(struct compiler *c, const char *what, size_t max)
{
	char path[160];

	att_escape(path, sizeof(path), c->path, strlen(c->path));
	return att_err_set(c->err, ATT_E_LIMIT_EXCEEDED, ATT_STAGE_SECCOMP,
	                   "seccomp profile '%s': more than %zu %s", path, max, what);
}

static bool is_blank(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Cuts the next line off; NULL at the end. A NUL byte ends what is seen of its line. */
static char *next_line(struct compiler *c)
{
	char *line = c->next;
	char *nl = NULL;

	if (line == c->end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(c->end - line));
	if (nl == NULL)
		nl = c->end;
	c->next = nl == c->end ? nl : nl + 1;
	*nl = '\0';
	c->line++;
	return line;
}

/* Blanks, then an optional sign and digits; what follows is left alone. @ret_end may be NULL. */
static bool scan_int(const char *s, int base, int *ret, const char **ret_end)
{
	char *end = NULL;
	long v = 0;

	errno = 0;
	v = strtol(s, &end, base);
	if (end == s || errno != 0 || v < INT_MIN || v > INT_MAX)
		return false;
	*ret = (int)v;
	if (ret_end != NULL)
		*ret_end = end;
	return true;
}

/* Unsigned, decimal, 0x or 0 prefix, up to the end of @s. */
static bool scan_u64(const char *s, uint64_t *ret)
{
	char *end = NULL;
	unsigned long long v = 0;

	while (is_blank(*s))
		s++;
	if (*s == '-')
		return false;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (end == s || *end != '\0' || errno != 0)
		return false;
	*ret = v;
	return true;
}

/* An action; what follows it is ignored. Return: 0, or EMPTY for a text without a word. */
static int parse_action(struct compiler *c, const char *s, uint32_t *ret)
{
	int number = 0;

	while (*s == ' ')
		s++;
	if (*s == '\0')
		return EMPTY;
	for (size_t i = 0; i < countof(actions); i++) {
		size_t len = strlen(actions[i].word);

		if (!starts_with(s, actions[i].word))
			continue;
		*ret = actions[i].action;
		if (actions[i].action != SCMP_ACT_ERRNO(0))
			return 0;
		if (!scan_int(s + len, 10, &number, NULL))
			return refuse(c, "no error number in", s, strlen(s));
		*ret = SCMP_ACT_ERRNO((uint32_t)number);
		return 0;
	}
	return refuse(c, "unknown action", s, strcspn(s, " \t\r\n"));
}

static bool find_operator(const char *s, enum scmp_compare *ret)
{
	for (size_t i = 0; i < countof(operators); i++) {
		if (strcmp(s, operators[i].sign) == 0 || strcmp(s, operators[i].name) == 0) {
			*ret = operators[i].op;
			return true;
		}
	}
	return false;
}

/* Copies 1…@max characters up to one of @stop. Return: what follows them, NULL if there were none. */
static const char *take_field(const char *s, const char *stop, char *dst, size_t max)
{
	size_t len = strcspn(s, stop);

	if (len == 0)
		return NULL;
	if (len > max)
		len = max;
	memcpy(dst, s, len);
	dst[len] = '\0';
	return s + len;
}

/*
 * "[index,value,op" or "[index,value,op,mask", the closing bracket already cut off. What follows a
 * complete operator or mask is ignored. The three reasons of failure name the part at fault.
 */
static const char *parse_arg(const char *s, struct scmp_arg_cmp *ret)
{
	char value[NUMBER_MAX + 1];
	char op[OP_MAX + 1];
	char mask[NUMBER_MAX + 1] = "0";
	uint64_t v = 0;
	uint64_t m = 0;
	enum scmp_compare cmp = _SCMP_CMP_MIN;
	int index = 0;

	s = strchr(s, '[');
	if (s == NULL || !scan_int(s + 1, 0, &index, &s) || index < 0 || index >= (int)ARGS_MAX)
		return "bad argument index in";
	if (*s != ',')
		return "bad argument index in";
	s = take_field(s + 1, ",", value, NUMBER_MAX);
	if (s == NULL || *s != ',' || !scan_u64(value, &v))
		return "bad argument value in";
	s = take_field(s + 1, "0123456789^,", op, OP_MAX);
	if (s == NULL || !find_operator(op, &cmp))
		return "bad argument operator in";
	if (*s == ',')
		att_ignore(take_field(s + 1, ",", mask, NUMBER_MAX) != NULL);
	if (!scan_u64(mask, &m))
		return "bad argument mask in";
	ret->arg = (unsigned int)index;
	ret->op = cmp;
	ret->datum_a = cmp == SCMP_CMP_MASKED_EQ ? m : v;
	ret->datum_b = cmp == SCMP_CMP_MASKED_EQ ? v : 0;
	return NULL;
}

/* The argument conditions of a rule, each ended by ']'; those after the sixth are ignored. */
static int parse_args(struct compiler *c, const char *line, struct rule *rule)
{
	_cleanup_free_ char *copy = NULL;
	char *s = NULL;

	if (strchr(line, '[') == NULL)
		return 0;
	copy = strdup(line);
	if (copy == NULL)
		return att_err_nomem(c->err, ATT_STAGE_SECCOMP);
	s = copy + strspn(copy, "]");
	while (*s != '\0' && rule->n_args < ARGS_MAX) {
		char *close = s + strcspn(s, "]");
		char *after = close + strspn(close, "]");
		const char *fault = NULL;

		*close = '\0';
		fault = parse_arg(s, &rule->args[rule->n_args]);
		if (fault != NULL) {
			s += strchr(s, '[') != NULL ? strcspn(s, "[") : 0;
			return refuse(c, fault, s, strlen(s));
		}
		rule->n_args++;
		s = after;
	}
	return 0;
}

/* Everything of a rule's line but its name: what follows the first space. */
static int parse_rule(struct compiler *c, const char *line, struct rule *rule)
{
	const char *s = strchr(line, ' ');
	int r = 0;

	rule->action = c->rule_action;
	rule->n_args = 0;
	while (s != NULL && *s == ' ')
		s++;
	if (s != NULL && *s != '#') {
		r = parse_action(c, s, &rule->action);
		if (r < 0)
			return r;
	}
	return parse_args(c, line, rule);
}

/* umount2(…, MNT_FORCE) fails with EACCES, in one filter. */
static int add_force_umount(struct compiler *c, scmp_filter_ctx ctx)
{
	int rc = seccomp_rule_add_exact(ctx, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(umount2), 1,
	                                SCMP_A1(SCMP_CMP_MASKED_EQ, MNT_FORCE, MNT_FORCE));

	return rc < 0 ? refuse_rule(c, "reject_force_umount", rc) : 0;
}

static int add_to(struct compiler *c, scmp_filter_ctx ctx, int nr, const char *name,
                  const struct rule *rule)
{
	int rc = seccomp_rule_add_exact_array(ctx, rule->action, nr, rule->n_args, rule->args);

	return rc < 0 ? refuse_rule(c, name, rc) : 0;
}

static bool is_ordered(const struct rule *rule)
{
	for (unsigned int i = 0; i < rule->n_args; i++) {
		if (rule->args[i].op != SCMP_CMP_EQ && rule->args[i].op != SCMP_CMP_MASKED_EQ)
			return true;
	}
	return false;
}

/*
 * libseccomp (2.5.4) can get into an endless loop, and liblxc with it, over two rules of one system
 * call that both look at several arguments, once other operators than == and &= are involved. The
 * profile is read on behalf of somebody who waits, so such a pair is refused.
 */
static int admit_multi(struct compiler *c, int nr, const char *name, const struct rule *rule)
{
	struct multi new = { .nr = nr, .ordered = is_ordered(rule) };

	if (rule->n_args < 2)
		return 0;
	for (size_t i = 0; i < c->n_multi; i++) {
		if (c->multi[i].nr == nr && (c->multi[i].ordered || new.ordered))
			return refuse(c, "a second rule on several arguments with < > or != for",
			              name, strlen(name));
		if (c->multi[i].nr == nr)
			return 0;
	}
	if (c->n_multi == MULTI_MAX)
		return limit(c, "system calls with rules on several arguments", MULTI_MAX);
	c->multi[c->n_multi++] = new;
	return 0;
}

/*
 * Adds a rule to the native filter and to each compat one. @nr is always the native number:
 * libseccomp translates it. A negative one is a call that only other architectures have.
 */
static int add_rule(struct compiler *c, const char *name, const struct rule *rule)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r = 0;

	if (nr == __NR_SCMP_ERROR) {
		c->n_unknown++;
		return 0;
	}
	r = admit_multi(c, nr, name, rule);
	if (r < 0)
		return r;
	if (nr >= 0) {
		r = add_to(c, c->native, nr, name, rule);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < COMPAT_MAX && c->host->compat[i] != 0; i++) {
		if (seccomp_syscall_resolve_name_arch(c->host->compat[i], name) < 0)
			continue;
		r = add_to(c, c->compat[i], nr, name, rule);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_macro(struct compiler *c)
{
	int r = add_force_umount(c, c->native);

	for (size_t i = 0; r == 0 && i < COMPAT_MAX && c->host->compat[i] != 0; i++)
		r = add_force_umount(c, c->compat[i]);
	return r;
}

static int count_rule(struct compiler *c)
{
	c->n_rules++;
	if (c->n_rules > ATT_SECCOMP_RULES_MAX)
		return limit(c, "rules", ATT_SECCOMP_RULES_MAX);
	return 0;
}

static int compile_rule(struct compiler *c, char *line)
{
	struct rule rule = { 0 };
	int r = parse_rule(c, line, &rule);

	if (r < 0)
		return r;
	line[strcspn(line, " ")] = '\0';
	if (*line == '\0')
		return 0;
	r = count_rule(c);
	if (r < 0)
		return r;
	if (starts_with(line, "reject_force_umount"))
		return add_macro(c);
	return add_rule(c, line, &rule);
}

static int enter_section(struct compiler *c, const char *line)
{
	for (size_t i = 0; i < countof(sections); i++) {
		uint32_t arch = sections[i].arch;

		if (strcmp(line, sections[i].lower) != 0 && strcmp(line, sections[i].upper) != 0)
			continue;
		c->skip = arch != 0 && arch != c->host->native && arch != c->host->compat[0] &&
		          arch != c->host->compat[1];
		return 0;
	}
	return refuse(c, "unknown section", line, strlen(line));
}

static int compile_v2_line(struct compiler *c, char *line)
{
	if (*line == '#')
		return 0;
	if (*line == '[')
		return enter_section(c, line);
	return c->skip ? 0 : compile_rule(c, line);
}

/* Version 1 is numbers only: neither comments nor blank lines, and no compat architecture. */
static int compile_v1_line(struct compiler *c, char *line)
{
	int nr = 0;
	int rc = 0;
	int r = 0;

	if (!scan_int(line, 10, &nr, NULL))
		return refuse(c, "not a system call number", line, strlen(line));
	r = count_rule(c);
	if (r < 0)
		return r;
	rc = seccomp_rule_add(c->native, SCMP_ACT_ALLOW, nr, 0);
	return rc < 0 ? refuse_rule(c, line, rc) : 0;
}

static int parse_policy(struct compiler *c, const char *line)
{
	const char *s = strchr(line, ' ');
	size_t i = 0;
	int r = 0;

	while (i < countof(policies) && !starts_with(line, policies[i].word))
		i++;
	if (i == countof(policies))
		return refuse(c, "unknown policy", line, strcspn(line, " \t\r"));
	c->rule_action = policies[i].deny ? SCMP_ACT_KILL : SCMP_ACT_ALLOW;
	c->default_action = policies[i].deny ? SCMP_ACT_ALLOW : SCMP_ACT_KILL;
	if (s == NULL)
		return 0;
	r = parse_action(c, s, &c->default_action);
	if (r != EMPTY)
		return r;
	/* liblxc still sees the line feed here, and takes it for an unknown word. */
	if (line + strlen(line) < c->end)
		return refuse(c, "blank at the end of", line, strlen(line));
	return 0;
}

/* The version and the blanks after it, line ends included; what is left starts the policy. */
static int parse_version(struct compiler *c, int *ret)
{
	const char *after = NULL;
	size_t used = 0;

	c->line = 1;
	att_assert(c->text != NULL);
	if (!scan_int(c->text, 10, ret, &after) || (*ret != 1 && *ret != 2))
		return refuse(c, "unknown version", c->text, strcspn(c->text, "\n"));
	used = (size_t)(after - c->text);
	used += strspn(after, " \t\n\v\f\r");
	c->next = c->text + used;
	c->line = 0;
	for (size_t i = 0; i < used; i++)
		c->line += c->text[i] == '\n';
	return 0;
}

static int parse_header(struct compiler *c, int *ret_version)
{
	const char *line = NULL;
	int r = parse_version(c, ret_version);

	if (r < 0)
		return r;
	line = next_line(c);
	if (line == NULL) {
		c->line++;
		return refuse(c, "no policy after version", *ret_version == 1 ? "1" : "2", 1);
	}
	if (*ret_version == 1 && strstr(line, "allowlist") == NULL)
		return refuse(c, "version 1 takes only an allowlist, not", line, strlen(line));
	if (strstr(line, "debug") != NULL)
		return refuse(c, "unsupported policy", line, strlen(line));
	c->default_action = SCMP_ACT_KILL;
	return *ret_version == 1 ? 0 : parse_policy(c, line);
}

static int internal(struct compiler *c, int rc, const char *what)
{
	if (rc == -ENOMEM)
		return att_err_nomem(c->err, ATT_STAGE_SECCOMP);
	return att_err_sys(c->err, ATT_E_INTERNAL_ERROR, ATT_STAGE_SECCOMP, -rc, "%s", what);
}

/* @arch: 0 = native. no_new_privs off, so that the value never depends on how it gets loaded. */
static int new_filter(struct compiler *c, uint32_t arch, scmp_filter_ctx *ret)
{
	scmp_filter_ctx ctx = NULL;
	int rc = 0;

	errno = 0;
	ctx = seccomp_init(c->default_action);
	if (ctx == NULL && errno == ENOMEM)
		return att_err_nomem(c->err, ATT_STAGE_SECCOMP);
	if (ctx == NULL)
		return refuse(c, "the kernel does not know the default action of", "policy", 6);
	*ret = ctx;
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0);
	if (rc == 0 && arch != 0)
		rc = seccomp_arch_add(ctx, arch);
	if (rc == 0 && arch != 0)
		rc = seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	return rc < 0 ? internal(c, rc, "set up a seccomp filter") : 0;
}

/* @version: the compat architectures exist only in version 2; without them their calls are killed. */
static int new_filters(struct compiler *c, int version)
{
	int r = new_filter(c, 0, &c->native);

	for (size_t i = 0; r == 0 && version == 2 && i < COMPAT_MAX; i++) {
		if (c->host->compat[i] != 0)
			r = new_filter(c, c->host->compat[i], &c->compat[i]);
	}
	return r;
}

static int merge(struct compiler *c)
{
	for (size_t i = 0; i < COMPAT_MAX; i++) {
		int rc = c->compat[i] == NULL ? 0 : seccomp_merge(c->native, c->compat[i]);

		if (rc < 0)
			return internal(c, rc, "merge seccomp filters");
		c->compat[i] = NULL;
	}
	return 0;
}

static int compile(struct compiler *c)
{
	char *line = NULL;
	int version = 0;
	int r = parse_header(c, &version);

	if (r < 0)
		return r;
	r = new_filters(c, version);
	if (r < 0)
		return r;
	for (line = next_line(c); line != NULL; line = next_line(c)) {
		r = version == 1 ? compile_v1_line(c, line) : compile_v2_line(c, line);
		if (r < 0)
			return r;
	}
	return merge(c);
}

static const struct host *find_host(void)
{
	for (size_t i = 0; i < countof(hosts); i++) {
		if (hosts[i].native == seccomp_arch_native())
			return &hosts[i];
	}
	return NULL;
}

static int copy_text(struct compiler *c, const char *text, size_t len)
{
	if (len > ATT_SECCOMP_TEXT_MAX)
		return limit(c, "bytes", ATT_SECCOMP_TEXT_MAX);
	c->text = malloc(len + 1);
	if (c->text == NULL)
		return att_err_nomem(c->err, ATT_STAGE_SECCOMP);
	if (len > 0)
		memcpy(c->text, text, len);
	c->text[len] = '\0';
	c->next = c->text;
	c->end = c->text + len;
	return 0;
}

int att_seccomp_compile_lxc(const char *path, const char *text, size_t len, struct att_filter *ret,
                            struct att_err *err)
{
	_cleanup_(compiler_done) struct compiler c = { .path = path, .err = err };
	int r = 0;

	c.host = find_host();
	if (c.host == NULL)
		return att_err_set(err, ATT_E_UNSUPPORTED, ATT_STAGE_SECCOMP,
		                   "seccomp profiles on architecture %#x", seccomp_arch_native());
	r = copy_text(&c, text, len);
	if (r < 0)
		return r;
	r = compile(&c);
	if (r < 0)
		return r;
	r = att_filter_export(ret, c.native, err);
	if (r < 0)
		return att_err_wrap(err, "seccomp profile '%s'", path);
	ret->n_unknown = c.n_unknown;
	return 0;
}
