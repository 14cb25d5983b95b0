// SPDX-License-Identifier: BSD-3-Clause
// Runs all cases, each of which ends with no packet left; an assertion ends the program.
// --seeds DIR writes frames for the fuzzer to start from.
#include <stdio.h>
#include <string.h>

#include "tests/stack/tests.h"
#include "tests/stack/wire.h"

static void seed_write(const char *folder, const char *name, const u8 *frame, u32 size)
{
    char path[4096];
    u8 head[2] = {(u8)size, (u8)(size >> 8)};
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wb");
    if (!f)
        return;
    fwrite(head, 1, 2, f);
    fwrite(frame, 1, size, f);
    fclose(f);
}

static int seeds_write(const char *folder)
{
    u8 frame[2000], payload[1500] = {8};
    u32 size = udp_bytes(payload, 1, PORT, "hello", 5, false);

    seed_write(folder, "udp4", frame, frame_ip4(frame, PROTOCOL_UDP, payload, size, 1, 0));
    seed_write(folder, "fragment", frame, frame_ip4(frame, PROTOCOL_UDP, payload, 8, 1, 0x2000));
    size = udp_bytes(payload, 1, PORT, "hello", 5, true);
    seed_write(folder, "udp6", frame, frame_ip6(frame, PROTOCOL_UDP, 64, payload, size, NULL));
    memset(payload, 0, sizeof(payload));
    payload[0] = 8;
    seed_write(folder, "ping4", frame, frame_ip4(frame, PROTOCOL_ICMP, payload, 64, 1, 0));
    payload[0] = 135;
    seed_write(folder, "solicit", frame, frame_ip6(frame, PROTOCOL_ICMP6, 255, payload, 32, NULL));
    payload[0] = 130;
    seed_write(folder, "mld", frame, frame_ip6(frame, PROTOCOL_ICMP6, 1, payload, 28, NULL));
    payload[0] = 0x11;
    seed_write(folder, "igmp", frame, frame_ip4(frame, PROTOCOL_IGMP, payload, 12, 1, 0));
    memset(payload, 0, sizeof(payload));
    payload[0] = 60; // destination options, routing, a fragment that is all, UDP
    payload[8] = 43;
    payload[16] = 44;
    payload[24] = PROTOCOL_UDP;
    size = udp_bytes(payload + 32, 1, PORT, "hello", 5, true);
    seed_write(folder, "headers", frame, frame_ip6(frame, 0, 64, payload, 32 + size, NULL));
    memset(payload, 0, sizeof(payload));
    payload[0] = 134;
    seed_write(folder, "router", frame, frame_ip6(frame, PROTOCOL_ICMP6, 255, payload, 64, NULL));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct net_test *const tables[] = {packet_tests, stack_tests, config_tests,
                                                    dhcp_tests, life_tests};
    int count = 0;

    if (argc == 3 && !strcmp(argv[1], "--seeds"))
        return seeds_write(argv[2]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    wire_start();
    for (size_t i = 0; i < array_count(tables); i++)
        for (const struct net_test *t = tables[i]; t->name; t++) {
            t->run();
            wire_finish();
            printf("ok %s\n", t->name);
            count++;
        }
    printf("%d passed, 0 failed\n", count);
    return 0;
}
