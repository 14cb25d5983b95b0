// SPDX-License-Identifier: BSD-3-Clause
// The tables of cases; each ends with an entry of zeros.
#pragma once

struct net_test {
    const char *name;
    void (*run)(void);
};
extern const struct net_test packet_tests[], stack_tests[], config_tests[], dhcp_tests[],
    life_tests[];
