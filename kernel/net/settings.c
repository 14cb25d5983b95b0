// SPDX-License-Identifier: BSD-3-Clause
#include "net/settings.h"

u32 net_settings[SET_COUNT] = {
    [SET_SOMAXCONN] = 4096,
    [SET_RMEM_DEFAULT] = 212992,
    [SET_RMEM_MAX] = 212992,
    [SET_WMEM_DEFAULT] = 212992,
    [SET_WMEM_MAX] = 212992,
    [SET_TTL] = 64,
    [SET_HOP_LIMIT] = 64,
    [SET_PORT_FIRST] = 32768,
    [SET_PORT_LAST] = 60999,
    [SET_PORT_UNPRIVILEGED] = 1024,
    [SET_MEMBERSHIPS] = 20,
    [SET_TCP_RMEM] = 4096,
    [SET_TCP_RMEM_DEFAULT] = 131072, // the window is half of it
    [SET_TCP_RMEM_MAX] = 16 << 20,
    [SET_TCP_WMEM] = 4096,
    [SET_TCP_WMEM_DEFAULT] = 16384,
    [SET_TCP_WMEM_MAX] = 16 << 20,
    [SET_KEEP_TIME] = 7200,
    [SET_KEEP_INTERVAL] = 75,
    [SET_KEEP_PROBES] = 9,
    [SET_FIN_TIMEOUT] = 60,
    [SET_SYN_RETRIES] = 6,
    [SET_SYN_ACK_RETRIES] = 5,
    [SET_RETRIES] = 15,
    [SET_SACK] = 1,
    [SET_TIMESTAMPS] = 1,
    [SET_WINDOW_SCALING] = 1,
};
