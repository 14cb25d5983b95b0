// SPDX-License-Identifier: BSD-3-Clause
// How long an instruction is. For patch_plan.c, which must tell instructions from bytes that look
// like some.
#pragma once

#include "base/types.h"

// The size of the 64-bit instruction at code; 0: it is none that programs use, or reaches over code
// + room.
u32 instruction_size(const u8 *code, size_t room);
