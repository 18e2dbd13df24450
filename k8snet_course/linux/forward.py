"""Forwarding: what Linux does with one packet, device after device, until its walk ends.

The rules, in the order in which a device applies them:

1. A frame that comes in at a port of a bridge is the bridge's: it learns the sender's MAC address and sends the frame out of
   the port where the receiver's is known to be, or floods it.  A frame to the bridge's own MAC address goes up to rule 2.
2. A frame to an interface's own MAC address is unpacked.  A packet to one of the device's own addresses is delivered.  One
   that comes from outside and says that it is from the device itself is dropped (in IPv4).
3. Any other packet is routed, if the device forwards: the longest matching prefix names the interface and the next router,
   and the TTL falls by one.  A packet that the interface does not take (MTU) is cut, or its sender is told.
4. The next receiver's MAC address is looked up, or asked for; the packet goes into a frame and out of the interface.  If the
   interface is a tunnel, the whole goes into a packet of the device's own, and that is routed by rules 3 and 4.
5. A delivered packet that carries another one out of a tunnel is opened, and rule 2 begins again with what was inside.
6. A delivered packet is answered, and the answer walks home by the same rules: nothing remembers the way.

Between these, the device's netfilter rules are asked: before rule 2 and after rule 3 for rewriting (NAT), and before a
packet is delivered, sent on or sent out for dropping it.  Only a rewritten connection is remembered, where it was rewritten.
Where a packet would be delivered, and where a program sends one, IPVS may take it for a virtual server and send it on.

A device that cannot go on tells the sender by an ICMP packet, which also walks home by these rules.

This module knows tables and packets.  It does not know what a pod, a plugin or a Service is: those write the tables.

In IPv6 the same happens in other words: see :mod:`~k8snet_course.linux.packet` and :mod:`~k8snet_course.linux.resolve`.  And no
router cuts a packet: a sender that may cut it does so once, to what its own way out takes.

Sources: RFC 1812 (routers; martians), RFC 792 (ICMP), RFC 8200 (IPv6), RFC 4443 (ICMPv6), RFC 9293 section 3.5.2 (RST),
IEEE 802.1D (bridges); tried on Linux 6.18.
"""

from __future__ import annotations

from k8snet_course.linux import telling
from k8snet_course.linux.conntrack import Conntrack, Flow, answers_to, flow_of
from k8snet_course.linux.door import EGRESS, INGRESS
from k8snet_course.linux.hooks import Hooks
from k8snet_course.linux.link import End, Link, Tunnel
from k8snet_course.linux.namespace import Namespace, Network
from k8snet_course.linux.neighbour import solicited_node
from k8snet_course.linux.netfilter import FORWARD, INPUT, OUTPUT, POSTROUTING, PREROUTING
from k8snet_course.linux.packet import BROADCAST_MAC, IPV6_LEAST_MTU, Frame, Packet
from k8snet_course.linux.resolve import copy_taker, resolve
from k8snet_course.linux.route import FEW_ROWS
from k8snet_course.linux.trace import Action, Change, Told, Trace, Verdict
from k8snet_course.linux.tunnel import encapsulated

_ORIGINATE, _BRIDGE, _ROUTE, _RESOLVE, _DELIVER, _DROP = (
    Action.ORIGINATE, Action.BRIDGE, Action.ROUTE, Action.RESOLVE, Action.DELIVER, Action.DROP)
_ENCAPSULATE, _DECAPSULATE = Action.ENCAPSULATE, Action.DECAPSULATE
"""Looked up once: a walk has thirty steps, and a name is found sooner than a member of an enum."""

_MOST_CABLES = 1000
"""A frame that has crossed more cables than this goes round in circles between bridges (which have no TTL)."""
_SPARE = 4
"""So many bytes more than its MTU Linux takes at a cable's end and a bridge's port: room for the tag of a VLAN."""


