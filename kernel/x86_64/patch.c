// SPDX-License-Identifier: BSD-3-Clause
// Syscall sites: counted when they trap, patched when that pays. What to write is planned in
// patch_plan.c, and written by memory/text.c.
//
// A trap costs about 2 us. A patch costs two mprotects and, once a page, a copy-on-write fault; for
// shapes B and C the text around is searched for jumps into the middle first, so those wait longer.
//
// Stubs stand in pages of family memory, which user code sees read-only and executable, and the
// kernel writes through its own mapping:
//
//     | address of the kernel's entry, of CPUID's answers | cpuid_cache (3) | stub 4 | ... | stub 63 |
//
// 64 bytes each.
#include "x86_64/patch.h"

#include "base/list.h"
#include "base/printf.h"
#include "base/string.h"
#include "file/file.h"
#include "memory/address_space.h"
#include "memory/heap.h"
#include "memory/pages.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/process.h"
#include "thread/rollback.h"
#include "thread/thread.h"
#include "x86_64/patch_plan.h"

#define TRAPS_SHAPE_A 6  // patched at this trap or the next: it costs as much as these, and the first much more
#define TRAPS_OTHERS  24 // the search costs as much as these
#define BUCKETS       64
#define ONCE          256 // most sites trap once: they are only noted, by a hash
#define STUBS         (PAGE_SIZE / PATCH_STUB) // of a page
#define STUBS_FIRST   4                        // [0] holds addresses, [1] to [3] cpuid_cache
#define REACH         0x70000000ull            // a jump reaches 2 GiB
#define SEARCH        0x10000ull               // bytes around a site
#define SEARCH_PART   1024

extern char syscall_entry_fast[];                // entry.S
extern const u8 cpuid_cache[], cpuid_cache_end[]; // cpuid_cache.S
extern char cpuid_answers[];                     // patch_ahead.c

enum site_state { SITE_COUNTS, SITE_BUSY, SITE_PATCHED, SITE_LEFT, SITE_GONE };

struct site {
    struct site *next; // in its bucket
    struct address_space *space;
    uaddr_t address;
    u32 traps;
    enum site_state state;
    struct patch_plan plan; // of a patched one
    uaddr_t stub;
    u32 stub_call, stub_next;
};

struct stub_page {
    struct list node;
    struct address_space *space;
    uaddr_t at;
    u8 *memory;
    u32 used;
    struct site *sites[STUBS];
};

static struct slab_cache site_cache = SLAB_CACHE("syscall site", struct site);
static struct slab_cache stub_page_cache = SLAB_CACHE("stub page", struct stub_page);

static struct {
    // Held while a site is patched, above address_space.change. Always clean, for a member that the host kills meanwhile
    // dies with its text: a stub that was written then is lost.
    struct lock change;
    struct lock lock;   // all below; innermost. Clean, too, as chains and counts change by one store each
    struct site *buckets[BUCKETS];
    u8 once[ONCE]; // a site of this hash has trapped, maybe another one
    struct list pages; // of struct stub_page
    bool ready;
    struct patch_statistics statistics;
} patch;

static struct site **bucket_of(uaddr_t address)
{
    return &patch.buckets[(address ^ address >> 6 ^ address >> 12) % BUCKETS];
}

static struct site *site_find(const struct address_space *s, uaddr_t address)
{
    struct site *site = *bucket_of(address);
    while (site && (site->address != address || site->space != s))
        site = site->next;
    return site;
}

static struct stub_page *page_find(const struct address_space *s, uaddr_t pc)
{
    struct stub_page *page;
    if (patch.ready)
        list_for_each(page, &patch.pages,
                      node) if (page->space == s && pc - page->at < PAGE_SIZE) return page;
    return NULL;
}

// True for the first trap at a site, as far as one can tell. Where a site stands alone by its hash the next one makes
// a struct site of it.
static bool is_first_trap(uaddr_t address)
{
    u8 *once = &patch.once[(address ^ address >> 8) % ONCE], before = *once;

    *once = 1;
    return !before;
}

static void site_chain(struct site *site)
{
    struct site **bucket = bucket_of(site->address);

    site->next = *bucket;
    __atomic_store_n(bucket, site, __ATOMIC_RELEASE); // it is complete
}

