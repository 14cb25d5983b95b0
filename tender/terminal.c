// SPDX-License-Identifier: BSD-3-Clause
// The host's terminal on behalf of the guest. The member can't set it: it has no ioctl, and it is
// not in the terminal's session.
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tender/process/descriptors.h"
#include "tender/supervisor.h"

// [ioctl_tty(2)]; musl's headers have the numbers of struct termios only.
#define HOST_TCGETS2  0x802c542aul
#define HOST_TCSETS2  0x402c542bul
#define HOST_TCSETSW2 0x402c542cul
#define HOST_TCSETSF2 0x402c542dul

static struct boot_mailbox *mailbox(const struct supervisor *s)
{
    return &member_boot(s->member)->mailbox;
}

static bool in_foreground(const struct supervisor *s)
{
    return s->terminal_fd >= 0 && tcgetpgrp(s->terminal_fd) == getpgrp();
}

void terminal_init(struct supervisor *s)
{
    s->terminal_fd = s->member->fds[FD_TERMINAL];
    for (int i = 0; i < 3 && s->terminal_fd < 0; i++)
        if (s->member->fds[i] >= 0 && isatty(s->member->fds[i]))
            s->terminal_fd = s->member->fds[i];
}

void terminal_resized(struct supervisor *s)
{
    struct winsize size;

    terminal_init(s);
    if (s->terminal_fd < 0 || ioctl(s->terminal_fd, TIOCGWINSZ, &size))
        return;
    __atomic_store_n(&mailbox(s)->winsize_rows, size.ws_row, __ATOMIC_RELAXED);
    __atomic_store_n(&mailbox(s)->winsize_columns, size.ws_col, __ATOMIC_RELAXED);
}

static void apply(struct supervisor *s)
{
    u8 settings[64];
    unsigned long how = HOST_TCSETS2;

    memcpy(settings, mailbox(s)->termios, sizeof(settings));
    if (settings[BOOT_TERMIOS_HOW] == BOOT_TERMIOS_DRAIN)
        how = HOST_TCSETSW2;
    else if (settings[BOOT_TERMIOS_HOW] == BOOT_TERMIOS_FLUSH)
        how = HOST_TCSETSF2;
    if (!s->terminal_saved)
        s->terminal_saved = !ioctl(s->terminal_fd, (int)HOST_TCGETS2, s->terminal_before);
    ioctl(s->terminal_fd, (int)how, settings);
}

void terminal_request(struct supervisor *s)
{
    u32 request = __atomic_load_n(&mailbox(s)->termios_request, __ATOMIC_ACQUIRE);

    if (request == mailbox(s)->termios_done)
        return;
    if (s->terminal_fd >= 0) // in the background, too: the kernel has looked, and SIGTTOU is ignored there
        apply(s);
    // Pairs with the kernel's acquire, which sleeps until its request is done.
    __atomic_store_n(&mailbox(s)->termios_done, request, __ATOMIC_RELEASE);
    supervisor_notify(s);
}

void terminal_restore(struct supervisor *s)
{
    if (s->terminal_saved && in_foreground(s))
        ioctl(s->terminal_fd, (int)HOST_TCSETS2, s->terminal_before);
}

void terminal_again(struct supervisor *s)
{
    if (s->terminal_saved && in_foreground(s))
        apply(s);
}
