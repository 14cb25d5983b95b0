// SPDX-License-Identifier: BSD-3-Clause
// shmctl's commands, and /proc/sysvipc/shm.
#include <linux/capability.h>
#include <linux/resource.h>

#include "file/file.h"
#include "file/inode.h"
#include "inspect/text.h"
#include "ipc/shm_internal.h"
#include "process/process.h"
#include "thread/thread.h"

static void fill_stat(const struct shm_segment *s, struct shmid64_ds *out)
{
    *out = (struct shmid64_ds){
        .shm_segsz = s->size,
        .shm_atime = (long)s->attach_time,
        .shm_dtime = (long)s->detach_time,
        .shm_ctime = (long)s->change_time,
        .shm_cpid = s->creator,
        .shm_lpid = s->last_user,
        .shm_nattch = shm_attaches(s),
    };
    ipc_describe(&s->object, &out->shm_perm);
}

int shm_stat(int id, bool slot, bool any, struct shmid64_ds *out, int *out_id)
{
    const struct shm_segment *s;
    int error = -EINVAL;

    lock_acquire(&shm_table.lock);
    s = id < 0 ? NULL : (void *)(slot ? ipc_find_slot(&shm_table, (u32)id) : ipc_find(&shm_table, id));
    if (s)
        error = any ? 0 : ipc_permission(&s->object, IPC_MAY_READ);
    if (!error) {
        fill_stat(s, out);
        *out_id = s->object.id;
    }
    lock_release(&shm_table.lock);
    return error;
}

int shm_set(int id, const struct shmid64_ds *from)
{
    struct shm_segment *s;
    int error = -EINVAL;

    lock_acquire(&shm_table.lock);
    s = (void *)ipc_find(&shm_table, id);
    if (s)
        error = ipc_may_control(&s->object);
    if (!error)
        error = ipc_set(&s->object, &from->shm_perm);
    if (!error)
        s->change_time = shm_now();
    lock_release(&shm_table.lock);
    return error;
}

int shm_remove(int id)
{
    struct shm_segment *s;
    struct file *last = NULL;
    int error = -EINVAL;

    lock_acquire(&shm_table.lock);
    s = (void *)ipc_find(&shm_table, id);
    if (s)
        error = ipc_may_control(&s->object);
    if (!error)
        last = shm_disown(s);
    lock_release(&shm_table.lock);
    if (last)
        file_put(last);
    return error;
}

int shm_lock(int id, bool lock)
{
    const struct process *p = thread_process();
    struct shm_segment *s;
    int error = -EINVAL;

    lock_acquire(&shm_table.lock);
    s = (void *)ipc_find(&shm_table, id);
    if (s)
        error = 0;
    if (s && !inode_capable(CAP_IPC_LOCK)) {
        u32 me = credentials_now()->euid;
        if (me != s->object.uid && me != s->object.cuid)
            error = -EPERM;
        else if (lock && !p->limits[RLIMIT_MEMLOCK].rlim_cur)
            error = -EPERM;
    }
    if (!error && lock)
        s->object.mode |= SHM_LOCKED;
    else if (!error)
        s->object.mode &= ~SHM_LOCKED;
    lock_release(&shm_table.lock);
    return error;
}

void shm_usage(struct shminfo64 *limits, struct shm_info *usage, int *out_last)
{
    *limits = (struct shminfo64){ .shmmax = SHM_SIZE_MAX,
                                  .shmmin = SHMMIN,
                                  .shmmni = SHMMNI,
                                  .shmseg = SHMMNI,
                                  .shmall = SHM_SIZE_MAX };
    *usage = (struct shm_info){ 0 };
    lock_acquire(&shm_table.lock);
    usage->used_ids = (int)shm_table.count;
    for (u32 i = 0; i < shm_table.capacity; i++)
        if (shm_table.slots[i])
            usage->shm_tot +=
                page_round_up(((struct shm_segment *)(void *)shm_table.slots[i])->size) / PAGE_SIZE;
    usage->shm_rss = usage->shm_tot;
    *out_last = (int)ipc_last_slot(&shm_table);
    lock_release(&shm_table.lock);
}

void shm_show(struct text *t)
{
    text_add(t, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  "
                "cuid  cgid      atime      dtime      ctime                   rss                  "
                "swap\n");
    lock_acquire(&shm_table.lock);
    for (u32 i = 0; i < shm_table.capacity; i++) {
        const struct shm_segment *s = (void *)shm_table.slots[i];
        if (!s)
            continue;
        text_add(t, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u %10lu %10lu %10lu %21lu %21u\n",
                 s->object.key, s->object.id, s->object.mode, (unsigned long)s->size,
                 (u32)s->creator, (u32)s->last_user, (unsigned long)shm_attaches(s), s->object.uid,
                 s->object.gid, s->object.cuid, s->object.cgid, (unsigned long)s->attach_time,
                 (unsigned long)s->detach_time, (unsigned long)s->change_time,
                 (unsigned long)page_round_up(s->size), 0);
    }
    lock_release(&shm_table.lock);
}
