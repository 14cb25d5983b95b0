// SPDX-License-Identifier: BSD-3-Clause
// The generated file systems /proc and /sys: tables of entries, made into inodes when they are
// looked up. See also file/root.h: proc_mount.
//
// An entry is a file (show, perhaps store), a link (link, or follow for a magic one), or a
// directory (children, and for names that come and go list and find). Nothing is cached: an inode
// lives as long as something refers to it, and its number is a hash of its path.
#pragma once

#include "file/inode.h"
#include "inspect/text.h"

struct process;
struct proc_entry;
struct thread;

struct proc_node { // inode->data: an entry and what it is about
    const struct proc_entry *entry;
    int pid;   // in /proc/PID, else 0
    int tid;   // in /proc/PID/task/TID, else 0
    int index; // descriptor, or CPU; else 0
};

// Takes one name of a directory that comes and goes. False: the sink is full.
typedef bool (*proc_list_t)(void *arg, const char *name, u32 mode, u64 key);

struct proc_entry {
    const char *name; // NULL ends a table
    u32 mode;         // S_IF* and rights
    // Writes the contents. 0, or a negative errno for the reader.
    int (*show)(struct text *t, const struct proc_node *node);
    // Somebody wrote `text` (terminated, final newline removed). 0 or a negative errno.
    int (*store)(const struct proc_node *node, char *text);
    const struct file_ops *ops; // of a file that is no text
    const void *value;          // what a show or store that serves several entries is about
    const struct proc_entry *children; // late_data: see proc.c
    const struct proc_entry *first;    // those of them that many programs look for, as a table that is not late
    // Adds the dynamic names of a directory whose key (a number that stays a name's own, in ascending
    // order: what was read is neither repeated nor left out when others go) is at least `from`, until
    // add says no.
    void (*list)(const struct proc_node *node, u64 from, proc_list_t add, void *arg);
    // Fills *child (a copy of *node) in for a dynamic name. -ENOENT
    int (*find)(const struct proc_node *node, const char *name, size_t size,
                struct proc_node *child);
    // Directories in it, as a link count tells; NULL: none. The number of threads is read off task/ that way.
    u32 (*directories)(const struct proc_node *node);
    s64 (*link)(const struct proc_node *node, char *out, size_t size); // as readlink(2)
    int (*follow)(const struct proc_node *node, struct dentry **out_dentry, struct file **out_file);
};

// A generated file system whose root has these children.
must_check int proc_create(const char *type, u32 magic, const struct proc_entry *root,
                           struct file_system **out);

struct process *proc_process(const struct proc_node *node); // NULL: it has gone
// The thread of a node, outside of task/ the first one. NULL: it has gone.
struct thread *proc_thread(const struct proc_node *node);
// The same, or for a zombie *last, filled with what is known of the last thread.
struct thread *proc_thread_or_last(const struct proc_node *node, struct thread *last);
bool proc_alive(const struct proc_node *node); // the process or thread is there, or a zombie

// Reads a decimal name. -ENOENT if it is none.
must_check int proc_parse_id(const char *name, size_t size, int *out);
// What readlink gives for `target`.
s64 proc_link_text(const char *target, char *out, size_t size);

// The process whose /proc/PID the file is open on; 0: it is another file.
int proc_file_pid(const struct file *f);

extern const struct proc_entry proc_root;           // proc_root.c
extern const struct proc_entry proc_pid_directory;  // proc_pid.c
extern const struct proc_entry proc_net_children[]; // proc_net.c
extern const struct proc_entry proc_sys_children[]; // proc_sys.c
extern const struct proc_entry proc_sys_net_children[];
extern const struct proc_entry sysfs_root;          // sysfs.c

// proc_fd.c
void proc_fd_list(const struct proc_node *node, u64 from, proc_list_t add, void *arg);
void proc_fdinfo_list(const struct proc_node *node, u64 from, proc_list_t add, void *arg);
int proc_fd_find(const struct proc_node *node, const char *name, size_t size,
                 struct proc_node *child);
int proc_fdinfo_find(const struct proc_node *node, const char *name, size_t size,
                     struct proc_node *child);
extern const struct file_ops proc_mem_ops, proc_pagemap_ops; // proc_mem.c
// proc_maps.c
int proc_show_maps(struct text *t, const struct proc_node *node);
int proc_show_smaps(struct text *t, const struct proc_node *node);
int proc_show_smaps_rollup(struct text *t, const struct proc_node *node);
struct memory_use { // bytes, by kind of area
    u64 total, code, data, stack, shared;
    u64 resident;       // at most
    u64 locked;
    uaddr_t heap_start;
};
void proc_memory_use(struct process *p, struct memory_use *out);
// proc_status.c
int proc_show_status(struct text *t, const struct proc_node *node);
int proc_show_stat(struct text *t, const struct proc_node *node);
int proc_show_statm(struct text *t, const struct proc_node *node);
// proc_mounts.c
int proc_show_mounts(struct text *t, const struct proc_node *node);
int proc_show_mountinfo(struct text *t, const struct proc_node *node);
int proc_show_mountstats(struct text *t, const struct proc_node *node);
int proc_show_filesystems(struct text *t, const struct proc_node *node);
// proc_net_snmp.c
int proc_show_snmp(struct text *t, const struct proc_node *node);
int proc_show_snmp6(struct text *t, const struct proc_node *node);
int proc_show_netstat(struct text *t, const struct proc_node *node);
// proc_cpu.c
void proc_add_cpu_list(struct text *t, u64 cpus); // bit mask as "0-2,5"
int proc_show_slabinfo(struct text *t, const struct proc_node *node);
int proc_show_cpuinfo(struct text *t, const struct proc_node *node);
