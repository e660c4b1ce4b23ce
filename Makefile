# SPDX-License-Identifier: LGPL-2.1-or-later
# attache: GNU make, one file, non-recursive; everything is written below build/. `make help`.

VERSION := 0.1.0
SOVERSION := 0

# ---- configuration ----------------------------------------------------------------------------
MODE   ?= release
CC     ?= gcc
prefix ?= /usr/local
bindir ?= $(prefix)/bin
libdir ?= $(prefix)/lib
mandir ?= $(prefix)/share/man
includedir ?= $(prefix)/include
O := build/$(MODE)
V ?= 0
Q := $(if $(filter 1,$(V)),,@)

MODES := release debug asan cov fuzz
ifeq ($(filter $(MODE),$(MODES)),)
$(error MODE=$(MODE): one of $(MODES))
endif

# Before anything asks what the compiler can.
ifeq ($(MODE),fuzz)
override CC := clang
endif

PKGS := lxc libcap libseccomp
ifneq ($(filter-out bootstrap demo check bench help clean,$(or $(MAKECMDGOALS),all)),)
  ifneq ($(shell pkg-config --exists $(PKGS) jansson && echo yes),yes)
    $(error pkg-config does not find all of: $(PKGS) jansson. `scripts/bootstrap build` installs them)
  endif
endif
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) jansson)
# Each shared library costs every start, and the dynamic linker a tenth of an exec: the program takes
# archives where there are some and is static where it can be, with its addresses as random as ever.
# liblxc is in a program of its own (src/ct/helper/helper.c).
archive_or = $(or $(wildcard $(shell pkg-config --variable=libdir $(1))/$(2).a),$(3))
JSON_LIBS    = $(call archive_or,jansson,libjansson,-ljansson)
SECCOMP_LIBS = $(call archive_or,libseccomp,libseccomp,-lseccomp)
LIBS = $(SECCOMP_LIBS) $(JSON_LIBS) -static-libgcc
HAS_ARCHIVES = $(and $(filter %.a,$(SECCOMP_LIBS)),$(filter %.a,$(JSON_LIBS)),\
  $(wildcard $(shell $(CC) -print-file-name=rcrt1.o)),$(wildcard $(shell $(CC) -print-file-name=libc.a)))
PIE = $(if $(and $(filter release debug,$(MODE)),$(HAS_ARCHIVES)),-static-pie,-pie)

cc_ok = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
WARN := -std=gnu17 -Wall -Wextra -Wpedantic -Wformat=2 -Wconversion -Wsign-conversion -Wshadow \
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual \
  -Wwrite-strings -Wundef -Wvla -Walloca -Wswitch-enum -Wnull-dereference -Wdate-time \
  -Wredundant-decls -Wnested-externs -Wframe-larger-than=8192 -Werror=format-security \
  -Werror=implicit -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=return-type
WARN += $(foreach w,-Wjump-misses-init -Wduplicated-cond -Wduplicated-branches -Wlogical-op \
  -Wtrampolines -Wbidi-chars=any,$(call cc_ok,$(w)))
WARN += $(if $(filter 1,$(WERROR)),-Werror)

HARDEN_ANY := -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fexceptions \
  -fno-common -fvisibility=hidden
HARDEN := -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
  $(foreach f,-fcf-protection=full -mbranch-protection=standard -ftrivial-auto-var-init=zero \
  -fzero-call-used-regs=used-gpr -fstrict-flex-arrays=3 -fzero-init-padding-bits=all,$(call cc_ok,$(f)))
LDHARDEN := -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed
SANITIZE := -fno-sanitize-recover=all -fno-omit-frame-pointer

MODE_CFLAGS_release := -O2 -g $(HARDEN)
MODE_CFLAGS_debug   := -Og -g $(HARDEN)
MODE_CFLAGS_asan    := -O1 -g -fsanitize=address,undefined $(SANITIZE)
MODE_CFLAGS_cov     := -O0 -g --coverage
MODE_CFLAGS_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined $(SANITIZE)
MODE_LDFLAGS_asan   := -fsanitize=address,undefined
MODE_LDFLAGS_cov    := --coverage
MODE_LDFLAGS_fuzz   := -fsanitize=address,undefined

CPPFLAGS_ALL = -D_GNU_SOURCE -Isrc -Iinclude -DATT_LAUNCHER_FILE='"$(O)/launcher"' \
  -DATT_HELPER_FILE='"$(O)/helper"' $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL   = $(WARN) $(HARDEN_ANY) $(MODE_CFLAGS_$(MODE)) -ffile-prefix-map=$(CURDIR)=. $(CFLAGS)
LDFLAGS_ALL  = $(LDHARDEN) $(MODE_LDFLAGS_$(MODE)) $(LDFLAGS)

