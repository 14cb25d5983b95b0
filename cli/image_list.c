// SPDX-License-Identifier: BSD-3-Clause
// Lists the files of an image. The image may be hostile: folders that contain themselves end the
// walk, and names go to the terminal without control characters.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/complain.h"
#include "cli/image_list.h"
#include "cli/text.h"

#define DEPTH_MAX 128

struct walk {
    const struct image_file *image;
    struct image_totals *totals;
    bool print;
};

// Bytes of unknown origin for a terminal.
static void print_name(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < 0x20 || c == 0x7f)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
}

static void print_mode(uint32_t mode)
{
    static const char types[] = "?pc?d?b?-?l?s???";
    static const char bits[] = "rwxrwxrwx";
    char text[11];
    text[0] = types[mode >> 12 & 15];
    for (int i = 0; i < 9; i++)
        text[i + 1] = mode & (0400u >> i) ? bits[i] : '-';
    if (mode & S_ISUID)
        text[3] = mode & S_IXUSR ? 's' : 'S';
    if (mode & S_ISGID)
        text[6] = mode & S_IXGRP ? 's' : 'S';
    if (mode & S_ISVTX)
        text[9] = mode & S_IXOTH ? 't' : 'T';
    text[10] = '\0';
    printf("%s", text);
}

static void print_inode(const struct walk *w, const char *path, const struct erofs_inode *inode)
{
    const char *target;
    uint64_t size;
    print_mode(inode->mode);
    printf(" %5u %5u %11llu ", inode->uid, inode->gid, (unsigned long long)inode->size);
    print_name(path, strlen(path));
    if (S_ISLNK(inode->mode) && !erofs_link(&w->image->fs, inode, &target, &size)) {
        printf(" -> ");
        print_name(target, size);
    }
    printf("\n");
}

static void count(struct image_totals *t, const struct erofs_inode *inode)
{
    if (S_ISREG(inode->mode)) {
        t->files++;
        t->bytes += inode->size;
    } else if (S_ISDIR(inode->mode)) {
        t->folders++;
    } else if (S_ISLNK(inode->mode)) {
        t->links++;
    } else {
        t->others++;
    }
}

static bool is_dots(const struct erofs_entry *e)
{
    return (e->name_size == 1 && e->name[0] == '.') ||
           (e->name_size == 2 && e->name[0] == '.' && e->name[1] == '.');
}

static int walk_folder(const struct walk *w, const char *path, const struct erofs_inode *folder,
                       unsigned depth)
{
    uint64_t cursor = 0;
    struct erofs_entry e;
    int result = depth > DEPTH_MAX ? -EUCLEAN : 0;
    while (result >= 0 && (result = erofs_iterate(&w->image->fs, folder, &cursor, &e)) > 0) {
        struct erofs_inode inode;
        if (is_dots(&e))
            continue;
        char *name = keep_string_size(e.name, e.name_size);
        char *child = keep_path(path, name);
        result = erofs_inode_read(&w->image->fs, e.nid, &inode);
        if (result < 0)
            break;
        count(w->totals, &inode);
        if (w->print)
            print_inode(w, child, &inode);
        if (S_ISDIR(inode.mode))
            result = walk_folder(w, child, &inode, depth + 1);
    }
    return result;
}

int image_list(const struct image_file *image, bool print, struct image_totals *out)
{
    struct walk w = {image, out, print};
    struct erofs_inode root;
    int result = erofs_inode_read(&image->fs, image->fs.root_nid, &root);
    if (result >= 0)
        result = walk_folder(&w, "", &root, 0);
    if (result < 0)
        return complain(-result, "%s: torn: its folders can't be read", image->path);
    return 0;
}
