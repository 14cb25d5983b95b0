// SPDX-License-Identifier: BSD-3-Clause
// Errors in words, for messages to people.
#pragma once

// error: negative errno. "no such file or directory", ...; "error" for rare ones.
const char *error_words(int error);
