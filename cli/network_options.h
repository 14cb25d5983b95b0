// SPDX-License-Identifier: BSD-3-Clause
// The options of `run` about the network.
#pragma once

#include "cli/option.h"

extern const struct option options_network[];

// Fills in what no option said. Negative after complain(): options that do not fit together.
int network_options_complete(struct settings *s);
