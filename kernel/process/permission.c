// SPDX-License-Identifier: BSD-3-Clause
// Who may send whom a signal. [kill(2)]
#include <asm/signal.h>
#include <linux/capability.h>

#include "process/process.h"
#include "process/signal.h"
#include "thread/thread.h"

int signal_permission(const struct process *p, int signal)
{
    const struct process *me = thread_process();
    const struct credentials *mine, *c = &p->credentials;

    if (!me)
        return 0; // an idle vCPU sends what the terminal or the supervisor says
    mine = credentials_now();
    if (p == me || mine->euid == c->suid || mine->euid == c->uid || mine->uid == c->suid ||
        mine->uid == c->uid || (mine->cap_effective >> CAP_KILL & 1))
        return 0;
    return signal == SIGCONT && p->sid == me->sid ? 0 : -EPERM;
}
