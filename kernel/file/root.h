// SPDX-License-Identifier: BSD-3-Clause
// The file tree at boot, and what other kinds of file offer to the rest of the kernel.
#pragma once

#include "file/inode.h"

struct boot_info;
struct path_context;

// Mounts the image as / with a writable tmpfs over it, then /dev, /dev/pts, /dev/shm, /proc, /sys, /tmp
// where the image lacks it. *out: root and working directory for the first process.
must_check int root_mount(const struct boot_info *boot, struct path_context **out);

// A tmpfs of its own (for /dev, /dev/shm, mount(2)); its root has mode 1777. type is a static string, and
// the source that /proc/mounts shows. The image may be NULL.
must_check int tmpfs_create(const char *type, const void *image, u64 image_size,
                            struct file_system **out);
// A file of an unlinked inode in a hidden tmpfs: memfd_create(2), MAP_SHARED | MAP_ANONYMOUS. Its path is
// "/NAME (deleted)"; flags O_RDWR ....
must_check int tmpfs_create_file(const char *name, u64 size, u32 flags, struct file **out);
void tmpfs_set_seals(struct file *f, u32 seals); // of a file just made; without it F_SEAL_SEAL
u32 tmpfs_seals(struct inode *i);                // 0 if it is no tmpfs file
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x20 // Linux 6.3
#endif

// Character devices by number: called when an S_IFCHR inode is opened. -ENXIO: no such device.
must_check int device_open(u32 rdevice, struct inode *inode, struct file *f);

// /dev: driver/devices.c. What is in it, and mounted in it, is made when a path first goes there, or by complete.
must_check int devices_mount(void);
must_check int devices_complete(void);
must_check int proc_mount(void);     // /proc, /sys: inspect/proc.c
// Opens the console for descriptor 0, 1 or 2, by the stream kinds in boot info: driver/console.c
must_check int console_open(const struct boot_info *boot, int fd, struct file **out);
// The waist's wait reported these queues ready, or the mailbox changed: driver/console.c
void console_ready(u64 ready);
void console_mailbox(void);
