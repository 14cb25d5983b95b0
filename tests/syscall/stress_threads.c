// SPDX-License-Identifier: BSD-3-Clause
// Many threads at the same kernel objects: descriptors, directories, pipes, epoll sets, futexes,
// sleeping and ending. Counts must come out exact.
#include "harness.h"

#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { THREADS = 8 };

static int counter;

static void run_all(void *(*entry)(void *), int count)
{
    pthread_t thread[16];
    for (intptr_t i = 0; i < count; i++)
        thread[i] = thread_start(entry, (void *)i);
    for (int i = 0; i < count; i++)
        thread_join(thread[i]);
}

static void *open_and_close(void *unused)
{
    for (int i = 0; i < 400; i++) {
        int fd = open("/dev/null", O_RDWR | O_CLOEXEC), copy = dup(fd);
        EXPECT(fd >= 0 && copy >= 0 && fd != copy);
        EXPECT_EQ(write(fd, "x", 1), 1);
        if (i % 10 == 0)
            sched_yield();
        EXPECT_OK(close(fd));
        EXPECT_EQ(write(copy, "x", 1), 1);
        EXPECT_OK(close(copy));
    }
    return unused;
}

CASE(descriptors_come_and_go)
{
    run_all(open_and_close, THREADS);
}

static void *make_and_remove(void *argument)
{
    char mine[32], other[32];
    for (int i = 0; i < 100; i++) {
        snprintf(mine, sizeof(mine), "n%d-%d", (int)(intptr_t)argument, i % 5);
        snprintf(other, sizeof(other), "m%d", i % 3); // fought for
        int fd = open(mine, O_RDWR | O_CREAT | O_EXCL, 0600);
        EXPECT_OK(fd);
        close(fd);
        rename(mine, other);
        if (i % 4 == 0)
            sched_yield();
        unlink(other);
        EXPECT_ERROR(access(mine, F_OK), ENOENT);
    }
    return NULL;
}

CASE(names_come_and_go)
{
    run_all(make_and_remove, THREADS);
}

static void *append_lines(void *argument)
{
    char line[16];
    int fd = open("log", O_WRONLY | O_APPEND | O_CREAT, 0600);
    for (int i = 0; i < 250; i++) {
        snprintf(line, sizeof(line), "%d %07d\n", (int)(intptr_t)argument, i);
        EXPECT_EQ(write(fd, line, 10), 10);
    }
    close(fd);
    return NULL;
}

CASE(appends_do_not_overwrite)
{
    static char text[THREADS * 2500 + 1];
    int next[THREADS] = {0};
    run_all(append_lines, THREADS);
    EXPECT_EQ(read_file("log", text, sizeof(text)), THREADS * 2500);
    for (int i = 0; i < THREADS * 250; i++) {
        int who = text[i * 10] - '0';
        EXPECT(who >= 0 && who < THREADS && text[i * 10 + 9] == '\n');
        EXPECT_EQ(atoi(text + i * 10 + 2), next[who]);
        next[who]++;
    }
}

static int wakeups, event_fd, epoll_fd;

static void *consume(void *unused)
{
    struct epoll_event event;
    uint64_t one;
    for (;;) {
        if (epoll_wait(epoll_fd, &event, 1, 2000) != 1)
            break;
        if (read(event_fd, &one, 8) != 8)
            continue; // another was faster
        if (__atomic_add_fetch(&wakeups, 1, __ATOMIC_ACQ_REL) >= 2000)
            break;
    }
    one = 1; // let the others see the end
    EXPECT_EQ(write(event_fd, &one, 8), 8);
    return unused;
}

static void *produce(void *unused)
{
    uint64_t one = 1;
    for (int i = 0; i < 1000; i++) {
        EXPECT_EQ(write(event_fd, &one, 8), 8);
        if (i % 16 == 0)
            sched_yield();
    }
    return unused;
}

