// SPDX-License-Identifier: BSD-3-Clause
// What belongs to installed packages, but is in no list of dpkg: see pack_setup.c.
#pragma once

#include <sys/stat.h>

#include "cli/dpkg.h"
#include "cli/text.h"

struct pack;

#define PACK_SYSTEM_ID_MAX 999 // Debian policy 9.2: above are people

// For all packages of `d` that are wanted, whose listed files are packed already. What can't be
// read is left out.
void pack_setup(struct pack *p, const struct dpkg *d);

// The host's system users and groups (ids from 1 to PACK_SYSTEM_ID_MAX) that `scripts` names as a
// whole word go to p->users and p->groups.
void pack_users(struct pack *p, const char *scripts);

// Does the text have `word` with nothing of a name before and behind it?
bool pack_users_has_word(const char *text, const char *word);

// Sets owner and group of `out` to those that the host has under these names; unknown ones stay.
void pack_users_find(const char *user, const char *group, struct stat *out);

// Is the path among these, which are in order?
bool pack_setup_has(const struct strings *all, const char *path);

// Folders that are not in the tree yet are made: of a file of tmpfiles.d, of a unit of systemd, and
// those below /var that the host has, `scripts` name and no package owns. pack_folders.c
void pack_folders_tmpfiles(struct pack *p, const char *file);
void pack_folders_unit(struct pack *p, const char *file);
void pack_folders_named(struct pack *p, const char *scripts, const struct strings *owned);
