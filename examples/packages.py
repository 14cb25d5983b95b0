#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""An ordinary Python program: what is installed on a Debian machine, from dpkg's status file.

Reads the file, puts it into an SQLite database, hashes it in four threads, and prints a report.
It knows nothing of unikernels.
"""
import collections
import hashlib
import json
import os
import re
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor


def paragraphs(path):
    with open(path, encoding="utf-8") as file:
        for text in file.read().split("\n\n"):
            fields = dict(re.findall(r"^([A-Za-z-]+): *(.*)$", text, re.MULTILINE))
            if "installed" in fields.get("Status", ""):
                yield fields, text


def depth(package, needs, known):
    """The longest chain of dependencies below a package."""
    if package not in known:
        known[package] = 0  # cuts cycles
        below = [depth(p, needs, known) for p in needs.get(package, ()) if p in needs]
        known[package] = 1 + max(below, default=0)
    return known[package]


def main(path):
    packages = list(paragraphs(path))
    database = sqlite3.connect("/tmp/packages.db")
    database.execute("create table package (name text, section text, size integer)")
    database.executemany(
        "insert into package values (?, ?, ?)",
        [(f["Package"], f.get("Section", "?"), int(f.get("Installed-Size", 0))) for f, _ in packages],
    )
    database.commit()
    with ThreadPoolExecutor(4) as pool:
        hashes = list(pool.map(lambda p: hashlib.sha256(p[1].encode()).hexdigest(), packages))
    needs = collections.defaultdict(list)
    for fields, _ in packages:
        needs[fields["Package"]] = re.findall(r"(?:^|, )([a-z0-9.+-]+)", fields.get("Depends", ""))
    known = {}
    report = {
        "system": " ".join(os.uname()[:3:2]),
        "packages": database.execute("select count(*), sum(size) / 1024 from package").fetchone(),
        "largest": database.execute("select name, size / 1024 from package order by size desc limit 3").fetchall(),
        "sections": database.execute(
            "select section, sum(size) / 1024 from package group by section order by 2 desc limit 3"
        ).fetchall(),
        "deepest": sorted(((depth(p, needs, known), p) for p in list(needs)), reverse=True)[0],
        "digest": hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()[:16],
    }
    for key, value in report.items():
        print(f"  {key:9} {json.dumps(value)}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/var/lib/dpkg/status")
