// SPDX-License-Identifier: BSD-3-Clause
#include "base/error_words.h"

#include "base/types.h"

static const struct {
    int error;
    const char *words;
} table[] = {
    { ENOENT, "no such file or directory" },
    { EACCES, "permission denied" },
    { EPERM, "not permitted" },
    { ENOEXEC, "not a program that can run here" },
    { ENOMEM, "not enough memory" },
    { E2BIG, "the arguments and environment are too long" },
    { ELIBBAD, "its program interpreter (dynamic loader) is damaged" },
    { ENOTDIR, "a part of the path is not a directory" },
    { EISDIR, "it is a directory" },
    { ELOOP, "too many symbolic links" },
    { EIO, "the file cannot be read" },
    { EUCLEAN, "the image is damaged" },
    { EFAULT, "its segments do not fit into memory" },
    { EINVAL, "its headers are wrong" },
};

const char *error_words(int error)
{
    for (size_t i = 0; i < array_count(table); i++)
        if (table[i].error == -error)
            return table[i].words;
    return "error";
}
