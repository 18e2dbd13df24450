"""The mode nftables: maps instead of long chains.

One map leads from address, protocol and port to the Service's chain, however many Services there are, and one rule there draws
a number and goes to an endpoint's chain.  Other than in the mode iptables a node port answers only at the node's own address,
and packets to a cluster IP that no Service's port takes are refused.

Modelled simply: the check of a load balancer's source ranges, which stands in a chain before the rewriting, is read as its
first part.

Source: kubernetes, pkg/proxy/nftables/proxier.go; KEP-3866; nft(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from k8snet_course.linux.netfilter import FILTER, FORWARD, INPUT, NAT, OUTPUT, POSTROUTING, PREROUTING, Row, Rules
from k8snet_course.linux.nftables import NftChoice, NftElement, NftRule
from k8snet_course.linux.route import Route
from k8snet_course.linux.trace import Verdict
from k8snet_course.objects.node import Node
from k8snet_course.services.backends import Backend
from k8snet_course.services.kube_proxy.mode import Mode, Placed, PortView, node_address
from k8snet_course.services.kube_proxy.names import nft_chain

MASQUERADE_MARK = "0x4000/0x4000"
SERVICE_IPS, NODEPORTS = "@service-ips", "@service-nodeports"
NO_ENDPOINTS, NO_NODEPORT_ENDPOINTS, FIREWALL, CLUSTER_IPS = (
    "@no-endpoint-services", "@no-endpoint-nodeports", "@firewall-ips", "@cluster-ips")
MASQ = "mark-for-masquerade"

_BASE = (
    ("filter-prerouting-pre-dnat", "type filter hook prerouting priority dstnat - 10; policy accept;",
     ("ct state new jump firewall-check",)),
    ("filter-output-pre-dnat", "type filter hook output priority -110; policy accept;", ("ct state new jump firewall-check",)),
    ("filter-input", "type filter hook input priority filter; policy accept;",
     ("ct state new jump nodeport-endpoints-check", "ct state new jump service-endpoints-check")),
    ("filter-forward", "type filter hook forward priority filter; policy accept;",
     ("ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")),
    ("filter-output", "type filter hook output priority filter; policy accept;",
     ("ct state new jump service-endpoints-check", "ct state new jump cluster-ips-check")),
    ("nat-prerouting", "type nat hook prerouting priority dstnat; policy accept;", ("jump services",)),
    ("nat-output", "type nat hook output priority -100; policy accept;", ("jump services",)),
    ("nat-postrouting", "type nat hook postrouting priority srcnat; policy accept;", ("jump masquerading",)),
)
"""The chains that hang on the kernel's hooks, and their rules, which never change."""

_MAPS = ((NO_ENDPOINTS, True), (NO_NODEPORT_ENDPOINTS, False), (FIREWALL, True), (SERVICE_IPS, True), (NODEPORTS, False))
"""The maps, and whether an address is part of what they ask for."""


