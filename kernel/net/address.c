// SPDX-License-Identifier: BSD-3-Clause
// Addresses: kinds, hashes, text.
#include "net/address.h"

#include "base/hash.h"
#include "base/printf.h"
#include "base/string.h"
#include "driver/random.h"

bool ip_is_loopback(const struct ip_address *a)
{
    if (ip_is_v4(a))
        return a->bytes[12] == 127;
    return !a->longs[0] && a->longs[1] == 1ull << 56;
}

bool ip_is_multicast(const struct ip_address *a)
{
    return ip_is_v4(a) ? (a->bytes[12] & 0xf0) == 0xe0 : a->bytes[0] == 0xff;
}

bool ip_is_link_local(const struct ip_address *a)
{
    return a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
}

bool ip_prefix_equal(const struct ip_address *a, const struct ip_address *b, u32 bits)
{
    u32 whole = bits / 8;
    u8 mask = (u8)(0xff00 >> bits % 8);

    if (memcmp(a->bytes, b->bytes, whole))
        return false;
    return !mask || !((a->bytes[whole] ^ b->bytes[whole]) & mask);
}

u64 ip_hash(const struct ip_address *local, u16 local_port, const struct ip_address *remote,
            u16 remote_port)
{
    static u64 key; // 0: not drawn yet
    u64 k = __atomic_load_n(&key, __ATOMIC_RELAXED), none = 0;

    if (unlikely(!k)) {
        k = random_u64() | 1;
        // The first one wins; pairs with itself.
        if (!__atomic_compare_exchange_n(&key, &none, k, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            k = none;
    }
    k = hash_u64(k ^ local->longs[0] ^ ((u64)local_port << 16 | remote_port));
    k = hash_u64(k ^ local->longs[1]);
    k = hash_u64(k ^ remote->longs[0]);
    return hash_u64(k ^ remote->longs[1]);
}

static char *format6(const struct ip_address *a, char *to)
{
    u32 best = 8, best_size = 1; // the longest run of at least two zero words becomes ::
    char *out = to;

    for (u32 i = 0; i < 8; i++) {
        u32 size = 0;
        while (i + size < 8 && !a->bytes[2 * (i + size)] && !a->bytes[2 * (i + size) + 1])
            size++;
        if (size > best_size) {
            best = i;
            best_size = size;
        }
    }
    for (u32 i = 0; i < 8; i++) {
        if (i == best) {
            out += snprintf(out, 3, "::");
            i += best_size - 1;
            continue;
        }
        out += snprintf(out, 6, "%s%x", i && out[-1] != ':' ? ":" : "",
                        a->bytes[2 * i] << 8 | a->bytes[2 * i + 1]);
    }
    *out = 0;
    return to;
}

char *ip_format(const struct ip_address *a, char to[IP_TEXT_SIZE])
{
    const u8 *b = a->bytes;

    if (!ip_is_v4(a))
        return format6(a, to);
    snprintf(to, IP_TEXT_SIZE, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
    return to;
}

static int parse4(const char *text, u8 out[4])
{
    u64 value;

    for (u32 i = 0; i < 4; i++) {
        if (*text < '0' || *text > '9' || parse_u64(text, 10, &value, &text) || value > 255)
            return -EINVAL;
        out[i] = (u8)value;
        if (*text++ != (i < 3 ? '.' : 0))
            return -EINVAL;
    }
    return 0;
}

// Words before and behind a "::" are gathered apart and put to the ends. [RFC 4291 2.2]
static int parse6(const char *text, u8 out[16])
{
    u8 bytes[16];
    u32 count = 0, gap = 16;
    u64 value;

    if (text[0] == ':' && text[1] != ':')
        return -EINVAL;
    while (*text) {
        if (text[0] == ':' && text[1] == ':') {
            if (gap != 16)
                return -EINVAL;
            gap = count;
            text += 2;
            if (*text == ':')
                return -EINVAL;
            continue;
        }
        if (*text == ':' && (!count || !*++text))
            return -EINVAL;
        if (count > 12 ? false : !parse4(text, bytes + count)) {
            count += 4;
            break;
        }
        if (count > 14 || parse_u64(text, 16, &value, &text) || value > 0xffff ||
            (*text && *text != ':'))
            return -EINVAL;
        bytes[count++] = (u8)(value >> 8);
        bytes[count++] = (u8)value;
    }
    if (gap == 16 ? count != 16 : count > 14)
        return -EINVAL;
    gap = min(gap, count);
    memset(out, 0, 16);
    memcpy(out, bytes, gap);
    memcpy(out + 16 - (count - gap), bytes + gap, count - gap);
    return 0;
}

int ip_parse(const char *text, struct ip_address *out)
{
    *out = ip4_address(0);
    return strchr(text, ':') ? parse6(text, out->bytes) : parse4(text, out->bytes + 12);
}
