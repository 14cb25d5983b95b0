// SPDX-License-Identifier: BSD-3-Clause
// clade inspect [options] X.clade
#include <errno.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/complain.h"
#include "cli/image_file.h"
#include "cli/image_list.h"
#include "tender/process/sandbox.h"

static int take_list(struct settings *s, const char *value)
{
    (void)value;
    s->list = true;
    return 0;
}

static int take_verify(struct settings *s, const char *value)
{
    (void)value;
    s->verify = true;
    return 0;
}

static const struct option options_inspect[] = {
    {'l', "list", NULL, "list all files, as ls -l does", take_list},
    {0, "verify", NULL, "check the contents against the hash in the header", take_verify},
    {0},
};

static const struct option *const groups[] = {options_inspect, options_help, NULL};

static void print_strings(const char *title, const struct manifest_strings *strings)
{
    for (const char *s = manifest_next(strings, NULL); s; s = manifest_next(strings, s)) {
        printf("%-12s%s\n", title, s);
        title = "";
    }
}

static void print_manifest(const struct manifest *m)
{
    printf("%-12s%s\n", "program", m->program);
    print_strings("arguments", &m->arguments);
    print_strings("environment", &m->environment);
    printf("%-12s%s\n", "workdir", m->workdir ? m->workdir : "/");
    printf("%-12s%s\n", "hostname", m->hostname ? m->hostname : "clade");
    printf("%-12s%s\n", "memory", m->memory ? keep_size(m->memory) : "no limit");
    if (!m->cpus && m->rights & RIGHT_VCPU)
        printf("%-12sas many as the processors that clade may use\n", "vCPUs");
    else
        printf("%-12s%u\n", "vCPUs", m->cpus ? m->cpus : 1);
    printf("%-12s", "rights");
    const char *comma = "";
    for (uint32_t bit = 1; bit; bit <<= 1)
        if (m->rights & bit) {
            printf("%s%s", comma, manifest_right_name(bit));
            comma = ", ";
        }
    printf("%s\n", m->rights ? "" : "none: seven host system calls");
    printf("%-12s%s\n", "host calls", sandbox_calls(m->rights));
    print_strings("sources", &m->sources);
}

static void print_sizes(const struct image_file *image, const struct image_totals *totals)
{
    printf("%-12s%s in %llu files, %llu folders, %llu links\n", "files", keep_size(totals->bytes),
           (unsigned long long)totals->files, (unsigned long long)totals->folders,
           (unsigned long long)totals->links);
    printf("%-12s%s at %#llx\n", "kernel", keep_size(image->header.kernel_size),
           (unsigned long long)image->header.kernel_offset);
    printf("%-12s%s at %#llx\n", "manifest", keep_size(image->header.manifest_size),
           (unsigned long long)image->header.manifest_offset);
}

static void print_hash(const uint8_t hash[32], const char *note)
{
    printf("%-12sBLAKE2b-256 ", "contents");
    for (int i = 0; i < 32; i++)
        printf("%02x", hash[i]);
    printf("%s\n", note);
}

static int inspect_run(struct settings *settings, int argc, char **argv)
{
    struct image_file image;
    struct image_totals totals = {0};
    if (argc != 1)
        return command_misused(&command_inspect);
    int result = image_file_open(&image, argv[0]);
    if (result < 0)
        return complain_status(result);
    if (settings->list)
        return image_list(&image, /*print=*/true, &totals) < 0 ? EXIT_NOT_EXECUTABLE : 0;
    if (image_list(&image, /*print=*/false, &totals) < 0)
        return EXIT_NOT_EXECUTABLE;
    printf("%-12s%s, %s\n", "image", argv[0], keep_size(image.size));
    print_manifest(&image.manifest);
    print_sizes(&image, &totals);
    uint8_t hash[32];
    bool fine = true;
    if (settings->verify) {
        image_file_hash(image.bytes, image.size, hash);
        fine = !memcmp(hash, image.header.content_hash, sizeof(hash));
    }
    print_hash(image.header.content_hash, !settings->verify ? "" : fine ? ": verified" : ": WRONG");
    printf("%-12smount -t erofs -o loop,ro %s /mnt\n", "to look in", argv[0]);
    if (!fine)
        complain(ENOEXEC, "%s: damaged: the contents are not those that were written", argv[0]);
    return fine ? 0 : EXIT_NOT_EXECUTABLE;
}

const struct command command_inspect = {
    .name = "inspect",
    .arguments = "[options] X.clade",
    .summary = "show what is in an image",
    .text = "Shows the manifest of an image, the rights it asks for, its files and sizes.",
    .options = groups,
    .run = inspect_run,
};
