// SPDX-License-Identifier: BSD-3-Clause
// The kernel's words for people: log_message and panic_at, through the waist's log call. Each
// message is one call, so that lines of several members do not mix.
#include "base/panic.h"
#include "base/printf.h"
#include "platform/platform.h"

#define MESSAGE_SIZE   512
#define STATUS_ABORTED (6 | 0x80) // wait(2): SIGABRT, core dumped

// Ends the text with a newline even when it was cut.
static void message_log(char text[MESSAGE_SIZE], int length)
{
    length = min(length, MESSAGE_SIZE - 2);
    text[length++] = '\n';
    platform_log(text, (size_t)length);
}

void log_message(const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list args;

    int n = snprintf(text, sizeof(text), "clade: ");
    va_start(args, format);
    n += vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
    va_end(args);
    message_log(text, n);
}

void panic_at(const char *file, int line, const char *format, ...)
{
    static bool panicking; // a panic within a panic must not print again; atomic, pairs with itself
    char text[MESSAGE_SIZE];
    va_list args;

    if (!__atomic_exchange_n(&panicking, true, __ATOMIC_SEQ_CST)) {
        int n = snprintf(text, sizeof(text), "clade: panic: %s:%d: ", file, line);
        n = min(n, MESSAGE_SIZE - 1);
        va_start(args, format);
        n += vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
        va_end(args);
        message_log(text, n);
    }
    // The other members share what is broken. Before platform_init there is nobody to tell.
    if (!platform_boot())
        __builtin_trap();
    __atomic_store_n(&((struct boot_mailbox *)(u64)&platform_boot()->mailbox)->panicked, 1,
                     __ATOMIC_RELEASE); // pairs with the supervisor's load
    platform_ring(RING_SUPERVISOR);
    platform_exit(STATUS_ABORTED, 0);
}
