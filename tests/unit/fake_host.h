// SPDX-License-Identifier: BSD-3-Clause
// A host for kernel/memory in a test program: the waist's memory calls are real mappings of this
// process, family memory and the image are memory files, and a fault inside user_copy.c goes to its
// fix-up.
#pragma once

#include "abi/boot.h"
#include "base/types.h"
#include "memory/address_space.h"

#define FAKE_USER_BOTTOM                                                                           \
    0x200000000000ull // user memory of the tests: free of the sanitizer's shadow
#define FAKE_USER_TOP    0x220000000000ull
#define FAKE_IMAGE_PAGES 64 // page n begins with the word FAKE_IMAGE_WORD + n

#define FAKE_IMAGE_WORD 0x696d616765000000ull

// Sets all up at the first call; later ones do nothing.
void fake_host_start(void);
struct boot_info *fake_boot(void);
// Calls to the host since the start.
u64 fake_host_calls(void);
// The next `count` map calls work, the one behind them fails with -ENOMEM; ~0: none fails.
void fake_host_fail_after(u64 count);

// What the host has mapped at `at`: its protection bits, or -1.
int fake_host_protection(uaddr_t at);
// Checks that the host has mapped exactly what the areas of s say.
void fake_host_compare(struct address_space *s);

// A file of pages in family memory, which the tests grow, shrink and move.
#define FAKE_FILE_PAGES 32
struct fake_file;
struct file *fake_file_create(u32 flags);
void fake_file_resize(struct file *f, u64 page_count);
void fake_file_move(struct file *f, u64 page); // to other family memory
void fake_file_put(struct file *f);
u64 fake_file_word(struct file *f, u64 page); // first word of a page
void fake_file_set_word(struct file *f, u64 page, u64 word);
u64 fake_file_size(struct file *f); // pages
