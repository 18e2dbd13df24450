"""From networks and containers to what Linux holds: the namespace of a Docker host, and that of a container.

Each container has a veth pair: one end is its ``eth0``, the other is plugged into the network's bridge on the host.  The bridge
has the gateway's address, so the host routes between networks, and its firewall decides what it routes.

An overlay network has a bridge on each host that has a container in it, and this bridge has a VXLAN interface for a port.
Nobody floods: the swarm's managers tell each engine who has which address and MAC address on which host, and the engine writes
that down, as FDB rows and as neighbours of the VXLAN interface, which answers ARP requests from these (ARP proxy).

What is simplified
- Docker keeps an overlay network's bridge and VXLAN interface in a namespace of their own; here they are in the host's.  The
  bridge has no address here, so that the host itself reaches no overlay network, as in truth.
- Packets between two ports of one bridge meet no iptables rules here (``net.bridge.bridge-nf-call-iptables`` is 0).  Where
  containers of one network may not talk to each other, a door at each port says so (:class:`Apart`).
- A MAC address follows from an id; Docker draws it at random on bridge networks, and makes it of the address on overlay ones.

Source: Docker Engine 29, libnetwork/drivers/bridge and libnetwork/drivers/overlay; run with `ip`, `bridge` on a Docker host.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from k8snet_course.docker.container import Container
from k8snet_course.docker.firewall import Firewall, apart
from k8snet_course.docker.lan import stand_in
from k8snet_course.docker.network import FOREIGN, OVERLAY_MTU, VXLAN_PORT, Endpoint, Network
from k8snet_course.docker.site import Site
from k8snet_course.linux.bridge import Fdb, FdbEntry
from k8snet_course.linux.carrier import with_carriers
from k8snet_course.linux.door import EGRESS, Door, Judgement
from k8snet_course.linux.link import End, Link, Tunnel, loopback, mac_from_text
from k8snet_course.linux.namespace import Learned, Listener, Namespace, bound
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.netfilter import NO_RULES, OUTPUT, Rules
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.route import Route, RouteTable, connected
from k8snet_course.linux.rule import Rule
from k8snet_course.linux.trace import Candidate, Told
from k8snet_course.programs import listeners_of

DNS_SERVER = "127.0.0.11"
"""Where a container of a user-defined network asks for names: the Docker daemon listens there, in the container's namespace."""
_DNS_CHAIN = "DOCKER_OUTPUT"


class _Written(Fdb):
    """What a tunnel knows whose every row somebody has written: packets teach it nothing."""

    __slots__ = ()

    def learn(self, mac: str, port: str, dst: str = "") -> bool:
        """Nothing is news."""
        return False


class HostNamespace(Namespace):
    """A host's namespace.  Of several VXLAN tunnels at one UDP port, the identifier says which one a packet came through."""

    __slots__ = ()

    def fdb(self, bridge: str) -> Fdb:
        """The forwarding database of a bridge; the engine has written down all that a VXLAN interface could learn."""
        return _Written(bridge) if any(link.name == bridge for link in self.tunnels) else super().fdb(bridge)

    def tunnel_for(self, packet: Packet) -> Link | None:
        """The tunnel with the packet's VNI."""
        found = super().tunnel_for(packet)
        if found is None:
            return None
        return next((link for link in self.tunnels if link.tunnel is not None
                     and packet.kind == f"{link.tunnel.kind} {link.tunnel.vni}"), None)


class ContainerNamespace(Namespace):
    """A container's namespace.  Every address of 127.0.0.0/8 is its own, as in every Linux; its DNS server has one of them."""

    __slots__ = ()

    def local_link(self, address: str) -> str | None:
        """The interface that has this address."""
        return "lo" if address.startswith("127.") else super().local_link(address)