static void page_chain(struct stub_page *page)
{
    rollback_begin(&patch.lock);
    rollback_insert_after(&patch.pages);
    list_push_front(&patch.pages, &page->node);
    rollback_end(&patch.lock);
}

static struct site *site_add(struct address_space *s, uaddr_t address)
{
    struct site *site = slab_alloc(&site_cache);

    if (!site)
        return NULL;
    site->space = s;
    site->address = address;
    site_chain(site);
    patch.statistics.sites++;
    return site;
}

// Counts a trap. True if the site is to be patched now; it is SITE_BUSY then.
static bool site_count(struct address_space *s, uaddr_t address, struct site **out)
{
    struct site *site = site_find(s, address);

    patch.statistics.traps++;
    if (!site && page_find(s, address))
        return false; // a stub's own syscall instruction
    if (!site && is_first_trap(address))
        return false;
    if (!site)
        site = site_add(s, address);
    if (!site)
        return false;
    site->traps++;
    if (site->state == SITE_LEFT)
        patch.statistics.traps_left++;
    if (site->state != SITE_COUNTS || (site->traps != TRAPS_SHAPE_A && site->traps != TRAPS_OTHERS))
        return false;
    site->state = SITE_BUSY;
    *out = site;
    return true;
}

// A page of stubs of s that the site reaches, with room in it. NULL: there is none.
static struct stub_page *page_with_room(const struct address_space *s, uaddr_t near)
{
    struct stub_page *page, *found = NULL;

    lock_acquire_clean(&patch.lock);
    list_for_each(page, &patch.pages, node) {
        if (page->space != s || page->used >= STUBS || page->at - (near - REACH) >= 2 * REACH)
            continue;
        found = page;
        break;
    }
    lock_release(&patch.lock);
    return found;
}

// The same, or a new one. NULL: none can be had.
static struct stub_page *page_get(struct address_space *s, uaddr_t near)
{
    struct stub_page *page = page_with_room(s, near);

    if (page)
        return page;
    page = slab_alloc(&stub_page_cache);
    u8 *memory = page ? pages_alloc(1) : NULL;
    uaddr_t at = memory ? address_space_find_near(s, near, REACH, PAGE_SIZE) : 0;
    if (!at || address_space_map_pages(s, at, PAGE_SIZE, AREA_READ | AREA_EXEC, memory, NULL)) {
        if (memory)
            pages_free(memory, 1);
        if (page)
            slab_free(&stub_page_cache, page);
        return NULL;
    }
    ((u64 *)(void *)memory)[0] = (u64)syscall_entry_fast;
    ((u64 *)(void *)memory)[1] = (u64)cpuid_answers;
    memcpy(memory + PATCH_CACHE_OFFSET, cpuid_cache, (size_t)(cpuid_cache_end - cpuid_cache));
    *page = (struct stub_page){.space = s, .at = at, .memory = memory, .used = STUBS_FIRST};
    lock_acquire_clean(&patch.lock);
    page_chain(page);
    lock_release(&patch.lock);
    return page;
}

static void pages_ready(void)
{
    if (!patch.ready)
        list_init(&patch.pages);
    patch.ready = true;
}

u8 *patch_stub_take(struct address_space *s, uaddr_t near, uaddr_t *out_at)
{
    u8 *memory = NULL;

    lock_acquire_clean(&patch.change);
    lock_acquire_clean(&patch.lock);
    pages_ready();
    lock_release(&patch.lock);
    struct stub_page *page = page_get(s, near);
    if (page) {
        *out_at = page->at + page->used * PATCH_STUB;
        memory = page->memory + page->used * PATCH_STUB;
        lock_acquire_clean(&patch.lock);
        page->used++;
        lock_release(&patch.lock);
    }
    lock_release(&patch.change);
    return memory;
}

