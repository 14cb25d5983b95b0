// SPDX-License-Identifier: BSD-3-Clause
// Options: tables that both the parser and the help text are made from.
//
//     --name VALUE, --name=VALUE, -n VALUE, -nVALUE; flags: --name, -n.
//     "--" and the first argument that is no option end them.
#pragma once

#include <stdbool.h>

#include "cli/text.h"
#include "tender/run.h"

// What the options of any command have said. Zero is each field's default.
struct settings {
    // What goes into an image (options_packing).
    struct strings adds;  // HOSTPATH[:GUESTPATH]
    struct strings debs;  // names of Debian packages
    const char *root;     // a directory that is the whole tree
    struct strings envs;  // NAME=VALUE
    const char *workdir;  // NULL: "/", or see run
    const char *hostname; // NULL: "clade"
    const char *memory;   // as written; checked
    const char *cpus;     // as written; checked
    struct strings rights;

    // How it is started (run).
    bool trace, debug, no_patch;
    const char *pids;   // as written; checked
    const char *report; // a file to write figures to
    struct tender_network network;
    const char *net; // --net: a network of `clade network`; NULL: none

    const char *output; // build

    bool list, verify; // inspect

    bool help;
};

struct option {
    char letter;       // 0: none
    const char *name;  // without the dashes; NULL ends a table
    const char *value; // what the help calls its value; NULL: it is a flag
    const char *help;  // "\n" goes on in the next line
    // Checks and stores. 0, or negative after complain().
    int (*take)(struct settings *s, const char *value);
};

extern const struct option options_packing[];
extern const struct option options_help[];

// Parses argv[0..argc) by the groups. Returns how many elements of argv were options, or a negative
// errno after complain(); `command` is named in the hint.
int option_parse(const struct option *const *groups, const char *command, int argc, char **argv,
                 struct settings *out_settings);

// Prints the groups' help to standard output.
void option_print(const struct option *const *groups);
