// SPDX-License-Identifier: BSD-3-Clause
// The console's ports: queues 0 to 2 of the waist, the host's standard streams, and two for the rest of its terminal.
//
// A request is one descriptor over one buffer of family memory, and one kick. The queue of a port
// belongs to one thread at a time (`busy`), for which others sleep, since the host may block in it.
//
// `ready` says that the host reported progress and nobody used it yet. While it is false and
// someone stands in `wait`, the port is in console_interest(), so the idle loop asks the host for
// it; this also keeps an epoll that watches a stream forever from waking the idle loop more than
// once.
#include "driver/console.h"


#include <asm/stat.h>
#include <linux/fs.h>

#include "abi/queue.h"
#include "file/file.h"
#include "file/root.h"
#include "memory/pages.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/thread.h"

#define BUFFER_PAGES 16
#define BUFFER_SIZE  (BUFFER_PAGES * PAGE_SIZE)
#define SAFE_CHUNK   4096 // what a pipe that reports room takes without blocking: PIPE_BUF

struct port {
    struct lock lock;       // guards busy
    struct wait_queue turn; // for `busy` to become false
    bool busy;              // buffer and queue are in use
    u8 *buffer;             // BUFFER_SIZE bytes, allocated at first use
    u16 used_seen;          // used.index as of the last request
    u32 kind;               // enum stream_kind
    bool initialised;
    bool ready;             // atomic; set by console_ready, cleared by each transfer
    struct wait_queue wait; // for `ready`
    union {
        struct queue_seek seek;
        struct stat stat;
    } argument; // of requests to a file
};

static struct port ports[CONSOLE_PORTS];

// The waist's number of a port's queue.
static u64 queue_of(int index)
{
    return (u64)(index < PORT_TERMINAL_INPUT ? index
                                             : index - PORT_TERMINAL_INPUT + QUEUE_TERMINAL_INPUT);
}

static void port_init(int index)
{
    struct port *port = &ports[index];
    if (port->initialised)
        return;
    wait_queue_init(&port->turn);
    wait_queue_init(&port->wait);
    if (index < PORT_TERMINAL_INPUT)
        port->kind = platform_boot()->stream[index];
    else
        port->kind = platform_boot()->queue_count > 3 ? STREAM_TTY : STREAM_CLOSED;
    port->initialised = true;
}

u32 console_port_kind(int index)
{
    port_init(index);
    return ports[index].kind;
}

void console_ports_init(void)
{
    for (int i = 0; i < CONSOLE_PORTS; i++)
        port_init(i);
}

struct wait_queue *console_port_queue(int index)
{
    return &ports[index].wait;
}

static bool turn_free(void *arg)
{
    return !((struct port *)arg)->busy;
}

static void port_give_back(struct port *port)
{
    lock_acquire(&port->lock);
    port->busy = false;
    lock_release(&port->lock);
    wait_queue_wake_one(&port->turn, ~0u);
}

// Takes the port for the current thread. -EAGAIN, -ERESTARTSYS, -ENOMEM
static int port_take(struct port *port, bool nonblock)
{
    int error = 0;
    lock_acquire(&port->lock);
    if (port->busy && nonblock)
        error = -EAGAIN;
    else
        error = wait_until_locked(&port->turn, &port->lock, DEADLINE_NONE,
                                  WAIT_INTERRUPTIBLE | WAIT_EXCLUSIVE, turn_free, port);
    if (!error)
        port->busy = true;
    lock_release(&port->lock);
    if (error == -ERESTARTSYS)
        wait_queue_wake_one(&port->turn, ~0u); // in case the turn was given to us meanwhile
    if (!error && !port->buffer) {
        port->buffer = pages_alloc(BUFFER_PAGES);
        if (!port->buffer) {
            port_give_back(port);
            error = -ENOMEM;
        }
    }
    return error;
}

