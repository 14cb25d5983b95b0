// SPDX-License-Identifier: BSD-3-Clause
// The order of packing; pack.h says which part is where. The host's own links (/lib -> usr/lib) go
// first, what the user names wins over what was found, and the small files of /etc fill the gaps.
#include <errno.h>

#include "cli/pack.h"

int pack_gather(struct pack *p, const struct settings *s, int argc, char **argv)
{
    *p = (struct pack){.settings = s, .tree = image_tree_new()};
    for (int i = 0; i < argc; i++)
        strings_add(&p->arguments, argv[i]);
    int result;
    if (s->root) {
        result = pack_root(p, s->root, argv[0]);
    } else {
        result = pack_etc_first(p);
        if (result >= 0)
            result = pack_program(p, argv[0]);
    }
    if (result < 0)
        return result; // the program's own fault: -ENOENT and -EACCES have exit statuses of their
                       // own
    result = pack_debs(p);
    for (size_t i = 0; i < s->adds.count && result >= 0; i++)
        result = pack_add(p, s->adds.items[i]);
    if (result >= 0)
        result = pack_etc_last(p);
    return result < 0 ? -EIO : 0;
}
