// SPDX-License-Identifier: BSD-3-Clause
// At exec, before the program's first instruction: the sites that the packer found (base/text_site.h) are looked at
// once more, and their first five bytes become a jump to a stub. Of system calls that is patch.c's; of CPUID
//
//     ...                         what stood in front of cpuid; mov $0, %ecx if the leaf has no subleaves
//     lea  -128(%rsp), %rsp       over the red zone
//     call cpuid_cache            in the same page of stubs; cpuid_known if the answer must not be remembered
//     lea  128(%rsp), %rsp
//     jmp  behind the site
#include "x86_64/patch_ahead.h"

#include "abi/image.h"
#include "base/text_site.h"
#include "base/string.h"
#include "memory/address_space.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "x86_64/cpu.h"
#include "x86_64/patch.h"

#define SLOW_TICKS 2000 // of the TSC: what no CPUID takes that the processor itself answers
#define ANSWERS    63
#define SITES_MAX  60

#define LEAF_FIRST 0x80000000u // every program asks for it

// cpuid_cache.S knows it.
enum answer_state { ANSWER_FREE, ANSWER_BUSY, ANSWER_READY, ANSWER_END };
struct cpuid_answer {
    u32 leaf, subleaf, state;
    u32 registers[4];
    u32 any_subleaf;
};
_Static_assert(sizeof(struct cpuid_answer) == 32, "cpuid_cache.S knows it");

extern const u8 cpuid_cache[], cpuid_known[];   // cpuid_cache.S
struct cpuid_answer cpuid_answers[ANSWERS + 1]; // patch.c puts its address into the pages

static bool needs_subleaf(u32 leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xd || leaf == 0x14 || leaf == 0x8000001d;
}

static void answer_known(struct cpuid_answer *a, u32 leaf, u32 subleaf, const u32 registers[4])
{
    *a = (struct cpuid_answer){.leaf = leaf,
                               .subleaf = subleaf,
                               .state = ANSWER_READY,
                               .any_subleaf = !needs_subleaf(leaf)};
    memcpy(a->registers, registers, sizeof(a->registers));
}

// What the tender knows of the host; false: nothing.
static bool answers_of_boot(void)
{
    const struct boot_info *boot = platform_boot();
    const struct boot_cpuid *from = (const void *)((const u8 *)boot + boot->cpuid_offset);

    if (boot->size < sizeof(*boot)) // an older tender's
        return false;
    for (u32 i = 0; i < boot->cpuid_count && i < ANSWERS; i++)
        answer_known(&cpuid_answers[i], from[i].leaf, from[i].subleaf, from[i].registers);
    return boot->cpuid_count;
}

// Asked once; members may ask at the same time, and find the same. What it costs to ask is the
// first answer.
static bool worthwhile(void)
{
    static u32 known; // atomic: 0 not yet, 1 no, 2 yes
    u32 answer = __atomic_load_n(&known, __ATOMIC_ACQUIRE); // pairs with the store below
    u32 r[4];

    if (answer)
        return answer == 2;
    if (answers_of_boot()) {
        answer = 2;
    } else {
        u64 start = cpu_tsc();
        cpu_id(LEAF_FIRST, 0, r);
        answer = cpu_tsc() - start > SLOW_TICKS ? 2 : 1;
        answer_known(&cpuid_answers[0], LEAF_FIRST, 0, r);
    }
    cpuid_answers[ANSWERS].state = ANSWER_END;
    __atomic_store_n(&known, answer, __ATOMIC_RELEASE);
    return answer == 2;
}

// The part of the image's table for this program: its offsets, and how many. NULL: there is none.
static const u32 *table_find(const struct elf *elf, u32 *out_count)
{
    const struct boot_info *boot = platform_boot();
    const struct image_header *image = (const void *)boot->image_base;
    u64 at = (u64)image->sites_page * PAGE_SIZE, end = at + image->sites_size;

    if (image->magic != IMAGE_MAGIC || !image->sites_size || end > boot->image_size)
        return NULL;
    while (end - at >= sizeof(struct image_sites)) {
        const struct image_sites *head = (const void *)(boot->image_base + at);
        u32 count = head->count;

        at += sizeof(*head);
        if (count > (end - at) / sizeof(u32))
            return NULL;
        if (head->file_size == (u32)elf->source.size && head->entry == (u32)elf->entry) {
            *out_count = min(count, (u32)SITES_MAX);
            return (const u32 *)(head + 1);
        }
        at += count * sizeof(u32);
    }
    return NULL;
}

