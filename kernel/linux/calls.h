// SPDX-License-Identifier: BSD-3-Clause
// The handlers of the system calls, in alphabetical order, one line a call; see syscalls.def.
#pragma once

#include "base/types.h"

s64 sys_arch_prctl(int code, uaddr_t address);
s64 sys_clone(u64 flags, uaddr_t stack, uaddr_t parent_tid, uaddr_t child_tid, u64 tls);
s64 sys_clone3(uaddr_t args, size_t size);
s64 sys_eventfd(u32 count);
s64 sys_eventfd2(u32 count, u32 flags);
s64 sys_execve(uaddr_t path, uaddr_t argv, uaddr_t envp);
s64 sys_execveat(int dirfd, uaddr_t path, uaddr_t argv, uaddr_t envp, int flags);
s64 sys_exit(int status);
s64 sys_exit_group(int status);
s64 sys_getrandom(uaddr_t buffer, size_t size, u32 flags);
s64 sys_kill(int pid, int signal);
s64 sys_pause(void);
s64 sys_pipe(uaddr_t fds);
s64 sys_pipe2(uaddr_t fds, u32 flags);
s64 sys_poll(uaddr_t fds, u32 count, int timeout);
s64 sys_ppoll(uaddr_t fds, u32 count, uaddr_t timeout, uaddr_t mask, size_t set_size);
s64 sys_pselect6(int count, uaddr_t reads, uaddr_t writes, uaddr_t excepts, uaddr_t timeout, uaddr_t mask_argument);
s64 sys_restart_syscall(void);
s64 sys_rseq(uaddr_t area, u32 size, int flags, u32 signature);
s64 sys_rt_sigaction(int signal, uaddr_t new_action, uaddr_t old_action, size_t set_size);
s64 sys_rt_sigpending(uaddr_t out, size_t set_size);
s64 sys_rt_sigprocmask(int how, uaddr_t new_set, uaddr_t old_set, size_t set_size);
s64 sys_rt_sigqueueinfo(int pid, int signal, uaddr_t user_info);
s64 sys_rt_sigreturn(void);
s64 sys_rt_sigsuspend(uaddr_t mask, size_t set_size);
s64 sys_rt_sigtimedwait(uaddr_t set, uaddr_t info, uaddr_t timeout, size_t set_size);
s64 sys_rt_tgsigqueueinfo(int tgid, int tid, int signal, uaddr_t user_info);
s64 sys_select(int count, uaddr_t reads, uaddr_t writes, uaddr_t excepts, uaddr_t timeout);
s64 sys_set_tid_address(uaddr_t address);
s64 sys_sigaltstack(uaddr_t new_stack, uaddr_t old_stack);
s64 sys_tgkill(int tgid, int tid, int signal);
s64 sys_tkill(int tid, int signal);
s64 sys_wait4(int pid, uaddr_t status, int options, uaddr_t usage);
s64 sys_waitid(int type, int id, uaddr_t info, int options, uaddr_t usage);
