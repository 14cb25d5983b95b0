// SPDX-License-Identifier: BSD-3-Clause
// execve(2) in place: what a new program inherits and what it does not, scripts, errors. Each case
// that succeeds starts this program again with --case and is judged by what that one finds.
#include "harness.h"

#include <elf.h>
#include <sched.h>
#include <stddef.h>
#include <sys/auxv.h>

extern char **environ;

static void run_self(const char *next)
{
    const char *argv[] = {"exec", "--no-watchdog", "--case", next, NULL};
    const char *envp[] = {"TMPDIR=/tmp", "HANDED=down", NULL};
    execve("/proc/self/exe", (char **)(uintptr_t)argv, (char **)(uintptr_t)envp);
    _exit(90);
}

CASE(new_program_says_42)
{
    const char *handed = getenv("HANDED");
    _exit(handed && strcmp(handed, "down") == 0 && getenv("PATH") == NULL ? 42 : 41);
}

CASE(exec_runs_again)
{
    run_self("new_program_says_42");
}

static void *wait_around(void *unused)
{
    for (;;)
        sleep_ms(1000);
    return unused;
}

static void *exec_from_thread(void *unused)
{
    run_self("new_program_is_the_leader");
    return unused;
}

CASE(new_program_is_the_leader)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof(path), "/proc/self/task/%d", getpid());
    _exit(thread_id() == getpid() && stat(path, &info) == 0 && info.st_nlink > 0 ? 42 : 41);
}

CASE(exec_of_one_thread_ends_the_others)
{
    thread_start(wait_around, NULL);
    thread_start(wait_around, NULL);
    thread_start(exec_from_thread, NULL);
    wait_around(NULL);
}

CASE(new_program_has_the_umask_of_the_thread)
{
    _exit(!getenv("HANDED") || umask(0) == 0135 ? 42 : 41);
}

static void *exec_with_its_own_umask(void *unused)
{
    if (unshare(CLONE_FS))
        _exit(40);
    umask(0135);
    run_self("new_program_has_the_umask_of_the_thread");
    return unused;
}

CASE(exec_of_a_thread_takes_its_directories_along)
{
    thread_start(exec_with_its_own_umask, NULL);
    wait_around(NULL);
}

CASE(new_program_checks_signals)
{
    struct sigaction ignored, caught;
    sigset_t mask, pending;
    stack_t stack;
    sigaction(SIGUSR1, NULL, &ignored);
    sigaction(SIGUSR2, NULL, &caught);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    sigpending(&pending);
    sigaltstack(NULL, &stack);
    _exit(ignored.sa_handler == SIG_IGN && caught.sa_handler == SIG_DFL &&
                  sigismember(&mask, SIGHUP) && sigismember(&pending, SIGHUP) &&
                  stack.ss_flags == SS_DISABLE
              ? 42
              : 41);
}

CASE(exec_keeps_ignored_and_masked_signals)
{
    static unsigned char other[65536];
    stack_t stack = {.ss_sp = other, .ss_size = sizeof(other)};
    sigaltstack(&stack, NULL);
    signal(SIGUSR1, SIG_IGN);
    on_signal(SIGUSR2, count_signal, 0);
    block_signal(SIGHUP);
    raise(SIGHUP);
    run_self("new_program_checks_signals");
}

CASE(new_program_checks_the_name)
{
    char comm[32] = "";
    read_file("/proc/self/comm", comm, sizeof(comm));
    // by the file executed, here the link's own name
    _exit(strcmp(comm, "exe\n") == 0 && strstr((char *)getauxval(AT_EXECFN), "exe") ? 42 : 41);
}

CASE(exec_renames)
{
    run_self("new_program_checks_the_name");
}

CASE(exec_of_a_script)
{
    char path[128];
    snprintf(path, sizeof(path), "/tmp/script-test-%d", getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    dprintf(fd, "#!/proc/self/exe --case\n");
    close(fd);
    // becomes: exe "--case" PATH, and there is no such case: nothing is said, the status is 0
    const char *argv[] = {path, NULL};
    execve(path, (char **)(uintptr_t)argv, environ);
    _exit(90);
}

// Run as a case of this program it has that one's name; as a script, whose interpreter that is, its own.
CASE(a_script_by_name)
{
    char comm[32] = "";
    read_file("/proc/self/comm", comm, sizeof(comm));
    _exit(strcmp(comm, "a_script_by_nam\n") == 0 ? 42 : 41);
}

CASE(script_has_its_name)
{
    const char *argv[] = {"x", NULL};
    close(make_file("a_script_by_name", "#!/proc/self/exe --case\n"));
    EXPECT_OK(chmod("a_script_by_name", 0755));
    execve("a_script_by_name", (char **)(uintptr_t)argv, environ);
    _exit(90);
}

CASE(failed_exec_changes_nothing)
{
    char *const argv[] = {(char *)(uintptr_t) "x", NULL};
    close(make_file("data", "no program at all\n"));
    EXPECT_ERROR(execve("missing", argv, environ), ENOENT);
    EXPECT_ERROR(execve("data", argv, environ), EACCES);
    EXPECT_OK(chmod("data", 0755));
    EXPECT_ERROR(execve("data", argv, environ), ENOEXEC);
    EXPECT_ERROR(execve(".", argv, environ), EACCES);
    EXPECT_ERROR(execve("data/x", argv, environ), ENOTDIR);
    EXPECT_ERROR(syscall(SYS_execve, 16, argv, environ), EFAULT);
    EXPECT_ERROR(syscall(SYS_execve, "/proc/self/exe", 16, environ), EFAULT);
    close(make_file("torn", "\177ELF and no more"));
    EXPECT_OK(chmod("torn", 0755));
    EXPECT_ERROR(execve("torn", argv, environ), ENOEXEC);
    close(make_file("script", "#!/missing/interpreter\n"));
    EXPECT_OK(chmod("script", 0755));
    EXPECT_ERROR(execve("script", argv, environ), ENOENT);
    EXPECT_ERROR(syscall(SYS_execveat, -1, "", argv, environ, AT_EMPTY_PATH), EBADF);
}

// A program that wants this interpreter.
static void make_program(const char *name, const char *interpreter)
{
    struct program {
        Elf64_Ehdr head;
        Elf64_Phdr segments[2];
        char interpreter[64];
    } file = {
        .head = {.e_ident = ELFMAG, .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = 1,
                 .e_entry = 0x10000000, .e_phoff = sizeof(file.head), .e_ehsize = sizeof(file.head),
                 .e_phentsize = sizeof(file.segments[0]), .e_phnum = 2},
        .segments = {{.p_type = PT_INTERP, .p_offset = offsetof(struct program, interpreter),
                      .p_filesz = strlen(interpreter) + 1},
                     {.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = 0x10000000, .p_filesz = sizeof(file),
                      .p_memsz = sizeof(file)}},
    };
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0755);

    memcpy(file.head.e_ident + EI_CLASS, (char[]){ELFCLASS64, ELFDATA2LSB, EV_CURRENT}, 3);
    strcpy(file.interpreter, interpreter);
    write(fd, &file, sizeof(file));
    close(fd);
}

