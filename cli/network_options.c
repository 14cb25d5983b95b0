// SPDX-License-Identifier: BSD-3-Clause
// The options of `run` about the network: --net, --publish, --ip, --ip6, --gateway, --dns.
//
// With passt (user) the guest has a network of its own, of two addresses and a name server: no DHCP
// is needed, since both ends are told. With a TAP it asks by DHCP and router discovery for what no
// option says.
#include "cli/network_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complain.h"
#include "cli/network_guests.h"

#define PORTS_MAX 32
#define DNS_MAX   (sizeof(((struct boot_network *)0)->dns) / 16)

static const uint8_t user_guest[4] = {10, 0, 2, 15}, user_gateway[4] = {10, 0, 2, 2},
                     user_dns[4] = {10, 0, 2, 3};

static int take_net(struct settings *s, const char *value)
{
    struct tender_network *n = &s->network;
    s->net = NULL;
    if (!strcmp(value, "user")) {
        n->kind = TENDER_NETWORK_USER;
    } else if (!strcmp(value, "none")) {
        n->kind = TENDER_NETWORK_NONE;
    } else if (!strncmp(value, "tap=", 4) && value[4] && strlen(value + 4) < 16) {
        n->kind = TENDER_NETWORK_TAP;
        n->tap = value + 4;
    } else if (network_is_ours(value)) {
        n->kind = TENDER_NETWORK_TAP;
        s->net = value;
    } else {
        return complain(EINVAL,
                        "--net %s: not user, none, tap=NAME, or a network of `clade network ls`",
                        value);
    }
    return 0;
}

// FIRST or FIRST-LAST
static bool parse_range(const char *text, uint16_t *out_first, uint16_t *out_count)
{
    char *end;
    long first = strtol(text, &end, 10), last = first;
    bool fine = *text >= '0' && *text <= '9';
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        last = strtol(end + 1, &end, 10);
    *out_first = (uint16_t)first;
    *out_count = (uint16_t)(last - first + 1);
    return fine && !*end && first > 0 && last >= first && last < 65536;
}

// [IP:]HOST:GUEST[/udp]; an IPv6 address stands in brackets; HOST and GUEST may be ranges of the
// same length.
static bool parse_port(char *text, struct tender_port *out)
{
    char *slash = strchr(text, '/');
    if (slash) {
        *slash = 0;
        out->udp = !strcmp(slash + 1, "udp");
        if (!out->udp && strcmp(slash + 1, "tcp"))
            return false;
    }
    char *guest = strrchr(text, ':');
    if (!guest)
        return false;
    *guest = 0;
    char *host = strrchr(text, ':');
    if (host) {
        unsigned char address[16];
        *host++ = 0;
        size_t size = strlen(text);
        if (text[0] == '[' && text[size - 1] == ']') {
            text[size - 1] = 0;
            text++;
        }
        if (!inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, address))
            return false;
        out->address = text;
    }
    uint16_t count;
    return parse_range(host ? host : text, &out->host, &out->count) &&
           parse_range(guest + 1, &out->guest, &count) && count == out->count;
}

// Do both want the same port of the host?
static bool overlap(const struct tender_port *a, const struct tender_port *b)
{
    return a->udp == b->udp && a->host < b->host + b->count && b->host < a->host + a->count &&
           (!a->address || !b->address || !strcmp(a->address, b->address));
}

static int take_publish(struct settings *s, const char *value)
{
    struct tender_network *n = &s->network;
    struct tender_port port = {0}, *all;
    if (!parse_port(keep_string(value), &port))
        return complain(
            EINVAL,
            "--publish %s: not [IP:]HOSTPORT:GUESTPORT[/udp]; both may be ranges of the "
            "same length, such as 8000-8009",
            value);
    if (n->port_count == PORTS_MAX)
        return complain(EINVAL, "--publish: there are %d at most; a range counts as one",
                        PORTS_MAX);
    for (uint32_t i = 0; i < n->port_count; i++)
        if (overlap(&n->ports[i], &port))
            return complain(EINVAL, "--publish %s: another one has this port of the host already",
                            value);
    all = realloc((void *)(uintptr_t)n->ports, (n->port_count + 1) * sizeof(*all));
    if (!all)
        return complain(ENOMEM, "out of memory");
    all[n->port_count++] = port;
    n->ports = all;
    return 0;
}

// ADDRESS/BITS
static bool parse_prefix(int family, const char *value, uint8_t *out_address, uint8_t *out_bits)
{
    char *text = keep_string(value), *slash = strchr(text, '/'), *end;
    long most = family == AF_INET ? 32 : 128;
    if (!slash)
        return false;
    *slash = 0;
    long bits = strtol(slash + 1, &end, 10);
    if (!slash[1] || *end || bits < 1 || bits > most)
        return false;
    *out_bits = (uint8_t)bits;
    return inet_pton(family, text, out_address) == 1;
}

