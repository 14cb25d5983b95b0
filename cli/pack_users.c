// SPDX-License-Identifier: BSD-3-Clause
// Users and groups that packages have made for themselves: a server that gives up root's rights
// asks for them by name. The host's other users stay out, and so do the members of groups.
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/pack.h"
#include "cli/pack_setup.h"

#define FILE_SIZE_MAX (16u << 20)

static bool is_of_a_name(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

bool pack_users_has_word(const char *text, const char *word)
{
    size_t size = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += size)
        if ((at == text || !is_of_a_name(at[-1])) && !is_of_a_name(at[size]))
            return true;
    return false;
}

// A line of passwd(5) or group(5): NAME:x:ID...
static bool read_line(const char *line, char **out_name, unsigned long *out_id)
{
    const char *colon = strchr(line, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
    if (!second)
        return false;
    *out_name = keep_string_size(line, (size_t)(colon - line));
    *out_id = strtoul(second + 1, NULL, 10);
    return **out_name;
}

static void take_users(const char *path, const char *scripts, bool whole, struct text *to)
{
    struct text file = {0};
    unsigned long id;
    char *name;
    if (text_read_file(&file, path, FILE_SIZE_MAX))
        return;
    for (char *save = NULL, *line = strtok_r(file.bytes, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        if (!read_line(line, &name, &id) || !id || id > PACK_SYSTEM_ID_MAX ||
            !pack_users_has_word(scripts, name))
            continue;
        if (whole)
            text_format(to, "%s\n", line);
        else
            text_format(to, "%s:x:%lu:\n", name, id);
    }
    free(file.bytes);
}

void pack_users(struct pack *p, const char *scripts)
{
    struct stat s;
    (void)pack_stat(p, "/etc/passwd", &s);
    (void)pack_stat(p, "/etc/group", &s);
    take_users("/etc/passwd", scripts, /*whole=*/true, &p->users);
    take_users("/etc/group", scripts, /*whole=*/false, &p->groups);
}

static void find_id(const char *path, const char *wanted, unsigned *out_id)
{
    struct text file = {0};
    unsigned long id;
    char *name;
    if (!text_read_file(&file, path, FILE_SIZE_MAX))
        for (char *save = NULL, *line = strtok_r(file.bytes, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
            if (read_line(line, &name, &id) && !strcmp(name, wanted))
                *out_id = (unsigned)id;
    free(file.bytes);
}

void pack_users_find(const char *user, const char *group, struct stat *out)
{
    find_id("/etc/passwd", user, &out->st_uid);
    find_id("/etc/group", group, &out->st_gid);
}
