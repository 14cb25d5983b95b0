// SPDX-License-Identifier: BSD-3-Clause
// Which bytes a jump may replace; see patch_plan.h.
//
// What stands in front of a syscall instruction can only be guessed, since x86 code can't be read
// backwards. So a guess is checked against the registers at the trap: an immediate must be the
// value of its register, a load must load it. What stands behind the syscall can be read with
// certainty.
#include "x86_64/patch_plan.h"

#include "base/string.h"
#include "base/instruction.h"

static u64 frame_register(const struct trap_frame *f, unsigned number)
{
    const u64 values[16] = {f->call, 0,     f->rdx, f->rbx, f->rsp, f->rbp, f->rsi, f->rdi,
                            f->r8,   f->r9, f->r10, 0,      f->r12, f->r13, f->r14, f->r15};
    return values[number];
}

static bool
usable(unsigned number) // rcx and r11 do not outlive the syscall, rsp is no one's to set
{
    return number != 1 && number != 4 && number != 11;
}

static s32 read_s32(const u8 *p)
{
    s32 value;
    memcpy(&value, p, sizeof(value));
    return value;
}

// mov $imm32 to a register: [41] b8+r imm32, or 48/49 c7 c0+r imm32 (sign-extended). text ends at
// the site.
static u32 immediate_size(const u8 *end, const struct trap_frame *f)
{
    u64 value = (u64)(s64)read_s32(end - 4);
    if (end[-6] == 0xc7 && (end[-5] & 0xf8) == 0xc0 && (end[-7] & 0xfe) == 0x48) {
        unsigned number = (end[-5] & 7u) + (end[-7] & 1u) * 8;
        return usable(number) && frame_register(f, number) == value ? 7 : 0;
    }
    if ((end[-5] & 0xf8) != 0xb8)
        return 0;
    unsigned low = end[-5] & 7u, high = low + 8;
    bool is_low = usable(low) && frame_register(f, low) == (u32)value;
    bool is_high = usable(high) && frame_register(f, high) == (u32)value;
    if (end[-6] == 0x41 && is_high)
        return is_low ? 0 : 6; // both fit: the prefix may be the end of another instruction
    return is_low ? 5 : 0;
}

// mov or lea between a register and disp(%base): [rex] 8b/89/8d modrm [24] disp. `op` is where the
// opcode would be, `sib` tells whether the base is rsp, by a byte of its own. Returns the size; 0:
// it is none, or not the one that ran, since the registers say otherwise. Memory is compared later,
// by the caller.
static u32 access_at(const u8 *op, const u8 *end, bool sib, const struct trap_frame *f,
                     struct patch_plan *plan)
{
    bool disp8 = end - op == 4;
    u8 rex = (op[-1] & (sib ? 0xf3 : 0xf2)) == 0x40 ? op[-1] : 0; // no index register; rsp: no B
    unsigned mode = op[1] & 0xc7, number = ((op[1] >> 3) & 7u) + (rex & 4 ? 8u : 0u);
    unsigned base = (op[1] & 7u) + (rex & 1 ? 8u : 0u);
    bool relative = !sib && mode == 0x05; // disp32(%rip)
    u32 size = (u32)(end - op) + (rex != 0);
    bool lost = !usable(number); // a store of a register that the syscall has clobbered

    if ((op[0] != 0x8b && op[0] != 0x89 && op[0] != 0x8d) || size < PATCH_JUMP)
        return 0;
    if (sib ? op[2] != 0x24 || mode != (disp8 ? 0x44 : 0x84)
            : !relative && ((op[1] & 0xc0) != 0x80 || base % 8 == 4 || !usable(base)))
        return 0;
    if (number == 4 || (lost && op[0] != 0x89) || (!sib && !relative && number == base))
        return 0;
    u64 from = sib ? f->rsp : relative ? plan->site : frame_register(f, base);
    plan->relative = relative;
    plan->access = from + (u64)(s64)(disp8 ? (s8)end[-1] : read_s32(end - 4));
    plan->access_mask = rex & 8 ? ~0ull : 0xffffffffull;
    plan->access_value = frame_register(f, number) & plan->access_mask;
    plan->check_memory = op[0] != 0x8d && !lost;
    if (op[0] == 0x8d && frame_register(f, number) != (plan->access & plan->access_mask))
        return 0;
    return op[0] == 0x8b && frame_register(f, number) > plan->access_mask ? 0 : size;
}

