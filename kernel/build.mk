# SPDX-License-Identifier: BSD-3-Clause
# The kernel: freestanding, general registers only, one position-independent ELF without a loader.

KERNEL_SOURCES := $(sort $(wildcard kernel/*.c kernel/*/*.c kernel/*/*.S))
KERNEL_OBJECTS := $(patsubst %,$(B)/%.o,$(basename $(KERNEL_SOURCES)))

KERNEL_CFLAGS := $(WARNINGS) $(OPTIMIZE) -ffreestanding -fPIE -fvisibility=hidden -mno-red-zone \
    -mgeneral-regs-only -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-common \
    -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -ffunction-sections -fdata-sections \
    -fstack-protector-strong -mstack-protector-guard=global -fno-jump-tables -fcf-protection=none \
    -Ikernel -I. $(if $(DEBUG),-DDEBUG=1,-DDEBUG=0)

$(B)/kernel/%.o: kernel/%.c
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/kernel/%.o: kernel/%.S
	@mkdir -p $(@D)
	$(CC) $(KERNEL_CFLAGS) -MMD -MP -c $< -o $@

$(B)/kernel.debug: $(KERNEL_OBJECTS) kernel/kernel.ld
	$(CC) -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-T,kernel/kernel.ld -Wl,--gc-sections \
	    -Wl,-z,text -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 -Wl,-z,noexecstack \
	    $(KERNEL_OBJECTS) -o $@

$(B)/kernel.elf: $(B)/kernel.debug
	objcopy --strip-all $< $@

kernel: $(B)/kernel.elf
.PHONY: kernel
