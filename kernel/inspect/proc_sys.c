// SPDX-License-Identifier: BSD-3-Clause
// /proc/sys: settings as sysctl(8) shows them. Numbers can be read and, where Linux lets root write
// them, are kept; that they have an effect is said where they do. [proc_sys(5)]
#include "base/string.h"
#include "driver/random.h"
#include "inspect/proc.h"
#include "linux/system.h"
#include "process/core.h"

typedef unsigned long long ull; // for %llu

static int show_setting(struct text *t, const struct proc_node *node)
{
    const struct core_setting *s = node->entry->value;
    text_add(t, "%llu\n",
             (ull)__atomic_load_n(&s->value, __ATOMIC_RELAXED)); // pairs with the store
    return 0;
}

static int store_setting(const struct proc_node *node, char *text)
{
    struct core_setting *s = (struct core_setting *)(uintptr_t)node->entry->value;
    const char *end;
    u64 value;
    int error = parse_u64(text, 10, &value, &end);
    if (error || *end || value < s->low || value > s->high)
        return -EINVAL;
    __atomic_store_n(&s->value, value, __ATOMIC_RELAXED); // pairs with the load
    return 0;
}

static int show_constant(struct text *t, const struct proc_node *node)
{
    text_add(t, "%s\n", (const char *)node->entry->value);
    return 0;
}

static int store_nothing(const struct proc_node *node, char *text)
{
    return 0;
}

enum { NAME_SYSTEM, NAME_RELEASE, NAME_VERSION, NAME_HOST, NAME_DOMAIN };

static int show_name(struct text *t, const struct proc_node *node)
{
    struct new_utsname n;
    system_name(&n);
    const char *const names[] = {n.sysname, n.release, n.version, n.nodename, n.domainname};
    text_add(t, "%s\n", names[(uintptr_t)node->entry->value]);
    return 0;
}

static int show_core(struct text *t, const struct proc_node *node)
{
    char text[CORE_PATTERN_SIZE];
    core_pattern_get(text);
    text_add(t, "%s\n", text);
    return 0;
}

static int store_core(const struct proc_node *node, char *text)
{
    core_pattern_set(text);
    return 0;
}

static int store_domain(const struct proc_node *node, char *text)
{
    return system_set_domain(text, strlen(text));
}

static int store_hostname(const struct proc_node *node, char *text)
{
    return system_set_hostname(text, strlen(text));
}

