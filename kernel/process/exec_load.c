// SPDX-License-Identifier: BSD-3-Clause
// ELF programs into memory: static, static-PIE, and dynamic with any interpreter. Text and data are
// mapped from the file, so what the image holds is shared with all its instances.
#include "abi/boot.h"
#include "base/printf.h"
#include "base/string.h"
#include "file/path.h"
#include "memory/user_copy.h"
#include "process/exec.h"
#include "thread/thread.h"
#include "x86_64/patch_ahead.h"

#define PIE_BASE   0x2aaa00000000ull
#define PIE_RANDOM 0x0ffffff000ull // 28 bits of pages, as Linux has
#define HEAP_RANDOM 0x1fff000ull

static int bytes_read(struct file *f, u64 offset, void *to, size_t size)
{
    while (size) {
        struct io io;
        s64 n;

        io_init_kernel(&io, to, size);
        n = f->ops->read(f, &io, &offset);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        to = (char *)to + n;
        size -= (size_t)n;
    }
    return 0;
}

static int source_read(void *arg, u64 offset, void *to, size_t size)
{
    const struct exec_source *s = arg;
    struct exec_head *head = s->head;

    if (offset > EXEC_HEAD_SIZE || size > EXEC_HEAD_SIZE - offset)
        return bytes_read(s->file, offset, to, size);
    if (head->file != s->file) {
        head->file = s->file;
        head->size = (u32)min(s->file->inode->size, (u64)EXEC_HEAD_SIZE);
        head->size = bytes_read(s->file, 0, head->bytes, head->size) ? 0 : head->size;
    }
    if (offset + size > head->size)
        return bytes_read(s->file, offset, to, size);
    memcpy(to, head->bytes + offset, size);
    return 0;
}

// Whoever started the unikernel wants to know why it can't run. A program that execs another gets
// its error, and may well go on: a shell runs a script without "#!" itself.
static bool is_first_program(void)
{
    return !thread_current()->process->executable_path[0];
}

static int image_open(struct elf *elf, struct exec_source *source, struct exec_head *head, struct file *file)
{
    *source = (struct exec_source){ file, head };
    int error = elf_open(elf, (struct elf_source){ source_read, source, file->inode->size });

    if (error == -ENOEXEC && is_first_program())
        log_message("cannot run it: %s", elf_fault_words(elf->fault));
    return error;
}

static int interpreter_check(const char *path, struct exec_image *out)
{
    int error = exec_file_open(path, &out->interpreter);

    if (error) {
        if (is_first_program())
            log_message("cannot open the program interpreter %s: error %d", path, -error);
        return error;
    }
    error = image_open(&out->interpreter_elf, &out->interpreter_source, &out->head, out->interpreter);
    return error == -ENOEXEC ? -ELIBBAD : error;
}

int exec_check(struct file *file, bool load, struct exec_image *out)
{
    char interpreter[256];
    int length, error = image_open(&out->elf, &out->source, &out->head, file);

    if (error || !load)
        return error;
    if (out->elf.fixed && out->elf.low < USER_LOW) {
        if (is_first_program())
            log_message("cannot run it: it wants addresses below %#llx", (unsigned long long)USER_LOW);
        return -ENOEXEC;
    }
    length = elf_interpreter(&out->elf, interpreter, sizeof(interpreter));
    if (length <= 0)
        return length == -ENAMETOOLONG ? -ENOEXEC : length;
    return interpreter_check(interpreter, out);
}

static u32 segment_area_flags(const struct elf_segment *s)
{
    return (s->flags & ELF_READ ? AREA_READ : 0) | (s->flags & ELF_WRITE ? AREA_WRITE : 0) |
           (s->flags & ELF_EXECUTE ? AREA_EXEC : 0);
}

// The file's part of a segment, and zeros up to memory_size.
static int segment_map(struct process *p, struct file *file, const struct elf_segment *s, u64 bias)
{
    const u32 may = AREA_READ | AREA_WRITE | AREA_EXEC;
    u64 start = page_round_down(s->address), file_end = s->address + s->file_size;
    u64 map_end = s->file_size ? page_round_up(file_end) : start;
    u64 end = page_round_up(s->address + s->memory_size);
    u32 flags = segment_area_flags(s);
    uaddr_t at;
    int error;

    if (map_end > start) {
        error = address_space_map(p->space, bias + start, map_end - start, flags, may, file,
                                  s->offset - (s->address - start), true, true, NULL, &at);
        if (error)
            return error;
    }
    if ((flags & AREA_WRITE) && s->memory_size > s->file_size && map_end > file_end) {
        error = user_clear(bias + file_end, map_end - file_end);
        if (error)
            return error;
    }
    if (end > map_end)
        return address_space_map(p->space, bias + map_end, end - map_end, flags, may, NULL, 0,
                                 true, true, NULL, &at);
    return 0;
}

static int segments_map(struct process *p, struct elf *elf, struct file *file, u64 bias,
                        u64 *out_end)
{
    struct elf_segment s;
    int error;

    for (u32 i = 0; (error = elf_segment(elf, i, &s)) > 0; i++) {
        if (s.type != ELF_LOAD || !s.memory_size)
            continue;
        error = segment_map(p, file, &s, bias);
        if (error)
            return error;
        *out_end = bias + page_round_up(s.address + s.memory_size);
    }
    if (!error)
        patch_ahead(p->space, elf, bias);
    return error;
}

// Where a position-independent file goes: `wanted`, or, for 0, wherever there is room for all of it.
static int choose_bias(struct process *p, struct elf *elf, u64 wanted, u64 *out_bias)
{
    u64 size = page_round_up(elf->high) - page_round_down(elf->low);
    u64 align = PAGE_SIZE;
    struct elf_segment s;
    uaddr_t at = wanted;
    int error;

    for (u32 i = 0; elf_segment(elf, i, &s) > 0; i++)
        if (s.type == ELF_LOAD && s.align > align && s.align <= (1u << 21))
            align = s.align;
    if (!at) {
        error = address_space_map(p->space, 0, size + align - PAGE_SIZE, 0, 0, NULL, 0, false,
                                  false, NULL, &at);
        if (error)
            return error;
        error = address_space_unmap(p->space, at, size + align - PAGE_SIZE);
        if (error)
            return error;
    }
    at = (at + align - 1) & ~(align - 1);
    *out_bias = at - page_round_down(elf->low);
    return 0;
}

static int interpreter_load(struct process *p, struct exec_image *out)
{
    struct elf *elf = &out->interpreter_elf;
    u64 bias, end;
    int error = choose_bias(p, elf, 0, &bias);

    if (!error)
        error = segments_map(p, elf, out->interpreter, bias, &end);
    if (error)
        return error;
    out->interpreter_base = bias;
    out->entry = bias + elf->entry;
    return 0;
}

int exec_load(struct process *p, struct file *file, struct exec_image *out)
{
    struct elf *elf = &out->elf;
    u64 bias = 0, end = 0;
    int error = elf->fixed ? 0 : choose_bias(p, elf, PIE_BASE + exec_random(p, PIE_RANDOM), &bias);

    if (!error)
        error = segments_map(p, elf, file, bias, &end);
    if (error)
        return error;
    out->program_entry = out->entry = bias + elf->entry;
    out->headers = elf_headers_address(elf);
    if (out->headers)
        out->headers += bias;
    out->header_count = elf->segment_count;
    p->space->heap_start = p->space->heap_end = end + exec_random(p, HEAP_RANDOM);
    return out->interpreter ? interpreter_load(p, out) : 0;
}
