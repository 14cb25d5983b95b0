// SPDX-License-Identifier: BSD-3-Clause
// Sockets: what is the same for every family. A family is a struct socket_family with a create
// function, a kind of socket a struct socket_ops; socket.c makes them files. The calls are in
// linux/socket.c.
#pragma once

#include <asm/socket.h>

#include "file/file.h"
#include "net/message.h"

// The ABI's numbers, which Linux's own headers keep to themselves.
#define AF_UNSPEC      0
#define AF_UNIX        1
#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_SEQPACKET 5
#define SOCK_TYPE_MASK 15u
#define SOCK_CLOEXEC   ((u32)O_CLOEXEC)
#define SOCK_NONBLOCK  ((u32)O_NONBLOCK)
#define SHUT_RD        0
#define SHUT_WR        1
#define SHUT_RDWR      2

// Options that are a bit in socket.flags.
#define SOCKET_REUSE_ADDRESS (1u << 0)
#define SOCKET_REUSE_PORT    (1u << 1)
#define SOCKET_KEEP_ALIVE    (1u << 2)
#define SOCKET_BROADCAST     (1u << 3)
#define SOCKET_OOB_INLINE    (1u << 4)
#define SOCKET_DONT_ROUTE    (1u << 5)
#define SOCKET_TIMESTAMP     (1u << 6)
#define SOCKET_PASS_CRED     (1u << 7)
#define SOCKET_NO_CHECK      (1u << 8)
#define SOCKET_STAMPED       (1u << 9) // SIOCGSTAMP was asked for

struct filter;
struct map_extent;
struct socket;

struct ucred { // SO_PEERCRED, SCM_CREDENTIALS
    s32 pid;
    u32 uid, gid;
};

struct socket_ops { // NULL: EOPNOTSUPP
    int (*pair)(struct socket *a, struct socket *b);
    int (*bind)(struct socket *s, const struct socket_address *a);
    int (*connect)(struct socket *s, const struct socket_address *a, bool nonblock);
    int (*listen)(struct socket *s, int backlog);
    int (*accept)(struct socket *s, bool nonblock, struct socket **out);
    s64 (*send)(struct socket *s, struct message *m);
    s64 (*receive)(struct socket *s, struct message *m);
    void (*batch_end)(struct socket *s); // behind sends with MSG_BATCH; NULL: they have held back nothing
    u32 (*poll)(struct socket *s, struct poll_table *table);
    int (*shutdown)(struct socket *s, bool reads, bool writes);
    int (*name)(struct socket *s, bool peer, struct socket_address *out);
    // Levels and names that socket_option.c does not know; values are in user memory.
    int (*set_option)(struct socket *s, int level, int name, uaddr_t value, u32 size);
    int (*get_option)(struct socket *s, int level, int name, uaddr_t value, u32 *size);
    s64 (*ioctl)(struct socket *s, u32 command, u64 argument);
    // As file_ops.map. NULL: ENODEV
    int (*map)(struct socket *s, u64 offset, u64 size, struct map_extent *out);
    void (*release)(struct socket *s); // the file has gone; frees the socket
};

struct socket { // at the start of the family's own struct
    const struct socket_ops *ops;
    int family, type, protocol;
    bool listening;
    int error;                         // SO_ERROR: a positive errno, atomic
    u32 flags;                         // SOCKET_*, atomic
    u32 send_buffer, receive_buffer;   // bytes
    u64 send_timeout, receive_timeout; // ns; DEADLINE_NONE: none
    u32 mark;              // SO_MARK
    u32 mode;              // permissions of the file, as of bind: its name gets them
    int priority, linger_on, linger_seconds, receive_low;
    struct ucred peer;     // as of connect, or socketpair
    struct filter *filter; // filter.h; atomic
    bool filter_locked;
};

struct socket_family {
    int family;
    // type SOCK_*. -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM
    int (*create)(int type, int protocol, struct socket **out);
};

// -EAFNOSUPPORT, and what the family says.
must_check int socket_create(int family, int type, int protocol, struct socket **out);
void socket_init(struct socket *s, const struct socket_ops *ops, int family, int type);
// A file that owns the socket; after an error the socket is released. flags: O_NONBLOCK
must_check int socket_file(struct socket *s, u32 flags, struct file **out);
struct socket *socket_of(const struct file *f); // NULL: not a socket

// SOL_SOCKET and the rest. -ENOPROTOOPT, -EINVAL, -EFAULT
must_check int socket_set_option(struct socket *s, int level, int name, uaddr_t value, u32 size);
must_check int socket_get_option(struct socket *s, int level, int name, uaddr_t value, u32 *size);

int socket_take_error(struct socket *s); // negative errno or 0; it is gone then
// When a wait for `timeout` ns that starts now ends.
u64 socket_deadline(u64 timeout);
// What a wait's error becomes: -ETIMEDOUT is -EAGAIN, an interrupted wait with a timeout -EINTR.
// [signal(7)]
int socket_wait_error(int error, u64 timeout);
// A write to nobody: SIGPIPE unless MSG_NOSIGNAL. Returns -EPIPE.
s64 socket_broken_pipe(u32 message_flags);
