// SPDX-License-Identifier: BSD-3-Clause
// futex: wait, wake, bitsets, requeue, wake-op, timeouts, shared ones, robust lists, clear-tid.
#include "harness.h"

#include <linux/futex.h>
#include <sched.h>

static int word, other_word;
static int waiting, woken;

static long futex(int *at, int operation, unsigned value, const void *timeout, int *at2,
                  unsigned value3)
{
    return syscall(SYS_futex, at, operation, value, timeout, at2, value3);
}

static void *wait_on_word(void *unused)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
    while (futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == -1 && errno == EINTR)
        ;
    __atomic_add_fetch(&woken, 1, __ATOMIC_ACQ_REL);
    return unused;
}

static void start_waiters(pthread_t *thread, int count)
{
    word = other_word = waiting = woken = 0;
    for (int i = 0; i < count; i++)
        thread[i] = thread_start(wait_on_word, NULL);
    while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) < count)
        sleep_ms(1);
    sleep_ms(30); // so that all are inside
}

static void join_all(pthread_t *thread, int count)
{
    for (int i = 0; i < count; i++)
        thread_join(thread[i]);
}

CASE(wait_checks_the_value)
{
    word = 5;
    EXPECT_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 4, NULL, NULL, 0), EAGAIN);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
}

CASE(bad_arguments)
{
    EXPECT_ERROR(futex((int *)((char *)&word + 1), FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EINVAL);
    EXPECT_ERROR(futex((int *)16, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0), EFAULT);
    EXPECT_ERROR(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);
    struct timespec bad = {0, 1000000000};
    word = 0;
    EXPECT_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &bad, NULL, 0), EINVAL);
    EXPECT_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, 0), EINVAL);
}

CASE(wait_times_out)
{
    struct timespec brief = {0, 30000000};
    word = 0;
    uint64_t start = now_ns();
    EXPECT_ERROR(futex(&word, FUTEX_WAIT_PRIVATE, 0, &brief, NULL, 0), ETIMEDOUT);
    EXPECT(now_ns() - start >= 30000000);
}

CASE(absolute_timeouts)
{
    struct timespec until;
    word = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    EXPECT_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, NULL, ~0u), ETIMEDOUT);
    until.tv_sec -= 5; // long past
    EXPECT_ERROR(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, &until, NULL, ~0u), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &until);
    EXPECT_ERROR(
        futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 0, &until, NULL, ~0u),
        ETIMEDOUT);
}

CASE(wake_counts)
{
    pthread_t thread[4];
    start_waiters(thread, 4);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0), 2);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0), 1);
    join_all(thread, 4);
    EXPECT_EQ(woken, 4);
}

CASE(requeue_moves_waiters)
{
    pthread_t thread[4];
    start_waiters(thread, 4);
    EXPECT_EQ(futex(&word, FUTEX_REQUEUE_PRIVATE, 1, (void *)2, &other_word, 0), 3);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
    EXPECT_EQ(futex(&other_word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 2);
    join_all(thread, 4);
}

CASE(compare_requeue)
{
    pthread_t thread[3];
    start_waiters(thread, 3);
    EXPECT_ERROR(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)9, &other_word, 5), EAGAIN);
    EXPECT_EQ(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 0, (void *)9, &other_word, 0), 3);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 0);
    EXPECT_EQ(futex(&other_word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 3);
    join_all(thread, 3);
}

CASE(wake_op_changes_and_wakes)
{
    pthread_t thread[2];
    start_waiters(thread, 2);
    other_word = 3;
    int operation = FUTEX_OP(FUTEX_OP_ADD, 4, FUTEX_OP_CMP_GT, 2);
    EXPECT_EQ(futex(&other_word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)9, &word, (unsigned)operation),
              0);       // word was 0, not over 2: nobody
    EXPECT_EQ(word, 4); // but changed
    operation = FUTEX_OP(FUTEX_OP_SET, 9, FUTEX_OP_CMP_EQ, 4);
    EXPECT_EQ(futex(&other_word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)9, &word, (unsigned)operation),
              2);
    EXPECT_EQ(word, 9);
    join_all(thread, 2);
}

CASE(wake_op_arithmetic)
{
    static const struct {
        int operation, argument, before, after;
    } table[] = {{FUTEX_OP_SET, 5, 1, 5}, {FUTEX_OP_ADD, -2, 10, 8},
                 {FUTEX_OP_OR, 6, 1, 7},  {FUTEX_OP_ANDN, 6, 15, 9},
                 {FUTEX_OP_XOR, 5, 6, 3}, {FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT, 4, 1, 17}};
    for (size_t i = 0; i < COUNT(table); i++) {
        int operation = FUTEX_OP(table[i].operation, table[i].argument, FUTEX_OP_CMP_EQ, 0);
        other_word = table[i].before;
        EXPECT_EQ(
            futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, &other_word, (unsigned)operation), 0);
        EXPECT_EQ(other_word, table[i].after);
    }
}

