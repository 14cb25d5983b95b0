// SPDX-License-Identifier: BSD-3-Clause
// The memory and string functions that the compiler and C programmers expect (kernel build only; on
// the host libc has them). General registers only: vector registers are the user's.
//
// Small copies are a few overlapping moves, large ones `rep movsb`, which the CPU does in whole
// cache lines. Loops carry an empty asm statement, or gcc would recognise them and call the
// function from itself.
#include "base/string.h"

#define REP_SIZE 256 // from here on `rep` beats a loop, its start-up of ~30 cycles included

#define keep_loop() __asm__ volatile("")

// Unaligned words that may alias anything.
struct word8 {
    u64 v;
} __attribute__((packed, may_alias));
struct word4 {
    u32 v;
} __attribute__((packed, may_alias));
struct word2 {
    u16 v;
} __attribute__((packed, may_alias));

static inline u64 get8(const void *p)
{
    return ((const struct word8 *)p)->v;
}

static inline void put8(void *p, u64 v)
{
    ((struct word8 *)p)->v = v;
}

// At most 16 bytes, all loaded before any is stored: right for overlapping ranges too.
static inline void move_small(u8 *to, const u8 *from, size_t size)
{
    if (size >= 8) {
        u64 head = get8(from), tail = get8(from + size - 8);
        put8(to, head);
        put8(to + size - 8, tail);
    } else if (size >= 4) {
        u32 head = ((const struct word4 *)from)->v;
        u32 tail = ((const struct word4 *)(from + size - 4))->v;
        ((struct word4 *)to)->v = head;
        ((struct word4 *)(to + size - 4))->v = tail;
    } else if (size >= 2) {
        u16 head = ((const struct word2 *)from)->v;
        u16 tail = ((const struct word2 *)(from + size - 2))->v;
        ((struct word2 *)to)->v = head;
        ((struct word2 *)(to + size - 2))->v = tail;
    } else if (size) {
        *to = *from;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    u8 *d = to;
    const u8 *s = from;

    if (size >= REP_SIZE) {
        __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(size) : : "memory");
        return to;
    }
    if (size <= 16) {
        move_small(d, s, size);
        return to;
    }
    u8 *end = d + size;
    u64 tail0 = get8(s + size - 16), tail1 = get8(s + size - 8);
    for (; size > 16; size -= 16, d += 16, s += 16) {
        put8(d, get8(s));
        put8(d + 8, get8(s + 8));
        keep_loop();
    }
    put8(end - 16, tail0);
    put8(end - 8, tail1);
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    u8 *d = to;
    const u8 *s = from;

    if (size <= 16) {
        move_small(d, s, size);
    } else if ((u64)d - (u64)s >= size) { // unsigned: also true when `to` is below `from`
        if ((u64)s - (u64)d >= size)
            return memcpy(to, from, size);
        // Downwards with overlap: `rep` with a source just above its destination is slow, words are
        // not.
        for (; size >= 8; size -= 8, d += 8, s += 8) {
            put8(d, get8(s));
            keep_loop();
        }
        move_small(d, s, size);
    } else {
        for (; size >= 8; size -= 8) {
            put8(d + size - 8, get8(s + size - 8));
            keep_loop();
        }
        move_small(d, s, size);
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    u8 *d = to;
    u64 pattern = (u8)byte * 0x0101010101010101ull;

    if (size >= REP_SIZE) {
        __asm__ volatile("rep stosb" : "+D"(d), "+c"(size) : "a"(byte) : "memory");
        return to;
    }
    if (size < 8) {
        for (; size; size--) {
            *d++ = (u8)byte;
            keep_loop();
        }
        return to;
    }
    u8 *last = d + size - 8;
    for (; d < last; d += 8) {
        put8(d, pattern);
        keep_loop();
    }
    put8(last, pattern);
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const u8 *x = a, *y = b;

    for (; size >= 8 && get8(x) == get8(y); size -= 8) {
        x += 8;
        y += 8;
    }
    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int byte, size_t size)
{
    for (const u8 *p = s; size; size--, p++)
        if (*p == (u8)byte)
            return (void *)(uintptr_t)p;
    return NULL;
}

size_t strlen(const char *s)
{
    const char *p = s;

    for (; *p; p++)
        keep_loop();
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t size)
{
    size_t n = 0;

    for (; n < size && s[n]; n++)
        keep_loop();
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        keep_loop();
    return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t size)
{
    for (; size && *a && *a == *b; size--, a++, b++)
        keep_loop();
    return size ? (u8)*a - (u8)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (!*s)
            return (char *)(uintptr_t)found;
    }
}

char *strstr(const char *s, const char *word)
{
    size_t size = strlen(word);

    for (;; s++) {
        if (!strncmp(s, word, size))
            return (char *)(uintptr_t)s;
        if (!*s)
            return NULL;
    }
}
