// SPDX-License-Identifier: BSD-3-Clause
// The tests of tests/tcp.
#pragma once

#include "base/types.h"

printf_like(1, 2) void test_fail(const char *format, ...); // and the test goes on

void test_transfer(void);
void test_rules(void);
void test_loss(void);
void test_window(void);
