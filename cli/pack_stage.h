// SPDX-License-Identifier: BSD-3-Clause
// The staging folder: a copy of all files of an image, as mkfs.erofs wants to see them.
//
// Copies, not hard links: a link would change the host's files (their link count and change time).
// File systems that can share blocks between files are asked to.
#pragma once

#include "cli/pack.h"

struct stage {
    const char *path;
    int lock;       // the folder itself, locked while it is in use
    int cleaner_fd; // see remove_later()
    int cleaner_pid;
};

// Makes the folder and copies the whole tree into it. Negative after complain(); then, and whenever
// this process ends, the folder goes away.
int stage_make(struct stage *s, struct pack *p);

// Removes it, and comes back when that is done. Harmless after a stage_make that failed.
void stage_remove(struct stage *s);
