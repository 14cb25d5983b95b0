// SPDX-License-Identifier: BSD-3-Clause
// Segments of System V shared memory. Each has a run of family pages and a file that shows it:
//
//     table --> shm_segment <-> file (one reference while not marked for removal) <-- areas (one each)
//
// IPC_RMID gives up the table's reference; the file's release, when the last area goes, ends the
// segment. Until then its identifier still works, as on Linux.
#include <linux/resource.h>
#include <linux/stat.h>

#include "base/printf.h"
#include "file/file.h"
#include "file/inode.h"
#include "ipc/shm_internal.h"
#include "linux/clock.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/thread.h"

#define SHMLBA        PAGE_SIZE
#define NS_PER_SECOND 1000000000ull

static struct slab_cache segment_cache = SLAB_CACHE("shm_segment", struct shm_segment);
struct ipc_table shm_table = IPC_TABLE(SHMMNI);

u64 shm_now(void)
{
    return clock_realtime() / NS_PER_SECOND;
}

u64 shm_attaches(const struct shm_segment *s)
{
    return __atomic_load_n(&s->file->references, __ATOMIC_RELAXED) - s->pins;
}

struct file *shm_disown(struct shm_segment *s)
{
    if (!s->owned)
        return NULL;
    s->owned = false;
    s->pins--;
    s->object.key = IPC_PRIVATE; // not to be found any more
    s->object.mode |= SHM_DEST;
    return s->file;
}

static int segment_map(struct file *f, u64 offset, u64 size, bool shared, struct map_extent *out)
{
    const struct shm_segment *s = f->data;
    u64 end = page_round_up(s->size);

    if (offset >= end)
        return -ENXIO;
    *out = (struct map_extent){
        .source = MAP_SOURCE_FAMILY,
        .base = pages_offset(s->memory) + offset,
        .size = min(size, end - offset),
    };
    return 0;
}

static void segment_release(struct file *f)
{
    struct shm_segment *s = f->data;

    lock_acquire(&shm_table.lock);
    if (s->object.mode & SHM_DEST)
        ipc_remove(&shm_table, &s->object);
    lock_release(&shm_table.lock);
    pages_free(s->memory, page_round_up(s->size) / PAGE_SIZE);
    slab_free(&segment_cache, s);
}

static void segment_describe(struct file *f, char *out, size_t size)
{
    const struct shm_segment *s = f->data;

    snprintf(out, size, "/SYSV%08x (deleted)", (u32)s->object.key);
}

static const struct file_ops segment_ops = {
    .map = segment_map,
    .release = segment_release,
    .describe = segment_describe,
};

static int segment_create(u64 size, struct shm_segment **out)
{
    struct shm_segment *s = slab_alloc(&segment_cache);
    int error = -ENOMEM;

    if (!s)
        return -ENOMEM;
    s->size = size;
    s->memory = pages_alloc(page_round_up(size) / PAGE_SIZE);
    if (!s->memory)
        goto free_segment;
    error = file_create_anonymous(&segment_ops, S_IFREG | 0600, s, O_RDWR, &s->file);
    if (error)
        goto free_pages;
    s->file->inode->size = page_round_up(size);
    s->creator = thread_process()->pid;
    s->change_time = shm_now();
    s->pins = 1;
    s->owned = true;
    *out = s;
    return 0;

free_pages:
    pages_free(s->memory, page_round_up(size) / PAGE_SIZE);
free_segment:
    slab_free(&segment_cache, s);
    return error;
}

static s64 get_new(int key, u64 size, u32 flags)
{
    struct shm_segment *s;
    s64 result;

    if (size < SHMMIN || size > SHM_SIZE_MAX)
        return -EINVAL;
    if (flags & SHM_HUGETLB) // there is no pool of huge pages
        return -ENOMEM;
    if (size > 1ull << 46)
        return -ENOMEM;
    result = segment_create(size, &s);
    if (result)
        return result;
    lock_acquire(&shm_table.lock);
    if (key != IPC_PRIVATE && ipc_find_key(&shm_table, key))
        result = -EAGAIN; // another was faster
    else
        result = ipc_add(&shm_table, &s->object, key, flags);
    if (!result)
        result = s->object.id;
    lock_release(&shm_table.lock);
    if (result < 0)
        file_put(s->file);
    return result;
}

s64 shm_get(int key, u64 size, u32 flags)
{
    const struct shm_segment *s;
    s64 result = -EAGAIN;

    while (result == -EAGAIN) {
        lock_acquire(&shm_table.lock);
        s = key == IPC_PRIVATE ? NULL : (void *)ipc_find_key(&shm_table, key);
        if (s && (flags & IPC_CREAT) && (flags & IPC_EXCL))
            result = -EEXIST;
        else if (s && s->size < size)
            result = -EINVAL;
        else if (s)
            result = ipc_reopen(&s->object, flags);
        if (s && !result)
            result = s->object.id;
        lock_release(&shm_table.lock);
        if (!s && key != IPC_PRIVATE && !(flags & IPC_CREAT))
            return -ENOENT;
        if (!s)
            result = get_new(key, size, flags);
    }
    return result;
}