static u32 access_size(const u8 *end, const struct trap_frame *f, struct patch_plan *plan)
{
    static const struct {
        u8 back;
        bool sib;
    } forms[] = {{4, true}, {7, true}, {6, false}};
    u32 size = 0;

    for (size_t i = 0; i < array_count(forms) && !size; i++)
        size = access_at(end - forms[i].back, end, forms[i].sib, f, plan);
    if (!size)
        plan->check_memory = plan->relative = false;
    return size;
}

static bool plan_a(const u8 *site_text, const struct trap_frame *f, struct patch_plan *plan)
{
    u32 size = immediate_size(site_text, f);
    if (!size)
        size = access_size(site_text, f, plan);
    if (!size)
        return false;
    plan->start = plan->site - size;
    plan->end = plan->site;
    plan->head_size = size;
    memcpy(plan->head, site_text - size, size);
    return true;
}

// The size of the instruction at p if it means the same elsewhere; 0: not one of these.
static u32 movable_size(const u8 *p)
{
    u32 prefix = (p[0] & 0xf0) == 0x40;
    const u8 *op = p + prefix;

    switch (op[0]) {
    case 0x3d: // cmp $imm32, %eax
        return prefix + 5;
    case 0x83: // cmp $imm8, register
        return (op[1] & 0xf8) == 0xf8 ? prefix + 3 : 0;
    case 0xf7: // neg, not, test: only neg and not of a register
        return (op[1] & 0xf0) == 0xd0 ? prefix + 2 : 0;
    case 0x01:
    case 0x09:
    case 0x21:
    case 0x29:
    case 0x31:
    case 0x39: // add or and sub xor cmp
    case 0x85:
    case 0x89:
    case 0x8b: // test, mov
        if ((op[1] & 0xc0) == 0xc0)
            return prefix + 2;
        if (op[0] != 0x89 && op[0] != 0x8b)
            return 0;
        if ((op[1] & 0xc7) == 0x44 && op[2] == 0x24) // disp8(%rsp)
            return prefix + 4;
        return (op[1] & 0xc7) == 0x45 ? prefix + 3 : 0; // disp8(%rbp)
    case 0x63:                                          // movslq register, register
        return prefix && (op[1] & 0xc0) == 0xc0 ? prefix + 2 : 0;
    default:
        return 0;
    }
}

static bool plan_tail(const u8 *site_text, u32 wanted, struct patch_plan *plan)
{
    const u8 *p = site_text + 2;
    u32 size = 0;

    while (size < wanted) {
        u32 next = movable_size(p + size);
        if (!next || 2 + size + next > PATCH_AFTER)
            return false;
        if (size == 0)
            plan->tail_first = next;
        size += next;
    }
    plan->tail_size = size;
    memcpy(plan->tail, p, size);
    plan->end = plan->site + 2 + size;
    return true;
}

static bool plan_b(const u8 *site_text, const struct trap_frame *f, struct patch_plan *plan)
{
    if (site_text[-2] != 0x31 || site_text[-1] != 0xc0 || f->call != 0)
        return false;
    plan->start = plan->site - 2;
    plan->head_size = 2;
    memcpy(plan->head, site_text - 2, 2);
    return plan_tail(site_text, PATCH_JUMP - 4, plan);
}

bool patch_plan_make(enum patch_shape shape, uaddr_t site, const u8 *text,
                     const struct trap_frame *frame, struct patch_plan *out)
{
    const u8 *site_text = text + PATCH_BEFORE;

    *out = (struct patch_plan){.shape = shape, .site = site, .start = site};
    if (site_text[0] != 0x0f || site_text[1] != 0x05)
        return false;
    if (shape == PATCH_A)
        return plan_a(site_text, frame, out);
    if (shape == PATCH_B)
        return plan_b(site_text, frame, out);
    return plan_tail(site_text, PATCH_JUMP - 2, out);
}

static bool put_relative(struct patch_stub *s, uaddr_t at, uaddr_t target)
{
    s64 distance = (s64)(target - (at + s->size + 4));
    s32 field = (s32)distance;
    memcpy(s->bytes + s->size, &field, sizeof(field));
    s->size += sizeof(field);
    return field == distance;
}

static void put(struct patch_stub *s, const void *bytes, u32 size)
{
    memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
}

bool patch_plan_stub(const struct patch_plan *p, uaddr_t at, uaddr_t entry_slot,
                     struct patch_stub *out)
{
    static const u8 lea_rcx[] = {0x48, 0x8d, 0x0d}, jump_slot[] = {0xff, 0x25},
                    call[] = {0x0f, 0x05};
    static const u8 jump[] = {0xe9};
    bool near;

