// SPDX-License-Identifier: BSD-3-Clause
// Opens image files and checks them, with the same readers as the kernel and the tender have.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "cli/blake2b.h"
#include "cli/complain.h"
#include "cli/image_file.h"
#include "cli/text.h"

bool image_file_is_one(int fd)
{
    uint64_t magic = 0;
    return pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) && magic == IMAGE_MAGIC;
}

int image_file_lookup(const struct erofs *fs, const char *path, struct erofs_inode *out)
{
    uint64_t nid = fs->root_nid;
    int result = erofs_inode_read(fs, nid, out);
    while (!result && *(path += strspn(path, "/"))) {
        size_t size = strcspn(path, "/");
        result = erofs_lookup(fs, out, path, size, &nid, NULL);
        if (!result)
            result = erofs_inode_read(fs, nid, out);
        path += size;
    }
    return result;
}

void image_file_hash(const uint8_t *bytes, uint64_t size, uint8_t out_hash[32])
{
    struct blake2b b;
    blake2b_start(&b, 32);
    blake2b_add(&b, bytes + IMAGE_HEADER_SIZE, size - IMAGE_HEADER_SIZE);
    blake2b_end(&b, out_hash);
}

uint32_t image_file_header_crc(const struct image_header *header)
{
    struct image_header copy = *header;
    copy.header_crc = 0;
    return ~crc32c(~0u, &copy, sizeof(copy));
}

static int map_image(struct image_file *image)
{
    struct stat s;
    int fd = open(image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // it may be a FIFO
    if (fd < 0)
        return complain(errno, "cannot read %s: %s", image->path, strerror(errno));
    int result = fstat(fd, &s) ? -errno : 0;
    if (!result && S_ISREG(s.st_mode) && s.st_size >= IMAGE_HEADER_SIZE && image_file_is_one(fd)) {
        image->size = (uint64_t)s.st_size;
        image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (image->bytes == MAP_FAILED)
            result = -errno;
    } else if (!result) {
        result = -ENOEXEC;
    }
    close(fd);
    if (result == -ENOEXEC)
        return complain(ENOEXEC, "%s: not a Clade image", image->path);
    return result ? complain(-result, "cannot read %s: %s", image->path, strerror(-result)) : 0;
}

static int check_header(struct image_file *image)
{
    struct image_header *h = &image->header;
    memcpy(h, image->bytes, sizeof(*h));
    if (h->version != IMAGE_VERSION || h->size < sizeof(*h))
        return complain(ENOEXEC, "%s: made by another version of clade (format %u, this is %u)",
                        image->path, h->version, IMAGE_VERSION);
    if (image_file_header_crc(h) != h->header_crc)
        return complain(ENOEXEC, "%s: torn: the header's checksum is wrong", image->path);
    if (h->image_size != image->size)
        return complain(ENOEXEC, "%s: torn: %llu bytes of %llu are there", image->path,
                        (unsigned long long)image->size, (unsigned long long)h->image_size);
    if (h->manifest_size > MANIFEST_SIZE_MAX || h->manifest_offset > image->size ||
        h->manifest_size > image->size - h->manifest_offset)
        return complain(ENOEXEC, "%s: torn: the manifest lies outside the file", image->path);
    return 0;
}

int image_file_open(struct image_file *image, const char *path)
{
    *image = (struct image_file){.path = path};
    int result = map_image(image);
    if (!result)
        result = check_header(image);
    if (result < 0)
        return result;
    const char *words = NULL;
    if (erofs_open(&image->fs, image->bytes, image->size, &words) < 0)
        return complain(ENOEXEC, "%s: torn: %s", path, words);
    const struct image_header *h = &image->header;
    image->manifest_text =
        keep_string_size((const char *)image->bytes + h->manifest_offset, h->manifest_size);
    struct manifest_error error;
    if (manifest_parse(&image->manifest, image->manifest_text, strlen(image->manifest_text),
                       keep(MANIFEST_SIZE_MAX), &error) < 0)
        return complain(ENOEXEC, "%s: manifest line %u: %s", path, error.line, error.words);
    return 0;
}
