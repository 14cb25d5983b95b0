// SPDX-License-Identifier: BSD-3-Clause
// AF_UNIX sockets beyond pairs: addresses, connections, datagrams, control data, options.
#include "harness.h"

#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <netinet/in.h>

static socklen_t path_address(struct sockaddr_un *a, const char *path)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path, path);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static socklen_t abstract_address(struct sockaddr_un *a, const char *name)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    strcpy(a->sun_path + 1, name);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

static int listener(const char *path)
{
    struct sockaddr_un a;
    socklen_t size = path_address(&a, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    EXPECT_OK(bind(fd, (struct sockaddr *)&a, size));
    EXPECT_OK(listen(fd, 4));
    return fd;
}

static int connect_to(const char *path, int type)
{
    struct sockaddr_un a;
    socklen_t size = path_address(&a, path);
    int fd = socket(AF_UNIX, type, 0);

    EXPECT_OK(connect(fd, (struct sockaddr *)&a, size));
    return fd;
}

CASE(socket_arguments)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    REQUIRE_OK(fd);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK);
    close(fd);
    EXPECT_ERROR(socket(AF_UNIX, SOCK_STREAM, 77), EPROTONOSUPPORT);
    EXPECT_ERROR(socket(AF_UNIX, 9, 0), ESOCKTNOSUPPORT);
    EXPECT_ERROR(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
    EXPECT_ERROR(listen(0x7fff, 1), EBADF);
    int p[2];
    REQUIRE_OK(pipe(p));
    EXPECT_ERROR(listen(p[0], 1), ENOTSOCK);
    EXPECT_ERROR(send(p[1], "x", 1, 0), ENOTSOCK);
    close(p[0]);
    close(p[1]);
}

CASE(connection_by_path)
{
    char buffer[16];
    int l = listener("s"), c = connect_to("s", SOCK_STREAM);
    struct stat st;
    EXPECT_OK(stat("s", &st));
    EXPECT(S_ISSOCK(st.st_mode));
    EXPECT_EQ(write(c, "early", 5), 5); // before accept
    int a = accept(l, NULL, NULL);
    REQUIRE_OK(a);
    EXPECT_EQ(read(a, buffer, sizeof(buffer)), 5);
    EXPECT_EQ(memcmp(buffer, "early", 5), 0);
    EXPECT_EQ(write(a, "back", 4), 4);
    EXPECT_EQ(read(c, buffer, sizeof(buffer)), 4);
    close(a);
    EXPECT_EQ(read(c, buffer, sizeof(buffer)), 0);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_ERROR(write(c, "x", 1), EPIPE);
    close(c);
    close(l);
    EXPECT_ERROR(open("s", O_RDWR), ENXIO);
    struct sockaddr_un address;
    socklen_t size = path_address(&address, "s");
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_ERROR(connect(c, (struct sockaddr *)&address, size), ECONNREFUSED);
    EXPECT_ERROR(bind(c, (struct sockaddr *)&address, size), EADDRINUSE);
    unlink("s");
    EXPECT_ERROR(connect(c, (struct sockaddr *)&address, size), ENOENT);
    close(c);
}

CASE(names_are_told)
{
    struct sockaddr_un a;
    socklen_t size = sizeof(a);
    int l = listener("named"), c = connect_to("named", SOCK_STREAM);
    EXPECT_OK(getsockname(l, (struct sockaddr *)&a, &size));
    EXPECT_EQ(size, 2 + 6);
    EXPECT_STR(a.sun_path, "named");
    size = sizeof(a);
    EXPECT_OK(getpeername(c, (struct sockaddr *)&a, &size));
    EXPECT_STR(a.sun_path, "named");
    size = sizeof(a);
    EXPECT_OK(getsockname(c, (struct sockaddr *)&a, &size));
    EXPECT_EQ(size, 2);
    EXPECT_EQ(a.sun_family, AF_UNIX);
    size = sizeof(a);
    EXPECT_ERROR(getpeername(l, (struct sockaddr *)&a, &size), ENOTCONN);
    size = sizeof(a);
    int s = accept4(l, (struct sockaddr *)&a, &size, SOCK_NONBLOCK);
    EXPECT_EQ(size, 2);
    EXPECT_EQ(fcntl(s, F_GETFL), O_RDWR | O_NONBLOCK);
    size = 4;
    memset(&a, 'z', sizeof(a));
    EXPECT_OK(getsockname(s, (struct sockaddr *)&a, &size));
    EXPECT_EQ(size, 2 + 6);
    EXPECT_EQ(a.sun_path[2], 'z');
    close(s);
    close(c);
    close(l);
}

