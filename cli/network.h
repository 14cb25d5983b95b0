// SPDX-License-Identifier: BSD-3-Clause
// How `clade network` marks what it made.
#pragma once

#define NETWORK_FOLDER "/sys/class/net"
#define NETWORK_ALIAS  "clade network" // of the bridge
