// SPDX-License-Identifier: BSD-3-Clause
// System V shared memory: shmget(2), shmop(2), shmctl(2), with children that share.
#include "harness.h"

#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>

#define SIZE (3 * PAGE + 100)

static int nattch(int id)
{
    struct shmid_ds ds;

    return shmctl(id, IPC_STAT, &ds) ? -1 : (int)ds.shm_nattch;
}

// Runs `run` in a child; its result is the child's exit code.
static int in_child(int (*run)(void *), void *argument)
{
    int status, pid = fork();

    if (!pid)
        _exit(run(argument));
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

CASE(shm_attach_and_detach)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, SIZE, 0600);

    REQUIRE_OK(id);
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.shm_segsz, SIZE);
    EXPECT_EQ(ds.shm_nattch, 0);
    EXPECT_EQ(ds.shm_cpid, getpid());
    EXPECT_EQ(ds.shm_lpid, 0);
    EXPECT_EQ(ds.shm_atime, 0);
    EXPECT(ds.shm_ctime != 0);
    EXPECT_EQ(ds.shm_perm.mode, 0600);
    char *at = shmat(id, NULL, 0);
    REQUIRE(at != (void *)-1);
    EXPECT_EQ(at[SIZE - 1], 0);
    at[4 * PAGE - 1] = 7;
    char *again = shmat(id, NULL, SHM_RDONLY);
    REQUIRE(again != (void *)-1);
    EXPECT_EQ(again[4 * PAGE - 1], 7);
    EXPECT_EQ(fault_of_write(again), SIGSEGV);
    EXPECT_ERROR(mprotect(again, PAGE, PROT_READ | PROT_WRITE), EACCES);
    EXPECT_EQ(nattch(id), 2);
    EXPECT_OK(shmdt(again));
    EXPECT_EQ(nattch(id), 1);
    EXPECT_ERROR(shmdt(again), EINVAL);
    EXPECT_ERROR(shmdt(at + 1), EINVAL);
    EXPECT_ERROR(shmdt(at + PAGE), EINVAL);
    EXPECT_OK(shmdt(at));
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.shm_nattch, 0);
    EXPECT_EQ(ds.shm_lpid, getpid());
    EXPECT(ds.shm_dtime != 0);
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
    EXPECT_ERROR(shmctl(id, IPC_STAT, &ds), EINVAL);
}

CASE(shm_keys)
{
    int key = 0x1234000 + getpid() % 4096, id = shmget(key, 100, IPC_CREAT | 0640);

    REQUIRE_OK(id);
    EXPECT_EQ(shmget(key, 0, 0), id);
    EXPECT_EQ(shmget(key, 100, IPC_CREAT | 0600), id);
    EXPECT_ERROR(shmget(key, 100, IPC_CREAT | IPC_EXCL), EEXIST);
    EXPECT_ERROR(shmget(key, 101, 0), EINVAL);
    EXPECT_ERROR(shmget(key, 101, IPC_CREAT | IPC_EXCL), EEXIST);
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
    EXPECT_ERROR(shmget(key, 100, 0), ENOENT);
    EXPECT_ERROR(shmget(key, 0, IPC_CREAT), EINVAL);
    EXPECT_ERROR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
    EXPECT_ERROR(shmget(IPC_PRIVATE, 1ul << 62, 0600), ENOMEM);
    EXPECT_ERROR(shmget(IPC_PRIVATE, ~0ul, 0600), EINVAL);
}

CASE(shm_identifiers_do_not_come_back_at_once)
{
    int a = shmget(IPC_PRIVATE, 1, 0600);
    EXPECT_OK(shmctl(a, IPC_RMID, NULL));
    int b = shmget(IPC_PRIVATE, 1, 0600);
    EXPECT(a != b);
    EXPECT_OK(shmctl(b, IPC_RMID, NULL));
    EXPECT_ERROR(shmctl(b, IPC_RMID, NULL), EINVAL);
    EXPECT_ERROR(shmat(b, NULL, 0), EINVAL);
    EXPECT_ERROR(shmat(-1, NULL, 0), EINVAL);
    EXPECT_ERROR(shmctl(-1, IPC_RMID, NULL), EINVAL);
    EXPECT_ERROR(shmctl(a, 4711, NULL), EINVAL);
}

