// SPDX-License-Identifier: BSD-3-Clause
// Packs what an ELF file needs to start: its interpreter (PT_INTERP) and, breadth first as ld.so
// loads them, the libraries of DT_NEEDED and theirs.
//
// Two things no table in a file names: glibc opens libgcc_s by itself when a thread is cancelled or
// exits, and musl's libc is the interpreter.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/elf.h"
#include "cli/complain.h"
#include "cli/library_search.h"

#define NAME_SIZE_MAX 4096

// A file of the host in memory.
struct mapped {
    struct elf_memory memory;
    struct elf elf;
};

static int map_file(const char *path, struct mapped *out)
{
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC), result = 0;
    if (fd < 0 || fstat(fd, &s))
        result = -errno;
    else if (s.st_size == 0)
        result = -ENOEXEC;
    else if ((out->memory.data = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) ==
             MAP_FAILED)
        result = -errno;
    else
        out->memory.size = (uint64_t)s.st_size;
    if (fd >= 0)
        close(fd);
    return result;
}

static void unmap_file(struct mapped *m)
{
    munmap((void *)(uintptr_t)m->memory.data, m->memory.size);
}

static const char *dynamic_string(struct mapped *m, int64_t tag, uint32_t nth)
{
    char value[NAME_SIZE_MAX];
    int result = elf_dynamic_string(&m->elf, tag, nth, value, sizeof(value));
    return result < 0 ? NULL : keep_string(value);
}

// One step of the search; objects wait in a list until their own needs are looked at.
struct job {
    struct pack *pack;
    bool must;
    bool musl;
    struct elf_object *queue[1024];
    size_t count;
    struct strings names; // that were looked for already
};

static bool known(const struct strings *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (!strcmp(s->items[i], name))
            return true;
    return false;
}

static int missing(struct job *job, int error, const char *name, const char *who)
{
    const char *why = error == ENOEXEC ? "is only here for another machine" : "is missing";
    if (job->must)
        return complain(ENOENT, "the library %s %s; %s needs it", name, why, who);
    warn("the library %s %s; %s needs it", name, why, who);
    return 0;
}

static int enqueue(struct job *job, const char *path, const struct elf_object *loader)
{
    if (job->count == sizeof(job->queue) / sizeof(job->queue[0]))
        return complain(E2BIG, "%s: needs too many libraries", path);
    struct elf_object *object = keep(sizeof(*object));
    *object = (struct elf_object){.loader = loader, .path = path, .musl = job->musl};
    object->rpath = object->runpath = "";
    job->queue[job->count++] = object;
    return 0;
}

// Remembers a folder that only LD_LIBRARY_PATH led to: the guest needs to be told.
static void add_library_folder(struct pack *p, const char *library)
{
    const char *folder = keep_string_size(library, (size_t)(strrchr(library, '/') - library));
    if (!known(&p->library_path, folder))
        strings_add(&p->library_path, folder);
}

static int need(struct job *job, const struct elf_object *object, const char *name)
{
    const char *path;
    bool by_environment;
    if (known(&job->names, name) || (job->musl && !strncmp(name, "libc.musl-", 10)) ||
        (job->musl && !strcmp(name, "libc.so")))
        return 0;
    strings_add(&job->names, name);
    int result = library_find(job->pack, object, name, &path, &by_environment);
    if (result < 0)
        return missing(job, -result, name, object->path);
    result = pack_host(job->pack, path, object->path, NULL);
    if (result < 0)
        return job->must ? result : 0;
    if (by_environment)
        add_library_folder(job->pack, path);
    return enqueue(job, path, object);
}

static int read_needs(struct job *job, struct elf_object *object, struct mapped *m)
{
    const char *name, *rpath = dynamic_string(m, ELF_RPATH, 0);
    const char *runpath = dynamic_string(m, ELF_RUNPATH, 0);
    int result = 0;
    object->rpath = rpath ? rpath : "";
    object->runpath = runpath ? runpath : "";
    for (uint32_t i = 0; result >= 0 && (name = dynamic_string(m, ELF_NEEDED, i)); i++)
        result = need(job, object, name);
    return result;
}

// The interpreter, and with glibc the library that it opens without being asked.
static int pack_interpreter(struct job *job, const struct elf_object *object, const char *path)
{
    const char *name = strrchr(path, '/');
    job->musl = name && !strncmp(name, "/ld-musl-", 9);
    int result = pack_host_try(job->pack, path, NULL);
    if (result < 0)
        return job->must ? complain(ENOENT, "the interpreter %s is missing; %s needs it", path,
                                    object->path)
                         : 0;
    return result;
}

static int pack_object(struct job *job, struct elf_object *object, bool first, bool *out_static)
{
    struct mapped m;
    char interpreter[NAME_SIZE_MAX];
    int result = map_file(object->path, &m);
    if (result < 0)
        return first && result == -ENOEXEC
                   ? 0
                   : complain(-result, "cannot read %s: %s", object->path, strerror(-result));
    if (elf_open(&m.elf, elf_memory_source(&m.memory)) < 0) {
        unmap_file(&m); // not an ELF, or not one of ours: a file like any other
        return 0;
    }
    int size = elf_interpreter(&m.elf, interpreter, sizeof(interpreter));
    if (first && out_static)
        *out_static = size == 0;
    if (first && size > 0)
        result = pack_interpreter(job, object, interpreter);
    object->musl = job->musl;
    if (result >= 0)
        result = read_needs(job, object, &m);
    unmap_file(&m);
    return result;
}

// The library that glibc loads when a thread ends early. Nothing breaks at the start without it.
static void pack_unwinder(struct job *job)
{
    const char *path;
    bool by_environment;
    if (job->musl || !known(&job->names, "libc.so.6") || known(&job->names, "libgcc_s.so.1"))
        return;
    if (!library_find(job->pack, job->queue[0], "libgcc_s.so.1", &path, &by_environment))
        (void)pack_host_try(job->pack, path, NULL);
}

// Most files of a folder are none: this is all that they cost.
static bool is_elf(const char *path)
{
    char magic[4] = "";
    struct stat s;
    if (!stat(path, &s) && !S_ISREG(s.st_mode))
        return false; // a FIFO would wait for its other end
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true; // let the next step say why
    ssize_t got = read(fd, magic, sizeof(magic));
    close(fd);
    return got == sizeof(magic) && !memcmp(magic, "\177ELF", 4);
}

int pack_libraries(struct pack *p, const char *host, bool must, bool *out_static)
{
    if (out_static)
        *out_static = false;
    if (!is_elf(host))
        return 0;
    struct job job = {.pack = p, .must = must};
    int result = enqueue(&job, host, NULL);
    for (size_t i = 0; result >= 0 && i < job.count; i++)
        result = pack_object(&job, job.queue[i], i == 0, out_static);
    if (result >= 0)
        pack_unwinder(&job);
    return result;
}
