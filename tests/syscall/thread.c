// SPDX-License-Identifier: BSD-3-Clause
// Threads by pthreads: creation, identity, thread-local storage, synchronisation, cancellation,
// and preemption of threads that never call the kernel.
#include "harness.h"

#include <sched.h>
#include <semaphore.h>

static _Thread_local int local = 7;
static int shared;

static void *set_local(void *argument)
{
    EXPECT_EQ(local, 7);
    local = (int)(intptr_t)argument;
    sched_yield();
    EXPECT_EQ(local, (int)(intptr_t)argument);
    return argument;
}

CASE(create_and_join)
{
    void *result = NULL;
    pthread_t thread;
    pthread_attr_t attributes;
    static char stack[65536] __attribute__((aligned(4096)));
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, stack, sizeof(stack));
    EXPECT_EQ(pthread_create(&thread, &attributes, set_local, (void *)42), 0);
    EXPECT_EQ(pthread_join(thread, &result), 0);
    EXPECT_EQ((intptr_t)result, 42);
}

CASE(thread_local_storage)
{
    pthread_t thread[8];
    for (intptr_t i = 0; i < 8; i++)
        thread[i] = thread_start(set_local, (void *)(100 + i));
    for (int i = 0; i < 8; i++)
        thread_join(thread[i]);
    EXPECT_EQ(local, 7);
}

static void *tell_ids(void *argument)
{
    int *ids = argument;
    ids[0] = getpid();
    ids[1] = thread_id();
    return NULL;
}

CASE(identities)
{
    int ids[2] = {0, 0};
    EXPECT_EQ(thread_id(), getpid());
    thread_join(thread_start(tell_ids, ids));
    EXPECT_EQ(ids[0], getpid());
    EXPECT(ids[1] > 0 && ids[1] != getpid());
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;

static void *add_thousand(void *unused)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&mutex);
        int value = shared;
        if (i % 100 == 0)
            sched_yield(); // provoke contention
        shared = value + 1;
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

CASE(mutex_excludes)
{
    pthread_t thread[8];
    shared = 0;
    for (int i = 0; i < 8; i++)
        thread[i] = thread_start(add_thousand, NULL);
    for (int i = 0; i < 8; i++)
        thread_join(thread[i]);
    EXPECT_EQ(shared, 8000);
}

static void *ping_pong(void *argument)
{
    int me = (int)(intptr_t)argument;
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 200; i++) {
        while (shared % 2 != me)
            pthread_cond_wait(&condition, &mutex);
        shared++;
        pthread_cond_broadcast(&condition);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

CASE(condition_variables)
{
    shared = 0;
    pthread_t a = thread_start(ping_pong, (void *)0), b = thread_start(ping_pong, (void *)1);
    thread_join(a);
    thread_join(b);
    EXPECT_EQ(shared, 400);
}

CASE(condition_wait_times_out)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 30000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&mutex);
    EXPECT_EQ(pthread_cond_timedwait(&condition, &mutex, &until), ETIMEDOUT);
    pthread_mutex_unlock(&mutex);
}

static pthread_barrier_t barrier;

static void *meet(void *unused)
{
    for (int i = 0; i < 50; i++) {
        pthread_barrier_wait(&barrier);
        __atomic_add_fetch(&shared, 1, __ATOMIC_RELAXED);
        pthread_barrier_wait(&barrier);
        EXPECT_EQ(__atomic_load_n(&shared, __ATOMIC_RELAXED), 4 * (i + 1));
        pthread_barrier_wait(&barrier);
    }
    return unused;
}

CASE(barriers)
{
    pthread_t thread[4];
    shared = 0;
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(meet, NULL);
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
    pthread_barrier_destroy(&barrier);
}

static sem_t semaphore;

static void *post_many(void *unused)
{
    for (int i = 0; i < 300; i++)
        sem_post(&semaphore);
    return unused;
}

