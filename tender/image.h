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
    u64 size;
    struct image_header header; // a copy

    struct manifest manifest;
    u8 kernel_start[1024]; // its first bytes: the ELF headers
    struct elf kernel;     // offsets are from header.kernel_offset
    struct kernel_note note;
};

// Checks the header (magic, version, checksum, size against the file's), parses the manifest and the
// kernel's ELF headers. Everything is read, nothing mapped: a page fault costs ten small reads. Returns
// 0, or -1 after a message.
must_check int image_open(struct image *image, int fd, const char *path);
