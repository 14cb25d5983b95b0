// SPDX-License-Identifier: BSD-3-Clause
#include "linux/trace_format.h"

#include <asm/signal.h>
#include <asm/stat.h>
#include <linux/fcntl.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/time_types.h>
#include <linux/uio.h>
#include <asm/unistd.h>

#include "base/printf.h"
#include "linux/trace_names.h"
#include "memory/user_copy.h"
#include "thread/wait.h"

#define STRING_SHOWN 32 // bytes, as strace
#define LINE_RESERVE 2  // for the newline

#define NAME_SIZE    28

struct flag {
    u32 value;
    char name[NAME_SIZE]; // no pointer, which would have to be relocated at each start
};

static const struct flag open_flags[] = {
    { O_WRONLY, "O_WRONLY" },       { O_RDWR, "O_RDWR" },         { O_CREAT, "O_CREAT" },
    { O_EXCL, "O_EXCL" },           { O_NOCTTY, "O_NOCTTY" },     { O_TRUNC, "O_TRUNC" },
    { O_APPEND, "O_APPEND" },       { O_NONBLOCK, "O_NONBLOCK" }, { O_SYNC, "O_SYNC" },
    { O_DSYNC, "O_DSYNC" },         { O_DIRECT, "O_DIRECT" },     { O_LARGEFILE, "O_LARGEFILE" },
    { O_TMPFILE, "O_TMPFILE" },     { O_DIRECTORY, "O_DIRECTORY" },
    { O_NOFOLLOW, "O_NOFOLLOW" },   { O_NOATIME, "O_NOATIME" },   { O_CLOEXEC, "O_CLOEXEC" },
    { O_PATH, "O_PATH" },
};
static const struct flag prot_flags[] = {
    { PROT_READ, "PROT_READ" }, { PROT_WRITE, "PROT_WRITE" }, { PROT_EXEC, "PROT_EXEC" },
};
static const struct flag map_flags[] = {
    { MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE" }, { MAP_SHARED, "MAP_SHARED" },
    { MAP_PRIVATE, "MAP_PRIVATE" },                 { MAP_FIXED, "MAP_FIXED" },
    { MAP_ANONYMOUS, "MAP_ANONYMOUS" },             { MAP_GROWSDOWN, "MAP_GROWSDOWN" },
    { MAP_DENYWRITE, "MAP_DENYWRITE" },             { MAP_LOCKED, "MAP_LOCKED" },
    { MAP_NORESERVE, "MAP_NORESERVE" },             { MAP_POPULATE, "MAP_POPULATE" },
    { MAP_STACK, "MAP_STACK" },                     { MAP_HUGETLB, "MAP_HUGETLB" },
    { MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE" },
};
static const struct flag clone_flags[] = {
    { CLONE_VM, "CLONE_VM" },           { CLONE_FS, "CLONE_FS" },
    { CLONE_FILES, "CLONE_FILES" },     { CLONE_SIGHAND, "CLONE_SIGHAND" },
    { CLONE_VFORK, "CLONE_VFORK" },     { CLONE_THREAD, "CLONE_THREAD" },
    { CLONE_SYSVSEM, "CLONE_SYSVSEM" }, { CLONE_SETTLS, "CLONE_SETTLS" },
    { CLONE_PARENT_SETTID, "CLONE_PARENT_SETTID" },
    { CLONE_CHILD_CLEARTID, "CLONE_CHILD_CLEARTID" },
    { CLONE_CHILD_SETTID, "CLONE_CHILD_SETTID" },
};
static const char futex_operations[][NAME_SIZE] = {
    "FUTEX_WAIT", "FUTEX_WAKE", "FUTEX_FD", "FUTEX_REQUEUE", "FUTEX_CMP_REQUEUE", "FUTEX_WAKE_OP",
    "FUTEX_LOCK_PI", "FUTEX_UNLOCK_PI", "FUTEX_TRYLOCK_PI", "FUTEX_WAIT_BITSET",
    "FUTEX_WAKE_BITSET", "FUTEX_WAIT_REQUEUE_PI", "FUTEX_CMP_REQUEUE_PI", "FUTEX_LOCK_PI2",
};
static const char clocks[][NAME_SIZE] = {
    "CLOCK_REALTIME", "CLOCK_MONOTONIC", "CLOCK_PROCESS_CPUTIME_ID", "CLOCK_THREAD_CPUTIME_ID",
    "CLOCK_MONOTONIC_RAW", "CLOCK_REALTIME_COARSE", "CLOCK_MONOTONIC_COARSE", "CLOCK_BOOTTIME",
};

void trace_put(struct trace_line *l, const char *format, ...)
{
    size_t room = sizeof(l->text) - LINE_RESERVE - l->used;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(l->text + l->used, room, format, args);
    va_end(args);
    l->used += min((size_t)n, room - 1);
}

static void put_flags(struct trace_line *l, const struct flag *flags, size_t count, u64 value,
                      const char *none)
{
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if ((value & flags[i].value) != flags[i].value)
            continue;
        trace_put(l, "%s%s", first ? "" : "|", flags[i].name);
        value &= ~(u64)flags[i].value;
        first = false;
    }
    if (value)
        trace_put(l, "%s%#lx", first ? "" : "|", value);
    else if (first)
        trace_put(l, "%s", none);
}

static void put_escaped(struct trace_line *l, const char *s, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\n')
            trace_put(l, "\\n");
        else if (c == '\t')
            trace_put(l, "\\t");
        else if (c == '"' || c == '\\')
            trace_put(l, "\\%c", c);
        else if (c < 32 || c > 126)
            trace_put(l, "\\%o", c);
        else
            trace_put(l, "%c", c);
    }
}

