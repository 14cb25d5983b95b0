// SPDX-License-Identifier: BSD-3-Clause
// The mounted file systems: /proc/PID/mounts, mountinfo, mountstats; /proc/filesystems.
#include <linux/mount.h>

#include "file/path.h"
#include "file/root.h"
#include "inspect/proc.h"

#define ESCAPE " \t\n\\"

static void add_options(struct text *t, const struct file_system *fs)
{
    text_add(t, "%s", fs->read_only ? "ro" : "rw");
    text_add(t, "%s%s%s", fs->flags & MS_NOSUID ? ",nosuid" : "",
             fs->flags & MS_NODEV ? ",nodev" : "", fs->flags & MS_NOEXEC ? ",noexec" : "");
    text_add(t, ",relatime");
}

static int show(struct text *t, void (*line)(struct text *t, const struct file_system *fs))
{
    struct file_system *fs;
    int error = devices_complete();
    if (error)
        return error;
    lock_acquire(&mount_list.lock);
    list_for_each(fs, &mount_list.mounts, mounts) line(t, fs);
    lock_release(&mount_list.lock);
    return 0;
}

static void add_names(struct text *t, const struct file_system *fs)
{
    text_add_escaped(t, fs->source ? fs->source : "none", ESCAPE);
    text_add(t, " ");
    text_add_escaped(t, fs->mount_path ? fs->mount_path : "/", ESCAPE);
}

static void mounts_line(struct text *t, const struct file_system *fs)
{
    add_names(t, fs);
    text_add(t, " %s ", fs->type);
    add_options(t, fs);
    text_add(t, " 0 0\n");
}

// [proc_pid_mountinfo(5)] The tree is flat enough: all mounts hang below the root's. A file system is mounted once, so
// its device is the mount's number, too (statx, /proc/PID/fdinfo).
static void mountinfo_line(struct text *t, const struct file_system *fs)
{
    const struct file_system *root = list_first(&mount_list.mounts, struct file_system, mounts);
    text_add(t, "%u %u %u:%u / ", fs->device, fs == root ? 0 : root->device,
             (fs->device >> 8) & 0xfff, fs->device & 0xff);
    text_add_escaped(t, fs->mount_path ? fs->mount_path : "/", ESCAPE);
    text_add(t, " ");
    add_options(t, fs);
    text_add(t, " - %s ", fs->type);
    text_add_escaped(t, fs->source ? fs->source : "none", ESCAPE);
    text_add(t, " %s\n", fs->read_only ? "ro" : "rw");
}

static void mountstats_line(struct text *t, const struct file_system *fs)
{
    text_add(t, "device ");
    text_add_escaped(t, fs->source ? fs->source : "none", ESCAPE);
    text_add(t, " mounted on ");
    text_add_escaped(t, fs->mount_path ? fs->mount_path : "/", ESCAPE);
    text_add(t, " with fstype %s\n", fs->type);
}

int proc_show_mounts(struct text *t, const struct proc_node *node)
{
    return show(t, mounts_line);
}

int proc_show_mountinfo(struct text *t, const struct proc_node *node)
{
    return show(t, mountinfo_line);
}

int proc_show_mountstats(struct text *t, const struct proc_node *node)
{
    return show(t, mountstats_line);
}

int proc_show_filesystems(struct text *t, const struct proc_node *node)
{
    static const char *const types[] = {"sysfs", "tmpfs", "proc", "devtmpfs", "devpts", "pipefs"};
    for (size_t i = 0; i < array_count(types); i++)
        text_add(t, "nodev\t%s\n", types[i]);
    text_add(t, "\terofs\n");
    return 0;
}
