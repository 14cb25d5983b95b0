// SPDX-License-Identifier: BSD-3-Clause
// Runs at build time: compiles the policy files to BPF, for each combination of them.
//
//     compile tender/policy/base.policy tender/policy/memory.policy ... >
//     build/tender/policy_tables.h
//
// The first file is always in; the nth of the others (n from 0) is in when bit n of the table's
// index is set. The test of the program counter is not here: sandbox.c puts it in front.
//
// Not by libseccomp: it knows no test of the program counter nor of half an argument, needs twice
// the instructions (each costs 0.1 us at every start), and its version 2.5.4 made a comparison of a
// word that it had not loaded out of an earlier form of memory.policy. tests/tender/test_policy.c
// compares what comes out of here with the rules themselves.
//
//     call number?  no: next call
//     conditions that all lines of the call share         no: deny
//     line: the rest of its conditions; all hold: allow   no: next line, or deny
//
// One instruction at the end allows, for all lines.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tender/policy/policy.h"

#define CODE_MAX  512
#define FILES_MAX 8
#define NOTHING   (~0u)     // no word of struct seccomp_data
#define SEVERAL   (~0u - 1) // one or another

// Places that are not known when a jump to them is written.
enum label { LABEL_DENY, LABEL_NEXT_CALL, LABEL_NEXT_LINE, LABEL_COUNT };

struct code {
    struct sock_filter code[CODE_MAX];
    enum label failing[CODE_MAX]; // where the comparison at this place jumps to when it fails
    bool open[CODE_MAX];          // ... and its jump is still to be filled in
    bool allows[CODE_MAX];        // when it holds the call is allowed
    unsigned count;
};

static void fail(const char *why)
{
    fprintf(stderr, "policy compiler: %s\n", why);
    exit(1);
}

static unsigned emit(struct code *c, unsigned code, uint32_t value)
{
    if (c->count == CODE_MAX)
        fail("the filter is too long");
    c->code[c->count] = (struct sock_filter){(__u16)code, 0, 0, value};
    return c->count++;
}

static void load(struct code *c, uint32_t offset)
{
    emit(c, BPF_LD | BPF_W | BPF_ABS, offset);
}

// A comparison that goes on behind itself when it holds.
static void require(struct code *c, enum policy_operator operator, uint32_t value,
                    enum label failing)
{
    static const unsigned codes[] = {
        [POLICY_EQUAL] = BPF_JEQ, [POLICY_AT_MOST] = BPF_JGT, [POLICY_AT_LEAST] = BPF_JGE};
    unsigned at = emit(c, BPF_JMP | BPF_K | codes[operator], value);

    c->failing[at] = failing;
    c->open[at] = true;
}

static __u8 distance(const struct code *c, unsigned from)
{
    unsigned to = c->count - from - 1;

    if (to > 255)
        fail("a jump is too far");
    return (__u8)to;
}

// At-most is "greater" turned round.
static bool is_turned(const struct code *c, unsigned at)
{
    return BPF_OP(c->code[at].code) == BPF_JGT;
}

static void place(struct code *c, enum label label)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (!c->open[i] || c->failing[i] != label)
            continue;
        *(is_turned(c, i) ? &c->code[i].jt : &c->code[i].jf) = distance(c, i);
        c->open[i] = false;
    }
}

static void place_allow(struct code *c)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->allows[i])
            *(is_turned(c, i) ? &c->code[i].jf : &c->code[i].jt) = distance(c, i);
    emit(c, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

// Is the condition in all rules of [from, to)?
static bool shared(const struct policy *p, unsigned from, unsigned to,
                   const struct policy_condition *condition)
{
    for (unsigned i = from; i < to; i++) {
        bool found = false;
        for (unsigned k = 0; k < p->rules[i].count; k++)
            found |= policy_condition_same(&p->rules[i].conditions[k], condition);
        if (!found)
            return false;
    }
    return true;
}

// The conditions of a line, either those that all lines of [from, to) share or the others. `loaded`
// is what the accumulator holds before; returns what it holds wherever one of them fails.
static uint32_t compile_conditions(struct code *c, const struct policy *p, unsigned from,
                                   unsigned to, unsigned line, bool common, uint32_t loaded)
{
    const struct policy_rule *r = &p->rules[line];
    enum label failing = common || line + 1 == to ? LABEL_DENY : LABEL_NEXT_LINE;
    uint32_t first = NOTHING;

    for (unsigned k = 0; k < r->count; k++) {
        const struct policy_condition *condition = &r->conditions[k];
        if (shared(p, from, to, condition) != common)
            continue;
        if (condition->offset != loaded)
            load(c, condition->offset);
        loaded = condition->offset;
        require(c, condition->operator, condition->value, failing);
        first = first == NOTHING || first == loaded ? loaded : SEVERAL;
    }
    return first;
}

// All lines of one call. The number is loaded, and is again what is loaded at the next call.
static void compile_call(struct code *c, const struct policy *p, unsigned from, unsigned to)
{
    uint32_t loaded = SEVERAL;

    require(c, POLICY_EQUAL, p->rules[from].number, LABEL_NEXT_CALL);
    compile_conditions(c, p, from, to, from, true, loaded);
    for (unsigned line = from; line < to; line++) {
        unsigned before = c->count;
        loaded = compile_conditions(c, p, from, to, line, false, loaded);
        if (c->count > before) // the line's last condition
            c->allows[c->count - 1] = true;
        else
            emit(c, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        place(c, LABEL_NEXT_LINE);
    }
    place(c, LABEL_NEXT_CALL);
}

static void compile(struct code *c, const struct policy *p)
{
    load(c, offsetof(struct seccomp_data, nr));
    for (unsigned from = 0, to; from < p->count; from = to) {
        for (to = from; to < p->count && p->rules[to].number == p->rules[from].number;)
            to++;
        compile_call(c, p, from, to);
    }
    place(c, LABEL_DENY);
    emit(c, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    place_allow(c);
}

static void print(const struct code *c, const struct policy *p, unsigned index)
{
    printf("static const struct sock_filter policy_%u[] = {\n", index);
    for (unsigned i = 0; i < c->count; i++)
        printf("    {0x%02x, %u, %u, 0x%08x},\n", c->code[i].code, c->code[i].jt, c->code[i].jf,
               c->code[i].k);
    printf("};\n#define POLICY_CALLS_%u \"", index);
    for (unsigned i = 0; i < p->count; i++)
        if (!i || p->rules[i].number != p->rules[i - 1].number)
            printf("%s%s", i ? " " : "", p->rules[i].call);
    printf("\"\n");
}

int main(int argc, char **argv)
{
    unsigned count = argc < 2 ? 0 : 1u << (argc - 2);

    if (argc < 2 || argc > FILES_MAX)
        return 2;
    printf("// Made by tender/policy/compile.c.\n#include <linux/filter.h>\n");
    for (unsigned index = 0; index < count; index++) {
        struct policy policy = {0};
        struct code code = {0};
        policy_read(&policy, argv[1]);
        for (int i = 2; i < argc; i++)
            if (index >> (i - 2) & 1)
                policy_read(&policy, argv[i]);
        compile(&code, &policy);
        print(&code, &policy, index);
    }
    printf("static const struct policy_table {\n    const struct sock_filter *code;\n"
           "    unsigned short count;\n    const char *calls;\n} policy_tables[%u] = {\n",
           count);
    for (unsigned i = 0; i < count; i++)
        printf("    {policy_%u, sizeof(policy_%u) / sizeof(policy_%u[0]), POLICY_CALLS_%u},\n", i,
               i, i, i);
    printf("};\n");
    return 0;
}
