"""IPv6 on small networks built by hand: the same rules in other words, and what is really different.

What Linux does was tried on Linux 6.18 with iproute2 6.1; where it is cheap, the test asks it again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.forward import send
from k8snet_course.linux.link import End, Link, Tunnel, link_local, loopback, mac_from_address
from k8snet_course.linux.namespace import Listener, Namespace, bound
from k8snet_course.linux.neighbour import solicited_node
from k8snet_course.linux.netfilter import Rule, Rules
from k8snet_course.linux.packet import Frame, Packet
from k8snet_course.linux.route import Route, RouteTable, connected
from k8snet_course.linux.trace import Action, Trace, Verdict
from k8snet_course.linux.tunnel import encapsulated
from tests.cni.worlds import Real, real
from tests.linux.networks import HandMade, host, port, router, switch

A, B, R = "fd00:a::2", "fd00:b::2", "fd00:a::1"


def ping(dst: str, size: int = 56, cut: bool = False) -> Packet:
    return Packet("", dst, "ICMPv6", kind="echo request", payload=size, dont_fragment=not cut)


def two_wires(mtu: int = 1500, *more: Route, listen: str = "*") -> HandMade:
    """a on the left wire, b on the right one, and a router between; ``mtu`` is that of the router's right interface."""
    machines = [
        host(name, f"{address}/64", port(side, name), Route("::/0", via=gateway, dev="eth0"))
        for name, address, side, gateway in (("a", A, "left", R), ("b", B, "right", "fd00:b::1"))
    ]
    for machine in machines:
        machine.listeners = (Listener("TCP", 80, "server", listen),)
    between = router("r", "fd00:a::1/64", "fd00:b::1/64", *more, mtu=mtu)
    return HandMade(*machines, between, switch("left", "a", "r"), right())


def right() -> Namespace:
    """The right switch: the router's interface there is its second one."""
    made = switch("right", "b", "r")
    links = [replace(link, peer=End("r", "eth1")) if link.name == "to-r" else link for link in made.links.values()]
    return Namespace("right", "switch", links, RouteTable())


def whys(trace: Trace, action: Action) -> list[str]:
    return [step.why for _, step in trace.steps() if step.action is action]


# -- headers -----------------------------------------------------------------------------------------------------------


# RFC 8200: a header of 40 bytes; RFC 7348 and FACTS 5.6: VXLAN costs 50 bytes between IPv4 addresses, 70 between IPv6 ones.
@pytest.mark.parametrize(("protocol", "header"), [("TCP", 60), ("UDP", 48), ("ICMPv6", 48)])
def test_sizes(protocol: str, header: int) -> None:
    assert Packet(A, B, protocol, payload=100).size == header + 100


@given(st.integers(0, 1400), st.booleans(), st.booleans())
def test_what_vxlan_adds(size: int, inner_ipv6: bool, outer_ipv6: bool) -> None:
    inner = Packet(A, B, "UDP", payload=size) if inner_ipv6 else Packet("10.0.0.2", "10.0.1.2", "UDP", payload=size)
    ends = ("fd00:192:168:1::2", "fd00:192:168:1::3") if outer_ipv6 else ("192.168.1.2", "192.168.1.3")
    outer = encapsulated(Frame("", "", inner), Tunnel("VXLAN", ends[0], 1, 8472), ends[1])
    assert outer.size == inner.size + (70 if outer_ipv6 else 50)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("net unreachable", "no route to destination"),
        ("host unreachable", "address unreachable"),
        ("port unreachable", "port unreachable"),
        ("time exceeded", "time exceeded"),
        ("fragmentation needed, mtu 1400", "packet too big, mtu 1400"),
    ],
)  # RFC 4443
def test_icmpv6_has_its_own_words(kind: str, said: str) -> None:
    error = Packet(A, B, "UDP", payload=4000).icmp_error(kind, R)
    assert (error.protocol, error.kind, error.is_icmp_error) == ("ICMPv6", said, True)
    assert error.size == 1280, "an error quotes as much as fits into the least MTU"
    assert Packet(A, B, "UDP").icmp_error(kind, R).size == 48 + 48


def test_addresses_of_groups_and_links() -> None:
    assert solicited_node("2001:db8::1:800:200e:8c6c") == "ff02::1:ff0e:8c6c"  # the pattern of RFC 4291, section 2.7.1
    assert link_local("34:56:78:9a:bc:de") == "fe80::3656:78ff:fe9a:bcde"  # RFC 4291, appendix A: one bit is turned
    assert mac_from_address("fd00::2") != mac_from_address("fd00::3")


