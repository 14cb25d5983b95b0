# SPDX-License-Identifier: BSD-3-Clause
# The kernel: freestanding, general registers only, one position-independent ELF without a loader.

# kernel/vdso is user code, in a shared object of its own that the kernel carries.
KERNEL_SOURCES := $(filter-out kernel/vdso/%,$(sort $(wildcard kernel/*.c kernel/*/*.c kernel/*/*.S)))
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

$(B)/kernel/vdso.so: kernel/vdso/vdso.c kernel/vdso/vdso.ld kernel/linux/clock_page.h kernel/base/types.h
	@mkdir -p $(@D)
	$(CC) $(WARNINGS) $(OPTIMIZE) -ffreestanding -fPIC -mgeneral-regs-only -fno-stack-protector -fno-jump-tables \
	    -fcf-protection=none -fasynchronous-unwind-tables -Ikernel -I. -shared -nostdlib \
	    -Wl,-T,kernel/vdso/vdso.ld -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,--eh-frame-hdr \
	    -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-Bsymbolic $< -o $@.debug
	objcopy --strip-all $@.debug $@

$(B)/kernel/linux/vdso_image.o: $(B)/kernel/vdso.so
$(B)/kernel/linux/vdso_image.o: KERNEL_CFLAGS += -DVDSO_FILE='"$(B)/kernel/vdso.so"'

$(B)/kernel.debug: $(KERNEL_OBJECTS) kernel/kernel.ld kernel/order.ld
	$(CC) -nostdlib -static-pie -Wl,--no-dynamic-linker -Wl,-T,kernel/kernel.ld -Wl,--gc-sections \
	    -Wl,-z,text -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 -Wl,-z,noexecstack \
	    $(KERNEL_OBJECTS) -o $@

$(B)/kernel.elf: $(B)/kernel.debug
	objcopy --strip-all $< $@

kernel: $(B)/kernel.elf
.PHONY: kernel
