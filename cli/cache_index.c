// SPDX-License-Identifier: BSD-3-Clause
// The index files of the image cache. Format, in the machine's own byte order:
//
//     struct index_header
//     struct index_entry, path, NUL     entry_count times
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cache_index.h"
#include "cli/text.h"

#define INDEX_MAGIC    0x3130786469636c43ull // "Clcidx01"
#define INDEX_SIZE_MAX (256u << 20)

struct index_header {
    uint64_t magic;
    uint64_t entry_count;
    char id[40];
};

struct index_entry {
    uint32_t absent, follow;
    uint32_t mode, uid;
    uint64_t device, inode, size;
    int64_t mtime, mtime_ns, ctime, ctime_ns;
};

static void fill(struct index_entry *e, const struct stat *s)
{
    e->mode = s->st_mode;
    e->uid = s->st_uid;
    e->device = s->st_dev;
    e->inode = s->st_ino;
    e->size = (uint64_t)s->st_size;
    e->mtime = s->st_mtim.tv_sec;
    e->mtime_ns = s->st_mtim.tv_nsec;
    e->ctime = s->st_ctim.tv_sec;
    e->ctime_ns = s->st_ctim.tv_nsec;
}

static bool is_as_before(const struct index_entry *old, const char *path)
{
    struct stat s;
    struct index_entry now = {.absent = old->absent, .follow = old->follow};
    int result = pack_look(path, old->follow, &s);
    if (result || old->absent)
        return result && old->absent;
    fill(&now, &s);
    return !memcmp(old, &now, sizeof(now));
}

static int parse(const struct text *t, char out_id[INDEX_ID_SIZE], bool check)
{
    struct index_header header;
    if (t->size < sizeof(header))
        return -ENOENT;
    memcpy(&header, t->bytes, sizeof(header));
    if (header.magic != INDEX_MAGIC || strnlen(header.id, sizeof(header.id)) != INDEX_ID_SIZE - 1)
        return -ENOENT;
    memcpy(out_id, header.id, INDEX_ID_SIZE);
    const char *at = t->bytes + sizeof(header), *end = t->bytes + t->size;
    for (uint64_t i = 0; check && i < header.entry_count; i++) {
        struct index_entry entry;
        if ((size_t)(end - at) <= sizeof(entry))
            return -ENOENT;
        memcpy(&entry, at, sizeof(entry));
        at += sizeof(entry);
        size_t length = strnlen(at, (size_t)(end - at));
        if (length == (size_t)(end - at) || !is_as_before(&entry, at))
            return -ENOENT;
        at += length + 1;
    }
    return 0;
}

static int read_index(const char *path, char out_id[INDEX_ID_SIZE], bool check)
{
    struct text t = {0};
    int result = text_read_file(&t, path, INDEX_SIZE_MAX);
    if (!result)
        result = parse(&t, out_id, check);
    free(t.bytes);
    return result;
}

int index_check(const char *path, char out_id[INDEX_ID_SIZE])
{
    return read_index(path, out_id, /*check=*/true);
}

int index_read_id(const char *path, char out_id[INDEX_ID_SIZE])
{
    return read_index(path, out_id, /*check=*/false);
}

int index_write(const char *path, const char *id, const struct pack *p)
{
    struct index_header header = {.magic = INDEX_MAGIC, .entry_count = p->input_count};
    struct text t = {0};
    snprintf(header.id, sizeof(header.id), "%s", id);
    text_add(&t, &header, sizeof(header));
    for (size_t i = 0; i < p->input_count; i++) {
        const struct pack_input *in = &p->inputs[i];
        struct index_entry entry = {.absent = in->absent, .follow = in->follow};
        if (!in->absent)
            fill(&entry, &in->stat);
        text_add(&t, &entry, sizeof(entry));
        text_add(&t, in->path, strlen(in->path) + 1);
    }
    char *temporary = keep_format("%s.%d", path, (int)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), result = 0;
    if (fd < 0)
        return -errno;
    if (write(fd, t.bytes, t.size) != (ssize_t)t.size)
        result = -EIO;
    if (close(fd) || result || rename(temporary, path)) {
        unlink(temporary);
        result = -EIO;
    }
    free(t.bytes);
    return result;
}
