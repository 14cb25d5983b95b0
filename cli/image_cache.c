// SPDX-License-Identifier: BSD-3-Clause
// Finds and keeps images; image_cache.h says how. One process packs at a time (a lock on images/),
// readers need no lock: files appear whole, by rename, and an open image outlives its name.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/blake2b.h"
#include "cli/cache_index.h"
#include "cli/complain.h"
#include "cli/image_cache.h"
#include "cli/kernel_elf.h"
#include "cli/pack.h"
#include "cli/places.h"
#include "tender/host_cpuid.h"

#define WAIT_STEP_US 10000
#define WAIT_STEPS   300
#define ID_SIZE      16
#define USED_STEP    3600 // s: how exact the time of last use is

// A hash over strings and numbers, each with its end marked.
static void add_string(struct blake2b *b, const char *s)
{
    blake2b_add(b, s ? s : "", s ? strlen(s) + 1 : 1);
}

static void add_strings(struct blake2b *b, const struct strings *s)
{
    blake2b_add(b, &s->count, sizeof(s->count));
    for (size_t i = 0; i < s->count; i++)
        add_string(b, s->items[i]);
}

static const char *end_hash(struct blake2b *b)
{
    uint8_t id[ID_SIZE];
    char *hex = keep(2 * ID_SIZE + 1);
    blake2b_end(b, id);
    for (size_t i = 0; i < ID_SIZE; i++) {
        hex[2 * i] = "0123456789abcdef"[id[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
    }
    return hex;
}

// Does anything depend on the working directory?
static bool is_relative(const struct settings *s, const char *program)
{
    return s->adds.count || s->root || (program[0] != '/' && strchr(program, '/')) ||
           getenv("LD_LIBRARY_PATH");
}

static const char *make_key(const struct settings *s, const char *program)
{
    struct blake2b b;
    uid_t uid = geteuid();
    blake2b_start(&b, ID_SIZE);
    add_string(&b, KERNEL_HASH);
    add_string(&b, program);
    add_string(&b, s->root);
    add_strings(&b, &s->adds);
    add_strings(&b, &s->debs);
    add_strings(&b, &s->rights);
    add_string(&b, s->workdir);
    add_string(&b, getenv("PATH"));
    add_string(&b, getenv("LD_LIBRARY_PATH"));
    blake2b_add(&b, &uid, sizeof(uid));
    if (is_relative(s, program))
        add_string(&b, keep_absolute("."));
    return end_hash(&b);
}

// The ID of what was gathered.
static int make_id(struct pack *p, const char **out_id)
{
    struct blake2b b;
    struct text manifest = {0};
    int result = pack_manifest(p, &manifest);
    if (result < 0)
        return result;
    blake2b_start(&b, ID_SIZE);
    add_string(&b, KERNEL_HASH);
    blake2b_add(&b, manifest.bytes, manifest.size);
    for (const struct node *n = p->tree->root; n; n = image_tree_next(n)) {
        const struct stat *s = &n->stat;
        uint64_t facts[] = {s->st_mode,
                            s->st_dev,
                            s->st_ino,
                            (uint64_t)s->st_size,
                            (uint64_t)s->st_mtim.tv_sec,
                            (uint64_t)s->st_mtim.tv_nsec,
                            (uint64_t)s->st_ctim.tv_sec,
                            (uint64_t)s->st_ctim.tv_nsec};
        if (S_ISDIR(s->st_mode)) // a folder's own size and change time depend on what is not packed
            facts[1] = facts[2] = facts[3] = facts[6] = facts[7] = 0;
        add_string(&b, n->path);
        add_string(&b, n->host);
        add_string(&b, n->target);
        blake2b_add(&b, facts, sizeof(facts));
    }
    *out_id = end_hash(&b);
    return 0;
}

static int open_image(const char *path)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (!fstat(fd, &s) && time(NULL) - s.st_mtime > USED_STEP)
        futimens(fd, NULL);
    return fd;
}

static const char *image_path(const char *images, const char *id)
{
    return keep_format("%s/%s.clade", images, id);
}

// The image that the index leads to, or -ENOENT.
static int find(const char *index, const char *images, const char **out_path)
{
    char id[INDEX_ID_SIZE];
    if (index_check(index, id) < 0)
        return -ENOENT;
    *out_path = image_path(images, id);
    return open_image(*out_path);
}

static int make(const struct settings *s, char **argv, const char *index, const char *images,
                const char **out_path)
{
    struct pack p;
    struct settings packing = *s;
    const char *id;
    int result = pack_gather(&p, &packing, 1, argv);
    if (result < 0)
        return result;
    p.arguments.count = 0; // each run brings its own
    const char *here = keep_absolute(".");
    const struct node *folder = image_tree_follow(p.tree, here);
    if (!packing.workdir && s->adds.count && folder && !folder->implied)
        packing.workdir = here;
    result = make_id(&p, &id);
    if (result < 0)
        return -EIO;
    *out_path = image_path(images, id);
    int fd = open_image(*out_path);
    if (fd < 0) {
        (void)cache_prune(CACHE_SIZE_MAX > p.tree->byte_count ? CACHE_SIZE_MAX - p.tree->byte_count
                                                              : 0);
        if (pack_write(&p, *out_path) < 0)
            return -EIO;
        host_cpuid_write(place_file("cpuid", /*make=*/false));
        fd = open_image(*out_path);
    }
    if (fd < 0)
        return complain(EIO, "cannot read %s: %s", *out_path, strerror(-fd));
    index_write(index, id, &p); // without it the next start only has more to do
    return fd;
}

// One clade at a time makes images for the cache. Says so if that takes long.
static bool lock_images(int folder)
{
    for (int i = 0; i < WAIT_STEPS; i++) {
        if (flock(folder, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return false;
        usleep(WAIT_STEP_US);
    }
    warn("another clade is making an image for the cache; waiting for it");
    return flock(folder, LOCK_EX) == 0;
}

int cache_open(const struct settings *s, char **argv, const char **out_path)
{
    const char *images = place("images"), *folder = images ? place("index") : NULL;
    if (!folder)
        return -EIO;
    const char *index = keep_path(folder, make_key(s, argv[0]));
    int fd = find(index, images, out_path);
    if (fd >= 0)
        return fd;
    int lock = open(images, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock >= 0 && lock_images(lock))
        fd = find(index, images, out_path); // somebody may have made it meanwhile
    if (fd < 0)
        fd = make(s, argv, index, images, out_path);
    if (lock >= 0)
        close(lock);
    return fd;
}
