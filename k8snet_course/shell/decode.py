"""Packets in the words of tcpdump: one line for each, and another one for each packet inside.

It knows headers; which packets pass where, and who looks at them, it does not know.

Source: tcpdump 4.99, print-icmp.c, print-tcp.c, print-udp.c, print-domain.c, print-arp.c, print-vxlan.c and print-otv.c;
compared with it on Linux 6.18.
"""

from __future__ import annotations

from zlib import crc32

from k8snet_course.dns import Answer, Rcode
from k8snet_course.linux.packet import Packet
from k8snet_course.shell.machine import DNS_PORT
from k8snet_course.shell.wire import Question

OTV, VXLAN, GENEVE = 8472, 4789, 6081
"""UDP ports by which tcpdump recognises tunnels; that of flannel's VXLAN belongs to another protocol, OTV.  On other ports it
does not look inside."""
_LARGEST_ERROR = 548
"""An ICMP error quotes as much of a packet as makes it 576 bytes at most."""
_SYN_OPTIONS = 20


def decoded(what: Packet | Question, said: str = "", number: int = 1) -> list[str]:
    """The lines of tcpdump for one packet: one, and another for each packet inside.

    ``said`` is what a DNS server's answer says, ``number`` the place of an echo in its row.

        >>> print(*decoded(Question("10.244.0.1", "10.244.0.2")), *decoded(Question("10.244.0.1", "", "0a:58:0a:f4:00:01")))
        ARP, Request who-has 10.244.0.1 tell 10.244.0.2, length 28 ARP, Reply 10.244.0.1 is-at 0a:58:0a:f4:00:01, length 28
        >>> print(*decoded(Packet("10.244.0.2", "10.244.0.3", "TCP", 40000, 80, kind="SYN")))
        IP 10.244.0.2.40000 > 10.244.0.3.80: Flags [S], seq 0, win 64240, length 0
    """
    if isinstance(what, Question):
        return [_question(what)]
    six = ":" in what.dst
    port = f".{what.src_port}", f".{what.dst_port}"
    ends = f"{what.src}{port[0] if what.src_port else ''} > {what.dst}{port[1] if what.dst_port else ''}"
    head = f"IP{'6' if six else ''} {ends}: "
    if what.protocol == "IPIP" and what.carried is not None:
        first, *rest = decoded(what.carried, said, number)
        return [f"{head}{first}", *rest]
    if what.carried is not None and what.dst_port in (OTV, VXLAN, GENEVE):
        return [f"{head}{_tunnel(what)}", *decoded(what.carried, said, number)]
    return [head + (_icmp(what, number) if what.is_icmp else _tcp(what) if what.protocol == "TCP" else _udp(what, said))]


def _question(asked: Question) -> str:
    if ":" in asked.address:
        what = "neighbor advertisement, tgt is" if asked.mac else "neighbor solicitation, who has"
        src, dst = (asked.address, asked.tell) if asked.mac else (asked.tell, asked.address)
        return f"IP6 {src} > {dst}: ICMP6, {what} {asked.address}, length 32"
    if asked.mac:
        return f"ARP, Reply {asked.address} is-at {asked.mac}, length 28"
    return f"ARP, Request who-has {asked.address} tell {asked.tell}, length 28"


def _tunnel(outer: Packet) -> str:
    """The header of a tunnel, as its UDP port makes tcpdump read it."""
    number = outer.kind.rpartition(" ")[2]
    if outer.dst_port == OTV:
        return f"OTV, flags [I] (0x08), overlay 0, instance {number}"
    if outer.dst_port == GENEVE:
        return f"Geneve, Flags [none], vni {int(number):#x}"
    return f"VXLAN, flags [I] (0x08), vni {number}"


def _tcp(packet: Packet) -> str:
    return {"SYN": "Flags [S], seq 0, win 64240, length 0", "SYN-ACK": "Flags [S.], seq 0, ack 1, win 65160, length 0",
            "RST": "Flags [R.], seq 0, ack 1, win 0, length 0"}.get(packet.kind, f"Flags [.], length {packet.payload}")


def _icmp(packet: Packet, number: int) -> str:
    six, kind, about = packet.protocol == "ICMPv6", packet.kind, packet.about
    name = "ICMP6," if six else "ICMP"
    if about is None:
        return f"{name} {kind}, id 1, seq {number}, length {packet.payload + 8}"
    size = about.size + (_SYN_OPTIONS if about.protocol == "TCP" else 0)
    length = packet.payload + 8 if six else min(size, _LARGEST_ERROR) + 8
    if six:
        words = {"time exceeded": "time exceeded in-transit",
                 "no route to destination": "destination unreachable, unreachable route",
                 "address unreachable": "destination unreachable, unreachable address",
                 "port unreachable": "destination unreachable, unreachable port"}
        said = f"packet too big, mtu {kind.rpartition(' ')[2]}" if kind.startswith("packet too big") else words.get(kind, kind)
        return f"{name} {said} {'' if 'big' in said or 'transit' in said else about.dst}".rstrip() + f", length {length}"
    if kind.startswith("time exceeded"):
        said = "time exceeded in-transit"
    elif kind.startswith("fragmentation needed"):
        said = f"{about.dst} unreachable - need to frag (mtu {kind.rpartition(' ')[2]})"
    elif kind == "port unreachable":
        what = f"{about.protocol.lower()} port {about.dst_port}" if not about.is_icmp else "protocol 1 port 0"
        said = f"{about.dst} {what} unreachable"
    else:
        said = {"net unreachable": f"net {about.dst} unreachable",
                "host unreachable": f"host {about.dst} unreachable"}.get(kind, f"{kind} {about.dst}")
    return f"{name} {said}, length {length}"


def _udp(packet: Packet, said: str) -> str:
    if packet.dst_port == DNS_PORT and "? " in packet.kind:
        kind, _, name = packet.kind.partition("? ")
        return f"{_number(packet.src, name, kind)}+ {kind}? {name.rstrip('.')}. ({packet.payload})"
    if packet.src_port == DNS_PORT and said:
        return said
    return f"UDP, length {packet.payload}"


def _number(src: str, name: str, kind: str) -> int:
    """The number of a query; a real one is drawn."""
    return crc32(f"{src} {name.rstrip('.')} {kind}".encode()) & 0xFFFF


def dns_reply(query: Packet, answer: Answer) -> str:
    """What a DNS server's answer to a query says, with the size that it would have without compression.

    >>> query = Packet("10.244.0.2", "10.96.0.10", "UDP", 40000, 53, kind="A? nope", payload=22)
    >>> print(dns_reply(query, Answer(Rcode.NXDOMAIN)))
    39083 NXDomain*- 0/0/0 (22)
    """
    kind, _, name = query.kind.partition("? ")
    rcode = {Rcode.NXDOMAIN: " NXDomain", Rcode.SERVFAIL: " ServFail", Rcode.REFUSED: " Refused"}.get(answer.rcode, "")
    counts = f"{len(answer.records)}/{len(answer.authority)}/{len(answer.additional)}"
    shown = ", ".join(f"{each.type} {each.data}" for each in answer.records)
    size = query.payload + sum(12 + len(each.name) + (4 if each.type == "A" else 16 if each.type == "AAAA" else len(each.data))
                               for each in (*answer.records, *answer.authority, *answer.additional))
    return f"{_number(query.src, name, kind)}{rcode}*- {counts} {shown} ({size})".replace("  ", " ")
