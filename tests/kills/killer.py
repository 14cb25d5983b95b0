#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Kills members of a running unikernel from outside, at random moments, until its first process has seen enough.

    killer.py KILLS COMMAND...     COMMAND runs kills.c, which says "ready" and then "enough"

A family that ends since the member held a kernel lock must say so; then another one is started. The last
line says how often that was. Ends with 0 if nothing else went wrong.
"""
import os
import random
import re
import subprocess
import sys
import tempfile
import time

PATIENCE = 120  # seconds without one death seen inside


def descendants(pid):
    """All processes below pid, without pid's own child (the first member)."""
    found, todo = [], []
    try:
        first = open(f"/proc/{pid}/task/{pid}/children").read().split()
    except OSError:
        return []
    todo += first
    while todo:
        p = todo.pop()
        try:
            children = open(f"/proc/{p}/task/{p}/children").read().split()
        except OSError:
            continue
        found += children
        todo += children
    return found


def kill_some(run, out, wanted):
    """Kills at random until the guest has seen `wanted` deaths, or ends. Returns how many were killed."""
    kills, seen_at = 0, time.monotonic()
    while run.poll() is None:
        time.sleep(random.random() * 0.006)
        members = descendants(run.pid)
        if members:
            try:
                os.kill(int(random.choice(members)), 9)
                kills += 1
            except ProcessLookupError:
                pass
        if b"enough" in open(out, "rb").read():
            return kills
        if kills > wanted and time.monotonic() - seen_at > PATIENCE:
            print("the first process does not see enough deaths")
            return kills
        if kills <= wanted:
            seen_at = time.monotonic()
    return kills


def one_family(command, wanted):
    """(kills, 'ok' | 'lock' | what went wrong, what it said)"""
    with tempfile.TemporaryDirectory() as folder:
        out, err = folder + "/out", folder + "/err"
        run = subprocess.Popen(command + [str(wanted)], stdin=subprocess.DEVNULL,
                               stdout=open(out, "wb"), stderr=open(err, "wb"))
        while run.poll() is None and b"ready" not in open(out, "rb").read():
            time.sleep(0.01)
        kills = kill_some(run, out, wanted)
        try:
            status = run.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            run.send_signal(9)
            run.wait()
            status = "it hangs"
        said = open(out, "rb").read() + open(err, "rb").read()
        said = said.decode(errors="replace")
        if status == 0:
            return kills, "ok", said
        if "while it held a lock of the kernel" in said:
            return kills, "lock", said
        return kills, f"exit status {status}", said


def main():
    wanted, command = int(sys.argv[1]), sys.argv[2:]
    show = os.environ.get("KILLS_SHOW")
    kills = locks = wrong = inherited = 0
    seen = 0
    while seen < wanted:
        n, how, said = one_family(command, wanted - seen)
        kills += n
        seen += max(n, 1)
        locks += how == "lock"
        inherited += sum(int(x) for x in re.findall(r"(\d+) mutexes inherited", said))
        if how not in ("ok", "lock"):
            wrong += 1
            print(f"FAILED: {how}")
        if how not in ("ok", "lock") or show:
            print("\n".join(line for line in said.splitlines() if "the host has killed" not in line))
            sys.stdout.flush()
        if wrong > 3:
            break
    print(f"{kills} members killed by the host, {locks} of them with a kernel lock held, {wrong} families went wrong")
    return wrong != 0


sys.exit(main())
