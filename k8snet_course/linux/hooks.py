"""Where on its way a packet meets a device's netfilter rules, and what then happens to it.

    comes in -> PREROUTING -> own address? -> INPUT -> IPVS -> delivered
                                  | no                  | a virtual server's
                                  |                   routed -> OUTPUT (filter) -> POSTROUTING -> goes out
                              routed -> FORWARD -> POSTROUTING -> goes out
    a program sends -> OUTPUT -> IPVS -> routed -> OUTPUT (filter) -> POSTROUTING -> goes out

IPv4 packets meet the rules of iptables, IPv6 packets those of ip6tables.  NAT rules are read once for a connection; its other
packets are rewritten from memory.  The interface that a packet leaves by gives MASQUERADE its address.

Source: netfilter's packet flow; iptables(8).
"""

from __future__ import annotations

from k8snet_course.linux import telling
from k8snet_course.linux.conntrack import Conntrack
from k8snet_course.linux.door import EGRESS
from k8snet_course.linux.link import Link
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.netfilter import FILTER, IPVS, NAT, NO_RULES, OUTPUT, POSTROUTING, PREROUTING, Ruling
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.record import Record
from k8snet_course.linux.rule import destination_of
from k8snet_course.linux.trace import Action, Verdict

_SILENCE = Ruling(None, 0)
"""What no rule says."""


