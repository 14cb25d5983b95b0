// SPDX-License-Identifier: BSD-3-Clause
// The command `clade`: the table of its commands, and the way to them.
//
// `clade run X.clade` is meant to take well under a millisecond: nothing is set up here that only
// some command needs.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/complain.h"
#include "cli/streams.h"

static const struct command *const commands[] = {
    &command_run,   &command_build,   &command_inspect,
    &command_cache, &command_network, &command_version,
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct option *const help_only[] = {options_help, NULL};

static void print_overview(void)
{
    printf("Usage: clade COMMAND [options] ...\n\n"
           "Runs unmodified Linux programs as unikernels.\n\nCommands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n`clade COMMAND --help` tells more, and so does `man clade`. For a start:\n\n"
           "  clade run ls -l /\n"
           "  clade build --deb python3 -o python.clade /usr/bin/python3\n"
           "  clade run python.clade -c 'print(6 * 7)'\n");
}

static int print_help(const struct command *c)
{
    printf("Usage: clade %s %s\n\n%s\n\n", c->name, c->arguments, c->text);
    option_print(c->options ? c->options : help_only);
    return 0;
}

int command_misused(const struct command *c)
{
    complain(EINVAL, "usage: clade %s %s", c->name, c->arguments);
    return EXIT_CLADE;
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

// What was printed may still have to reach a full disk or a closed descriptor.
static int close_output(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    complain(EIO, "cannot write standard output: %s", strerror(errno));
    return status ? status : EXIT_CLADE;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct settings settings = {0};
    int used = option_parse(c->options ? c->options : help_only, c->name, argc, argv, &settings);
    if (used < 0)
        return EXIT_CLADE;
    return close_output(settings.help ? print_help(c)
                                      : c->run(&settings, argc - used, argv + used));
}

static int unknown(const char *name)
{
    complain(EINVAL, "no command is called %s; `clade --help` lists them", name);
    return EXIT_CLADE;
}

static int help(const char *name)
{
    const struct command *c = name ? find_command(name) : NULL;
    if (name && !c)
        return unknown(name);
    if (c)
        return close_output(print_help(c));
    print_overview();
    return close_output(0);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    streams_occupy();
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        int status = help(argc > 2 ? argv[2] : NULL);
        return argc > 1 ? status : EXIT_CLADE;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "-V"))
        name = "version";
    const struct command *c = find_command(name);
    return c ? run_command(c, argc - 2, argv + 2) : unknown(name);
}
