// SPDX-License-Identifier: BSD-3-Clause
// The compiled policies say what the policy files say: for every call number, and arguments around
// every value that a rule names.
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tender/policy/policy.h"
#include "tender/policy_tables.h"
#include "tests/tender/bpf.h"

#define TRIES 200000

static const char *const files[] = {"tender/policy/base.policy", "tender/policy/memory.policy",
                                    "tender/policy/tick.policy", "tender/policy/fork.policy",
                                    "tender/policy/network.policy", "tender/policy/vcpu.policy"};
static unsigned checked, allowed;

// What the rules themselves say, as plainly as can be.
static bool rules_allow(const struct policy *p, const struct seccomp_data *data)
{
    for (unsigned i = 0; i < p->count; i++) {
        const struct policy_rule *r = &p->rules[i];
        bool holds = r->number == (__u32)data->nr;
        for (unsigned k = 0; k < r->count; k++) {
            __u32 value, want = r->conditions[k].value;
            memcpy(&value, (const char *)data + r->conditions[k].offset, sizeof(value));
            switch (r->conditions[k].operator) {
            case POLICY_EQUAL:
                holds &= value == want;
                break;
            case POLICY_AT_MOST:
                holds &= value <= want;
                break;
            case POLICY_AT_LEAST:
                holds &= value >= want;
                break;
            }
        }
        if (holds)
            return true;
    }
    return false;
}

static void check(const struct policy *p, unsigned table, const struct seccomp_data *data)
{
    bool says =
        bpf_run(policy_tables[table].code, policy_tables[table].count, data) == SECCOMP_RET_ALLOW;

    checked++;
    allowed += says;
    if (says == rules_allow(p, data))
        return;
    printf("policy %u: call %d (%#llx, %#llx, %#llx, %#llx, %#llx, %#llx): the filter %s\n", table,
           data->nr, data->args[0], data->args[1], data->args[2], data->args[3], data->args[4],
           data->args[5], says ? "allows what no rule does" : "denies what a rule allows");
    exit(1);
}

// A call that some rule is about, nearly as the rule wants it.
static struct seccomp_data around_a_rule(const struct policy *p)
{
    const struct policy_rule *r = &p->rules[(unsigned)rand() % p->count];
    const struct policy_rule *other = &p->rules[(unsigned)rand() % p->count];
    struct seccomp_data data = {.nr = (int)r->number};

    for (int i = 0; i < 6; i++)
        data.args[i] = rand() % 4 ? (__u64)(rand() % 16) : (__u64)rand() << 33 ^ (__u64)rand();
    for (unsigned k = 0; k < r->count; k++) {
        const struct policy_condition *c =
            rand() % 8 || !other->count ? &r->conditions[k]
                                        : &other->conditions[(unsigned)rand() % other->count];
        __u32 value = c->value + (rand() % 4 ? 0 : (__u32)(rand() % 3) - 1);
        memcpy((char *)&data + c->offset, &value, sizeof(value));
    }
    return data;
}

int main(void)
{
    for (unsigned table = 0; table < 16; table++) {
        struct policy p = {0};
        policy_read(&p, files[0]);
        for (unsigned i = 0; i < 4; i++)
            if (table >> i & 1)
                policy_read(&p, files[i + 1]);
        for (int number = -2; number < 1024; number++)
            for (int x32 = 0; x32 < 2; x32++)
                check(&p, table, &(struct seccomp_data){.nr = number | (x32 ? 0x40000000 : 0)});
        for (int i = 0; i < TRIES; i++) {
            struct seccomp_data data = around_a_rule(&p);
            check(&p, table, &data);
        }
    }
    printf("policies: %u calls, %u of them allowed: filters and rules agree\n", checked, allowed);
    return allowed < checked / 10;
}
