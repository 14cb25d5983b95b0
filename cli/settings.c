// SPDX-License-Identifier: BSD-3-Clause
// The options that `build` and `run` share: what goes into an image.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/complain.h"
#include "cli/option.h"
#include "cli/settings.h"

static int take_add(struct settings *s, const char *value)
{
    strings_add(&s->adds, value);
    return 0;
}

static int take_deb(struct settings *s, const char *value)
{
    strings_add(&s->debs, value);
    return 0;
}

static int take_root(struct settings *s, const char *value)
{
    s->root = value;
    return 0;
}

// NAME=VALUE, or NAME for the value that clade itself has.
static int take_env(struct settings *s, const char *value)
{
    if (value[0] == '=' || !value[0])
        return complain(EINVAL, "--env needs a name: --env NAME=VALUE");
    if (strchr(value, '=')) {
        strings_add(&s->envs, value);
        return 0;
    }
    const char *mine = getenv(value);
    if (mine)
        strings_add(&s->envs, keep_format("%s=%s", value, mine));
    return 0;
}

static int take_workdir(struct settings *s, const char *value)
{
    if (value[0] != '/')
        return complain(EINVAL, "--workdir %s: not an absolute path", value);
    s->workdir = value;
    return 0;
}

static int take_hostname(struct settings *s, const char *value)
{
    if (!value[0] || strlen(value) > 64)
        return complain(EINVAL, "--hostname needs 1 to 64 characters");
    s->hostname = value;
    return 0;
}

static int take_memory(struct settings *s, const char *value)
{
    uint64_t bytes;
    if (settings_size(value, &bytes) || bytes < 1 << 20)
        return complain(EINVAL, "--memory %s: not a size of at least 1M, such as 512M or 2G",
                        value);
    s->memory = value;
    return 0;
}

static int take_cpus(struct settings *s, const char *value)
{
    char *end;
    long cpus = strtol(value, &end, 10);
    if (*end || cpus < 1 || cpus > 64)
        return complain(EINVAL, "--cpus %s: not a number from 1 to 64", value);
    s->cpus = value;
    return 0;
}

// A list with commas: "memory,tick"; "none" stands for no right at all.
static int take_rights(struct settings *s, const char *value)
{
    static const char *const known[] = {"memory", "tick", "fork", "vcpu", "network", "none"};
    char *list = keep_string(value);
    for (char *save = NULL, *right = strtok_r(list, ",", &save); right;
         right = strtok_r(NULL, ",", &save)) {
        size_t i = 0;
        while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], right))
            i++;
        if (i == sizeof(known) / sizeof(known[0]))
            return complain(EINVAL,
                            "--rights: no right is called %s; there are memory, tick, fork, vcpu, "
                            "network, or none",
                            right);
        strings_add(&s->rights, right);
    }
    return 0;
}

const struct option options_packing[] = {
    {'a', "add", "HOSTPATH[:GUESTPATH]", "pack a file or folder too; an ELF brings its libraries",
     take_add},
    {'d', "deb", "PACKAGE", "pack an installed Debian package and what it depends on", take_deb},
    {0, "root", "DIR", "the directory is the whole tree, PROGRAM is in it", take_root},
    {'e', "env", "NAME[=VALUE]", "set a variable; without a value: pass on clade's own", take_env},
    {'w', "workdir", "PATH", "where the program starts", take_workdir},
    {'m', "memory", "SIZE", "limit, such as 512M or 2G", take_memory},
    {'c', "cpus", "N", "vCPUs that a process may have (default: all processors)", take_cpus},
    {0, "hostname", "NAME", "the guest's host name (default clade)", take_hostname},
    {0, "rights", "LIST",
     "memory,tick,fork,network (default), or none:\nwhat the tender may do for the program",
     take_rights},
    {0},
};

int settings_size(const char *text, uint64_t *out_bytes)
{
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || errno || text[0] == '-')
        return -EINVAL;
    unsigned shift = 0;
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
    }
    if (*end == 'i' && unit)
        end++;
    if (*end == 'B' || *end == 'b')
        end++;
    if (*end || (shift && value >> (64 - shift)))
        return -EINVAL;
    *out_bytes = (uint64_t)value << shift;
    return 0;
}
