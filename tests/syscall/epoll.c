// SPDX-License-Identifier: BSD-3-Clause
// epoll: level, edge, one-shot, exclusive, nested, closing, hang-up, masks.
#include "harness.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

static struct {
    int epoll, p[2];
} fixture;

// Makes an epoll instance that watches a pipe's read end for `events`.
static void setup(uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u64 = 0x123456789abcdefull};
    fixture.epoll = epoll_create1(EPOLL_CLOEXEC);
    EXPECT_OK(fixture.epoll);
    EXPECT_OK(pipe(fixture.p));
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.p[0], &event));
}

static void teardown(void)
{
    close(fixture.epoll);
    close(fixture.p[0]);
    close(fixture.p[1]);
}

static int wait_events(void) // the number of ready ones, without waiting
{
    struct epoll_event events[8];
    return epoll_wait(fixture.epoll, events, 8, 0);
}

static void put(void)
{
    EXPECT_EQ(write(fixture.p[1], "x", 1), 1);
}

static void get(void)
{
    char byte;
    EXPECT_EQ(read(fixture.p[0], &byte, 1), 1);
}

CASE(level_triggered)
{
    struct epoll_event event;
    setup(EPOLLIN);
    EXPECT_EQ(wait_events(), 0);
    put();
    EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 0), 1);
    EXPECT_EQ(event.events, EPOLLIN);
    EXPECT(event.data.u64 == 0x123456789abcdefull);
    EXPECT_EQ(wait_events(), 1);
    get();
    EXPECT_EQ(wait_events(), 0);
    teardown();
}

CASE(edge_triggered)
{
    setup(EPOLLIN | EPOLLET);
    put();
    EXPECT_EQ(wait_events(), 1);
    EXPECT_EQ(wait_events(), 0); // still readable, but nothing new
    put();
    EXPECT_EQ(wait_events(), 1);
    get();
    EXPECT_EQ(wait_events(), 0);
    teardown();
}

CASE(edge_reports_what_is_ready_at_add)
{
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
    setup(EPOLLIN);
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.p[1], &event));
    EXPECT_EQ(wait_events(), 1);
    EXPECT_EQ(wait_events(), 0);
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_MOD, fixture.p[1], &event));
    EXPECT_EQ(wait_events(), 1); // a change arms it again
    teardown();
}

CASE(one_shot)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT};
    setup(EPOLLIN | EPOLLONESHOT);
    put();
    EXPECT_EQ(wait_events(), 1);
    put();
    EXPECT_EQ(wait_events(), 0);
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_MOD, fixture.p[0], &event));
    EXPECT_EQ(wait_events(), 1);
    teardown();
}

CASE(control_errors)
{
    struct epoll_event event = {.events = EPOLLIN};
    int file = make_file("f", "");
    setup(EPOLLIN);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.p[0], &event), EEXIST);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_MOD, fixture.p[1], &event), ENOENT);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_DEL, fixture.p[1], NULL), ENOENT);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, 200, &event), EBADF);
    EXPECT_ERROR(epoll_ctl(200, EPOLL_CTL_ADD, fixture.p[1], &event), EBADF);
    EXPECT_ERROR(epoll_ctl(fixture.p[0], EPOLL_CTL_ADD, fixture.p[1], &event), EINVAL);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.epoll, &event), EINVAL);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, 77, fixture.p[1], &event), EINVAL);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, file, &event), EPERM);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.p[1], NULL), EFAULT);
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_DEL, fixture.p[0], NULL));
    EXPECT_ERROR(epoll_create(0), EINVAL);
    EXPECT_ERROR(epoll_create1(0x100), EINVAL);
    close(file);
    teardown();
}

CASE(wait_errors)
{
    struct epoll_event event;
    setup(EPOLLIN);
    EXPECT_ERROR(epoll_wait(fixture.epoll, &event, 0, 0), EINVAL);
    EXPECT_ERROR(epoll_wait(fixture.epoll, &event, -1, 0), EINVAL);
    EXPECT_ERROR(epoll_wait(200, &event, 1, 0), EBADF);
    EXPECT_ERROR(epoll_wait(fixture.p[0], &event, 1, 0), EINVAL);
    put();
    EXPECT_ERROR(epoll_wait(fixture.epoll, (void *)16, 1, 0), EFAULT);
    EXPECT_EQ(wait_events(), 1);
    teardown();
}

