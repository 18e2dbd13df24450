"""The mode iptables: chains of rules, and chance.

A packet to a Service's address jumps from KUBE-SERVICES into the Service's chain (KUBE-SVC-...), whose rules draw lots: of n
endpoints the first is taken by one connection in n, the second by one in n-1 of the rest, and so on, which gives each the same
share.  The endpoint's chain (KUBE-SEP-...) rewrites the destination.  Packets whose answers would not come back this way are
marked, and POSTROUTING gives the marked ones the node's address.

Modelled simply: the rule that counts dropped INVALID packets does not count, and a chain's rules stand in a fixed order of
Services where kube-proxy's order changes from run to run.

Source: kubernetes, pkg/proxy/iptables/proxier.go; iptables-save(8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from k8snet_course.linux.netfilter import FILTER, FORWARD, INPUT, NAT, OUTPUT, POSTROUTING, PREROUTING, Rules
from k8snet_course.linux.route import Route
from k8snet_course.linux.rule import Rule
from k8snet_course.linux.trace import Verdict
from k8snet_course.objects.node import Node
from k8snet_course.services.backends import Backend
from k8snet_course.services.kube_proxy.mode import Mode, Placed, PortView
from k8snet_course.services.kube_proxy.names import endpoint_chain, service_chain

MASQUERADE_MARK = "0x4000/0x4000"
"""The bit of a packet's mark that says: give it the node's address."""

SERVICES, NODEPORTS, EXTERNAL, FIREWALL = "KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"
MARK_MASQ, KUBE_POSTROUTING, KUBE_FORWARD, LOCALNET = "KUBE-MARK-MASQ", "KUBE-POSTROUTING", "KUBE-FORWARD", "KUBE-FIREWALL"


class IptablesMode(Mode):
    """What kube-proxy writes in the mode iptables."""

    name = "iptables"

    def empty(self, family: str) -> Iterable[tuple[str, str]]:
        """The chains that kube-proxy makes at once."""
        return (*((NAT, chain) for chain in (SERVICES, NODEPORTS, KUBE_POSTROUTING, MARK_MASQ)),
                *((FILTER, chain) for chain in (SERVICES, EXTERNAL, KUBE_FORWARD, NODEPORTS, FIREWALL)))

    def fixed(self, node: Node, family: str) -> Iterator[Placed]:
        """The jumps from Linux's own chains, the mark and what comes of it, and the general rules."""
        portals = "kubernetes service portals"
        visible = "kubernetes externally-visible service portals"
        guard = "kubernetes load balancer firewall"
        for chain in (PREROUTING, OUTPUT):
            yield NAT, Rule(chain, SERVICES, comment=portals)
        yield NAT, Rule(POSTROUTING, KUBE_POSTROUTING, comment="kubernetes postrouting rules")
        yield NAT, Rule(SERVICES, NODEPORTS, dst_type="LOCAL",
                        comment="kubernetes service nodeports; NOTE: this must be the last rule in this chain")
        yield NAT, Rule(MARK_MASQ, "MARK", to=MASQUERADE_MARK)
        yield NAT, Rule(KUBE_POSTROUTING, "RETURN", mark=f"!{MASQUERADE_MARK}")
        yield NAT, Rule(KUBE_POSTROUTING, "MARK", to="0x4000/0x0")
        yield NAT, Rule(KUBE_POSTROUTING, "MASQUERADE", comment="kubernetes service traffic requiring SNAT", random_fully=True)
        yield FILTER, Rule(INPUT, FIREWALL, ctstate="NEW", comment=guard)
        yield FILTER, Rule(INPUT, NODEPORTS, comment="kubernetes health check service ports")
        yield FILTER, Rule(INPUT, EXTERNAL, ctstate="NEW", comment=visible)
        yield FILTER, Rule(FORWARD, FIREWALL, ctstate="NEW", comment=guard)
        yield FILTER, Rule(FORWARD, KUBE_FORWARD, comment="kubernetes forwarding rules")
        yield FILTER, Rule(FORWARD, SERVICES, ctstate="NEW", comment=portals)
        yield FILTER, Rule(FORWARD, EXTERNAL, ctstate="NEW", comment=visible)
        yield FILTER, Rule(OUTPUT, FIREWALL, ctstate="NEW", comment=guard)
        yield FILTER, Rule(OUTPUT, SERVICES, ctstate="NEW", comment=portals)
        yield FILTER, Rule(KUBE_FORWARD, "DROP", ctstate="INVALID")
        yield FILTER, Rule(KUBE_FORWARD, "ACCEPT", mark=MASQUERADE_MARK, comment="kubernetes forwarding rules")
        yield FILTER, Rule(KUBE_FORWARD, "ACCEPT", ctstate="RELATED,ESTABLISHED",
                           comment="kubernetes forwarding conntrack rule")
        if family == "IPv4":
            for chain in (INPUT, OUTPUT):
                yield FILTER, Rule(chain, LOCALNET)
            yield FILTER, Rule(LOCALNET, "DROP", src="!127.0.0.0/8", dst="127.0.0.0/8",
                               ctstate="!RELATED,ESTABLISHED,DNAT", comment="block incoming localnet connections")

    def owned(self, view: PortView) -> Iterable[tuple[str, str]]:
        """The four chains that a port can have."""
        tail = service_chain("", view.name, view.protocol)
        return [(NAT, prefix + tail) for prefix in ("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-")]

    def dispatch(self, view: PortView) -> Iterator[Placed]:
        """The ways in: the cluster IP, external IPs, the load balancer's, the node port.  Without endpoints: refusals."""
        name, any_endpoint = view.name, view.choice.any
        internal = "REJECT" if not any_endpoint else "" if view.internal else "DROP"
        comment = _without(name, internal)
        if internal:
            yield FILTER, _end(SERVICES, internal, comment, view, dst=_one(view.cluster_ip), dport=view.port.port)
        else:
            yield NAT, _to(SERVICES, self._inside(view), view, view.cluster_ip, f"{name} cluster IP")
        if not view.external:
            return
        external = "REJECT" if not any_endpoint else "" if view.outside else "DROP"
        comment = _without(name, external)
        entrance = service_chain("KUBE-EXT-", name, view.protocol)
        guarded = any_endpoint and view.load_balancer_ips and view.source_ranges
        for ip in view.external_ips:
            if any_endpoint:
                yield NAT, _to(SERVICES, entrance, view, ip, f"{name} external IP")
            if external:
                yield FILTER, _end(EXTERNAL, external, comment, view, dst=_one(ip), dport=view.port.port)
        for ip in view.load_balancer_ips:
            firewall = service_chain("KUBE-FW-", name, view.protocol)
            if any_endpoint:
                yield NAT, _to(SERVICES, firewall if guarded else entrance, view, ip, f"{name} loadbalancer IP")
            if guarded:
                yield FILTER, _to(FIREWALL, "DROP", view, ip, f"{name} traffic not accepted by {firewall}")
            if external:
                yield FILTER, _end(EXTERNAL, external, comment, view, dst=_one(ip), dport=view.port.port)
        if view.node_port:
            if any_endpoint:
                yield NAT, Rule(NODEPORTS, entrance, protocol=view.protocol, dport=view.node_port, comment=name)
            if external:
                yield FILTER, _end(EXTERNAL, external, comment, view, dst_type="LOCAL", dport=view.node_port)
        if view.service.health_check_node_port and view.port == view.service.ports[0]:
            yield FILTER, Rule(NODEPORTS, "ACCEPT", protocol="tcp", dport=view.service.health_check_node_port,
                               comment=f"{view.service.key} health check node port")

    def chains(self, view: PortView, comments: bool) -> Iterator[Placed]:
        """The port's own chains: who is masqueraded, which endpoint is drawn, where the packet goes."""
        if not view.choice.any:
            return
        name, pods = view.name, self.settings.pods(view.family)
        if view.internal:
            inside = self._inside(view)
            if self.settings.masquerade_all:
                yield NAT, _to(inside, MARK_MASQ, view, view.cluster_ip, f"{name} cluster IP")
            elif pods:
                yield NAT, _to(inside, MARK_MASQ, view, view.cluster_ip, f"{name} cluster IP", src=f"!{pods}")
        if view.external:
            yield from self._entrance(view)
        everywhere, here = (service_chain(prefix, name, view.protocol) for prefix in ("KUBE-SVC-", "KUBE-SVL-"))
        written: dict[str, Backend] = {}
        for chain, ends in ((everywhere, view.choice.everywhere), (here, view.choice.here)):
            yield from ((NAT, rule) for rule in _lots(view, chain, ends, comments))
            written |= {end.text: end for end in ends}
        for end in written.values():
            yield from ((NAT, rule) for rule in _endpoint(view, end, comments))

    def _inside(self, view: PortView) -> str:
        local = view.service.internal_traffic_policy == "Local"
        return service_chain("KUBE-SVL-" if local else "KUBE-SVC-", view.name, view.protocol)

    def _entrance(self, view: PortView) -> Iterator[Placed]:
        """KUBE-EXT-..., for packets from outside, and KUBE-FW-..., which lets only some of them in."""
        name, pods = view.name, self.settings.pods(view.family)
        entrance, everywhere, here, firewall = (service_chain(f"KUBE-{kind}-", name, view.protocol)
                                                for kind in ("EXT", "SVC", "SVL", "FW"))
        what = f"{name} external destinations"
        if not view.external_local:
            yield NAT, Rule(entrance, MARK_MASQ, comment=f"masquerade traffic for {what}")
        elif view.choice.everywhere:
            if pods:
                yield NAT, Rule(entrance, everywhere, src=pods, comment=f"pod traffic for {what}")
            yield NAT, Rule(entrance, MARK_MASQ, src_type="LOCAL", comment=f"masquerade LOCAL traffic for {what}")
            yield NAT, Rule(entrance, everywhere, src_type="LOCAL", comment=f"route LOCAL traffic for {what}")
        if view.outside:
            yield NAT, Rule(entrance, here if view.external_local else everywhere)
        if view.load_balancer_ips and view.source_ranges:
            for source in view.source_ranges:
                yield NAT, Rule(firewall, entrance, src=source, comment=f"{name} loadbalancer IP")
            if any(Route(source, dev="").matches(view.node_ip) for source in view.source_ranges if view.node_ip):
                for ip in view.load_balancer_ips:
                    yield NAT, Rule(firewall, entrance, src=_one(ip), comment=f"{name} loadbalancer IP")
            yield NAT, Rule(firewall, "", comment=f"other traffic to {name} will be dropped by KUBE-PROXY-FIREWALL")


