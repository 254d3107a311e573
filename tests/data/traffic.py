#!/usr/bin/env python3
"""Traffic helpers for record.sh: encapsulation where the recording kernel has none, and sockets driven step by step.

    traffic.py vlan   TAP WIRE TPID:VID [TPID:VID]   carry a TAP device over a wire, 802.1Q/802.1ad tags outermost first
    traffic.py tunnel TUN LOCAL REMOTE gre|gre-key|ip carry a TUN device inside GRE (optional key) or IP-in-IP/6in4
    traffic.py udp-echo ADDR PORT                     answer every datagram with itself
    traffic.py udp-sink ADDR PORT                     swallow datagrams
    traffic.py udp-send FROM PORT TO PORT COUNT SIZE INTERVAL_MS [reply]
    traffic.py tcp-serve ADDR PORT                    one connection at a time; answers lines, obeys RESET and HALF
    traffic.py tcp-talk FROM PORT TO PORT normal|half|reset|linger|idle
    traffic.py join GROUP ADDR                        join an IPv4 group for a second and send it one datagram
"""
import fcntl
import os
import select
import socket
import struct
import sys
import time

AUXDATA = 8  # PACKET_AUXDATA: where the kernel keeps the tag that it takes off a received frame


def device(name, mode):
    """A TUN (1) or TAP (2) device without the four-byte packet information."""
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), mode | 0x1000))
    return fd


def deliver(fd, data):
    try:
        os.write(fd, data)
    except OSError:
        pass  # this end is not up yet


def address(text):
    return socket.getaddrinfo(text, None, type=socket.SOCK_DGRAM)[0]


def bound(kind, text, port):
    family = address(text)[0]
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((text, port))
    return sock


def vlan(tap, wire, *tags):
    """Both directions of a tagged link; frames whose tags differ are not for this device."""
    want = b"".join(struct.pack(">HH", *(int(part, 0) for part in tag.split(":"))) for tag in tags)
    fd = device(tap, 2)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(263, AUXDATA, 1)
    sock.bind((wire, 0))
    print("ready", flush=True)
    while True:
        for ready in select.select([fd, sock], [], [])[0]:
            if ready == fd:
                frame = os.read(fd, 65536)
                sock.send(frame[:12] + want + frame[12:])
                continue
            frame, extra, _, origin = sock.recvmsg(65536, 256)
            if origin[2] == socket.PACKET_OUTGOING:
                continue
            for _, kind, data in extra:
                if kind == AUXDATA:
                    status, *_, tci, tpid = struct.unpack("IIIHHHH", data)
                    if status & 0x10:
                        frame = frame[:12] + struct.pack(">HH", tpid, tci) + frame[12:]
            mask = bytes(b & m for b, m in zip(frame[12:], b"\xff\xff\x0f\xff" * len(tags)))
            if mask == want:
                deliver(fd, frame[:12] + frame[12 + len(want):])


def tunnel(tun, local, remote, kind):
    """IP packets of a TUN device inside GRE (protocol 47) or directly inside IP (protocols 4 and 41)."""
    fd = device(tun, 1)
    inside = {4: 0x0800, 6: 0x86DD}
    numbers = [47] if kind.startswith("gre") else [4, 41]
    socks = {}
    for number in numbers:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, number)
        sock.bind((local, 0))
        sock.connect((remote, 0))
        socks[number] = sock
    key = struct.pack(">I", 0x57454952) if kind == "gre-key" else b""
    print("ready", flush=True)
    while True:
        for ready in select.select([fd, *socks.values()], [], [])[0]:
            if ready == fd:
                packet = os.read(fd, 65536)
                version = packet[0] >> 4
                if 47 in socks:
                    head = struct.pack(">HH", 0x2000 if key else 0, inside[version]) + key
                    socks[47].send(head + packet)
                else:
                    socks[4 if version == 4 else 41].send(packet)
                continue
            packet = ready.recv(65536)
            packet = packet[(packet[0] & 15) * 4:]
            if 47 in socks:
                packet = packet[8 if packet[0] & 0x20 else 4:]
            deliver(fd, packet)


def udp_echo(host, port, answer=True):
    sock = bound(socket.SOCK_DGRAM, host, int(port))
    while True:
        data, peer = sock.recvfrom(65536)
        if answer:
            sock.sendto(data, peer)


def udp_send(source, source_port, target, port, count, size, interval, reply=None):
    sock = bound(socket.SOCK_DGRAM, source, int(source_port))
    sock.settimeout(2)
    for number in range(int(count)):
        body = struct.pack(">I", number) + bytes((number + i) & 0xFF for i in range(int(size) - 4))
        sock.sendto(body, (target, int(port)))
        if reply:
            sock.recv(65536)
        time.sleep(int(interval) / 1000)


def answer(peer, stream):
    received = 0
    for line in stream:
        received += len(line)
        if line == b"RESET\n":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        stream.write(b"ok %d\n" % received)
    stream.write(b"total %d\n" % received)


def tcp_serve(host, port):
    sock = bound(socket.SOCK_STREAM, host, int(port))
    sock.listen(8)
    while True:
        peer, _ = sock.accept()
        stream = peer.makefile("rwb", buffering=0)
        try:
            answer(peer, stream)
        except ConnectionResetError:
            pass
        stream.close()
        peer.close()


def tcp_talk(source, source_port, target, port, mode):
    sock = bound(socket.SOCK_STREAM, source, int(source_port))
    sock.settimeout(3)
    if mode == "idle":
        for option, value in ((9, 1), (socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
            level = socket.SOL_SOCKET if option == 9 else socket.IPPROTO_TCP
            sock.setsockopt(level, option, value)
    sock.connect((target, int(port)))
    stream = sock.makefile("rwb", buffering=0)
    for number in range(3):
        stream.write(b"line %d of a short talk\n" % number)
        stream.readline()
    if mode == "half":
        sock.shutdown(socket.SHUT_WR)
        stream.readline()
    elif mode == "reset":
        stream.write(b"RESET\n")
        try:
            stream.readline()
        except ConnectionResetError:
            pass
    elif mode == "linger":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif mode == "idle":
        time.sleep(2.5)
    stream.close()
    sock.close()


def join(group, host):
    sock = bound(socket.SOCK_DGRAM, host, 5353)
    request = socket.inet_aton(group) + socket.inet_aton(host)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(host))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
    sock.sendto(b"hello, group", (group, 5353))
    time.sleep(1)


ACTIONS = {
    "vlan": vlan,
    "tunnel": tunnel,
    "udp-echo": udp_echo,
    "udp-sink": lambda host, port: udp_echo(host, port, False),
    "udp-send": udp_send,
    "tcp-serve": tcp_serve,
    "tcp-talk": tcp_talk,
    "join": join,
}

if __name__ == "__main__":
    try:
        ACTIONS[sys.argv[1]](*sys.argv[2:])
    except KeyboardInterrupt:
        pass
