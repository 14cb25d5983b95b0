# SPDX-License-Identifier: BSD-3-Clause
# Random BPF programs, by seed, on a UDP socket: which the checker takes, and what they let through. Prints a sum
# of all that, which must be the same on Linux and in a guest.
import ctypes
import errno
import hashlib
import random
import socket
import struct
import sys

ATTACH, DETACH, LOCK, GET = 26, 27, 44, 26
SEED, COUNT = 7, int(sys.argv[1]) if len(sys.argv) > 1 else 6000

LD, LDX, ST, STX, ALU, JMP, RET, MISC = range(8)
SIZES, MODES = (0, 8, 16), (0x00, 0x20, 0x40, 0x60, 0x80, 0xA0)
# Facts that are the same everywhere: XOR with X, VLAN tag, protocol; bytes of headers
OFFSETS = (0, 1, 2, 4, 7, 8, 12, 20, 39, 40, 0xFFFFF000 + 40, 0xFFFFF000 + 44, 0xFFFFF000, 0xFFFFF000 + 64,
           0xFFFFF002, 0xFFF00000, 0xFFF0000C, 0xFFF00010, 0x7FFFFFFF, 0x80000000)


def instruction(r, left):
    kind = r.random()
    if kind < 0.02:  # anything
        return r.randrange(0x200), r.randrange(4), r.randrange(4), r.randrange(70)
    if kind < 0.35:
        code = r.choice((LD, LD, LDX)) | r.choice(SIZES) | r.choice(MODES)
        return code, 0, 0, r.choice(OFFSETS) if r.random() < 0.6 else r.randrange(18)
    if kind < 0.5:
        return r.choice((ST, STX)), 0, 0, r.randrange(16 if r.random() < 0.97 else 18)
    if kind < 0.75:
        return ALU | r.randrange(11) << 4 | r.choice((0, 8)), 0, 0, r.randrange(1, 40)
    if kind < 0.9:
        reach = max(left, 1) if r.random() < 0.95 else left + 2
        return JMP | r.randrange(5) << 4 | r.choice((0, 8)), r.randrange(reach), r.randrange(reach), r.randrange(60)
    if kind < 0.95:
        return MISC | r.choice((0, 0x80)), 0, 0, 0
    return RET | r.choice((0, 0x10)), 0, 0, r.randrange(64)


def program(r):
    size = r.randrange(1, 12)
    code = [instruction(r, size - 1 - n) for n in range(size - 1)]
    code.append((RET | r.choice((0, 0x10, 0x10)), 0, 0, r.choice((0, 8, 20, 65535))) if r.random() < 0.98
                else instruction(r, 0))
    if r.random() < 0.4:  # all memory is written first: more programs are good
        code = [(ST, 0, 0, n) for n in range(16)] + code
    return code


def attach(s, code):
    data = b"".join(struct.pack("=HBBI", *i) for i in code)
    buffer = ctypes.create_string_buffer(data, len(data) or 1)
    s.setsockopt(socket.SOL_SOCKET, ATTACH, struct.pack("@HP", len(code), ctypes.addressof(buffer)))


def error_of(function, *arguments):
    try:
        function(*arguments)
        return "fine"
    except OSError as e:
        return errno.errorcode[e.errno]


def rules():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    drop = [(RET, 0, 0, 0)]
    print("detach nothing:", error_of(s.setsockopt, socket.SOL_SOCKET, DETACH, 0))
    print("empty:", error_of(attach, s, []))
    print("too long:", error_of(attach, s, [(LD, 0, 0, 0)] * 4096 + drop))
    print("longest:", error_of(attach, s, [(LD, 0, 0, 0)] * 4095 + drop))
    print("short option:", error_of(s.setsockopt, socket.SOL_SOCKET, ATTACH, b"12345678"))
    print("detach:", error_of(s.setsockopt, socket.SOL_SOCKET, DETACH, 0))
    attach(s, [(RET, 0, 0, 9)] * 2)
    print("extensions:", s.getsockopt(socket.SOL_SOCKET, 48))
    print("locked:", s.getsockopt(socket.SOL_SOCKET, LOCK))
    s.setsockopt(socket.SOL_SOCKET, LOCK, 1)
    print("locked:", s.getsockopt(socket.SOL_SOCKET, LOCK))
    print("attach:", error_of(attach, s, drop))
    print("detach:", error_of(s.setsockopt, socket.SOL_SOCKET, DETACH, 0))
    print("unlock:", error_of(s.setsockopt, socket.SOL_SOCKET, LOCK, 0))


def main():
    r = random.Random(SEED)
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 20111))  # filters read the ports: the same everywhere
    receiver.setblocking(False)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.bind(("127.0.0.1", 20113))
    sender.connect(receiver.getsockname())
    # A datagram behind each one, to a socket without a filter: when it is there, the other was decided about.
    fence = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    fence.bind(("127.0.0.1", 0))
    fence.settimeout(20)
    body = bytes(range(40))
    digest, taken, passed = hashlib.sha256(), 0, 0
    for _ in range(COUNT):
        code = program(r)
        result = error_of(attach, receiver, code)
        if result == "fine":
            taken += 1
            sender.send(body)
            fence.sendto(b"", fence.getsockname())
            fence.recv(1)
            try:
                result = str(len(receiver.recv(100)))
                passed += 1
            except BlockingIOError:
                result = "none"
        if len(sys.argv) > 2:
            print(result, code)
        digest.update(result.encode())
    rules()
    print("filters:", COUNT, "made,", taken, "taken,", passed, "let something through", digest.hexdigest()[:16])


main()
