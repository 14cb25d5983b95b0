// SPDX-License-Identifier: BSD-3-Clause
// The manifest of an image that is being packed, from the settings and from what was found.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/manifest.h"
#include "cli/complain.h"
#include "cli/pack.h"
#include "cli/settings.h"

// Lists as the manifest's writer takes them: strings one behind the other, with their terminators.
static struct manifest_strings join(const struct strings *s)
{
    struct text all = {0};
    for (size_t i = 0; i < s->count; i++)
        text_add(&all, s->items[i], strlen(s->items[i]) + 1);
    return (struct manifest_strings){all.bytes, (uint32_t)s->count, (uint32_t)all.size};
}

static int collect_rights(struct pack *p, uint32_t *out_rights)
{
    const struct settings *s = p->settings;
    const struct strings *wanted = &s->rights;
    uint32_t rights = 0;
    bool none = false;
    for (size_t i = 0; i < wanted->count; i++) {
        none |= !strcmp(wanted->items[i], "none");
        for (uint32_t bit = 1; bit; bit <<= 1) {
            const char *name = manifest_right_name(bit);
            if (name && !strcmp(name, wanted->items[i]))
                rights |= bit;
        }
    }
    if (none && rights)
        return complain(EINVAL, "--rights none goes with no other right");
    if (!wanted->count) {
        rights = RIGHT_MEMORY | RIGHT_TICK | RIGHT_FORK | RIGHT_NETWORK;
        if (!s->cpus || atoi(s->cpus) > 1) // else the filter is smaller
            rights |= RIGHT_VCPU;
    }
    *out_rights = rights;
    if (!(*out_rights & RIGHT_MEMORY) && !p->is_static)
        return complain(EINVAL,
                        "%s: without the right `memory` a program must be linked statically",
                        p->program);
    return 0;
}

static bool has_env(const struct strings *envs, const char *name)
{
    size_t size = strlen(name);
    for (size_t i = 0; i < envs->count; i++)
        if (!strncmp(envs->items[i], name, size) && envs->items[i][size] == '=')
            return true;
    return false;
}

static struct strings collect_environment(struct pack *p)
{
    const struct strings *set = &p->settings->envs;
    struct strings all = {0};
    if (!has_env(set, "PATH"))
        strings_add(&all, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (!has_env(set, "HOME"))
        strings_add(&all, "HOME=/root");
    if (p->library_path.count && !has_env(set, "LD_LIBRARY_PATH")) {
        struct text path = {0};
        for (size_t i = 0; i < p->library_path.count; i++)
            text_format(&path, "%s%s", i ? ":" : "LD_LIBRARY_PATH=", p->library_path.items[i]);
        strings_add(&all, path.bytes);
    }
    for (size_t i = 0; i < set->count; i++)
        strings_add(&all, set->items[i]);
    return all;
}

// Where the files came from, for people.
static struct strings collect_sources(struct pack *p)
{
    const struct settings *s = p->settings;
    struct strings all = {0};
    if (s->root)
        strings_add(&all, keep_format("root %s", s->root));
    for (size_t i = 0; i < s->debs.count; i++)
        strings_add(&all, keep_format("deb %s", s->debs.items[i]));
    for (size_t i = 0; i < s->adds.count; i++)
        strings_add(&all, keep_format("add %s", s->adds.items[i]));
    return all;
}

int pack_manifest(struct pack *p, struct text *out)
{
    const struct settings *s = p->settings;
    struct strings environment = collect_environment(p), sources = collect_sources(p);
    struct manifest m = {
        .program = p->program,
        .workdir = s->workdir,
        .hostname = s->hostname,
        .arguments = join(&p->arguments),
        .environment = join(&environment),
        .sources = join(&sources),
        .cpus = s->cpus ? (uint32_t)atoi(s->cpus) : 0,
    };
    int result = collect_rights(p, &m.rights);
    if (result >= 0 && s->memory)
        result = settings_size(s->memory, &m.memory);
    if (result < 0)
        return result;
    char *bytes = keep(MANIFEST_SIZE_MAX);
    int64_t size = manifest_write(&m, bytes, MANIFEST_SIZE_MAX);
    if (size < 0)
        return complain(E2BIG,
                        "the manifest is too long: too many or too long arguments, variables "
                        "or options");
    text_add(out, bytes, (size_t)size);
    return 0;
}
