"""What a CNI configuration says about the addresses that host-local may hand out: ranges, and sets of ranges.

``parse`` is the one place where such a configuration is checked and its blanks are filled in, so that a half-valid
range cannot exist.  This module does not know which addresses are taken, or which comes next.

Source: containernetworking/plugins, host-local allocator/range.go and range_set.go (version 1.1.1 was run beside it).
Where an error has a counterpart there, its wording follows "host-local:" in ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from k8snet_course.addressing.cidr import Network, address, network, number_of, text_of
from k8snet_course.errors import AddressUnavailable, CidrOverlap, InvalidAddress, InvalidArgument, InvalidCidr

KEYS = ("subnet", "rangeStart", "rangeEnd", "gateway")
"""What a range may say.  Only ``subnet`` must be there."""

RangeSpec = str | Mapping[str, str]
"""A range as it is written: its subnet alone, or the object of a CNI configuration."""


@dataclass(frozen=True, slots=True)
class Range:
    """Consecutive addresses of one subnet, both ends included, and the gateway that pods with these addresses use.

    Addresses are kept as numbers (``version`` says of which family); ``start``, ``end``, ``gateway`` and ``subnet``
    give them as text.  Source: CNI plugins documentation, host-local, "ranges".

        >>> one = parse("10.244.0.0/24").ranges[0]
        >>> one.subnet, one.gateway, str(one), one.capacity
        ('10.244.0.0/24', '10.244.0.1', '10.244.0.1-10.244.0.254', 253)
    """

    version: int
    network: int
    prefix_length: int
    first: int
    last: int
    gateway_number: int

    @property
    def subnet(self) -> str:
        """The subnet that the range is a part of."""
        return f"{text_of(self.version, self.network)}/{self.prefix_length}"

    @property
    def start(self) -> str:
        """The first address."""
        return text_of(self.version, self.first)

    @property
    def end(self) -> str:
        """The last address."""
        return text_of(self.version, self.last)

    @property
    def gateway(self) -> str:
        """The gateway's address, which is never handed out.  It may lie outside the range."""
        return text_of(self.version, self.gateway_number)

    @property
    def capacity(self) -> int:
        """How many addresses can be handed out: 2 ** (32 - prefix length) - 3 for a whole IPv4 subnet.

        Three are not for pods: the network address, the gateway and the broadcast address.
        """
        return self.last - self.first + 1 - (self.first <= self.gateway_number <= self.last)

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class RangeSet:
    """Ranges of one address family that act as one pool, in the order in which they are used.

        >>> pool = parse([{"subnet": "10.0.0.0/30"}, {"subnet": "10.0.1.0/30"}])
        >>> str(pool), pool.capacity
        ('10.0.0.1-10.0.0.2,10.0.1.1-10.0.1.2', 2)
    """

    ranges: tuple[Range, ...]

    @property
    def version(self) -> int:
        """The IP version, 4 or 6."""
        return self.ranges[0].version

    @property
    def capacity(self) -> int:
        """How many addresses can be handed out."""
        return sum(each.capacity for each in self.ranges)

    @property
    def gateways(self) -> frozenset[int]:
        """The gateways that lie in their own range, as numbers: these are passed over."""
        return frozenset(each.gateway_number for each in self.ranges if each.first <= each.gateway_number <= each.last)

    def index_of(self, version: int, number: int) -> int | None:
        """The position of the range that an address is in, or None."""
        if version == self.version:
            for index, each in enumerate(self.ranges):
                if each.first <= number <= each.last:
                    return index
        return None

    def range_of(self, text: str) -> Range:
        """The range that an address is in.  Raises AddressUnavailable, or InvalidAddress.

            >>> parse("10.244.0.0/24").range_of("10.244.0.9").gateway
            '10.244.0.1'
        """
        index = self.index_of(*number_of(text))
        if index is None:
            found = address(text)
            raise AddressUnavailable(str(found), f"an address of the range set (host-local: {found} not in range set "
                                     f"{self})", f"ask for one from {self.ranges[0].start} to {self.ranges[0].end}")
        return self.ranges[index]

    def lap_after(self, last: tuple[int, int] | None) -> Iterator[int]:
        """Every address once, gateways too: from the one behind ``last`` around to ``last`` itself.

        ``last`` is (IP version, number).  Without it, or when it is in none of the ranges, the lap starts at the first
        range's start.

            >>> [text_of(4, each) for each in parse("10.0.0.0/29").lap_after((4, 10 << 24 | 4))]
            ['10.0.0.5', '10.0.0.6', '10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']
        """
        at = None if last is None else self.index_of(*last)
        if last is None or at is None:
            for each in self.ranges:
                yield from range(each.first, each.last + 1)
            return
        _, number = last
        yield from range(number + 1, self.ranges[at].last + 1)
        for each in self.ranges[at + 1 :] + self.ranges[:at]:
            yield from range(each.first, each.last + 1)
        yield from range(self.ranges[at].first, number + 1)

    def __str__(self) -> str:
        return ",".join(map(str, self.ranges))


