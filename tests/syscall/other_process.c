// SPDX-License-Identifier: BSD-3-Clause
// What one process sees of another, or shares with it: its memory, its entry in /proc after its end, its
// descriptors with CLONE_FILES, its program file, its CPU time. process_vm_readv(2), proc(5), clone(2).
#include "harness.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char word[64] = "before";

static void wait_for_me(void)
{
    for (;;)
        pause();
}

// A child with "child" in `word`, that sleeps. Its id.
static int sleeping_child(void)
{
    int p[2], pid;
    char c;

    if (pipe(p))
        return -1;
    pid = fork();
    if (!pid) {
        strcpy(word, "child");
        write(p[1], "", 1);
        wait_for_me();
    }
    read(p[0], &c, 1);
    close(p[0]);
    close(p[1]);
    return pid;
}

static void end(int pid)
{
    kill(pid, SIGKILL);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
}

CASE(memory_of_another_process)
{
    char buffer[64] = "";
    struct iovec here = {buffer, sizeof(buffer)}, there = {word, sizeof(word)};
    int pid = sleeping_child();

    EXPECT_EQ(process_vm_readv(pid, &here, 1, &there, 1, 0), (long)sizeof(word));
    EXPECT_STR(buffer, "child");
    strcpy(buffer, "written");
    EXPECT_EQ(process_vm_writev(pid, &here, 1, &there, 1, 0), (long)sizeof(word));
    memset(buffer, 0, sizeof(buffer));
    EXPECT_EQ(process_vm_readv(pid, &here, 1, &there, 1, 0), (long)sizeof(word));
    EXPECT_STR(buffer, "written");
    EXPECT_STR(word, "before");
    there.iov_base = (void *)8;
    EXPECT_ERROR(process_vm_readv(pid, &here, 1, &there, 1, 0), EFAULT);
    end(pid);
    EXPECT_ERROR(process_vm_readv(pid, &here, 1, &there, 1, 0), ESRCH);
}

// A child that never sleeps: whoever looks has to interrupt it.
CASE(memory_of_a_busy_process)
{
    volatile long *count = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long seen = 0, last = 0;
    struct iovec here = {&seen, sizeof(seen)}, there = {(void *)(uintptr_t)count, sizeof(seen)};
    int pid = fork();

    if (!pid)
        for (;;)
            ++*count;
    for (int i = 0; i < 20; i++) {
        EXPECT_EQ(process_vm_readv(pid, &here, 1, &there, 1, 0), (long)sizeof(seen));
        EXPECT(seen >= last);
        last = seen;
    }
    end(pid);
    munmap((void *)(uintptr_t)count, PAGE);
}

CASE(proc_shows_another_process)
{
    char path[64], mine[512], its[512];
    int pid = sleeping_child(), fd;
    char buffer[16] = "";

    long size = read_file("/proc/self/cmdline", mine, sizeof(mine));
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    EXPECT_EQ(read_file(path, its, sizeof(its)), size);
    EXPECT_STR(its, mine);
    size = read_file("/proc/self/environ", mine, sizeof(mine));
    snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    EXPECT_EQ(read_file(path, its, sizeof(its)), size);
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    fd = open(path, O_RDONLY);
    EXPECT_EQ(pread(fd, buffer, 6, (off_t)(uintptr_t)word), 6);
    EXPECT_STR(buffer, "child");
    close(fd);
    end(pid);
}

CASE(zombies_are_in_proc)
{
    char path[64], text[4096];
    siginfo_t info;
    int pid = fork();

    if (!pid)
        _exit(3);
    REQUIRE_OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    REQUIRE(read_file(path, text, sizeof(text)) > 0);
    EXPECT(strstr(text, ") Z ") != NULL);
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    REQUIRE(read_file(path, text, sizeof(text)) > 0);
    EXPECT(strstr(text, "State:\tZ") != NULL);
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    EXPECT_EQ(read_file(path, text, sizeof(text)), 0);
    EXPECT_EQ(waitpid(pid, NULL, 0), pid);
    EXPECT_ERROR(access(path, F_OK), ENOENT);
}

