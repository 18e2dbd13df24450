"""Which address the next pod gets: the host-local IPAM plugin.

Each node has one such allocator over its own range.  It decides which address comes next and remembers who holds
which.  It does not know pods, bridges or other nodes, and touches no disk: :mod:`k8snet_course.addressing.store`
gives its memory the form that the real plugin keeps in files.

The rule, and its reason: round robin.  The next address is the first free one *behind the last one handed out*,
around the end of the range if need be.  So an address just given back rests as long as possible: a container that
crashes and comes back does not see its old address, and old connections do not reach a stranger.

Source: containernetworking/plugins, host-local allocator/allocator.go and disk/backend.go (version 1.1.1 was run
beside it).  Where an error has a counterpart there, its wording follows "host-local:" in ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from k8snet_course.addressing import store
from k8snet_course.addressing.cidr import address, number_of, text_of
from k8snet_course.addressing.range_set import Range, RangeSet, RangeSpec, parse
from k8snet_course.addressing.store import Holder, holder_of
from k8snet_course.errors import AddressesExhausted, AddressUnavailable, AlreadyExists


class Candidate(NamedTuple):
    """An address that ``allocate`` would consider, and why it would pass it over (None: it would take it).

        >>> Candidate("10.244.0.1", "gateway")
        Candidate(address='10.244.0.1', skipped='gateway')
    """

    address: str
    skipped: str | None


class HostLocal:
    """Hands out the addresses of one range set, as the host-local plugin does for the pods of one node.

    ``ranges`` is one range set as CNI writes it, a list of objects with ``subnet`` and, if wanted, ``rangeStart``,
    ``rangeEnd`` and ``gateway``; one such object or a subnet alone will do.  ``reserved`` says what is held already:
    address -> container id, or (container id, interface name).  ``last_reserved`` is the address that was handed out
    last.

    A reservation outside the ranges is kept, as a file in the plugin's directory would be, but changes nothing.
    Addresses come and go as canonical text.  Raises InvalidCidr, InvalidAddress, InvalidArgument or CidrOverlap.
    Source: CNI plugins, host-local.

        >>> node = HostLocal("10.244.0.0/24")
        >>> node.allocate("frontend"), node.allocate("backend")  # .1 is the gateway's
        ('10.244.0.2', '10.244.0.3')
        >>> node.release("frontend")
        ('10.244.0.2',)
        >>> node.allocate("frontend")  # not .2: that one rests until the range has been run through
        '10.244.0.4'
        >>> node.used, node.free, node.capacity
        (2, 251, 253)
    """

    __slots__ = ("_by_container", "_gateways", "_holders", "_last", "_strays", "capacity", "range_set", "version")

    def __init__(self, ranges: RangeSpec | Sequence[RangeSpec], reserved: Mapping[str, str | Holder] | None = None,
                 last_reserved: str | None = None) -> None:
        self.range_set: RangeSet = parse(ranges)
        self.version: int = self.range_set.version
        """The IP version of the addresses, 4 or 6."""
        self.capacity: int = self.range_set.capacity
        """How many addresses can be handed out, held or not."""
        self._gateways = self.range_set.gateways
        self._last = None if last_reserved is None else number_of(last_reserved)
        self._holders: dict[int, tuple[str, str]] = {}  # plain tuples: the garbage collector lets them be
        self._strays: dict[str, Holder] = {}
        self._by_container: dict[str, tuple[int, ...]] = {}
        for text, given in (reserved or {}).items():
            container_id, ifname = (given, "eth0") if isinstance(given, str) else given
            self._keep(str(address(text)), holder_of(container_id, ifname))

    # -- asking ------------------------------------------------------------------------------------------------------

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges, with their blanks filled in."""
        return self.range_set.ranges

    @property
    def used(self) -> int:
        """How many of them are held."""
        return len(self._holders)

    @property
    def free(self) -> int:
        """How many of them are left."""
        return self.capacity - self.used

    @property
    def reserved(self) -> dict[str, Holder]:
        """Who holds which address, in the order in which they were taken.

            >>> HostLocal("10.244.0.0/24", {"10.244.0.9": "6f7a1e"}).reserved
            {'10.244.0.9': Holder(container_id='6f7a1e', ifname='eth0')}
        """
        return {text_of(self.version, number): Holder(*holder) for number, holder in self._holders.items()} | self._strays

    @property
    def last_reserved(self) -> str | None:
        """The address that was handed out last, whether it is still held or not; None on a new node."""
        return None if self._last is None else text_of(*self._last)

    def addresses_of(self, container_id: str, ifname: str | None = None) -> tuple[str, ...]:
        """The addresses that a container holds, on one interface or (``ifname=None``) on all.

            >>> HostLocal("10.244.0.0/24", {"10.244.0.9": "6f7a1e"}).addresses_of("6f7a1e")
            ('10.244.0.9',)
        """
        pool = tuple(text_of(self.version, number) for number in self._numbers_of(container_id, ifname))
        return pool + tuple(text for text, holder in self._strays.items() if holder.matches(container_id, ifname))

    def gateway_of(self, address: str) -> str:
        """The gateway of the range that an address is in.  Raises AddressUnavailable or InvalidAddress.

            >>> HostLocal("10.244.0.0/24").gateway_of("10.244.0.2")
            '10.244.0.1'
        """
        return self.range_set.range_of(address).gateway

    def prefix_length_of(self, address: str) -> int:
        """The prefix length (bits) of the subnet that an address is in.  Raises AddressUnavailable or InvalidAddress.

            >>> HostLocal("10.244.0.0/24").prefix_length_of("10.244.0.2")
            24
        """
        return self.range_set.range_of(address).prefix_length

    def next_candidates(self) -> Iterator[Candidate]:
        """One lap of the addresses in the order in which ``allocate`` considers them, and why each is passed over.

        It takes the first whose ``skipped`` is None.  The address that was handed out last comes last.

            >>> node = HostLocal("10.0.0.0/29", {"10.0.0.4": "a", "10.0.0.5": "b"}, last_reserved="10.0.0.4")
            >>> for candidate in node.next_candidates():
            ...     print(candidate.address, candidate.skipped)
            10.0.0.5 held by b eth0
            10.0.0.6 None
            10.0.0.1 gateway
            10.0.0.2 None
            10.0.0.3 None
            10.0.0.4 held by a eth0
        """
        for number in self.range_set.lap_after(self._last):
            holder = self._holders.get(number)
            yield Candidate(text_of(self.version, number),
                            "gateway" if number in self._gateways else f"held by {Holder(*holder)}" if holder else None)

    def peek(self) -> str:
        """The address that ``allocate`` would hand out next.  Raises AddressesExhausted.

            >>> HostLocal("10.244.0.0/24", last_reserved="10.244.0.7").peek()
            '10.244.0.8'
        """
        return text_of(self.version, self._next())

    # -- changing ----------------------------------------------------------------------------------------------------

    def allocate(self, container_id: str, ifname: str = "eth0", requested: str | None = None) -> str:
        """CNI ADD: take the next free address, or the requested one, for an interface of a container.

        As in the reference, a container that holds an address gets a second one only by asking for it.  Raises
        AddressesExhausted, AddressUnavailable (the requested one is held, the gateway, or out of range), AlreadyExists,
        InvalidAddress or InvalidArgument.

            >>> node = HostLocal("10.244.1.0/30")
            >>> node.allocate("a")
            '10.244.1.2'
            >>> node.allocate("b")
            Traceback (most recent call last):
            k8snet_course.errors.AddressesExhausted: nothing free in '10.244.1.1-10.244.1.2': expected a free address \
(host-local: no IP addresses available in range set: 10.244.1.1-10.244.1.2); delete a pod of this node, release what \
dead containers still hold, or use a larger range.
        """
        holder = holder_of(container_id, ifname)
        number = self._next_for(holder) if requested is None else self._if_available(requested)
        self._hold(number, holder)
        self._last = self.version, number
        return text_of(self.version, number)

    def release(self, container_id: str, ifname: str | None = None) -> tuple[str, ...]:
        """CNI DEL: give back what a container holds, on one interface or (``ifname=None``) on all.

        It returns the addresses.  Releasing what is not held is no error (DEL may be repeated).  The last handed-out
        address is not forgotten.  Source: CNI specification 1.1.0, DEL.

            >>> node = HostLocal("10.244.0.0/24", {"10.244.0.9": "6f7a1e"})
            >>> node.release("6f7a1e"), node.release("6f7a1e")
            (('10.244.0.9',), ())
        """
        released = self.addresses_of(container_id, ifname)
        numbers = self._numbers_of(container_id, ifname)
        for number in numbers:
            del self._holders[number]
        if numbers:
            left = tuple(number for number in self._by_container[container_id] if number not in numbers)
            if left:
                self._by_container[container_id] = left
            else:
                del self._by_container[container_id]
        for text in released:
            self._strays.pop(text, None)
        if not released and ifname:  # what an old version of the plugin wrote, which did not note the interface
            return self.release(container_id, "")
        return released

    def copy(self) -> HostLocal:
        """Another allocator in the same state: what is tried on it does not change this one."""
        twin = HostLocal.__new__(HostLocal)
        twin.range_set, twin.version, twin.capacity = self.range_set, self.version, self.capacity
        twin._gateways, twin._last = self._gateways, self._last
        twin._holders, twin._strays = dict(self._holders), dict(self._strays)
        twin._by_container = dict(self._by_container)
        return twin

    # -- on disk -----------------------------------------------------------------------------------------------------

    def to_files(self, set_index: int = 0) -> dict[str, str]:
        """What ``/var/lib/cni/networks/<network>/`` would hold: file name -> content.

        ``set_index`` says which range set of the configuration this is, counted from 0.

            >>> node = HostLocal("10.244.0.0/24")
            >>> _ = node.allocate("6f7a1e")
            >>> node.to_files()
            {'10.244.0.2': '6f7a1e\\r\\neth0', 'last_reserved_ip.0': '10.244.0.2'}
        """
        return store.write(self.reserved, self.last_reserved, set_index)

    @classmethod
    def from_files(cls, ranges: RangeSpec | Sequence[RangeSpec], files: Mapping[str, str],
                   set_index: int = 0) -> HostLocal:
        """An allocator that goes on where the plugin stopped; ``files`` is what ``to_files`` gives or a node has.

        As the plugin, it takes each file that is named by an address for a reservation, whatever is in it, and passes
        over all other files.  Raises what ``HostLocal(ranges)`` raises.

            >>> HostLocal.from_files("10.244.0.0/24", {"10.244.0.2": "6f7a1e\\r\\neth0", "lock": ""}).peek()
            '10.244.0.3'
        """
        reserved, last_reserved = store.read(files, set_index)
        made = cls(ranges, last_reserved=last_reserved)
        for text, holder in reserved.items():
            made._keep(text, holder)
        return made

    def __repr__(self) -> str:
        return f"<HostLocal {self.range_set}: {self.used} of {self.capacity} used, last {self.last_reserved}>"

    # -- inside ------------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        """The first free address of a lap.  Raises AddressesExhausted."""
        if self._last is not None and len(self.range_set.ranges) == 1:  # nearly always the one behind the last is free
            behind, its = self._last[1] + 1, self.range_set.ranges[0]
            if its.first < behind <= its.last and behind not in self._holders and behind not in self._gateways:
                return behind
        if len(self._holders) < self.capacity:
            for number in self.range_set.lap_after(self._last):
                if number not in self._holders and number not in self._gateways:
                    return number
        raise AddressesExhausted(
            str(self.range_set),
            f"a free address (host-local: no IP addresses available in range set: {self.range_set})",
            "delete a pod of this node, release what dead containers still hold, or use a larger range")

    def _next_for(self, holder: Holder) -> int:
        """The next address for a holder that has none yet."""
        container_id, ifname = holder
        if container_id not in self._by_container:
            return self._next()
        held = self._numbers_of(container_id, ifname) or self._numbers_of(container_id, "")
        if held:
            text = min(text_of(self.version, number) for number in held)
            raise AlreadyExists(container_id, f"a container whose {ifname} has no address yet (host-local: {text} has "
                                f"been allocated to {container_id}, duplicate allocation is not allowed)",
                                "release it first, or give another container id or interface name")
        return self._next()

    def _if_available(self, requested: str) -> int:
        """A requested address, if it can be had."""
        its_range = self.range_set.range_of(requested)
        text, number = str(address(requested)), number_of(requested)[1]
        if number == its_range.gateway_number:
            raise AddressUnavailable(text, f"an address that a pod may have (host-local: requested ip {text} is "
                                     "subnet's gateway)", "ask for another, or for none in particular")
        if number in self._holders:
            raise AddressUnavailable(text, f"an address that nobody holds, and {Holder(*self._holders[number])} holds it "
                                     f"(host-local: requested IP address {text} is not available in range set "
                                     f"{self.range_set})",
                                     "ask for another, or for none in particular")
        return number

    def _numbers_of(self, container_id: str, ifname: str | None) -> tuple[int, ...]:
        """The addresses of the set that a container holds."""
        numbers = self._by_container.get(container_id, ())
        if ifname is None or not numbers:
            return numbers
        return tuple(number for number in numbers if self._holders[number][1] == ifname)

    def _hold(self, number: int, holder: Holder) -> None:
        """Enter who holds an address of the set."""
        self._holders[number] = (holder.container_id, holder.ifname)
        self._by_container[holder.container_id] = (*self._by_container.get(holder.container_id, ()), number)

    def _keep(self, text: str, holder: Holder) -> None:
        """Enter a reservation that was found, wherever its address lies."""
        version, number = number_of(text)
        if self.range_set.index_of(version, number) is None or number in self._gateways:
            self._strays[text] = holder
        else:
            self._hold(number, holder)