CASE(name_has_the_permissions_of_the_socket)
{
    struct sockaddr_un a;
    socklen_t size = path_address(&a, "s");
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat st;

    EXPECT_OK(fchmod(s, 0765));
    umask(0123);
    EXPECT_OK(bind(s, (struct sockaddr *)&a, size));
    umask(022);
    EXPECT_OK(stat("s", &st));
    EXPECT_EQ(st.st_mode, S_IFSOCK | 0644);
    close(s);
}

CASE(abstract_names)
{
    struct sockaddr_un a, b;
    socklen_t size = abstract_address(&a, "clade-test");
    int l = socket(AF_UNIX, SOCK_SEQPACKET, 0), c = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    EXPECT_ERROR(connect(c, (struct sockaddr *)&a, size), ECONNREFUSED);
    EXPECT_OK(bind(l, (struct sockaddr *)&a, size));
    int other = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_ERROR(connect(other, (struct sockaddr *)&a, size), ECONNREFUSED); // another type
    EXPECT_ERROR(bind(c, (struct sockaddr *)&a, size), EADDRINUSE);
    EXPECT_ERROR(connect(c, (struct sockaddr *)&a, size), ECONNREFUSED);
    EXPECT_OK(listen(l, 1));
    EXPECT_OK(connect(c, (struct sockaddr *)&a, size));
    EXPECT_ERROR(connect(c, (struct sockaddr *)&a, size), EISCONN);
    socklen_t got = sizeof(b);
    EXPECT_OK(getpeername(c, (struct sockaddr *)&b, &got));
    EXPECT_EQ(got, size);
    EXPECT_EQ(memcmp(&a, &b, size), 0);
    close(l);
    EXPECT_OK(bind(other, (struct sockaddr *)&a, size)); // free again
    close(other);
    close(c);
}

