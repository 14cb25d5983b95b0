// SPDX-License-Identifier: BSD-3-Clause
// /proc/cpuinfo, and lists of CPUs as /proc and /sys write them.
#include "inspect/proc.h"
#include "linux/clock.h"
#include "platform/platform.h"
#include "x86_64/cpu_info.h"

void proc_add_cpu_list(struct text *t, u64 cpus)
{
    bool first = true;
    for (unsigned from = 0; from < 64; from++) {
        if (!(cpus >> from & 1))
            continue;
        unsigned to = from;
        while (to + 1 < 64 && cpus >> (to + 1) & 1)
            to++;
        text_add(t, first ? "%u" : ",%u", from);
        if (to > from)
            text_add(t, "-%u", to);
        first = false;
        from = to;
    }
}

static void add_feature(const char *name, void *arg)
{
    text_add(arg, " %s", name);
}

static void add_cpu(struct text *t, const struct cpu_info *c, u32 index)
{
    const struct boot_info *boot = platform_boot();
    u64 khz = clock_tsc_hz() / 1000;
    text_add(t, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\n", index,
             c->vendor, c->family, c->model);
    text_add(t, "model name\t: %s\nstepping\t: %u\nmicrocode\t: 0x1\n", c->model_name, c->stepping);
    text_add(t, "cpu MHz\t\t: %u.%03u\ncache size\t: %u KB\n", (u32)(khz / 1000), (u32)(khz % 1000),
             c->cache_kib);
    text_add(t, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n",
             boot->cpu_count, index, boot->cpu_count);
    text_add(t, "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n", index,
             index);
    text_add(t, "cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", c->level);
    cpu_feature_visit(add_feature, t);
    text_add(t, "\nbugs\t\t:\nbogomips\t: %u.%02u\nclflush size\t: %u\n", (u32)(khz / 500),
             (u32)(khz / 5 % 100), c->line_size);
    text_add(t, "cache_alignment\t: %u\naddress sizes\t: %u bits physical, %u bits virtual\n",
             c->line_size, c->physical_bits, c->virtual_bits);
    text_add(t, "power management:\n\n");
}

int proc_show_cpuinfo(struct text *t, const struct proc_node *node)
{
    struct cpu_info info;
    cpu_info_get(&info);
    for (u32 i = 0; i < platform_boot()->cpu_count; i++)
        add_cpu(t, &info, i);
    return 0;
}
