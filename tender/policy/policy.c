// SPDX-License-Identifier: BSD-3-Clause
// The reader of policy files; see base.policy for the language.
#include "tender/policy/policy.h"

#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <asm/unistd.h>
#include <errno.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "abi/boot.h"
#include "abi/calls.h"
#include "tender/process/descriptors.h"

#define array_count(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *name;
    uint32_t number;
} calls[] = {
    {"read", __NR_read},
    {"write", __NR_write},
    {"readv", __NR_readv},
    {"writev", __NR_writev},
    {"ppoll", __NR_ppoll},
    {"pread64", __NR_pread64},
    {"pwrite64", __NR_pwrite64},
    {"lseek", __NR_lseek},
    {"fstat", __NR_fstat},
    {"clock_gettime", __NR_clock_gettime},
    {"exit_group", __NR_exit_group},
    {"mmap", __NR_mmap},
    {"munmap", __NR_munmap},
    {"mprotect", __NR_mprotect},
    {"madvise", __NR_madvise},
    {"timer_settime", __NR_timer_settime},
    {"clone", __NR_clone},
    {"futex", __NR_futex},
    {"tkill", __NR_tkill},
    {"timer_create", __NR_timer_create},
    {"sched_setaffinity", __NR_sched_setaffinity},
    {"restart_syscall", __NR_restart_syscall},
    {"sigaltstack", __NR_sigaltstack},
    {"set_robust_list", __NR_set_robust_list},
};

static const struct {
    const char *name;
    uint32_t value;
} names[] = {
    {"FD_IMAGE", FD_IMAGE},
    {"FD_FAMILY", FD_FAMILY},
    {"FD_DOORBELL", FD_DOORBELL},
    {"FD_SUPERVISOR", FD_SUPERVISOR},
    {"FD_NETWORK", FD_NETWORK},
    {"FD_TERMINAL", FD_TERMINAL},
    {"FD_LAST", 1023},
    {"NO_FD", ~0u},
    {"TICK_TIMER", TICK_TIMER},
    {"TICK_TIMER_LAST", TICK_TIMER_LAST},
    {"CLOCK_MONOTONIC", CLOCK_MONOTONIC},
    {"USER_TOP", (USER_HIGH >> 32) - 1}, // high halves of addresses
    {"LENGTH_TOP", USER_LENGTH_MAX >> 32},
    {"KERNEL_BOTTOM", KERNEL_LOW >> 32},
    {"PROT_ALL", PROT_READ | PROT_WRITE | PROT_EXEC},
    {"MAP_ZERO", MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE | MAP_ANONYMOUS},
    {"MAP_COPY", MAP_FIXED | MAP_PRIVATE | MAP_NORESERVE},
    {"MAP_TOGETHER", MAP_FIXED | MAP_SHARED},
    {"MADV_DONTNEED", MADV_DONTNEED},
    {"MADV_HUGEPAGE", MADV_HUGEPAGE},
    {"FORK_FLAGS", FORK_FLAGS},
    {"VCPU_FLAGS", VCPU_FLAGS},
    {"ROBUST_HEAD", sizeof(struct robust_list_head)},
    {"FUTEX_WAIT", FUTEX_WAIT},
    {"FUTEX_WAKE", FUTEX_WAKE},
    {"UPCALL_SIGNAL", UPCALL_SIGNAL},
    {"MADV_REMOVE", MADV_REMOVE},
};
_Static_assert((USER_HIGH - 1) + USER_LENGTH_MAX + 0xffffffff < KERNEL_LOW, "memory.policy");

static struct {
    const char *file;
    unsigned line;
} at;

static void fail(const char *why, const char *what)
{
    fprintf(stderr, "%s:%u: %s%s%s\n", at.file, at.line, why, what ? ": " : "", what ? what : "");
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

static uint32_t parse_value(const char *text)
{
    char *end;

    if (!text)
        fail("a value is missing", NULL);
    for (size_t i = 0; i < array_count(names); i++)
        if (!strcmp(names[i].name, text))
            return names[i].value;
    unsigned long number = strtoul(text, &end, 0);
    if (*end || end == text || number > ~0u)
        fail("not a number of 32 bits, nor a known name", text);
    return (uint32_t)number;
}

static enum policy_operator parse_operator(const char *text)
{
    if (text && !strcmp(text, "=="))
        return POLICY_EQUAL;
    if (text && !strcmp(text, "<="))
        return POLICY_AT_MOST;
    if (!text || strcmp(text, ">="))
        fail("not an operator", text);
    return POLICY_AT_LEAST;
}

static void add_condition(struct policy_rule *rule, const char *operand, char **rest)
{
    unsigned argument = operand[0] ? (unsigned)(operand[1] - '0') : 6;
    enum policy_operator operator= parse_operator(word(rest));
    struct policy_condition c = {
        .offset = (uint32_t)(offsetof(struct seccomp_data, args) + 8 * argument),
        .operator= operator,
        .value = parse_value(word(rest)),
    };

    if (argument > 5 || operand[2] || !strchr("awh", operand[0]))
        fail("not an operand", operand);
    if (operand[0] == 'a' && (operator!= POLICY_EQUAL || rule->count + 1 == POLICY_CONDITIONS_MAX))
        fail("whole arguments can only be compared by ==", operand);
    if (rule->count == POLICY_CONDITIONS_MAX)
        fail("too many conditions", NULL);
    if (operand[0] == 'h')
        c.offset += 4;
    rule->conditions[rule->count++] = c;
    if (operand[0] == 'a')
        rule->conditions[rule->count++] = (struct policy_condition){c.offset + 4, POLICY_EQUAL, 0};
}

static uint32_t parse_call(const char *name, const char **out_name)
{
    for (size_t i = 0; i < array_count(calls); i++) {
        if (strcmp(calls[i].name, name))
            continue;
        *out_name = calls[i].name;
        return calls[i].number;
    }
    fail("no such call", name);
    return 0;
}

// Behind the other rules of this call, whatever file they came from.
static void insert(struct policy *p, const struct policy_rule *rule)
{
    unsigned place = p->count;

    while (place && p->rules[place - 1].number != rule->number)
        place--;
    place = place ? place : p->count;
    memmove(p->rules + place + 1, p->rules + place, (p->count - place) * sizeof(*rule));
    p->rules[place] = *rule;
    p->count++;
}

static void add_rule(struct policy *p, char *text)
{
    struct policy_rule rule = {0};
    char *name = word(&text);

    if (!name || name[0] == '#')
        return;
    if (p->count == POLICY_RULES_MAX)
        fail("too many rules", NULL);
    rule.number = parse_call(name, &rule.call);
    for (char *w; (w = word(&text));)
        add_condition(&rule, w, &text);
    insert(p, &rule);
}

void policy_read(struct policy *p, const char *path)
{
    char text[512];
    FILE *in = fopen(path, "r");

    at.file = path;
    at.line = 0;
    if (!in)
        fail(strerror(errno), NULL);
    while (fgets(text, sizeof(text), in)) {
        at.line++;
        add_rule(p, text);
    }
    fclose(in);
}

bool policy_condition_same(const struct policy_condition *a, const struct policy_condition *b)
{
    return a->offset == b->offset && a->operator== b->operator&& a->value == b->value;
}
