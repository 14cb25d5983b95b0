// SPDX-License-Identifier: BSD-3-Clause
// Where packets' memory comes from: free lists per vCPU above the heap, so the usual packet costs
// neither zeroing nor a shared lock. What lies idle goes back to the heap after a second.
#pragma once

#include "net/packet.h"

struct packet *packet_pool_take(void); // contents are junk. NULL: no memory
void packet_pool_give(struct packet *p);
void packet_pool_trim(void); // all that is free goes back
