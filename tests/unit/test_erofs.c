// SPDX-License-Identifier: BSD-3-Clause
// The EROFS reader, on images of mkfs.erofs (make_images.sh), on damaged copies of them, and on a
// hand-made chunked file, which mkfs.erofs 1.5 cannot make without a second device.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crc32c.h"
#include "base/erofs.h"
#include "base/erofs_format.h"
#include "tests/unit/tables.h"

static const char *const images[] = {"plain", "inline", "extended", "compact"};

static u8 *read_image(const char *name, size_t *out_size)
{
    char path[200];

    snprintf(path, sizeof(path), IMAGES "/%s.erofs", name);
    return unit_read_file(path, out_size);
}

// Follows a path of names from the root; no links.
static int walk(const struct erofs *fs, const char *path, struct erofs_inode *out)
{
    int error = erofs_inode_read(fs, fs->root_nid, out);

    while (!error && *path) {
        size_t size = strcspn(path, "/");
        u64 nid = 0;
        error = erofs_lookup(fs, out, path, size, &nid, NULL);
        if (!error)
            error = erofs_inode_read(fs, nid, out);
        path += size + (path[size] == '/');
    }
    return error;
}

static u64 read_all(const struct erofs *fs, const struct erofs_inode *inode, char *to, u64 room)
{
    u64 at = 0, size;
    const void *data;

    while (at < inode->size && !erofs_data(fs, inode, at, &data, &size)) {
        if (size > room - at) {
            unit_fail(__FILE__, __LINE__, "more data than the size says");
            break;
        }
        if (data)
            memcpy(to + at, data, size);
        else
            memset(to + at, 0, size);
        at += size;
    }
    return at;
}

static void check_files(const char *image_name, const struct erofs *fs)
{
    static char text[200000];
    struct erofs_inode inode;
    u64 offset;

    check_equal(walk(fs, "etc/hello", &inode), 0);
    check_equal(inode.mode, S_IFREG | 0644);
    check_equal(inode.nlink, 2);
    check_equal(inode.mtime, 1700000000);
    check_equal(read_all(fs, &inode, text, sizeof(text)), 6);
    check_equal(memcmp(text, "hello\n", 6), 0);
    u64 nid = inode.nid;
    check_equal(walk(fs, "etc/hello_again", &inode), 0);
    check_equal(inode.nid, nid);
    check_equal(walk(fs, "etc/numbers", &inode), 0);
    check_equal(inode.size, 108894);
    check_equal(read_all(fs, &inode, text, sizeof(text)), 108894);
    check_equal(memcmp(text + 108894 - 12, "19999\n20000\n", 12), 0);
    bool plain = !strcmp(image_name, "plain");
    check_equal(erofs_map_offset(fs, &inode, &offset), plain ? 0 : -ENODEV);
    check(!plain || (offset % 4096 == 0 && !memcmp(fs->image + offset, "1\n2\n3\n", 6)));
    check_equal(walk(fs, "etc/nothing", &inode), 0);
    check_equal(inode.size, 0);
    check_equal(read_all(fs, &inode, text, sizeof(text)), 0);
    check_equal(walk(fs, "etc/two_blocks", &inode), 0);
    check_equal(read_all(fs, &inode, text, sizeof(text)), 8192);
    check_equal(text[8191], 'z');
    check_equal(walk(fs, "empty", &inode), 0);
    check_equal(inode.mode, S_IFDIR | 0750);
    check_equal(walk(fs, "dev/fifo", &inode), 0);
    check(S_ISFIFO(inode.mode));
    check_equal(walk(fs, "etc/hello/x", &inode), -ENOTDIR);
    check_equal(walk(fs, "etc/hell", &inode), -ENOENT);
}

