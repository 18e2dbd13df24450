"""The netfilter rules that Docker Engine writes on its host, and what `iptables-save` prints of them.

Docker Engine 29, with its iptables backend (it has one of nftables too, which is still called experimental):

==========================  ==============================================================================================
chain                       what it is for
==========================  ==============================================================================================
nat DOCKER                  from a published port of the host to the container (DNAT)
nat POSTROUTING             what leaves a network gets the host's address (MASQUERADE)
filter DOCKER-USER          the administrator's own rules; Docker only calls it
filter DOCKER-FORWARD       calls DOCKER-CT (answers pass), DOCKER-INTERNAL (networks that lead nowhere) and DOCKER-BRIDGE, and
                            lets pass what comes from a network
filter DOCKER-BRIDGE        for each network: what goes into it is asked in DOCKER
filter DOCKER               published ports pass, everything else from outside the network is dropped
raw PREROUTING              nobody outside a network sends to its containers' own addresses
==========================  ==============================================================================================

Until Docker Engine 28 networks of one host were kept apart by the chains DOCKER-ISOLATION-STAGE-1 and -STAGE-2; since 29 the
rules in ``raw`` and in DOCKER do that.

Here the ``raw`` rules are read with those of ``nat``, at the head of PREROUTING: the model has no table ``raw``, and no rule of
Docker's stands between the two.  The swarm's routing mesh (the network ``ingress``) is not modelled.

Source: moby, libnetwork/drivers/bridge/internal/iptabler and integration/network/bridge/iptablesdoc (generated rule lists).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from k8snet_course.docker.container import EVERYWHERE, identifier
from k8snet_course.docker.network import FOREIGN, Network
from k8snet_course.docker.site import Site
from k8snet_course.linux.netfilter import FORWARD, OUTPUT, POSTROUTING, PREROUTING, Row, Rules, Seen
from k8snet_course.linux.rule import Rule

DOCKER, USER, MAIN, BRIDGES, TRACKED, INTERNAL = (
    "DOCKER", "DOCKER-USER", "DOCKER-FORWARD", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-INTERNAL")
_LOOPBACK = "127.0.0.0/8"


@dataclass(frozen=True, slots=True)
class Policy:
    """A built-in chain's policy, as the row that is read when no rule has decided.

    >>> print(Policy(FORWARD, "DROP"))
    -P FORWARD DROP
    """

    chooses: ClassVar[bool] = False

    chain: str
    target: str
    to: str = ""
    src: str = ""
    dst: str = ""
    dport: int = 0
    probability: str = ""
    recent: str = ""
    recent_seconds: int = 0
    comment: str = ""
    verdict: str = ""
    goto: bool = False

    @property
    def shares(self) -> int:
        """None: nothing is drawn."""
        return 0

    def missed(self, seen: Seen, mark: int) -> str:
        """Nothing: a policy is for every packet."""
        return ""

    def pick(self, seen: Seen, luck: float) -> tuple[Row | None, tuple[tuple[str, str], ...]]:
        """Itself."""
        return self, ()

    def __str__(self) -> str:
        return f"-P {self.chain} {self.target}"


@dataclass(frozen=True, slots=True)
class Firewall:
    """The rules of one host, by table."""

    raw: tuple[Rule, ...]
    nat: tuple[Rule, ...]
    filters: tuple[Row, ...]

    @classmethod
    def of(cls, site: Site) -> Firewall:
        """The rules that follow from a host's networks and containers."""
        return cls(tuple(_raw(site)), tuple(_nat(site)), tuple(_filter(site)))

    @property
    def rules(self) -> Rules:
        """The rules as packets meet them."""
        return Rules(nat=[*self.raw, *self.nat], filters=self.filters)

    def text(self) -> str:
        """What `iptables-save` prints, with all counters at 0; `iptables-restore` takes it."""
        policies = {row.chain: row.target for row in self.filters if isinstance(row, Policy)}
        return "\n".join((
            _table("raw", ("PREROUTING", "OUTPUT"), (), self.raw, {}),
            _table("filter", ("INPUT", FORWARD, "OUTPUT"), (BRIDGES, DOCKER, INTERNAL, MAIN, TRACKED, USER), self.filters,
                   policies),
            _table("nat", (PREROUTING, "INPUT", OUTPUT, POSTROUTING), (DOCKER,), self.nat, {})))


def _table(name: str, builtin: Sequence[str], own: Iterable[str], rows: Iterable[Row], policies: dict[str, str]) -> str:
    rules = [row for row in rows if not isinstance(row, Policy)]
    chains = [*builtin, *sorted({*own, *(row.chain for row in rules)} - {*builtin})]
    lines = [f"*{name}", *(f":{chain} {policies.get(chain, 'ACCEPT') if chain in builtin else '-'} [0:0]" for chain in chains)]
    lines += [str(row) for chain in chains for row in rules if row.chain == chain]
    return "\n".join((*lines, "COMMIT"))


