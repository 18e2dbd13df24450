"""Which subnet a Docker network gets, and which address in it a container gets.

A network without a subnet of its own takes the first free one of Docker's pools that overlaps nothing on the host.  In it the
gateway has the first address.  A container on a bridge network gets the *lowest free* one: an address that somebody gave up is
the next to be given out.  An overlay network goes on behind the address that it gave last, as a pod network does.

Source: Docker Engine 29, libnetwork (ipamutils: the default pools; ipam and the swarm's allocator: the order of addresses).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import chain

from k8snet_course.errors import AddressesExhausted, AddressUnavailable

_LOCAL = (("172.17.0.0/16", 16), ("172.18.0.0/16", 16), ("172.19.0.0/16", 16), ("172.20.0.0/14", 16), ("172.24.0.0/14", 16),
          ("172.28.0.0/14", 16), ("192.168.0.0/16", 20))
_SWARM = (("10.0.0.0/8", 24),)


def local_pools() -> Iterator[IPv4Network]:
    """The subnets for networks of one host, in order.

    >>> pools = [str(pool) for pool in local_pools()]
    >>> len(pools), pools[0], pools[14], pools[15]
    (31, '172.17.0.0/16', '172.31.0.0/16', '192.168.0.0/20')
    """
    return _split(_LOCAL)


def swarm_pools() -> Iterator[IPv4Network]:
    """The subnets for overlay networks, in order.

    >>> next(swarm_pools())
    IPv4Network('10.0.0.0/24')
    """
    return _split(_SWARM)


def _split(pools: Iterable[tuple[str, int]]) -> Iterator[IPv4Network]:
    for base, length in pools:
        yield from IPv4Network(base).subnets(new_prefix=length)


def first_free(pools: Iterable[IPv4Network], taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first pool that overlaps nothing that is taken.  Raises AddressesExhausted.

    >>> first_free(local_pools(), [IPv4Network("172.17.0.0/16"), IPv4Network("172.16.0.0/14")])
    IPv4Network('172.20.0.0/16')
    """
    used = list(taken)
    for pool in pools:
        if not any(pool.overlaps(other) for other in used):
            return pool
    raise AddressesExhausted("Docker's address pools", "a pool that no other network overlaps",
                             "give the network a subnet of your own, such as subnet='10.99.0.0/24'")


class Pool:
    """The addresses of one network.  ``serial`` says that it goes on behind the last one, where others take the lowest free.

    >>> pool = Pool(IPv4Network("172.17.0.0/16"))
    >>> pool.gateway, pool.take(), pool.take()
    ('172.17.0.1', '172.17.0.2', '172.17.0.3')
    >>> pool.give_back("172.17.0.2")
    >>> pool.take()
    '172.17.0.2'
    """

    __slots__ = ("_last", "_serial", "_taken", "gateway", "subnet")

    def __init__(self, subnet: IPv4Network, gateway: str = "", *, serial: bool = False) -> None:
        self.subnet = subnet
        self.gateway = gateway or str(subnet[1])
        self._serial = serial
        self._taken = {int(IPv4Address(self.gateway))}
        self._last = int(subnet[0])

    def take(self, wanted: str = "") -> str:
        """The next address, or the very one that is ``wanted``.

        Raises AddressUnavailable for one that is taken or elsewhere, AddressesExhausted if none is left.
        """
        first, last = int(self.subnet[1]), int(self.subnet[-2])
        if wanted:
            number = int(IPv4Address(wanted))
            if not first <= number <= last or number in self._taken:
                raise AddressUnavailable(wanted, f"a free address of the subnet {self.subnet}", "leave the address out")
        else:
            begin = self._last + 1 if self._serial else first
            found = next((each for each in chain(range(begin, last + 1), range(first, begin)) if each not in self._taken), None)
            if found is None:
                raise AddressesExhausted(str(self.subnet), "a free address for the container",
                                         "remove a container, or make the network with a larger subnet")
            number = self._last = found
        self._taken.add(number)
        return str(IPv4Address(number))

    def give_back(self, address: str) -> None:
        """The address is free again.  One that was free already is no error."""
        self._taken.discard(int(IPv4Address(address)))
