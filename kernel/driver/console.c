// SPDX-License-Identifier: BSD-3-Clause
// The console's three ports: queues 0 to 2 of the waist, the host's standard streams.
//
// A request is one descriptor over one buffer of family memory, and one kick. The queue of a port
// belongs to one thread at a time (`busy`), for which others sleep, since the host may block in it.
//
// `ready` says that the host reported progress and nobody used it yet. While it is false and
// someone stands in `wait`, the port is in console_interest(), so the idle loop asks the host for
// it; this also keeps an epoll that watches a stream forever from waking the idle loop more than
// once.
#include "driver/console.h"

#include <asm/ioctls.h>
#include <asm/signal.h>

#include "abi/queue.h"
#include "base/printf.h"
#include "driver/devices.h"
#include "file/file.h"
#include "file/root.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "process/signal.h"
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
};

static struct port ports[CONSOLE_PORTS];

static void port_init(int index)
{
    struct port *port = &ports[index];
    if (port->initialised)
        return;
    wait_queue_init(&port->turn);
    wait_queue_init(&port->wait);
    port->kind = platform_boot()->stream[index];
    port->initialised = true;
}

u32 console_port_kind(int index)
{
    port_init(index);
    return ports[index].kind;
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
    s64 result = platform_ring(index);
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
    s64 bits = platform_wait(0, 1ull << index);
    if (bits < 0 || !(bits & (1ll << index)))
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

static int port_of(struct file *f)
{
    return (int)((struct port *)f->data - ports);
}

static s64 stream_read(struct file *f, struct io *io, u64 *position)
{
    if (!io->left)
        return 0;
    return console_port_read(port_of(f), io, f->flags & O_NONBLOCK, DEADLINE_NONE);
}

static s64 stream_write(struct file *f, struct io *io, u64 *position)
{
    s64 result = console_port_write(port_of(f), io, f->flags & O_NONBLOCK);
    if (result == -EPIPE) {
        siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_USER};
        signal_send_thread(thread_current(), &info, /*force=*/false);
    }
    return result;
}

static u32 stream_poll(struct file *f, struct poll_table *table)
{
    int index = port_of(f);
    poll_wait(table, &ports[index].wait);
    if (!console_port_ready(index))
        return 0;
    return index == QUEUE_STDIN ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM;
}

static s64 stream_ioctl(struct file *f, u32 command, u64 argument)
{
    int index = port_of(f);
    if (command != FIONREAD)
        return -ENOTTY;
    // How much there is only the host knows; that there is something is what callers ask.
    return user_write_u32(argument, index == QUEUE_STDIN && console_port_ready(index));
}

static void stream_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "pipe:[%llu]", (unsigned long long)f->inode->number);
}

static const struct file_ops stream_ops = {
    .read = stream_read,
    .write = stream_write,
    .poll = stream_poll,
    .ioctl = stream_ioctl,
    .describe = stream_describe,
};

int console_stream_open(int index, struct file *f)
{
    u32 access = f->flags & O_ACCMODE;
    if (index >= CONSOLE_PORTS || access == (index == QUEUE_STDIN ? O_WRONLY : O_RDONLY))
        return -EACCES;
    f->ops = &stream_ops;
    f->data = &ports[index];
    return 0;
}

// Looks like a pipe. Its device number leads back here when it is opened through /proc/self/fd.
static int stream_file(int index, struct file **out)
{
    int error = file_create_anonymous(&stream_ops, S_IFIFO | 0600, &ports[index],
                                      index == QUEUE_STDIN ? O_RDONLY : O_WRONLY, out);
    if (!error)
        (*out)->inode->rdevice = DEVICE(5, CONSOLE_MINOR + index);
    return error;
}

int console_open(const struct boot_info *boot, int fd, struct file **out)
{
    for (int i = 0; i < CONSOLE_PORTS; i++)
        port_init(i);
    switch (boot->stream[fd]) {
    case STREAM_CLOSED:
        return -EBADF;
    case STREAM_TTY:
        return device_file("console", O_RDWR, out);
    case STREAM_NULL:
        return device_file("null", fd == QUEUE_STDIN ? O_RDONLY : O_WRONLY, out);
    case STREAM_REVERSED:
        return device_file("null", fd == QUEUE_STDIN ? O_WRONLY : O_RDONLY, out);
    default:
        return stream_file(fd, out);
    }
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
            interest |= 1ull << i;
        lock_release(&port->wait.lock);
    }
    return interest;
}

void console_ready(u64 ready)
{
    for (int i = 0; i < CONSOLE_PORTS; i++) {
        if (!(ready & (1ull << i)) || !ports[i].initialised)
            continue;
        __atomic_store_n(&ports[i].ready, true, __ATOMIC_RELEASE); // pairs with console_port_ready
        wait_queue_wake(&ports[i].wait,
                        i == QUEUE_STDIN ? POLLIN | POLLRDNORM : POLLOUT | POLLWRNORM);
    }
}
