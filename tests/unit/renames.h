// SPDX-License-Identifier: BSD-3-Clause
// Gives the kernel's own string.c and printf.c names beside libc's, so that both are in one test
// program.
#pragma once

#define memcpy    kernel_memcpy
#define memmove   kernel_memmove
#define memset    kernel_memset
#define memcmp    kernel_memcmp
#define memchr    kernel_memchr
#define strlen    kernel_strlen
#define strnlen   kernel_strnlen
#define strcmp    kernel_strcmp
#define strncmp   kernel_strncmp
#define strchr    kernel_strchr
#define strrchr   kernel_strrchr
#define strstr    kernel_strstr
#define snprintf  kernel_snprintf
#define vsnprintf kernel_vsnprintf