// Is there code around the site that may jump under the plan's jump?
static bool jumped_to(const struct patch_plan *p, const struct area *text)
{
    uaddr_t at = max(text->start, p->site - PATCH_NEAR);
    uaddr_t end = min(text->end, p->site + PATCH_NEAR);
    u8 code[SEARCH_PART + 8];

    if (user_read(code, at, end - at) || patch_plan_short_target(p, at, code, end - at))
        return true;
    at = max(text->start, p->site > SEARCH ? p->site - SEARCH : 0);
    end = min(text->end, p->site + SEARCH);
    for (; at < end; at += SEARCH_PART) {
        size_t size = min(end - at, sizeof(code));
        if (user_read(code, at, size) || patch_plan_far_target(p, at, code, size))
            return true;
    }
    return false;
}

// Is the guess right that the instruction in front accesses memory?
static bool memory_agrees(const struct patch_plan *p)
{
    u64 value = 0;
    size_t size = p->access_mask == ~0ull ? 8 : 4;
    return !p->check_memory || (!user_read(&value, p->access, size) && value == p->access_value);
}

// A plan for the site: shape A, or else the others, which are looked at more closely.
static bool plan_find(const struct area *text, uaddr_t address, const struct trap_frame *frame,
                      bool others, struct patch_plan *out)
{
    u8 around[PATCH_BEFORE + PATCH_AFTER];

    if (address - text->start < PATCH_BEFORE || text->end - address < PATCH_AFTER ||
        user_read(around, address - PATCH_BEFORE, sizeof(around)))
        return false;
    for (int shape = others ? PATCH_B : PATCH_A; shape < (others ? PATCH_SHAPES : PATCH_B);
         shape++) {
        if (!patch_plan_make(shape, address, around, frame, out) || !memory_agrees(out))
            continue;
        if (shape == PATCH_A || !jumped_to(out, text))
            return true;
    }
    return false;
}

// With patch.change held: writes the stub, and plans the jump to it. 0, or why not.
static int stub_make(struct stub_page *page, const struct patch_plan *p, struct patch_stub *stub, u8 jump[PATCH_JUMP])
{
    uaddr_t at = page->at + page->used * PATCH_STUB;

    if (!patch_plan_stub(p, at, page->at, stub) || !patch_plan_jump(p, at, jump))
        return -ERANGE;
    memcpy(page->memory + page->used * PATCH_STUB, stub->bytes, stub->size);
    return 0;
}

// With patch.lock held: the stub that was made last is the site's.
static void stub_assign(struct stub_page *page, struct site *site, const struct patch_plan *p,
                        const struct patch_stub *stub)
{
    site->stub = page->at + page->used * PATCH_STUB;
    page->sites[page->used++] = site;
    site->plan = *p;
    site->stub_call = stub->call;
    site->stub_next = stub->next;
}

// Writes stub and jump. 0, or why not.
static int site_write(struct site *site, const struct patch_plan *p)
{
    struct stub_page *page = page_get(site->space, site->address);
    struct patch_stub stub;
    u8 old[PATCH_JUMP], jump[PATCH_JUMP];

    int error = page ? stub_make(page, p, &stub, jump) : -ENOMEM;
    if (!error)
        error = user_read(old, p->start, sizeof(old));
    if (!error)
        error = address_space_patch(site->space, p->start, old, jump, sizeof(jump));
    if (error)
        return error;
    lock_acquire_clean(&patch.lock);
    stub_assign(page, site, p, &stub);
    lock_release(&patch.lock);
    return 0;
}

static bool site_ahead(struct address_space *s, const struct patch_plan *p, struct text_patch *out)
{
    struct stub_page *page = page_get(s, p->site);
    struct patch_stub stub;

    if (!page || user_read(out->old, p->start, sizeof(out->old)) || stub_make(page, p, &stub, out->new))
        return false;
    out->at = p->start;
    lock_acquire_clean(&patch.lock);
    struct site *site = site_add(s, p->site);
    if (site) {
        stub_assign(page, site, p, &stub);
        site->state = SITE_PATCHED;
        patch.statistics.patched[PATCH_A]++;
    }
    lock_release(&patch.lock);
    return site;
}