# -- text --------------------------------------------------------------------------------------------------------------


def test_ip_addr() -> None:
    link = Link("eth0", "veth", 2, "0a:58:0a:f4:00:02", addresses=("fd00:10:244::2/64", "10.244.0.2/24", "fe80::1/64"))
    assert [line.strip() for line in str(link).splitlines()[2:] if "valid" not in line] == [
        "inet 10.244.0.2/24 brd 10.244.0.255 scope global eth0",
        "inet6 fd00:10:244::2/64 scope global",
        "inet6 fe80::1/64 scope link",
    ]
    assert str(loopback(ipv6=True)).splitlines()[4:] == [
        "    inet6 ::1/128 scope host",
        "       valid_lft forever preferred_lft forever",
    ]
    assert link.address == "fd00:10:244::2" and link.source_for("10.9.9.9") == "10.244.0.2"
    assert Link("cali1", "veth", 3, "", addresses=("fe80::1/64",)).source_for(B) == "", "a link-local address goes nowhere else"


# As `ip -6 route` printed them after the commands that make them.
ROUTES = [
    (Route("fd00:1::2", dev="l1", scope="link"), "fd00:1::2 dev l1 metric 1024 pref medium"),
    (
        Route("fd00:1::/122", dev="", proto="bird", kind="blackhole"),
        "blackhole fd00:1::/122 dev lo proto bird metric 1024 pref medium",
    ),
    (
        Route("fd00:5::/64", via="fd00:5::", dev="cni0", proto="80", onlink=True),
        "fd00:5::/64 via fd00:5:: dev cni0 proto 80 metric 1024 onlink pref medium",
    ),
    (connected("v6x", "fd00:7::/128"), "fd00:7:: dev v6x proto kernel metric 256 pref medium"),
    (connected("cni0", "fd00:10:244::1/64"), "fd00:10:244::/64 dev cni0 proto kernel metric 256 pref medium"),
    (Route("::/0", via="fd00:10:244::9", dev="eth0"), "default via fd00:10:244::9 dev eth0 metric 1024 pref medium"),
]


def test_ip_6_route() -> None:
    assert [str(route) for route, _ in ROUTES] == [text for _, text in ROUTES]
    assert [str(route) for route in RouteTable(route for route, _ in reversed(ROUTES))] == [text for _, text in ROUTES]


def test_ipv4_routes_come_first() -> None:
    table = RouteTable(
        [Route("::/0", via=R, dev="eth0"), Route("10.0.0.0/8", dev="eth0"), Route("default", via="10.0.0.1", dev="eth0")]
    )
    assert [route.dst for route in table] == ["default", "10.0.0.0/8", "::/0"]


@pytest.mark.needs("ip", "root")
def test_iproute2_prints_the_same() -> None:
    with real() as world:
        world.add("m", "far")
        for link in ("l1", "cni0", "v6x", "eth0"):
            world.cable("m", link, "far", link)
            world.ip("m", f"link set {link} addrgenmode none")
            world.ip("m", f"-6 address flush dev {link}")
        for words in (
            "address add fd00:7::/128 dev v6x nodad",
            "address add fd00:10:244::1/64 dev cni0 nodad",
            "route add fd00:1::2 dev l1",
            "route add blackhole fd00:1::/122 proto bird",
            "route add fd00:5::/64 via fd00:5:: dev cni0 onlink proto 80",
            "route add fd00:10:244::9 dev eth0",
            "route add default via fd00:10:244::9 dev eth0",
            "route del fd00:10:244::9 dev eth0",
        ):
            world.ip("m", f"-6 {words}")
        assert [line.strip() for line in world.ip("m", "-6 route show").splitlines()] == [text for _, text in ROUTES]


# -- walks -------------------------------------------------------------------------------------------------------------


