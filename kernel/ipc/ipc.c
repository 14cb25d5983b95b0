// SPDX-License-Identifier: BSD-3-Clause
#include "ipc/ipc.h"

#include "ipc/mqueue.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "process/process.h"

void ipc_process_end(struct process *p)
{
    sem_undo(p->pid);
    if (!p->shares_memory && p->space)
        shm_leave(p->space);
}

void ipc_family_end(void)
{
    shm_end();
    sem_end();
    msg_end();
    mqueue_end();
}
