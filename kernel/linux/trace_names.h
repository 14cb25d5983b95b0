// SPDX-License-Identifier: BSD-3-Clause
// Names of errors and signals; static strings, never NULL.
#pragma once

const char *trace_error_name(int error);   // positive errno
const char *trace_signal_name(int signal); // "SIGINT"
