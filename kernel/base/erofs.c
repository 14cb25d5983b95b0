// SPDX-License-Identifier: BSD-3-Clause
// Superblock, inodes and file data of EROFS; see base/erofs.h. An inode's number is its place:
// 32-byte slots from meta_offset on. What erofs_inode_read has checked (the ranges of PLAIN and
// INLINE files), the functions that take a struct erofs_inode rely on.
#include <linux/stat.h>

#include "base/crc32c.h"
#include "base/erofs.h"
#include "base/erofs_format.h"
#include "base/string.h"

const void *erofs_bytes(const struct erofs *fs, u64 offset, u64 size)
{
    if (offset > fs->size || size > fs->size - offset)
        return NULL;
    return fs->image + offset;
}

// EROFS stores the CRC-32C of the superblock's block from byte 1024 on, with the checksum field 0.
static bool checksum_is_right(const struct erofs *fs, const struct erofs_disk_super *super)
{
    struct erofs_disk_super copy = *super;
    u64 block_size = 1ull << fs->block_bits;
    u64 size = block_size > EROFS_SUPER_OFFSET ? block_size - EROFS_SUPER_OFFSET : block_size;
    const u8 *at = erofs_bytes(fs, EROFS_SUPER_OFFSET, size);

    if (!at || size < sizeof(copy))
        return false;
    copy.checksum = 0;
    u32 crc = crc32c(~0u, &copy, sizeof(copy));
    return crc32c(crc, at + sizeof(copy), size - sizeof(copy)) == super->checksum;
}

static int open_super(struct erofs *fs, const char **out_words)
{
    struct erofs_disk_super super;
    const void *at = erofs_bytes(fs, EROFS_SUPER_OFFSET, sizeof(super));

    *out_words = "not an EROFS image";
    if (!at)
        return -EINVAL;
    memcpy(&super, at, sizeof(super));
    if (super.magic != EROFS_MAGIC)
        return -EINVAL;
    *out_words = "torn: its superblock is damaged";
    if (super.block_bits < 9 || super.block_bits > 16)
        return -EUCLEAN;
    fs->block_bits = super.block_bits;
    if (super.compat & EROFS_COMPAT_CHECKSUM && !checksum_is_right(fs, &super))
        return -EUCLEAN;
    *out_words = "an EROFS image with features that this version does not read (compression?)";
    if (super.incompat & ~EROFS_INCOMPAT_KNOWN || super.device_count || super.directory_block_bits)
        return -EOPNOTSUPP;
    *out_words = "torn: it is shorter than its superblock says";
    if ((u64)super.block_count << fs->block_bits > fs->size)
        return -EUCLEAN;

    fs->meta_offset = (u64)super.meta_block << fs->block_bits;
    fs->xattr_offset = (u64)super.xattr_block << fs->block_bits;
    fs->root_nid = super.root_nid;
    fs->inode_count = super.inode_count;
    fs->block_count = super.block_count;
    fs->build_time = super.build_time;
    fs->build_time_nsec = super.build_time_nsec;
    return 0;
}

int erofs_open(struct erofs *fs, const void *image, u64 size, const char **out_words)
{
    struct erofs_inode root;
    const char *words;

    *fs = (struct erofs){.image = image, .size = size};
    int error = open_super(fs, &words);
    if (!error) {
        words = "torn: its root directory is damaged";
        error = erofs_inode_read(fs, fs->root_nid, &root);
        if (!error && !S_ISDIR(root.mode))
            error = -EUCLEAN;
    }
    if (out_words)
        *out_words = error ? words : "fine";
    return error;
}