    *out = (struct patch_stub){0};
    put(out, p->head, p->head_size);
    near = true;
    if (p->relative) { // its last four bytes count from the instruction's end
        uaddr_t target = p->site + (u64)(s64)read_s32(p->head + p->head_size - 4);
        out->size -= 4;
        near = put_relative(out, at, target);
    }
    out->call = out->size;
    if (p->shape != PATCH_A) // lea, jmp and syscall stand in between
        out->next = out->call + 7 + 6 + 2;
    put(out, lea_rcx, sizeof(lea_rcx));
    near = put_relative(out, at, out->next ? at + out->next : p->site + 2) && near;
    put(out, jump_slot, sizeof(jump_slot));
    near = put_relative(out, at, entry_slot) && near;
    if (out->next) {
        put(out, call, sizeof(call));
        put(out, p->tail, p->tail_size);
        put(out, jump, sizeof(jump));
        near = put_relative(out, at, p->end) && near;
    }
    return near;
}

bool patch_plan_atomic(const struct patch_plan *p)
{
    return p->start % 16 + PATCH_JUMP <= 16;
}

bool patch_plan_jump(const struct patch_plan *p, uaddr_t stub, u8 jump[PATCH_JUMP])
{
    s64 distance = (s64)(stub - (p->start + PATCH_JUMP));
    s32 field = (s32)distance;

    jump[0] = 0xe9;
    memcpy(jump + 1, &field, sizeof(field));
    return field == distance;
}

// Is `target` the address of an instruction under the jump? In shape B the xor may be jumped to, in
// C the syscall: both are the jump itself.
static bool covered(const struct patch_plan *p, uaddr_t target)
{
    if (target == p->start || target < p->start || target >= p->start + PATCH_JUMP)
        return false;
    return target == p->site || target >= p->site + 2;
}

bool patch_plan_far_target(const struct patch_plan *p, uaddr_t at, const u8 *code, size_t size)
{
    for (size_t i = 0; i + 5 <= size; i++) {
        u8 op = code[i];
        bool is_near = op == 0xe8 || op == 0xe9 || (op & 0xf0) == 0x80; // 80..8f: behind 0f
        if (is_near && covered(p, at + i + 5 + (u64)(s64)read_s32(code + i + 1)))
            return true;
    }
    return false;
}

// Is there a short jump under the plan's at code[i], if an instruction starts there?
static bool short_jump(const struct patch_plan *p, uaddr_t at, const u8 *code, size_t i)
{
    bool is_short = (code[i] & 0xf0) == 0x70 || code[i] == 0xeb || (code[i] & 0xfc) == 0xe0;
    return is_short && covered(p, at + i + 2 + (u64)(s64)(s8)code[i + 1]);
}

// Instructions can't be read backwards. But an instruction starts at one of any 15 bytes, and from
// there on all are known; so what lies on a way from one of the first 15 bytes to the site may be
// instructions, and nothing else. Ways from different starts soon meet, so that is almost exact.
static bool short_jump_in_front(const struct patch_plan *p, uaddr_t at, const u8 *code, size_t site)
{
    bool leads[PATCH_NEAR + 1], starts[PATCH_NEAR + 1] = {false}, any = false;

    leads[site] = true;
    for (size_t i = site; i-- > 0;) {
        u32 size = instruction_size(code + i, site - i);
        leads[i] = size && leads[i + size];
    }
    for (size_t i = 0; i < site; i++) {
        starts[i] |= i < 15;
        if (!starts[i] || !leads[i])
            continue;
        any = true;
        starts[i + instruction_size(code + i, site - i)] = true;
    }
    for (size_t i = 0; i < site; i++) // no way at all: not code as we know it, so take every byte
        if ((!any || (starts[i] && leads[i])) && short_jump(p, at, code, i))
            return true;
    return false;
}

bool patch_plan_short_target(const struct patch_plan *p, uaddr_t at, const u8 *code, size_t size)
{
    size_t site = p->site - at, i = site + 2;

    if (short_jump_in_front(p, at, code, site))
        return true;
    for (u32 length; i + 2 <= size; i += length) {
        length = instruction_size(code + i, size - i);
        if (short_jump(p, at, code, i))
            return true;
        length = length ? length : 1; // from here on every byte may be one
    }
    return false;
}
