// SPDX-License-Identifier: BSD-3-Clause
// Files of the generated file systems.
#pragma once

struct file;

// Opens f, whose inode is one of proc.c's files. -ENOMEM
int proc_file_open(struct file *f);
