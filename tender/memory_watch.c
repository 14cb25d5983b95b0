// SPDX-License-Identifier: BSD-3-Clause
// A guest's memory: its private pages and the pages of family memory. What it shares with others
// (the image, the kernel's text) is not counted.
//
// By looking, not by a cgroup: a cgroup would have to be made (with rights that an ordinary user
// lacks) and would stay behind when the supervisor is killed.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tender/process/descriptors.h"
#include "tender/supervisor.h"

#define BLOCK_SIZE 512 // of st_blocks

static u64 private_bytes(pid_t pid)
{
    char path[32], text[4096];
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    size = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    const char *line = strstr(text, "RssAnon:");
    return line ? strtoull(line + strlen("RssAnon:"), NULL, 10) * 1024 : 0;
}

void memory_watch(struct supervisor *s)
{
    struct stat family;

    s->memory_used = private_bytes(s->pid);
    if (!fstat(s->member->fds[FD_FAMILY], &family))
        s->memory_used += (u64)family.st_blocks * BLOCK_SIZE;
    if (s->memory_used > s->memory_peak)
        s->memory_peak = s->memory_used;
    if (!s->memory_limit || s->memory_used <= s->memory_limit)
        return;
    s->out_of_memory = true;
    kill(s->pid, SIGKILL);
}
