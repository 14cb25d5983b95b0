// SPDX-License-Identifier: BSD-3-Clause
// An image file as the command line sees it: mapped, its header and manifest checked.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "abi/image.h"
#include "base/erofs.h"
#include "base/manifest.h"

struct image_file {
    const char *path;
    const uint8_t *bytes;
    uint64_t size;
    struct image_header header;
    struct erofs fs;
    struct manifest manifest;
    const char *manifest_text;
};

// Opens and checks all but the content hash. Negative after complain().
int image_file_open(struct image_file *image, const char *path);

// Does the file begin like an image? Looks at 8 bytes.
bool image_file_is_one(int fd);

// The inode of an absolute path in the image, no links followed. -ENOENT, -EUCLEAN.
int image_file_lookup(const struct erofs *fs, const char *path, struct erofs_inode *out);

// The content hash of image bytes, and the header's checksum.
void image_file_hash(const uint8_t *bytes, uint64_t size, uint8_t out_hash[32]);
uint32_t image_file_header_crc(const struct image_header *header);
