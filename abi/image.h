// SPDX-License-Identifier: BSD-3-Clause
// X.clade: an EROFS file system (mountable, uncompressed, noinline_data) with a header of ours in
// the 1024 bytes that EROFS leaves free in front of its superblock.
//
//     0     struct image_header
//     1024  EROFS superblock ...
//           /.clade/kernel    the kernel ELF, at kernel_offset, page-aligned
//           /.clade/manifest  text, see below, at manifest_offset
//           /.clade/sites     instructions that exec may replace, if there are any (base/text_site.h)
//
// The manifest is lines of `key value`, UTF-8, at most 64 KiB; '#' starts a comment line; a key may
// repeat. In values \n, \t, \\ and \xHH are escapes. Unknown keys are an error for a tender (a right
// that it does not understand must not be lost).
//
//     clade 1                     format version, first line
//     program /usr/bin/python3    path in the image
//     arg python3                 default argv, in order, argv[0] included; may be absent
//     env NAME=value
//     workdir /
//     hostname clade
//     right memory|tick|fork|vcpu|network     (repeats)
//     memory 512M                 default limit
//     cpus 1
//     source DESCRIPTION          where the files came from; for people
#pragma once

#include <linux/types.h>

#define IMAGE_MAGIC       0x656d6965646c43a9ULL
#define IMAGE_VERSION     1
#define IMAGE_HEADER_SIZE 1024
#define IMAGE_KERNEL      "/.clade/kernel"
#define IMAGE_MANIFEST    "/.clade/manifest"
#define IMAGE_SITES       "/.clade/sites"
#define MANIFEST_SIZE_MAX 65536

struct image_header {
    __u64 magic;
    __u32 version;
    __u32 size; // of this struct
    __u64 image_size; // bytes of the whole file: a shorter file is torn
    __u64 kernel_offset;
    __u64 kernel_size;
    __u64 manifest_offset;
    __u64 manifest_size;
    __u8 content_hash[32]; // BLAKE2b-256 of all bytes behind the header; checked by `clade inspect`
    __u32 header_crc;      // CRC-32C of this struct with this field 0
    __u32 sites_page; // where /.clade/sites is, in pages of 4096 bytes
    __u32 sites_size; // in bytes; 0: there is none
    __u32 reserved[5];
};
_Static_assert(sizeof(struct image_header) == 120, "on disk");

// /.clade/sites is a list of these, each with `count` file offsets of sites behind it (__u32, ascending).
// They are hints: the kernel looks at the bytes of a site before it believes one.
struct image_sites {
    __u32 file_size; // of the program that has them, and
    __u32 entry;     // its entry point: the low 32 bits of both
    __u32 count;
};

// The kernel ELF carries this struct at the address named by its symbol-less PT_NOTE segment:
// n_type KERNEL_NOTE_TYPE, name "Clade". Addresses are ELF addresses (add kernel_base).
#define KERNEL_NOTE_TYPE 1
struct kernel_note {
    __u32 abi_version; // BOOT_VERSION
    __u16 data_pages;  // from the start of its data: each start touches them, so the tender makes them at once
    __u16 heap_pages;  // the same of what stands behind boot_info; 0 or wrong only costs time
    __u64 entry;        // kernel_entry
    __u64 upcall_entry; // handler of host signals, see abi/calls.h
};
_Static_assert(sizeof(struct kernel_note) == 24, "in the ELF");