def test_a_ping_across_a_router() -> None:
    net = two_wires()
    trace = send(net, "a", ping(B))
    assert trace.answered and trace.hops[-1].steps[-1].packet.ttl == 63
    assert str(trace).splitlines()[0] == f"a -> {B}: ICMPv6 echo request {A} -> {B}, hop limit 64"
    assert [str(change) for _, step in trace.steps() for change in step.changed if change.field == "hop limit"] == [
        "hop limit: 64 -> 63"
    ]
    assert "TTL" not in str(trace) and "ARP" not in str(trace) and "everybody" not in str(trace)
    assert whys(trace, Action.RESOLVE)[0] == (
        f"a sends a neighbour solicitation for {R} to the group ff02::1:ff00:1 on eth0's wire: "
        "r answers with a neighbour advertisement"
    )
    assert str(next(iter(net.namespace("a").neighbours))) == f"{R} dev eth0 lladdr 02:aa:00:00:00:01 router REACHABLE"
    assert [row.router for row in net.namespace("r").neighbours] == [False, False]


def test_both_ip_versions_side_by_side() -> None:
    net = two_wires()
    for name, address in (("a", "10.0.0.2/24"), ("b", "10.0.1.2/24")):
        old = net.of[name]
        eth0 = old.links["eth0"]
        gateway = address.replace(".2/24", ".1")
        table = RouteTable([*old.routes, connected("eth0", address), Route("default", via=gateway, dev="eth0")])
        link = Link(eth0.name, eth0.kind, eth0.index, eth0.mac, addresses=(*eth0.addresses, address), peer=eth0.peer)
        net.of[name] = Namespace(name, "pod", [loopback(), link], table, listeners=old.listeners)
    old = net.of["r"]
    links = [
        Link(link.name, link.kind, link.index, link.mac, addresses=(*link.addresses, more), peer=link.peer)
        for link, more in ((old.links["eth0"], "10.0.0.1/24"), (old.links["eth1"], "10.0.1.1/24"))
    ]
    net.of["r"] = Namespace(
        "r",
        "router",
        links,
        RouteTable([*old.routes, connected("eth0", "10.0.0.1/24"), connected("eth1", "10.0.1.1/24")]),
        forwarding=True,
    )
    six, four = send(net, "a", Packet("", B, "TCP", 40000, 80)), send(net, "a", Packet("", "10.0.1.2", "TCP", 40000, 80))
    assert six.answered and six.packet.src == A
    assert four.answered and four.packet.src == "10.0.0.2"
    assert "neighbour solicitation" not in str(four)


@pytest.mark.parametrize(
    ("packet", "verdict", "reason", "answer"),
    [
        (
            ping("fd00:a::99"),
            Verdict.NO_NEIGHBOUR,
            "a sent a neighbour solicitation for fd00:a::99 on eth0, and nobody answered",
            "",
        ),
        (
            ping("fd00:b::99"),
            Verdict.NO_NEIGHBOUR,
            "r sent a neighbour solicitation for fd00:b::99 on eth1, and nobody answered",
            "address unreachable",
        ),
        (ping("2001:db8::1"), Verdict.NO_ROUTE, "r has no route to 2001:db8::1", "no route to destination"),
        (
            ping(B)._replace(ttl=1),
            Verdict.TTL_EXCEEDED,
            "the packet reached r with hop limit 1: it may not travel further",
            "time exceeded",
        ),
        (
            Packet("", B, "TCP", 40000, 81),
            Verdict.REFUSED,
            "b got the packet, but no program there listens on TCP port 81",
            "RST",
        ),
        (
            Packet("", B, "UDP", 40000, 53),
            Verdict.REFUSED,
            "b got the packet, but no program there listens on UDP port 53",
            "port unreachable",
        ),
        (ping("10.0.0.9"), Verdict.NO_ROUTE, "a has no route to 10.0.0.9", ""),
    ],
)
def test_what_goes_wrong(packet: Packet, verdict: Verdict, reason: str, answer: str) -> None:
    trace = send(two_wires(), "a", packet)
    assert (trace.verdict, trace.reason) == (verdict, reason)
    assert (trace.reply.packet.kind if trace.reply is not None else "") == answer
    assert trace.reply is None or trace.reply.delivered


def test_a_device_without_ipv6_has_no_address_to_put_there() -> None:
    net = two_wires()
    old = net.of["a"]
    net.of["a"] = Namespace(
        "a",
        "pod",
        [loopback(), Link("eth0", "veth", 2, "", addresses=("10.0.0.2/24",), peer=port("left", "a"))],
        RouteTable([connected("eth0", "10.0.0.2/24")]),
        learned=old.learned,
    )
    trace = send(net, "a", ping(B))
    assert trace.verdict is Verdict.NO_ROUTE and trace.packet.src == "::"