CASE(modify_changes_events_and_data)
{
    struct epoll_event event = {.events = 0, .data.u32 = 7};
    setup(EPOLLIN);
    put();
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_MOD, fixture.p[0], &event));
    EXPECT_EQ(wait_events(), 0);
    event.events = EPOLLIN;
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_MOD, fixture.p[0], &event));
    EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 0), 1);
    EXPECT_EQ(event.data.u32, 7);
    teardown();
}

CASE(closed_descriptor_leaves_the_set)
{
    setup(EPOLLIN);
    put();
    int copy = dup(fixture.p[0]);
    close(fixture.p[0]);
    EXPECT_EQ(wait_events(), 1); // the description is still open by the copy
    close(copy);
    EXPECT_EQ(wait_events(), 0);
    close(fixture.epoll);
    close(fixture.p[1]);
}

CASE(hangup_and_error_are_always_told)
{
    struct epoll_event event = {.events = 0};
    setup(0);
    close(fixture.p[1]);
    EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 0), 1);
    EXPECT_EQ(event.events, EPOLLHUP);
    close(fixture.p[0]);
    close(fixture.epoll);
}

CASE(peer_shutdown_is_rdhup)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    int s[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) < 0)
        SKIP("no socketpair");
    int epoll = epoll_create1(0);
    EXPECT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, s[0], &event));
    EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 0);
    EXPECT_OK(shutdown(s[1], SHUT_WR));
    EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 1);
    EXPECT_EQ(event.events, EPOLLIN | EPOLLRDHUP);
    close(s[1]);
    EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 1);
    EXPECT_EQ(event.events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
    close(s[0]);
    close(epoll);
}

CASE(nested_instances)
{
    struct epoll_event event = {.events = EPOLLIN};
    setup(EPOLLIN);
    int outer = epoll_create1(0);
    EXPECT_OK(epoll_ctl(outer, EPOLL_CTL_ADD, fixture.epoll, &event));
    EXPECT_EQ(epoll_wait(outer, &event, 1, 0), 0);
    put();
    EXPECT_EQ(epoll_wait(outer, &event, 1, 0), 1);
    get();
    EXPECT_EQ(epoll_wait(outer, &event, 1, 0), 0);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, outer, &event), ELOOP);
    close(outer);
    teardown();
}

CASE(instance_can_be_polled)
{
    setup(EPOLLIN);
    struct pollfd set = {fixture.epoll, POLLIN, 0};
    EXPECT_EQ(poll(&set, 1, 0), 0);
    put();
    EXPECT_EQ(poll(&set, 1, 0), 1);
    EXPECT_EQ(set.revents, POLLIN);
    teardown();
}

CASE(ready_ones_take_turns)
{
    struct epoll_event event = {.events = EPOLLIN};
    uint64_t one = 1;
    unsigned seen = 0;
    int fd[3];
    fixture.epoll = epoll_create1(0);
    for (uint32_t i = 0; i < 3; i++) {
        fd[i] = eventfd(0, 0);
        event = (struct epoll_event){.events = EPOLLIN, .data.u32 = i};
        EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fd[i], &event));
        EXPECT_EQ(write(fd[i], &one, 8), 8);
    }
    for (int i = 0; i < 3; i++) { // one at a time, level-triggered: nobody starves
        EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 0), 1);
        seen |= 1u << event.data.u32;
    }
    EXPECT_EQ(seen, 7);
    for (int i = 0; i < 3; i++)
        close(fd[i]);
    close(fixture.epoll);
}

static void *put_later(void *unused)
{
    sleep_ms(30);
    put();
    return unused;
}

CASE(wait_blocks_until_ready)
{
    struct epoll_event event;
    setup(EPOLLIN);
    pthread_t thread = thread_start(put_later, NULL);
    EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 5000), 1);
    thread_join(thread);
    teardown();
}

