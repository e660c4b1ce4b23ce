/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/bpf.h"

#include <linux/audit.h>
#include <string.h>

/* Interpreted instructions that one comparison may cost: some tenths of a second. */
#define COMPARE_STEPS_MAX (UINT64_C(1) << 26)
#define POOL_MAX          16384u /* values tried for one word */
#define PAIRS_MAX         4096u  /* value and mask pairs combined for one word */
#define X32_BIT           UINT32_C(0x40000000)
#define WORD_NR           0u
#define WORD_ARCH         1u

/* What an instruction does, apart from its operation; NONE for those the kernel refuses. */
enum kind {
	KIND_NONE,
	KIND_LOAD_ABS,
	KIND_LOAD_LEN,
	KIND_LOAD_IMM,
	KIND_LOAD_MEM,
	KIND_LOADX_LEN,
	KIND_LOADX_IMM,
	KIND_LOADX_MEM,
	KIND_STORE,
	KIND_STOREX,
	KIND_ALU,
	KIND_JUMP,
	KIND_BRANCH,
	KIND_RETURN,
	KIND_TAX,
	KIND_TXA,
};

/* Complete codes: a byte with other bits set is another instruction, so nothing is masked off. */
static const struct {
	uint16_t code;
	enum kind kind;
} plain_codes[] = {
	{ BPF_LD | BPF_W | BPF_ABS, KIND_LOAD_ABS },
	{ BPF_LD | BPF_W | BPF_LEN, KIND_LOAD_LEN },
	{ BPF_LD | BPF_IMM, KIND_LOAD_IMM },
	{ BPF_LD | BPF_MEM, KIND_LOAD_MEM },
	{ BPF_LDX | BPF_W | BPF_LEN, KIND_LOADX_LEN },
	{ BPF_LDX | BPF_IMM, KIND_LOADX_IMM },
	{ BPF_LDX | BPF_MEM, KIND_LOADX_MEM },
	{ BPF_ST, KIND_STORE },
	{ BPF_STX, KIND_STOREX },
	{ BPF_JMP | BPF_JA, KIND_JUMP },
	{ BPF_RET | BPF_K, KIND_RETURN },
	{ BPF_RET | BPF_A, KIND_RETURN },
	{ BPF_MISC | BPF_TAX, KIND_TAX },
	{ BPF_MISC | BPF_TXA, KIND_TXA },
	{ BPF_ALU | BPF_NEG, KIND_ALU },
};

/* Operations that exist with a constant and with X. Not BPF_MOD: seccomp does not take it. */
static const uint16_t alu_ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_AND,
	                            BPF_OR,  BPF_XOR, BPF_LSH, BPF_RSH };
static const uint16_t branch_ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };

struct vm {
	uint32_t a;
	uint32_t x;
	uint32_t mem[BPF_MEMWORDS];
	uint32_t stored; /* bit k: mem[k] was written */
};

static bool has_op(const uint16_t *ops, size_t n, uint16_t code)
{
	for (size_t i = 0; i < n; i++) {
		if (ops[i] == BPF_OP(code))
			return true;
	}
	return false;
}

static enum kind kind_slow(uint16_t code)
{
	uint16_t known = (uint16_t)(code & ~(0x07 | 0xf0 | BPF_X));

	for (size_t i = 0; i < countof(plain_codes); i++) {
		if (plain_codes[i].code == code)
			return plain_codes[i].kind;
	}
	if (known != 0)
		return KIND_NONE;
	if (BPF_CLASS(code) == BPF_ALU && has_op(alu_ops, countof(alu_ops), code))
		return KIND_ALU;
	if (BPF_CLASS(code) == BPF_JMP && has_op(branch_ops, countof(branch_ops), code))
		return KIND_BRANCH;
	return KIND_NONE;
}

/* The two that make up nearly all of a filter are told apart without a search. */
static enum kind kind_of(uint16_t code)
{
	if (code == (BPF_JMP | BPF_JEQ | BPF_K))
		return KIND_BRANCH;
	if (code == (BPF_LD | BPF_W | BPF_ABS))
		return KIND_LOAD_ABS;
	return kind_slow(code);
}

