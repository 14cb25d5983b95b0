// SPDX-License-Identifier: BSD-3-Clause
// ChaCha20 (RFC 8439) as a generator with fast key erasure: a request runs the cipher once under
// the lock; the first half of that block replaces the key, so that a later look at kernel memory
// cannot tell what was given out before; the second half is the key of the request's own stream,
// which is made without the lock. Small requests share the second half of a block: each takes its bytes
// out of it for good. Kernel memory is shared by the family, so a forked member draws
// from the same generator and two members never see the same bytes.
#include "driver/random.h"

#include "abi/boot.h"
#include "base/string.h"
#include "thread/lock.h"
#include "thread/thread.h"

#define KEY_WORDS   8
#define BLOCK_WORDS 16
#define CHUNK       256 // bytes copied out at a time: four blocks

static struct {
    struct lock lock; // held clean: half of the next key and half of this one are a key, too
    u32 key[KEY_WORDS];
    u64 counter;
    u8 small[KEY_WORDS * sizeof(u32)]; // for small requests: the last `small_size` bytes; the others are wiped
    u32 small_size;
    bool seeded;
} random_state;

static inline u32 rotate(u32 x, int n)
{
    return (x << n) | (x >> (32 - n));
}

static inline void quarter_round(u32 *x, int a, int b, int c, int d)
{
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = rotate(x[b] ^ x[c], 7);
}

// One block of key stream: RFC 8439, 2.3, with a 64-bit counter and a zero nonce.
static void chacha_block(const u32 key[KEY_WORDS], u64 counter, u32 out[BLOCK_WORDS])
{
    u32 input[BLOCK_WORDS] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(&input[4], key, KEY_WORDS * sizeof(u32));
    input[12] = (u32)counter;
    input[13] = (u32)(counter >> 32);
    memcpy(out, input, sizeof(input));
    for (int i = 0; i < 10; i++) {
        quarter_round(out, 0, 4, 8, 12);
        quarter_round(out, 1, 5, 9, 13);
        quarter_round(out, 2, 6, 10, 14);
        quarter_round(out, 3, 7, 11, 15);
        quarter_round(out, 0, 5, 10, 15);
        quarter_round(out, 1, 6, 11, 12);
        quarter_round(out, 2, 7, 8, 13);
        quarter_round(out, 3, 4, 9, 14);
    }
    for (int i = 0; i < BLOCK_WORDS; i++)
        out[i] += input[i];
}

// A wipe that the compiler may not drop.
static void wipe(void *at, size_t size)
{
    memset(at, 0, size);
    __asm__ volatile("" : : "r"(at) : "memory");
}

// Replaces the key and gives the other half of the block to the caller. Called with the lock held.
static void draw(void *out)
{
    u32 block[BLOCK_WORDS];
    assert(random_state.seeded);
    chacha_block(random_state.key, random_state.counter++, block);
    memcpy(random_state.key, block, sizeof(random_state.key));
    memcpy(out, &block[KEY_WORDS], KEY_WORDS * sizeof(u32));
    wipe(block, sizeof(block));
}

static void draw_key(u32 out[KEY_WORDS])
{
    lock_acquire_clean(&random_state.lock);
    draw(out);
    lock_release(&random_state.lock);
}

static void draw_small(void *out, size_t size)
{
    lock_acquire_clean(&random_state.lock);
    if (random_state.small_size < size) {
        draw(random_state.small);
        random_state.small_size = sizeof(random_state.small);
    }
    u8 *from = random_state.small + sizeof(random_state.small) - random_state.small_size;
    random_state.small_size -= (u32)size;
    __atomic_signal_fence(__ATOMIC_SEQ_CST); // wiped bytes are never given out, whenever the host kills us
    memcpy(out, from, size);
    wipe(from, size);
    lock_release(&random_state.lock);
}

// XORs 32 bytes into the key, and runs the generator over it.
static void mix(const u32 input[KEY_WORDS])
{
    u32 block[BLOCK_WORDS];
    lock_acquire_clean(&random_state.lock);
    for (int i = 0; i < KEY_WORDS; i++)
        random_state.key[i] ^= input[i];
    chacha_block(random_state.key, random_state.counter++, block);
    memcpy(random_state.key, block, sizeof(random_state.key));
    lock_release(&random_state.lock);
    wipe(block, sizeof(block));
}

void random_init(struct boot_info *boot)
{
    u32 seed[2 * KEY_WORDS];
    _Static_assert(sizeof(seed) == sizeof(boot->seed), "the seed fills two keys");
    memcpy(seed, boot->seed, sizeof(seed));
    wipe(boot->seed, sizeof(boot->seed));
    random_state.seeded = true;
    mix(seed);
    mix(seed + KEY_WORDS);
    wipe(seed, sizeof(seed));
}

void random_bytes(void *to, size_t size)
{
    u32 key[KEY_WORDS], block[BLOCK_WORDS];
    u8 *out = to;

    if (size <= sizeof(random_state.small)) {
        draw_small(out, size);
        return;
    }
    draw_key(key);
    for (u64 counter = 0; size; counter++) {
        size_t part = min(size, sizeof(block));
        chacha_block(key, counter, block);
        memcpy(out, block, part);
        out += part;
        size -= part;
    }
    wipe(key, sizeof(key));
    wipe(block, sizeof(block));
}

u64 random_u64(void)
{
    u64 value;
    random_bytes(&value, sizeof(value));
    return value;
}

s64 random_read(struct io *io)
{
    u32 key[KEY_WORDS], block[CHUNK / sizeof(u32)];
    u64 counter = 0;
    s64 done = 0, moved = 0;

    draw_key(key);
    while (io->left && !(done && thread_interrupted())) {
        for (size_t i = 0; i < array_count(block); i += BLOCK_WORDS)
            chacha_block(key, counter++, &block[i]);
        size_t part = min(io->left, sizeof(block));
        moved = io_put(io, block, part);
        if (moved < 0)
            break;
        done += moved;
        if ((size_t)moved < part)
            break;
    }
    wipe(key, sizeof(key));
    wipe(block, sizeof(block));
    return done ? done : moved;
}

s64 random_write(struct io *io)
{
    s64 done = 0;
    while (io->left) {
        u32 input[KEY_WORDS] = {0};
        size_t part = min(io->left, sizeof(input));
        s64 moved = io_get(io, input, part);
        if (moved < 0)
            return done ? done : moved;
        mix(input);
        done += moved;
        if ((size_t)moved < part)
            break;
    }
    return done;
}