def test_a_router_without_forwarding() -> None:
    net = two_wires()
    net.of["r"].forwarding = False
    assert (
        send(net, "a", ping(B)).reason == f"{B} is not r's address, and r does not forward (net.ipv6.conf.all.forwarding is 0)"
    )


# MTU of the router's far link, bytes carried (48 more with the headers), may the sender cut, verdict.  RFC 8200, section 5.
@pytest.mark.parametrize(
    ("mtu", "size", "cut", "verdict"),
    [
        (1400, 1352, False, Verdict.DELIVERED),
        (1400, 1353, False, Verdict.TOO_BIG),
        (1400, 1353, True, Verdict.TOO_BIG),  # the sender's own way out takes 1,500: it has no reason to cut
        (1400, 3000, True, Verdict.TOO_BIG),  # its pieces of 1,500 bytes are too big as well
        (1500, 3000, True, Verdict.DELIVERED),
        (1500, 3000, False, Verdict.TOO_BIG),
    ],
)
def test_only_the_sender_cuts(mtu: int, size: int, cut: bool, verdict: Verdict) -> None:
    trace = send(two_wires(mtu), "a", ping(B, size, cut))
    assert trace.verdict is verdict
    if verdict is Verdict.TOO_BIG and trace.reply is not None:
        assert trace.reply.packet.kind == f"packet too big, mtu {mtu}" and trace.reply.delivered
        assert trace.reason == f"the packet has {size + 48} bytes, r's eth1 takes {mtu}, and an IPv6 router cuts nothing"


def test_an_ipv4_router_cuts_where_an_ipv6_router_does_not() -> None:
    """The same walk with IPv4 addresses arrives: this is what is different."""
    net = HandMade(
        host("a", "10.0.0.2/24", port("left", "a"), Route("default", via="10.0.0.1", dev="eth0")),
        host("b", "10.0.1.2/24", port("right", "b"), Route("default", via="10.0.1.1", dev="eth0")),
        router("r", "10.0.0.1/24", "10.0.1.1/24", mtu=1400),
        switch("left", "a", "r"),
        right(),
    )
    big = Packet("", "10.0.1.2", "UDP", 40000, 53, payload=1400, dont_fragment=False)
    assert send(net, "a", big).verdict is Verdict.REFUSED, "it arrived"
    assert send(two_wires(1400), "a", big._replace(dst=B)).verdict is Verdict.TOO_BIG


def test_nobody_answers_for_another_interface() -> None:
    """b asks on its wire for the router's address on the other one.  For IPv4, Linux answers (arp_ignore is 0)."""
    net = two_wires()
    old = net.of["b"]
    net.of["b"] = Namespace("b", "pod", old.links.values(), RouteTable([*old.routes, Route("fd00:a::1", dev="eth0")]))
    assert send(net, "b", ping("fd00:a::1")).verdict is Verdict.NO_NEIGHBOUR


class Unlisted(HandMade):
    """A network that keeps no list of who has a link-local address, as a cluster does not: every node has the same one."""

    def holders(self, address: str) -> Sequence[str]:
        return [] if address.startswith("fe80:") else super().holders(address)


def test_a_link_local_gateway() -> None:
    """What Calico does: every cable of a node has the same address at the node's end."""
    gateway = link_local("ee:ee:ee:ee:ee:ee")
    assert gateway == "fe80::ecee:eeff:feee:eeee"
    ends = [
        Link(f"cali{name}", "veth", 3 + number, "ee:ee:ee:ee:ee:ee", addresses=(f"{gateway}/64",), peer=End(name, "eth0"))
        for number, name in enumerate("ab")
    ]
    pods = [
        Namespace(
            name,
            "pod",
            [
                loopback(True),
                Link(
                    "eth0", "veth", 2, f"02:00:00:00:00:0{name}", addresses=(f"{address}/128",), peer=End("node", f"cali{name}")
                ),
            ],
            RouteTable([Route("::/0", via=gateway, dev="eth0")]),
            listeners=(Listener("TCP", 80, "server", "*"),),
        )
        for name, address in (("a", A), ("b", B))
    ]
    node = Namespace("node", "node", ends, RouteTable([Route(A, dev="calia"), Route(B, dev="calib")]), forwarding=True)
    trace = send(Unlisted(node, *pods), "a", Packet("", B, "TCP", 40000, 80))
    assert trace.answered and trace.hops[-1].steps[-1].packet.ttl == 63
    assert str(next(iter(pods[0].neighbours))) == f"{gateway} dev eth0 lladdr ee:ee:ee:ee:ee:ee router REACHABLE"