CASE(automatic_name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t size = sizeof(a);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    EXPECT_OK(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
    EXPECT_OK(getsockname(fd, (struct sockaddr *)&a, &size));
    EXPECT_EQ(size, 2 + 6);
    EXPECT_EQ(a.sun_path[0], 0);
    close(fd);
}

CASE(address_errors)
{
    struct sockaddr_un a;
    socklen_t size = path_address(&a, "x");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_ERROR(connect(fd, (struct sockaddr *)&a, 1), EINVAL);
    EXPECT_ERROR(bind(fd, (struct sockaddr *)&a, sizeof(a) + 1), EINVAL);
    a.sun_family = AF_INET;
    EXPECT_ERROR(bind(fd, (struct sockaddr *)&a, size), EINVAL);
    EXPECT_ERROR(listen(fd, 1), EINVAL);
    EXPECT_ERROR(accept(fd, NULL, NULL), EINVAL);
    char byte;
    EXPECT_ERROR(recv(fd, &byte, 1, 0), EINVAL);
    EXPECT_ERROR(send(fd, &byte, 1, 0), ENOTCONN);
    EXPECT_ERROR(getpeername(fd, (struct sockaddr *)&a, &size), ENOTCONN);
    EXPECT_ERROR(shutdown(fd, 3), EINVAL);
    close(fd);
    path_address(&a, "plain");
    close(make_file("plain", "x"));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_ERROR(connect(fd, (struct sockaddr *)&a, sizeof(a)), ECONNREFUSED);
    close(fd);
}

CASE(full_backlog)
{
    struct sockaddr_un a;
    socklen_t size = path_address(&a, "s");
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c[3];
    EXPECT_OK(bind(l, (struct sockaddr *)&a, size));
    EXPECT_OK(listen(l, 1));
    for (int i = 0; i < 3; i++) {
        c[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (i < 2)
            EXPECT_OK(connect(c[i], (struct sockaddr *)&a, size));
        else
            EXPECT_ERROR(connect(c[i], (struct sockaddr *)&a, size), EAGAIN);
    }
    fcntl(l, F_SETFL, O_NONBLOCK);
    close(accept(l, NULL, NULL));
    EXPECT_OK(connect(c[2], (struct sockaddr *)&a, size));
    close(accept(l, NULL, NULL));
    close(accept(l, NULL, NULL));
    EXPECT_ERROR(accept(l, NULL, NULL), EAGAIN);
    for (int i = 0; i < 3; i++)
        close(c[i]);
    close(l);
}

static void *connect_later(void *argument)
{
    sleep_ms(20);
    int fd = connect_to("s", SOCK_STREAM);
    EXPECT_EQ(write(fd, "x", 1), 1);
    close(fd);
    return NULL;
}

CASE(accept_waits)
{
    char byte;
    int l = listener("s");
    struct pollfd p = {.fd = l, .events = POLLIN};
    EXPECT_EQ(poll(&p, 1, 0), 0);
    pthread_t t = thread_start(connect_later, NULL);
    int a = accept(l, NULL, NULL);
    EXPECT_EQ(read(a, &byte, 1), 1);
    EXPECT_EQ(read(a, &byte, 1), 0);
    thread_join(t);
    close(a);
    t = thread_start(connect_later, NULL);
    EXPECT_EQ(poll(&p, 1, 2000), 1);
    EXPECT_EQ(p.revents, POLLIN);
    thread_join(t);
    close(l);
}

CASE(unaccepted_is_reset)
{
    char byte;
    int l = listener("s"), c = connect_to("s", SOCK_STREAM);
    close(l);
    EXPECT_ERROR(read(c, &byte, 1), ECONNRESET);
    EXPECT_EQ(read(c, &byte, 1), 0);
    close(c);
}

CASE(unread_data_resets)
{
    int s[2], error;
    socklen_t size = sizeof(error);
    char byte;
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    EXPECT_EQ(write(s[0], "lost", 4), 4);
    close(s[1]);
    struct pollfd p = {.fd = s[0], .events = POLLIN | POLLOUT | POLLRDHUP};
    EXPECT_EQ(poll(&p, 1, 0), 1);
    EXPECT_EQ(p.revents, POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &size));
    EXPECT_EQ(error, ECONNRESET);
    EXPECT_EQ(read(s[0], &byte, 1), 0);
    close(s[0]);
}

CASE(datagrams_by_name)
{
    struct sockaddr_un a, b, from;
    socklen_t size = path_address(&a, "a"), b_size = path_address(&b, "b"), got = sizeof(from);
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), r = socket(AF_UNIX, SOCK_DGRAM, 0);
    char buffer[16];
    EXPECT_OK(bind(r, (struct sockaddr *)&a, size));
    EXPECT_EQ(sendto(s, "one", 3, 0, (struct sockaddr *)&a, size), 3);
    EXPECT_EQ(recvfrom(r, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &got), 3);
    EXPECT_EQ(got, 0); // nameless
    EXPECT_OK(bind(s, (struct sockaddr *)&b, b_size));
    EXPECT_OK(connect(s, (struct sockaddr *)&a, size));
    EXPECT_EQ(send(s, "", 0, 0), 0);
    EXPECT_EQ(send(s, "four", 4, 0), 4);
    got = sizeof(from);
    EXPECT_EQ(recvfrom(r, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &got), 0);
    EXPECT_EQ(got, b_size);
    EXPECT_STR(from.sun_path, "b");
    EXPECT_EQ(recv(r, buffer, 2, MSG_PEEK | MSG_TRUNC), 4);
    EXPECT_EQ(recv(r, buffer, 2, 0), 2);
    EXPECT_ERROR(recv(r, buffer, 2, MSG_DONTWAIT), EAGAIN);
    close(r);
    EXPECT_ERROR(send(s, "x", 1, 0), ECONNREFUSED);
    EXPECT_ERROR(send(s, "x", 1, 0), ENOTCONN);
    EXPECT_ERROR(sendto(s, "x", 1, 0, (struct sockaddr *)&a, size), ECONNREFUSED);
    close(s);
}

CASE(datagram_queue_is_bounded)
{
    struct sockaddr_un a;
    socklen_t size = path_address(&a, "a");
    int s = socket(AF_UNIX, SOCK_DGRAM, 0), r = socket(AF_UNIX, SOCK_DGRAM, 0), sent = 0;
    EXPECT_OK(bind(r, (struct sockaddr *)&a, size));
    while (sent < 100 && sendto(s, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&a, size) == 1)
        sent++;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT(sent >= 10 && sent < 100);
    static char big[300000];
    EXPECT_ERROR(sendto(s, big, sizeof(big), 0, (struct sockaddr *)&a, size), EMSGSIZE);
    close(r);
    close(s);
}