static int take_ip(struct settings *s, const char *value)
{
    struct boot_network *a = &s->network.addresses;
    return parse_prefix(AF_INET, value, a->address4, &a->prefix4)
               ? 0
               : complain(EINVAL, "--ip %s: not an address such as 10.0.0.2/24", value);
}

static int take_ip6(struct settings *s, const char *value)
{
    struct boot_network *a = &s->network.addresses;
    return parse_prefix(AF_INET6, value, a->address6, &a->prefix6)
               ? 0
               : complain(EINVAL, "--ip6 %s: not an address such as fd00::2/64", value);
}

static int take_gateway(struct settings *s, const char *value)
{
    struct boot_network *a = &s->network.addresses;
    if (inet_pton(AF_INET, value, a->gateway4) == 1 || inet_pton(AF_INET6, value, a->gateway6) == 1)
        return 0;
    return complain(EINVAL, "--gateway %s: not an address", value);
}

static void add_dns(struct boot_network *a, const uint8_t *address4)
{
    uint8_t *to = a->dns[a->dns_count++];
    memset(to, 0, 10);
    to[10] = to[11] = 0xff;
    memcpy(to + 12, address4, 4);
}

static int take_dns(struct settings *s, const char *value)
{
    struct boot_network *a = &s->network.addresses;
    uint8_t address[16];
    if (a->dns_count == DNS_MAX)
        return complain(EINVAL, "--dns: there are four at most");
    if (inet_pton(AF_INET, value, address) == 1)
        add_dns(a, address);
    else if (inet_pton(AF_INET6, value, address) == 1)
        memcpy(a->dns[a->dns_count++], address, 16);
    else
        return complain(EINVAL, "--dns %s: not an address", value);
    return 0;
}

const struct option options_network[] = {
    {'n', "net", "user|tap=NAME|NETWORK|none",
     "the network: by passt, without rights (default);\na TAP of the host, a `clade network`, or "
     "none",
     take_net},
    {'p', "publish", "[IP:]HOST:GUEST[/udp]",
     "a port of the host, or a range, leads to the guest's", take_publish},
    {0, "ip", "ADDRESS/BITS", "the guest's IPv4 address", take_ip},
    {0, "ip6", "ADDRESS/BITS", "and its IPv6 address", take_ip6},
    {0, "gateway", "ADDRESS", "router for all else; once for IPv4, once for IPv6", take_gateway},
    {0, "dns", "ADDRESS", "name server; up to four", take_dns},
    {0},
};

static void complete_user(struct tender_network *n)
{
    static const uint8_t nothing[4];
    struct boot_network *a = &n->addresses;
    if (!a->prefix4) {
        memcpy(a->address4, user_guest, 4);
        a->prefix4 = 24;
        memcpy(a->gateway4, user_gateway, 4);
    }
    if (!memcmp(a->gateway4, nothing,
                4)) { // the first address of the network that is not the guest's
        memcpy(a->gateway4, a->address4, 4);
        a->gateway4[3] = a->address4[3] == 1 ? 2 : 1;
    }
    if (!a->dns_count) {
        add_dns(a, user_dns);
        n->dns_forward = true;
    }
}

int network_options_complete(struct settings *s)
{
    struct tender_network *n = &s->network;
    struct boot_network *a = &n->addresses;
    bool any = a->prefix4 || a->prefix6 || a->dns_count || n->port_count;
    if (n->kind == TENDER_NETWORK_NONE && any)
        return complain(EINVAL, "--net none goes with no other option about the network");
    if (n->kind == TENDER_NETWORK_TAP && n->port_count)
        return complain(EINVAL,
                        "--publish is for --net user: a guest on a TAP has its own address");
    if (s->net && network_join(s->net, s->hostname, n) < 0)
        return -EBUSY;
    if (n->kind == TENDER_NETWORK_DEFAULT && any)
        n->kind = TENDER_NETWORK_USER;
    if (n->kind == TENDER_NETWORK_DEFAULT || n->kind == TENDER_NETWORK_USER)
        complete_user(n);
    else if (!a->prefix4)
        a->flags |= BOOT_NETWORK_DHCP;
    if (!a->prefix6)
        a->flags |= BOOT_NETWORK_AUTOCONF;
    if (n->kind == TENDER_NETWORK_TAP || n->port_count)
        a->flags |= BOOT_NETWORK_ASKED;
    return 0;
}
