#!/usr/bin/env python3
"""Puts pcap files of tcpdump into one pcapng file, with what tcpdump cannot write: interface names and addresses, and
the direction of every packet (outbound when it comes from one of the workstation's hardware addresses).

    pack.py OUT.pcapng >|< NAME=PCAP[,ADDRESS/PREFIX...] ...     > is big-endian, < little-endian
"""
import ipaddress
import struct
import sys

OURS = (bytes.fromhex("00005e005310"), bytes.fromhex("00005e005311"))
out, order, *interfaces = sys.argv[1:]


def pad(data):
    return data + bytes(-len(data) % 4)


def option(code, data):
    return struct.pack(order + "HH", code, len(data)) + pad(data)


def block(kind, body):
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def interface(number, text):
    """The description of one interface, and its packets."""
    name, rest = text.split("=")
    path, *addresses = rest.split(",")
    data = open(path, "rb").read()
    nanoseconds = struct.unpack_from("<I", data)[0] == 0xA1B23C4D
    digits = 9 if nanoseconds else 6
    options = option(2, name.encode()) + option(9, bytes([digits]))
    for address in map(ipaddress.ip_interface, addresses):
        if address.version == 4:
            options += option(4, address.ip.packed + address.netmask.packed)
        else:
            options += option(5, address.ip.packed + bytes([address.network.prefixlen]))
    snap, link = struct.unpack_from("<II", data, 16)
    packets, at = [], 24
    while at < len(data):
        seconds, part, captured, length = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        packets.append((seconds * 10**9 + part * 10 ** (9 - digits), number, digits, length, frame))
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options + option(0, b"")), packets


result = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
packets = []
for number, text in enumerate(interfaces):
    description, more = interface(number, text)
    result += description
    packets += more
for time, number, digits, length, frame in sorted(packets, key=lambda packet: packet[0]):
    stamp = time // 10 ** (9 - digits)
    head = struct.pack(order + "IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), length)
    direction = 2 if frame[6:12] in OURS else 1
    flags = option(2, struct.pack(order + "I", direction)) + option(0, b"")
    result += block(6, head + pad(frame) + flags)
open(out, "wb").write(result)
