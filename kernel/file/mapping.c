// SPDX-License-Identifier: BSD-3-Clause
// The list of mappings of an inode, see mapping.h.
#include "file/mapping.h"

#include "file/inode.h"
#include "memory/address_space.h"

#define SPACES_AT_ONCE 16

void inode_mapping_add(struct inode *inode, struct inode_mapping *m, struct address_space *space)
{
    m->space = space;
    lock_acquire(&inode->mapping_lock);
    list_push_back(&inode->mappings, &m->node);
    lock_release(&inode->mapping_lock);
}

void inode_mapping_remove(struct inode *inode, struct inode_mapping *m)
{
    lock_acquire(&inode->mapping_lock);
    list_remove(&m->node);
    lock_release(&inode->mapping_lock);
}

bool inode_mapped_for_writing(struct inode *inode)
{
    struct inode_mapping *m;
    bool found = false;

    lock_acquire(&inode->mapping_lock);
    list_for_each(m, &inode->mappings, node)
    {
        const struct area *a = container_of(m, struct area, mapping);
        found |= a->flags & AREA_SHARED && (a->flags | a->may) & AREA_WRITE;
    }
    lock_release(&inode->mapping_lock);
    return found;
}

// Collects up to SPACES_AT_ONCE different spaces with addresses above `after`, lowest first, so
// that a list of any length is worked through without holding the lock while a space is told.
static size_t spaces_collect(struct inode *inode, const struct address_space *after,
                             struct address_space *out[SPACES_AT_ONCE])
{
    size_t count = 0;
    struct inode_mapping *m;

    lock_acquire(&inode->mapping_lock);
    list_for_each(m, &inode->mappings, node)
    {
        struct address_space *s = m->space;
        size_t at = 0;
        if (s <= after)
            continue;
        while (at < count && out[at] < s)
            at++;
        if (at == SPACES_AT_ONCE || (at < count && out[at] == s))
            continue;
        if (count < SPACES_AT_ONCE)
            count++;
        for (size_t i = count - 1; i > at; i--)
            out[i] = out[i - 1];
        out[at] = s;
    }
    lock_release(&inode->mapping_lock);
    return count;
}

void inode_mappings_changed(struct inode *inode, u64 offset, u64 size)
{
    struct address_space *spaces[SPACES_AT_ONCE];
    const struct address_space *after = NULL;
    size_t count;

    if (!inode_mapped(&inode->mappings))
        return;
    do {
        count = spaces_collect(inode, after, spaces);
        for (size_t i = 0; i < count; i++)
            address_space_file_changed(spaces[i], inode, offset, size);
        if (count)
            after = spaces[count - 1];
    } while (count == SPACES_AT_ONCE);
}
