// SPDX-License-Identifier: BSD-3-Clause
// The host descriptors of a member; the policies know the same numbers. 0, 1, 2 are its streams.
#pragma once

#define FD_IMAGE      3
#define FD_FAMILY     4
#define FD_DOORBELL   5 // an eventfd; of vCPU 0
#define FD_SUPERVISOR 6 // an eventfd: the mailbox has something for the supervisor
#define FD_NETWORK    7 // a TAP, or passt's socket; in members with a network
#define FD_TERMINAL   8 // the host's controlling terminal, if some standard streams are on a terminal and some not
#define FD_COUNT      9

#define TICK_TIMER      0  // the id that the host gives to a process's first POSIX timer
#define TICK_TIMER_LAST 63 // they count up from there: one a vCPU

// clone's flags for a member, and for one more vCPU in it. The host writes the thread's id before it runs.
#define FORK_FLAGS (CLONE_PARENT_SETTID | SIGCHLD)
#define VCPU_FLAGS                                                                                 \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_PARENT_SETTID)
