// SPDX-License-Identifier: BSD-3-Clause
// Access to user memory. Each instruction that may fault has an entry in the section .fixups: a
// pair of 32-bit distances, from the entry to the instruction and to the place where to go on.
//
// Up to PLAIN_MAX bytes go by plain moves, more by `rep movsb`, which every current CPU does in
// whole cache lines; it also knows how many bytes are left after a fault, so a plain copy that
// faulted is finished by it.
#include "memory/user_copy.h"

#include "abi/boot.h"
#include "base/string.h"

#define PLAIN_MAX 128

struct fixup {
    s32 fault, resume; // from the address of each field itself
};
extern const struct fixup fixups_start[], fixups_end[]; // kernel.ld

#define FIXUP(from, to)                                                                            \
    ".pushsection .fixups, \"a\"\n"                                                                \
    ".balign 4\n"                                                                                  \
    ".long " from " - .\n"                                                                         \
    ".long " to " - .\n"                                                                           \
    ".popsection\n"

u64 user_copy_fixup(u64 pc)
{
    for (const struct fixup *f = fixups_start; f < fixups_end; f++)
        if ((u64)&f->fault + (u64)(s64)f->fault == pc)
            return (u64)&f->resume + (u64)(s64)f->resume;
    return 0;
}

bool user_range(uaddr_t at, u64 size)
{
    return at <= USER_HIGH && size <= USER_HIGH - at;
}

// The two moves of a plain copy; either address may be the user's.
#define MOVE(name, type, move, register)                                                           \
    static inline bool name(u64 to, u64 from)                                                      \
    {                                                                                              \
        type value;                                                                                \
        __asm__ goto("1: " move " (%1), %" register "0\n" FIXUP("1b", "%l[fault]")                 \
                     : "=&r"(value)                                                                \
                     : "r"(from)                                                                   \
                     : "memory"                                                                    \
                     : fault);                                                                     \
        __asm__ goto("1: " move " %" register "0, (%1)\n" FIXUP("1b", "%l[fault]")                 \
                     :                                                                             \
                     : "r"(value), "r"(to)                                                         \
                     : "memory"                                                                    \
                     : fault);                                                                     \
        return true;                                                                               \
    fault:                                                                                         \
        return false;                                                                              \
    }
MOVE(move_u8, u8, "movb", "b")
MOVE(move_u16, u16, "movw", "w")
MOVE(move_u32, u32, "movl", "k")
MOVE(move_u64, u64, "movq", "q")

// Copies up to PLAIN_MAX bytes; the last move overlaps the one before. False after a fault.
static bool copy_plain(u64 to, u64 from, size_t size)
{
    if (size >= 8) {
        for (size_t i = 0; i + 8 <= size; i += 8)
            if (!move_u64(to + i, from + i))
                return false;
        return size % 8 == 0 || move_u64(to + size - 8, from + size - 8);
    }
    if (size >= 4)
        return move_u32(to, from) && move_u32(to + size - 4, from + size - 4);
    if (size >= 2)
        return move_u16(to, from) && move_u16(to + size - 2, from + size - 2);
    return size == 0 || move_u8(to, from);
}

// Returns the number of bytes that could not be copied.
static size_t copy_bytes(u64 to, u64 from, size_t size)
{
    if (size <= PLAIN_MAX && copy_plain(to, from, size))
        return 0;
    __asm__ volatile("1: rep movsb\n2:\n" FIXUP("1b", "2b")
                     : "+D"(to), "+S"(from), "+c"(size)
                     :
                     : "memory");
    return size;
}

int user_read(void *to, uaddr_t from, size_t size)
{
    return user_range(from, size) && copy_bytes((u64)to, from, size) == 0 ? 0 : -EFAULT;
}

int user_write(uaddr_t to, const void *from, size_t size)
{
    return user_range(to, size) && copy_bytes(to, (u64)from, size) == 0 ? 0 : -EFAULT;
}

size_t user_read_partial(void *to, uaddr_t from, size_t size)
{
    return user_range(from, size) ? size - copy_bytes((u64)to, from, size) : 0;
}

size_t user_write_partial(uaddr_t to, const void *from, size_t size)
{
    return user_range(to, size) ? size - copy_bytes(to, (u64)from, size) : 0;
}

int user_copy(uaddr_t to, uaddr_t from, size_t size)
{
    if (!user_range(to, size) || !user_range(from, size))
        return -EFAULT;
    return copy_bytes(to, from, size) == 0 ? 0 : -EFAULT;
}

int user_clear(uaddr_t to, size_t size)
{
    if (!user_range(to, size))
        return -EFAULT;
    __asm__ volatile("1: rep stosb\n2:\n" FIXUP("1b", "2b")
                     : "+D"(to), "+c"(size)
                     : "a"(0)
                     : "memory");
    return size == 0 ? 0 : -EFAULT;
}

