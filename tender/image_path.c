// SPDX-License-Identifier: BSD-3-Clause
#include "tender/image_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_SIZE_MAX 4096
#define DEPTH_MAX     64
#define LINKS_MAX     40

struct walk {
    const struct erofs *fs;
    char rest[PATH_SIZE_MAX]; // what is still to be walked
    struct erofs_inode parents[DEPTH_MAX];
    u32 depth; // parents[depth] is where we are
    u32 links;
};

// The link's target takes its place in front of what is still to be walked.
static int follow(struct walk *w, const struct erofs_inode *link, const char *behind)
{
    char path[PATH_SIZE_MAX];
    const char *target;
    u64 size, behind_size = strlen(behind) + 1;

    if (++w->links > LINKS_MAX)
        return -ELOOP;
    int error = erofs_link(w->fs, link, &target, &size);
    if (error < 0)
        return error;
    if (!size)
        return -ENOENT;
    if (size + 1 + behind_size > sizeof(path))
        return -ENAMETOOLONG;
    memcpy(path, target, size);
    path[size] = '/';
    memcpy(path + size + 1, behind, behind_size);
    memcpy(w->rest, path, size + 1 + behind_size);
    if (w->rest[0] == '/')
        w->depth = 0;
    return 0;
}

static int step(struct walk *w, const char *name, size_t size, const char *behind, bool *out_moved)
{
    struct erofs_inode next;
    u64 nid;

    *out_moved = false;
    if (!size || (size == 1 && name[0] == '.'))
        return 0;
    if (size == 2 && name[0] == '.' && name[1] == '.') {
        w->depth -= w->depth > 0;
        return 0;
    }
    int error = erofs_lookup(w->fs, &w->parents[w->depth], name, size, &nid, NULL);
    if (!error)
        error = erofs_inode_read(w->fs, nid, &next);
    if (error < 0)
        return error;
    if (S_ISLNK(next.mode)) {
        *out_moved = true;
        return follow(w, &next, behind);
    }
    if (++w->depth == DEPTH_MAX)
        return -ENAMETOOLONG;
    w->parents[w->depth] = next;
    return 0;
}

int image_path_find(const struct erofs *fs, const char *path, struct erofs_inode *out)
{
    struct walk w = {.fs = fs};
    const char *at = w.rest;

    if (strlen(path) >= sizeof(w.rest))
        return -ENAMETOOLONG;
    strcpy(w.rest, path);
    int error = erofs_inode_read(fs, fs->root_nid, &w.parents[0]);
    while (error >= 0 && *at) {
        bool moved;
        size_t size = strcspn(at, "/");
        const char *behind = at + size + (at[size] == '/');
        error = step(&w, at, size, behind, &moved);
        at = moved ? w.rest : behind;
    }
    if (error < 0)
        return error;
    *out = w.parents[w.depth];
    return 0;
}