static void put_bytes(struct trace_line *l, uaddr_t at, u64 size)
{
    char bytes[STRING_SHOWN];
    size_t shown = min(size, (u64)STRING_SHOWN);

    if (!at || user_read(bytes, at, shown)) {
        trace_put(l, "%#lx", at);
        return;
    }
    trace_put(l, "\"");
    put_escaped(l, bytes, shown);
    trace_put(l, shown < size ? "\"..." : "\"");
}

static void put_string(struct trace_line *l, uaddr_t at)
{
    char path[256];
    s64 size = user_read_string(path, at, sizeof(path));

    if (size == -ENAMETOOLONG)
        size = sizeof(path);
    if (size < 0) {
        trace_put(l, at ? "%#lx" : "NULL", at);
        return;
    }
    trace_put(l, "\"");
    put_escaped(l, path, (size_t)size);
    trace_put(l, "\"");
}

static void put_vectors(struct trace_line *l, uaddr_t at, u64 count)
{
    struct iovec v;

    trace_put(l, "[");
    for (u64 i = 0; i < min(count, (u64)4) && !user_read(&v, at + i * sizeof(v), sizeof(v)); i++) {
        trace_put(l, i ? ", {iov_base=" : "{iov_base=");
        put_bytes(l, (uaddr_t)v.iov_base, v.iov_len);
        trace_put(l, ", iov_len=%lu}", (u64)v.iov_len);
    }
    trace_put(l, count > 4 ? ", ...]" : "]");
}

static void put_timespec(struct trace_line *l, uaddr_t at)
{
    struct __kernel_timespec t;

    if (!at || user_read(&t, at, sizeof(t)))
        trace_put(l, at ? "%#lx" : "NULL", at);
    else
        trace_put(l, "{tv_sec=%lld, tv_nsec=%lld}", (long long)t.tv_sec, (long long)t.tv_nsec);
}

static void put_stat(struct trace_line *l, uaddr_t at, bool known)
{
    struct stat s;

    if (!known || user_read(&s, at, sizeof(s)))
        trace_put(l, "%#lx", at);
    else
        trace_put(l, "{st_mode=0%o, st_size=%lu, ...}", s.st_mode, (u64)s.st_size);
}

