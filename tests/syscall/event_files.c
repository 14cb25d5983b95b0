// SPDX-License-Identifier: BSD-3-Clause
// Descriptors for events: eventfd, signalfd, inotify, and AF_UNIX socket pairs.
#include "harness.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

CASE(eventfd_adds_up)
{
    uint64_t value = 3;
    int fd = eventfd(5, EFD_CLOEXEC);
    EXPECT_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(write(fd, &value, 8), 8);
    EXPECT_EQ(read(fd, &value, 8), 8);
    EXPECT_EQ(value, 8);
    close(fd);
}

CASE(eventfd_semaphore)
{
    uint64_t value;
    int fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    EXPECT_EQ(read(fd, &value, 8), 8);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(read(fd, &value, 8), 8);
    EXPECT_ERROR(read(fd, &value, 8), EAGAIN);
    close(fd);
}

CASE(eventfd_limits)
{
    uint64_t value = UINT64_MAX, most = UINT64_MAX - 1, one = 1;
    int fd = eventfd(0, EFD_NONBLOCK);
    struct pollfd set = {fd, POLLIN | POLLOUT, 0};
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLOUT);
    EXPECT_ERROR(write(fd, &value, 8), EINVAL);
    EXPECT_ERROR(write(fd, &value, 4), EINVAL);
    EXPECT_ERROR(read(fd, &value, 4), EINVAL);
    EXPECT_EQ(write(fd, &most, 8), 8);
    EXPECT_ERROR(write(fd, &one, 8), EAGAIN);
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLIN);
    EXPECT_EQ(read(fd, &value, 8), 8);
    EXPECT(value == most);
    close(fd);
    EXPECT_ERROR(eventfd(0, 0x1000), EINVAL);
}

static void *add_later(void *argument)
{
    uint64_t one = 1;
    sleep_ms(30);
    EXPECT_EQ(write(*(int *)argument, &one, 8), 8);
    return NULL;
}

CASE(eventfd_waits)
{
    uint64_t value;
    int fd = eventfd(0, 0);
    pthread_t thread = thread_start(add_later, &fd);
    EXPECT_EQ(read(fd, &value, 8), 8);
    EXPECT_EQ(value, 1);
    thread_join(thread);
    close(fd);
}

static int make_signalfd(int first, int second, int flags)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, first);
    sigaddset(&set, second);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, flags);
}

CASE(signalfd_reads_signals)
{
    struct signalfd_siginfo info[3];
    int fd = make_signalfd(SIGUSR1, SIGRTMIN, SFD_NONBLOCK | SFD_CLOEXEC);
    struct pollfd set = {fd, POLLIN, 0};
    REQUIRE_OK(fd);
    EXPECT_ERROR(read(fd, info, sizeof(info)), EAGAIN);
    EXPECT_EQ(poll(&set, 1, 0), 0);
    EXPECT_OK(kill(getpid(), SIGUSR1));
    EXPECT_OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 77}));
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(read(fd, info, sizeof(info)), 2 * sizeof(info[0]));
    EXPECT_EQ(info[0].ssi_signo, SIGUSR1);
    EXPECT_EQ(info[0].ssi_pid, getpid());
    EXPECT_EQ(info[0].ssi_code, SI_USER);
    EXPECT_EQ(info[1].ssi_signo, SIGRTMIN);
    EXPECT_EQ(info[1].ssi_int, 77);
    EXPECT_ERROR(read(fd, info, 10), EINVAL);
    close(fd);
}

CASE(signalfd_mask_can_change)
{
    struct signalfd_siginfo info;
    sigset_t set;
    int fd = make_signalfd(SIGUSR1, SIGUSR2, SFD_NONBLOCK);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    EXPECT_EQ(signalfd(fd, &set, 0), fd);
    raise(SIGUSR1);
    EXPECT_ERROR(read(fd, &info, sizeof(info)), EAGAIN);
    raise(SIGUSR2);
    EXPECT_EQ(read(fd, &info, sizeof(info)), sizeof(info));
    EXPECT_EQ(info.ssi_signo, SIGUSR2);
    EXPECT_ERROR(signalfd(0, &set, 0), EINVAL);
    close(fd);
}

CASE(signalfd_waits)
{
    struct signalfd_siginfo info;
    int fd = make_signalfd(SIGUSR1, SIGUSR2, 0);
    signal_me_later(SIGUSR1, 30);
    EXPECT_EQ(read(fd, &info, sizeof(info)), sizeof(info));
    EXPECT_EQ(info.ssi_signo, SIGUSR1);
    signal_me_done();
    close(fd);
}

