// SPDX-License-Identifier: BSD-3-Clause
// The waist: the ten calls a kernel makes to its tender. There is no eleventh.
//
// The tender hands the kernel a table of functions. They follow the System V calling convention,
// run on the caller's stack, need no thread-local storage, and return a value >= 0 or a negative
// errno. In the process back end each does at most one host system call.
#pragma once

#include <linux/types.h>

enum map_source { MAP_SOURCE_ZERO, MAP_SOURCE_IMAGE, MAP_SOURCE_FAMILY, MAP_SOURCE_FAMILY_PRIVATE };

#define MAP_READ  1u
#define MAP_WRITE 2u
#define MAP_EXEC  4u
#define MAP_HUGE  8u // a hint: large pages are welcome here

// Bits of wait's interest and result. Bit n < 32: queue n can make progress (input has come, or
// output has room).
#define WAIT_DOORBELL (1ULL << 61) // result only: this vCPU's doorbell rang; acknowledge by ring()
#define WAIT_ARM      (1ULL << 62) // interest only: do not sleep; raise an upcall at the deadline. + the
                                   // number of this vCPU's timer, see fork
#define WAIT_FOREVER  (~0ULL)

// Targets of ring: a queue's index, or one of these.
#define RING_DOORBELL_ACK 0x100u // consume my own doorbell
#define RING_SUPERVISOR   0x101u // the mailbox has something for the supervisor
#define RING_DOORBELL     0x102u  // the family's doorbell: whoever waits with a queue interest
#define RING_THREAD       0x100000u // + the host's id of a thread of the family: raise an upcall there
// An address in family memory: wakes one vCPU that waits on this word.

#define CLOCK_WAIST_REALTIME  0
#define CLOCK_WAIST_MONOTONIC 1

struct waist_calls {
    // Writes text for people to the host's standard error.
    __s64 (*log)(const void *text, __u64 size);
    // Reads a host clock, in ns; id is CLOCK_WAIST_*.
    __s64 (*clock)(__u64 id);
    // Sleeps for at most timeout ns (WAIT_FOREVER: no limit; 0: only look), until the doorbell rings,
    // a queue of `interest` is ready, or an upcall arrives. Returns the bits that are ready; 0 after
    // a timeout; -EINTR after an upcall. With WAIT_ARM: does not sleep, but arms a one-shot timer
    // that raises an upcall in `timeout` ns (0 disarms). If interest is the address of a u32 in family
    // memory: sleeps while it is 0 until ring(address), and looks at no device.
    __s64 (*wait)(__u64 timeout, __u64 interest);
    // Kicks a queue or rings a doorbell, see RING_*. For a queue the return value is the number of
    // requests that were completed, or the error of the first that could not be: -EAGAIN, -EINTR, ...
    __s64 (*ring)(__u64 target);
    // Puts memory at [va, va + size), replacing what was there. va and size are whole pages in user
    // memory. ZERO: private zero pages (offset 0). IMAGE: a private copy of the image's bytes.
    // FAMILY: family memory, shared. FAMILY_PRIVATE: copy-on-write of family memory.
    // -ENOMEM: the host refused.
    __s64 (*map)(__u64 va, __u64 size, __u32 prot, __u32 source, __u64 offset);
    // With MAP_HUGE: the protection stays as it is, and the host hears that large pages are welcome.
    __s64 (*protect)(__u64 va, __u64 size, __u32 prot);
    // User memory: nothing is mapped there afterwards. Family memory: the pages go back to the host
    // and read as zeros from now on. UNMAP_DISCARD: as for family memory, for private user pages.
    __s64 (*unmap)(__u64 va, __u64 size, __u32 flags);
    // Makes a new member: a copy of this one's user memory, the same family memory. It calls
    // entry(argument, timer) on `stack` (its end), which it must not share with a vCPU that runs; timer is
    // the number of its timer for WAIT_ARM (TIMER_NONE: it has none). The host's id of its thread goes to
    // *host_tid before, as it is known. The 8 bytes in front of *host_tid are the host's: they lead to this
    // word when it kills the member by a signal (then it becomes MEMBER_DIED, when that thread has run its
    // last instruction, and boot_mailbox.death_bell rings). Its upcall stack is the caller's, `upcall_stack`. RIGHT_FORK.
    __s64 (*fork)(__u64 entry, __u64 stack, __u64 argument, __u32 *host_tid, __u64 upcall_stack);
    // One more vCPU in this member; as fork, but its upcalls arrive on the upcall stack at `upcall_stack`
    // (the lowest address), which is its alone. RIGHT_VCPU.
    __s64 (*start_vcpu)(__u64 entry, __u64 stack, __u64 argument, __u32 *host_tid,
                        __u64 upcall_stack);
    // Ends this member. status is as for wait(2): exit code << 8, or the number of a signal. upcall_stack: the
    // caller's, so that the host does not take this for a death; 0: no matter.
    void (*exit)(__u64 status, __u64 upcall_stack);
};
_Static_assert(sizeof(struct waist_calls) == 80, "ten calls");

#define TIMER_NONE 0xffu // of 8 bits

#define UNMAP_DISCARD 1u // keep the mapping, drop the contents

#define MEMBER_DIED (1u << 30) // a member's host_tid, when the host has killed it: FUTEX_OWNER_DIED

// Upcalls. Before the first instruction of the kernel the tender has made the host deliver SIGSYS,
// SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP and the signal UPCALL_SIGNAL (tick, doorbell of a vCPU
// that runs, mailbox) to the address in the kernel's ELF header note (its symbol upcall_entry, see
// abi/image.h), on the upcall stack, with an empty mask and SA_NODEFER: the kernel may leave the
// handler by restoring registers itself, without sigreturn.
#define UPCALL_SIGNAL 23 // SIGURG

// The kernel's entry: called once on vCPU 0 with a pointer to boot_info, on the upcall stack.
//     void kernel_entry(struct boot_info *boot) __attribute__((noreturn));
