// SPDX-License-Identifier: BSD-3-Clause
// The settings of /proc/sys/net that may be changed, and are obeyed. What may be written is
// inspect/proc_sys_net.c's.
#pragma once

#include "base/types.h"

enum net_setting {
    SET_SOMAXCONN,
    SET_RMEM_DEFAULT,
    SET_RMEM_MAX,
    SET_WMEM_DEFAULT,
    SET_WMEM_MAX,
    SET_TTL,
    SET_HOP_LIMIT,
    SET_PORT_FIRST, // ip_local_port_range: two
    SET_PORT_LAST,
    SET_PORT_UNPRIVILEGED,
    SET_NONLOCAL_BIND,
    SET_NONLOCAL_BIND6,
    SET_V6_ONLY,
    SET_MEMBERSHIPS,
    SET_ECHO_IGNORE,
    SET_TCP_RMEM, // three: least, default, most
    SET_TCP_RMEM_DEFAULT,
    SET_TCP_RMEM_MAX,
    SET_TCP_WMEM,
    SET_TCP_WMEM_DEFAULT,
    SET_TCP_WMEM_MAX,
    SET_KEEP_TIME,
    SET_KEEP_INTERVAL,
    SET_KEEP_PROBES,
    SET_FIN_TIMEOUT,
    SET_SYN_RETRIES,
    SET_SYN_ACK_RETRIES,
    SET_RETRIES,
    SET_ORPHAN_RETRIES, // 0: 8
    SET_SACK,
    SET_TIMESTAMPS,
    SET_WINDOW_SCALING,
    SET_COUNT
};

extern u32 net_settings[SET_COUNT]; // atomic

static inline u32 net_setting(enum net_setting n)
{
    return __atomic_load_n(&net_settings[n], __ATOMIC_RELAXED); // pairs with store_numbers
}