@dataclass(frozen=True, slots=True)
class Apart:
    """The door at a container's cable where containers of one network may not talk to each other.

    It stands for the rule ``-A DOCKER-FORWARD -i br -o br -j DROP``, which bridged packets meet where Docker has turned
    ``bridge-nf-call-iptables`` on.
    """

    network: Network

    @property
    def made_of_rules(self) -> bool:
        """Docker itself sees to it that its rules see a bridge's packets."""
        return False

    def judge(self, direction: str, packet: Packet) -> Judgement | None:
        """No for what comes out of a container and goes to another one of the network."""
        near = packet.version == 4 and IPv4Address(packet.dst) in IPv4Network(self.network.subnet)
        if direction != EGRESS or not near or packet.dst == self.network.gateway:
            return None
        rule = str(apart(self.network))
        return Judgement(False, lambda: Told(
            f"the rule '{rule}' lets no container of the network {self.network.name} talk to another one of it",
            "filter FORWARD", (Candidate(rule, True, True, "decides"),), 0, rule))


# -- a host ------------------------------------------------------------------------------------------------------------


def host_namespace(site: Site, links: list[Link], routes: list[Route], learned: Learned) -> Namespace:
    """The namespace of a Docker host; ``links`` and ``routes`` are what it had before Docker came."""
    wires = [*links, *sorted((*_bridge_links(site), *_cables(site)), key=lambda link: link.index)]
    rows = [*routes, *(connected(net.link, f"{net.gateway}/{net.prefix_length}") for net in site.bridges)]
    programs = [row for container in site.containers if container.host_network for row in listeners_of(container)]
    listeners, refused = bound((*_proxies(site), *programs))
    doors: dict[str, Door] = {end.host_link: Apart(site.networks[end.network]) for container in site.containers
                              for end in container.endpoints if not site.networks[end.network].icc}
    wires, rows = with_carriers(wires, rows)
    return HostNamespace(site.host.name, "host", wires, RouteTable(rows), listeners=listeners, refused=refused, forwarding=True,
                         learned=learned, rules=Firewall.of(site).rules, doors=doors, fdb=_overlay_fdb(site),
                         neighbours=_overlay_neighbours(site))


def _proxies(site: Site) -> Iterator[Listener]:
    """docker-proxy: a program on each published port, for whom the DNAT rules miss (localhost, the container itself)."""
    if site.settings.userland_proxy:
        for _, _, binding in site.published():
            yield Listener(binding.protocol, binding.host_port, "docker-proxy", binding.host_ip)


def _bridge_links(site: Site) -> Iterator[Link]:
    for net in site.bridges:
        yield Link(net.link, "bridge", net.index, mac_from_text(f"{site.host.name} {net.link}"), net.mtu,
                   (f"{net.gateway}/{net.prefix_length}",))
    for net in site.overlays:
        at, behind = site.tunnels[net.name]
        yield Link(net.link, "bridge", at, mac_from_text(f"{site.host.name} {net.link}"), OVERLAY_MTU)
        yield Link(net.tunnel, "vxlan", behind, mac_from_text(f"{site.host.name} {net.tunnel}"), OVERLAY_MTU, master=net.link,
                   tunnel=Tunnel("VXLAN", site.host.ip, net.vni, VXLAN_PORT))


def _cables(site: Site) -> Iterator[Link]:
    """The host's ends of the containers' veth pairs.  Without the userland proxy their ports let frames turn round."""
    for container in site.containers:
        for end in container.endpoints:
            net = site.networks[end.network]
            yield Link(end.host_link, "veth", end.host_index, mac_from_text(f"{container.id} {end.host_link}"), net.mtu,
                       master=net.link, peer=End(container.key, end.link), peer_index=link_index(end.link),
                       hairpin=net.driver == FOREIGN or (net.bridged and not site.settings.userland_proxy))


def _overlay_fdb(site: Site) -> list[FdbEntry]:
    """On which host each remote container's MAC address is."""
    return [FdbEntry(end.mac, net.tunnel, "", site.addresses[container.node])
            for net in site.overlays for container, end in site.remote_ends(net)]


