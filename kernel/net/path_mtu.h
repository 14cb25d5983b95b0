// SPDX-License-Identifier: BSD-3-Clause
// What is known of path MTUs: a small cache, in which a newer destination may push out an older
// one.
#pragma once

#include "net/address.h"

// The MTU to use for `to` over a link of `link` bytes.
u32 path_mtu(const struct ip_address *to, u32 link);
