"""The mode ipvs: a table of virtual servers in the kernel, and a scheduler that chooses among the real ones.

Every Service address is given to an interface of the node (``kube-ipvs0``), so that packets to it are the node's own; there
IPVS finds the virtual server by address, protocol and port and asks the scheduler.  Which packets are masqueraded, and which
are let in, is still said by iptables, with sets of addresses (ipset) in the place of long chains.

Modelled simply: a rule that asks a set is there also while the set is empty, KUBE-LOOP-BACK has the endpoints of all nodes, and
the sets of SCTP's node ports are of ports alone.

Source: kubernetes, pkg/proxy/ipvs (README.md, proxier.go, ipset.go); tried on Linux 6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from k8snet_course.linux.ipset import (
    ADDRESS,
    ADDRESS_PORT,
    ADDRESS_PORT_ADDRESS,
    ADDRESS_PORT_NET,
    PORT,
    SETS,
    SetMember,
    SetRule,
)
from k8snet_course.linux.netfilter import FILTER, FORWARD, INPUT, IPVS, NAT, OUTPUT, POSTROUTING, PREROUTING
from k8snet_course.linux.rule import Rule, Seen
from k8snet_course.objects.node import Node
from k8snet_course.services.backends import Backend
from k8snet_course.services.kube_proxy.mode import Mode, Placed, PortView
from k8snet_course.services.kube_proxy.proxy import Settings
from k8snet_course.services.kube_proxy.schedulers import schedule
from k8snet_course.services.kube_proxy.virtual_server import VirtualServer

_SERVICES, _NODE_PORT, _BALANCER = "KUBE-SERVICES", "KUBE-NODE-PORT", "KUBE-LOAD-BALANCER"
_MARK_MASQ, _POSTROUTING, _FORWARD = "KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-FORWARD"
_FIREWALL, _RANGES = "KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL"
_IN, _OUT = "KUBE-IPVS-FILTER", "KUBE-IPVS-OUT-FILTER"
_MASQUERADE_MARK = "0x4000/0x4000"
_LONGEST_NAME = 31
_BOTH, _OTHERS = "dst,dst", "dst,dst,src"


class IpSet(NamedTuple):
    """A set that kube-proxy makes: its name for IPv4, its type, and what rules that ask it say of it."""

    name: str
    type: str
    comment: str

    def named(self, family: str) -> str:
        """Its name in an IP family; the kernel takes 31 letters.

        >>> CLUSTER_IP.named("IPv4"), CLUSTER_IP.named("IPv6"), SOURCE_CIDR.named("IPv6")
        ('KUBE-CLUSTER-IP', 'KUBE-6-CLUSTER-IP', 'KUBE-6-LOAD-BALANCER-SOURCE-CID')
        """
        return self.name.replace("KUBE-", "KUBE-6-", 1)[:_LONGEST_NAME] if family == "IPv6" else self.name


LOOP_BACK = IpSet("KUBE-LOOP-BACK", ADDRESS_PORT_ADDRESS,
                  "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose")
CLUSTER_IP = IpSet("KUBE-CLUSTER-IP", ADDRESS_PORT, "Kubernetes service cluster ip + port for masquerade purpose")
EXTERNAL_IP = IpSet("KUBE-EXTERNAL-IP", ADDRESS_PORT,
                    "Kubernetes service external ip + port for masquerade and filter purpose")
EXTERNAL_IP_LOCAL = IpSet("KUBE-EXTERNAL-IP-LOCAL", ADDRESS_PORT,
                          "Kubernetes service external ip + port with externalTrafficPolicy=local")
BALANCER = IpSet("KUBE-LOAD-BALANCER", ADDRESS_PORT, "Kubernetes service lb portal")
BALANCER_LOCAL = IpSet("KUBE-LOAD-BALANCER-LOCAL", ADDRESS_PORT,
                       "Kubernetes service load balancer ip + port with externalTrafficPolicy=local")
BALANCER_FW = IpSet("KUBE-LOAD-BALANCER-FW", ADDRESS_PORT,
                    "Kubernetes service load balancer ip + port for load balancer with sourceRange")
SOURCE_IP = IpSet("KUBE-LOAD-BALANCER-SOURCE-IP", ADDRESS_PORT_ADDRESS,
                  "Kubernetes service load balancer ip + port + source IP for packet filter purpose")
SOURCE_CIDR = IpSet("KUBE-LOAD-BALANCER-SOURCE-CIDR", ADDRESS_PORT_NET,
                    "Kubernetes service load balancer ip + port + source cidr for packet filter purpose")
HEALTH_CHECK = IpSet("KUBE-HEALTH-CHECK-NODE-PORT", PORT, "Kubernetes health check node port")
IPVS_IPS = IpSet("KUBE-IPVS-IPS", ADDRESS, "")
NODE_PORTS = {protocol: IpSet(f"KUBE-NODE-PORT-{protocol}", PORT, f"Kubernetes nodeport {protocol} port for masquerade purpose")
              for protocol in ("TCP", "UDP")}
NODE_PORTS_LOCAL = {protocol: IpSet(f"KUBE-NODE-PORT-LOCAL-{protocol}", PORT,
                                    f"Kubernetes nodeport {protocol} port with externalTrafficPolicy=local")
                    for protocol in ("TCP", "UDP")}
_SCTP = "SCTP"
NODE_PORTS[_SCTP] = IpSet("KUBE-NODE-PORT-SCTP-HASH", PORT, "Kubernetes nodeport SCTP port for masquerade purpose with type "
                          "'hash ip:port'")
NODE_PORTS_LOCAL[_SCTP] = IpSet("KUBE-NODE-PORT-LOCAL-SCTP-HASH", PORT,
                                "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'")
IP_SETS = (LOOP_BACK, CLUSTER_IP, EXTERNAL_IP, EXTERNAL_IP_LOCAL, BALANCER, BALANCER_FW, BALANCER_LOCAL, SOURCE_IP, SOURCE_CIDR,
           *(of[protocol] for protocol in ("TCP", "UDP", _SCTP) for of in (NODE_PORTS, NODE_PORTS_LOCAL)), HEALTH_CHECK,
           IPVS_IPS)
"""All sets, in kube-proxy's order."""


