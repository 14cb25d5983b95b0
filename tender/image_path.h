// SPDX-License-Identifier: BSD-3-Clause
// Finds a file in an image by its absolute path, through symbolic links.
#pragma once

#include "base/erofs.h"

// -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, or the error of a broken image.
must_check int image_path_find(const struct erofs *fs, const char *path, struct erofs_inode *out);
