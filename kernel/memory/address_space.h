// SPDX-License-Identifier: BSD-3-Clause
// User memory of a member: areas (VMAs) in a tree, each mapped by the host through the waist. The host
// fills private pages on demand; the kernel resolves only faults that need a decision of its own.
//
// All functions may be called by any thread of the member, with no lock held but those that the README
// of this folder draws above address_space.change.
#pragma once

#include "base/tree.h"
#include "file/mapping.h"
#include "thread/lock.h"

struct boot_info;
struct file;
struct inode;

#define AREA_READ   1u // = MAP_READ of the waist
#define AREA_WRITE  2u
#define AREA_EXEC   4u
#define AREA_SHARED 8u
#define AREA_STACK  16u
#define AREA_NORESERVE 32u
#define AREA_LOCKED 64u
#define AREA_DONTFORK 128u
#define AREA_WIPEONFORK 256u
#define AREA_KERNEL 512u // the kernel's own (syscall stubs, vDSO): user code may not unmap it
#define AREA_LOW    1024u // MAP_32BIT: below 2 GiB; for address_space_map only
#define AREA_DONTDUMP 2048u
#define AREA_HUGE   4096u // MADV_HUGEPAGE
// The address space's own:
#define AREA_ACCOUNTED 0x10000u // counted in `committed`
#define AREA_OWN       0x20000u // pages of a private file mapping that were changed, moved out of it
#define AREA_ROOM      0x40000u // large and writable: room to grow is left above it
#define AREA_MOVED     0x80000u // has grown by moving once: more room

#define AREA_PROTECTION (AREA_READ | AREA_WRITE | AREA_EXEC)
#define AREA_INTERNAL   0xffff0000u

// What the host has mapped there: enum map_source of the waist, or nothing: an untouched PROT_NONE
// reservation, or pages behind the end of a file.
#define AREA_SOURCE_NONE 0xffu

struct area {
    struct tree_node node; // by start, guarded by address_space.lock
    uaddr_t start, end;    // whole pages
    u32 flags;             // AREA_*
    u32 may;               // AREA_READ/WRITE/EXEC that mprotect may grant
    struct file *file;     // NULL: anonymous; holds a reference
    u64 file_offset;       // of start
    struct inode_mapping mapping; // of a file: file/mapping.h
    const char *name;      // "[heap]", "[stack]", ... or NULL; static string
    u32 source;            // enum map_source or AREA_SOURCE_NONE; one mapping(2) may be several areas
    u64 base;              // offset of start in the source
    struct list link;      // while it is not in the tree
};

struct address_space {
    struct lock change; // held by whoever changes the areas: they stay as they are under it
    struct list dead;   // areas taken out, to be freed when `change` is released
    u32 sharers;        // users beside the first: processes that vfork made. Atomic
    struct list not_forked; // MADV_DONTFORK: the host's copy has them, see address_space_forked
    bool stale;         // a file changed meanwhile: look at all areas of files then
    u64 changes;        // how often `change` was taken; atomic

    struct lock lock;             // the tree and all below; the only lock of a fault
    struct tree areas;            // changed with both locks held
    u64 area_count;
    uaddr_t heap_start, heap_end; // brk
    uaddr_t map_bottom, map_top;  // anonymous mappings grow down from map_top
    uaddr_t search_top;           // every gap between it and map_top is smaller than search_gap
    u64 search_gap;
    u64 total_size;               // bytes of all areas but stacks
    u64 committed;                // bytes of private writable areas without NORESERVE
    u64 locked_size;              // bytes of areas with LOCKED
    u32 membarrier;               // commands registered, membarrier(2)
    bool lock_future;             // mlockall(MCL_FUTURE)

    // Without RIGHT_MEMORY: [map_bottom, map_top) is memory that the tender has mapped, and there are no calls.
    bool preloaded;
    uaddr_t clean_start, clean_end; // the part of it that was never handed out
};

void address_space_init(struct address_space *s); // an empty one
void address_space_set_top(struct address_space *s, uaddr_t top); // map_top; while it is empty
// Without RIGHT_MEMORY, after init: the space is the preloaded heap, for brk and anonymous mmap.
void address_space_init_preloaded(struct address_space *s, const struct boot_info *boot);
void address_space_clear(struct address_space *s); // unmaps all; on exec and exit

// memory/fork.c. A space on the heap, with one user. -ENOMEM
must_check int address_space_create(struct address_space **out);
struct address_space *address_space_get(struct address_space *s); // one user more
void address_space_put(struct address_space *s); // the last one frees it; nothing is unmapped at the host
// The areas of a process whose memory the host is about to copy; they stay as they are until fork_end. -ENOMEM,
// then there is nothing to end.
must_check int address_space_fork(struct address_space *from, struct address_space **out);
void address_space_fork_end(struct address_space *from);
// The new member's first act: what MADV_DONTFORK and MADV_WIPEONFORK ask for.
void address_space_forked(struct address_space *s);

// mmap(2)'s work. flags AREA_*; file may be NULL (a reference is taken). at: wanted address, 0: any;
// fixed: there or fail; replace: unmap what is there. *out is where it is.
// -ENOMEM, -EEXIST, -EINVAL, -ENODEV, -EPERM (the kernel's own areas, or below USER_LOW)
must_check int address_space_map(struct address_space *s, uaddr_t at, u64 size, u32 flags, u32 may,
                                 struct file *file, u64 offset, bool fixed, bool replace,
                                 const char *name, uaddr_t *out);
