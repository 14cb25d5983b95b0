// SPDX-License-Identifier: BSD-3-Clause
// A kernel that has turned against its tender: `hostile CASE` makes one host call that its policy
// denies, and must be ended for it. `hostile list` names the cases. It exits with 1 when it lives
// on.
#include <linux/mman.h>

#include "tender/process/descriptors.h"
#include "tests/tender/guest.h"

#define PRIVATE (MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define USER_AT 0x100000000ull

static const char text[] = "escaped\n";

void guest_upcall(int signal, const void *info, const void *context)
{
    // What user code's system calls are: not denied, but handed to the kernel.
    say("upcall ");
    say_number((u64)signal);
    say("\n");
    leave(signal == 31 && equal(argument(1), "outside") ? 0 : 2);
}

static s64 gate(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    return call_gate(number, a, b, c, d, e, f);
}

// Calls that no policy has.
static void open_file(void)
{
    gate(__NR_openat, (u64)-100, (u64) "/etc/passwd", 0, 0, 0, 0);
}
static void make_socket(void)
{
    gate(__NR_socket, 2, 1, 0, 0, 0, 0);
}
static void make_process(void)
{
    gate(__NR_clone, 17, 0, 0, 0, 0, 0);
}
static void run_program(void)
{
    gate(__NR_execve, (u64) "/bin/sh", 0, 0, 0, 0, 0);
}
static void trace(void)
{
    gate(__NR_ptrace, 16, 1, 0, 0, 0, 0);
}
static void signal_parent(void)
{
    gate(__NR_kill, (u64)-1, 9, 0, 0, 0, 0);
}
static void control_device(void)
{
    gate(__NR_ioctl, 0, 0x5412, (u64)text, 0, 0, 0);
}
static void new_filter(void)
{
    gate(__NR_seccomp, 1, 0, 0, 0, 0, 0);
}
static void leave_handler(void)
{
    gate(__NR_rt_sigreturn, 0, 0, 0, 0, 0, 0);
}
static void new_handler(void)
{
    gate(__NR_rt_sigaction, 9, 0, 0, 8, 0, 0);
}
static void truncate_family(void)
{
    gate(__NR_ftruncate, FD_FAMILY, 0, 0, 0, 0, 0);
}
static void new_timer(void)
{
    gate(__NR_timer_create, 1, 0, (u64)text, 0, 0, 0);
}

// Calls that it has, with arguments that it has not.
static void write_image(void)
{
    gate(__NR_write, FD_IMAGE, (u64)text, 8, 0, 0, 0);
}
static void write_input(void)
{
    gate(__NR_write, 0, (u64)text, 8, 0, 0, 0);
}
static void read_output(void)
{
    gate(__NR_read, 1, USER_AT, 8, 0, 0, 0);
}
static void write_unknown(void)
{
    gate(__NR_write, 77, (u64)text, 8, 0, 0, 0);
}
static void pwrite_stream(void)
{
    gate(__NR_pwrite64, 1, (u64)text, 8, 0, 0, 0);
}
static void read_behind_terminal(void)
{
    gate(__NR_read, FD_TERMINAL + 1, USER_AT, 8, 0, 0, 0);
}
static void seek_image(void)
{
    gate(__NR_lseek, FD_IMAGE, 0, 0, 0, 0, 0);
}
static void stat_image(void)
{
    gate(__NR_fstat, FD_IMAGE, USER_AT, 0, 0, 0, 0);
}
static void set_mask(void)
{
    u64 mask = ~0ull;
    gate(__NR_ppoll, 0, 0, 0, (u64)&mask, 8, 0);
}
static void cpu_clock(void)
{
    gate(__NR_clock_gettime, 2, (u64)&boot, 0, 0, 0, 0);
}
static void absolute_timer(void)
{
    gate(__NR_timer_settime, 0, 1, (u64)text, 0, 0, 0);
}
static void other_timer(void)
{
    gate(__NR_timer_settime, 1, 0, (u64)text, 0, 0, 0);
}