static void *wait_bits(void *argument)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
    futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 0, NULL, NULL, (unsigned)(uintptr_t)argument);
    __atomic_or_fetch(&woken, (int)(uintptr_t)argument, __ATOMIC_ACQ_REL);
    return NULL;
}

CASE(bitsets_select)
{
    pthread_t thread[2];
    word = waiting = woken = 0;
    thread[0] = thread_start(wait_bits, (void *)1);
    thread[1] = thread_start(wait_bits, (void *)2);
    while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) < 2)
        sleep_ms(1);
    sleep_ms(30);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 4), 0);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 2), 1);
    thread_join(thread[1]);
    EXPECT_EQ(woken, 2);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 9, NULL, NULL, 3), 1);
    thread_join(thread[0]);
}

static void *wait_shared(void *argument)
{
    __atomic_add_fetch(&waiting, 1, __ATOMIC_ACQ_REL);
    futex(argument, FUTEX_WAIT, 0, NULL, NULL, 0);
    return NULL;
}

CASE(shared_futex_through_two_mappings)
{
    int fd = make_file("f", "");
    EXPECT_OK(ftruncate(fd, PAGE));
    int *a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int *b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    waiting = 0;
    pthread_t thread = thread_start(wait_shared, a + 3);
    while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    sleep_ms(30);
    EXPECT_EQ(futex(b + 3, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 0); // private: another key
    EXPECT_EQ(futex(b + 3, FUTEX_WAKE, 9, NULL, NULL, 0), 1);
    thread_join(thread);
    munmap(a, PAGE);
    munmap(b, PAGE);
    close(fd);
}

CASE(private_and_shared_keys_of_private_memory)
{
    pthread_t thread[1];
    start_waiters(thread, 1);
    EXPECT_EQ(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0), 0);
    EXPECT_EQ(futex(&word, FUTEX_WAKE_PRIVATE, 9, NULL, NULL, 0), 1);
    join_all(thread, 1);
}

static struct {
    struct robust_list_head head;
    struct robust_list entry;
    int lock;
} robust;

static void *die_with_lock(void *unused)
{
    robust.head.list.next = &robust.entry;
    robust.head.futex_offset = (char *)&robust.lock - (char *)&robust.entry;
    robust.head.list_op_pending = NULL;
    robust.entry.next = &robust.head.list;
    __atomic_store_n(&robust.lock, thread_id(), __ATOMIC_RELEASE);
    EXPECT_OK(syscall(SYS_set_robust_list, &robust.head, sizeof(robust.head)));
    __atomic_store_n(&waiting, 1, __ATOMIC_RELEASE);
    sleep_ms(60);
    return unused;
}

CASE(robust_list_marks_the_dead_owner)
{
    waiting = 0;
    pthread_t thread = thread_start(die_with_lock, NULL);
    while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    int owner = __atomic_load_n(&robust.lock, __ATOMIC_ACQUIRE);
    __atomic_or_fetch(&robust.lock, FUTEX_WAITERS, __ATOMIC_ACQ_REL);
    EXPECT_EQ(futex(&robust.lock, FUTEX_WAIT, (unsigned)owner | FUTEX_WAITERS, NULL, NULL, 0), 0);
    EXPECT_EQ((unsigned)robust.lock, FUTEX_OWNER_DIED | FUTEX_WAITERS);
    thread_join(thread);
    EXPECT_ERROR(syscall(SYS_set_robust_list, &robust.head, 3), EINVAL);
}

static pthread_mutex_t robust_mutex;

static void *lock_and_leave(void *unused)
{
    pthread_mutex_lock(&robust_mutex);
    return unused;
}

CASE(robust_mutex_of_pthreads)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust_mutex, &attributes);
    thread_join(thread_start(lock_and_leave, NULL));
    EXPECT_EQ(pthread_mutex_lock(&robust_mutex), EOWNERDEAD);
    EXPECT_EQ(pthread_mutex_consistent(&robust_mutex), 0);
    EXPECT_EQ(pthread_mutex_unlock(&robust_mutex), 0);
    pthread_mutex_destroy(&robust_mutex);
}

CASE(get_robust_list)
{
    struct robust_list_head *head = NULL;
    size_t size = 0;
    EXPECT_OK(syscall(SYS_get_robust_list, 0, &head, &size));
    EXPECT_EQ(size, sizeof(*head));
}

static void *ping(void *unused)
{
    for (int i = 0; i < 1000; i++) {
        while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 1)
            futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
        __atomic_store_n(&word, 0, __ATOMIC_RELEASE);
        futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return unused;
}

