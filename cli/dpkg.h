// SPDX-License-Identifier: BSD-3-Clause
// What dpkg knows: the installed packages, what they depend on, and their files.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cli/text.h"

struct dpkg_package {
    const char *name, *architecture;
    const char *version;
    const char *provides;              // "a, b (= 1)"; "" if none
    const char *pre_depends, *depends; // "a (>= 1) | b, c:any"; "" if none
    bool wanted;
};

struct dpkg {
    struct dpkg_package *packages; // the installed ones
    size_t count, room;
};

#define DPKG_STATUS       "/var/lib/dpkg/status"
#define DPKG_INFO         "/var/lib/dpkg/info"
#define DPKG_ALTERNATIVES "/var/lib/dpkg/alternatives"

// Reads the status file. Negative after complain().
int dpkg_read(struct dpkg *d);

// Marks a package, and all that it depends on, as wanted. "name" or "name:architecture". -ENOENT
// after complain(): not installed.
int dpkg_want(struct dpkg *d, const char *name);

// The installed package that has `path` in its list. NULL: none has.
const char *dpkg_owner(const char *path);

// The file with the list of a package's paths. NULL: there is none.
const char *dpkg_list_path(const struct dpkg_package *package);
