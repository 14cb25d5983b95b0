// SPDX-License-Identifier: BSD-3-Clause
// execve(2) and execveat(2): the arguments are copied out of the old program's memory, then
// process_exec replaces it.
#include "base/printf.h"
#include "base/string.h"
#include "file/fd_table.h"
#include "file/path.h"
#include "linux/calls.h"
#include "linux/path_argument.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "process/exec.h"
#include "process/process.h"
#include "process/tracing.h"
#include "thread/thread.h"

#define STRING_MAX (32 * PAGE_SIZE) // MAX_ARG_STRLEN

// Usually they are few: so little is kept for the next one when it is freed, and the host not asked to take it back.
#define STRINGS_FEW (4 * PAGE_SIZE)

// Copies of argv and envp.
struct exec_strings {
    size_t limit; // bytes of each of these:
    char *bytes;
    char **pointers; // both lists, each ends with NULL
    size_t used;     // of bytes
    size_t count;    // of pointers
};

static int strings_alloc(struct exec_strings *s, size_t limit)
{
    *s = (struct exec_strings){ .limit = limit };
    s->bytes = pages_alloc(limit / PAGE_SIZE);
    s->pointers = pages_alloc(limit / PAGE_SIZE);
    return s->bytes && s->pointers ? 0 : -ENOMEM;
}

static void strings_free(struct exec_strings *s)
{
    if (s->bytes)
        pages_free(s->bytes, s->limit / PAGE_SIZE);
    if (s->pointers)
        pages_free(s->pointers, s->limit / PAGE_SIZE);
}

static int strings_read_one(struct exec_strings *s, uaddr_t from)
{
    size_t room = s->limit - s->used;
    s64 n = user_read_string(s->bytes + s->used, from, min(room, (size_t)STRING_MAX));

    if (n < 0)
        return n == -ENAMETOOLONG ? -E2BIG : (int)n;
    if (s->count + 2 >= s->limit / sizeof(char *))
        return -E2BIG;
    s->pointers[s->count++] = s->bytes + s->used;
    s->used += (size_t)n + 1;
    return 0;
}

// Reads a list of user strings; *out is it, in s->pointers. A NULL list is an empty one, as on Linux.
static int strings_read(struct exec_strings *s, uaddr_t list, char ***out)
{
    u64 pointer;

    *out = s->pointers + s->count;
    for (u64 i = 0; list; i++) {
        if (user_read_u64(&pointer, list + i * 8))
            return -EFAULT;
        if (!pointer)
            break;
        int error = strings_read_one(s, pointer);
        if (error)
            return error;
    }
    s->pointers[s->count++] = NULL;
    return 0;
}

static int strings_read_both(struct exec_strings *s, size_t limit, uaddr_t argv, uaddr_t envp, char ***arguments,
                             char ***environment)
{
    int error = strings_alloc(s, limit);

    if (!error)
        error = strings_read(s, argv, arguments);
    return error ? error : strings_read(s, envp, environment);
}

static s64 exec_path(const char *path, uaddr_t argv, uaddr_t envp)
{
    struct process *p = thread_process();
    struct exec_strings s;
    char **arguments, **environment;
    int tid = thread_current()->tid;
    int error = strings_read_both(&s, STRINGS_FEW, argv, envp, &arguments, &environment);

    if (error == -E2BIG) { // that little is not the limit
        strings_free(&s);
        error = strings_read_both(&s, EXEC_ARGUMENTS_MAX, argv, envp, &arguments, &environment);
    }
    if (!error && !arguments[0]) { // as Linux since 5.18: argv[0] is there, and empty
        static char *const nothing[] = { (char *)(u64) "", NULL };
        error = process_exec(p, path, nothing, environment, thread_current()->frame);
    } else if (!error) {
        error = process_exec(p, path, arguments, environment, thread_current()->frame);
    }
    strings_free(&s);
    if (!error)
        tracing_exec(tid);
    return error;
}

s64 sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp)
{
    char *name;
    s64 result = path_read(path, &name);

    if (result)
        return result;
    result = exec_path(name, argv, envp);
    if (result == -ENOENT)
        path_missing(name);
    heap_free(name);
    return result;
}

s64 sys_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags)
{
    struct dentry *d;
    char *name, *full;
    s64 result = flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -EINVAL : path_read(path, &name);

    if (result)
        return result;
    full = heap_alloc(PAGE_SIZE);
    result = full ? path_lookup(dirfd, name,
                                (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
                                    (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
                                &d, NULL)
                  : -ENOMEM;
    if (!result) {
        result = S_ISLNK(d->inode->mode) ? -ELOOP : dentry_path(d, full, PAGE_SIZE);
        dentry_put(d);
    }
    if (!result)
        result = exec_path(full, argv, envp);
    heap_free(full);
    heap_free(name);
    return result;
}
