// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes of EROFS; see base/erofs.h. An inode has a header, the numbers of the
// attributes it shares with others (in 4-byte units from xattr_offset on), then attributes of its
// own.
#include "base/erofs.h"
#include "base/erofs_format.h"
#include "base/string.h"

static const char *const prefixes[] = {
    "",        "user.",     "system.posix_acl_access", "system.posix_acl_default", "trusted.",
    "lustre.", "security.",
};

// The attribute at `offset`, which must end by `end`; *out_next is where the next one begins.
static int read_attribute(const struct erofs *fs, u64 offset, u64 end, struct erofs_xattr *out,
                          u64 *out_next)
{
    struct erofs_disk_xattr x;

    if (offset > end || end - offset < sizeof(x) || !erofs_bytes(fs, offset, end - offset))
        return -EUCLEAN;
    memcpy(&x, fs->image + offset, sizeof(x));
    u64 size = sizeof(x) + x.name_size + x.value_size;
    if (size > end - offset || !x.prefix || x.prefix >= array_count(prefixes))
        return -EUCLEAN;
    const u8 *at = fs->image + offset + sizeof(x);
    *out = (struct erofs_xattr){
        .prefix = prefixes[x.prefix],
        .name = (const char *)at,
        .name_size = x.name_size,
        .value = at + x.name_size,
        .value_size = x.value_size,
    };
    *out_next = offset + ((size + 3) & ~3ull);
    return 0;
}

int erofs_xattr(const struct erofs *fs, const struct erofs_inode *inode, u32 index,
                struct erofs_xattr *out)
{
    struct erofs_disk_xattr_header header;
    u64 at = inode->xattr_offset, end = at + inode->xattr_size, next;

    if (inode->xattr_size < sizeof(header))
        return 0;
    memcpy(&header, fs->image + at, sizeof(header));
    at += sizeof(header);
    if (header.shared_count * 4ull > end - at)
        return -EUCLEAN;
    if (index < header.shared_count) {
        u32 id;
        memcpy(&id, fs->image + at + index * 4ull, sizeof(id));
        int error = read_attribute(fs, fs->xattr_offset + id * 4ull, fs->size, out, &next);
        return error ? error : 1;
    }
    at += header.shared_count * 4ull;
    for (index -= header.shared_count; at < end; index--, at = next) {
        int error = read_attribute(fs, at, end, out, &next);
        if (error)
            return error;
        if (!index)
            return 1;
    }
    return 0;
}

int erofs_xattr_find(const struct erofs *fs, const struct erofs_inode *inode, const char *name,
                     struct erofs_xattr *out)
{
    size_t name_size = strlen(name);
    int result;

    for (u32 i = 0; (result = erofs_xattr(fs, inode, i, out)) > 0; i++) {
        size_t prefix_size = strlen(out->prefix);
        if (name_size == prefix_size + out->name_size && !memcmp(name, out->prefix, prefix_size) &&
            !memcmp(name + prefix_size, out->name, out->name_size))
            return 0;
    }
    return result < 0 ? result : -ENODATA;
}
