// SPDX-License-Identifier: BSD-3-Clause
// The vCPUs of the family. Issue 4 adds more than one; what is here is per vCPU already.
#include "cpu/vcpu.h"

#include "x86_64/cpu.h"

static struct vcpu boot_vcpu;

void vcpu_init(const struct boot_info *boot)
{
    struct vcpu *v = &boot_vcpu;

    v->self = v;
    v->index = 0;
    list_init(&v->run_queue);
    cpu_set_gs_base((u64)v);
}
