// SPDX-License-Identifier: BSD-3-Clause
// Directories of EROFS; see base/erofs.h. Names are sorted as bytes within a block and across
// blocks, so a lookup is one binary search over the blocks' first names and one within a block. In
// a hostile image they may not be: then names are not found, nothing worse.
#include <linux/stat.h>

#include "base/erofs.h"
#include "base/erofs_format.h"
#include "base/string.h"

struct directory_block {
    const u8 *data;
    u32 size;  // bytes; less than a block's for the last one
    u32 count; // entries, at least one
};

static int read_block(const struct erofs *fs, const struct erofs_inode *dir, u64 index,
                      struct directory_block *out)
{
    u64 offset = index << fs->block_bits, size;
    u64 wanted = min(1ull << fs->block_bits, dir->size - offset);
    const void *data;
    struct erofs_disk_entry first;
    int error = erofs_data(fs, dir, offset, &data, &size);

    if (error)
        return error;
    if (!data || size < wanted || wanted < sizeof(first))
        return -EUCLEAN;
    memcpy(&first, data, sizeof(first));
    if (first.name_offset < sizeof(first) || first.name_offset % sizeof(first) ||
        first.name_offset >= wanted)
        return -EUCLEAN;
    out->data = data;
    out->size = (u32)wanted;
    out->count = first.name_offset / (u32)sizeof(first);
    return 0;
}

static int read_entry(const struct directory_block *block, u32 index, struct erofs_entry *out)
{
    struct erofs_disk_entry e, next;
    u32 end = block->size;

    memcpy(&e, block->data + index * sizeof(e), sizeof(e));
    if (index + 1 < block->count) {
        memcpy(&next, block->data + (index + 1) * sizeof(e), sizeof(e));
        end = next.name_offset;
    }
    if (e.name_offset < block->count * sizeof(e) || e.name_offset >= end || end > block->size)
        return -EUCLEAN;
    out->name = (const char *)block->data + e.name_offset;
    const char *nul = memchr(out->name, 0, end - e.name_offset);
    out->name_size = nul ? (u32)(nul - out->name) : end - e.name_offset;
    if (!out->name_size || out->name_size > EROFS_NAME_MAX ||
        memchr(out->name, '/', out->name_size))
        return -EUCLEAN;
    // EROFS numbers file types 1 to 7 in the order of the S_IFMT values of ext2's table.
    static const u8 types[] = {0,
                               S_IFREG >> 12,
                               S_IFDIR >> 12,
                               S_IFCHR >> 12,
                               S_IFBLK >> 12,
                               S_IFIFO >> 12,
                               S_IFSOCK >> 12,
                               S_IFLNK >> 12};
    out->type = e.type < array_count(types) ? types[e.type] : 0;
    out->nid = e.nid;
    return 0;
}

static int compare_names(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, min(a_size, b_size));

    return order ? order : (a_size > b_size) - (a_size < b_size);
}

// Finds the last block whose first name is not above `name`, then searches that.
static int find_block(const struct erofs *fs, const struct erofs_inode *dir, const char *name,
                      size_t name_size, struct directory_block *out)
{
    u64 low = 0, high = ((dir->size - 1) >> fs->block_bits) + 1; // [low, high): candidates
    struct erofs_entry first;
    int error;

    while (high - low > 1) {
        u64 middle = low + (high - low) / 2;
        error = read_block(fs, dir, middle, out);
        if (!error)
            error = read_entry(out, 0, &first);
        if (error)
            return error;
        if (compare_names(first.name, first.name_size, name, name_size) <= 0)
            low = middle;
        else
            high = middle;
    }
    return read_block(fs, dir, low, out);
}

int erofs_lookup(const struct erofs *fs, const struct erofs_inode *dir, const char *name,
                 size_t name_size, u64 *out_nid, u8 *out_type)
{
    struct directory_block block;

    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    if (!dir->size || !name_size || name_size > EROFS_NAME_MAX)
        return -ENOENT;
    int error = find_block(fs, dir, name, name_size, &block);
    if (error)
        return error;
    u32 low = 0, high = block.count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        struct erofs_entry e;
        error = read_entry(&block, middle, &e);
        if (error)
            return error;
        int order = compare_names(e.name, e.name_size, name, name_size);
        if (!order) {
            *out_nid = e.nid;
            if (out_type)
                *out_type = e.type;
            return 0;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -ENOENT;
}

// A cursor is the entry's byte in the directory: block number and place in the block's array.
int erofs_iterate(const struct erofs *fs, const struct erofs_inode *dir, u64 *cursor,
                  struct erofs_entry *out)
{
    struct directory_block block;

    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    while (*cursor < dir->size) {
        u64 block_index = *cursor >> fs->block_bits;
        u64 within = *cursor & ((1ull << fs->block_bits) - 1);
        u32 index =
            (u32)((within + sizeof(struct erofs_disk_entry) - 1) / sizeof(struct erofs_disk_entry));
        int error = read_block(fs, dir, block_index, &block);
        if (error)
            return error;
        if (index >= block.count) {
            *cursor = (block_index + 1) << fs->block_bits;
            continue;
        }
        error = read_entry(&block, index, out);
        if (error)
            return error;
        *cursor = (block_index << fs->block_bits) + (index + 1) * sizeof(struct erofs_disk_entry);
        return 1;
    }
    return 0;
}
