"""The real nslookup (BIND's and BusyBox's), dig, host and getent, in a lab of the same cluster, with a DNS server there that
answers what ``cluster.query`` answers.

Left out are the numbers of queries, times, the size of messages, BIND's version, and its warning about the domain ``.local``.
"""

from __future__ import annotations

import re
import select
import shlex
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import emulate
from k8snet_course.emulator.lab import Lab
from tests.shell.clusters import names_to_ask
from tests.shell.real import here, plain

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "busybox", "dig", "host", "nslookup", "getent", "curl", "wget",
                         "ping", "nc", "unshare", "mount", "root")

COMMANDS = """
nslookup web
nslookup web.default
nslookup web.nowhere
nslookup nope
nslookup head
nslookup ext
nslookup ext2
nslookup example.com
nslookup web.default.svc.cluster.local.
nslookup 10.96.0.20
nslookup 10.96.0.99
nslookup 10.244.0.4
nslookup 203.0.113.9
nslookup -type=srv _http._tcp.web.default.svc.cluster.local
nslookup -type=srv _http._tcp.head.default.svc.cluster.local
nslookup -type=aaaa web
nslookup -type=txt web
nslookup -type=ptr 20.0.96.10.in-addr.arpa
busybox nslookup web
busybox nslookup web.default.svc.cluster.local
busybox nslookup web.nowhere
busybox nslookup nope
busybox nslookup head
busybox nslookup ext.default.svc.cluster.local
busybox nslookup ext2.default.svc.cluster.local
busybox nslookup example.com
busybox nslookup 10.96.0.20
busybox nslookup 10.96.0.99
busybox nslookup 203.0.113.9
busybox nslookup nope.example.com
busybox nslookup -type=a web.default.svc.cluster.local
busybox nslookup -type=aaaa web.default.svc.cluster.local
busybox nslookup -type=srv _http._tcp.web.default.svc.cluster.local
dig web.default.svc.cluster.local
dig web
dig +search web
dig +short web.default.svc.cluster.local
dig +search +short web
dig +short head.default.svc.cluster.local
dig +noall +answer head.default.svc.cluster.local
dig +nocomments web.default.svc.cluster.local
dig +noall +answer +question example.com
dig web.default.svc.cluster.local AAAA
dig -t AAAA +short web.default.svc.cluster.local
dig ext.default.svc.cluster.local
dig example.com
dig -x 10.96.0.20
dig -x 10.96.0.20 +short
dig _http._tcp.web.default.svc.cluster.local SRV
dig @10.96.0.10 +short web.default.svc.cluster.local
dig +short web.default.svc.cluster.local example.com
host web
host web.default.svc.cluster.local
host nope
host 10.96.0.20
host 10.96.0.99
host ext.default.svc.cluster.local
host -t srv _http._tcp.web.default.svc.cluster.local
host -t aaaa web.default.svc.cluster.local
getent hosts web
getent hosts nope
getent hosts 10.96.0.20
getent hosts ext
getent ahosts web
getent ahostsv4 head
getent ahosts 10.96.0.20
ping -c 1 head
ping -c 1 nope
busybox ping -c 1 -W 1 head
busybox ping -c 1 nope
traceroute -N 1 head
busybox traceroute head
nc -zv head 80
nc -zv head 81
nc -zv nope 80
curl -sS http://nope/
curl -sS http://head:81/
curl -sv http://head:81/
wget -T 1 -t 1 -O- http://head:81/
wget -O- http://nope/
busybox wget -O- http://nope/
busybox wget -O- http://head:81/
"""


def _serve(cluster: Cluster, server: socket.socket, stop: socket.socket) -> None:
    """Answer every query as the cluster's own server does, which asks others for what is not the cluster's."""
    while server in select.select([server, stop], [], [])[0]:
        data, client = server.recvfrom(4096)
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query, our_payload=1232)
        asked = query.question[0]
        found = cluster.query(asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype))
        reply.set_rcode(dns.rcode.from_text(found.rcode))
        ends = (asked.name.to_text(), *(each.data for each in found.records if each.type == "PTR"))
        own = any(each.endswith(".cluster.local.") for each in ends)
        reply.flags |= dns.flags.AA if own else dns.flags.RA
        for section, records in ((reply.answer, found.records), (reply.authority, found.authority),
                                 (reply.additional, found.additional)):
            section += [dns.rrset.from_text(each.name, each.ttl, "IN", each.type, each.data) for each in records]
        with suppress(OSError):
            server.sendto(reply.to_wire(), client)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Lab, Path]]:
    cluster = names_to_ask()
    resolv = tmp_path_factory.mktemp("lab") / "resolv.conf"
    resolv.write_text(f"{cluster.pod('a').resolv_conf}\n")
    stop, end = socket.socketpair()
    with emulate(cluster) as lab, stop, end:
        lab.exec("a", f"ip addr add {cluster.cluster_dns}/32 dev lo")  # so that it answers from the address that pods ask
        server = lab._ground._spaces.inside("default/a", socket.socket, socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((cluster.cluster_dns, 53))
        thread = Thread(target=_serve, args=(cluster, server, end), daemon=True)
        thread.start()
        try:
            yield cluster, lab, resolv
        finally:
            stop.send(b".")
            thread.join()
            server.close()


def _alike(text: str) -> list[str]:
    text = re.sub(r"^;; (WARNING: \.local|You are currently|WHEN:|MSG SIZE).*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"id: \d+", "id: 0", re.sub(r"DiG [\w.~-]+", "DiG", text))
    text = re.sub(r"; COOKIE: .*\n", "", re.sub(r"Query time: \d+", "Query time: 0", text))
    return plain(re.sub(r"^--(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)?-- ", "-- ", text, flags=re.MULTILINE))


@REAL
@pytest.mark.parametrize("command", COMMANDS.split("\n")[1:-1])
def test_the_same_texts(world: tuple[Cluster, Lab, Path], command: str) -> None:
    cluster, lab, resolv = world
    line = f"mount --bind {shlex.quote(str(resolv))} /etc/resolv.conf && {command} 2>&1"
    real = lab.exec("a", f"unshare -m sh -c {shlex.quote(line)}")
    assert _alike(here(cluster, "a", command)) == _alike(real)
