// SPDX-License-Identifier: BSD-3-Clause
// io_setup(2) and its family, within the kernel.
#pragma once

struct address_space;

// exec and exit: the contexts of this memory go.
void aio_space_end(const struct address_space *s);
