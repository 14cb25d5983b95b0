// SPDX-License-Identifier: BSD-3-Clause
// A guest's memory: the private pages of all its members and the pages of family memory. What it
// shares with others (the image, the kernel's text) is not counted.
//
// By looking, not by a cgroup: a cgroup would have to be made (with rights that an ordinary user
// lacks) and would stay behind when the supervisor is killed.
//
// A page that two members share since a fork counts for both at the first, cheap look. Only when
// that says too much each page is counted by its share, which costs the host a walk over all of
// them. A family that is over its limit loses its largest member, as by the host's own
// out-of-memory killer; if that is the first one, all end.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tender/message.h"
#include "tender/process/descriptors.h"
#include "tender/supervisor.h"

#define BLOCK_SIZE  512 // of st_blocks
#define MEMBERS_MAX 32768
#define LAZY        10 // looks between two exact ones

static struct {
    pid_t members[MEMBERS_MAX]; // as of the last look; [0]: the first
    u32 count;
    pid_t victim; // was killed, and may still be there
    u32 lazy;     // looks until the next exact one
} watch;

// What `file` of a process says behind `key`, in bytes; 0: nothing.
static u64 read_bytes(pid_t pid, const char *file, const char *key)
{
    char path[48], text[4096];
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    const char *line = strstr(text, key);
    return line ? strtoull(line + strlen(key), NULL, 10) * 1024 : 0;
}

// The processes that a thread has made and that live.
static void add_children(pid_t pid, const char *thread)
{
    char path[64], text[4096], *at = text, *end;
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)pid, thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    while ((size = read(fd, at, (size_t)(text + sizeof(text) - 1 - at))) > 0) {
        at[size] = 0;
        for (at = text; strchr(at, ' ') && watch.count < MEMBERS_MAX; at = end + 1)
            watch.members[watch.count++] = (pid_t)strtol(at, &end, 10);
        size_t rest = strlen(at); // a number that is not whole yet
        memmove(text, at, rest + 1);
        at = text + rest;
    }
    close(fd);
}

static void find_members(const struct supervisor *s)
{
    char path[32];
    struct dirent *thread;

    watch.members[0] = s->pid;
    watch.count = 1;
    if (!(s->member->rights & RIGHT_FORK))
        return;
    for (u32 i = 0; i < watch.count; i++) {
        snprintf(path, sizeof(path), "/proc/%d/task", (int)watch.members[i]);
        DIR *threads = opendir(path);
        while (threads && (thread = readdir(threads)) != NULL)
            if (thread->d_name[0] != '.')
                add_children(watch.members[i], thread->d_name);
        if (threads)
            closedir(threads);
    }
}

// The sum over all members, and the largest of them.
static u64 measure(const char *file, const char *key, pid_t *out_largest)
{
    u64 sum = 0, most = 0;

    *out_largest = watch.members[0];
    for (u32 i = 0; i < watch.count; i++) {
        u64 bytes = read_bytes(watch.members[i], file, key);
        sum += bytes;
        if (bytes <= most)
            continue;
        most = bytes;
        *out_largest = watch.members[i];
    }
    return sum;
}

static void end_largest(struct supervisor *s, pid_t largest)
{
    if (largest == s->pid) {
        s->out_of_memory = true;
    } else {
        message("out of memory: the guest may have %llu MiB; its largest member is ended",
                (unsigned long long)(s->memory_limit >> 20));
        watch.victim = largest;
    }
    kill(largest, SIGKILL);
}

void memory_watch(struct supervisor *s)
{
    struct stat family;
    u64 shared = 0;
    pid_t largest;

    find_members(s);
    if (!fstat(s->member->fds[FD_FAMILY], &family))
        shared = (u64)family.st_blocks * BLOCK_SIZE;
    u64 used = shared + measure("status", "RssAnon:", &largest);
    bool over = s->memory_limit && used > s->memory_limit;
    if (s->memory_limit && watch.count == MEMBERS_MAX) { // the rest can't be counted
        end_largest(s, s->pid);
        return;
    }
    if (over && watch.count > 1 && watch.lazy) {
        watch.lazy--;
        return;
    }
    if (over && watch.count > 1) {
        used = shared + measure("smaps_rollup", "Pss_Anon:", &largest);
        over = used > s->memory_limit;
        watch.lazy = over ? 0 : LAZY;
    }
    s->memory_used = used;
    s->memory_peak = used > s->memory_peak ? used : s->memory_peak;
    if (over && (!watch.victim || kill(watch.victim, 0)))
        end_largest(s, largest);
}
