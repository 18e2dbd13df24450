"""What the engines of all hosts have decided: their networks, and who has which address in them.

The ledger hands out subnets, addresses, interface numbers and VXLAN identifiers, and takes them back.  It knows no packets and
no tables: a :class:`~k8snet_course.docker.site.Site` is what those get who write tables.

Source: Docker Engine 29, libnetwork (bridge and overlay drivers, their interfaces' names; VNIs begin at 4096, with the swarm's
own network ``ingress``, whose subnet is 10.0.0.0/24).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network

from k8snet_course.addressing import network as read_network
from k8snet_course.docker.container import Container, identifier
from k8snet_course.docker.lan import Host
from k8snet_course.docker.network import (
    BRIDGE,
    FOREIGN,
    GATEWAY_BRIDGE,
    HOST,
    NONE,
    OVERLAY,
    OVERLAY_MTU,
    Endpoint,
    Network,
    Options,
)
from k8snet_course.docker.pool import Pool, first_free, local_pools, swarm_pools
from k8snet_course.docker.site import Settings, Site
from k8snet_course.errors import AlreadyExists, CidrOverlap, InvalidArgument, NotFound
from k8snet_course.linux.link import mac_from_text
from k8snet_course.linux.rule import Rule
from k8snet_course.names import nearest

_INGRESS = IPv4Network("10.0.0.0/24")
_FIRST_VNI = 4097


@dataclass(slots=True)
class _Page:
    """One host's part of the ledger.  ``links`` is the ifindex of the interface that it made last."""

    networks: dict[str, Network] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    tunnels: dict[str, tuple[int, int]] = field(default_factory=dict)
    user_rules: list[Rule] = field(default_factory=list)
    links: int = 2

    def index(self) -> int:
        """The ifindex of the next interface."""
        self.links += 1
        return self.links


