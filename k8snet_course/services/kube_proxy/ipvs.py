"""The mode ipvs: a table of virtual servers in the kernel, and a scheduler that chooses among the real ones.

Every Service address is given to an interface of the node (``kube-ipvs0``), so that packets to it are the node's own; there
IPVS finds the virtual server by address, protocol and port and asks the scheduler.  Which packets are masqueraded is still said
by iptables, with sets of addresses (ipset) in the place of long chains.

Modelled simply: IPVS rewrites where the node's NAT rules stand, and a set is read as a chain whose name begins with ``@``.  A
virtual server without real servers refuses at once, whatever the traffic policy.

Source: kubernetes, pkg/proxy/ipvs (README.md, proxier.go, ipset.go); ipvsadm(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from k8snet_course.linux.link import Link, mac_from_text
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.netfilter import NAT, OUTPUT, POSTROUTING, PREROUTING, Rules
from k8snet_course.linux.rule import Rule, Seen
from k8snet_course.linux.trace import Verdict
from k8snet_course.objects.node import Node
from k8snet_course.services.backends import Backend
from k8snet_course.services.kube_proxy.mode import Mode, Placed, PortView, node_address
from k8snet_course.services.kube_proxy.proxy import Settings
from k8snet_course.services.kube_proxy.schedulers import Server, schedule

DEVICE = "kube-ipvs0"
"""The interface that has the addresses of all Services."""
_DEVICE_INDEX = 1000
"""Its ifindex: behind those of the pods that come later."""

IPVS = "IPVS"
"""The chain of the model in which the virtual servers stand."""

_SETS = ("KUBE-CLUSTER-IP", "KUBE-EXTERNAL-IP", "KUBE-LOAD-BALANCER")
_GUARD = "KUBE-SOURCE-RANGES-FIREWALL"
_MASQUERADE_MARK = "0x4000/0x4000"


@dataclass(frozen=True, slots=True)
class SetRule(Rule):
    """A rule of iptables that asks a set; ``then`` is what happens to its members.

    >>> print(SetRule("KUBE-SERVICES", "@KUBE-CLUSTER-IP", src="!10.244.0.0/16", then="KUBE-MARK-MASQ", directions="dst,dst"))
    -A KUBE-SERVICES ! -s 10.244.0.0/16 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ
    """

    then: str = ""
    directions: str = ""

    def __str__(self) -> str:
        source = f" ! -s {self.src[1:]}" if self.src else ""
        local = f" -m addrtype --dst-type {self.dst_type}" if self.dst_type else ""
        return f"-A {self.chain}{source}{local} -m set --match-set {self.target[1:]} {self.directions} -j {self.then}"


@dataclass(frozen=True, slots=True)
class SetMember(Rule):
    """A member of a set: address, protocol and port, and for pods that reach themselves the address again.

    >>> print(SetMember("@KUBE-CLUSTER-IP", "KUBE-MARK-MASQ", dst="10.96.0.20/32", protocol="tcp", dport=80))
    add KUBE-CLUSTER-IP 10.96.0.20,tcp:80
    """

    def __str__(self) -> str:
        address = self.dst.partition("/")[0]
        words = f"{address},{self.protocol}:{self.dport}" if address else str(self.dport)
        return f"add {self.chain[1:]} {words}" + (f",{self.src.partition('/')[0]}" if self.src else "")


@dataclass(frozen=True, slots=True)
class VirtualServer(Rule):
    """A Service's address and port, with the real servers and the scheduler.  ``persistent`` is in seconds (0: not at all).

    For a node port ``dst`` is empty and ``dst_type`` LOCAL.

        >>> print(VirtualServer("IPVS", "", dst="10.96.0.20/32", protocol="tcp", dport=80, scheduler="rr"))
        TCP  10.96.0.20:80 rr
    """

    chooses: ClassVar[bool] = True

    scheduler: str = "rr"
    servers: tuple[str, ...] = ()
    persistent: int = 0

    @property
    def key(self) -> str:
        """By what the node remembers the virtual server's connections."""
        return f"{self.protocol.upper()} {self.dst.partition('/')[0] or 'LOCAL'}:{self.dport}"

    def at(self, address: str = "") -> str:
        """The virtual server's line, for a node port at one of the node's addresses."""
        address = self.dst.partition("/")[0] or address
        where = f"[{address}]:{self.dport}" if ":" in address else f"{address}:{self.dport}"
        return f"{self.protocol.upper():<4} {where} {self.scheduler}" + (
            f" persistent {self.persistent}" if self.persistent else "")

    def __str__(self) -> str:
        return self.at("LOCAL")

    def pick(self, seen: Seen, luck: float) -> tuple[Rule | None, float, tuple[tuple[str, str], ...]]:
        """The real server: the client's last one where that is wanted, else what the scheduler says."""
        memory, client = seen.memory, seen.packet.src
        name = ""
        if self.persistent and memory is not None:
            name = next((name for name in self.servers if memory.has(f"{self.key} {name}", client, self.persistent)), "")
        if not name:
            name = self.scheduled(seen, luck)
        if not name:
            return Rule(self.chain, "REJECT", to="icmp-port-unreachable", verdict=Verdict.NO_ENDPOINTS,
                        comment=f"{self.key} has no real server"), luck, ()
        remember = ((self.key, name), *(((f"{self.key} {name}", client),) if self.persistent else ()))
        return RealServer(self.chain, "DNAT", to=name), luck, remember

    def scheduled(self, seen: Seen, luck: float) -> str:
        """The server that the scheduler takes, by the connections that the node remembers; empty if there is none.

        A node that remembers nothing draws whose turn it is.
        """
        memory, packet = seen.memory, seen.packet
        servers = tuple(Server(name, active=memory.open(self.key, name) if memory is not None else 0)
                        for name in self.servers)
        turn = memory.total(self.key) if memory is not None else int(luck * len(servers))
        last = memory.latest(self.key) if memory is not None else ""
        found = schedule(self.scheduler, servers, turn, packet.src, packet.dst, last)
        return found.name if found is not None else ""


