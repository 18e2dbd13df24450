"""IPVS: each scheduler by its formula (FACTS 7.5), and the virtual servers' table."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.packet import Packet
from k8snet_course.services.kube_proxy.proxy import Settings, decide
from k8snet_course.services.kube_proxy.schedulers import SCHEDULERS, Server, schedule, weighted_order
from tests.services.worlds import NODES, is_local, proxied, web


def servers(*rows: tuple[int, int, int]) -> tuple[Server, ...]:
    """Servers a, b, c, ... from (weight, active, inactive)."""
    return tuple(Server("abcdef"[number], *row) for number, row in enumerate(rows))


@pytest.mark.parametrize(("scheduler", "rows", "turn", "expected"), [
    ("rr", [(1, 0, 0)] * 3, 0, "a"), ("rr", [(1, 0, 0)] * 3, 4, "b"), ("rr", [(1, 0, 0), (0, 0, 0), (1, 0, 0)], 1, "c"),
    ("lc", [(1, 1, 0), (1, 0, 255), (1, 0, 300)], 0, "b"), ("lc", [(1, 1, 0), (1, 0, 257)], 0, "a"),
    ("lc", [(9, 2, 0), (1, 1, 0)], 0, "b"),
    ("wlc", [(9, 2, 0), (1, 1, 0)], 0, "a"), ("wlc", [(2, 2, 0), (1, 1, 0)], 0, "a"),
    ("sed", [(1, 1, 0), (3, 4, 0)], 0, "b"), ("sed", [(1, 0, 0), (3, 1, 0)], 0, "b"),
    ("nq", [(1, 0, 0), (3, 1, 0)], 0, "a"), ("nq", [(1, 1, 0), (3, 1, 0)], 0, "b"),
])
def test_formulas(scheduler: str, rows: list[tuple[int, int, int]], turn: int, expected: str) -> None:
    found = schedule(scheduler, servers(*rows), turn)
    assert found is not None and found.name == expected


@pytest.mark.parametrize(("weights", "order"), [
    ((1, 1, 1), (0, 1, 2)), ((4, 3, 2), (0, 0, 1, 0, 1, 2, 0, 1, 2)), ((4, 2), (0, 0, 1)), ((5,), (0,))])
def test_weighted_round_robin(weights: tuple[int, ...], order: tuple[int, ...]) -> None:
    assert weighted_order(weights) == order
    assert [schedule("wrr", servers(*((weight, 0, 0) for weight in weights)), turn) for turn in range(len(order))] == [
        Server("abcdef"[place], weights[place]) for place in order]


def test_hashing_looks_at_one_end_only() -> None:
    three = servers(*[(1, 0, 0)] * 3)
    clients = [f"10.244.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    for scheduler in ("sh", "mh"):
        by_source = [schedule(scheduler, three, src=src, dst="10.96.0.1") for src in clients]
        assert by_source == [schedule(scheduler, three, turn=5, src=src, dst="10.96.0.9") for src in clients]
        assert all(count > 250 for count in Counter(by_source).values()), "every server has its share of the clients"
    assert len({schedule("dh", three, src=src, dst="10.96.0.1") for src in clients}) == 1
    assert len({schedule("dh", three, src="10.0.0.1", dst=dst) for dst in clients}) == 3


def test_maglev_moves_few_clients_when_a_server_goes() -> None:
    three, two = servers(*[(1, 0, 0)] * 3), servers(*[(1, 0, 0)] * 2)
    clients = [f"10.244.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    stayed = [schedule("mh", two, src=src) == schedule("mh", three, src=src) for src in clients
              if schedule("mh", three, src=src) != Server("c")]
    assert sum(stayed) > 0.9 * len(stayed)


def test_locality_leaves_a_destination_where_it_is_until_that_server_has_too_much() -> None:
    def pick(rows: list[tuple[int, int, int]], previous: str) -> str:
        found = schedule("lblc", servers(*rows), previous=previous)
        assert found is not None
        return found.name

    assert pick([(2, 0, 0), (2, 1, 0)], "b") == "b"
    assert pick([(2, 0, 0), (2, 3, 0)], "b") == "a"
    assert pick([(2, 1, 0), (2, 3, 0)], "b") == "b", "no other has less than half of what it could have"
    assert pick([(2, 1, 0), (2, 0, 0)], "") == "b"
    assert pick([(2, 1, 0), (2, 0, 0)], "gone") == "b"


@given(st.sampled_from(SCHEDULERS), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.integers(0, 5)), max_size=5),
       st.integers(0, 50))
def test_only_servers_with_a_weight_are_chosen(scheduler: str, rows: list[tuple[int, int, int]], turn: int) -> None:
    given_servers = servers(*rows)
    found = schedule(scheduler, given_servers, turn, "10.0.0.1", "10.96.0.1", "a")
    assert (found is None) == (not any(server.weight for server in given_servers))
    assert found is None or (found in given_servers and found.weight > 0)
    if found is not None and scheduler in ("lc", "wlc") and len({row[0] for row in rows}) == 1:
        assert found.overhead == min(server.overhead for server in given_servers), "with equal weights the two are one"


def test_an_unknown_scheduler_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="write 'rr'"):
        schedule("fifo", ())


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_connections_are_counted_and_choose(scheduler: str) -> None:
    proxy, memory = proxied("ipvs", web(), settings=Settings(scheduler=scheduler)), Memory()
    rules, local = proxy.rules(NODES[0]), is_local(NODES[0], *proxy.addresses(NODES[0]))
    found = []
    for port in range(20000, 20006):
        decision = decide(rules, Packet("10.244.0.9", "10.96.0.20", "TCP", port, 80), local, memory=memory)
        memory.note(decision.remember)
        found.append(decision.backend)
    turns = ["10.244.1.3:8080", "10.244.1.2:8080", "10.244.0.2:8080"] * 2  # who was added last is the first
    if scheduler in ("rr", "wrr", "lc", "wlc", "sed", "nq"):
        assert found == turns
    elif scheduler == "lblc":
        assert found[0] == found[1] == turns[0], "the destination stays where it is until that server has too much"
        assert len(set(found)) > 1
    else:
        assert len(set(found)) == 1, "one client and one destination have one place in the table"
    assert memory.total("TCP 10.96.0.20:80") == 6


def test_a_client_that_stays_takes_no_turn() -> None:
    """Tried on Linux 6.1: round robin goes on where it was when somebody new comes."""
    proxy, memory = proxied("ipvs", web(session_affinity="ClientIP")), Memory()
    rules, local, found = proxy.rules(NODES[0]), is_local(NODES[0], *proxy.addresses(NODES[0])), []
    for port, client in enumerate((9, 9, 9, 10, 9, 11), start=20000):
        decision = decide(rules, Packet(f"10.244.0.{client}", "10.96.0.20", "TCP", port, 80), local, memory=memory)
        memory.note(decision.remember)
        found.append(decision.backend)
    first, second, third = "10.244.1.3:8080", "10.244.1.2:8080", "10.244.0.2:8080"
    assert found == [first, first, first, second, first, third]


def test_a_closed_connection_counts_no_more() -> None:
    proxy, memory = proxied("ipvs", web(), settings=Settings(scheduler="lc")), Memory()
    rules, local = proxy.rules(NODES[0]), is_local(NODES[0])
    packet = Packet("10.244.0.9", "10.96.0.20", "TCP", 20000, 80)
    for _ in range(3):
        memory.note(decide(rules, packet, local, memory=memory).remember)
    memory.closed("TCP 10.96.0.20:80", "10.244.1.3:8080")
    assert decide(rules, packet, local, memory=memory).backend == "10.244.1.3:8080"


def test_the_table_as_ipvsadm_prints_it() -> None:
    proxy, memory = proxied("ipvs", web(type="NodePort", session_affinity="ClientIP")), Memory()
    memory.note([("TCP 10.96.0.20:80", "10.244.0.2:8080")])
    assert proxy.text(NODES[0], memory=memory).splitlines() == [
        "IP Virtual Server version 1.2.1 (size=4096)",
        "Prot LocalAddress:Port Scheduler Flags",
        "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
        "TCP  10.96.0.20:80 rr persistent 10800",
        "  -> 10.244.0.2:8080              Masq    1      1          0",
        "  -> 10.244.1.2:8080              Masq    1      0          0",
        "  -> 10.244.1.3:8080              Masq    1      0          0",
        "TCP  192.168.1.2:30080 rr persistent 10800",
        "  -> 10.244.0.2:8080              Masq    1      0          0",
        "  -> 10.244.1.2:8080              Masq    1      0          0",
        "  -> 10.244.1.3:8080              Masq    1      0          0",
    ]
    assert proxy.addresses(NODES[0]) == ("10.96.0.20",)
