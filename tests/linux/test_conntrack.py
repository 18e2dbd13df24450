"""NAT is undone exactly on the way back, for packets and for ICMP errors about them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k8snet_course.linux.conntrack import Conntrack, changes
from k8snet_course.linux.packet import Packet

addresses = st.integers(1, 254).map(lambda n: f"10.0.0.{n}")
ports = st.integers(1, 65535)
headers = (addresses, addresses, st.sampled_from(["TCP", "UDP"]), ports, ports, st.integers(1, 255), st.integers(0, 65_000),
           st.sampled_from(["", "SYN", "SYN-ACK", "RST"]), st.booleans())
plain = st.tuples(*headers).map(lambda fields: Packet(*fields))
# st.builds would make up packets within packets within packets: most of the time went there.
packets = st.tuples(*headers, st.none() | plain, st.none() | plain).map(lambda fields: Packet(*fields))


@given(packets, addresses, addresses, ports)
def test_the_answer_to_a_rewritten_packet_is_rewritten_back(sent: Packet, src: str, dst: str, port: int) -> None:
    rewritten = sent._replace(src=src, dst=dst, dst_port=port)
    memory = Conntrack()
    memory.note(sent, rewritten)
    home = memory.restore(rewritten.answered("answer"))
    assert home == sent.answered("answer")


@given(packets, addresses, addresses, ports)
def test_two_rewritings_of_one_packet_are_undone_at_once(sent: Packet, src: str, dst: str, port: int) -> None:
    """A hairpin: the destination is rewritten at PREROUTING, the source at POSTROUTING."""
    once = sent._replace(dst=dst, dst_port=port)
    twice = once._replace(src=src)
    memory = Conntrack()
    for before, after in ((sent, once), (once, twice)):
        if before != after:
            memory.note(before, after)
    if twice != sent:
        assert memory.restore(twice.answered("answer")) == sent.answered("answer")


@given(packets, addresses)
def test_an_icmp_error_about_a_rewritten_packet_finds_its_sender(sent: Packet, node: str) -> None:
    rewritten = sent._replace(src=node)
    memory = Conntrack()
    memory.note(sent, rewritten)
    home = memory.restore(rewritten.icmp_error("time exceeded", "192.0.2.1"))
    if node != sent.src:
        assert home is not None and home.dst == sent.src and home.about is not None and home.about.src == sent.src


@given(packets, packets, addresses)
def test_other_packets_are_left_alone(sent: Packet, other: Packet, node: str) -> None:
    memory = Conntrack()
    rewritten = sent._replace(src=node)
    memory.note(sent, rewritten)
    if (other.src, other.src_port, other.dst, other.dst_port, other.protocol) != (
            rewritten.dst, rewritten.dst_port, rewritten.src, rewritten.src_port, rewritten.protocol):
        assert memory.restore(other) is None


def test_what_changed() -> None:
    before = Packet("10.244.0.2", "10.96.0.10", "TCP", 40000, 80)
    after = before._replace(src="192.168.1.2", dst="10.244.1.2", dst_port=8080)
    assert [str(change) for change in changes(before, after)] == [
        "source: 10.244.0.2 -> 192.168.1.2", "destination: 10.96.0.10 -> 10.244.1.2", "destination port: 80 -> 8080"]
