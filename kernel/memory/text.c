// SPDX-License-Identifier: BSD-3-Clause
// What the kernel itself puts into user memory: pages of its own, and bytes of program text.
#include "memory/area.h"

#include "base/string.h"
#include "file/file.h"
#include "memory/pages.h"
#include "memory/user_copy.h"

int address_space_map_source(struct address_space *s, uaddr_t at, u64 size, u32 flags, u32 source,
                             u64 base, const char *name)
{
    struct area like = {.flags = flags | AREA_KERNEL,
                        .may = flags & AREA_PROTECTION,
                        .name = name,
                        .source = source,
                        .base = base};
    struct list one = LIST_INIT(one);
    int error = -EEXIST;

    space_begin(s);
    if (place_free(s, at, size)) {
        struct area *a = area_create(&like, at, at + size);
        error = a ? 0 : -ENOMEM;
        if (a) {
            list_push_back(&one, &a->link);
            error = pieces_install(s, &one, at, at + size);
        }
    }
    space_end(s);
    return error;
}

int address_space_map_pages(struct address_space *s, uaddr_t at, u64 size, u32 flags,
                            const void *pages, const char *name)
{
    return address_space_map_source(s, at, size, flags | AREA_SHARED, MAP_SOURCE_FAMILY, pages_offset(pages), name);
}

static bool is_text(const struct area *a)
{
    return a->file && (a->flags & AREA_EXEC) &&
           !(a->flags & (AREA_WRITE | AREA_SHARED | AREA_KERNEL)) && a->source != AREA_SOURCE_NONE;
}

// By one store where that can be, so that a CPU that runs there sees the old bytes or the new ones.
static int store(uaddr_t at, const u8 *old, const u8 *new, u32 size)
{
    u64 before[2], after[2];
    u32 offset = at % 16;
    int error;

    if (offset + size > 16) {
        u8 now[16];
        error = user_read(now, at, size);
        if (!error && memcmp(now, old, size) != 0)
            error = -EAGAIN;
        return error ? error : user_write(at, new, size);
    }
    error = user_read(before, at - offset, 16);
    if (error)
        return error;
    memcpy(after, before, 16);
    memcpy((u8 *)before + offset, old, size);
    memcpy((u8 *)after + offset, new, size);
    return user_compare_exchange_u128(at - offset, before, after);
}

// The pages of a that hold [at, end), writable or not.
static int text_writable(struct address_space *s, const struct area *a, uaddr_t at, uaddr_t end, bool writable)
{
    struct area part = *a;

    part.start = page_round_down(at);
    part.end = page_round_up(end);
    part.base += part.start - a->start;
    return mirror_protect(s, &part, a->flags | (writable ? AREA_WRITE : 0));
}

int address_space_patch(struct address_space *s, uaddr_t at, const u8 *old, const u8 *new, u32 size)
{
    int error = -EACCES;

    space_begin(s);
    struct area *a = area_at(s, at);
    if (a && a->start <= at && at + size <= a->end && size <= 16 && is_text(a)) {
        error = text_writable(s, a, at, at + size, true);
        if (!error) {
            error = store(at, old, new, size);
            int back = text_writable(s, a, at, at + size, false);
            error = error ? error : back;
        }
    }
    space_end(s);
    return error;
}

// Up to the end of the area at `at`.
static size_t poke_area(struct address_space *s, const struct area *a, uaddr_t at, const u8 *from, size_t size)
{
    size_t written;

    size = min(size, (size_t)(a->end - at));
    if (a->flags & AREA_WRITE)
        return user_write_partial(at, from, size);
    if ((a->flags & (AREA_SHARED | AREA_KERNEL)) || a->source == AREA_SOURCE_NONE ||
        text_writable(s, a, at, at + size, true))
        return 0;
    written = user_write_partial(at, from, size);
    (void)text_writable(s, a, at, at + size, false); // as it was: the host refuses nothing that it had
    return written;
}

size_t address_space_poke(struct address_space *s, uaddr_t at, const void *from, size_t size)
{
    size_t done = 0, now;

    space_begin(s);
    do {
        struct area *a = area_at(s, at + done);
        now = a && a->start <= at + done ? poke_area(s, a, at + done, (const u8 *)from + done, size - done) : 0;
        done += now;
    } while (now && done < size);
    space_end(s);
    return done;
}

void address_space_patch_all(struct address_space *s, const struct text_patch *patches, u32 count)
{
    if (!count)
        return;
    uaddr_t at = patches[0].at, end = patches[count - 1].at + sizeof(patches[0].new);

    space_begin(s);
    struct area *a = area_at(s, at);
    if (a && a->start <= at && end <= a->end && is_text(a) && !text_writable(s, a, at, end, true)) {
        for (u32 i = 0; i < count; i++)
            (void)store(patches[i].at, patches[i].old, patches[i].new, sizeof(patches[i].new));
        (void)text_writable(s, a, at, end, false); // as it was: the host refuses nothing that it had
    }
    space_end(s);
}
