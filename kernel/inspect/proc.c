// SPDX-License-Identifier: BSD-3-Clause
// The generated file systems: inodes made from tables of entries, and their directories. See
// proc.h; their files are in proc_file.c.
#include "inspect/proc.h"

#include <linux/mount.h>

#include "base/string.h"
#include "file/path.h"
#include "file/root.h"
#include "inspect/proc_file.h"
#include "memory/heap.h"
#include "platform/late.h"
#include "process/process.h"
#include "thread/thread.h"

static struct slab_cache node_cache = SLAB_CACHE("proc_node", struct proc_node);

static const struct inode_ops proc_inode_ops, proc_link_ops, proc_magic_ops;

struct process *proc_process(const struct proc_node *node)
{
    return process_find(node->pid);
}

struct thread *proc_thread(const struct proc_node *node)
{
    struct process *p = proc_process(node);
    struct thread *t, *found = NULL;
    if (!p)
        return NULL;
    lock_acquire(&p->lock);
    list_for_each(t, &p->threads, process_node)
    {
        if (!found && !node->tid)
            found = t;
        if (t->tid == (node->tid ? node->tid : p->pid))
            found = t;
    }
    lock_release(&p->lock);
    return found;
}

struct thread *proc_thread_or_last(const struct proc_node *node, struct thread *last)
{
    struct thread *t = proc_thread(node);
    struct process *p = proc_process(node);
    if (t || !p || !p->zombie || (node->tid && node->tid != p->pid))
        return t;
    *last = (struct thread){.state = THREAD_DEAD, .tid = p->pid, .process = p};
    strlcpy(last->name, p->last_name, sizeof(last->name));
    return last;
}

bool proc_alive(const struct proc_node *node)
{
    const struct process *p = proc_process(node);
    return p && (p->zombie ? !node->tid : proc_thread(node) != NULL);
}

int proc_parse_id(const char *name, size_t size, int *out)
{
    int value = 0;
    if (!size || size > 9 || (name[0] == '0' && size > 1))
        return -ENOENT;
    for (size_t i = 0; i < size; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -ENOENT;
        value = value * 10 + (name[i] - '0');
    }
    *out = value;
    return 0;
}

s64 proc_link_text(const char *target, char *out, size_t size)
{
    size_t length = min(strlen(target), size);
    memcpy(out, target, length);
    return (s64)length;
}

static u64 number_of(u64 parent, const char *name, size_t size)
{
    u64 number = parent * 0x9e3779b97f4a7c15ull;
    for (size_t i = 0; i < size; i++)
        number = (number ^ (u8)name[i]) * 0x100000001b3ull; // FNV-1a
    return (number >> 20) | 1;
}

static int node_inode(struct file_system *fs, const struct proc_node *node, u64 number,
                      struct inode **out)
{
    const struct proc_entry *e = node->entry;
    const struct process *p = node->pid ? process_find(node->pid) : NULL;
    const struct inode_ops *ops = e->follow ? &proc_magic_ops
                                  : e->link ? &proc_link_ops
                                            : &proc_inode_ops;
    struct proc_node *copy = slab_alloc(&node_cache);
    if (!copy)
        return -ENOMEM;
    *copy = *node;
    int error = inode_create(fs, ops, e->mode, out);
    if (error) {
        slab_free(&node_cache, copy);
        return error;
    }
    (*out)->data = copy;
    (*out)->number = number;
    (*out)->uid = p ? p->credentials.euid : 0;
    (*out)->gid = p ? p->credentials.egid : 0;
    (*out)->links = S_ISDIR(e->mode) ? 2 + (e->directories ? e->directories(node) : 0) : 1;
    return 0;
}

static void proc_evict(struct inode *inode)
{
    slab_free(&node_cache, inode->data);
}

static const struct proc_entry *find_entry(const struct proc_entry *e, const char *name,
                                           size_t size)
{
    for (; e && e->name; e++)
        if (strlen(e->name) == size && !memcmp(e->name, name, size))
            return e;
    return NULL;
}

static int find_child(const struct proc_node *node, const char *name, size_t size,
                      struct proc_node *child)
{
    *child = *node;
    child->entry = find_entry(node->entry->first, name, size);
    if (child->entry)
        return 0;
    int error = late_load(node->entry->children);
    if (error)
        return error;
    child->entry = find_entry(node->entry->children, name, size);
    if (child->entry)
        return 0;
    child->entry = node->entry;
    return node->entry->find ? node->entry->find(node, name, size, child) : -ENOENT;
}

static int proc_lookup(struct inode *directory, struct dentry *parent, const char *name,
                       size_t size, struct dentry **out)
{
    const struct proc_node *node = directory->data;
    struct proc_node child;
    struct inode *inode;
    if (node->pid && !proc_alive(node))
        return -ENOENT;
    int error = find_child(node, name, size, &child);
    if (error)
        return error;
    error = node_inode(directory->file_system, &child, number_of(directory->number, name, size),
                       &inode);
    return error ? error : dentry_create(parent, name, size, inode, out);
}

