// SPDX-License-Identifier: BSD-3-Clause
// /sys as far as run-time systems look into it: the CPUs, one memory node, huge pages.
#include "base/printf.h"
#include "base/string.h"
#include "inspect/proc.h"
#include "linux/clock.h"
#include "linux/system.h"
#include "platform/platform.h"
#include "x86_64/cpu_info.h"

typedef unsigned long long ull; // for %llu

static u64 all_cpus(void)
{
    u32 count = platform_boot()->cpu_count;
    return count >= 64 ? ~0ull : (1ull << count) - 1;
}

static int show_constant(struct text *t, const struct proc_node *node)
{
    text_add(t, "%s\n", (const char *)node->entry->value);
    return 0;
}

static int show_all_list(struct text *t, const struct proc_node *node)
{
    proc_add_cpu_list(t, all_cpus());
    text_add(t, "\n");
    return 0;
}

static int show_all_mask(struct text *t, const struct proc_node *node)
{
    text_add(t, "%llx\n", (ull)all_cpus());
    return 0;
}

static int show_own_list(struct text *t, const struct proc_node *node)
{
    text_add(t, "%d\n", node->index);
    return 0;
}

static int show_own_mask(struct text *t, const struct proc_node *node)
{
    text_add(t, "%llx\n", 1ull << node->index);
    return 0;
}

static int show_frequency(struct text *t, const struct proc_node *node)
{
    text_add(t, "%llu\n", (ull)clock_tsc_hz() / 1000);
    return 0;
}

static int show_cache_size(struct text *t, const struct proc_node *node)
{
    struct cpu_info info;
    cpu_info_get(&info);
    text_add(t, "%uK\n", info.cache_kib);
    return 0;
}

static int show_line_size(struct text *t, const struct proc_node *node)
{
    struct cpu_info info;
    cpu_info_get(&info);
    text_add(t, "%u\n", info.line_size);
    return 0;
}

static int show_node_memory(struct text *t, const struct proc_node *node)
{
    struct memory_account m;
    system_memory(&m);
    text_add(t, "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\n",
             (ull)m.total >> 10, (ull)m.free >> 10);
    text_add(t, "Node 0 MemUsed:        %8llu kB\n", (ull)(m.total - m.free) >> 10);
    return 0;
}

#define CONSTANT(name, text)                                                                       \
    {                                                                                              \
        name, S_IFREG | 0444, .show = show_constant, .value = (text)                               \
    }
#define FILE(name, writer)                                                                         \
    {                                                                                              \
        name, S_IFREG | 0444, .show = (writer)                                                     \
    }
#define DIRECTORY(name, table)                                                                     \
    {                                                                                              \
        name, S_IFDIR | 0555, .children = (table)                                                  \
    }
#define EMPTY(name)                                                                                \
    {                                                                                              \
        name, S_IFDIR | 0555, .children = NULL                                                     \
    }

static const late_data struct proc_entry topology_children[] = {
    FILE("core_cpus", show_own_mask),
    FILE("core_cpus_list", show_own_list),
    FILE("core_id", show_own_list),
    FILE("core_siblings", show_all_mask),
    FILE("core_siblings_list", show_all_list),
    CONSTANT("die_id", "0"),
    FILE("package_cpus", show_all_mask),
    FILE("package_cpus_list", show_all_list),
    CONSTANT("physical_package_id", "0"),
    FILE("thread_siblings", show_own_mask),
    FILE("thread_siblings_list", show_own_list),
    {NULL},
};

static const late_data struct proc_entry last_cache_children[] = {
    FILE("coherency_line_size", show_line_size),
    CONSTANT("level", "3"),
    FILE("shared_cpu_list", show_all_list),
    FILE("shared_cpu_map", show_all_mask),
    FILE("size", show_cache_size),
    CONSTANT("type", "Unified"),
    {NULL},
};

static const late_data struct proc_entry cache_children[] = {DIRECTORY("index3", last_cache_children),
                                                   {NULL}};

