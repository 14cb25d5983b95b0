// SPDX-License-Identifier: BSD-3-Clause
// /dev: a small tmpfs with the device nodes of every Linux system, and the table from device
// numbers to operations. [Documentation/admin-guide/devices.txt]
#include "driver/devices.h"

#include "base/string.h"
#include "driver/console.h"
#include "driver/memory_devices.h"
#include "driver/pty.h"
#include "driver/tty.h"
#include "file/path.h"
#include "file/root.h"
#include "platform/platform.h"

static struct dentry *device_root; // of /dev

// /dev/tty: the terminal of whoever opens it.
static int tty_device_open(struct inode *inode, struct file *f)
{
    struct tty *tty = tty_current();
    if (!tty)
        return -ENXIO;
    int error = tty_open(tty, f);
    tty_put(tty);
    return error;
}

static int console_device_open(struct inode *inode, struct file *f)
{
    struct tty *tty = console_tty();
    return console_has_tty() ? tty_open(tty, f) : -ENXIO;
}

static const struct device {
    const char *name;
    u32 number, mode;
    const struct file_ops *ops;
    int (*open)(struct inode *inode, struct file *f); // instead of ops
} devices[] = {
    {"null", DEVICE(1, 3), 0666, &null_ops, NULL},
    {"zero", DEVICE(1, 5), 0666, &zero_ops, NULL},
    {"full", DEVICE(1, 7), 0666, &full_ops, NULL},
    {"random", DEVICE(1, 8), 0666, &random_ops, NULL},
    {"urandom", DEVICE(1, 9), 0666, &random_ops, NULL},
    {"kmsg", DEVICE(1, 11), 0644, &kmsg_ops, NULL},
    {"tty", DEVICE(5, 0), 0666, NULL, tty_device_open},
    {"console", DEVICE(5, 1), 0620, NULL, console_device_open},
    {"ptmx", DEVICE(5, 2), 0666, NULL, pty_master_open},
};

int device_open(u32 rdevice, struct inode *inode, struct file *f)
{
    for (size_t i = 0; i < array_count(devices); i++) {
        if (devices[i].number != rdevice)
            continue;
        if (devices[i].open)
            return devices[i].open(inode, f);
        f->ops = devices[i].ops;
        return 0;
    }
    if (DEVICE_MAJOR(rdevice) == MAJOR_PTS)
        return pty_slave_open(DEVICE_MINOR(rdevice), f);
    if (rdevice >= DEVICE(5, CONSOLE_MINOR) && rdevice < DEVICE(6, 0))
        return console_stream_open((int)(DEVICE_MINOR(rdevice) - CONSOLE_MINOR), f);
    return -ENXIO;
}

int device_node(struct dentry *parent, const char *name, u32 mode, u32 rdevice, u32 uid, u32 gid)
{
    struct inode *directory = parent->inode;
    struct dentry *node;
    lock_acquire_clean(&directory->lock);
    int error = directory->ops->create(directory, parent, name, strlen(name), mode, rdevice, &node);
    lock_release(&directory->lock);
    if (error)
        return error;
    node->inode->uid = uid;
    node->inode->gid = gid;
    dentry_put(node);
    return 0;
}

int device_node_remove(struct dentry *parent, const char *name)
{
    struct inode *directory = parent->inode;
    struct dentry *node;
    lock_acquire_clean(&directory->lock);
    int error = directory->ops->lookup(directory, parent, name, strlen(name), &node);
    if (!error) {
        error = directory->ops->unlink(directory, node, /*is_directory=*/false);
        node->deleted = true;
    }
    lock_release(&directory->lock);
    if (!error)
        dentry_put(node);
    return error;
}

// Makes the node of devices[i], if it is not there.
static int device_make(size_t i)
{
    const struct boot_info *boot = platform_boot();
    bool own = devices[i].number == DEVICE(5, 1); // the user's own terminal, as a login makes it
    int error = device_node(device_root, devices[i].name, S_IFCHR | devices[i].mode, devices[i].number,
                            own ? boot->uid : 0, own ? boot->gid : 0);

    return error == -EEXIST ? 0 : error;
}

