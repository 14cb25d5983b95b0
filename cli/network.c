// SPDX-License-Identifier: BSD-3-Clause
// clade network create NAME ADDRESS/BITS [COUNT] | rm NAME | ls
//
// A network is a bridge NAME with an address of the host, and TAPs NAME.0, NAME.1, ... on it, one
// for each guest. The kernel keeps all of it: the bridge's alias says that it is ours, no file
// does.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/complain.h"

#define SIOCBRADDBR 0x89a0 // <linux/sockios.h>
#define SIOCBRDELBR 0x89a1
#define SIOCBRADDIF 0x89a2
#define ALIAS       "clade network"
#define NAME_SIZE   11 // with ".999" it is an interface's name
#define COUNT_MAX   256
#define NET_FOLDER  "/sys/class/net"

static int control(void)
{
    static int fd = -1;
    if (fd < 0)
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd;
}

static struct ifreq named(const char *name)
{
    struct ifreq r;
    memset(&r, 0, sizeof(r));
    memcpy(r.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
    return r;
}

static int set_up(const char *name, bool up)
{
    struct ifreq r = named(name);
    if (ioctl(control(), SIOCGIFFLAGS, &r))
        return -errno;
    r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP);
    return ioctl(control(), SIOCSIFFLAGS, &r) ? -errno : 0;
}

static bool is_ours(const char *name)
{
    char *path = keep_format(NET_FOLDER "/%s/ifalias", name), text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    return size > 0 && !strncmp(text, ALIAS, strlen(ALIAS));
}

static int mark(const char *name)
{
    int fd = open(keep_format(NET_FOLDER "/%s/ifalias", name), O_WRONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : write(fd, ALIAS, strlen(ALIAS));
    int error = size < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return error;
}

// Makes a TAP that stays, for whoever called sudo; or removes it.
static int tap_keep(const char *name, bool keep)
{
    const char *user = getenv("SUDO_UID");
    struct ifreq r = named(name);
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), error = 0;
    r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r) ||
        (keep && user && ioctl(fd, TUNSETOWNER, strtoul(user, NULL, 10))) ||
        ioctl(fd, TUNSETPERSIST, (unsigned long)keep))
        error = -errno;
    if (fd >= 0)
        close(fd);
    return error;
}

static int add_tap(const char *bridge, unsigned number)
{
    const char *name = keep_format("%s.%u", bridge, number);
    struct ifreq r = named(bridge);
    int error = tap_keep(name, true);
    if (error)
        return error;
    r.ifr_ifindex = (int)if_nametoindex(name);
    return ioctl(control(), SIOCBRADDIF, &r) ? -errno : set_up(name, true);
}

static int set_address(const char *name, struct in_addr address, unsigned bits)
{
    struct ifreq r = named(name);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = address};
    memcpy(&r.ifr_addr, &in, sizeof(in));
    if (ioctl(control(), SIOCSIFADDR, &r))
        return -errno;
    in.sin_addr.s_addr = htonl(~0u << (32 - bits));
    memcpy(&r.ifr_netmask, &in, sizeof(in));
    return ioctl(control(), SIOCSIFNETMASK, &r) ? -errno : 0;
}

static int remove_network(const char *name)
{
    DIR *folder = opendir(keep_format(NET_FOLDER "/%s/brif", name));
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (e->d_name[0] != '.')
            (void)tap_keep(e->d_name, false);
    if (folder)
        closedir(folder);
    (void)set_up(name, false);
    return ioctl(control(), SIOCBRDELBR, name) ? -errno : 0;
}

static int create_network(const char *name, struct in_addr address, unsigned bits, unsigned count)
{
    int error = ioctl(control(), SIOCBRADDBR, name) ? -errno : 0;
    if (error)
        return error;
    error = mark(name);
    for (unsigned i = 0; i < count && !error; i++)
        error = add_tap(name, i);
    if (!error)
        error = set_address(name, address, bits);
    if (!error)
        error = set_up(name, true);
    if (error)
        (void)remove_network(name);
    return error;
}

static int failed(const char *what, const char *name, int error)
{
    complain(-error, "cannot %s the network %s: %s%s", what, name, strerror(-error),
             error == -EPERM ? " (this needs root)" : "");
    return EXIT_CLADE;
}

static int create(const char *name, const char *prefix, const char *count_text)
{
    struct in_addr address;
    char *text = keep_string(prefix), *slash = strchr(text, '/');
    unsigned bits = slash ? (unsigned)atoi(slash + 1) : 0;
    unsigned count = count_text ? (unsigned)atoi(count_text) : 4;
    if (slash)
        *slash = 0;
    if (bits < 1 || bits > 30 || inet_pton(AF_INET, text, &address) != 1) {
        complain(EINVAL, "%s: not an address such as 10.77.0.1/24", prefix);
        return EXIT_CLADE;
    }
    if (strlen(name) > NAME_SIZE || strpbrk(name, "/. ") || count < 1 || count > COUNT_MAX) {
        complain(EINVAL, "a network's name has at most %d characters, and it has 1 to %d guests",
                 NAME_SIZE, COUNT_MAX);
        return EXIT_CLADE;
    }
    int error = create_network(name, address, bits, count);
    if (error)
        return failed("create", name, error);
    printf("%s: --net tap=%s.0 to %s.%u\n", name, name, name, count - 1);
    return 0;
}

static int list(void)
{
    DIR *folder = opendir(NET_FOLDER);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        struct ifreq r = named(e->d_name);
        struct sockaddr_in in;
        if (e->d_name[0] == '.' || !is_ours(e->d_name))
            continue;
        memset(&in, 0, sizeof(in));
        if (!ioctl(control(), SIOCGIFADDR, &r))
            memcpy(&in, &r.ifr_addr, sizeof(in));
        printf("%-12s %s\n", e->d_name, inet_ntoa(in.sin_addr));
    }
    if (folder)
        closedir(folder);
    return 0;
}

static int network_run(struct settings *settings, int argc, char **argv)
{
    (void)settings;
    if (argc == 1 && !strcmp(argv[0], "ls"))
        return list();
    if ((argc == 3 || argc == 4) && !strcmp(argv[0], "create"))
        return create(argv[1], argv[2], argc == 4 ? argv[3] : NULL);
    if (argc != 2 || strcmp(argv[0], "rm"))
        return command_misused(&command_network);
    int error = is_ours(argv[1]) ? remove_network(argv[1]) : -ENODEV;
    return error ? failed("remove", argv[1], error) : 0;
}

const struct command command_network = {
    .name = "network",
    .arguments = "create NAME ADDRESS/BITS [COUNT] | rm NAME | ls",
    .summary = "make networks for several unikernels (needs root)",
    .text =
        "A network is a bridge NAME that the host has ADDRESS on, and COUNT TAPs (4) for guests,\n"
        "which belong to whoever called sudo:\n"
        "\n"
        "  sudo clade network create lab 10.77.0.1/24\n"
        "  clade run --net tap=lab.0 --ip 10.77.0.2/24 --gateway 10.77.0.1 ...\n"
        "\n"
        "`ls` lists networks, `rm` removes one with its TAPs. It lasts until the host restarts.\n"
        "A user who has no root needs none of this: see --publish of `clade run`.",
    .run = network_run,
};