// One request, start to end: bytes transferred, or the host's error. A request that failed stays
// with the device; the next one takes its place.
static s64 port_submit(struct port *port, void *buffer, size_t size, u16 flags)
{
    u64 index = (u64)(port - ports);
    struct waist_queue *q = (struct waist_queue *)platform_boot()->queues + index;
    u16 available = q->available.index;

    q->descriptors[0] = (struct queue_descriptor){(u64)buffer, (u32)size, flags, 0};
    if (available == port->used_seen) {
        q->available.ring[available % QUEUE_SIZE] = 0;
        // Pairs with the device's load of index: it sees the descriptor too.
        __atomic_store_n(&q->available.index, (u16)(available + 1), __ATOMIC_RELEASE);
    }
    s64 result = platform_ring(queue_of((int)index));
    if (__atomic_load_n(&q->used.index, __ATOMIC_ACQUIRE) != port->used_seen) {
        u32 moved = q->used.ring[port->used_seen % QUEUE_SIZE].size;
        port->used_seen++;
        return result < 0 ? result : (s64)min(moved, (u32)size);
    }
    return result < 0 ? result : -EIO;
}

bool console_port_ready(int index)
{
    struct port *port = &ports[index];
    if (port->kind == STREAM_FILE)
        return true;
    if (__atomic_load_n(&port->ready, __ATOMIC_ACQUIRE))
        return true;
    s64 bits = platform_wait(0, 1ull << queue_of(index));
    if (bits < 0 || !(bits & (1ll << queue_of(index))))
        return false;
    __atomic_store_n(&port->ready, true, __ATOMIC_RELEASE); // pairs with the load above
    return true;
}

static bool port_is_ready(void *arg)
{
    return console_port_ready((int)((struct port *)arg - ports));
}

// Waits until the host can make progress. -EAGAIN, -ERESTARTSYS, -ETIMEDOUT
static int port_wait(struct port *port, bool nonblock, u64 deadline)
{
    if (nonblock)
        return port_is_ready(port) ? 0 : -EAGAIN;
    return wait_until(&port->wait, deadline, WAIT_INTERRUPTIBLE, port_is_ready, port);
}

s64 console_port_read(int index, struct io *io, bool nonblock, u64 deadline)
{
    struct port *port = &ports[index];
    for (;;) {
        int error = port_wait(port, nonblock, deadline);
        if (error)
            return error;
        error = port_take(port, nonblock);
        if (error)
            return error;
        s64 result = -EAGAIN;
        if (port_is_ready(port)) {                                   // no other reader was faster
            __atomic_store_n(&port->ready, false, __ATOMIC_RELEASE); // pairs with console_interest
            result =
                port_submit(port, port->buffer, min(io->left, BUFFER_SIZE), QUEUE_DEVICE_WRITES);
            if (result > 0)
                result = io_put(io, port->buffer, (size_t)result);
        }
        port_give_back(port);
        if (result != -EAGAIN && result != -EINTR)
            return result;
        if (thread_interrupted())
            return -ERESTARTSYS;
    }
}

// May this write block other threads of the program, or the caller that asked not to be blocked?
static bool must_look_first(const struct port *port, bool nonblock)
{
    return port->kind != STREAM_FILE && (nonblock || thread_process()->thread_count > 1);
}

// Writes what stands in the buffer. Bytes written; less than size only with *out_error.
static size_t port_flush(struct port *port, size_t size, bool nonblock, int *out_error)
{
    size_t done = 0;
    bool look = must_look_first(port, nonblock);
    while (done < size) {
        if (look) {
            *out_error = port_wait(port, nonblock, DEADLINE_NONE);
            if (*out_error)
                break;
        }
        size_t part =
            look && port->kind != STREAM_FILE ? min(size - done, (size_t)SAFE_CHUNK) : size - done;
        __atomic_store_n(&port->ready, false, __ATOMIC_RELEASE); // pairs with console_interest
        s64 result = port_submit(port, port->buffer + done, part, 0);
        if (result < 0 && result != -EINTR && result != -EAGAIN) {
            *out_error = (int)result;
            break;
        }
        if (result > 0)
            done += (size_t)result;
        if (result < (s64)part) {
            // The host was interrupted, perhaps with a signal for us in the mailbox. Do not block
            // in it again before the idle loop has had a look, which port_wait lets it.
            look = true;
            if (thread_interrupted()) {
                *out_error = -ERESTARTSYS;
                break;
            }
        }
    }
    return done;
}

