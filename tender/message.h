// SPDX-License-Identifier: BSD-3-Clause
// What the tender says to people: one line on standard error, "clade: ...". No stdio, no
// allocation.
#pragma once

#include "base/types.h"

// Prints the line; the newline is added.
printf_like(1, 2) void message(const char *format, ...);
// What the host answered, in words, with the limit that a user may have set (ulimit). error: errno's.
const char *message_error(int error);
// The same, behind the image's name. Returns -1, for `return message_image(...)`.
printf_like(2, 3) int message_image(const char *path, const char *format, ...);
