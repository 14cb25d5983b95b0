// SPDX-License-Identifier: BSD-3-Clause
// The account at the end: with BOOT_DEBUG, says on the console what a process did not give back.
#pragma once

struct process;

void leak_check(struct process *p);
