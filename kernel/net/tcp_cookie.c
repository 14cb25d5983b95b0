// SPDX-License-Identifier: BSD-3-Clause
// Numbers that nobody outside can guess: initial sequence numbers [RFC 6528], timestamp offsets,
// and SYN cookies, sequence numbers that carry what a request would have kept, so that a flood of
// SYNs costs no memory. [RFC 4987, 3.6]
//
//     cookie = irs + hash(key) + (minutes << 24 | (hash(key, minutes) + MSS index) & 0xffffff)
#include "driver/random.h"
#include "net/tcp_connection.h"

#define MINUTE     (60 * SECOND)
#define COOKIE_AGE 2 // minutes

static const u16 cookie_sizes[8] = {536, 1024, 1220, 1380, 1440, 1460, 8940, 65483};

static struct {
    u64 key[2];
    bool ready; // pairs with itself: set behind the key
} secret;

static inline u64 rotate(u64 x, int n)
{
    return x << n | x >> (64 - n);
}

static void sip_round(u64 v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void secret_draw(void)
{
    static struct lock lock;

    lock_acquire(&lock);
    if (!secret.ready) {
        random_bytes(secret.key, sizeof(secret.key));
        __atomic_store_n(&secret.ready, true, __ATOMIC_RELEASE);
    }
    lock_release(&lock);
}

// SipHash-2-4 of the key and a word that tells the uses apart.
static u64 keyed_hash(const struct tcp_key *k, u64 use)
{
    const u64 words[] = {k->local.longs[0],
                         k->local.longs[1],
                         k->remote.longs[0],
                         k->remote.longs[1],
                         (u64)k->local_port << 16 | k->remote_port,
                         use};
    u64 v[4];

    if (!__atomic_load_n(&secret.ready, __ATOMIC_ACQUIRE))
        secret_draw();
    v[0] = secret.key[0] ^ 0x736f6d6570736575ull;
    v[1] = secret.key[1] ^ 0x646f72616e646f6dull;
    v[2] = secret.key[0] ^ 0x6c7967656e657261ull;
    v[3] = secret.key[1] ^ 0x7465646279746573ull;
    for (size_t i = 0; i <= array_count(words); i++) {
        u64 word = i < array_count(words) ? words[i] : (u64)sizeof(words) << 56;
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

enum hash_use { HASH_ISN = 1, HASH_TIMESTAMP, HASH_COOKIE, HASH_MINUTE = 16 };

u32 tcp_isn(const struct tcp_key *k, u64 now)
{
    return (u32)keyed_hash(k, HASH_ISN) + (u32)(now >> 6); // the clock ticks every 64 ns
}

// For the pair of hosts, so that PAWS and TIME_WAIT reuse see one clock. [RFC 7323, 5.4]
u32 tcp_timestamp_offset(const struct tcp_key *k)
{
    struct tcp_key hosts = {.local = k->local, .remote = k->remote};
    return (u32)keyed_hash(&hosts, HASH_TIMESTAMP);
}

u32 cookie_make(const struct tcp_key *k, u32 irs, u16 mss, u64 now)
{
    u32 minute = (u32)(now / MINUTE), index = 0;

    while (index + 1 < array_count(cookie_sizes) && cookie_sizes[index + 1] <= mss)
        index++;
    return irs + (u32)keyed_hash(k, HASH_COOKIE) +
           (minute << 24 | (((u32)keyed_hash(k, HASH_MINUTE + minute) + index) & 0xffffff));
}

u16 cookie_check(const struct tcp_key *k, u32 irs, u32 cookie, u64 now)
{
    u32 rest = cookie - irs - (u32)keyed_hash(k, HASH_COOKIE);
    u32 minute = (u32)(now / MINUTE), age = (minute - (rest >> 24)) & 0xff, index;

    if (age > COOKIE_AGE)
        return 0;
    index = (rest - (u32)keyed_hash(k, HASH_MINUTE + (minute - age))) & 0xffffff;
    return index < array_count(cookie_sizes) ? cookie_sizes[index] : 0;
}

// The lowest five bits: SACK, and the window scale (15: none). Never ahead of the clock: what follows
// would be old to the peer.
u32 cookie_timestamp(u32 timestamp, const struct tcp_options *o)
{
    u32 bits = (o->sack_permitted ? 16u : 0) | min((u32)o->scale, 15u);

    u32 marked = (timestamp & ~31u) | bits;

    return marked - ((s32)(marked - timestamp) > 0 ? 32 : 0);
}

void cookie_timestamp_read(u32 timestamp, bool *out_sack, u8 *out_scale)
{
    u32 scale = timestamp & 15;

    *out_sack = timestamp & 16;
    *out_scale = scale == 15 ? TCP_SCALE_NONE : (u8)scale;
}
