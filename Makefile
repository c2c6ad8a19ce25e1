# One entry for everything: `make help` lists the targets.
#
# Sources are found by folder; nothing lists them.  A variant (release, clang,
# asan, fuzz) is a folder below build/ and a set of flags; objects of different
# variants never mix.

SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc)

# ---- what must be installed (Debian 12 names) --------------------------------
BUILD_PACKAGES := gcc clang make python3 pkg-config libc6-dev libev-dev libgnutls28-dev libxml2-dev libsqlite3-dev libc-ares-dev \
	libjansson-dev libidn-dev libidn2-dev nettle-dev libncurses-dev gettext
LAB_PACKAGES   := iproute2 kamailio kamailio-tls-modules kamailio-presence-modules \
	kamailio-outbound-modules baresip-core nftables unbound sip-tester gnutls-bin prosody lua-unbound ejabberd python3
CHECK_PACKAGES := locales openssh-server openssh-client libcmocka-dev libclang-rt-14-dev python3-pytest python3-pexpect python3-pyte tmux strace procps mandoc groff-base $(LAB_PACKAGES)

# ---- flags ---------------------------------------------------------------------
PKGS     := gnutls libxml-2.0 sqlite3 libcares jansson libidn libidn2 nettle ncursesw panelw
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev -lm

WARN   := -Wall -Wextra -Werror -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
	-Wpointer-arith -Wcast-qual -Wimplicit-fallthrough -Wnull-dereference -Wwrite-strings
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	-fcf-protection=full -fPIE -fno-delete-null-pointer-checks -fno-strict-overflow -fvisibility=hidden
COMMON := -std=c17 -D_GNU_SOURCE -g -fno-common -I. -MMD -MP -ffile-prefix-map=$(CURDIR)=.
LINK   := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--as-needed

CC_release     := gcc
CFLAGS_release := -O2 $(HARDEN) -Wduplicated-cond -Wlogical-op -Wtrampolines
LDFLAGS_release := $(LINK)

CC_clang       := clang
CFLAGS_clang   := -O2 $(filter-out -fstack-clash-protection,$(HARDEN)) -Wno-unused-command-line-argument
LDFLAGS_clang  := $(LINK)

SANITIZE       := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DPARLEY_SANITIZED
CC_asan        := clang
CFLAGS_asan    := -O1 $(SANITIZE) -DPARLEY_FAULTS
LDFLAGS_asan   := $(SANITIZE)

CC_fuzz        := clang
CFLAGS_fuzz    := -O1 $(SANITIZE) -fsanitize=fuzzer-no-link
LDFLAGS_fuzz   := $(SANITIZE) -fsanitize=fuzzer