static s64 proc_read_link(struct inode *inode, char *out, size_t size)
{
    const struct proc_node *node = inode->data;
    return node->entry->link ? node->entry->link(node, out, size) : -EINVAL;
}

static int proc_follow(struct inode *inode, struct dentry **out_dentry, struct file **out_file)
{
    const struct proc_node *node = inode->data;
    return node->entry->follow(node, out_dentry, out_file);
}

struct directory_walk {
    struct file *f;
    struct dir_sink *sink;
    u64 base; // the position of key 0
};

static bool directory_add(void *arg, const char *name, u32 mode, u64 key)
{
    struct directory_walk *w = arg;
    size_t size = strlen(name);
    u64 number = number_of(w->f->inode->number, name, size), next = w->base + key + 1;
    if (!w->sink->add(w->sink, name, size, number, next, (u8)((mode & S_IFMT) >> 12)))
        return false;
    w->f->position = next;
    return true;
}

// Positions: 0 ".", 1 "..", then the table, then the dynamic names.
static int proc_read_dir(struct file *f, struct dir_sink *sink)
{
    const struct proc_node *node = f->inode->data;
    const struct proc_entry *e = node->entry->children;
    struct directory_walk w = {f, sink, 0};
    u64 position = 2;
    int error = late_load(e);
    if (error)
        return error;
    if (node->pid && !proc_alive(node))
        return -ENOENT;
    if (f->position == 0 && !directory_add(&w, ".", S_IFDIR, 0))
        return 0;
    if (f->position == 1 && !directory_add(&w, "..", S_IFDIR, 1))
        return 0;
    for (; e && e->name; e++, position++) {
        if (position == f->position && !directory_add(&w, e->name, e->mode, position))
            return 0;
    }
    w.base = position;
    if (node->entry->list && f->position >= position)
        node->entry->list(node, f->position - position, directory_add, &w);
    return 0;
}

static s64 directory_seek(struct file *f, s64 offset, int whence)
{
    if (whence > 2 || whence < 0)
        return -EINVAL;
    offset += whence == 1 ? (s64)f->position : 0; // a directory's size is 0
    if (offset < 0)
        return -EINVAL;
    f->position = (u64)offset;
    return offset;
}

static const struct file_ops proc_directory_ops = {
    .read_dir = proc_read_dir,
    .seek = directory_seek,
};

int proc_file_pid(const struct file *f)
{
    const struct proc_node *node = f->inode->data;
    return f->ops == &proc_directory_ops && node->entry == &proc_pid_directory ? node->pid : 0;
}

static int proc_open_inode(struct inode *inode, struct file *f)
{
    if (!S_ISDIR(inode->mode))
        return proc_file_open(f);
    f->ops = &proc_directory_ops;
    return 0;
}

// O_TRUNC and ftruncate of what has no length.
static int proc_truncate(struct inode *inode, u64 size)
{
    return 0;
}

// A name that is not there can't be made: mkdir says ENOENT, as Linux's /proc.
static int proc_make(struct inode *directory, struct dentry *parent, const char *name, size_t size,
                     u32 mode, u32 rdevice, struct dentry **out)
{
    return -ENOENT;
}

static const struct inode_ops proc_inode_ops = {
    .lookup = proc_lookup,
    .create = proc_make,
    .open = proc_open_inode,
    .truncate = proc_truncate,
    .evict = proc_evict,
};

static const struct inode_ops proc_link_ops = {
    .read_link = proc_read_link,
    .evict = proc_evict,
};

static const struct inode_ops proc_magic_ops = {
    .read_link = proc_read_link,
    .follow = proc_follow,
    .evict = proc_evict,
};

static void proc_statfs(struct file_system *fs, u64 *out_blocks, u64 *out_free, u64 *out_files)
{
    *out_blocks = *out_free = *out_files = 0;
}

int proc_create(const char *type, u32 magic, const struct proc_entry *root,
                struct file_system **out)
{
    struct file_system *fs = heap_alloc(sizeof(*fs));
    struct proc_node node = {.entry = root};
    struct inode *inode;
    if (!fs)
        return -ENOMEM;
    fs->type = fs->source = type;
    fs->magic = magic;
    fs->device = file_system_device();
    fs->flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    fs->statfs = proc_statfs;
    list_init(&fs->mounts);
    int error = node_inode(fs, &node, 1, &inode);
    if (!error)
        error = dentry_create(NULL, "", 0, inode, &fs->root);
    if (error) {
        heap_free(fs);
        return error;
    }
    *out = fs;
    return 0;
}

static int mount_one(const char *type, u32 magic, const struct proc_entry *root, const char *path)
{
    struct file_system *fs;
    int error = proc_create(type, magic, root, &fs);
    return error ? error : path_mount(fs, path);
}

int proc_mount(void)
{
    int error = mount_one("proc", 0x9fa0, &proc_root, "/proc");
    return error ? error : mount_one("sysfs", 0x62656572, &sysfs_root, "/sys");
}
