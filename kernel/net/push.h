// SPDX-License-Identifier: BSD-3-Clause
// Delegates: how the elements of the network stack are joined. An element is a struct with one
// struct push for each of its outputs; wiring.c joins them. Whoever is pushed a packet owns it.
#pragma once

struct packet;

struct push {
    void (*function)(void *object, struct packet *p);
    void *object;
};

static inline void push(const struct push *to, struct packet *p)
{
    to->function(to->object, p);
}
