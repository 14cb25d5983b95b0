// SPDX-License-Identifier: BSD-3-Clause
// What the tender tells the kernel before its first instruction.
//
// One struct boot_info stands at the start of family memory (BOOT_INFO_OFFSET behind the kernel's
// data). The tender fills it, the kernel reads it; only `mailbox` changes afterwards. Append only:
// a kernel checks magic and version, and `size` tells it how much of the struct the tender knew.
#pragma once

#include <linux/types.h>

#define BOOT_MAGIC   0x746f6f4265646c43ULL // "CladeBoot", little endian, shortened
#define BOOT_VERSION 3 // 2: vCPUs; a new member is told its timer. 3: the kernel's relocations are DT_RELR

// The address space of a member (process back end):
//
//   0x0000'0000'0000  user memory, up to USER_HIGH. A map call starts below USER_HIGH and is not
//                     longer than USER_LENGTH_MAX, so it ends below KERNEL_LOW without any addition. It reaches
//                     beyond 0x6400'0000'0000, as AddressSanitizer puts its heap at 0x6000'0000'0000.
//   0x6680'0000'0000  KERNEL_LOW: image, gate, upcall stack, kernel, family memory, at random bases
//   0x7000'0000'0000  TENDER_LOW: the tender, until it leaves
//   0x8000'0000'0000
#define USER_LOW        0x000000010000ULL
#define USER_HIGH       0x654000000000ULL
#define USER_LENGTH_MAX 0x010000000000ULL
#define KERNEL_LOW      0x668000000000ULL
#define TENDER_LOW      0x700000000000ULL

// Rights: what the policy of this instance lets the gate do. Groups are files in tender/policy/.
#define RIGHT_MEMORY  (1u << 0) // map, protect, unmap after boot
#define RIGHT_TICK    (1u << 1) // the preemption timer
#define RIGHT_FORK    (1u << 2)
#define RIGHT_VCPU    (1u << 3)
#define RIGHT_NETWORK (1u << 4)

enum stream_kind {
    STREAM_CLOSED,
    STREAM_TTY,
    STREAM_PIPE,
    STREAM_FILE,
    STREAM_SOCKET,
    STREAM_NULL,
    STREAM_REVERSED, // input that can't be read, output that can't be written: EBADF
};

// Written by the supervisor, read by the kernel; each field is an atomic of its own. After a change
// the supervisor raises the upcall (see abi/calls.h), and rings the doorbell of vCPU 0.
struct boot_mailbox {
    __u64 signals;      // bit n-1: host signal n is to be sent to the guest's foreground group
    __u32 winsize_rows; // size of the console's terminal
    __u32 winsize_columns;
    __u32 termios_request;  // kernel increments: it wants `termios` set on the host's terminal
    __u32 termios_done;     // supervisor copies termios_request here when it has done so
    __u8 termios[64];       // struct termios2 of the Linux ABI (44 bytes); at boot the host's own;
                            // [BOOT_TERMIOS_HOW]: what the kernel wants done with them
    __u32 guest_stopped;    // kernel: the first process is stopped by this signal (0: no): the supervisor stops too
    __u32 panicked;         // kernel: a member found the kernel broken; the supervisor ends the family
    __u64 ready_time; // kernel: its CLOCK_MONOTONIC in ns when upcalls may come; 0 before
    __u32 network_wanted; // kernel: there is a socket that needs the network: the other end may start
    __u32 death_bell; // always 0. The host wakes who waits on it when it has killed a member
    __u32 deaths;     // supervisor counts up: the bell rang, some member has MEMBER_DIED
    __u32 orphaned;   // supervisor: nobody on the host could continue it when the terminal stops it: it goes on
    __u32 ended_by;   // kernel: the signal that ended the first process; 0: none
    __u32 reserved2[3];
};
_Static_assert(sizeof(struct boot_mailbox) == 136, "shared with the tender");

// The network interface, if there is one. Addresses in network order; all zeros: none.
struct boot_network {
    __u64 queues;   // address of two struct network_queue (abi/queue.h): receive, send. 0: no network
    __u64 features; // 1 << VIRTIO_NET_F_*: what the device does
    __u32 flags;    // BOOT_NETWORK_*
    __u32 mtu;
    __u8 mac[6];
    __u8 prefix4, prefix6; // bits
    __u8 address4[4];
    __u8 gateway4[4];
    __u8 address6[16];
    __u8 gateway6[16];
    __u8 dns[4][16]; // IPv4 addresses as ::ffff:a.b.c.d
    __u32 dns_count;
    __u32 reserved0;
    __u64 reserved[4];
};
_Static_assert(sizeof(struct boot_network) == 176, "shared with the tender");

#define BOOT_NETWORK_DHCP     (1u << 0) // ask for what address4, gateway4, dns do not say
#define BOOT_NETWORK_AUTOCONF (1u << 1) // IPv6 addresses and routes as routers advertise them
#define BOOT_NETWORK_ASKED    (1u << 2) // others may ask for the guest before it asks for anybody

// Absolute paths that the program asked for in vain, so that the host's side can say what the image lacks.
// Written by the kernel without a lock: whoever reads it ends each path himself.
#define BOOT_MISSING_COUNT 16
#define BOOT_MISSING_SIZE  248

