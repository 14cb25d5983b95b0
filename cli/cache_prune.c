// SPDX-License-Identifier: BSD-3-Clause
// Keeps the image cache within its bounds.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cache_index.h"
#include "cli/complain.h"
#include "cli/image_cache.h"
#include "cli/places.h"
#include "cli/text.h"

static int used_before(const void *a, const void *b)
{
    const struct cached_image *x = a, *y = b;
    return (x->used < y->used) - (x->used > y->used);
}

int cache_list(struct cached_image **out_images)
{
    const char *folder = place("images");
    DIR *all = folder ? opendir(folder) : NULL;
    struct dirent *d;
    struct cached_image *images = NULL;
    int count = 0;
    if (!folder)
        return -EIO;
    while (all && (d = readdir(all))) {
        struct stat s;
        const char *path = keep_path(folder, d->d_name);
        if (d->d_name[0] == '.' || lstat(path, &s) || !S_ISREG(s.st_mode))
            continue;
        struct cached_image *more = keep((size_t)(count + 1) * sizeof(*more));
        if (count)
            memcpy(more, images, (size_t)count * sizeof(*more));
        free(images);
        images = more;
        images[count++] = (struct cached_image){path, (uint64_t)s.st_blocks * 512, s.st_mtime};
    }
    if (all)
        closedir(all);
    if (count)
        qsort(images, (size_t)count, sizeof(*images), used_before);
    *out_images = images;
    return count;
}

// Index files whose image has gone.
static void prune_index(void)
{
    const char *images = place("images"), *folder = images ? place("index") : NULL;
    DIR *all = folder ? opendir(folder) : NULL;
    struct dirent *d;
    while (all && (d = readdir(all))) {
        char id[INDEX_ID_SIZE];
        const char *path = keep_path(folder, d->d_name);
        if (d->d_name[0] == '.')
            continue;
        if (index_read_id(path, id) || access(keep_format("%s/%s.clade", images, id), F_OK))
            unlink(path);
    }
    if (all)
        closedir(all);
}

int cache_prune(uint64_t size)
{
    struct cached_image *images = NULL;
    int count = cache_list(&images), removed = 0;
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum += images[i].size;
        if (sum <= size)
            continue;
        if (unlink(images[i].path))
            return complain(errno, "cannot remove %s: %s", images[i].path, strerror(errno));
        removed++;
    }
    prune_index();
    return count < 0 ? count : removed;
}
