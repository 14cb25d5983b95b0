// SPDX-License-Identifier: BSD-3-Clause
// Says hello with each way of output, and what it was given.
#include "abi/queue.h"
#include "tests/tender/guest.h"

void guest_upcall(int signal, const void *info, const void *context)
{
    say("unexpected signal\n");
    leave(98);
}

static void print(const char *text)
{
    struct waist_queue *q = (struct waist_queue *)boot->queues + QUEUE_STDOUT;
    char *buffer = (char *)boot->family_base + boot->family_free;
    u64 size = length(text);

    for (u64 i = 0; i < size; i++)
        buffer[i] = text[i];
    q->descriptors[0] = (struct queue_descriptor){(u64)buffer, (u32)size, 0, 0};
    q->available.ring[q->available.index % QUEUE_SIZE] = 0;
    __atomic_store_n(&q->available.index, (u16)(q->available.index + 1), __ATOMIC_RELEASE);
    if (waist->ring(QUEUE_STDOUT) != 1)
        leave(97);
}

int guest_main(void)
{
    if (boot->magic != BOOT_MAGIC || boot->size != sizeof(*boot))
        leave(96);
    print("hello");
    for (u32 i = 1; i < boot->argument_count; i++) {
        print(" ");
        print(argument(i));
    }
    print("\n");
    if (waist->clock(CLOCK_WAIST_MONOTONIC) <= 0 ||
        waist->wait(equal(argument(1), "wait") ? 1000000 : 0, 0) != 0)
        leave(95);
    if (equal(argument(1), "exit"))
        return 42;
    if (equal(argument(1), "signal"))
        waist->exit(15, 0);
    if (equal(argument(1), "eat"))
        for (u64 at = boot->family_free; at < 2ull << 30; at += 4096)
            *(volatile char *)(boot->family_base + at) = 1;
    if (equal(argument(1), "panic")) { // as a member that is not the first: only the supervisor can end us
        boot->mailbox.panicked = 1;
        waist->ring(RING_SUPERVISOR);
    }
    if (equal(argument(1), "sleep") || equal(argument(1), "panic"))
        for (;;)
            waist->wait(WAIT_FOREVER, 0);
    return 0;
}