// Fills the fields both forms have; u is the union of block address, device and chunk format.
// Returns the size of the inode on disk, 0 if it lies outside.
static u32 read_fields(const struct erofs *fs, u64 at, struct erofs_inode *out, u16 *out_format,
                       u32 *out_u, u16 *out_xattr_count)
{
    struct erofs_disk_inode i;
    struct erofs_disk_inode_extended x;
    const void *bytes = erofs_bytes(fs, at, sizeof(i));

    if (!bytes)
        return 0;
    memcpy(&i, bytes, sizeof(i));
    *out_format = i.format;
    *out_xattr_count = i.xattr_count;
    out->mode = i.mode;
    if (!(i.format & 1)) {
        out->size = i.size;
        out->mtime = fs->build_time;
        out->mtime_nsec = fs->build_time_nsec;
        out->ino = i.ino;
        out->uid = i.uid;
        out->gid = i.gid;
        out->nlink = i.nlink;
        *out_u = i.u;
        return sizeof(i);
    }
    bytes = erofs_bytes(fs, at, sizeof(x));
    if (!bytes)
        return 0;
    memcpy(&x, bytes, sizeof(x));
    out->size = x.size;
    out->mtime = x.mtime;
    out->mtime_nsec = x.mtime_nsec < 1000000000 ? x.mtime_nsec : 0;
    out->ino = x.ino;
    out->uid = x.uid;
    out->gid = x.gid;
    out->nlink = x.nlink;
    *out_u = x.u;
    return sizeof(x);
}

// PLAIN: all blocks at data_offset. INLINE: all but the last, whose bytes are behind the inode, and
// do not cross a block's end there.
static int check_flat(const struct erofs *fs, struct erofs_inode *inode, u32 block)
{
    u64 block_size = 1ull << fs->block_bits;

    inode->data_offset = (u64)block << fs->block_bits;
    if (inode->layout == EROFS_PLAIN || !inode->size) {
        inode->tail_start = inode->size;
    } else {
        inode->tail_start = (inode->size - 1) & ~(block_size - 1);
        u64 tail_size = inode->size - inode->tail_start;
        if ((inode->tail_offset & (block_size - 1)) + tail_size > block_size)
            return -EUCLEAN;
        if (!erofs_bytes(fs, inode->tail_offset, tail_size))
            return -EUCLEAN;
    }
    if (inode->tail_start && !erofs_bytes(fs, inode->data_offset, inode->tail_start))
        return -EUCLEAN;
    return 0;
}

static int check_chunks(const struct erofs *fs, struct erofs_inode *inode, u32 format)
{
    if (format & 0xffff & ~(EROFS_CHUNK_BITS | EROFS_CHUNK_INDEXES))
        return -EOPNOTSUPP;
    inode->chunk_bits = fs->block_bits + (format & EROFS_CHUNK_BITS);
    inode->chunk_indexes = format & EROFS_CHUNK_INDEXES;
    u64 unit = inode->chunk_indexes ? sizeof(struct erofs_disk_chunk) : sizeof(u32);
    inode->data_offset = (inode->tail_offset + unit - 1) & ~(unit - 1);
    u64 count = inode->size ? ((inode->size - 1) >> inode->chunk_bits) + 1 : 0;
    if (count > fs->size || !erofs_bytes(fs, inode->data_offset, count * unit))
        return -EUCLEAN;
    return 0;
}

