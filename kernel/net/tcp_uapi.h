// SPDX-License-Identifier: BSD-3-Clause
// <linux/tcp.h> for the kernel: it wants <linux/socket.h>, whose name is taken by linux/socket.h
// here.
#pragma once

#include "base/types.h"

struct __kernel_sockaddr_storage {
    u16 ss_family;
    u8 data[126];
} __attribute__((aligned(8)));

#include <linux/tcp.h>
