// SPDX-License-Identifier: BSD-3-Clause
// A guest kernel of a few lines, to test the tender with: entry, output, and host calls of any
// kind, made from the gate's page or from outside.
#pragma once

#include <asm/unistd.h>

#include "abi/boot.h"
#include "abi/calls.h"
#include "base/types.h"

extern struct boot_info *boot;
#define waist ((const struct waist_calls *)boot->waist)

// The test's own: runs on the upcall stack; its result is the exit code.
int guest_main(void);
// A host signal: what the real kernel's upcall_entry gets.
void guest_upcall(int signal, const void *info, const void *context);

u64 length(const char *text);
bool equal(const char *a, const char *b);
void say(const char *text);
void say_number(u64 number);
const char *argument(u32 index); // "" if there is none
no_return void leave(int code);

// A system call by an instruction in the gate's page (the kernel's text, for the other).
s64 call_gate(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
s64 call_outside(u64 number, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
