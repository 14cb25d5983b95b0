# SPDX-License-Identifier: BSD-3-Clause
# Runs the tables against a subject at the other end of an interface.
#     run.py INTERFACE CONTROL-PORT [--linux] [--verbose] [WORD...]      only cases whose name has a word
# A module has ROWS: (RFC and section, name, what is sent, what is expected). What is sent is a function of the wire
# that gives frames; for cases of several steps it is the whole case, and expectation is None. The last field of a row
# may be a dictionary: linux= says why Linux does otherwise, which is not run there.
import importlib
import sys
import time

from wire import Silent, Wire

TABLES = ("link", "ip4", "icmp4", "udp", "ip6", "icmp6", "tcp_open", "tcp_data", "tcp_close", "ndp", "groups")


def check(wire, row):
    send, expected = row[2], row[3]
    if expected is None:
        return send(wire)
    frames = send(wire)
    return expected(wire.exchange(*(frames if isinstance(frames, (list, tuple)) else [frames])))


def main():
    words = [a for a in sys.argv[3:] if not a.startswith("--")]
    linux, verbose = "--linux" in sys.argv, "--verbose" in sys.argv
    wire = Wire(sys.argv[1], int(sys.argv[2]))
    passed = failed = left = 0
    for name in TABLES:
        begin = time.monotonic()
        for row in importlib.import_module(name).ROWS:
            title = "%s: %s (%s)" % (name, row[1], row[0])
            if words and not any(w in title for w in words):
                continue
            if linux and len(row) > 4 and "linux" in row[4]:
                left += 1
                continue
            try:
                why = check(wire, row)
            except (AssertionError, OSError, Silent) as e:
                why = str(e) or "fails"
            if why:
                failed += 1
                print("FAIL %s\n     %s" % (title, why), flush=True)
            else:
                passed += 1
        if verbose:
            print("%s: %.1f s" % (name, time.monotonic() - begin))
    print("conformance: %d passed, %d failed, %d not for this system" % (passed, failed, left))
    sys.exit(failed != 0)


main()