int user_is_zero(uaddr_t at, size_t size)
{
    u64 word = 0;
    if (!user_range(at, size))
        return -EFAULT;
    for (size_t i = 0; i < size && !word; i += 8)
        if (!move_u64((u64)&word, at + i))
            return -EFAULT;
    return !word;
}

int user_is_equal(uaddr_t a, uaddr_t b, size_t size)
{
    u64 word = 0, other = 0;
    if (!user_range(a, size) || !user_range(b, size))
        return -EFAULT;
    for (size_t i = 0; i < size && word == other; i += 8)
        if (!move_u64((u64)&word, a + i) || !move_u64((u64)&other, b + i))
            return -EFAULT;
    return word == other;
}

static bool has_zero_byte(u64 x)
{
    return ((x - 0x0101010101010101) & ~x & 0x8080808080808080) != 0;
}

ssize_t_k user_read_string(char *to, uaddr_t from, size_t size)
{
    size_t at = 0;
    while (at < size) {
        if (!user_range(from + at, 1))
            return -EFAULT;
        u64 word = 0;
        if ((from + at) % 8 == 0 && size - at >= 8) { // aligned: does not reach into another page
            if (!move_u64((u64)&word, from + at))
                return -EFAULT;
            memcpy(to + at, &word, sizeof(word));
            if (!has_zero_byte(word)) {
                at += 8;
                continue;
            }
            return (ssize_t_k)(at + strlen(to + at));
        }
        if (!move_u8((u64)(to + at), from + at))
            return -EFAULT;
        if (to[at] == '\0')
            return (ssize_t_k)at;
        at++;
    }
    return -ENAMETOOLONG;
}

int user_read_u32(u32 *out, uaddr_t from)
{
    return user_range(from, 4) && move_u32((u64)out, from) ? 0 : -EFAULT;
}

int user_read_u64(u64 *out, uaddr_t from)
{
    return user_range(from, 8) && move_u64((u64)out, from) ? 0 : -EFAULT;
}

int user_write_u32(uaddr_t to, u32 value)
{
    return user_range(to, 4) && move_u32(to, (u64)&value) ? 0 : -EFAULT;
}

int user_write_u64(uaddr_t to, u64 value)
{
    return user_range(to, 8) && move_u64(to, (u64)&value) ? 0 : -EFAULT;
}

int user_compare_exchange_u32(uaddr_t at, u32 expected, u32 desired, u32 *out_old)
{
    if (!user_range(at, 4))
        return -EFAULT;
    __asm__ goto("1: lock cmpxchgl %2, (%1)\n" FIXUP("1b", "%l[fault]")
                 : "+a"(expected)
                 : "r"(at), "r"(desired)
                 : "memory", "cc"
                 : fault);
    *out_old = expected;
    return 0;
fault:
    return -EFAULT;
}

int user_compare_exchange_u128(uaddr_t at, const u64 expected[2], const u64 desired[2])
{
    u64 low = expected[0], high = expected[1];

    if (!user_range(at, 16))
        return -EFAULT;
    __asm__ goto("1: lock cmpxchg16b (%2)\n" FIXUP("1b", "%l[fault]")
                 : "+a"(low), "+d"(high)
                 : "r"(at), "b"(desired[0]), "c"(desired[1])
                 : "memory", "cc"
                 : fault);
    return low == expected[0] && high == expected[1] ? 0 : -EAGAIN;
fault:
    return -EFAULT;
}

int user_exchange_u32(uaddr_t at, u32 value, u32 *out_old)
{
    if (!user_range(at, 4))
        return -EFAULT;
    __asm__ goto("1: xchgl %0, (%1)\n" FIXUP("1b", "%l[fault]")
                 : "+r"(value)
                 : "r"(at)
                 : "memory"
                 : fault);
    *out_old = value;
    return 0;
fault:
    return -EFAULT;
}

int user_fetch_add_u32(uaddr_t at, u32 value, u32 *out_old)
{
    if (!user_range(at, 4))
        return -EFAULT;
    __asm__ goto("1: lock xaddl %0, (%1)\n" FIXUP("1b", "%l[fault]")
                 : "+r"(value)
                 : "r"(at)
                 : "memory", "cc"
                 : fault);
    *out_old = value;
    return 0;
fault:
    return -EFAULT;
}

// The operations that the CPU has no fetch form of: compare and exchange until nobody came between.
#define FETCH(name, expression)                                                                    \
    int name(uaddr_t at, u32 value, u32 *out_old)                                                  \
    {                                                                                              \
        u32 old, seen;                                                                             \
        int error = user_read_u32(&old, at);                                                       \
        while (!error) {                                                                           \
            error = user_compare_exchange_u32(at, old, expression, &seen);                         \
            if (error || seen == old)                                                              \
                break;                                                                             \
            old = seen;                                                                            \
        }                                                                                          \
        if (!error)                                                                                \
            *out_old = old;                                                                        \
        return error;                                                                              \
    }
FETCH(user_fetch_or_u32, (value | old))
FETCH(user_fetch_and_u32, (value & old))
FETCH(user_fetch_xor_u32, (value ^ old))