// Areas of the kernel's own stay. -EINVAL, -ENOMEM
// Maps pages of family memory (pages_alloc's, which stay the caller's), for the kernel's own areas. `at` is free.
must_check int address_space_map_pages(struct address_space *s, uaddr_t at, u64 size, u32 flags,
                                       const void *pages, const char *name);
// As that, of any source (enum map_source) that the host can map.
must_check int address_space_map_source(struct address_space *s, uaddr_t at, u64 size, u32 flags,
                                        u32 source, u64 base, const char *name);
// Replaces `size` bytes of program text (a private executable mapping of a file) that are `old` now; by one
// store if they lie within 16 aligned bytes. -EACCES: no such text; -EAGAIN: other bytes; -ENOMEM
must_check int address_space_patch(struct address_space *s, uaddr_t at, const u8 *old, const u8 *new,
                                   u32 size);
// Writes as user_write_partial, also to private mappings that are not writable: a debugger's breakpoints. The bytes
// written; 0: not mapped, or shared and not writable.
size_t address_space_poke(struct address_space *s, uaddr_t at, const void *from, size_t size);
struct text_patch {
    uaddr_t at;
    u8 old[5], new[5];
};
// The same for many places in ascending order, of one area, before any thread runs there. Those that do not hold
// what they should are left as they are.
void address_space_patch_all(struct address_space *s, const struct text_patch *patches, u32 count);
// The stack that ends at `top` becomes `size` bytes large, if it was smaller. Nothing is touched, so nothing grows
// later. -ENOMEM; -EEXIST: something lies in its way.
#define STACK_MAX (1ull << 30)
must_check int address_space_stack(struct address_space *s, uaddr_t top, u64 size);
must_check int address_space_unmap(struct address_space *s, uaddr_t at, u64 size);
// mprotect(2); flags AREA_READ/WRITE/EXEC. -ENOMEM (also for gaps), -EACCES, -EINVAL, -EPERM
must_check int address_space_protect(struct address_space *s, uaddr_t at, u64 size, u32 flags);
// mremap(2) with its flags; `wanted` is for MREMAP_FIXED. -EINVAL, -EFAULT, -ENOMEM
must_check int address_space_remap(struct address_space *s, uaddr_t at, u64 old_size, u64 size,
                                   u32 flags, uaddr_t wanted, uaddr_t *out);
// brk(2): the heap's end becomes `end` if it can; returns the end that it has. limit: RLIMIT_DATA.
uaddr_t address_space_brk(struct address_space *s, uaddr_t end, u64 limit);
// Bytes that a map at [at, at + size) would add, for RLIMIT_AS.
u64 address_space_unmapped(struct address_space *s, uaddr_t at, u64 size);
// A free place of `size` bytes within distance bytes of near; 0: none. For syscall stubs.
uaddr_t address_space_find_near(struct address_space *s, uaddr_t near, u64 distance, u64 size);

// madvise(2)'s DONTNEED: the pages read as at first. Gaps: -ENOMEM, after all else is done; -EINVAL: locked.
must_check int address_space_discard(struct address_space *s, uaddr_t at, u64 size);
// Sets and clears flags (LOCKED, DONTFORK, WIPEONFORK, DONTDUMP, HUGE) of all areas there. -ENOMEM: gaps
must_check int address_space_set_flags(struct address_space *s, uaddr_t at, u64 size, u32 set,
                                       u32 clear);

// A fault at `address` (access: AREA_READ/WRITE/EXEC). 0: resolved, try again. Otherwise the signal that
// user code gets: SIGSEGV or SIGBUS; its si_code goes to *out_code. Takes only s->lock. user: the fault is user
// code's, so there is no lock held, and it may wait for another vCPU that changes the areas. *again: the
// thread's, zeroed at first.
struct fault_again {
    uaddr_t address; // of the last fault that was tried again, though nothing had changed
    u64 changes;     // address_space.changes then
    u32 tries;       // while another vCPU changes the areas
};
int address_space_fault(struct address_space *s, uaddr_t address, u32 access, bool user,
                        struct fault_again *again, int *out_code);

// [offset, offset + size) of the file (whole pages; size may reach far beyond its end) has other memory
// behind it now, or none (truncate), or has some at last (it grew): ask file_ops.map again for the
// areas that show it. Private areas keep pages that they have changed, except where map now says -ENXIO;
// if they show the image they may keep showing it. Called through file/mapping.h with no lock held.
void address_space_file_changed(struct address_space *s, struct inode *inode, u64 offset, u64 size);

// Calls visit for each mapping in order, but not for kernel areas without a name (syscall stubs), with `lock` held; for /proc/PID/maps. The area is a copy: pieces
// that are one mapping for user code are shown as one.
void address_space_visit(struct address_space *s, void (*visit)(const struct area *a, void *arg),
                         void *arg);
// The mapping (as in visit, but hidden ones too) that ends above `at`, copied to *out, with a reference
// to its file (file_put it). False: there is none.
bool address_space_next(struct address_space *s, uaddr_t at, struct area *out);
// Bytes of the space that are resident, as far as the kernel can know without the host.
u64 address_space_resident(struct address_space *s);