static bool alu_valid(const struct sock_filter *i)
{
	if (BPF_SRC(i->code) == BPF_X || BPF_OP(i->code) == BPF_NEG)
		return true;
	if (BPF_OP(i->code) == BPF_DIV)
		return i->k != 0;
	if (BPF_OP(i->code) == BPF_LSH || BPF_OP(i->code) == BPF_RSH)
		return i->k < 32;
	return true;
}

/* @left: how many instructions follow this one. */
static bool insn_valid(const struct sock_filter *i, enum kind kind, size_t left)
{
	switch (kind) {
	case KIND_NONE:
		return false;
	case KIND_LOAD_ABS:
		return i->k < sizeof(struct seccomp_data) && i->k % sizeof(uint32_t) == 0;
	case KIND_LOAD_MEM:
	case KIND_LOADX_MEM:
	case KIND_STORE:
	case KIND_STOREX:
		return i->k < BPF_MEMWORDS;
	case KIND_ALU:
		return alu_valid(i);
	case KIND_JUMP:
		return i->k < left;
	case KIND_BRANCH:
		return i->jt < left && i->jf < left;
	case KIND_LOAD_LEN:
	case KIND_LOAD_IMM:
	case KIND_LOADX_LEN:
	case KIND_LOADX_IMM:
	case KIND_RETURN:
	case KIND_TAX:
	case KIND_TXA:
		return true;
	}
	return false;
}

static void mark(uint64_t *set, size_t i)
{
	set[i / 64] |= UINT64_C(1) << (i % 64);
}

/*
 * Is scratch cell @cell written on every way to each instruction that reads it? One pass, because
 * jumps only lead forward. @unset: the cell may be unwritten here. As in the kernel, what follows a
 * return counts as reached from it.
 */
static bool cell_valid(const struct sock_filter *insns, size_t n, uint32_t cell)
{
	uint64_t unset_at[BPF_MAXINSNS / 64] = { 0 };
	bool unset = true;

	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &insns[pc];
		enum kind kind = kind_of(i->code);

		unset = unset || (unset_at[pc / 64] >> (pc % 64) & 1) != 0;
		if ((kind == KIND_STORE || kind == KIND_STOREX) && i->k == cell)
			unset = false;
		if ((kind == KIND_LOAD_MEM || kind == KIND_LOADX_MEM) && i->k == cell && unset)
			return false;
		if (kind != KIND_JUMP && kind != KIND_BRANCH)
			continue;
		if (unset) {
			mark(unset_at, pc + 1 + (kind == KIND_JUMP ? i->k : i->jt));
			mark(unset_at, pc + 1 + (kind == KIND_JUMP ? i->k : i->jf));
		}
		unset = false;
	}
	return true;
}

bool att_bpf_valid(const struct sock_filter *insns, size_t n)
{
	uint32_t read = 0;

	if (n == 0 || n > BPF_MAXINSNS || kind_of(insns[n - 1].code) != KIND_RETURN)
		return false;
	for (size_t pc = 0; pc < n; pc++) {
		enum kind kind = kind_of(insns[pc].code);

		if (!insn_valid(&insns[pc], kind, n - pc - 1))
			return false;
		if (kind == KIND_LOAD_MEM || kind == KIND_LOADX_MEM)
			read |= UINT32_C(1) << insns[pc].k;
	}
	for (uint32_t cell = 0; cell < BPF_MEMWORDS; cell++) {
		if ((read >> cell & 1) != 0 && !cell_valid(insns, n, cell))
			return false;
	}
	return true;
}

/* Shifts by a register count modulo 32, as the kernel's translation of them does. */
static uint32_t alu(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_AND:
		return a & b;
	case BPF_OR:
		return a | b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default: /* BPF_NEG, the only other one that is valid */
		return 0u - a;
	}
}

static bool branch(uint16_t op, uint32_t a, uint32_t b)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	default: /* BPF_JSET */
		return (a & b) != 0;
	}
}

static uint32_t load_word(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t v = 0;

	memcpy(&v, (const unsigned char *)data + offset, sizeof(v));
	return v;
}

