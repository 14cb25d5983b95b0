// SPDX-License-Identifier: BSD-3-Clause
// What every image has besides the program: folders for the kernel to mount on, and the few files
// of /etc that libc reads. User names and host names of the host's own files are nobody's business
// who gets the image, so those files are made here; only what is the same everywhere comes from the
// host.
#include <string.h>
#include <sys/stat.h>

#include "cli/pack.h"

// The users and groups that every Debian has (package base-passwd): servers ask for some of them.
static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
                             "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
                             "bin:x:2:2:bin:/bin:/usr/sbin/nologin\n"
                             "sys:x:3:3:sys:/dev:/usr/sbin/nologin\n"
                             "mail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n"
                             "proxy:x:13:13:proxy:/bin:/usr/sbin/nologin\n"
                             "www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n"
                             "backup:x:34:34:backup:/var/backups:/usr/sbin/nologin\n"
                             "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
static const char group[] = "root:x:0:\n"
                            "daemon:x:1:\n"
                            "bin:x:2:\n"
                            "sys:x:3:\n"
                            "adm:x:4:\n"
                            "tty:x:5:\n"
                            "disk:x:6:\n"
                            "mail:x:8:\n"
                            "proxy:x:13:\n"
                            "www-data:x:33:\n"
                            "backup:x:34:\n"
                            "shadow:x:42:\n"
                            "utmp:x:43:\n"
                            "staff:x:50:\n"
                            "users:x:100:\n"
                            "nogroup:x:65534:\n";
static const char hosts[] = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
static const char nsswitch[] = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
                               "networks: files\nprotocols: files\nservices: files\n";

static const struct {
    const char *path, *text;
} made[] = {
    {"/etc/hosts", hosts},
    {"/etc/nsswitch.conf", nsswitch},
    {"/etc/host.conf", "multi on\n"},
};

static const struct {
    const char *path;
    mode_t mode;
} folders[] = {
    {"/dev", 0755}, {"/etc", 0755},  {"/proc", 0555}, {"/root", 0700},     {"/run", 0755},
    {"/sys", 0555}, {"/tmp", 01777}, {"/usr", 0755},  {"/var/tmp", 01777},
};

// On today's distributions /bin, /lib and the like are links into /usr: they must be there before
// anything is put through them.
int pack_etc_first(struct pack *p)
{
    static const char *const links[] = {"/bin", "/lib", "/lib64", "/sbin"};
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
        struct stat s;
        if (!lstat(links[i], &s) && S_ISLNK(s.st_mode))
            (void)pack_host_try(p, links[i], NULL);
    }
    return 0;
}

// Adds the lines of `more` whose names the text has not.
static void add_names(struct text *to, const char *more)
{
    char *lines = keep_string(more);
    for (char *save = NULL, *line = strtok_r(lines, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        const char *name = keep_format("\n%.*s", (int)strcspn(line, ":") + 1, line);
        if (!strstr(to->bytes, name))
            text_format(to, "%s\n", line);
    }
}

static bool put_names(struct pack *p, const char *path, const char *first, const struct text *more)
{
    struct text all = {0};
    if (image_tree_follow(p->tree, path))
        return true;
    text_add(&all, first, strlen(first));
    if (more->bytes)
        add_names(&all, more->bytes);
    return image_tree_put_text(p->tree, path, 0644, all.bytes, all.size);
}

// A small file of the host, if it is there.
static void take(struct pack *p, const char *path)
{
    if (!image_tree_follow(p->tree, path))
        (void)pack_host_try(p, path, NULL);
}

// The data of a library, as the tables of the C library's: what the usual terminals can do.
static void take_terminals(struct pack *p)
{
    static const char *const names[] = {"a/ansi",         "d/dumb",          "l/linux",
                                        "r/rxvt-unicode", "s/screen",        "s/screen-256color",
                                        "t/tmux",         "t/tmux-256color", "v/vt100",
                                        "x/xterm",        "x/xterm-256color"};
    struct node *n = p->tree->root;
    while (n && strncmp(n->name, "libtinfo.so.", 12) != 0)
        n = image_tree_next(n);
    for (size_t i = 0; n && i < sizeof(names) / sizeof(names[0]); i++)
        take(p, keep_format("/lib/terminfo/%s", names[i]));
}

int pack_etc_last(struct pack *p)
{
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (!image_tree_put_folder(p->tree, folders[i].path, folders[i].mode))
            return -1;
    if (p->settings->root)
        return 0;
    if (!put_names(p, "/etc/passwd", passwd, &p->users) ||
        !put_names(p, "/etc/group", group, &p->groups))
        return -1;
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        if (!image_tree_follow(p->tree, made[i].path) &&
            !image_tree_put_text(p->tree, made[i].path, 0644, made[i].text, strlen(made[i].text)))
            return -1;
    take(p, "/etc/protocols");
    take(p, "/etc/services");
    take(p, "/etc/localtime");
    if (!p->is_static)
        take(p, "/etc/ld.so.cache");
    take_terminals(p);
    return 0;
}
