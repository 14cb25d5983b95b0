// SPDX-License-Identifier: BSD-3-Clause
// /proc/sys/net: one table of all settings. Those with numbers in net/settings.h are obeyed; the others
// say how this stack is, and take only what they say. [proc.rst, sysctl/net.rst, ip-sysctl.rst]
#include "base/string.h"
#include "inspect/proc.h"
#include "net/interface.h"
#include "net/settings.h"
#include "net/wiring.h"

#define NUMBERS_MAX 3u

enum { CORE, IPV4, IPV6, CONF4, CONF6 };                          // directories
enum { ANY, FLAG, COUNT, BYTE, PORT, TRIES, RECEIVE, SEND, SIZE }; // what may be written

static const struct {
    u32 low, high;
} limits[] = {
    [FLAG] = {0, 1},       [COUNT] = {0, INT32_MAX},      [BYTE] = {1, 255},        [PORT] = {0, 65535},
    [TRIES] = {1, 127},    [RECEIVE] = {2304, INT32_MAX}, [SEND] = {4608, INT32_MAX}, [SIZE] = {1, INT32_MAX},
};

static const late_data struct setting {
    const char *name;
    const char *fixed; // NULL: numbers
    u8 directory, limit, first, count;
} settings[] = {
    {"rmem_default", NULL, CORE, RECEIVE, SET_RMEM_DEFAULT, 1},
    {"rmem_max", NULL, CORE, RECEIVE, SET_RMEM_MAX, 1},
    {"somaxconn", NULL, CORE, COUNT, SET_SOMAXCONN, 1},
    {"wmem_default", NULL, CORE, SEND, SET_WMEM_DEFAULT, 1},
    {"wmem_max", NULL, CORE, SEND, SET_WMEM_MAX, 1},
    {"icmp_echo_ignore_all", NULL, IPV4, FLAG, SET_ECHO_IGNORE, 1},
    {"icmp_echo_ignore_broadcasts", "1", IPV4},
    {"igmp_max_memberships", NULL, IPV4, COUNT, SET_MEMBERSHIPS, 1},
    {"ip_default_ttl", NULL, IPV4, BYTE, SET_TTL, 1},
    {"ip_forward", "0", IPV4},
    {"ip_local_port_range", NULL, IPV4, PORT, SET_PORT_FIRST, 2},
    {"ip_no_pmtu_disc", "0", IPV4},
    {"ip_nonlocal_bind", NULL, IPV4, FLAG, SET_NONLOCAL_BIND, 1},
    {"ip_unprivileged_port_start", NULL, IPV4, PORT, SET_PORT_UNPRIVILEGED, 1},
    {"ping_group_range", "0\t2147483647", IPV4},
    {"tcp_abort_on_overflow", "0", IPV4},
    {"tcp_allowed_congestion_control", "cubic", IPV4},
    {"tcp_available_congestion_control", "cubic", IPV4},
    {"tcp_congestion_control", "cubic", IPV4},
    {"tcp_dsack", "1", IPV4},
    {"tcp_ecn", "0", IPV4},
    {"tcp_fastopen", "0", IPV4},
    {"tcp_fin_timeout", NULL, IPV4, SIZE, SET_FIN_TIMEOUT, 1},
    {"tcp_keepalive_intvl", NULL, IPV4, SIZE, SET_KEEP_INTERVAL, 1},
    {"tcp_keepalive_probes", NULL, IPV4, BYTE, SET_KEEP_PROBES, 1},
    {"tcp_keepalive_time", NULL, IPV4, SIZE, SET_KEEP_TIME, 1},
    {"tcp_moderate_rcvbuf", "1", IPV4},
    {"tcp_mtu_probing", "0", IPV4},
    {"tcp_orphan_retries", NULL, IPV4, PORT, SET_ORPHAN_RETRIES, 1},
    {"tcp_recovery", "1", IPV4},
    {"tcp_retries2", NULL, IPV4, BYTE, SET_RETRIES, 1},
    {"tcp_rmem", NULL, IPV4, SIZE, SET_TCP_RMEM, 3},
    {"tcp_sack", NULL, IPV4, FLAG, SET_SACK, 1},
    {"tcp_slow_start_after_idle", "1", IPV4},
    {"tcp_syn_retries", NULL, IPV4, TRIES, SET_SYN_RETRIES, 1},
    {"tcp_synack_retries", NULL, IPV4, TRIES, SET_SYN_ACK_RETRIES, 1},
    {"tcp_syncookies", "1", IPV4},
    {"tcp_timestamps", NULL, IPV4, FLAG, SET_TIMESTAMPS, 1},
    {"tcp_tw_reuse", "2", IPV4},
    {"tcp_window_scaling", NULL, IPV4, FLAG, SET_WINDOW_SCALING, 1},
    {"tcp_wmem", NULL, IPV4, SIZE, SET_TCP_WMEM, 3},
    {"auto_flowlabels", "0", IPV6},
    {"bindv6only", NULL, IPV6, FLAG, SET_V6_ONLY, 1},
    {"ip6frag_time", "60", IPV6},
    {"ip_nonlocal_bind", NULL, IPV6, FLAG, SET_NONLOCAL_BIND6, 1},
    {"accept_redirects", "1", CONF4},
    {"accept_source_route", "0", CONF4},
    {"forwarding", "0", CONF4},
    {"rp_filter", "0", CONF4},
    {"accept_ra", "1", CONF6},
    {"accept_redirects", "1", CONF6},
    {"autoconf", "1", CONF6},
    {"disable_ipv6", "0", CONF6},
    {"forwarding", "0", CONF6},
    {"hop_limit", NULL, CONF6, BYTE, SET_HOP_LIMIT, 1},
    {"use_tempaddr", "0", CONF6},
};

