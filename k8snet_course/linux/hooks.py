"""Where on its way a packet meets a device's netfilter rules, and what then happens to it.

    comes in -> PREROUTING -> own address? -> INPUT -> delivered
                                  | no
                              routed -> FORWARD -> POSTROUTING -> goes out
    a program sends -> OUTPUT -> routed -> OUTPUT (filter) -> POSTROUTING -> goes out

NAT rules are read once for a connection; its other packets are rewritten from memory.  The interface that a packet leaves by
gives MASQUERADE its address.

Source: netfilter's packet flow; iptables(8).
"""

from __future__ import annotations

from k8snet_course.linux import netfilter
from k8snet_course.linux.conntrack import Conntrack, changes
from k8snet_course.linux.link import Link
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.netfilter import FILTER, NAT, NO_RULES, OUTPUT, Ruling, Seen
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.record import Record
from k8snet_course.linux.rule import destination_of
from k8snet_course.linux.trace import Action, Told, Verdict


class Hooks(Record):
    """The part of a walk that asks the rules."""

    def rewritten(self, ns: Namespace, packet: Packet, hook: str, in_link: str = "", out: Link | None = None) -> Packet:
        """The packet after this hook's NAT: from memory if it belongs to a known connection, else by the rules."""
        rules = ns.rules
        memory = self.memory.get(ns.name)
        if memory is None and rules is not NO_RULES and not self.awaited:
            memory = self.memory[ns.name] = Conntrack()
        if memory is not None and hook in (netfilter.PREROUTING, OUTPUT):
            home = memory.restore(packet)
            if home is not None:
                self._translate(ns, hook, packet, home, "remembers this connection and writes back what it had rewritten")
                return home
        if not rules.has(NAT, hook) or (self.awaited and self._state(ns, packet) != "NEW"):
            return packet  # the rules are read for a connection's first packet only
        seen = self._seen(ns, packet, in_link, out.name if out is not None else "")
        ruling = rules.ask(NAT, hook, seen)
        self.mark = ruling.mark
        if ruling.remember:
            ns.learned.memory.note(ruling.remember)
        if ruling.rule is None or ruling.rule.target == "ACCEPT":
            return packet
        if ruling.rule.target == "MASQUERADE":
            assert out is not None, "MASQUERADE stands in POSTROUTING"
            route = ns.routes.lookup(packet.dst).winner
            after = packet._replace(src=(route.src if route is not None else "") or out.address or ns.first_address)
        elif ruling.rule.target == "SNAT":
            address, port = destination_of(ruling.rule.to)
            after = packet._replace(src=address, src_port=port or packet.src_port)
        else:
            address, port = destination_of(ruling.rule.to)
            after = packet._replace(dst=address, dst_port=port or packet.dst_port)
        if after != packet:
            self.memory.setdefault(ns.name, Conntrack()).note(packet, after)
            self._translate(ns, hook, packet, after, f"has a {ruling.rule.target} rule for it", ruling)
        return after

    def passes(self, ns: Namespace, packet: Packet, hook: str, in_link: str = "", out_link: str = "") -> bool:
        """Whether this hook's filter rules let the packet go on; if not, the walk has ended."""
        if not ns.rules.has(FILTER, hook):
            return True
        ruling = ns.rules.ask(FILTER, hook, self._seen(ns, packet, in_link, out_link))
        if ruling.rule is None or ruling.rule.target == "ACCEPT":
            return True
        verdict = Verdict.DENIED_EGRESS if hook == OUTPUT else Verdict.DENIED_INGRESS
        why = f"{ns.label}'s rule '{ruling.rule}' says {ruling.rule.target}"
        rule = ruling.rule
        self.step(Action.FILTER, in_link or out_link, packet, lambda: Told(
            why, f"filter {hook}", ruling.reading.candidates, ruling.others, str(rule)))
        if ruling.rule.target == "REJECT":
            self.fail(ns, packet, verdict, why, hook == OUTPUT, "port unreachable")
        else:
            self.drop(ns, in_link or out_link, packet, verdict, why)
        return False

    def _translate(self, ns: Namespace, hook: str, before: Packet, after: Packet, why: str, ruling: Ruling | None = None) -> None:
        self.translated = self.translated or after.dst != before.dst
        self.step(Action.TRANSLATE, "", after, lambda: Told(
            f"{ns.label} {why}", f"nat {hook}", ruling.reading.candidates if ruling is not None else (),
            ruling.others if ruling is not None else 0,
            str(ruling.rule) if ruling is not None and ruling.rule is not None else "", changes(before, after)))

    def _seen(self, ns: Namespace, packet: Packet, in_link: str, out_link: str) -> Seen:
        """What this device's rules can look at."""
        return Seen(packet, in_link, out_link, self.mark, lambda address: ns.local_link(address) is not None,
                    self._state(ns, packet), self.seed, ns.learned.memory)

    def _state(self, ns: Namespace, packet: Packet) -> str:
        """What connection tracking calls the packet: an answer is known only where its request went by.

        An answer that nobody asked for is INVALID for TCP and for pings; UDP cannot tell, so there it opens a connection.
        """
        if packet.is_icmp_error:
            return "RELATED"
        if not self.awaited:
            return "NEW"
        if ns.name in self.memory:
            return "ESTABLISHED"
        return "NEW" if packet.protocol == "UDP" else "INVALID"
