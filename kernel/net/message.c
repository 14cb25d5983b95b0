// SPDX-License-Identifier: BSD-3-Clause
// Control data of messages. [cmsg(3): headers and data stand at multiples of 8 bytes]
#include "net/message.h"

#include "memory/user_copy.h"

static size_t align(size_t size)
{
    return (size + 7) & ~7ul;
}

const struct control_header *message_next_control(const struct message *m, size_t *offset,
                                                  int *out_error)
{
    const struct control_header *h;
    size_t left;

    *out_error = 0;
    if (*offset > m->control_size || m->control_size - *offset < sizeof(*h))
        return NULL;
    left = m->control_size - *offset;
    h = (const struct control_header *)(const void *)(m->control + *offset);
    if (h->size < sizeof(*h) || h->size > left) {
        *out_error = -EINVAL;
        return NULL;
    }
    *offset += align(h->size);
    return h;
}

size_t message_control_room(const struct message *m)
{
    size_t left = m->control_to ? m->control_room - m->control_used : 0;
    return left > sizeof(struct control_header) ? left - sizeof(struct control_header) : 0;
}

int message_put_control(struct message *m, int level, int type, const void *data, size_t size)
{
    struct control_header h = {sizeof(h) + size, level, type};
    size_t left = m->control_to ? m->control_room - m->control_used : 0;
    uaddr_t to = m->control_to + m->control_used;

    if (left < sizeof(h)) {
        m->out_flags |= MSG_CTRUNC;
        return 0;
    }
    if (h.size > left) {
        m->out_flags |= MSG_CTRUNC;
        h.size = left;
    }
    if (user_write(to, &h, sizeof(h)) || user_write(to + sizeof(h), data, h.size - sizeof(h)))
        return -EFAULT;
    m->control_used += min(align(h.size), left);
    return 0;
}
