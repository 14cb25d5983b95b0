// SPDX-License-Identifier: BSD-3-Clause
// See bpf.h. Jumps go forward only, so a program takes at most as many steps as it has
// instructions.
#include "net/bpf.h"

#include "base/string.h"
#include "cpu/vcpu.h"
#include "driver/random.h"
#include "memory/heap.h"
#include "net/interface.h"
#include "net/packet.h"

// BPF_ABS from SKF_AD_OFF on: not bytes, but what is known of the packet.
static bool absolute_fine(u32 k)
{
    return k < (u32)SKF_AD_OFF || (k % 4 == 0 && k - (u32)SKF_AD_OFF < SKF_AD_MAX);
}

static bool operation_fine(const struct sock_filter *f)
{
    u32 operation = BPF_OP(f->code);
    bool constant = BPF_SRC(f->code) == BPF_K;

    if (operation > BPF_XOR || (operation == BPF_NEG && !constant))
        return false;
    if (constant && (operation == BPF_DIV || operation == BPF_MOD))
        return f->k != 0;
    return !constant || (operation != BPF_LSH && operation != BPF_RSH) || f->k < 32;
}

static bool jump_fine(const struct sock_filter *f, u32 left) // instructions behind f
{
    u32 operation = BPF_OP(f->code);

    if (f->code == (BPF_JMP | BPF_JA))
        return f->k < left;
    return operation >= BPF_JEQ && operation <= BPF_JSET && f->jt < left && f->jf < left;
}

static bool load_fine(const struct sock_filter *f)
{
    switch (f->code) {
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_B | BPF_MSH:
    case BPF_LD | BPF_W | BPF_IND:
    case BPF_LD | BPF_H | BPF_IND:
    case BPF_LD | BPF_B | BPF_IND:
        return true;
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
        return f->k < BPF_MEMWORDS;
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_H | BPF_ABS:
    case BPF_LD | BPF_B | BPF_ABS:
        return absolute_fine(f->k);
    default:
        return false;
    }
}

static bool instruction_fine(const struct sock_filter *f, u32 left)
{
    if (f->code > 0xff)
        return false;
    switch (BPF_CLASS(f->code)) {
    case BPF_LD:
    case BPF_LDX:
        return load_fine(f);
    case BPF_ST:
    case BPF_STX:
        return (f->code == BPF_ST || f->code == BPF_STX) && f->k < BPF_MEMWORDS;
    case BPF_ALU:
        return operation_fine(f);
    case BPF_JMP:
        return jump_fine(f, left);
    case BPF_RET:
        return f->code == (BPF_RET | BPF_K) || f->code == (BPF_RET | BPF_A);
    default:
        return f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
    }
}

// written[pc]: memory words that are written on each way to pc, a bit each.
static bool memory_fine(const struct sock_filter *code, u32 count, u16 *written)
{
    u32 now = 0;

    for (u32 pc = 0; pc < count; pc++) {
        const struct sock_filter *f = &code[pc];
        now &= written[pc];
        if (f->code == BPF_ST || f->code == BPF_STX)
            now |= 1u << f->k;
        else if ((f->code == (BPF_LD | BPF_MEM) || f->code == (BPF_LDX | BPF_MEM)) &&
                 !(now >> f->k & 1))
            return false;
        if (BPF_CLASS(f->code) != BPF_JMP)
            continue;
        if (f->code == (BPF_JMP | BPF_JA)) {
            written[pc + 1 + f->k] &= (u16)now;
        } else {
            written[pc + 1 + f->jt] &= (u16)now;
            written[pc + 1 + f->jf] &= (u16)now;
        }
        now = ~0u; // what follows is reached by jumps
    }
    return true;
}

int bpf_check(const struct sock_filter *code, u32 count)
{
    u16 *written;
    bool fine;

    if (!count || count > BPF_COUNT_MAX || BPF_CLASS(code[count - 1].code) != BPF_RET)
        return -EINVAL;
    for (u32 pc = 0; pc < count; pc++)
        if (!instruction_fine(&code[pc], count - pc - 1))
            return -EINVAL;
    written = heap_alloc(count * sizeof(*written));
    if (!written)
        return -ENOMEM;
    memset(written, 0xff, count * sizeof(*written));
    fine = memory_fine(code, count, written);
    heap_free(written);
    return fine ? 0 : -EINVAL;
}