CASE(semaphores)
{
    sem_init(&semaphore, 0, 0);
    pthread_t a = thread_start(post_many, NULL), b = thread_start(post_many, NULL);
    for (int i = 0; i < 600; i++)
        EXPECT_OK(sem_wait(&semaphore));
    EXPECT_ERROR(sem_trywait(&semaphore), EAGAIN);
    thread_join(a);
    thread_join(b);
    sem_destroy(&semaphore);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void *read_and_write(void *unused)
{
    for (int i = 0; i < 200; i++) {
        pthread_rwlock_wrlock(&rwlock);
        shared++;
        pthread_rwlock_unlock(&rwlock);
        pthread_rwlock_rdlock(&rwlock);
        EXPECT(shared > 0);
        pthread_rwlock_unlock(&rwlock);
    }
    return unused;
}

CASE(read_write_locks)
{
    pthread_t thread[4];
    shared = 0;
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(read_and_write, NULL);
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
    EXPECT_EQ(shared, 800);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void count_destroy(void *value)
{
    shared += (int)(intptr_t)value;
}

static void make_key(void)
{
    pthread_key_create(&key, count_destroy);
}

static void *use_key(void *argument)
{
    pthread_once(&once, make_key);
    pthread_setspecific(key, argument);
    return NULL;
}

CASE(keys_and_once)
{
    shared = 0;
    thread_join(thread_start(use_key, (void *)5));
    thread_join(thread_start(use_key, (void *)6));
    EXPECT_EQ(shared, 11);
    pthread_key_delete(key);
}

static volatile int spin_stop, spin_started;

static void *spin(void *unused)
{
    __atomic_store_n(&spin_started, 1, __ATOMIC_RELEASE);
    while (!__atomic_load_n(&spin_stop, __ATOMIC_ACQUIRE))
        ; // no system call
    return unused;
}

CASE(spinning_thread_is_preempted)
{
    spin_stop = spin_started = 0;
    pthread_t thread = thread_start(spin, NULL);
    while (!__atomic_load_n(&spin_started, __ATOMIC_ACQUIRE))
        sched_yield();
    sleep_ms(20);
    __atomic_store_n(&spin_stop, 1, __ATOMIC_RELEASE);
    thread_join(thread);
}

CASE(spinners_share_the_processor)
{
    pthread_t thread[4];
    spin_stop = 0;
    for (int i = 0; i < 4; i++)
        thread[i] = thread_start(spin, NULL);
    uint64_t start = now_ns(), rounds = 0;
    while (now_ns() - start < 100000000)
        rounds++;
    EXPECT(rounds > 10);
    __atomic_store_n(&spin_stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 4; i++)
        thread_join(thread[i]);
}

static volatile int wait_for_signal;

static void stop_waiting(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)info, (void)context;
    wait_for_signal = 0;
}

CASE(spinning_thread_takes_signals)
{
    wait_for_signal = 1;
    on_signal(SIGUSR1, stop_waiting, 0);
    signal_me_later(SIGUSR1, 30);
    while (wait_for_signal)
        ;
    signal_me_done();
}

static void *spin_with_state(void *argument)
{
    double x = (double)(intptr_t)argument, y = x;
    uint64_t integer = (uint64_t)(intptr_t)argument, check = integer;
    while (!__atomic_load_n(&spin_stop, __ATOMIC_ACQUIRE)) {
        y = y * 3.0 / 3.0;
        integer = integer * 5 - (integer << 2);
    }
    EXPECT(y == x);
    EXPECT_EQ(integer, check);
    return NULL;
}

CASE(preemption_keeps_registers)
{
    pthread_t thread[6];
    spin_stop = 0;
    for (intptr_t i = 0; i < 6; i++)
        thread[i] = thread_start(spin_with_state, (void *)(i + 3));
    sleep_ms(150);
    __atomic_store_n(&spin_stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 6; i++)
        thread_join(thread[i]);
}

static void *do_nothing(void *unused)
{
    return unused;
}

CASE(a_thousand_threads_in_turn)
{
    for (int i = 0; i < 1000; i++)
        thread_join(thread_start(do_nothing, NULL));
}

static void *block_forever(void *unused)
{
    for (;;)
        pause();
    return unused;
}

CASE(cancellation)
{
    test_ignore_mappings(); // glibc loads libgcc_s for this
    pthread_t thread = thread_start(block_forever, NULL);
    sleep_ms(10);
    EXPECT_EQ(pthread_cancel(thread), 0);
    thread_join(thread);
}

static void *exit_inside(void *argument)
{
    shared = (int)(intptr_t)argument;
    pthread_exit(NULL);
}

CASE(pthread_exit_ends_only_the_thread)
{
    thread_join(thread_start(exit_inside, (void *)3));
    EXPECT_EQ(shared, 3);
}

CASE(yield_and_affinity)
{
    cpu_set_t set;
    EXPECT_OK(sched_yield());
    EXPECT_OK(sched_getaffinity(0, sizeof(set), &set));
    EXPECT(CPU_COUNT(&set) >= 1);
    EXPECT(sched_getcpu() >= 0);
    EXPECT_OK(sched_setaffinity(0, sizeof(set), &set));
    EXPECT_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_OTHER);
}

static const struct test_case cases[] = {
    ENTRY(create_and_join),
    ENTRY(thread_local_storage),
    ENTRY(identities),
    ENTRY(mutex_excludes),
    ENTRY(condition_variables),
    ENTRY(condition_wait_times_out),
    ENTRY(barriers),
    ENTRY(semaphores),
    ENTRY(read_write_locks),
    ENTRY(keys_and_once),
    ENTRY(spinning_thread_is_preempted),
    ENTRY(spinners_share_the_processor),
    ENTRY(spinning_thread_takes_signals),
    ENTRY(preemption_keeps_registers),
    ENTRY(a_thousand_threads_in_turn),
    ENTRY(cancellation),
    ENTRY(pthread_exit_ends_only_the_thread),
    ENTRY(yield_and_affinity),
};
TEST_MAIN(cases)