def send(network: Network, source: str, packet: Packet, target: str = "", intended: str = "", *, asked: str = "",
         seed: int = 0, owner: int = 0) -> Trace:
    """The walk of ``packet`` from the namespace ``source``, and the walk of its answer.

    ``asked`` and ``target`` are how the person who sent it names sender and receiver; ``intended`` is the namespace it is meant
    for, if that is known: a packet that ends in another one has met an address conflict.  ``seed`` decides what rules draw at
    random, ``owner`` is the user id of the program that sends.
    """
    memory: dict[str, Conntrack] = {}
    asked = asked or network.namespace(source).label
    there = _Walk(network, intended, memory, False, seed)
    there.owner = owner
    packet = there.originate(network.namespace(source), packet)
    reply = None
    if there.answer is not None and there.end is not None:
        replier, answer = there.end, there.answer
        back = _Walk(network, source, memory, True, seed)
        back.expected = answers_to(packet)
        answer = back.originate(replier, answer)
        reply = back.trace(target if replier.name == intended and target else replier.label, asked, answer, None)
    return there.trace(asked, target or packet.dst, packet, reply)


class _Walk(Hooks):
    """One packet's way in one direction."""

    _flight: tuple[End, Frame] | None = None
    expected: Flow | None = None
    """From and to where the answer must come, for the program that waits for it."""

    # -- the walk ------------------------------------------------------------------------------------------------------

    def originate(self, ns: Namespace, packet: Packet) -> Packet:
        """Send from a program on this device; returns the packet with the source address that the device chose."""
        if not packet.src:
            packet = packet.with_source(_source_address(ns, packet.dst))
        self.wanted = packet.dst
        self.enter(ns, "")
        self.step(_ORIGINATE, "", packet, telling.sent, ns.label, packet)
        self._send_out(ns, packet)
        cables = 0
        while self._flight is not None:
            (end, frame), self._flight = self._flight, None
            cables += 1
            if cables > _MOST_CABLES:
                self.drop(self.network.namespace(self.hops[-1].device), end.link, frame.packet, Verdict.TTL_EXCEEDED,
                           "the frame goes round in circles between bridges")
                break
            self._arrive(self.network.namespace(end.namespace), end.link, frame)
        return packet

    def _send_out(self, ns: Namespace, packet: Packet) -> None:
        """A packet of the device's own, through its OUTPUT rules.  Where there is no way for it, they are not asked."""
        if ns.local_link(packet.dst) is None and ((way := ns.routes.lookup(packet.dst).winner) is None or way.kind):
            self._route(ns, packet, own=True)
            return
        rewritten = self.rewritten(ns, packet, OUTPUT)
        served = None if rewritten is None else self.balanced(ns, rewritten, OUTPUT)
        if served is None:
            return
        if ns.local_link(served.dst) is not None:
            self._to_itself(ns, served, served is not rewritten)
        else:
            self._route(ns, served, own=True, served=served is not rewritten)

    def _to_itself(self, ns: Namespace, packet: Packet, served: bool) -> None:
        """A packet of the device to itself; what IPVS has sent on may get another source where it leaves, by ``lo``."""
        if served:
            if not self.passes(ns, packet, OUTPUT, "", "lo"):
                return
            leaving = self.rewritten(ns, packet, POSTROUTING, out=ns.links["lo"])
            if leaving is None:
                return
            packet = leaving
        self._deliver(ns, "lo", packet, served)

    def _arrive(self, ns: Namespace, link_name: str, frame: Frame) -> None:
        link = ns.links[link_name]
        self.enter(ns, link_name)
        if frame.packet.size > link.mtu and not self.fragments.fit(link, frame.packet, _SPARE):
            self.drop(ns, link_name, frame.packet, Verdict.TOO_BIG,
                      f"the packet has {frame.packet.size} bytes, and {ns.label}'s {link_name} takes {link.mtu}: it is "
                      "dropped, and nobody is told")
        elif link.master:
            self._bridge(ns, link.master, frame, link)
        elif frame.dst_mac in (link.mac, BROADCAST_MAC):
            self._ip_in(ns, link, frame.packet)
        else:
            self.drop(ns, link_name, frame.packet, Verdict.NO_NEIGHBOUR,
                       f"the frame is for {frame.dst_mac}, and {ns.label}'s {link_name} is {link.mac}")

    def _bridge(self, ns: Namespace, name: str, frame: Frame, port: Link | None, known_at_door: bool = False) -> None:
        """Rule 1.  ``port`` is where the frame came in; None for a frame that the device itself sends out of the bridge.

        ``known_at_door``: the packet has been asked there already.
        """
        fdb, own = ns.fdb(name), ns.links[name]
        known = len(fdb)
        learnt: tuple[Change, ...] = ()
        if port is not None and fdb.learn(frame.src_mac, port.name):
            learnt = (Change(f"{ns.label} {name} FDB {frame.src_mac}", "", f"port {port.name}"),)
            known += 1
        wanted = frame.dst_mac
        if wanted == own.mac:
            self.step(_BRIDGE, name, frame.packet, telling.upwards, ns.label, own, known, learnt)
            shown = ns.bridge_nf and port is not None and port.tunnel is None
            if shown and not ns.rules.empty and frame.packet.version == 4:
                self.fragments.forgotten()
            self._ip_in(ns, own, frame.packet, frame if shown else None, port)
            return
        if port is not None and ns.bridge_nf and ns.name not in self.memory and not self.awaited:
            self.noticed(ns, frame.packet)
        if port is not None and ns.bridge_nf and ns.name in self.memory:
            home = self.memory[ns.name].restore(frame.packet)
            if home is not None and home.dst != frame.packet.dst:
                self._ip_in(ns, own, frame.packet, frame, port)  # it is to go elsewhere
                return
            if home is not None:
                self.translate_bridged(ns, frame.packet, home)
                frame = frame._replace(packet=home)
        entry = fdb.find(wanted)
        if entry is not None:
            out = ns.links[entry.dev]
            rows = fdb.rows() if known <= FEW_ROWS else (entry,)
            self.step(_BRIDGE, name, frame.packet, telling.switched, name, entry, rows, known, learnt)
        else:
            takers = [link for link in ns.ports(name) if link is not port
                      and (self._far_mac(link) == wanted or copy_taker(self.network, ns, link, wanted))]
            self.step(_BRIDGE, name, frame.packet, telling.flooded, name, wanted, known, learnt)
            if not takers:
                self.drop(ns, name, frame.packet, Verdict.NO_NEIGHBOUR,
                           f"behind no port of {name} is a device with the MAC address {wanted}")
                return
            out = takers[0]
        if port is not None and out.name == port.name and not port.hairpin:
            self.drop(ns, name, frame.packet, Verdict.NO_NEIGHBOUR,
                       f"{name} does not send a frame back out of the port it came in by ({port.name}; hairpin is off)")
            return
        if port is None or known_at_door or not ns.doors or self.admitted(ns, frame.packet, port.name, EGRESS, True):
            self._transmit(ns, out, frame, port is not None)

    def _ip_in(self, ns: Namespace, link: Link, packet: Packet, frame: Frame | None = None, port: Link | None = None) -> None:
        """Rule 2, and the door to rule 3.  ``frame`` came in at this ``port`` of a bridge whose packets the rules see."""
        if link.mtu < IPV6_LEAST_MTU and packet.version == 6:
            self.drop(ns, link.name, packet, Verdict.NO_ROUTE,
                      f"{ns.label}'s {link.name} takes {link.mtu} bytes; with less than {IPV6_LEAST_MTU} it has no IPv6")
            return
        rewritten = self.rewritten(ns, packet, PREROUTING, link.name)
        if rewritten is None or (ns.doors and not self.is_served(ns, rewritten)
                                 and not self.admitted(ns, rewritten, self.hops[-1].ingress, EGRESS)):
            return
        if packet.version == 4 and ns.local_link(packet.src) is not None:
            self.drop(ns, link.name, rewritten, Verdict.NO_ROUTE,
                      f"the packet comes from outside, but its source is {ns.label}'s own address: it is taken for forged "
                      "(a martian)")
            return
        before, packet = packet, rewritten
        if ns.local_link(packet.dst) is not None:
            self._deliver(ns, link.name, packet)
        elif (frame is not None and port is not None and packet.dst != before.dst
              and (ns.forwarding or packet.version == 6)  # br_netfilter looks for IPv6's way without asking for it
              and self._given_back(ns, link, packet, frame, port)):
            return
        elif not ns.forwarding and not (packet.version == 6 and ns.routes.lookup(packet.dst).winner is None):
            # IPv6 looks for a way first, and tells the sender if there is none.
            self.drop(ns, link.name, packet, Verdict.NO_ROUTE,
                       f"{packet.dst} is not {ns.label}'s address, and {ns.label} does not forward ("
                       f"{'net.ipv6.conf.all.forwarding' if packet.version == 6 else 'ip_forward'} is 0)")
        else:
            self._route(ns, packet, own=False, in_link=link.name)

    def _given_back(self, ns: Namespace, bridge: Link, packet: Packet, frame: Frame, port: Link) -> bool:
        """A packet with a new destination that is on the same bridge goes on as a frame: nobody routes it, its TTL stays."""
        route = ns.routes.lookup(packet.dst).winner
        if route is None or route.kind or route.dev != bridge.name:
            return False
        if not self.passes(ns, packet, FORWARD, bridge.name, bridge.name):
            return True
        self.unmasked = packet
        leaving = self.rewritten(ns, packet, POSTROUTING, out=bridge)
        if leaving is None:
            return True
        mac = self._resolve(ns, bridge, route.via or packet.dst, leaving)
        if mac:
            self._bridge(ns, bridge.name, Frame(frame.src_mac, mac, leaving), port, known_at_door=True)
        else:
            self.fail(ns, packet, Verdict.NO_NEIGHBOUR, f"{ns.label} asked on {bridge.name} who has {packet.dst}, and nobody "
                      "answered", False, "host unreachable")
        return True

    def _route(self, ns: Namespace, packet: Packet, own: bool, in_link: str = "", served: bool = False) -> None:
        """Rules 3 and 4.  ``own``: the packet begins here, so its TTL stays and errors go to the program, not by ICMP.

        ``served``: IPVS sends it on, which takes one from the TTL of the device's own packets too, and asks OUTPUT.
        """
        lookup, what = ns.routes.lookup(packet.dst), telling.ROUTE
        route = lookup.winner
        if route is not None and route.dev and ns.links[route.dev].program:
            self.step(_ROUTE, route.dev, packet, telling.taken_over, lookup, route, packet.dst)
            if own and packet.size > (most := ns.links[route.dev].mtu) and not self.fragments.made(packet, most, own):
                self.fail(ns, packet, Verdict.TOO_BIG, f"the packet has {packet.size} bytes, {ns.label}'s {route.dev} takes "
                          f"{most}, and it may not be cut", own, f"fragmentation needed, mtu {most}")
                return
            lookup, what = ns.maps.lookup(packet.dst), telling.MAP_ENTRY
            route = lookup.winner
        if route is None:
            self.step(_ROUTE, "", packet, telling.unrouted, ns.label, lookup, what, packet.dst)
            if what == telling.ROUTE:
                self.fail(ns, packet, Verdict.NO_ROUTE, f"{ns.label} has no route to {packet.dst}", own, "net unreachable")
            else:
                self.drop(ns, "", packet, Verdict.NO_ROUTE, f"{ns.label}'s eBPF maps have no entry for {packet.dst}")
            return
        if route.kind:
            self.step(_ROUTE, "", packet, telling.swallowed, lookup, route, what, packet.dst)
            self.drop(ns, "", packet, Verdict.NO_ROUTE, f"{ns.label}'s route '{route}' swallows the packet in silence: nobody "
                       f"has {packet.dst} now")
            return
        link = ns.links[route.dev]
        external = link.tunnel is not None and link.tunnel.external
        if not own and not external and packet.ttl <= 1:
            self.step(_ROUTE, route.dev, packet, telling.outlived, ns.label, lookup, route, what, packet.dst)
            self.fail(ns, packet, Verdict.TTL_EXCEEDED,
                      f"the packet reached {ns.label} with {packet.ttl_name} {packet.ttl}: "
                       "it may not travel further", own, "time exceeded")
            return
        ages = not external and (served or not own)
        aged = packet.aged() if ages else packet
        next_hop = route.via or packet.dst
        self.step(_ROUTE, route.dev, aged, telling.routed, lookup, route, what, packet, ages)
        mtu = route.mtu or link.mtu  # Linux believes the route, even where it says more than the interface
        if aged.size > mtu and not self.fragments.made(aged, mtu, own):
            limit = f"{ns.label}'s {link.name}" if mtu == link.mtu else f"{ns.label}'s route '{route.destination}'"
            why = "it may not be cut" if own or aged.version == 4 else "an IPv6 router cuts nothing"
            self.fail(ns, packet, Verdict.TOO_BIG, f"the packet has {aged.size} bytes, {limit} takes {mtu}, and {why}", own,
                      f"fragmentation needed, mtu {mtu}")
            return
        hook = OUTPUT if own or served else FORWARD
        if not self.passes(ns, aged, hook, in_link, link.name):
            return
        self.unmasked = None if own else aged  # a device is known as itself, whatever address its program took
        leaving = self.rewritten(ns, aged, POSTROUTING, out=link)
        if leaving is None:
            return
        aged = leaving
        if link.tunnel is not None and (external or link.tunnel.kind == "IPIP"):
            load = Frame(link.mac, BROADCAST_MAC, aged) if link.tunnel.port else aged
            self._encapsulate(ns, link, link.tunnel, load, next_hop)
            return
        if ns.doors and link.peer is not None and not self.admitted(ns, self.unmasked or aged, link.name, INGRESS):
            return  # what is not let in, no neighbour is asked for
        mac = self._resolve(ns, link, next_hop, aged)
        if not mac:
            asked = f"sent a neighbour solicitation for {next_hop} on {link.name}" if ":" in next_hop else (
                f"asked on {link.name} who has {next_hop}")
            self.fail(ns, packet, Verdict.NO_NEIGHBOUR, f"{ns.label} {asked}, and nobody answered", own, "host unreachable")
            return
        self._transmit(ns, link, Frame(link.mac, mac, aged), routed=True)

    def _encapsulate(self, ns: Namespace, link: Link, tunnel: Tunnel, load: Frame | Packet, remote: str) -> None:
        """Rule 4 for a tunnel: what would leave by it goes into a packet of the device's own to the tunnel's other end."""
        outer = encapsulated(load, tunnel, remote)
        inner = outer.carried
        assert inner is not None
        self.step(_ENCAPSULATE, link.name, outer, telling.wrapped, link.name, tunnel, outer, inner.size)
        self._send_out(ns, outer)

    def _open(self, ns: Namespace, link: Link, packet: Packet) -> None:
        """Rule 5: take out what a tunnel carried, as if it had come in by the tunnel's interface."""
        inner = packet.carried
        assert inner is not None
        self.fragments.joined()
        self.step(_DECAPSULATE, link.name, inner, telling.unwrapped, link, packet, inner.size)
        if isinstance(packet.inner, Frame) and link.master:
            frame = packet.inner
            if ns.fdb(link.name).learn(frame.src_mac, link.name, packet.src):
                self.tell(_BRIDGE, link.name, inner, Told(
                    f"{link.name} learns that {frame.src_mac} is on the machine {packet.src}", "", (), 0, "",
                    (Change(f"{ns.label} {link.name} FDB {frame.src_mac}", "", f"machine {packet.src}"),)))
            self._bridge(ns, link.master, frame, link)
            return
        if isinstance(packet.inner, Frame) and packet.inner.dst_mac not in (link.mac, BROADCAST_MAC):
            self.drop(ns, link.name, inner, Verdict.NO_NEIGHBOUR,
                      f"the inner frame is for {packet.inner.dst_mac}, and {ns.label}'s {link.name} is {link.mac}")
            return
        self._ip_in(ns, link, inner)

    def _resolve(self, ns: Namespace, link: Link, address: str, packet: Packet) -> str:
        row = ns.neighbours.find(address, link.name)
        if row is not None:
            self.step(_RESOLVE, link.name, packet, telling.known, ns.label, row)
            return row.mac
        found = resolve(self.network, ns, link, address, self._carries)
        asks, how = f"asks everybody on {link.name}'s wire who has {address}", ""
        if ":" in address:
            asks = f"sends a neighbour solicitation for {address} to the group {solicited_node(address)} on {link.name}'s wire"
            how = " with a neighbour advertisement"
        if not found.answers:
            why = f"{ns.label} {asks}: no answer"
        else:
            names = " and ".join(self.network.namespace(answer.namespace).label for answer in found.answers)
            why = f"{ns.label} {asks}: {names} answers"
            if len(found.answers) > 1:
                why = why.removesuffix("answers") + "answer"
                self.conflict = f"{names} both have the address {address}"
        matched = found.candidates[0].row if found.candidates else ""
        why += how if found.answers else ""
        self.tell(_RESOLVE, link.name, packet, Told(why, f"MAC address of {address}", found.candidates, 0, matched,
                                                          found.changed))
        return found.mac

    def _transmit(self, ns: Namespace, link: Link, frame: Frame, bridged: bool = False, routed: bool = False) -> None:
        if link.kind == "bridge":
            self._bridge(ns, link.name, frame, None)
        elif link.tunnel is not None:
            row = ns.tunnel_to(link.name, frame.dst_mac)
            remote = row.dst if row is not None else copy_taker(self.network, ns, link, frame.dst_mac)
            if not remote:
                self.drop(ns, link.name, frame.packet, Verdict.NO_NEIGHBOUR,
                          f"{link.name} has no FDB row that says on which machine {frame.dst_mac} is")
            else:
                self._encapsulate(ns, link, link.tunnel, frame, remote)
        elif link.peer is None:
            self.drop(ns, link.name, frame.packet, Verdict.NO_NEIGHBOUR, f"nothing is plugged into {ns.label}'s {link.name}")
        elif (bridged and ns.bridge_nf and frame.packet.version == 4
              and self.fragments.too_large_to_cut_again(frame.packet, link.mtu, ns.links[link.master].mtu)):
            self.drop(ns, link.name, frame.packet, Verdict.TOO_BIG,
                      f"the rules that see {link.master}'s packets need them whole, and {ns.label} cuts nothing again that "
                      f"came in larger pieces than {link.master} takes ({ns.links[link.master].mtu} bytes): nobody is told")
        elif link.master and frame.packet.size > link.mtu and not self._fits_port(link, frame.packet, bridged and ns.bridge_nf):
            self.drop(ns, link.name, frame.packet, Verdict.TOO_BIG,
                      f"the packet has {frame.packet.size} bytes, and {ns.label}'s port {link.name} takes {link.mtu}: a bridge "
                      "tells nobody")
        elif routed or not ns.doors or self.admitted(ns, self.unmasked or frame.packet, link.name, INGRESS, bridged):
            self.hops[-1].egress = link.name
            self._flight = (link.peer, frame)

    def _fits_port(self, port: Link, packet: Packet, seen: bool) -> bool:
        """Whether a packet that is larger than a port's MTU leaves by it.  ``seen``: the rules see what is bridged.

        Then it had to be put together, and what is IPv4 is cut again.
        """
        return self.fragments.fit(port, packet, 0 if seen else _SPARE) or (
            seen and packet.version == 4 and self.fragments.made(packet, port.mtu, False))

    def _deliver(self, ns: Namespace, link: str, packet: Packet, served: bool = False) -> None:
        """Rules 5 and 6: open what a tunnel carried, or find the program that takes the packet, and write the answer.

        What is for a virtual server of IPVS goes on from here instead, unless it comes from one (``served``).
        """
        if not self.passes(ns, packet, INPUT, link):
            return
        onward = packet if served else self.balanced(ns, packet, INPUT, link)
        if onward is None:
            return
        if onward is not packet:
            if ns.doors and not self.admitted(ns, onward, self.hops[-1].ingress, EGRESS):
                return
            packet = onward
            if ns.local_link(packet.dst) is None:
                self._route(ns, packet, own=False, in_link=link, served=True)
                return
        tunnel = ns.tunnel_for(packet) if packet.inner is not None else None
        if tunnel is not None:
            self._open(ns, tunnel, packet)
            return
        self.end = ns
        if self.awaited and self.expected is not None and ns.name == self.intended and self.expected != _answered_by(packet):
            src, _, _, src_port, dst_port = self.expected
            self.step(_DROP, link, packet, telling.unexpected, ns.label, packet)
            got = "an error about a packet it has not sent" if packet.is_icmp_error else (
                f"one from {packet.src} port {packet.src_port}")
            self.finish(Verdict.REFUSED, f"{ns.label} waits for an answer from {src} port {src_port} at port "
                        f"{dst_port}: {got} is nobody's", ns, None)
            return
        about = packet.about
        if self.awaited and self.expected is not None and ns.name == self.intended and about is not None and (
                about.inner is None and self.expected != answers_to(about)):
            self.step(_DROP, link, packet, telling.unexpected, ns.label, packet)
            self.finish(Verdict.REFUSED, f"{ns.label} is told of a packet to {about.dst} port {about.dst_port}, "
                        "which is nobody's: no program there has sent it so", ns, None)
            return
        if self.awaited:
            self.step(_DELIVER, link, packet, telling.answered, ns.label, packet)
            self.finish(Verdict.DELIVERED, f"the answer is back at {ns.label}", ns, None)
            return
        if packet.is_icmp:
            self.step(_DELIVER, link, packet, telling.pinged, ns.label, packet)
            self.finish(Verdict.DELIVERED, f"{ns.label} has the address {packet.dst} and answers the ping", ns,
                         packet.echoed())
            return
        door, listeners = f"{packet.protocol} port {packet.dst_port}", ns.listeners
        taker = None
        for row in listeners:
            if row.takes(packet.protocol, packet.dst_port, packet.dst):
                taker = row
                break
        self.step(_DROP if taker is None else _DELIVER, link, packet, telling.taken, ns.label, packet, listeners,
                  taker)
        if taker is not None:
            kind = "SYN-ACK" if packet.protocol == "TCP" else "answer"
            self.finish(Verdict.DELIVERED, f"{taker.program} in {ns.label} listens on {door} and takes the packet", ns,
                         packet.answered(kind))
            return
        answer = packet.answered("RST") if packet.protocol == "TCP" else packet.icmp_error("port unreachable", packet.dst)
        self.finish(Verdict.REFUSED, f"{ns.label} got the packet, but no program there listens on {door}", ns, answer)

    def _carries(self, ns: Namespace, link: Link, remote: str) -> bool:
        """Whether what this tunnel sends to a machine arrives there: a walk of its own, which leaves no trace."""
        assert link.tunnel is not None
        walk = _Walk(self.network, "", {}, True)
        probe = encapsulated(Frame(link.mac, BROADCAST_MAC, Packet(link.tunnel.local, remote)), link.tunnel, remote)
        walk.originate(ns, probe._replace(inner=None))
        return walk.verdict is Verdict.DELIVERED

    def _far_mac(self, link: Link) -> str:
        if link.peer is None:
            return ""
        return self.network.namespace(link.peer.namespace).links[link.peer.link].mac


def _answered_by(packet: Packet) -> Flow:
    """The flow of the answers to what this packet answers: its own, or that of the answers to what an error is about."""
    return flow_of(packet) if packet.about is None else answers_to(packet.about)


def _source_address(ns: Namespace, dst: str) -> str:
    """The address that Linux gives a packet whose program did not choose one: that of the route, or of its interface."""
    if ns.local_link(dst) is not None:
        return dst
    route = ns.routes.lookup(dst).winner
    if route is not None and not route.kind and (src := route.src or ns.links[route.dev].source_for(dst)):
        return src
    return ns.source_for(dst)
