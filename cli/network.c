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
#include "cli/network.h"
#include "cli/network_guests.h"
#include "cli/network_names.h"

#define SIOCBRADDBR 0x89a0 // <linux/sockios.h>
#define SIOCBRDELBR 0x89a1
#define SIOCBRADDIF 0x89a2
#define NAME_SIZE   11 // with ".999" it is an interface's name

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

static int mark(const char *name)
{
    int fd = open(keep_format(NETWORK_FOLDER "/%s/ifalias", name), O_WRONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : write(fd, NETWORK_ALIAS, strlen(NETWORK_ALIAS));
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
    DIR *folder = opendir(keep_format(NETWORK_FOLDER "/%s/brif", name));
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (e->d_name[0] != '.')
            (void)tap_keep(e->d_name, false);
    if (folder)
        closedir(folder);
    network_names_stop(name);
    network_folder_remove(name);
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
    if (!error)
        error = network_folder_make(name);
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
    if (strlen(name) > NAME_SIZE || strpbrk(name, "/. ") || count < 1 || count > GUESTS_MAX) {
        complain(EINVAL, "a network's name has at most %d characters, and it has 1 to %d guests",
                 NAME_SIZE, GUESTS_MAX);
        return EXIT_CLADE;
    }
    int error = create_network(name, address, bits, count);
    if (error)
        return failed("create", name, error);
    if (network_names_start(name, address) < 0) {
        (void)remove_network(name);
        return EXIT_CLADE;
    }
    printf("%s: for %u guests: clade run --net %s --hostname NAME ...\n", name, count, name);
    return 0;
}

static int list(void)
{
    DIR *folder = opendir(NETWORK_FOLDER);
    char guest[GUEST_NAME_SIZE];
    for (struct dirent *e; folder && (e = readdir(folder));) {
        struct ifreq r = named(e->d_name);
        struct sockaddr_in in;
        if (e->d_name[0] == '.' || !network_is_ours(e->d_name))
            continue;
        memset(&in, 0, sizeof(in));
        if (!ioctl(control(), SIOCGIFADDR, &r))
            memcpy(&in, &r.ifr_addr, sizeof(in));
        printf("%-12s %s\n", e->d_name, inet_ntoa(in.sin_addr));
        for (unsigned n = 0; n < GUESTS_MAX; n++)
            if (network_guest(e->d_name, n, guest, &in.sin_addr))
                printf("  %-12s %-15s tap=%s.%u\n", *guest ? guest : "-", inet_ntoa(in.sin_addr),
                       e->d_name, n);
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
    int error = network_is_ours(argv[1]) ? remove_network(argv[1]) : -ENODEV;
    return error ? failed("remove", argv[1], error) : 0;
}

const struct command command_network = {
    .name = "network",
    .arguments = "create NAME ADDRESS/BITS [COUNT] | rm NAME | ls",
    .summary = "make networks for several unikernels (needs root)",
    .text =
        "A network is a bridge NAME that the host has ADDRESS on, with room for COUNT guests (4),\n"
        "which belong to whoever called sudo:\n"
        "\n"
        "  sudo clade network create lab 10.77.0.1/24\n"
        "  clade run --net lab --hostname web nginx.clade\n"
        "  clade run --net lab --deb curl curl http://web/\n"
        "\n"
        "Each guest has the next address behind the host's, unless --ip says another. Guests find\n"
        "each other by --hostname, also those that start later: a name server at ADDRESS answers\n"
        "for those that run. `ls` lists networks and their guests, `rm` removes a network. It "
        "lasts\n"
        "until the host restarts. A user who has no root needs none of this: see --publish of\n"
        "`clade run`.",
    .run = network_run,
};
