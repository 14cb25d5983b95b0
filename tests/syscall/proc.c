// SPDX-License-Identifier: BSD-3-Clause
// /proc: the formats that programs parse, and that they tell the truth of this process.
#include "harness.h"

#include <dirent.h>
#include <sys/prctl.h>

static char text[65536];

static const char *read_proc(const char *name)
{
    if (read_file(name, text, sizeof(text)) < 0)
        test_fail(__FILE_NAME__, __LINE__, "%s: errno %d", name, errno);
    return text;
}

// The rest of the line of `text` that starts with `key`.
static const char *value_of(const char *key)
{
    static char value[512];
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, key, strlen(key)) == 0) {
            snprintf(value, sizeof(value), "%.*s", (int)strcspn(line + strlen(key), "\n"),
                     line + strlen(key));
            return value;
        }
    test_fail(__FILE_NAME__, __LINE__, "no line %s", key);
    return "";
}

CASE(self_is_this_process)
{
    char link[64] = "", name[64];
    ssize_t got = readlink("/proc/self", link, sizeof(link) - 1);
    EXPECT(got > 0 && atoi(link) == getpid());
    got = readlink("/proc/thread-self", link, sizeof(link) - 1);
    link[got < 0 ? 0 : got] = 0;
    snprintf(name, sizeof(name), "%d/task/%d", getpid(), thread_id());
    EXPECT_STR(link, name);
}

CASE(stat_line)
{
    int pid = 0, parent = 0, group = 0;
    char name[64] = "", state = 0;
    read_proc("/proc/self/stat");
    EXPECT_EQ(sscanf(text, "%d (%63[^)]) %c %d %d", &pid, name, &state, &parent, &group), 5);
    EXPECT_EQ(pid, getpid());
    EXPECT_EQ(state, 'R');
    EXPECT_EQ(parent, getppid());
    EXPECT_EQ(group, getpgrp());
    int fields = 0;
    for (char *word = strtok(strchr(text, ')') + 1, " \n"); word; word = strtok(NULL, " \n")) {
        fields++;
        if (fields == 18) // the 20th of the line: threads
            EXPECT(atoi(word) >= 1);
        if (fields == 21) // size of memory
            EXPECT(strtoul(word, NULL, 10) > 100000);
    }
    EXPECT_EQ(fields, 50);
}

CASE(status_lines)
{
    char value[64];
    read_proc("/proc/self/status");
    EXPECT_EQ(atoi(value_of("Pid:\t")), getpid());
    EXPECT_EQ(atoi(value_of("Tgid:\t")), getpid());
    EXPECT_EQ(atoi(value_of("PPid:\t")), getppid());
    EXPECT_STR(value_of("State:\t"), "R (running)");
    EXPECT_STR(value_of("Name:\t"), "proc");
    EXPECT_EQ(atoi(value_of("Uid:\t")), (int)getuid());
    EXPECT(atoi(value_of("VmSize:\t")) > 100);
    EXPECT(atoi(value_of("VmRSS:\t")) > 0);
    EXPECT(atoi(value_of("Threads:\t")) >= 1);
    EXPECT_EQ(strlen(value_of("SigBlk:\t")), 16);
    EXPECT_EQ(strlen(value_of("CapEff:\t")), 16);
    value_of("Cpus_allowed_list:\t");
    value_of("voluntary_ctxt_switches:\t");
    block_signal(SIGUSR1);
    read_proc("/proc/self/status");
    snprintf(value, sizeof(value), "%016x", 1 << (SIGUSR1 - 1));
    EXPECT_STR(value_of("SigBlk:\t"), value);
}

CASE(maps_lines)
{
    char *at = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), line[64];
    EXPECT_OK(mprotect(at + PAGE, PAGE, PROT_NONE)); // three lines then
    read_proc("/proc/self/maps");
    snprintf(line, sizeof(line), "%lx-%lx ---p 00000000 00:00 0", (long)at + 4096, (long)at + 8192);
    EXPECT(strstr(text, line) != NULL);
    EXPECT(strstr(text, "[stack]") != NULL);
    EXPECT(strstr(text, "[vdso]") != NULL);
    EXPECT(strstr(text, "/proc\n") != NULL); // the program's own file
    EXPECT(strstr(text, " r-xp ") != NULL);
    unsigned long last = 0;
    for (char *next = text; *next; next = strchr(next, '\n') + 1) {
        unsigned long start = 0, end = 0, offset;
        char prot[5] = "";
        EXPECT_EQ(sscanf(next, "%lx-%lx %4s %lx", &start, &end, prot, &offset), 4);
        EXPECT(start >= last && end > start && strlen(prot) == 4);
        last = end;
    }
    munmap(at, 3 * PAGE);
}