def _overlay_neighbours(site: Site) -> list[Neighbour]:
    """Which MAC address each remote container has: from these rows the VXLAN interface answers ARP requests."""
    return [Neighbour(end.ip, net.tunnel, end.mac, "PERMANENT") for net in site.overlays for _, end in site.remote_ends(net)]


# -- the ARP proxy of an overlay network ---------------------------------------------------------------------------------


def arp_proxies(site: Site) -> Iterator[tuple[str, str, Network, Container, Endpoint]]:
    """Who speaks for each remote container on a host: the name of the stand-in, and the address that it answers for."""
    for net in site.overlays:
        for container, end in site.remote_ends(net):
            yield f"{site.host.name} {net.tunnel} for {container.key}", end.ip, net, container, end


def arp_proxy(site: Site, name: str) -> Namespace | None:
    """The stand-in of this name: one interface with the remote container's addresses, plugged in at the tunnel.

    It has the written rows, so it learns nothing from the questions.
    """
    for of, _, net, container, end in arp_proxies(site):
        if of == name:
            link = Link(f"for {container.label}", "veth", 2, end.mac, OVERLAY_MTU, (end.interface,),
                        peer=End(site.host.name, net.tunnel))
            made = stand_in(name, f"{site.host.name} {net.tunnel}", [link], Learned())
            local = [own for each in site.containers if (own := each.endpoint(net.name)) is not None]
            made.neighbours.write_permanent(Neighbour(own.ip, link.name, own.mac, "PERMANENT") for own in local)
            return made
    return None


# -- a container ---------------------------------------------------------------------------------------------------------


def link_index(name: str) -> int:
    """The ifindex of a container's interface: eth0 comes after lo.

    >>> link_index("eth0"), link_index("eth1")
    (2, 3)
    """
    return 2 + int(name.removeprefix("eth"))


def container_namespace(site: Site, container: Container, learned: Learned) -> Namespace:
    """The namespace of a container that has one of its own, with the programs of those that share it."""
    links, routes = [loopback()], []
    for end in sorted(container.endpoints, key=lambda end: link_index(end.link)):
        net = site.networks[end.network]
        links.append(Link(end.link, "veth", link_index(end.link), end.mac, net.mtu, (end.interface,),
                          peer=End(container.node, end.host_link), peer_index=end.host_index))
        routes.append(connected(end.link, end.interface))
    way = site.gateway(container)
    if way is not None:
        routes.insert(0, Route("default", via=site.networks[way.network].gateway, dev=way.link))
    names = has_names(site, container)
    programs = [row for each in site.containers if each.key == container.key or each.shares == container.key
                for row in listeners_of(each)]
    listeners, refused = bound((*(dns_listeners(container) if names else ()), *programs))
    return ContainerNamespace(container.key, "container", links, RouteTable(routes), listeners=listeners, refused=refused,
                              learned=learned, rules=_dns_rules(container) if names else NO_RULES)


def has_names(site: Site, container: Container) -> bool:
    """Whether Docker's DNS server is in the container: with a user-defined network it is, with the default bridge alone not."""
    return any(site.networks[end.network].has_names for end in container.endpoints)


def dns_listeners(container: Container) -> tuple[Listener, Listener]:
    """The sockets of Docker's DNS server: at ports that nobody else needs, one of TCP and one of UDP."""
    tcp = 32768 + int(container.id[:6], 16) % 28231
    return (Listener("TCP", tcp, "dockerd (DNS)", DNS_SERVER), Listener("UDP", tcp + 1, "dockerd (DNS)", DNS_SERVER))


def _dns_rules(container: Container) -> Rules:
    """What leads port 53 of that server's address to its sockets.  Rules for the way back are left out: it is remembered."""
    rows = [Rule(OUTPUT, _DNS_CHAIN, dst=f"{DNS_SERVER}/32")]
    rows += [Rule(_DNS_CHAIN, "DNAT", dst=f"{DNS_SERVER}/32", protocol=row.protocol.lower(), dport=53,
                  to=f"{DNS_SERVER}:{row.port}") for row in dns_listeners(container)]
    return Rules(nat=rows)
