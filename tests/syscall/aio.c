// SPDX-License-Identifier: BSD-3-Clause
// io_setup(2), io_submit(2), io_getevents(2), io_destroy(2), by their numbers: no library.
#include "harness.h"

#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

static long setup(unsigned count, aio_context_t *id)
{
    return syscall(SYS_io_setup, count, id);
}

static long submit(aio_context_t id, long count, struct iocb **list)
{
    return syscall(SYS_io_submit, id, count, list);
}

static long get(aio_context_t id, long least, long most, struct io_event *events, struct timespec *timeout)
{
    return syscall(SYS_io_getevents, id, least, most, events, timeout);
}

static struct iocb request(int operation, int fd, void *buffer, size_t size, long offset)
{
    return (struct iocb){.aio_data = 7,
                         .aio_lio_opcode = (uint16_t)operation,
                         .aio_fildes = (uint32_t)fd,
                         .aio_buf = (uintptr_t)buffer,
                         .aio_nbytes = size,
                         .aio_offset = offset};
}

CASE(aio_writes_and_reads)
{
    char text[4] = "abcd", back[4] = "";
    int fd = make_file("f", "");
    aio_context_t id = 0;
    struct iocb w = request(IOCB_CMD_PWRITE, fd, text, 4, 10), r = request(IOCB_CMD_PREAD, fd, back, 4, 10);
    struct iocb *list[] = {&w, &r};
    struct io_event events[2] = {{0}};
    REQUIRE_OK(setup(8, &id));
    EXPECT(id != 0);
    EXPECT_EQ(submit(id, 1, list), 1);
    EXPECT_EQ(get(id, 1, 1, events, NULL), 1);
    EXPECT_EQ(events[0].res, 4);
    EXPECT_EQ(events[0].data, 7);
    EXPECT(events[0].obj == (uintptr_t)&w);
    EXPECT_EQ(submit(id, 1, list + 1), 1);
    EXPECT_EQ(get(id, 1, 2, events, NULL), 1);
    EXPECT_EQ(events[0].res, 4);
    EXPECT(!memcmp(back, "abcd", 4));
    EXPECT_EQ(lseek(fd, 0, SEEK_CUR), 0);
    EXPECT_OK(syscall(SYS_io_destroy, id));
    close(fd);
}

CASE(aio_vectors_and_sync)
{
    char a[3] = "abc", b[3] = "def";
    struct iovec v[2] = {{a, 3}, {b, 3}};
    int fd = make_file("f", "");
    aio_context_t id = 0;
    struct iocb w = request(IOCB_CMD_PWRITEV, fd, v, 2, 0), s = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    struct iocb *list[] = {&w, &s};
    struct io_event events[2];
    REQUIRE_OK(setup(8, &id));
    EXPECT_EQ(submit(id, 1, list), 1);
    EXPECT_EQ(get(id, 1, 2, events, NULL), 1);
    EXPECT_EQ(events[0].res, 6);
    EXPECT_EQ(submit(id, 1, list + 1), 1);
    EXPECT_EQ(get(id, 1, 2, events, NULL), 1);
    EXPECT_EQ(events[0].res, 0);
    EXPECT_OK(syscall(SYS_io_destroy, id));
    close(fd);
}

CASE(aio_tells_an_eventfd)
{
    char text[4] = "abcd";
    int fd = make_file("f", ""), told = eventfd(0, 0);
    uint64_t count = 0;
    aio_context_t id = 0;
    struct iocb w = request(IOCB_CMD_PWRITE, fd, text, 4, 0);
    struct iocb *list[] = {&w};
    struct io_event event;
    w.aio_flags = IOCB_FLAG_RESFD;
    w.aio_resfd = (uint32_t)told;
    REQUIRE_OK(setup(8, &id));
    EXPECT_EQ(submit(id, 1, list), 1);
    EXPECT_EQ(read(told, &count, 8), 8);
    EXPECT_EQ(count, 1);
    EXPECT_EQ(get(id, 0, 1, &event, NULL), 1);
    w.aio_resfd = (uint32_t)fd;
    EXPECT_ERROR(submit(id, 1, list), EINVAL);
    EXPECT_OK(syscall(SYS_io_destroy, id));
    close(told);
    close(fd);
}

