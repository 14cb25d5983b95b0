// SPDX-License-Identifier: BSD-3-Clause
// Folders in /run and /var that a package's server finds on a running Debian, though no list of
// dpkg has them. They are made empty, with mode and owner:
//
//     tmpfiles.d(5)   at each start
//     systemd's unit  RuntimeDirectory= and its kin [systemd.exec(5)], and a mkdir of ExecStartPre=
//     its scripts     of /var/lib and the like, what they name and this host has
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack.h"
#include "cli/pack_setup.h"

#define FILE_SIZE_MAX (1u << 20)

static bool begins(const char *s, const char *with)
{
    return !strncmp(s, with, strlen(with));
}

static void split(char *text, const char *at, struct strings *to)
{
    for (char *save = NULL, *item = strtok_r(text, at, &save); item;
         item = strtok_r(NULL, at, &save))
        strings_add(to, item);
}

static void read_lines(const char *path, struct strings *to)
{
    struct text file = {0};
    if (!text_read_file(&file, path, FILE_SIZE_MAX))
        split(file.bytes, "\n", to);
    free(file.bytes);
}

static void make(struct pack *p, const char *path, mode_t mode, const char *user, const char *group)
{
    if ((!begins(path, "/run/") && !begins(path, "/var/")) || strchr(path, '%') ||
        image_tree_follow(p->tree, path))
        return;
    struct node *n = image_tree_put_folder(p->tree, path, mode & 07777);
    if (n)
        pack_users_find(user, group, &n->stat);
}

// "d /run/sshd 0755 root root": type, path, mode, user and group; "-" is the default.
void pack_folders_tmpfiles(struct pack *p, const char *file)
{
    struct strings lines = {0};
    read_lines(file, &lines);
    for (size_t i = 0; i < lines.count; i++) {
        char type[8], path[256], mode[16] = "-", user[64] = "-", group[64] = "-";
        if (sscanf(lines.items[i], "%7s %255s %15s %63s %63s", type, path, mode, user, group) < 2)
            continue;
        if ((type[0] == 'd' || type[0] == 'D') && (!type[1] || type[1] == '!'))
            make(p, path, mode[0] == '-' ? 0755 : strtoul(mode, NULL, 8), user, group);
    }
}

// The value of the last line "KEY=VALUE".
static const char *setting(const struct strings *lines, const char *key, const char *otherwise)
{
    size_t size = strlen(key);
    for (size_t i = lines->count; i-- > 0;)
        if (begins(lines->items[i], key) && lines->items[i][size] == '=')
            return lines->items[i] + size + 1;
    return otherwise;
}

// "mkdir [-m MODE] [-p] PATH...", and "chown USER[:GROUP] PATH" of one that this has made.
static void prepare(struct pack *p, const char *command)
{
    struct strings words = {0};
    const char *mode = "755", *name;
    split(keep_string(command + strspn(command, "-+!:@")), " \t", &words);
    if (words.count < 2)
        return;
    name = strrchr(words.items[0], '/');
    if (name && !strcmp(name, "/chown") && words.count == 3) {
        struct node *n = image_tree_follow(p->tree, words.items[2]);
        char *user = words.items[1], *colon = strchr(user, ':');
        if (n && begins(words.items[2], "/run/"))
            pack_users_find(colon ? keep_string_size(user, (size_t)(colon - user)) : user,
                            colon ? colon + 1 : "-", &n->stat);
    } else if (name && !strcmp(name, "/mkdir")) {
        for (size_t i = 1; i < words.count; i++)
            if (!strcmp(words.items[i], "-m") && i + 1 < words.count)
                mode = words.items[++i];
            else
                make(p, words.items[i], strtoul(mode, NULL, 8), "-", "-");
    }
}

void pack_folders_unit(struct pack *p, const char *file)
{
    static const struct {
        const char *key, *place;
    } kinds[] = {
        {"RuntimeDirectory", "/run/"},
        {"StateDirectory", "/var/lib/"},
        {"CacheDirectory", "/var/cache/"},
        {"LogsDirectory", "/var/log/"},
    };
    struct strings lines = {0};
    read_lines(file, &lines);
    const char *user = setting(&lines, "User", "-"), *group = setting(&lines, "Group", user);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct strings names = {0};
        const char *mode = setting(&lines, keep_format("%sMode", kinds[k].key), "755");
        split(keep_string(setting(&lines, kinds[k].key, "")), " \t", &names);
        for (size_t i = 0; i < names.count; i++)
            make(p, keep_format("%s%s", kinds[k].place, names.items[i]), strtoul(mode, NULL, 8),
                 user, group);
    }
    for (size_t i = 0; i < lines.count; i++)
        if (begins(lines.items[i], "ExecStartPre="))
            prepare(p, lines.items[i] + strlen("ExecStartPre="));
}

// Not what is in them: data that servers have left on this host.
static void named_in(struct pack *p, const char *place, const char *scripts,
                     const struct strings *owned)
{
    struct dirent **entries;
    struct stat s;
    int count = scandir(place, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        const char *path = keep_path(place, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && !pack_setup_has(owned, path) &&
            pack_users_has_word(scripts, path) && !pack_stat(p, path, &s) && S_ISDIR(s.st_mode) &&
            !image_tree_follow(p->tree, path)) {
            struct node *n = image_tree_put_folder(p->tree, path, s.st_mode & 07777);
            if (n && s.st_uid <= PACK_SYSTEM_ID_MAX && s.st_gid <= PACK_SYSTEM_ID_MAX) {
                n->stat.st_uid = s.st_uid;
                n->stat.st_gid = s.st_gid;
            }
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

void pack_folders_named(struct pack *p, const char *scripts, const struct strings *owned)
{
    static const char *const places[] = {"/var/cache", "/var/lib", "/var/log", "/var/spool"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        named_in(p, places[i], scripts, owned);
}