/* Instructions that only change the machine. Return: false on a read of an unwritten cell. */
static bool execute(struct vm *vm, const struct sock_filter *i, enum kind kind)
{
	bool load = kind == KIND_LOAD_MEM || kind == KIND_LOADX_MEM;
	bool store = kind == KIND_STORE || kind == KIND_STOREX;

	if (load && (vm->stored >> i->k & 1) == 0)
		return false;
	if (load)
		*(kind == KIND_LOAD_MEM ? &vm->a : &vm->x) = vm->mem[i->k];
	if (store) {
		vm->mem[i->k] = kind == KIND_STORE ? vm->a : vm->x;
		vm->stored |= UINT32_C(1) << i->k;
	}
	if (kind == KIND_LOAD_LEN || kind == KIND_LOADX_LEN)
		*(kind == KIND_LOAD_LEN ? &vm->a : &vm->x) = sizeof(struct seccomp_data);
	if (kind == KIND_LOAD_IMM || kind == KIND_LOADX_IMM)
		*(kind == KIND_LOAD_IMM ? &vm->a : &vm->x) = i->k;
	if (kind == KIND_TAX)
		vm->x = vm->a;
	if (kind == KIND_TXA)
		vm->a = vm->x;
	return true;
}

/* Where a jump or branch goes, counted from the next instruction. */
static size_t jump_offset(const struct vm *vm, const struct sock_filter *i, enum kind kind)
{
	uint32_t b = BPF_SRC(i->code) == BPF_X ? vm->x : i->k;

	if (kind == KIND_JUMP)
		return i->k;
	return branch(BPF_OP(i->code), vm->a, b) ? i->jt : i->jf;
}

static bool finish(struct att_bpf_run *run, struct att_bpf_run *ret, uint32_t action)
{
	run->action = action;
	*ret = *run;
	return true;
}

bool att_bpf_run(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
                 struct att_bpf_run *ret)
{
	struct att_bpf_run run = { 0 };
	struct vm vm = { 0 };

	if (n > BPF_MAXINSNS)
		return false;
	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &insns[pc];
		enum kind kind = kind_of(i->code);
		uint32_t b = BPF_SRC(i->code) == BPF_X ? vm.x : i->k;

		if (!insn_valid(i, kind, n - pc - 1))
			return false;
		run.steps++;
		if (kind == KIND_RETURN)
			return finish(&run, ret, BPF_RVAL(i->code) == BPF_A ? vm.a : i->k);
		if (kind == KIND_ALU && BPF_OP(i->code) == BPF_DIV && b == 0)
			return finish(&run, ret, SECCOMP_RET_KILL_THREAD);
		if (kind == KIND_LOAD_ABS) {
			vm.a = load_word(data, i->k);
			run.words |= (uint16_t)(1u << (i->k / sizeof(uint32_t)));
		} else if (kind == KIND_ALU) {
			vm.a = alu(BPF_OP(i->code), vm.a, b);
		} else if (kind == KIND_JUMP || kind == KIND_BRANCH) {
			pc += jump_offset(&vm, i, kind);
		} else if (!execute(&vm, i, kind)) {
			return false;
		}
	}
	return false;
}

bool att_bpf_eval(const struct sock_filter *insns, size_t n, const struct seccomp_data *data,
                  uint32_t *ret_action)
{
	struct att_bpf_run run;

	if (!att_bpf_run(insns, n, data, &run))
		return false;
	*ret_action = run.action;
	return true;
}

/* ---- comparing ------------------------------------------------------------------------------ */

struct pool {
	uint32_t *v;
	size_t n;
	size_t cap;
};

/* What a filter's jumps tell about one word of its input. */
struct hints {
	struct pool values; /* it is compared with these */
	struct pool masks;  /* these bits of it are looked at */
};

struct compare {
	const struct sock_filter *a;
	size_t n_a;
	const struct sock_filter *b;
	size_t n_b;
	struct hints hints[ATT_BPF_WORDS];
	struct pool tries[ATT_BPF_WORDS]; /* sorted, each value once */
	uint64_t steps;
};

static void compare_done(struct compare *c)
{
	for (size_t w = 0; w < ATT_BPF_WORDS; w++) {
		free(c->hints[w].values.v);
		free(c->hints[w].masks.v);
		free(c->tries[w].v);
	}
}

