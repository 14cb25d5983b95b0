// SPDX-License-Identifier: BSD-3-Clause
// What linux/socket.c and linux/socket_message.c share: descriptors and addresses of sockets.
#pragma once

#include "net/socket.h"

// The socket of a descriptor, in a referenced file. -EBADF, -ENOTSOCK
must_check int socket_get(int fd, struct file **out_file, struct socket **out);
// -EINVAL: a size that no address has; -EFAULT
must_check int socket_address_read(uaddr_t from, int size, struct socket_address *out);
// Writes as much as *user_size (a u32 of user memory) allows, and the whole size to it. `to` 0:
// nothing.
must_check int socket_address_write(uaddr_t to, uaddr_t user_size, const struct socket_address *a);