class Hooks(Record):
    """The part of a walk that asks the rules."""

    def rewritten(self, ns: Namespace, packet: Packet, hook: str, in_link: str = "", out: Link | None = None) -> Packet | None:
        """The packet after this hook's NAT: from memory if it belongs to a known connection, else by the rules.

        None: the rules let it end here.
        """
        rules = ns.rules6 if ":" in packet.dst else ns.rules
        memory = self.memory.get(ns.name)
        if memory is None:
            if rules is NO_RULES:
                return packet
            if not self.awaited:
                self.memory[ns.name] = Conntrack()
        elif memory.back and hook != POSTROUTING:
            home = memory.restore(packet)
            if home is not None:
                self._translated(packet, home)
                self.step(Action.TRANSLATE, "", home, telling.restored, ns.label, f"{NAT} {hook}", packet, home, False)
                return home
        if rules.empty or (self.awaited and (memory is not None or packet.protocol != "UDP")):
            return packet  # the rules are read for a connection's first packet only
        ruling = rules.ruling(NAT, hook, packet, in_link, "" if out is None else out.name, self.mark, ns.has_address,
                              self._state(ns, packet), self.seed, ns.learned.memory, self.owner)
        self.mark = ruling.mark
        if ruling.remember:
            ns.learned.memory.note(ruling.remember)
        if ruling.rule is None or ruling.rule.target == "ACCEPT":
            return packet
        if ruling.rule.target in ("DROP", "REJECT"):
            self._denied(ns, packet, NAT, hook, in_link, ruling)
            return None
        if ruling.rule.target == "MASQUERADE":
            assert out is not None, "MASQUERADE stands in POSTROUTING"
            route = ns.routes.lookup(packet.dst).winner
            own = out.source_for(packet.dst) if out.kind != "loopback" else ""
            after = packet._replace(src=(route.src if route is not None else "") or own or ns.source_for(packet.dst))
        elif ruling.rule.target == "REDIRECT":
            self.dnat = True
            local = "::1" if ":" in packet.dst else "127.0.0.1"
            after = packet._replace(dst=local if hook == OUTPUT else ns.links[in_link].source_for(packet.dst) or local,
                                    dst_port=int(ruling.rule.to))
        elif ruling.rule.target == "SNAT":
            address, port = destination_of(ruling.rule.to)
            after = packet._replace(src=address, src_port=port or packet.src_port)
        else:
            self.dnat = True
            address, port = destination_of(ruling.rule.to)
            after = packet.sent_to(address, port)
        if after != packet:
            self.memory.setdefault(ns.name, Conntrack()).note(packet, after)
            self._translated(packet, after)
            self.step(Action.TRANSLATE, "", after, telling.rewritten, ns.label, f"{NAT} {hook}", packet, after, ruling)
        return after

    def is_served(self, ns: Namespace, packet: Packet) -> bool:
        """Whether the packet is for a virtual server, so that IPVS will send it on."""
        return not self.awaited and self._server(ns, packet).rule is not None

    def balanced(self, ns: Namespace, packet: Packet, hook: str, in_link: str = "") -> Packet | None:
        """The packet as IPVS sends it on, if it is for a virtual server; else the same.  None: there is no real server."""
        ruling = _SILENCE if self.awaited else self._server(ns, packet)
        if ruling.rule is None:
            return packet
        ns.learned.memory.note(ruling.remember)
        if ruling.rule.target == "REJECT":
            self._denied(ns, packet, IPVS, hook, in_link, ruling)
            return None
        address, port = destination_of(ruling.rule.to)
        after = packet.sent_to(address, port)
        self.memory.setdefault(ns.name, Conntrack()).note(packet, after)
        self._translated(packet, after)
        self.step(Action.TRANSLATE, "", after, telling.rewritten, ns.label, f"{IPVS} {IPVS}", packet, after, ruling)
        return after

    def _server(self, ns: Namespace, packet: Packet) -> Ruling:
        """What IPVS says to a packet.  At an interface that is only there for addresses (a dummy) there are no node ports."""
        rules = ns.rules6 if ":" in packet.dst else ns.rules
        if not rules.serves:
            return _SILENCE
        return rules.ruling(IPVS, IPVS, packet, "", "", self.mark, ns.has_node_ports, self._state(ns, packet), self.seed,
                            ns.learned.memory, self.owner)

    def noticed(self, ns: Namespace, packet: Packet) -> None:
        """Connection tracking sees the first packet of a connection, which changes nothing about the packet."""
        if (ns.rules6 if ":" in packet.dst else ns.rules) is not NO_RULES:
            self.memory[ns.name] = Conntrack()

    def passes(self, ns: Namespace, packet: Packet, hook: str, in_link: str = "", out_link: str = "") -> bool:
        """Whether this hook's filter rules let the packet go on; if not, the walk has ended."""
        rules = ns.rules6 if ":" in packet.dst else ns.rules
        if rules.empty:
            return True
        ruling = rules.ruling(FILTER, hook, packet, in_link, out_link, self.mark, ns.has_address, self._state(ns, packet),
                              self.seed, ns.learned.memory, self.owner)
        if ruling.rule is None or ruling.rule.target == "ACCEPT":
            return True
        self._denied(ns, packet, FILTER, hook, in_link or out_link, ruling)
        return False

    def _denied(self, ns: Namespace, packet: Packet, table: str, hook: str, link: str, ruling: Ruling) -> None:
        """A rule ends the walk, in silence (DROP) or with an error to the sender (REJECT)."""
        rule = ruling.rule
        assert rule is not None
        denied = Verdict.DENIED_EGRESS if hook == OUTPUT else Verdict.DENIED_INGRESS
        verdict = Verdict(rule.verdict) if rule.verdict else denied
        about = ruling.about
        if verdict is Verdict.NO_ENDPOINTS and " has no " not in about:
            about += " has no endpoints to use here"  # the rules of some modes name the Service and no more
        why = f"{about}: " * bool(about) + f"{ns.label}'s {ruling.decided} says {rule.target}"
        self.step(Action.FILTER, link, packet, telling.denied, why, f"{table} {hook}", ruling)
        if rule.target == "REJECT":
            self.fail(ns, packet, verdict, why, hook == OUTPUT, "port unreachable")
        else:
            self.drop(ns, link, packet, verdict, why)

    def admitted(self, ns: Namespace, packet: Packet, link: str, direction: str, bridged: bool = False) -> bool:
        """Whether the door at this interface lets the packet through; if not, the walk has ended.

        ``bridged``: a bridge sends it from port to port.

        Only a connection's first packet is judged: its other packets, and the answers, are known here from then on.
        """
        door = ns.doors.get(link)
        if door is None or packet.is_icmp_error or (self.awaited and ns.name in self.memory):
            return True
        if bridged and door.made_of_rules and not ns.bridge_nf:
            return True
        if not self.awaited:
            self.memory.setdefault(ns.name, Conntrack())
        judgement = door.judge(direction, packet)
        if judgement is None:
            return True
        self.step(Action.FILTER, link, packet, judgement.tell)
        if not judgement.allowed:
            verdict = Verdict.DENIED_EGRESS if direction == EGRESS else Verdict.DENIED_INGRESS
            self.drop(ns, link, packet, verdict, judgement.tell().why)
        return judgement.allowed

    def translate_bridged(self, ns: Namespace, before: Packet, after: Packet) -> None:
        """Connection tracking sees a packet that a bridge sends from port to port."""
        self._translated(before, after)
        self.step(Action.TRANSLATE, "", after, telling.restored, ns.label, f"{NAT} {PREROUTING}", before, after, True)

    def _translated(self, before: Packet, after: Packet) -> None:
        """The packet has other addresses now."""
        self.translated = self.translated or after.dst != before.dst
        self.wanted = after.dst

    def _state(self, ns: Namespace, packet: Packet) -> str:
        """What connection tracking calls the packet: an answer is known only where its request went by.

        An answer that nobody asked for is INVALID for TCP and for pings, and so is an error about a packet that did not come
        by; UDP cannot tell, so there it opens a connection.
        """
        if not self.awaited:
            error = packet.protocol != "TCP" and packet.is_icmp_error
            return "INVALID" if error else "NEW,DNAT" if self.dnat else "NEW"
        if ns.name in self.memory:
            return "RELATED" if packet.is_icmp_error else "ESTABLISHED"
        return "NEW" if packet.protocol == "UDP" else "INVALID"
