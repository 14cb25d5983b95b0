// SPDX-License-Identifier: BSD-3-Clause
// The folder that clade keeps for a user: cached images, what is known about them, and staging
// folders while an image is made.
//
//     $XDG_CACHE_HOME/clade, or ~/.cache/clade
//         index/    KEY: what an invocation looked at, and which image it made
//         images/   HASH.clade
//         staging/  one folder for each image that is being made, locked by its maker
#pragma once

// "DIR/name" of one of the three folders, which is made if it is missing. NULL after complain().
const char *place(const char *name);

// Removes a folder and all that is in it, whatever the modes of its folders. 0 or -errno.
int remove_tree(const char *path);

// Starts a process that removes the folder `path` when this process has ended, however it ends.
// *out_fd: close it, and wait for *out_pid, to have it removed at once. Negative after complain().
int remove_later(const char *path, int *out_fd, int *out_pid);