@dataclass(frozen=True, slots=True)
class RealServer(Rule):
    """A server behind a virtual one; packets to it are masqueraded by IPVS, that is, their destination is rewritten.

    >>> print(RealServer("IPVS", "DNAT", to="10.244.0.2:8080"))
      -> 10.244.0.2:8080              Masq
    """

    def __str__(self) -> str:
        return f"  -> {self.to:<28} Masq"


class IpvsMode(Mode):
    """What kube-proxy writes in the mode ipvs.  Raises InvalidArgument for a scheduler that IPVS does not have."""

    name = "ipvs"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        schedule(settings.scheduler, ())

    def fixed(self, node: Node, family: str) -> Iterator[Placed]:
        """Who is masqueraded, by sets, and the way to IPVS."""
        pods = self.settings.pods(family)
        for chain in (PREROUTING, OUTPUT):
            yield NAT, Rule(chain, _GUARD)
            yield NAT, Rule(chain, "KUBE-SERVICES", comment="kubernetes service portals")
            yield NAT, Rule(chain, IPVS, comment="the virtual servers")
        yield NAT, Rule(POSTROUTING, "KUBE-POSTROUTING", comment="kubernetes postrouting rules")
        if pods or self.settings.masquerade_all:
            yield NAT, SetRule("KUBE-SERVICES", "@KUBE-CLUSTER-IP", src="" if self.settings.masquerade_all else f"!{pods}",
                               then="KUBE-MARK-MASQ", directions="dst,dst")
        for name in _SETS[1:]:
            yield NAT, SetRule("KUBE-SERVICES", f"@{name}", then="KUBE-MARK-MASQ", directions="dst,dst")
        yield NAT, Rule("KUBE-SERVICES", "KUBE-NODE-PORT", dst_type="LOCAL")
        for protocol in ("TCP", "UDP", "SCTP"):
            yield NAT, SetRule("KUBE-NODE-PORT", f"@KUBE-NODE-PORT-{protocol}", then="KUBE-MARK-MASQ", directions="dst")
        yield NAT, Rule("KUBE-MARK-MASQ", "MARK", to=_MASQUERADE_MARK)
        yield NAT, SetRule("KUBE-POSTROUTING", "@KUBE-LOOP-BACK", then="MASQUERADE", directions="dst,dst,src")
        yield NAT, Rule("KUBE-POSTROUTING", "RETURN", mark=f"!{_MASQUERADE_MARK}")
        yield NAT, Rule("KUBE-POSTROUTING", "MARK", to="0x4000/0x0")
        yield NAT, Rule("KUBE-POSTROUTING", "MASQUERADE", random_fully=True)

    def owned(self, view: PortView) -> Iterable[tuple[str, str]]:
        """No chain is a Service's own."""
        return ()

    def dispatch(self, view: PortView) -> Iterator[Placed]:
        """A virtual server for each address, and the members of the sets."""
        inside, outside = view.internal, view.outside
        protocol, port = view.protocol, view.port.port
        yield NAT, self._virtual(view, inside, port, _one(view.cluster_ip))
        yield NAT, SetMember("@KUBE-CLUSTER-IP", "KUBE-MARK-MASQ", dst=_one(view.cluster_ip), protocol=protocol, dport=port)
        for name, ips in (("KUBE-EXTERNAL-IP", view.external_ips), ("KUBE-LOAD-BALANCER", view.load_balancer_ips)):
            for ip in ips:
                yield NAT, self._virtual(view, outside, port, _one(ip))
                if not view.external_local:
                    yield NAT, SetMember(f"@{name}", "KUBE-MARK-MASQ", dst=_one(ip), protocol=protocol, dport=port)
        for ip in view.load_balancer_ips if view.source_ranges else ():
            for source in view.source_ranges:
                yield NAT, Rule(_GUARD, "RETURN", src=source, dst=_one(ip), protocol=protocol, dport=port)
            yield NAT, Rule(_GUARD, "DROP", dst=_one(ip), protocol=protocol, dport=port)
        if view.node_port:
            yield NAT, self._virtual(view, outside, view.node_port)
            if not view.external_local:
                yield NAT, SetMember(f"@KUBE-NODE-PORT-{view.port.protocol}", "KUBE-MARK-MASQ", protocol=protocol,
                                     dport=view.node_port)
        ends = inside if inside == outside else {end.text: end for end in (*inside, *outside)}.values()
        for end in ends:
            own = _one(end.ip)
            yield NAT, SetMember("@KUBE-LOOP-BACK", "MASQUERADE", src=own, dst=own, dport=end.port, protocol=protocol)

    def chains(self, view: PortView, comments: bool) -> Iterator[Placed]:
        """None."""
        return iter(())

    def _virtual(self, view: PortView, ends: tuple[Backend, ...], port: int, dst: str = "") -> VirtualServer:
        return VirtualServer(IPVS, "", dst=dst, dst_type="" if dst else "LOCAL", protocol=view.protocol, dport=port,
                             scheduler=self.settings.scheduler, servers=tuple(end.text for end in ends),
                             persistent=view.affinity)