s64 console_port_write(int index, struct io *io, bool nonblock)
{
    struct port *port = &ports[index];
    s64 done = 0;
    int error = port_take(port, nonblock);
    if (error)
        return error;
    while (io->left && !error) {
        s64 part = io_get(io, port->buffer, min(io->left, BUFFER_SIZE));
        if (part <= 0) {
            error = part < 0 ? (int)part : -EFAULT;
            break;
        }
        done += (s64)port_flush(port, (size_t)part, nonblock, &error);
    }
    port_give_back(port);
    return done ? done : error;
}

bool console_port_is_input(int port)
{
    return port == QUEUE_STDIN || port == PORT_TERMINAL_INPUT;
}

bool console_port_is_taken(int index)
{
    struct port *port = &ports[index];
    if (port_take(port, /*nonblock=*/false))
        return false;
    s64 result = port_submit(port, port->buffer, 0, QUEUE_DEVICE_WRITES);
    port_give_back(port);
    return result == -EIO; // the tender blocks SIGTTIN [Linux, __tty_check_change]
}

// The three are called by the owner of the port.
static s64 port_seek(struct port *port, s64 offset, u32 whence)
{
    port->argument.seek = (struct queue_seek){offset, whence};
    s64 error = port_submit(port, &port->argument, sizeof(port->argument), QUEUE_SEEK);
    return error < 0 ? error : port->argument.seek.offset;
}

static s64 port_move(struct port *port, struct io *io)
{
    size_t size = min(io->left, (size_t)BUFFER_SIZE);
    if (console_port_is_input((int)(port - ports))) {
        s64 result = port_submit(port, port->buffer, size, QUEUE_DEVICE_WRITES);
        return result > 0 ? io_put(io, port->buffer, (size_t)result) : result;
    }
    s64 result = io_get(io, port->buffer, size);
    return result > 0 ? port_submit(port, port->buffer, (size_t)result, 0) : result;
}

// The host's position is moved for the time of the transfer: who shares it within the unikernel does not see that.
static s64 port_move_at(struct port *port, struct io *io, u64 position)
{
    s64 before = port_seek(port, 0, SEEK_CUR);
    if (before < 0)
        return before;
    s64 result = port_seek(port, (s64)position, SEEK_SET);
    if (result >= 0)
        result = port_move(port, io);
    s64 back = port_seek(port, before, SEEK_SET);
    return back < 0 ? back : result;
}

s64 console_port_move_at(int index, struct io *io, u64 position)
{
    struct port *port = &ports[index];
    s64 result = port_take(port, /*nonblock=*/false);
    if (result)
        return result;
    result = port_move_at(port, io, position);
    port_give_back(port);
    return result;
}

s64 console_port_seek(int index, s64 offset, u32 whence)
{
    struct port *port = &ports[index];
    s64 result = port_take(port, /*nonblock=*/false);
    if (result)
        return result;
    result = port_seek(port, offset, whence);
    port_give_back(port);
    return result;
}

int console_port_stat(int index, struct stat *out)
{
    struct port *port = &ports[index];
    int error = port_take(port, /*nonblock=*/false);
    if (error)
        return error;
    s64 result = port_submit(port, &port->argument, sizeof(port->argument), QUEUE_STAT);
    *out = port->argument.stat;
    port_give_back(port);
    return result < 0 ? (int)result : 0;
}

u64 console_interest(void)
{
    u64 interest = 0;
    for (int i = 0; i < CONSOLE_PORTS; i++) {
        struct port *port = &ports[i];
        if (!port->initialised || port->kind == STREAM_CLOSED || port->kind == STREAM_NULL ||
            port->kind == STREAM_REVERSED)
            continue;
        lock_acquire(&port->wait.lock);
        if (!list_empty(&port->wait.waiters) && !__atomic_load_n(&port->ready, __ATOMIC_ACQUIRE))
            interest |= 1ull << queue_of(i);
        lock_release(&port->wait.lock);
    }
    return interest;
}

void console_ready(u64 ready)
{
    for (int i = 0; i < CONSOLE_PORTS; i++) {
        if (!(ready & (1ull << queue_of(i))) || !ports[i].initialised)
            continue;
        __atomic_store_n(&ports[i].ready, true, __ATOMIC_RELEASE); // pairs with console_port_ready
        wait_queue_wake(&ports[i].wait,
                        console_port_is_input(i) ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM);
    }
}
