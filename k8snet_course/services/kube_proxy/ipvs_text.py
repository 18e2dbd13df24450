"""What kube-proxy has written in the mode ipvs, as texts: those that people read, and those from which a kernel makes it.

All of them are made from the rows that packets meet.

Source: ipvsadm(8), ipset(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from k8snet_course.linux.ipset import SETS, SetMember, create_line, listing
from k8snet_course.linux.link import LINK_LOCAL, Link, mac_from_text
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.netfilter import IPVS, Rules
from k8snet_course.services.kube_proxy.ipvs import IP_SETS
from k8snet_course.services.kube_proxy.virtual_server import VirtualServer

DEVICE = "kube-ipvs0"
"""The interface that has the addresses of all Services."""
FAMILIES = ("IPv4", "IPv6")
_DEVICE_INDEX = 1000
"""Its ifindex: behind those of the pods that come later."""
SYSCTLS = (("ipv4/vs/conntrack", "1"), ("ipv4/vs/expire_nodest_conn", "1"), ("ipv4/vs/expire_quiescent_template", "1"),
           ("ipv4/conf/all/arp_ignore", "1"), ("ipv4/conf/all/arp_announce", "2"))
"""What kube-proxy sets under /proc/sys/net, with ``strictARP``: without that each node answers for all Services' addresses."""


def ipvsadm(rules: Iterable[Rules], addresses: Iterable[str], memory: Memory | None = None) -> str:
    """The virtual servers as `ipvsadm -Ln` prints them, with the connections that the node remembers.

    ``rules`` are those of the IP families, ``addresses`` the node's own: each has the node ports.
    """
    lines = ["IP Virtual Server version 1.2.1 (size=4096)", "Prot LocalAddress:Port Scheduler Flags",
             "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"]
    own = tuple(addresses)
    for row, address in (each for of in rules for family in FAMILIES for each in _servers(of, own, family)):
        lines.append(row.line(address))
        lines += [f"  -> {name:<28} Masq    1      {memory.open(row.key_at(address), name) if memory is not None else 0:<10} 0"
                  for name in row.servers]
    return "\n".join(lines)


def ipvsadm_restore(rules: Rules, addresses: Iterable[str], family: str = "IPv4") -> str:
    """The same as `ipvsadm -R` reads it; empty without virtual servers."""
    return "".join(f"{line}\n" for row, address in _servers(rules, addresses, family) for line in row.commands(address))


def ipset_restore(rules: Rules, family: str = "IPv4") -> str:
    """The sets as `ipset restore` reads them; empty where there are none."""
    return "".join(f"{line}\n" for name, kind, members in _sets(rules, family)
                   for line in (create_line(name, kind, family), *map(str, members)))


def ipset_list(rules: Rules, family: str = "IPv4") -> str:
    """The sets as `ipset list` prints them; empty where there are none."""
    return "\n\n".join(listing(name, kind, family, members) for name, kind, members in _sets(rules, family))


def node_port_addresses(ns: Namespace) -> tuple[str, ...]:
    """The addresses at which a node has node ports: all of its own but those of ``lo`` and ``kube-ipvs0``.

    >>> from k8snet_course import Cluster
    >>> node_port_addresses(Cluster(cni="flannel").namespace("node-1"))
    ('192.168.1.2', '10.244.0.0')
    """
    return tuple(address.partition("/")[0] for link in ns.links.values() if link.kind not in ("dummy", "loopback")
                 for address in link.addresses if not address.startswith(LINK_LOCAL))


def service_addresses(rules: Rules, family: str = "IPv4") -> tuple[str, ...]:
    """The addresses that ``kube-ipvs0`` has: those of all virtual servers but the node ports'."""
    parts = rules.parts(IPVS, IPVS, family, own=False)
    return tuple(dict.fromkeys([address for part in parts for address in part.destinations()]))


def ipvs_link(node: str, addresses: Iterable[str]) -> Link:
    """The interface ``kube-ipvs0`` of a node: it has the addresses of all Services, and no packet ever leaves by it.

    >>> print(ipvs_link("node-1", ["10.96.0.20"]))
    1000: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default qlen 1000
        link/ether 06:8c:ea:58:0e:2e brd ff:ff:ff:ff:ff:ff
        inet 10.96.0.20/32 scope global kube-ipvs0
           valid_lft forever preferred_lft forever
    """
    return Link(DEVICE, "dummy", _DEVICE_INDEX, mac_from_text(f"{node}/{DEVICE}"),
                addresses=tuple(f"{address}/{128 if ':' in address else 32}" for address in addresses))


def _servers(rules: Rules, addresses: Iterable[str], family: str) -> Iterator[tuple[VirtualServer, str]]:
    """Every virtual server once, with the address that it is at if that is one of the node's own."""
    own = [address for address in addresses if (":" in address) == (family == "IPv6")]
    seen: set[str] = set()
    for part in rules.parts(IPVS, IPVS, family, own=False):
        for row in part:
            assert isinstance(row, VirtualServer), "nothing else is in this table"
            for address in own if not row.dst else [""]:
                key = row.key_at(address)
                if key not in seen:
                    seen.add(key)
                    yield row, address


def _sets(rules: Rules, family: str) -> Iterator[tuple[str, str, list[SetMember]]]:
    """Every set: its name, its type and its members, each once."""
    there = set(rules.names(SETS, family, own=False))
    for each in IP_SETS:
        name = each.named(family)
        if name in there:
            rows = [row for part in rules.parts(SETS, name, family, own=False) for row in part if isinstance(row, SetMember)]
            yield name, each.type, list({row.words: row for row in rows}.values())