static u8 *put(u8 *to, const void *bytes, size_t size)
{
    memcpy(to, bytes, size);
    return to + size;
}

static u8 *put_distance(u8 *to, uaddr_t at, uaddr_t target)
{
    s32 distance = (s32)(target - (at + sizeof(distance)));
    return put(to, &distance, sizeof(distance));
}

// Writes the stub to be at `at`; `bytes` is its memory.
static void stub_write(u8 *bytes, uaddr_t at, const struct text_site *site, uaddr_t from,
                       const u8 *code)
{
    static const u8 down[] = {0x48, 0x8d, 0x64, 0x24, 0x80};
    static const u8 up[] = {0x48, 0x8d, 0xa4, 0x24, 0x80, 0, 0, 0};
    static const u8 no_subleaf[] = {0xb9, 0, 0, 0, 0}, call = 0xe8, jump = 0xe9;
    u64 cache = PATCH_CACHE_OFFSET + (site->constant ? 0 : (u64)(cpuid_known - cpuid_cache));
    u8 *to = put(bytes, code, site->lead);

    if (site->constant && !needs_subleaf(site->number))
        to = put(to, no_subleaf, sizeof(no_subleaf));
    to = put(to, down, sizeof(down));
    to = put(to, &call, 1);
    to = put_distance(to, at + (u64)(to - bytes), page_round_down(at) + cache);
    to = put(to, up, sizeof(up));
    to = put(to, &jump, 1);
    put_distance(to, at + (u64)(to - bytes), from + site->size);
}

static bool cpuid_prepare(struct address_space *s, uaddr_t from, const struct text_site *site,
                          const u8 *code, struct text_patch *out)
{
    uaddr_t at;

    u8 *bytes = worthwhile() ? patch_stub_take(s, from, &at) : NULL;
    if (!bytes)
        return false;
    stub_write(bytes, at, site, from, code);
    out->at = from;
    memcpy(out->old, code, sizeof(out->old));
    out->new[0] = 0xe9;
    put_distance(out->new + 1, from + 1, at);
    return true;
}

// Plans the patch of one site, and writes its stub.
static bool site_prepare(struct address_space *s, uaddr_t from, struct text_patch *out)
{
    u8 code[TEXT_SITE_SIZE_MAX];
    struct text_site site;

    if (user_read(code, from, sizeof(code)) || !text_site_at(code, sizeof(code), &site))
        return false;
    if (site.kind == TEXT_SITE_SYSCALL)
        return patch_call_ahead(s, from + site.size - 2, site.number, out);
    return cpuid_prepare(s, from, &site, code, out);
}

// The first segment of text, where compilers put what runs first.
static bool text_find(struct elf *elf, struct elf_segment *s)
{
    for (u32 i = 0; elf_segment(elf, i, s) > 0; i++)
        if (s->type == ELF_LOAD && (s->flags & (ELF_EXECUTE | ELF_WRITE)) == ELF_EXECUTE)
            return true;
    return false;
}

void patch_ahead(struct address_space *s, struct elf *elf, u64 bias)
{
    struct text_patch patches[SITES_MAX];
    struct elf_segment text;
    u32 count, ready = 0;
    const u32 *offsets = table_find(elf, &count);

    if (!offsets || (platform_boot()->flags & BOOT_NOPATCH) || s->preloaded ||
        !text_find(elf, &text))
        return;
    for (u32 i = 0; i < count; i++)
        if (offsets[i] >= text.offset &&
            offsets[i] - text.offset + TEXT_SITE_SIZE_MAX <= text.file_size &&
            site_prepare(s, bias + text.address + (offsets[i] - text.offset), &patches[ready]))
            ready++;
    address_space_patch_all(s, patches, ready);
}
