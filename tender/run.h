// SPDX-License-Identifier: BSD-3-Clause
// Starts a unikernel from an image and stays with it to its end. The CLI's only door to the tender.
//
//     struct tender_config config = { .image_fd = fd, .image_path = path };
//     config.arguments = (const char *const[]){ "hello", "world", NULL };
//     return tender_run(&config);
#pragma once

#include "abi/boot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tender_port {     // a port of the host that leads to one of the guest
    const char *address; // of the host, in digits; NULL: any
    uint16_t host, guest;
    uint16_t count; // of ports, one behind the other; at least 1
    bool udp;
};

// The guest's network. Zero is the default: as USER, but nothing is said when there is none.
struct tender_network {
    enum {
        TENDER_NETWORK_DEFAULT,
        TENDER_NETWORK_NONE,
        TENDER_NETWORK_USER, // passt, started when the guest needs it
        TENDER_NETWORK_TAP,
    } kind;
    const char *tap; // name of the interface
    const struct tender_port *ports;
    uint32_t port_count;           // not for TAP
    struct boot_network addresses; // addresses and flags; the rest of it is the tender's
    bool dns_forward;              // USER: dns[0], of version 4, stands for the host's own
};

// What to run and with what. NULL or 0 in a field means: as the image's manifest says.
struct tender_config {
    int image_fd;           // the X.clade, open for reading; tender_run closes it
    const char *image_path; // for messages

    const char *const
        *arguments; // argv, argv[0] included, NULL-terminated; replaces the manifest's
    const char *const *more_arguments; // appended to argv; NULL-terminated
    const char *const *environment;    // "NAME=value", NULL-terminated; added to the manifest's
    const char *workdir;
    const char *hostname;
    const char *program;   // path in the image
    uint64_t memory_limit; // bytes
    uint32_t cpu_count;
    uint32_t process_limit; // 0: the kernel's own

    const struct tender_network *network; // NULL: none

    const char *cpuid_file; // for tender/host_cpuid.h; NULL: none is read or made

    bool trace;   // print each system call on standard error
    bool debug;   // the kernel's messages on standard error, and the tender's
    bool nopatch; // leave every `syscall` to trap (tests)

    // Descriptors that become the guest's standard input, output and error. -1: closed, there too (the
    // number must be taken by something). A plain run has 0, 1, 2 (NOT what {0} gives: set them).
    int stdio[3];

    bool note_missing; // remember paths that the program asks for in vain: tender_missing()

    // A descriptor to write a report to when the guest has started, as lines `key value` (see
    // tender/README.md), or 0: none.
    int report_fd;
};

// The stdio of a plain run.
#define TENDER_STDIO                                                                               \
    {                                                                                              \
        0, 1, 2                                                                                    \
    }

// Runs the image to its end. Returns the exit code as a shell has it: the program's own, 128 +
// signal, 126 (the image can't be started), 127 (the program is not in it). Whenever a start can't
// go on one line on standard error, beginning with "clade: ", has said why. Call it from a process
// without other threads. To be fast the caller should have touched little memory before.
int tender_run(const struct tender_config *config);

// After tender_run: the signal that ended the program; 0: none, or a code that says why it was not run.
int tender_signal(void);

// After tender_run with note_missing: the n-th of the last few absolute paths that the guest asked
// for and did not find, the newest is 0. The guest may have written anything there; valid up to the
// next call. NULL: no more.
const char *tender_missing(unsigned n);
