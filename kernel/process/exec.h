// SPDX-License-Identifier: BSD-3-Clause
// Loading programs; execve(2), elf(5).
#pragma once

#include "base/elf.h"
#include "file/file.h"
#include "process/process.h"

// The start of an ELF. Its headers are asked for one by one, several times, so their bytes are kept: those of the
// program or of its interpreter, whichever was read last. (A start uses only one page of the kernel stack.)
#define EXEC_HEAD_SIZE 832 // the ELF header, and as many as programs have, with the interpreter's name behind them
struct exec_head {
    struct file *file; // NULL: none yet
    u32 size;
    u8 bytes[EXEC_HEAD_SIZE];
};

struct exec_source { // where the bytes come from
    struct file *file;
    struct exec_head *head;
};

struct exec_image { // what the loader found out, for the stack
    struct elf elf;           // of the program
    struct exec_source source;
    struct file *interpreter; // or NULL
    struct elf interpreter_elf;
    struct exec_source interpreter_source;
    struct exec_head head;
    uaddr_t entry;       // of the interpreter, or of the program
    uaddr_t program_entry;
    uaddr_t headers;     // AT_PHDR
    u32 header_count;
    uaddr_t interpreter_base; // AT_BASE, 0: none
    uaddr_t vdso;        // AT_SYSINFO_EHDR, 0: none
    bool secure;         // AT_SECURE
};

// exec_credentials.c: the rights that the process has in the new program. True: it must not trust its
// environment (AT_SECURE).
bool exec_credentials(struct process *p, struct inode *program);

#define EXEC_ARGUMENTS_MAX (2u << 20) // bytes of all strings

// Opens a file to be run: nobody may write to it. -EACCES, -ETXTBSY, and what a path may give.
must_check int exec_file_open(const char *path, struct file **out);
// A program that a process runs, or ran: others may write to it now. NULL: nothing.
void exec_file_put(struct file *f);
// exec_replace.c: ends the other threads and drops the old program. After it there is no way back.
// -ENOMEM, -EAGAIN: nothing has happened yet.
must_check int exec_replace(struct process *p);
// exec_load.c: looks at the program and, if it is to be loaded, at its interpreter, which the caller gives back
// (exec_file_put). -ENOEXEC (-ELIBBAD: the interpreter) and says why, if it can't run here; -ENOENT, -EACCES: no
// such interpreter.
must_check int exec_check(struct file *file, bool load, struct exec_image *out);
// exec_load.c: maps the segments of `file` and of its interpreter into the current address space. After exec_check.
must_check int exec_load(struct process *p, struct file *file, struct exec_image *out);
// exec_stack.c: where stack, mappings and vDSO will be. Before exec_load.
void exec_places(struct process *p);
// Random bits of the mask, as far as personality(2) wants it.
u64 exec_random(const struct process *p, u64 mask);
// exec_stack.c: maps the stack and lays argv, envp and auxv out on it. *out_sp: the stack pointer.
must_check int exec_stack(struct process *p, const struct exec_image *image, const char *path,
                          char *const argv[], char *const envp[], uaddr_t *out_sp);

// linux/vdso.c: maps the vDSO; *out_ehdr: its ELF header for AT_SYSINFO_EHDR, 0: there is none.
must_check int vdso_map(struct process *p, uaddr_t *out_ehdr);