def _raw(site: Site) -> Iterable[Rule]:
    """Nobody but the network itself sends to a container's address, nor anybody but the host to a port on its loopback."""
    for container in site.containers:
        for end in container.endpoints:
            net = site.networks[end.network]
            if net.bridged and not net.internal:
                yield Rule(PREROUTING, "DROP", dst=f"{end.ip}/32", in_link=f"!{net.link}")
        if site.gateway(container) is None:
            continue
        for binding in container.published:
            if binding.host_ip.startswith("127."):
                yield Rule(PREROUTING, "DROP", dst=f"{binding.host_ip}/32", protocol=binding.protocol.lower(),
                           dport=binding.host_port, in_link="!lo")


def _nat(site: Site) -> Iterable[Rule]:
    proxy = site.settings.userland_proxy
    yield Rule(PREROUTING, DOCKER, dst_type="LOCAL")
    yield Rule(OUTPUT, DOCKER, dst=f"!{_LOOPBACK}" if proxy else "", dst_type="LOCAL")
    for net in reversed(site.bridges):  # each network's rules are inserted before those of the older ones
        if net.bridged and not net.internal:
            if not proxy:
                yield Rule(POSTROUTING, "MASQUERADE", src_type="LOCAL", out_link=net.link)
            yield Rule(POSTROUTING, "MASQUERADE", src=net.subnet, out_link=f"!{net.link}")
    for _, end, binding in site.published():
        if proxy:
            break
        yield Rule(POSTROUTING, "MASQUERADE", src=f"{end.ip}/32", dst=f"{end.ip}/32", protocol=binding.protocol.lower(),
                   dport=binding.container_port)
    for _, end, binding in site.published():
        yield Rule(DOCKER, "DNAT", dst=f"{binding.host_ip}/32" if binding.host_ip != EVERYWHERE else "",
                   in_link=f"!{site.networks[end.network].link}" if proxy else "", protocol=binding.protocol.lower(),
                   dport=binding.host_port, to=f"{end.ip}:{binding.container_port}")
    for net in site.bridges:
        if net.driver == FOREIGN:
            yield from _foreign(site, net)


def _foreign(site: Site, net: Network) -> Iterable[Rule]:
    """What the CNI bridge plugin's ``ipMasq`` writes for each pod of its bridge."""
    for container in site.containers:
        end = container.endpoint(net.name)
        if end is not None:
            chain = f"CNI-{identifier(net.name, container.id)[:24]}"
            yield Rule(POSTROUTING, chain, src=f"{end.ip}/32")
            yield Rule(chain, "ACCEPT", dst=net.subnet)
            yield Rule(chain, "MASQUERADE", dst="!224.0.0.0/4")


def _filter(site: Site) -> Iterable[Row]:
    yield Rule(FORWARD, USER)
    yield Rule(FORWARD, MAIN)
    yield from site.user_rules
    yield Rule(MAIN, TRACKED)
    yield Rule(MAIN, INTERNAL)
    yield Rule(MAIN, BRIDGES)
    docker = [net for net in site.bridges if net.bridged]
    for net in docker:
        yield from _of_network(net)
    for net in reversed(docker):
        if net.internal:  # these too are inserted, each before the one before
            yield Rule(INTERNAL, "DROP", src=f"!{net.subnet}", out_link=net.link)
            yield Rule(INTERNAL, "DROP", dst=f"!{net.subnet}", in_link=net.link)
    for _, end, binding in reversed(list(site.published())):
        link = site.networks[end.network].link
        yield Rule(DOCKER, "ACCEPT", dst=f"{end.ip}/32", in_link=f"!{link}", out_link=link, protocol=binding.protocol.lower(),
                   dport=binding.container_port)
    for net in docker:
        if not net.internal:
            yield Rule(DOCKER, "DROP", in_link=f"!{net.link}", out_link=net.link)
    if site.settings.forward_policy == "DROP":
        yield Policy(FORWARD, "DROP")


def _of_network(net: Network) -> Iterable[Rule]:
    """A network's rows in the chains that call DOCKER or come before and after it."""
    link = net.link
    if net.internal:
        yield Rule(MAIN, "ACCEPT" if net.icc else "DROP", in_link=link, out_link=link)
        return
    yield Rule(TRACKED, "ACCEPT", out_link=link, ctstate="RELATED,ESTABLISHED")
    yield Rule(BRIDGES, DOCKER, out_link=link)
    if net.icc:
        yield Rule(MAIN, "ACCEPT", in_link=link)
        return
    yield apart(net)
    yield Rule(MAIN, "ACCEPT", in_link=link, out_link=f"!{link}")


def apart(net: Network) -> Rule:
    """The rule that keeps the containers of a network without inter-container communication apart.

    >>> print(apart(Network("app", "", "bridge", link="br-1", icc=False)))
    -A DOCKER-FORWARD -i br-1 -o br-1 -j DROP
    """
    return Rule(MAIN, "DROP", in_link=net.link, out_link=net.link)
