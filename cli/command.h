// SPDX-License-Identifier: BSD-3-Clause
// A command is one file: its help, the options it takes, and what it does. main.c has the table.
#pragma once

#include "cli/option.h"

struct command {
    const char *name;
    const char *arguments;               // for the usage line: "[options] PROGRAM [ARG...]"
    const char *summary;                 // one line, for `clade --help`
    const char *text;                    // what the options don't say, printed in front of them
    const struct option *const *options; // groups, NULL at the end; NULL: none
    // argv[0] is the first argument behind the options. Returns the exit status.
    int (*run)(struct settings *settings, int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_build;
extern const struct command command_inspect;
extern const struct command command_cache;
extern const struct command command_network;
extern const struct command command_version;

// Says how the command is called, and where to read more; returns EXIT_CLADE.
int command_misused(const struct command *c);
