// SPDX-License-Identifier: BSD-3-Clause
// The host's side of the areas: after each change the host has mapped exactly what the areas say. A
// preloaded space has no host calls: its memory lies there readable and writable, and is cleared
// when it is handed out a second time.
#include "memory/area.h"

#include "abi/boot.h"
#include "base/panic.h"
#include "memory/user_copy.h"
#include "platform/platform.h"

#define PART_MAX (USER_LENGTH_MAX / 2) // of one call

// The never used part of a preloaded heap shrinks by [start, end); the rest of it is cleared.
static int preloaded_map(struct address_space *s, uaddr_t start, uaddr_t end)
{
    uaddr_t clean_start = max(s->clean_start, start);
    uaddr_t clean_end = min(s->clean_end, end);

    if (start < s->map_bottom || end > s->map_top)
        return -ENOMEM;
    if (clean_start >= clean_end)
        return user_clear(start, end - start);
    int error = user_clear(start, clean_start - start);
    if (!error)
        error = user_clear(clean_end, end - clean_end);
    if (clean_start == s->clean_start)
        s->clean_start = clean_end;
    else
        s->clean_end = clean_start;
    return error;
}

void mirror_huge(struct address_space *s, const struct area *a)
{
    if (a->source != MAP_SOURCE_ZERO || s->preloaded)
        return;
    for (uaddr_t at = a->start; at < a->end; at += PART_MAX)
        (void)!platform_protect(at, min(a->end - at, PART_MAX), MAP_HUGE); // only a hint
}

int mirror_map(struct address_space *s, const struct area *a, u32 flags)
{
    u32 prot = flags & AREA_PROTECTION;

    if (a->source == AREA_SOURCE_NONE)
        return 0;
    if (s->preloaded)
        return a->source == MAP_SOURCE_ZERO ? preloaded_map(s, a->start, a->end) : -ENODEV;
    for (uaddr_t at = a->start; at < a->end; at += PART_MAX) {
        u64 base = a->source == MAP_SOURCE_ZERO ? 0 : a->base + (at - a->start);
        int error = platform_map(at, min(a->end - at, PART_MAX), prot, a->source, base);
        if (error)
            return error;
    }
    if (a->flags & AREA_HUGE)
        mirror_huge(s, a);
    return 0;
}

int mirror_protect(struct address_space *s, const struct area *a, u32 flags)
{
    if (a->source == AREA_SOURCE_NONE || s->preloaded)
        return 0;
    for (uaddr_t at = a->start; at < a->end; at += PART_MAX) {
        int error = platform_protect(at, min(a->end - at, PART_MAX), flags & AREA_PROTECTION);
        if (error)
            return error;
    }
    return 0;
}

void mirror_unmap(struct address_space *s, uaddr_t start, uaddr_t end)
{
    if (s->preloaded)
        return;
    for (uaddr_t at = start; at < end; at += PART_MAX)
        (void)platform_unmap(at, min(end - at, PART_MAX)); // fails only for what is no user memory
}

void mirror_discard(struct address_space *s, uaddr_t start, uaddr_t end)
{
    if (s->preloaded) {
        int error = user_clear(start, end - start);
        assert(!error); // this memory is always there
        return;
    }
    for (uaddr_t at = start; at < end; at += PART_MAX)
        (void)platform_discard(at, min(end - at, PART_MAX));
}
