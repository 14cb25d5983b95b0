// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX: addresses. A path is known by its inode, so renaming it changes nothing; an abstract
// name (its first byte is 0) by its bytes. One tree holds both: abstract names before paths.
#include "net/unix.h"

#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/stat.h>

#include "base/printf.h"
#include "base/string.h"
#include "file/path.h"
#include "memory/heap.h"

#define PATH_OFFSET   sizeof(u16) // of sun_path in struct sockaddr_un
#define MAY_WRITE     2u
#define AUTOBIND_SIZE (PATH_OFFSET + 6) // a zero and five hexadecimal digits

static struct slab_cache name_cache = SLAB_CACHE("unix_name", struct unix_name);

static struct {
    struct lock lock;
    struct tree tree;
    u32 next_automatic;
} unix_names;

static bool is_abstract(const struct socket_address *a)
{
    return a->bytes[PATH_OFFSET] == 0;
}

static int compare(const struct unix_name *n, const struct inode *inode,
                   const struct socket_address *a, int type)
{
    int order;

    if (n->inode || inode)
        return n->inode == inode ? 0 : n->inode < inode ? -1 : 1;
    if (n->type != type)
        return n->type < type ? -1 : 1; // as on Linux, another name
    order = memcmp(n->address.bytes, a->bytes, min(n->address.size, a->size));
    return order ? order : (int)n->address.size - (int)a->size;
}

// The name, or NULL and where it would go. Lock held.
static struct unix_name *find(const struct inode *inode, const struct socket_address *a, int type,
                              struct tree_node **out_parent, struct tree_node ***out_link)
{
    struct tree_node **link = &unix_names.tree.root;

    *out_parent = NULL;
    while (*link) {
        struct unix_name *n = tree_entry(*link, struct unix_name, node);
        int order = compare(n, inode, a, type);
        if (!order)
            return n;
        *out_parent = *link;
        link = order > 0 ? &(*link)->left : &(*link)->right;
    }
    *out_link = link;
    return NULL;
}

static int insert(struct unix_name *n)
{
    struct tree_node *parent, **link;

    if (find(n->inode, &n->address, n->type, &parent, &link))
        return -EADDRINUSE;
    tree_insert(&unix_names.tree, &n->node, parent, link);
    return 0;
}

void unix_name_put(struct unix_name *n)
{
    if (__atomic_sub_fetch(&n->references, 1, __ATOMIC_ACQ_REL)) // pairs with embryo_new and itself
        return;
    if (n->inode)
        inode_put(n->inode);
    slab_free(&name_cache, n);
}

void unix_name_drop(struct unix_socket *s)
{
    struct unix_name *n = s->name;

    if (!n)
        return;
    lock_acquire(&unix_names.lock);
    if (n->owner == s) {
        n->owner = NULL;
        tree_remove(&unix_names.tree, &n->node);
    }
    lock_release(&unix_names.lock);
}

// Checks an address of bind, connect or sendto, and gives a path its terminator. [unix(7)]
static int address_check(const struct socket_address *a, struct socket_address *out)
{
    if (a->size <= PATH_OFFSET || a->size > PATH_OFFSET + UNIX_PATH_MAX || a->family != AF_UNIX)
        return -EINVAL;
    *out = *a;
    if (is_abstract(a))
        return 0;
    out->bytes[a->size] = 0;
    out->size = (u32)(PATH_OFFSET + strlen((const char *)out->bytes + PATH_OFFSET) + 1);
    return 0;
}

// Makes the socket's name in the file tree, with the permissions that fchmod(2) may have given the
// socket. The inode is referenced.
static int path_make(const char *path, u32 mode, struct inode **out)
{
    struct dentry *parent, *made, *found;
    struct path_last last;
    struct inode *directory;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_PARENT, &parent, &last);

    if (error)
        return error;
    directory = parent->inode;
    lock_acquire_clean(&directory->lock);
    error = last.kind != PATH_NAME
                ? -EADDRINUSE
                : directory->ops->lookup(directory, parent, last.name, last.size, &found);
    if (!error) {
        dentry_put(found);
        error = -EADDRINUSE;
    } else if (error == -ENOENT) {
        error = inode_permission(directory, MAY_WRITE | 1);
        if (!error)
            error = directory->ops->create
                        ? directory->ops->create(directory, parent, last.name, last.size,
                                                 S_IFSOCK | (mode & ~path_umask()), 0, &made)
                        : -EPERM;
    }
    lock_release(&directory->lock);
    dentry_put(parent);
    if (error)
        return error;
    dentry_event(made, IN_CREATE);
    *out = inode_get(made->inode);
    dentry_put(made);
    return 0;
}