bool patch_call_ahead(struct address_space *s, uaddr_t address, u64 number, struct text_patch *out)
{
    const struct trap_frame frame = {.call = number};
    u8 around[PATCH_BEFORE + PATCH_AFTER];
    struct patch_plan plan;

    if (user_read(around, address - PATCH_BEFORE, sizeof(around)) ||
        !patch_plan_make(PATCH_A, address, around, &frame, &plan) || plan.check_memory ||
        plan.start != address - PATCH_JUMP)
        return false;
    lock_acquire_clean(&patch.change);
    lock_acquire_clean(&patch.lock);
    pages_ready();
    lock_release(&patch.lock);
    bool done = site_ahead(s, &plan, out);
    lock_release(&patch.change);
    return done;
}

// Where the instruction of the original text at `pc` is now, if the site's jump lies on it.
static uaddr_t site_resolve(const struct site *site, uaddr_t pc)
{
    if (pc <= site->plan.start || pc >= site->plan.start + PATCH_JUMP ||
        site->plan.shape == PATCH_A)
        return pc;
    return pc == site->address ? site->stub + site->stub_call
                               : site->stub + site->stub_next + (pc - site->address - 2);
}

// Threads that came in by this site, or were interrupted there, are to go back under the jump: each looks on
// its way out, as the frame of one that enters the kernel right now is not complete.
static void threads_mark(struct process *p, void *space)
{
    struct thread *t;

    lock_acquire(&p->lock);
    if (p->space == space)
        list_for_each(t, &p->threads, process_node)
            __atomic_or_fetch(&t->work, WORK_PATCHED, __ATOMIC_SEQ_CST);
    lock_release(&p->lock);
}

static void threads_resolve(struct site *site, struct process *p, struct trap_frame *frame)
{
    frame->rip = site_resolve(site, frame->rip);
    if (site->plan.shape == PATCH_A)
        return;
    if (__atomic_load_n(&p->space->sharers, __ATOMIC_RELAXED))
        process_visit(threads_mark, p->space); // vfork's children, and their parents
    else
        threads_mark(p, p->space);
}

static void site_patch(struct site *site, struct trap_frame *frame)
{
    bool others = site->traps >= TRAPS_OTHERS;
    struct area text = {0};
    struct patch_plan plan;
    bool found = address_space_next(site->space, site->address, &text) &&
                 text.start <= site->address &&
                 plan_find(&text, site->address, frame, others, &plan);
    bool others_run = vcpu_this()->group->count > 1;
    if (text.file)
        file_put(text.file);
    if (others_run && found)
        vcpu_stop_others();
    int error = found ? site_write(site, &plan) : -ENOENT;
    if (!error)
        threads_resolve(site, thread_process(), frame);
    lock_acquire_clean(&patch.lock);
    if (site->state == SITE_GONE) {
        slab_free(&site_cache, site);
    } else if (!error) {
        patch.statistics.patched[plan.shape]++;
        site->state = SITE_PATCHED;
    } else {
        patch.statistics.left += others;
        site->state = others ? SITE_LEFT : SITE_COUNTS;
    }
    lock_release(&patch.lock);
    if (others_run && found) // patch_resolve knows of it now
        vcpu_resume_others();
}

void patch_site(uaddr_t address, struct trap_frame *frame)
{
    struct site *site;

    if (platform_boot()->flags & BOOT_NOPATCH)
        return;
    lock_acquire_clean(&patch.lock);
    pages_ready();
    bool due = site_count(thread_process()->space, address, &site);
    lock_release(&patch.lock);
    if (!due)
        return;
    lock_acquire_clean(&patch.change);
    site_patch(site, frame);
    lock_release(&patch.change);
}

static void site_drop(struct site **link)
{
    struct site *site = *link;
    struct stub_page *page =
        site->state == SITE_PATCHED ? page_find(site->space, site->stub) : NULL;

    if (page) // the stub stays: a thread may be in it
        page->sites[(site->stub - page->at) / PATCH_STUB] = NULL;
    __atomic_store_n(link, site->next, __ATOMIC_RELEASE);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (site->state == SITE_BUSY)
        site->state = SITE_GONE; // whoever patches it frees it
    else
        slab_free(&site_cache, site);
}

void patch_forget(struct address_space *s, uaddr_t start, uaddr_t end)
{
    lock_acquire_clean(&patch.lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct site **link = &patch.buckets[i]; *link;) {
            struct site *site = *link;
            if (site->space == s && site->address >= start && site->address < end)
                site_drop(link);
            else
                link = &site->next;
        }
    lock_release(&patch.lock);
}

