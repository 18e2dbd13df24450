"""A virtual server of IPVS: an address and a port, and a scheduler that chooses among the real servers behind them.

It stands in the pseudo table IPVS of a node's rules.  What a scheduler looks at is in
:mod:`k8snet_course.services.kube_proxy.schedulers`.

Source: Linux, net/netfilter/ipvs/ip_vs_core.c; ipvsadm(8).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from k8snet_course.linux.rule import Rule, Seen
from k8snet_course.linux.trace import Verdict
from k8snet_course.services.kube_proxy.schedulers import Server, schedule


@dataclass(frozen=True, slots=True)
class VirtualServer(Rule):
    """A Service's address and port, with the real servers and the scheduler.  ``persistent`` is in seconds (0: not at all).

    For a node port ``dst`` is empty and ``dst_type`` LOCAL: then it stands for one virtual server at each address of the node.

        >>> print(VirtualServer("IPVS", "", dst="10.96.0.20/32", protocol="tcp", dport=80, scheduler="rr"))
        TCP  10.96.0.20:80 rr
    """

    chooses: ClassVar[bool] = True

    scheduler: str = "rr"
    servers: tuple[str, ...] = ()
    persistent: int = 0

    def key_at(self, address: str = "") -> str:
        """By what the node remembers its connections; a node port has some for each of the node's addresses.

        >>> VirtualServer("IPVS", "", dst_type="LOCAL", protocol="tcp", dport=30080).key_at("192.168.1.2")
        'TCP 192.168.1.2:30080'
        """
        return f"{self.protocol.upper()} {self.dst.partition('/')[0] or address}:{self.dport}"

    def at(self, address: str = "") -> str:
        """Address and port, for a node port at one of the node's addresses.

        >>> VirtualServer("IPVS", "", dst_type="LOCAL", protocol="tcp", dport=30080).at("fd00::2")
        '[fd00::2]:30080'
        """
        address = self.dst.partition("/")[0] or address
        return f"[{address}]:{self.dport}" if ":" in address else f"{address}:{self.dport}"

    def line(self, address: str = "") -> str:
        """The virtual server's line of `ipvsadm -Ln`."""
        return f"{self.protocol.upper():<4} {self.at(address)} {self.scheduler}" + (
            f" persistent {self.persistent}" if self.persistent else "")

    def commands(self, address: str = "") -> tuple[str, ...]:
        """What `ipvsadm -R` reads to make it, with its real servers, all of weight 1.

        >>> web = VirtualServer("IPVS", "", dst="10.96.0.20/32", protocol="udp", dport=53, servers=("10.244.0.2:53",))
        >>> print(*web.commands(), sep="\\n")
        -A -u 10.96.0.20:53 -s rr
        -a -u 10.96.0.20:53 -r 10.244.0.2:53 -m -w 1
        """
        where = f"{_LETTERS[self.protocol]} {self.at(address)}"
        held = f" -p {self.persistent}" if self.persistent else ""
        return (f"-A {where} -s {self.scheduler}{held}",
                *(f"-a {where} -r {name} -m -w 1" for name in self.servers))

    def __str__(self) -> str:
        return self.line("LOCAL")

    def pick(self, seen: Seen, luck: float) -> tuple[Rule | None, tuple[tuple[str, str], ...]]:
        """The real server: the client's last one where that is wanted, else what the scheduler says."""
        memory, client, key = seen.memory, seen.packet.src, self.key_at(seen.packet.dst)
        name = ""
        if self.persistent and memory is not None:
            mine = {each.removeprefix(f"{key} ") for each in memory.lists_of(client)
                    if each.startswith(f"{key} ") and memory.has(each, client, self.persistent)}
            name = next((name for name in self.servers if name in mine), "") if mine else ""
        scheduled = not name
        if scheduled:
            name = self.scheduled(seen, luck)
        if not name:
            return Rule(self.chain, "REJECT", to="icmp-port-unreachable", verdict=Verdict.NO_ENDPOINTS,
                        comment=f"{key} has no real server"), ()
        remember = ((key, name), *(((f"{key} {name}", client),) if self.persistent else ()),
                    *(((_turns(key), name),) if scheduled else ()))
        return _real(self.chain, name), remember

    def scheduled(self, seen: Seen, luck: float) -> str:
        """The server that the scheduler takes, by the connections that the node remembers; empty if there is none.

        IPVS puts each new server before the others, so a scheduler meets the one first that was added last.  A node that
        remembers nothing draws whose turn it is.
        """
        memory, packet, key = seen.memory, seen.packet, self.key_at(seen.packet.dst)
        turn = memory.total(_turns(key)) if memory is not None else int(luck * len(self.servers))
        if self.scheduler in _BY_TURNS and self.servers:
            return self.servers[-1 - turn % len(self.servers)]  # all have the weight 1, so there is nothing to look at
        servers = tuple(Server(name, active=memory.open(key, name) if memory is not None else 0)
                        for name in reversed(self.servers))
        last = memory.latest(key) if memory is not None else ""
        found = schedule(self.scheduler, servers, turn, packet.src, packet.dst, last)
        return found.name if found is not None else ""


@lru_cache(maxsize=4096)
def _real(chain: str, name: str) -> RealServer:
    return RealServer(chain, "DNAT", to=name)


def _turns(key: str) -> str:
    """The list of those connections for which the scheduler was asked: not of clients that stay with their server."""
    return f"turns of {key}"


_BY_TURNS = ("rr", "wrr")
_LETTERS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
"""How `ipvsadm` spells protocols."""


@dataclass(frozen=True, slots=True)
class RealServer(Rule):
    """A server behind a virtual one; packets to it are masqueraded by IPVS, that is, their destination is rewritten.

    >>> print(RealServer("IPVS", "DNAT", to="10.244.0.2:8080"))
      -> 10.244.0.2:8080              Masq
    """

    def __str__(self) -> str:
        return f"  -> {self.to:<28} Masq"
