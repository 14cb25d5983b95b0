// SPDX-License-Identifier: BSD-3-Clause
// CRC-32C (Castagnoli), reflected, polynomial 0x82f63b78: EROFS's and our image header's checksum.
#pragma once

#include "base/types.h"

// Continues `crc` over the bytes. There is no inversion here: the usual CRC-32C is
// ~crc32c(~0u, data, size); EROFS stores crc32c(~0u, data, size).
u32 crc32c(u32 crc, const void *data, size_t size);
