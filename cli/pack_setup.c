// SPDX-License-Identifier: BSD-3-Clause
// What setting a Debian package up has made on this host, which no list of dpkg names:
//
//     files     below the package's folders in /etc: a site that is enabled, links to modules. In a
//               folder that other packages have, too, only what the scripts of this one name, such
//               as PAM's common-auth. Only what everybody may read: keys and passwords stay out
//     users     that the package's scripts or its sysusers.d(5) name: pack_users.c
//     folders   in /run and /var that systemd or its scripts make: pack_folders.c
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/pack.h"
#include "cli/pack_setup.h"

#define FILE_SIZE_MAX (64u << 20)
#define TMPFILES      "/usr/lib/tmpfiles.d/"
#define SYSUSERS      "/usr/lib/sysusers.d/"
#define UNITS         "/lib/systemd/system/" // or in /usr

struct setup {
    struct pack *pack;
    struct strings owned;    // paths in /etc and /var that dpkg knows, of all packages
    struct strings folders;  // those of them that a packed package has; files, too
    struct strings shared;   // those that a package has that is not packed, in order
    struct strings tmpfiles; // of packed packages
    struct strings units;    // and their services
    struct text scripts;     // of packed packages: all that may name a user
    struct text others;      // scripts of packages that are not packed
};

static bool begins(const char *path, const char *with)
{
    return !strncmp(path, with, strlen(with));
}

static void take_script(struct setup *s, const struct dpkg_package *package, const char *name)
{
    struct text *to = package->wanted ? &s->scripts : &s->others;
    const char *path = keep_format("%s/%s.%s", DPKG_INFO, package->name, name);
    if (access(path, R_OK))
        path = keep_format("%s/%s:%s.%s", DPKG_INFO, package->name, package->architecture, name);
    (void)text_read_file(to, path, to->size + FILE_SIZE_MAX);
}

// Of those that exist once: NAME@.service is one for many.
static bool is_service(const char *path)
{
    const char *dot = strrchr(path, '.');
    return begins(path + (begins(path, "/usr/") ? 4 : 0), UNITS) && dot &&
           !strcmp(dot, ".service") && !strchr(path, '@');
}

static void take_line(struct setup *s, const struct dpkg_package *package, const char *line)
{
    if (begins(line, "/etc/")) {
        strings_add(&s->owned, line);
        strings_add(package->wanted ? &s->folders : &s->shared, line);
    } else if (begins(line, "/var/")) {
        strings_add(&s->owned, line);
    }
    if (!package->wanted)
        return;
    if (begins(line, TMPFILES))
        strings_add(&s->tmpfiles, line);
    else if (is_service(line))
        strings_add(&s->units, line);
    else if (begins(line, SYSUSERS))
        (void)text_read_file(&s->scripts, line, s->scripts.size + FILE_SIZE_MAX);
}

static void take_package(struct setup *s, const struct dpkg_package *package)
{
    struct text list = {0};
    const char *path = dpkg_list_path(package);
    if (!path || text_read_file(&list, path, FILE_SIZE_MAX))
        return;
    for (char *save = NULL, *line = strtok_r(list.bytes, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        take_line(s, package, line);
    free(list.bytes);
    take_script(s, package, "preinst");
    take_script(s, package, "postinst");
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strings *all)
{
    if (all->count)
        qsort(all->items, all->count, sizeof(*all->items), compare);
}

bool pack_setup_has(const struct strings *all, const char *path)
{
    return all->count && bsearch(&path, all->items, all->count, sizeof(path), compare);
}

// Not hidden, and not what dpkg and ucf keep of older versions.
static int is_wanted(const struct dirent *d)
{
    return d->d_name[0] != '.' && !strstr(d->d_name, ".dpkg-") && !strstr(d->d_name, ".ucf-");
}

// Only the scripts of a package that is not packed speak of "20-NAME.conf": its own part of what
// this folder's owner shall load.
static bool is_of_others(const struct setup *s, const char *name)
{
    const char *start = name + strspn(name, "0123456789-"), *dot = strrchr(start, '.');
    const char *stem = dot ? keep_string_size(start, (size_t)(dot - start)) : start;
    return *stem && !pack_users_has_word(s->scripts.bytes, stem) &&
           pack_users_has_word(s->others.bytes, stem);
}

// A link that leads out of /etc is for what is packed only.
static bool leads_nowhere(const struct setup *s, const char *path)
{
    char *real = realpath(path, NULL);
    bool nowhere = !real || (!image_tree_find(s->pack->tree, real) &&
                             (!begins(real, "/etc/") || pack_setup_has(&s->owned, real)));
    free(real);
    return nowhere;
}

// What is in a folder and belongs to no package; with `named` only what the scripts name.
static void pack_unowned(struct setup *s, const char *folder, bool named)
{
    struct dirent **entries;
    struct stat stat;
    // Looked at by pack_stat, so a file that comes or goes makes the image anew.
    if (pack_stat(s->pack, folder, &stat) || !S_ISDIR(stat.st_mode) || (stat.st_mode & 05) != 05)
        return;
    int count = scandir(folder, &entries, is_wanted, alphasort);
    for (int i = 0; i < count; i++) {
        const char *name = keep_string(entries[i]->d_name), *path = keep_path(folder, name);
        free(entries[i]);
        if (pack_setup_has(&s->owned, path) || is_of_others(s, name) ||
            (named && !pack_users_has_word(s->scripts.bytes, name)) ||
            pack_look(path, /*follow=*/true, &stat) || !(stat.st_mode & 04))
            continue;
        bool is_link = pack_look(path, /*follow=*/false, &stat) || S_ISLNK(stat.st_mode);
        if (is_link && leads_nowhere(s, path))
            continue;
        if (!pack_host_try(s->pack, path, NULL) && !is_link)
            pack_unowned(s, path, /*named=*/false);
    }
    if (count >= 0)
        free(entries);
}

// What pack_deb.c does better, and links for an init that there is not.
static bool is_elsewhere(const char *folder)
{
    return begins(folder, "/etc/alternatives") || begins(folder, "/etc/rc");
}

void pack_setup(struct pack *p, const struct dpkg *d)
{
    struct setup s = {.pack = p};
    text_add(&s.scripts, "", 0);
    text_add(&s.others, "", 0);
    for (size_t i = 0; i < d->count; i++)
        take_package(&s, &d->packages[i]);
    sort(&s.owned);
    sort(&s.shared);
    for (size_t i = 0; i < s.folders.count; i++)
        if (!is_elsewhere(s.folders.items[i]))
            pack_unowned(&s, s.folders.items[i], pack_setup_has(&s.shared, s.folders.items[i]));
    pack_users(p, s.scripts.bytes);
    for (size_t i = 0; i < s.tmpfiles.count; i++)
        pack_folders_tmpfiles(p, s.tmpfiles.items[i]);
    for (size_t i = 0; i < s.units.count; i++)
        pack_folders_unit(p, s.units.items[i]);
    pack_folders_named(p, s.scripts.bytes, &s.owned);
}
