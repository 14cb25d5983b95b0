// SPDX-License-Identifier: BSD-3-Clause
// A process's descriptors: an array of files with two bit sets beside it. The bit set of open
// descriptors finds the lowest free one; the other holds FD_CLOEXEC. Everything is guarded by the
// table's lock; files are released outside it, since a release may do anything.
//
// If the host kills the member, a reference has to be the table's or the thread's (held.h), not both: a change is a section
// that is taken back (thread/rollback.h), and so are the words of the thread's list.
#include "file/fd_table.h"

#include "base/bitmap.h"
#include "base/string.h"
#include "file/file.h"
#include "file/file_lock.h"
#include "file/held.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/rollback.h"
#include "thread/thread.h"

#define FD_COUNT_FIRST 64
#define FD_COUNT_MAX   (1u << 20)

struct fd_table {
    struct lock lock;
    u32 sharers; // processes besides one, atomic
    u32 size;    // slots, a multiple of 64
    struct file **files;
    u64 *open;
    u64 *close_on_exec;
};

static struct slab_cache table_cache = SLAB_CACHE("fd_table", struct fd_table);

static void slots_free(struct fd_table *t)
{
    heap_free(t->files);
    heap_free(t->open);
    heap_free(t->close_on_exec);
}

// Allocates arrays of `size` slots for an empty *t.
static int slots_alloc(struct fd_table *t, u32 size)
{
    t->files = heap_alloc(size * sizeof(*t->files));
    t->open = heap_alloc(size / 8);
    t->close_on_exec = heap_alloc(size / 8);
    t->size = size;
    if (t->files && t->open && t->close_on_exec)
        return 0;
    slots_free(t);
    return -ENOMEM;
}

static void slots_copy(struct fd_table *to, const struct fd_table *from)
{
    memcpy(to->files, from->files, from->size * sizeof(*from->files));
    memcpy(to->open, from->open, from->size / 8);
    memcpy(to->close_on_exec, from->close_on_exec, from->size / 8);
}

int fd_table_create(struct fd_table **out)
{
    struct fd_table *t = slab_alloc(&table_cache);
    int error;

    if (!t)
        return -ENOMEM;
    error = slots_alloc(t, FD_COUNT_FIRST);
    if (error) {
        slab_free(&table_cache, t);
        return error;
    }
    *out = t;
    return 0;
}

int fd_table_copy(const struct fd_table *from, struct fd_table **out)
{
    struct fd_table *t = slab_alloc(&table_cache);
    struct lock *from_lock =
        (struct lock *)(uintptr_t)&from->lock; // the table itself stays as it is
    int error;

    if (!t)
        return -ENOMEM;
    lock_acquire_clean(from_lock);
    error = slots_alloc(t, from->size);
    if (!error) {
        slots_copy(t, from);
        for (u32 fd = 0; fd < t->size; fd++)
            if (t->files[fd])
                file_get(t->files[fd]);
    }
    lock_release(from_lock);
    if (error) {
        slab_free(&table_cache, t);
        return error;
    }
    *out = t;
    return 0;
}

void file_closed(struct file *f)
{
    file_lock_closed(f);
    if (f->ops->flush)
        f->ops->flush(f);
    file_put(f);
}

// Makes room for descriptor `fd`. Called with the lock held, before a section. -ENOMEM
static int table_grow(struct fd_table *t, u32 fd)
{
    struct fd_table bigger;
    u32 size = t->size;
    int error;

    while (size <= fd)
        size *= 2;
    if (size == t->size)
        return 0;
    error = slots_alloc(&bigger, size);
    if (error)
        return error;
    slots_copy(&bigger, t);
    rollback_begin(&t->lock);
    rollback_word(&t->files);
    rollback_word(&t->open);
    rollback_word(&t->close_on_exec);
    rollback_word(&t->size);
    struct fd_table old = *t;
    t->files = bigger.files;
    t->open = bigger.open;
    t->close_on_exec = bigger.close_on_exec;
    t->size = size;
    rollback_end(&t->lock);
    slots_free(&old);
    return 0;
}

// Before a slot, and the thread's list, are changed.
static void slot_begin(struct fd_table *t, u32 fd)
{
    struct thread *me = thread_current();

    rollback_begin(&t->lock);
    rollback_word(&t->files[fd]);
    rollback_word(&t->open[fd / 64]);
    rollback_word(&t->close_on_exec[fd / 64]);
    rollback_word(&me->held_count);
    for (u32 i = 0; i <= me->held_count && i < FILES_HELD_MAX; i++)
        rollback_word(&me->held[i]);
}

static void slot_set(struct fd_table *t, u32 fd, struct file *file, bool close_on_exec)
{
    t->files[fd] = file;
    bitmap_set(t->open, fd);
    if (close_on_exec)
        bitmap_set(t->close_on_exec, fd);
    else
        bitmap_clear(t->close_on_exec, fd);
}

// Empties the slot and returns the file that was there, or NULL.
static struct file *slot_take(struct fd_table *t, u32 fd)
{
    struct file *f = fd < t->size ? t->files[fd] : NULL;

    if (!f)
        return NULL;
    file_held(f);
    t->files[fd] = NULL;
    bitmap_clear(t->open, fd);
    bitmap_clear(t->close_on_exec, fd);
    return f;
}

