#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""name_server.py ADDRESS: DNS on port 53. Every name that ends in .example.com is ADDRESS; no other name is known. (A
Workspace may not name its data by a private address.)"""

import socket
import struct
import sys

A_RECORD, NOT_FOUND = 1, 3


def question_of(packet):
    """The name, its type, and where the question ends."""
    labels, at = [], 12
    while length := packet[at]:
        labels.append(packet[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    return ".".join(labels), struct.unpack_from(">H", packet, at + 1)[0], at + 5


def answer(packet, address):
    name, kind, end = question_of(packet)
    is_known = name.endswith(".example.com") and name.count(".") == 2
    has_record = is_known and kind == A_RECORD
    flags = 0x8580 | (0 if is_known else NOT_FOUND)
    header = packet[:2] + struct.pack(">HHHHH", flags, 1, int(has_record), 0, 0)
    record = b"\xc0\x0c" + struct.pack(">HHIH", A_RECORD, 1, 60, 4) + socket.inet_aton(address)
    return header + packet[12:end] + (record if has_record else b"")


def main():
    address = sys.argv[1]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        packet, peer = server.recvfrom(1500)
        try:
            server.sendto(answer(packet, address), peer)
        except (IndexError, struct.error):
            pass  # no question of DNS


main()
