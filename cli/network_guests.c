// SPDX-License-Identifier: BSD-3-Clause
#include "cli/network_guests.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/network.h"
#include "cli/text.h"

#define RUN_FOLDER "/run/clade"

void network_path(char out[NETWORK_PATH_SIZE], const char *network, const char *file)
{
    struct stat s = {0};
    (void)stat("/proc/self/ns/net", &s);
    snprintf(out, NETWORK_PATH_SIZE, RUN_FOLDER "/%llu.%s/%s", (unsigned long long)s.st_ino,
             network, file);
}

static void guest_path(char out[NETWORK_PATH_SIZE], const char *network, unsigned n)
{
    char number[16];
    snprintf(number, sizeof(number), "%u", n);
    network_path(out, network, number);
}

int network_folder_make(const char *network)
{
    const char *user = getenv("SUDO_UID");
    char folder[NETWORK_PATH_SIZE];
    network_path(folder, network, "");
    if ((mkdir(RUN_FOLDER, 0755) && errno != EEXIST) || (mkdir(folder, 0755) && errno != EEXIST))
        return -errno;
    return user && chown(folder, (uid_t)strtoul(user, NULL, 10), (gid_t)-1) ? -errno : 0;
}

void network_folder_remove(const char *network)
{
    char folder[NETWORK_PATH_SIZE];
    network_path(folder, network, "");
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    (void)rmdir(folder);
}

bool network_is_ours(const char *name)
{
    char text[32] = "", path[sizeof(NETWORK_FOLDER) + IFNAMSIZ + 16];
    snprintf(path, sizeof(path), NETWORK_FOLDER "/%.15s/ifalias", name);
    int fd = strchr(name, '/') ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    return size > 0 && !strncmp(text, NETWORK_ALIAS, strlen(NETWORK_ALIAS));
}

int network_address(const char *network, struct in_addr *out, unsigned *out_bits)
{
    struct ifreq r;
    struct sockaddr_in in;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;
    memset(&r, 0, sizeof(r));
    memcpy(r.ifr_name, network, strnlen(network, IFNAMSIZ - 1));
    if (fd < 0 || ioctl(fd, SIOCGIFADDR, &r))
        error = -errno;
    memcpy(&in, &r.ifr_addr, sizeof(in));
    *out = in.sin_addr;
    if (!error && ioctl(fd, SIOCGIFNETMASK, &r))
        error = -errno;
    memcpy(&in, &r.ifr_addr, sizeof(in));
    *out_bits = (unsigned)__builtin_popcount(in.sin_addr.s_addr);
    if (fd >= 0)
        close(fd);
    return error;
}

static struct in_addr address_of(struct in_addr bridge, unsigned n)
{
    return (struct in_addr){htonl(ntohl(bridge.s_addr) + 1 + n)};
}

bool network_guest(const char *network, unsigned n, char name[GUEST_NAME_SIZE], struct in_addr *out)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    char path[NETWORK_PATH_SIZE];
    struct in_addr bridge;
    unsigned bits;
    guest_path(path, network, n);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = fcntl(fd, F_OFD_GETLK, &lock) || lock.l_type == F_UNLCK
                       ? -1
                       : read(fd, name, GUEST_NAME_SIZE - 1);
    close(fd);
    if (size < 0 || network_address(network, &bridge, &bits))
        return false;
    name[size] = 0;
    *out = address_of(bridge, n);
    return true;
}

// The file of guest N, locked and ours; or -errno: -EAGAIN: it runs.
static int take_place(const char *network, unsigned n)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[NETWORK_PATH_SIZE];
    guest_path(path, network, n);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    if (!fcntl(fd, F_OFD_SETLK, &lock) && !ftruncate(fd, 0))
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

static void fill_in(struct tender_network *n, struct in_addr bridge, unsigned bits, unsigned place)
{
    static const uint8_t nothing[4], mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct boot_network *a = &n->addresses;
    struct in_addr mine = address_of(bridge, place);
    if (!a->prefix4) {
        memcpy(a->address4, &mine, 4);
        a->prefix4 = (uint8_t)bits;
    }
    if (!memcmp(a->gateway4, nothing, 4))
        memcpy(a->gateway4, &bridge, 4);
    if (a->dns_count == sizeof(a->dns) / sizeof(a->dns[0]))
        a->dns_count--;
    memmove(a->dns[1], a->dns[0], a->dns_count++ * sizeof(a->dns[0]));
    memcpy(a->dns[0], mapped, 12);
    memcpy(a->dns[0] + 12, &bridge, 4);
}

int network_join(const char *network, const char *guest_name, struct tender_network *n)
{
    struct in_addr bridge;
    unsigned bits, place = 0;
    int fd = -ENOENT, error = network_address(network, &bridge, &bits);
    if (error)
        return complain(-error, "the network %s has no address: %s", network, strerror(-error));
    for (; place < GUESTS_MAX; place++) {
        const char *tap = keep_format("%s.%u", network, place);
        if (!if_nametoindex(tap))
            break;
        n->tap = tap;
        fd = take_place(network, place);
        if (fd != -EAGAIN && fd != -EACCES)
            break;
        if (fd == -EACCES && geteuid())
            return complain(EACCES, "the network %s belongs to another user", network);
    }
    if (!n->tap || fd < 0)
        return complain(EBUSY, "the network %s has no room for another guest (%u are running)",
                        network, place);
    if (guest_name && write(fd, guest_name, strlen(guest_name)) < 0)
        return complain(errno, "cannot note the guest's name: %s", strerror(errno));
    fill_in(n, bridge, bits, place);
    return 0; // fd stays open, and with it the lock
}
