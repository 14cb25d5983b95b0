// SPDX-License-Identifier: BSD-3-Clause
// The basic types, attributes and error convention of the kernel. Everything includes this.
//
// Errors: 0 or a count, or a negative errno, in an int or s64. Results go through out-parameters.
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/errno.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef s64 ssize_t_k; // only where the ABI says ssize_t

// An address in user memory. An integer, so that it cannot be dereferenced: only
// memory/user_copy.c turns it into a pointer.
typedef u64 uaddr_t;

#define must_check      __attribute__((warn_unused_result))
#define no_return       __attribute__((noreturn))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define no_inline       __attribute__((noinline))
#define maybe_unused    __attribute__((unused))
#define likely(x)       __builtin_expect(!!(x), 1)
#define unlikely(x)     __builtin_expect(!!(x), 0)
#define large_data      __attribute__((section(".bss.LARGE"))) // see kernel.ld
#define start_data      __attribute__((section(".bss.START"))) // what each start touches, in files that it does not
#define late_data       __attribute__((section(".late")))      // see platform/late.h
#define array_count(a)  (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
    ((type *)((char *)(ptr) - offsetof(type, member)))

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096ul
#define PAGE_MASK  (~(PAGE_SIZE - 1))

static inline u64 page_round_up(u64 x)
{
    return (x + PAGE_SIZE - 1) & PAGE_MASK;
}

static inline u64 page_round_down(u64 x)
{
    return x & PAGE_MASK;
}

#define min(a, b)                  \
    ({                             \
        __typeof__(a) min_a = (a); \
        __typeof__(b) min_b = (b); \
        min_a < min_b ? min_a : min_b; \
    })
#define max(a, b)                  \
    ({                             \
        __typeof__(a) max_a = (a); \
        __typeof__(b) max_b = (b); \
        max_a > max_b ? max_a : max_b; \
    })
