// SPDX-License-Identifier: BSD-3-Clause
// Replacing syscall instructions that trap by jumps; design section 4. See patch.c.
//
// Whatever the shape, the two bytes in front of the return address that a stub loads into RCX are
// `0f 05`: to restart a call behind a signal handler the kernel sets the program counter back by
// two, and the call traps. (Shape A returns behind the original instruction, which is still there;
// a stub of another shape has a syscall instruction of its own right before its continuation, never
// reached otherwise. Traps from such an instruction inside a stub are not to be patched again.)
#pragma once

#include "x86_64/frame.h"

struct address_space;
struct text_patch;

// The syscall instruction at `site` (user memory) of the current process trapped and was served.
// Counts it, and patches the site once it is worth it and can be done safely.
void patch_site(uaddr_t site, struct trap_frame *frame);

// Text at [start, end) of s goes away or is replaced: forget what is known of it. Called with
// s->change held.
void patch_forget(struct address_space *s, uaddr_t start, uaddr_t end);
// All of s went away: forgets everything, and frees the stubs' pages. Called with s->change held.
void patch_clear(struct address_space *s);
// s is a copy of `from`: its patched text runs the same stubs. -ENOMEM
must_check int patch_fork(struct address_space *from, struct address_space *s);

// Programs, their debuggers and unwinders know nothing of stubs. A signal frame shows the program
// counter that the unpatched text would have had (patch_original), and sigreturn finds the way back
// (patch_resolve), as bytes behind a patched syscall instruction may lie under a jump now. Other
// values come back as they are.
uaddr_t patch_original(uaddr_t pc);
uaddr_t patch_resolve(uaddr_t pc);

// A page of stubs begins with a slot of addresses; cpuid_cache.S stands behind it.
#define PATCH_CACHE_OFFSET 64
// Room for a stub of 64 bytes that a jump from `near` reaches, for as long as s lives: its memory, and in
// *out_at where programs see it. NULL: there is none.
u8 *patch_stub_take(struct address_space *s, uaddr_t near, uaddr_t *out_at);

// Plans the patch of the syscall instruction at `address`, which has not run yet, behind a `mov` that makes it the
// call `number`: its stub is written, the jump to it is the caller's to write. False: it is left to trap.
bool patch_call_ahead(struct address_space *s, uaddr_t address, u64 number, struct text_patch *out);

struct patch_statistics {
    u32 sites, patched[3], left; // by shape A, B, C; left: no shape fits, they trap for ever
    u64 traps, traps_left;       // traps_left: at sites that are left to trap
};
void patch_log(void); // the statistics, and the sites that trap often, as messages
