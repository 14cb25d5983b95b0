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
#define SHADOW_GROUP 42
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

// Those that every Debian has (package base-files, which is essential, so no package depends on
// it), and in which servers and tools make files.
static const struct {
    const char *path;
    mode_t mode;
} debian_folders[] = {
    {"/run/lock", 01777}, {"/var/cache", 0755}, {"/var/lib", 0755},
    {"/var/log", 0755},   {"/var/spool", 0755},
};

// On today's distributions /bin, /lib and the like are links into /usr, /var/run is one to /run:
// they must be there before anything is put through them.
int pack_etc_first(struct pack *p)
{
    static const char *const links[] = {"/bin", "/lib", "/lib64", "/sbin", "/var/lock", "/var/run"};
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

static struct text with_names(const char *first, const struct text *more)
{
    struct text all = {0};
    text_add(&all, first, strlen(first));
    if (more->bytes)
        add_names(&all, more->bytes);
    return all;
}

// Nobody has a password; PAM's account checks want a line for each user, though. [shadow(5)]
static struct text make_shadow(const struct text *users)
{
    struct text all = {0};
    for (char *save = NULL, *line = strtok_r(keep_string(users->bytes), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        text_format(&all, "%.*s:*:::::::\n", (int)strcspn(line, ":"), line);
    return all;
}

// NULL: after complain(), or it is there already.
static struct node *put_made(struct pack *p, const char *path, mode_t mode, const struct text *text)
{
    if (image_tree_follow(p->tree, path))
        return NULL;
    return image_tree_put_text(p->tree, path, mode, text->bytes, text->size);
}

// A passwd of the user's own wants a shadow of his own.
static void put_users(struct pack *p)
{
    struct text users = with_names(passwd, &p->users), groups = with_names(group, &p->groups);
    struct text shadow = make_shadow(&users);
    (void)put_made(p, "/etc/group", 0644, &groups);
    if (!put_made(p, "/etc/passwd", 0644, &users))
        return;
    struct node *n = put_made(p, "/etc/shadow", 0640, &shadow);
    if (n)
        n->stat.st_gid = SHADOW_GROUP;
}

// With the guest's own name, as Debian's installer writes it: servers ask for its address. One that
// `run --hostname` gives to an image that is there already is another: it goes by DNS.
static void put_hosts(struct pack *p)
{
    const char *name = p->settings->hostname ? p->settings->hostname : "clade";
    struct text all = {0};
    text_format(&all, "%s127.0.1.1\t%s\n", hosts, name);
    (void)put_made(p, "/etc/hosts", 0644, &all);
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
    for (size_t i = 0; i < sizeof(debian_folders) / sizeof(debian_folders[0]); i++)
        if (!image_tree_put_folder(p->tree, debian_folders[i].path, debian_folders[i].mode))
            return -1;
    put_users(p);
    put_hosts(p);
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
