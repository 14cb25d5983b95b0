// SPDX-License-Identifier: BSD-3-Clause
// What execve(2) does to users, groups and capabilities: set-ID programs, root's rights, the ambient
// set. capabilities(7), "Transformation of capabilities during execve()".
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <linux/xattr.h>

#include "file/inode.h"
#include "process/exec.h"
#include "thread/thread.h"

// Takes the ids that the program lends; false: it lends none, or may not.
static bool ids_borrow(struct credentials *c, const struct inode *i)
{
    bool user = i->mode & S_ISUID, group = (i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);

    if (c->no_new_privs || i->file_system->flags & MS_NOSUID)
        return false;
    if (user)
        c->euid = i->uid;
    if (group)
        c->egid = i->gid;
    return user || group;
}

// The program's own capabilities, as setcap(8) sets them; false: it has none, or may not lend them.
static bool capabilities_borrow(struct credentials *c, struct inode *i, bool *out_effective)
{
    struct vfs_ns_cap_data d = {0};
    s64 size = -ENODATA;

    if (c->no_new_privs || i->file_system->flags & MS_NOSUID || !i->ops->get_xattr)
        return false;
    lock_acquire(&i->lock);
    size = i->ops->get_xattr(i, XATTR_NAME_CAPS, &d, sizeof(d));
    lock_release(&i->lock);
    u32 revision = d.magic_etc & VFS_CAP_REVISION_MASK;
    if (!(size == XATTR_CAPS_SZ_2 && revision == VFS_CAP_REVISION_2) &&
        !(size == XATTR_CAPS_SZ_3 && revision == VFS_CAP_REVISION_3 && !d.rootid))
        return false;
    u64 permitted = d.data[0].permitted | (u64)d.data[1].permitted << 32;
    u64 inheritable = d.data[0].inheritable | (u64)d.data[1].inheritable << 32;
    c->cap_permitted = (permitted & c->cap_bounding) | (inheritable & c->cap_inheritable);
    *out_effective = d.magic_etc & VFS_CAP_FLAGS_EFFECTIVE;
    return true;
}

bool exec_credentials(struct process *p, struct inode *program)
{
    struct credentials c = *credentials_now();
    bool borrowed = ids_borrow(&c, program), effective = false;
    bool changed = c.euid != c.uid || c.egid != c.gid;

    c.cap_permitted = 0;
    bool lent = capabilities_borrow(&c, program, &effective);
    bool set_root = lent && c.uid && !c.euid; // of both, the file's capabilities count
    if (!set_root && !(c.securebits & issecure_mask(SECURE_NOROOT)) && (!c.uid || !c.euid)) {
        c.cap_permitted = c.cap_bounding | c.cap_inheritable;
        effective = !c.euid || (lent && effective);
    }
    if (lent || (borrowed && changed))
        c.cap_ambient = 0;
    c.cap_permitted |= c.cap_ambient;
    c.cap_effective = effective ? c.cap_permitted : c.cap_ambient;
    c.suid = c.fsuid = c.euid;
    c.sgid = c.fsgid = c.egid;
    c.securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
    if (borrowed && changed)
        p->death_signal = 0;
    lock_acquire(&p->lock);
    credentials_store(&p->credentials, &c);
    credentials_drop(thread_current());
    lock_release(&p->lock);
    return changed || (c.uid && (effective || c.cap_permitted & ~c.cap_ambient));
}
