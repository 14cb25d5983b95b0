// SPDX-License-Identifier: BSD-3-Clause
// BLAKE2b (RFC 7693) without a key: the hash of images and of what is in the cache.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct blake2b {
    uint64_t state[8];
    uint64_t low, high; // bytes so far
    uint8_t block[128];
    size_t used; // of block
    size_t digest_size;
};

// digest_size: 1 to 64 bytes.
void blake2b_start(struct blake2b *b, size_t digest_size);
void blake2b_add(struct blake2b *b, const void *data, size_t size);
void blake2b_end(struct blake2b *b, uint8_t *out_digest);