CASE(shm_places)
{
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600);
    char *room = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    REQUIRE_OK(id);
    EXPECT_ERROR(shmat(id, room, 0), EINVAL); // something is there
    EXPECT_ERROR(shmat(id, room + 1, SHM_REMAP), EINVAL);
    EXPECT_ERROR(shmat(id, NULL, SHM_REMAP), EINVAL);
    EXPECT_EQ((long)shmat(id, room + PAGE, SHM_REMAP), (long)room + (long)PAGE);
    room[PAGE] = 5;
    EXPECT_OK(munmap(room, 8 * PAGE));
    EXPECT_EQ(nattch(id), 0);
    EXPECT_EQ((long)shmat(id, room + PAGE + 17, SHM_RND), (long)room + (long)PAGE);
    EXPECT_EQ(room[PAGE], 5);
    EXPECT_EQ(nattch(id), 1);
    EXPECT_OK(shmdt(room + PAGE));
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

static int child_writes(void *at)
{
    strcpy(at, "from the child");
    return 0;
}

CASE(shm_is_shared_with_children)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    char *at = shmat(id, NULL, 0);

    REQUIRE(at != (void *)-1);
    EXPECT_EQ(in_child(child_writes, at), 0);
    EXPECT_STR(at, "from the child");
    EXPECT_EQ(nattch(id), 1);
    EXPECT_OK(shmdt(at));
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

static int child_attaches(void *arg)
{
    struct shmid_ds ds;
    int id = *(int *)arg;
    int *at = shmat(id, NULL, 0);

    if (at == (void *)-1)
        return 1;
    *at += 1;
    if (shmctl(id, IPC_STAT, &ds) || ds.shm_nattch != 1 || ds.shm_lpid != getpid())
        return 2;
    return 0; // the exit detaches
}

CASE(shm_exit_detaches)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, PAGE, 0600);

    for (int i = 0; i < 3; i++)
        EXPECT_EQ(in_child(child_attaches, &id), 0);
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.shm_nattch, 0);
    EXPECT(ds.shm_dtime != 0);
    EXPECT(ds.shm_lpid != getpid() && ds.shm_lpid != 0);
    int *at = shmat(id, NULL, 0);
    EXPECT_EQ(*at, 3);
    EXPECT_OK(shmdt(at));
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

static int child_counts(void *arg)
{
    return nattch(*(int *)arg);
}

static int child_counts_and_detaches(void *arg)
{
    void **p = arg;

    if (shmdt(p[0]))
        return 100;
    return nattch(*(int *)p[1]);
}

CASE(shm_fork_attaches)
{
    int id = shmget(IPC_PRIVATE, PAGE, 0600);
    void *at = shmat(id, NULL, 0), *both[] = {at, &id};

    EXPECT_EQ(in_child(child_counts, &id), 2);
    EXPECT_EQ(in_child(child_counts_and_detaches, both), 1);
    EXPECT_EQ(nattch(id), 1);
    EXPECT_OK(shmdt(at));
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

CASE(shm_removed_while_attached)
{
    struct shmid_ds ds;
    int key = 0x2234000 + getpid() % 4096, id = shmget(key, PAGE, IPC_CREAT | 0600);
    char *at = shmat(id, NULL, 0);

    at[0] = 1;
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.shm_perm.mode, 01600);
    EXPECT_EQ(ds.shm_perm.__key, 0);
    EXPECT_EQ(ds.shm_nattch, 1);
    EXPECT_ERROR(shmget(key, PAGE, 0), ENOENT);
    char *more = shmat(id, NULL, 0); // Linux allows it
    REQUIRE(more != (void *)-1);
    EXPECT_EQ(more[0], 1);
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
    EXPECT_OK(shmdt(more));
    EXPECT_EQ(in_child(child_counts, &id), 2);
    EXPECT_OK(shmdt(at));
    EXPECT_ERROR(shmctl(id, IPC_STAT, &ds), EINVAL);
    EXPECT_ERROR(shmat(id, NULL, 0), EINVAL);
}