class Ledger:
    """The networks of some hosts that stand on one ``wire``.

    >>> ledger = Ledger({"docker-1": Host("docker-1", "192.168.1.20", "")}, IPv4Network("192.168.1.0/24"))
    >>> print(*(net.name for net in ledger.networks("docker-1").values()))
    bridge host none
    >>> print(ledger.attach(Container("web", "docker-1", ""), ledger.network("bridge", "docker-1")).endpoints[0].interface)
    172.17.0.2/16
    """

    def __init__(self, machines: Mapping[str, Host], wire: IPv4Network) -> None:
        self._machines = machines
        self._wire = wire
        self._overlays: dict[str, Network] = {}
        self._overlay_pools: dict[str, Pool] = {}
        self._pages = {name: _Page() for name in machines}
        for name, page in self._pages.items():
            self.add_bridge(name, BRIDGE, Options(bridge="docker0"))
            for alone in (HOST, NONE):
                page.networks[alone] = Network(alone, identifier("network", name, alone), alone, host=name)

    # -- what there is -------------------------------------------------------------------------------------------------

    def networks(self, host: str) -> dict[str, Network]:
        """The networks that a host knows, its own first."""
        return {**self._pages[host].networks, **self._overlays}

    def network(self, name: str, host: str) -> Network:
        """One of them.  Raises NotFound."""
        known = self.networks(host)
        if name not in known:
            raise NotFound(name, f"a network: {', '.join(known)}", f"write '{nearest(name, known)}'")
        return known[name]

    def user_rules(self, host: str) -> list[Rule]:
        """An administrator's rules on a host."""
        return self._pages[host].user_rules

    def site(self, host: str, containers: Iterable[Container], settings: Settings) -> Site:
        """One host with its networks and containers, for those who write its tables."""
        page, every = self._pages[host], tuple(containers)
        addresses = {name: each.ip for name, each in self._machines.items()}
        return Site(self._machines[host], self.networks(host), tuple(each for each in every if each.node == host),
                    tuple(each for each in every if each.node != host), addresses, page.tunnels, tuple(page.user_rules),
                    settings)

    # -- networks ------------------------------------------------------------------------------------------------------

    def add_bridge(self, host: str, name: str, options: Options, subnet: str | None = None, *, internal: bool = False,
                   driver: str = BRIDGE) -> Network:
        """A new bridge on one host.  Raises AlreadyExists, InvalidCidr, InvalidArgument, CidrOverlap or AddressesExhausted."""
        page = self._pages[host]
        self._must_be_new(name, [host])
        used = [self._wire, *self._subnets(host)]
        chosen = _subnet(subnet, used) if subnet is not None else first_free(local_pools(), used)
        known = identifier("network", host, name, page.links)
        bridge = options.bridge or f"br-{known[:12]}"
        if bridge in ("lo", "eth0") or any(net.link == bridge for net in page.networks.values()):
            raise AlreadyExists(bridge, "a name that no other interface of the host has", "choose another name")
        pool = Pool(chosen)
        net = Network(name, known, driver, str(chosen), pool.gateway, host, bridge, page.index(), options.mtu or 1500,
                      internal, options.icc)
        page.networks[name], page.pools[name] = net, pool
        return net

    def add_overlay(self, name: str, subnet: str | None = None) -> Network:
        """A new network over all hosts.  Raises what add_bridge does."""
        self._must_be_new(name, self._pages)
        used = [_INGRESS, self._wire, *(each for host in self._pages for each in self._subnets(host))]
        chosen = _subnet(subnet, used) if subnet is not None else first_free(swarm_pools(), used)
        for host, page in self._pages.items():
            if GATEWAY_BRIDGE not in page.networks:
                self.add_bridge(host, GATEWAY_BRIDGE, Options(bridge=GATEWAY_BRIDGE, icc=False))
        vnis = {net.vni for net in self._overlays.values()}
        vni = next(number for number in range(_FIRST_VNI, _FIRST_VNI + len(vnis) + 1) if number not in vnis)
        known = identifier("network", "swarm", name, vni)
        net = Network(name, known, OVERLAY, str(chosen), str(chosen[1]), link=f"ov-{vni:06x}-{known[:5]}", mtu=OVERLAY_MTU,
                      vni=vni)
        self._overlays[name], self._overlay_pools[name] = net, Pool(chosen, serial=True)
        return net

    def remove(self, net: Network) -> None:
        """A network is gone."""
        if net.driver == OVERLAY:
            del self._overlays[net.name], self._overlay_pools[net.name]
        else:
            del self._pages[net.host].networks[net.name], self._pages[net.host].pools[net.name]

    # -- places in them --------------------------------------------------------------------------------------------------

    def attach(self, container: Container, net: Network, aliases: tuple[str, ...] = ()) -> Container:
        """The container with one more place.  Raises AddressesExhausted, and then nothing has changed."""
        page = self._pages[container.node]
        ip = self._pool(container.node, net.name).take()
        mac = mac_from_text(f"{container.id} {net.id}")
        if net.driver == OVERLAY:
            mac = "02:42:" + IPv4Address(ip).packed.hex(":")
            if net.name not in page.tunnels:
                page.tunnels[net.name] = (page.index(), page.index())
        used = {end.link for end in container.endpoints}
        link = next(name for number in range(len(used) + 1) if (name := f"eth{number}") not in used)
        end = Endpoint(net.name, link, ip, net.prefix_length, mac, f"veth{identifier(container.id, net.id)[:7]}", page.index(),
                       aliases)
        return replace(container, endpoints=(*container.endpoints, end))

    def detach(self, container: Container, end: Endpoint) -> Container:
        """The container without that place; its address is free."""
        self._pool(container.node, end.network).give_back(end.ip)
        return replace(container, endpoints=tuple(each for each in container.endpoints if each != end))

    def needs_way_out(self, container: Container) -> bool:
        """Whether it has to be on docker_gwbridge: it is on an overlay network, and on none that leads out by itself."""
        nets = [self.network(end.network, container.node) for end in container.endpoints if end.network != GATEWAY_BRIDGE]
        return any(net.driver == OVERLAY for net in nets) and not any(net.leads_out for net in nets)

    def drop_tunnels(self, host: str, containers: Iterable[Container]) -> None:
        """An overlay network's interfaces go from a host with its last container there."""
        used = {end.network for each in containers if each.node == host for end in each.endpoints}
        page = self._pages[host]
        for name in [name for name in page.tunnels if name not in used]:
            del page.tunnels[name]

    # -- its own -------------------------------------------------------------------------------------------------------

    def _subnets(self, host: str) -> list[IPv4Network]:
        return [IPv4Network(net.subnet) for net in self.networks(host).values() if net.subnet]

    def _must_be_new(self, name: str, hosts: Iterable[str]) -> None:
        if any(name in self.networks(host) for host in hosts):
            raise AlreadyExists(name, "a name that no other network of the host has", "choose another name")

    def _pool(self, host: str, network: str) -> Pool:
        return self._overlay_pools[network] if network in self._overlays else self._pages[host].pools[network]


def foreign(ledger: Ledger, host: str, name: str, subnet: str) -> Network:
    """A bridge on a host that another program than Docker makes.  Raises what ``add_bridge`` does."""
    return ledger.add_bridge(host, name, Options.read({"com.docker.network.bridge.name": name}), subnet, driver=FOREIGN)


def _subnet(text: str, used: Iterable[IPv4Network]) -> IPv4Network:
    """A subnet that somebody chose.  Raises InvalidCidr, CidrOverlap or InvalidArgument."""
    chosen = read_network(text, "subnet")
    if not isinstance(chosen, IPv4Network) or chosen.prefixlen > 30:
        raise InvalidArgument(text, "an IPv4 subnet with room for a gateway and containers (/30 or larger)",
                              "write subnet='172.18.0.0/16'")
    taken = next((other for other in used if chosen.overlaps(other)), None)
    if taken is not None:
        raise CidrOverlap(text, f"a subnet that does not overlap {taken}, which is in use", "choose another subnet")
    return chosen