// A free abstract name. unix_names.lock is held.
static int insert_automatic(struct unix_name *n)
{
    for (u32 tries = 0; tries <= 0xfffff; tries++) {
        snprintf((char *)n->address.bytes + PATH_OFFSET + 1, 6, "%05x",
                 unix_names.next_automatic++ & 0xfffff);
        if (!insert(n))
            return 0;
    }
    return -ENOSPC;
}

static int name_attach(struct unix_socket *s, struct unix_name *n, bool automatic)
{
    int error;

    lock_acquire(&s->lock);
    lock_acquire(&unix_names.lock);
    error = s->name ? -EINVAL : automatic ? insert_automatic(n) : insert(n);
    if (!error) {
        n->owner = s;
        __atomic_store_n(&s->name, n, __ATOMIC_RELEASE); // pairs with unix_name_copy
    }
    lock_release(&unix_names.lock);
    lock_release(&s->lock);
    return error;
}

int unix_bind(struct socket *socket, const struct socket_address *a)
{
    struct unix_socket *s = unix_of(socket);
    bool automatic = a->size == PATH_OFFSET && a->family == AF_UNIX;
    struct unix_name *n;
    int error = 0;

    if (s->name)
        return -EINVAL;
    n = slab_alloc(&name_cache);
    if (!n)
        return -ENOMEM;
    n->references = 1;
    n->type = socket->type;
    if (automatic)
        n->address = (struct socket_address){.size = AUTOBIND_SIZE, .family = AF_UNIX};
    else
        error = address_check(a, &n->address);
    if (!error && !is_abstract(&n->address))
        error = path_make((const char *)n->address.bytes + PATH_OFFSET, socket->mode, &n->inode);
    if (!error)
        error = name_attach(s, n, automatic);
    if (error)
        unix_name_put(n);
    return error;
}

void unix_name_copy(struct unix_socket *s, struct socket_address *out)
{
    const struct unix_name *n =
        __atomic_load_n(&s->name, __ATOMIC_ACQUIRE); // pairs with name_attach

    if (n)
        *out = n->address;
    else
        *out = (struct socket_address){.size = PATH_OFFSET, .family = AF_UNIX};
}

int unix_name_of(struct socket *socket, bool peer, struct socket_address *out)
{
    struct unix_socket *s = unix_of(socket), *other;

    if (!peer) {
        unix_name_copy(s, out);
        return 0;
    }
    other = unix_peer(s);
    if (!other)
        return -ENOTCONN;
    unix_name_copy(other, out);
    unix_put(other);
    return 0;
}

// The inode that a path names. -ECONNREFUSED: it is no socket.
static int path_find(const char *path, struct inode **out)
{
    struct dentry *d;
    int error = path_lookup(AT_FDCWD, path, LOOKUP_FOLLOW, &d, NULL);

    if (error)
        return error;
    error = inode_permission(d->inode, MAY_WRITE);
    if (!error && !S_ISSOCK(d->inode->mode))
        error = -ECONNREFUSED;
    if (!error)
        *out = inode_get(d->inode);
    dentry_put(d);
    return error;
}

int unix_find(const struct socket_address *a, int type, struct unix_socket **out)
{
    struct tree_node *parent, **link;
    struct socket_address checked;
    struct inode *inode = NULL;
    struct unix_name *n;
    int error = address_check(a, &checked);

    if (!error && !is_abstract(&checked))
        error = path_find((const char *)checked.bytes + PATH_OFFSET, &inode);
    if (error)
        return error;
    lock_acquire(&unix_names.lock);
    n = find(inode, &checked, type, &parent, &link);
    if (!n)
        error = -ECONNREFUSED;
    else if (n->owner->socket.type != type)
        error = -EPROTOTYPE;
    else
        *out = unix_get(n->owner);
    lock_release(&unix_names.lock);
    if (inode)
        inode_put(inode);
    return error;
}

void unix_names_visit(void (*show)(const struct unix_name *n, void *arg), void *arg)
{
    lock_acquire(&unix_names.lock);
    for (struct tree_node *node = tree_first(&unix_names.tree); node; node = tree_next(node))
        show(container_of(node, struct unix_name, node), arg);
    lock_release(&unix_names.lock);
}