static void put_signal_set(struct trace_line *l, uaddr_t at)
{
    u64 set;
    bool first = true;

    if (!at || user_read_u64(&set, at)) {
        trace_put(l, at ? "%#lx" : "NULL", at);
        return;
    }
    if (set == ~0ull) {
        trace_put(l, "~[]");
        return;
    }
    trace_put(l, "[");
    for (int i = 1; i <= 64; i++) {
        if (!(set >> (i - 1) & 1))
            continue;
        trace_put(l, first ? "%s" : " %s", trace_signal_name(i) + 3);
        first = false;
    }
    trace_put(l, "]");
}

static void put_name(struct trace_line *l, const char (*names)[NAME_SIZE], size_t count, u64 value)
{
    if (value < count)
        trace_put(l, "%s", names[value]);
    else
        trace_put(l, "%#lx", value);
}

static void put_futex(struct trace_line *l, u64 operation)
{
    put_name(l, futex_operations, array_count(futex_operations), operation & FUTEX_CMD_MASK & 0x7f);
    if (operation & FUTEX_PRIVATE_FLAG)
        trace_put(l, "_PRIVATE");
    if (operation & FUTEX_CLOCK_REALTIME)
        trace_put(l, "|FUTEX_CLOCK_REALTIME");
}

void trace_argument(struct trace_line *l, char format, const u64 *arguments, int i,
                    const s64 *result)
{
    u64 v = arguments[i], next = i < 5 ? arguments[i + 1] : 0;
    bool known = result && *result >= 0;

    switch (format) {
    case 'd': case 'f': case 'e': trace_put(l, "%d", (int)v); break;
    case 'u': trace_put(l, "%u", (u32)v); break;
    case 'z': trace_put(l, "%lu", v); break;
    case 'l': trace_put(l, "%ld", (s64)v); break;
    case 'o': trace_put(l, "0%lo", v); break;
    case 'p': trace_put(l, v ? "%#lx" : "NULL", v); break;
    case 'F': trace_put(l, (int)v == AT_FDCWD ? "AT_FDCWD" : "%d", (int)v); break;
    case 's': put_string(l, v); break;
    case 'b': put_bytes(l, v, next); break;
    case 'B':
        if (known)
            put_bytes(l, v, (u64)*result);
        else
            trace_put(l, "%#lx", v);
        break;
    case 'v': case 'V': put_vectors(l, v, next); break;
    case 'S': put_stat(l, v, known); break;
    case 'T': put_timespec(l, v); break;
    case 't':
        if (known)
            put_timespec(l, v);
        else
            trace_put(l, v ? "%#lx" : "NULL", v);
        break;
    case 'O':
        put_flags(l, open_flags, array_count(open_flags), v, "O_RDONLY");
        break;
    case 'P': put_flags(l, prot_flags, array_count(prot_flags), v, "PROT_NONE"); break;
    case 'M': put_flags(l, map_flags, array_count(map_flags), v, "0"); break;
    case 'c': put_flags(l, clone_flags, array_count(clone_flags), v, "0"); break;
    case 'g': trace_put(l, "%s", trace_signal_name((int)v)); break;
    case 'G': put_signal_set(l, v); break;
    case 'C': put_name(l, clocks, array_count(clocks), v); break;
    case 'w': put_futex(l, v); break;
    default: trace_put(l, "%#lx", v); break;
    }
}

static bool returns_address(u64 call)
{
    return call == __NR_mmap || call == __NR_brk || call == __NR_mremap;
}

void trace_result(struct trace_line *l, u64 call, s64 result)
{
    if (result < 0 && result > -4096)
        trace_put(l, " = %s %s", result <= -ERESTARTSYS ? "?" : "-1", trace_error_name((int)-result));
    else
        trace_put(l, returns_address(call) ? " = %#lx" : " = %ld", result);
}
