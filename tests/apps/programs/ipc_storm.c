// SPDX-License-Identifier: BSD-3-Clause
// Children that share System V memory, a semaphore with SEM_UNDO and message queues are killed at random
// moments: at the end the semaphore must have its first value, and nobody be attached.
//   ipc_storm [ROUNDS]
#define _GNU_SOURCE
#include <mqueue.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHILDREN 4

static int semaphore, memory, queue;
static mqd_t posix_queue;

static int operate(int by)
{
    struct sembuf o = {0, (short)by, SEM_UNDO};
    return semop(semaphore, &o, 1);
}

static void use_queues(int number)
{
    struct {
        long type;
        char text[32];
    } m = {1 + number % 3, ""};
    char text[64] = "";

    msgsnd(queue, &m, sizeof(m.text), IPC_NOWAIT);
    msgrcv(queue, &m, sizeof(m.text), 0, IPC_NOWAIT);
    mq_send(posix_queue, text, 10, (unsigned)number % 5);
    mq_receive(posix_queue, text, sizeof(text), NULL);
}

static void child(int number)
{
    volatile int *shared = shmat(memory, NULL, 0);

    for (int i = 0;; i++) {
        if (operate(-1))
            _exit(1);
        shared[0]++;
        operate(1);
        use_queues(number);
        if (i % 16 == 0)
            shmdt(shmat(memory, NULL, SHM_RDONLY));
    }
}

static void end(int pid)
{
    int status = 0;

    if (!pid)
        return;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    if (!WIFSIGNALED(status))
        printf("a child ended with status %x\n", status);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200, pids[CHILDREN] = {0};
    struct mq_attr attributes = {.mq_maxmsg = 8, .mq_msgsize = 64};
    struct shmid_ds ds;
    int *shared;

    semaphore = semget(IPC_PRIVATE, 1, 0600);
    semctl(semaphore, 0, SETVAL, 1);
    memory = shmget(IPC_PRIVATE, 4096, 0600);
    shared = shmat(memory, NULL, 0);
    queue = msgget(IPC_PRIVATE, 0600);
    posix_queue = mq_open("/ipc-storm", O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attributes);
    mq_unlink("/ipc-storm");
    srand(1);
    for (int r = 0; r < rounds; r++) {
        struct timespec t = {0, rand() % 3000 * 1000};
        end(pids[r % CHILDREN]);
        pids[r % CHILDREN] = fork();
        if (!pids[r % CHILDREN])
            child(r);
        nanosleep(&t, NULL);
    }
    for (int i = 0; i < CHILDREN; i++)
        end(pids[i]);
    shmctl(memory, IPC_STAT, &ds);
    printf("semaphore %d, attached %d, worked: %s\n", semctl(semaphore, 0, GETVAL),
           (int)ds.shm_nattch, shared[0] > 0 ? "yes" : "no");
    semctl(semaphore, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, NULL);
    shmctl(memory, IPC_RMID, NULL);
    return 0;
}
