// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/maps and smaps. Which pages the host has filled in is not known here: what smaps says
// of them is an upper bound (an area without access has none).
#include "base/string.h"
#include "file/path.h"
#include "inspect/proc.h"
#include "memory/heap.h"
#include "process/process.h"

#define PATH_SIZE   4096
#define NAME_COLUMN 73 // where names start in a line of maps, on 64-bit Linux

struct maps_walk {
    struct text *t;
    char *path; // PATH_SIZE bytes
    bool details;
};

static u32 device_major(u32 device)
{
    return (device >> 8) & 0xfff;
}

static u32 device_minor(u32 device)
{
    return (device & 0xff) | ((device >> 12) & 0xfff00);
}

static void add_area(struct maps_walk *w, const struct area *a)
{
    struct text *t = w->t;
    size_t line = t->size;
    const struct inode *inode = a->file ? a->file->inode : NULL;
    const char *name = a->name;
    text_add(t, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (unsigned long long)a->start,
             (unsigned long long)a->end, a->flags & AREA_READ ? 'r' : '-',
             a->flags & AREA_WRITE ? 'w' : '-', a->flags & AREA_EXEC ? 'x' : '-',
             a->flags & AREA_SHARED ? 's' : 'p', (unsigned long long)(inode ? a->file_offset : 0),
             inode ? device_major(inode->file_system->device) : 0,
             inode ? device_minor(inode->file_system->device) : 0,
             (unsigned long long)(inode ? inode->number : 0));
    if (a->file && a->file->dentry && !dentry_path(a->file->dentry, w->path, PATH_SIZE))
        name = w->path;
    if (a->file && !a->file->dentry && a->file->ops->describe) {
        a->file->ops->describe(a->file, w->path, PATH_SIZE);
        name = w->path;
    }
    if (name) {
        text_pad(t, NAME_COLUMN, line);
        text_add_escaped(t, name, "\n");
    }
    text_add(t, "\n");
}

static u64 area_resident(const struct area *a)
{
    return a->flags & (AREA_READ | AREA_WRITE | AREA_EXEC) ? (a->end - a->start) >> 10 : 0;
}

// The counters of smaps from Rss on, in KiB.
static void add_counters(struct text *t, u64 resident, u64 anonymous, u64 shared, u64 locked)
{
    static const char *const rest[] = {"LazyFree",      "AnonHugePages",  "ShmemPmdMapped",
                                       "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb",
                                       "Swap",          "SwapPss"};
    text_add(t, "Rss:            %8llu kB\nPss:            %8llu kB\nPss_Dirty:      %8llu kB\n",
             (unsigned long long)resident, (unsigned long long)resident,
             (unsigned long long)anonymous);
    text_add(t, "Shared_Clean:   %8llu kB\nShared_Dirty:   %8llu kB\n", (unsigned long long)shared,
             0ull);
    text_add(t, "Private_Clean:  %8llu kB\nPrivate_Dirty:  %8llu kB\n",
             (unsigned long long)(resident - anonymous - shared), (unsigned long long)anonymous);
    text_add(t, "Referenced:     %8llu kB\nAnonymous:      %8llu kB\n",
             (unsigned long long)resident, (unsigned long long)anonymous);
    for (size_t i = 0; i < array_count(rest); i++)
        text_add(t, "%s:%*s %8u kB\n", rest[i], (int)(14 - strlen(rest[i])), "", 0);
    text_add(t, "Locked:         %8llu kB\n", (unsigned long long)locked);
}

static void add_details(struct text *t, const struct area *a)
{
    u64 resident = area_resident(a), shared = a->flags & AREA_SHARED ? resident : 0;
    u64 anonymous = a->file ? 0 : resident - shared;
    text_add(t, "Size:           %8llu kB\n", (unsigned long long)((a->end - a->start) >> 10));
    text_add(t, "KernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", 4, 4);
    add_counters(t, resident, anonymous, shared, a->flags & AREA_LOCKED ? resident : 0);
    text_add(t, "THPeligible:    0\nVmFlags:%s%s%s%s mr mw me ac\n",
             a->flags & AREA_READ ? " rd" : "", a->flags & AREA_WRITE ? " wr" : "",
             a->flags & AREA_EXEC ? " ex" : "", a->flags & AREA_SHARED ? " sh" : "");
}

static void visit_area(const struct area *a, void *arg)
{
    struct maps_walk *w = arg;
    add_area(w, a);
    if (w->details)
        add_details(w->t, a);
}

static int show_areas(struct text *t, const struct proc_node *node, bool details)
{
    struct process *p = proc_process(node);
    struct maps_walk w = {t, heap_alloc(PATH_SIZE), details};
    if (!p || !w.path) {
        heap_free(w.path);
        return p ? -ENOMEM : -ESRCH;
    }
    lock_acquire(&p->lock); // keeps the space, see process_finish
    if (p->space)
        address_space_visit(p->space, visit_area, &w);
    lock_release(&p->lock);
    heap_free(w.path);
    return 0;
}

int proc_show_maps(struct text *t, const struct proc_node *node)
{
    return show_areas(t, node, /*details=*/false);
}

int proc_show_smaps(struct text *t, const struct proc_node *node)
{
    return show_areas(t, node, /*details=*/true);
}

static void use_area(const struct area *a, void *arg)
{
    struct memory_use *use = arg;
    u64 size = a->end - a->start;
    use->total += size;
    if (a->flags & AREA_STACK)
        use->stack += size;
    else if (a->flags & AREA_SHARED)
        use->shared += size;
    else if (a->flags & AREA_EXEC)
        use->code += size;
    else if (a->flags & AREA_WRITE)
        use->data += size;
}

void proc_memory_use(struct process *p, struct memory_use *out)
{
    memset(out, 0, sizeof(*out));
    lock_acquire(&p->lock); // keeps the space, see process_finish
    if (p->space) {
        address_space_visit(p->space, use_area, out);
        out->resident = address_space_resident(p->space);
        out->heap_start = p->space->heap_start;
        out->locked = p->space->locked_size;
    }
    lock_release(&p->lock);
}

int proc_show_smaps_rollup(struct text *t, const struct proc_node *node)
{
    struct process *p = proc_process(node);
    if (!p)
        return -ESRCH;
    struct memory_use use;
    proc_memory_use(p, &use);
    u64 resident = use.resident >> 10;
    text_add(t, "%08llx-%08llx ---p 00000000 00:00 0 ", 0x400000ull, 0x7ffffffff000ull);
    text_pad(t, NAME_COLUMN, 0);
    text_add(t, "[rollup]\n");
    add_counters(t, resident, resident, 0, use.locked >> 10);
    return 0;
}