# -- rules and programs ------------------------------------------------------------------------------------------------


def test_each_ip_version_has_its_own_rules() -> None:
    """A rule without addresses drops everything of its own IP version, and nothing of the other."""
    drop = [Rule("FORWARD", "DROP")]
    for rules, rules6, verdict in (
        (Rules(filters=drop), Rules(), Verdict.DELIVERED),
        (Rules(), Rules(filters=drop), Verdict.DENIED_INGRESS),
    ):
        net = two_wires()
        old = net.of["r"]
        net.of["r"] = Namespace("r", "router", old.links.values(), old.routes, forwarding=True, rules=rules, rules6=rules6)
        assert send(net, "a", ping(B)).verdict is verdict


def test_masquerading_takes_the_address_of_the_right_ip_version() -> None:
    net = two_wires()
    old = net.of["r"]
    far = old.links["eth1"]
    links = [
        old.links["eth0"],
        Link(far.name, far.kind, far.index, far.mac, addresses=("10.9.9.1/24", *far.addresses), peer=far.peer),
    ]
    net.of["r"] = Namespace(
        "r",
        "router",
        links,
        old.routes,
        forwarding=True,
        rules6=Rules(nat=[Rule("POSTROUTING", "MASQUERADE", src="fd00:a::/64")]),
    )
    trace = send(net, "a", ping(B))
    assert trace.answered and trace.hops[-1].steps[-1].packet.src == "fd00:b::1"


@pytest.mark.parametrize(("listen", "answered"), [("*", True), ("0.0.0.0", False), (B, True), ("::1", False)])
def test_who_takes_ipv6(listen: str, answered: bool) -> None:
    assert send(two_wires(listen=listen), "a", Packet("", B, "TCP", 40000, 80)).answered is answered


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("0.0.0.0", "*", False),
        ("*", "::1", False),
        ("0.0.0.0", "::1", True),
        ("127.0.0.1", "::1", True),
        ("0.0.0.0", "127.0.0.1", False),
    ],
)
def test_which_sockets_exclude_each_other(one: str, other: str, both: bool) -> None:
    _, refused = bound([Listener("TCP", 80, "x", one), Listener("TCP", 80, "y", other)])
    assert (not refused) is both


# -- beside real Linux -------------------------------------------------------------------------------------------------


def wait_for(ready: Callable[[], bool]) -> None:
    """A cable that has just been plugged in drops what comes too early."""
    assert any(ready() or time.sleep(0.2) for _ in range(20))


def lay_out(world: Real) -> None:
    """Two wires with a router between: a - r - b, as ``two_wires`` has them."""
    world.add("a", "r", "b")
    for name, link, side in (("a", "eth0", "fd00:a"), ("b", "eth1", "fd00:b")):
        world.cable("r", link, name, "eth0")
        for where, dev, last in (("r", link, 1), (name, "eth0", 2)):
            world.ip(where, f"-6 address add {side}::{last}/64 dev {dev} nodad")
        world.ip(name, f"-6 route add default via {side}::1")
    world.exec("r", "sysctl -qw net.ipv6.conf.all.forwarding=1")


@pytest.mark.needs("ip", "ping", "root")
def test_real_linux_says_the_same() -> None:
    with real() as world:
        lay_out(world)
        wait_for(lambda: "ttl=63" in world.ping("a", B))
        assert "From fd00:a::1 icmp_seq=1 Destination unreachable: No route" in world.ping("a", "2001:db8::1")
        (row,) = [line for line in world.ip("a", "-6 neigh show dev eth0").splitlines() if line.startswith(f"{R} ")]
        assert row.split()[3] == "router"
        assert "ttl=" not in world.exec("a", f"ping -c 1 -W 1 -t 1 {B}", check=False)
        world.ip("r", "link set eth1 mtu 1400")
        assert "Packet too big: mtu=1400" in world.ping("a", B, 1353)
        world.ip("a", "-6 route flush cache")
        assert "Packet too big: mtu=1400" in world.exec("a", f"ping -c 1 -W 1 -M dont -s 3000 {B}", check=False)
        world.ip("r", "link set eth1 mtu 1279")
        assert "fd00:b" not in world.ip("r", "-6 address show dev eth1") + world.ip("r", "-6 route show")