CASE(aio_refuses)
{
    char text[4] = "abcd";
    int fd = make_file("f", ""), read_only = open("f", O_RDONLY);
    aio_context_t id = 0, other = 1;
    struct iocb w = request(IOCB_CMD_PWRITE, fd, text, 4, 0), bad = request(IOCB_CMD_PWRITE, -1, text, 4, 0),
                no = request(IOCB_CMD_PWRITE, read_only, text, 4, 0), what = request(99, fd, text, 4, 0),
                before = request(IOCB_CMD_PWRITE, fd, text, 4, -1);
    struct iocb *list[] = {&w, &bad}, *list_no[] = {&no}, *list_what[] = {&what}, *list_before[] = {&before},
                *nowhere[] = {NULL};
    struct io_event event;
    EXPECT_ERROR(setup(0, &id), EINVAL);
    EXPECT_ERROR(setup(1, &other), EINVAL);
    EXPECT_ERROR(setup(1, NULL), EFAULT);
    EXPECT_ERROR(submit(12345, 1, list), EINVAL);
    EXPECT_ERROR(syscall(SYS_io_destroy, 12345), EINVAL);
    EXPECT_ERROR(get(12345, 0, 1, &event, NULL), EINVAL);
    REQUIRE_OK(setup(8, &id));
    EXPECT_EQ(submit(id, 0, list), 0);
    EXPECT_ERROR(submit(id, -1, list), EINVAL);
    EXPECT_ERROR(submit(id, 1, NULL), EFAULT);
    EXPECT_ERROR(submit(id, 1, nowhere), EFAULT);
    EXPECT_EQ(submit(id, 2, list), 1); // the second is bad
    EXPECT_ERROR(submit(id, 1, list + 1), EBADF);
    EXPECT_ERROR(submit(id, 1, list_no), EBADF);
    EXPECT_ERROR(submit(id, 1, list_what), EINVAL);
    EXPECT_ERROR(submit(id, 1, list_before), EINVAL);
    EXPECT_ERROR(get(id, 2, 1, &event, NULL), EINVAL);
    EXPECT_ERROR(get(id, -1, 1, &event, NULL), EINVAL);
    EXPECT_ERROR(get(id, 1, 1, NULL, NULL), EFAULT);
    EXPECT_EQ(get(id, 1, 1, &event, NULL), 1);
    EXPECT_OK(syscall(SYS_io_destroy, id));
    EXPECT_ERROR(syscall(SYS_io_destroy, id), EINVAL);
    close(read_only);
    close(fd);
}

CASE(aio_waits)
{
    struct timespec little = {0, 20000000}, none = {0, 0};
    aio_context_t id = 0;
    struct io_event event;
    REQUIRE_OK(setup(8, &id));
    uint64_t start = now_ns();
    EXPECT_EQ(get(id, 1, 1, &event, &little), 0);
    EXPECT(now_ns() - start >= 20000000);
    EXPECT_EQ(get(id, 1, 1, &event, &none), 0);
    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 20);
    EXPECT_ERROR(get(id, 1, 1, &event, NULL), EINTR);
    signal_me_done();
    EXPECT_OK(syscall(SYS_io_destroy, id));
}

CASE(aio_does_not_wait_if_told)
{
    char text[4];
    int p[2];
    aio_context_t id = 0;
    REQUIRE_OK(pipe(p));
    struct iocb r = request(IOCB_CMD_PREAD, p[0], text, 4, 0);
    struct iocb *list[] = {&r};
    struct io_event event;
    r.aio_rw_flags = RWF_NOWAIT;
    REQUIRE_OK(setup(8, &id));
    EXPECT_EQ(submit(id, 1, list), 1);
    EXPECT_EQ(get(id, 1, 1, &event, NULL), 1);
    EXPECT_EQ(event.res, -EAGAIN);
    EXPECT_EQ(write(p[1], "abcd", 4), 4);
    EXPECT_EQ(submit(id, 1, list), 1);
    EXPECT_EQ(get(id, 1, 1, &event, NULL), 1);
    EXPECT_EQ(event.res, 4);
    EXPECT_OK(syscall(SYS_io_destroy, id));
    close(p[0]);
    close(p[1]);
}

static aio_context_t shared_id;

static void *submit_later(void *argument)
{
    static char text[4] = "abcd";
    struct iocb w = request(IOCB_CMD_PWRITE, *(int *)argument, text, 4, 0);
    struct iocb *list[] = {&w};
    sleep_ms(20);
    EXPECT_EQ(submit(shared_id, 1, list), 1);
    return NULL;
}

CASE(aio_wakes_another_thread)
{
    int fd = make_file("f", "");
    struct io_event event;
    shared_id = 0;
    REQUIRE_OK(setup(8, &shared_id));
    pthread_t other = thread_start(submit_later, &fd);
    EXPECT_EQ(get(shared_id, 1, 1, &event, NULL), 1);
    EXPECT_EQ(event.res, 4);
    thread_join(other);
    EXPECT_OK(syscall(SYS_io_destroy, shared_id));
    close(fd);
}

static const struct test_case cases[] = {
    ENTRY(aio_writes_and_reads), ENTRY(aio_vectors_and_sync), ENTRY(aio_tells_an_eventfd),
    ENTRY(aio_refuses),          ENTRY(aio_waits),            ENTRY(aio_wakes_another_thread),
    ENTRY(aio_does_not_wait_if_told),
};
TEST_MAIN(cases)
