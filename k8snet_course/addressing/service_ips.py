"""Which virtual address a Service gets: its ClusterIP.

The API server hands out the addresses of the Service range.  This module keeps its books; it does not know Services,
and nothing about how packets to such an address find a pod.

The rule, and its reason: people ask for addresses too (the cluster DNS, for one), and mostly low ones.  So addresses
that nobody asked for come from the upper band first.

Source: KEP-3070; Kubernetes documentation, "Service ClusterIP allocation"; Kubernetes, ipallocator.
"""

from __future__ import annotations

from random import Random

from k8snet_course.addressing.bands import Bands, offset_for
from k8snet_course.addressing.cidr import address, network, text_of
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, InvalidCidr

SHORTEST_IPV6_PREFIX = 64
"""Kubernetes takes no larger IPv6 Service range than a /64."""


class ServiceIpAllocator:
    """Hands out the addresses of one Service range: IPv4 or IPv6, never the network address nor IPv4's broadcast
    address.

    ``cidr`` is the range.  Kubernetes draws at random; ``seed`` makes the draws repeatable: the same seed and the
    same calls give the same addresses.  ``used`` and ``free`` are counts.  Raises InvalidCidr.  Source: KEP-3070.

        >>> services = ServiceIpAllocator("10.96.0.0/24")
        >>> services.allocate("10.96.0.10")
        '10.96.0.10'
        >>> services.static_band, services.dynamic_band
        (('10.96.0.1', '10.96.0.16'), ('10.96.0.17', '10.96.0.254'))
        >>> drawn = services.allocate()
        >>> services.is_static(drawn), drawn in services, services.used, services.free
        (False, True, 2, 252)
    """

    __slots__ = ("_bands", "_first", "_network", "_random")

    def __init__(self, cidr: str, seed: int = 0) -> None:
        self._network = network(cidr, "Service CIDR")
        if self._network.version == 6 and self._network.prefixlen < SHORTEST_IPV6_PREFIX:
            raise InvalidCidr(cidr, f"an IPv6 Service CIDR of /{SHORTEST_IPV6_PREFIX} or smaller",
                              f"write '{self._network.network_address}/112'")
        usable = self._network.num_addresses - (2 if self._network.version == 4 else 1)
        if usable < 1:
            raise InvalidCidr(cidr, "a Service CIDR with at least one address besides network and broadcast address",
                              "write a shorter prefix length")
        self._first = int(self._network.network_address) + 1
        self._bands = Bands(usable, offset_for(self._network.num_addresses, share=16, most=256))
        self._random = Random(seed)

    @property
    def cidr(self) -> str:
        """The whole range."""
        return str(self._network)

    @property
    def capacity(self) -> int:
        """How many addresses can be handed out.

            >>> ServiceIpAllocator("10.96.0.0/12").capacity
            1048574
        """
        return self._bands.size

    @property
    def used(self) -> int:
        """How many of them are taken."""
        return len(self._bands.taken)

    @property
    def free(self) -> int:
        """How many of them are left."""
        return self.capacity - self.used

    @property
    def allocated(self) -> tuple[str, ...]:
        """The addresses that are taken, in their order."""
        return tuple(self._text(position) for position in sorted(self._bands.taken))

    @property
    def static_band(self) -> tuple[str, str] | None:
        """The first and last address of the lower band, which is left to people; None in a small range.

            >>> ServiceIpAllocator("10.96.0.0/12").static_band
            ('10.96.0.1', '10.96.1.0')
        """
        return (self._text(0), self._text(self._bands.offset - 1)) if self._bands.offset else None

    @property
    def dynamic_band(self) -> tuple[str, str]:
        """The first and last address of the upper band, from which addresses are drawn first."""
        return self._text(self._bands.offset), self._text(self._bands.size - 1)

    def is_static(self, address: str) -> bool:
        """Whether an address lies in the lower band.  Raises AddressUnavailable or InvalidAddress."""
        return self._position(address) < self._bands.offset

    def allocate(self, requested: str | None = None) -> str:
        """Take the requested address, or one that is drawn: from the upper band, and only when that is full from the
        lower.

        Raises AddressUnavailable (taken, or out of range), AddressesExhausted or InvalidAddress.

            >>> services = ServiceIpAllocator("10.96.0.0/30")
            >>> services.allocate("10.96.0.1")
            '10.96.0.1'
            >>> services.allocate("10.96.0.1")
            Traceback (most recent call last):
            k8snet_course.errors.AddressUnavailable: not available: '10.96.0.1': expected a free address (failed to \
allocate IP 10.96.0.1: provided IP is already allocated); ask for another, or for none in particular.
        """
        if requested is None:
            drawn = self._bands.draw(self._random)
            if drawn is None:
                raise AddressesExhausted(self.cidr, f"a free address (range is full: all {self.capacity} are taken)",
                                         "delete a Service, or use a larger Service CIDR")
            return self._text(drawn)
        position = self._position(requested)
        if not self._bands.take(position):
            text = self._text(position)
            raise AddressUnavailable(text, f"a free address (failed to allocate IP {text}: provided IP is already "
                                     "allocated)", "ask for another, or for none in particular")
        return self._text(position)

    def release(self, value: str) -> None:
        """Give an address back.  As in Kubernetes, releasing one that is free or out of range is no error.

        Raises InvalidAddress.

            >>> services = ServiceIpAllocator("10.96.0.0/24")
            >>> services.release(services.allocate())
            >>> services.used
            0
        """
        found = address(value, "Service address")
        if found in self._network:
            self._bands.give_back(int(found) - self._first)

    def luck(self) -> object:
        """The state of the drawing, for :meth:`rewind`."""
        return self._random.getstate()

    def rewind(self, luck: object) -> None:
        """Draw from here on as one would have when ``luck`` was asked for; what is taken stays taken."""
        self._random.setstate(luck)  # type: ignore[arg-type] # it came from luck()

    def copy(self) -> ServiceIpAllocator:
        """Another allocator in the same state: what is tried on it does not change this one."""
        twin = ServiceIpAllocator(self.cidr)
        twin._bands = self._bands.copy()
        twin._random.setstate(self._random.getstate())
        return twin

    def __contains__(self, value: str) -> bool:
        found = address(value, "Service address")
        return found in self._network and int(found) - self._first in self._bands.taken

    def __repr__(self) -> str:
        return f"<ServiceIpAllocator {self.cidr}: {self.used} of {self.capacity} used>"

    def _text(self, position: int) -> str:
        """The address at a position."""
        return text_of(self._network.version, self._first + position)

    def _position(self, value: str) -> int:
        """The position of an address.  Raises AddressUnavailable when it is not one that can be handed out."""
        found = address(value, "Service address")
        position = int(found) - self._first
        if found.version != self._network.version or not 0 <= position < self._bands.size:
            raise AddressUnavailable(
                str(found), f"an address from {self._text(0)} to {self._text(self._bands.size - 1)} (provided IP is "
                f"not in the valid range. The range of valid IPs is {self.cidr})",
                "ask for one of these, or for none in particular")
        return position
