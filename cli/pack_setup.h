// SPDX-License-Identifier: BSD-3-Clause
// What belongs to installed packages, but is in no list of dpkg: see pack_setup.c.
#pragma once

#include <sys/stat.h>

#include "cli/dpkg.h"

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
