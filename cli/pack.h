// SPDX-License-Identifier: BSD-3-Clause
// Packing: from a program on the host and options to an image file. The parts, in the order in
// which pack_image() uses them; each stands in the file of its name:
//
//     pack_etc.c        the folders and small files that every image has
//     pack_deb.c        --deb: an installed Debian package with its dependencies
//     pack_setup.c      what setting such a package up has made; pack_users.c its users
//     pack_folders.c    and its folders in /run and /var
//     pack_program.c    PROGRAM: found by PATH; scripts bring their interpreter
//     pack_add.c        --add and --root
//     pack_host.c       a path of the host, with the symbolic links on the way to it
//     pack_library.c    the libraries that an ELF needs, found as ld.so finds them
//     pack_manifest.c   the manifest's text
//     pack_sites.c      the table of instructions that exec replaces ahead
//     pack_stage.c      copies the tree into a staging folder
//     pack_seal.c       mkfs.erofs, the header, and the name
//
// Functions return 0 or a negative errno after complain().
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "cli/image_tree.h"
#include "cli/option.h"
#include "cli/text.h"

// One look at the host's file system that the image depends on. As long as each look would show the
// same, the image need not be made anew.
struct pack_input {
    const char *path;
    bool absent;
    bool follow; // stat, not lstat
    struct stat stat;
};

struct pack {
    const struct settings *settings;
    struct image_tree *tree;
    struct pack_input *inputs;
    size_t input_count, input_room;

    const char *program;             // in the guest
    bool is_static;                  // needs neither interpreter nor libraries
    struct strings arguments;        // defaults: argv
    struct strings library_path;     // folders that the guest's LD_LIBRARY_PATH must name
    struct strings system_libraries; // ld.so.conf's folders, once read
    struct text users, groups;       // more lines for the image's passwd and group
};

// Gathers the tree for these settings and argv: PROGRAM and its default arguments. Writes nothing.
int pack_gather(struct pack *p, const struct settings *s, int argc, char **argv);

// Writes the image of what was gathered: first to a file without a name, then under `path`, whole
// or not at all. An image that is there already is replaced.
int pack_write(struct pack *p, const char *path);

// stat if `follow`, else lstat, which of a folder only tells what does not change with what is in
// it. 0 or -errno, no complaint.
int pack_look(const char *path, bool follow, struct stat *out);

// The same two, and what they saw is remembered.
int pack_lstat(struct pack *p, const char *path, struct stat *out);
int pack_stat(struct pack *p, const char *path, struct stat *out);

// Packs the skeleton: folders to mount on, /etc/passwd and the like. First and last of all.
int pack_etc_first(struct pack *p);
int pack_etc_last(struct pack *p);

// Packs one path at its own place, and every symbolic link on the way. A folder comes without what
// is in it. *out_path (if not NULL): where it really is. `who` stands in the complaint. -ENOENT,
// -EACCES, ...
int pack_host(struct pack *p, const char *path, const char *who, const char **out_path);
// The same without any complaint.
int pack_host_try(struct pack *p, const char *path, const char **out_path);

// Packs what is in a folder of the host at another place of the guest. With elves: libraries too.
int pack_folder(struct pack *p, const char *host, const char *guest, bool elves);

int pack_program(struct pack *p, const char *name);
int pack_add(struct pack *p, const char *what);
int pack_root(struct pack *p, const char *root, const char *name);
int pack_debs(struct pack *p);

// Packs the interpreter and libraries of an ELF file of the host. A file that is no ELF is fine.
// With `must`, what is missing is an error, otherwise a warning. *out_static may be NULL.
int pack_libraries(struct pack *p, const char *host, bool must, bool *out_static);

// Looks through the program and its interpreter, and puts the table (abi/image.h) into the tree.
// What can't be read is left out: nothing but speed depends on it.
void pack_sites(struct pack *p);

// The manifest's text for what was gathered.
int pack_manifest(struct pack *p, struct text *out);
