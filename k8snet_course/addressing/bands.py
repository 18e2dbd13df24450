"""A run of numbers in two bands: the lower is left to people, the upper is drawn from at random.

Service addresses and node ports are both handed out this way, so that a number that somebody chose is seldom taken
already.  The numbers here are positions, 0 to size-1; what they stand for, and what errors say, is for the callers
:mod:`k8snet_course.addressing.service_ips` and :mod:`k8snet_course.addressing.node_ports`.

Source: KEP-3070 and KEP-3668 (reserved ranges for static allocation); Kubernetes, ipallocator and portallocator.
"""

from __future__ import annotations

from random import Random


def offset_for(size: int, share: int, most: int) -> int:
    """The size of the lower band: min(max(16, size / share), most), and 0 when there are no more than 16 numbers.

    Source: KEP-3070 (Service addresses: share 16, at most 256); KEP-3668 (node ports: share 32, at most 128).

        >>> [offset_for(size, 16, 256) for size in (16, 32, 256, 1024, 65536)]
        [0, 16, 16, 64, 256]
        >>> offset_for(2768, 32, 128)
        86
    """
    return 0 if size <= 16 else min(max(16, size // share), most)


class Bands:
    """Which of ``size`` positions are taken; those below ``offset`` are drawn only when all others are taken.

        >>> bands = Bands(20, 16)
        >>> drawn = [bands.draw(Random(0)) for _ in range(4)]
        >>> sorted(drawn)
        [16, 17, 18, 19]
        >>> bands.draw(Random(0)) < 16
        True
    """

    __slots__ = ("_lower_used", "offset", "size", "taken")

    def __init__(self, size: int, offset: int) -> None:
        self.size = size
        self.offset = offset
        self.taken: set[int] = set()
        self._lower_used = 0

    def draw(self, random: Random) -> int | None:
        """Take a position: the first free one from a random start upwards, in the upper band first; None when full."""
        for low, high, used in ((self.offset, self.size, len(self.taken) - self._lower_used),
                                (0, self.offset, self._lower_used)):
            if used < high - low:
                position = random.randrange(low, high)
                while position in self.taken:
                    position = position + 1 if position + 1 < high else low
                self.take(position)
                return position
        return None

    def take(self, position: int) -> bool:
        """Take this very position; False when it is taken."""
        if position in self.taken:
            return False
        self.taken.add(position)
        self._lower_used += position < self.offset
        return True

    def give_back(self, position: int) -> None:
        """Free a position; freeing a free one changes nothing."""
        if position in self.taken:
            self.taken.remove(position)
            self._lower_used -= position < self.offset

    def copy(self) -> Bands:
        """The same positions taken, in an object of its own."""
        twin = Bands(self.size, self.offset)
        twin.taken, twin._lower_used = set(self.taken), self._lower_used
        return twin