# The launcher has no libc, so it takes no protection that needs one, in any mode.
LAUNCHER_CFLAGS := $(WARN) -O2 -ffreestanding -fno-stack-protector -fno-pic -fno-asynchronous-unwind-tables \
  -fno-unwind-tables -fno-strict-aliasing -fno-strict-overflow -fno-delete-null-pointer-checks \
  $(call cc_ok,-fno-tree-loop-distribute-patterns) $(call cc_ok,-fcf-protection=none) -U_FORTIFY_SOURCE
LAUNCHER_LDFLAGS := -static -nostdlib -Wl,-z,noexecstack -Wl,-z,noseparate-code \
  -Wl,--build-id=none -Wl,--gc-sections -s

# ---- sources ----------------------------------------------------------------------------------
# Instrumented builds make calls that a jailed process may not.
JAIL := $(if $(filter asan cov fuzz,$(MODE)),jail_none,jail)
BASE_SRC := buf clock err fd keys parse strv
SYS_SRC := bpf caps cgroup clone ctpath idmap $(JAIL) lsm memfile ns passwd pidfd proc pty seccomp seccomp_lxc tty
CT_SRC := liblxc lxc monitor self snapshot
ATTACH_SRC := command confine environ guardian identity job launch launch_error launcher_image limits login placement plan \
  profile stdio terminal
IO_SRC := channel escape relay terminal
API_SRC := container describe error exec
CLI_SRC := cli cmd_exec cmd_inspect cmd_list help inspect opts opttab optval pidfile render result say
LAUNCHER_SRC := entry guardian job leaf watch

LIB_SRC := $(BASE_SRC:%=src/base/%.c) $(SYS_SRC:%=src/sys/%.c) $(CT_SRC:%=src/ct/%.c) \
  $(ATTACH_SRC:%=src/attach/%.c) $(IO_SRC:%=src/io/%.c) $(API_SRC:%=src/api/%.c)
CLI_LIB_SRC := $(CLI_SRC:%=src/cli/%.c)
LAUNCHER_ALL := $(LAUNCHER_SRC:%=src/attach/launcher/%.c) src/sys/clone.c

LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
CLI_OBJ := $(CLI_LIB_SRC:%.c=$(O)/%.o)
LAUNCHER_OBJ := $(LAUNCHER_ALL:src/%.c=$(O)/launcher.o/%.o)

