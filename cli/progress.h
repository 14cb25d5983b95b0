// SPDX-License-Identifier: BSD-3-Clause
// One line on the terminal while long work goes on; nothing at all when standard error is no
// terminal, and nothing in the first half second.
#pragma once

#include <stdint.h>

// Shows `what`, and how many files and bytes are done. Cheap enough to be called for each file.
void progress_show(const char *what, uint64_t files, uint64_t bytes);

// Wipes the line, if there is one.
void progress_clear(void);
