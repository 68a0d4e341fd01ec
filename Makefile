# timekit for Lua. `make run` shows it, `make test` proves it; `make help` lists the rest.
LUA ?= lua5.4
LUAS := lua5.1 lua5.2 lua5.3 lua5.4 $(if $(shell command -v lua5.5),lua5.5) luajit
PREFIX ?= /usr/local
DESTDIR ?=
PORT ?= 0
KEY ?=
PKG_CONFIG ?= pkg-config

# Systems give the same Lua different names (lua, lua54, lua5.4), so it is asked for its own: lua5.4 or luajit. One that
# is not installed yet goes by the name it was given.
LUA_NAME := $(or $(shell $(LUA) -e 'io.write(jit and "luajit" or "lua" .. _VERSION:match("%d+%.%d+"))' 2>/dev/null),$(LUA))
# LuaJIT speaks 5.1's interface.
LUA_VERSION := $(patsubst luajit%,5.1,$(patsubst lua%,%,$(filter-out luajit,$(LUA_NAME)))$(filter luajit,$(LUA_NAME)))
# The first of pkg-config's names for it that is of this version.
LUA_PC := $(or $(shell for name in $(LUA_NAME) lua$(subst .,,$(LUA_VERSION)) lua-$(LUA_VERSION) lua; do \
  case "$(LUA_NAME) $$($(PKG_CONFIG) --modversion $$name 2>/dev/null)" in \
    ('luajit 2'*|'lua$(LUA_VERSION) $(LUA_VERSION)'*) echo $$name; break;; \
  esac; done),$(LUA_NAME))

# Relative, since make takes a space in a path for the end of it.
BUILD := build/$(LUA_NAME)$(SANITIZED)
CORE := $(BUILD)/timekit/core.so
PROGRAM := $(BUILD)/bin/timekit

# `make install` takes what was built as it is, so it reads here how that was (see FLAGS).
ifneq ($(filter install,$(MAKECMDGOALS)),)
-include $(BUILD)/flags.mk
endif

ifeq ($(origin CC),default)
CC := $(or $(BUILT_CC),cc)
endif
ifeq ($(origin CXX),default)
# Both compilers are of one family, since -flto needs that.
CXX := $(or $(BUILT_CXX),$(if $(findstring clang,$(notdir $(CC))),$(subst clang,clang++,$(CC)),c++))
endif
CFLAGS ?= $(or $(BUILT_CFLAGS),-O2 -g)
CXXFLAGS ?= $(or $(BUILT_CXXFLAGS),$(CFLAGS))
CPPFLAGS ?= $(BUILT_CPPFLAGS)
LDFLAGS ?= $(BUILT_LDFLAGS)

# ---- building ----

# What differs between systems: how a Lua module is linked, whether dlopen has a library of its own, and what C++'s
# library is called. Lua's own functions come from the program that loads the module.
SYSTEM ?= $(shell uname -s)
MODULE_Darwin := -bundle -undefined dynamic_lookup
MODULE_LINK = $(or $(MODULE_$(SYSTEM)),-shared)
DL := $(if $(filter Linux,$(SYSTEM)),-ldl)
CXX_LIBRARY := $(if $(filter Darwin FreeBSD OpenBSD,$(SYSTEM)),-lc++,-lstdc++)

# LPeg's warnings; a clean build is part of `make lint`
WARNINGS := -Wall -Wextra -pedantic -Waggregate-return -Wcast-align -Wcast-qual -Wshadow -Wundef \
  -Wwrite-strings -Wbad-function-cast -Wdeclaration-after-statement -Wmissing-prototypes \
  -Wnested-externs -Wstrict-prototypes -Wc++-compat
CORE_CFLAGS = -Icsrc -std=c99 -fPIC -fvisibility=hidden -pthread $(WARNINGS) \
  $(LUA_CFLAGS) $(shell $(PKG_CONFIG) --cflags libcurl libcrypto)
LUA_CFLAGS ?= $(shell $(PKG_CONFIG) --cflags $(LUA_PC))
CORE_LIBS = $(shell $(PKG_CONFIG) --libs libcurl libssl libcrypto) -pthread $(DL)

# What decodes JSON: simdjson (3 or newer) where it and a C++ compiler are there, else lua-cjson alone. JSON=cjson and
# JSON=simdjson insist.
JSON ?= $(BUILT_JSON)
SIMDJSON_CFLAGS := $(shell $(PKG_CONFIG) --cflags simdjson 2>/dev/null)
SIMDJSON_PACKAGES := $(if $(filter cjson,$(JSON)),,g++ libsimdjson-dev)
ifeq ($(JSON),)
JSON := $(if $(shell { $(PKG_CONFIG) --atleast-version=3 simdjson || ! $(PKG_CONFIG) --exists simdjson; } 2>/dev/null && \
  printf '\043if __has_include(<simdjson.h>)\nyes\n\043endif' | \
  $(CXX) -std=c++17 $(SIMDJSON_CFLAGS) -E -P -x c++ - 2>/dev/null),simdjson,cjson)
endif
$(if $(filter simdjson cjson,$(JSON)),,$(error JSON is simdjson or cjson, not $(JSON)))

# Of LPeg's warnings those that C++ knows. Nothing may throw: what would have to catch it is C.
CXX_WARNINGS := $(filter-out -Waggregate-return -Wbad-function-cast -Wdeclaration-after-statement -Wmissing-prototypes \
  -Wnested-externs -Wstrict-prototypes -Wc++-compat,$(WARNINGS)) -Wmissing-declarations
PARSER_CXXFLAGS = -Icsrc -std=c++17 -fno-exceptions -fno-rtti -fPIC -fvisibility=hidden $(CXX_WARNINGS) $(SIMDJSON_CFLAGS)

SOURCES_simdjson := csrc/json/simdjson.c csrc/json/tape.c csrc/json/load.c
SOURCES_cjson := csrc/json/cjson.c
PARSER_simdjson = $(BUILD)/json/parser.o
LIBS_simdjson = $(or $(shell $(PKG_CONFIG) --libs simdjson 2>/dev/null),-lsimdjson) $(CXX_LIBRARY)