CASE(sequenced_packets)
{
    int s[2];
    char buffer[8];
    struct iovec v = {buffer, 3};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    EXPECT_EQ(send(s[0], "12345", 5, 0), 5);
    EXPECT_EQ(send(s[0], "67", 2, 0), 2);
    EXPECT_EQ(recvmsg(s[1], &m, 0), 3);
    EXPECT(m.msg_flags & MSG_TRUNC);
    EXPECT_EQ(recvmsg(s[1], &m, 0), 2);
    EXPECT(!(m.msg_flags & MSG_TRUNC));
    close(s[0]);
    EXPECT_EQ(read(s[1], buffer, 8), 0);
    on_signal(SIGPIPE, count_signal, 0);
    EXPECT_ERROR(send(s[1], "x", 1, 0), EPIPE);
    EXPECT_EQ(signal_count, 0);
    close(s[1]);
}

CASE(stream_flags)
{
    int s[2], left;
    char buffer[16];
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    EXPECT_EQ(write(s[0], "abc", 3), 3);
    EXPECT_EQ(write(s[0], "def", 3), 3);
    EXPECT_EQ(recv(s[1], buffer, 6, MSG_PEEK), 6);
    EXPECT_EQ(memcmp(buffer, "abcdef", 6), 0);
    EXPECT_OK(ioctl(s[1], FIONREAD, &left));
    EXPECT_EQ(left, 6);
    EXPECT_EQ(recv(s[1], buffer, 2, 0), 2);
    EXPECT_EQ(recv(s[1], buffer, 16, 0), 4);
    EXPECT_EQ(memcmp(buffer, "cdef", 4), 0);
    EXPECT_ERROR(recv(s[1], buffer, 1, MSG_DONTWAIT), EAGAIN);
    EXPECT_ERROR(recv(s[1], buffer, 0, MSG_DONTWAIT), EAGAIN);
    on_signal(SIGPIPE, count_signal, 0);
    EXPECT_OK(shutdown(s[1], SHUT_RD));
    EXPECT_ERROR(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    EXPECT_EQ(signal_count, 0);
    EXPECT_ERROR(send(s[0], "x", 1, 0), EPIPE);
    EXPECT_EQ(signal_count, 1);
    close(s[0]);
    close(s[1]);
}

static void *send_twice(void *argument)
{
    int fd = *(int *)argument;
    EXPECT_EQ(write(fd, "12", 2), 2);
    sleep_ms(20);
    EXPECT_EQ(write(fd, "34", 2), 2);
    return NULL;
}

CASE(wait_for_all)
{
    int s[2];
    char buffer[8];
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    pthread_t t = thread_start(send_twice, &s[0]);
    EXPECT_EQ(recv(s[1], buffer, 4, MSG_WAITALL), 4);
    EXPECT_EQ(memcmp(buffer, "1234", 4), 0);
    thread_join(t);
    EXPECT_EQ(write(s[0], "5", 1), 1);
    close(s[0]);
    EXPECT_EQ(recv(s[1], buffer, 4, MSG_WAITALL), 1);
    close(s[1]);
}

CASE(receive_times_out)
{
    int s[2];
    char byte;
    struct timeval tv = {0, 30000}, got;
    socklen_t size = sizeof(got);
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    EXPECT_OK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &got, &size));
    EXPECT_EQ(size, sizeof(got));
    uint64_t start = now_ns();
    EXPECT_ERROR(read(s[0], &byte, 1), EAGAIN);
    EXPECT(now_ns() - start >= 25000000);
    close(s[0]);
    close(s[1]);
}

static void *read_slowly(void *argument)
{
    static char buffer[65536];
    long total = 0, got;
    sleep_ms(20);
    while ((got = read(*(int *)argument, buffer, sizeof(buffer))) > 0) {
        for (long i = 0; i < got; i++)
            if (buffer[i] != (char)((total + i) % 251)) {
                test_fail(__FILE_NAME__, __LINE__, "wrong byte at %ld", total + i);
                return NULL;
            }
        total += got;
    }
    EXPECT_EQ(total, 1000000);
    return NULL;
}

CASE(large_stream_waits_for_room)
{
    static char data[1000000];
    int s[2];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i % 251);
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    pthread_t t = thread_start(read_slowly, &s[1]);
    EXPECT_EQ(write(s[0], data, sizeof(data)), sizeof(data));
    close(s[0]);
    thread_join(t);
    close(s[1]);
}

