// SPDX-License-Identifier: BSD-3-Clause
// A process: a member of the family. What is private to a member hangs off here.
#pragma once

#include <linux/resource.h>

#include "base/list.h"
#include "memory/address_space.h"
#include "process/credentials.h"
#include "process/signal_set.h"
#include "thread/lock.h"
#include "thread/wait.h"

struct fd_table;
struct file;
struct path_context;
struct signal_state;
struct thread;
struct tty;

struct process {
    struct lock lock;    // threads, thread_count, exit_*, name
    struct list threads; // of struct thread.process_node
    u32 thread_count;
    int pid, pgid, sid;
    struct process *parent; // NULL: the first one. This and the next four: guarded by the family's lock
    struct list children;   // of struct process.sibling
    struct list sibling;
    struct list all;        // every process of the family
    bool zombie;            // has ended; only its exit status is left
    bool reported_stop;     // wait(2) has told of the stop
    bool continued;         // by SIGCONT, and wait(2) has not told of it
    int stop_signal;
    int exit_signal;        // what the parent gets at the end, 0: nothing
    bool shares_memory;     // with CLONE_VM: runs in another's member until it execs or ends. sharers.c
    bool leaves;            // is about to, or to end
    bool vfork_done;        // who made it may go on
    struct process *vfork_waiter; // who that is, or NULL
    bool execed;            // for setpgid(2)
    u64 children_time;      // ns of CPU time of children that were waited for
    u64 children_system;    // of it, in system calls
    u64 resident_most;      // bytes, the most that was seen at an end of memory: process_resident_most
    u64 children_resident;  // the most of any child that was waited for
    struct tty *tty;        // controlling terminal, or NULL

    struct address_space *space;
    struct fd_table *files;        // file/fd_table.h
    struct fd_table *closing;      // it, when the process ends
    struct address_space *leaving; // and its memory
    struct path_context *paths;    // cwd, root, umask: file/path.h
    struct signal_state *signals;  // process/signal.h
    struct credentials credentials; // of its first thread, and of those that have none of their own
    struct rlimit64 limits[RLIM_NLIMITS];

    struct file *executable; // for /proc/self/exe
    char executable_path[256];
    uaddr_t arguments_start, arguments_end, environment_start, environment_end;
    uaddr_t auxv[2 * 24]; // as given to the program, for /proc/self/auxv
    uaddr_t stack_top;
    u64 start_time; // ns of CLOCK_MONOTONIC
    u64 dead_threads_time; // ns of CPU time of threads that ended
    u64 dead_threads_system; // of it, in system calls
    u64 shown_user, shown_system; // as process_cpu_times told them last
    bool exiting;
    struct thread *dumper; // writes a core file; atomic. The others wait for it: core.h
    u32 parked_count;      // who do
    struct thread *exec_thread; // ends the others to be alone; no new ones then
    int exit_status; // as wait(2) has it
    bool dumpable;
    bool stopped;
    u32 personality;
    int death_signal; // PR_SET_PDEATHSIG
    int maker; // the parent's thread whose end is that of the parent, for that. Guarded by the family's lock
    s16 oom_adjust;   // /proc/PID/oom_score_adj
    bool subreaper;   // PR_SET_CHILD_SUBREAPER
    bool huge_pages_disabled; // PR_SET_THP_DISABLE
    struct posix_timers *timers; // linux/posix_timer.c
    struct process_handle *handle; // of pidfds, or NULL: process/handle.h. Guarded by the family's lock
    struct wait_queue thread_ended; // exec waits until it is alone
    u32 visitors;                   // threads of others that are in its member: visit.h
    char last_name[16];             // of the last thread, for /proc to show of a zombie
    struct wait_queue child_exit;
    struct list tracees; // process/tracing.h
    u32 traced_count;    // threads of it that somebody traces; atomic
};

#define thread_process() (thread_current()->process)

// Makes the first process from the boot information: address space, descriptors 0..2, program loaded,
// its thread started.
struct boot_info;
must_check int process_boot(const struct boot_info *boot);

// Loads the program at `path` into the current (empty) address space and sets *frame to its start.
// argv and envp are kernel arrays that end with NULL. See process/exec.c.
// -ENOENT, -EACCES, -ENOEXEC, -ENOMEM, -E2BIG, -ELIBBAD (interpreter).
struct trap_frame;
must_check int process_exec(struct process *p, const char *path, char *const argv[],
                            char *const envp[], struct trap_frame *frame);

// Ends the process: status as wait(2) has it (code << 8, or a signal). Every thread ends at its next
// way out of the kernel. Does not return for a thread of this process.
void process_exit(struct process *p, int status);

// The last thread has gone: gives back what the process held. Then process_report_end, when the
// thread is off its stack: the parent may hear of it from there on. If the host kills the member within
// process_finish it is called once more, and goes on.
void process_finish(struct process *p);
void process_report_end(struct process *p);
// clone(2) without CLONE_THREAD, fork(2), vfork(2): the new process's id. See process/fork.c.
// -EAGAIN, -ENOMEM, -EINVAL
struct clone_args;
s64 process_fork(const struct clone_args *args);
// vfork's child has its own memory now, or none: the parent goes on.
void process_vfork_done(struct process *p);
// The family's lock: who is whose parent, the list of all, zombies.
void family_lock(void);
void family_unlock(void);
void family_add(struct process *p, struct process *parent); // with the lock held
void family_remove(struct process *p);                      // a zombie that was waited for; frees it
struct process *family_first(void);
// Writes the new thread's id for CLONE_CHILD_SETTID.
void process_report_child_tid(struct thread *t);

u64 process_resident_most(struct process *p); // bytes of memory it had at most, as far as was looked
struct process *process_find(int pid); // NULL: none
// True: no member of the group has a parent in another group of its session, who could continue it when the terminal
// stops it. [POSIX 3.264] orphan.c
bool process_group_is_orphaned(int pgid);
struct process *process_find_locked(int pid); // with the family's lock held
struct process *process_of_thread(int tid);   // NULL: there is no such thread
void process_visit(void (*visit)(struct process *p, void *arg), void *arg);
bool process_group_exists(int group, int session); // one with a process of this session, 0: of any
