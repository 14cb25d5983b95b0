// SPDX-License-Identifier: BSD-3-Clause
// What a guest can do to its supervisor through the mailbox and the bell, by name:
//
//     stopped   says that it is stopped, and goes on: its memory limit still holds
//     bell      writes to the death bell: the supervisor does not turn round on it
//     garbage   the mailbox full of ones, and rings
//     flood     rings, and wants the terminal set, again and again
//     vsyscall  host calls by the old page, which is not the gate: upcalls, or faults
//     compat    a host call by 32-bit code: ends the guest
#include <linux/mman.h>

#include "tests/tender/guest.h"

#define VSYSCALL_TIME 0xffffffffff600400ull
#define CODE_AT       0x10000000ull
#define COMPAT_CS     0x23ull

static void pause_ms(u64 ms)
{
    waist->wait(ms * 1000000, 0);
}

// Not asleep, as the doorbell would wake us.
static void busy_ms(s64 ms)
{
    s64 end = waist->clock(CLOCK_WAIST_MONOTONIC) + ms * 1000000;

    while (waist->clock(CLOCK_WAIST_MONOTONIC) < end)
        ;
}

// The supervisor's upcalls are part of two cases; nothing returns from one.
void guest_upcall(int signal, const void *info, const void *context)
{
    static volatile u32 upcalls;

    if (signal == UPCALL_SIGNAL && equal(argument(1), "bell")) {
        if (++upcalls > 20)
            leave(1);
        busy_ms(300);
        leave(5);
    }
    if (signal == UPCALL_SIGNAL)
        leave(equal(argument(1), "garbage") ? 5 : 2);
    leave(equal(argument(1), "vsyscall") && (signal == 31 || signal == 11) ? 5 : 2);
}

static void ring(u32 count)
{
    while (count--)
        waist->ring(RING_SUPERVISOR);
}

static int stopped(void)
{
    pause_ms(100);
    boot->mailbox.guest_stopped = 1;
    ring(1);
    pause_ms(200);
    for (u64 at = boot->family_free; at < 2ull << 30; at += 4096)
        *(volatile char *)(boot->family_base + at) = 1;
    pause_ms(2000);
    boot->mailbox.guest_stopped = 0;
    ring(1);
    return 1;
}

static int bell(void)
{
    volatile struct boot_mailbox *mailbox = &boot->mailbox;

    pause_ms(100); // until the bell is watched
    mailbox->death_bell = 1;
    mailbox->ready_time = 1; // from here on it is told to us
    busy_ms(1000);
    return 5;
}

static int garbage(void)
{
    u8 *at = (u8 *)&boot->mailbox;

    pause_ms(50);
    for (u64 i = 0; i < sizeof(boot->mailbox); i++)
        ((volatile u8 *)at)[i] = 0xff;
    boot->mailbox.panicked = boot->mailbox.guest_stopped = 0;
    ring(1000);
    pause_ms(50);
    return 5;
}

static int flood(void)
{
    for (u32 i = 1; i < 20000; i++) {
        boot->mailbox.termios_request = i;
        ring(1);
    }
    return 5;
}

static int vsyscall(void)
{
    ((s64(*)(s64 *))VSYSCALL_TIME)(0);
    return 5; // a host that emulates it gives the time, and nothing else can be asked there
}

static int compat(void)
{
    static const u8 code[] = {0xb8, 4, 0,    0,    0,    0xbb, 1,    0,
                              0,    0, 0x31, 0xd2, 0xcd, 0x80, 0xeb, 0xfe};

    if (waist->map(CODE_AT, 4096, 7, MAP_SOURCE_ZERO, 0))
        return 1;
    for (u64 i = 0; i < sizeof(code); i++)
        ((volatile u8 *)CODE_AT)[i] = code[i];
    __asm__ volatile("pushq %0; pushq %1; lretq" : : "i"(COMPAT_CS), "i"(CODE_AT) : "memory");
    return 1;
}

static const struct {
    const char *name;
    int (*run)(void);
} cases[] = {
    {"stopped", stopped}, {"bell", bell},         {"garbage", garbage},
    {"flood", flood},     {"vsyscall", vsyscall}, {"compat", compat},
};

int guest_main(void)
{
    for (u64 i = 0; i < array_count(cases); i++)
        if (equal(argument(1), cases[i].name))
            return cases[i].run();
    return 3;
}
