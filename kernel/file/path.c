// SPDX-License-Identifier: BSD-3-Clause
// Path resolution: path_resolution(7), symlink(7), openat2(2).
//
// A walk has a place (`at`) and what is left of the path. A symbolic link replaces what is left by
// its target and the rest, in a buffer of its own, so the depth of links costs no stack:
//
//     at=/usr  left="bin/../lib64/ld.so"      lib64 -> lib      at=/usr  left="lib/ld.so"
#include "file/path_walk.h"

#include "base/string.h"
#include "file/fd_table.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/process.h"
#include "thread/thread.h"

#define PATH_SIZE_MAX 4096
#define PATH_SHORT    128
#define NAME_SIZE_MAX 255
#define LINKS_MAX     40

int path_child(struct dentry *directory, const char *name, size_t size, struct dentry **out)
{
    struct inode *i = directory->inode;
    int error;

    if (!S_ISDIR(i->mode) || !i->ops->lookup)
        return -ENOTDIR;
    lock_acquire_clean(&i->lock);
    error = i->ops->lookup(i, directory, name, size, out);
    lock_release(&i->lock);
    return error;
}

// Moves the walk's place; takes over the reference.
static void walk_to(struct walk *w, struct dentry *d)
{
    dentry_put(w->at);
    w->at = d;
}

static int walk_to_root(struct walk *w)
{
    if (w->flags & LOOKUP_BENEATH)
        return -EXDEV;
    if (w->flags & LOOKUP_NO_CROSS && w->at->inode->file_system != w->root->inode->file_system)
        return -EXDEV;
    walk_to(w, dentry_get(w->root));
    return 0;
}

// From a mount point to the root of what is mounted there. d is referenced, and exchanged.
static int mounts_enter(struct dentry **d)
{
    while ((*d)->mounted) {
        struct dentry *inner = dentry_get((*d)->mounted);
        struct file_system *fs = inner->inode->file_system;
        int (*fill)(struct file_system *fs) = __atomic_load_n(&fs->fill, __ATOMIC_ACQUIRE); // pairs with who clears it
        int error = fill ? fill(fs) : 0;

        dentry_put(*d);
        *d = inner;
        if (error)
            return error;
    }
    return 0;
}

static int walk_up(struct walk *w)
{
    struct dentry *d = w->at, *outer;
    int error;

    if (d == w->root)
        return w->flags & LOOKUP_BENEATH ? -EXDEV : 0;
    outer = d;
    while (outer->parent == outer && outer->covers && outer != w->root)
        outer = outer->covers;
    if (outer != d && w->flags & LOOKUP_NO_CROSS)
        return -EXDEV;
    outer = outer == w->root ? dentry_get(outer) : dentry_parent(outer);
    error = mounts_enter(&outer);
    walk_to(w, outer);
    return error;
}

// Puts target in front of what is left.
static int walk_prepend(struct walk *w, const char *target, size_t size)
{
    size_t left = strlen(w->path);
    char *path = heap_alloc(size + left + 2);

    if (path) {
        memcpy(path, target, size);
        if (left || w->directory)
            path[size] = '/';
        memcpy(path + size + 1, w->path, left);
        heap_free(w->buffer);
        w->buffer = path;
        w->path = path;
    }
    return path ? 0 : -ENOMEM;
}

// A link that is no text, as /proc/self/fd/0: goes straight to what it names.
static int walk_magic(struct walk *w, struct inode *link)
{
    struct dentry *d = NULL;
    struct file *f = NULL;
    int error;

    if (w->flags & LOOKUP_NO_MAGIC)
        return -ELOOP;
    if (w->flags & (LOOKUP_BENEATH | LOOKUP_IN_ROOT))
        return -EXDEV;
    error = link->ops->follow(link, &d, &f);
    if (error)
        return error;
    if (!d && f->dentry)
        d = dentry_get(f->dentry);
    if (!d)
        error = dentry_create(NULL, "", 0, inode_get(f->inode), &d);
    if (f)
        file_put(f);
    if (error)
        return error;
    walk_to(w, d);
    return 0;
}

// Follows the link's text, by way of room[]. -ENAMETOOLONG: it does not fit.
static int walk_text(struct walk *w, struct inode *i, char *room, s64 room_size)
{
    s64 size = i->ops->read_link(i, room, (size_t)room_size);
    int error = 0;

    if (size <= 0 || size >= room_size)
        return size < 0 ? (int)size : size ? -ENAMETOOLONG : -ENOENT;
    if (room[0] == '/')
        error = walk_to_root(w);
    return error ? error : walk_prepend(w, room, (size_t)size);
}

int walk_link(struct walk *w, struct dentry *link)
{
    struct inode *i = link->inode;
    char small[PATH_SHORT], *large;
    int error;

    if (w->flags & LOOKUP_NO_SYMLINKS || ++w->links > LINKS_MAX)
        return -ELOOP;
    if (i->ops->follow)
        return walk_magic(w, i);
    if (!i->ops->read_link)
        return -EINVAL;
    error = walk_text(w, i, small, sizeof(small));
    if (error != -ENAMETOOLONG)
        return error;
    large = heap_alloc(PATH_SIZE_MAX);
    error = large ? walk_text(w, i, large, PATH_SIZE_MAX) : -ENOMEM;
    heap_free(large);
    return error;
}

// Cuts the next component off: its size; *out_rest is behind it and its slashes.
static size_t component_next(const char *path, const char **out_rest)
{
    size_t size = 0;

    while (path[size] && path[size] != '/')
        size++;
    path += size;
    while (*path == '/')
        path++;
    *out_rest = path;
    return size;
}

