// SPDX-License-Identifier: BSD-3-Clause
// Files whose text is made when they are read from the start, and kept for the reads that go on
// behind that, so that a reader sees one state of the world. [proc(5)]
#include "inspect/proc_file.h"

#include "file/inode.h"
#include "file/poll.h"
#include "inspect/proc.h"
#include "memory/heap.h"

#define STORE_SIZE 4096 // longest text that can be written

struct proc_open { // f->data
    struct lock lock;
    struct text text;
    bool made;
    u32 changes; // of the mounts that its poll has told of
};

static struct slab_cache open_cache = SLAB_CACHE("proc_open", struct proc_open);

// No lock is held while the text is made: it may come from another process's memory.
static int make_text(const struct proc_node *node, struct proc_open *open)
{
    struct text text = {0}, old;
    if (node->pid && !proc_alive(node))
        return -ESRCH;
    int error = node->entry->show(&text, node);
    if (!error && text.failed)
        error = -ENOMEM;
    lock_acquire(&open->lock);
    old = open->text;
    open->text = text;
    open->made = true;
    lock_release(&open->lock);
    text_free(&old);
    return error;
}

static s64 proc_read(struct file *f, struct io *io, u64 *position)
{
    const struct proc_node *node = f->inode->data;
    struct proc_open *open = f->data;
    s64 result = 0;
    if (!node->entry->show)
        return -EINVAL;
    if (!*position || !open->made)
        result = make_text(node, open);
    lock_acquire(&open->lock);
    if (!result && *position < open->text.size) {
        result =
            io_put(io, open->text.data + *position, min(io->left, open->text.size - *position));
        if (result > 0)
            *position += (u64)result;
    }
    lock_release(&open->lock);
    return result;
}

static s64 proc_write(struct file *f, struct io *io, u64 *position)
{
    const struct proc_node *node = f->inode->data;
    size_t size = io->left;
    if (!node->entry->store)
        return -EIO;
    if (size >= STORE_SIZE)
        return -EINVAL;
    if (node->pid && !proc_process(node))
        return -ESRCH;
    char *text = heap_alloc(size + 1);
    if (!text)
        return -ENOMEM;
    s64 result = size ? io_get(io, text, size) : 0;
    if (result >= 0) {
        if (size && text[size - 1] == '\n')
            text[size - 1] = 0;
        int error = node->entry->store(node, text);
        result = error ? error : (s64)size;
    }
    heap_free(text);
    return result;
}

static s64 proc_seek(struct file *f, s64 offset, int whence)
{
    if (whence > 1 || whence < 0)
        return -EINVAL;
    offset += whence ? (s64)f->position : 0;
    if (offset < 0)
        return -EINVAL;
    f->position = (u64)offset;
    return offset;
}

// The lists of mounts say so when there is something new. [proc_pid_mounts(5)]
static bool shows_mounts(const struct proc_node *node)
{
    return node->entry->show == proc_show_mounts || node->entry->show == proc_show_mountinfo;
}

static u32 mounts_poll(struct file *f, struct poll_table *table)
{
    struct proc_open *open = f->data;
    u32 told = open->changes;

    poll_wait(table, &mount_list.changed);
    open->changes = __atomic_load_n(&mount_list.changes, __ATOMIC_SEQ_CST); // pairs with mount_list_changed
    return POLLIN | POLLRDNORM | (open->changes != told ? POLLERR | POLLPRI : 0);
}

static void proc_release(struct file *f)
{
    struct proc_open *open = f->data;
    text_free(&open->text);
    slab_free(&open_cache, open);
}

static const struct file_ops proc_file_ops = {
    .sleeps = true, // the text may be in another process's memory
    .read = proc_read,
    .write = proc_write,
    .seek = proc_seek,
    .release = proc_release,
};

static const struct file_ops mounts_file_ops = {
    .sleeps = true,
    .read = proc_read,
    .seek = proc_seek,
    .poll = mounts_poll,
    .release = proc_release,
};

int proc_file_open(struct file *f)
{
    const struct proc_node *node = f->inode->data;
    if (node->entry->ops) {
        f->ops = node->entry->ops;
        return 0;
    }
    f->data = slab_alloc(&open_cache);
    if (!f->data)
        return -ENOMEM;
    f->ops = shows_mounts(node) ? &mounts_file_ops : &proc_file_ops;
    ((struct proc_open *)f->data)->changes = __atomic_load_n(&mount_list.changes, __ATOMIC_SEQ_CST);
    return 0;
}