class NftablesMode(Mode):
    """What kube-proxy writes in the mode nftables."""

    name = "nftables"

    def empty(self, family: str) -> Iterable[tuple[str, str]]:
        """The chain that has no rule on a node without an address of the family."""
        return ((FILTER, "nodeport-endpoints-check"),)

    def fixed(self, node: Node, family: str) -> Iterator[Placed]:
        """The jumps from the kernel's hooks, the questions to the maps, the mark and what comes of it."""
        for hook in (PREROUTING, OUTPUT):
            yield NAT, NftRule(hook, "firewall-check", ctstate="NEW")
            yield NAT, NftRule(hook, "services")
        yield NAT, NftRule(POSTROUTING, "masquerading")
        yield FILTER, NftRule(INPUT, "nodeport-endpoints-check", ctstate="NEW")
        for hook in (INPUT, FORWARD, OUTPUT):
            yield FILTER, NftRule(hook, "service-endpoints-check", ctstate="NEW")
        for hook in (FORWARD, OUTPUT):
            yield FILTER, NftRule(hook, "cluster-ips-check", ctstate="NEW")
        own = node_address(node, family)
        yield NAT, NftRule("firewall-check", FIREWALL)
        yield NAT, NftRule("services", SERVICE_IPS)
        if own:
            yield NAT, NftRule("services", NODEPORTS, dst=_one(own), set_name="nodeport-ips")
            yield FILTER, NftRule("nodeport-endpoints-check", NO_NODEPORT_ENDPOINTS, dst=_one(own), set_name="nodeport-ips")
        yield NAT, NftRule("masquerading", "RETURN", mark=f"!{MASQUERADE_MARK}")
        yield NAT, NftRule("masquerading", "MARK", to="0x4000/0x0")
        yield NAT, NftRule("masquerading", "MASQUERADE", random_fully=True)
        yield NAT, NftRule(MASQ, "MARK", to=MASQUERADE_MARK)
        yield FILTER, NftRule("service-endpoints-check", NO_ENDPOINTS)
        yield FILTER, NftRule("reject-chain", "REJECT", verdict=Verdict.NO_ENDPOINTS)
        yield FILTER, AnyOf("cluster-ips-check", CLUSTER_IPS)
        if self.settings.services(family):
            yield FILTER, NftRule("cluster-ips-check", "DROP", dst=self.settings.services(family),
                                  comment="Drop traffic to unallocated ClusterIPs")

    def owned(self, view: PortView) -> Iterable[tuple[str, str]]:
        """The four chains that a port can have."""
        return [(NAT, _chain(kind, view)) for kind in ("service", "local", "external", "firewall")]

    def dispatch(self, view: PortView) -> Iterator[Placed]:
        """The elements of the maps."""
        any_endpoint = view.choice.any
        if view.port == view.service.ports[0]:
            yield FILTER, NftElement(CLUSTER_IPS, "REJECT", dst=_one(view.cluster_ip),
                                     comment=f"{view.service.key} has no such port")
        if view.internal:
            yield NAT, _element(SERVICE_IPS, self._inside(view), view, view.cluster_ip)
        else:
            refusal = "DROP" if any_endpoint else "reject-chain"
            yield FILTER, _element(NO_ENDPOINTS, refusal, view, view.cluster_ip)
        if not view.external:
            return
        refusal = "" if view.outside else "DROP" if any_endpoint else "reject-chain"
        for ip in (*view.external_ips, *view.load_balancer_ips):
            if any_endpoint:
                yield NAT, _element(SERVICE_IPS, _chain("external", view), view, ip)
            if refusal:
                yield FILTER, _element(NO_ENDPOINTS, refusal, view, ip)
        if any_endpoint and view.source_ranges:
            for ip in view.load_balancer_ips:
                yield NAT, _element(FIREWALL, _chain("firewall", view), view, ip)
        if view.node_port:
            if any_endpoint:
                yield NAT, _element(NODEPORTS, _chain("external", view), view)
            if refusal:
                yield FILTER, _element(NO_NODEPORT_ENDPOINTS, refusal, view)

    def chains(self, view: PortView, comments: bool) -> Iterator[Placed]:
        """The port's own chains."""
        if not view.choice.any:
            return
        pods = self.settings.pods(view.family)
        if view.internal and (pods or self.settings.masquerade_all):
            yield NAT, NftRule(self._inside(view), MASQ, dst=_one(view.cluster_ip), protocol=view.protocol,
                               dport=view.port.port, src="" if self.settings.masquerade_all else f"!{pods}")
        if view.external:
            yield from ((NAT, row) for row in self._entrance(view, pods))
        written: dict[str, Backend] = {}
        for kind, ends in (("service", view.choice.everywhere), ("local", view.choice.here)):
            if ends:
                for end in ends if view.affinity else ():
                    yield NAT, NftRule(_chain(kind, view), _chain("endpoint", view, end), goto=True,
                                       recent=_chain("affinity", view, end), recent_seconds=view.affinity)
                yield NAT, NftChoice(_chain(kind, view), "", among=tuple(_chain("endpoint", view, end) for end in ends))
            written |= {end.text: end for end in ends}
        for end in written.values():
            chain = _chain("endpoint", view, end)
            yield NAT, NftRule(chain, MASQ, src=_one(end.ip))
            if view.affinity:
                yield NAT, NftRule(chain, "", recent=_chain("affinity", view, end))
            yield NAT, NftRule(chain, "DNAT", protocol=view.protocol, to=end.text)

    def _inside(self, view: PortView) -> str:
        return _chain("local" if view.service.internal_traffic_policy == "Local" else "service", view)

    def _entrance(self, view: PortView, pods: str) -> Iterator[Row]:
        """The chain for packets from outside, and the one that drops those from elsewhere than the source ranges."""
        entrance, everywhere, here, firewall = (_chain(kind, view) for kind in ("external", "service", "local", "firewall"))
        if not view.external_local:
            yield NftRule(entrance, MASQ)
        elif view.choice.everywhere:
            if pods:
                yield NftRule(entrance, everywhere, src=pods, goto=True, comment="short-circuit pod traffic")
            yield NftRule(entrance, MASQ, src_type="LOCAL", comment="masquerade local traffic")
            yield NftRule(entrance, everywhere, src_type="LOCAL", goto=True, comment="short-circuit local traffic")
        if view.outside:
            yield NftRule(entrance, here if view.external_local else everywhere, goto=True)
        if view.load_balancer_ips and view.source_ranges:
            for source in view.source_ranges:
                yield NftRule(firewall, "RETURN", src=source)
            if any(Route(source, dev="").matches(view.node_ip) for source in view.source_ranges if view.node_ip):
                for ip in view.load_balancer_ips:
                    yield NftRule(firewall, "RETURN", src=_one(ip))
            yield NftRule(firewall, "DROP")


