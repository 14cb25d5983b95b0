// SPDX-License-Identifier: BSD-3-Clause
// Generic segmentation: for devices without TSO.
#pragma once

#include "base/list.h"

struct packet;

// Cuts p (a frame with gso set, network_header and checksum_start set) into frames of gso_size
// payload bytes each, in *out. Without memory the rest is lost. Consumes p.
void segment_packet(struct packet *p, struct list *out);
