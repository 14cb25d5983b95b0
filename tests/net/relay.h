// SPDX-License-Identifier: BSD-3-Clause
// The ends of a relay: see relay.c for how one is named.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Opens an end, or ends the program with a message. large: a TAP hands over large segments.
int relay_open(const char *name, int large);
// Reads what is there; hands each frame, as it would be on the wire, to `take`. 0: nothing there.
int relay_read(int fd, void (*take)(void *object, unsigned char *frame, size_t size), void *object);
int relay_write(int fd, const unsigned char *frame, size_t size); // 0, or -1: refused
