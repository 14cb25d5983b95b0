// SPDX-License-Identifier: BSD-3-Clause
// memfd_create(2). The file is one of tmpfs, seals included.
#include <linux/fcntl.h>
#include <linux/memfd.h>

#include "base/string.h"
#include "file/fd_table.h"
#include "file/file.h"
#include "file/inode.h"
#include "file/root.h"
#include "linux/calls.h"
#include "memory/user_copy.h"

#define PREFIX        "memfd:"
#define NAME_SIZE_MAX 249 // NAME_MAX less the prefix
#define NOEXEC_SEAL   8u  // Linux 6.3
#define EXEC          16u
#define HUGE_SIZES    (63u << MFD_HUGE_SHIFT)

static s64 create(const char *name, u32 flags)
{
    struct file *f;
    int error = tmpfs_create_file(name, 0, O_RDWR, &f);

    if (error)
        return error;
    if (flags & NOEXEC_SEAL) {
        lock_acquire(&f->inode->lock);
        f->inode->mode &= ~0111u;
        lock_release(&f->inode->lock);
        tmpfs_set_seals(f, F_SEAL_EXEC);
    } else if (flags & MFD_ALLOW_SEALING) {
        tmpfs_set_seals(f, 0);
    }
    return fd_install(f, flags & MFD_CLOEXEC, 0);
}

s64 sys_memfd_create(uaddr_t user_name, u32 flags)
{
    char name[sizeof(PREFIX) + NAME_SIZE_MAX] = PREFIX;
    u32 known = MFD_CLOEXEC | MFD_ALLOW_SEALING | NOEXEC_SEAL | EXEC;
    s64 size;

    if (flags & MFD_HUGETLB)
        known |= MFD_HUGETLB | HUGE_SIZES; // huge pages are the host's affair
    if ((flags & ~known) || (flags & (NOEXEC_SEAL | EXEC)) == (NOEXEC_SEAL | EXEC))
        return -EINVAL;
    size = user_read_string(name + sizeof(PREFIX) - 1, user_name, NAME_SIZE_MAX + 1);
    if (size < 0)
        return size == -ENAMETOOLONG ? -EINVAL : size;
    return create(name, flags);
}
