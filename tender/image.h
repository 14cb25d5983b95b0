// SPDX-License-Identifier: BSD-3-Clause
// An X.clade, opened and checked: header, manifest, kernel ELF. Everything in it is hostile input.
#pragma once

#include "abi/image.h"
#include "base/elf.h"
#include "base/manifest.h"
#include "base/types.h"

struct image {
    int fd;
    const char *path; // for messages
    const u8 *base;   // mapped read-only, whole
    u64 size;
    struct image_header header; // a copy

    struct manifest manifest;
    struct elf_memory kernel_file;
    struct elf kernel; // offsets are from header.kernel_offset
    struct kernel_note note;
};

// Maps the image at `base`, where nothing is yet; checks the header (magic, version, checksum, size
// against the file's), parses the manifest and the kernel's ELF headers. Returns 0, or -1 after a
// message.
must_check int image_open(struct image *image, int fd, const char *path, u64 base);