SOURCES := $(sort $(filter-out $(SOURCES_simdjson) $(SOURCES_cjson),$(wildcard csrc/*/*.c)) $(SOURCES_$(JSON)))
PARSER = $(PARSER_$(JSON))
PARSER_LIBS = $(LIBS_$(JSON))
# A library of its own, which the core loads when it is needed. A program that has the parser linked in is compiled with
# the flag.
PARSER_LIBRARY := $(if $(PARSER),$(BUILD)/timekit/simdjson.so)
PARSER_LINKED := -DTK_PARSER_LINKED
OBJECTS = $(SOURCES:csrc/%.c=$(BUILD)/%.o)
ENGINE_SOURCES := $(sort $(wildcard csrc/engine/*.c))
LUA_MODULES := $(sort $(shell find lua -name '*.lua'))
# The sandbox's console: what is not Lua, and is installed beside the modules.
PAGE_FILES := $(sort $(wildcard lua/timekit/sandbox/console/*))
INSTALLED := $(LUA_MODULES) $(PAGE_FILES)
TYPES := lua/timekit/library

all: $(CORE) $(PARSER_LIBRARY) $(PROGRAM)

$(CORE): $(OBJECTS) $(BUILD)/flags.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(MODULE_LINK) $(LDFLAGS) -o $@ $(OBJECTS) $(CORE_LIBS)

$(BUILD)/timekit/simdjson.so: $(PARSER) $(BUILD)/flags.mk
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(MODULE_LINK) $(LDFLAGS) -o $@ $(PARSER) $(PARSER_LIBS)

# How the module is built. The file changes when one of these does, and then everything is built anew.
HASH := \#
remembered = 'BUILT_$(1) := $(subst ','\'',$(subst $(HASH),\$(HASH),$(subst $$,$$$$,$($(1)))))'
FLAGS = $(foreach name,JSON CC CXX CPPFLAGS CFLAGS CXXFLAGS LDFLAGS,$(call remembered,$(name)))
$(BUILD)/flags.mk: always
	@mkdir -p $(@D); printf '%s\n' $(FLAGS) > $@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/%.o: csrc/%.c $(BUILD)/flags.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/%.o: csrc/%.cc $(BUILD)/flags.mk
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) $(PARSER_CXXFLAGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(BUILD)/*/*.d)

# The program begins with the chosen Lua, and finds the module that it belongs to wherever that is. $(1), $(2): the
# folders of the modules in Lua and in C.
LUA_PROGRAM = $(or $(shell command -v $(LUA)),/usr/bin/env $(LUA))
program = { printf '\043!%s\n' '$(abspath $(firstword $(LUA_PROGRAM)))$(patsubst %, %,$(wordlist 2,9,$(LUA_PROGRAM)))'; \
  printf 'package.path = [[%s/?.lua;%s/?/init.lua;]] .. package.path\n' '$(1)' '$(1)'; \
  printf 'package.cpath = [[%s/?.so;]] .. package.cpath\n' '$(2)'; tail -n +2 lua/timekit/cli/program; }

$(PROGRAM): always
	@mkdir -p $(@D); $(call program,$(CURDIR)/lua,$(CURDIR)/$(BUILD)) > $@.new; chmod 755 $@.new; \
	if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# Absolute paths, so that it works from anywhere: eval "$(make -s env)"
LUA_FILES = $(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;
C_FILES = $(CURDIR)/$(BUILD)/?.so;;
WITH_PATHS = LUA_PATH='$(LUA_FILES)' LUA_CPATH='$(C_FILES)'

# Lua from 5.2 on prefers these to LUA_PATH and LUA_CPATH: recipes run without them, and a shell that has them set is
# told what they are to be.
unexport LUA_PATH_5_2 LUA_CPATH_5_2 LUA_PATH_5_3 LUA_CPATH_5_3 LUA_PATH_5_4 LUA_CPATH_5_4 \
  LUA_PATH_5_5 LUA_CPATH_5_5
VERSIONED := $(subst .,_,$(LUA_VERSION))
is_set = $(findstring environment,$(origin $(1)))

env:
	@echo 'export LUA_PATH="$(LUA_FILES)"'
	@echo 'export LUA_CPATH="$(C_FILES)"'
	@echo 'export PATH="$(CURDIR)/$(BUILD)/bin:$$PATH"'
	$(if $(call is_set,LUA_PATH_$(VERSIONED)),@echo 'export LUA_PATH_$(VERSIONED)="$(LUA_FILES)"')
	$(if $(call is_set,LUA_CPATH_$(VERSIONED)),@echo 'export LUA_CPATH_$(VERSIONED)="$(C_FILES)"')

# LuaRocks, among others, has folders of its own.
INST_LUADIR ?= $(PREFIX)/share/lua/$(LUA_VERSION)
INST_LIBDIR ?= $(PREFIX)/lib/lua/$(LUA_VERSION)
TO_LUADIR = $(DESTDIR)$(INST_LUADIR)
TO_LIBDIR = $(DESTDIR)$(INST_LIBDIR)
INST_BINDIR ?= $(PREFIX)/bin
TO_BINDIR = $(DESTDIR)$(INST_BINDIR)

# RELOCATABLE=1 leaves the folders out of the program: whoever moves what was installed, as LuaRocks does, says them.
INSTALLED_PROGRAM = $(if $(RELOCATABLE),cat lua/timekit/cli/program,$(call program,$(INST_LUADIR),$(INST_LIBDIR)))

# A folder at a time: a process for each file took five times as long.
files_in = $(strip $(foreach file,$(INSTALLED),$(if $(filter $(1),$(dir $(file))),$(file))))

# BYTECODE=1 compiles the modules for the very Lua that is chosen. Editors read the types, so those stay text.
install: all
	install -d '$(TO_LIBDIR)/timekit' '$(TO_BINDIR)'
	install -m 644 '$(CORE)' '$(TO_LIBDIR)/timekit/core.so'
	$(if $(PARSER_LIBRARY),install -m 644 '$(PARSER_LIBRARY)' '$(TO_LIBDIR)/timekit/simdjson.so')
	set -e; $(foreach folder,$(sort $(dir $(INSTALLED))), \
	  install -d '$(TO_LUADIR)/$(folder:lua/%/=%)'; \
	  install -m 644 $(call files_in,$(folder)) '$(TO_LUADIR)/$(folder:lua/%/=%)';)
	$(if $(BYTECODE),$(LUA) spec/support/bytecode.lua '$(TO_LUADIR)' '$(INST_LUADIR)' \
	  $(filter-out $(TYPES:lua/%=%)/%,$(LUA_MODULES:lua/%=%)))
	$(INSTALLED_PROGRAM) > '$(TO_BINDIR)/timekit'
	chmod 755 '$(TO_BINDIR)/timekit'

# What others have put into the same folders stays.
uninstall:
	rm -f '$(TO_LIBDIR)/timekit/core.so' '$(TO_LIBDIR)/timekit/simdjson.so' '$(TO_BINDIR)/timekit'
	for file in $(INSTALLED:lua/%=%); do rm -f '$(TO_LUADIR)/'"$$file"; done
	for folder in '$(TO_LIBDIR)/timekit' '$(TO_LUADIR)/timekit'; do \
	  [ ! -d "$$folder" ] || find "$$folder" -depth -type d -exec rmdir {} + 2>/dev/null || true; \
	done

VERSION := $(shell sed -n 's/^.define TK_VERSION "\(.*\)"/\1/p' csrc/bind/version.h)

# The archive that the rockspec of the release names.
dist:
	@mkdir -p build
	@git ls-files -z | tar --null --files-from=- --transform='s|^|timekit-$(VERSION)/|' --sort=name --owner=0 --group=0 \
	  --numeric-owner --mtime="@$$(git log -1 --format=%ct)" -czf build/timekit-$(VERSION).tar.gz
	@echo build/timekit-$(VERSION).tar.gz

# Debian packages, built from what git would hand out.
DEB_PACKAGES := build-essential dpkg-dev debhelper fakeroot lintian g++ libsimdjson-dev $(foreach version,5.1 5.2 5.3 5.4,lua$(version)) \
  liblua5.1-0-dev liblua5.2-dev liblua5.3-dev liblua5.4-dev libcurl4-openssl-dev libssl-dev pkg-config lua-cjson \
  lua-argparse lua-term
DEB_TREE := build/deb/timekit-$(VERSION)
deb:
	$(call installed,$(DEB_PACKAGES),)
	@rm -rf build/deb && mkdir -p $(DEB_TREE) && git ls-files -z | xargs -0 cp --parents -p -t $(DEB_TREE)
	@cp -r rockspec/debian $(DEB_TREE)/debian
	cd $(DEB_TREE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -us -uc -b > ../build.log 2>&1 \
	  || { tail -n 30 ../build.log | cut -c1-200; exit 1; }
	lintian --fail-on error,warning build/deb/*.changes
	@ls build/deb/*.deb

clean:
	rm -rf build

# ---- what a fresh Debian lacks ----

# Where Debian's names are not those of the Lua. On Debian 12 the packages luajit and libluajit-5.1-dev would take away
# what nginx's Lua module needs; luajit2 brings the same program and goes with it. Later Debians have that one under the
# old name. `a/b` is the first of both that there is.
LUAJIT_HEADERS := libluajit2-5.1-dev/libluajit-5.1-dev
PACKAGES_lua5.1 := lua5.1 liblua5.1-0-dev
LUAJIT_PACKAGE := luajit2/luajit
PACKAGES_luajit := $(LUAJIT_PACKAGE) $(LUAJIT_HEADERS)

BUILD_PACKAGES := gcc libc6-dev pkg-config $(or $(PACKAGES_$(LUA_NAME)),$(LUA_NAME) lib$(LUA_NAME)-dev) \
  libcurl4-openssl-dev libssl-dev lua-cjson
RUN_PACKAGES := $(BUILD_PACKAGES) lua-http lua-cqueues lua-luaossl lua-argparse lua-term
# nginx's Lua module brings LuaJIT; our module is then built against the headers that go with it.
NGINX_PACKAGES := nginx libnginx-mod-http-lua $(LUAJIT_HEADERS)
# sid has lost the first of the two; the other one does not help, but is there.
DOCS_PACKAGES := lua5.1 lua-ldoc lua-discount/discount lua-argparse lua-term
# The servers that the specs let loose on the client are written for 5.4, whichever Lua is tested.
TEST_PACKAGES := $(RUN_PACKAGES) $(NGINX_PACKAGES) lua-luv lua-busted libcmocka-dev lua-socket lua-sec lua-filesystem \
  lua-copas curl openssl luarocks git lua5.4 redis-server zsh fish $(DOCS_PACKAGES)
# The programs that the client is tested in, and what builds the module for their Luas.
HOSTS_PACKAGES := $(TEST_PACKAGES) haproxy love xvfb xauth neovim prosody lua5.1 liblua5.1-0-dev liblua5.3-dev \
  liblua5.4-dev
LINT_PACKAGES := $(BUILD_PACKAGES) lua5.1 lua5.2 lua5.3 lua5.4 liblua5.4-dev $(LUAJIT_PACKAGE) lua-check cppcheck luarocks \
  lua-ldoc
CHECK_PACKAGES := $(TEST_PACKAGES) valgrind

# The first list is what it takes, the second is nice to have. Where there is no apt-get nobody knows what other systems
# call these packages, so the target goes on, and what is really missing stops it.
define installed
	@if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then exit 0; fi; \
	lacking() { for package; do \
	  dpkg-query -W -f='$${Status}\n' $$(echo $$package | tr / ' ') 2>/dev/null | grep -q 'ok installed' || \
	    printf ' %s' $$package; \
	done; }; \
	missing=$$(lacking $(1)); wished=$$(lacking $(2)); \
	[ -z "$$missing$$wished" ] && exit 0; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	if [ -n "$$sudo" ] && ! command -v sudo >/dev/null; then \
	  [ -z "$$missing" ] && exit 0; \
	  echo "make: install$$missing as root first (there is no sudo here)." >&2; exit 1; \
	fi; \
	install() { echo "make: installing $$*"; $$sudo sh spec/support/apt_install.sh "$$@" >/dev/null; }; \
	install $$missing $$wished && exit 0; \
	[ -n "$$wished" ] && echo "make: going on without$$wished" >&2 && { [ -z "$$missing" ] || install $$missing; } && \
	  exit 0; \
	echo "make: apt-get could not install$$missing" >&2; exit 1
endef

deps:
	$(call installed,$(sort $(RUN_PACKAGES) $(TEST_PACKAGES) $(LINT_PACKAGES) $(CHECK_PACKAGES) $(DOCS_PACKAGES)), \
	  $(SIMDJSON_PACKAGES))
deps-run:
	$(call installed,$(RUN_PACKAGES),$(SIMDJSON_PACKAGES))
deps-test:
	$(call installed,$(TEST_PACKAGES),$(SIMDJSON_PACKAGES))
deps-hosts:
	$(call installed,$(sort $(HOSTS_PACKAGES)),$(SIMDJSON_PACKAGES))
deps-lint:
	$(call installed,$(LINT_PACKAGES),$(SIMDJSON_PACKAGES))
deps-check:
	$(call installed,$(CHECK_PACKAGES),$(SIMDJSON_PACKAGES))
deps-docs:
	$(call installed,$(DOCS_PACKAGES),)

# ---- showing ----

run: deps-run
	@$(MAKE) -s all
	@$(WITH_PATHS) $(LUA) spec/examples/demo.lua

sandbox: deps-run
	@$(MAKE) -s all
	@$(WITH_PATHS) PORT='$(PORT)' KEY='$(KEY)' exec $(LUA) -e 'require("timekit.sandbox.server").main()'

# LDoc reads the comments of the public face, and the module FACE writes INTO from them: types for editors, pages.
FACE_PATHS = LUA_PATH='$(CURDIR)/?.lua;$(LUA_FILES)' LUA_CPATH='$(CURDIR)/build/$(3)/?.so;;'
face = @mkdir -p $(dir $(2)) && cd spec/project/face && $(FACE_PATHS) FACE=$(1) ROOT='$(CURDIR)' PROGRAM='$(CURDIR)/$(PROGRAM)' \
  INTO='$(CURDIR)/$(2)' \
  $(3) /usr/bin/ldoc --config config.ld --filter spec.project.face.read.run . >/dev/null

# Debian has discount, which makes HTML of Markdown, for 5.1 and 5.2.
docs: deps-docs
	@$(MAKE) -s all
	$(call face,spec.project.docs.write,build/docs/index.html,lua5.1)
	@echo build/docs/index.html

types: deps-lint
	@$(MAKE) -s all LUA=lua5.4
	@rm -rf build/types
	$(call face,spec.project.types.write,build/types/timekit.lua,lua5.4)
	@rm -rf $(TYPES) && cp -r build/types $(TYPES)

# ---- proving ----

C_TEST_NAMES := test_engine test_engine_many test_stream
C_TESTS := $(foreach test,$(C_TEST_NAMES),build/c$(SANITIZED)/$(test) build/c$(SANITIZED)/$(test)_poll)
C_TEST_SOURCES := spec/c/engine_world.c spec/c/server.c spec/c/tls_server.c
C_TEST_HEADERS := $(wildcard csrc/*/*.h spec/c/*.h)
# Our own allocations go through the test, which makes them fail one by one.
C_TEST_LINK = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
  $(shell $(PKG_CONFIG) --libs libcurl libssl libcrypto cmocka) -pthread

# The engine as it is in the module, and as where there is no epoll: compiled once, not for each program.
ENGINE_OBJECTS := $(ENGINE_SOURCES:csrc/%.c=$(BUILD)/%.o)
POLL_OBJECTS := $(ENGINE_SOURCES:csrc/engine/%.c=$(BUILD)/engine_poll/%.o)
$(BUILD)/engine_poll/%.o: csrc/engine/%.c $(BUILD)/flags.mk
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -DTK_NO_EPOLL $(CORE_CFLAGS) -MMD -MP -c -o $@ $<

$(C_TEST_NAMES:%=build/c$(SANITIZED)/%): build/c$(SANITIZED)/%: spec/c/%.c $(C_TEST_SOURCES) $(ENGINE_OBJECTS) $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -Icsrc -std=c99 -Wall -Wextra -o $@ $< $(C_TEST_SOURCES) $(ENGINE_OBJECTS) $(C_TEST_LINK)

$(C_TEST_NAMES:%=build/c$(SANITIZED)/%_poll): build/c$(SANITIZED)/%_poll: spec/c/%.c $(C_TEST_SOURCES) $(POLL_OBJECTS) $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -DTK_NO_EPOLL -Icsrc -std=c99 -Wall -Wextra -o $@ $< $(C_TEST_SOURCES) $(POLL_OBJECTS) $(C_TEST_LINK)

PRELOADED := build/c/slow_dns.so build/c/killed_write.so
build/c/%.so: spec/c/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c99 -Wall -Wextra -shared -fPIC -o $@ $< -ldl

# Timekit's own client for JavaScript; without npm or a network the spec that runs it against the sandbox is pending.
JS_CLIENT := build/js/node_modules/timekit-sdk/package.json
$(JS_CLIENT):
	@mkdir -p build/js
	@npm install --prefix build/js --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	  --fetch-retries=1 --fetch-timeout=30000 timekit-sdk@1.19.8 > build/js/log 2>&1 \
	  || echo 'timekit-sdk is not installed: see build/js/log'

# Every test there is; ends with one line that sums up. The specs check that EXPECTED_LUA is what they run on.
RUN_TESTS = $(WITH_PATHS) EXPECTED_LUA='$(LUA_NAME)' $(LUA) spec/support/suite.lua

SPECS ?= spec

# As many compilers as there are processors, unless make was told a number.
AT_ONCE = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN))

test: deps-test
	@$(MAKE) -s $(AT_ONCE) all $(C_TESTS) $(PRELOADED) $(JS_CLIENT)
	@$(MAKE) -s $(AT_ONCE) all LUA=luajit
	@$(RUN_TESTS) 'c $(C_TESTS)' 'busted $(LUA) $(SPECS)'

# On every Lua, one after the other; ends with one line that sums up all of them.
test-all: deps-test
	@MAKE='$(MAKE)' $(RUN_TESTS) $(LUAS:%='make test LUA=%')

# The same on another Debian, such as trixie or sid; SHORT=1 leaves out nginx and chaos. Unless a Lua is chosen, root
# tests on Lua 5.5 as well where that Debian has it. ARCH=i386 is another architecture, and with MIRROR=optional a
# mirror that does not answer is no failure: see spec/support/debian.sh.
test-debian:
	$(call installed,mmdebstrap iproute2 git $(if $(ARCH),arch-test))
	@SUITE='$(or $(SUITE),trixie)' LUA='$(LUA)' NEWER='$(if $(filter file,$(origin LUA)),lua5.5)' SPECS='$(SPECS)' \
	  SHORT='$(SHORT)' ARCH='$(ARCH)' MIRROR='$(MIRROR)' sh spec/support/debian.sh

# Whether the sources compile for systems that have no tests. libcurl, OpenSSL and Lua are not there for them, so the
# compilers see this machine's headers of these three, and none of its other headers.
FOREIGN_HEADERS := build/foreign/include
FOREIGN_FLAGS = -Icsrc -I$(FOREIGN_HEADERS) -std=c99 -fPIC -Wall -Wextra -Werror \
  $(filter -I%/lua5.4,$(shell $(PKG_CONFIG) --cflags-only-I lua5.4))
$(FOREIGN_HEADERS): | deps-foreign
	@rm -rf $@ && mkdir -p $@ && multiarch=$$($(CC) -print-multiarch) && for name in curl openssl; do \
	  mkdir $@/$$name && ln -sf /usr/include/$$name/* /usr/include/$$multiarch/$$name/* $@/$$name/ || exit; \
	done; ln -s /usr/include/$$multiarch/lua5.4-deb-multiarch.h $@/; rm -f $@/*/'*'

deps-foreign:
	$(call installed,$(BUILD_PACKAGES) lua5.4 liblua5.4-dev musl-tools gcc-mingw-w64-x86-64)

musl-check: $(FOREIGN_HEADERS)
	@set -e; rm -f build/foreign/*.o; for file in $(filter-out $(SOURCES_simdjson),$(wildcard csrc/*/*.c)); do \
	  musl-gcc $(FOREIGN_FLAGS) -O2 -c -o build/foreign/$$(echo $$file | tr / -).o $$file; \
	  musl-gcc $(FOREIGN_FLAGS) -DTK_NO_EPOLL -fsyntax-only $$file; \
	done; musl-gcc -shared -o build/foreign/core.so build/foreign/*.o
	@echo 'musl: the sources compile and link with each other'

windows-check: $(FOREIGN_HEADERS)
	@set -e; for file in $(wildcard csrc/*/*.c); do \
	  x86_64-w64-mingw32-gcc $(FOREIGN_FLAGS) -fsyntax-only $$file; \
	done; echo 'Windows: the sources compile'

# In real programs that have a Lua: every one is installed and built for, so a test that is skipped is a failure.
HOSTS := haproxy copas love neovim prosody
test-hosts: deps-hosts
	@set -e; for lua in $(sort lua5.1 lua5.3 lua5.4 luajit $(LUA)); do $(MAKE) -s all LUA=$$lua; done
	@$(RUN_TESTS) 'busted $(LUA) $(HOSTS:%=spec/hosts/%_spec.lua) spec/scale/programs_spec.lua' | tee build/hosts.log
	@tail -n 1 build/hosts.log | grep -q ' 0 failed, 0 skipped$$'

# The console in a real browser, with everything that its samples are written for; a test that is skipped is a failure.
CONSOLE_PACKAGES := $(TEST_PACKAGES) chromium chromium-driver fonts-dejavu-core php-cli python3 \
  $(if $(shell command -v node),,nodejs) $(if $(shell command -v npm),,npm)
deps-console:
	$(call installed,$(CONSOLE_PACKAGES),$(SIMDJSON_PACKAGES))

AXE := build/console/node_modules/axe-core/axe.min.js
$(AXE):
	@mkdir -p build/console
	@npm install --prefix build/console --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	  --fetch-retries=1 --fetch-timeout=30000 axe-core@4.10.3 > build/console/log 2>&1 \
	  || { cat build/console/log; exit 1; }

test-console: deps-console
	@$(MAKE) -s all $(AXE)
	@$(RUN_TESTS) 'busted $(LUA) spec/console' | tee build/console.log
	@tail -n 1 build/console.log | grep -q ' 0 failed, 0 skipped$$'

# Pictures of graphs in the programs that show them, and of very many random graphs; a test that is skipped is a failure.
PICTURES_PACKAGES := $(TEST_PACKAGES) graphviz librsvg2-bin libxml2-utils $(if $(shell command -v node),,nodejs) \
  $(if $(shell command -v npm),,npm)
deps-pictures:
	$(call installed,$(PICTURES_PACKAGES),$(SIMDJSON_PACKAGES))

MERMAID := build/mermaid/node_modules/mermaid/package.json
$(MERMAID):
	@mkdir -p build/mermaid
	@npm install --prefix build/mermaid --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	  --fetch-retries=1 --fetch-timeout=30000 mermaid@11.12.0 jsdom@26.1.0 > build/mermaid/log 2>&1 \
	  || { cat build/mermaid/log; exit 1; }

test-pictures: deps-pictures
	@$(MAKE) -s all $(MERMAID)
	@RANDOM_GRAPHS=10000 $(RUN_TESTS) 'busted $(LUA) spec/graph/picture_spec.lua spec/graph/picture_programs_spec.lua' \
	  | tee build/pictures.log
	@tail -n 1 build/pictures.log | grep -q ' 0 failed, 0 skipped$$'

# The last two: no room requires one above it, and comments refer to what is there.
lint: deps-lint
	luacheck -q lua spec
	luac5.1 -p $(LUA_MODULES)
	$(MAKE) -s all CFLAGS='-O2 -Werror -Wconversion' SANITIZED=-lint JSON=cjson
	$(MAKE) -s all CFLAGS='-O2 -Werror -Wconversion' SANITIZED=-lint
	cppcheck --quiet --std=c99 --enable=warning,performance,portability --inline-suppr \
	  --suppress=missingIncludeSystem --error-exitcode=1 csrc
	for rockspec in rockspec/*.rockspec; do luarocks --lua-version 5.4 lint $$rockspec || exit; done
	lua5.4 spec/project/versions.lua
	lua5.4 spec/project/rooms.lua
	lua5.4 spec/project/comments.lua
	$(MAKE) -s check-types

# The types are what the comments give, say what the live module has, and parse on every Lua.
check-types:
	@$(MAKE) -s all LUA=lua5.4
	@rm -rf build/types
	$(call face,spec.project.types.write,build/types/timekit.lua,lua5.4)
	@diff -ruN $(TYPES) build/types || { echo 'make types brings them up to date' >&2; exit 1; }
	@LUA_PATH='$(CURDIR)/?.lua;$(LUA_FILES)' LUA_CPATH='$(CURDIR)/build/lua5.4/?.so;;' \
	  lua5.4 spec/project/types/check.lua $(TYPES)
	@for lua in $(LUAS); do for file in $$(find $(TYPES) -name '*.lua'); do \
	  $$lua -e "assert(loadfile '$$file')" || exit; done; done

ASAN_FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# The interpreter is ours, since preloading the sanitizers would hand them to every program the specs start.
build/c-asan/lua: spec/c/lua_main.c
	@mkdir -p $(@D)
	$(CC) $(ASAN_FLAGS) -o $@ $< -Wl,-E -Wl,--no-as-needed $(shell $(PKG_CONFIG) --libs libcurl) -Wl,--as-needed \
	  $(shell $(PKG_CONFIG) --cflags --libs $(LUA_PC)) -lm -ldl

# Without the hostile servers' spec: its calls are made by programs of their own, in the stock interpreter, against time.
# What runs in programs of their own runs on an interpreter without the sanitizer: it would show nothing more.
ASAN_SPECS := $(filter-out spec/cli/% spec/console/% spec/truth/hostile_spec.lua,$(wildcard spec/*/*_spec.lua)) \
  spec/cli/core_files_spec.lua spec/cli/process_spec.lua