// fork with flags of clone(2).
static int clone_like_fork(unsigned long flags)
{
    return (int)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

CASE(descriptors_can_be_shared)
{
    int p[2], pid, status;

    REQUIRE_OK(pipe(p));
    pid = clone_like_fork(CLONE_FILES | CLONE_FS);
    if (!pid) {
        close(p[0]);
        umask(0123);
        _exit(dup2(p[1], 40) == 40 ? 0 : 1);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_ERROR(close(p[0]), EBADF);
    EXPECT_OK(close(40));
    EXPECT_EQ(umask(022), 0123);
    pid = clone_like_fork(CLONE_FILES | CLONE_FS);
    if (!pid) {
        if (unshare(CLONE_FILES | CLONE_FS))
            _exit(1);
        close(p[1]);
        umask(077);
        _exit(0);
    }
    REQUIRE(waitpid(pid, &status, 0) == pid);
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_EQ(umask(022), 022);
    EXPECT_OK(close(p[1]));
}

static void copy_program(const char *to)
{
    static char buffer[65536];
    int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT, 0700);
    long n;

    while ((n = read(in, buffer, sizeof(buffer))) > 0)
        write(out, buffer, (size_t)n);
    close(in);
    close(out);
}

CASE(program_file_is_busy)
{
    int fd, pid, status, ready[2];
    char c;

    copy_program("program");
    fd = open("program", O_WRONLY);
    EXPECT_ERROR(execl("./program", "program", "--list", NULL), ETXTBSY);
    close(fd);
    REQUIRE_OK(pipe2(ready, O_CLOEXEC));
    pid = fork();
    if (!pid) {
        setenv("WAIT", "1", 1);
        execl("./program", "program", "--no-watchdog", "--case", "waits_to_be_killed", NULL);
        _exit(1);
    }
    close(ready[1]);
    EXPECT_EQ(read(ready[0], &c, 1), 0); // closed by exec
    close(ready[0]);
    EXPECT_ERROR(open("program", O_WRONLY), ETXTBSY);
    EXPECT_ERROR(truncate("program", 0), ETXTBSY);
    kill(pid, SIGKILL);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    fd = open("program", O_WRONLY);
    EXPECT_OK(fd);
    close(fd);
}

// The program of program_file_is_busy.
CASE(waits_to_be_killed)
{
    if (getenv("WAIT"))
        wait_for_me();
    raise(SIGKILL);
}

static void burn(long clocks)
{
    struct tms t;

    do
        times(&t);
    while (t.tms_utime + t.tms_stime < clocks);
}

CASE(times_of_children)
{
    struct rusage usage;
    struct tms t;
    int pid = fork();

    if (!pid) {
        burn(5);
        _exit(0);
    }
    REQUIRE(waitpid(pid, NULL, 0) == pid);
    REQUIRE_OK(times(&t));
    EXPECT(t.tms_cutime + t.tms_cstime >= 4);
    REQUIRE_OK(getrusage(RUSAGE_CHILDREN, &usage));
    EXPECT(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec > 0 ||
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 40000);
    EXPECT(usage.ru_maxrss > 0);
}

CASE(cpu_time_is_limited)
{
    int status, pid = fork();

    if (!pid) {
        const struct rlimit limit = {1, 2};
        signal(SIGXCPU, SIG_DFL);
        setrlimit(RLIMIT_CPU, &limit);
        burn(1000000);
        _exit(0);
    }
    test_time_limit(60);
    REQUIRE(waitpid(pid, &status, 0) == pid);
    EXPECT(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGXCPU);
}

static const struct test_case cases[] = {
    ENTRY(memory_of_another_process),
    ENTRY(memory_of_a_busy_process),
    ENTRY(proc_shows_another_process),
    ENTRY(zombies_are_in_proc),
    ENTRY(descriptors_can_be_shared),
    ENTRY(program_file_is_busy),
    ENTRY(times_of_children),
    ENTRY(cpu_time_is_limited),
    ENDS(waits_to_be_killed, 137),
};

TEST_MAIN(cases)
