// SPDX-License-Identifier: BSD-3-Clause
#include "net/dhcp_message.h"

#include "base/string.h"

#define FIXED        236u // bytes before the magic cookie [RFC 2131 2]
#define OPTIONS      240u
#define SIZE_MIN     300u
#define COOKIE       "\x63\x82\x53\x63"
#define AT_SNAME     44u
#define SIZE_SNAME   64u
#define AT_FILE      108u
#define SIZE_FILE    128u
#define HOSTNAME_MAX 63u

enum {
    OPTION_PAD = 0,
    OPTION_MASK = 1,
    OPTION_ROUTER = 3,
    OPTION_DNS = 6,
    OPTION_HOSTNAME = 12,
    OPTION_DOMAIN = 15,
    OPTION_MTU = 26,
    OPTION_BROADCAST = 28,
    OPTION_REQUESTED = 50,
    OPTION_LEASE = 51,
    OPTION_OVERLOAD = 52,
    OPTION_TYPE = 53,
    OPTION_SERVER = 54,
    OPTION_PARAMETERS = 55,
    OPTION_MAX_SIZE = 57,
    OPTION_RENEW = 58,
    OPTION_REBIND = 59,
    OPTION_CLIENT = 61,
    OPTION_ROUTES = 121,
    OPTION_END = 255,
};

static u32 load_network(const u8 *p) // stays in network order
{
    u32 x;
    memcpy(&x, p, 4);
    return x;
}

static u32 load(const u8 *p)
{
    return swap32(load_network(p));
}

// Prefix lengths with as many bytes as they need, each with a router. [RFC 3442]
static void routes_parse(const u8 *p, u32 size, struct dhcp_offer *out)
{
    u32 at = 0;

    while (at < size && out->route_count < DHCP_ROUTES_MAX) {
        u32 bits = p[at], bytes = (bits + 7) / 8;
        if (bits > 32 || size - at < 1 + bytes + 4)
            return;
        out->routes[out->route_count].bits = (u8)bits;
        memcpy(&out->routes[out->route_count].prefix, p + at + 1, bytes);
        out->routes[out->route_count].gateway = load_network(p + at + 1 + bytes);
        out->route_count++;
        at += 1 + bytes + 4;
    }
}

// Domain names go into a file: only what is one.
static void domain_parse(const u8 *p, u32 size, struct dhcp_offer *out)
{
    u32 n = 0;

    for (; n < size && p[n]; n++) {
        u8 c = p[n] | 32;
        if (!((c >= 'a' && c <= 'z') || (p[n] >= '0' && p[n] <= '9') || p[n] == '.' || p[n] == '-'))
            return;
    }
    memcpy(out->domain, p, n);
    out->domain[n] = 0;
}

static void word_parse(u8 option, const u8 *p, struct dhcp_offer *out)
{
    switch (option) {
    case OPTION_MASK:
        out->mask = load_network(p);
        break;
    case OPTION_ROUTER:
        out->router = load_network(p);
        break;
    case OPTION_BROADCAST:
        out->broadcast = load_network(p);
        break;
    case OPTION_SERVER:
        out->server = load_network(p);
        break;
    case OPTION_LEASE:
        out->lease = load(p);
        break;
    case OPTION_RENEW:
        out->renew = load(p);
        break;
    case OPTION_REBIND:
        out->rebind = load(p);
        break;
    }
}

static void option_parse(u8 option, const u8 *p, u32 size, struct dhcp_offer *out, u8 *overload)
{
    if (option == OPTION_TYPE && size == 1)
        out->type = p[0];
    else if (option == OPTION_OVERLOAD && size == 1)
        *overload = p[0];
    else if (option == OPTION_MTU && size == 2)
        out->mtu = (u16)(p[0] << 8 | p[1]);
    else if (option == OPTION_ROUTES)
        routes_parse(p, size, out);
    else if (option == OPTION_DOMAIN)
        domain_parse(p, size, out);
    else if (size >= 4)
        word_parse(option, p, out);
    for (u32 n = 0; option == OPTION_DNS && n + 4 <= size && out->dns_count < DHCP_DNS_MAX; n += 4)
        out->dns[out->dns_count++] = load_network(p + n);
}

static int options_parse(const u8 *p, u32 size, struct dhcp_offer *out, u8 *overload)
{
    u32 at = 0;

    while (at < size && p[at] != OPTION_END) {
        if (p[at] == OPTION_PAD) {
            at++;
            continue;
        }
        if (size - at < 2 || p[at + 1] > size - at - 2)
            return -EINVAL;
        option_parse(p[at], p + at + 2, p[at + 1], out, overload);
        at += 2u + p[at + 1];
    }
    return 0;
}

int dhcp_parse(const u8 *data, u32 size, const u8 mac[6], struct dhcp_offer *out)
{
    u8 overload = 0, ignored = 0;
    int error;

    memset(out, 0, sizeof(*out));
    if (size < OPTIONS || data[0] != 2 || data[1] != 1 || data[2] != 6 ||
        memcmp(data + 28, mac, 6) || memcmp(data + FIXED, COOKIE, 4))
        return -EINVAL;
    out->id = load_network(data + 4);
    out->address = load_network(data + 16);
    error = options_parse(data + OPTIONS, size - OPTIONS, out, &overload);
    if (!error && (overload & 1))
        error = options_parse(data + AT_FILE, SIZE_FILE, out, &ignored);
    if (!error && (overload & 2))
        error = options_parse(data + AT_SNAME, SIZE_SNAME, out, &ignored);
    return error ? error : out->type ? 0 : -EINVAL;
}

static u8 *option_put(u8 *to, u8 option, const void *data, size_t size)
{
    *to++ = option;
    *to++ = (u8)size;
    memcpy(to, data, size);
    return to + size;
}

u32 dhcp_write(const struct dhcp_question *q, u8 out[DHCP_SIZE])
{
    static const u8 parameters[] = {OPTION_MASK,      OPTION_ROUTES, OPTION_ROUTER, OPTION_DNS,
                                    OPTION_DOMAIN,    OPTION_MTU,    OPTION_LEASE,  OPTION_SERVER,
                                    OPTION_BROADCAST, OPTION_RENEW,  OPTION_REBIND};
    static const u8 max_size[2] = {1500 >> 8, 1500 & 255};
    u16 seconds = swap16(q->seconds);
    u8 client[7] = {1}, *to = out + OPTIONS;

    memset(out, 0, DHCP_SIZE);
    out[0] = out[1] = 1; // a request, of Ethernet
    out[2] = 6;
    memcpy(out + 4, &q->id, 4);
    memcpy(out + 8, &seconds, 2);
    memcpy(out + 12, &q->own, 4);
    memcpy(out + 28, q->mac, 6);
    memcpy(out + FIXED, COOKIE, 4);
    memcpy(client + 1, q->mac, 6);
    to = option_put(to, OPTION_TYPE, &q->type, 1);
    to = option_put(to, OPTION_CLIENT, client, sizeof(client));
    if (q->requested)
        to = option_put(to, OPTION_REQUESTED, &q->requested, 4);
    if (q->server)
        to = option_put(to, OPTION_SERVER, &q->server, 4);
    to = option_put(to, OPTION_MAX_SIZE, max_size, sizeof(max_size));
    to = option_put(to, OPTION_PARAMETERS, parameters, sizeof(parameters));
    if (q->hostname[0])
        to = option_put(to, OPTION_HOSTNAME, q->hostname,
                        min(strlen(q->hostname), (size_t)HOSTNAME_MAX));
    *to++ = OPTION_END;
    return max((u32)(to - out), SIZE_MIN);
}
