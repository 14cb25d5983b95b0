// SPDX-License-Identifier: BSD-3-Clause
// Packs PROGRAM: finds it as a shell does, and looks at what it is. An ELF brings its libraries, a
// script ("#!") brings its interpreter, and the one that "#!/usr/bin/env NAME" will look for.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/elf.h"
#include "cli/complain.h"
#include "cli/pack.h"

#define SCRIPT_LINE_MAX  255
#define SCRIPT_DEPTH_MAX 4

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// 0: an executable file; otherwise why not.
static int check_executable(struct pack *p, const char *path)
{
    struct stat s;
    int result = pack_stat(p, path, &s);
    if (result < 0)
        return result;
    if (!S_ISREG(s.st_mode) || !(s.st_mode & 0111))
        return -EACCES;
    return 0;
}

// Looks in the folders of PATH. -ENOENT: in none of them; -EACCES: only files that can't be run.
static int find_in_path(struct pack *p, const char *name, const char **out_path)
{
    int result = -ENOENT;
    const char *path = getenv("PATH");
    char *list = keep_string(path ? path : default_path);
    for (char *save = NULL, *folder = strtok_r(list, ":", &save); folder;
         folder = strtok_r(NULL, ":", &save)) {
        *out_path = keep_absolute(keep_path(folder, name));
        int error = check_executable(p, *out_path);
        if (!error)
            return 0;
        if (error == -EACCES)
            result = error;
    }
    return result;
}

static int find_program(struct pack *p, const char *name, const char **out_path)
{
    int result = -ENOENT;
    if (strchr(name, '/')) {
        *out_path = keep_absolute(name);
        result = check_executable(p, *out_path);
    } else if (*name) {
        result = find_in_path(p, name, out_path);
    }
    if (result == -EACCES)
        return complain(EACCES, "%s: not an executable file", name);
    if (result == -ENOENT || result == -ENOTDIR)
        return complain(ENOENT, "%s: no such program%s", name,
                        strchr(name, '/') ? "" : " in the folders of PATH");
    return result < 0 ? complain(-result, "%s: %s", name, strerror(-result)) : 0;
}

static int pack_executable(struct pack *p, const char *path, const char *who, unsigned depth);

// "#!INTERPRETER [ARGUMENT]"; `line` is what follows "#!".
static int pack_script(struct pack *p, const char *path, char *line, unsigned depth)
{
    char *save = NULL, *interpreter;
    line[strcspn(line, "\n")] = '\0';
    interpreter = strtok_r(line, " \t", &save);
    if (!interpreter || interpreter[0] != '/')
        return complain(ENOEXEC, "%s: names no interpreter after #!", path);
    if (depth == SCRIPT_DEPTH_MAX)
        return complain(ENOEXEC, "%s: scripts that interpret each other", path);
    int result = pack_executable(p, keep_string(interpreter), path, depth + 1);
    if (result < 0 || strcmp(strrchr(interpreter, '/'), "/env"))
        return result;
    char *name = strtok_r(NULL, " \t", &save);
    while (name && (name[0] == '-' || strchr(name, '=')))
        name = strtok_r(NULL, " \t", &save);
    const char *found;
    if (!name)
        return 0;
    result = find_program(p, name, &found);
    return result < 0 ? result : pack_executable(p, found, path, depth + 1);
}

static int pack_elf(struct pack *p, const char *path, const void *data, size_t size, bool first)
{
    struct elf_memory memory = {data, size};
    struct elf elf;
    bool is_static;
    if (elf_open(&elf, elf_memory_source(&memory)) < 0)
        return complain(ENOEXEC, "%s: %s%s", path, elf_fault_words(elf.fault),
                        elf.fault == ELF_OTHER_MACHINE || elf.fault == ELF_32_BIT
                            ? "; this clade runs 64-bit x86 programs"
                            : "");
    int result = pack_libraries(p, path, /*must=*/true, &is_static);
    if (first)
        p->is_static = is_static;
    return result;
}

static int pack_contents(struct pack *p, const char *path, unsigned depth)
{
    struct stat s;
    char line[SCRIPT_LINE_MAX + 1] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &s) || read(fd, line, SCRIPT_LINE_MAX) < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return complain(error, "cannot read %s: %s", path, strerror(error));
    }
    int result;
    if (!memcmp(line, "#!", 2)) {
        result = pack_script(p, path, line + 2, depth);
    } else if (s.st_size == 0) {
        result = complain(ENOEXEC, "%s: the file is empty", path);
    } else {
        void *data = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED) {
            result = complain(errno, "cannot read %s: %s", path, strerror(errno));
        } else {
            result = pack_elf(p, path, data, (size_t)s.st_size, depth == 0);
            munmap(data, (size_t)s.st_size);
        }
    }
    close(fd);
    return result;
}

static int pack_executable(struct pack *p, const char *path, const char *who, unsigned depth)
{
    int result = pack_host(p, path, who, NULL);
    return result < 0 ? result : pack_contents(p, path, depth);
}

int pack_program(struct pack *p, const char *name)
{
    int result = find_program(p, name, &p->program);
    return result < 0 ? result : pack_executable(p, p->program, NULL, 0);
}
