// SPDX-License-Identifier: BSD-3-Clause
// Regular files of tmpfs: read, write, seek, map.
#include <linux/fs.h>

#include "base/string.h"
#include "abi/calls.h"
#include "file/mapping.h"
#include "file/tmpfs.h"
#include "file/tmpfs_resize.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

#define HOLE_MAP_MIN (64ull << 20)

static bool time_before(const struct __kernel_timespec *a, const struct __kernel_timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec <= b->tv_nsec);
}

// The rule of mount option relatime: only the first read behind a change counts.
static void touch_accessed(struct file *f, struct inode *i)
{
    if (f->flags & O_NOATIME)
        return;
    if (time_before(&i->accessed, &i->modified) || time_before(&i->accessed, &i->changed))
        inode_touch(i, true, false, false);
}

static s64 tmpfs_read(struct file *f, struct io *io, u64 *position)
{
    struct inode *i = f->inode;
    struct tmpfs_node *n = node_of(i);
    u64 at = *position;
    s64 done = 0, moved = 0;

    lock_acquire_clean(&i->lock);
    while (io->left && at < i->size) {
        struct piece piece;
        moved = data_piece(n, at, min((u64)io->left, i->size - at), &piece);
        if (moved)
            break;
        moved = piece.bytes ? io_put(io, piece.bytes, piece.size) : io_put_zeros(io, piece.size);
        if (moved <= 0)
            break;
        done += moved;
        at += (u64)moved;
        if ((u64)moved < piece.size)
            break;
    }
    touch_accessed(f, i);
    lock_release(&i->lock);
    *position = at;
    return done ? done : moved;
}

