// SPDX-License-Identifier: BSD-3-Clause
// The guests of a network that `clade network create` made. The guest on the TAP NAME.N has the
// (N+1)th address behind the bridge's, and a file FOLDER/N that holds its name and is locked as
// long as it runs: whatever ends it, there is nothing to tidy up.
//
//     /run/clade/SPACE.NAME/   SPACE: the number of the network namespace
//         0, 1, ...            guests
//         names                process id of the name server, locked by it
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "tender/run.h"

#define GUEST_NAME_SIZE 65
#define GUESTS_MAX      256

#define NETWORK_PATH_SIZE 128
// FOLDER/file
void network_path(char out[NETWORK_PATH_SIZE], const char *network, const char *file);
// For guests of the user who called sudo, or root's. 0 or -errno.
int network_folder_make(const char *network);
void network_folder_remove(const char *network);
// A bridge that `clade network create` made.
bool network_is_ours(const char *name);
// The bridge's own address and its prefix. 0 or -errno.
int network_address(const char *network, struct in_addr *out, unsigned *out_bits);
// Guest N runs: its name ("" if it has none) and address.
bool network_guest(const char *network, unsigned n, char name[GUEST_NAME_SIZE],
                   struct in_addr *out);
// Takes a free TAP of the network, with address, router and name server where nothing else was
// said. The place is ours until this process ends. Negative after complain().
int network_join(const char *network, const char *guest_name, struct tender_network *n);
