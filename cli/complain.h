// SPDX-License-Identifier: BSD-3-Clause
// How a command says that it cannot go on: one line on standard error, in words.
#pragma once

// Exit statuses of clade's own, as a shell and container tools have them. A program's own status
// passes through, 128 + n stands for an end by signal n.
#define EXIT_CLADE          125 // clade itself failed, or was called wrongly
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND      127

// Prints "clade: MESSAGE" and returns -error, so that a function can `return complain(...)`.
// Whoever gets a negative value from a function of this folder may rely on the line being printed.
int complain(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

// The same line for something that does not stop the work.
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The exit status for a negative result: see above.
int complain_status(int result);