def iptables_save(rules: Rules, family: str = "IPv4") -> str:
    """A device's rules as `iptables-save` (for IPv6: `ip6tables-save`) prints them; `iptables-restore` reads it.

    >>> print(iptables_save(Rules(nat=[Rule("POSTROUTING", "MASQUERADE", src="10.244.0.0/24")])))
    *nat
    :PREROUTING ACCEPT [0:0]
    :INPUT ACCEPT [0:0]
    :OUTPUT ACCEPT [0:0]
    :POSTROUTING ACCEPT [0:0]
    -A POSTROUTING -s 10.244.0.0/24 -j MASQUERADE
    COMMIT
    """
    lines: list[str] = []
    for table, built_in in ((FILTER, (INPUT, FORWARD, OUTPUT)), (NAT, (PREROUTING, INPUT, OUTPUT, POSTROUTING))):
        chains = {name: [row for part in rules.parts(table, name, family) for row in part]
                  for name in rules.names(table, family)}
        if not any(chains.values()):
            continue
        own = sorted(name for name in chains if name not in built_in)
        lines += [f"*{table}", *(f":{name} ACCEPT [0:0]" for name in built_in), *(f":{name} - [0:0]" for name in own)]
        lines += [str(row) for name in (*built_in, *own) for row in chains.get(name, ())]
        lines.append("COMMIT")
    return "\n".join(lines)


