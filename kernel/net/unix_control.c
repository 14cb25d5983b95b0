// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX: files and credentials that travel with data. [unix(7), "Ancillary messages"]
//
// A socket that travels in its own queue, or two in each other's, is never freed: Linux has a
// garbage collector for such circles, this kernel has none. (README.md)
#include "net/unix.h"

#include <linux/capability.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/held.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

#define NOBODY 65534 // kernel.overflowuid

void unix_rights_free(struct unix_rights *r)
{
    if (!r)
        return;
    for (u32 i = 0; i < r->count; i++)
        if (r->files[i])
            file_put(r->files[i]);
    heap_free(r);
}

struct unix_rights *unix_rights_copy(const struct unix_rights *r)
{
    struct unix_rights *copy = heap_alloc(sizeof(*copy));

    if (!copy)
        return NULL;
    copy->count = r->count;
    for (u32 i = 0; i < r->count; i++)
        copy->files[i] = file_get(r->files[i]);
    return copy;
}

static int rights_add(struct unix_rights **rights, const void *data, size_t size)
{
    u32 count = (u32)(size / sizeof(int));
    int fd;

    if (!count)
        return 0;
    if (!*rights)
        *rights = heap_alloc(sizeof(**rights));
    if (!*rights)
        return -ENOMEM;
    if (count > UNIX_RIGHTS_MAX - (*rights)->count)
        return -EINVAL;
    for (u32 i = 0; i < count; i++) {
        struct file *f;
        memcpy(&fd, (const u8 *)data + i * sizeof(fd), sizeof(fd));
        f = fd_get(fd);
        if (!f)
            return -EBADF;
        (*rights)->files[(*rights)->count++] = f;
        file_not_held(f);
    }
    return 0;
}

// A process may name itself and its own ids; others with a capability only.
static int credentials_check(const struct ucred *u)
{
    const struct process *p = thread_process();
    const struct credentials *c = credentials_now();

    if (u->pid != p->pid && !capable(CAP_SYS_ADMIN))
        return -EPERM;
    if (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid && !capable(CAP_SETUID))
        return -EPERM;
    if (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid && !capable(CAP_SETGID))
        return -EPERM;
    return u->pid == p->pid || process_of_thread(u->pid) ? 0 : -ESRCH;
}

static int item_take(const struct control_header *h, struct ucred *credentials,
                     struct unix_rights **rights)
{
    size_t size = h->size - sizeof(*h);

    if (h->level != SOL_SOCKET)
        return 0;
    switch (h->type) {
    case SCM_RIGHTS:
        return rights_add(rights, h + 1, size);
    case SCM_CREDENTIALS:
        if (size != sizeof(*credentials))
            return -EINVAL;
        memcpy(credentials, h + 1, size);
        return credentials_check(credentials);
    default:
        return -EINVAL;
    }
}

static bool may_want_credentials(const struct unix_socket *s)
{
    return __atomic_load_n(&s->socket.flags, __ATOMIC_RELAXED) & SOCKET_PASS_CRED || s->embryo;
}

void unix_control_sign(const struct unix_socket *s, const struct unix_socket *to, struct ucred *credentials)
{
    const struct credentials *c = credentials_now();

    if (!credentials->pid && (may_want_credentials(s) || may_want_credentials(to)))
        *credentials = (struct ucred){thread_process()->pid, c->uid, c->gid};
}

int unix_control_send(const struct message *m, struct ucred *out_credentials,
                      struct unix_rights **out_rights)
{
    const struct control_header *h;
    struct unix_rights *rights = NULL;
    size_t offset = 0;
    int error = 0;

    *out_credentials = (struct ucred){0, NOBODY, NOBODY};
    *out_rights = NULL;
    if (!m->control_size)
        return 0;
    while (!error && (h = message_next_control(m, &offset, &error)))
        error = item_take(h, out_credentials, &rights);
    if (error) {
        unix_rights_free(rights);
        return error;
    }
    *out_rights = rights;
    return 0;
}

// Installs as many files as have room, and tells their descriptors.
static int rights_give(struct message *m, struct unix_rights *rights)
{
    u32 room = (u32)min(message_control_room(m) / sizeof(int), (size_t)rights->count);
    int fds[UNIX_RIGHTS_MAX], error;
    u32 given = 0;

    while (given < room) {
        int fd = fd_install(rights->files[given], m->flags & MSG_CMSG_CLOEXEC, 0);
        rights->files[given] = NULL; // gone over, or dropped
        if (fd < 0)
            break;
        fds[given++] = fd;
    }
    error = given ? message_put_control(m, SOL_SOCKET, SCM_RIGHTS, fds, given * sizeof(int)) : 0;
    if (given < rights->count)
        m->out_flags |= MSG_CTRUNC;
    return error;
}

int unix_control_receive(const struct unix_socket *s, struct message *m,
                         const struct ucred *credentials, struct unix_rights *rights)
{
    u32 flags = __atomic_load_n(&s->socket.flags, __ATOMIC_RELAXED); // pairs with set_number
    int error = 0;

    if (flags & SOCKET_PASS_CRED)
        error =
            message_put_control(m, SOL_SOCKET, SCM_CREDENTIALS, credentials, sizeof(*credentials));
    if (!error && rights)
        error = rights_give(m, rights);
    unix_rights_free(rights);
    return error;
}