// Memory that is not user memory.
static void map_over_gate(void)
{
    gate(__NR_mmap, boot->gate_base, 4096, 7, PRIVATE, ~0ull, 0);
}
static void map_over_kernel(void)
{
    gate(__NR_mmap, boot->kernel_base, 4096, 7, PRIVATE, ~0ull, 0);
}
static void map_at_top(void)
{
    gate(__NR_mmap, USER_HIGH, 4096, 3, PRIVATE, ~0ull, 0);
}
static void map_too_long(void)
{
    gate(__NR_mmap, USER_HIGH - 4096, USER_LENGTH_MAX * 2, 3, PRIVATE, ~0ull, 0);
}
static void map_anywhere(void)
{
    gate(__NR_mmap, 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, ~0ull, 0);
}
static void map_image_shared(void)
{
    gate(__NR_mmap, USER_AT, 4096, 1, MAP_FIXED | MAP_SHARED, FD_IMAGE, 0);
}
static void map_stream(void)
{
    gate(__NR_mmap, USER_AT, 4096, 1, MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE, 1, 0);
}
static void map_shared_anonymous(void)
{
    gate(__NR_mmap, USER_AT, 4096, 3, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, ~0ull, 0);
}
static void open_gate(void)
{
    gate(__NR_mprotect, boot->gate_base, 4096, 7, 0, 0, 0);
}
static void open_text(void)
{
    gate(__NR_mprotect, boot->kernel_base, 4096, 7, 0, 0, 0);
}
static void protect_strangely(void)
{
    gate(__NR_mprotect, USER_AT, 4096, 0x01000003, 0, 0, 0);
}
static void unmap_gate(void)
{
    gate(__NR_munmap, boot->gate_base, 4096, 0, 0, 0, 0);
}
static void unmap_all(void)
{
    gate(__NR_munmap, 4096, 0x7ffffffff000, 0, 0, 0, 0);
}
static void discard_gate(void)
{
    gate(__NR_madvise, boot->gate_base, 4096, MADV_DONTNEED, 0, 0, 0);
}
static void poison(void)
{
    gate(__NR_madvise, USER_AT, 4096, 100, 0, 0, 0);
}

// Other ways in than the 64-bit table.
static void x32(void)
{
    gate(0x40000000 | __NR_write, 1, (u64)text, 8, 0, 0, 0);
}
static void negative(void)
{
    gate(~0ull, 1, (u64)text, 8, 0, 0, 0);
}
static void int80(void)
{
    s64 result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(4), "b"(1), "c"(0), "d"(8) : "memory");
}

// The same instruction outside the gate is no call at all.
static void outside_call(void)
{
    call_outside(__NR_write, 2, (u64)text, 8, 0, 0, 0);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"openat", open_file},
    {"socket", make_socket},
    {"clone", make_process},
    {"execve", run_program},
    {"ptrace", trace},
    {"kill", signal_parent},
    {"ioctl", control_device},
    {"seccomp", new_filter},
    {"rt_sigreturn", leave_handler},
    {"rt_sigaction", new_handler},
    {"ftruncate", truncate_family},
    {"timer_create", new_timer},
    {"write-image", write_image},
    {"write-input", write_input},
    {"read-output", read_output},
    {"write-unknown", write_unknown},
    {"pwrite-stream", pwrite_stream},
    {"read-behind-terminal", read_behind_terminal},
    {"lseek-image", seek_image},
    {"fstat-image", stat_image},
    {"ppoll-mask", set_mask},
    {"cpu-clock", cpu_clock},
    {"timer-absolute", absolute_timer},
    {"timer-other", other_timer},
    {"mmap-gate", map_over_gate},
    {"mmap-kernel", map_over_kernel},
    {"mmap-top", map_at_top},
    {"mmap-too-long", map_too_long},
    {"mmap-anywhere", map_anywhere},
    {"mmap-image-shared", map_image_shared},
    {"mmap-stream", map_stream},
    {"mmap-shared-anonymous", map_shared_anonymous},
    {"mprotect-gate", open_gate},
    {"mprotect-text", open_text},
    {"mprotect-flags", protect_strangely},
    {"munmap-gate", unmap_gate},
    {"munmap-all", unmap_all},
    {"madvise-gate", discard_gate},
    {"madvise-poison", poison},
    {"x32", x32},
    {"negative", negative},
    {"int80", int80},
    {"outside", outside_call},
};

int guest_main(void)
{
    for (u64 i = 0; i < array_count(cases); i++) {
        if (equal(argument(1), "list")) {
            say(cases[i].name);
            say("\n");
        } else if (equal(argument(1), cases[i].name)) {
            cases[i].run();
            say("lived on\n");
            return 1;
        }
    }
    return equal(argument(1), "list") ? 0 : 3;
}
