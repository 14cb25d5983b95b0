// SPDX-License-Identifier: BSD-3-Clause
// A pidfd is a file that holds a process's handle; it is readable for poll when the process has ended.
#include "file/pidfd.h"

#include "base/printf.h"
#include "process/handle.h"

static u32 pidfd_poll(struct file *f, struct poll_table *table)
{
    struct process_handle *h = f->data;

    poll_wait(table, &h->end);
    if (!__atomic_load_n(&h->process, __ATOMIC_ACQUIRE)) // pairs with process_handle_gone
        return POLLIN | POLLRDNORM | POLLHUP;
    // pairs with process_handle_ended
    return __atomic_load_n(&h->ended, __ATOMIC_ACQUIRE) ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
    process_handle_put(f->data);
}

static void pidfd_describe(struct file *f, char *out, size_t size)
{
    snprintf(out, size, "anon_inode:[pidfd]");
}

static void pidfd_fdinfo(struct file *f, char *out, size_t size)
{
    const struct process_handle *h = f->data;
    int pid = __atomic_load_n(&h->process, __ATOMIC_ACQUIRE) ? h->pid : -1; // as in pidfd_poll

    snprintf(out, size, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .poll = pidfd_poll,
    .release = pidfd_release,
    .describe = pidfd_describe,
    .fdinfo = pidfd_fdinfo,
};

int pidfd_create(struct process_handle *h, u32 flags, struct file **out)
{
    int error = file_create_anonymous(&pidfd_ops, 0700, h, O_RDWR | flags, out);

    if (error)
        process_handle_put(h);
    return error;
}

struct process_handle *pidfd_handle(const struct file *f)
{
    return f->ops == &pidfd_ops ? f->data : NULL;
}