static void add_uuid(struct text *t, u8 id[16])
{
    id[6] = (id[6] & 0x0f) | 0x40; // version 4: random
    id[8] = (id[8] & 0x3f) | 0x80;
    for (int i = 0; i < 16; i++)
        text_add(t, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
    text_add(t, "\n");
}

static int show_uuid(struct text *t, const struct proc_node *node)
{
    u8 id[16];
    random_bytes(id, sizeof(id));
    add_uuid(t, id);
    return 0;
}

static int show_boot_id(struct text *t, const struct proc_node *node)
{
    static struct {
        struct lock lock;
        bool made;
        u8 id[16];
    } boot;
    lock_acquire(&boot.lock);
    if (!boot.made)
        random_bytes(boot.id, sizeof(boot.id));
    boot.made = true;
    lock_release(&boot.lock);
    add_uuid(t, boot.id);
    return 0;
}

#define SETTING(name, initial, least, most)                                                        \
    {                                                                                              \
        name, S_IFREG | 0644, .show = show_setting, .store = store_setting,                        \
                              .value = &(struct core_setting)                                           \
        {                                                                                          \
            (initial), (least), (most)                                                             \
        }                                                                                          \
    }
#define NUMBER(name, number)                                                                       \
    {                                                                                              \
        name, S_IFREG | 0444, .show = show_constant, .value = (number)                             \
    }
#define NAME(name, which)                                                                          \
    {                                                                                              \
        name, S_IFREG | 0444, .show = show_name, .value = (void *)(uintptr_t)(which)               \
    }
#define DIRECTORY(name, table)                                                                     \
    {                                                                                              \
        name, S_IFDIR | 0555, .children = (table)                                                  \
    }

static const late_data struct proc_entry random_children[] = {
    {"boot_id", S_IFREG | 0444, .show = show_boot_id},
    NUMBER("entropy_avail", "256"),
    NUMBER("poolsize", "256"),
    NUMBER("urandom_min_reseed_secs", "60"),
    {"uuid", S_IFREG | 0444, .show = show_uuid},
    NUMBER("write_wakeup_threshold", "256"),
    {NULL},
};

static const late_data struct proc_entry yama_children[] = {SETTING("ptrace_scope", 1, 0, 3), {NULL}};

static const late_data struct proc_entry kernel_children[] = {
    NUMBER("cap_last_cap", "40"),
    {"core_pattern", S_IFREG | 0644, .show = show_core, .store = store_core},
    {"core_uses_pid", S_IFREG | 0644, .show = show_setting, .store = store_setting, .value = &core_uses_pid},
    SETTING("dmesg_restrict", 1, 0, 1),
    {"domainname", S_IFREG | 0644, .show = show_name, .store = store_domain,
     .value = (void *)(uintptr_t)NAME_DOMAIN},
    {"hostname", S_IFREG | 0644, .show = show_name, .store = store_hostname,
     .value = (void *)(uintptr_t)NAME_HOST},
    SETTING("kptr_restrict", 1, 0, 2),
    NUMBER("msgmax", "8192"),
    NUMBER("msgmnb", "16384"),
    NUMBER("msgmni", "32000"),
    NUMBER("ngroups_max", "65536"),
    NAME("osrelease", NAME_RELEASE),
    NAME("ostype", NAME_SYSTEM),
    SETTING("overflowgid", 65534, 0, 65535),
    SETTING("overflowuid", 65534, 0, 65535),
    SETTING("panic", 0, 0, INT32_MAX),
    NUMBER("perf_event_paranoid", "3"),
    SETTING("pid_max", SYSTEM_PID_MAX, 301, SYSTEM_PID_MAX),
    DIRECTORY("random", random_children),
    {"printk", S_IFREG | 0644, .show = show_constant, .store = store_nothing, .value = "4\t4\t1\t7"},
    SETTING("randomize_va_space", 2, 0, 2),
    SETTING("sched_child_runs_first", 0, 0, 1),
    NUMBER("sched_rr_timeslice_ms", "100"),
    NUMBER("sem", "32000\t1024000000\t500\t32000"),
    SETTING("shmall", 18446744073692774399ull, 0, ~0ull),
    SETTING("shmmax", 18446744073692774399ull, 0, ~0ull),
    SETTING("shmmni", 4096, 0, 32768),
    NUMBER("tainted", "0"),
    SETTING("threads-max", 127000, 20, INT32_MAX),
    SETTING("unprivileged_bpf_disabled", 2, 0, 2),
    NAME("version", NAME_VERSION),
    DIRECTORY("yama", yama_children),
    {NULL},
};

static const late_data struct proc_entry vm_children[] = {
    {"drop_caches", S_IFREG | 0200, .store = store_nothing},
    SETTING("max_map_count", 1048576, 0, INT32_MAX),
    SETTING("mmap_min_addr", 65536, 0, 65536),
    {"nr_hugepages", S_IFREG | 0644, .show = show_constant, .store = store_nothing, .value = "0"},
    SETTING("overcommit_memory", 0, 0, 2),
    SETTING("overcommit_ratio", 50, 0, INT32_MAX),
    SETTING("swappiness", 60, 0, 200),
    SETTING("vfs_cache_pressure", 100, 0, INT32_MAX),
    {NULL},
};

static const late_data struct proc_entry inotify_children[] = {
    SETTING("max_queued_events", 16384, 0, INT32_MAX),
    SETTING("max_user_instances", 1024, 0, INT32_MAX),
    SETTING("max_user_watches", 524288, 0, INT32_MAX),
    {NULL},
};

static const late_data struct proc_entry epoll_children[] = {
    SETTING("max_user_watches", 1000000, 0, INT32_MAX),
    {NULL},
};

static const late_data struct proc_entry mqueue_children[] = {
    SETTING("msg_max", 10, 1, 65536),
    SETTING("msgsize_max", 8192, 128, 16777216),
    SETTING("queues_max", 256, 0, 65536),
    {NULL},
};

static const late_data struct proc_entry fs_children[] = {
    NUMBER("aio-max-nr", "65536"),
    NUMBER("aio-nr", "0"),
    DIRECTORY("epoll", epoll_children),
    SETTING("file-max", 9223372036854775807ull, 0, ~0ull),
    NUMBER("file-nr", "64\t0\t9223372036854775807"),
    DIRECTORY("inotify", inotify_children),
    DIRECTORY("mqueue", mqueue_children),
    SETTING("nr_open", SYSTEM_NR_OPEN, 8, 2147483584),
    SETTING("overflowgid", 65534, 0, 65535),
    SETTING("overflowuid", 65534, 0, 65535),
    SETTING("pipe-max-size", 1048576, 4096, 1u << 31),
    SETTING("protected_hardlinks", 1, 0, 1),
    SETTING("protected_symlinks", 0, 0, 1),
    SETTING("suid_dumpable", 0, 0, 2),
    {NULL},
};

const late_data struct proc_entry proc_sys_children[] = {
    DIRECTORY("fs", fs_children),
    DIRECTORY("kernel", kernel_children),
    DIRECTORY("net", proc_sys_net_children),
    DIRECTORY("vm", vm_children),
    {NULL},
};
