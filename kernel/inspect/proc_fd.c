// SPDX-License-Identifier: BSD-3-Clause
// /proc/PID/fd (magic links to the open files) and fdinfo.
#include "base/printf.h"
#include "base/string.h"
#include "file/fd_table.h"
#include "inspect/proc.h"
#include "memory/heap.h"
#include "process/process.h"

#define DESCRIPTION_SIZE 4096

static struct file *node_file(const struct proc_node *node)
{
    struct process *p = proc_process(node);
    return p && p->files ? fd_table_get(p->files, node->index) : NULL;
}

static void list(const struct proc_node *node, u64 from, proc_list_t add, void *arg, u32 mode)
{
    struct process *p = proc_process(node);
    char name[12];
    if (!p || !p->files)
        return;
    for (int fd = fd_next(p->files, (int)from); fd >= 0; fd = fd_next(p->files, fd + 1)) {
        snprintf(name, sizeof(name), "%d", fd);
        if (!add(arg, name, mode, (u64)fd))
            return;
    }
}

void proc_fd_list(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    list(node, from, add, arg, S_IFLNK);
}

void proc_fdinfo_list(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    list(node, from, add, arg, S_IFREG);
}

static s64 fd_link(const struct proc_node *node, char *out, size_t size)
{
    struct file *f = node_file(node);
    if (!f)
        return -ENOENT;
    char *text = heap_alloc(DESCRIPTION_SIZE);
    s64 result = text ? 0 : -ENOMEM;
    if (text && f->ops->describe)
        f->ops->describe(f, text, DESCRIPTION_SIZE);
    else if (text && f->dentry)
        result = dentry_path(f->dentry, text, DESCRIPTION_SIZE);
    else if (text)
        snprintf(text, DESCRIPTION_SIZE, "anon_inode:[%llu]", (unsigned long long)f->inode->number);
    if (!result)
        result = proc_link_text(text, out, size);
    heap_free(text);
    file_put(f);
    return result;
}

static int fd_follow(const struct proc_node *node, struct dentry **out_dentry,
                     struct file **out_file)
{
    *out_file = node_file(node);
    return *out_file ? 0 : -ENOENT;
}

static int fdinfo_show(struct text *t, const struct proc_node *node)
{
    struct file *f = node_file(node);
    char more[512] = "";
    if (!f)
        return -ENOENT;
    text_add(t, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n",
             (unsigned long long)file_position(f), f->flags, f->inode->file_system->device,
             (unsigned long long)f->inode->number);
    if (f->ops->fdinfo)
        f->ops->fdinfo(f, more, sizeof(more));
    text_add(t, "%s", more);
    file_put(f);
    return 0;
}

// The rights of a link say how the file is open.
static const struct proc_entry fd_entries[] = {
    {"fd", S_IFLNK | 0500, .link = fd_link, .follow = fd_follow},
    {"fd", S_IFLNK | 0300, .link = fd_link, .follow = fd_follow},
    {"fd", S_IFLNK | 0700, .link = fd_link, .follow = fd_follow},
};
static const struct proc_entry fdinfo_entry = {"fdinfo", S_IFREG | 0400, .show = fdinfo_show};

int proc_fd_find(const struct proc_node *node, const char *name, size_t size,
                 struct proc_node *child)
{
    int error = proc_parse_id(name, size, &child->index);
    struct file *f = error ? NULL : node_file(child);
    if (!f)
        return -ENOENT;
    u32 access = f->flags & O_ACCMODE;
    child->entry = &fd_entries[access < 2 ? access : 2];
    file_put(f);
    return 0;
}

int proc_fdinfo_find(const struct proc_node *node, const char *name, size_t size,
                     struct proc_node *child)
{
    int error = proc_parse_id(name, size, &child->index);
    struct file *f = error ? NULL : node_file(child);
    if (!f)
        return -ENOENT;
    child->entry = &fdinfo_entry;
    file_put(f);
    return 0;
}
