// SPDX-License-Identifier: BSD-3-Clause
#include "tests/tender/bpf.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void broken(unsigned at)
{
    fprintf(stderr, "instruction %u of the filter is not a seccomp filter's\n", at);
    exit(1);
}

static __u32 word(const struct seccomp_data *data, __u32 offset)
{
    __u32 value;

    if (offset % 4 || offset > sizeof(*data) - 4)
        broken(offset);
    memcpy(&value, (const char *)data + offset, sizeof(value));
    return value;
}

static bool compare(unsigned at, const struct sock_filter *f, __u32 a)
{
    switch (f->code) {
    case BPF_JMP | BPF_JEQ | BPF_K:
        return a == f->k;
    case BPF_JMP | BPF_JGT | BPF_K:
        return a > f->k;
    case BPF_JMP | BPF_JGE | BPF_K:
        return a >= f->k;
    }
    broken(at);
    return false;
}

__u32 bpf_run(const struct sock_filter *code, unsigned count, const struct seccomp_data *data)
{
    __u32 a = 0;

    for (unsigned at = 0; at < count; at++) {
        const struct sock_filter *f = &code[at];
        if (f->code == (BPF_RET | BPF_K))
            return f->k;
        if (f->code == (BPF_LD | BPF_W | BPF_ABS))
            a = word(data, f->k);
        else
            at += compare(at, f, a) ? f->jt : f->jf;
    }
    broken(count);
    return 0;
}

// From instruction `at` with `a` loaded (known: its value is). Jumps go forward only, so this ends.
static bool explore(const struct sock_filter *code, unsigned count, const struct seccomp_data *data,
                    unsigned at, __u32 a, bool known)
{
    for (; at < count; at++) {
        const struct sock_filter *f = &code[at];
        if (f->code == (BPF_RET | BPF_K))
            return f->k == SECCOMP_RET_ALLOW;
        if (f->code == (BPF_LD | BPF_W | BPF_ABS)) {
            a = word(data, f->k);
            known = f->k < offsetof(struct seccomp_data, args);
        } else if (known) {
            at += compare(at, f, a) ? f->jt : f->jf;
        } else {
            return explore(code, count, data, at + 1 + f->jt, a, false) ||
                   explore(code, count, data, at + 1 + f->jf, a, false);
        }
    }
    broken(count);
    return false;
}

bool bpf_may_allow(const struct sock_filter *code, unsigned count, const struct seccomp_data *data)
{
    return explore(code, count, data, 0, 0, false);
}
