// SPDX-License-Identifier: BSD-3-Clause
// Where a mapping goes that names no address: the highest gap below map_top that is large enough.
//
// To find it without walking all areas each time, the space remembers where the last search ended
// (search_top) and the largest gap that it passed over (search_gap): a mapping larger than that
// needs to look only below search_top. A gap that opens above search_top moves it up.
//
// There is no host call that moves private memory, so a large block that realloc grows had better
// stay where it is: above large writable areas their own size is kept free, and more once one was
// moved. Only when nothing else is left is that room given to others.
#include "memory/area.h"

#include "abi/boot.h"

#define ROOM_MAX       (1ull << 30) // of a large area
#define ROOM_MOVED_MAX (1ull << 36) // of one that was moved: it grows
#define ROOM_AREAS_MAX 16384        // room costs the host a mapping each: see vm.max_map_count
#define LOW_BOTTOM     0x40000000ull
#define LOW_TOP        0x80000000ull

u64 place_room(const struct area *a)
{
    if (a->flags & AREA_MOVED)
        return min(page_round_up(area_size(a) * 16), (u64)ROOM_MOVED_MAX);
    return a->flags & AREA_ROOM ? min(area_size(a), (u64)ROOM_MAX) : 0;
}

struct search {
    u64 size, align, room;
    uaddr_t bottom, top; // the place lies in between
    bool greedy;         // takes the room of others
    uaddr_t reached;     // out: where the search ended
    u64 passed;          // out: the largest gap passed over
};

static uaddr_t gap_place(const struct search *q, uaddr_t low, uaddr_t high)
{
    if (high < low || high - low < q->size)
        return 0;
    u64 room = high - low - q->size < q->room ? 0 : q->room;
    uaddr_t at = (high - room - q->size) & ~(q->align - 1);
    if (at < low)
        at = (high - q->size) & ~(q->align - 1);
    return at >= low ? at : 0;
}

static uaddr_t search_down(const struct address_space *s, struct search *q)
{
    uaddr_t high = q->top;
    struct area *above = area_at(s, high ? high - 1 : 0);
    struct area *below;

    if (above && above->start < high) { // top lies within an area
        high = above->start;
        below = area_previous(above);
    } else {
        below =
            above ? area_previous(above) : (s->areas.root ? area_of(tree_last(&s->areas)) : NULL);
    }
    for (;;) {
        uaddr_t low = q->bottom;
        if (below)
            low = max(low, below->end + (q->greedy ? 0 : place_room(below)));
        uaddr_t at = gap_place(q, low, high);
        q->reached = at ? at : high;
        if (at)
            return at;
        if (high > low)
            q->passed = max(q->passed, high - low);
        if (!below || below->start <= q->bottom)
            return 0;
        high = below->start;
        below = area_previous(below);
    }
}

uaddr_t place_find(struct address_space *s, u64 size, u64 align, u64 room)
{
    struct search q = {.size = size, .align = align, .bottom = s->map_bottom};
    q.room = s->area_count < ROOM_AREAS_MAX ? room : 0;
    bool below_only = size > s->search_gap;

    s->search_top = min(s->search_top, s->map_top);
    q.top = below_only ? s->search_top : s->map_top;
    uaddr_t at = search_down(s, &q);
    s->search_top = q.reached;
    s->search_gap = below_only ? max(s->search_gap, q.passed) : q.passed;
    if (at && q.room) // the room above is no gap for others, but what alignment left may be
        s->search_gap = max(s->search_gap, (u64)align);
    if (at)
        return at;
    q = (struct search){.size = size,
                        .align = PAGE_SIZE,
                        .bottom = s->map_bottom,
                        .top = s->map_top,
                        .greedy = true};
    return search_down(s, &q);
}

uaddr_t place_find_low(struct address_space *s, u64 size)
{
    struct search q = {.size = size, .align = PAGE_SIZE, .bottom = LOW_BOTTOM, .top = LOW_TOP};
    return search_down(s, &q);
}

void place_freed(struct address_space *s, uaddr_t start, uaddr_t end)
{
    if (start >= s->map_top || end <= s->search_top)
        return;
    struct area *above = area_at(s, end - 1);
    s->search_top = above && above->start < s->map_top ? max(above->start, end) : s->map_top;
}

bool place_free(const struct address_space *s, uaddr_t at, u64 size)
{
    struct area *a = area_at(s, at);
    return !a || a->start >= at + size;
}

// The gap around or next to `near` that is nearest to it, at most `distance` away.
uaddr_t address_space_find_near(struct address_space *s, uaddr_t near, u64 distance, u64 size)
{
    uaddr_t bottom = near > distance + USER_LOW ? page_round_up(near - distance) : USER_LOW;
    uaddr_t top = min(near + distance, (u64)USER_HIGH) & PAGE_MASK;
    struct search q = {.size = size,
                       .align = PAGE_SIZE,
                       .bottom = bottom,
                       .top = near & PAGE_MASK,
                       .greedy = true};

    space_begin(s);
    uaddr_t below = search_down(s, &q);
    uaddr_t above = 0;
    struct area *a = area_at(s, near);
    for (uaddr_t low = near & PAGE_MASK; !above && low < top; a = area_next(a)) {
        uaddr_t high = a ? min(a->start, top) : top;
        if (high > low && high - low >= size)
            above = low;
        if (!a)
            break;
        low = a->end;
    }
    space_end(s);
    if (!above || !below)
        return above ? above : below;
    return above - near < near - below ? above : below;
}
