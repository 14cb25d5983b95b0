// SPDX-License-Identifier: BSD-3-Clause
// Values of options as numbers.
#pragma once

#include <stdint.h>

// "512M", "2G", "1048576", "64KiB": bytes. -EINVAL if it is none of these.
int settings_size(const char *text, uint64_t *out_bytes);
