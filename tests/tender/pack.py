#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Packs a test kernel into an image without a file system: header, kernel, manifest.

usage: pack.py KERNEL_ELF IMAGE [--torn | --bad-crc | --version N | --manifest TEXT] [RIGHT...]
"""
import struct
import sys

MAGIC, HEADER_SIZE, KERNEL_OFFSET = 0x656D6965646C43A9, 120, 4096


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def image(kernel, rights, version=1, manifest=None, bad_crc=False):
    if manifest is None:
        manifest = "clade 1\nprogram /test\narg test\n" + "".join(f"right {r}\n" for r in rights)
    text = manifest.encode()
    manifest_offset = (KERNEL_OFFSET + len(kernel) + 4095) & ~4095
    size = manifest_offset + len(text)
    head = struct.pack("<QIIQQQQQ32s", MAGIC, version, HEADER_SIZE, size, KERNEL_OFFSET,
                       len(kernel), manifest_offset, len(text), bytes(32))
    crc = crc32c(head + bytes(HEADER_SIZE - len(head))) ^ (1 if bad_crc else 0)
    head += struct.pack("<I28s", crc, bytes(28))
    return (head.ljust(KERNEL_OFFSET, b"\0") + kernel).ljust(manifest_offset, b"\0") + text


def main():
    kernel = open(sys.argv[1], "rb").read()
    rest, options, rights = sys.argv[3:], {}, []
    torn = False
    while rest:
        word = rest.pop(0)
        if word == "--torn":
            torn = True
        elif word == "--bad-crc":
            options["bad_crc"] = True
        elif word == "--version":
            options["version"] = int(rest.pop(0))
        elif word == "--manifest":
            options["manifest"] = rest.pop(0)
        else:
            rights.append(word)
    data = image(kernel, rights, **options)
    open(sys.argv[2], "wb").write(data[:-100] if torn else data)


main()
