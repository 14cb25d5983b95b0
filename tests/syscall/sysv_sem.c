// SPDX-License-Identifier: BSD-3-Clause
// System V semaphores: semget(2), semop(2), semctl(2), between threads and children.
#include "harness.h"

#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>

union semun {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int value(int id, int number)
{
    return semctl(id, number, GETVAL);
}

static int set_value(int id, int number, int to)
{
    return semctl(id, number, SETVAL, (union semun){.val = to});
}

static int operate(int id, int number, int by, int flags)
{
    struct sembuf o = {(unsigned short)number, (short)by, (short)flags};
    return semop(id, &o, 1);
}

static int in_child(int (*run)(int), int argument)
{
    int status, pid = fork();

    if (!pid)
        _exit(run(argument));
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

CASE(sem_get)
{
    int key = 0x3234000 + getpid() % 4096, id = semget(key, 3, IPC_CREAT | 0600);
    struct semid_ds ds;

    REQUIRE_OK(id);
    EXPECT_EQ(semget(key, 0, 0), id);
    EXPECT_EQ(semget(key, 3, IPC_CREAT | 0600), id);
    EXPECT_ERROR(semget(key, 4, 0), EINVAL);
    EXPECT_ERROR(semget(key, 3, IPC_CREAT | IPC_EXCL), EEXIST);
    EXPECT_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
    EXPECT_EQ(ds.sem_nsems, 3);
    EXPECT_EQ(ds.sem_otime, 0);
    EXPECT(ds.sem_ctime != 0);
    EXPECT_EQ(ds.sem_perm.mode, 0600);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
    EXPECT_ERROR(semget(key, 0, 0), ENOENT);
    EXPECT_ERROR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
    EXPECT_ERROR(semget(IPC_PRIVATE, -1, 0600), EINVAL);
    EXPECT_ERROR(semget(IPC_PRIVATE, 32001, 0600), EINVAL);
    EXPECT_ERROR(semctl(id, 0, GETVAL), EINVAL);
    EXPECT_ERROR(operate(id, 0, 1, 0), EINVAL);
}

CASE(sem_values)
{
    int id = semget(IPC_PRIVATE, 3, 0600);
    unsigned short all[3] = {1, 2, 3};

    EXPECT_OK(semctl(id, 0, SETALL, (union semun){.array = all}));
    memset(all, 0, sizeof(all));
    EXPECT_OK(semctl(id, 0, GETALL, (union semun){.array = all}));
    EXPECT_EQ(all[0] * 100 + all[1] * 10 + all[2], 123);
    EXPECT_OK(set_value(id, 1, 32767));
    EXPECT_ERROR(set_value(id, 1, 32768), ERANGE);
    EXPECT_ERROR(set_value(id, 1, -1), ERANGE);
    EXPECT_ERROR(set_value(id, 3, 1), EINVAL);
    EXPECT_ERROR(set_value(id, -1, 1), EINVAL);
    EXPECT_ERROR(semctl(id, 3, GETVAL), EINVAL);
    EXPECT_ERROR(operate(id, 1, 1, 0), ERANGE);
    EXPECT_ERROR(operate(id, 3, 1, 0), EFBIG);
    all[1] = 40000;
    EXPECT_ERROR(semctl(id, 0, SETALL, (union semun){.array = all}), ERANGE);
    EXPECT_ERROR(semctl(id, 0, SETALL, (union semun){.array = NULL}), EFAULT);
    EXPECT_ERROR(semctl(id, 0, 4711), EINVAL);
    EXPECT_EQ(semctl(id, 2, GETPID), getpid());
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

CASE(sem_operations)
{
    int id = semget(IPC_PRIVATE, 3, 0600);
    struct sembuf two[2] = {{0, 2, 0}, {1, -1, IPC_NOWAIT}};
    struct sembuf zero[2] = {{0, 0, 0}, {0, 1, 0}};
    static struct sembuf many[501];
    struct timespec bad = {0, 2000000000}, soon = {0, 30000000};
    struct semid_ds ds;

    EXPECT_ERROR(semop(id, two, 2), EAGAIN);
    EXPECT_EQ(value(id, 0), 0); // all or none
    EXPECT_OK(set_value(id, 1, 1));
    EXPECT_OK(semop(id, two, 2));
    EXPECT_EQ(value(id, 0), 2);
    EXPECT_EQ(value(id, 1), 0);
    EXPECT_OK(set_value(id, 0, 0));
    EXPECT_OK(semop(id, zero, 2));
    zero[0].sem_flg = IPC_NOWAIT;
    EXPECT_ERROR(semop(id, zero, 2), EAGAIN);
    EXPECT_OK(semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}));
    EXPECT(ds.sem_otime != 0);
    EXPECT_ERROR(semop(id, two, 0), EINVAL);
    EXPECT_ERROR(semop(-1, two, 1), EINVAL);
    EXPECT_ERROR(semop(id, NULL, 1), EFAULT);
    EXPECT_ERROR(semop(-1, many, 501), E2BIG);
    for (int i = 0; i < 500; i++)
        many[i] = (struct sembuf){2, 1, 0};
    EXPECT_OK(semop(id, many, 500));
    EXPECT_EQ(value(id, 2), 500);
    EXPECT_ERROR(semtimedop(id, two, 1, &bad), EINVAL);
    uint64_t start = now_ns();
    two[1].sem_flg = 0;
    EXPECT_ERROR(semtimedop(id, two + 1, 1, &soon), EAGAIN);
    EXPECT(now_ns() - start >= 30000000);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

static int waits;

static void *wait_for_one(void *arg)
{
    int result = operate(waits, 0, -1, 0);
    return (void *)(intptr_t)(result ? errno : 0);
}


CASE(sem_waits)
{
    pthread_t t;

    waits = semget(IPC_PRIVATE, 2, 0600);
    t = thread_start(wait_for_one, NULL);
    while (semctl(waits, 0, GETNCNT) != 1)
        sleep_ms(1);
    EXPECT_EQ(semctl(waits, 0, GETZCNT), 0);
    EXPECT_EQ(semctl(waits, 1, GETNCNT), 0);
    EXPECT_OK(operate(waits, 0, 1, 0));
    thread_join(t);
    EXPECT_EQ(value(waits, 0), 0);
    EXPECT_EQ(semctl(waits, 0, GETNCNT), 0);
    EXPECT_OK(semctl(waits, 0, IPC_RMID));
}

static int child_waits_for_removal(int id)
{
    return operate(id, 0, -1, 0) ? errno : 0;
}

CASE(sem_removal_wakes)
{
    int id = semget(IPC_PRIVATE, 2, 0600), status, pid = fork();

    if (!pid)
        _exit(child_waits_for_removal(id));
    while (semctl(id, 0, GETNCNT) != 1)
        sleep_ms(1);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(WEXITSTATUS(status), EIDRM);
}

CASE(sem_wait_for_zero)
{
    int id = semget(IPC_PRIVATE, 1, 0600), status, pid;

    EXPECT_OK(set_value(id, 0, 2));
    pid = fork();
    if (!pid)
        _exit(operate(id, 0, 0, 0) ? errno : 0);
    while (semctl(id, 0, GETZCNT) != 1)
        sleep_ms(1);
    EXPECT_OK(operate(id, 0, -1, 0));
    EXPECT_OK(operate(id, 0, -1, 0));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(semctl(id, 0, GETPID), pid);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

CASE(sem_signal_interrupts)
{
    int id = semget(IPC_PRIVATE, 1, 0600);

    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 20);
    EXPECT_ERROR(operate(id, 0, -1, 0), EINTR);
    signal_me_done();
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

static int child_takes_with_undo(int id)
{
    if (operate(id, 0, -3, SEM_UNDO) || operate(id, 1, 2, SEM_UNDO) || operate(id, 2, 5, 0))
        return 1;
    return value(id, 0) * 100 + value(id, 1) * 10 + value(id, 2);
}

static int child_dies_with_undo(int id)
{
    if (operate(id, 0, -3, SEM_UNDO))
        return 1;
    raise(SIGKILL);
    return 2;
}

static int child_undoes_below_zero(int id)
{
    return operate(id, 0, 2, SEM_UNDO) || operate(id, 0, -4, 0);
}

static int child_execs(int id)
{
    if (operate(id, 0, -3, SEM_UNDO))
        return 1;
    return 0;
}

CASE(sem_undo)
{
    int id = semget(IPC_PRIVATE, 3, 0600);

    EXPECT_OK(set_value(id, 0, 3));
    EXPECT_EQ(in_child(child_takes_with_undo, id), 25);
    EXPECT_EQ(value(id, 0), 3);
    EXPECT_EQ(value(id, 1), 0);
    EXPECT_EQ(value(id, 2), 5);
    EXPECT_EQ(in_child(child_dies_with_undo, id), 1000 + SIGKILL);
    EXPECT_EQ(value(id, 0), 3);
    EXPECT_EQ(in_child(child_undoes_below_zero, id), 0);
    EXPECT_EQ(value(id, 0), 0); // not -1
    EXPECT_OK(set_value(id, 0, 3));
    EXPECT_EQ(in_child(child_execs, id), 0);
    EXPECT_EQ(value(id, 0), 3);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

static int child_undo_forgotten(int id)
{
    return operate(id, 0, -3, SEM_UNDO) || set_value(id, 0, 7);
}

static int child_undo_range(int id)
{
    if (operate(id, 0, 32767, SEM_UNDO) || operate(id, 0, -32767, 0))
        return 1;
    if (operate(id, 0, 1, SEM_UNDO))
        return 2;
    if (operate(id, 0, -1, 0) || operate(id, 0, 1, SEM_UNDO) != -1)
        return 3;
    return errno == ERANGE ? 0 : 4;
}

CASE(sem_undo_limits)
{
    int id = semget(IPC_PRIVATE, 1, 0600);

    EXPECT_OK(set_value(id, 0, 3));
    EXPECT_EQ(in_child(child_undo_forgotten, id), 0);
    EXPECT_EQ(value(id, 0), 7);
    EXPECT_OK(set_value(id, 0, 0));
    EXPECT_EQ(in_child(child_undo_range, id), 0);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

static int child_without_rights(int id)
{
    struct semid_ds ds;

    if (setgid(1234) || setuid(1234))
        return 1;
    if (operate(id, 0, 1, 0) != -1 || errno != EACCES)
        return 2;
    if (operate(id, 0, 0, 0))
        return 3;
    if (set_value(id, 0, 1) != -1 || errno != EACCES)
        return 4;
    if (value(id, 0) != 0)
        return 5;
    if (semctl(id, 0, IPC_RMID) != -1 || errno != EPERM)
        return 6;
    if (semctl(id, 0, IPC_STAT, (union semun){.buf = &ds}))
        return 7;
    return 0;
}

CASE(sem_permissions)
{
    int id = semget(IPC_PRIVATE, 1, 0644);

    if (geteuid())
        SKIP("not root");
    EXPECT_EQ(in_child(child_without_rights, id), 0);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

#define ROUNDS 200

static int child_answers(int id)
{
    for (int i = 0; i < ROUNDS; i++)
        if (operate(id, 0, -1, 0) || operate(id, 1, 1, 0))
            return 1;
    return 0;
}

CASE(sem_ping_pong)
{
    int id = semget(IPC_PRIVATE, 2, 0600), status, pid = fork();

    if (!pid)
        _exit(child_answers(id));
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT_OK(operate(id, 0, 1, 0));
        EXPECT_OK(operate(id, 1, -1, 0));
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

CASE(sem_information)
{
    static char text[65536];
    struct seminfo info;
    struct semid_ds ds;
    char want[64];
    int id = semget(IPC_PRIVATE, 5, 0640), last, seen = 0;

    EXPECT_OK(semctl(0, 0, IPC_INFO, (union semun){.info = &info}));
    EXPECT_EQ(info.semmni, 32000);
    EXPECT_EQ(info.semmsl, 32000);
    EXPECT_EQ(info.semopm, 500);
    EXPECT_EQ(info.semvmx, 32767);
    EXPECT_EQ(info.semusz, 20);
    last = semctl(0, 0, SEM_INFO, (union semun){.info = &info});
    EXPECT(info.semusz >= 1);
    EXPECT(info.semaem >= 5);
    for (int i = 0; i <= last; i++)
        seen += semctl(i, 0, SEM_STAT, (union semun){.buf = &ds}) == id;
    EXPECT_EQ(seen, 1);
    EXPECT(read_file("/proc/sysvipc/sem", text, sizeof(text)) > 0);
    snprintf(want, sizeof(want), "%10d %10d  %4o %10u", 0, id, 0640, 5);
    EXPECT(strstr(text, want));
    EXPECT_OK(semctl(id, 0, IPC_RMID));
}

static const struct test_case cases[] = {
    ENTRY(sem_get),
    ENTRY(sem_values),
    ENTRY(sem_operations),
    ENTRY(sem_waits),
    ENTRY(sem_removal_wakes),
    ENTRY(sem_wait_for_zero),
    ENTRY(sem_signal_interrupts),
    ENTRY(sem_undo),
    ENTRY(sem_undo_limits),
    ENTRY(sem_permissions),
    ENTRY(sem_ping_pong),
    ENTRY(sem_information),
};

TEST_MAIN(cases)