@dataclass(frozen=True, slots=True)
class ServedRule(Rule):
    """A rule for what IPVS has sent on from a virtual server, the one at its source's address.

    >>> print(ServedRule("KUBE-IPVS-OUT-FILTER", "DROP", src="192.168.1.240/32", protocol="tcp", dport=80))
    -A KUBE-IPVS-OUT-FILTER -s 192.168.1.240/32 -m ipvs --vproto 6 --vaddr 192.168.1.240 --vport 80 -j DROP
    """

    def missed(self, seen: Seen, mark: int) -> str:
        """The first condition that does not hold: a packet to the address itself, or an answer, IPVS has not sent on."""
        packet = seen.packet
        mine = self.src.partition("/")[0]
        if packet.src != mine:
            return f"source {packet.src} does not match"
        if packet.protocol.lower() != self.protocol:
            return f"protocol {packet.protocol} does not match"
        return "not from a virtual server" if packet.dst == mine or seen.state == "ESTABLISHED" else ""

    def __str__(self) -> str:
        address = self.src.partition("/")[0]
        return (f"-A {self.chain} -s {self.src} -m ipvs --vproto {_NUMBERS[self.protocol]} --vaddr {address} "
                f"--vport {self.dport} -j {self.target}")


_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132}


class IpvsMode(Mode):
    """What kube-proxy writes in the mode ipvs.  Raises InvalidArgument for a scheduler that IPVS does not have."""

    name = "ipvs"
    serves = True

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        schedule(settings.scheduler, ())

    def empty(self, family: str) -> Iterable[tuple[str, str]]:
        """The chains that kube-proxy makes at once, and the sets."""
        return (*((NAT, chain) for chain in (_SERVICES, _POSTROUTING, _NODE_PORT, _BALANCER, _MARK_MASQ)),
                *((FILTER, chain) for chain in (_FORWARD, _NODE_PORT, _FIREWALL, _RANGES, _IN, _OUT)),
                *((SETS, each.named(family)) for each in IP_SETS))

    def fixed(self, node: Node, family: str) -> Iterator[Placed]:
        """The jumps from Linux's own chains, and the rules that ask the sets."""
        yield from self._jumps()
        for row in (*self._services(family), *self._marks(family)):
            yield NAT, row
        for row in self._filters(family):
            yield FILTER, row

    def _jumps(self) -> Iterator[Placed]:
        """Each is put before those that are there already."""
        for chain in (PREROUTING, OUTPUT):
            yield NAT, Rule(chain, _SERVICES, comment="kubernetes service portals")
        yield NAT, Rule(POSTROUTING, _POSTROUTING, comment="kubernetes postrouting rules")
        yield FILTER, Rule(INPUT, _IN, comment="kubernetes ipvs access filter")
        yield FILTER, Rule(INPUT, _FIREWALL, comment="kube-proxy firewall rules")
        yield FILTER, Rule(INPUT, _NODE_PORT, comment="kubernetes health check rules")
        yield FILTER, Rule(FORWARD, _FIREWALL, comment="kube-proxy firewall rules")
        yield FILTER, Rule(FORWARD, _FORWARD, comment="kubernetes forwarding rules")
        yield FILTER, Rule(OUTPUT, _OUT, comment="kubernetes ipvs access filter")

    def _services(self, family: str) -> Iterator[Rule]:
        """Whose source is to be hidden: packets to these chains and sets get the mark."""
        pods, hidden = self.settings.pods(family), self.settings.masquerade_all
        yield Rule(_SERVICES, "RETURN", src="::1/128" if family == "IPv6" else "127.0.0.0/8")
        yield _asks(_SERVICES, BALANCER, family, _BALANCER)
        yield _asks(_SERVICES, CLUSTER_IP, family, _MARK_MASQ, _BOTH if pods or hidden else "src,dst",
                    src=f"!{pods}" if pods and not hidden else "")
        yield _asks(_SERVICES, EXTERNAL_IP, family, _MARK_MASQ)
        for each in (EXTERNAL_IP, EXTERNAL_IP_LOCAL):
            yield _asks(_SERVICES, each, family, "ACCEPT", src_type="!LOCAL", off_bridge=True)
            yield _asks(_SERVICES, each, family, "ACCEPT", dst_type="LOCAL")
        yield Rule(_SERVICES, _NODE_PORT, dst_type="LOCAL")
        for each in (CLUSTER_IP, BALANCER):
            yield _asks(_SERVICES, each, family, "ACCEPT", comment="")
        yield _asks(_BALANCER, BALANCER_LOCAL, family, "RETURN")
        yield Rule(_BALANCER, _MARK_MASQ)
        for protocol, ports in NODE_PORTS.items():
            yield _asks(_NODE_PORT, NODE_PORTS_LOCAL[protocol], family, "RETURN", "dst", protocol=protocol.lower())
            yield _asks(_NODE_PORT, ports, family, _MARK_MASQ, "dst", protocol=protocol.lower())

    def _marks(self, family: str) -> Iterator[Rule]:
        """The mark, and what comes of it."""
        yield Rule(_MARK_MASQ, "MARK", to=_MASQUERADE_MARK)
        yield _asks(_POSTROUTING, LOOP_BACK, family, "MASQUERADE", _OTHERS)
        yield Rule(_POSTROUTING, "RETURN", mark=f"!{_MASQUERADE_MARK}")
        yield Rule(_POSTROUTING, "MARK", to="0x4000/0x0")
        yield Rule(_POSTROUTING, "MASQUERADE", comment="kubernetes service traffic requiring SNAT", random_fully=True)

    def _filters(self, family: str) -> Iterator[Rule]:
        """Who is let in at the addresses of load balancers, and that a Service's address leads to no other port of the node."""
        yield _asks(_FIREWALL, BALANCER_FW, family, _RANGES)
        yield _asks(_RANGES, SOURCE_CIDR, family, "RETURN", _OTHERS)
        yield _asks(_RANGES, SOURCE_IP, family, "RETURN", _OTHERS)
        yield Rule(_RANGES, "DROP")
        yield Rule(_FORWARD, "ACCEPT", mark=_MASQUERADE_MARK, comment="kubernetes forwarding rules")
        yield Rule(_FORWARD, "ACCEPT", ctstate="RELATED,ESTABLISHED", comment="kubernetes forwarding conntrack rule")
        yield _asks(_NODE_PORT, HEALTH_CHECK, family, "ACCEPT", "dst")
        for each in (BALANCER, CLUSTER_IP, EXTERNAL_IP, EXTERNAL_IP_LOCAL):
            yield _asks(_IN, each, family, "RETURN", comment="")
        yield _asks(_IN, HEALTH_CHECK, family, "RETURN", "dst", comment="")
        yield _asks(_IN, IPVS_IPS, family, "REJECT", "dst", ctstate="NEW",
                    to="icmp6-port-unreachable" if family == "IPv6" else "icmp-port-unreachable")

    def owned(self, view: PortView) -> Iterable[tuple[str, str]]:
        """No chain is a Service's own."""
        return ()

    def dispatch(self, view: PortView) -> Iterator[Placed]:
        """A virtual server for each address, and the members of the sets."""
        inside, outside = _inside(view), _outside(view)
        yield from self._at(view, view.cluster_ip, inside, CLUSTER_IP)
        for ip in view.external_ips:
            yield from self._at(view, ip, outside, EXTERNAL_IP_LOCAL if view.external_local else EXTERNAL_IP)
        for ip in view.load_balancer_ips:
            yield from self._at(view, ip, outside, BALANCER, *((BALANCER_LOCAL,) if view.external_local else ()))
            yield from self._guarded(view, ip)
        if view.node_port:
            yield IPVS, self._virtual(view, outside, view.node_port)
            of = [NODE_PORTS[view.port.protocol], *([NODE_PORTS_LOCAL[view.port.protocol]] if view.external_local else ())]
            for each in of:
                yield SETS, SetMember(each.named(view.family), dport=view.node_port)
        if view.service.health_check_node_port and view.port == view.service.ports[0]:
            yield SETS, SetMember(HEALTH_CHECK.named(view.family), dport=view.service.health_check_node_port)
        for end in {end.text: end for end in (*inside, *outside)}.values():
            own = _one(end.ip)
            yield SETS, SetMember(LOOP_BACK.named(view.family), src=own, dst=own, dport=end.port, protocol=view.protocol)

    def _at(self, view: PortView, ip: str, ends: tuple[Backend, ...], *members_of: IpSet) -> Iterator[Placed]:
        """A virtual server at an address that the node gets for it."""
        yield IPVS, self._virtual(view, ends, view.port.port, _one(ip))
        for each in members_of:
            yield SETS, SetMember(each.named(view.family), dst=_one(ip), protocol=view.protocol, dport=view.port.port)
        if view.port == view.service.ports[0]:
            yield SETS, SetMember(IPVS_IPS.named(view.family), dst=_one(ip))

    def _guarded(self, view: PortView, ip: str) -> Iterator[Placed]:
        """Who may use a load balancer's address, where not everybody may; the node itself may if its address is in a range."""
        if not view.source_ranges:
            return
        member = SetMember(BALANCER_FW.named(view.family), dst=_one(ip), protocol=view.protocol, dport=view.port.port)
        yield SETS, member
        for source in view.source_ranges:
            yield SETS, replace(member, chain=SOURCE_CIDR.named(view.family), src=source)
        if view.node_ip and any(ip_address(view.node_ip) in ip_network(source) for source in view.source_ranges):
            yield SETS, replace(member, chain=SOURCE_IP.named(view.family), src=_one(ip))
        else:
            yield FILTER, ServedRule(_OUT, "DROP", src=_one(ip), protocol=view.protocol, dport=view.port.port)

    def chains(self, view: PortView, comments: bool) -> Iterator[Placed]:
        """None."""
        return iter(())

    def _virtual(self, view: PortView, ends: tuple[Backend, ...], port: int, dst: str = "") -> VirtualServer:
        return VirtualServer(IPVS, "", dst=dst, dst_type="" if dst else "LOCAL", protocol=view.protocol, dport=port,
                             scheduler=self.settings.scheduler, servers=tuple(end.text for end in ends),
                             persistent=view.affinity)


def _asks(chain: str, asked: IpSet, family: str, target: str, directions: str = _BOTH, *, comment: str | None = None,
          src: str = "", src_type: str = "", dst_type: str = "", protocol: str = "", ctstate: str = "", to: str = "",
          off_bridge: bool = False) -> SetRule:
    return SetRule(chain, target, set_name=asked.named(family), directions=directions, src=src, src_type=src_type,
                   dst_type=dst_type, protocol=protocol, ctstate=ctstate, to=to, off_bridge=off_bridge,
                   comment=asked.comment if comment is None else comment)


def _inside(view: PortView) -> tuple[Backend, ...]:
    """The endpoints for a cluster IP.  Where the policy Local finds none, a Service with other entrances takes them all."""
    return view.internal or (view.choice.everywhere if view.external else ())


def _outside(view: PortView) -> tuple[Backend, ...]:
    """The endpoints for other addresses.  Where the policy Local finds none, all are taken: from outside the answer is lost."""
    return view.outside or view.choice.everywhere


def _one(ip: str) -> str:
    return f"{ip}/128" if ":" in ip else f"{ip}/32"
