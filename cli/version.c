// SPDX-License-Identifier: BSD-3-Clause
// clade version
#include <stdio.h>

#include "abi/boot.h"
#include "abi/image.h"
#include "cli/command.h"
#include "cli/kernel_elf.h"

static int version_run(struct settings *settings, int argc, char **argv)
{
    (void)settings, (void)argv;
    if (argc)
        return command_misused(&command_version);
    printf("clade " CLADE_VERSION "\n"
           "kernel %.12s, %zu bytes; waist %d, image format %d\n",
           KERNEL_HASH, (size_t)(kernel_elf_end - kernel_elf_start), BOOT_VERSION, IMAGE_VERSION);
    return 0;
}

const struct command command_version = {
    .name = "version",
    .arguments = "",
    .summary = "print the version of clade and of the kernel inside it",
    .text = "Prints the version of clade, a hash of the kernel that it puts into images, and the\n"
            "versions of the interfaces between its parts.",
    .run = version_run,
};
