"""The packets that a learner's words make."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidArgument
from k8snet_course.probe import is_address, probe


@pytest.mark.parametrize(("arguments", "text", "size"), [
    ((80, "TCP", 0), "TCP SYN :40000 -> 10.244.0.3:80, TTL 64", 40),
    ((53, "UDP", 12), "UDP :40000 -> 10.244.0.3:53, TTL 64", 40),
    ((None, "TCP", 0), "ICMP echo request  -> 10.244.0.3, TTL 64", 84),
    ((80, "ICMP", 1472), "ICMP echo request  -> 10.244.0.3, TTL 64", 1500),
])
def test_probes(arguments: tuple[int | None, str, int], text: str, size: int) -> None:
    packet = probe("10.244.0.3", *arguments)
    assert (str(packet), packet.size) == (text, size)
    assert packet.dont_fragment == (packet.protocol != "UDP"), "Linux sets DF for TCP; our ping is `ping -M do`"


@pytest.mark.parametrize("arguments", [(0, "TCP", 0), (65536, "TCP", 0), ("80", "TCP", 0), (True, "TCP", 0), (80, "SCTP", 0),
                                       (80, "TCP", -1), (80, "TCP", 65508), (80, "TCP", 1.5), (80, None, 0)])
def test_what_makes_no_packet(arguments: tuple[object, ...]) -> None:
    with pytest.raises(InvalidArgument):
        probe("10.244.0.3", *arguments)  # type: ignore[arg-type]


def test_addresses_and_names() -> None:
    assert is_address("10.244.0.3") and is_address("fd00::1")
    assert not any(map(is_address, ("backend", "10.244.0.300", None, 7)))
