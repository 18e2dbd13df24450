"""The programs that listen in a lab: TCP servers that take connections, and UDP servers that send back what they get.

All of them are sockets of one thread, each in the namespace of its device: a lab needs no process for a pod.
"""

from __future__ import annotations

import selectors
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress
from threading import Thread

from k8snet_course.emulator.capture import ANSWER, REQUEST, mark, number_in, sign_of
from k8snet_course.linux.namespace import ANY, Listener
from k8snet_course.probe import MOST_BYTES

_PACKET_INFO = 8
"""IP_PKTINFO (ip(7), ipv6(7)): to which address a packet came, and from which an answer is to go."""


def listening(listeners: Iterable[Listener]) -> list[socket.socket]:
    """The sockets of a device's programs; has to be called inside the device's namespace."""
    made = []
    for one in listeners:
        udp, six = one.protocol == "UDP", one.address == ANY or ":" in one.address
        server = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.setblocking(False)
        if six:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, one.address != ANY)
        server.bind(("::" if one.address == ANY else one.address, one.port))
        if udp and six:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        elif udp:
            server.setsockopt(socket.IPPROTO_IP, _PACKET_INFO, 1)
        else:
            server.listen(512)
        made.append(server)
    return made


class Servers:
    """The thread that serves all the sockets of a lab."""

    def __init__(self, sockets: Iterable[socket.socket]) -> None:
        self._sockets = list(sockets)
        self._selector = selectors.DefaultSelector()
        self._stop, ours = socket.socketpair()
        self._selector.register(ours, selectors.EVENT_READ)
        self._end = ours
        for one in self._sockets:
            self._selector.register(one, selectors.EVENT_READ)
        self._thread = Thread(target=self._serve, name="k8snet-lab-servers", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._end:
                    return
                server = key.fileobj
                assert isinstance(server, socket.socket)
                with suppress(OSError):  # a client that has gone away in the meantime, or cannot be answered
                    if server.type == socket.SOCK_STREAM:
                        server.accept()[0].close()
                    else:
                        _answer(server)

    def close(self) -> None:
        """End the thread and close the sockets."""
        self._stop.send(b".")
        self._thread.join()
        self._selector.close()
        for one in (*self._sockets, self._stop, self._end):
            one.close()


def _answer(server: socket.socket) -> None:
    """Answer a datagram, without what it was filled up with, from the very address that it was sent to."""
    data, more, _, client = server.recvmsg(MOST_BYTES, 128)
    if number_in(data) >= 0 and sign_of(data) == REQUEST:
        data = data[:len(mark(0)) - 1] + ANSWER
    for level, kind, content in more:
        if (level, kind) == (socket.IPPROTO_IP, _PACKET_INFO):
            info = struct.pack("=I4s4s", 0, content[4:8], bytes(4))
        elif (level, kind) == (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
            info = content[:16] + bytes(4)
        else:
            continue
        server.sendmsg([data], [(level, kind, info)], 0, client)
