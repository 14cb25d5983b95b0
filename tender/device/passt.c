// SPDX-License-Identifier: BSD-3-Clause
// The network for users without rights: passt(1) turns the guest's packets into sockets of the
// host.
//
// A socket pair is made at each start; passt, which takes 20 ms, is started only when the guest
// makes its first Internet socket, and finds what was sent until then in the socket. If ports are
// published it is started, and waited for, before the guest: whoever reads that the guest is ready
// can connect. It ends when the last member has: nobody holds the other end any more.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tender/device/network.h"
#include "tender/message.h"

#define PASST_MTU     32000 // see stream_send in network_gate.h
#define SOCKET_BUFFER (16 << 20)
#define PASST_FD      3
#define ARGUMENTS_MAX 96
#define TEXTS_SIZE    4096
#define READY_MS      10000
#define NOISE         "Failed to send " // a host without a syslog: passt(1) says so for each line

extern char **environ;

struct arguments {
    const char *list[ARGUMENTS_MAX];
    u32 count;
    char texts[TEXTS_SIZE];
    u32 size;
};

int passt_open(struct network *n)
{
    int pair[2];

    n->mtu = PASST_MTU;
    n->features = 1ull << VIRTIO_NET_F_MRG_RXBUF | 1ull << VIRTIO_NET_F_GUEST_CSUM |
                  1ull << VIRTIO_NET_F_MTU | 1ull << VIRTIO_NET_F_MAC;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ||
        fcntl(pair[0], F_SETFL, O_NONBLOCK)) {
        message("network: can't make a socket pair: %s", message_error(errno));
        return -1;
    }
    // What does not fit passt drops, and it takes two seconds to send it again. Linux gives what it
    // can.
    for (int i = 0; i < 2; i++)
        (void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &(int){SOCKET_BUFFER}, sizeof(int));
    n->fd = pair[0];
    n->peer_fd = pair[1];
    return 0;
}

static void add(struct arguments *a, const char *name, const char *value)
{
    size_t size = strlen(value) + 1;

    if (a->count + 3 > ARGUMENTS_MAX || a->size + size > TEXTS_SIZE)
        return;
    a->list[a->count++] = name;
    a->list[a->count++] = memcpy(a->texts + a->size, value, size);
    a->size += (u32)size;
}

static void add_address(struct arguments *a, const char *name, const u8 *address)
{
    char text[INET_ADDRSTRLEN];

    if (inet_ntop(AF_INET, address, text, sizeof(text)))
        add(a, name, text);
}

static void add_ports(struct arguments *a, const struct tender_network *config)
{
    for (u32 i = 0; i < config->port_count; i++) {
        const struct tender_port *port = &config->ports[i];
        char text[96];
        const char *address = port->address ? port->address : "", *slash = *address ? "/" : "";
        u32 more = port->count - 1u;
        if (more)
            snprintf(text, sizeof(text), "%s%s%u-%u:%u-%u", address, slash, port->host,
                     port->host + more, port->guest, port->guest + more);
        else
            snprintf(text, sizeof(text), "%s%s%u:%u", address, slash, port->host, port->guest);
        add(a, port->udp ? "-u" : "-t", text);
    }
}

static void make_arguments(struct arguments *a, const struct tender_network *config)
{
    const struct boot_network *addresses = &config->addresses;
    char text[16];

    a->list[a->count++] = "passt";
    a->list[a->count++] = "-f";
    a->list[a->count++] = "-q";
    snprintf(text, sizeof(text), "%d", PASST_FD);
    add(a, "--fd", text);
    snprintf(text, sizeof(text), "%d", PASST_MTU);
    add(a, "-m", text);
    if (addresses->prefix4) {
        add_address(a, "-a", addresses->address4);
        snprintf(text, sizeof(text), "%u", addresses->prefix4);
        add(a, "-n", text);
        add_address(a, "-g", addresses->gateway4);
    }
    if (config->dns_forward)
        add_address(a, "--dns-forward", addresses->dns[0] + 12);
    add_ports(a, config);
}