static int walk_may_search(struct walk *w)
{
    if (!S_ISDIR(w->at->inode->mode))
        return -ENOTDIR;
    return inode_permission(w->at->inode, /*may=*/1);
}

static void last_set(struct path_last *last, const char *name, size_t size, bool slash)
{
    last->kind = size == 1 && name[0] == '.'           ? PATH_DOT
                 : size == 2 && !memcmp(name, "..", 2) ? PATH_DOT_DOT
                                                       : PATH_NAME;
    last->slash = slash;
    last->size = size;
    memcpy(last->name, name, size);
    last->name[size] = '\0';
}

// One component that is a name. *out_done: it is the last one, and a link that is not followed.
static int walk_name(struct walk *w, const char *name, size_t size, bool is_last, bool slash)
{
    struct dentry *d;
    int error = path_child(w->at, name, size, &d);

    if (error)
        return error;
    if (d->mounted) {
        error = mounts_enter(&d);
        if (w->flags & LOOKUP_NO_CROSS)
            error = -EXDEV;
    }
    if (!error && S_ISLNK(d->inode->mode) && (!is_last || slash || w->flags & LOOKUP_FOLLOW)) {
        w->directory |= is_last && slash;
        error = walk_link(w, d);
        dentry_put(d);
        return error;
    }
    if (!error && (slash || !is_last) && !S_ISDIR(d->inode->mode))
        error = -ENOTDIR;
    if (error) {
        dentry_put(d);
        return error;
    }
    walk_to(w, d);
    return 0;
}

int walk_run(struct walk *w, struct path_last *out_last)
{
    if (out_last)
        *out_last = (struct path_last){.kind = PATH_ROOT};
    while (*w->path) {
        const char *name = w->path, *rest;
        bool is_last, slash;
        size_t size;
        int error;

        if (*name == '/') { // only at the start of a path or of a link's target
            while (*name == '/')
                name++;
            w->path = name;
            continue;
        }
        size = component_next(name, &rest);
        is_last = !*rest;
        slash = name[size] == '/';
        error = walk_may_search(w);
        if (!error && size > NAME_SIZE_MAX)
            error = -ENAMETOOLONG;
        if (error)
            return error;
        w->path = rest;
        if (is_last && out_last) {
            last_set(out_last, name, size, slash);
            return 0;
        }
        if (size == 1 && name[0] == '.')
            continue;
        if (size == 2 && name[0] == '.' && name[1] == '.')
            error = walk_up(w);
        else
            error = walk_name(w, name, size, is_last, slash);
        if (error)
            return error;
    }
    return w->directory && !S_ISDIR(w->at->inode->mode) ? -ENOTDIR : 0;
}

// The directory that a descriptor names, or what it is open on if path is empty. Referenced.
static int start_at_fd(int dirfd, bool empty, struct dentry **out)
{
    struct file *f = fd_get(dirfd);
    int error = 0;

    if (!f)
        return -EBADF;
    if (!empty && !S_ISDIR(f->inode->mode))
        error = -ENOTDIR;
    else if (f->dentry)
        *out = dentry_get(f->dentry);
    else
        error = dentry_create(NULL, "", 0, inode_get(f->inode), out);
    file_put(f);
    return error;
}

int walk_start(struct walk *w, int dirfd, const char *path, u32 flags)
{
    int error = 0;

    *w = (struct walk){.path = path, .flags = flags};
    if (!*path && !(flags & LOOKUP_EMPTY))
        return -ENOENT;
    if (*path == '/' && !(flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH)))
        w->at = path_root();
    else if (*path == '/' && flags & LOOKUP_BENEATH)
        return -EXDEV;
    else if (dirfd == AT_FDCWD)
        w->at = path_working();
    else
        error = start_at_fd(dirfd, !*path, &w->at);
    if (error)
        return error;
    if (flags & (LOOKUP_IN_ROOT | LOOKUP_BENEATH))
        w->root = dentry_get(w->at);
    else
        w->root = path_root();
    return 0;
}

void walk_end(struct walk *w)
{
    if (w->at)
        dentry_put(w->at);
    if (w->root)
        dentry_put(w->root);
    heap_free(w->buffer);
}

int path_lookup(int dirfd, const char *path, u32 flags, struct dentry **out,
                struct path_last *out_last)
{
    struct walk w;
    int error = walk_start(&w, dirfd, path, flags);

    if (!error)
        error = walk_run(&w, flags & LOOKUP_PARENT ? out_last : NULL);
    if (!error && flags & LOOKUP_DIRECTORY && !S_ISDIR(w.at->inode->mode))
        error = -ENOTDIR;
    if (!error)
        *out = dentry_get(w.at);
    walk_end(&w);
    return error;
}

// Most paths are short: a copy in a small object spares the zeroing of a page.
static s64 path_read_short(uaddr_t from, char **out)
{
    char path[PATH_SHORT];
    s64 size = user_read_string(path, from, sizeof(path));

    if (size < 0)
        return size;
    *out = heap_alloc((size_t)size + 1);
    if (!*out)
        return -ENOMEM;
    memcpy(*out, path, (size_t)size);
    return size;
}

int path_read(uaddr_t from, char **out)
{
    char *path;
    s64 size;

    *out = NULL;
    size = path_read_short(from, out);
    if (size != -ENAMETOOLONG)
        return (int)min(size, 0l);
    path = heap_alloc(PATH_SIZE_MAX);
    if (!path)
        return -ENOMEM;
    size = user_read_string(path, from, PATH_SIZE_MAX);
    if (size < 0) {
        heap_free(path);
        return (int)size;
    }
    *out = path;
    return 0;
}