// How much of a write at `at` is allowed. [write(2): EFBIG, RLIMIT_FSIZE; memfd_create(2): seals]
static s64 write_limit(struct tmpfs_node *n, u64 at, size_t size)
{
    u64 limit =
        thread_process() ? thread_process()->limits[RLIMIT_FSIZE].rlim_cur : RLIM64_INFINITY;
    u32 seals = n->data.seals;

    if (!size)
        return 0;
    if (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (seals & F_SEAL_GROW && at + size > n->inode->size) { // whole pages up to the last one
        u64 end = page_round_down(n->inode->size);
        if (at >= end)
            return -EPERM;
        size = end - at;
    }
    if (at >= limit) {
        signal_raise_process(thread_process(), 25 /* SIGXFSZ */);
        return -EFBIG;
    }
    if (at >= TMPFS_SIZE_MAX)
        return -EFBIG;
    limit = min(limit, TMPFS_SIZE_MAX);
    return (s64)min((u64)size, limit - at);
}

// Writes into one extent. Returns the bytes moved.
static s64 write_part(struct tmpfs_node *n, struct io *io, u64 at, u64 size,
                      struct page_range *changed)
{
    u64 page = at >> PAGE_SHIFT, end = page_round_up(at + size) >> PAGE_SHIFT;
    struct extent *e;
    s64 moved;

    int error = data_make_noting(n, page, end - page, changed, &e);

    if (error)
        return error;
    end = page + data_room(n, e, page, min(end, e->page + e->count) - page);
    if (end == page)
        return -ENOSPC;
    size = min(size, (end << PAGE_SHIFT) - at);
    moved = io_get(io, e->memory + (at - (e->page << PAGE_SHIFT)), size);
    if (moved > 0)
        data_mark(n, e, page, ((at + (u64)moved - 1) >> PAGE_SHIFT) + 1 - page);
    return moved;
}

static s64 tmpfs_write(struct file *f, struct io *io, u64 *position)
{
    struct inode *i = f->inode;
    struct tmpfs_node *n = node_of(i);
    struct page_range changed = {0, 0};
    u64 at, old_size, end;
    s64 moved, done = 0;

    lock_acquire_clean(&i->lock);
    old_size = i->size;
    at = f->flags & O_APPEND || io->append ? old_size : *position;
    moved = write_limit(n, at, io->left);
    end = at + (u64)max(moved, 0l);
    while (at < end) {
        u64 part = min(end - at, (u64)io->left);
        moved = write_part(n, io, at, part, &changed);
        if (moved <= 0)
            break;
        done += moved;
        at += (u64)moved;
    }
    if (done) {
        if (at > old_size)
            __atomic_store_n(&i->size, at, __ATOMIC_RELEASE); // pairs with faults
        inode_content_changed(i); // size and times are a word each, or nearly
    }
    lock_release(&i->lock);
    if (done)
        *position = at;
    mappings_follow(i, &changed, old_size, at);
    return done ? done : moved;
}

// SEEK_DATA and SEEK_HOLE. [lseek(2)]
static s64 seek_extent(struct inode *i, u64 offset, bool data)
{
    s64 result = -ENXIO;

    lock_acquire_clean(&i->lock);
    if (offset < i->size && !data)
        result = (s64)i->size; // the hole behind the end
    while (offset < i->size) {
        struct piece piece;
        int error = data_piece(node_of(i), offset, i->size - offset, &piece);
        if (error || piece.data == data) {
            result = error ? error : (s64)offset;
            break;
        }
        offset = page_round_down(offset + piece.size + PAGE_SIZE - 1);
    }
    lock_release(&i->lock);
    return result;
}

static s64 tmpfs_seek(struct file *f, s64 offset, int whence)
{
    switch (whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        if (__builtin_add_overflow(offset, (s64)f->position, &offset))
            return -EINVAL;
        break;
    case SEEK_END:
        if (__builtin_add_overflow(offset, (s64)f->inode->size, &offset))
            return -EINVAL;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        offset = offset < 0 ? -ENXIO : seek_extent(f->inode, (u64)offset, whence == SEEK_DATA);
        if (offset < 0)
            return offset;
        break;
    default:
        return -EINVAL;
    }
    if (offset < 0 || (u64)offset > TMPFS_SIZE_MAX)
        return -EINVAL;
    f->position = (u64)offset;
    return offset;
}

// A lower file's pages, straight from the image. False: they do not lie there so.
static bool map_lower(struct tmpfs_node *n, u64 offset, u64 size, u64 next, struct map_extent *out)
{
    struct tmpfs_data *d = &n->data;
    u64 end = page_round_up(d->lower_size);

    if (offset >= end || d->lower_map == NO_LOWER_MAP)
        return false;
    if (d->lower_size % PAGE_SIZE && d->lower_size != n->lower->size && offset + PAGE_SIZE >= end)
        return false; // cut within a page, behind which the image has more
    out->source = MAP_SOURCE_IMAGE;
    out->base = d->lower_map + offset;
    out->size = min(size, end - offset);
    out->size = min(out->size, (next << PAGE_SHIFT) - offset);
    return true;
}

// A large hole for reading: zeros, so that no pages need to be reserved for it.
static bool map_hole(struct tmpfs_node *n, u64 offset, u64 size, u64 next, struct map_extent *out)
{
    size = min(size, (next << PAGE_SHIFT) - offset);
    if (offset < page_round_up(n->data.lower_size) || size < HOLE_MAP_MIN)
        return false;
    *out = (struct map_extent){.source = MAP_SOURCE_ZERO, .size = size};
    n->data.hole_mapped = true;
    return true;
}

// What can be shown without an extent, as it will not be written through the mapping.
static bool map_as_it_is(struct tmpfs_node *n, u64 offset, u64 size, u64 next,
                         struct map_extent *out)
{
    return map_lower(n, offset, size, next, out) || map_hole(n, offset, size, next, out);
}

static int tmpfs_map(struct file *f, u64 offset, u64 size, bool shared, struct map_extent *out)
{
    struct inode *i = f->inode;
    struct tmpfs_node *n = node_of(i);
    bool writes = shared && file_writable(f) && !(n->data.seals & F_SEAL_WRITE);
    struct page_range changed = {0, 0};
    struct extent *e;
    u64 next = 0;
    int error = 0;

    lock_acquire_clean(&i->lock);
    if (offset >= page_round_up(i->size)) {
        lock_release(&i->lock);
        return -ENXIO;
    }
    size = min(size, page_round_up(i->size) - offset);
    e = data_find(&n->data, offset >> PAGE_SHIFT, &next);
    if (!e && (writes || !map_as_it_is(n, offset, size, next, out)))
        error = data_make_noting(n, offset >> PAGE_SHIFT, size >> PAGE_SHIFT, &changed, &e);
    if (e) {
        e->mapped |= writes;
        out->source = MAP_SOURCE_FAMILY;
        out->base = pages_offset(e->memory) + offset - (e->page << PAGE_SHIFT);
        out->size = min(size, ((e->page + e->count) << PAGE_SHIFT) - offset);
    }
    touch_accessed(f, i);
    lock_release(&i->lock);
    mappings_follow(i, &changed, 0, 0);
    return error == -ENOSPC ? -ENOMEM : error;
}

static int tmpfs_sync(struct file *f)
{
    return 0;
}

static s64 tmpfs_control(struct file *f, u32 command, u64 argument)
{
    switch (command) {
    case F_GET_SEALS:
        return node_of(f->inode)->data.seals;
    case F_ADD_SEALS:
        return tmpfs_seals_add(f, (u32)argument);
    default:
        return -EINVAL;
    }
}

const struct file_ops tmpfs_file_file_ops = {
    .read = tmpfs_read,
    .write = tmpfs_write,
    .seek = tmpfs_seek,
    .map = tmpfs_map,
    .sync = tmpfs_sync,
    .control = tmpfs_control,
};

static int tmpfs_file_open(struct inode *i, struct file *f)
{
    f->ops = &tmpfs_file_file_ops;
    return 0;
}

const struct inode_ops tmpfs_file_ops = {
    .truncate = tmpfs_truncate,
    .allocate = tmpfs_allocate,
    .set_xattr = tmpfs_set_xattr,
    .get_xattr = tmpfs_get_xattr,
    .list_xattr = tmpfs_list_xattr,
    .open = tmpfs_file_open,
    .evict = tmpfs_evict,
};
