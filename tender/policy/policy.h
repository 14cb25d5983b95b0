// SPDX-License-Identifier: BSD-3-Clause
// Policies as data: the rules of one or several policy files. Used at build time by compile.c, and
// by the test that compares rules and compiled filter.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define POLICY_RULES_MAX      64
#define POLICY_CONDITIONS_MAX 8

enum policy_operator { POLICY_EQUAL, POLICY_AT_MOST, POLICY_AT_LEAST };

struct policy_condition {
    uint32_t offset; // of the 32-bit word in struct seccomp_data
    enum policy_operator operator;
    uint32_t value;
};

struct policy_rule {
    const char *call; // its name
    uint32_t number;
    struct policy_condition conditions[POLICY_CONDITIONS_MAX];
    unsigned count;
};

struct policy {
    struct policy_rule rules[POLICY_RULES_MAX]; // those of one call stand together
    unsigned count;
};

// Adds the rules of a file. Ends the program with a message when there is something wrong with it.
void policy_read(struct policy *p, const char *path);

bool policy_condition_same(const struct policy_condition *a, const struct policy_condition *b);