CASE(nonblocking_send_fills_up)
{
    static char data[4096];
    int s[2];
    long total = 0, put;
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
    while ((put = write(s[0], data, sizeof(data))) > 0)
        total += put;
    EXPECT_EQ(errno, EAGAIN);
    EXPECT(total >= 65536 && total < 1000000);
    struct pollfd p = {.fd = s[0], .events = POLLOUT};
    EXPECT_EQ(poll(&p, 1, 0), 0);
    while (read(s[1], data, sizeof(data)) > 0)
        ;
    EXPECT_EQ(poll(&p, 1, 0), 1);
    close(s[0]);
    close(s[1]);
}

static long send_fds(int via, const char *text, const int *fds, size_t count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(16 * sizeof(int))];
    } control;
    struct iovec v = {(char *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    memset(&control, 0, sizeof(control));
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(count * sizeof(int)),
                                      .cmsg_level = SOL_SOCKET,
                                      .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    return sendmsg(via, &m, 0);
}

CASE(rights_end_a_receive)
{
    int s[2], p[2], got = -1;
    char buffer[16];
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec v = {buffer, sizeof(buffer)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(write(s[0], "ab", 2), 2);
    EXPECT_EQ(send_fds(s[0], "cd", p, 2), 2);
    EXPECT_EQ(write(s[0], "ef", 2), 2);
    EXPECT_EQ(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC), 4);
    EXPECT_EQ(memcmp(buffer, "abcd", 4), 0);
    EXPECT_EQ(m.msg_controllen, CMSG_SPACE(2 * sizeof(int)));
    EXPECT_EQ(control.header.cmsg_len, CMSG_LEN(2 * sizeof(int)));
    memcpy(&got, CMSG_DATA(&control.header) + sizeof(int), sizeof(int));
    EXPECT_EQ(write(got, "via", 3), 3);
    EXPECT_EQ(fcntl(got, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(read(p[0], buffer, 16), 3);
    close(got);
    memcpy(&got, CMSG_DATA(&control.header), sizeof(int));
    close(got);
    EXPECT_EQ(read(s[1], buffer, 16), 2);
    // no room for them: closed, and told
    EXPECT_EQ(send_fds(s[0], "g", p, 2), 1);
    m.msg_controllen = CMSG_LEN(sizeof(int));
    EXPECT_EQ(recvmsg(s[1], &m, 0), 1);
    EXPECT(m.msg_flags & MSG_CTRUNC);
    memcpy(&got, CMSG_DATA(&control.header), sizeof(int));
    close(got);
    int bad = 0x7ffe;
    EXPECT_ERROR(send_fds(s[0], "h", &bad, 1), EBADF);
    close(p[0]);
    close(p[1]);
    close(s[0]);
    close(s[1]);
}

CASE(rights_in_flight_are_closed)
{
    int s[2], p[2];
    char byte;
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    REQUIRE_OK(pipe(p));
    EXPECT_EQ(send_fds(s[0], "x", &p[1], 1), 1);
    close(p[1]);
    close(s[0]);
    close(s[1]); // takes the write end with it
    EXPECT_EQ(read(p[0], &byte, 1), 0);
    close(p[0]);
}

CASE(credentials)
{
    int s[2], on = 1;
    struct ucred u;
    socklen_t size = sizeof(u);
    char byte;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct iovec v = {&byte, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &size));
    EXPECT_EQ(u.pid, getpid());
    EXPECT_EQ(u.uid, geteuid());
    EXPECT_EQ(u.gid, getegid());
    EXPECT_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    EXPECT_EQ(write(s[0], "x", 1), 1);
    EXPECT_EQ(recvmsg(s[1], &m, 0), 1);
    EXPECT_EQ(control.header.cmsg_type, SCM_CREDENTIALS);
    memcpy(&u, CMSG_DATA(&control.header), sizeof(u));
    EXPECT_EQ(u.pid, getpid());
    EXPECT_EQ(u.uid, getuid());
    EXPECT_EQ(u.gid, getgid());
    close(s[0]);
    close(s[1]);
}

static struct ucred received(int s)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr head;
    } control;
    char byte;
    struct iovec v = {&byte, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct ucred c = {-1, 0, 0};

    if (recvmsg(s, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
        memcpy(&c, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(c));
    return c;
}

CASE(credentials_that_nobody_wanted)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr head;
    } control = {.head = {CMSG_LEN(sizeof(struct ucred)), SOL_SOCKET, SCM_CREDENTIALS}};
    struct ucred c = {12345678, getuid(), getgid()};
    struct iovec v = {(char[]){'x'}, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int s[2], on = 1;

    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    EXPECT_EQ(write(s[0], "x", 1), 1); // sent before SO_PASSCRED
    EXPECT_OK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
    EXPECT_EQ(write(s[0], "x", 1), 1);
    EXPECT_EQ(received(s[1]).pid, 0);
    EXPECT_EQ(received(s[1]).pid, getpid());
    memcpy(CMSG_DATA(&control.head), &c, sizeof(c));
    if (geteuid() == 0)
        EXPECT_ERROR(sendmsg(s[0], &m, 0), ESRCH);
    close(s[0]);
    close(s[1]);
}

CASE(options)
{
    int s[2], value, zero = 0;
    socklen_t size = sizeof(value);
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, &size));
    EXPECT_EQ(value, SOCK_STREAM);
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &value, &size));
    EXPECT_EQ(value, AF_UNIX);
    value = 20000;
    EXPECT_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)));
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, &size));
    EXPECT_EQ(value, 40000);
    EXPECT_OK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &zero, sizeof(zero)));
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, &size));
    EXPECT_EQ(value, 4608);
    EXPECT_OK(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &size));
    EXPECT_EQ(value, 0);
    EXPECT_ERROR(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, 1), EINVAL);
    EXPECT_ERROR(setsockopt(s[0], SOL_SOCKET, 9999, &value, sizeof(value)), ENOPROTOOPT);
    EXPECT_ERROR(getsockopt(s[0], SOL_SOCKET, 9999, &value, &size), ENOPROTOOPT);
    EXPECT_ERROR(setsockopt(s[0], IPPROTO_TCP, 1, &value, sizeof(value)), EOPNOTSUPP);
    close(s[0]);
    close(s[1]);
}