static const late_data struct proc_entry frequency_children[] = {
    FILE("cpuinfo_max_freq", show_frequency), FILE("cpuinfo_min_freq", show_frequency),
    FILE("scaling_cur_freq", show_frequency), FILE("scaling_max_freq", show_frequency),
    FILE("scaling_min_freq", show_frequency), {NULL},
};

static const late_data struct proc_entry microcode_children[] = {CONSTANT("version", "0x1"), {NULL}};

static const late_data struct proc_entry cpu_children[] = {
    DIRECTORY("cache", cache_children),
    DIRECTORY("cpufreq", frequency_children),
    DIRECTORY("microcode", microcode_children),
    CONSTANT("online", "1"),
    DIRECTORY("topology", topology_children),
    {NULL},
};

static const struct proc_entry one_cpu = {"cpu", S_IFDIR | 0555, .children = cpu_children};

static void list_cpus(const struct proc_node *node, u64 from, proc_list_t add, void *arg)
{
    char name[16];
    for (u64 i = from; i < platform_boot()->cpu_count; i++) {
        snprintf(name, sizeof(name), "cpu%u", (unsigned)i);
        if (!add(arg, name, S_IFDIR, i))
            return;
    }
}

static int find_cpu(const struct proc_node *node, const char *name, size_t size,
                    struct proc_node *child)
{
    if (size < 4 || memcmp(name, "cpu", 3))
        return -ENOENT;
    int error = proc_parse_id(name + 3, size - 3, &child->index);
    child->entry = &one_cpu;
    if (!error && (u32)child->index >= platform_boot()->cpu_count)
        error = -ENOENT;
    return error;
}

static const late_data struct proc_entry cpus_children[] = {
    CONSTANT("isolated", ""),
    CONSTANT("kernel_max", "63"),
    CONSTANT("offline", ""),
    FILE("online", show_all_list),
    FILE("possible", show_all_list),
    FILE("present", show_all_list),
    {NULL},
};

static const late_data struct proc_entry node0_children[] = {
    FILE("cpulist", show_all_list),
    FILE("cpumap", show_all_mask),
    CONSTANT("distance", "10"),
    FILE("meminfo", show_node_memory),
    {NULL},
};

static const late_data struct proc_entry node_children[] = {
    CONSTANT("has_cpu", "0"), CONSTANT("has_memory", "0"), DIRECTORY("node0", node0_children),
    CONSTANT("online", "0"),  CONSTANT("possible", "0"),   {NULL},
};

static const late_data struct proc_entry system_children[] = {
    {"cpu", S_IFDIR | 0555, .children = cpus_children, .list = list_cpus, .find = find_cpu},
    DIRECTORY("node", node_children),
    {NULL},
};

static const late_data struct proc_entry devices_children[] = {DIRECTORY("system", system_children), {NULL}};

static const late_data struct proc_entry huge_children[] = {
    CONSTANT("defrag", "always defer defer+madvise [madvise] never"),
    CONSTANT("enabled", "always [madvise] never"),
    CONSTANT("hpage_pmd_size", "2097152"),
    CONSTANT("shmem_enabled", "always within_size advise [never] deny force"),
    CONSTANT("use_zero_page", "1"),
    {NULL},
};

static const late_data struct proc_entry mm_children[] = {
    EMPTY("hugepages"),
    DIRECTORY("transparent_hugepage", huge_children),
    {NULL},
};

static const late_data struct proc_entry kernel_children[] = {DIRECTORY("mm", mm_children), {NULL}};
static const late_data struct proc_entry fs_children[] = {EMPTY("cgroup"), {NULL}};

static const late_data struct proc_entry root_children[] = {
    EMPTY("block"),
    EMPTY("bus"),
    EMPTY("class"),
    EMPTY("dev"),
    DIRECTORY("devices", devices_children),
    DIRECTORY("fs", fs_children),
    DIRECTORY("kernel", kernel_children),
    EMPTY("module"),
    {NULL},
};

const struct proc_entry sysfs_root = {"", S_IFDIR | 0555, .children = root_children};
