LUA ?= lua5.4
PKG_CONFIG ?= pkg-config
BUILD := $(CURDIR)/build/$(LUA)

CC ?= cc
WARNINGS := -Wall -Wextra -pedantic -Waggregate-return -Wcast-align -Wcast-qual -Wshadow -Wundef \
  -Wwrite-strings -Wbad-function-cast -Wdeclaration-after-statement -Wmissing-prototypes \
  -Wnested-externs -Wstrict-prototypes -Wc++-compat
CFLAGS ?= -O2 -g
CORE_CFLAGS = -std=c99 -fPIC -fvisibility=hidden -pthread $(WARNINGS) $(shell $(PKG_CONFIG) --cflags $(LUA) libcurl)
CORE_LIBS = $(shell $(PKG_CONFIG) --libs libcurl) -pthread -Wl,-z,nodelete
SOURCES := $(wildcard csrc/*.c)
OBJECTS := $(SOURCES:csrc/%.c=$(BUILD)/%.o)

all: $(BUILD)/timekit/core.so

$(BUILD)/timekit/core.so: $(OBJECTS)
	@mkdir -p $(@D)
	$(CC) -shared $(LDFLAGS) -o $@ $(OBJECTS) $(CORE_LIBS)

$(BUILD)/%.o: csrc/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJECTS:.o=.d)

env:
	@echo 'export LUA_PATH="$(CURDIR)/lua/?.lua;$(CURDIR)/lua/?/init.lua;;"'
	@echo 'export LUA_CPATH="$(BUILD)/?.so;;"'

.PHONY: all env
