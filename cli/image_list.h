// SPDX-License-Identifier: BSD-3-Clause
// Walks all files of an image.
#pragma once

#include "cli/image_file.h"

struct image_totals {
    uint64_t files, folders, links, others;
    uint64_t bytes; // of regular files
};

// Counts, and prints a line a file if asked to. Negative after complain().
int image_list(const struct image_file *image, bool print, struct image_totals *out);