asan: deps-check
	@$(MAKE) -s all build/c-asan/lua $(PRELOADED)
	@$(MAKE) -s all LUA=luajit
	@$(MAKE) -s all $(C_TESTS:build/c/%=build/c-asan/%) SANITIZED=-asan CFLAGS='$(ASAN_FLAGS)' \
	  LDFLAGS='-fsanitize=address,undefined'
	@HOST_CPATH='$(CURDIR)/$(BUILD)-asan/?.so' $(RUN_TESTS) 'c $(C_TESTS:build/c/%=build/c-asan/%)' 'busted build/c-asan/lua $(ASAN_SPECS)'

# libcurl is loaded first so that it stays loaded: unloading it would leave leaks without names.
LIBCURL = $(shell $(PKG_CONFIG) --variable=libdir libcurl)/libcurl.so.4
VALGRIND := valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite
# The specs that spend their time in C; the whole suite under valgrind takes longer than anybody waits.
VALGRIND_SPECS ?= spec/json/decode_spec.lua spec/json/encode_spec.lua spec/json/differential_spec.lua \
  spec/engine/transfers_spec.lua spec/engine/driving_spec.lua spec/engine/arguments_spec.lua spec/client/action_spec.lua

valgrind: deps-check
	@$(MAKE) -s all $(C_TESTS)
	@RUNNER="env LD_PRELOAD=$(LIBCURL) $(VALGRIND)" $(RUN_TESTS) 'c $(C_TESTS)' 'busted $(LUA) $(VALGRIND_SPECS)'

