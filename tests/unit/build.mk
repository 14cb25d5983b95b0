# SPDX-License-Identifier: BSD-3-Clause
# make unit                 unit tests of kernel/base, on the host, under ASan and UBSan
# make fuzz FUZZ_SECONDS=20 the fuzzers, each for so long (clang and its libFuzzer)

UNIT_B      := $(B)/tests/unit
FUZZ_B      := $(B)/tests/fuzz
FUZZ_CC     ?= clang
FUZZ_SECONDS ?= 20

UNIT_BASE   := $(filter-out kernel/base/string.c kernel/base/printf.c,$(sort $(wildcard kernel/base/*.c)))
# kernel/memory runs on the fake host of fake_host.c; x86_64/patch_plan.c is numbers only.
UNIT_MEMORY := $(sort $(wildcard kernel/memory/*.c)) kernel/file/mapping.c kernel/x86_64/patch_plan.c kernel/linux/clock.c \
    kernel/thread/lock.c kernel/thread/rollback.c
UNIT_TESTS  := $(sort $(wildcard tests/unit/*.c))
UNIT_RENAMED := kernel/base/string.c kernel/base/printf.c
FUZZ_TARGETS := $(notdir $(basename $(wildcard tests/fuzz/fuzz_*.c)))

# printf.c is the kernel's, but host code of kernel/base that prints links against libc's.
UNIT_CFLAGS := $(WARNINGS) -O1 -g -Ikernel -I. -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    -fno-omit-frame-pointer -DDEBUG=1 -DIMAGES='"$(UNIT_B)/images"'

UNIT_OBJECTS := $(patsubst %.c,$(UNIT_B)/%.o,$(UNIT_BASE) $(UNIT_MEMORY) $(UNIT_TESTS) $(UNIT_RENAMED)) \
    $(patsubst %,$(UNIT_B)/%.o,$(FUZZ_TARGETS))

unit: $(UNIT_B)/unit $(UNIT_B)/images/done
	$(UNIT_B)/unit

$(UNIT_B)/unit: $(UNIT_OBJECTS) tests/unit/fixups.ld
	$(CC) $(UNIT_CFLAGS) $(UNIT_OBJECTS) -Wl,-T,tests/unit/fixups.ld -o $@

$(UNIT_B)/images/done: tests/unit/make_images.sh
	@mkdir -p $(@D)
	tests/unit/make_images.sh $(@D)

$(patsubst %.c,$(UNIT_B)/%.o,$(UNIT_RENAMED)): UNIT_EXTRA := -include tests/unit/renames.h -fno-builtin

$(UNIT_B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_EXTRA) -MMD -MP -c $< -o $@

$(UNIT_B)/fuzz_%.o: tests/fuzz/fuzz_%.c
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -DLLVMFuzzerTestOneInput=fuzz_$* -MMD -MP -c $< -o $@

$(FUZZ_B)/fuzz_%: tests/fuzz/fuzz_%.c $(UNIT_BASE) tests/unit/host_stubs.c $(wildcard kernel/base/*.h)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(filter-out -DIMAGES%,$(UNIT_CFLAGS)) -fsanitize=fuzzer $(filter %.c,$^) -o $@

$(FUZZ_B)/seeds: $(UNIT_B)/images/done tests/fuzz/seeds
	@mkdir -p $@
	cp -r tests/fuzz/seeds/. $(UNIT_B)/images/fuzz_erofs $@
	mkdir -p $@/fuzz_elf && cp -L /bin/true $(wildcard $(B)/kernel.elf) $@/fuzz_elf

fuzz: $(FUZZ_TARGETS:%=run_%)

# New inputs go to a corpus below build/; a crash is kept in the source tree, where unit replays it.
run_fuzz_%: $(FUZZ_B)/fuzz_% $(FUZZ_B)/seeds
	@mkdir -p $(FUZZ_B)/corpus/fuzz_$*
	@tests/fuzz/run $(FUZZ_SECONDS) tests/fuzz/crashes/fuzz_$* $< -max_len=65536 \
	    $(FUZZ_B)/corpus/fuzz_$* $(FUZZ_B)/seeds/fuzz_$*

.PHONY: unit fuzz
.SECONDARY:
