// SPDX-License-Identifier: BSD-3-Clause
// The file tree at boot: the image as /, the directories that programs expect, what is mounted
// there; and the hidden tmpfs of files without a name.
#include "file/root.h"

#include "base/string.h"
#include "file/path.h"
#include "file/tmpfs.h"
#include "memory/heap.h"
#include "net/resolver.h"
#include "platform/platform.h"

static int directory_make(const char *path, u32 mode)
{
    struct path_last last;
    struct dentry *parent, *made;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_PARENT, &parent, &last);

    if (error)
        return error;
    lock_acquire_clean(&parent->inode->lock);
    error = parent->inode->ops->create(parent->inode, parent, last.name, last.size, S_IFDIR | mode,
                                       0, &made);
    lock_release(&parent->inode->lock);
    dentry_put(parent);
    if (!error)
        dentry_put(made);
    return error == -EEXIST ? 0 : error;
}

// Asks the image itself: a look at the tree would make the node, which few programs need.
static bool image_has(struct inode *root, const char *name)
{
    struct tmpfs_node *n = node_of(root);
    u64 nid;

    return n->lower && !erofs_lookup(&tmpfs_of(root)->image, n->lower, name, strlen(name), &nid, NULL);
}

static int directories_make(struct inode *root)
{
    static const struct {
        char path[6];
        bool mounted; // something is, so the node is needed
        u32 mode;
    } wanted[] = {
        {"/dev", true, 0755},   {"/proc", true, 0555}, {"/sys", true, 0555},
        {"/tmp", false, 01777}, {"/run", false, 0755}, {"/root", false, 0700},
    };

    for (size_t i = 0; i < array_count(wanted); i++) {
        if (!wanted[i].mounted && image_has(root, wanted[i].path + 1))
            continue;
        int error = directory_make(wanted[i].path, wanted[i].mode);
        if (error)
            return error;
    }
    return 0;
}

// Puts a symbolic link in the place of whatever has this path.
static int link_make(const char *path, const char *target)
{
    struct dentry *parent, *old;
    struct path_last last;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_PARENT, &parent, &last);

    if (error)
        return error;
    lock_acquire_clean(&parent->inode->lock);
    error = parent->inode->ops->lookup(parent->inode, parent, last.name, last.size, &old);
    if (!error) {
        error = parent->inode->ops->unlink(parent->inode, old, /*is_directory=*/false);
        dentry_put(old);
    } else if (error == -ENOENT) {
        error = 0;
    }
    if (!error)
        error = parent->inode->ops->symlink(parent->inode, parent, last.name, last.size, target);
    lock_release(&parent->inode->lock);
    dentry_put(parent);
    return error;
}

// The name servers are the network's, whatever the image says.
static int resolver_link(const struct boot_info *boot)
{
    int error;

    if (!resolver_wanted(boot))
        return 0;
    error = directory_make("/etc", 0755);
    return error ? error : link_make("/etc/resolv.conf", "/proc/net/pnp");
}

// The kernel and the manifest are the image's, not the program's.
static int clade_hide(struct dentry *root)
{
    struct tmpfs_node *n = node_of(root->inode);

    return n->lower ? whiteout_add(&n->directory, ".clade", 6) : 0;
}

int root_mount(const struct boot_info *boot, struct path_context **out)
{
    const void *image = (const void *)(uintptr_t)boot->image_base;
    struct file_system *fs;
    int error = tmpfs_create("tmpfs", boot->image_size ? image : NULL, boot->image_size, &fs);

    if (error)
        return error;
    fs->mount_path = "/";
    fs->unmount = NULL;
    if (!boot->image_size)
        fs->root->inode->mode = S_IFDIR | 0755;
    list_push_back(&mount_list.mounts, &fs->mounts);
    path_set_boot_root(fs->root);
    error = clade_hide(fs->root);
    if (!error)
        error = directories_make(fs->root->inode);
    if (!error)
        error = resolver_link(boot);
    if (!error)
        error = devices_mount();
    if (!error)
        error = proc_mount();
    if (!error)
        error = path_context_create(fs->root, boot->umask, out);
    return error;
}

static struct { // of files without a name
    struct lock lock;
    struct file_system *fs; // made at the first use
} hidden;

static int hidden_get(struct tmpfs **out)
{
    int error = 0;

    lock_acquire(&hidden.lock);
    if (!hidden.fs)
        error = tmpfs_create("tmpfs", NULL, 0, &hidden.fs);
    lock_release(&hidden.lock);
    if (!error)
        *out = container_of(hidden.fs, struct tmpfs, fs);
    return error;
}

int tmpfs_create_file(const char *name, u64 size, u32 flags, struct file **out)
{
    struct tmpfs *t;
    struct inode *i;
    struct dentry *d;
    int error = hidden_get(&t);

    if (!error)
        error = tmpfs_inode_create(t, S_IFREG | 0777, &i);
    if (error)
        return error;
    i->links = 0;
    i->size = size;
    error = dentry_create(NULL, name, strlen(name), inode_get(i), &d);
    if (error) {
        inode_put(i);
        return error;
    }
    d->deleted = true;
    return file_create(&tmpfs_file_file_ops, i, d, flags, out);
}

void tmpfs_set_seals(struct file *f, u32 seals)
{
    node_of(f->inode)->data.seals = seals;
}

u32 tmpfs_seals(struct inode *i)
{
    return i->ops == &tmpfs_file_ops ? node_of(i)->data.seals : 0;
}
