"""Which IPv6 address a packet comes from: RFC 6724's own examples, and what real Linux picks."""

from __future__ import annotations

import pytest

from k8snet_course.linux.source_address import best_source
from tests.cni.worlds import real


@pytest.mark.parametrize(("dst", "addresses", "best"), [
    ("2001:db8:1::1", ["2001:db8:3::2/64", "2001:db8:1::2/64"], "2001:db8:1::2"),
    ("2002:c633:6401::1", ["2001:db8:1::2/64", "2002:c633:6401::d5e3/64"], "2002:c633:6401::d5e3"),
    ("fd11::1", ["2001:db8:1::2/64", "fd99::2/64"], "fd99::2"),
    ("2001:db8:9::1", ["fd99::2/64", "2003::2/64"], "2003::2"),
    ("fd00:0:0:1::9", ["fd00:0:0:2::1/64", "fd00:0:0:3::1/64"], "fd00:0:0:2::1"),
    ("fd00::9", ["fd00::8/64", "fd00::1/64"], "fd00::8")])
def test_examples(dst: str, addresses: list[str], best: str) -> None:
    """The last but one: both share 62 bits with the destination; the last: of the 127 and 124 bits in common, 64 count."""
    assert best_source(dst, addresses) == best


def test_without_an_address() -> None:
    assert best_source("fd00::9", []) == ""


CASES = (("fd00:10:244::9", ("fd00:192:168:1::2/64", "fd00:10:244::1/128")),
         ("2001:db8::9", ("fd00:10:244::1/128", "2003::5/64")),
         ("fd00:10:244::9", ("2003::5/64", "2001:db8::1/64", "fdff::1/64")),
         ("2002:1::1", ("2003::5/64", "2002:2::5/64", "fd00::1/64")),
         ("2001::1", ("2001:db8::5/64", "2001:0:1::5/64")))


@pytest.mark.needs("ip", "root")
@pytest.mark.parametrize(("dst", "addresses"), CASES)
def test_linux_picks_the_same(dst: str, addresses: tuple[str, ...]) -> None:
    with real() as world:
        world.add("host")
        world.ip("host", "link add way type bridge")
        world.ip("host", "link set way up addrgenmode none")
        for number, address in enumerate(addresses):
            world.ip("host", f"link add d{number} type bridge")
            world.ip("host", f"addr add {address} dev d{number} nodad")
            world.ip("host", f"link set d{number} up")
        world.ip("host", f"route add {dst}/128 dev way")
        said = world.ip("host", f"route get {dst}").split()
    assert said[said.index("src") + 1] == best_source(dst, addresses)
