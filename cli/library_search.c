// SPDX-License-Identifier: BSD-3-Clause
// The search for a library, in the order of ld.so(8): DT_RPATH of the one who needs it and of its
// loaders (if it has no DT_RUNPATH), LD_LIBRARY_PATH, DT_RUNPATH, the folders of /etc/ld.so.conf,
// the default folders. glibc-hwcaps subfolders are not looked at: an image is to run on any x86-64.
// musl: LD_LIBRARY_PATH, both of RPATH and RUNPATH upwards, then its own path file.
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>
#include <linux/elf.h>

#include "cli/library_search.h"

#define CONF_SIZE_MAX  65536
#define CONF_DEPTH_MAX 8

static const char *const glibc_folders[] = {
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
};
static const char musl_default[] = "/lib:/usr/local/lib:/usr/lib";
static const char musl_conf[] = "/etc/ld-musl-x86_64.path";

// Is this a 64-bit x86 shared object? -ENOENT: no such file; -ENOEXEC: another machine's.
static int check_machine(struct pack *p, const char *path)
{
    struct stat s;
    Elf64_Ehdr header;
    int result = pack_stat(p, path, &s);
    if (result < 0 || !S_ISREG(s.st_mode))
        return -ENOENT;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0; // it is the one; whoever packs it will say that it can't be read
    ssize_t got = read(fd, &header, sizeof(header));
    close(fd);
    if (got != sizeof(header) || memcmp(header.e_ident, ELFMAG, SELFMAG))
        return -ENOEXEC;
    return header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == EM_X86_64 ? 0 : -ENOEXEC;
}

static const char *origin_of(const char *path)
{
    char *real = realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;
    const char *origin = slash == real ? "/" : keep_string_size(real, (size_t)(slash - real));
    free(real);
    return origin;
}

// Replaces $ORIGIN, $LIB and $PLATFORM, with or without braces.
static const char *expand(const char *folder, const struct elf_object *object)
{
    static const char *const names[] = {"ORIGIN", "LIB", "PLATFORM"};
    const char *const values[] = {strchr(folder, '$') ? origin_of(object->path) : "",
                                  "lib/x86_64-linux-gnu", "x86_64"};
    struct text out = {0};
    text_add(&out, "", 0);
    while (*folder) {
        size_t i, plain = strcspn(folder, "$"), skip = 1;
        text_add(&out, folder, plain);
        folder += plain;
        if (!*folder)
            break;
        bool brace = folder[1] == '{';
        for (i = 0; i < 3; i++) {
            size_t size = strlen(names[i]);
            if (strncmp(folder + 1 + brace, names[i], size))
                continue;
            if (brace && folder[2 + size] != '}')
                continue;
            text_format(&out, "%s", values[i]);
            skip = 1 + size + 2 * brace;
            break;
        }
        if (i == 3)
            text_add(&out, "$", 1);
        folder += skip;
    }
    return out.bytes;
}

struct search {
    struct pack *pack;
    const char *name;
    const char *found;
    bool other_machine;
};

static bool try_folder(struct search *s, const char *folder)
{
    const char *path = keep_absolute(keep_path(*folder ? folder : ".", s->name));
    int result = check_machine(s->pack, path);
    if (result == -ENOEXEC)
        s->other_machine = true;
    if (result < 0)
        return false;
    s->found = path;
    return true;
}

// A list of folders separated by any of `separators`. `object` for $ORIGIN, or NULL.
static bool try_list(struct search *s, const char *list, const char *separators,
                     const struct elf_object *object)
{
    while (list && *list) {
        size_t size = strcspn(list, separators);
        const char *folder = keep_string_size(list, size);
        if (try_folder(s, object ? expand(folder, object) : folder))
            return true;
        list += size + (list[size] != '\0');
    }
    return false;
}

static void read_conf(struct pack *p, const char *path, unsigned depth);

static void include_conf(struct pack *p, const char *pattern, unsigned depth)
{
    glob_t found;
    if (!glob(keep_path("/etc", pattern), 0, NULL, &found))
        for (size_t i = 0; i < found.gl_pathc; i++)
            read_conf(p, found.gl_pathv[i], depth + 1);
    globfree(&found);
}

// ld.so.conf: a folder a line, '#' comments, "include PATTERN".
static void read_conf(struct pack *p, const char *path, unsigned depth)
{
    struct text conf = {0};
    struct stat stat;
    if (depth > CONF_DEPTH_MAX || pack_stat(p, path, &stat) ||
        text_read_file(&conf, path, CONF_SIZE_MAX))
        return;
    for (char *save = NULL, *line = strtok_r(conf.bytes, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        line[strcspn(line, "#")] = '\0';
        for (char *save2 = NULL, *word = strtok_r(line, " \t,:", &save2); word;
             word = strtok_r(NULL, " \t,:", &save2)) {
            if (!strcmp(word, "include")) {
                if ((word = strtok_r(NULL, " \t", &save2)))
                    include_conf(p, word, depth);
                break;
            }
            strings_add(&p->system_libraries, word);
        }
    }
}

static bool try_glibc_folders(struct search *s)
{
    struct pack *p = s->pack;
    if (!p->system_libraries.count) {
        read_conf(p, "/etc/ld.so.conf", 0);
        for (size_t i = 0; i < sizeof(glibc_folders) / sizeof(glibc_folders[0]); i++)
            strings_add(&p->system_libraries, glibc_folders[i]);
    }
    for (size_t i = 0; i < p->system_libraries.count; i++)
        if (try_folder(s, p->system_libraries.items[i]))
            return true;
    return false;
}

static bool try_musl_folders(struct search *s)
{
    struct text conf = {0};
    struct stat stat;
    const char *list = musl_default;
    if (!pack_stat(s->pack, musl_conf, &stat) && !text_read_file(&conf, musl_conf, CONF_SIZE_MAX))
        list = conf.bytes;
    return try_list(s, list, ":\n", NULL);
}

static bool search_glibc(struct search *s, const struct elf_object *object, bool *out_environment)
{
    if (!object->runpath[0])
        for (const struct elf_object *o = object; o; o = o->loader)
            if (!o->runpath[0] && try_list(s, o->rpath, ":", o))
                return true;
    if ((*out_environment = try_list(s, getenv("LD_LIBRARY_PATH"), ":;", NULL)))
        return true;
    return try_list(s, object->runpath, ":", object) || try_glibc_folders(s);
}

static bool search_musl(struct search *s, const struct elf_object *object, bool *out_environment)
{
    if ((*out_environment = try_list(s, getenv("LD_LIBRARY_PATH"), ":\n", NULL)))
        return true;
    for (const struct elf_object *o = object; o; o = o->loader)
        if (try_list(s, o->runpath[0] ? o->runpath : o->rpath, ":", o))
            return true;
    return try_musl_folders(s);
}

int library_find(struct pack *p, const struct elf_object *needed_by, const char *name,
                 const char **out_path, bool *out_by_environment)
{
    struct search s = {.pack = p, .name = name};
    *out_by_environment = false;
    if (strchr(name, '/'))
        try_folder(&s, expand(name, needed_by));
    else if (needed_by->musl)
        search_musl(&s, needed_by, out_by_environment);
    else
        search_glibc(&s, needed_by, out_by_environment);
    *out_path = s.found;
    return s.found ? 0 : s.other_machine ? -ENOEXEC : -ENOENT;
}