static int show_numbers(struct text *t, const struct proc_node *node)
{
    const struct setting *s = &settings[node->index];

    if (s->fixed)
        text_add(t, "%s", s->fixed);
    for (u32 n = 0; n < s->count; n++)
        text_add(t, n ? "\t%u" : "%u", net_setting(s->first + n));
    text_add(t, "\n");
    return 0;
}

static bool fine(const struct setting *s, const u32 *numbers)
{
    for (u32 n = 0; n < s->count; n++)
        if (numbers[n] < limits[s->limit].low || numbers[n] > limits[s->limit].high)
            return false;
    return s->first != SET_PORT_FIRST ||
           (numbers[0] <= numbers[1] && numbers[0] >= net_setting(SET_PORT_UNPRIVILEGED));
}

// Numbers that are not named stay as they are.
static int store_numbers(const struct proc_node *node, char *text)
{
    const struct setting *s = &settings[node->index];
    u32 numbers[NUMBERS_MAX] = {0};
    const char *at = text;
    u64 number;

    if (s->fixed)
        return strcmp(text, s->fixed) ? -EINVAL : 0;
    for (u32 n = 0; n < s->count; n++)
        numbers[n] = net_setting(s->first + n);
    for (u32 n = 0; n < s->count; n++) {
        while (*at == ' ' || *at == '\t')
            at++;
        if (!*at && n)
            break;
        if (parse_u64(at, 10, &number, &at) || number > UINT32_MAX ||
            (*at && *at != ' ' && *at != '\t'))
            return -EINVAL;
        numbers[n] = (u32)number;
    }
    if (!fine(s, numbers))
        return -EINVAL;
    for (u32 n = 0; n < s->count; n++) // pairs with net_setting
        __atomic_store_n(&net_settings[s->first + n], numbers[n], __ATOMIC_RELAXED);
    return 0;
}

static const late_data struct proc_entry file = {
    "", S_IFREG | 0644, .show = show_numbers, .store = store_numbers};

static bool is_in(const struct setting *s, const struct proc_node *node)
{
    return s->directory == (uintptr_t)node->entry->value;
}

static void list_settings(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    for (u64 n = from; n < array_count(settings); n++)
        if (is_in(&settings[n], node) && !add(arg, settings[n].name, file.mode, n))
            return;
}

static int find_setting(const struct proc_node *node, const char *name, size_t size,
                        struct proc_node *child)
{
    for (size_t n = 0; n < array_count(settings); n++) {
        if (!is_in(&settings[n], node) || strlen(settings[n].name) != size ||
            memcmp(settings[n].name, name, size))
            continue;
        child->entry = &file;
        child->index = (int)n;
        return 0;
    }
    return -ENOENT;
}

#define SETTINGS(name, directory)                                                                  \
    name, S_IFDIR | 0555, .list = list_settings, .find = find_setting,                             \
                          .value = (void *)(uintptr_t)(directory)

// conf: a directory for each interface, and two for all of them.
static const late_data struct proc_entry conf[] = {{SETTINGS("", CONF4)}, {SETTINGS("", CONF6)}};
static const char *const conf_names[] = {"all", "default"};

static void list_conf(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    struct net_interface *i = NULL;

    net_start();
    for (u64 n = from; n < array_count(conf_names); n++)
        if (!add(arg, conf_names[n], conf[0].mode, n))
            return;
    while ((i = interface_next(i)))
        if (i->index + 1 >= from && !add(arg, i->name, conf[0].mode, i->index + 1))
            return;
}

static int find_conf(const struct proc_node *node, const char *name, size_t size,
                     struct proc_node *child)
{
    struct net_interface *i = NULL;
    bool found = false;

    net_start();
    for (size_t n = 0; n < array_count(conf_names); n++)
        found |= strlen(conf_names[n]) == size && !memcmp(conf_names[n], name, size);
    while (!found && (i = interface_next(i)))
        found = strlen(i->name) == size && !memcmp(i->name, name, size);
    child->entry = &conf[(uintptr_t)node->entry->value];
    return found ? 0 : -ENOENT;
}

#define CONF(which)                                                                                \
    {                                                                                              \
        {"conf", S_IFDIR | 0555, .list = list_conf, .find = find_conf,                             \
         .value = (void *)(uintptr_t)(which)},                                                     \
        {                                                                                          \
            NULL                                                                                   \
        }                                                                                          \
    }

static const late_data struct proc_entry ipv4_children[] = CONF(0), ipv6_children[] = CONF(1);

const late_data struct proc_entry proc_sys_net_children[] = {
    {SETTINGS("core", CORE)},
    {SETTINGS("ipv4", IPV4), .children = ipv4_children},
    {SETTINGS("ipv6", IPV6), .children = ipv6_children},
    {NULL},
};
