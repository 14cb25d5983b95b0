// SPDX-License-Identifier: BSD-3-Clause
// A TAP of the host as the guest's network device. [Linux, networking/tuntap.rst]
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "abi/queue.h"
#include "tender/device/network.h"
#include "tender/message.h"

#define BIT(n) (1ull << (n))

// <linux/if_tun.h> since 6.2
#define OFFLOAD_USO4 0x20u
#define OFFLOAD_USO6 0x40u

static int refuse(const char *name, const char *what)
{
    message("network: the TAP %s: %s: %s", name, what, message_error(errno));
    return -1;
}

// The interface must exist: opening one that does not would make it.
static int read_mtu(struct network *n, struct ifreq *request)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int error = fd < 0 || ioctl(fd, SIOCGIFMTU, request);

    n->mtu = (u32)request->ifr_mtu;
    if (fd >= 0)
        close(fd);
    return error;
}

// An interface that was made with several queues can only be opened so, and the other way round.
static int attach(int fd, struct ifreq *request)
{
    request->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
    if (!ioctl(fd, TUNSETIFF, request))
        return 0;
    if (errno != EINVAL)
        return -1;
    request->ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
    return ioctl(fd, TUNSETIFF, request);
}

static void set_offloads(struct network *n)
{
    n->features = BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CSUM) |
                  BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) |
                  BIT(VIRTIO_NET_F_MTU) | BIT(VIRTIO_NET_F_MAC);
    // What the host may hand to the guest; sending needs no permission.
    unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    if (!ioctl(n->fd, TUNSETOFFLOAD,
               tcp | OFFLOAD_USO4 | OFFLOAD_USO6)) // a host that hands UDP segments takes them too
        n->features |=
            BIT(NETWORK_F_HOST_USO) | BIT(NETWORK_F_GUEST_USO4) | BIT(NETWORK_F_GUEST_USO6);
    else if (ioctl(n->fd, TUNSETOFFLOAD, tcp))
        return;
    n->features |=
        BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6);
}

int tap_open(struct network *n, const char *name)
{
    int header = NETWORK_HEADER_SIZE;
    struct ifreq request;

    memset(&request, 0, sizeof(request));
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (read_mtu(n, &request))
        return message("network: there is no interface %s; as root: ip tuntap add %s mode tap "
                       "vnet_hdr user %d",
                       name, name, (int)getuid()),
               -1;
    n->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (n->fd < 0)
        return refuse(name, "can't open /dev/net/tun");
    if (attach(n->fd, &request))
        return refuse(name, errno == EBUSY    ? "in use"
                            : errno == EINVAL ? "it is no TAP"
                                              : "it is another user's");
    if (ioctl(n->fd, TUNSETVNETHDRSZ, &header))
        return refuse(name, "virtio headers");
    set_offloads(n);
    return 0;
}