static bool pool_add(struct pool *p, uint32_t v)
{
	size_t cap = p->cap == 0 ? 64 : p->cap * 2;
	uint32_t *more = NULL;

	if (p->n == POOL_MAX)
		return false;
	if (p->n == p->cap) {
		more = reallocarray(p->v, cap, sizeof(*more));
		if (more == NULL)
			return false;
		p->v = more;
		p->cap = cap;
	}
	p->v[p->n++] = v;
	return true;
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void pool_unique(struct pool *p)
{
	size_t n = 0;

	if (p->n == 0)
		return;
	qsort(p->v, p->n, sizeof(*p->v), by_value);
	for (size_t i = 1; i < p->n; i++) {
		if (p->v[i] != p->v[n])
			p->v[++n] = p->v[i];
	}
	p->n = n + 1;
}

/* Adds a constant to every word in the set @words. */
static bool hint_add(struct compare *c, uint16_t words, uint32_t v, bool is_mask)
{
	for (size_t w = 0; w < ATT_BPF_WORDS; w++) {
		struct hints *h = &c->hints[w];

		if ((words >> w & 1) != 0 && !pool_add(is_mask ? &h->masks : &h->values, v))
			return false;
	}
	return true;
}

/* Which words may be in A after this instruction, given those before it. All: who knows. */
static uint16_t words_after(const struct sock_filter *i, uint16_t before)
{
	if (i->code == (BPF_LD | BPF_W | BPF_ABS))
		return (uint16_t)(1u << (i->k / sizeof(uint32_t) % ATT_BPF_WORDS));
	if (BPF_CLASS(i->code) == BPF_LD || i->code == (BPF_MISC | BPF_TXA))
		return UINT16_MAX;
	return before;
}

/* What one instruction tells, when A may hold @words. A constant put into a register is for all. */
static bool hint_insn(struct compare *c, const struct sock_filter *i, uint16_t words)
{
	uint16_t class = BPF_CLASS(i->code);
	bool jump = class == BPF_JMP && BPF_OP(i->code) != BPF_JA;
	bool mask = (class == BPF_ALU && BPF_OP(i->code) == BPF_AND) ||
	            (jump && BPF_OP(i->code) == BPF_JSET);

	if (i->code == (BPF_LD | BPF_IMM) || i->code == (BPF_LDX | BPF_IMM))
		return hint_add(c, UINT16_MAX, i->k, false) && hint_add(c, UINT16_MAX, i->k, true);
	if (BPF_SRC(i->code) != BPF_K || (class != BPF_ALU && !jump))
		return true;
	return hint_add(c, words, i->k, mask);
}

/* Follows which words may be in A; one pass, because jumps of a valid program only lead forward. */
static bool hints_of(struct compare *c, const struct sock_filter *insns, size_t n)
{
	_cleanup_free_ uint16_t *at = calloc(n, sizeof(*at));

	if (at == NULL)
		return false;
	for (size_t pc = 0; pc < n; pc++) {
		const struct sock_filter *i = &insns[pc];
		uint16_t after = words_after(i, at[pc]);

		if (!hint_insn(c, i, at[pc]))
			return false;
		if (BPF_CLASS(i->code) == BPF_RET)
			continue;
		if (BPF_CLASS(i->code) != BPF_JMP) {
			at[pc + 1] |= after;
		} else if (BPF_OP(i->code) == BPF_JA) {
			at[pc + 1 + i->k] |= after;
		} else {
			at[pc + 1 + i->jt] |= after;
			at[pc + 1 + i->jf] |= after;
		}
	}
	return true;
}

/* Values that a mask followed by a comparison tells apart. */
static bool tries_masked(struct pool *tries, const struct hints *h)
{
	bool ok = true;

	for (size_t m = 0; ok && m < h->masks.n; m++)
		ok = pool_add(tries, h->masks.v[m]) && pool_add(tries, ~h->masks.v[m]);
	if (h->masks.n * h->values.n > PAIRS_MAX)
		return ok;
	for (size_t m = 0; ok && m < h->masks.n; m++) {
		for (size_t v = 0; ok && v < h->values.n; v++) {
			ok = pool_add(tries, h->values.v[v] | ~h->masks.v[m]) &&
			     pool_add(tries, h->values.v[v] & h->masks.v[m]);
		}
	}
	return ok;
}

static bool tries_of(struct pool *tries, struct hints *h)
{
	bool ok = pool_add(tries, 0) && pool_add(tries, UINT32_MAX);

	pool_unique(&h->values);
	pool_unique(&h->masks);
	for (size_t i = 0; ok && i < h->values.n; i++) {
		ok = pool_add(tries, h->values.v[i] - 1) && pool_add(tries, h->values.v[i]) &&
		     pool_add(tries, h->values.v[i] + 1);
	}
	return ok && tries_masked(tries, h);
}

/* Every number and architecture there is, whether or not the programs mention it. */
static bool tries_calls(struct compare *c)
{
	static const uint32_t arches[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
		                           AUDIT_ARCH_ARM };
	bool ok = true;

	for (uint32_t nr = 0; ok && nr <= ATT_BPF_NR_MAX; nr++) {
		ok = pool_add(&c->tries[WORD_NR], nr) && pool_add(&c->tries[WORD_NR], nr | X32_BIT);
	}
	for (size_t i = 0; ok && i < countof(arches); i++)
		ok = pool_add(&c->tries[WORD_ARCH], arches[i]);
	return ok;
}

static bool compare_prepare(struct compare *c)
{
	bool ok = hints_of(c, c->a, c->n_a) && hints_of(c, c->b, c->n_b) && tries_calls(c);

	for (size_t w = 0; ok && w < ATT_BPF_WORDS; w++)
		ok = tries_of(&c->tries[w], &c->hints[w]);
	for (size_t w = 0; w < ATT_BPF_WORDS; w++)
		pool_unique(&c->tries[w]);
	return ok;
}

/* The architecture first, because most programs ask nothing more about a foreign one. */
static size_t pick_word(uint16_t words)
{
	if ((words >> WORD_ARCH & 1) != 0)
		return WORD_ARCH;
	return (size_t)__builtin_ctz(words);
}

static bool run_both(struct compare *c, const struct seccomp_data *data, uint16_t *ret_words,
                     bool *ret_same)
{
	struct att_bpf_run a;
	struct att_bpf_run b;

	if (!att_bpf_run(c->a, c->n_a, data, &a) || !att_bpf_run(c->b, c->n_b, data, &b))
		return false;
	c->steps += a.steps + b.steps;
	*ret_words = a.words | b.words;
	*ret_same = a.action == b.action;
	return c->steps <= COMPARE_STEPS_MAX;
}

/*
 * Agree the programs on all inputs that have the words of the set @fixed as in @words? Only a word
 * that a run looked at needs trying, so this walks a tree of at most one level a word.
 */
static bool agree(struct compare *c, uint32_t words[ATT_BPF_WORDS], uint16_t fixed)
{
	struct seccomp_data data;
	uint16_t seen = 0;
	bool same = false;
	size_t w = 0;

	memcpy(&data, words, sizeof(data));
	if (!run_both(c, &data, &seen, &same) || !same)
		return false;
	seen = (uint16_t)(seen & ~fixed);
	if (seen == 0)
		return true;
	w = pick_word(seen);
	for (size_t i = 0; i < c->tries[w].n; i++) {
		words[w] = c->tries[w].v[i];
		if (!agree(c, words, (uint16_t)(fixed | 1u << w)))
			return false;
	}
	words[w] = 0;
	return true;
}

bool att_bpf_same(const struct sock_filter *a, size_t n_a, const struct sock_filter *b, size_t n_b)
{
	_cleanup_(compare_done) struct compare c = { .a = a, .n_a = n_a, .b = b, .n_b = n_b };
	uint32_t words[ATT_BPF_WORDS] = { 0 };

	if (!att_bpf_valid(a, n_a) || !att_bpf_valid(b, n_b))
		return false;
	if (n_a == n_b && memcmp(a, b, n_a * sizeof(*a)) == 0)
		return true;
	return compare_prepare(&c) && agree(&c, words, 0);
}
