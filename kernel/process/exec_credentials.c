// SPDX-License-Identifier: BSD-3-Clause
// What execve(2) does to users, groups and capabilities: set-ID programs, root's rights, the ambient
// set. capabilities(7), "Transformation of capabilities during execve()"; no file has capabilities here.
#include <linux/mount.h>
#include <linux/securebits.h>

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

bool exec_credentials(struct process *p, const struct inode *program)
{
    struct credentials c = *credentials_now();
    bool borrowed = ids_borrow(&c, program), effective = false;
    bool changed = c.euid != c.uid || c.egid != c.gid;

    c.cap_permitted = 0;
    if (!(c.securebits & issecure_mask(SECURE_NOROOT)) && (!c.uid || !c.euid)) {
        c.cap_permitted = c.cap_bounding | c.cap_inheritable;
        effective = !c.euid;
    }
    if (borrowed && changed)
        c.cap_ambient = 0;
    c.cap_permitted |= c.cap_ambient;
    c.cap_effective = effective ? c.cap_permitted : c.cap_ambient;
    c.suid = c.fsuid = c.euid;
    c.sgid = c.fsgid = c.egid;
    c.securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
    if (borrowed && changed)
        p->death_signal = 0;
    lock_acquire(&p->lock);
    p->credentials = c;
    credentials_drop(thread_current());
    lock_release(&p->lock);
    return changed || (c.uid && c.cap_permitted & ~c.cap_ambient);
}
