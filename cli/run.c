// SPDX-License-Identifier: BSD-3-Clause
// clade run [options] PROGRAM|X.clade [ARG...]
//
// An image goes straight to the tender. A program of the host goes through the image cache first.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/complain.h"
#include "cli/image_cache.h"
#include "cli/image_file.h"
#include "cli/missing.h"
#include "cli/network_options.h"
#include "cli/places.h"
#include "cli/settings.h"
#include "cli/streams.h"
#include "tender/run.h"

static int take_trace(struct settings *s, const char *value)
{
    (void)value;
    s->trace = true;
    return 0;
}

static int take_debug(struct settings *s, const char *value)
{
    (void)value;
    s->debug = true;
    return 0;
}

static int take_no_patch(struct settings *s, const char *value)
{
    (void)value;
    s->no_patch = true;
    return 0;
}

static int take_pids(struct settings *s, const char *value)
{
    char *end;
    long pids = strtol(value, &end, 10);
    if (*end || end == value || pids < 1 || pids > 4194304)
        return complain(EINVAL, "--pids %s: not a number from 1 to 4194304", value);
    s->pids = value;
    return 0;
}

static int take_report(struct settings *s, const char *value)
{
    s->report = value;
    return 0;
}

static const struct option options_run[] = {
    {'t', "trace", NULL, "print each system call on standard error", take_trace},
    {0, "debug", NULL, "print messages of kernel and tender on standard error", take_debug},
    {0, "no-patch", NULL, "let every system call trap (slow; for tests)", take_no_patch},
    {0, "pids", "N", "processes at most (default 32768)", take_pids},
    {0, "report", "FILE", "write time to start, memory, and allowed host calls to a file",
     take_report},
    {0},
};

static const struct option *const groups[] = {options_run, options_network, options_packing,
                                              options_help, NULL};

// 1: an image, open in *out_fd. 0: none, so it may be a program. Negative after complain().
static int open_named_image(const char *name, int *out_fd)
{
    const char *dot = strrchr(name, '.');
    bool must = dot && !strcmp(dot, ".clade");
    if (!must && !strchr(name, '/'))
        return 0;
    *out_fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // it may be a FIFO
    if (*out_fd < 0)
        return must ? complain(errno, "cannot read %s: %s", name, strerror(errno)) : 0;
    if (image_file_is_one(*out_fd))
        return 1;
    close(*out_fd);
    return must ? complain(ENOEXEC, "%s: not a Clade image, or a torn one", name) : 0;
}

// The terminal's type, and what --env says; NULL-terminated.
static const char *const *make_environment(const struct settings *s, struct strings *to)
{
    const char *term = getenv("TERM");
    if (term && (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO)))
        strings_add(to, keep_format("TERM=%s", term));
    for (size_t i = 0; i < s->envs.count; i++)
        strings_add(to, s->envs.items[i]);
    return (const char *const *)to->items;
}

// The program's caller sees how it ended: a shell ends a script's loop when Ctrl-C did. [wait(2)]
static void end_by(int signal_number)
{
    struct rlimit no_core = {0, 0}; // not of this program
    sigset_t set;

    setrlimit(RLIMIT_CORE, &no_core);
    signal(signal_number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, signal_number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(signal_number);
}

static int start(const struct settings *s, int fd, const char *path, bool is_image, char **argv)
{
    struct strings environment = {0};
    int report = 0;
    if (s->report) {
        report = open(s->report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (report < 0) {
            complain(errno, "cannot write %s: %s", s->report, strerror(errno));
            return EXIT_CLADE;
        }
    }
    struct tender_config config = {
        .image_fd = fd,
        .image_path = path,
        .environment = make_environment(s, &environment),
        .workdir = s->workdir,
        .hostname = s->hostname,
        .cpu_count = s->cpus ? (uint32_t)atoi(s->cpus) : 0,
        .cpuid_file = place_file("cpuid", /*make=*/false),
        .process_limit = s->pids ? (uint32_t)atoi(s->pids) : 0,
        .trace = s->trace,
        .debug = s->debug,
        .nopatch = s->no_patch,
        .stdio = {streams_get(0), streams_get(1), streams_get(2)},
        .report_fd = report,
        .network = &s->network,
    };
    if (is_image)
        config.more_arguments = (const char *const *)argv + 1;
    else
        config.arguments = (const char *const *)argv;
    if (s->memory)
        (void)settings_size(s->memory, &config.memory_limit); // was checked when it was taken
    // For people: a script's standard error is the program's alone. An image may be from another
    // host: what that had, this one need not say.
    config.note_missing = !is_image && !s->root && (s->debug || isatty(STDERR_FILENO));
    int code = tender_run(&config);
    if (code && config.note_missing)
        missing_tell();
    if (tender_signal())
        end_by(tender_signal());
    return code;
}

static int run_run(struct settings *settings, int argc, char **argv)
{
    if (!argc)
        return command_misused(&command_run);
    if (network_options_complete(settings) < 0)
        return EXIT_CLADE;
    const char *path = argv[0];
    int fd = -1, is_image = open_named_image(path, &fd);
    if (is_image < 0)
        return complain_status(is_image);
    if (is_image && (settings->adds.count || settings->debs.count || settings->root ||
                     settings->rights.count)) {
        complain(EINVAL,
                 "%s: --add, --deb, --root and --rights are for making an image, and this "
                 "one is made",
                 path);
        return EXIT_CLADE;
    }
    if (!is_image) {
        struct settings packing = {.adds = settings->adds,
                                   .debs = settings->debs,
                                   .root = settings->root,
                                   .rights = settings->rights};
        fd = cache_open(&packing, argv, &path);
        if (fd < 0)
            return complain_status(fd);
    }
    return start(settings, fd, path, is_image, argv);
}

const struct command command_run = {
    .name = "run",
    .arguments = "[options] PROGRAM|X.clade [ARG...]",
    .summary = "run a program, or an image, as a unikernel",
    .text =
        "Runs an image (X.clade), or packs PROGRAM as `clade build` does, keeps the image in a\n"
        "cache (see `clade cache --help`) and runs that. Options end at PROGRAM; what follows is\n"
        "the program's. Standard input, output and error are the program's, signals reach it, and\n"
        "its exit status is clade's: 128 + N if signal N ended it, 127 if there is no such\n"
        "program, 126 if it can't be run, 125 if clade itself failed.\n"
        "\n"
        "The program sees the files of its image and may change its view of them; nothing of the\n"
        "host, and nothing that outlives it. It starts in / (or where clade was called, if --add\n"
        "packs that folder), with PATH, HOME=/root, TERM of the terminal, and what --env says.",
    .options = groups,
    .run = run_run,
};