// A segment that lives, with one more reference (a pin). The table's lock is held.
static bool segment_pin(struct shm_segment *s)
{
    u32 count = __atomic_load_n(&s->file->references, __ATOMIC_RELAXED);

    while (count) // at 0 its release waits for the lock
        if (__atomic_compare_exchange_n(&s->file->references, &count, count + 1, true,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
            s->pins++;
            return true;
        }
    return false;
}

static void segment_unpin(struct shm_segment *s)
{
    lock_acquire(&shm_table.lock);
    s->pins--;
    lock_release(&shm_table.lock);
    file_put(s->file);
}

static int attach_find(int id, u32 wanted, struct shm_segment **out)
{
    struct shm_segment *s;
    int error = -EINVAL;

    lock_acquire(&shm_table.lock);
    s = (void *)ipc_find(&shm_table, id);
    if (s)
        error = ipc_permission(&s->object, wanted);
    if (!error && !segment_pin(s))
        error = -EIDRM;
    lock_release(&shm_table.lock);
    *out = s;
    return error;
}

static int attach_map(struct shm_segment *s, uaddr_t at, u32 flags, uaddr_t *out)
{
    struct process *p = thread_process();
    u32 area = AREA_SHARED | AREA_READ, may = AREA_READ | AREA_EXEC;
    u64 size = page_round_up(s->size);
    int error;

    if (!(flags & SHM_RDONLY)) {
        area |= AREA_WRITE;
        may |= AREA_WRITE;
    }
    if (flags & SHM_EXEC)
        area |= AREA_EXEC;
    if (p->space->total_size + size > p->limits[RLIMIT_AS].rlim_cur)
        return -ENOMEM;
    if (at && size > USER_HIGH - min(at, (uaddr_t)USER_HIGH))
        return -EINVAL;
    error = address_space_map(p->space, at, size, area, may, s->file, 0, /*fixed=*/at != 0,
                              /*replace=*/flags & SHM_REMAP, NULL, out);
    return error == -EEXIST ? -EINVAL : error;
}

int shm_attach(int id, uaddr_t at, u32 flags, uaddr_t *out)
{
    u32 wanted = IPC_MAY_READ;
    struct shm_segment *s;
    int error;

    if (id < 0)
        return -EINVAL;
    if (at % SHMLBA && (flags & SHM_RND))
        at -= at % SHMLBA;
    if (at % SHMLBA || (!at && (flags & SHM_REMAP)))
        return -EINVAL;
    if (!(flags & SHM_RDONLY))
        wanted |= IPC_MAY_WRITE;
    if (flags & SHM_EXEC)
        wanted |= 0111;
    error = attach_find(id, wanted, &s);
    if (error)
        return error;
    error = attach_map(s, at, flags, out);
    if (!error) {
        s->attach_time = shm_now();
        s->last_user = thread_process()->pid;
    }
    segment_unpin(s);
    return error;
}

int shm_detach(uaddr_t at)
{
    struct address_space *space = thread_process()->space;
    uaddr_t from = at, end = at + PAGE_SIZE;
    struct area a;
    int result = -EINVAL;

    if (at % PAGE_SIZE)
        return -EINVAL;
    while (from < end && address_space_next(space, from, &a)) {
        const bool ours = a.file && a.file->ops == &segment_ops && a.start < end &&
                          a.start - a.file_offset == at;
        if (ours) {
            struct shm_segment *s = a.file->data;
            end = at + page_round_up(s->size);
            s->detach_time = shm_now();
            s->last_user = thread_process()->pid;
            result = address_space_unmap(space, a.start, a.end - a.start);
        }
        if (a.file)
            file_put(a.file);
        if (ours && result)
            return result;
        from = a.end;
    }
    return result;
}

// With address_space.lock held, the innermost: plain stores, as of a clock.
static void leave_area(const struct area *a, void *arg)
{
    struct shm_segment *s;

    if (!a->file || a->file->ops != &segment_ops)
        return;
    s = a->file->data;
    __atomic_store_n(&s->detach_time, shm_now(), __ATOMIC_RELAXED); // pairs with fill_stat
    __atomic_store_n(&s->last_user, *(int *)arg, __ATOMIC_RELAXED);
}

void shm_leave(struct address_space *s)
{
    int pid = thread_process()->pid;

    if (__atomic_load_n(&shm_table.count, __ATOMIC_RELAXED)) // ours would be counted
        address_space_visit(s, leave_area, &pid);
}

void shm_end(void)
{
    for (u32 i = 0; i < shm_table.capacity; i++) { // nobody else is left to change it
        struct shm_segment *s;
        struct file *last = NULL;

        lock_acquire(&shm_table.lock);
        s = (void *)ipc_find_slot(&shm_table, i);
        if (s)
            last = shm_disown(s);
        lock_release(&shm_table.lock);
        if (last)
            file_put(last);
    }
}