CASE(ping_pong)
{
    word = 0;
    pthread_t thread = thread_start(ping, NULL);
    for (int i = 0; i < 1000; i++) {
        __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
        futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) == 1)
            futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0);
    }
    thread_join(thread);
    EXPECT_EQ(word, 0);
}

static pthread_mutex_t mutex;

static void mutex_make(int type)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setrobust(&a, type);
    EXPECT_EQ(pthread_mutex_init(&mutex, &a), 0);
    pthread_mutexattr_destroy(&a);
}

static void *count_with_mutex(void *unused)
{
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        int now = word;
        if (i % 100 == 0)
            sched_yield();
        word = now + 1;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

CASE(priority_inheriting_mutexes)
{
    pthread_t threads[4];

    word = 0;
    mutex_make(PTHREAD_MUTEX_STALLED);
    for (int i = 0; i < 4; i++)
        threads[i] = thread_start(count_with_mutex, NULL);
    join_all(threads, 4);
    EXPECT_EQ(word, 8000);
    pthread_mutex_destroy(&mutex);
}

static void *lock_and_end(void *unused)
{
    pthread_mutex_lock(&mutex);
    __atomic_store_n(&waiting, 1, __ATOMIC_RELEASE);
    sleep_ms(30);
    return unused;
}

CASE(priority_inheriting_owner_dies)
{
    waiting = 0;
    mutex_make(PTHREAD_MUTEX_ROBUST);
    pthread_t thread = thread_start(lock_and_end, NULL);
    while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    EXPECT_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
    EXPECT_EQ(pthread_mutex_consistent(&mutex), 0);
    EXPECT_EQ(pthread_mutex_unlock(&mutex), 0);
    thread_join(thread);
    pthread_mutex_destroy(&mutex);
}

static void *hold_a_while(void *unused)
{
    word = thread_id();
    __atomic_store_n(&waiting, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&waiting, __ATOMIC_ACQUIRE) < 2)
        sleep_ms(1);
    if (!__sync_bool_compare_and_swap(&word, thread_id(), 0))
        EXPECT_OK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    return unused;
}

CASE(pi_lock_operations)
{
    struct timespec past = {1, 0};

    waiting = 0;
    pthread_t thread = thread_start(hold_a_while, NULL);
    while (!__atomic_load_n(&waiting, __ATOMIC_ACQUIRE))
        sleep_ms(1);
    EXPECT_ERROR(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EAGAIN);
    EXPECT_ERROR(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0), EPERM);
    EXPECT_ERROR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, &past, NULL, 0), ETIMEDOUT);
    __atomic_store_n(&waiting, 2, __ATOMIC_RELEASE);
    EXPECT_OK(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    EXPECT_EQ(word & FUTEX_TID_MASK, thread_id());
    EXPECT_ERROR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    EXPECT_OK(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0));
    EXPECT_EQ(word & FUTEX_TID_MASK, 0);
    thread_join(thread);
    word = 0x3ffffff0; // nobody's
    EXPECT_ERROR(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0), ESRCH);
}

CASE(shared_words_must_be_readable)
{
    uint32_t here = 0, *none = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    EXPECT_ERROR(syscall(SYS_futex, none, FUTEX_WAKE, 1, NULL, NULL, 0), EFAULT);
    EXPECT_ERROR(syscall(SYS_futex, &here, FUTEX_CMP_REQUEUE, 1, 1L, none, 0), EFAULT);
    EXPECT_EQ(syscall(SYS_futex, none, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 0);
    munmap(none, PAGE);
    EXPECT_ERROR(syscall(SYS_futex, &here, FUTEX_CMP_REQUEUE, 1, 1L, none, 0), EFAULT);
}

static const struct test_case cases[] = {
    ENTRY(wait_checks_the_value),
    ENTRY(bad_arguments),
    ENTRY(wait_times_out),
    ENTRY(absolute_timeouts),
    ENTRY(wake_counts),
    ENTRY(requeue_moves_waiters),
    ENTRY(compare_requeue),
    ENTRY(wake_op_changes_and_wakes),
    ENTRY(wake_op_arithmetic),
    ENTRY(bitsets_select),
    ENTRY(shared_futex_through_two_mappings),
    ENTRY(private_and_shared_keys_of_private_memory),
    ENTRY(robust_list_marks_the_dead_owner),
    ENTRY(robust_mutex_of_pthreads),
    ENTRY(get_robust_list),
    ENTRY(ping_pong),
    ENTRY(priority_inheriting_mutexes),
    ENTRY(priority_inheriting_owner_dies),
    ENTRY(pi_lock_operations),
    ENTRY(shared_words_must_be_readable),
};
TEST_MAIN(cases)
