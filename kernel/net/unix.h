// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX sockets, unix(7). unix.c: life, poll, shutdown; unix_queue.c: packets, send and receive;
// unix_connect.c: pair, listen, connect, accept; unix_name.c: addresses; unix_control.c: SCM_*.
//
// A socket that is connected points to its peer and holds a reference on it; what was sent stands
// in the *receiver's* queue, as packets that hold a reference on their sender, whose `charge` they
// are.
//
// Locks: no two sockets' locks are held at once. unix_names.lock stands inside a socket's lock;
// wait queues' locks inside both. Files of SCM_RIGHTS are put with no lock held, as their release
// may do anything.
#pragma once

#include "base/tree.h"
#include "net/socket.h"

#define UNIX_PATH_MAX     108u
#define UNIX_RIGHTS_MAX   253u // SCM_MAX_FD
#define UNIX_DATAGRAM_MAX 10u  // datagrams that wait for one receiver: net.unix.max_dgram_qlen

enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED, UNIX_CLOSED };

struct unix_rights { // files on their way: SCM_RIGHTS
    u32 count;
    struct file *files[UNIX_RIGHTS_MAX];
};

struct unix_packet {
    struct list node;
    struct unix_socket *sender; // referenced
    u32 charge;                 // what it counts in sender->charge
    u32 offset, size;           // [offset, size) of data is still to be read
    struct ucred credentials;
    struct unix_rights *rights; // NULL: none
    u8 data[];
};

struct unix_name {             // an address that a socket is bound to
    u32 references;            // atomic
    struct tree_node node;     // of unix_names, guarded by its lock; only while `owner` is set
    struct unix_socket *owner; // guarded by unix_names.lock; NULL: it has been closed
    struct inode *inode;       // of a path, referenced; NULL: abstract
    int type;                  // SOCK_*
    struct socket_address address;
};

struct unix_socket {
    struct socket socket;
    u32 references;   // atomic: its file, peers, packets, names being connected to
    struct lock lock; // the fields up to `embryo_node`
    enum unix_state state;
    bool shut_read, shut_write; // also read without the lock by poll
    struct unix_socket *peer;   // referenced
    struct unix_name *name;     // referenced; set once
    struct list queue;          // packets to be received
    u32 queue_count;
    struct list embryos; // listening: connected sockets not yet accepted
    u32 embryo_count, backlog;
    bool embryo; // is one itself: connected, not yet accepted
    struct list embryo_node;
    u32 charge; // atomic: bytes sent that nobody has taken yet
    struct wait_queue read_wait, write_wait;
};

extern const struct socket_family unix_family;

static inline struct unix_socket *unix_of(struct socket *s)
{
    return container_of(s, struct unix_socket, socket);
}

// unix.c
must_check int unix_new(int type, struct unix_socket **out);
struct unix_socket *unix_get(struct unix_socket *s);
void unix_put(struct unix_socket *s);
struct unix_socket *unix_peer(struct unix_socket *s); // referenced, or NULL
struct ucred unix_credentials(void);                  // of the current process
void unix_close(struct unix_socket *s);               // the file's reference goes too
bool unix_has_room(const struct unix_socket *s);      // POLLOUT
static inline bool unix_is_datagram(const struct unix_socket *s)
{
    return s->socket.type == SOCK_DGRAM;
}

// unix_queue.c
s64 unix_stream_send(struct socket *s, struct message *m);
s64 unix_stream_receive(struct socket *s, struct message *m);
s64 unix_packet_send(struct socket *s, struct message *m);
s64 unix_packet_receive(struct socket *s, struct message *m);
void unix_packet_free(struct unix_packet *p); // no lock held

#define UNIX_READ_EVENTS  (POLLIN | POLLRDNORM)
#define UNIX_WRITE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND)

// unix_connect.c
int unix_pair(struct socket *a, struct socket *b);
int unix_listen(struct socket *s, int backlog);
int unix_connect(struct socket *s, const struct socket_address *a, bool nonblock);
int unix_accept(struct socket *s, bool nonblock, struct socket **out);

// unix_name.c
int unix_bind(struct socket *s, const struct socket_address *a);
int unix_name_of(struct socket *s, bool peer, struct socket_address *out);
void unix_name_copy(struct unix_socket *s, struct socket_address *out); // its own
// The socket bound to an address, referenced. type must be the same. -ECONNREFUSED, -EPROTOTYPE,
// ...
must_check int unix_find(const struct socket_address *a, int type, struct unix_socket **out);
void unix_name_drop(struct unix_socket *s); // no longer found; the name stays for getpeername
void unix_name_put(struct unix_name *n);
// All names that have an owner, under unix_names.lock.
void unix_names_visit(void (*show)(const struct unix_name *n, void *arg), void *arg);

// unix_control.c
// Parses the control data of a send. Without SCM_CREDENTIALS the credentials are nobody's (pid 0). *out_rights may
// become NULL. -EINVAL, -EBADF, -EPERM, -ENOMEM, -ESRCH
must_check int unix_control_send(const struct message *m, struct ucred *out_credentials,
                                 struct unix_rights **out_rights);
// Nobody's credentials become the sender's, if one of the two sockets has SO_PASSCRED by now.
void unix_control_sign(const struct unix_socket *s, const struct unix_socket *to, struct ucred *credentials);
// Gives credentials (if the receiver wants them) and rights; what is not given is closed. -EFAULT
must_check int unix_control_receive(const struct unix_socket *s, struct message *m,
                                    const struct ucred *credentials, struct unix_rights *rights);
must_check struct unix_rights *
unix_rights_copy(const struct unix_rights *r); // MSG_PEEK; NULL: no memory
void unix_rights_free(struct unix_rights *r);  // NULL is fine
