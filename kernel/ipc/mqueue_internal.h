// SPDX-License-Identifier: BSD-3-Clause
// What mqueue.c (messages) and mqueue_name.c (names) share.
#pragma once

#include "file/file.h"
#include "ipc/mqueue.h"

#define MQUEUE_STATUS_SIZE 80 // st_size: what read(2) may give

struct inode;

struct mqueue {
    struct list node; // on mqueues.all, this and the next three: guarded by mqueues.lock
    u32 references;   // the name's, and each file's
    bool linked;      // has its name still
    u64 cost;         // on the account of `uid`
    u32 uid;
    struct inode *inode; // rights, owner, times
    u64 count_max, size_max;

    struct lock lock;
    struct list levels;
    u64 count, bytes;
    u32 receivers; // that wait
    struct wait_queue room, arrived;
    struct mqueue_notice notice;

    char name[];
};

extern const struct file_ops mqueue_ops;

void mqueue_put(struct mqueue *q);   // one reference less; the last one frees it
void mqueue_empty(struct mqueue *q); // drops the messages
