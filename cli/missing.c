// SPDX-License-Identifier: BSD-3-Clause
// A program that works on the host may fail in its image because a file of the host is not in it: a
// module, a configuration file, another program. The kernel notes the last paths that were not
// there; one that this host has is a good guess, and the line says which option would pack it.
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/complain.h"
#include "cli/dpkg.h"
#include "cli/missing.h"
#include "cli/text.h"
#include "tender/run.h"

// What differs from host to guest by its nature, is personal, or is nobody's loss.
static const char *const not_meant[] = {
    "/proc/",
    "/sys/",
    "/dev/",
    "/run/",
    "/usr/share/locale/",
    "/usr/lib/ssl/openssl.cnf",
    "/etc/ssl/openssl.cnf",
    "/var/run/",
    "/tmp/",
    "/root/",
    "/home/",
    "/usr/lib/locale/",
    "/etc/ld.so.",
};

static bool is_meant(const char *path)
{
    for (size_t i = 0; i < sizeof(not_meant) / sizeof(not_meant[0]); i++)
        if (!strncmp(path, not_meant[i], strlen(not_meant[i])))
            return false;
    for (const char *c = path; *c; c++) // the guest's words, on our terminal
        if (!isgraph((unsigned char)*c))
            return false;
    return path[0] == '/';
}

// The same path with the links among its folders followed: dpkg knows /usr/bin/ls, not /bin/ls.
static const char *settle(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = realpath(keep_string_size(path, (size_t)(slash - path + 1)), NULL);
    const char *settled = folder ? keep_path(folder, slash + 1) : path;
    free(folder);
    return settled;
}

void missing_tell(void)
{
    const char *found = NULL, *path;
    bool is_folder = true; // rather a file: many packages have the same folder
    struct stat s;
    unsigned count = 0;
    for (unsigned n = 0; (path = tender_missing(n)); n++) {
        if (!is_meant(path) || stat(path, &s) || access(path, R_OK))
            continue;
        count++;
        if (found && (!is_folder || S_ISDIR(s.st_mode)))
            continue;
        found = settle(path);
        is_folder = S_ISDIR(s.st_mode);
    }
    if (!found)
        return;
    const char *package = is_folder ? NULL : dpkg_owner(found);
    warn("the program asked for %s%s, which this host has and the image has not: %s %s packs it",
         found, count > 1 ? keep_format(" (and %u more)", count - 1) : "",
         package ? "--deb" : "--add", package ? package : found);
}