static u32 packet_fact(const struct packet *p, u32 which, u32 a, u32 x)
{
    switch ((int)which) {
    case SKF_AD_PROTOCOL:
        return p->link_protocol;
    case SKF_AD_PKTTYPE:
        return p->link_type;
    case SKF_AD_IFINDEX:
        return p->interface ? p->interface->index : 0;
    case SKF_AD_HATYPE:
        return p->interface ? p->interface->type : 0;
    case SKF_AD_CPU:
        return vcpu_this()->index;
    case SKF_AD_ALU_XOR_X:
        return a ^ x;
    case SKF_AD_RANDOM:
        return (u32)random_u64();
    default: // marks, queues, tags that a device took off: there are none
        return 0;
    }
}

// `size` bytes at an offset, in network order. False: not in the packet.
static bool fetch(const struct packet *p, s32 network, u32 at, u32 size, u32 *out)
{
    u8 bytes[4] = {0};
    s64 offset = at;

    if ((s32)at < 0 && at >= (u32)SKF_NET_OFF)
        offset = (s64)network + (at - (u32)SKF_NET_OFF);
    else if ((s32)at < 0 && at >= (u32)SKF_LL_OFF)
        offset = (s64)p->link_header - packet_headroom(p) + (at - (u32)SKF_LL_OFF);
    if (offset + size > (offset < 0 ? p->size : p->total) || offset < -(s64)packet_headroom(p))
        return false;
    if (offset >= 0)
        packet_copy_out(p, (u32)offset, bytes, size);
    else // headers that were taken off
        memcpy(bytes, p->data + offset, size);
    *out = (u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
    *out >>= 32 - 8 * size;
    return true;
}

// False: division by zero.
static bool compute(u32 operation, u32 *a, u32 by)
{
    switch (operation) {
    case BPF_ADD:
        *a += by;
        return true;
    case BPF_SUB:
        *a -= by;
        return true;
    case BPF_MUL:
        *a *= by;
        return true;
    case BPF_OR:
        *a |= by;
        return true;
    case BPF_AND:
        *a &= by;
        return true;
    case BPF_XOR:
        *a ^= by;
        return true;
    case BPF_LSH:
        *a <<= by & 31;
        return true;
    case BPF_RSH:
        *a >>= by & 31;
        return true;
    case BPF_NEG:
        *a = -*a;
        return true;
    default:
        if (by)
            *a = operation == BPF_DIV ? *a / by : *a % by;
        return by != 0;
    }
}

static bool holds(u32 operation, u32 a, u32 b)
{
    switch (operation) {
    case BPF_JEQ:
        return a == b;
    case BPF_JGT:
        return a > b;
    case BPF_JGE:
        return a >= b;
    default:
        return a & b;
    }
}

struct machine {
    const struct packet *p;
    s32 network;
    u32 a, x, memory[BPF_MEMWORDS];
};

// LD and LDX. False: a byte that is not there.
static bool load(struct machine *m, const struct sock_filter *f)
{
    static const u8 sizes[] = {4, 2, 1, 4};
    u32 *to = BPF_CLASS(f->code) == BPF_LD ? &m->a : &m->x, at = f->k;

    switch (BPF_MODE(f->code)) {
    case BPF_IMM:
        *to = f->k;
        return true;
    case BPF_MEM:
        *to = m->memory[f->k];
        return true;
    case BPF_LEN:
        *to = m->p->total;
        return true;
    case BPF_MSH:
        if (!fetch(m->p, m->network, f->k, 1, to))
            return false;
        *to = (*to & 15) * 4;
        return true;
    case BPF_IND:
        at += m->x;
        break;
    default:
        if (f->k < (u32)SKF_AD_OFF)
            break;
        *to = packet_fact(m->p, f->k - (u32)SKF_AD_OFF, m->a, m->x);
        return true;
    }
    return fetch(m->p, m->network, at, sizes[BPF_SIZE(f->code) >> 3], to);
}

u32 bpf_run(const struct sock_filter *f, const struct packet *p, s32 network)
{
    struct machine m = {.p = p, .network = network};

    for (;; f++) {
        u32 operand = BPF_SRC(f->code) == BPF_X ? m.x : f->k, operation = BPF_OP(f->code);
        switch (BPF_CLASS(f->code)) {
        case BPF_LD:
        case BPF_LDX:
            if (!load(&m, f))
                return 0;
            break;
        case BPF_ST:
        case BPF_STX:
            m.memory[f->k] = f->code == BPF_ST ? m.a : m.x;
            break;
        case BPF_ALU:
            if (!compute(operation, &m.a, operand))
                return 0;
            break;
        case BPF_JMP:
            f += operation == BPF_JA ? f->k : holds(operation, m.a, operand) ? f->jt : f->jf;
            break;
        case BPF_RET:
            return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
        default:
            if (f->code == (BPF_MISC | BPF_TAX))
                m.x = m.a;
            else
                m.a = m.x;
        }
    }
}
