// SPDX-License-Identifier: BSD-3-Clause
// Reads dpkg's status file (deb-control(5), dpkg(1)): paragraphs of "Field: value" lines, separated
// by empty lines; a line that begins with a blank goes on with the value before.
//
// Versions are not compared: dpkg itself has seen to it that what is installed fits together.
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/dpkg.h"

#define STATUS_SIZE_MAX (256u << 20)

static void add_package(struct dpkg *d, const struct dpkg_package *package)
{
    if (d->count == d->room) {
        size_t room = 2 * d->room + 512;
        struct dpkg_package *packages = keep(room * sizeof(*packages));
        if (d->count)
            memcpy(packages, d->packages, d->count * sizeof(*packages));
        d->packages = packages;
        d->room = room;
    }
    d->packages[d->count++] = *package;
}

static void take_field(struct dpkg_package *package, char *line, bool *installed)
{
    char *colon = strchr(line, ':');
    if (!colon)
        return;
    *colon = '\0';
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    if (!strcmp(line, "Package"))
        package->name = value;
    else if (!strcmp(line, "Architecture"))
        package->architecture = value;
    else if (!strcmp(line, "Version"))
        package->version = value;
    else if (!strcmp(line, "Provides"))
        package->provides = value;
    else if (!strcmp(line, "Pre-Depends"))
        package->pre_depends = value;
    else if (!strcmp(line, "Depends"))
        package->depends = value;
    else if (!strcmp(line, "Status"))
        *installed = strstr(value, " installed") || strstr(value, " triggers-");
}

static const struct dpkg_package no_package = {
    .name = "",
    .architecture = "",
    .version = "",
    .provides = "",
    .pre_depends = "",
    .depends = "",
};

static void parse_paragraph(struct dpkg *d, char *text)
{
    struct dpkg_package package = no_package;
    bool installed = false;
    while (*text) {
        char *end = text + strcspn(text, "\n");
        // A value may go on in the next lines, which begin with a blank.
        while (*end && (end[1] == ' ' || end[1] == '\t'))
            end += 1 + strcspn(end + 1, "\n");
        char *next = end + (*end != '\0');
        *end = '\0';
        take_field(&package, text, &installed);
        text = next;
    }
    if (installed && *package.name)
        add_package(d, &package);
}

int dpkg_read(struct dpkg *d)
{
    struct text status = {0};
    int result = text_read_file(&status, DPKG_STATUS, STATUS_SIZE_MAX);
    if (result < 0)
        return complain(-result, "--deb: cannot read %s: %s", DPKG_STATUS, strerror(-result));
    for (char *at = status.bytes; at;) {
        char *end = strstr(at, "\n\n");
        if (end)
            *end = '\0';
        parse_paragraph(d, at);
        at = end ? end + 2 : NULL;
    }
    return 0;
}

static bool is_named(const struct dpkg_package *package, const char *name, size_t size)
{
    return strlen(package->name) == size && !memcmp(package->name, name, size);
}

// Does the list of names `provides` have this one?
static bool does_provide(const char *provides, const char *name, size_t size)
{
    while (*provides) {
        provides += strspn(provides, " ,\n");
        size_t length = strcspn(provides, " ,(");
        if (length == size && !memcmp(provides, name, size))
            return true;
        provides += strcspn(provides, ",");
    }
    return false;
}

// "name", "name:any" or "name:architecture"; the native architecture goes first.
static struct dpkg_package *find(struct dpkg *d, const char *name, size_t size)
{
    const char *colon = memchr(name, ':', size);
    size_t name_size = colon ? (size_t)(colon - name) : size;
    struct dpkg_package *found = NULL;
    for (size_t i = 0; i < d->count; i++) {
        struct dpkg_package *p = &d->packages[i];
        if (!is_named(p, name, name_size))
            continue;
        if (!strcmp(p->architecture, "amd64") || !strcmp(p->architecture, "all"))
            return p;
        found = p;
    }
    for (size_t i = 0; i < d->count && !found; i++)
        if (does_provide(d->packages[i].provides, name, name_size))
            found = &d->packages[i];
    return found;
}

static void want(struct dpkg *d, struct dpkg_package *package);

// "a (>= 1) | b [amd64], c": of each group the first that is installed.
static void want_all(struct dpkg *d, const char *relations)
{
    while (*relations) {
        size_t size = strcspn(relations, ",");
        const char *end = relations + size;
        struct dpkg_package *found = NULL;
        while (relations < end && !found) {
            relations += strspn(relations, " |\n\t");
            found = find(d, relations, strcspn(relations, " (|,[<\n\t"));
            relations += strcspn(relations, "|,");
        }
        if (found)
            want(d, found);
        relations = end + (*end == ',');
    }
}

static void want(struct dpkg *d, struct dpkg_package *package)
{
    if (package->wanted)
        return;
    package->wanted = true;
    want_all(d, package->pre_depends);
    want_all(d, package->depends);
}

int dpkg_want(struct dpkg *d, const char *name)
{
    struct dpkg_package *package = find(d, name, strlen(name));
    if (!package)
        return complain(ENOENT,
                        "--deb %s: no such package is installed; `apt-get install %s` may help",
                        name, name);
    want(d, package);
    return 0;
}

const char *dpkg_list_path(const struct dpkg_package *package)
{
    const char *path = keep_format("%s/%s.list", DPKG_INFO, package->name);
    if (!access(path, F_OK))
        return path;
    path = keep_format("%s/%s:%s.list", DPKG_INFO, package->name, package->architecture);
    return access(path, F_OK) ? NULL : path;
}

// "NAME.list" or "NAME:ARCHITECTURE.list", if it has the line.
static const char *owner_by_list(const char *file, const char *line)
{
    struct text list = {0};
    const char *dot = strrchr(file, '.');
    bool found = dot && !strcmp(dot, ".list") &&
                 !text_read_file(&list, keep_path(DPKG_INFO, file), STATUS_SIZE_MAX) &&
                 strstr(list.bytes, line);
    free(list.bytes);
    return found ? keep_string_size(file, strcspn(file, ":") < (size_t)(dot - file)
                                              ? strcspn(file, ":")
                                              : (size_t)(dot - file))
                 : NULL;
}

const char *dpkg_owner(const char *path)
{
    // Lists of packages that are older than /bin -> usr/bin still say /bin.
    const char *lines[] = {keep_format("\n%s\n", path),
                           strncmp(path, "/usr/", 5) ? NULL : keep_format("\n%s\n", path + 4)};
    const char *owner = NULL;
    for (size_t i = 0; i < 2 && !owner && lines[i]; i++) {
        DIR *folder = opendir(DPKG_INFO);
        struct dirent *d;
        while (folder && !owner && (d = readdir(folder)))
            owner = owner_by_list(d->d_name, lines[i]);
        if (folder)
            closedir(folder);
    }
    return owner;
}