CASE(wait_times_out)
{
    struct epoll_event event;
    struct timespec limit = {0, 20000000};
    setup(EPOLLIN);
    uint64_t start = now_ns();
    EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 30), 0);
    EXPECT(now_ns() - start >= 30000000);
    long got = syscall(441 /* epoll_pwait2 */, fixture.epoll, &event, 1, &limit, NULL, 8);
    EXPECT_EQ(got, 0);
    teardown();
}

static void *add_later(void *unused)
{
    struct epoll_event event = {.events = EPOLLOUT};
    sleep_ms(30);
    EXPECT_OK(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.p[1], &event));
    return unused;
}

CASE(added_while_waiting)
{
    struct epoll_event event;
    setup(EPOLLIN);
    pthread_t thread = thread_start(add_later, NULL);
    EXPECT_EQ(epoll_wait(fixture.epoll, &event, 1, 5000), 1);
    EXPECT_EQ(event.events, EPOLLOUT);
    thread_join(thread);
    teardown();
}

CASE(wait_is_interrupted)
{
    struct epoll_event event;
    setup(EPOLLIN);
    on_signal(SIGUSR1, count_signal, SA_RESTART); // never restarted
    signal_me_later(SIGUSR1, 30);
    EXPECT_ERROR(epoll_wait(fixture.epoll, &event, 1, 5000), EINTR);
    signal_me_done();
    teardown();
}

CASE(pwait_sets_the_mask)
{
    struct epoll_event event;
    sigset_t none;
    sigemptyset(&none);
    setup(EPOLLIN);
    on_signal(SIGUSR1, count_signal, 0);
    block_signal(SIGUSR1);
    raise(SIGUSR1);
    EXPECT_ERROR(epoll_pwait(fixture.epoll, &event, 1, 5000, &none), EINTR);
    EXPECT_EQ(signal_count, 1);
    teardown();
}

CASE(exclusive_flag_rules)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    setup(EPOLLIN | EPOLLEXCLUSIVE);
    put();
    EXPECT_EQ(wait_events(), 1);
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_MOD, fixture.p[0], &event), EINVAL);
    event.events |= EPOLLONESHOT;
    EXPECT_ERROR(epoll_ctl(fixture.epoll, EPOLL_CTL_ADD, fixture.p[1], &event), EINVAL);
    teardown();
}

static int woken;

static void *wait_exclusively(void *unused)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLET};
    int epoll = epoll_create1(0);
    EXPECT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, fixture.p[0], &event));
    if (epoll_wait(epoll, &event, 1, 400) == 1)
        __atomic_add_fetch(&woken, 1, __ATOMIC_ACQ_REL);
    close(epoll);
    return unused;
}

CASE(exclusive_wakes_few)
{
    pthread_t thread[4];
    woken = 0;
    REQUIRE_OK(pipe(fixture.p));
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(wait_exclusively, NULL);
    sleep_ms(100);
    put();
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
    EXPECT(woken >= 1 && woken < 4);
    close(fixture.p[0]);
    close(fixture.p[1]);
}

static const struct test_case cases[] = {
    ENTRY(level_triggered),
    ENTRY(edge_triggered),
    ENTRY(edge_reports_what_is_ready_at_add),
    ENTRY(one_shot),
    ENTRY(control_errors),
    ENTRY(wait_errors),
    ENTRY(modify_changes_events_and_data),
    ENTRY(closed_descriptor_leaves_the_set),
    ENTRY(hangup_and_error_are_always_told),
    ENTRY(peer_shutdown_is_rdhup),
    ENTRY(nested_instances),
    ENTRY(instance_can_be_polled),
    ENTRY(ready_ones_take_turns),
    ENTRY(wait_blocks_until_ready),
    ENTRY(wait_times_out),
    ENTRY(added_while_waiting),
    ENTRY(wait_is_interrupted),
    ENTRY(pwait_sets_the_mask),
    ENTRY(exclusive_flag_rules),
    ENTRY(exclusive_wakes_few),
};
TEST_MAIN(cases)