// Reads one inotify event; "name" must be what it tells.
static void expect_event(int fd, uint32_t mask, const char *name)
{
    static char buffer[4096] __attribute__((aligned(8)));
    static ssize_t have, at;
    if (at >= have) {
        at = 0;
        have = read(fd, buffer, sizeof(buffer));
        if (have <= 0) {
            have = 0;
            test_fail(__FILE_NAME__, __LINE__, "no event, expected %x %s", mask, name);
            return;
        }
    }
    struct inotify_event *event = (void *)(buffer + at);
    EXPECT_EQ(event->mask, mask);
    EXPECT_STR(event->len ? event->name : "", name);
    EXPECT_EQ(event->len % 16, 0);
    at += (ssize_t)(sizeof(*event) + event->len);
}

CASE(inotify_of_a_directory)
{
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    REQUIRE_OK(fd);
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_OK(inotify_add_watch(fd, "d", IN_ALL_EVENTS));
    close(make_file("d/f", "x"));
    expect_event(fd, IN_CREATE, "f");
    expect_event(fd, IN_OPEN, "f");
    expect_event(fd, IN_MODIFY, "f");
    expect_event(fd, IN_CLOSE_WRITE, "f");
    EXPECT_OK(rename("d/f", "d/g"));
    expect_event(fd, IN_MOVED_FROM, "f");
    expect_event(fd, IN_MOVED_TO, "g");
    EXPECT_OK(chmod("d/g", 0600));
    expect_event(fd, IN_ATTRIB, "g");
    EXPECT_OK(unlink("d/g"));
    expect_event(fd, IN_DELETE, "g");
    EXPECT_OK(mkdir("d/sub", 0755));
    expect_event(fd, IN_CREATE | IN_ISDIR, "sub");
    char byte;
    EXPECT_ERROR(read(fd, &byte, 1), EAGAIN);
    close(fd);
}

CASE(inotify_of_a_file)
{
    char buffer[8];
    int fd = inotify_init1(IN_NONBLOCK), file = make_file("f", "abc"), watch;
    watch = inotify_add_watch(fd, "f", IN_ACCESS | IN_MODIFY | IN_CLOSE | IN_DELETE_SELF);
    EXPECT_EQ(watch, 1);
    EXPECT_EQ(read(file, buffer, 3), 3);
    expect_event(fd, IN_ACCESS, "");
    EXPECT_EQ(write(file, "x", 1), 1);
    expect_event(fd, IN_MODIFY, "");
    close(file);
    expect_event(fd, IN_CLOSE_WRITE, "");
    EXPECT_OK(unlink("f"));
    expect_event(fd, IN_DELETE_SELF, "");
    expect_event(fd, IN_IGNORED, "");
    EXPECT_ERROR(inotify_rm_watch(fd, watch), EINVAL);
    close(fd);
}

CASE(inotify_remove_and_errors)
{
    int fd = inotify_init1(IN_NONBLOCK);
    int watch = inotify_add_watch(fd, ".", IN_CREATE);
    EXPECT_EQ(inotify_add_watch(fd, ".", IN_DELETE), watch); // the same one
    EXPECT_OK(inotify_rm_watch(fd, watch));
    expect_event(fd, IN_IGNORED, "");
    EXPECT_ERROR(inotify_rm_watch(fd, 99), EINVAL);
    EXPECT_ERROR(inotify_add_watch(fd, "missing", IN_CREATE), ENOENT);
    EXPECT_ERROR(inotify_add_watch(fd, ".", 0), EINVAL);
    EXPECT_ERROR(inotify_add_watch(0, ".", IN_CREATE), EINVAL);
    EXPECT_ERROR(inotify_init1(0x1), EINVAL);
    close(fd);
}

CASE(inotify_polls_and_counts)
{
    int fd = inotify_init1(IN_NONBLOCK), count = 0;
    struct pollfd set = {fd, POLLIN, 0};
    EXPECT_OK(inotify_add_watch(fd, ".", IN_CREATE));
    EXPECT_EQ(poll(&set, 1, 0), 0);
    EXPECT_OK(mkdir("d", 0755));
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_OK(ioctl(fd, FIONREAD, &count));
    EXPECT_EQ(count, 32); // the event and its padded name
    char byte;
    EXPECT_ERROR(read(fd, &byte, 1), EINVAL);
    expect_event(fd, IN_CREATE | IN_ISDIR, "d");
    close(fd);
}