static void images_read(void)
{
    for (size_t i = 0; i < array_count(images); i++) {
        struct erofs fs;
        struct erofs_inode inode;
        const char *words, *target;
        size_t size;
        u64 target_size = 0;
        u8 *image = read_image(images[i], &size);

        check_equal(erofs_open(&fs, image, size, &words), 0);
        check_text(words, "fine");
        check_files(images[i], &fs);
        check_equal(walk(&fs, "etc/link", &inode), 0);
        check_equal(erofs_link(&fs, &inode, &target, &target_size), 0);
        check_equal(target_size, 12);
        check_equal(memcmp(target, "../etc/hello", 12), 0);
        free(image);
    }
}

static void directories_iterate_and_find(void)
{
    for (size_t i = 0; i < array_count(images); i++) {
        struct erofs fs;
        struct erofs_inode dir;
        struct erofs_entry e;
        size_t size;
        u64 cursor = 0, nid;
        u32 count = 0;
        u8 type;
        u8 *image = read_image(images[i], &size);

        check_equal(erofs_open(&fs, image, size, NULL), 0);
        check_equal(walk(&fs, "many", &dir), 0);
        check(dir.size > 3 * 4096);
        while (erofs_iterate(&fs, &dir, &cursor, &e) > 0) {
            check_equal(erofs_lookup(&fs, &dir, e.name, e.name_size, &nid, &type), 0);
            check_equal(nid, e.nid);
            check_equal(type, count++ < 2 ? DT_DIR : DT_REG);
        }
        check_equal(count, 1002);
        check_equal(erofs_lookup(&fs, &dir, "a", 1, &nid, NULL), -ENOENT);
        check_equal(erofs_lookup(&fs, &dir, "\x01", 1, &nid, NULL), -ENOENT);
        check_equal(erofs_lookup(&fs, &dir, "zzz", 3, &nid, NULL), -ENOENT);
        check_equal(erofs_lookup(&fs, &dir, "file_with_a_longer_name_0500x", 29, &nid, NULL),
                    -ENOENT);
        for (cursor = 0; cursor < dir.size + 5000;) { // any cursor is safe
            u64 at = cursor;
            check(erofs_iterate(&fs, &dir, &at, &e) >= 0);
            cursor += 7;
        }
        free(image);
    }
}

static void attributes_read(void)
{
    struct erofs fs;
    struct erofs_inode inode;
    struct erofs_xattr x;
    size_t size;
    u8 *image = read_image("inline", &size);

    check_equal(erofs_open(&fs, image, size, NULL), 0);
    check_equal(walk(&fs, "etc/hello", &inode), 0);
    check_equal(erofs_xattr_find(&fs, &inode, "user.colour", &x), 0);
    check_equal(x.value_size, 5);
    check(x.value_size == 5 && !memcmp(x.value, "green", 5));
    check_equal(erofs_xattr_find(&fs, &inode, "user.shared", &x), 0); // stands with the shared ones
    check_equal(x.value_size, 24);
    check_equal(erofs_xattr_find(&fs, &inode, "user.colou", &x), -ENODATA);
    check_equal(erofs_xattr_find(&fs, &inode, "colour", &x), -ENODATA);
    check_equal(walk(&fs, "etc/numbers", &inode), 0);
    check_equal(erofs_xattr_find(&fs, &inode, "user.shared", &x), 0);
    check_equal(walk(&fs, "empty", &inode), 0);
    check_equal(erofs_xattr(&fs, &inode, 0, &x), 0);
    free(image);
}

static void bad_images_are_named(void)
{
    struct erofs fs;
    const char *words;
    size_t size;
    u8 *image = read_image("compressed", &size);
    struct erofs_inode inode;

    int error = erofs_open(&fs, image, size, &words);
    if (!error) // without a feature bit it shows at the file
        error = walk(&fs, "etc/numbers", &inode);
    check_equal(error, -EOPNOTSUPP);
    free(image);
    image = read_image("plain", &size);
    check_equal(erofs_open(&fs, image, 100, &words), -EINVAL);
    check_equal(erofs_open(&fs, image, size - 4096, &words), -EUCLEAN);
    check_text(words, "torn: it is shorter than its superblock says");
    image[EROFS_SUPER_OFFSET + 50]++; // in the UUID: only the checksum tells
    check_equal(erofs_open(&fs, image, size, &words), -EUCLEAN);
    check_text(words, "torn: its superblock is damaged");
    memset(image, 0, 2048);
    check_equal(erofs_open(&fs, image, size, &words), -EINVAL);
    free(image);
}

