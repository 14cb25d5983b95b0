// SPDX-License-Identifier: BSD-3-Clause
// Pseudoterminals: making pairs, devpts, and what comes from the keyboard.
// The pair lives until the master is closed and nothing refers to the slave's terminal any more.
#include "driver/pty.h"

#include <asm/ioctls.h>

#include "base/printf.h"
#include "driver/devices.h"
#include "driver/pty_internal.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "file/root.h"
#include "memory/heap.h"
#include "process/process.h"
#include "thread/thread.h"

#define PTYS_MAX     1024
#define TTY_GROUP    5 // Debian's group tty
#define DEVPTS_MAGIC 0x1cd1

static large_data struct {
    struct lock lock;
    struct dentry *root; // of devpts
    struct pty *pairs[PTYS_MAX];
} ptys;

static struct slab_cache pty_cache = SLAB_CACHE("pty", struct pty);

void pty_wake_master(struct pty *pty, u32 events)
{
    wait_queue_wake(&pty->master_wait, events);
}

void pty_wake_slave(struct pty *pty, u32 events)
{
    wait_queue_wake(&pty->slave_wait, events);
}

static int number_take(struct pty *pty)
{
    int error = -ENOSPC;
    lock_acquire(&ptys.lock);
    for (u32 i = 0; i < PTYS_MAX && error; i++) {
        if (ptys.pairs[i])
            continue;
        ptys.pairs[i] = pty;
        pty->number = i;
        error = 0;
    }
    lock_release(&ptys.lock);
    return error;
}

// A pair whose terminal is on its way out (no references) is not found.
static struct pty *pty_find(u32 number)
{
    struct pty *pty = NULL;
    lock_acquire(&ptys.lock);
    if (number < PTYS_MAX && ptys.pairs[number]) {
        pty = ptys.pairs[number];
        u32 references = __atomic_load_n(&pty->tty.references, __ATOMIC_RELAXED);
        do {
            if (!references) {
                pty = NULL;
                break;
            }
            // Pairs with tty_put.
        } while (!__atomic_compare_exchange_n(&pty->tty.references, &references, references + 1,
                                              false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    }
    lock_release(&ptys.lock);
    return pty;
}

void pty_free(struct tty *tty)
{
    struct pty *pty = pty_of(tty);
    lock_acquire(&ptys.lock);
    ptys.pairs[pty->number] = NULL;
    lock_release(&ptys.lock);
    line_free(&pty->line);
    slab_free(&pty_cache, pty);
}

static int node_create(struct pty *pty)
{
    const struct credentials *c = credentials_now();
    char name[12];
    snprintf(name, sizeof(name), "%u", pty->number);
    return device_node(ptys.root, name, S_IFCHR | 0620, pty->tty.rdevice, c->fsuid, TTY_GROUP);
}

void pty_node_remove(struct pty *pty)
{
    char name[12];
    snprintf(name, sizeof(name), "%u", pty->number);
    int error = device_node_remove(ptys.root, name);
    (void)error; // the program may have removed it
}

int pty_master_open(struct inode *inode, struct file *f)
{
    struct pty *pty = slab_alloc(&pty_cache);
    int error = pty ? number_take(pty) : -ENOMEM;
    if (error) {
        if (pty)
            slab_free(&pty_cache, pty);
        return error;
    }
    wait_queue_init(&pty->slave_wait);
    wait_queue_init(&pty->master_wait);
    tty_init(&pty->tty, &pty_slave_ops,
             DEVICE(MAJOR_PTS, pty->number & 0xff) | (pty->number & ~0xffu) << 12);
    pty->tty.termios.c_cflag &= ~(u32)HUPCL;
    pty->locked = true;
    error = line_init(&pty->line, &pty->tty.termios);
    if (!error)
        error = node_create(pty);
    if (error) {
        tty_put(&pty->tty);
        return error;
    }
    f->ops = &pty_master_ops;
    f->data = pty; // the first reference
    return 0;
}

int pty_slave_open(u32 number, struct file *f)
{
    struct pty *pty = pty_find(number);
    if (!pty)
        return -ENXIO;
    lock_acquire(&pty->tty.lock);
    int error = pty->locked || pty->master_closed ? -EIO : 0;
    lock_release(&pty->tty.lock);
    if (!error)
        error = tty_open(&pty->tty, f);
    if (!error) {
        lock_acquire(&pty->tty.lock);
        pty->slave_was_open = true;
        lock_release(&pty->tty.lock);
        pty_wake_master(pty, POLLOUT);
    }
    tty_put(&pty->tty);
    return error;
}

int pty_peer_open(struct pty *pty, u32 flags)
{
    struct inode *directory = ptys.root->inode;
    struct dentry *node;
    struct file *f;
    char name[12];
    int size = snprintf(name, sizeof(name), "%u", pty->number);
    lock_acquire_clean(&directory->lock);
    int error = directory->ops->lookup(directory, ptys.root, name, (size_t)size, &node);
    lock_release(&directory->lock);
    if (error)
        return error;
    error = dentry_open(node, flags & ~(u32)O_CLOEXEC, &f);
    dentry_put(node);
    return error ? error : fd_install(f, flags & O_CLOEXEC, 0);
}

size_t pty_receive(struct pty *pty, const u8 *data, size_t size)
{
    size_t done = 0;
    int signal = 0;
    lock_acquire(&pty->tty.lock);
    bool was_stopped = pty->line.stopped;
    while (done < size && line_receive(&pty->line, data[done], &signal)) {
        done++;
        if (!signal)
            continue;
        lock_release(&pty->tty.lock);
        tty_signal_foreground(&pty->tty, signal);
        lock_acquire(&pty->tty.lock);
    }
    u32 slave = line_readable(&pty->line, 1) ? POLLIN | POLLRDNORM : 0;
    slave |= line_output_room(&pty->line) ? POLLOUT | POLLWRNORM : 0; // VSTART was typed
    if (pty->packet && was_stopped != pty->line.stopped) {
        pty->packet_events &= (u8) ~(TIOCPKT_STOP | TIOCPKT_START);
        pty->packet_events |= was_stopped ? TIOCPKT_START : TIOCPKT_STOP;
    }
    lock_release(&pty->tty.lock);
    if (slave)
        pty_wake_slave(pty, slave);
    pty_wake_master(pty, POLLIN | POLLRDNORM); // echo
    return done;
}

void pty_flush(struct pty *pty, bool input, bool output)
{
    lock_acquire(&pty->tty.lock);
    line_flush(&pty->line, input, output);
    if (pty->packet)
        pty->packet_events |= (input ? TIOCPKT_FLUSHREAD : 0) | (output ? TIOCPKT_FLUSHWRITE : 0);
    lock_release(&pty->tty.lock);
    pty_wake_slave(pty, POLLOUT | POLLWRNORM);
    pty_wake_master(pty, POLLIN | POLLOUT | POLLPRI);
}

int pty_create(struct file_system **out)
{
    struct file_system *fs;
    int error = tmpfs_create("devpts", NULL, 0, &fs);
    if (error)
        return error;
    *out = fs;
    fs->magic = DEVPTS_MAGIC;
    fs->source = "devpts";
    fs->root->inode->uid = fs->root->inode->gid = 0;
    fs->root->inode->mode = S_IFDIR | 0755;
    ptys.root = dentry_get(fs->root);
    return device_node(ptys.root, "ptmx", S_IFCHR | 0666, DEVICE(5, 2), 0, 0);
}