CASE(inotify_joins_equal_events)
{
    int fd = inotify_init1(IN_NONBLOCK), file = make_file("f", "");
    EXPECT_OK(inotify_add_watch(fd, "f", IN_MODIFY));
    EXPECT_EQ(write(file, "a", 1), 1);
    EXPECT_EQ(write(file, "b", 1), 1);
    expect_event(fd, IN_MODIFY, "");
    char byte[64];
    EXPECT_ERROR(read(fd, byte, 64), EAGAIN);
    close(file);
    close(fd);
}

static int pair(int s[2], int type)
{
    return socketpair(AF_UNIX, type, 0, s);
}

CASE(stream_pair_goes_both_ways)
{
    char buffer[8] = "";
    int s[2];
    REQUIRE_OK(pair(s, SOCK_STREAM));
    EXPECT_EQ(write(s[0], "abc", 3), 3);
    EXPECT_EQ(send(s[0], "de", 2, 0), 2);
    EXPECT_EQ(read(s[1], buffer, 8), 5);
    EXPECT_STR(buffer, "abcde");
    EXPECT_EQ(write(s[1], "back", 4), 4);
    EXPECT_EQ(recv(s[0], buffer, 2, MSG_PEEK), 2);
    EXPECT_EQ(read(s[0], buffer, 8), 4);
    EXPECT_ERROR(recv(s[0], buffer, 8, MSG_DONTWAIT), EAGAIN);
    close(s[0]);
    EXPECT_EQ(read(s[1], buffer, 8), 0);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_ERROR(write(s[1], "x", 1), EPIPE);
    close(s[1]);
}

CASE(datagram_pair_keeps_bounds)
{
    char buffer[8] = "";
    int s[2];
    REQUIRE_OK(pair(s, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC));
    EXPECT_EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(write(s[0], "abc", 3), 3);
    EXPECT_EQ(write(s[0], "defg", 4), 4);
    EXPECT_EQ(read(s[1], buffer, 2), 2); // the rest is lost
    EXPECT_EQ(read(s[1], buffer, 8), 4);
    EXPECT_ERROR(read(s[1], buffer, 8), EAGAIN);
    close(s[0]);
    close(s[1]);
}

CASE(shutdown_of_one_way)
{
    char buffer[8];
    int s[2];
    REQUIRE_OK(pair(s, SOCK_STREAM));
    EXPECT_OK(shutdown(s[0], SHUT_WR));
    EXPECT_EQ(read(s[1], buffer, 8), 0);
    EXPECT_EQ(write(s[1], "ok", 2), 2);
    EXPECT_EQ(read(s[0], buffer, 8), 2);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_ERROR(write(s[0], "x", 1), EPIPE);
    close(s[0]);
    close(s[1]);
}

CASE(descriptors_travel)
{
    int s[2], file = make_file("f", "travelled"), got = -1;
    char byte = 'x', control[CMSG_SPACE(sizeof(int))] = "", buffer[16] = "";
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    REQUIRE_OK(pair(s, SOCK_STREAM));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof(int));
    EXPECT_EQ(sendmsg(s[0], &message, 0), 1);
    close(file);
    memset(control, 0, sizeof(control));
    message.msg_controllen = sizeof(control);
    EXPECT_EQ(recvmsg(s[1], &message, MSG_CMSG_CLOEXEC), 1);
    header = CMSG_FIRSTHDR(&message);
    if (header)
        memcpy(&got, CMSG_DATA(header), sizeof(int));
    EXPECT_EQ(read(got, buffer, 16), 9);
    EXPECT_STR(buffer, "travelled");
    close(got);
    close(s[0]);
    close(s[1]);
}

static const struct test_case cases[] = {
    ENTRY(eventfd_adds_up),
    ENTRY(eventfd_semaphore),
    ENTRY(eventfd_limits),
    ENTRY(eventfd_waits),
    ENTRY(signalfd_reads_signals),
    ENTRY(signalfd_mask_can_change),
    ENTRY(signalfd_waits),
    ENTRY(inotify_of_a_directory),
    ENTRY(inotify_of_a_file),
    ENTRY(inotify_remove_and_errors),
    ENTRY(inotify_polls_and_counts),
    ENTRY(inotify_joins_equal_events),
    ENTRY(stream_pair_goes_both_ways),
    ENTRY(datagram_pair_keeps_bounds),
    ENTRY(shutdown_of_one_way),
    ENTRY(descriptors_travel),
};
TEST_MAIN(cases)