CASE(many_messages_in_one_call)
{
    int s[2];
    char in[3][8];
    struct iovec out_v[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, in_v[3];
    struct mmsghdr m[3], r[3];
    memset(m, 0, sizeof(m));
    memset(r, 0, sizeof(r));
    for (int i = 0; i < 3; i++) {
        in_v[i] = (struct iovec){in[i], 8};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &out_v[i], .msg_iovlen = 1};
        r[i].msg_hdr = (struct msghdr){.msg_iov = &in_v[i], .msg_iovlen = 1};
    }
    REQUIRE_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    EXPECT_EQ(sendmmsg(s[0], m, 3, 0), 3);
    EXPECT_EQ(m[2].msg_len, 3);
    EXPECT_EQ(recvmmsg(s[1], r, 3, MSG_WAITFORONE, NULL), 3);
    EXPECT_EQ(r[1].msg_len, 2);
    EXPECT_EQ(memcmp(in[1], "bb", 2), 0);
    EXPECT_ERROR(recvmmsg(s[1], r, 3, MSG_DONTWAIT, NULL), EAGAIN);
    close(s[0]);
    close(s[1]);
}

static const struct test_case cases[] = {
    ENTRY(socket_arguments),
    ENTRY(connection_by_path),
    ENTRY(names_are_told),
    ENTRY(name_has_the_permissions_of_the_socket),
    ENTRY(abstract_names),
    ENTRY(automatic_name),
    ENTRY(address_errors),
    ENTRY(full_backlog),
    ENTRY(accept_waits),
    ENTRY(unaccepted_is_reset),
    ENTRY(unread_data_resets),
    ENTRY(datagrams_by_name),
    ENTRY(datagram_queue_is_bounded),
    ENTRY(sequenced_packets),
    ENTRY(stream_flags),
    ENTRY(wait_for_all),
    ENTRY(receive_times_out),
    ENTRY(large_stream_waits_for_room),
    ENTRY(nonblocking_send_fills_up),
    ENTRY(rights_end_a_receive),
    ENTRY(rights_in_flight_are_closed),
    ENTRY(credentials),
    ENTRY(credentials_that_nobody_wanted),
    ENTRY(options),
    ENTRY(many_messages_in_one_call),
};

TEST_MAIN(cases)
