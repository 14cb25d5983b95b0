# SPDX-License-Identifier: BSD-3-Clause
# The system-call tests: each topic's file becomes a program, linked statically and dynamically
# with glibc, and those named below with musl too where musl-gcc is installed.
#   make syscall-tests   builds them;  make test-syscall   runs them, on the host and as unikernels

SYSCALL_DIR    := $(B)/tests/syscall
SYSCALL_TOPICS := $(filter-out harness harness_help,$(notdir $(basename $(wildcard tests/syscall/*.c))))
SYSCALL_MUSL   := file_io pipe thread signal_basic poll
# The tests make bad calls on purpose, so warnings about the arguments of calls are off.
SYSCALL_CFLAGS := $(filter-out -Wcast-qual,$(WARNINGS)) -O1 -g -D_GNU_SOURCE -pthread \
                  -fno-strict-aliasing -Itests/syscall -Wno-unknown-warning-option \
                  -Wno-stringop-overread -Wno-stringop-overflow -Wno-nonnull -Wno-unused-result

SYSCALL_PROGRAMS := $(SYSCALL_TOPICS:%=$(SYSCALL_DIR)/static/%) \
                    $(SYSCALL_TOPICS:%=$(SYSCALL_DIR)/dynamic/%)
ifneq ($(shell command -v musl-gcc 2>/dev/null),)
SYSCALL_PROGRAMS += $(patsubst %,$(SYSCALL_DIR)/musl/%,$(filter $(SYSCALL_TOPICS),$(SYSCALL_MUSL)))
endif

$(SYSCALL_DIR)/glibc/%.o: tests/syscall/%.c
	@mkdir -p $(@D)
	$(CC) $(SYSCALL_CFLAGS) -fPIE -MMD -MP -c $< -o $@

$(SYSCALL_DIR)/musl-objects/%.o: tests/syscall/%.c
	@mkdir -p $(@D)
	musl-gcc $(SYSCALL_CFLAGS) -MMD -MP -c $< -o $@

$(SYSCALL_DIR)/static/%: $(SYSCALL_DIR)/glibc/%.o $(SYSCALL_DIR)/glibc/harness.o $(SYSCALL_DIR)/glibc/harness_help.o
	@mkdir -p $(@D)
	$(CC) -static -pthread $^ -o $@

$(SYSCALL_DIR)/dynamic/%: $(SYSCALL_DIR)/glibc/%.o $(SYSCALL_DIR)/glibc/harness.o $(SYSCALL_DIR)/glibc/harness_help.o
	@mkdir -p $(@D)
	$(CC) -pie -pthread $^ -o $@

$(SYSCALL_DIR)/musl/%: $(SYSCALL_DIR)/musl-objects/%.o $(SYSCALL_DIR)/musl-objects/harness.o $(SYSCALL_DIR)/musl-objects/harness_help.o
	@mkdir -p $(@D)
	musl-gcc -static -pthread $^ -o $@

syscall-tests: $(SYSCALL_PROGRAMS)

test-syscall: syscall-tests $(B)/clade
	tests/syscall/run

test-syscall-host: syscall-tests
	tests/syscall/run --host-only

# The same cases on a kernel with a heap that is filled with junk and checked, and that watches the order of locks, and
# with two CPUs.
test-debug: syscall-tests
	$(MAKE) DEBUG=1 B=build/debug build/debug/clade
	CLADE=build/debug/clade CLADE_RUN_OPTIONS='--cpus 2' tests/syscall/run --variant static

# All variants with each number of CPUs.
test-cpus-long: syscall-tests $(B)/clade
	CLADE_RUN_OPTIONS='--cpus 1' tests/syscall/run
	CLADE_RUN_OPTIONS='--cpus 2' tests/syscall/run
	CLADE_RUN_OPTIONS='--cpus 4' tests/syscall/run

.PHONY: syscall-tests test-syscall test-syscall-host test-debug test-cpus-long
.SECONDARY:
