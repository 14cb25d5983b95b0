// SPDX-License-Identifier: BSD-3-Clause
// For a broken invariant of the kernel: says where and what, and ends the member. Never for bad
// input. Asserts stay on in release builds.
#pragma once

#include "base/types.h"

// Prints "panic: FILE:LINE: ..." through the waist and ends the member. On the host (unit tests,
// fuzzers) it prints to stderr and aborts.
no_return printf_like(3, 4) void panic_at(const char *file, int line, const char *format, ...);

#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)
#define assert(x) (likely(x) ? (void)0 : panic("assertion failed: %s", #x))