def probability(number: int) -> str:
    """One in ``number``, as `iptables-save` prints it: the kernel keeps it in 31 bits.

    >>> probability(2), probability(3), probability(6)
    ('0.50000000000', '0.33333333349', '0.16666666651')
    """
    written = float(f"{1 / number:.10f}")
    return f"{round(written * (1 << 31)) / (1 << 31):.11f}"


def _lots(view: PortView, chain: str, ends: tuple[Backend, ...], comments: bool) -> Iterator[Rule]:
    """The rules of a chain that draws lots among endpoints: first who was here before, then chance."""
    chains = [(end, endpoint_chain(view.name, view.protocol, end.text)) for end in ends]
    for end, target in chains if view.affinity else ():
        yield Rule(chain, target, recent=target, recent_seconds=view.affinity,
                   comment=f"{view.name} -> {end.text}" if comments else "")
    for place, (end, target) in enumerate(chains):
        left = len(chains) - place
        yield Rule(chain, target, probability=probability(left) if left > 1 else "",
                   comment=f"{view.name} -> {end.text}" if comments else "")


def _endpoint(view: PortView, end: Backend, comments: bool) -> Iterator[Rule]:
    """An endpoint's chain: a pod that reaches itself is masqueraded; then the destination is rewritten."""
    chain = endpoint_chain(view.name, view.protocol, end.text)
    comment = view.name if comments else ""
    yield Rule(chain, MARK_MASQ, src=_one(end.ip), comment=comment)
    yield Rule(chain, "DNAT", protocol=view.protocol, to=end.text, comment=comment, recent=chain if view.affinity else "")


def _end(chain: str, target: str, comment: str, view: PortView, dport: int, dst: str = "", dst_type: str = "") -> Rule:
    """A rule that refuses: at once (REJECT), or in silence (DROP)."""
    refusal = "icmp6-port-unreachable" if view.family == "IPv6" else "icmp-port-unreachable"
    return Rule(chain, target, dst=dst, protocol=view.protocol, dport=dport, dst_type=dst_type, comment=comment,
                verdict=Verdict.NO_ENDPOINTS, to=refusal if target == "REJECT" else "")


def _to(chain: str, target: str, view: PortView, ip: str, comment: str, src: str = "") -> Rule:
    """A rule for packets to the port at one of the Service's addresses."""
    return Rule(chain, target, src=src, dst=_one(ip), protocol=view.protocol, dport=view.port.port, comment=comment)


def _without(name: str, target: str) -> str:
    return f"{name} has no local endpoints" if target == "DROP" else f"{name} has no endpoints"


def _one(ip: str) -> str:
    return f"{ip}/128" if ":" in ip else f"{ip}/32"