# ---- sources --------------------------------------------------------------------
DAEMON_MAIN := daemon/main.c
TUI_MAIN    := tui/main.c
ROOMS       ?= shared daemon tui
ALL_SRC     := $(shell find $(ROOMS) -name '*.c' | sort)
LIB_SRC     := $(filter-out $(DAEMON_MAIN) $(TUI_MAIN),$(ALL_SRC))
UNIT_SRC    := $(shell find tests/unit -name '*.c' 2>/dev/null | sort)
FUZZ_SRC    := $(wildcard tests/fuzz/*.c)
BENCH_SRC   := $(wildcard tests/bench/*.c)

UNIT_BIN    := $(UNIT_SRC:%.c=$(BUILD)/asan/%)
FUZZ_BIN    := $(FUZZ_SRC:%.c=$(BUILD)/fuzz/%)
BENCH_BIN   := $(BENCH_SRC:%.c=$(BUILD)/release/%)

# ---- targets ---------------------------------------------------------------------
.PHONY: all programs help deps deps-check deps-demo demo demo-down check check-long unit style clang-build scenarios \
	fuzz fuzz-short bench install uninstall clean format docs-tables man po po-check locales

all: deps ## install what the build needs, then build both programs
	@$(MAKE) --no-print-directory programs

programs: $(BUILD)/release/parleyd $(BUILD)/release/parley locales

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install the packages the build needs (only those that are missing)
	@tests/lab/install $(BUILD_PACKAGES)
deps-check:
	@tests/lab/install $(BUILD_PACKAGES) $(CHECK_PACKAGES)
deps-demo:
	@tests/lab/install $(BUILD_PACKAGES) $(LAB_PACKAGES)

# $(1): variant.  Every variant compiles every source once into one archive;
# programs and tests link from it what they use.
define variant
$(BUILD)/$(1)/%.o: %.c Makefile
	@mkdir -p $$(@D)
	$$(CC_$(1)) $(COMMON) $(WARN) $$(CFLAGS_$(1)) $$(PKG_CFLAGS) -c $$< -o $$@
$(BUILD)/$(1)/libparley.a: $(LIB_SRC:%.c=$(BUILD)/$(1)/%.o)
	@rm -f $$@
	@ar rcs $$@ $$^
$(BUILD)/$(1)/parleyd: $(BUILD)/$(1)/daemon/main.o $(BUILD)/$(1)/libparley.a
	$$(CC_$(1)) -o $$@ $$^ $$(LDFLAGS_$(1)) $$(PKG_LIBS)
$(BUILD)/$(1)/parley: $(BUILD)/$(1)/tui/main.o $(BUILD)/$(1)/libparley.a
	$$(CC_$(1)) -o $$@ $$^ $$(LDFLAGS_$(1)) $$(PKG_LIBS)
$(BUILD)/$(1)/tests/unit/%: $(BUILD)/$(1)/tests/unit/%.o $(BUILD)/$(1)/libparley.a
	@mkdir -p $$(@D)
	$$(CC_$(1)) -o $$@ $$^ $$(LDFLAGS_$(1)) -lcmocka $$(PKG_LIBS)
$(BUILD)/$(1)/tests/bench/%: $(BUILD)/$(1)/tests/bench/%.o $(BUILD)/$(1)/libparley.a
	@mkdir -p $$(@D)
	$$(CC_$(1)) -o $$@ $$^ $$(LDFLAGS_$(1)) $$(PKG_LIBS)
$(BUILD)/$(1)/tests/fuzz/%: $(BUILD)/$(1)/tests/fuzz/%.o $(BUILD)/$(1)/libparley.a
	@mkdir -p $$(@D)
	$$(CC_$(1)) -o $$@ $$^ $$(LDFLAGS_$(1)) $$(PKG_LIBS)
endef
$(foreach v,release clang asan fuzz,$(eval $(call variant,$(v))))
.SECONDARY:

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

clang-build: $(BUILD)/clang/parleyd $(BUILD)/clang/parley

style:
	/usr/bin/python3 -m pytest -q tests/style

unit: $(UNIT_BIN)
	tests/unit/run $(UNIT_BIN)

scenarios: programs $(BUILD)/asan/parleyd $(BUILD)/asan/parley
	tests/lab/run-scenarios

fuzz-short: $(FUZZ_BIN)
	tests/fuzz/run 10 $(FUZZ_BIN)
fuzz: $(FUZZ_BIN) ## run every fuzz target for SECONDS each (default 120)
	tests/fuzz/run $(or $(SECONDS_EACH),120) $(FUZZ_BIN)

check: deps-check ## install the test tools, then run every test (no test asserts time)
	@$(MAKE) --no-print-directory -j$(JOBS) programs clang-build unit-build
	@tests/check

check-long: deps-check ## check, then the long loops
	@$(MAKE) --no-print-directory -j$(JOBS) programs clang-build unit-build
	@PARLEY_LONG=1 tests/check

.PHONY: unit-build
unit-build: $(UNIT_BIN) $(FUZZ_BIN) $(BUILD)/asan/parleyd $(BUILD)/asan/parley

bench: deps-check programs $(BENCH_BIN) ## measure, as ratios against a named peer or limit
	tests/bench/run

demo: ## a real edge between two real SIP organisations, in its own network namespace
	@tests/lab/demo $(BUILD_PACKAGES) $(LAB_PACKAGES)
demo-down: ## stop exactly what `make demo` started
	@tests/lab/demo-down

# Translations, where every variant's programs find them: beside the folder they lie in, as when installed.
LANGUAGES := $(patsubst tui/po/%.po,%,$(wildcard tui/po/*.po))
MO_FILES  := $(LANGUAGES:%=$(BUILD)/share/locale/%/LC_MESSAGES/parley.mo)
$(BUILD)/share/locale/%/LC_MESSAGES/parley.mo: tui/po/%.po
	@mkdir -p $(@D)
	msgfmt --check -o $@ $<
locales: $(MO_FILES)

po: ## gather the texts of tui/ and the tables, merge them into tui/po/LANGUAGE.po
	/usr/bin/python3 tui/po/extract.py --said tui/client/said.def
	/usr/bin/python3 tui/po/extract.py $(BUILD)/po/parley.pot
	for l in $(LANGUAGES); do msgmerge --quiet --update --backup=none --no-fuzzy-matching --no-wrap \
		--no-location tui/po/$$l.po $(BUILD)/po/parley.pot && msgattrib --no-obsolete --no-wrap -o tui/po/$$l.po tui/po/$$l.po || exit 1; done
po-check: ## what is not translated yet
	/usr/bin/python3 tui/po/check.py

MAN_PAGES := $(addprefix $(BUILD)/man/,parley.1 parleyd.8 parley.conf.5)
$(BUILD)/man/%: tests/style/docs_man.py tests/style/docs_config.py tests/style/docs_control.py shared/model/kinds.def \
		shared/control/verbs.def shared/control/roles.def tui/cli/options.c daemon/main.c
	/usr/bin/python3 tests/style/docs_man.py $(BUILD)/man

man: $(MAN_PAGES) ## write the manual pages from the tables, below build/man

install: programs man ## copy programs and configuration; as root without DESTDIR also make the users and the group
	install -D -m 0755 $(BUILD)/release/parleyd $(DESTDIR)$(PREFIX)/sbin/parleyd
	install -D -m 0755 $(BUILD)/release/parley $(DESTDIR)$(PREFIX)/bin/parley
	for page in $(MAN_PAGES); do \
		install -D -m 0644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	for l in $(LANGUAGES); do \
		install -D -m 0644 $(BUILD)/share/locale/$$l/LC_MESSAGES/parley.mo $(DESTDIR)$(PREFIX)/share/locale/$$l/LC_MESSAGES/parley.mo || exit 1; done
	install -D -m 0644 tui/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/parley
	install -D -m 0644 conf.d/systemd/parleyd.service $(DESTDIR)/etc/systemd/system/parleyd.service
	install -d -m 0750 $(DESTDIR)/etc/parley $(DESTDIR)/etc/parley/conf.d $(DESTDIR)/etc/parley/certs $(DESTDIR)/var/lib/parley
	install -d -m 0755 $(DESTDIR)/var/lib/parley-gateway
	for f in conf.d/*.xml; do t=$(DESTDIR)/etc/parley/$$f; \
		[ "$$f" != conf.d/host.xml ] || t=$(DESTDIR)/etc/parley/host.xml; \
		[ -e "$$t" ] || install -m 0640 "$$f" "$$t"; done
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || tests/lab/make-users

docs-tables: ## write docs/CONFIG.md, docs/CONTROL.md and the steps of docs/guides/4-verify.md from the tables
	/usr/bin/python3 tests/style/docs_config.py
	/usr/bin/python3 tests/style/docs_control.py
	/usr/bin/python3 tests/style/docs_steps.py

format: ## rewrite every source in the house format
	clang-format -i $(shell find shared daemon tui tests -name '*.[ch]')

clean: ## remove what the build made
	rm -rf $(BUILD)
