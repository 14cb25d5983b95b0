// SPDX-License-Identifier: BSD-3-Clause
// The stack of a new program, as the System V ABI (AMD64 supplement 3.4.1) wants it:
//
//   high  strings: environment, arguments, path, platform; 16 random bytes
//         auxiliary vector, 0
//         environment pointers, 0
//         argument pointers, 0
//   low   argument count       <- rsp, 16-byte aligned
#include <linux/auxvec.h>
#include <linux/personality.h>

#include "abi/boot.h"
#include "base/string.h"
#include "driver/random.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "platform/platform.h"
#include "process/exec.h"
#include "x86_64/cpu.h"
#include "x86_64/fpu.h"

#define STACK_GAP      (1ull << 20) // between the stack and USER_HIGH, at least
#define STACK_MIN      (1ull << 20)
#define STACK_RANDOM   0x3fffff000ull // as Linux: 22 bits of pages
#define MMAP_RANDOM    0xfffffff000ull // 28
#define MMAP_GAP       (1ull << 30) // below the largest stack
#define HWCAP2_FSGSBASE 2
#define SIGNAL_FRAME_SIZE 1536 // without the xsave area

struct builder { // writes straight to the new stack
    u64 size; // there is no more below `top`
    u64 used; // of it
    uaddr_t top;
    int error; // of the first push that failed
};

static uaddr_t push(struct builder *b, const void *data, size_t size)
{
    if (b->size - b->used < size)
        b->error = -E2BIG;
    if (b->error)
        return 0;
    b->used += size;
    b->error = user_write(b->top - b->used, data, size);
    return b->top - b->used;
}

static uaddr_t push_string(struct builder *b, const char *s)
{
    return push(b, s, strlen(s) + 1);
}

static size_t count_strings(char *const list[], u64 *bytes)
{
    size_t n = 0;

    for (; list[n]; n++)
        *bytes += strlen(list[n]) + 1;
    return n;
}

// Pushes strings last to first, and notes their addresses in pointers[].
static void push_strings(struct builder *b, char *const list[], size_t count, u64 *pointers)
{
    while (count--)
        pointers[count] = push_string(b, list[count]);
}

static void fill_auxv(struct process *p, const struct exec_image *image, uaddr_t random,
                      uaddr_t platform, uaddr_t path)
{
    const struct credentials *c = &p->credentials;
    u64 *v = p->auxv;

    const u64 values[][2] = {
        { AT_SYSINFO_EHDR, image->vdso }, { AT_HWCAP, platform_boot()->hwcap }, { AT_PAGESZ, PAGE_SIZE },
        { AT_CLKTCK, 100 }, { AT_PHDR, image->headers }, { AT_PHENT, 56 },
        { AT_PHNUM, image->header_count }, { AT_BASE, image->interpreter_base }, { AT_FLAGS, 0 },
        { AT_ENTRY, image->program_entry }, { AT_UID, c->uid }, { AT_EUID, c->euid },
        { AT_GID, c->gid }, { AT_EGID, c->egid }, { AT_SECURE, image->secure }, { AT_RANDOM, random },
        { AT_HWCAP2, HWCAP2_FSGSBASE }, { AT_EXECFN, path }, { AT_PLATFORM, platform },
        { AT_MINSIGSTKSZ, SIGNAL_FRAME_SIZE + fpu_room() }, { AT_NULL, 0 },
    };
    _Static_assert(sizeof(values) <= sizeof(p->auxv), "auxv fits");
    memset(p->auxv, 0, sizeof(p->auxv));
    for (size_t i = 0; i < array_count(values); i++) {
        if (values[i][0] == AT_SYSINFO_EHDR && !values[i][1])
            continue; // no vDSO: the entry is absent
        *v++ = values[i][0];
        *v++ = values[i][1];
    }
}

static size_t auxv_words(const struct process *p)
{
    size_t i = 0;

    while (p->auxv[i] != AT_NULL)
        i += 2;
    return i + 2;
}

u64 exec_random(const struct process *p, u64 mask)
{
    return p->personality & ADDR_NO_RANDOMIZE ? 0 : random_u64() & mask;
}

void exec_places(struct process *p)
{
    p->stack_top = USER_HIGH - STACK_GAP - exec_random(p, STACK_RANDOM);
    address_space_set_top(p->space, p->stack_top - STACK_MAX - MMAP_GAP - exec_random(p, MMAP_RANDOM));
}

static int map_stack(struct process *p)
{
    const struct boot_info *boot = platform_boot();
    u64 size = page_round_up(min((u64)p->limits[RLIMIT_STACK].rlim_cur, STACK_MAX));

    if (boot->preload_entry) {
        p->stack_top = boot->preload_stack + boot->preload_stack_size;
        return 0;
    }
    return address_space_stack(p->space, p->stack_top, max(size, STACK_MIN));
}

// Pointers and counts, below the strings.
static int push_vectors(struct process *p, struct builder *b, const u64 *pointers, size_t argc,
                        size_t envc)
{
    size_t words = 1 + argc + 1 + envc + 1 + auxv_words(p);
    u64 zero = 0, count = argc;

    b->used = (b->used + 15) & ~15ull;
    if (words & 1)
        b->used += 8;
    push(b, p->auxv, auxv_words(p) * 8);
    push(b, &zero, 8);
    push(b, pointers + argc, envc * 8);
    push(b, &zero, 8);
    push(b, pointers, argc * 8);
    push(b, &count, 8);
    return b->error;
}

static int build(struct process *p, struct builder *b, const struct exec_image *image,
                 const char *path, char *const argv[], char *const envp[], u64 *pointers,
                 size_t argc, size_t envc)
{
    u8 seed[16];
    uaddr_t random, platform, path_at;

    random_bytes(seed, sizeof(seed));
    path_at = push_string(b, path);
    p->environment_end = b->top - b->used;
    push_strings(b, envp, envc, pointers + argc);
    p->environment_start = p->arguments_end = b->top - b->used;
    push_strings(b, argv, argc, pointers);
    p->arguments_start = b->top - b->used;
    platform = push_string(b, "x86_64");
    b->used = (b->used + 15) & ~15ull;
    random = push(b, seed, sizeof(seed));
    fill_auxv(p, image, random, platform, path_at);
    return push_vectors(p, b, pointers, argc, envc);
}

int exec_stack(struct process *p, const struct exec_image *image, const char *path,
               char *const argv[], char *const envp[], uaddr_t *out_sp)
{
    u64 strings = strlen(path) + 1;
    size_t argc = count_strings(argv, &strings), envc = count_strings(envp, &strings);
    struct builder b = { .size = (strings + (argc + envc) * 8 + 1024 + 15) & ~15ull };
    u64 *pointers;
    int error;

    if (strings + (argc + envc) * 8 > EXEC_ARGUMENTS_MAX)
        return -E2BIG;
    error = map_stack(p);
    if (error)
        return error;
    b.top = p->stack_top - 16;
    pointers = heap_alloc((argc + envc + 1) * 8);
    error = pointers ? build(p, &b, image, path, argv, envp, pointers, argc, envc) : -ENOMEM;
    *out_sp = b.top - b.used;
    heap_free(pointers);
    return error;
}