// The same as a section.
static struct file *slot_close(struct fd_table *t, u32 fd)
{
    if (fd >= t->size)
        return NULL;
    slot_begin(t, fd);
    struct file *f = slot_take(t, fd);
    rollback_end(&t->lock);
    return f;
}

static u32 fd_limit(void)
{
    return (u32)min(thread_process()->limits[RLIMIT_NOFILE].rlim_cur, (u64)FD_COUNT_MAX);
}

int fd_install(struct file *file, bool close_on_exec, int from)
{
    struct fd_table *t = thread_process()->files;
    u32 fd;
    int error = 0;

    lock_acquire_clean(&t->lock);
    fd = (u32)from < t->size ? (u32)bitmap_find_clear(t->open, t->size, (u32)from) : (u32)from;
    if (fd >= fd_limit())
        error = -EMFILE;
    else
        error = table_grow(t, fd);
    if (!error) {
        slot_begin(t, fd);
        slot_set(t, fd, file, close_on_exec);
        file_not_held(file);
    }
    lock_release(&t->lock);
    if (!error)
        return (int)fd;
    file_put(file);
    return error;
}

int fd_replace(int fd, struct file *file, bool close_on_exec)
{
    struct fd_table *t = thread_process()->files;
    struct file *old = NULL;
    int error;

    lock_acquire_clean(&t->lock);
    error = (u32)fd >= fd_limit() ? -EBADF : table_grow(t, (u32)fd);
    if (!error) {
        slot_begin(t, (u32)fd);
        old = slot_take(t, (u32)fd);
        slot_set(t, (u32)fd, file, close_on_exec);
        file_not_held(file);
    }
    lock_release(&t->lock);
    if (error)
        file_put(file);
    else if (old)
        file_closed(old);
    return error ? error : fd;
}

int fd_close(int fd)
{
    struct fd_table *t = thread_process()->files;
    struct file *f;

    lock_acquire_clean(&t->lock);
    f = slot_close(t, (u32)fd);
    lock_release(&t->lock);
    if (!f)
        return -EBADF;
    file_closed(f);
    return 0;
}

struct file *fd_table_get(struct fd_table *t, int fd)
{
    struct file *f = NULL;

    lock_acquire_clean(&t->lock);
    if (likely((u32)fd < t->size))
        f = t->files[fd];
    if (likely(f)) {
        lock_last_clean(false); // a reference that is nobody's
        file_get(f);
        file_held(f);
        lock_last_clean(true);
    }
    lock_release(&t->lock);
    return f;
}

struct file *fd_get(int fd)
{
    return fd_table_get(thread_process()->files, fd);
}

int fd_flags_get(int fd, bool *out_close_on_exec)
{
    struct fd_table *t = thread_process()->files;
    int error = -EBADF;

    lock_acquire_clean(&t->lock);
    if ((u32)fd < t->size && t->files[fd]) {
        *out_close_on_exec = bitmap_test(t->close_on_exec, (u32)fd);
        error = 0;
    }
    lock_release(&t->lock);
    return error;
}

int fd_flags_set(int fd, bool close_on_exec)
{
    struct fd_table *t = thread_process()->files;
    int error = -EBADF;

    lock_acquire_clean(&t->lock); // one bit changes
    if ((u32)fd < t->size && t->files[fd]) {
        slot_set(t, (u32)fd, t->files[fd], close_on_exec);
        error = 0;
    }
    lock_release(&t->lock);
    return error;
}

int fd_next(struct fd_table *t, int fd)
{
    size_t found;

    lock_acquire_clean(&t->lock);
    found = (u32)fd < t->size ? bitmap_find_set(t->open, t->size, (u32)fd) : t->size;
    found = found < t->size ? found : (size_t)-1;
    lock_release(&t->lock);
    return (int)found;
}

void fd_table_close_on_exec(struct fd_table *t)
{
    for (u32 fd = 0; fd < t->size; fd++) {
        struct file *f = NULL;

        lock_acquire_clean(&t->lock);
        if (fd < t->size && bitmap_test(t->close_on_exec, fd))
            f = slot_close(t, fd);
        lock_release(&t->lock);
        if (f)
            file_closed(f);
    }
}

struct fd_table *fd_table_share(struct fd_table *t)
{
    __atomic_add_fetch(&t->sharers, 1, __ATOMIC_RELAXED); // pairs with fd_table_free
    return t;
}

int fd_table_unshare(void)
{
    struct process *p = thread_process();
    struct fd_table *shared = p->files, *own;
    int error;

    if (!__atomic_load_n(&shared->sharers, __ATOMIC_ACQUIRE)) // pairs with fd_table_share
        return 0;
    error = fd_table_copy(shared, &own);
    if (error)
        return error;
    lock_acquire(&p->lock);
    p->files = own;
    lock_release(&p->lock);
    fd_table_free(shared);
    return 0;
}

bool fd_table_leave(struct fd_table *t)
{
    return !__atomic_fetch_sub(&t->sharers, 1, __ATOMIC_ACQ_REL); // pairs with fd_table_share
}

void fd_table_close(struct fd_table *t)
{
    for (u32 fd = 0; fd < t->size; fd++)
        if (t->files[fd])
            file_closed(slot_take(t, fd));
}

void fd_table_dispose(struct fd_table *t)
{
    slots_free(t);
    slab_free(&table_cache, t);
}

void fd_table_free(struct fd_table *t)
{
    if (!fd_table_leave(t))
        return;
    fd_table_close(t);
    fd_table_dispose(t);
}
