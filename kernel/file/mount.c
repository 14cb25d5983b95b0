// SPDX-License-Identifier: BSD-3-Clause
// Mounting: a dentry can be covered by the root of another file system.
#include "base/string.h"
#include "file/path.h"
#include "file/poll.h"
#include "memory/heap.h"

#define MOUNT_PATH_MAX   4096
#define MOUNT_PATH_SHORT 64 // most are: no page is touched for them

void mount_list_changed(void)
{
    __atomic_add_fetch(&mount_list.changes, 1, __ATOMIC_SEQ_CST); // pairs with proc_poll
    wait_queue_wake(&mount_list.changed, POLLERR | POLLPRI);
}

static char *path_copy(struct dentry *d)
{
    char small[MOUNT_PATH_SHORT], *buffer = small, *copy = NULL;
    int size = dentry_path_from(d, NULL, small, sizeof(small));

    if (size < 0) {
        buffer = heap_alloc(MOUNT_PATH_MAX);
        size = buffer ? dentry_path_from(d, NULL, buffer, MOUNT_PATH_MAX) : -ENOMEM;
    }
    if (size >= 0)
        copy = heap_alloc(strlen(buffer) + 1);
    if (copy)
        strlcpy(copy, buffer, strlen(buffer) + 1);
    if (buffer != small)
        heap_free(buffer);
    return copy;
}

int mount_attach(struct file_system *fs, struct dentry *at)
{
    const char *path;

    if (!S_ISDIR(at->inode->mode))
        return -ENOTDIR;
    path = path_copy(at);
    if (!path)
        return -ENOMEM;
    fs->mount_path = path;
    lock_acquire(&mount_list.lock);
    fs->root->covers = dentry_get(at);
    at->mounted = dentry_get(fs->root);
    list_push_back(&mount_list.mounts, &fs->mounts);
    lock_release(&mount_list.lock);
    mount_list_changed();
    return 0;
}

int path_mount(struct file_system *fs, const char *path)
{
    struct dentry *at;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &at, NULL);

    if (error)
        return error;
    error = mount_attach(fs, at);
    dentry_put(at);
    return error;
}

int mount_detach(struct dentry *root, bool lazily)
{
    struct file_system *fs = root->inode->file_system;
    struct dentry *at = root->covers;

    if (fs->root != root || !at)
        return -EINVAL;
    if (root->mounted || !fs->unmount)
        return -EBUSY;
    if (!lazily && fs->busy && fs->busy(fs))
        return -EBUSY;
    lock_acquire(&mount_list.lock);
    at->mounted = NULL;
    root->covers = NULL;
    list_remove(&fs->mounts);
    lock_release(&mount_list.lock);
    mount_list_changed();
    heap_free((void *)(uintptr_t)fs->mount_path); // from path_copy
    fs->mount_path = NULL;
    dentry_put(at);
    dentry_put(root);
    fs->unmount(fs);
    return 0;
}
