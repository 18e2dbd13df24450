"""One Docker host, as those see it who write its tables: its networks, its containers, and how its engine is set up.

It is a view, made anew whenever something has changed; it decides one thing only, by which network a container reaches the
world.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from k8snet_course.docker.container import Container, PortBinding
from k8snet_course.docker.lan import Host
from k8snet_course.docker.network import OVERLAY, Endpoint, Network
from k8snet_course.linux.rule import Rule


@dataclass(frozen=True, slots=True)
class Settings:
    """How the engines are configured: the daemon's ``userland-proxy``, and the policy that it gives the chain FORWARD.

    Docker sets the policy to DROP when it is the one that turns ``net.ipv4.ip_forward`` on, and leaves it alone otherwise.
    """

    userland_proxy: bool = True
    forward_policy: str = "DROP"


@dataclass(frozen=True, slots=True)
class Site:
    """A host with the networks that it knows (by name, in the order in which they were made) and its containers.

    ``addresses`` are those of all hosts, by name.  ``tunnels`` are the ifindexes of the bridge and the VXLAN interface of each
    overlay network that is in use here; ``remote`` are the containers of the other hosts; ``user_rules`` are what an
    administrator wrote into the chain DOCKER-USER.
    """

    host: Host
    networks: Mapping[str, Network]
    containers: tuple[Container, ...]
    remote: tuple[Container, ...]
    addresses: Mapping[str, str]
    tunnels: Mapping[str, tuple[int, int]]
    user_rules: tuple[Rule, ...]
    settings: Settings

    @property
    def bridges(self) -> tuple[Network, ...]:
        """The networks that are a bridge on this host alone."""
        return tuple(net for net in self.networks.values() if net.link and net.driver != OVERLAY)

    @property
    def overlays(self) -> tuple[Network, ...]:
        """The overlay networks with a container here."""
        return tuple(net for name, net in self.networks.items() if name in self.tunnels)

    def gateway(self, container: Container) -> Endpoint | None:
        """Where a container's default route leads: of the networks that lead out, the first one by name; None without one.

        Source: Docker Engine documentation, "Networking overview" (without priorities the names decide).
        """
        ways = [end for end in container.endpoints if self.networks[end.network].leads_out]
        return min(ways, key=lambda end: end.network) if ways else None

    def published(self) -> Iterator[tuple[Container, Endpoint, PortBinding]]:
        """Every published port, with the place in a network that its packets are sent to."""
        for container in self.containers:
            end = self.gateway(container)
            if end is not None:
                yield from ((container, end, binding) for binding in container.published)

    def remote_ends(self, network: Network) -> Iterator[tuple[Container, Endpoint]]:
        """The places of other hosts' containers in an overlay network."""
        for container in self.remote:
            end = container.endpoint(network.name)
            if end is not None:
                yield container, end
