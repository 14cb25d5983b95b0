// SPDX-License-Identifier: BSD-3-Clause
// BLAKE2b as RFC 7693 has it, section numbers in the comments. Little-endian machines only.
#include <string.h>

#include "cli/blake2b.h"

// 2.6: the fractions of the square roots of the first eight primes, as in SHA-512
static const uint64_t initial[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

// 2.7: which words of the message each round takes
static const uint8_t sigma[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t rotate(uint64_t x, unsigned by)
{
    return x >> by | x << (64 - by);
}

// 3.1: the mixing function G
static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
    *a += *b + x;
    *d = rotate(*d ^ *a, 32);
    *c += *d;
    *b = rotate(*b ^ *c, 24);
    *a += *b + y;
    *d = rotate(*d ^ *a, 16);
    *c += *d;
    *b = rotate(*b ^ *c, 63);
}

// 3.2: the compression function F
static void compress(struct blake2b *b, const uint8_t *block, int last)
{
    uint64_t m[16], v[16];
    memcpy(m, block, sizeof(m));
    memcpy(v, b->state, 64);
    memcpy(v + 8, initial, 64);
    v[12] ^= b->low;
    v[13] ^= b->high;
    if (last)
        v[14] = ~v[14];
    for (unsigned round = 0; round < 12; round++) {
        const uint8_t *s = sigma[round % 10];
        mix(&v[0], &v[4], &v[8], &v[12], m[s[0]], m[s[1]]);
        mix(&v[1], &v[5], &v[9], &v[13], m[s[2]], m[s[3]]);
        mix(&v[2], &v[6], &v[10], &v[14], m[s[4]], m[s[5]]);
        mix(&v[3], &v[7], &v[11], &v[15], m[s[6]], m[s[7]]);
        mix(&v[0], &v[5], &v[10], &v[15], m[s[8]], m[s[9]]);
        mix(&v[1], &v[6], &v[11], &v[12], m[s[10]], m[s[11]]);
        mix(&v[2], &v[7], &v[8], &v[13], m[s[12]], m[s[13]]);
        mix(&v[3], &v[4], &v[9], &v[14], m[s[14]], m[s[15]]);
    }
    for (unsigned i = 0; i < 8; i++)
        b->state[i] ^= v[i] ^ v[i + 8];
}

static void count(struct blake2b *b, uint64_t size)
{
    b->low += size;
    b->high += b->low < size;
}

void blake2b_start(struct blake2b *b, size_t digest_size)
{
    memset(b, 0, sizeof(*b));
    memcpy(b->state, initial, sizeof(initial));
    b->state[0] ^= 0x01010000 ^ digest_size; // 2.5: no key, sequential
    b->digest_size = digest_size;
}

void blake2b_add(struct blake2b *b, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size) {
        // A full block is only compressed when more follows: the last one is marked as such.
        if (b->used == sizeof(b->block)) {
            count(b, sizeof(b->block));
            compress(b, b->block, 0);
            b->used = 0;
        }
        size_t part = sizeof(b->block) - b->used;
        if (part > size)
            part = size;
        memcpy(b->block + b->used, at, part);
        b->used += part;
        at += part;
        size -= part;
    }
}

void blake2b_end(struct blake2b *b, uint8_t *out_digest)
{
    count(b, b->used);
    memset(b->block + b->used, 0, sizeof(b->block) - b->used);
    compress(b, b->block, 1);
    memcpy(out_digest, b->state, b->digest_size);
}
