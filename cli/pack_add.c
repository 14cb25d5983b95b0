// SPDX-License-Identifier: BSD-3-Clause
// --add: files and folders that the user names; --root: a folder that is the whole tree.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/pack.h"

// In a folder sockets are left out without a word.
static int refuse_socket(const char *host)
{
    return complain(EINVAL, "--add %s: a socket is nothing without the process behind it", host);
}

// At its own place: with all links on the way, as for a program.
static int add_in_place(struct pack *p, const char *host)
{
    const char *real;
    int result = pack_host(p, host, NULL, &real);
    if (result < 0)
        return result;
    struct node *n = image_tree_find(p->tree, real);
    if (n && S_ISDIR(n->stat.st_mode))
        return pack_folder(p, real, real, /*elves=*/true);
    if (n && S_ISSOCK(n->stat.st_mode))
        return refuse_socket(host);
    return pack_libraries(p, real, /*must=*/true, NULL);
}

// At a place of the user's: what the links lead to.
static int add_elsewhere(struct pack *p, const char *host, const char *guest)
{
    struct node from = {.host = host};
    int result = pack_stat(p, host, &from.stat);
    if (!result && access(host, R_OK))
        result = -errno;
    if (result < 0)
        return complain(-result, "cannot read %s: %s", host, strerror(-result));
    if (S_ISSOCK(from.stat.st_mode))
        return refuse_socket(host);
    if (!image_tree_put(p->tree, guest, &from))
        return -EEXIST;
    if (S_ISDIR(from.stat.st_mode))
        return pack_folder(p, host, guest, /*elves=*/true);
    return pack_libraries(p, host, /*must=*/true, NULL);
}

int pack_add(struct pack *p, const char *what)
{
    const char *colon = strrchr(what, ':');
    // A file whose name has a colon in it is meant as it is.
    if (!colon || !access(what, F_OK)) {
        if (!*what)
            return complain(EINVAL, "--add needs the path of a file or folder");
        return add_in_place(p, keep_absolute(what));
    }
    const char *host = keep_string_size(what, (size_t)(colon - what)), *guest = colon + 1;
    if (!*host || *guest != '/')
        return complain(EINVAL, "--add %s: not HOSTPATH:GUESTPATH, where GUESTPATH begins with /",
                        what);
    if (!strncmp(guest, "/.clade", 7) && (!guest[7] || guest[7] == '/'))
        return complain(EINVAL, "--add %s: /.clade is clade's own", what);
    return add_elsewhere(p, keep_absolute(host), keep_absolute(guest));
}

// The program is looked for in the tree, where the guest will find it.
static int find_in_tree(struct pack *p, const char *root, const char *name)
{
    static const char *const folders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                          "/usr/bin",        "/sbin",          "/bin"};
    if (name[0] == '/') {
        p->program = keep_absolute(name);
    } else if (!strchr(name, '/')) {
        for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && !p->program; i++) {
            const char *path = keep_path(folders[i], name);
            if (image_tree_follow(p->tree, path))
                p->program = path;
        }
    } else {
        return complain(EINVAL, "%s: with --root the program is a name or an absolute path", name);
    }
    struct node *n = p->program ? image_tree_follow(p->tree, p->program) : NULL;
    if (!n)
        return complain(ENOENT, "%s: no such program in %s", name, root);
    if (!S_ISREG(n->stat.st_mode) || !(n->stat.st_mode & 0111))
        return complain(EACCES, "%s: not an executable file in %s", name, root);
    return 0;
}

int pack_root(struct pack *p, const char *root, const char *name)
{
    struct stat s;
    const char *host = keep_absolute(root);
    int result = pack_stat(p, host, &s);
    if (result < 0)
        return complain(EIO, "cannot read %s: %s", root, strerror(-result));
    if (!S_ISDIR(s.st_mode))
        return complain(ENOTDIR, "--root %s: not a folder", root);
    if (!strcmp(host, "/"))
        return complain(EINVAL, "--root /: this would pack the whole host, with /proc and /sys");
    result = pack_folder(p, host, "/", /*elves=*/false);
    return result < 0 ? result : find_in_tree(p, host, name);
}