// The child's copy of one page of stubs: the same memory, which nobody fills any further for the
// child.
static int page_fork(struct stub_page *page, struct address_space *s)
{
    struct stub_page *copy = slab_alloc(&stub_page_cache);

    if (!copy)
        return -ENOMEM;
    *copy = (struct stub_page){.space = s, .at = page->at, .memory = page->memory, .used = STUBS};
    page_chain(copy);
    for (size_t i = 0; i < page->used; i++) {
        struct site *from = page->sites[i], *site = from ? slab_alloc(&site_cache) : NULL;
        if (!from)
            continue;
        if (!site)
            return -ENOMEM;
        *site = *from;
        site->space = s;
        site_chain(site);
        copy->sites[i] = site;
    }
    return 0;
}

int patch_fork(struct address_space *from, struct address_space *s)
{
    struct stub_page *page;
    int error = 0;

    lock_acquire_clean(&patch.lock);
    if (patch.ready)
        list_for_each(page, &patch.pages, node) if (page->space == from && !error) error =
            page_fork(page, s);
    lock_release(&patch.lock);
    return error;
}

// With the lock held: does another address space run the stubs too?
static bool memory_shared(const struct stub_page *page)
{
    const struct stub_page *other;

    list_for_each(other, &patch.pages,
                  node) if (other != page && other->memory == page->memory) return true;
    return false;
}

void patch_clear(struct address_space *s)
{
    struct stub_page *page, *next;

    patch_forget(s, 0, ~0ull);
    lock_acquire_clean(&patch.lock);
    if (patch.ready)
        list_for_each_safe(page, next, &patch.pages, node)
        {
            if (page->space != s)
                continue;
            bool shared = memory_shared(page);
            rollback_begin(&patch.lock);
            rollback_remove(&page->node);
            list_remove(&page->node);
            rollback_end(&patch.lock);
            if (!shared)
                pages_free(page->memory, 1);
            slab_free(&stub_page_cache, page);
        }
    lock_release(&patch.lock);
}

uaddr_t patch_resolve(uaddr_t pc)
{
    const struct address_space *s = thread_process()->space;

    lock_acquire_clean(&patch.lock);
    for (u64 back = 0; back < PATCH_JUMP; back++) {
        const struct site *site = site_find(s, pc - back);
        uaddr_t now = site && site->state == SITE_PATCHED ? site_resolve(site, pc) : pc;
        if (now != pc) {
            pc = now;
            break;
        }
    }
    lock_release(&patch.lock);
    return pc;
}

static uaddr_t site_original(const struct site *site, u64 offset)
{
    const struct patch_plan *p = &site->plan;

    if (offset < site->stub_call)
        return p->start + offset;
    if (!site->stub_next || offset < site->stub_next)
        return p->site;
    return min(p->site + 2 + (offset - site->stub_next), p->end);
}

uaddr_t patch_original(uaddr_t pc)
{
    lock_acquire_clean(&patch.lock);
    const struct stub_page *page = page_find(thread_process()->space, pc);
    if (page) {
        u64 offset = pc - page->at;
        const struct site *site = page->sites[offset / PATCH_STUB];
        pc = site ? site_original(site, offset % PATCH_STUB) : pc;
    }
    lock_release(&patch.lock);
    return pc;
}

void patch_log(void)
{
    const struct patch_statistics *n = &patch.statistics;

    lock_acquire_clean(&patch.lock);
    log_message("%u syscall sites made %llu traps; patched: %u A, %u B, %u C; left: %u", n->sites,
                (unsigned long long)n->traps, n->patched[0], n->patched[1], n->patched[2], n->left);
    for (size_t i = 0; i < BUCKETS; i++)
        for (const struct site *site = patch.buckets[i]; site; site = site->next)
            if (site->traps > TRAPS_OTHERS || site->state == SITE_LEFT)
                log_message("  the one at %#llx trapped %u times%s",
                            (unsigned long long)site->address, site->traps,
                            site->state == SITE_LEFT ? ", left" : "");
    lock_release(&patch.lock);
}
