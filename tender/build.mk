# SPDX-License-Identifier: BSD-3-Clause
# The tender: its objects, for cli/build.mk to link into build/clade, and its policies.
#
# Also what every part of build/clade is compiled and linked with: HOST_CFLAGS, HOST_LINK and
# HOST_LIBS. They mean musl, because a static glibc asks the CPU for its caches by CPUID at every
# start, which costs 0.25 ms in a virtual machine (musl: nothing). LIBC=glibc links with that instead.
#
#     $(B)/clade: $(CLI_OBJECTS) $(TENDER_OBJECTS) $(HOST_BASE_OBJECTS)
#             $(HOST_LINK) $^ $(HOST_LIBS) -o $@

MUSL_HEADERS ?= /usr/include/x86_64-linux-musl
MUSL_LIBRARY ?= /usr/lib/x86_64-linux-musl
LIBC ?= $(if $(wildcard $(MUSL_LIBRARY)/libc.a),musl,glibc)

ifeq ($(LIBC),musl)
HOST_HEADERS := -nostdinc -isystem $(MUSL_HEADERS) -isystem $(shell $(CC) -print-file-name=include) \
    -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu
HOST_START   := -nostdlib -nostartfiles $(MUSL_LIBRARY)/crt1.o $(MUSL_LIBRARY)/crti.o
HOST_LIBS    := $(MUSL_LIBRARY)/libc.a $(shell $(CC) -print-libgcc-file-name) $(MUSL_LIBRARY)/crtn.o
endif

# Not position-independent (no relocations at start), and out of the way of programs, which a minimal
# image's tender maps beside itself.
HOST_CFLAGS := $(WARNINGS) $(OPTIMIZE) $(HOST_HEADERS) -D_GNU_SOURCE -DDEBUG=0 -fno-pie -fno-strict-aliasing \
    -fno-asynchronous-unwind-tables -fstack-protector-strong -ffunction-sections -fdata-sections \
    -Ikernel -I. -I$(B)
HOST_LINK   := $(CC) -static -Wl,-Ttext-segment=0x70000000 -Wl,--gc-sections -Wl,-z,norelro \
    -Wl,-z,noexecstack -Wl,-z,noseparate-code -Wl,--build-id=none $(HOST_START)

# kernel/base for the host: libc has what string.c and printf.c do.
HOST_BASE_SOURCES := $(filter-out kernel/base/string.c kernel/base/printf.c,$(sort $(wildcard kernel/base/*.c)))
HOST_BASE_OBJECTS := $(patsubst kernel/%.c,$(B)/host/%.o,$(HOST_BASE_SOURCES))

TENDER_SOURCES := $(sort $(wildcard tender/*.c tender/process/*.c tender/device/*.c))
TENDER_OBJECTS := $(patsubst %.c,$(B)/%.o,$(TENDER_SOURCES))

$(B)/host/%.o: kernel/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(B)/tender/%.o: tender/%.c
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) -MMD -MP -c $< -o $@

$(B)/tender/process/gate.o: HOST_CFLAGS += -fPIE -mgeneral-regs-only -fno-stack-protector -fno-jump-tables \
    -fno-builtin -fcf-protection=none

# Policies: compiled to BPF for each combination of groups. The order of the files is that of the bits
# in sandbox.c.
POLICIES := tender/policy/base.policy tender/policy/memory.policy tender/policy/tick.policy \
    tender/policy/fork.policy tender/policy/network.policy tender/policy/vcpu.policy

$(B)/tender/policy/compile: tender/policy/compile.c tender/policy/policy.c tender/policy/policy.h abi/boot.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) -O1 -D_GNU_SOURCE -I. $(filter %.c,$^) -o $@

$(B)/tender/policy_tables.h: $(B)/tender/policy/compile $(POLICIES)
	$< $(POLICIES) > $@

$(B)/tender/process/sandbox.o: $(B)/tender/policy_tables.h