static int child_without_rights(void *arg)
{
    struct shmid_ds ds;
    int id = *(int *)arg;

    if (setgid(1234) || setuid(1234))
        return 1;
    if (shmat(id, NULL, 0) != (void *)-1 || errno != EACCES)
        return 2;
    if (shmat(id, NULL, SHM_RDONLY) == (void *)-1)
        return 3;
    if (shmctl(id, IPC_RMID, NULL) != -1 || errno != EPERM)
        return 4;
    if (shmctl(id, IPC_STAT, &ds))
        return 5;
    if (shmctl(id, IPC_SET, &ds) != -1 || errno != EPERM)
        return 6;
    if (shmctl(id, SHM_LOCK, NULL) != -1 || errno != EPERM)
        return 7;
    return 0;
}

static int child_with_no_rights(void *arg)
{
    struct shmid_ds ds;
    int id = *(int *)arg;

    if (setgid(1234) || setuid(1234))
        return 1;
    if (shmat(id, NULL, SHM_RDONLY) != (void *)-1 || errno != EACCES)
        return 2;
    if (shmctl(id, IPC_STAT, &ds) != -1 || errno != EACCES)
        return 3;
    return 0;
}

CASE(shm_permissions)
{
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, PAGE, 0644);

    if (geteuid())
        SKIP("not root");
    EXPECT_EQ(in_child(child_without_rights, &id), 0);
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    ds.shm_perm.mode = 0600;
    EXPECT_OK(shmctl(id, IPC_SET, &ds));
    EXPECT_EQ(in_child(child_with_no_rights, &id), 0);
    ds.shm_perm.uid = 1234;
    EXPECT_OK(shmctl(id, IPC_SET, &ds));
    EXPECT_EQ(in_child(child_with_no_rights, &id), 2); // it is the owner now
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.shm_perm.uid, 1234);
    EXPECT_EQ(ds.shm_perm.cuid, 0);
    EXPECT_OK(shmctl(id, SHM_LOCK, NULL));
    EXPECT_OK(shmctl(id, IPC_STAT, &ds));
    EXPECT_EQ(ds.shm_perm.mode, 02600);
    EXPECT_OK(shmctl(id, SHM_UNLOCK, NULL));
    ds.shm_perm.uid = (uid_t)-1;
    EXPECT_ERROR(shmctl(id, IPC_SET, &ds), EINVAL);
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

CASE(shm_information)
{
    struct shminfo limits;
    struct shm_info usage;
    struct shmid_ds ds;
    int id = shmget(IPC_PRIVATE, 2 * PAGE, 0600), last, seen = 0;

    EXPECT_OK(shmctl(0, IPC_INFO, (void *)&limits));
    EXPECT_EQ(limits.shmmin, 1);
    EXPECT_EQ(limits.shmmni, 4096);
    last = shmctl(0, SHM_INFO, (void *)&usage);
    EXPECT(last >= 0);
    EXPECT(usage.used_ids >= 1);
    EXPECT(usage.shm_tot >= 2);
    for (int i = 0; i <= last; i++)
        seen += shmctl(i, SHM_STAT, &ds) == id;
    EXPECT_EQ(seen, 1);
    EXPECT_ERROR(shmctl(4000, SHM_STAT, &ds), EINVAL);
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

CASE(shm_in_proc)
{
    static char text[65536];
    char want[256], *line;
    int id = shmget(IPC_PRIVATE, 5000, 0640);
    void *at = shmat(id, NULL, 0);

    EXPECT(read_file("/proc/sysvipc/shm", text, sizeof(text)) > 0);
    EXPECT(!strncmp(text, "       key      shmid perms                  size  cpid  lpid nattch", 68));
    snprintf(want, sizeof(want), "%10d %10d  %4o %21lu %5u %5u  %5lu", 0, id, 0640, 5000ul,
             (unsigned)getpid(), (unsigned)getpid(), 1ul);
    line = strstr(text, want);
    EXPECT(line);
    EXPECT_OK(shmdt(at));
    EXPECT_OK(shmctl(id, IPC_RMID, NULL));
}

static const struct test_case cases[] = {
    ENTRY(shm_attach_and_detach),
    ENTRY(shm_keys),
    ENTRY(shm_identifiers_do_not_come_back_at_once),
    ENTRY(shm_places),
    ENTRY(shm_is_shared_with_children),
    ENTRY(shm_exit_detaches),
    ENTRY(shm_fork_attaches),
    ENTRY(shm_removed_while_attached),
    ENTRY(shm_permissions),
    ENTRY(shm_information),
    ENTRY(shm_in_proc),
};

TEST_MAIN(cases)
