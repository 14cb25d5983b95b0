// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the EROFS reader: walks what the image says is its tree, and touches the ends of all that
// the reader hands out. The checksum is switched off: a fuzzer cannot guess it.
#include <stdlib.h>
#include <string.h>

#include "base/erofs.h"
#include "base/erofs_format.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static volatile u8 sink;

static void touch(const void *data, u64 size)
{
    if (data && size)
        sink = ((const u8 *)data)[0] ^ ((const u8 *)data)[size - 1];
}

static void visit(const struct erofs *fs, u64 nid, int depth)
{
    struct erofs_inode inode;
    struct erofs_entry e;
    struct erofs_xattr x;
    const void *data;
    const char *target;
    u64 cursor = 0, size, found;

    if (erofs_inode_read(fs, nid, &inode))
        return;
    for (u32 i = 0; i < 3 && erofs_xattr(fs, &inode, i, &x) > 0; i++) {
        touch(x.name, x.name_size);
        touch(x.value, x.value_size);
    }
    for (u64 at = 0; at < inode.size && at < 1 << 16; at += size) {
        if (erofs_data(fs, &inode, at, &data, &size))
            break;
        touch(data, size);
    }
    if (!erofs_link(fs, &inode, &target, &size))
        touch(target, size);
    if (!erofs_map_offset(fs, &inode, &size) && inode.size)
        touch(fs->image + size, page_round_up(inode.size));
    for (int i = 0; depth && i < 20 && erofs_iterate(fs, &inode, &cursor, &e) > 0; i++) {
        touch(e.name, e.name_size);
        if (!erofs_lookup(fs, &inode, e.name, e.name_size, &found, NULL))
            visit(fs, found, depth - 1);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct erofs fs;

    if (size < 2048)
        return 0;
    u8 *image = malloc(size);
    memcpy(image, data, size);
    image[EROFS_SUPER_OFFSET + offsetof(struct erofs_disk_super, compat)] &= 0xfe;
    if (!erofs_open(&fs, image, size, NULL))
        visit(&fs, fs.root_nid, 3);
    free(image);
    return 0;
}
