// SPDX-License-Identifier: BSD-3-Clause
// The core file: an ELF header, a table of segments, notes with the registers of each thread, and the memory.
//
//     ELF header | program headers: PT_NOTE, PT_LOAD ... | notes | (page) memory of each PT_LOAD
//
// A hole in the file stands for pages of zeros.
#include <linux/elf.h>

#include "abi/boot.h"
#include "base/string.h"
#include "file/path.h"
#include "memory/heap.h"
#include "memory/user_copy.h"
#include "process/core.h"
#include "process/process.h"
#include "thread/thread.h"
#include "x86_64/cpu.h"
#include "x86_64/fpu.h"
#include "x86_64/frame.h"
#include "x86_64/user_registers.h"

#define FXSAVE_SIZE     512
#define XSTATE_FEATURES 464 // where a debugger looks for XCR0
#define FILES_SIZE      65536u
#define AREAS_MAX       60000u
#define NOTE_ALIGN      4

struct note_status { // struct elf_prstatus of <sys/procfs.h>
    int signal, code, error;
    s16 cursig;
    u64 pending, held;
    int pid, ppid, pgrp, sid;
    u64 times[8];
    struct user_registers registers;
    int fp_valid;
};
_Static_assert(sizeof(struct note_status) == 336 && offsetof(struct note_status, registers) == 112, "the ABI's");

struct note_process { // struct elf_prpsinfo
    char state, state_name, zombie, nice;
    u64 flags;
    u32 uid, gid;
    int pid, ppid, pgrp, sid;
    char name[16], arguments[80];
};
_Static_assert(sizeof(struct note_process) == 136, "the ABI's");

struct core {
    struct process *process;
    const siginfo_t *info;
    struct file *file;
    u64 position, limit;
    int error;
};

static void put(struct core *c, const void *data, size_t size)
{
    struct io io;

    if (c->error || c->position >= c->limit)
        return;
    io_init_kernel(&io, (void *)(uintptr_t)data, min(size, (size_t)(c->limit - c->position)));
    if (file_write(c->file, &io, &c->position) < 0)
        c->error = -EIO;
}

static void put_note(struct core *c, const char *name, u32 type, const void *data, size_t size)
{
    const Elf64_Nhdr header = { (u32)strlen(name) + 1, (u32)size, type };
    char padded[8] = "";

    strlcpy(padded, name, sizeof(padded));
    put(c, &header, sizeof(header));
    put(c, padded, sizeof(padded));
    put(c, data, size);
    c->position = (c->position + NOTE_ALIGN - 1) & ~(u64)(NOTE_ALIGN - 1);
}

static void put_status(struct core *c, const struct thread *t)
{
    const struct process *p = c->process;
    struct note_status s = { .signal = c->info->si_signo, .cursig = (s16)c->info->si_signo };

    s.code = c->info->si_code;
    s.held = t->blocked;
    s.pid = t->tid;
    s.ppid = p->parent ? p->parent->pid : 0;
    s.pgrp = p->pgid;
    s.sid = p->sid;
    s.fp_valid = 1;
    user_registers_get(t, &s.registers);
    put_note(c, "CORE", NT_PRSTATUS, &s, sizeof(s));
}

static void put_process(struct core *c)
{
    const struct process *p = c->process;
    struct note_process n = { .state_name = 'R', .pid = p->pid, .pgrp = p->pgid, .sid = p->sid };

    n.ppid = p->parent ? p->parent->pid : 0;
    n.uid = p->credentials.uid;
    n.gid = p->credentials.gid;
    strlcpy(n.name, thread_current()->name, sizeof(n.name));
    size_t size = min(sizeof(n.arguments) - 1, (size_t)(p->arguments_end - p->arguments_start));
    if (user_read(n.arguments, p->arguments_start, size))
        size = 0;
    for (size_t i = 0; i + 1 < size; i++)
        n.arguments[i] = n.arguments[i] ? n.arguments[i] : ' ';
    put_note(c, "CORE", NT_PRPSINFO, &n, sizeof(n));
}

static void put_vectors(struct core *c, const struct thread *t)
{
    u64 *area = heap_alloc(max(fpu_size(), 4096u));

    if (!area)
        return;
    if (t == thread_current())
        fpu_store(area);
    else
        fpu_peek(t, area);
    area[XSTATE_FEATURES / 8] = fpu_features();
    put_note(c, "CORE", NT_PRFPREG, area, FXSAVE_SIZE);
    put_note(c, "LINUX", NT_X86_XSTATE, area, fpu_size());
    heap_free(area);
}

