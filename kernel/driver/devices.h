// SPDX-License-Identifier: BSD-3-Clause
// The nodes of /dev. See also file/root.h: devices_mount and device_open.
#pragma once

#include "base/types.h"

struct dentry;
struct file;

// new_encode_dev(3): what st_rdev holds for majors < 4096 and minors < 256.
#define DEVICE(major, minor) (((u32)(major) << 8) | (u32)(minor))
#define DEVICE_MAJOR(d)      (((d) >> 8) & 0xfff)
#define DEVICE_MINOR(d)      (((d)&0xff) | (((d) >> 12) & 0xfff00))

#define MAJOR_PTS 136

// Opens /dev/NAME without a path walk (at boot there is no process that could walk).
// -ENOENT: no such device.
must_check int device_file(const char *name, u32 flags, struct file **out);

// Adds a node, or a directory, under the directory `parent` of a tmpfs. rdevice is for S_IFCHR.
must_check int device_node(struct dentry *parent, const char *name, u32 mode, u32 rdevice, u32 uid,
                           u32 gid);
must_check int device_node_remove(struct dentry *parent, const char *name);
