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
//     call number?     no: next call
//     a condition      no: the lines that do not need it, or deny
//     another, that the lines which can still hold need; the last one of a line: allow
//
// Calls one behind the other that have the same lines share them. One instruction at the end
// allows, for all.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tender/policy/policy.h"

#define CODE_MAX  240 // with sandbox.c's prelude at most SANDBOX_FILTER_MAX
#define FILES_MAX 8
#define NOTHING   (~0u) // no word of struct seccomp_data

// Places that are not known when a jump to them is written.
enum label { LABEL_NONE, LABEL_DENY, LABEL_ALLOW, LABEL_NEXT_CALL, LABEL_LINES };

struct code {
    struct sock_filter code[CODE_MAX];
    enum label holds[CODE_MAX],
        fails[CODE_MAX]; // where a comparison goes; NONE: known, or the next instruction
    unsigned count;
};

// A rule of which the conditions in `known` (a bit each) hold already.
struct line {
    const struct policy_rule *rule;
    uint32_t known;
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

// At-most is "greater" turned round.
static unsigned compare(struct code *c, enum policy_operator operator, uint32_t value,
                        enum label holds, enum label fails)
{
    static const unsigned codes[] = {
        [POLICY_EQUAL] = BPF_JEQ, [POLICY_AT_MOST] = BPF_JGT, [POLICY_AT_LEAST] = BPF_JGE};
    unsigned at = emit(c, BPF_JMP | BPF_K | codes[operator], value);

    c->holds[at] = holds;
    c->fails[at] = fails;
    return at;
}

// The comparison at `at` goes on here when it holds, or when it fails.
static void go_on(struct code *c, unsigned at, bool holds)
{
    bool turned = BPF_OP(c->code[at].code) == BPF_JGT;
    unsigned to = c->count - at - 1;

    if (to > 255)
        fail("a jump is too far");
    *(holds != turned ? &c->code[at].jt : &c->code[at].jf) = (__u8)to;
}

static void place(struct code *c, enum label label)
{
    for (unsigned i = 0; i < c->count; i++) {
        if (c->holds[i] == label)
            go_on(c, i, true);
        if (c->fails[i] == label)
            go_on(c, i, false);
        c->holds[i] = c->holds[i] == label ? LABEL_NONE : c->holds[i];
        c->fails[i] = c->fails[i] == label ? LABEL_NONE : c->fails[i];
    }
}

// Its place in the line; -1: the line does not need it.
static int find(const struct line *l, const struct policy_condition *condition)
{
    for (unsigned k = 0; k < l->rule->count; k++)
        if (policy_condition_same(&l->rule->conditions[k], condition))
            return (int)k;
    return -1;
}

static bool is_complete(const struct line *l)
{
    return l->known == (1u << l->rule->count) - 1;
}

// What to ask next: what all lines need, or else what the first one does.
static const struct policy_condition *choose(const struct line *lines, unsigned count)
{
    const struct policy_condition *first = NULL;

    for (unsigned k = 0; k < lines->rule->count; k++) {
        const struct policy_condition *condition = &lines->rule->conditions[k];
        unsigned i = 0;
        if (lines->known >> k & 1)
            continue;
        first = first ? first : condition;
        while (i < count && find(&lines[i], condition) >= 0)
            i++;
        if (i == count)
            return condition;
    }
    return first;
}

// Two conditions that can't both hold.
static bool excludes(const struct policy_condition *a, const struct policy_condition *b)
{
    uint32_t low_a = a->operator== POLICY_AT_MOST ? 0 : a->value,
             low_b = b->operator== POLICY_AT_MOST ? 0 : b->value,
             high_a = a->operator== POLICY_AT_LEAST ? ~0u : a->value,
             high_b = b->operator== POLICY_AT_LEAST ? ~0u : b->value;

    return a->offset == b->offset && (low_a > high_b || low_b > high_a);
}

// Of `lines` those that can still hold when the condition does, or when it does not.
static unsigned keep(struct line *out, const struct line *lines, unsigned count,
                     const struct policy_condition *condition, bool holds)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < count; i++) {
        int at = find(&lines[i], condition);
        bool possible = holds || at < 0;
        for (unsigned k = 0; holds && k < lines[i].rule->count; k++)
            possible &= !excludes(condition, &lines[i].rule->conditions[k]);
        if (!possible)
            continue;
        out[kept] = lines[i];
        out[kept++].known |= holds && at >= 0 ? 1u << at : 0;
    }
    return kept;
}

// What decides about lines of one call, none of which holds yet. `loaded` is what the accumulator
// holds.
static void compile_lines(struct code *c, const struct line *lines, unsigned count, uint32_t loaded)
{
    const struct policy_condition *condition = choose(lines, count);
    struct line left[POLICY_RULES_MAX];
    bool allows = false;

    if (condition->offset != loaded)
        load(c, condition->offset);
    unsigned at = compare(c, condition->operator, condition->value, LABEL_NONE, LABEL_NONE);
    unsigned kept = keep(left, lines, count, condition, true);
    for (unsigned i = 0; i < kept; i++)
        allows |= is_complete(&left[i]);
    if (allows)
        c->holds[at] = LABEL_ALLOW;
    else
        compile_lines(c, left, kept, condition->offset);
    kept = keep(left, lines, count, condition, false);
    if (!kept) {
        c->fails[at] = LABEL_DENY;
        return;
    }
    go_on(c, at, false);
    compile_lines(c, left, kept, condition->offset);
}

static unsigned call_end(const struct policy *p, unsigned from)
{
    unsigned to = from;

    while (to < p->count && p->rules[to].number == p->rules[from].number)
        to++;
    return to;
}

// Do the calls at a and b have the same lines?
static bool same_lines(const struct policy *p, unsigned a, unsigned b)
{
    unsigned count = call_end(p, a) - a;

    if (b == p->count || call_end(p, b) - b != count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        struct line of_a = {&p->rules[a + i], 0}, of_b = {&p->rules[b + i], 0};
        if (of_a.rule->count != of_b.rule->count)
            return false;
        for (unsigned k = 0; k < of_a.rule->count; k++)
            if (find(&of_b, &of_a.rule->conditions[k]) < 0)
                return false;
    }
    return true;
}

// A call, and those behind it with the same lines; returns where the next one begins. The number is
// loaded, and is again what is loaded at the next call.
static unsigned compile_call(struct code *c, const struct policy *p, unsigned from)
{
    struct line lines[POLICY_RULES_MAX];
    unsigned to = call_end(p, from), count = 0;
    bool allows = false;

    for (; same_lines(p, from, to); from = to, to = call_end(p, to))
        compare(c, POLICY_EQUAL, p->rules[from].number, LABEL_LINES, LABEL_NONE);
    unsigned at = compare(c, POLICY_EQUAL, p->rules[from].number, LABEL_NONE, LABEL_NEXT_CALL);
    place(c, LABEL_LINES);
    for (unsigned i = from; i < to; i++) {
        allows |= p->rules[i].count == 0;
        lines[count++] = (struct line){&p->rules[i], 0};
    }
    if (allows)
        c->holds[at] = LABEL_ALLOW;
    else
        compile_lines(c, lines, count, offsetof(struct seccomp_data, nr));
    place(c, LABEL_NEXT_CALL);
    return to;
}

static void compile(struct code *c, const struct policy *p)
{
    load(c, offsetof(struct seccomp_data, nr));
    for (unsigned from = 0; from < p->count;)
        from = compile_call(c, p, from);
    place(c, LABEL_DENY);
    emit(c, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    place(c, LABEL_ALLOW);
    emit(c, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
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
