// SPDX-License-Identifier: BSD-3-Clause
// Runs at build time: compiles the policy files to BPF, for each combination of them.
//
//     compile tender/policy/base.policy tender/policy/memory.policy ... > build/tender/policy_tables.h
//
// The first file is always in; the nth of the others (n from 0) is in when bit n of the table's index
// is set. What no line allows ends the guest. The test of the program counter is not here, since
// libseccomp has none: sandbox.c puts it in front.
#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "abi/boot.h"
#include "tender/process/descriptors.h"

#define CONDITIONS_MAX 6
#define FILES_MAX      6

static const struct {
    const char *name;
    __u64 value;
} names[] = {
    {"FD_IMAGE", FD_IMAGE},
    {"FD_FAMILY", FD_FAMILY},
    {"FD_DOORBELL", FD_DOORBELL},
    {"FD_SUPERVISOR", FD_SUPERVISOR},
    {"NO_FD", ~0ull},
    {"TICK_TIMER", TICK_TIMER},
    {"CLOCK_MONOTONIC", CLOCK_MONOTONIC},
    {"USER_HIGH", USER_HIGH},
    {"USER_LENGTH_MAX", USER_LENGTH_MAX},
    {"KERNEL_LOW", KERNEL_LOW},
    {"PROT_ALL", ~(__u64)(PROT_READ | PROT_WRITE | PROT_EXEC)}, // as a mask: no other bit
    {"MAP_ZERO", MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE | MAP_ANONYMOUS},
    {"MAP_COPY", MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE},
    {"MAP_TOGETHER", MAP_FIXED | MAP_SHARED},
    {"MADV_DONTNEED", MADV_DONTNEED},
    {"MADV_REMOVE", MADV_REMOVE},
};

static const char *file;
static unsigned line;
static char calls[1024]; // names of those that the filter in the making has, for people

static void fail(const char *why, const char *what)
{
    fprintf(stderr, "%s:%u: %s%s%s\n", file, line, why, what ? ": " : "", what ? what : "");
    exit(1);
}

static char *word(char **rest)
{
    char *w;

    do
        w = strsep(rest, " \t\n");
    while (w && !*w);
    return w;
}

static __u64 value(const char *text)
{
    char *end;

    if (!text)
        fail("a value is missing", NULL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(names[i].name, text))
            return names[i].value;
    __u64 number = strtoull(text, &end, 0);
    if (*end || end == text)
        fail("not a number, nor a known name", text);
    return number;
}

static struct scmp_arg_cmp condition(const char *argument, char **rest)
{
    struct scmp_arg_cmp c = {.arg = (unsigned)(argument[1] - '0')};
    const char *operator = word(rest);

    if (argument[0] != 'a' || c.arg > 5 || argument[2] || !operator)
        fail("not a condition", argument);
    if (operator[0] == '&') {
        c.op = SCMP_CMP_MASKED_EQ;
        c.datum_a = value(operator+ 1);
        operator= word(rest);
        if (!operator|| strcmp(operator, "=="))
            fail("`==` is missing behind the mask", NULL);
        c.datum_b = value(word(rest));
        return c;
    }
    c.op = !strcmp(operator, "==")   ? SCMP_CMP_EQ
           : !strcmp(operator, "<=") ? SCMP_CMP_LE
           : !strcmp(operator, ">=") ? SCMP_CMP_GE
                                     : _SCMP_CMP_MIN;
    if (c.op == _SCMP_CMP_MIN)
        fail("unknown operator", operator);
    c.datum_a = value(word(rest));
    return c;
}

static void note_call(const char *call)
{
    size_t size = strlen(call);
    const char *last = strrchr(calls, ' ');

    if (!strcmp(last ? last + 1 : calls, call)) // lines of one call stand together
        return;
    if (strlen(calls) + size + 2 > sizeof(calls))
        fail("too many calls", NULL);
    if (calls[0])
        strcat(calls, " ");
    strcat(calls, call);
}

static void add_rule(scmp_filter_ctx filter, char *text)
{
    struct scmp_arg_cmp conditions[CONDITIONS_MAX];
    unsigned count = 0;
    char *call = word(&text);

    if (!call || call[0] == '#')
        return;
    int number = seccomp_syscall_resolve_name(call);
    if (number < 0)
        fail("no such call", call);
    note_call(call);
    for (char *w; (w = word(&text));) {
        if (count == CONDITIONS_MAX)
            fail("too many conditions", NULL);
        conditions[count++] = condition(w, &text);
    }
    int error = seccomp_rule_add_exact_array(filter, SCMP_ACT_ALLOW, number, count, conditions);
    if (error)
        fail("libseccomp refuses it", strerror(-error));
}

static void add_file(scmp_filter_ctx filter, const char *path)
{
    char text[512];
    FILE *in = fopen(path, "r");

    file = path;
    line = 0;
    if (!in)
        fail(strerror(errno), NULL);
    while (fgets(text, sizeof(text), in)) {
        line++;
        add_rule(filter, text);
    }
    fclose(in);
}

// Calls that a busy guest makes often come first in the filter.
static void set_priorities(scmp_filter_ctx filter)
{
    static const char *const often[] = {"write", "read", "ppoll", "mmap", "munmap", "mprotect"};

    for (unsigned i = 0; i < sizeof(often) / sizeof(often[0]); i++)
        seccomp_syscall_priority(filter, seccomp_syscall_resolve_name(often[i]),
                                 (unsigned char)(255 - i));
}

static void print_table(scmp_filter_ctx filter, unsigned index)
{
    struct sock_filter code[BPF_MAXINSNS];
    int fd = memfd_create("policy", 0);

    if (fd < 0 || seccomp_export_bpf(filter, fd))
        fail("can't compile it", NULL);
    ssize_t size = pread(fd, code, sizeof(code), 0);
    printf("static const struct sock_filter policy_%u[] = {\n", index);
    for (ssize_t i = 0; i < size / (ssize_t)sizeof(code[0]); i++)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
    printf("};\n#define POLICY_CALLS_%u \"%s\"\n", index, calls);
    close(fd);
}

int main(int argc, char **argv)
{
    unsigned count = argc < 2 ? 0 : 1u << (argc - 2);

    if (argc < 2 || argc > FILES_MAX)
        return 2;
    printf("// Made by tender/policy/compile.c.\n");
    for (unsigned index = 0; index < count; index++) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!filter || seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS))
            fail("libseccomp does not work here", NULL);
        calls[0] = 0;
        set_priorities(filter);
        add_file(filter, argv[1]);
        for (int i = 2; i < argc; i++)
            if (index >> (i - 2) & 1)
                add_file(filter, argv[i]);
        print_table(filter, index);
        seccomp_release(filter);
    }
    printf("static const struct policy_table {\n    const struct sock_filter *code;\n"
           "    unsigned short count;\n    const char *calls;\n} policy_tables[%u] = {\n", count);
    for (unsigned index = 0; index < count; index++)
        printf("    {policy_%u, sizeof(policy_%u) / sizeof(policy_%u[0]), POLICY_CALLS_%u},\n", index,
               index, index, index);
    printf("};\n");
    return 0;
}