static int device_lookup(const char *name, struct dentry **out)
{
    struct inode *directory = device_root->inode;
    lock_acquire_clean(&directory->lock);
    int error = directory->ops->lookup(directory, device_root, name, strlen(name), out);
    lock_release(&directory->lock);
    return error;
}

int device_file(const char *name, u32 flags, struct file **out)
{
    struct dentry *node;
    int error = 0;
    for (size_t i = 0; i < array_count(devices) && !error; i++)
        if (!strcmp(devices[i].name, name))
            error = device_make(i);
    if (!error)
        error = device_lookup(name, &node);
    if (error)
        return error;
    error = file_create(&null_ops, inode_get(node->inode), node, flags, out);
    if (error)
        return error;
    error = device_open(node->inode->rdevice, node->inode, *out);
    if (error)
        file_put(*out);
    return error;
}

static int link_add(const char *name, const char *target)
{
    struct inode *directory = device_root->inode;
    const struct boot_info *boot = platform_boot();
    struct dentry *made;
    lock_acquire_clean(&directory->lock);
    int error = directory->ops->symlink(directory, device_root, name, strlen(name), target);
    lock_release(&directory->lock);
    if (error)
        return error == -EEXIST ? 0 : error;
    error = device_lookup(name, &made);
    if (error)
        return error;
    made->inode->uid = boot->uid;
    made->inode->gid = boot->gid;
    dentry_put(made);
    return 0;
}

static int nodes_add(void)
{
    static const char *const links[][2] = {
        {"fd", "/proc/self/fd"},
        {"stdin", "/proc/self/fd/0"},
        {"stdout", "/proc/self/fd/1"},
        {"stderr", "/proc/self/fd/2"},
    };
    int error = 0;
    for (size_t i = 0; i < array_count(devices) && !error; i++)
        error = device_make(i);
    for (size_t i = 0; i < array_count(links) && !error; i++)
        error = link_add(links[i][0], links[i][1]);
    return error;
}

static int shm_create(struct file_system **out)
{
    int error = tmpfs_create("tmpfs", NULL, 0, out);
    if (error)
        return error;
    (*out)->root->inode->uid = (*out)->root->inode->gid = 0;
    (*out)->root->inode->mode = S_IFDIR | 01777;
    return 0;
}

// Makes the directory /dev/NAME and mounts a new file system there.
static int mount_below(const char *name, u32 mode, int (*create)(struct file_system **out))
{
    struct file_system *fs;
    struct dentry *at;
    int error = device_node(device_root, name, S_IFDIR | mode, 0, 0, 0);
    if (!error || error == -EEXIST)
        error = device_lookup(name, &at);
    if (error)
        return error;
    if (!at->mounted)
        error = create(&fs);
    if (!error && !at->mounted)
        error = mount_attach(fs, at);
    dentry_put(at);
    return error;
}

int devices_complete(void)
{
    static struct lock lock; // outside of all locks of files
    struct file_system *fs = device_root->inode->file_system;
    int error = 0;
    lock_acquire(&lock);
    if (fs->fill) {
        error = nodes_add();
        if (!error)
            error = mount_below("pts", 0755, pty_create);
        if (!error)
            error = mount_below("shm", 01777, shm_create);
        if (!error)
            __atomic_store_n(&fs->fill, NULL, __ATOMIC_RELEASE); // pairs with mounts_enter
    }
    lock_release(&lock);
    return error;
}

static int devices_fill(struct file_system *fs)
{
    return devices_complete();
}

int devices_mount(void)
{
    struct file_system *fs;
    int error = tmpfs_create("devtmpfs", NULL, 0, &fs);
    if (error)
        return error;
    device_root = dentry_get(fs->root);
    fs->root->inode->uid = fs->root->inode->gid = 0;
    fs->root->inode->mode = S_IFDIR | 0755;
    error = path_mount(fs, "/dev");
    fs->fill = devices_fill; // most programs never look
    return error;
}