class AnyOf(NftRule):
    """A rule that asks a set, whose elements say what to do.

    >>> print(AnyOf("cluster-ips-check", "@cluster-ips"))
    ip daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"
    """

    __slots__ = ()

    def __str__(self) -> str:
        return f'ip daddr {self.target} reject comment "Reject traffic to invalid ports of ClusterIPs"'


def nft_list(rules: Rules, node: Node, family: str = "IPv4") -> str:
    """kube-proxy's table as `nft list table ip kube-proxy` prints it, which `nft -f` reads."""
    ip, address = ("ip6", "ipv6_addr") if family == "IPv6" else ("ip", "ipv4_addr")
    chains: dict[str, list[Row]] = {}
    for table in (NAT, FILTER):
        for name in rules.names(table, family):
            chains.setdefault(name, []).extend(row for part in rules.parts(table, name, family, own=False) for row in part)
    text = [f"table {ip} kube-proxy {{"]
    sets = [("cluster-ips", sorted((str(row) for row in chains.get(CLUSTER_IPS, ())), key=_number))]
    sets.append(("nodeport-ips", [own] if (own := node_address(node, family)) else []))
    for name, members in sets:
        text += [f"\tset {name} {{", f"\t\ttype {address}", *_elements(members, 1 if ip == "ip6" else 2), "\t}", ""]
    for name, with_address in _MAPS:
        kind = f"{f'{address} . ' if with_address else ''}inet_proto . inet_service : verdict"
        members = [str(row) for row in _first_of_each(chains.get(name, ()))]
        text += [f"\tmap {name[1:]} {{", f"\t\ttype {kind}", *_elements(members), "\t}", ""]
    remembered = dict.fromkeys((row.recent, row.recent_seconds) for rows in chains.values() for row in rows
                               if row.recent_seconds)
    for name, seconds in remembered:
        text += [f"\tset {name} {{", f"\t\ttype {address}", "\t\tsize 65535", "\t\tflags dynamic,timeout",
                 f"\t\ttimeout {_duration(seconds)}", "\t}", ""]
    for name, head, lines in _BASE:
        text += [f"\tchain {name} {{", f"\t\t{head}", *(f"\t\t{line}" for line in lines), "\t}", ""]
    for name, rows in chains.items():
        if not name.startswith("@") and name not in (PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING):
            text += [f"\tchain {name} {{", *(f"\t\t{_worded(str(row), ip)}" for row in rows), "\t}", ""]
    return "\n".join([*text[:-1], "}"])


def _first_of_each(elements: Iterable[Row]) -> Iterable[Row]:
    """A map has one answer to a question: where two Services want the same external IP and port, the first one's."""
    found: dict[tuple[str, str, int], Row] = {}
    for row in elements:
        if isinstance(row, NftElement):
            found.setdefault((row.dst, row.protocol, row.dport), row)
    return found.values()


def _worded(line: str, ip: str) -> str:
    """A rule that names no address cannot know its family; the table does."""
    return line.replace("ip daddr", "ip6 daddr").replace("ip saddr", "ip6 saddr") if ip == "ip6" else line


def _number(address: str) -> int:
    """Where an address stands in a set: `nft` prints elements in order."""
    return int(ip_address(address))


def _elements(members: list[str], on_a_line: int = 1) -> list[str]:
    r"""The elements of a set or map; `nft` prints two IPv4 addresses on a line, and one of anything longer.

    >>> _elements(["10.96.0.20", "10.96.0.21", "10.96.0.22"], 2)
    ['\t\telements = { 10.96.0.20, 10.96.0.21,\n\t\t\t     10.96.0.22 }']
    """
    lines = [", ".join(members[place:place + on_a_line]) for place in range(0, len(members), on_a_line)]
    return ["\t\telements = { " + ",\n\t\t\t     ".join(lines) + " }"] if lines else []


def _duration(seconds: int) -> str:
    """A time as nft writes it.

    >>> _duration(10800), _duration(86400), _duration(90)
    ('3h', '1d', '1m30s')
    """
    words = ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, length)
        words += f"{number}{unit}" if number else ""
    return words


def _element(of: str, target: str, view: PortView, ip: str = "") -> NftElement:
    """An element for the port at one of the Service's addresses, or (no address) for its node port."""
    return NftElement(of, target, dst=_one(ip) if ip else "", protocol=view.protocol,
                      dport=view.port.port if ip else view.node_port, comment=view.name, goto=True,
                      verdict=Verdict.NO_ENDPOINTS if of in (NO_ENDPOINTS, NO_NODEPORT_ENDPOINTS) else "")


def _chain(kind: str, view: PortView, end: Backend | None = None) -> str:
    endpoint = f"{end.ip.replace(':', '.')}/{end.port}" if end is not None else ""
    return nft_chain(kind, view.service.key, view.protocol, view.port.name, endpoint)


def _one(ip: str) -> str:
    return f"{ip}/128" if ":" in ip else f"{ip}/32"
