// SPDX-License-Identifier: BSD-3-Clause
// When a program of this host failed in its image: what it asked for that the host has.
#pragma once

// After tender_run with note_missing, and an exit status that is not 0. One line on standard error,
// or none.
void missing_tell(void);