HARNESS_SRC := $(filter-out tests/harness/probe%.c,$(wildcard tests/harness/*.c))
HARNESS_OBJ := $(HARNESS_SRC:%.c=$(O)/%.o)
UNIT_SRC := $(filter-out $(if $(filter jail_none,$(JAIL)),tests/unit/test_jail.c),$(wildcard tests/unit/test_*.c))
UNIT_TESTS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(UNIT_SRC))
INTEGRATION_TESTS := $(patsubst tests/integration/%.c,$(O)/tests/integration/%,$(wildcard tests/integration/test_*.c))
HOSTILE_TESTS := $(patsubst tests/hostile/%.c,$(O)/tests/hostile/%,$(wildcard tests/hostile/test_*.c))
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_REPLAYS := $(FUZZ_NAMES:%=$(O)/tests/fuzz/replay_%)

# ---- build ------------------------------------------------------------------------------------
.PHONY: all lib
all: $(O)/attache lib ## build the program and the library (MODE=release|debug|asan|cov)
lib: $(O)/libattache.a $(O)/libattache.so.$(SOVERSION)

# Rewritten only when the flags change, so that everything is rebuilt then and only then.
$(O)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(subst ','\'',$(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS))' | cmp -s - $@ || \
	  echo '$(CC) $(subst ','\'',$(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS))' > $@
.PHONY: FORCE
FORCE:

$(O)/src/attach/launcher_image.o: $(O)/launcher
$(O)/src/ct/liblxc.o: $(O)/helper

$(O)/src/%.o: src/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fPIC -MMD -MP -c $< -o $@

$(O)/tests/%.o: tests/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC      $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(O)/launcher.o/%.o: src/%.c $(O)/flags
	@mkdir -p $(@D)
	@echo "  CC      $< (launcher)"
	$(Q)$(CC) -Isrc $(LAUNCHER_CFLAGS) -MMD -MP -c $< -o $@

$(O)/launcher: $(LAUNCHER_OBJ)
	@echo "  LD      $@"
	$(Q)$(CC) $(LAUNCHER_LDFLAGS) $^ -o $@

# A program of its own, never instrumented; its liblxc comes when it runs.
$(O)/helper: src/ct/helper/helper.c src/ct/helper/helper.h $(O)/flags
	@echo "  CC      $@"
	$(Q)$(CC) -D_GNU_SOURCE -Isrc $(PKG_CFLAGS) $(WARN) $(HARDEN_ANY) -O2 $(HARDEN) -fPIE -pie $(LDHARDEN) -s $< -ldl -o $@

$(O)/libattache.a: $(LIB_OBJ)
	@echo "  AR      $@"
	$(Q)rm -f $@ && ar crD $@ $^

$(O)/libcli.a: $(CLI_OBJ)
	$(Q)rm -f $@ && ar crD $@ $^

$(O)/libattache.so.$(SOVERSION): $(LIB_OBJ) src/attache.map
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -shared -Wl,-soname,$(@F) -Wl,--version-script=src/attache.map \
	  $(if $(filter release debug,$(MODE)),-Wl$(comma)-z$(comma)defs) $(LDFLAGS_ALL) $(LIB_OBJ) \
	  -lseccomp -ljansson -o $@
	$(Q)ln -sf $(@F) $(O)/libattache.so
comma := ,

$(O)/attache: $(O)/src/cli/main.o $(O)/libcli.a $(O)/libattache.a $(O)/flags
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) -fPIE $(PIE) $(LDFLAGS_ALL) $(filter-out %/flags,$^) $(LIBS) -o $@

# ---- test programs ----------------------------------------------------------------------------
$(O)/libharness.a: $(HARNESS_OBJ)
	$(Q)rm -f $@ && ar crD $@ $^

$(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/libharness.a $(O)/libcli.a $(O)/libattache.a
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -lcmocka -o $@
$(O)/tests/unit/test_stats: $(O)/tests/bench/stats.o

$(O)/tests/integration/%: $(O)/tests/integration/%.o $(O)/libharness.a $(O)/libattache.a
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ $(LIBS) -lcmocka -o $@

# The probe runs inside containers: static, and never instrumented.
$(O)/tests/probe: $(wildcard tests/harness/probe*.c tests/harness/probe*.h)
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -Itests -Isrc -O2 -Wall -Wextra -static $(filter %.c,$^) -o $@

# Its two programs are static: one runs inside containers, the other goes there.
$(O)/tests/hostile/%: $(O)/tests/hostile/%.o $(O)/tests/hostile/hostile.o $(O)/libharness.a $(O)/libattache.a
	@echo "  LD      $@"
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ $(LIBS) -lcmocka -o $@

HOSTILE_PROGRAMS := $(O)/tests/hostile/attacker $(O)/tests/hostile/naive
$(HOSTILE_PROGRAMS): $(O)/tests/hostile/%: $(wildcard tests/hostile/attacker*.[ch]) tests/hostile/naive.c
	@mkdir -p $(@D)
	@echo "  CC      $@"
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -Itests -O2 -Wall -Wextra $(if $(filter 1,$(WERROR)),-Werror) -static \
	  $(filter tests/hostile/$*%.c,$^) -o $@

$(O)/tests/fuzz/replay_%: $(O)/tests/fuzz/fuzz_%.o $(O)/tests/fuzz/replay.o $(O)/libcli.a $(O)/libattache.a
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ $(LIBS) -o $@

$(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(O)/libcli.a $(O)/libattache.a
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer $(LDFLAGS_ALL) $^ $(LIBS) -o $@

# Small, because the kernel counts a child's memory from before its exec: no library of ours.
BENCH_OBJ := $(patsubst %.c,$(O)/%.o,$(filter-out %/floor.c,$(wildcard tests/bench/*.c)))
$(O)/tests/bench/bench: $(BENCH_OBJ) $(O)/libharness.a $(O)/libattache.a
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ $(JSON_LIBS) -o $@

$(O)/tests/bench/floor: $(O)/tests/bench/floor.o
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) $^ -o $@

.PRECIOUS: $(O)/tests/%.o

# ---- checks -----------------------------------------------------------------------------------
.PHONY: bootstrap demo check check-unit check-integration check-fuzz check-static check-asan check-install
bootstrap: ## install what building and testing need
	scripts/bootstrap check

demo: ## build, and show the program in a throw-away container
	scripts/bootstrap demo
	$(MAKE) all
	scripts/demo $(O)/attache

# The goals need what the bootstrap installs, so they run in a make of their own.
check: ## everything that CI runs: set-up, static checks, unit, fuzz corpus, real containers
	scripts/bootstrap check
	$(MAKE) -j$$(nproc) build-tests
	$(MAKE) check-static check-fuzz check-tests

TESTS := $(UNIT_TESTS) $(INTEGRATION_TESTS) $(HOSTILE_TESTS)
.PHONY: build-tests check-tests check-hostile
build-tests: all $(TESTS) $(FUZZ_REPLAYS) $(O)/tests/probe $(HOSTILE_PROGRAMS)

check-tests: build-tests
	ATTACHE=$(CURDIR)/$(O)/attache ATTACHE_PROBE=$(CURDIR)/$(O)/tests/probe scripts/run-tests $(TESTS)

check-unit: $(UNIT_TESTS) ## unit tests; needs no root
	scripts/run-tests $(UNIT_TESTS)

check-integration: all $(INTEGRATION_TESTS) $(O)/tests/probe ## tests on real containers; root
	ATTACHE=$(CURDIR)/$(O)/attache ATTACHE_PROBE=$(CURDIR)/$(O)/tests/probe scripts/run-tests $(INTEGRATION_TESTS)

.PHONY: check-faults
check-faults: all $(O)/tests/integration/test_exec_faults $(O)/tests/probe ## every call of a launch, every error; minutes
	ATTACHE_FAULTS=all ATTACHE=$(CURDIR)/$(O)/attache ATTACHE_PROBE=$(CURDIR)/$(O)/tests/probe \
	  scripts/run-tests -v -t 1800 $(O)/tests/integration/test_exec_faults

check-hostile: all $(HOSTILE_TESTS) $(HOSTILE_PROGRAMS) $(O)/tests/probe ## containers that attack; root
	ATTACHE=$(CURDIR)/$(O)/attache ATTACHE_PROBE=$(CURDIR)/$(O)/tests/probe scripts/run-tests $(HOSTILE_TESTS)

check-fuzz: $(FUZZ_REPLAYS) ## replay the fuzz corpora
	$(Q)for n in $(FUZZ_NAMES); do $(O)/tests/fuzz/replay_$$n tests/fuzz/corpus/$$n || exit 1; done

check-static: all ## layers, headers, symbols, manual, scripts
	scripts/check-layers --self-test
	scripts/check-layers
	scripts/check-headers
	scripts/check-symbols $(O)/libattache.so.$(SOVERSION)
	scripts/check-man $(O)/attache
	shellcheck scripts/* .ci/run

check-install: all ## install, look, uninstall, nothing is left
	scripts/check-install

fuzz: ## FUZZ=name SECONDS=n: fuzz one parser (MODE=fuzz)
	$(MAKE) MODE=fuzz build/fuzz/tests/fuzz/fuzz_$(FUZZ)
	build/fuzz/tests/fuzz/fuzz_$(FUZZ) -max_total_time=$(or $(SECONDS),60) tests/fuzz/corpus/$(FUZZ)

bench: ## compare with lxc-attach, nsenter and a bare launcher; BENCH=options; root
	scripts/bootstrap bench
	$(MAKE) -j$$(nproc) all $(O)/tests/bench/bench $(O)/tests/bench/floor $(O)/tests/probe
	scripts/bench $(CURDIR)/$(O)/attache $(BENCH)

.PHONY: lint fuzz bench
lint: ## formatting
	clang-format --dry-run -Werror $$(git ls-files 'src/*.[ch]' 'tests/*.[ch]' 'include/*.h')

# ---- installation -----------------------------------------------------------------------------
.PHONY: install uninstall clean help
install: all ## DESTDIR, prefix, bindir, libdir, includedir, mandir
	install -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(includedir)/attache $(DESTDIR)$(mandir)/man1
	install -m 0755 $(O)/attache $(DESTDIR)$(bindir)/attache
	install -m 0644 $(O)/libattache.so.$(SOVERSION) $(DESTDIR)$(libdir)/libattache.so.$(SOVERSION)
	ln -sf libattache.so.$(SOVERSION) $(DESTDIR)$(libdir)/libattache.so
	install -m 0644 $(O)/libattache.a $(DESTDIR)$(libdir)/libattache.a
	install -m 0644 include/attache/attache.h $(DESTDIR)$(includedir)/attache/attache.h
	install -m 0644 packaging/man/attache.1 $(DESTDIR)$(mandir)/man1/attache.1
	sed -e 's|@prefix@|$(prefix)|; s|@libdir@|$(libdir)|; s|@includedir@|$(includedir)|; s|@version@|$(VERSION)|' \
	  packaging/attache.pc.in > $(DESTDIR)$(libdir)/pkgconfig/attache.pc

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(bindir)/attache $(DESTDIR)$(libdir)/libattache.so.$(SOVERSION) \
	  $(DESTDIR)$(libdir)/libattache.so $(DESTDIR)$(libdir)/libattache.a \
	  $(DESTDIR)$(includedir)/attache/attache.h $(DESTDIR)$(mandir)/man1/attache.1 \
	  $(DESTDIR)$(libdir)/pkgconfig/attache.pc
	-rmdir $(DESTDIR)$(includedir)/attache 2>/dev/null

clean: ## remove build/ but for its cache of container images
	rm -rf $(foreach m,$(MODES),build/$(m))

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

-include $(shell find $(O) -name '*.d' 2>/dev/null)