CASE(maps_name_files_with_offsets)
{
    char line[64];
    int fd = make_file("mapped-file", "");
    EXPECT_OK(ftruncate(fd, 3 * PAGE));
    char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
    close(fd);
    read_proc("/proc/self/maps");
    snprintf(line, sizeof(line), "%lx-%lx rw-s 00002000 ", (long)at, (long)at + 4096);
    const char *found = strstr(text, line);
    EXPECT(found != NULL);
    EXPECT(found && strstr(found, "/mapped-file\n"));
    EXPECT_OK(unlink("mapped-file"));
    read_proc("/proc/self/maps");
    EXPECT(strstr(text, "/mapped-file (deleted)\n") != NULL);
    munmap(at, PAGE);
}

CASE(stack_and_heap_contain_what_they_should)
{
    int here;
    char *heap = malloc(16);
    unsigned long start, end;
    read_proc("/proc/self/maps");
    for (char *next = text; *next; next = strchr(next, '\n') + 1) {
        char *stop = strchr(next, '\n');
        if (sscanf(next, "%lx-%lx", &start, &end) != 2)
            break;
        if (stop - next > 7 && memcmp(stop - 7, "[stack]", 7) == 0)
            EXPECT((uintptr_t)&here >= start && (uintptr_t)&here < end);
        if (stop - next > 6 && memcmp(stop - 6, "[heap]", 6) == 0)
            EXPECT((uintptr_t)heap >= start && (uintptr_t)heap < end);
    }
    free(heap);
}

CASE(exe_cwd_and_root_links)
{
    char link[512] = "", here[512] = "";
    ssize_t got = readlink("/proc/self/exe", link, sizeof(link) - 1);
    EXPECT(got > 5 && strcmp(link + got - 5, "/proc") == 0);
    memset(link, 0, sizeof(link));
    EXPECT(readlink("/proc/self/cwd", link, sizeof(link) - 1) > 0);
    EXPECT(getcwd(here, sizeof(here)) != NULL);
    EXPECT_STR(link, here);
    memset(link, 0, sizeof(link));
    EXPECT(readlink("/proc/self/root", link, sizeof(link) - 1) > 0);
    EXPECT_STR(link, "/");
}

CASE(command_line_and_environment)
{
    EXPECT(read_file("/proc/self/cmdline", text, sizeof(text)) > 0);
    EXPECT(strlen(text) >= 4 && strcmp(text + strlen(text) - 4, "proc") == 0);
    EXPECT(read_file("/proc/self/environ", text, sizeof(text)) >= 0);
    EXPECT_STR(read_proc("/proc/self/comm"), "proc\n");
    EXPECT(read_file("/proc/self/auxv", text, sizeof(text)) % 16 == 0);
}

