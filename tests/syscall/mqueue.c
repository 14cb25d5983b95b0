// SPDX-License-Identifier: BSD-3-Clause
// POSIX message queues: mq_open(3) and its family, through the C library.
#include "harness.h"

#include <mqueue.h>
#include <poll.h>
#include <sys/wait.h>

static char name[64];

static mqd_t queue(int flags, long count, long size)
{
    struct mq_attr a = {.mq_maxmsg = count, .mq_msgsize = size};

    snprintf(name, sizeof(name), "/clade-test-%d", getpid());
    return mq_open(name, O_CREAT | O_EXCL | O_RDWR | flags, 0600, &a);
}

static int events(mqd_t q)
{
    struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};
    return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

static struct timespec in_ms(int ms)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms * 1000000l;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

CASE(mq_open_and_unlink)
{
    struct mq_attr a;
    struct stat st;
    mqd_t q = queue(0, 4, 100), other;

    REQUIRE_OK(q);
    EXPECT_EQ(fcntl(q, F_GETFD), FD_CLOEXEC);
    EXPECT_OK(fstat(q, &st));
    EXPECT_EQ(st.st_mode, S_IFREG | 0600);
    EXPECT_OK(mq_getattr(q, &a));
    EXPECT_EQ(a.mq_maxmsg, 4);
    EXPECT_EQ(a.mq_msgsize, 100);
    EXPECT_EQ(a.mq_curmsgs, 0);
    EXPECT_EQ(a.mq_flags, 0);
    EXPECT_ERROR(mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, NULL), EEXIST);
    EXPECT_ERROR(mq_open(name, O_RDWR | O_WRONLY), EINVAL);
    other = mq_open(name, O_RDONLY | O_NONBLOCK);
    REQUIRE_OK(other);
    EXPECT_ERROR(mq_send(other, "x", 1, 0), EBADF);
    EXPECT_OK(mq_send(q, "hello", 5, 0));
    char text[100];
    EXPECT_EQ(mq_receive(other, text, 100, NULL), 5);
    EXPECT_ERROR(mq_receive(other, text, 100, NULL), EAGAIN);
    EXPECT_OK(mq_getattr(other, &a));
    EXPECT_EQ(a.mq_flags, O_NONBLOCK);
    EXPECT_OK(mq_unlink(name));
    EXPECT_ERROR(mq_unlink(name), ENOENT);
    EXPECT_ERROR(mq_open(name, O_RDWR), ENOENT);
    EXPECT_OK(mq_send(q, "still", 5, 0)); // lives on without its name
    EXPECT_OK(mq_close(other));
    EXPECT_OK(mq_close(q));
}

CASE(mq_names)
{
    char longest[300];

    EXPECT_ERROR(syscall(SYS_mq_open, "", O_RDWR, 0, NULL), ENOENT);
    EXPECT_ERROR(syscall(SYS_mq_open, "a/b", O_RDWR, 0, NULL), EACCES);
    EXPECT_ERROR(syscall(SYS_mq_open, NULL, O_RDWR, 0, NULL), EFAULT);
    memset(longest, 'a', sizeof(longest));
    longest[299] = 0;
    EXPECT_ERROR(syscall(SYS_mq_open, longest, O_RDWR, 0, NULL), ENAMETOOLONG);
    longest[255] = 0;
    EXPECT_ERROR(syscall(SYS_mq_open, longest, O_RDWR, 0, NULL), ENOENT);
    EXPECT_ERROR(syscall(SYS_mq_unlink, ""), ENOENT);
    EXPECT_ERROR(queue(0, 0, 100), EINVAL);
    EXPECT_ERROR(queue(0, 10, 0), EINVAL);
    EXPECT_ERROR(queue(0, -1, 10), EINVAL);
    EXPECT_ERROR(queue(0, 65537, 10), EINVAL);
    EXPECT_ERROR(queue(0, 10, (16 << 20) + 1), EINVAL);
    EXPECT_ERROR(syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, (void *)1), EFAULT);
}

