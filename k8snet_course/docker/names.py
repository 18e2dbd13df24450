"""Which names a container can use: Docker's own DNS server on user-defined networks, and none on the default bridge.

On a network that a user made, Docker answers at 127.0.0.11 inside the container: a container's name, its short id and its
aliases on that network lead to its address there.  What Docker does not know it asks the host's own server.  A container that
is on the default bridge alone has a copy of the host's resolv.conf, and the host's server knows no containers.

A Kubernetes Service is another thing: its name stands for several pods and outlives them.  Here a name is a container's own.

The question reaches the server without a packet in this module; that 127.0.0.11 is reached from inside the container can be
seen by sending one (UDP port 53).  Reverse lookups are not modelled.

Source: Docker Engine 29 documentation, "Networking overview", DNS services; libnetwork/resolver.go (a TTL of 600 seconds).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from k8snet_course.dns.records import Answer, Rcode, Record
from k8snet_course.docker.container import Container
from k8snet_course.docker.site import Site
from k8snet_course.docker.wiring import DNS_SERVER, has_names

TTL = 600
"""How many seconds Docker lets an answer be kept."""


def resolv_conf(site: Site, container: Container, upstream: str) -> str:
    """The file /etc/resolv.conf in a container; ``upstream`` is the host's own DNS server."""
    if has_names(site, container):
        return f"nameserver {DNS_SERVER}\noptions ndots:0\n"
    return f"nameserver {upstream}\n"


def lookup(site: Site, container: Container, name: str, outside: Mapping[str, tuple[str, ...]]) -> Answer:
    """The A records of a name, as a program in the container gets them.  ``outside`` is what the host's server knows."""
    wanted = name.rstrip(".").lower()
    named = has_names(site, container)
    if named:
        found = next(_known(site, container, wanted), None)
        if found is not None:
            network, address = found
            return _answer(name, (address,), f"{DNS_SERVER} knows {wanted} on the network {network}")
    if wanted in outside:
        return _answer(name, outside[wanted], "the host's DNS server knows it")
    other = next((each for each in (*site.containers, *site.remote) if each.name.lower() == wanted), None)
    if other is None:
        why = f"no container is called {wanted}, and the host's DNS server does not know it either"
    elif not named:
        why = _without_names(container, wanted)
    else:
        mine = ", ".join(end.network for end in container.endpoints if site.networks[end.network].has_names)
        why = f"{wanted} is on no network that {container.label} has names from ({mine})"
    return Answer(Rcode.NXDOMAIN, why=why)


def _known(site: Site, container: Container, wanted: str) -> Iterator[tuple[str, str]]:
    """The networks that know the name, each with the address there; the container's own networks in order."""
    for mine in container.endpoints:
        if not site.networks[mine.network].has_names:
            continue
        for other in (*site.containers, *site.remote):
            end = other.endpoint(mine.network)
            if end is not None and wanted in (other.name.lower(), other.short_id, *(alias.lower() for alias in end.aliases)):
                yield mine.network, end.ip


def _without_names(container: Container, wanted: str) -> str:
    if container.host_network:
        return f"{container.label} uses its host's network and asks the host's DNS server, which knows no containers"
    if not container.endpoints:
        return f"{container.label} has no network"
    return (f"{container.label} is on the default bridge alone, where containers have no names; on a network of your own "
            f"{wanted} would have one")


def _answer(name: str, addresses: tuple[str, ...], why: str) -> Answer:
    full = name if name.endswith(".") else f"{name}."
    return Answer(Rcode.NOERROR, tuple(Record(full, "A", TTL, address) for address in addresses), why=why)
