// SPDX-License-Identifier: BSD-3-Clause
// The folder that clade keeps for a user: cached images, what is known about them, and staging
// folders while an image is made.
//
//     $XDG_CACHE_HOME/clade, or ~/.cache/clade
//         index/    KEY: what an invocation looked at, and which image it made
//         images/   HASH.clade
//         staging/  one folder for each image that is being made, locked by its maker
//         cpuid     see tender/host_cpuid.h
#pragma once

#include <stdbool.h>

// "DIR/name" of one of the three folders, which is made if it is missing. NULL after complain().
const char *place(const char *name);

// "DIR/name" of a file, which may be missing, or somebody else's. `make`: DIR is made if that is
// possible.
const char *place_file(const char *name, bool make);

// Removes a folder and all that is in it, whatever the modes of its folders. 0 or -errno.
int remove_tree(const char *path);

// Starts a process that removes the folder `path` when this process has ended, however it ends.
// *out_fd: close it, and wait for *out_pid, to have it removed at once. Negative after complain().
int remove_later(const char *path, int *out_fd, int *out_pid);