struct boot_missing {
    __u32 count; // noted so far; the newest is in slot (count - 1) % BOOT_MISSING_COUNT
    __u32 reserved;
    char path[BOOT_MISSING_COUNT][BOOT_MISSING_SIZE];
};
_Static_assert(sizeof(struct boot_missing) <= 4096, "a page of its own");

struct boot_info {
    __u64 magic;
    __u32 version;
    __u32 size; // of this struct, as the tender knew it

    // Kernel memory. All addresses are virtual and the same in every member.
    __u64 kernel_base; // where the kernel ELF's address 0 is
    __u64 kernel_size; // text to the end of bss, whole pages
    __u64 family_base; // family memory: one shared memory object, mapped whole
    __u64 family_size; // bytes; almost all of it is a hole that costs nothing until touched
    __u64 family_free; // offset of the first byte that neither kernel data nor boot info uses
    __u64 image_base;  // the EROFS image, mapped whole and read-only
    __u64 image_size;  // bytes
    __u64 gate_base;   // the tender's gate: text that may appear in a program counter
    __u64 gate_size;
    __u64 waist;       // struct waist_calls, see abi/calls.h

    __u64 upcall_stack_size; // of the private stacks that upcalls arrive on, one a vCPU
    __u64 upcall_stack_base; // of the first

    __u32 rights;    // RIGHT_*
    __u32 cpu_count; // vCPUs of a member at most; more than 1 with RIGHT_VCPU only
    __u64 memory_limit; // bytes for the whole family; 0: what the host has
    __u64 host_memory;  // bytes of the host
    __u8 seed[64];      // from the host's getrandom; the kernel wipes it after use

    // Time. Pairs taken at one instant when the tender started: see kernel/linux/clock.c.
    __u64 clock_tsc;
    __u64 clock_monotonic; // ns
    __u64 clock_realtime;  // ns since 1970
    __u64 tsc_hz;          // 0: not known, measure it

    // The program. Offsets are from the start of boot_info to NUL-terminated strings.
    __u32 argument_count;
    __u32 environment_count;
    __u32 arguments_offset;   // argument_count strings, one behind the other
    __u32 environment_offset; // environment_count strings
    __u32 program_offset;     // path of the program in the image
    __u32 workdir_offset;
    __u32 hostname_offset;
    __u32 strings_size; // bytes of all strings, from the end of this struct
    __u32 uid;
    __u32 gid;
    __u32 flags;     // BOOT_*
    __u32 umask;
    __u32 stream[3]; // enum stream_kind of host descriptors 0, 1, 2

    __u32 process_limit; // --pids: processes of the family at most; 0: as the kernel likes

    // Without RIGHT_MEMORY the tender has mapped the (static) program and its stack and heap:
    __u64 preload_entry;  // 0: not preloaded
    __u64 preload_phdr;   // address of the program headers in user memory
    __u32 preload_phnum;
    __u32 preload_reserved2;
    __u64 preload_heap;   // [heap, heap + heap_size): readable, writable, for brk and mmap
    __u64 preload_heap_size;
    __u64 preload_stack;  // [stack, stack + stack_size)
    __u64 preload_stack_size;

    __u64 queues; // address of queue_count struct waist_queue (abi/queue.h), in family memory
    __u32 queue_count;
    __u32 host_tid; // the host's id of vCPU 0's thread, as the members see it
    struct boot_mailbox mailbox;
    __u64 hwcap; // AT_HWCAP; the CPUID instruction would cost an exit of a virtual machine
    struct boot_network network;
    __u64 signal_stack_min; // AT_MINSIGSTKSZ of the host: an xsave area fits. 0: ask the CPU
    __u64 upcall_stack_stride; // the upcall stack of vCPU n of a member is n strides above the first
    // What CPUID says on this host, as far as the tender knows: offset from the start of boot_info, and how many.
    // The instruction would cost an exit of a virtual machine each time.
    __u32 cpuid_offset;
    __u32 cpuid_count;
    __u64 missing; // address of a struct boot_missing, in a page of its own; 0: nobody wants to know
    __u32 stream_mode[3]; // of host descriptors 0, 1, 2: st_mode of stat(2). 0: not known, and its queue can't seek
    __u32 stream_appends; // bit n: all writes to descriptor n go to the end (O_APPEND)
    __u64 ignored_signals; // bit n-1: clade's caller ignores signal n (nohup), so the program begins with that
};

#define BOOT_CPUID_MAX 60

struct boot_cpuid {
    __u32 leaf, subleaf; // subleaf 0 where the leaf has none
    __u32 registers[4];  // EAX, EBX, ECX, EDX
};
_Static_assert(sizeof(struct boot_cpuid) == 24, "shared with the tender");

#define BOOT_TRACE   (1u << 0) // --trace: print each system call on standard error
#define BOOT_DEBUG   (1u << 1) // kernel messages on standard error
#define BOOT_NOPATCH (1u << 2) // leave every syscall instruction to trap (tests)

// boot_mailbox.termios[BOOT_TERMIOS_HOW]
#define BOOT_TERMIOS_HOW   63
#define BOOT_TERMIOS_DRAIN 1 // set as TCSETSW2 does
#define BOOT_TERMIOS_FLUSH 2 // set as TCSETSF2 does: input that nobody read is dropped