def parse(spec: RangeSpec | Sequence[RangeSpec]) -> RangeSet:
    """Read one range set as CNI writes it: a list of ranges, or one range alone.

    Blanks are filled in: the gateway is the subnet's first address; a range goes from there to the last address (for
    IPv4 the last before the broadcast address).  Raises InvalidCidr, InvalidAddress, InvalidArgument or CidrOverlap.

        >>> str(parse([{"subnet": "10.244.0.0/24", "rangeStart": "10.244.0.100"}]))
        '10.244.0.100-10.244.0.254'
    """
    specs = [spec] if isinstance(spec, str | Mapping) else spec
    if not isinstance(specs, Sequence):
        raise InvalidArgument(spec, "a range set: a list of ranges such as {'subnet': '10.244.0.0/24'}",
                              "write [{'subnet': '10.244.0.0/24'}]")
    if not specs:
        raise InvalidArgument(list(specs), "a range set with at least one range (host-local: empty range set)",
                              "write [{'subnet': '10.244.0.0/24'}]")
    ranges = tuple(_range(each) for each in specs)
    for each in ranges:
        if each.version != ranges[0].version:
            raise InvalidCidr(each.subnet, f"an IPv{ranges[0].version} subnet, as the first range of the set has "
                              "(host-local: mixed address families)", "put it into a range set of its own")
    for one, two in combinations(ranges, 2):
        if one.first <= two.last and two.first <= one.last:
            raise CidrOverlap(two.subnet, f"ranges that share no address (host-local: subnets {one} and {two} overlap)",
                              "give one of them another subnet, or a rangeStart and rangeEnd")
    return RangeSet(ranges)


def _range(spec: RangeSpec) -> Range:
    """Read one range and fill in its blanks."""
    if isinstance(spec, str):
        spec = {"subnet": spec}
    if not isinstance(spec, Mapping) or "subnet" not in spec:
        raise InvalidArgument(spec, "a range: an object with at least 'subnet'", "write {'subnet': '10.244.0.0/24'}")
    for key in spec:
        if key not in KEYS:
            raise InvalidArgument(key, f"a key of a range: {', '.join(KEYS)}", "correct the key or leave it out")
    subnet = network(spec["subnet"], "subnet")
    if subnet.prefixlen > subnet.max_prefixlen - 2:
        raise InvalidCidr(str(subnet), f"a subnet of /{subnet.max_prefixlen - 2} or larger (host-local: Network "
                          f"{subnet} too small to allocate from)", "write a shorter prefix length")
    base, top = int(subnet.network_address), int(subnet.broadcast_address)
    # host-local checks the start against the end when both are given, and names the start.
    end = _member(spec, "rangeEnd", subnet, base, top)
    start = _member(spec, "rangeStart", subnet, base, top if end is None else end)
    start = base + 1 if start is None else start
    if end is None:
        end = top - 1 if subnet.version == 4 else top
    if start > end:
        name = "rangeEnd" if "rangeEnd" in spec else "rangeStart"
        raise _outside(spec[name], name, subnet)
    gateway = base + 1
    if "gateway" in spec:
        given = address(spec["gateway"], "gateway")
        if given.version != subnet.version:
            raise InvalidAddress(str(given), f"an IPv{subnet.version} gateway, as the subnet {subnet}",
                                 f"write '{subnet[1]}' or leave it out")
        gateway = int(given)
    return Range(subnet.version, base, subnet.prefixlen, start, end, gateway)


def _member(spec: Mapping[str, str], key: str, subnet: Network, low: int, high: int) -> int | None:
    """The address under a key, checked to be from ``low`` to ``high`` of the subnet; None when the key is not there."""
    if key not in spec:
        return None
    given = address(spec[key], key)
    if given.version != subnet.version or not low <= int(given) <= high:
        raise _outside(str(given), key, subnet)
    return int(given)


def _outside(given: str, key: str, subnet: Network) -> InvalidAddress:
    """The error for an end of a range that is not where it should be."""
    name = key[0].upper() + key[1:]
    return InvalidAddress(given, f"a {key} in the subnet, rangeStart not behind rangeEnd (host-local: {name} {given} "
                          f"not in network {subnet})", f"write an address of {subnet}")
