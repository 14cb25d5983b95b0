// SPDX-License-Identifier: BSD-3-Clause
// The inside of path resolution, for path.c and path_open.c only.
#pragma once

#include "file/path.h"

struct walk {
    struct dentry *root; // ".." does not leave it; referenced
    struct dentry *at;   // where we are; referenced
    const char *path;    // what is left
    char *buffer;        // holds path once a link was followed, or NULL
    u32 flags;           // LOOKUP_*
    u32 links;           // followed so far
    bool directory;      // a link at the end had a slash behind it: the end must be a directory
};

// -ENOENT (empty path), -EBADF, -ENOTDIR, -EXDEV. walk_end is needed even then.
must_check int walk_start(struct walk *w, int dirfd, const char *path, u32 flags);
// To the end of the path, or with out_last != NULL to the parent of the last component.
must_check int walk_run(struct walk *w, struct path_last *out_last);
// Goes on at the target of a link found in w->at. -ELOOP, -EXDEV, -ENOENT, -ENOMEM
must_check int walk_link(struct walk *w, struct dentry *link);
void walk_end(struct walk *w);
