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

# Every start maps the kernel, so what no busy loop runs is compiled to be small (-Os): it is less to read, too.
KERNEL_SMALL := $(wildcard kernel/inspect/*.c kernel/ipc/*.c) $(wildcard kernel/driver/[cdlmpt]*.c kernel/driver/network_setup.c) \
    $(addprefix kernel/linux/, $(addsuffix .c, adjtime aio alarm attributes clocks directory exec futex_pi futex_robust identity inotify itimer kcmp \
    limits memfd memory memory_advice mount mqueue names open path_argument pidfd posix_timer prctl process process_vm ptrace refused \
    rename resize scheduler seccomp session signal splice stat sysv_msg sysv_sem sysv_shm system trace trace_format trace_names vdso wait xattr)) \
    $(addprefix kernel/net/, $(addsuffix .c, arp bpf dhcp dhcp_message filter icmp icmp4 icmp6 inet inet_ioctl inet_option interface \
    ip_fragment ip_reassemble membership message mib multicast ndp neighbour netlink netlink_change netlink_diag netlink_group \
    netlink_route packet_option packet_ring packet_socket path_mtu ping port raw redirect resolver route slaac socket_option \
    tcp_cookie tcp_error tcp_info tcp_listen tcp_options tcp_request tcp_socket_option tcp_time_wait unix unix_connect \
    unix_control unix_name wiring zero_copy settings)) \
    $(addprefix kernel/file/, $(addsuffix .c, async epoll_nest fifo file_lock inode inotify inotify_queue mount path_context path_open \
    pidfd root splice timerfd tmpfs tmpfs_directory tmpfs_names tmpfs_read_dir tmpfs_resize tmpfs_xattr)) \
    $(addprefix kernel/memory/, $(addsuffix .c, address_space area extents changed commit fork remap text)) \
    $(addprefix kernel/process/, $(addsuffix .c, core core_area core_file credentials exec exec_credentials exec_load \
    exec_replace exec_stack family finish fork killed leak orphan permission process sharers stop tracing visit)) \
    $(addprefix kernel/x86_64/, $(addsuffix .c, cpu_info user_registers patch_ahead patch patch_plan)) \
    kernel/main.c $(filter-out kernel/base/string.c,$(wildcard kernel/base/*.c))
$(patsubst %.c,$(B)/%.o,$(KERNEL_SMALL)): KERNEL_CFLAGS += -Os

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
	    -Wl,-z,text -Wl,-z,pack-relative-relocs -Wl,-z,max-page-size=4096 -Wl,--build-id=sha1 -Wl,-z,noexecstack \
	    $(KERNEL_OBJECTS) -o $@

$(B)/kernel.elf: $(B)/kernel.debug
	objcopy --strip-all $< $@

kernel: $(B)/kernel.elf
.PHONY: kernel
