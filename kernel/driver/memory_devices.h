// SPDX-License-Identifier: BSD-3-Clause
// Operations of the devices without hardware; devices.c picks them by number.
#pragma once

#include "file/file.h"

extern const struct file_ops null_ops, zero_ops, full_ops, random_ops, kmsg_ops;
