// SPDX-License-Identifier: BSD-3-Clause
// Images that `clade run PROGRAM` has made, kept for the next time.
//
// Two steps lead to an image. index/KEY, where KEY is a hash of the options and of what the search
// depends on, lists every look at the host's file system that packing took (lstat, stat, and what
// was not there) and the image's ID. If each look shows the same again, images/ID.clade is the
// image. Otherwise packing gathers anew; ID is a hash of what it found: all names, inodes, sizes
// and times.
#pragma once

#include <stdint.h>

#include "cli/option.h"

#define CACHE_SIZE_MAX (4ull << 30) // the images that were used least recently go first

// Opens the image for a program of the host; makes it if need be. argv[0] is the program. Returns a
// descriptor and the image's path, or negative after complain().
int cache_open(const struct settings *s, char **argv, const char **out_path);

struct cached_image {
    const char *path;
    uint64_t size; // that it takes on the disk
    int64_t used;  // s since 1970, to the hour
};

// The images, the one that was used last in front. Returns their number, or negative.
int cache_list(struct cached_image **out_images);

// Removes images until at most `size` bytes are left, and index entries that lead nowhere. Returns
// the number of images removed, or negative.
int cache_prune(uint64_t size);