// Reads everything there is; what it finds does not matter, what it touches does.
static void visit_all(const struct erofs *fs, u64 nid, int depth)
{
    struct erofs_inode inode;
    struct erofs_entry e;
    struct erofs_xattr x;
    const void *data;
    u64 cursor = 0, size;
    volatile u8 sink;

    if (erofs_inode_read(fs, nid, &inode))
        return;
    for (u32 i = 0; i < 4 && erofs_xattr(fs, &inode, i, &x) > 0; i++)
        if (x.value_size)
            sink = ((const u8 *)x.value)[x.value_size - 1];
    if (!erofs_data(fs, &inode, inode.size / 2, &data, &size) && data)
        sink = ((const u8 *)data)[size - 1];
    for (int i = 0; depth && i < 50 && erofs_iterate(fs, &inode, &cursor, &e) > 0; i++)
        visit_all(fs, e.nid, depth - 1);
    (void)sink;
}

static void damaged_images_are_safe(void)
{
    struct erofs fs;
    size_t size;
    u8 *image = read_image("inline", &size), *copy = malloc(size);

    for (int round = 0; round < 300; round++) {
        memcpy(copy, image, size);
        copy[EROFS_SUPER_OFFSET + 8] &= 0xfe; // no checksum
        for (int i = 0; i < 40; i++)
            copy[EROFS_SUPER_OFFSET + 128 + unit_random() % 12000] = (u8)unit_random();
        if (!erofs_open(&fs, copy, size, NULL))
            visit_all(&fs, fs.root_nid, 3);
    }
    free(copy);
    free(image);
}

static void chunked_file_reads(void)
{
    static u8 image[5 * 4096];
    struct erofs fs;
    struct erofs_inode inode;
    char text[3 * 4096];
    struct erofs_disk_super super = {.magic = EROFS_MAGIC, .block_bits = 12, .block_count = 5};
    struct erofs_disk_inode root = {.mode = S_IFDIR | 0755};
    struct erofs_disk_inode file = {
        .format = 4 << 1, .mode = S_IFREG, .size = 2 * 4096 + 10, .u = EROFS_CHUNK_INDEXES};
    struct erofs_disk_chunk chunks[] = {{.block = 3}, {.block = EROFS_CHUNK_HOLE}, {.block = 2}};

    super.root_nid = 64; // 64 * 32 = 2048
    memcpy(image + 1024, &super, sizeof(super));
    memcpy(image + 2048, &root, sizeof(root));
    memcpy(image + 2080, &file, sizeof(file));
    memcpy(image + 2112, chunks, sizeof(chunks));
    memset(image + 2 * 4096, '2', 4096);
    memset(image + 3 * 4096, '3', 4096);
    check_equal(erofs_open(&fs, image, sizeof(image), NULL), 0);
    check_equal(erofs_inode_read(&fs, 65, &inode), 0);
    check_equal(read_all(&fs, &inode, text, sizeof(text)), 2 * 4096 + 10);
    check(text[0] == '3' && text[4095] == '3' && !text[4096] && !text[8191] && text[8192] == '2');
    chunks[2].block = 5;
    memcpy(image + 2112, chunks, sizeof(chunks));
    const void *data;
    u64 size;
    check_equal(erofs_data(&fs, &inode, 8192, &data, &size), -EUCLEAN);
}

const struct unit_test erofs_tests[] = {
    TEST(images_read),
    TEST(directories_iterate_and_find),
    TEST(attributes_read),
    TEST(bad_images_are_named),
    TEST(damaged_images_are_safe),
    TEST(chunked_file_reads),
    {0},
};