CASE(descriptor_links)
{
    char name[64], link[512] = "", buffer[16];
    int fd = make_file("f", ""), p[2], seen = 0;
    REQUIRE_OK(pipe(p));
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    ssize_t got = readlink(name, link, sizeof(link) - 1);
    EXPECT(got > 2 && strcmp(link + got - 2, "/f") == 0);
    EXPECT_OK(unlink("f"));
    memset(link, 0, sizeof(link));
    got = readlink(name, link, sizeof(link) - 1);
    EXPECT(got > 12 && strcmp(link + got - 12, "/f (deleted)") == 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", p[0]);
    memset(link, 0, sizeof(link));
    EXPECT(readlink(name, link, sizeof(link) - 1) > 0);
    EXPECT(strncmp(link, "pipe:[", 6) == 0);
    DIR *directory = opendir("/proc/self/fd");
    REQUIRE(directory != NULL);
    snprintf(buffer, sizeof(buffer), "%d", fd);
    for (struct dirent *entry; (entry = readdir(directory));)
        seen += strcmp(entry->d_name, buffer) == 0;
    EXPECT_EQ(seen, 1);
    closedir(directory);
    close(fd);
    close(p[0]);
    close(p[1]);
}

CASE(descriptor_details)
{
    char name[64];
    int fd = make_file("f", "abcdef");
    lseek(fd, 4, SEEK_SET);
    snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
    read_proc(name);
    EXPECT_EQ(atoi(value_of("pos:\t")), 4);
    EXPECT_EQ(strtol(value_of("flags:\t"), NULL, 8) & O_ACCMODE, O_RDWR);
    close(fd);
}

static void *stay(void *argument)
{
    int *stop = argument;
    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
        sleep_ms(2);
    return NULL;
}

static int count_tasks(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/task");
    if (!directory)
        return -1;
    for (struct dirent *entry; (entry = readdir(directory));)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

CASE(tasks_are_listed)
{
    int stop = 0, before = count_tasks();
    pthread_t thread = thread_start(stay, &stop);
    EXPECT_EQ(count_tasks(), before + 1);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    thread_join(thread);
}

CASE(task_links_count_threads)
{
    struct stat before, now;
    int stop = 0;
    EXPECT_OK(stat("/proc/self/task", &before));
    pthread_t thread = thread_start(stay, &stop);
    EXPECT_OK(stat("/proc/self/task", &now));
    EXPECT_EQ(now.st_nlink, before.st_nlink + 1);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    thread_join(thread);
}

CASE(statm_numbers)
{
    unsigned long size = 0, resident = 0, shared = 0;
    EXPECT_EQ(sscanf(read_proc("/proc/self/statm"), "%lu %lu %lu", &size, &resident, &shared), 3);
    EXPECT(size >= resident && resident > 0);
}

CASE(system_wide_files)
{
    read_proc("/proc/meminfo");
    EXPECT(atol(value_of("MemTotal:")) > 0);
    EXPECT(atol(value_of("MemAvailable:")) > 0);
    EXPECT(strstr(value_of("MemFree:"), " kB") != NULL);
    read_proc("/proc/cpuinfo");
    value_of("processor\t: ");
    value_of("model name\t: ");
    EXPECT(strstr(value_of("flags\t\t: "), "sse2") != NULL);
    read_proc("/proc/stat");
    value_of("cpu  ");
    value_of("cpu0 ");
    EXPECT(atol(value_of("btime ")) > 1600000000);
    EXPECT(strncmp(read_proc("/proc/version"), "Linux version ", 14) == 0);
    double up = -1;
    EXPECT_EQ(sscanf(read_proc("/proc/uptime"), "%lf", &up), 1);
    EXPECT(up >= 0);
    EXPECT_EQ(sscanf(read_proc("/proc/loadavg"), "%lf", &up), 1);
    EXPECT(strstr(read_proc("/proc/filesystems"), "nodev\ttmpfs\n") != NULL);
}

CASE(mount_tables)
{
    EXPECT(strstr(read_proc("/proc/mounts"), " / ") != NULL);
    EXPECT(strstr(text, " /proc proc ") != NULL);
    EXPECT(strstr(read_proc("/proc/self/mountinfo"), " / ") != NULL);
}

// The numbers of mounts in mountinfo, statx and fdinfo are the same.
CASE(mount_numbers)
{
    static const char *const names[] = {"/proc", "/sys"};
    struct statx s;
    char line[64], name[64];

    for (size_t i = 0; i < COUNT(names); i++) {
        int fd = open(names[i], O_RDONLY | O_DIRECTORY);
        REQUIRE_OK(fd);
        REQUIRE_OK(statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &s));
        snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
        read_proc(name);
        EXPECT_EQ(atoi(value_of("mnt_id:")), s.stx_mnt_id);
        read_proc("/proc/self/mountinfo");
        snprintf(line, sizeof(line), "%llu ", (unsigned long long)s.stx_mnt_id);
        snprintf(name, sizeof(name), " / %s ", names[i]);
        EXPECT(strstr(value_of(line), name) != NULL);
        close(fd);
    }
}

static char own_command[] = "a\0long\0command";

CASE(command_line_elsewhere)
{
    if (prctl(PR_SET_MM, 99, own_command, 0, 0) < 0 && errno == EPERM)
        SKIP("needs CAP_SYS_RESOURCE");
    EXPECT_ERROR(prctl(PR_SET_MM, PR_SET_MM_ARG_START, 1, 0, 0), EINVAL);
    EXPECT_ERROR(prctl(PR_SET_MM, PR_SET_MM_ARG_START, own_command, 1, 0), EINVAL);
    EXPECT_ERROR(prctl(PR_SET_MM, PR_SET_MM_ARG_END, own_command, 0, 0), EINVAL); // before its start
    REQUIRE_OK(prctl(PR_SET_MM, PR_SET_MM_ARG_START, own_command, 0, 0));
    REQUIRE_OK(prctl(PR_SET_MM, PR_SET_MM_ARG_END, own_command + sizeof(own_command), 0, 0));
    EXPECT_EQ(read_file("/proc/self/cmdline", text, sizeof(text)), sizeof(own_command));
    EXPECT(!memcmp(text, own_command, sizeof(own_command)));
}

CASE(kernel_settings)
{
    EXPECT_STR(read_proc("/proc/sys/kernel/ostype"), "Linux\n");
    EXPECT(atoi(read_proc("/proc/sys/kernel/osrelease")) >= 4);
    EXPECT(atoi(read_proc("/proc/sys/kernel/pid_max")) > 1);
    EXPECT(strlen(read_proc("/proc/sys/kernel/random/boot_id")) == 37);
    EXPECT(strlen(read_proc("/proc/sys/kernel/random/uuid")) == 37);
    EXPECT(strlen(read_proc("/proc/sys/kernel/hostname")) > 1);
    EXPECT(atoi(read_proc("/proc/sys/vm/overcommit_memory")) >= 0);
    EXPECT(atoi(read_proc("/proc/sys/fs/pipe-max-size")) >= 65536);
    EXPECT(atoi(read_proc("/proc/sys/vm/max_map_count")) >= 65530);
}

CASE(limits_and_cgroup_files)
{
    EXPECT(strstr(read_proc("/proc/self/limits"), "Max open files") != NULL);
    EXPECT(strstr(read_proc("/proc/self/cgroup"), "::/") != NULL);
    EXPECT(atoi(read_proc("/proc/self/oom_score_adj")) >= -1000);
}

CASE(read_in_pieces_is_the_same)
{
    static char pieces[65536];
    size_t total = 0;
    read_proc("/proc/version");
    int fd = open("/proc/version", O_RDONLY);
    for (ssize_t got; (got = read(fd, pieces + total, 7)) > 0; total += (size_t)got)
        ;
    pieces[total] = 0;
    EXPECT_STR(pieces, text);
    EXPECT_EQ(lseek(fd, 6, SEEK_SET), 6);
    EXPECT_EQ(read(fd, pieces, 7), 7);
    EXPECT(memcmp(pieces, "version", 7) == 0);
    EXPECT_EQ(pread(fd, pieces, 5, 0), 5);
    EXPECT(memcmp(pieces, "Linux", 5) == 0);
    close(fd);
}

CASE(memory_through_proc)
{
    static char secret[] = "in memory";
    char back[16] = "";
    int fd = open("/proc/self/mem", O_RDWR);
    REQUIRE_OK(fd);
    EXPECT_EQ(pread(fd, back, sizeof(secret), (off_t)(uintptr_t)secret), sizeof(secret));
    EXPECT_STR(back, secret);
    EXPECT_EQ(pwrite(fd, "IN", 2, (off_t)(uintptr_t)secret), 2);
    EXPECT_STR(secret, "IN memory");
    EXPECT_ERROR(pread(fd, back, 4, 0x1000), EIO);
    close(fd);
}

CASE(proc_is_read_only_where_it_must)
{
    EXPECT_ERROR(mkdir("/proc/new", 0755), ENOENT);
    EXPECT_ERROR(open("/proc/self/missing", O_RDONLY), ENOENT);
    EXPECT_ERROR(open("/proc/4000000/stat", O_RDONLY), ENOENT);
    int fd = open("/proc/version", O_WRONLY);
    if (fd >= 0) // root may
        EXPECT_ERROR(write(fd, "1", 1), EIO);
    close(fd);
    EXPECT_ERROR(unlink("/proc/version"), geteuid() ? EACCES : EPERM);
}

static const struct test_case cases[] = {
    ENTRY(self_is_this_process),
    ENTRY(stat_line),
    ENTRY(status_lines),
    ENTRY(maps_lines),
    ENTRY(maps_name_files_with_offsets),
    ENTRY(stack_and_heap_contain_what_they_should),
    ENTRY(exe_cwd_and_root_links),
    ENTRY(command_line_and_environment),
    ENTRY(descriptor_links),
    ENTRY(descriptor_details),
    ENTRY(tasks_are_listed),
    ENTRY(task_links_count_threads),
    ENTRY(statm_numbers),
    ENTRY(system_wide_files),
    ENTRY(mount_tables),
    ENTRY(mount_numbers),
    ENTRY(command_line_elsewhere),
    ENTRY(kernel_settings),
    ENTRY(limits_and_cgroup_files),
    ENTRY(read_in_pieces_is_the_same),
    ENTRY(memory_through_proc),
    ENTRY(proc_is_read_only_where_it_must),
};
TEST_MAIN(cases)