def ipvsadm(rules: Rules, node: Node, family: str = "IPv4", memory: Memory | None = None) -> str:
    """The virtual servers as `ipvsadm -Ln` prints them, with the connections that the node remembers."""
    lines = ["IP Virtual Server version 1.2.1 (size=4096)", "Prot LocalAddress:Port Scheduler Flags",
             "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"]
    for part in rules.parts(NAT, IPVS, family, own=False):
        for row in part:
            if isinstance(row, VirtualServer):
                lines.append(row.at(node_address(node, family)))
                lines += [f"  -> {name:<28} Masq    1      {memory.open(row.key, name) if memory is not None else 0:<10} 0"
                          for name in row.servers]
    return "\n".join(lines)


def service_addresses(rules: Rules, family: str = "IPv4") -> tuple[str, ...]:
    """The addresses that ``kube-ipvs0`` has: those of all virtual servers but the node ports'."""
    return tuple(dict.fromkeys(row.dst.partition("/")[0] for part in rules.parts(NAT, IPVS, family, own=False)
                               for row in part if row.dst))


def ipvs_link(node: str, addresses: Iterable[str]) -> Link:
    """The interface ``kube-ipvs0`` of a node: it has the addresses of all Services, and no packet ever leaves by it.

    >>> print(ipvs_link("node-1", ["10.96.0.20"]))
    1000: kube-ipvs0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN group default qlen 1000
        link/ether 06:8c:ea:58:0e:2e brd ff:ff:ff:ff:ff:ff
        inet 10.96.0.20/32 scope global kube-ipvs0
           valid_lft forever preferred_lft forever
    """
    return Link(DEVICE, "dummy", _DEVICE_INDEX, mac_from_text(f"{node}/{DEVICE}"),
                addresses=tuple(_one(address) for address in addresses))


def _one(ip: str) -> str:
    return f"{ip}/128" if ":" in ip else f"{ip}/32"