# -- proving: memory that runs out, threads and forks, fuzzing --

# The longest first, so that the others run beside it.
PROOFS := build/c$(SANITIZED)/$(LUA_NAME)/test_oom_lua build/c$(SANITIZED)/test_oom build/c$(SANITIZED)/test_oom_poll \
  build/c$(SANITIZED)/test_oom_files build/c$(SANITIZED)/test_notifier build/c$(SANITIZED)/test_notifier_poll \
  build/c$(SANITIZED)/test_trust build/c$(SANITIZED)/test_bundle build/c$(SANITIZED)/$(LUA_NAME)/test_threads
C_TESTS := $(PROOFS) $(C_TESTS)
$(PROOFS): $(OBJECTS) $(POLL_OBJECTS) $(PARSER) $(C_TEST_HEADERS) $(wildcard spec/c/*.c)

PROOF_COMPILE = @mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(CFLAGS) -Icsrc -std=c99 -Wall -Wextra -o $@
# Each block that our own files ask for and give back is seen by spec/c/memory.c.
WRAP_MEMORY := spec/c/memory.c -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
WITH_LUA = spec/c/server.c $(shell $(PKG_CONFIG) --cflags --libs $(LUA_PC) cmocka libcurl libssl libcrypto) -pthread -ldl

build/c$(SANITIZED)/test_oom:
	$(PROOF_COMPILE) $(ENGINE_OBJECTS) spec/c/test_oom.c spec/c/tls_server.c $(WRAP_MEMORY) $(WITH_LUA)

build/c$(SANITIZED)/test_oom_poll:
	$(PROOF_COMPILE) -DTK_NO_EPOLL $(POLL_OBJECTS) spec/c/test_oom.c spec/c/tls_server.c $(WRAP_MEMORY) $(WITH_LUA)

# As where libcurl's TLS is not the OpenSSL that we link with.
build/c$(SANITIZED)/test_oom_files:
	$(PROOF_COMPILE) -DTK_NO_LAZY_TRUST $(filter-out %/trust.o,$(ENGINE_OBJECTS)) csrc/engine/trust.c spec/c/test_oom.c \
	  spec/c/tls_server.c $(WRAP_MEMORY) $(WITH_LUA)

build/c$(SANITIZED)/$(LUA_NAME)/test_oom_lua:
	$(PROOF_COMPILE) $(PARSER_LINKED) -Wl,-E $(filter-out %/load.o,$(OBJECTS)) $(filter %/load.c,$(SOURCES)) $(PARSER) \
	  spec/c/test_oom_lua.c $(WRAP_MEMORY) $(PARSER_LIBS) $(WITH_LUA)

build/c$(SANITIZED)/test_notifier:
	$(PROOF_COMPILE) $(BUILD)/engine/notifier.o spec/c/test_notifier.c $(WRAP_MEMORY) -Wl,--wrap=pthread_create $(WITH_LUA)

build/c$(SANITIZED)/test_notifier_poll:
	$(PROOF_COMPILE) -DTK_NO_EPOLL $(BUILD)/engine_poll/notifier.o spec/c/test_notifier.c $(WRAP_MEMORY) \
	  -Wl,--wrap=pthread_create $(WITH_LUA)

# They have the source of trust.c in them.
build/c$(SANITIZED)/test_trust build/c$(SANITIZED)/test_bundle:
	$(PROOF_COMPILE) $(filter-out %/trust.o,$(ENGINE_OBJECTS)) spec/c/$(@F).c spec/c/certificates.c $(WRAP_MEMORY) $(WITH_LUA)

# It loads the module as hosts do: nothing of ours is in it.
build/c$(SANITIZED)/$(LUA_NAME)/test_threads:
	$(PROOF_COMPILE) -Wl,-E spec/c/test_threads.c $(WITH_LUA)

# Every allocation fails under ASan; here and there one is enough for a daily run, and for valgrind, which takes fifty
# times as long and is to overlook lua-cjson's own leak.
test: export OOM_STEP := 5
valgrind: export OOM_STEP := 23
valgrind: export VALGRIND_OPTS := --suppressions=spec/c/valgrind.supp

TSAN_FLAGS := -O1 -g -fsanitize=thread
TSAN_TESTS := $(C_TEST_NAMES:%=build/c-tsan/%) $(C_TEST_NAMES:%=build/c-tsan/%_poll) build/c-tsan/test_notifier \
  build/c-tsan/test_trust build/c-tsan/$(LUA_NAME)/test_threads

tsan: deps-test
	@$(MAKE) -s all $(TSAN_TESTS) SANITIZED=-tsan CFLAGS='$(TSAN_FLAGS)' LDFLAGS='-fsanitize=thread'
	@HOST_CPATH='$(CURDIR)/$(BUILD)-tsan/?.so' $(RUN_TESTS) 'c $(TSAN_TESTS)'

FUZZ_PACKAGES := $(BUILD_PACKAGES) clang libclang-rt-14-dev
FUZZ_TARGETS ?= resp response json json_both graph link webhook bundle
FUZZ_SECONDS ?= 60
# 0: another one each time; libFuzzer prints it.
FUZZ_SEED ?= 1

deps-fuzz:
	$(call installed,$(FUZZ_PACKAGES),$(SIMDJSON_PACKAGES))

FUZZ_FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined

build/fuzz/%: spec/fuzz/harness.c $(SOURCES) $(if $(PARSER),build/fuzz/json_parser.o) $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -Icsrc -std=c99 -fsanitize=fuzzer $(PARSER_LINKED) -DFUZZ_TARGET='"$*"' -o $@ $(filter %.c %.o,$^) $(PARSER_LIBS) \
	  $(shell $(PKG_CONFIG) --cflags --libs $(LUA_PC) libcurl libssl libcrypto) -pthread -lm -ldl

build/fuzz/bundle: spec/fuzz/bundle.c csrc/engine/bundle_read.c $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -Icsrc -std=c99 -fsanitize=fuzzer -o $@ $(filter %.c,$^) $(shell $(PKG_CONFIG) --cflags --libs libcrypto)

build/fuzz/json_parser.o: csrc/json/parser.cc $(C_TEST_HEADERS)
	@mkdir -p $(@D)
	clang++ $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(PARSER_CXXFLAGS) -c -o $@ $<

# A finding stays as build/fuzz/TARGET-*; `build/fuzz/TARGET FILE` shows it again, and once it is cured the file belongs
# into the corpus, which is run through first.
fuzz: deps-fuzz
	@$(MAKE) -s $(FUZZ_TARGETS:%=build/fuzz/%)
	@set -e; for target in $(FUZZ_TARGETS); do \
	  mkdir -p build/fuzz/corpus/$$target; echo "fuzzing $$target for $(FUZZ_SECONDS) seconds"; \
	  ASAN_OPTIONS=quarantine_size_mb=8 build/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -seed=$(FUZZ_SEED) \
	    -max_len=4096 -timeout=10 -rss_limit_mb=1024 -detect_leaks=0 -verbosity=0 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$$target- build/fuzz/corpus/$$target spec/fuzz/corpus/$$target; \
	done

# As many actions as asked for, random ones, with everything going wrong: see spec/chaos/chaos.lua.
chaos: deps-test
	@$(MAKE) -s all
	@$(WITH_PATHS) SEED='$(SEED)' ACTIONS='$(ACTIONS)' MODE='$(MODE)' CONTROL='$(CONTROL)' WRITERS='$(WRITERS)' ROUND='$(ROUND)' $(LUA) spec/chaos/chaos.lua

# Files of rows whose runs are killed and go on, with everything going wrong: see spec/chaos/bulk_run.lua.
chaos-bulk: deps-test
	@$(MAKE) -s all $(PRELOADED)
	@$(WITH_PATHS) SEED='$(SEED)' ROWS='$(ROWS)' KILLS='$(KILLS)' ROUNDS='$(ROUNDS)' $(LUA) spec/chaos/bulk_run.lua

# What `tk:update()` costs a game's frame while a resolver hangs.
bench-frames: deps-test
	@$(MAKE) -s all build/c/slow_dns.so
	@$(WITH_PATHS) $(LUA) spec/bench/frames.lua

# What an action costs in nginx, next to proxy_pass.
bench-nginx: deps-test
	@$(MAKE) -s all
	@$(MAKE) -s all LUA=luajit
	@$(WITH_PATHS) $(LUA) spec/bench/nginx_latency.lua

# What this library is compared with; what cannot be had is left out and named. Node is taken from wherever the machine
# has it.
package_of = $(if $(shell command -v $(1)),,$(2))
PEER_PACKAGES = $(call package_of,luajit,luajit2) lua5.1 lua-curl lua-dkjson python3-pycurl python3-requests \
  $(call package_of,node,nodejs) $(call package_of,npm,npm)

deps-bench:
	$(call installed,$(sort $(TEST_PACKAGES) valgrind))
	-$(call installed,$(PEER_PACKAGES))

UNDICI := build/js/node_modules/undici/package.json
$(UNDICI): | $(JS_CLIENT)
	@npm install --prefix build/js --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
	  --fetch-retries=1 --fetch-timeout=30000 timekit-sdk@1.19.8 undici@6.29.1 > build/js/undici.log 2>&1 \
	  || echo 'undici is not installed: see build/js/undici.log'

build/bench/curl_%: spec/bench/peers/curl_%.c spec/bench/peers/slice.c spec/bench/peers/slice.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c99 -Wall -Wextra -o $@ $< spec/bench/peers/slice.c $(shell $(PKG_CONFIG) --cflags --libs libcurl)

build/bench/thin.so: spec/bench/peers/thin.c spec/bench/peers/slice.c spec/bench/peers/slice.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c99 -Wall -Wextra $(MODULE_LINK) -fPIC -o $@ $< spec/bench/peers/slice.c \
	  $(shell $(PKG_CONFIG) --cflags $(LUA_PC)) $(shell $(PKG_CONFIG) --cflags --libs libcurl)

build/bench/first_curl: spec/bench/peers/first/curl.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c99 -Wall -Wextra -o $@ $< $(shell $(PKG_CONFIG) --cflags --libs libcurl)

build/bench/%: spec/bench/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c99 -Wall -Wextra -o $@ $<

build/bench/counted.so: spec/bench/counted.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c99 -Wall -Wextra $(MODULE_LINK) -fPIC -o $@ $< $(shell $(PKG_CONFIG) --cflags $(LUA_PC))

# Instructions of an action, and what Lua allocates for it; fails when one of them is over its limit.
bench-instructions: deps-check
	@$(MAKE) -s all build/bench/counted.so
	@$(WITH_PATHS) ROWS='$(ROWS)' $(LUA) spec/bench/instructions.lua

# This library next to its peers, and what it costs; writes build/bench.md. ROUNDS, SECONDS, ACTIONS and ROWS make it
# shorter: see spec/bench/bench.lua.
bench: deps-bench
	@$(MAKE) -s all $(addprefix build/bench/,curl_easy curl_multi thin.so first_curl spawn far) build/c/slow_dns.so $(JS_CLIENT) \
	  $(UNDICI)
	@$(MAKE) -s all LUA=luajit
	@$(WITH_PATHS) ROUNDS='$(ROUNDS)' SECONDS='$(SECONDS)' ACTIONS='$(ACTIONS)' ROWS='$(ROWS)' $(LUA) spec/bench/bench.lua

# The decoders alone: those of the core, each in a build of its own, and others. Writes build/bench-json.md.
bench-json: deps-bench
	@$(MAKE) -s all
	@$(MAKE) -s all JSON=cjson SANITIZED=-cjson
	@$(WITH_PATHS) ROUNDS='$(ROUNDS)' SECONDS='$(SECONDS)' $(LUA) spec/bench/json.lua \
	  $(BUILD) $(BUILD)-cjson

.PHONY: tsan fuzz deps-fuzz chaos chaos-bulk
.PHONY: bench bench-frames bench-nginx bench-instructions bench-json deps-bench
# -- end of proving --

help:
	@echo 'make run       the main job against the sandbox, over HTTP'
	@echo 'make test      every test'
	@echo 'make test-all  the same on every Lua'
	@echo 'make test-debian SUITE=trixie  the same on another Debian, in a chroot'
	@echo 'make test-hosts  in HAProxy, copas, LÖVE, Neovim and Prosody'
	@echo 'make           builds into build/; eval "$$(make -s env)" to use it from anywhere'
	@echo 'make sandbox   a Timekit of your own: PORT=8808 KEY=...'
	@echo 'make install   PREFIX=/usr/local DESTDIR= INST_LUADIR= INST_LIBDIR= BYTECODE=; make uninstall'
	@echo 'make chaos     ACTIONS=100000 SEED=1: actions with everything going wrong'
	@echo 'make chaos-bulk  ROWS=1000 KILLS=3 SEED=1: bulk runs that are killed and go on'
	@echo 'make bench     this library next to its peers, and what it costs: build/bench.md'
	@echo 'make bench-instructions  what an action costs in instructions and in memory, with limits'
	@echo 'make bench-json  the decoders alone'
	@echo 'make bench-frames  what tk:update() costs the frame of a game'
	@echo 'make bench-nginx  what an action costs in nginx, next to proxy_pass'
	@echo 'make musl-check windows-check  whether the sources compile there'
	@echo 'make test-console  the sandbox'\''s console in a real browser'
	@echo 'make test-pictures  the pictures of graphs in the programs that show them'
	@echo 'make deb       Debian packages, in build/deb; make dist: the archive of a release'
	@echo 'make docs      pages about all that users call; make types: the same for editors'
	@echo 'make lint asan tsan valgrind fuzz deps clean'
	@echo 'LUA=lua5.4 chooses the Lua: $(LUAS)'
	@echo 'JSON=cjson or JSON=simdjson: what decodes, where both are there'

.PHONY: all always env install uninstall dist deb clean help run sandbox
.PHONY: deps deps-run deps-test deps-hosts deps-lint deps-check deps-docs deps-foreign deps-console deps-pictures
.PHONY: test test-all test-debian test-hosts test-console test-pictures
.PHONY: docs types check-types
.PHONY: lint musl-check windows-check asan valgrind