CASE(mq_priorities)
{
    static const unsigned given[] = {3, 0, 7, 3, 32767, 0, 7}, sorted[] = {32767, 7, 7, 3, 3, 0, 0};
    static const char order[] = "4260315";
    mqd_t q = queue(O_NONBLOCK, 8, 10);
    struct mq_attr a;
    char text[10];
    unsigned priority;

    for (int i = 0; i < 7; i++)
        EXPECT_OK(mq_send(q, &"0123456"[i], 1, given[i]));
    EXPECT_ERROR(mq_send(q, "x", 1, 32768), EINVAL);
    EXPECT_OK(mq_getattr(q, &a));
    EXPECT_EQ(a.mq_curmsgs, 7);
    for (int i = 0; i < 7; i++) {
        EXPECT_EQ(mq_receive(q, text, 10, &priority), 1);
        EXPECT_EQ(priority, sorted[i]);
        EXPECT_EQ(text[0], order[i]);
    }
    EXPECT_ERROR(mq_receive(q, text, 10, &priority), EAGAIN);
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

CASE(mq_arguments)
{
    mqd_t q = queue(O_NONBLOCK, 2, 10), w = mq_open(name, O_WRONLY);
    struct timespec bad = {0, 1000000000}, before = {-1, 0};
    struct mq_attr flags = {.mq_flags = O_NONBLOCK | O_APPEND}, old;
    char text[10];

    EXPECT_ERROR(mq_send(q, text, 11, 0), EMSGSIZE);
    EXPECT_ERROR(mq_receive(q, text, 9, NULL), EMSGSIZE);
    EXPECT_ERROR(mq_receive(w, text, 10, NULL), EBADF);
    EXPECT_ERROR(mq_send(0, text, 1, 0), EBADF);
    EXPECT_ERROR(mq_send(-1, text, 1, 0), EBADF);
    EXPECT_ERROR(mq_timedsend(q, text, 1, 0, &bad), EINVAL);
    EXPECT_ERROR(mq_timedreceive(q, text, 10, NULL, &before), EINVAL);
    EXPECT_ERROR(syscall(SYS_mq_timedsend, q, NULL, 1, 0, NULL), EFAULT);
    EXPECT_OK(mq_send(q, text, 0, 0));
    EXPECT_OK(mq_send(q, text, 10, 0));
    EXPECT_ERROR(mq_send(q, text, 1, 0), EAGAIN);
    EXPECT_EQ(mq_receive(q, text, 10, NULL), 0);
    EXPECT_ERROR(mq_setattr(q, &flags, NULL), EINVAL);
    flags.mq_flags = 0;
    EXPECT_OK(mq_setattr(q, &flags, &old));
    EXPECT_EQ(old.mq_flags, O_NONBLOCK);
    EXPECT_EQ(old.mq_curmsgs, 1);
    EXPECT_EQ(fcntl(q, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_ERROR(mq_getattr(0, &old), EBADF);
    EXPECT_OK(mq_unlink(name));
    mq_close(w);
    mq_close(q);
}

CASE(mq_timeouts)
{
    mqd_t q = queue(0, 1, 10);
    struct timespec t = in_ms(30), past = {1, 0};
    uint64_t start = now_ns();
    char text[10];

    EXPECT_ERROR(mq_timedreceive(q, text, 10, NULL, &t), ETIMEDOUT);
    EXPECT(now_ns() - start >= 29000000);
    EXPECT_ERROR(mq_timedreceive(q, text, 10, NULL, &past), ETIMEDOUT);
    EXPECT_OK(mq_timedsend(q, "x", 1, 0, &past)); // there is room
    EXPECT_ERROR(mq_timedsend(q, "x", 1, 0, &past), ETIMEDOUT);
    t = in_ms(20);
    EXPECT_ERROR(mq_timedsend(q, "x", 1, 0, &t), ETIMEDOUT);
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

CASE(mq_signals)
{
    mqd_t q = queue(0, 1, 10);
    char text[10];

    on_signal(SIGUSR1, count_signal, 0);
    signal_me_later(SIGUSR1, 20);
    EXPECT_ERROR(mq_receive(q, text, 10, NULL), EINTR);
    signal_me_done();
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

CASE(mq_poll_and_read)
{
    mqd_t q = queue(0, 1, 10);
    char text[100] = "";

    EXPECT_EQ(events(q), POLLOUT);
    EXPECT_OK(mq_send(q, "12345", 5, 0));
    EXPECT_EQ(events(q), POLLIN);
    EXPECT_EQ(read(q, text, sizeof(text)), 60);
    EXPECT(!strncmp(text, "QSIZE:5          NOTIFY:0     SIGNO:0     NOTIFY_PID:0", 52));
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

CASE(mq_between_processes)
{
    mqd_t q = queue(0, 2, 10);
    int status, pid = fork();
    char text[10];
    unsigned priority;

    if (!pid) {
        for (int i = 0; i < 50; i++)
            if (mq_send(q, "ping", 4, (unsigned)i % 3))
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < 50; i++)
        EXPECT_EQ(mq_receive(q, text, 10, &priority), 4);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

CASE(mq_notify_by_signal)
{
    mqd_t q = queue(0, 4, 10);
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    char text[10];
    int status, pid;

    e.sigev_value.sival_int = 4711;
    on_signal(SIGUSR2, count_signal, SA_SIGINFO | SA_RESTART);
    EXPECT_OK(mq_notify(q, &e));
    EXPECT_ERROR(mq_notify(q, &e), EBUSY);
    pid = fork();
    if (!pid) {
        if (mq_notify(q, &e) != -1 || errno != EBUSY)
            _exit(1);
        if (mq_notify(q, NULL)) // not ours to take back: nothing happens
            _exit(2);
        _exit(mq_send(q, "x", 1, 0) ? 3 : 0);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(signal_count, 1);
    EXPECT_EQ(signal_last.si_code, SI_MESGQ);
    EXPECT_EQ(signal_last.si_pid, pid);
    EXPECT_EQ(signal_last.si_value.sival_int, 4711);
    EXPECT_OK(mq_notify(q, &e)); // once only
    EXPECT_OK(mq_send(q, "x", 1, 0));
    EXPECT_EQ(signal_count, 1); // it was not empty
    EXPECT_EQ(mq_receive(q, text, 10, NULL), 1);
    EXPECT_EQ(mq_receive(q, text, 10, NULL), 1);
    EXPECT_OK(mq_send(q, "x", 1, 0));
    EXPECT_EQ(signal_count, 2);
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

CASE(mq_notify_ends)
{
    mqd_t q = queue(0, 4, 10), other = mq_open(name, O_RDWR);
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2};
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    int status, pid;

    EXPECT_OK(mq_notify(q, &e));
    EXPECT_OK(mq_notify(q, NULL));
    EXPECT_OK(mq_notify(q, NULL));
    EXPECT_OK(mq_notify(q, &none));
    EXPECT_ERROR(mq_notify(q, &e), EBUSY);
    mq_close(other); // any descriptor of the process
    EXPECT_OK(mq_notify(q, &none));
    EXPECT_OK(mq_notify(q, NULL));
    pid = fork();
    if (!pid)
        _exit(mq_notify(q, &e) ? 1 : 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(mq_notify(q, &e)); // the child's ended with it
    e.sigev_signo = 65;
    EXPECT_ERROR(mq_notify(q, &e), EINVAL);
    e.sigev_notify = 77;
    EXPECT_ERROR(mq_notify(q, &e), EINVAL);
    EXPECT_ERROR(mq_notify(0, &none), EBADF);
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

static volatile int told;

static void tell(union sigval value)
{
    told = value.sival_int;
}

CASE(mq_notify_by_thread)
{
    mqd_t q = queue(0, 4, 10);
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = tell};
    int status, pid;

    test_ignore_mappings(); // the C library keeps a thread and a socket
    told = 0;
    e.sigev_value.sival_int = 4712;
    REQUIRE_OK(mq_notify(q, &e));
    EXPECT_ERROR(mq_notify(q, &e), EBUSY);
    pid = fork();
    if (!pid)
        _exit(mq_send(q, "x", 1, 0) ? 3 : 0);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    for (int i = 0; i < 3000 && !told; i++)
        sleep_ms(1);
    EXPECT_EQ(told, 4712);
    EXPECT_OK(mq_notify(q, &e));
    EXPECT_OK(mq_notify(q, NULL));
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
    for (int fd = 3; fd < 20; fd++) { // the library's socket
        struct stat st;
        if (!fstat(fd, &st) && S_ISSOCK(st.st_mode))
            close(fd);
    }
}

static int child_without_rights(void)
{
    if (setgid(1234) || setuid(1234))
        return 1;
    if (mq_open(name, O_RDWR) != -1 || errno != EACCES)
        return 2;
    if (mq_unlink(name) != -1)
        return 3;
    if (mq_open("/clade-too-many", O_CREAT | O_RDWR, 0600,
                &(struct mq_attr){.mq_maxmsg = 11, .mq_msgsize = 10}) != -1 ||
        errno != EINVAL)
        return 4;
    return 0;
}

CASE(mq_permissions)
{
    mqd_t q = queue(0, 1, 10);
    int status, pid;

    if (geteuid()) {
        mq_unlink(name);
        mq_close(q);
        SKIP("not root");
    }
    pid = fork();
    if (!pid)
        _exit(child_without_rights());
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(mq_unlink(name));
    mq_close(q);
}

static const struct test_case cases[] = {
    ENTRY(mq_open_and_unlink),
    ENTRY(mq_names),
    ENTRY(mq_priorities),
    ENTRY(mq_arguments),
    ENTRY(mq_timeouts),
    ENTRY(mq_signals),
    ENTRY(mq_poll_and_read),
    ENTRY(mq_between_processes),
    ENTRY(mq_notify_by_signal),
    ENTRY(mq_notify_ends),
    ENTRY(mq_permissions),
    ENTRY(mq_notify_by_thread), // last: it closes the socket of the C library
};

TEST_MAIN(cases)
