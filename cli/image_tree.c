// SPDX-License-Identifier: BSD-3-Clause
// The tree of an image's files: nodes in a hash table by path, and in sorted lists by folder, so
// that the same files always make the same image.
#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "cli/complain.h"
#include "cli/image_tree.h"
#include "cli/text.h"

#define LINKS_MAX 40

static size_t path_bucket(const char *path)
{
    return hash_bytes(path, strlen(path), 0) % TREE_BUCKETS;
}

static size_t inode_bucket(const struct stat *s)
{
    return hash_u64(s->st_ino ^ (uint64_t)s->st_dev << 40) % TREE_BUCKETS;
}

struct image_tree *image_tree_new(void)
{
    struct image_tree *t = keep(sizeof(*t));
    t->root = keep(sizeof(*t->root));
    t->root->path = "/";
    t->root->name = "";
    t->root->implied = true;
    t->root->stat.st_mode = S_IFDIR | 0755;
    t->buckets[path_bucket("/")] = t->root;
    t->node_count = 1;
    return t;
}

struct node *image_tree_find(const struct image_tree *t, const char *path)
{
    struct node *n = t->buckets[path_bucket(path)];
    while (n && strcmp(n->path, path))
        n = n->bucket_next;
    return n;
}

static void insert_child(struct node *parent, struct node *child)
{
    struct node **link = &parent->children;
    // Names mostly come in order: then the end is the place.
    if (parent->last_child && strcmp(parent->last_child->name, child->name) < 0)
        link = &parent->last_child->next;
    while (*link && strcmp((*link)->name, child->name) < 0)
        link = &(*link)->next;
    child->next = *link;
    *link = child;
    child->parent = parent;
    if (!child->next)
        parent->last_child = child;
}

static struct node *new_node(struct image_tree *t, struct node *parent, const char *name)
{
    struct node *n = keep(sizeof(*n));
    n->path = keep_path(parent->path, name);
    n->name = strrchr(n->path, '/') + 1;
    n->implied = true;
    n->stat.st_mode = S_IFDIR | 0755;
    insert_child(parent, n);
    struct node **bucket = &t->buckets[path_bucket(n->path)];
    n->bucket_next = *bucket;
    *bucket = n;
    t->node_count++;
    return n;
}

// Walks one name down from `at`. With `make`, folders that are missing are made. NULL: not there.
static struct node *walk_name(struct image_tree *t, struct node *at, const char *name, bool make)
{
    if (!strcmp(name, "."))
        return at;
    if (!strcmp(name, ".."))
        return at->parent ? at->parent : at;
    struct node *n = image_tree_find(t, keep_path(at->path, name));
    return n || !make ? n : new_node(t, at, name);
}

// Walks `path` from `at`, following links; the last name's too if `follow_last`.
static struct node *walk(struct image_tree *t, struct node *at, const char *path, bool make,
                         bool follow_last, unsigned *links)
{
    char *copy = keep_string(path), *save = NULL;
    if (path[0] == '/')
        at = t->root;
    char *name = strtok_r(copy, "/", &save);
    while (name && at) {
        char *next_name = strtok_r(NULL, "/", &save);
        if (!S_ISDIR(at->stat.st_mode))
            return NULL;
        struct node *n = walk_name(t, at, name, make);
        if (n && S_ISLNK(n->stat.st_mode) && (next_name || follow_last)) {
            if (++*links > LINKS_MAX)
                return NULL;
            n = walk(t, at, n->target, make, true, links);
        }
        at = n;
        name = next_name;
    }
    return at;
}

struct node *image_tree_follow(const struct image_tree *t, const char *path)
{
    unsigned links = 0;
    return walk((struct image_tree *)(uintptr_t)t, t->root, path, false, true, &links);
}

// Finds the first name of a host file with several; remembers this one if it is the first.
static struct node *first_name(struct image_tree *t, struct node *n)
{
    if (!S_ISREG(n->stat.st_mode) || n->stat.st_nlink < 2 || !n->host)
        return NULL;
    struct node **bucket = &t->inodes[inode_bucket(&n->stat)];
    struct node *old = *bucket;
    // One name a bucket: after a collision a hard link becomes a copy, which costs only space.
    if (old && old->stat.st_ino == n->stat.st_ino && old->stat.st_dev == n->stat.st_dev &&
        old != n && !old->linked)
        return old;
    *bucket = n;
    return NULL;
}

static void count(struct image_tree *t, const struct node *n, bool add)
{
    if (!S_ISREG(n->stat.st_mode) || n->linked)
        return;
    uint64_t size = (uint64_t)n->stat.st_size;
    t->file_count += add ? 1 : (uint64_t)-1;
    t->byte_count += add ? size : -size;
}

struct node *image_tree_put(struct image_tree *t, const char *path, const struct node *from)
{
    unsigned links = 0;
    bool folder = S_ISDIR(from->stat.st_mode);
    uint64_t before = t->node_count;
    struct node *n = walk(t, t->root, path, true, folder, &links);
    if (!n) {
        complain(ENOTDIR, "%s: a file that is packed stands in the way of this path", path);
        return NULL;
    }
    bool is_new = t->node_count != before && n->implied && !n->children;
    if (!is_new && folder != S_ISDIR(n->stat.st_mode)) {
        complain(EEXIST, "%s: packed both as a folder and as something else", path);
        return NULL;
    }
    if (!is_new)
        count(t, n, false);
    n->stat = from->stat;
    n->host = from->host;
    n->target = from->target;
    n->data = from->data;
    n->implied = from->implied;
    n->linked = first_name(t, n);
    count(t, n, true);
    return n;
}

struct node *image_tree_put_folder(struct image_tree *t, const char *path, mode_t mode)
{
    struct node from = {.stat.st_mode = S_IFDIR | mode};
    struct node *there = image_tree_follow(t, path);
    return there && !there->implied ? there : image_tree_put(t, path, &from);
}

struct node *image_tree_put_text(struct image_tree *t, const char *path, mode_t mode,
                                 const void *data, size_t size)
{
    struct node from = {.stat.st_mode = S_IFREG | mode, .data = data};
    from.stat.st_size = (off_t)size;
    return image_tree_put(t, path, &from);
}

struct node *image_tree_next(const struct node *n)
{
    if (n->children)
        return n->children;
    while (n && !n->next)
        n = n->parent;
    return n ? n->next : NULL;
}