int erofs_inode_read(const struct erofs *fs, u64 nid, struct erofs_inode *out)
{
    u16 format, xattr_count;
    u32 u = 0;

    if (nid > fs->size / 32)
        return -EUCLEAN;
    *out = (struct erofs_inode){.nid = nid};
    u64 at = fs->meta_offset + nid * 32;
    u32 inode_size = read_fields(fs, at, out, &format, &u, &xattr_count);
    if (!inode_size || out->size > (1ull << 62))
        return -EUCLEAN;

    if (xattr_count) {
        out->xattr_offset = at + inode_size;
        out->xattr_size = (u32)sizeof(struct erofs_disk_xattr_header) + (xattr_count - 1u) * 4;
        if (!erofs_bytes(fs, out->xattr_offset, out->xattr_size))
            return -EUCLEAN;
    }
    out->layout = (enum erofs_layout)(format >> 1 & 7);
    out->tail_offset = at + inode_size + out->xattr_size;
    if (S_ISCHR(out->mode) || S_ISBLK(out->mode)) { // the kernel's new_encode_dev
        out->major = u >> 8 & 0xfff;
        out->minor = (u & 0xff) | (u >> 12 & 0xfff00);
    }
    if (!S_ISREG(out->mode) && !S_ISDIR(out->mode) && !S_ISLNK(out->mode)) {
        if (!S_ISCHR(out->mode) && !S_ISBLK(out->mode) && !S_ISFIFO(out->mode) &&
            !S_ISSOCK(out->mode))
            return -EUCLEAN;
        out->size = 0;
        out->layout = EROFS_PLAIN;
        return 0;
    }
    switch (out->layout) {
    case EROFS_PLAIN:
    case EROFS_INLINE:
        return check_flat(fs, out, u);
    case EROFS_CHUNKS:
        return check_chunks(fs, out, u);
    default:
        return -EOPNOTSUPP;
    }
}

static int chunk_data(const struct erofs *fs, const struct erofs_inode *inode, u64 offset,
                      const void **out_data, u64 *out_size)
{
    u64 index = offset >> inode->chunk_bits;
    u64 within = offset & ((1ull << inode->chunk_bits) - 1);
    u64 size = min((1ull << inode->chunk_bits) - within, inode->size - offset);
    struct erofs_disk_chunk chunk = {0};

    if (inode->chunk_indexes)
        memcpy(&chunk, fs->image + inode->data_offset + index * sizeof(chunk), sizeof(chunk));
    else
        memcpy(&chunk.block, fs->image + inode->data_offset + index * sizeof(u32), sizeof(u32));
    *out_size = size;
    *out_data = NULL;
    if (chunk.block == EROFS_CHUNK_HOLE)
        return 0;
    if (chunk.device)
        return -EOPNOTSUPP;
    *out_data = erofs_bytes(fs, ((u64)chunk.block << fs->block_bits) + within, size);
    return *out_data ? 0 : -EUCLEAN;
}

int erofs_data(const struct erofs *fs, const struct erofs_inode *inode, u64 offset,
               const void **out_data, u64 *out_size)
{
    *out_data = NULL;
    *out_size = 0;
    if (offset >= inode->size)
        return 0;
    if (inode->layout == EROFS_CHUNKS)
        return chunk_data(fs, inode, offset, out_data, out_size);
    if (offset < inode->tail_start) {
        *out_data = fs->image + inode->data_offset + offset;
        *out_size = inode->tail_start - offset;
    } else {
        *out_data = fs->image + inode->tail_offset + (offset - inode->tail_start);
        *out_size = inode->size - offset;
    }
    return 0;
}

int erofs_link(const struct erofs *fs, const struct erofs_inode *inode, const char **out_target,
               u64 *out_size)
{
    const void *data;
    u64 size;

    if (!S_ISLNK(inode->mode))
        return -EINVAL;
    int error = erofs_data(fs, inode, 0, &data, &size);
    if (error)
        return error;
    // A target is in one piece: it is shorter than a block. The kernel refuses NULs and empty
    // targets too.
    if (!data || size != inode->size || size > 4095 || memchr(data, 0, size))
        return -EUCLEAN;
    *out_target = data;
    *out_size = size;
    return 0;
}

int erofs_map_offset(const struct erofs *fs, const struct erofs_inode *inode, u64 *out_offset)
{
    if (!S_ISREG(inode->mode) || inode->layout != EROFS_PLAIN || fs->block_bits < PAGE_SHIFT)
        return -ENODEV;
    if (!erofs_bytes(fs, inode->data_offset, page_round_up(inode->size)))
        return -ENODEV;
    *out_offset = inode->data_offset;
    return 0;
}
