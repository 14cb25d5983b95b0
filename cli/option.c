// SPDX-License-Identifier: BSD-3-Clause
// The option parser and the help of options; both walk the same tables.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/complain.h"
#include "cli/option.h"

static int take_help(struct settings *s, const char *value)
{
    (void)value;
    s->help = true;
    return 0;
}

const struct option options_help[] = {
    {'h', "help", NULL, "this text", take_help},
    {0},
};

static const struct option *find_letter(const struct option *const *groups, char letter)
{
    for (; *groups; groups++)
        for (const struct option *o = *groups; o->name; o++)
            if (o->letter == letter)
                return o;
    return NULL;
}

static const struct option *find_name(const struct option *const *groups, const char *name,
                                      size_t size)
{
    for (; *groups; groups++)
        for (const struct option *o = *groups; o->name; o++)
            if (strlen(o->name) == size && !memcmp(o->name, name, size))
                return o;
    return NULL;
}

static int unknown(const char *command, const char *argument)
{
    return complain(EINVAL, "unknown option %s; `clade %s --help` lists what there is", argument,
                    command);
}

// Takes one option at argv[0]; returns how many elements it used.
static int take_one(const struct option *const *groups, const char *command, int argc, char **argv,
                    struct settings *s)
{
    const char *argument = argv[0], *value = NULL;
    const struct option *o;
    if (argument[1] == '-') {
        size_t size = strcspn(argument + 2, "=");
        o = find_name(groups, argument + 2, size);
        if (argument[2 + size] == '=')
            value = argument + 3 + size;
    } else {
        o = find_letter(groups, argument[1]);
        if (argument[2])
            value = argument + 2;
    }
    if (!o)
        return unknown(command, argument);
    if (!o->value && value)
        return complain(EINVAL, "--%s takes no value", o->name);
    int used = 1;
    if (o->value && !value) {
        if (argc < 2)
            return complain(EINVAL, "--%s needs a value: --%s %s", o->name, o->name, o->value);
        value = argv[1];
        used = 2;
    }
    int result = o->take(s, value);
    return result < 0 ? result : used;
}

int option_parse(const struct option *const *groups, const char *command, int argc, char **argv,
                 struct settings *out_settings)
{
    int at = 0;
    while (at < argc && argv[at][0] == '-' && argv[at][1]) {
        if (!strcmp(argv[at], "--"))
            return at + 1;
        int used = take_one(groups, command, argc - at, argv + at, out_settings);
        if (used < 0)
            return used;
        at += used;
    }
    return at;
}

static void print_one(const struct option *o)
{
    char *name = keep_format("%s%c%s--%s%s%s", o->letter ? "-" : " ", o->letter ? o->letter : ' ',
                             o->letter ? ", " : "  ", o->name, o->value ? " " : "",
                             o->value ? o->value : "");
    const char *help = o->help;
    for (const char *left = name; help; left = "") {
        size_t size = strcspn(help, "\n");
        if (strlen(left) > 31)
            printf("  %s\n  %31s %.*s\n", left, "", (int)size, help);
        else
            printf("  %-31s %.*s\n", left, (int)size, help);
        help = help[size] ? help + size + 1 : NULL;
    }
}

void option_print(const struct option *const *groups)
{
    printf("Options:\n");
    for (; *groups; groups++)
        for (const struct option *o = *groups; o->name; o++)
            print_one(o);
}
