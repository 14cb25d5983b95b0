// SPDX-License-Identifier: BSD-3-Clause
// System V message queues: msgget(2), msgop(2), msgctl(2).
#include "harness.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>

struct message {
    long type;
    char text[8192];
};

static struct message buffer;

static int put(int id, long type, const char *text, int flags)
{
    struct message m = {.type = type};
    strcpy(m.text, text);
    return msgsnd(id, &m, strlen(text) + 1, flags);
}

static long get(int id, long type, int flags)
{
    memset(&buffer, 0, sizeof(buffer));
    return msgrcv(id, &buffer, sizeof(buffer.text), type, flags);
}

CASE(msg_get)
{
    int key = 0x4234000 + getpid() % 4096, id = msgget(key, IPC_CREAT | 0600);
    struct msqid_ds ds;

    REQUIRE_OK(id);
    EXPECT_EQ(msgget(key, 0), id);
    EXPECT_ERROR(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
    EXPECT_OK(msgctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.msg_qnum, 0);
    EXPECT_EQ(ds.msg_qbytes, 16384);
    EXPECT_EQ(ds.msg_stime, 0);
    EXPECT(ds.msg_ctime != 0);
    EXPECT_EQ(ds.msg_perm.mode, 0600);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
    EXPECT_ERROR(msgget(key, 0), ENOENT);
    EXPECT_ERROR(msgctl(id, IPC_STAT, &ds), EINVAL);
    EXPECT_ERROR(put(id, 1, "x", 0), EINVAL);
    EXPECT_ERROR(get(id, 0, 0), EINVAL);
}

CASE(msg_order_and_types)
{
    int id = msgget(IPC_PRIVATE, 0600);
    struct msqid_ds ds;

    EXPECT_OK(put(id, 3, "three", 0));
    EXPECT_OK(put(id, 1, "one", 0));
    EXPECT_OK(put(id, 2, "two", 0));
    EXPECT_OK(put(id, 1, "one again", 0));
    EXPECT_OK(msgctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.msg_qnum, 4);
    EXPECT_EQ(ds.__msg_cbytes, 6 + 4 + 4 + 10);
    EXPECT_EQ(ds.msg_lspid, getpid());
    EXPECT_EQ(get(id, 2, 0), 4);
    EXPECT_STR(buffer.text, "two");
    EXPECT_EQ(get(id, -2, 0), 4);
    EXPECT_STR(buffer.text, "one");
    EXPECT_EQ(get(id, 1, MSG_EXCEPT), 6);
    EXPECT_STR(buffer.text, "three");
    EXPECT_EQ(buffer.type, 3);
    EXPECT_ERROR(get(id, 9, IPC_NOWAIT), ENOMSG);
    EXPECT_ERROR(msgrcv(id, &buffer, 3, 0, 0), E2BIG);
    EXPECT_EQ(msgrcv(id, &buffer, 3, 0, MSG_NOERROR), 3);
    EXPECT(!memcmp(buffer.text, "one", 3));
    EXPECT_ERROR(get(id, 0, IPC_NOWAIT), ENOMSG);
    EXPECT_OK(msgctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.msg_lrpid, getpid());
    EXPECT(ds.msg_rtime != 0);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_arguments)
{
    int id = msgget(IPC_PRIVATE, 0600);

    EXPECT_ERROR(put(id, 0, "x", 0), EINVAL);
    EXPECT_ERROR(put(id, -1, "x", 0), EINVAL);
    EXPECT_ERROR(put(-1, 1, "x", 0), EINVAL);
    buffer.type = 1;
    EXPECT_ERROR(msgsnd(id, &buffer, 8193, 0), EINVAL);
    EXPECT_ERROR(msgsnd(id, &buffer, (size_t)-1, 0), EINVAL);
    EXPECT_ERROR(msgsnd(id, NULL, 1, 0), EFAULT);
    EXPECT_OK(msgsnd(id, &buffer, 0, 0));
    EXPECT_EQ(get(id, 0, 0), 0);
    EXPECT_ERROR(msgrcv(id, &buffer, (size_t)-1, 0, 0), EINVAL);
    EXPECT_ERROR(msgrcv(-1, &buffer, 1, 0, 0), EINVAL);
    EXPECT_ERROR(msgctl(id, 4711, NULL), EINVAL);
    EXPECT_ERROR(msgctl(id, IPC_STAT, NULL), EFAULT);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_full)
{
    int id = msgget(IPC_PRIVATE, 0600), count = 0;
    struct msqid_ds ds;

    buffer.type = 1;
    EXPECT_OK(msgsnd(id, &buffer, 8192, IPC_NOWAIT));
    EXPECT_OK(msgsnd(id, &buffer, 8192, IPC_NOWAIT));
    EXPECT_ERROR(msgsnd(id, &buffer, 1, IPC_NOWAIT), EAGAIN);
    EXPECT_OK(msgsnd(id, &buffer, 0, IPC_NOWAIT));
    EXPECT_OK(msgctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.msg_qbytes, 16384);
    while (get(id, 0, IPC_NOWAIT) >= 0)
        count++;
    EXPECT_EQ(count, 3);
    ds.msg_qbytes = 10;
    buffer.type = 1;
    EXPECT_OK(msgctl(id, IPC_SET, &ds));
    EXPECT_ERROR(msgsnd(id, &buffer, 11, IPC_NOWAIT), EAGAIN);
    EXPECT_OK(msgsnd(id, &buffer, 10, IPC_NOWAIT));
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_wait_for_child)
{
    int id = msgget(IPC_PRIVATE, 0600), status, pid = fork();

    if (!pid) {
        sleep_ms(20);
        _exit(put(id, 7, "hello", 0) ? errno : 0);
    }
    EXPECT_EQ(get(id, 7, 0), 6);
    EXPECT_STR(buffer.text, "hello");
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_wait_for_room)
{
    int id = msgget(IPC_PRIVATE, 0600), status, pid;

    buffer.type = 1;
    EXPECT_OK(msgsnd(id, &buffer, 8192, 0));
    EXPECT_OK(msgsnd(id, &buffer, 8192, 0));
    pid = fork();
    if (!pid)
        _exit(put(id, 7, "hello", 0) ? errno : 0);
    sleep_ms(20);
    EXPECT_EQ(get(id, 0, 0), 8192);
    EXPECT_EQ(get(id, 7, 0), 6);
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_removal_wakes)
{
    int id = msgget(IPC_PRIVATE, 0600), status, pid = fork();

    if (!pid)
        _exit(get(id, 0, 0) < 0 ? errno : 0);
    sleep_ms(30);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT(WEXITSTATUS(status) == EIDRM || WEXITSTATUS(status) == EINVAL);
}

CASE(msg_signal_interrupts)
{
    int id = msgget(IPC_PRIVATE, 0600);

    on_signal(SIGUSR1, count_signal, SA_RESTART);
    signal_me_later(SIGUSR1, 20);
    EXPECT_ERROR(get(id, 0, 0), EINTR);
    signal_me_done();
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

static int child_without_rights(int id)
{
    struct msqid_ds ds;

    if (setgid(1234) || setuid(1234))
        return 1;
    if (put(id, 1, "x", 0) != -1 || errno != EACCES)
        return 2;
    if (get(id, 0, IPC_NOWAIT) != 2)
        return 3;
    if (msgctl(id, IPC_RMID, NULL) != -1 || errno != EPERM)
        return 4;
    if (msgctl(id, IPC_STAT, &ds))
        return 5;
    return 0;
}

CASE(msg_permissions)
{
    struct msqid_ds ds;
    int id = msgget(IPC_PRIVATE, 0644), status, pid;

    if (geteuid())
        SKIP("not root");
    EXPECT_OK(put(id, 1, "y", 0));
    pid = fork();
    if (!pid)
        _exit(child_without_rights(id));
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(msgctl(id, IPC_STAT, &ds));
    ds.msg_perm.uid = 1234;
    EXPECT_OK(msgctl(id, IPC_SET, &ds));
    EXPECT_OK(msgctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.msg_perm.uid, 1234);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

CASE(msg_information)
{
    static char text[65536];
    struct msginfo info;
    struct msqid_ds ds;
    char want[128];
    int id = msgget(IPC_PRIVATE, 0640), last, seen = 0;

    EXPECT_OK(put(id, 5, "abc", 0));
    EXPECT_OK(msgctl(0, IPC_INFO, (void *)&info));
    EXPECT_EQ(info.msgmax, 8192);
    EXPECT_EQ(info.msgmnb, 16384);
    EXPECT_EQ(info.msgmni, 32000);
    EXPECT_EQ(info.msgssz, 16);
    last = msgctl(0, MSG_INFO, (void *)&info);
    EXPECT(info.msgpool >= 1);
    EXPECT(info.msgmap >= 1);
    EXPECT(info.msgtql >= 4);
    for (int i = 0; i <= last; i++)
        seen += msgctl(i, MSG_STAT, &ds) == id;
    EXPECT_EQ(seen, 1);
    EXPECT(read_file("/proc/sysvipc/msg", text, sizeof(text)) > 0);
    snprintf(want, sizeof(want), "%10d %10d  %4o  %10lu %10lu %5u %5u", 0, id, 0640, 4ul, 1ul,
             (unsigned)getpid(), 0);
    EXPECT(strstr(text, want));
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

#define ROUNDS 200

CASE(msg_ping_pong)
{
    int id = msgget(IPC_PRIVATE, 0600), status, pid = fork();

    if (!pid) {
        for (int i = 0; i < ROUNDS; i++)
            if (get(id, 1, 0) != 5 || put(id, 2, "pong", 0))
                _exit(1);
        _exit(0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        EXPECT_OK(put(id, 1, "ping", 0));
        EXPECT_EQ(get(id, 2, 0), 5);
    }
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    EXPECT_OK(msgctl(id, IPC_RMID, NULL));
}

static const struct test_case cases[] = {
    ENTRY(msg_get),
    ENTRY(msg_order_and_types),
    ENTRY(msg_arguments),
    ENTRY(msg_full),
    ENTRY(msg_wait_for_child),
    ENTRY(msg_wait_for_room),
    ENTRY(msg_removal_wakes),
    ENTRY(msg_signal_interrupts),
    ENTRY(msg_permissions),
    ENTRY(msg_information),
    ENTRY(msg_ping_pong),
};

TEST_MAIN(cases)
