// SPDX-License-Identifier: BSD-3-Clause
// Packs paths of the host at their own place. A path is walked name by name, as the guest's kernel
// will do it: every symbolic link on the way is packed as it is, and then followed.
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/pack.h"
#include "cli/progress.h"

#define LINKS_MAX 40

static void remember(struct pack *p, const char *path, bool follow, int result,
                     const struct stat *stat)
{
    if (p->input_count == p->input_room) {
        size_t room = 2 * p->input_room + 256;
        struct pack_input *inputs = keep(room * sizeof(*inputs));
        if (p->input_count)
            memcpy(inputs, p->inputs, p->input_count * sizeof(*inputs));
        free(p->inputs);
        p->inputs = inputs;
        p->input_room = room;
    }
    struct pack_input *in = &p->inputs[p->input_count++];
    *in = (struct pack_input){.path = keep_string(path), .follow = follow, .absent = result < 0};
    if (!result)
        in->stat = *stat;
}

// What a folder is like beside what is in it: /tmp's time must not matter to a program in /tmp/x.
static void forget_contents(struct stat *s)
{
    s->st_size = 0;
    s->st_nlink = 0;
    s->st_mtim = s->st_ctim = (struct timespec){0};
}

int pack_look(const char *path, bool follow, struct stat *out)
{
    if (follow)
        return stat(path, out) ? -errno : 0;
    if (lstat(path, out))
        return -errno;
    if (S_ISDIR(out->st_mode))
        forget_contents(out);
    return 0;
}

int pack_lstat(struct pack *p, const char *path, struct stat *out)
{
    int result = pack_look(path, /*follow=*/false, out);
    remember(p, path, false, result, out);
    return result;
}

int pack_stat(struct pack *p, const char *path, struct stat *out)
{
    int result = pack_look(path, /*follow=*/true, out);
    remember(p, path, true, result, out);
    return result;
}

static int read_link(const char *path, const char **out_target)
{
    char target[PATH_MAX];
    ssize_t length = readlink(path, target, sizeof(target) - 1);
    if (length < 0)
        return -errno;
    *out_target = keep_string_size(target, (size_t)length);
    return 0;
}

// Looks at the host's `path` and puts it at `guest`; *out_node is what stands there now.
static int put_one(struct pack *p, const char *path, const char *guest, struct node **out_node)
{
    struct node from = {.host = path};
    int result = pack_lstat(p, path, &from.stat);
    if (!result && S_ISLNK(from.stat.st_mode))
        result = read_link(path, &from.target);
    if (!result && S_ISREG(from.stat.st_mode) && access(path, R_OK))
        result = -errno;
    if (result < 0)
        return result;
    *out_node = image_tree_put(p->tree, guest, &from);
    progress_show("looking for files", p->tree->file_count, p->tree->byte_count);
    return *out_node ? 0 : -EEXIST;
}

// The node of a path of the host: known already, or looked up now.
static int step(struct pack *p, const char *path, struct node **out_node)
{
    struct node *n = image_tree_find(p->tree, path);
    if (n && n->host && !strcmp(n->host, path)) {
        *out_node = n;
        return 0;
    }
    return put_one(p, path, path, out_node);
}

static const char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == path ? "/" : keep_string_size(path, (size_t)(slash - path));
}

int pack_host_try(struct pack *p, const char *path, const char **out_path)
{
    const char *done = "/", *rest = keep_absolute(path);
    unsigned links = 0;
    while (*(rest += strspn(rest, "/"))) {
        size_t size = strcspn(rest, "/");
        const char *name = keep_string_size(rest, size);
        rest += size;
        if (!strcmp(name, "..")) {
            done = parent_of(done);
            continue;
        }
        if (!strcmp(name, "."))
            continue;
        struct node *n = NULL;
        const char *next = keep_path(done, name);
        int result = step(p, next, &n);
        if (result < 0)
            return result;
        if (S_ISLNK(n->stat.st_mode)) {
            if (++links > LINKS_MAX)
                return -ELOOP;
            rest = keep_format("%s%s", n->target, rest);
            next = rest[0] == '/' ? "/" : done;
        }
        done = next;
    }
    if (out_path)
        *out_path = done;
    return 0;
}

int pack_host(struct pack *p, const char *path, const char *who, const char **out_path)
{
    int result = pack_host_try(p, path, out_path);
    if (result < 0 && result != -EEXIST)
        complain(-result, "cannot read %s%s%s: %s", path, who ? ", needed by " : "", who ? who : "",
                 strerror(-result));
    return result;
}

static int not_dots(const struct dirent *d)
{
    return strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
}

static int pack_entry(struct pack *p, const char *host, const char *guest, bool elves)
{
    struct node *n = NULL;
    int result = put_one(p, host, guest, &n);
    if (result == -EEXIST)
        return result;
    if (result < 0)
        return complain(-result, "cannot read %s: %s", host, strerror(-result));
    if (S_ISDIR(n->stat.st_mode))
        return pack_folder(p, host, guest, elves);
    if (S_ISREG(n->stat.st_mode) && elves)
        return pack_libraries(p, host, /*must=*/false, NULL);
    return 0;
}

int pack_folder(struct pack *p, const char *host, const char *guest, bool elves)
{
    struct dirent **entries;
    struct node *n = image_tree_follow(p->tree, guest);
    struct stat s;
    if (!pack_stat(p, host, &s) && n) {
        n->stat = s;
        n->implied = false;
    }
    int count = scandir(host, &entries, not_dots, alphasort), result = 0;
    if (count < 0)
        return complain(errno, "cannot read the folder %s: %s", host, strerror(errno));
    for (int i = 0; i < count && result >= 0; i++) {
        char *path = keep_path(host, entries[i]->d_name);
        result = pack_entry(p, path, keep_path(guest, entries[i]->d_name), elves);
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return result;
}