CASE(events_are_counted_once)
{
    struct epoll_event event = {.events = EPOLLIN};
    wakeups = 0;
    event_fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK);
    epoll_fd = epoll_create1(0);
    EXPECT_OK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &event));
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(i < 2 ? consume : produce, NULL);
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
    EXPECT(wakeups >= 2000 && wakeups <= 2002);
    close(event_fd);
    close(epoll_fd);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *take_turns(void *argument)
{
    int me = (int)(intptr_t)argument;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        while (counter % THREADS != me) {
            struct timespec soon;
            clock_gettime(CLOCK_REALTIME, &soon);
            soon.tv_sec += 5;
            if (i % 2 ? pthread_cond_wait(&condition, &mutex)
                      : pthread_cond_timedwait(&condition, &mutex, &soon)) {
                test_fail(__FILE_NAME__, __LINE__, "a wait of thread %d failed", me);
                pthread_mutex_unlock(&mutex);
                return NULL;
            }
        }
        counter++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

CASE(turns_with_timeouts)
{
    counter = 0;
    run_all(take_turns, THREADS);
    EXPECT_EQ(counter, THREADS * 100);
}

static int ring[THREADS][2];

static void *pass_on(void *argument)
{
    int me = (int)(intptr_t)argument;
    char byte;
    for (int i = 0; i < 200; i++) {
        EXPECT_EQ(read(ring[me][0], &byte, 1), 1);
        EXPECT_EQ(write(ring[(me + 1) % THREADS][1], &byte, 1), 1);
    }
    return NULL;
}

CASE(token_round_a_ring_of_pipes)
{
    char byte = 't';
    for (int i = 0; i < THREADS; i++)
        REQUIRE_OK(pipe(ring[i]));
    EXPECT_EQ(write(ring[0][1], &byte, 1), 1);
    run_all(pass_on, THREADS);
    EXPECT_EQ(read(ring[0][0], &byte, 1), 1);
    EXPECT_EQ(byte, 't');
    for (int i = 0; i < THREADS; i++) {
        close(ring[i][0]);
        close(ring[i][1]);
    }
}

static void *sleep_often(void *argument)
{
    for (int i = 0; i < 50; i++) {
        struct timespec brief = {0, 100000 * (1 + ((intptr_t)argument + i) % 7)};
        uint64_t begin = now_ns();
        EXPECT_OK(nanosleep(&brief, NULL));
        EXPECT(now_ns() - begin >= (uint64_t)brief.tv_nsec);
    }
    return NULL;
}

CASE(many_sleepers)
{
    run_all(sleep_often, 16);
}

static void *end_detached(void *unused)
{
    __atomic_add_fetch(&counter, 1, __ATOMIC_ACQ_REL);
    return unused;
}

CASE(detached_threads_end)
{
    pthread_attr_t attributes;
    counter = 0;
    test_ignore_mappings(); // stacks are the C library's here
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        int error = pthread_create(&thread, &attributes, end_detached, NULL);
        EXPECT_EQ(error, 0);
        if (i % 50 == 0)
            sleep_ms(2);
    }
    for (int i = 0; i < 1000 && __atomic_load_n(&counter, __ATOMIC_ACQUIRE) < 300; i++)
        sleep_ms(2);
    EXPECT_EQ(counter, 300);
}

static void *block_in_read(void *argument)
{
    char byte;
    (void)!read(*(int *)argument, &byte, 1);
    return NULL;
}

CASE(cancel_blocked_threads)
{
    int p[2];
    pthread_t thread[8];
    REQUIRE_OK(pipe(p));
    test_ignore_mappings();
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 8; i++)
            thread[i] = thread_start(block_in_read, &p[0]);
        for (int i = 0; i < 8; i++)
            EXPECT_EQ(pthread_cancel(thread[i]), 0);
        for (int i = 0; i < 8; i++)
            thread_join(thread[i]);
    }
    close(p[0]);
    close(p[1]);
}

static const struct test_case cases[] = {
    ENTRY(descriptors_come_and_go), ENTRY(names_come_and_go),    ENTRY(appends_do_not_overwrite),
    ENTRY(events_are_counted_once), ENTRY(turns_with_timeouts),  ENTRY(token_round_a_ring_of_pipes),
    ENTRY(many_sleepers),           ENTRY(detached_threads_end), ENTRY(cancel_blocked_threads),
};
TEST_MAIN(cases)
