// SPDX-License-Identifier: BSD-3-Clause
// DNS as far as guests need it [RFC 1035]: one question a datagram, addresses of version 4. What
// it does not know it refuses, so that the asker goes on to his next server; names without a dot
// that nobody has do not exist.
#include "cli/network_names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/network_guests.h"

#define NAME_PORT   53
#define HEADER      12u
#define MESSAGE_MAX 512u
#define ANSWER      16u
#define TTL         2 // guests come and go
#define TYPE_A      1
#define CLASS_IN    1
#define NO_SUCH     3
#define REFUSED     5
#define FORMAT      1
#define LOOK_MS     5000 // how often to see whether the bridge is still there
#define NOBODY      65534

static unsigned get16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static void put16(unsigned char *p, unsigned value)
{
    p[0] = (unsigned char)(value >> 8);
    p[1] = (unsigned char)value;
}

// The question's name in lower case, with dots. Where it ends, or 0: malformed.
static size_t read_name(const unsigned char *message, size_t size, char name[256])
{
    size_t at = HEADER, to = 0;
    while (at < size && message[at]) {
        size_t label = message[at++];
        if (label > 63 || at + label > size || to + label + 1 > 255)
            return 0;
        if (to)
            name[to++] = '.';
        for (; label; label--)
            name[to++] = (char)tolower(message[at++]);
    }
    name[to] = 0;
    return at < size ? at + 1 : 0;
}

static size_t add_answer(unsigned char *to, struct in_addr address)
{
    put16(to, 0xc000 | HEADER); // the name of the question
    put16(to + 2, TYPE_A);
    put16(to + 4, CLASS_IN);
    put16(to + 6, 0);
    put16(to + 8, TTL);
    put16(to + 10, sizeof(address));
    memcpy(to + 12, &address, sizeof(address));
    return ANSWER;
}

// Turns a question into its answer, in place. Returns its size; 0: none.
static size_t answer(const char *network, unsigned char message[MESSAGE_MAX], size_t size)
{
    char name[256], guest[GUEST_NAME_SIZE], suffix[IFNAMSIZ + 2];
    unsigned code = 0, known = 0, answers = 0;
    struct in_addr address;
    if (size < HEADER || message[2] & 0xf8) // an answer, or no query
        return 0;
    size_t end = get16(message + 4) == 1 ? read_name(message, size, name) : 0;
    if (!end || end + 4 > size) {
        end = HEADER - 4;
        code = FORMAT;
    } else {
        bool wanted = get16(message + end) == TYPE_A;
        size_t tail = (size_t)snprintf(suffix, sizeof(suffix), ".%s", network);
        if (strlen(name) > tail && !strcmp(name + strlen(name) - tail, suffix))
            name[strlen(name) - tail] = 0;
        for (unsigned n = 0; n < GUESTS_MAX && *name; n++) {
            if (!network_guest(network, n, guest, &address) || strcasecmp(guest, name))
                continue;
            known++;
            if (wanted && end + 4 + (answers + 1) * ANSWER <= MESSAGE_MAX)
                add_answer(message + end + 4 + answers++ * ANSWER, address);
        }
        code = known ? 0 : strchr(name, '.') ? REFUSED : NO_SUCH;
    }
    message[2] = (unsigned char)(0x84 | (message[2] & 1)); // an answer, authoritative
    message[3] = (unsigned char)code;
    put16(message + 4, code != FORMAT);
    put16(message + 6, answers);
    put16(message + 8, 0);
    put16(message + 10, 0);
    return end + 4 + answers * ANSWER;
}

static __attribute__((noreturn)) void serve(const char *network, int fd)
{
    unsigned char message[MESSAGE_MAX];
    for (;;) {
        struct pollfd p = {fd, POLLIN, 0};
        struct sockaddr_in from;
        socklen_t from_size = sizeof(from);
        if (poll(&p, 1, LOOK_MS) <= 0) {
            if (!network_is_ours(network)) // removed by other means
                _exit(0);
            continue;
        }
        ssize_t size =
            recvfrom(fd, message, sizeof(message), 0, (struct sockaddr *)&from, &from_size);
        size_t back = size > 0 ? answer(network, message, (size_t)size) : 0;
        if (back)
            (void)sendto(fd, message, back, 0, (struct sockaddr *)&from, from_size);
    }
}

// Leaves terminal, folder and rights of the caller.
static void detach(const char *network, int fd)
{
    const char *user = getenv("SUDO_UID"), *group = getenv("SUDO_GID");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[NETWORK_PATH_SIZE];
    network_path(path, network, "names");
    int note = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    int null = open("/dev/null", O_RDWR);
    if (note < 0 || null < 0 || fcntl(note, F_OFD_SETLK, &lock) ||
        dprintf(note, "%d\n", (int)getpid()) < 0 || setsid() < 0 || chdir("/"))
        _exit(1);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    for (int i = 3; i < 256; i++)
        if (i != fd && i != note)
            close(i);
    if (setgroups(0, NULL) || setgid(group ? (gid_t)strtoul(group, NULL, 10) : NOBODY) ||
        setuid(user ? (uid_t)strtoul(user, NULL, 10) : NOBODY))
        _exit(1);
}

int network_names_start(const char *network, struct in_addr address)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(NAME_PORT), .sin_addr = address};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
        return complain(errno, "cannot serve names at %s: %s", inet_ntoa(address), strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        return complain(errno, "cannot serve names: %s", strerror(errno));
    if (!pid) {
        detach(network, fd);
        serve(network, fd);
    }
    close(fd);
    return 0;
}

void network_names_stop(const char *network)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    char text[16] = "";
    char path[NETWORK_PATH_SIZE];
    network_path(path, network, "names");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (!fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK &&
        read(fd, text, sizeof(text) - 1) > 0 && atoi(text) > 1)
        kill(atoi(text), SIGTERM);
    close(fd);
}
