// SPDX-License-Identifier: BSD-3-Clause
// One send or receive: buffers, address, control data, flags. sendto, sendmsg, write, ... all make
// one.
#pragma once

#include "file/io.h"

#define MSG_OOB          1u
#define MSG_PEEK         2u
#define MSG_DONTROUTE    4u
#define MSG_CTRUNC       8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_ERRQUEUE     0x2000u
#define MSG_NOSIGNAL     0x4000u
#define MSG_MORE         0x8000u
#define MSG_WAITFORONE   0x10000u
#define MSG_BATCH        0x40000u // not the user's: more messages of a sendmmsg follow
#define MSG_ZEROCOPY     0x4000000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2

#define ADDRESS_SIZE_MAX 128u // struct sockaddr_storage

struct socket_address {
    u32 size; // bytes, the family included; 0: none
    union {
        u16 family;
        u8 bytes[ADDRESS_SIZE_MAX];
    };
};

struct control_header { // struct cmsghdr
    u64 size;           // of this and the data
    s32 level, type;
};

struct message {
    struct io *io;
    u32 flags;                      // MSG_* of the call
    u32 out_flags;                  // of a receive: MSG_TRUNC, MSG_CTRUNC, MSG_EOR
    bool nonblock;                  // MSG_DONTWAIT or O_NONBLOCK
    struct socket_address *address; // where to, or where the sender's goes; may be NULL
    const u8 *control;              // send: a kernel copy
    size_t control_size;
    uaddr_t control_to; // receive: user memory, or 0
    size_t control_room, control_used;
};

// Walks through the control data of a send: *offset starts at 0. The header in kernel memory with
// its data behind it; NULL: the end, or (*out_error -EINVAL) nonsense.
const struct control_header *message_next_control(const struct message *m, size_t *offset,
                                                  int *out_error);
// Gives one item of control data to the receiver; what has no room sets MSG_CTRUNC. -EFAULT
must_check int message_put_control(struct message *m, int level, int type, const void *data,
                                   size_t size);
// How many bytes of data one more item could have now.
size_t message_control_room(const struct message *m);