CASE(bad_interpreter_is_told_in_time)
{
    static const char text[100] = "no program, but as long as the head of one";
    char *const argv[] = {(char *)(uintptr_t) "x", NULL};

    make_program("program", "/missing/interpreter");
    EXPECT_ERROR(execve("program", argv, environ), ENOENT);
    make_program("program", "text");
    int fd = make_file("text", "");
    EXPECT_EQ(write(fd, text, sizeof(text)), sizeof(text));
    close(fd);
    EXPECT_OK(chmod("text", 0644));
    EXPECT_ERROR(execve("program", argv, environ), EACCES);
    EXPECT_OK(chmod("text", 0755));
    EXPECT_ERROR(execve("program", argv, environ), ELIBBAD);
    make_program("program", ".");
    EXPECT_ERROR(execve("program", argv, environ), EACCES);
}

CASE(scripts_of_scripts)
{
    char *const argv[] = {(char *)(uintptr_t) "x", NULL};
    char name[] = "s0", text[] = "#!s0\n";

    for (int i = 1; i <= 7; i++) {
        text[3] = (char)('0' + i - 1);
        name[1] = (char)('0' + i);
        close(make_file(name, i == 1 ? "#!/missing/interpreter\n" : text));
        EXPECT_OK(chmod(name, 0755));
    }
    EXPECT_ERROR(execve("s5", argv, environ), ENOENT);
    EXPECT_ERROR(execve("s6", argv, environ), ENOENT);
    EXPECT_ERROR(execve("s7", argv, environ), ELOOP);
}

CASE(arguments_too_large)
{
    static char huge[200000];
    char *const argv[] = {huge, NULL};
    memset(huge, 'x', sizeof(huge) - 1);
    EXPECT_ERROR(execve("/proc/self/exe", argv, environ), E2BIG); // over 128 KiB in one piece
}

CASE(exec_closes_marked_descriptors)
{
    int p[2];
    // the write end goes by the mark at the exec; a reader thread can't tell any more, so the
    // new program gets a pipe end as its standard input and must see the end of file.
    if (pipe2(p, O_CLOEXEC) < 0 || dup2(p[0], 0) != 0)
        _exit(91);
    run_self("new_program_reads_end_of_file");
}

CASE(new_program_reads_end_of_file)
{
    char byte;
    _exit(read(0, &byte, 1) == 0 ? 42 : 41);
}

CASE(exec_by_descriptor)
{
    const char *argv[] = {"exec", "--no-watchdog", "--case", "new_program_says_42", NULL};
    const char *envp[] = {"HANDED=down", NULL};
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    fexecve(fd, (char **)(uintptr_t)argv, (char **)(uintptr_t)envp);
    _exit(90);
}

static const struct test_case cases[] = {
    ENTRY(failed_exec_changes_nothing),
    ENTRY(bad_interpreter_is_told_in_time),
    ENTRY(scripts_of_scripts),
    ENTRY(arguments_too_large),
    ENDS(exec_runs_again, 42),
    ENDS(exec_of_one_thread_ends_the_others, 42),
    ENDS(exec_of_a_thread_takes_its_directories_along, 42),
    ENDS(exec_keeps_ignored_and_masked_signals, 42),
    ENDS(exec_renames, 42),
    ENDS(exec_of_a_script, 0),
    ENDS(script_has_its_name, 42),
    ENDS(exec_closes_marked_descriptors, 42),
    ENDS(exec_by_descriptor, 42),
    // the other half of those above
    ENDS(new_program_says_42, 41),
    ENDS(new_program_is_the_leader, 42),
    ENDS(new_program_has_the_umask_of_the_thread, 42),
    ENDS(new_program_checks_signals, 41),
    ENDS(new_program_checks_the_name, 41),
    ENDS(a_script_by_name, 41),
    ENDS(new_program_reads_end_of_file, 42),
};
TEST_MAIN(cases)
