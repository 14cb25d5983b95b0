// SPDX-License-Identifier: BSD-3-Clause
#include "tender/image.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/boot.h"
#include "base/crc32c.h"
#include "tender/message.h"

// Reads exactly size bytes: 0, or -1 after a message.
static int read_whole(const struct image *image, void *to, u64 size, u64 offset)
{
    ssize_t count = pread(image->fd, to, size, (off_t)offset);

    if (count == (ssize_t)size)
        return 0;
    if (count < 0)
        return message_image(image->path, "can't read it: %s", message_error(errno));
    return message_image(image->path, "torn image: it became shorter");
}

static bool lies_within(u64 offset, u64 size, u64 whole)
{
    return offset <= whole && size <= whole - offset;
}

static int check_header(struct image *image)
{
    struct image_header *h = &image->header;
    u32 crc = h->header_crc;

    if (h->magic != IMAGE_MAGIC)
        return message_image(image->path, "not a Clade image");
    if (h->version != IMAGE_VERSION)
        return message_image(image->path,
                             "made for version %u of the image format; this is %u: "
                             "build it anew",
                             h->version, IMAGE_VERSION);
    h->header_crc = 0;
    if (h->size != sizeof(*h) || ~crc32c(~0u, h, sizeof(*h)) != crc)
        return message_image(image->path, "torn image: the header's checksum is wrong");
    if (image->size < h->image_size)
        return message_image(image->path, "torn image: %llu bytes of %llu are there",
                             (unsigned long long)image->size, (unsigned long long)h->image_size);
    if (h->kernel_offset % PAGE_SIZE ||
        !lies_within(h->kernel_offset, h->kernel_size, h->image_size))
        return message_image(image->path, "torn image: no kernel where the header says");
    if (h->manifest_size > MANIFEST_SIZE_MAX ||
        !lies_within(h->manifest_offset, h->manifest_size, h->image_size))
        return message_image(image->path, "torn image: no manifest where the header says");
    image->size = h->image_size;
    return 0;
}

static int read_manifest(struct image *image)
{
    static char text[2 * MANIFEST_SIZE_MAX]; // and the strings close behind it: often in one page
    u64 size = image->header.manifest_size;
    struct manifest_error error;

    if (read_whole(image, text, size, image->header.manifest_offset))
        return -1;
    if (manifest_parse(&image->manifest, text, size, text + size, &error) < 0)
        return message_image(image->path, "bad manifest, line %u: %s", error.line, error.words);
    return 0;
}

static int kernel_read(void *arg, u64 offset, void *to, size_t size)
{
    const struct image *image = arg;

    if (offset + size <= sizeof(image->kernel_start)) {
        memcpy(to, image->kernel_start + offset, size);
        return 0;
    }
    return read_whole(image, to, size, image->header.kernel_offset + offset) ? -EIO : 0;
}

static int read_kernel(struct image *image)
{
    struct elf *elf = &image->kernel;
    u64 size = image->header.kernel_size;

    if (read_whole(image, image->kernel_start, min(size, sizeof(image->kernel_start)),
                   image->header.kernel_offset))
        return -1;
    if (elf_open(elf, (struct elf_source){kernel_read, image, size}) < 0)
        return message_image(image->path, "its kernel: %s", elf_fault_words(elf->fault));
    if (elf_note(elf, "Clade", KERNEL_NOTE_TYPE, &image->note, sizeof(image->note)) !=
        (int)sizeof(image->note))
        return message_image(image->path, "its kernel is not Clade's");
    if (image->note.abi_version != BOOT_VERSION)
        return message_image(image->path,
                             "its kernel speaks version %u of the waist; this is %u: "
                             "build it anew",
                             image->note.abi_version, BOOT_VERSION);
    return 0;
}

int image_open(struct image *image, int fd, const char *path)
{
    struct stat status;

    image->fd = fd;
    image->path = path ? path : "image";
    if (fstat(fd, &status))
        return message_image(image->path, "can't read it: %s", message_error(errno));
    if (!S_ISREG(status.st_mode))
        return message_image(image->path, "not a file");
    image->size = (u64)status.st_size;
    if (image->size < sizeof(image->header))
        return message_image(image->path, "not a Clade image");
    if (read_whole(image, &image->header, sizeof(image->header), 0) || check_header(image))
        return -1;
    return read_manifest(image) || read_kernel(image) ? -1 : 0;
}
