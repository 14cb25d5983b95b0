// SPDX-License-Identifier: BSD-3-Clause
// A file for mmap: each page is a run of family memory of its own, or a hole.
#include <stdlib.h>

#include "abi/calls.h"
#include "file/inode.h"
#include "memory/pages.h"
#include "tests/unit/fake_host.h"

struct fake_file {
    struct file file;
    struct inode inode;
    char *pages[FAKE_FILE_PAGES];
    u64 size; // pages
};

static struct fake_file *fake_of(struct file *f)
{
    return container_of(f, struct fake_file, file);
}

static char *page_of(struct fake_file *f, u64 page)
{
    if (!f->pages[page])
        f->pages[page] = pages_alloc(1);
    return f->pages[page];
}

static int fake_map(struct file *file, u64 offset, u64 size, bool shared, struct map_extent *out)
{
    struct fake_file *f = fake_of(file);
    u64 page = offset / PAGE_SIZE, count = 1;

    if (page >= f->size)
        return -ENXIO;
    if (!f->pages[page] && !shared) {
        *out = (struct map_extent){.source = MAP_SOURCE_ZERO, .size = PAGE_SIZE};
        return 0;
    }
    bool hole = !f->pages[page];
    char *first = page_of(f, page);
    if (hole) // within a change of the address space
        inode_mappings_changed(&f->inode, offset, PAGE_SIZE);
    while (page + count < f->size && count * PAGE_SIZE < size &&
           f->pages[page + count] == first + count * PAGE_SIZE)
        count++;
    *out = (struct map_extent){
        .source = MAP_SOURCE_FAMILY, .base = pages_offset(first), .size = count * PAGE_SIZE};
    return 0;
}

static const struct file_ops fake_ops = {.map = fake_map};

struct file *fake_file_create(u32 flags)
{
    struct fake_file *f = calloc(1, sizeof(*f));
    f->file.references = 1;
    f->file.flags = flags;
    f->file.ops = &fake_ops;
    f->file.inode = &f->inode;
    list_init(&f->inode.mappings);
    return &f->file;
}

static void drop_page(struct fake_file *f, u64 page)
{
    if (f->pages[page])
        pages_free(f->pages[page], 1);
    f->pages[page] = NULL;
}

void fake_file_resize(struct file *file, u64 page_count)
{
    struct fake_file *f = fake_of(file);
    u64 old = f->size, low = old < page_count ? old : page_count;
    f->size = page_count;
    inode_mappings_changed(&f->inode, low * PAGE_SIZE, ~0ull);
    for (u64 i = page_count; i < old; i++)
        drop_page(f, i);
}

void fake_file_move(struct file *file, u64 page)
{
    struct fake_file *f = fake_of(file);
    char *old = page_of(f, page);
    f->pages[page] = pages_alloc(1);
    *(u64 *)(void *)f->pages[page] = *(u64 *)(void *)old;
    inode_mappings_changed(&f->inode, page * PAGE_SIZE, PAGE_SIZE);
    pages_free(old, 1);
}

u64 fake_file_word(struct file *file, u64 page)
{
    struct fake_file *f = fake_of(file);
    return f->pages[page] ? *(u64 *)(void *)f->pages[page] : 0;
}

void fake_file_set_word(struct file *file, u64 page, u64 word)
{
    struct fake_file *f = fake_of(file);
    bool hole = !f->pages[page];
    *(u64 *)(void *)page_of(f, page) = word;
    if (hole)
        inode_mappings_changed(&f->inode, page * PAGE_SIZE, PAGE_SIZE);
}

u64 fake_file_size(struct file *file)
{
    return fake_of(file)->size;
}

struct file *file_get(struct file *f)
{
    f->references++;
    return f;
}

void file_put(struct file *file)
{
    struct fake_file *f = fake_of(file);
    assert(file->references > 0);
    if (--file->references > 0)
        return;
    assert(list_empty(&f->inode.mappings));
    for (u64 i = 0; i < FAKE_FILE_PAGES; i++)
        drop_page(f, i);
    free(f);
}

void fake_file_put(struct file *f)
{
    file_put(f);
}