// Which file is mapped where: all numbers first, then all names.
static void put_files(struct core *c)
{
    u64 *numbers = heap_alloc(FILES_SIZE), *at = numbers + 2;
    char *names = heap_alloc(FILES_SIZE), *name = names, *names_end = names + FILES_SIZE;
    struct area a = { .end = 0 };

    while (numbers && names && address_space_next(c->process->space, a.end, &a)) {
        if (!a.file)
            continue;
        if (a.file->dentry && (char *)(at + 3) < (char *)numbers + FILES_SIZE && name + 256 < names_end &&
            !dentry_path(a.file->dentry, name, (size_t)(names_end - name))) {
            *at++ = a.start;
            *at++ = a.end;
            *at++ = a.file_offset / PAGE_SIZE;
            name += strlen(name) + 1;
            numbers[0]++;
        }
        file_put(a.file);
    }
    if (numbers && names) {
        size_t size = (size_t)((char *)at - (char *)numbers), names_size = (size_t)(name - names);
        char *whole = heap_alloc(size + names_size);
        numbers[1] = PAGE_SIZE;
        if (whole) {
            memcpy(whole, numbers, size);
            memcpy(whole + size, names, names_size);
            put_note(c, "CORE", NT_FILE, whole, size + names_size);
        }
        heap_free(whole);
    }
    heap_free(numbers);
    heap_free(names);
}

static void put_notes(struct core *c)
{
    struct process *p = c->process;
    struct thread *me = thread_current(), *t;
    size_t count = 0;

    me->fs_base = cpu_fs_base();
    put_status(c, me);
    put_process(c);
    put_note(c, "CORE", NT_SIGINFO, c->info, sizeof(*c->info));
    while (count + 2 <= array_count(p->auxv) && p->auxv[count])
        count += 2;
    put_note(c, "CORE", NT_AUXV, p->auxv, min(count + 2, array_count(p->auxv)) * sizeof(p->auxv[0]));
    put_files(c);
    put_vectors(c, me);
    // The others are parked, or have not come that far: the list does not change but by their ends.
    list_for_each(t, &p->threads, process_node) {
        if (t == me)
            continue;
        put_status(c, t);
        put_vectors(c, t);
    }
}

static bool hidden(const struct area *a)
{
    return (a->flags & AREA_KERNEL) && !a->name;
}

static u32 count_areas(const struct core *c)
{
    struct area a = { .end = 0 };
    u32 count = 0;

    while (address_space_next(c->process->space, a.end, &a) && count < AREAS_MAX) {
        count += !hidden(&a);
        if (a.file)
            file_put(a.file);
    }
    return count;
}

// The header of one segment and its memory, which goes to *memory.
static void put_segment(struct core *c, const struct area *a, u64 *memory)
{
    Elf64_Phdr h = { .p_type = PT_LOAD, .p_align = PAGE_SIZE, .p_vaddr = a->start, .p_memsz = a->end - a->start };

    h.p_flags = (a->flags & AREA_READ ? PF_R : 0) | (a->flags & AREA_WRITE ? PF_W : 0) |
                (a->flags & AREA_EXEC ? PF_X : 0);
    h.p_offset = *memory;
    h.p_filesz = core_area_size(a);
    put(c, &h, sizeof(h));
    u64 room = c->limit > *memory ? (c->limit - *memory) & PAGE_MASK : 0;
    if (!c->error)
        c->error = core_area_write(a, min(h.p_filesz, room), c->file, *memory);
    *memory += h.p_filesz;
}

static void put_header(struct core *c, u32 segments)
{
    const Elf64_Ehdr h = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_phoff = sizeof(h),
        .e_ehsize = sizeof(h), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = (u16)segments,
    };

    put(c, &h, sizeof(h));
}

int core_write(struct process *p, const siginfo_t *info, struct file *f, u64 limit)
{
    struct core c = { .process = p, .info = info, .file = f, .limit = limit };
    u32 areas = count_areas(&c), done = 0;
    u64 notes = sizeof(Elf64_Ehdr) + (areas + 1) * sizeof(Elf64_Phdr), memory, end;
    struct area a = { .end = 0 };

    put_header(&c, areas + 1);
    c.position = notes;
    put_notes(&c);
    end = c.position;
    memory = page_round_up(end);
    const Elf64_Phdr h = { .p_type = PT_NOTE, .p_offset = notes, .p_filesz = end - notes, .p_align = NOTE_ALIGN };
    c.position = sizeof(Elf64_Ehdr);
    put(&c, &h, sizeof(h));
    while (done < areas && address_space_next(p->space, a.end, &a)) {
        if (!hidden(&a)) {
            put_segment(&c, &a, &memory);
            done++;
        }
        if (a.file)
            file_put(a.file);
    }
    if (!c.error) // the last pages may be a hole
        c.error = f->inode->ops->truncate(f->inode, min(memory, limit));
    return c.error;
}
