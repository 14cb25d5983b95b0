// SPDX-License-Identifier: BSD-3-Clause
// clade build -o X.clade [options] PROGRAM [ARG...]
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/complain.h"
#include "cli/pack.h"
#include "cli/places.h"
#include "tender/host_cpuid.h"

static int take_output(struct settings *s, const char *value)
{
    if (!*value)
        return complain(EINVAL, "--output needs a file name");
    s->output = value;
    return 0;
}

static const struct option options_build[] = {
    {'o', "output", "FILE", "the image to write, such as hello.clade", take_output},
    {0},
};

static const struct option *const groups[] = {options_build, options_packing, options_help, NULL};

static int build_run(struct settings *settings, int argc, char **argv)
{
    struct pack pack;
    struct stat s;
    if (!argc || !settings->output) {
        complain(EINVAL, "build needs %s; see `clade build --help`",
                 argc ? "-o FILE, the image to write" : "a PROGRAM");
        return EXIT_CLADE;
    }
    if (!stat(settings->output, &s) && !S_ISREG(s.st_mode)) {
        complain(EEXIST, "%s: is there already, and is no file", settings->output);
        return EXIT_CLADE;
    }
    int result = pack_gather(&pack, settings, argc, argv);
    if (result < 0)
        return complain_status(result);
    if (pack_write(&pack, settings->output) < 0)
        return EXIT_CLADE;
    host_cpuid_write(place_file("cpuid", /*make=*/true)); // it will be run here, too
    return 0;
}

const struct command command_build = {
    .name = "build",
    .arguments = "-o X.clade [options] PROGRAM [ARG...]",
    .summary = "pack a program and its files into an image",
    .text =
        "Packs PROGRAM, its interpreter and the libraries it needs, and the files that options\n"
        "name into one file: an EROFS image with the kernel and a manifest inside, which\n"
        "`clade run X.clade` starts and Linux mounts with `mount -t erofs -o loop`.\n"
        "\n"
        "PROGRAM is looked for in PATH. ARGs become the first arguments of each run. A program\n"
        "that loads further files (modules of an interpreter, data) needs them named: most\n"
        "easily by its Debian package, --deb. Environment of the program: PATH, HOME=/root, TERM\n"
        "of the terminal if there is one, and what --env says.",
    .options = groups,
    .run = build_run,
};
