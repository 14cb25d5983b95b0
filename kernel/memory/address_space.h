// SPDX-License-Identifier: BSD-3-Clause
// User memory of a member: areas (VMAs) in a tree, each mapped by the host through the waist. The host
// fills private pages on demand; the kernel resolves only faults that need a decision of its own.
#pragma once

#include "base/tree.h"
#include "file/mapping.h"
#include "thread/lock.h"

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

struct area {
    struct tree_node node; // by start, guarded by address_space.lock
    uaddr_t start, end;    // whole pages
    u32 flags;             // AREA_*
    u32 may;               // AREA_READ/WRITE/EXEC that mprotect may grant
    struct file *file;     // NULL: anonymous; holds a reference
    u64 file_offset;       // of start
    struct inode_mapping mapping; // of a file: file/mapping.h
    const char *name;      // "[heap]", "[stack]", ... or NULL; static string
};

struct address_space {
    struct lock lock;
    struct tree areas;
    uaddr_t heap_start, heap_end; // brk
    uaddr_t map_top;              // anonymous mappings grow down from here
    u64 total_size;               // bytes of all areas
    u64 committed;                // bytes of private writable areas without NORESERVE
};

void address_space_init(struct address_space *s);
void address_space_clear(struct address_space *s); // unmaps all; on exec and exit

// mmap(2)'s work. flags AREA_*; file may be NULL. at: wanted address; fixed: there or fail; replace: unmap
// what is there. *out is where it is. -ENOMEM, -EEXIST, -EINVAL, -ENODEV, -EACCES, -EPERM
must_check int address_space_map(struct address_space *s, uaddr_t at, u64 size, u32 flags, u32 may,
                                 struct file *file, u64 offset, bool fixed, bool replace,
                                 const char *name, uaddr_t *out);
must_check int address_space_unmap(struct address_space *s, uaddr_t at, u64 size);
must_check int address_space_protect(struct address_space *s, uaddr_t at, u64 size, u32 flags);
// A free place of `size` bytes within distance bytes of near; 0: none. For syscall stubs.
uaddr_t address_space_find_near(struct address_space *s, uaddr_t near, u64 distance, u64 size);

// A fault at `address` (access: AREA_READ/WRITE/EXEC). 0: resolved, try again. Otherwise the signal that
// user code gets: SIGSEGV or SIGBUS; its si_code goes to *out_code. Takes only s->lock.
int address_space_fault(struct address_space *s, uaddr_t address, u32 access, int *out_code);

// [offset, offset + size) of the file (whole pages; size may reach far beyond its end) has other memory
// behind it now, or none (truncate), or has some at last (it grew): ask file_ops.map again for the
// areas that show it. Private areas keep pages that they have changed, except where map now says -ENXIO;
// if they show the image they may keep showing it. Called through file/mapping.h with no lock held.
void address_space_file_changed(struct address_space *s, struct inode *inode, u64 offset, u64 size);

// Calls visit for each area in order, with the lock held; for /proc/PID/maps.
void address_space_visit(struct address_space *s, void (*visit)(const struct area *a, void *arg),
                         void *arg);
// Bytes of the space that are resident, as far as the kernel can know without the host.
u64 address_space_resident(struct address_space *s);
