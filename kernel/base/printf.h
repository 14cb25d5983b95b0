// SPDX-License-Identifier: BSD-3-Clause
// Formatting: %d %i %u %x %X %o %c %s %p %% with flags - 0 + space #, width, precision, *, and the sizes
// hh h l ll z. %s of NULL prints (null). C11 7.21.6.1, without floating point.
#pragma once

#include "base/types.h"

// Write at most size bytes, the terminator included; return the length the whole text has.
printf_like(3, 4) int snprintf(char *to, size_t size, const char *format, ...);
int vsnprintf(char *to, size_t size, const char *format, va_list args);

// A kernel message for people, on the host's standard error: "clade: ..." and a newline added.
printf_like(1, 2) void log_message(const char *format, ...);