static int spawn(struct network *n, int said, char *const *arguments)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int error;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, 0, 1);
    posix_spawn_file_actions_adddup2(&actions, said, 2);
    posix_spawn_file_actions_adddup2(&actions, n->peer_fd, PASST_FD);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    error = posix_spawnp(&n->pid, "passt", &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int passt_start(struct network *n)
{
    static struct arguments arguments;
    int said[2], error;

    if (pipe2(said, O_CLOEXEC | O_NONBLOCK)) {
        message("network: can't make a pipe: %s", message_error(errno));
        return -1;
    }
    make_arguments(&arguments, n->config);
    // Its descriptors 0 to 3 are made from others: none of those may be one of them.
    for (int i = 0; i < 2; i++)
        if (said[i] <= PASST_FD)
            said[i] = fcntl(said[i], F_DUPFD_CLOEXEC, PASST_FD + 1);
    if (n->peer_fd <= PASST_FD)
        n->peer_fd = fcntl(n->peer_fd, F_DUPFD_CLOEXEC, PASST_FD + 1);
    error = spawn(n, said[1], (char *const *)(u64)arguments.list);
    close(said[1]);
    close(n->peer_fd);
    n->peer_fd = -1;
    n->said_fd = said[0];
    if (!error)
        return 0;
    n->pid = 0;
    message(error == ENOENT ? "network: passt is not installed (Debian package: passt)"
                            : "network: can't start passt: %s",
            message_error(error));
    return -1;
}

static void listen_to(struct network *n)
{
    for (;;) {
        ssize_t size;
        if (n->said_size > NETWORK_SAID_MAX / 2) { // the end of it is what counts
            n->said_size -= NETWORK_SAID_MAX / 4;
            memmove(n->said, n->said + NETWORK_SAID_MAX / 4, n->said_size);
        }
        size = read(n->said_fd, n->said + n->said_size, NETWORK_SAID_MAX - 1 - n->said_size);
        if (size <= 0) {
            if (!size) { // it has closed it: do not look again and again
                close(n->said_fd);
                n->said_fd = -1;
            }
            break;
        }
        n->said_size += (u32)size;
    }
    n->said[n->said_size] = 0;
}

// The last line that says something.
static const char *last_words(struct network *n)
{
    const char *last = "no reason given";
    char *save = NULL;

    for (char *line = strtok_r(n->said, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        if (strncmp(line, NOISE, strlen(NOISE)))
            last = line;
    return last;
}

int passt_look(struct network *n)
{
    int status;

    if (!n->pid)
        return 0;
    listen_to(n);
    if (waitpid(n->pid, &status, WNOHANG) != n->pid)
        return 0;
    n->pid = 0;
    listen_to(n);
    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return 0; // the guest has ended
    message("network: passt has ended: %s", last_words(n));
    return -1;
}

void passt_end(struct network *n)
{
    int status;

    if (!n->pid || kill(n->pid, SIGTERM))
        return;
    waitpid(n->pid, &status, 0);
    n->pid = 0;
}

// Asks for the gateway's link address, in the guest's name.
static void ask(const struct network *n)
{
    struct __attribute__((packed)) {
        u32 size;
        struct ethhdr ethernet;
        u16 link, protocol;
        u8 link_size, protocol_size;
        u16 operation;
        u8 from_mac[6], from[4], to_mac[6], to[4];
    } frame = {
        .size = htonl(sizeof(frame) - sizeof(u32)),
        .ethernet = {.h_proto = htons(ETH_P_ARP)},
        .link = htons(ARPHRD_ETHER),
        .protocol = htons(ETH_P_IP),
        .link_size = 6,
        .protocol_size = 4,
        .operation = htons(ARPOP_REQUEST),
    };

    memset(frame.ethernet.h_dest, 0xff, 6);
    memcpy(frame.ethernet.h_source, n->mac, 6);
    memcpy(frame.from_mac, n->mac, 6);
    memcpy(frame.from, n->config->addresses.address4, 4);
    memcpy(frame.to, n->config->addresses.gateway4, 4);
    (void)send(n->fd, &frame, sizeof(frame), MSG_NOSIGNAL); // if it has gone, poll says so
}

int passt_await(struct network *n)
{
    struct pollfd answer = {n->fd, POLLIN, 0};
    int status;

    // Whatever it sends shows that its ports are open; the guest will read it.
    ask(n);
    if (poll(&answer, 1, READY_MS) <= 0 || !(answer.revents & POLLHUP))
        return 0;
    listen_to(n);
    waitpid(n->pid, &status, 0);
    n->pid = 0;
    message("network: passt can't start: %s", last_words(n));
    return -1;
}
