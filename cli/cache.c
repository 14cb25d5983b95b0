// SPDX-License-Identifier: BSD-3-Clause
// clade cache ls|clear|prune [SIZE]
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/command.h"
#include "cli/complain.h"
#include "cli/image_cache.h"
#include "cli/image_file.h"
#include "cli/settings.h"

static int list(void)
{
    struct cached_image *images = NULL;
    int count = cache_list(&images);
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        struct image_file image;
        char used[32];
        strftime(used, sizeof(used), "%Y-%m-%d %H:%M", localtime(&(time_t){images[i].used}));
        const char *program =
            image_file_open(&image, images[i].path) ? "?" : image.manifest.program;
        printf("%10s  %s  %s\n            %s\n", keep_size(images[i].size), used, program,
               images[i].path);
        sum += images[i].size;
    }
    if (count >= 0)
        printf("%10s  in %d images\n", keep_size(sum), count);
    return count < 0 ? EXIT_CLADE : 0;
}

static int prune(uint64_t size)
{
    int count = cache_prune(size);
    if (count < 0)
        return EXIT_CLADE;
    printf("%d images removed\n", count);
    return 0;
}

static int cache_run(struct settings *settings, int argc, char **argv)
{
    uint64_t size = CACHE_SIZE_MAX;
    (void)settings;
    if (argc == 1 && !strcmp(argv[0], "ls"))
        return list();
    if (argc == 1 && !strcmp(argv[0], "clear"))
        return prune(0);
    if (argc < 1 || argc > 2 || strcmp(argv[0], "prune"))
        return command_misused(&command_cache);
    if (argc == 2 && settings_size(argv[1], &size)) {
        complain(EINVAL, "cache prune %s: not a size, such as 500M or 2G", argv[1]);
        return EXIT_CLADE;
    }
    return prune(size);
}

const struct command command_cache = {
    .name = "cache",
    .arguments = "ls|clear|prune [SIZE]",
    .summary = "list or remove the images that `run PROGRAM` has made",
    .text =
        "`clade run PROGRAM` keeps the image it made in ~/.cache/clade ($XDG_CACHE_HOME/clade)\n"
        "and uses it as long as no file that went into it has changed.\n"
        "\n"
        "  ls            list the images, the one that was used last in front\n"
        "  clear         remove all of them\n"
        "  prune [SIZE]  remove those that were used least recently until SIZE (4G) are left;\n"
        "                `run` does so by itself before it makes another one",
    .run = cache_run,
};
