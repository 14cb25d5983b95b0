// SPDX-License-Identifier: BSD-3-Clause
// The standard streams that clade was called with.
#pragma once

// First of all calls: no file that is opened later gets the number of a stream that the caller
// closed. Ends clade if it can't be had.
void streams_occupy(void);
// fd, 0 to 2; -1: the caller had closed it.
int streams_get(int fd);
