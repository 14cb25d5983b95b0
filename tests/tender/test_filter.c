// SPDX-License-Identifier: BSD-3-Clause
// Reads the filter that a running guest has: from the host's kernel (PTRACE_SECCOMP_GET_FILTER,
// needs root), or else from the supervisor. Prints the calls that it allows from the gate with any
// arguments.
//
//     test_filter SUPERVISOR_PID
#include <errno.h>
#include <linux/audit.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tender/bpf.h"

#define CODE_MAX 4096

static struct {
    struct sock_filter code[CODE_MAX];
    unsigned count;
    unsigned long long gate;
    unsigned gate_size;
    int member;
} guest;

static void read_line(char *line)
{
    struct sock_filter f;
    unsigned code, jt, jf, k;

    if (sscanf(line, "filter %x %u %u %x", &code, &jt, &jf, &k) == 4 && guest.count < CODE_MAX) {
        f = (struct sock_filter){(__u16)code, (__u8)jt, (__u8)jf, k};
        guest.code[guest.count++] = f;
    }
    sscanf(line, "gate %llx %u", &guest.gate, &guest.gate_size);
    sscanf(line, "pid %d", &guest.member);
}

static void ask_supervisor(int supervisor)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int size =
        snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "clade/%u/%d", getuid(), supervisor);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char line[1024];

    if (connect(fd, (struct sockaddr *)&name,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)size)) ||
        write(fd, "inspect\n", 8) != 8) {
        perror("control socket");
        exit(2);
    }
    FILE *answer = fdopen(fd, "r");
    while (fgets(line, sizeof(line), answer) && line[0] != '\n')
        read_line(line);
    fclose(answer);
}

// The one that counts, if we may see it.
static const char *ask_host(void)
{
    int status;

    if (ptrace(PTRACE_SEIZE, guest.member, 0, 0) || ptrace(PTRACE_INTERRUPT, guest.member, 0, 0))
        return "supervisor";
    waitpid(guest.member, &status, __WALL);
    long count = ptrace(PTRACE_SECCOMP_GET_FILTER, guest.member, 0, NULL);
    if (count > 0 && count <= CODE_MAX) {
        guest.count = (unsigned)count;
        ptrace(PTRACE_SECCOMP_GET_FILTER, guest.member, 0, guest.code);
    }
    ptrace(PTRACE_DETACH, guest.member, 0, 0);
    return count > 0 ? "host" : "supervisor";
}

static bool may(int number, __u32 arch, __u64 pc)
{
    struct seccomp_data data = {.nr = number, .arch = arch, .instruction_pointer = pc};

    return bpf_may_allow(guest.code, guest.count, &data);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    ask_supervisor(atoi(argv[1]));
    fprintf(stderr, "filter of %u instructions, as the %s has it\n", guest.count, ask_host());
    for (int n = 0; n < 1024; n++) {
        if (may(n, AUDIT_ARCH_X86_64, guest.gate + 100))
            printf("%d\n", n);
        if (may(n, AUDIT_ARCH_X86_64, guest.gate - 2) ||
            may(n, AUDIT_ARCH_X86_64, guest.gate + guest.gate_size + 1) ||
            may(n, AUDIT_ARCH_X86_64, guest.gate + 100 + (1ull << 32)) ||
            may(n, AUDIT_ARCH_I386, guest.gate + 100) ||
            may(n | 0x40000000, AUDIT_ARCH_X86_64, guest.gate + 100))
            printf("%d is allowed outside of the gate, or in another form\n", n);
    }
    return 0;
}
