// SPDX-License-Identifier: BSD-3-Clause
// The parent of a member: passes signals and the terminal's state in, watches its memory, answers
// on the control socket, and says how it ended. One thread, one loop, in supervisor.c.
#pragma once

#include <sched.h>
#include <signal.h>
#include <sys/types.h>

#include "tender/process/member.h"

struct supervisor {
    struct member *member;
    pid_t pid;
    u64 start_time; // CLOCK_MONOTONIC, ns
    int signal_fd;
    bool upcall_due; // the guest was not ready to be told
    bool killed;     // by the control socket
    bool panicked;      // the kernel is broken, by its own word
    bool out_of_memory;
    bool network_wanted; // the guest has a socket that needs it
    bool no_network; // it was asked for, and can't be had

    bool pinned;    // to one CPU, together with the member, from before the clone
    cpu_set_t cpus; // what it was before

    int watch_ms; // how often to look at the guest's memory; 0: never
    u64 memory_limit;
    u64 memory_used, memory_peak; // as of the last look

    int terminal_fd;     // -1: the guest has none
    bool terminal_saved; // saved[] is what it was like before the guest
    u8 terminal_before[64];

    bool settled;              // it has run for a while: the control socket was opened
    int control_fd, client_fd; // -1: none
};

// Stays with the member to its end; returns the shell's exit code. All signals are blocked.
int supervisor_run(struct supervisor *s);

// Member and supervisor start on one CPU, as a start is so short that passing it between two costs
// more than it gains (in a virtual machine 80 us of 450). supervisor_unpin lets both go when the
// guest turns out to live longer.
void supervisor_pin(struct supervisor *s);
void supervisor_unpin(struct supervisor *s);

// Tells the guest that the mailbox has changed.
void supervisor_notify(struct supervisor *s);
// Passes a signal to the guest.
void supervisor_signal(struct supervisor *s, int signal);
// Ends the guest, as it can't have the network that it was to have; why has been said.
void supervisor_no_network(struct supervisor *s);
u64 supervisor_now(void);

// terminal.c
void terminal_init(struct supervisor *s);
void terminal_resized(struct supervisor *s);
// Does what the kernel asked of the terminal, if it did.
void terminal_request(struct supervisor *s);
// The terminal as it was before (when the guest stops or ends), and as the guest has it.
void terminal_restore(struct supervisor *s);
void terminal_again(struct supervisor *s);

// memory_watch.c: looks how much memory the guest has (private pages and family memory), and ends
// it when it is over the limit.
void memory_watch(struct supervisor *s);

// deaths.c: from now on the kernel hears at once when the host kills a member.
void deaths_watch(struct supervisor *s);

// control.c: a socket in the abstract namespace, which leaves no file behind whatever happens.
void control_open(struct supervisor *s);
void control_accept(struct supervisor *s);
void control_read(struct supervisor *s);
