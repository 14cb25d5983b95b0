# SPDX-License-Identifier: BSD-3-Clause
# make            build/clade (with the kernel inside) and the link ./clade
# make check      the tests that CI runs
# make CC=clang   works too; make DEBUG=1: lock-order checks, junk-filled heap
# Each folder says in its build.mk what it adds.

CC     ?= gcc
ifeq ($(origin CC),default)
CC     := gcc
endif
PREFIX ?= /usr/local
B      := build
# V=1 shows the commands.
ifndef V
MAKEFLAGS += -s
endif

WARNINGS := -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wundef -Wvla -Wmissing-prototypes \
            -Wstrict-prototypes -Wimplicit-fallthrough -Wcast-qual -Wno-unused-parameter -Wno-missing-field-initializers
OPTIMIZE ?= -O2 -g

all: $(B)/clade clade

include kernel/build.mk
include tender/build.mk
include cli/build.mk
include tests/build.mk
-include bench/build.mk

clade: $(B)/clade
	ln -sf $(B)/clade clade

clean:
	rm -rf $(B) clade

.PHONY: all clean
.DELETE_ON_ERROR:
-include $(shell find $(B) -name '*.d' 2>/dev/null)
