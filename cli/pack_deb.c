// SPDX-License-Identifier: BSD-3-Clause
// --deb: the files of installed Debian packages and of all that they depend on, from dpkg's lists.
//
// What is made when a package is set up is in no list: here the links of update-alternatives, and
// Python's compiled modules (without which Python compiles its library anew at each start); the
// rest is pack_setup.c's. Documentation is left out: no program needs it to run.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/dpkg.h"
#include "cli/pack.h"
#include "cli/pack_setup.h"

#define LIST_SIZE_MAX (64u << 20)

static const char *const left_out[] = {
    "/usr/share/bug/",     "/usr/share/doc/", "/usr/share/doc-base/", "/usr/share/info/",
    "/usr/share/lintian/", "/usr/share/man/", "/usr/share/menu/",
};

static bool is_left_out(const char *path)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++)
        if (!strncmp(path, left_out[i], strlen(left_out[i])))
            return true;
    return false;
}

// A path in dpkg's list. One that has gone since (or was never unpacked) is no error.
static int pack_listed(struct pack *p, const char *path, const char *package)
{
    int result = pack_host_try(p, path, NULL);
    if (result == -ENOENT || result == -ENOTDIR || result == -EEXIST)
        return 0;
    if (result == -EACCES) {
        warn("%s of package %s is left out: it can't be read", path, package);
        return 0;
    }
    return result < 0 ? complain(-result, "cannot read %s: %s", path, strerror(-result)) : 0;
}

// FOLDER/NAME.py -> FOLDER/__pycache__/NAME.*.pyc
static void pack_compiled(struct pack *p, const char *source)
{
    const char *slash = strrchr(source, '/');
    const char *folder = keep_format("%.*s/__pycache__", (int)(slash - source), source);
    struct stat s;
    if (image_tree_follow(p->tree, folder) || pack_stat(p, folder, &s))
        return;
    // The whole cache at once: it belongs to the modules beside it.
    if (!pack_host_try(p, folder, &folder))
        (void)pack_folder(p, folder, folder, /*elves=*/false);
}

static int pack_package(struct pack *p, const struct dpkg_package *package)
{
    struct text list = {0};
    const char *path = dpkg_list_path(package);
    int result = path ? text_read_file(&list, path, LIST_SIZE_MAX) : -ENOENT;
    if (result < 0)
        return complain(-result, "--deb: cannot read the list of %s's files: %s", package->name,
                        strerror(-result));
    for (char *save = NULL, *line = strtok_r(list.bytes, "\n", &save); line && result >= 0;
         line = strtok_r(NULL, "\n", &save)) {
        if (line[0] != '/' || !strcmp(line, "/.") || is_left_out(line))
            continue;
        result = pack_listed(p, line, package->name);
        size_t length = strlen(line);
        if (result >= 0 && length > 3 && !strcmp(line + length - 3, ".py"))
            pack_compiled(p, line);
    }
    return result;
}

// One file of DPKG_ALTERNATIVES: "auto" or "manual", the link, then pairs of the name and link of
// each follower up to an empty line; what the links may lead to comes behind.
static void pack_alternative(struct pack *p, const char *path)
{
    struct text file = {0};
    char *line, *rest;
    if (text_read_file(&file, path, LIST_SIZE_MAX))
        return;
    rest = file.bytes;
    for (unsigned i = 0; (line = strsep(&rest, "\n")) && *line; i++) {
        if (i % 2 == 0)
            continue; // the mode, or a follower's name
        char *real = realpath(line, NULL);
        if (real && image_tree_find(p->tree, real))
            (void)pack_host_try(p, line, NULL);
        free(real);
    }
}

static void pack_alternatives(struct pack *p)
{
    DIR *folder = opendir(DPKG_ALTERNATIVES);
    struct dirent *d;
    while (folder && (d = readdir(folder)))
        if (d->d_name[0] != '.')
            pack_alternative(p, keep_path(DPKG_ALTERNATIVES, d->d_name));
    if (folder)
        closedir(folder);
}

int pack_debs(struct pack *p)
{
    struct dpkg d = {0};
    struct stat s;
    if (!p->settings->debs.count)
        return 0;
    (void)pack_stat(p, DPKG_STATUS, &s);
    (void)pack_stat(p, DPKG_ALTERNATIVES, &s);
    int result = dpkg_read(&d);
    for (size_t i = 0; i < p->settings->debs.count && result >= 0; i++)
        result = dpkg_want(&d, p->settings->debs.items[i]);
    for (size_t i = 0; i < d.count && result >= 0; i++)
        if (d.packages[i].wanted)
            result = pack_package(p, &d.packages[i]);
    if (result >= 0) {
        pack_alternatives(p);
        pack_setup(p, &d);
    }
    return result;
}
