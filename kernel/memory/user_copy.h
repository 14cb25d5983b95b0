// SPDX-License-Identifier: BSD-3-Clause
// The only file that touches user memory. Every function checks that the range lies in user memory
// and survives a fault (the upcall handler finds the faulting instruction in a table and resumes at
// its fix-up). 0 or -EFAULT.
//
// A fault may first ask address_space_fault(), so no caller holds address_space.lock.
#pragma once

#include "base/types.h"

must_check int user_read(void *to, uaddr_t from, size_t size);
must_check int user_write(uaddr_t to, const void *from, size_t size);
must_check int user_clear(uaddr_t to, size_t size);
// As the above, but they return how many bytes went over before the fault.
must_check size_t user_read_partial(void *to, uaddr_t from, size_t size);
must_check size_t user_write_partial(uaddr_t to, const void *from, size_t size);
// User memory to user memory; the ranges do not overlap.
must_check int user_copy(uaddr_t to, uaddr_t from, size_t size);
// 1: all bytes there are zero, or are the same at a and b; 0: not so. -EFAULT. at, a, b, size: multiples of 8.
must_check int user_is_zero(uaddr_t at, size_t size);
must_check int user_is_equal(uaddr_t a, uaddr_t b, size_t size);
// Copies a string with its terminator; returns its length. -ENAMETOOLONG: no terminator in size.
must_check ssize_t_k user_read_string(char *to, uaddr_t from, size_t size);
// True if [at, at + size) lies in user memory, mapped or not.
bool user_range(uaddr_t at, u64 size);

must_check int user_read_u32(u32 *out, uaddr_t from);
must_check int user_read_u64(u64 *out, uaddr_t from);
must_check int user_write_u32(uaddr_t to, u32 value);
must_check int user_write_u64(uaddr_t to, u64 value);

// Atomics for futexes: *out_old is what was there.
must_check int user_compare_exchange_u32(uaddr_t at, u32 expected, u32 desired, u32 *out_old);
// 16 bytes at an address that is a multiple of 16. -EAGAIN: they are not `expected`.
must_check int user_compare_exchange_u128(uaddr_t at, const u64 expected[2], const u64 desired[2]);
must_check int user_exchange_u32(uaddr_t at, u32 value, u32 *out_old);
must_check int user_fetch_add_u32(uaddr_t at, u32 value, u32 *out_old);
must_check int user_fetch_or_u32(uaddr_t at, u32 value, u32 *out_old);
must_check int user_fetch_and_u32(uaddr_t at, u32 value, u32 *out_old);
must_check int user_fetch_xor_u32(uaddr_t at, u32 value, u32 *out_old);

// For upcalls: where to resume when the instruction at pc (kernel text) faulted; 0: nowhere, panic.
// All other registers stay as they were at the fault.
u64 user_copy_fixup(u64 pc);
