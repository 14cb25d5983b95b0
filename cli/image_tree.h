// SPDX-License-Identifier: BSD-3-Clause
// The tree of files that will be an image: what stands at each guest path, and where on the host
// its bytes are. Nothing is read or copied here; pack_stage.c does that from the finished tree.
//
//     image_tree_put(tree, "/usr/bin/prog", &from)   // makes /usr and /usr/bin if nobody has named
//     them
//
// A path is absolute and clean. Symbolic links among a path's folders that are in the tree already
// are followed, as the guest will follow them. The last word on a path wins, but a folder never
// turns into anything else.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct node {
    struct node *parent, *next; // siblings are in the order of their names
    struct node *children, *last_child;
    struct node *bucket_next; // in the tree's hash table
    const char *path, *name;  // in the guest; the root is "/" and ""

    struct stat stat;    // of the host's file; for others mode and mtime are set
    const char *host;    // where its bytes are; NULL: in `data`
    const char *target;  // of a symbolic link
    const void *data;    // contents made by clade, stat.st_size bytes
    bool implied;        // a folder that only stands here because something in it does
    struct node *linked; // another name of the same file (hard link), put before
};

#define TREE_BUCKETS 16384

struct image_tree {
    struct node *root;
    uint64_t file_count, byte_count; // regular files, without second names of the same file
    uint64_t node_count;
    struct node *buckets[TREE_BUCKETS];
    struct node *inodes[TREE_BUCKETS]; // regular files of the host with several links
};

struct image_tree *image_tree_new(void);

// The node at exactly this path, no links followed. NULL: none.
struct node *image_tree_find(const struct image_tree *t, const char *path);

// The node that the guest would reach, all links followed. NULL: none, or a loop.
struct node *image_tree_follow(const struct image_tree *t, const char *path);

// Puts a file, folder, link or device there. `from` gives stat, host, target and data, whose
// strings must stay. NULL after complain(): a folder stands in the way of a file, or the other way
// round.
struct node *image_tree_put(struct image_tree *t, const char *path, const struct node *from);

// Folders and files that clade makes itself.
struct node *image_tree_put_folder(struct image_tree *t, const char *path, mode_t mode);
struct node *image_tree_put_text(struct image_tree *t, const char *path, mode_t mode,
                                 const void *data, size_t size);

// The next node in depth-first order; start with t->root, NULL at the end.
struct node *image_tree_next(const struct node *n);
