"""Longest-prefix match, against a direct reading of the rule."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.route import FEW_ROWS, Route, RouteTable

# Few different bits, so that networks often contain one another.
numbers = st.integers(0, 2**32 - 1).map(lambda n: n & 0xC00300FF)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    length = draw(st.integers(0, 32))
    net = IPv4Network((draw(numbers), length), strict=False)
    dst = "default" if length == 0 else str(net)
    return Route(dst, dev=draw(st.sampled_from(["eth0", "cni0"])), metric=draw(st.sampled_from([0, 0, 100])))


@given(st.lists(routes(), max_size=14), numbers.map(IPv4Address))
def test_longest_prefix_wins(rows: list[Route], address: IPv4Address) -> None:
    def net(row: Route) -> IPv4Network:
        return IPv4Network("0.0.0.0/0" if row.dst == "default" else row.dst)

    matching = [row for row in rows if address in net(row)]
    found = RouteTable(rows).lookup(str(address))
    if not matching:
        assert found.winner is None
        return
    assert found.winner is not None
    best = min((-net(row).prefixlen, row.metric) for row in matching)
    assert (-net(found.winner).prefixlen, found.winner.metric) == best
    assert sum(candidate.won for candidate in found.candidates) >= 1
    assert sum(candidate.matched for candidate in found.candidates) == len(matching)


@given(st.lists(routes(), max_size=14), numbers.map(IPv4Address))
def test_small_tables_show_every_row(rows: list[Route], address: IPv4Address) -> None:
    found = RouteTable(rows).lookup(str(address))
    assert len(found.candidates) + found.others == len(rows)
    if len(rows) <= FEW_ROWS:
        assert found.others == 0


def test_prints_as_ip_route_sorts() -> None:
    table = RouteTable([Route("192.168.1.0/24", dev="eth0"), Route("10.244.0.0/24", dev="cni0"),
                        Route("default", via="192.168.1.1", dev="eth0")])
    assert [str(row) for row in table] == ["default via 192.168.1.1 dev eth0", "10.244.0.0/24 dev cni0",
                                           "192.168.1.0/24 dev eth0"]


def test_losers_say_why() -> None:
    table = RouteTable([Route("default", via="10.244.0.1", dev="eth0"), Route("10.244.0.0/24", dev="eth0"),
                        Route("10.244.0.0/24", dev="eth1", metric=100), Route("172.16.0.0/12", dev="eth0")])
    why = {candidate.row: candidate.why for candidate in table.lookup("10.244.0.7").candidates}
    assert why == {
        "default via 10.244.0.1 dev eth0": "/0 matches, but is shorter",
        "10.244.0.0/24 dev eth0": "/24 matches and is the longest",
        "10.244.0.0/24 dev eth1 metric 100": "/24 matches, but has a higher metric",
        "172.16.0.0/12 dev eth0": "does not match",
    }


def test_ipv6_and_ipv4_do_not_mix() -> None:
    table = RouteTable([Route("default", via="10.244.0.1", dev="eth0"), Route("fd00:10:244::/64", dev="eth0")])
    assert str(table.lookup("fd00:10:244::7").winner) == "fd00:10:244::/64 dev eth0 metric 1024 pref medium"
    assert table.lookup("2001:db8::1").winner is None
